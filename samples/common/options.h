/* Command-line options of the samples: a table of integers, read with getopt_long. */
#ifndef SAMPLES_COMMON_OPTIONS_H
#define SAMPLES_COMMON_OPTIONS_H

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

/* One option `--name N`: *value holds the default and receives N, which must lie in min…max. */
struct sample_option {
	const char *name;
	long *value;
	long min, max;
	const char *help;
};

#define SAMPLE_MAX_OPTIONS 16

static inline void sample_usage(FILE *to, const char *program, const char *about, const sample_option *options,
				int count)
{
	fprintf(to, "Usage: %s [OPTION...]\n%s\n\n", program, about);
	for (int i = 0; i < count; i++)
		fprintf(to, "  --%-14s %s (default %ld)\n", options[i].name, options[i].help, *options[i].value);
	fprintf(to, "  --%-14s show this help\n", "help");
}

static inline void sample_set(const char *program, const sample_option *option, const char *text)
{
	char *end;

	errno = 0;
	long value = strtol(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || value < option->min || value > option->max) {
		fprintf(stderr, "%s: --%s needs a number from %ld to %ld, not '%s'\n", program, option->name,
			option->min, option->max, text);
		exit(2);
	}
	*option->value = value;
}

/* Reads the command line into the table's values. Ends the program after --help (status 0) or a wrong option (2). */
static inline void sample_options(int argc, char **argv, const char *about, const sample_option *options, int count)
{
	struct option table[SAMPLE_MAX_OPTIONS + 2] = {};
	int index;

	for (int i = 0; i < count && i < SAMPLE_MAX_OPTIONS; i++)
		table[i] = {options[i].name, required_argument, NULL, i};
	table[count] = {"help", no_argument, NULL, count};
	while ((index = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (index == count) {
			sample_usage(stdout, argv[0], about, options, count);
			exit(0);
		}
		if (index < 0 || index > count) {
			sample_usage(stderr, argv[0], about, options, count);
			exit(2);
		}
		sample_set(argv[0], &options[index], optarg);
	}
	if (optind < argc) {
		fprintf(stderr, "%s: unexpected argument '%s'\n", argv[0], argv[optind]);
		exit(2);
	}
}

#endif
