#include "stats.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

/* Far more than one row for every function of the driver API takes. */
#define STATS_MAX_BYTES (4 << 20)

static int create_temporary(struct stats_file *file)
{
	const char *folder = getenv("TMPDIR");
	int length =
	    snprintf(file->path, sizeof(file->path), "%s/cricket-stats.XXXXXX", folder && *folder ? folder : "/tmp");
	int fd = length < (int)sizeof(file->path) ? mkstemp(file->path) : -1;

	if (fd < 0)
		return cli_fail(CLI_FAILED, "cannot create a file for the statistics (%s): %s; set TMPDIR", file->path,
				strerror(errno));
	close(fd);
	file->temporary = true;
	if (setenv("CRICKET_STATS", file->path, 1) == 0)
		return CLI_OK;
	stats_close(file);
	return cli_fail(CLI_FAILED, "cannot set CRICKET_STATS: %s", strerror(errno));
}

int stats_open(struct stats_file *file)
{
	const char *named = getenv("CRICKET_STATS");

	file->temporary = false;
	if (!named || !*named)
		return create_temporary(file);
	if (snprintf(file->path, sizeof(file->path), "%s", named) < (int)sizeof(file->path))
		return CLI_OK;
	return cli_fail(CLI_FAILED, "the path in CRICKET_STATS is too long");
}

void stats_close(const struct stats_file *file)
{
	if (file->temporary)
		unlink(file->path);
}

/* The file's text, to be freed; NULL if it cannot be read or is absurdly large. */
static char *read_text(const char *path)
{
	FILE *stream = fopen(path, "re");
	struct stat status;
	char *text = NULL;

	if (!stream)
		return NULL;
	if (fstat(fileno(stream), &status) == 0 && status.st_size <= STATS_MAX_BYTES)
		text = calloc(1, (size_t)status.st_size + 1);
	if (text && fread(text, 1, (size_t)status.st_size, stream) != (size_t)status.st_size) {
		free(text);
		text = NULL;
	}
	fclose(stream);
	return text;
}

/* A number below `object`; 0 where it is missing, as for a program without such calls. */
static double number(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void show_totals(const cJSON *stats)
{
	const cJSON *calls = cJSON_GetObjectItemCaseSensitive(stats, "calls");
	const cJSON *bytes = cJSON_GetObjectItemCaseSensitive(stats, "bytes");

	fprintf(stderr, "cricket: calls: %.0f async, %.0f deferred, %.0f sync, %.0f local\n", number(calls, "async"),
		number(calls, "deferred"), number(calls, "sync"), number(calls, "local"));
	fprintf(stderr, "cricket: bytes: %.0f sent, %.0f received; waited %.6f s for the server\n",
		number(bytes, "sent"), number(bytes, "received"), number(stats, "wait_seconds"));
}

/* Most frequent first; cJSON's list is copied into an array for qsort. */
static int by_calls(const void *a, const void *b)
{
	double left = number(*(cJSON *const *)a, "calls"), right = number(*(cJSON *const *)b, "calls");

	return (left < right) - (left > right);
}

static void show_functions(const cJSON *functions)
{
	int count = cJSON_GetArraySize(functions), filled = 0;
	const cJSON **rows = calloc((size_t)count + 1, sizeof(*rows));
	const cJSON *item;

	if (!rows)
		return;
	cJSON_ArrayForEach(item, functions) rows[filled++] = item;
	qsort(rows, (size_t)filled, sizeof(*rows), by_calls);
	for (int i = 0; i < filled; i++) {
		const cJSON *kind = cJSON_GetObjectItemCaseSensitive(rows[i], "class");
		fprintf(stderr, "cricket:   %-40s %-8s %10.0f\n", rows[i]->string,
			cJSON_IsString(kind) ? kind->valuestring : "?", number(rows[i], "calls"));
	}
	free(rows);
}

void stats_show(const struct stats_file *file, const char *program)
{
	char *text = read_text(file->path);
	cJSON *stats = text && *text ? cJSON_Parse(text) : NULL;

	if (cJSON_IsObject(stats)) {
		show_totals(stats);
		show_functions(cJSON_GetObjectItemCaseSensitive(stats, "functions"));
	} else if (text && *text) {
		cli_fail(CLI_FAILED, "the statistics in %s are damaged", file->path);
	} else {
		cli_fail(CLI_FAILED, "'%s' left no statistics: it made no CUDA call, or ended without exit()", program);
	}
	cJSON_Delete(stats);
	free(text);
}
