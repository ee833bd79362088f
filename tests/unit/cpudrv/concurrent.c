/* Operations of different streams side by side. Gates hold streams up; nothing sleeps. */
#include "fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static CUstream stream_new(void)
{
	CUstream stream;
	OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	return stream;
}

static struct gate *gates_new(int count)
{
	struct gate *gates = calloc((size_t)count, sizeof *gates);
	for (int i = 0; i < count; i++)
		gate_init(&gates[i]);
	return gates;
}

/* All begin before any may end. */
START_TEST(kernels_of_many_streams_run_at_the_same_time)
{
	enum { COUNT = 20 };
	struct gate *gates = gates_new(COUNT);
	CUstream streams[COUNT];
	for (int i = 0; i < COUNT; i++) {
		streams[i] = stream_new();
		launch_gate(&gates[i], streams[i]);
	}
	for (int i = 0; i < COUNT; i++)
		gate_wait_began(&gates[i]);
	for (int i = COUNT - 1; i >= 0; i--) {
		gate_open(&gates[i]);
		OK(cuStreamSynchronize(streams[i]));
	}
	free(gates);
}
END_TEST

START_TEST(a_kernel_holds_up_no_other_stream)
{
	struct gate gate;
	struct notes notes = {0};
	CUstream held = stream_new(), other = stream_new();
	CUdeviceptr memory;
	int value = 5, got = 0;
	OK(cuMemAlloc(&memory, 4096));
	gate_init(&gate);
	launch_gate(&gate, held);
	gate_wait_began(&gate);
	launch_note(&notes, 1, other);
	OK(cuMemcpyHtoDAsync(memory, &value, 4, other));
	OK(cuMemsetD8Async(memory + 4, 9, 100, other));
	OK(cuMemcpyDtoHAsync(&got, memory, 4, other));
	OK(cuStreamSynchronize(other));
	ck_assert_int_eq(notes.count, 1);
	ck_assert_int_eq(got, 5);
	FAILS(CUDA_ERROR_NOT_READY, cuStreamQuery(held));
	/* Freeing in stream order, too, and what was free before is given out again. */
	OK(cuMemAllocAsync(&memory, 100, other));
	OK(cuMemFreeAsync(memory, other));
	OK(cuStreamSynchronize(other));
	gate_open(&gate);
	OK(cuCtxSynchronize());
}
END_TEST

static void host_gate(void *data)
{
	struct gate *gate = data;
	sem_post(&gate->began);
	while (sem_wait(&gate->open) != 0)
		continue;
}

START_TEST(a_host_function_holds_up_its_stream_only)
{
	struct gate gate;
	struct notes notes = {0};
	CUstream held = stream_new(), other = stream_new();
	gate_init(&gate);
	OK(cuLaunchHostFunc(held, host_gate, &gate));
	launch_note(&notes, 2, held);
	gate_wait_began(&gate);
	launch_note(&notes, 1, other);
	OK(cuStreamSynchronize(other));
	ck_assert_int_eq(notes.count, 1);
	gate_open(&gate);
	OK(cuStreamSynchronize(held));
	ck_assert_int_eq(notes.count, 2);
	ck_assert_int_eq(notes.values[1], 2);
}
END_TEST

/* The time of an event is that of its stream, whatever else the threads do. */
START_TEST(events_tell_their_own_time)
{
	struct gate *gates = gates_new(2);
	CUstream quick = stream_new(), slow = stream_new();
	CUevent start, quick_end, waited_end, slow_end;
	float first, second, third;
	OK(cuEventCreate(&start, 0));
	OK(cuEventCreate(&quick_end, 0));
	OK(cuEventCreate(&waited_end, 0));
	OK(cuEventCreate(&slow_end, 0));
	OK(cuEventRecord(start, quick));
	launch_gate(&gates[0], quick);
	launch_gate(&gates[1], slow);
	OK(cuEventRecord(quick_end, quick));
	OK(cuEventRecord(slow_end, slow));
	CUstream waiting = stream_new();
	OK(cuStreamWaitEvent(waiting, quick_end, 0));
	OK(cuEventRecord(waited_end, waiting));
	gate_wait_began(&gates[0]);
	gate_wait_began(&gates[1]);
	gate_open(&gates[0]);
	OK(cuEventSynchronize(waited_end));
	FAILS(CUDA_ERROR_NOT_READY, cuEventQuery(slow_end));
	gate_open(&gates[1]);
	OK(cuEventSynchronize(slow_end));
	OK(cuEventElapsedTime(&first, start, quick_end));
	OK(cuEventElapsedTime(&second, start, waited_end));
	OK(cuEventElapsedTime(&third, start, slow_end));
	ck_assert(0 < first && first <= second && second < third);
	free(gates);
}
END_TEST

static void tell(void *data)
{
	sem_post(data);
}

/* With all threads held up but one, that one takes an operation of the urgent stream. */
START_TEST(urgent_streams_go_first)
{
	enum { COUNT = 130 }; /* more than run at the same time */
	struct gate *gates = gates_new(COUNT);
	struct notes notes = {0};
	CUstream low = stream_new(), high;
	sem_t told;
	sem_init(&told, 0, 0);
	int least, greatest, priority;
	OK(cuCtxGetStreamPriorityRange(&least, &greatest));
	ck_assert_int_lt(greatest, least);
	OK(cuStreamCreateWithPriority(&high, CU_STREAM_NON_BLOCKING, greatest - 10));
	OK(cuStreamGetPriority(high, &priority));
	ck_assert_int_eq(priority, greatest);
	for (int i = 0; i < COUNT; i++)
		launch_gate(&gates[i], stream_new());
	for (int i = 0; i < 128; i++)
		gate_wait_began(&gates[i]);
	launch_note(&notes, 1, low);
	launch_note(&notes, 2, high);
	OK(cuLaunchHostFunc(high, tell, &told));
	gate_open(&gates[0]);
	while (sem_wait(&told) != 0)
		continue;
	ck_assert_int_eq(notes.count, 1);
	for (int i = 1; i < COUNT; i++)
		gate_open(&gates[i]);
	OK(cuCtxSynchronize());
	ck_assert_int_eq(notes.count, 2);
	ck_assert_int_eq(notes.values[0], 2);
	free(gates);
}
END_TEST

/* A fault in one stream ends what others have not begun. */
START_TEST(a_fault_reaches_all_streams)
{
	struct gate gate;
	struct notes notes = {0};
	CUstream held = stream_new(), faulty = stream_new();
	gate_init(&gate);
	launch_gate(&gate, held);
	gate_wait_began(&gate);
	launch_note(&notes, 1, held);
	launch_plain("fault", faulty);
	FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize(faulty));
	gate_open(&gate);
	FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize(held));
	OK(cuDevicePrimaryCtxReset(0));
	ck_assert_int_eq(notes.count, 0);
	OK(cuCtxSynchronize());
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    kernels_of_many_streams_run_at_the_same_time,
	    a_kernel_holds_up_no_other_stream,
	    a_host_function_holds_up_its_stream_only,
	    events_tell_their_own_time,
	    urgent_streams_go_first,
	    a_fault_reaches_all_streams,
	};
	return RUN_TESTS("concurrent", setup_module, tests);
}
