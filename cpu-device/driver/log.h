/* The driver's log: lines on stderr, only when the environment variable CRICKET_LOG asks for them. */
#ifndef DRV_LOG_H
#define DRV_LOG_H

#include <stdbool.h>

enum drv_log_level { DRV_LOG_NONE, DRV_LOG_ERROR, DRV_LOG_INFO, DRV_LOG_DEBUG };

/* Would a line of this level be written? The environment is read once, at the first call. */
bool drv_log_enabled(enum drv_log_level level);

/* Writes one line, "cricket: " and the text, in a single write; errno is kept. Any thread. */
void drv_log(enum drv_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
