/* `cricket run`: starts a program so that its CUDA calls go to a server, or to a driver on this machine. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "libraries.h"
#include "program.h"
#include "stats.h"
#include "supervise.h"
#include "transport.h"

struct run_options {
	const char *server;        /* NULL: not given */
	const char *trace;         /* NULL: no trace */
	const char *native_driver; /* NULL: not given */
	bool native;
	bool stats;
	bool help;
};

static int usage(void)
{
	puts("Usage: cricket run [--server URI | --native[=DRIVER]] [--stats] [--trace FILE] -- PROGRAM [ARGUMENT...]\n"
	     "Runs PROGRAM with Cricket's CUDA libraries; the exit status is PROGRAM's.\n\n"
	     "  --server URI  run its CUDA calls on this server: " CLI_SERVER_KINDS "\n"
	     "                (default: CRICKET_SERVER, else " CLI_DEFAULT_SERVER ")\n"
	     "  --native      run them here: on NVIDIA's driver where there is a GPU, else on the CPU device\n"
	     "  --stats       show at the end how many calls of which kind went to the server\n"
	     "  --trace FILE  write every CUDA call to FILE\n"
	     "  --help        show this help");
	return CLI_OK;
}

/* Reads the options; optind is then the program's index. */
static int parse(int argc, char **argv, struct run_options *options)
{
	static const struct option table[] = {
	    {"server", required_argument, NULL, 's'}, {"native", optional_argument, NULL, 'n'},
	    {"stats", no_argument, NULL, 'S'},        {"trace", required_argument, NULL, 't'},
	    {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:h", table, NULL)) != -1) {
		switch (option) {
		case 's':
			options->server = optarg;
			break;
		case 'n':
			options->native = true;
			options->native_driver = optarg;
			break;
		case 'S':
			options->stats = true;
			break;
		case 't':
			options->trace = optarg;
			break;
		case 'h':
			options->help = true;
			break;
		default:
			return cli_bad_option("run", argv[optind - 1], option == ':');
		}
	}
	return CLI_OK;
}

static int check(int argc, const struct run_options *options)
{
	if (options->native && options->server)
		return cli_fail(CLI_USAGE, "run: --server and --native exclude each other");
	if (options->native && (options->stats || options->trace))
		return cli_fail(CLI_USAGE, "run: --stats and --trace are about calls to a server; --native makes none");
	if (optind >= argc)
		return cli_fail(CLI_USAGE, "run: no program given; `cricket run -- PROGRAM` runs one");
	return CLI_OK;
}

static int set_variable(const char *name, const char *value)
{
	if (setenv(name, value, 1) != 0)
		return cli_fail(CLI_FAILED, "run: cannot set %s: %s", name, strerror(errno));
	return CLI_OK;
}

static int set_server(const char *option)
{
	const char *server = cli_server(option);
	struct cr_reason why;
	struct cr_uri uri;

	if (!cr_uri_parse(server, &uri, &why))
		return cli_fail(CLI_USAGE, "run: %s", why.text);
	/* Whoever uses this command wants to know why the server cannot be used; the program's own message won't say.
	 */
	if (!getenv("CRICKET_LOG") && set_variable("CRICKET_LOG", "error") != CLI_OK)
		return CLI_FAILED;
	return set_variable("CRICKET_SERVER", server);
}

/* The program may change its folder before it opens the file, so the shim gets the path in full. */
static int set_trace(const char *file)
{
	char folder[PATH_MAX], path[2 * PATH_MAX];

	if (!file || file[0] == '/')
		return file ? set_variable("CRICKET_TRACE", file) : CLI_OK;
	if (!getcwd(folder, sizeof(folder)))
		return cli_fail(CLI_FAILED, "run: --trace %s: the current folder: %s", file, strerror(errno));
	snprintf(path, sizeof(path), "%s/%s", folder, file);
	return set_variable("CRICKET_TRACE", path);
}

/* Everything that the program inherits. */
static int prepare(const struct run_options *options)
{
	struct libraries libraries;
	const char *why;
	enum library_driver driver = DRIVER_REMOTE;
	int status = libraries_find(&libraries);

	if (status == CLI_OK && options->native)
		status = libraries_native_driver(&libraries, options->native_driver, &driver, &why);
	if (status == CLI_OK)
		status = libraries_set_environment(&libraries, driver);
	if (status == CLI_OK && !options->native)
		status = set_server(options->server);
	return status == CLI_OK ? set_trace(options->trace) : status;
}

static int refuse_static(const char *path)
{
	return cli_fail(
	    CLI_FAILED,
	    "run: '%s' carries NVIDIA's static CUDA runtime (nvcc's default), which Cricket cannot replace; "
	    "build it with nvcc -cudart shared",
	    path);
}

static int execute(const char *path, char **arguments)
{
	execv(path, arguments);
	int error = errno;
	return cli_fail(error == ENOENT ? CLI_NOT_FOUND : CLI_NOT_EXECUTABLE, "run: cannot execute '%s': %s", path,
			strerror(error));
}

/* Runs the program as a child, then shows what it did. */
static int execute_with_stats(const char *path, char **arguments)
{
	struct stats_file file;
	int status = stats_open(&file);

	if (status != CLI_OK)
		return status;
	struct supervised child;
	status = supervise(&child, path, arguments);
	if (status == CLI_OK)
		stats_show(&file, arguments[0]);
	stats_close(&file);
	return status == CLI_OK ? supervised_end(&child) : status;
}

int cmd_run(int argc, char **argv)
{
	struct run_options options = {0};
	char path[PATH_MAX];
	int status = parse(argc, argv, &options);

	if (status == CLI_OK && options.help)
		return usage();
	if (status == CLI_OK)
		status = check(argc, &options);
	if (status == CLI_OK)
		status = program_find(argv[optind], path);
	if (status == CLI_OK && program_runtime(path) == RUNTIME_STATIC)
		status = refuse_static(path);
	if (status == CLI_OK)
		status = prepare(&options);
	if (status != CLI_OK)
		return status;
	return options.stats ? execute_with_stats(path, argv + optind) : execute(path, argv + optind);
}
