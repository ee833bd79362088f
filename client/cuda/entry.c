#include "entry.h"

#include <errno.h>
#include <stdatomic.h>

#include "idle.h"
#include "platform.h"
#include "stats.h"
#include "trace.h"

static atomic_bool initialised;
static cu_thread_local bool forbidden;

CUresult cu_enter(struct cu_entry *entry, enum cu_function_id id)
{
	entry->saved_errno = errno;
	entry->id = id;
	entry->calls_before = cu_stats_thread_calls();
	entry->traced = cu_trace_wanted();
	entry->start = entry->traced ? cu_nanoseconds() / 1e9 : 0;
	if (!atomic_load_explicit(&initialised, memory_order_acquire) && !(cu_functions[id].flags & CU_NOINIT))
		return CUDA_ERROR_NOT_INITIALIZED;
	return forbidden && !(cu_functions[id].flags & CU_NOINIT) ? CUDA_ERROR_NOT_PERMITTED : CUDA_SUCCESS;
}

CUresult cu_leave(struct cu_entry *entry, CUresult err)
{
	if (entry->calls_before == cu_stats_thread_calls())
		cu_stats_local(entry->id);
	cu_stream_count_use();
	errno = entry->saved_errno;
	return err;
}

void cu_forbid_calls(bool forbid)
{
	forbidden = forbid;
}

void cu_set_initialised(void)
{
	atomic_store_explicit(&initialised, true, memory_order_release);
}
