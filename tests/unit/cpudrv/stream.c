/* Streams, events, callbacks: what runs when. Gates hold the device up where an order must be seen, nothing sleeps. */
#include "fixture.h"

#include <pthread.h>
#include <string.h>

static CUstream stream_new(unsigned flags)
{
	CUstream stream;
	OK(cuStreamCreate(&stream, flags));
	return stream;
}

static CUevent event_new(unsigned flags)
{
	CUevent event;
	OK(cuEventCreate(&event, flags));
	return event;
}

/* Are the notes exactly these values, in this order? */
static void assert_notes(const struct notes *notes, const int *values, int count)
{
	ck_assert_int_eq(notes->count, count);
	ck_assert_mem_eq(notes->values, values, (size_t)count * sizeof *values);
}

START_TEST(launches_are_asynchronous)
{
	struct gate gate;
	gate_init(&gate);
	launch_gate(&gate, NULL);
	gate_wait_began(&gate);
	FAILS(CUDA_ERROR_NOT_READY, cuStreamQuery(NULL));
	gate_open(&gate);
	OK(cuStreamSynchronize(NULL));
	OK(cuStreamQuery(NULL));
}
END_TEST

START_TEST(a_stream_keeps_its_order)
{
	struct notes notes = {0};
	CUstream stream = stream_new(CU_STREAM_DEFAULT);
	for (int i = 0; i < 50; i++)
		launch_note(&notes, i, stream);
	OK(cuStreamSynchronize(stream));
	ck_assert_int_eq(notes.count, 50);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(notes.values[i], i);
	OK(cuStreamDestroy(stream));
}
END_TEST

START_TEST(more_operations_than_the_queue_holds)
{
	struct notes notes = {0};
	CUstream stream = stream_new(CU_STREAM_NON_BLOCKING);
	for (int i = 0; i < 20000; i++)
		launch_note(&notes, i, stream);
	OK(cuStreamSynchronize(stream));
	ck_assert_int_eq(notes.count, 20000);
}
END_TEST

/* Queued behind a gate on `a`: note 1 on `a`, event; `b` waits for it, note 2 on `b`. */
START_TEST(a_stream_waits_for_an_event_of_another)
{
	struct notes notes = {0};
	struct gate gate;
	CUstream a = stream_new(CU_STREAM_NON_BLOCKING), b = stream_new(CU_STREAM_NON_BLOCKING);
	CUevent event = event_new(CU_EVENT_DISABLE_TIMING);
	gate_init(&gate);
	launch_gate(&gate, a);
	gate_wait_began(&gate);
	launch_note(&notes, 1, a);
	OK(cuEventRecord(event, a));
	OK(cuStreamWaitEvent(b, event, CU_EVENT_WAIT_DEFAULT));
	launch_note(&notes, 2, b);
	FAILS(CUDA_ERROR_NOT_READY, cuEventQuery(event));
	FAILS(CUDA_ERROR_NOT_READY, cuStreamQuery(b));
	gate_open(&gate);
	OK(cuStreamSynchronize(b));
	assert_notes(&notes, (int[]){1, 2}, 2);
	OK(cuEventQuery(event));
}
END_TEST

/* The wait means the record before it, whatever is recorded later. */
START_TEST(a_wait_captures_the_record_of_its_time)
{
	struct notes notes = {0};
	struct gate first, second;
	CUstream a = stream_new(CU_STREAM_NON_BLOCKING), b = stream_new(CU_STREAM_NON_BLOCKING);
	CUevent event = event_new(CU_EVENT_DEFAULT);
	gate_init(&first);
	gate_init(&second);
	launch_gate(&first, a);
	OK(cuEventRecord(event, a));
	OK(cuStreamWaitEvent(b, event, 0));
	launch_note(&notes, 7, b);
	launch_gate(&second, a);
	OK(cuEventRecord(event, a));
	gate_wait_began(&first);
	gate_open(&first);
	gate_open(&second);
	OK(cuStreamSynchronize(b));
	assert_notes(&notes, (int[]){7}, 1);
	OK(cuEventSynchronize(event));
	OK(cuStreamQuery(a));
}
END_TEST

