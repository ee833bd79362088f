/* The statistics that the client library leaves at the end of a program, and their summary. */
#ifndef TOOLS_STATS_H
#define TOOLS_STATS_H

#include <limits.h>
#include <stdbool.h>

struct stats_file {
	char path[PATH_MAX];
	bool temporary; /* ours to delete */
};

/*
 * Names the file into which the program is to write its statistics: the one that CRICKET_STATS names already, else a
 * temporary one, which CRICKET_STATS then names. CLI_OK, or a message and CLI_FAILED.
 */
int stats_open(struct stats_file *file);

/* Prints the summary on stderr, or one line that says why there is none. `program` is the program's name. */
void stats_show(const struct stats_file *file, const char *program);

/* Deletes the file if it is a temporary one. */
void stats_close(const struct stats_file *file);

#endif
