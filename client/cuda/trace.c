#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "platform.h"
#include "settings.h"
#include "stats.h"

static int trace_fd = -1;

static void open_trace(void)
{
	const char *path = cu_settings()->trace;
	if (!path)
		return;
	trace_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (trace_fd < 0)
		cr_log(CR_LOG_ERROR, "CRICKET_TRACE=%s cannot be written: %s", path, strerror(errno));
}

bool cu_trace_wanted(void)
{
	static struct cu_once once = CU_ONCE_INIT;
	cu_once(&once, open_trace);
	return trace_fd >= 0;
}

void cu_trace(struct cu_entry *entry, CUresult err, const char *format, ...)
{
	char line[1024];
	va_list arguments;
	int length = snprintf(line, sizeof(line), "%.6f %ld %s(", entry->start, cu_thread_number(),
			      cu_functions[entry->id].name);
	va_start(arguments, format);
	/* Leave room for the end of the line, whatever the arguments are. */
	int room = (int)sizeof(line) - length - 64, text = vsnprintf(line + length, room, format, arguments);
	va_end(arguments);
	length += text < room ? text : room - 1;
	unsigned calls = cu_stats_thread_calls() - entry->calls_before;
	length += snprintf(line + length, sizeof(line) - length, ") = %d  %u calls  %.1f us\n", (int)err, calls,
			   (cu_nanoseconds() / 1e9 - entry->start) * 1e6);
	if (write(trace_fd, line, length) < 0)
		entry->traced = false; /* a full disk must not disturb the program */
}
