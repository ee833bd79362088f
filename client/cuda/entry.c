#include "entry.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "settings.h"
#include "stats.h"

static atomic_bool initialised;
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

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

CUresult cu_enter(struct cu_entry *entry, enum cu_function_id id)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	entry->saved_errno = errno;
	pthread_once(&once, open_trace);
	entry->id = id;
	entry->calls_before = cu_stats_thread_calls();
	entry->traced = trace_fd >= 0;
	entry->start = entry->traced ? now() : 0;
	if (!atomic_load_explicit(&initialised, memory_order_acquire) && !(cu_functions[id].flags & CU_NOINIT))
		return CUDA_ERROR_NOT_INITIALIZED;
	return CUDA_SUCCESS;
}

CUresult cu_leave(struct cu_entry *entry, CUresult err)
{
	if (entry->calls_before == cu_stats_thread_calls())
		cu_stats_local(entry->id);
	errno = entry->saved_errno;
	return err;
}

void cu_trace(struct cu_entry *entry, CUresult err, const char *format, ...)
{
	char line[1024];
	va_list arguments;
	int length = snprintf(line, sizeof(line), "%.6f %ld %s(", entry->start, (long)syscall(SYS_gettid),
			      cu_functions[entry->id].name);
	va_start(arguments, format);
	/* Leave room for the end of the line, whatever the arguments are. */
	int room = (int)sizeof(line) - length - 64, text = vsnprintf(line + length, room, format, arguments);
	va_end(arguments);
	length += text < room ? text : room - 1;
	unsigned calls = cu_stats_thread_calls() - entry->calls_before;
	length += snprintf(line + length, sizeof(line) - length, ") = %d  %u calls  %.1f us\n", (int)err, calls,
			   (now() - entry->start) * 1e6);
	if (write(trace_fd, line, length) < 0)
		entry->traced = false; /* a full disk must not disturb the program */
}

void cu_set_initialised(void)
{
	atomic_store_explicit(&initialised, true, memory_order_release);
}
