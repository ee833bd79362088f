/* Events. The client mints the handle, so that creating one costs no round trip. */
#include <stdlib.h>

#include "capture.h"
#include "hand.h"
#include "handles.h"
#include "thread.h"

static void unmint(const void *handle)
{
	cu_objects_lock();
	free(cu_object_remove(CR_KIND_EVENT, handle));
	cu_objects_unlock();
}

CUresult client_cuEventCreate(CUevent *phEvent, unsigned int Flags)
{
	const unsigned known = CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING;
	uint64_t context;
	if (!phEvent)
		return CUDA_ERROR_INVALID_VALUE;
	if (Flags & ~known)
		return Flags & CU_EVENT_INTERPROCESS ? CUDA_ERROR_NOT_SUPPORTED : CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_thread_live_context(&context);
	if (err)
		return err;
	struct cu_event *event = malloc(sizeof(*event));
	if (!event)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*event = (struct cu_event){.context = context, .flags = Flags};
	cu_objects_lock();
	uint64_t id = cu_object_add(CR_KIND_EVENT, event);
	cu_objects_unlock();
	if (!id) {
		free(event);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	err = rpc_cuEventCreate(id, Flags);
	if (err)
		unmint(cu_handle(id));
	else
		*phEvent = cu_handle(id);
	return err;
}

CUresult client_cuEventDestroy_v2(CUevent hEvent)
{
	CUresult err = rpc_cuEventDestroy_v2(hEvent);
	if (err != CUDA_ERROR_INVALID_HANDLE)
		unmint(hEvent);
	return err;
}

/* ---- Records and times. Programs record a start and an end, wait for the end and ask for the time between them: the
 * wait brings it along. ---- */

/* The latest record of an event with timing, under the objects' lock. */
static struct {
	uint64_t stream, event, number;
} latest;
static uint64_t records;

static struct cu_event *find(uint64_t handle)
{
	return cu_object(CR_KIND_EVENT, cu_handle(handle));
}

/* Is the event as it was when that record was made? */
static bool is_as_of(uint64_t handle, uint64_t number)
{
	const struct cu_event *event = find(handle);
	return event && event->recorded == number;
}

static void note_record(CUevent handle, u64 stream)
{
	uint64_t id = (uintptr_t)handle;
	cu_objects_lock();
	struct cu_event *event = find(id);
	bool times = event && !(event->flags & CU_EVENT_DISABLE_TIMING);
	if (event) {
		bool follows =
		    times && latest.stream == stream && latest.event != id && is_as_of(latest.event, latest.number);
		event->recorded = ++records;
		event->before = follows && !event->elsewhere ? latest.event : 0;
		event->before_recorded = latest.number;
		event->elapsed_known = false;
		event->complete = false;
	}
	if (times) {
		latest.stream = stream;
		latest.event = id;
		latest.number = records;
	}
	cu_objects_unlock();
}

CUresult client_cuEventRecordWithFlags(CUevent hEvent, CUstream hStream, unsigned int flags)
{
	u64 stream;
	CUresult err = cu_id_of_stream(hStream, &stream);
	if (!err)
		err = flags ? rpc_cuEventRecordWithFlags(hEvent, hStream, flags) : rpc_cuEventRecord(hEvent, hStream);
	if (!err)
		note_record(hEvent, stream);
	if (!err)
		cu_capture_record(hEvent, hStream);
	return err;
}

CUresult client_cuEventRecord(CUevent hEvent, CUstream hStream)
{
	return client_cuEventRecordWithFlags(hEvent, hStream, 0);
}

/* A wait, or a question, has found the record that was the latest before it complete. */
static void note_complete(CUevent handle, uint64_t recorded)
{
	cu_objects_lock();
	struct cu_event *event = find((uintptr_t)handle);
	if (event && event->recorded == recorded)
		event->complete = !event->elsewhere && !(event->flags & CU_EVENT_INTERPROCESS);
	cu_objects_unlock();
}

/* The latest record of an event; *complete: the program has been told that it is. */
static uint64_t latest_record(CUevent handle, bool *complete)
{
	cu_objects_lock_shared();
	const struct cu_event *event = find((uintptr_t)handle);
	uint64_t recorded = event ? event->recorded : 0;
	*complete = event && event->complete;
	cu_objects_unlock();
	return recorded;
}

/* Waits for the event and keeps the time since the one before it. */
static CUresult wait_with_time(const void *handle, const struct cu_event *seen)
{
	struct cu_call call;
	elapsed_time elapsed = {0};
	u64 id = (uintptr_t)handle, start = seen->before;
	CUresult err = cu_call_begin(&call, FN_cricketEventWait);
	if (!err)
		err = cu_call_result(&call, xdr_u64(call.args, &id) && xdr_u64(call.args, &start),
				     (xdrproc_t)xdr_elapsed_time, &elapsed);
	if (err || elapsed.err)
		return err; /* why there is no time, the program learns when it asks */
	cu_objects_lock();
	struct cu_event *event = find(id);
	if (event && event->recorded == seen->recorded && is_as_of(start, seen->before_recorded)) {
		event->elapsed_known = true;
		event->elapsed = elapsed.milliseconds;
	}
	cu_objects_unlock();
	return CUDA_SUCCESS;
}

static CUresult wait_for(CUevent hEvent)
{
	struct cu_event seen = {0};
	cu_objects_lock_shared();
	const struct cu_event *event = cu_object(CR_KIND_EVENT, hEvent);
	if (event && event->before && !event->elapsed_known && is_as_of(event->before, event->before_recorded))
		seen = *event;
	cu_objects_unlock();
	return seen.before ? wait_with_time(hEvent, &seen) : rpc_cuEventSynchronize(hEvent);
}

CUresult client_cuEventSynchronize(CUevent hEvent)
{
	bool complete;
	uint64_t recorded = latest_record(hEvent, &complete);
	CUresult err = complete ? CUDA_SUCCESS : wait_for(hEvent);
	if (!err && !complete)
		note_complete(hEvent, recorded);
	return err;
}

CUresult client_cuEventQuery(CUevent hEvent)
{
	bool complete;
	uint64_t recorded = latest_record(hEvent, &complete);
	CUresult err = complete ? CUDA_SUCCESS : rpc_cuEventQuery(hEvent);
	if (!err && !complete)
		note_complete(hEvent, recorded);
	return err;
}

static bool time_is_known(float *milliseconds, CUevent start, CUevent end)
{
	cu_objects_lock_shared();
	const struct cu_event *event = cu_object(CR_KIND_EVENT, end);
	bool known = event && event->elapsed_known && event->before == (uintptr_t)start &&
		     is_as_of(event->before, event->before_recorded);
	if (known)
		*milliseconds = event->elapsed;
	cu_objects_unlock();
	return known;
}

CUresult client_cuEventElapsedTime_v2(float *pMilliseconds, CUevent hStart, CUevent hEnd)
{
	if (!pMilliseconds)
		return CUDA_ERROR_INVALID_VALUE;
	return time_is_known(pMilliseconds, hStart, hEnd) ? CUDA_SUCCESS
							  : rpc_cuEventElapsedTime_v2(pMilliseconds, hStart, hEnd);
}

CUresult client_cuEventElapsedTime(float *pMilliseconds, CUevent hStart, CUevent hEnd)
{
	if (!pMilliseconds)
		return CUDA_ERROR_INVALID_VALUE;
	return time_is_known(pMilliseconds, hStart, hEnd) ? CUDA_SUCCESS
							  : rpc_cuEventElapsedTime(pMilliseconds, hStart, hEnd);
}
