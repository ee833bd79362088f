/* Functions of the program that run in the order of a stream. */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "suite.h"

enum { COUNT = 1 << 16, MANY = 1000 };

static CUstream stream;
static CUdeviceptr memory;
static unsigned char *pinned;

static void setup(void)
{
	use_device();
	OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	OK(cuMemAlloc(&memory, COUNT));
	OK(cuMemAllocHost((void **)&pinned, COUNT));
	memset(pinned, 0, COUNT);
}

static void teardown(void)
{
	OK(cuStreamSynchronize(stream));
	OK(cuMemFreeHost(pinned));
	OK(cuMemFree(memory));
	OK(cuStreamDestroy(stream));
}

static void count(void *counter)
{
	atomic_fetch_add((atomic_uint *)counter, 1);
}

START_TEST(all_are_called)
{
	atomic_uint called = 0;
	for (int i = 0; i < MANY; i++)
		OK(cuLaunchHostFunc(stream, count, &called));
	OK(cuStreamSynchronize(stream));
	ck_assert_uint_eq(called, MANY);
}
END_TEST

/* Every byte of what the device sent becomes one more; `sum` tells whether it had arrived. */
struct change {
	unsigned sum;
};

static void change(void *argument)
{
	struct change *change = argument;
	for (int i = 0; i < COUNT; i++)
		change->sum += pinned[i]++;
}

START_TEST(copies_around_it_keep_their_order)
{
	static unsigned char back[COUNT];
	struct change change_of = {0};
	OK(cuMemsetD8Async(memory, 7, COUNT, stream));
	OK(cuMemcpyDtoHAsync(pinned, memory, COUNT, stream));
	OK(cuLaunchHostFunc(stream, change, &change_of));
	OK(cuMemcpyHtoDAsync(memory, pinned, COUNT, stream));
	OK(cuStreamSynchronize(stream));
	ck_assert_uint_eq(change_of.sum, 7 * COUNT);
	OK(cuMemcpyDtoH(back, memory, COUNT));
	for (int i = 0; i < COUNT; i++)
		ck_assert_uint_eq(back[i], 8);
}
END_TEST

struct gate {
	sem_t open;
	atomic_bool passed;
};

static void pass(void *argument)
{
	struct gate *gate = argument;
	while (sem_wait(&gate->open) != 0)
		;
	gate->passed = true;
}

START_TEST(one_that_waits_holds_up_no_call)
{
	struct gate gate = {.passed = false};
	CUdeviceptr other;
	sem_init(&gate.open, 0, 0);
	OK(cuLaunchHostFunc(stream, pass, &gate));
	ck_assert_int_eq(cuStreamQuery(stream), CUDA_ERROR_NOT_READY);
	OK(cuMemAlloc(&other, 4));
	ck_assert(!gate.passed);
	sem_post(&gate.open);
	OK(cuStreamSynchronize(stream));
	ck_assert(gate.passed);
	OK(cuMemFree(other));
}
END_TEST

START_TEST(a_call_that_waits_for_the_device_lets_it_go_on)
{
	struct gate gate = {.passed = false};
	CUdeviceptr other;
	CUcontext context, before;
	sem_init(&gate.open, 0, 1);
	OK(cuCtxGetCurrent(&before));
	OK(cuCtxCreate(&context, NULL, 0, 0));
	CUstream its_stream;
	OK(cuStreamCreate(&its_stream, CU_STREAM_DEFAULT));
	OK(cuMemAlloc(&other, 4));
	OK(cuLaunchHostFunc(its_stream, pass, &gate));
	OK(cuMemFree(other));
	OK(cuStreamDestroy(its_stream));
	OK(cuCtxDestroy(context));
	OK(cuCtxSetCurrent(before));
	OK(cuCtxSynchronize());
	OK(cuMemsetD8(memory, 0, 1));
	unsigned char byte;
	OK(cuMemcpyDtoH(&byte, memory, 1));
	ck_assert(gate.passed);
}
END_TEST

static void call(void *result)
{
	CUstream never;
	*(CUresult *)result = cuStreamCreate(&never, 0);
}

START_TEST(it_must_not_call_cuda)
{
	CUresult result = CUDA_SUCCESS;
	OK(cuLaunchHostFunc(stream, call, &result));
	OK(cuStreamSynchronize(stream));
	ck_assert_int_eq(result, CUDA_ERROR_NOT_PERMITTED);
}
END_TEST

struct told {
	CUstream stream;
	CUresult status;
	atomic_int times;
};

static void tell(CUstream which, CUresult status, void *argument)
{
	struct told *told = argument;
	told->stream = which;
	told->status = status;
	told->times++;
}

START_TEST(a_callback_is_told_stream_and_status)
{
	struct told told = {.status = CUDA_ERROR_UNKNOWN};
	OK(cuStreamAddCallback(stream, tell, &told, 0));
	OK(cuStreamSynchronize(stream));
	ck_assert_int_eq(told.times, 1);
	ck_assert_ptr_eq(told.stream, stream);
	ck_assert_int_eq(told.status, CUDA_SUCCESS);
}
END_TEST

START_TEST(wrong_arguments)
{
	struct told told = {0};
	ck_assert_int_eq(cuLaunchHostFunc(stream, NULL, NULL), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(cuStreamAddCallback(stream, NULL, NULL, 0), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(cuStreamAddCallback(stream, tell, &told, 1), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(cuLaunchHostFunc((CUstream)(uintptr_t)12345, count, NULL), CUDA_ERROR_INVALID_HANDLE);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("host functions");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, all_are_called);
	tcase_add_test(tests, copies_around_it_keep_their_order);
	tcase_add_test(tests, one_that_waits_holds_up_no_call);
	tcase_add_test(tests, a_call_that_waits_for_the_device_lets_it_go_on);
	tcase_add_test(tests, it_must_not_call_cuda);
	tcase_add_test(tests, a_callback_is_told_stream_and_status);
	tcase_add_test(tests, wrong_arguments);
	Suite *suite = suite_create("driver host functions");
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