START_TEST(an_event_that_was_never_recorded_is_complete)
{
	CUstream stream = stream_new(CU_STREAM_DEFAULT);
	CUevent event = event_new(CU_EVENT_DEFAULT);
	OK(cuEventQuery(event));
	OK(cuEventSynchronize(event));
	OK(cuStreamWaitEvent(stream, event, 0));
	OK(cuStreamQuery(stream));
}
END_TEST

START_TEST(the_legacy_stream_waits_for_blocking_streams)
{
	struct notes notes = {0};
	struct gate gate;
	CUstream blocking = stream_new(CU_STREAM_DEFAULT);
	gate_init(&gate);
	launch_gate(&gate, blocking);
	gate_wait_began(&gate);
	launch_note(&notes, 1, blocking);
	launch_note(&notes, 2, CU_STREAM_LEGACY);
	launch_note(&notes, 3, blocking);
	FAILS(CUDA_ERROR_NOT_READY, cuStreamQuery(NULL));
	gate_open(&gate);
	OK(cuStreamSynchronize(blocking));
	assert_notes(&notes, (int[]){1, 2, 3}, 3);
}
END_TEST

/* A stream that does not block is not held up by the legacy stream: it ends while the legacy one waits for the blocking
   stream, which waits for an event that is recorded behind it. */
START_TEST(the_legacy_stream_leaves_non_blocking_streams_alone)
{
	struct notes notes = {0};
	struct gate gate;
	CUstream blocking = stream_new(CU_STREAM_DEFAULT), free_stream = stream_new(CU_STREAM_NON_BLOCKING);
	CUevent event = event_new(CU_EVENT_DEFAULT);
	gate_init(&gate);
	launch_gate(&gate, free_stream);
	gate_wait_began(&gate);
	OK(cuEventRecord(event, free_stream));
	OK(cuStreamWaitEvent(blocking, event, 0));
	launch_note(&notes, 2, NULL);
	launch_note(&notes, 1, free_stream);
	gate_open(&gate);
	OK(cuStreamSynchronize(free_stream));
	OK(cuStreamSynchronize(NULL));
	ck_assert_int_eq(notes.count, 2);
}
END_TEST

START_TEST(synchronising_the_legacy_stream_covers_blocking_streams)
{
	struct notes notes = {0};
	CUstream blocking = stream_new(CU_STREAM_DEFAULT);
	for (int i = 0; i < 10; i++)
		launch_note(&notes, i, blocking);
	OK(cuStreamSynchronize(NULL));
	ck_assert_int_eq(notes.count, 10);
}
END_TEST

static void *other_thread_stream_id(void *id)
{
	OK(cuCtxSetCurrent(context));
	OK(cuStreamGetId(CU_STREAM_PER_THREAD, id));
	return NULL;
}

START_TEST(each_thread_has_its_default_stream)
{
	unsigned long long mine, again, legacy, other;
	pthread_t thread;
	OK(cuStreamGetId(CU_STREAM_PER_THREAD, &mine));
	OK(cuStreamGetId(CU_STREAM_PER_THREAD, &again));
	OK(cuStreamGetId(NULL, &legacy));
	ck_assert_int_eq(pthread_create(&thread, NULL, other_thread_stream_id, &other), 0);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(mine, again);
	ck_assert_uint_ne(mine, legacy);
	ck_assert_uint_ne(mine, other);
}
END_TEST

START_TEST(ptsz_functions_mean_the_thread_default_stream)
{
	unsigned long long mine, through_ptsz;
	CUresult (*get_id)(CUstream, unsigned long long *) = per_thread("cuStreamGetId");
	OK(cuStreamGetId(CU_STREAM_PER_THREAD, &mine));
	OK(get_id(NULL, &through_ptsz));
	ck_assert_uint_eq(mine, through_ptsz);
}
END_TEST

