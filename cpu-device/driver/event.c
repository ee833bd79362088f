#include "event.h"

#include <stdlib.h>

#include "capture.h"
#include "context.h"
#include "driver.h"
#include "handle.h"

struct drv_event *drv_event_get(CUevent handle)
{
	return drv_handle_get(DRV_EVENT, handle);
}

static CUresult event_create(struct drv_context *context, CUevent *out, unsigned flags)
{
	struct drv_event *event = calloc(1, sizeof *event);
	if (!event)
		return CUDA_ERROR_OUT_OF_MEMORY;
	event->handle = drv_handle_new(DRV_EVENT, event);
	if (!event->handle) {
		free(event);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	event->context = context;
	event->flags = flags;
	drv_list_append(&context->events, &event->siblings);
	*out = event->handle;
	return CUDA_SUCCESS;
}

DRV_API CUresult cuEventCreate(CUevent *out, unsigned flags)
{
	const unsigned known = CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING | CU_EVENT_INTERPROCESS;
	struct drv_context *context;
	if (!out || (flags & ~known))
		return CUDA_ERROR_INVALID_VALUE;
	if (flags & CU_EVENT_INTERPROCESS)
		return flags & CU_EVENT_DISABLE_TIMING ? CUDA_ERROR_NOT_SUPPORTED : CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	return result == CUDA_SUCCESS ? drv_leave(event_create(context, out, flags)) : result;
}

void drv_event_destroy(struct drv_event *event)
{
	drv_handle_end(event->handle);
	drv_list_remove(&event->siblings);
	drv_mark_drop(event->mark);
	drv_captured_drop(&event->captured);
	free(event);
}

DRV_API CUresult cuEventDestroy_v2(CUevent handle)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_event *event = drv_event_get(handle);
	if (!event)
		return drv_leave(CUDA_ERROR_INVALID_HANDLE);
	drv_event_destroy(event);
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuEventDestroy(CUevent handle)
{
	return cuEventDestroy_v2(handle);
}

/* Recording and waiting */

struct record_body {
	struct drv_mark *mark;
};

/* Not `run`: a mark must be reached even when the context has failed, or those who wait for it would hang. */
static void record_end(struct drv_op *op)
{
	struct drv_mark *mark = DRV_BODY(op, struct record_body)->mark;
	drv_mark_reach(mark);
	drv_mark_drop(mark);
}

CUresult drv_event_record(struct drv_event *event, struct drv_stream *stream)
{
	if (event->context != stream->context)
		return CUDA_ERROR_INVALID_HANDLE;
	if (stream->captured)
		return drv_capture_record(event, stream);
	CUresult result = drv_capture_check(stream);
	if (result != CUDA_SUCCESS)
		return result;
	drv_captured_drop(&event->captured);
	struct drv_mark *mark = drv_mark_new(event->context);
	if (!mark)
		return CUDA_ERROR_OUT_OF_MEMORY;
	struct drv_op *op = drv_op_new(stream, NULL, record_end);
	if (!op) {
		drv_mark_drop(mark);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	drv_mark_drop(event->mark);
	event->mark = mark;
	mark->stream = stream;
	DRV_BODY(op, struct record_body)->mark = drv_mark_hold(mark);
	return drv_queue_submit(op);
}

CUresult drv_event_wait(struct drv_event *event, struct drv_stream *stream)
{
	if (stream->captured || event->captured)
		return drv_capture_wait(event, stream);
	CUresult result = drv_capture_check(stream);
	if (result != CUDA_SUCCESS || !event->mark || event->mark->done)
		return result;
	struct drv_op *op = drv_op_new(stream, NULL, NULL);
	if (!op)
		return CUDA_ERROR_OUT_OF_MEMORY;
	op->wait = drv_mark_hold(event->mark);
	op->wait->waited = true;
	return drv_queue_submit(op);
}

/* A node that records the event, or waits for it, at each launch of the graph. */
static CUresult external_capture(CUevent event, struct drv_stream *stream, CUgraphNodeType type)
{
	CUgraphNodeParams params = {.type = type, .eventRecord = {event}};
	return drv_capture_add(stream, &params, NULL);
}

DRV_API CUresult cuEventRecordWithFlags(CUevent handle, CUstream stream_handle, unsigned flags)
{
	struct drv_stream *stream;
	if (flags & ~(unsigned)CU_EVENT_RECORD_EXTERNAL)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(stream_handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_event *event = drv_event_get(handle);
	if (event && stream->captured && flags)
		return drv_leave(external_capture(handle, stream, CU_GRAPH_NODE_TYPE_EVENT_RECORD));
	return drv_leave(event ? drv_event_record(event, stream) : CUDA_ERROR_INVALID_HANDLE);
}

DRV_API CUresult cuEventRecord(CUevent handle, CUstream stream)
{
	return cuEventRecordWithFlags(handle, stream, CU_EVENT_RECORD_DEFAULT);
}

DRV_API CUresult cuStreamWaitEvent(CUstream stream_handle, CUevent handle, unsigned flags)
{
	struct drv_stream *stream;
	if (flags & ~(unsigned)CU_EVENT_WAIT_EXTERNAL)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(stream_handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_event *event = drv_event_get(handle);
	if (event && stream->captured && flags)
		return drv_leave(external_capture(handle, stream, CU_GRAPH_NODE_TYPE_WAIT_EVENT));
	return drv_leave(event ? drv_event_wait(event, stream) : CUDA_ERROR_INVALID_HANDLE);
}

/* Enters for a call about an event of a context that has not failed. */
static CUresult event_enter(CUevent handle, struct drv_event **event)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	*event = drv_event_get(handle);
	if (!*event)
		return drv_leave(CUDA_ERROR_INVALID_HANDLE);
	result = (*event)->captured ? CUDA_ERROR_CAPTURED_EVENT : (*event)->context->sticky;
	return result == CUDA_SUCCESS ? result : drv_leave(result);
}

DRV_API CUresult cuEventQuery(CUevent handle)
{
	struct drv_event *event;
	CUresult result = event_enter(handle, &event);
	if (result != CUDA_SUCCESS)
		return result;
	return drv_leave(event->mark && !event->mark->done ? CUDA_ERROR_NOT_READY : CUDA_SUCCESS);
}

DRV_API CUresult cuEventSynchronize(CUevent handle)
{
	struct drv_event *event;
	CUresult result = event_enter(handle, &event);
	if (result != CUDA_SUCCESS)
		return result;
	return drv_leave(event->mark ? drv_queue_wait_mark(event->mark) : CUDA_SUCCESS);
}

static CUresult elapsed_time(float *milliseconds, struct drv_event *start, struct drv_event *end)
{
	if (!end || start->context != end->context || ((start->flags | end->flags) & CU_EVENT_DISABLE_TIMING) ||
	    !start->mark || !end->mark)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!start->mark->done || !end->mark->done)
		return CUDA_ERROR_NOT_READY;
	*milliseconds = (float)((double)(int64_t)(end->mark->nanoseconds - start->mark->nanoseconds) * 1e-6);
	return CUDA_SUCCESS;
}

DRV_API CUresult cuEventElapsedTime_v2(float *milliseconds, CUevent start_handle, CUevent end_handle)
{
	struct drv_event *start;
	if (!milliseconds)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = event_enter(start_handle, &start);
	if (result != CUDA_SUCCESS)
		return result;
	return drv_leave(elapsed_time(milliseconds, start, drv_event_get(end_handle)));
}

DRV_API CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end)
{
	return cuEventElapsedTime_v2(milliseconds, start, end);
}
