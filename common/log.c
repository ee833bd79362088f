#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {
    [CR_LOG_NONE] = "none", [CR_LOG_ERROR] = "error", [CR_LOG_WARNING] = "warning",
    [CR_LOG_INFO] = "info", [CR_LOG_DEBUG] = "debug",
};

static const char *_Atomic log_name = "cricket";
static _Atomic int log_level = CR_LOG_NONE;

bool cr_log_parse(const char *text, enum cr_log_level *level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(*level_names); i++) {
		if (!strcmp(text, level_names[i])) {
			*level = (enum cr_log_level)i;
			return true;
		}
	}
	return false;
}

void cr_log_init(const char *name, enum cr_log_level level)
{
	atomic_store(&log_name, name);
	atomic_store(&log_level, level);
}

bool cr_log_enabled(enum cr_log_level level)
{
	return level != CR_LOG_NONE && (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

/* A message may quote what the other end sent: it must stay one line and must not drive a terminal. */
static void blank_control_characters(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

void cr_log(enum cr_log_level level, const char *format, ...)
{
	if (!cr_log_enabled(level))
		return;
	int saved_errno = errno;
	char line[2048];
	size_t room = sizeof(line) - 1; /* the newline's place */
	int prefix = snprintf(line, room, "%.64s: ", atomic_load(&log_name));
	va_list arguments;
	va_start(arguments, format);
	errno = saved_errno; /* for %m */
	vsnprintf(line + prefix, room - (size_t)prefix, format, arguments);
	va_end(arguments);
	blank_control_characters(line);
	size_t length = strlen(line);
	line[length++] = '\n';
	/* A log that cannot be written has nowhere to report that. */
	ssize_t written = write(STDERR_FILENO, line, length);
	(void)written;
	errno = saved_errno;
}
