/* Copies between contexts of one device. */
#include <string.h>

#include "device.h"
#include "suite.h"

enum { COUNT = 1 << 16 };

static CUcontext primary, other;
static CUdeviceptr from, to;
static unsigned char input[COUNT], output[COUNT];

static void setup(void)
{
	use_device();
	OK(cuCtxGetCurrent(&primary));
	OK(cuMemAlloc(&from, COUNT));
	OK(cuCtxCreate(&other, NULL, 0, 0));
	OK(cuMemAlloc(&to, COUNT));
	for (unsigned i = 0; i < COUNT; i++)
		input[i] = (unsigned char)(i * 7);
	memset(output, 0, sizeof(output));
	OK(cuMemcpyHtoD(from, input, COUNT));
	OK(cuMemsetD8(to, 0xee, COUNT));
	OK(cuCtxSynchronize());
}

static void teardown(void)
{
	OK(cuMemFree(to));
	OK(cuCtxDestroy(other));
	OK(cuCtxSetCurrent(primary));
	OK(cuMemFree(from));
}

START_TEST(awaited)
{
	OK(cuMemcpyPeer(to, other, from, primary, COUNT));
	OK(cuMemcpyDtoH(output, to, COUNT));
	ck_assert_mem_eq(output, input, COUNT);
}
END_TEST

START_TEST(in_a_stream)
{
	CUstream stream;
	OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	OK(cuMemcpyPeerAsync(to + 1, other, from, primary, COUNT / 2, stream));
	OK(cuMemcpyPeerAsync(to + COUNT / 2 + 1, other, from + COUNT / 2, primary, COUNT / 2 - 1, stream));
	OK(cuStreamSynchronize(stream));
	OK(cuMemcpyDtoH(output, to, COUNT));
	ck_assert_mem_eq(output + 1, input, COUNT - 1);
	ck_assert_uint_eq(output[0], 0xee);
	OK(cuStreamDestroy(stream));
}
END_TEST

START_TEST(box)
{
	const CUDA_MEMCPY3D_PEER copy = {.srcMemoryType = CU_MEMORYTYPE_DEVICE,
					 .srcDevice = from,
					 .srcContext = primary,
					 .srcPitch = 64,
					 .srcHeight = 4,
					 .dstMemoryType = CU_MEMORYTYPE_DEVICE,
					 .dstDevice = to,
					 .dstContext = other,
					 .dstPitch = 32,
					 .dstHeight = 2,
					 .WidthInBytes = 32,
					 .Height = 2,
					 .Depth = 3};
	OK(cuMemcpy3DPeer(&copy));
	OK(cuMemcpyDtoH(output, to, COUNT));
	for (unsigned row = 0; row < 6; row++)
		ck_assert_mem_eq(output + (size_t)row * 32, input + (size_t)(row / 2) * 256 + (size_t)(row % 2) * 64,
				 32);
	ck_assert_uint_eq(output[6 * 32], 0xee);
}
END_TEST

START_TEST(nothing_to_copy)
{
	OK(cuMemcpyPeer(to, other, from, primary, 0));
	OK(cuMemcpyDtoH(output, to, COUNT));
	ck_assert_uint_eq(output[0], 0xee);
}
END_TEST

START_TEST(refused)
{
	ck_assert_int_ne(cuMemcpyPeer(to, NULL, from, primary, COUNT), CUDA_SUCCESS);
	ck_assert_int_ne(cuMemcpyPeer(to, other, from, (CUcontext)(uintptr_t)0x1234, COUNT), CUDA_SUCCESS);
	ck_assert_int_eq(cuMemcpyPeer(to, other, 0, primary, COUNT), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(cuMemcpyPeer((CUdeviceptr)(uintptr_t)output, other, from, primary, COUNT),
			 CUDA_ERROR_INVALID_VALUE);
	OK(cuMemcpyDtoH(output, to, COUNT));
	ck_assert_uint_eq(output[0], 0xee);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("peer");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, awaited);
	tcase_add_test(tests, in_a_stream);
	tcase_add_test(tests, box);
	tcase_add_test(tests, nothing_to_copy);
	tcase_add_test(tests, refused);
	Suite *suite = suite_create("driver peer");
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
