#include "capture.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "handles.h"
#include "platform.h"

struct capture {
	uint64_t number;
	long thread; /* that began it, and alone may end it; 0: any */
};

/* The captures that go on; guarded by the objects' lock. */
static struct {
	struct capture *captures;
	unsigned count, capacity;
	uint64_t last;
} live;
static atomic_uint live_count; /* the same, for those that only want to know whether there is any */

static struct capture *find_live(uint64_t number)
{
	for (unsigned i = 0; number && i < live.count; i++)
		if (live.captures[i].number == number)
			return &live.captures[i];
	return NULL;
}

/* The stream behind a handle; NULL for the legacy default stream, which cannot be captured, and for no stream. */
static struct cu_stream *find_stream(CUstream handle)
{
	return cu_object(CR_KIND_STREAM, handle);
}

/* Makes the per-thread stream exist before the lock is taken: it may be created at its first use. */
static CUstream real_stream(CUstream handle)
{
	u64 id;
	if (handle != CU_STREAM_PER_THREAD)
		return handle;
	return cu_per_thread_stream(&id) ? NULL : cu_handle(id);
}

bool cu_stream_captures(CUstream handle)
{
	if (!atomic_load_explicit(&live_count, memory_order_acquire))
		return false;
	handle = real_stream(handle);
	cu_objects_lock_shared();
	const struct cu_stream *stream = find_stream(handle);
	bool captures = stream && find_live(stream->capture) != NULL;
	cu_objects_unlock();
	return captures;
}

static bool make_room(void)
{
	if (live.count < live.capacity)
		return true;
	unsigned capacity = live.capacity ? live.capacity * 2 : 8;
	struct capture *captures = realloc(live.captures, capacity * sizeof(*captures));
	if (!captures)
		return false;
	live.captures = captures;
	live.capacity = capacity;
	return true;
}

CUresult cu_capture_begin(CUstream handle, CUstreamCaptureMode mode)
{
	CUresult err = CUDA_SUCCESS;
	handle = real_stream(handle);
	cu_objects_lock();
	struct cu_stream *stream = find_stream(handle);
	if (!stream) {
		err = CUDA_ERROR_INVALID_HANDLE;
	} else if (!make_room()) {
		err = CUDA_ERROR_OUT_OF_MEMORY;
	} else {
		stream->capture = ++live.last;
		live.captures[live.count++] =
		    (struct capture){live.last, mode == CU_STREAM_CAPTURE_MODE_RELAXED ? 0 : cu_thread_number()};
		atomic_store_explicit(&live_count, live.count, memory_order_release);
	}
	cu_objects_unlock();
	return err;
}

CUresult cu_capture_may_end(CUstream handle)
{
	handle = real_stream(handle);
	cu_objects_lock_shared();
	const struct cu_stream *stream = find_stream(handle);
	const struct capture *capture = stream ? find_live(stream->capture) : NULL;
	CUresult err = CUDA_SUCCESS;
	if (!capture)
		err = CUDA_ERROR_ILLEGAL_STATE;
	else if (capture->thread && capture->thread != cu_thread_number())
		err = CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
	cu_objects_unlock();
	return err;
}

void cu_capture_end(CUstream handle)
{
	handle = real_stream(handle);
	cu_objects_lock();
	struct cu_stream *stream = find_stream(handle);
	struct capture *capture = stream ? find_live(stream->capture) : NULL;
	if (capture)
		*capture = live.captures[--live.count];
	atomic_store_explicit(&live_count, live.count, memory_order_release);
	cu_objects_unlock();
}

void cu_capture_record(CUevent event_handle, CUstream stream_handle)
{
	if (!atomic_load_explicit(&live_count, memory_order_acquire))
		return; /* the number of an ended capture that the event may have is no number of a live one */
	stream_handle = real_stream(stream_handle);
	cu_objects_lock();
	struct cu_event *event = cu_object(CR_KIND_EVENT, event_handle);
	const struct cu_stream *stream = find_stream(stream_handle);
	bool captured = event && stream && find_live(stream->capture);
	if (event)
		event->capture = captured ? stream->capture : 0;
	if (captured)
		cu_event_recorded_elsewhere(event);
	cu_objects_unlock();
}

void cu_capture_join(CUstream stream_handle, CUevent event_handle)
{
	if (!atomic_load_explicit(&live_count, memory_order_acquire))
		return;
	stream_handle = real_stream(stream_handle);
	cu_objects_lock();
	const struct cu_event *event = cu_object(CR_KIND_EVENT, event_handle);
	struct cu_stream *stream = find_stream(stream_handle);
	if (event && stream && find_live(event->capture))
		stream->capture = event->capture;
	cu_objects_unlock();
}
