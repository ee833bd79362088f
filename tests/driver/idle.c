/* What is asked again and again: is the stream idle, is the event complete? The answers must be right, and, over a
 * server, cost no round trip once they are known (tests/driver/run.py counts). */
#include <semaphore.h>
#include <stdbool.h>
#include <string.h>

#include "device.h"
#include "suite.h"

enum { OFTEN = 200, BYTES = 1 << 20 };

static CUstream stream, other;
static CUevent event;
static CUdeviceptr memory;

static void setup(void)
{
	use_device();
	OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	OK(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
	OK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
	OK(cuMemAlloc(&memory, BYTES));
}

static void teardown(void)
{
	OK(cuMemFree(memory));
	OK(cuEventDestroy(event));
	OK(cuStreamDestroy(other));
	OK(cuStreamDestroy(stream));
}

START_TEST(idle_streams)
{
	OK(cuMemsetD8Async(memory, 1, BYTES, stream));
	OK(cuStreamSynchronize(stream));
	for (int i = 0; i < OFTEN; i++) {
		OK(cuStreamQuery(stream));
		OK(cuStreamSynchronize(stream));
	}
}
END_TEST

START_TEST(complete_events)
{
	OK(cuMemsetD8Async(memory, 1, BYTES, stream));
	OK(cuEventRecord(event, stream));
	OK(cuEventSynchronize(event));
	for (int i = 0; i < OFTEN; i++) {
		OK(cuEventQuery(event));
		OK(cuEventSynchronize(event));
	}
}
END_TEST

static void wait_for_it(void *gate)
{
	while (sem_wait(gate) != 0)
		;
}

START_TEST(new_work_is_seen)
{
	sem_t gate;
	sem_init(&gate, 0, 0);
	OK(cuStreamSynchronize(stream));
	OK(cuEventRecord(event, stream));
	OK(cuEventSynchronize(event));
	OK(cuLaunchHostFunc(stream, wait_for_it, &gate));
	ck_assert_int_eq(cuStreamQuery(stream), CUDA_ERROR_NOT_READY);
	OK(cuEventQuery(event));
	OK(cuEventRecord(event, stream));
	ck_assert_int_eq(cuEventQuery(event), CUDA_ERROR_NOT_READY);
	OK(cuStreamSynchronize(other));
	OK(cuStreamWaitEvent(other, event, 0));
	ck_assert_int_eq(cuStreamQuery(other), CUDA_ERROR_NOT_READY);
	sem_post(&gate);
	OK(cuStreamSynchronize(other));
	OK(cuEventQuery(event));
	OK(cuStreamQuery(other));
	OK(cuStreamSynchronize(stream));
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("idle");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, idle_streams);
	tcase_add_test(tests, complete_events);
	tcase_add_test(tests, new_work_is_seen);
	Suite *suite = suite_create("driver idle");
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
