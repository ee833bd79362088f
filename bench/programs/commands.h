/* How bench/run talks to a program that measures: a line "NAME A B C" on its standard input asks for one measurement,
 * a line with its results, as numbers, is the answer. The program lives until its input ends, so that measurements of
 * several programs can alternate without the cost of starting them. C and C++. */
#ifndef BENCH_COMMANDS_H
#define BENCH_COMMANDS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COMMAND_ARGUMENTS 3
#define COMMAND_RESULTS 3

/* Fills results[]; those that it leaves alone are 0. A measurement that fails ends the program. */
struct command {
	const char *name;
	void (*measure)(const long *arguments, double *results);
};

/* Seconds on a clock that only runs forward. */
static inline double command_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Ends the program with a message. */
static inline void command_fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

/* Memory whose pages are all present, so that no measurement pays for them. Freed with free(). */
static inline char *command_memory(size_t size)
{
	char *memory = (char *)malloc(size);

	if (!memory)
		command_fail("malloc", "out of memory");
	memset(memory, 1, size);
	return memory;
}

static inline void command_answer(const struct command *command, const long *arguments)
{
	double results[COMMAND_RESULTS] = {0};

	command->measure(arguments, results);
	for (int i = 0; i < COMMAND_RESULTS; i++)
		printf("%.9g%c", results[i], i + 1 < COMMAND_RESULTS ? ' ' : '\n');
	fflush(stdout);
}

/* Serves the table's commands until the input ends; main's return value. */
static inline int command_loop(const struct command *table, int count)
{
	char line[256], name[64];

	while (fgets(line, sizeof(line), stdin)) {
		long arguments[COMMAND_ARGUMENTS] = {0};
		int i = 0;
		if (sscanf(line, "%63s %ld %ld %ld", name, &arguments[0], &arguments[1], &arguments[2]) < 1)
			continue;
		while (i < count && strcmp(table[i].name, name) != 0)
			i++;
		if (i == count)
			command_fail(name, "no such measurement");
		command_answer(&table[i], arguments);
	}
	return EXIT_SUCCESS;
}

#endif