START_TEST(a_destroyed_stream_finishes_its_work)
{
	struct notes notes = {0};
	struct gate gate;
	CUstream stream = stream_new(CU_STREAM_NON_BLOCKING);
	gate_init(&gate);
	launch_gate(&gate, stream);
	launch_note(&notes, 1, stream);
	OK(cuStreamDestroy(stream));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuStreamQuery(stream));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuStreamDestroy(stream));
	gate_open(&gate);
	OK(cuCtxSynchronize());
	ck_assert_int_eq(notes.count, 1);
}
END_TEST

START_TEST(a_destroyed_event_still_orders_what_waits_for_it)
{
	struct notes notes = {0};
	struct gate gate;
	CUstream a = stream_new(CU_STREAM_NON_BLOCKING), b = stream_new(CU_STREAM_NON_BLOCKING);
	CUevent event = event_new(CU_EVENT_DEFAULT);
	gate_init(&gate);
	launch_gate(&gate, a);
	launch_note(&notes, 1, a);
	OK(cuEventRecord(event, a));
	OK(cuStreamWaitEvent(b, event, 0));
	OK(cuEventDestroy(event));
	launch_note(&notes, 2, b);
	gate_open(&gate);
	OK(cuCtxSynchronize());
	assert_notes(&notes, (int[]){1, 2}, 2);
}
END_TEST

START_TEST(events_measure_time)
{
	struct gate gate;
	CUevent start = event_new(CU_EVENT_DEFAULT), end = event_new(CU_EVENT_BLOCKING_SYNC);
	CUevent blind = event_new(CU_EVENT_DISABLE_TIMING);
	float milliseconds = -1;
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuEventElapsedTime(&milliseconds, start, end));
	gate_init(&gate);
	OK(cuEventRecord(start, NULL));
	launch_gate(&gate, NULL);
	OK(cuEventRecord(end, NULL));
	OK(cuEventRecord(blind, NULL));
	FAILS(CUDA_ERROR_NOT_READY, cuEventElapsedTime(&milliseconds, start, end));
	gate_open(&gate);
	OK(cuEventSynchronize(blind));
	OK(cuEventElapsedTime(&milliseconds, start, end));
	ck_assert(milliseconds > 0 && milliseconds < 60000);
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuEventElapsedTime(&milliseconds, start, blind));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuEventElapsedTime(NULL, start, end));
}
END_TEST

struct callback_seen {
	struct notes *notes;
	CUstream stream;
	CUresult status;
	CUresult nested;
};

static void host_function(void *data)
{
	struct notes *notes = data;
	notes->values[notes->count++] = 100;
}

static void callback(CUstream stream, CUresult status, void *data)
{
	struct callback_seen *seen = data;
	seen->stream = stream;
	seen->status = status;
	seen->nested = cuCtxSynchronize();
	host_function(seen->notes);
}

START_TEST(callbacks_run_in_order_and_may_not_call_the_api)
{
	struct notes notes = {0};
	CUstream stream = stream_new(CU_STREAM_DEFAULT);
	struct callback_seen seen = {.notes = &notes, .status = CUDA_ERROR_UNKNOWN};
	launch_note(&notes, 1, stream);
	OK(cuLaunchHostFunc(stream, host_function, &notes));
	launch_note(&notes, 2, stream);
	OK(cuStreamAddCallback(stream, callback, &seen, 0));
	launch_note(&notes, 3, stream);
	OK(cuStreamSynchronize(stream));
	assert_notes(&notes, (int[]){1, 100, 2, 100, 3}, 5);
	ck_assert_ptr_eq(seen.stream, stream);
	ck_assert_int_eq(seen.status, CUDA_SUCCESS);
	ck_assert_int_eq(seen.nested, CUDA_ERROR_NOT_PERMITTED);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLaunchHostFunc(stream, NULL, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuStreamAddCallback(stream, callback, &seen, 1));
}
END_TEST

