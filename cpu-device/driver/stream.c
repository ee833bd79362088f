#include "stream.h"

#include <stdlib.h>

#include "capture.h"
#include "context.h"
#include "driver.h"
#include "handle.h"
#include "queue.h"
#include "thread.h"

static uint64_t last_id;
static size_t prioritised;

bool drv_streams_prioritised(void)
{
	return prioritised > 0;
}

void drv_stream_set_priority(struct drv_stream *stream, int priority)
{
	if (priority > DRV_PRIORITY_LEAST)
		priority = DRV_PRIORITY_LEAST;
	if (priority < DRV_PRIORITY_GREATEST)
		priority = DRV_PRIORITY_GREATEST;
	prioritised += (priority != 0) - (stream->priority != 0);
	stream->priority = priority;
}

void drv_stream_init(struct drv_stream *stream, struct drv_context *context, CUstream handle, unsigned flags)
{
	stream->handle = handle;
	stream->context = context;
	stream->flags = flags;
	stream->id = ++last_id;
	drv_list_init(&stream->active);
	drv_list_append(&context->streams, &stream->siblings);
}

void drv_stream_reap(struct drv_stream *stream)
{
	if (!stream->destroyed || stream->head || stream->pins)
		return;
	drv_stream_set_priority(stream, 0);
	free(stream);
}

void drv_stream_destroy(struct drv_stream *stream)
{
	drv_captured_drop(&stream->captured);
	drv_handle_end(stream->handle);
	drv_list_remove(&stream->siblings);
	stream->destroyed = true;
	drv_stream_reap(stream);
}

static struct drv_stream *per_thread_find(struct drv_context *context, uint64_t thread)
{
	for (struct drv_link *link = context->streams.next; link != &context->streams; link = link->next) {
		struct drv_stream *stream = DRV_ENTRY(link, struct drv_stream, siblings);
		if (stream->thread == thread)
			return stream;
	}
	return NULL;
}

/* The calling thread's default stream in `context`, made when first asked for. */
static struct drv_stream *per_thread_stream(struct drv_context *context)
{
	uint64_t thread = drv_thread_id();
	struct drv_stream *stream = per_thread_find(context, thread);
	if (stream)
		return stream;
	stream = calloc(1, sizeof *stream);
	if (!stream)
		return NULL;
	drv_stream_init(stream, context, CU_STREAM_PER_THREAD, 0);
	stream->thread = thread;
	return stream;
}

static void thread_streams_end(struct drv_context *context, uint64_t thread)
{
	struct drv_stream *stream = per_thread_find(context, thread);
	if (stream)
		drv_stream_destroy(stream);
}

void drv_stream_thread_exit(uint64_t thread)
{
	if (drv_enter() != CUDA_SUCCESS)
		return;
	drv_context_each(thread_streams_end, thread);
	(void)drv_leave(CUDA_SUCCESS);
}

static CUresult stream_resolve(CUstream handle, struct drv_stream **stream)
{
	struct drv_context *context;
	if (handle && handle != CU_STREAM_LEGACY && handle != CU_STREAM_PER_THREAD) {
		*stream = drv_handle_get(DRV_STREAM, handle);
		return *stream ? (*stream)->context->sticky : CUDA_ERROR_INVALID_HANDLE;
	}
	CUresult result = drv_current(&context);
	if (result != CUDA_SUCCESS)
		return result;
	*stream = handle == CU_STREAM_PER_THREAD ? per_thread_stream(context) : &context->legacy;
	return *stream ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult drv_enter_stream(CUstream handle, struct drv_stream **stream)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	result = stream_resolve(handle, stream);
	return result == CUDA_SUCCESS ? result : drv_leave(result);
}

bool drv_stream_idle(const struct drv_stream *stream)
{
	const struct drv_context *context = stream->context;
	if (stream->head || stream != &context->legacy)
		return !stream->head;
	for (struct drv_link *link = context->streams.next; link != &context->streams; link = link->next) {
		struct drv_stream *other = DRV_ENTRY(link, struct drv_stream, siblings);
		if (other->head && !(other->flags & CU_STREAM_NON_BLOCKING))
			return false;
	}
	return true;
}

