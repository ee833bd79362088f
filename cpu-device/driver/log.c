#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_once_t level_once = PTHREAD_ONCE_INIT;
static enum drv_log_level level_wanted;

static void level_read(void)
{
	static const char *const names[] = {
	    [DRV_LOG_ERROR] = "error", [DRV_LOG_INFO] = "info", [DRV_LOG_DEBUG] = "debug"};
	const char *wanted = getenv("CRICKET_LOG");
	for (int level = DRV_LOG_ERROR; wanted && level <= DRV_LOG_DEBUG; level++)
		if (strcmp(wanted, names[level]) == 0)
			level_wanted = level;
}

bool drv_log_enabled(enum drv_log_level level)
{
	pthread_once(&level_once, level_read);
	return level <= level_wanted;
}

void drv_log(enum drv_log_level level, const char *format, ...)
{
	char line[1024] = "cricket: ";
	const size_t start = strlen(line);
	int saved_errno = errno;
	va_list arguments;

	if (!drv_log_enabled(level))
		return;
	va_start(arguments, format);
	vsnprintf(line + start, sizeof line - start - 1, format, arguments);
	va_end(arguments);
	strcat(line, "\n");
	if (write(STDERR_FILENO, line, strlen(line)) < 0) {
		/* A program without stderr does not want to hear of it. */
	}
	errno = saved_errno;
}