START_TEST(streams_tell_about_themselves)
{
	CUstream stream = stream_new(CU_STREAM_NON_BLOCKING);
	unsigned flags;
	int priority = -1;
	CUcontext owner;
	CUdevice device = -1;
	CUstreamCaptureStatus status;
	OK(cuStreamGetFlags(stream, &flags));
	ck_assert_uint_eq(flags, CU_STREAM_NON_BLOCKING);
	OK(cuStreamGetPriority(stream, &priority));
	ck_assert_int_eq(priority, 0);
	OK(cuStreamGetCtx(stream, &owner));
	ck_assert_ptr_eq(owner, context);
	OK(cuStreamGetDevice(stream, &device));
	ck_assert_int_eq(device, 0);
	OK(cuStreamIsCapturing(stream, &status));
	ck_assert_int_eq(status, CU_STREAM_CAPTURE_STATUS_NONE);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuStreamCreate(NULL, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuStreamCreate(&stream, 0x80));
}
END_TEST

START_TEST(stream_attributes_are_kept_and_copied)
{
	CUstream a = stream_new(CU_STREAM_DEFAULT), b = stream_new(CU_STREAM_DEFAULT);
	CUstreamAttrValue value = {.syncPolicy = CU_SYNC_POLICY_YIELD}, got;
	OK(cuStreamSetAttribute(a, CU_STREAM_ATTRIBUTE_SYNCHRONIZATION_POLICY, &value));
	OK(cuStreamCopyAttributes(b, a));
	OK(cuStreamGetAttribute(b, CU_STREAM_ATTRIBUTE_SYNCHRONIZATION_POLICY, &got));
	ck_assert_int_eq(got.syncPolicy, CU_SYNC_POLICY_YIELD);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuStreamGetAttribute(b, CU_LAUNCH_ATTRIBUTE_COOPERATIVE, &got));
}
END_TEST

struct worker {
	pthread_t thread;
	struct notes notes;
};

static void *work(void *data)
{
	struct worker *worker = data;
	CUstream stream;
	CUevent event;
	OK(cuCtxSetCurrent(context));
	OK(cuStreamCreate(&stream, CU_STREAM_DEFAULT));
	OK(cuEventCreate(&event, CU_EVENT_DEFAULT));
	for (int i = 0; i < 200; i++) {
		launch_note(&worker->notes, i, stream);
		OK(cuEventRecord(event, stream));
		launch_plain("nothing", i % 7 ? CU_STREAM_PER_THREAD : NULL);
		if (i % 5 == 0)
			OK(cuEventSynchronize(event));
	}
	OK(cuStreamSynchronize(stream));
	OK(cuEventDestroy(event));
	OK(cuStreamDestroy(stream));
	return NULL;
}

START_TEST(threads_share_a_context)
{
	static struct worker workers[4];
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(workers[i].thread, NULL);
	OK(cuCtxSynchronize());
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(workers[i].notes.count, 200);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    launches_are_asynchronous,
	    a_stream_keeps_its_order,
	    more_operations_than_the_queue_holds,
	    a_stream_waits_for_an_event_of_another,
	    a_wait_captures_the_record_of_its_time,
	    an_event_that_was_never_recorded_is_complete,
	    the_legacy_stream_waits_for_blocking_streams,
	    the_legacy_stream_leaves_non_blocking_streams_alone,
	    synchronising_the_legacy_stream_covers_blocking_streams,
	    each_thread_has_its_default_stream,
	    ptsz_functions_mean_the_thread_default_stream,
	    a_destroyed_stream_finishes_its_work,
	    a_destroyed_event_still_orders_what_waits_for_it,
	    events_measure_time,
	    callbacks_run_in_order_and_may_not_call_the_api,
	    streams_tell_about_themselves,
	    stream_attributes_are_kept_and_copied,
	    threads_share_a_context,
	};
	return RUN_TESTS("stream", setup_module, tests);
}
