#include "idle.h"

#include <stdatomic.h>

#include "handles.h"
#include "platform.h"

/* Streams may share a counter: then a use of the one counts for the other, too. */
enum { COUNTERS = 1024 };

static atomic_uint counters[COUNTERS];
static cu_thread_local u64 used; /* by the thread's call, or 0 */

static atomic_uint *counter(u64 stream)
{
	return &counters[cr_handle_index(stream) % COUNTERS];
}

static bool is_default(u64 stream)
{
	return stream <= (uintptr_t)CU_STREAM_PER_THREAD;
}

void cu_stream_note_use(u64 stream)
{
	used = stream;
}

void cu_stream_forget_use(void)
{
	used = 0;
}

void cu_stream_count_use(void)
{
	if (is_default(used))
		return;
	atomic_fetch_add_explicit(counter(used), 1, memory_order_release);
	used = 0;
}

unsigned cu_stream_uses(u64 stream)
{
	return atomic_load_explicit(counter(stream), memory_order_acquire);
}

void cu_stream_note_idle(u64 stream, unsigned uses)
{
	if (is_default(stream))
		return;
	cu_objects_lock();
	struct cu_stream *object = cu_object(CR_KIND_STREAM, cu_handle(stream));
	if (object) {
		object->idle_known = true;
		object->idle_at = uses;
	}
	cu_objects_unlock();
}

bool cu_stream_is_idle(u64 stream)
{
	if (is_default(stream))
		return false;
	cu_objects_lock_shared();
	const struct cu_stream *object = cu_object(CR_KIND_STREAM, cu_handle(stream));
	bool idle = object && object->idle_known && object->idle_at == cu_stream_uses(stream);
	cu_objects_unlock();
	return idle;
}
