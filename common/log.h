/* The log of clients and server: one line a message, to stderr, only from the level that was asked for. */
#ifndef CR_LOG_H
#define CR_LOG_H

#include <stdbool.h>

enum cr_log_level { CR_LOG_NONE, CR_LOG_ERROR, CR_LOG_WARNING, CR_LOG_INFO, CR_LOG_DEBUG };

/* Reads "none|error|warning|info|debug"; false when `text` is none of them. */
bool cr_log_parse(const char *text, enum cr_log_level *level);

/* Sets the threshold of the process; `name` (a string constant) begins each line. */
void cr_log_init(const char *name, enum cr_log_level level);

bool cr_log_enabled(enum cr_log_level level);

/* Writes "name: message\n" in one write(). Preserves errno. Any thread. */
void cr_log(enum cr_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
