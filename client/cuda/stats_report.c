/* CRICKET_STATS: the counters as JSON when the process ends. */
#include <inttypes.h>
#include <stdio.h>

#include "settings.h"
#include "stats.h"

static const char *const class_names[CU_CLASS_COUNT] = {"async", "deferred", "sync", "local"};

static void write_totals(FILE *file)
{
	struct cu_stats_totals sum = cu_stats_totals();
	fputs("{\"calls\":{", file);
	for (int class = 0; class < CU_CLASS_COUNT; class ++) {
		uint64_t total = 0;
		for (int function = 0; function < FN_COUNT; function++)
			total += cu_stats_calls(function, class);
		fprintf(file, "%s\"%s\":%" PRIu64 "", class ? "," : "", class_names[class], total);
	}
	fprintf(file, "},\"bytes\":{\"sent\":%" PRIu64 ",\"received\":%" PRIu64 "},\"wait_seconds\":%.6f,",
		sum.bytes_sent, sum.bytes_received, sum.wait_nanoseconds / 1e9);
}

/* Each function with its class; one that was served in several ways has a row for each, the further ones named after
   the class, too: cuCtxSetCurrent travels where the stream needs it, and is local otherwise. */
static void write_functions(FILE *file)
{
	const char *comma = "";
	fputs("\"functions\":{", file);
	for (int function = 0; function < FN_COUNT; function++) {
		bool listed = false;
		for (int class = 0; class < CU_CLASS_COUNT; class ++) {
			uint64_t count = cu_stats_calls(function, class);
			if (!count)
				continue;
			fprintf(file, "%s\"%s", comma, cu_functions[function].name);
			if (listed)
				fprintf(file, " (%s)", class_names[class]);
			fprintf(file, "\":{\"class\":\"%s\",\"calls\":%" PRIu64 "}", class_names[class], count);
			comma = ",";
			listed = true;
		}
	}
	fputs("}}\n", file);
}

static bool any_call(void)
{
	for (int function = 0; function < FN_COUNT; function++)
		for (int class = 0; class < CU_CLASS_COUNT; class ++)
			if (cu_stats_calls(function, class))
				return true;
	return false;
}

/* A process that used no CUDA, such as the shell around a program or a child without a session, leaves the program's
   file alone. */
__attribute__((destructor)) static void write_stats(void)
{
	const char *path = cu_stats_are_ours() && any_call() ? cu_settings()->stats : NULL;
	FILE *file = path ? fopen(path, "we") : NULL;
	if (!file)
		return;
	write_totals(file);
	write_functions(file);
	fclose(file);
}