/* An operation that does nothing brings the legacy stream behind the earlier work of the blocking streams. */
static CUresult stream_synchronize(struct drv_stream *stream)
{
	CUresult result = drv_capture_check(stream);
	if (result != CUDA_SUCCESS)
		return result;
	if (drv_stream_idle(stream))
		return stream->context->sticky;
	if (stream != &stream->context->legacy)
		return drv_queue_wait_stream(stream);
	struct drv_op *op = drv_op_new(stream, NULL, NULL);
	return op ? drv_queue_finish(op) : CUDA_ERROR_OUT_OF_MEMORY;
}

/* The API */

static CUresult stream_create(struct drv_context *context, CUstream *out, unsigned flags, int priority)
{
	struct drv_stream *stream = calloc(1, sizeof *stream);
	if (!stream)
		return CUDA_ERROR_OUT_OF_MEMORY;
	CUstream handle = drv_handle_new(DRV_STREAM, stream);
	if (!handle) {
		free(stream);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	drv_stream_init(stream, context, handle, flags);
	drv_stream_set_priority(stream, priority);
	*out = handle;
	return CUDA_SUCCESS;
}

DRV_API CUresult cuStreamCreateWithPriority(CUstream *out, unsigned flags, int priority)
{
	struct drv_context *context;
	if (!out || (flags & ~(unsigned)CU_STREAM_NON_BLOCKING))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	return result == CUDA_SUCCESS ? drv_leave(stream_create(context, out, flags, priority)) : result;
}

DRV_API CUresult cuStreamCreate(CUstream *out, unsigned flags)
{
	return cuStreamCreateWithPriority(out, flags, DRV_PRIORITY_LEAST);
}

/* Enters for a call about a stream that the program made. */
static CUresult created_enter(CUstream handle, struct drv_stream **stream)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	*stream = drv_handle_get(DRV_STREAM, handle);
	return *stream ? CUDA_SUCCESS : drv_leave(CUDA_ERROR_INVALID_HANDLE);
}

DRV_API CUresult cuStreamDestroy_v2(CUstream handle)
{
	struct drv_stream *stream;
	CUresult result = created_enter(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	drv_stream_destroy(stream);
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuStreamDestroy(CUstream handle)
{
	return cuStreamDestroy_v2(handle);
}

DRV_API CUresult cuStreamSynchronize(CUstream handle)
{
	struct drv_stream *stream;
	CUresult result = drv_enter_stream(handle, &stream);
	return result == CUDA_SUCCESS ? drv_leave(stream_synchronize(stream)) : result;
}

DRV_API CUresult cuStreamQuery(CUstream handle)
{
	struct drv_stream *stream;
	CUresult result = drv_enter_stream(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_capture_check(stream);
	return drv_leave(result == CUDA_SUCCESS && !drv_stream_idle(stream) ? CUDA_ERROR_NOT_READY : result);
}

DRV_API CUresult cuStreamGetFlags(CUstream handle, unsigned *flags)
{
	struct drv_stream *stream;
	if (!flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	*flags = stream->flags;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuStreamGetPriority(CUstream handle, int *priority)
{
	struct drv_stream *stream;
	if (!priority)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	*priority = stream->priority;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuStreamGetId(CUstream handle, unsigned long long *id)
{
	struct drv_stream *stream;
	if (!id)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	*id = stream->id;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuStreamGetDevice(CUstream handle, CUdevice *device)
{
	struct drv_stream *stream;
	if (!device)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	*device = 0;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuStreamGetCtx(CUstream handle, CUcontext *context)
{
	struct drv_stream *stream;
	if (!context)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	*context = stream->context->handle;
	return drv_leave(CUDA_SUCCESS);
}

/* No stream belongs to a green context: there are none. */
DRV_API CUresult cuStreamGetCtx_v2(CUstream handle, CUcontext *context, CUgreenCtx *green)
{
	CUresult result = cuStreamGetCtx(handle, context);
	if (result == CUDA_SUCCESS && green)
		*green = NULL;
	return result;
}
