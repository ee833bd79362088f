/* Launches: parameters, checks, attributes, faults, occupancy. */
#include "fixture.h"

#include <limits.h>
#include <string.h>

struct arguments {
	char a;
	double b;
	short c;
	struct packed_result *out;
	struct wide wide;
};

static struct packed_result result;

static struct arguments arguments_new(void)
{
	struct arguments arguments;
	memset(&arguments, 0, sizeof arguments);
	memset(&result, 0, sizeof result);
	arguments.a = 'x';
	arguments.b = 2.5;
	arguments.c = -3;
	arguments.out = &result;
	memset(arguments.wide.bytes, 2, sizeof arguments.wide.bytes);
	return arguments;
}

static void assert_result(void)
{
	OK(cuCtxSynchronize());
	ck_assert_int_eq(result.a, 'x');
	ck_assert_double_eq(result.b, 2.5);
	ck_assert_int_eq(result.c, -3);
	ck_assert_int_eq(result.wide_sum, 1200);
	ck_assert_mem_eq(result.grid, ((unsigned[]){4, 3, 2}), sizeof result.grid);
	ck_assert_mem_eq(result.block, ((unsigned[]){8, 2, 1}), sizeof result.block);
	ck_assert_uint_eq(result.dynamic_shared, 1000);
}

START_TEST(parameters_from_pointers)
{
	struct arguments p = arguments_new();
	void *pointers[] = {&p.a, &p.b, &p.c, &p.out, &p.wide};
	OK(cuLaunchKernel(kernel("packed"), 4, 3, 2, 8, 2, 1, 1000, NULL, pointers, NULL));
	memset(&p, 0, sizeof p); /* they were copied */
	assert_result();
}
END_TEST

START_TEST(parameters_from_a_packed_buffer)
{
	struct arguments p = arguments_new();
	size_t size = sizeof p, small = sizeof p - sizeof p.wide;
	void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &p, CU_LAUNCH_PARAM_BUFFER_SIZE, &size, CU_LAUNCH_PARAM_END};
	void *pointers[] = {&p.a, &p.b, &p.c, &p.out, &p.wide};
	CUfunction packed = kernel("packed");
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLaunchKernel(packed, 4, 3, 2, 8, 2, 1, 1000, NULL, pointers, extra));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLaunchKernel(packed, 4, 3, 2, 8, 2, 1, 1000, NULL, NULL, NULL));
	extra[3] = &small;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLaunchKernel(packed, 4, 3, 2, 8, 2, 1, 1000, NULL, NULL, extra));
	extra[3] = &size;
	OK(cuLaunchKernel(packed, 4, 3, 2, 8, 2, 1, 1000, NULL, NULL, extra));
	assert_result();
}
END_TEST

START_TEST(launch_with_attributes)
{
	struct arguments p = arguments_new();
	void *pointers[] = {&p.a, &p.b, &p.c, &p.out, &p.wide};
	CUlaunchAttribute attributes[] = {
	    {.id = CU_LAUNCH_ATTRIBUTE_IGNORE},
	    {.id = CU_LAUNCH_ATTRIBUTE_PRIORITY, .value = {.priority = -2}},
	    {.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE, .value = {.cooperative = 1}},
	};
	CUlaunchConfig config = {1, 1, 1, 8, 1, 1, 0, NULL, attributes, 3};
	OK(cuLaunchKernelEx(&config, kernel("packed"), pointers, NULL));
	OK(cuCtxSynchronize());
	ck_assert_int_eq(result.cooperative, 1);
	attributes[0].id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
	attributes[0].value.clusterDim.x = 2;
	attributes[0].value.clusterDim.y = attributes[0].value.clusterDim.z = 1;
	FAILS(CUDA_ERROR_NOT_SUPPORTED, cuLaunchKernelEx(&config, kernel("packed"), pointers, NULL));
	attributes[0].id = (CUlaunchAttributeID)999;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLaunchKernelEx(&config, kernel("packed"), pointers, NULL));
	config.attrs = NULL;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLaunchKernelEx(&config, kernel("packed"), pointers, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLaunchKernelEx(NULL, kernel("packed"), pointers, NULL));
}
END_TEST

START_TEST(grids_and_blocks_out_of_range)
{
	static const unsigned shapes[][6] = {
	    {0, 1, 1, 1, 1, 1},           {1, 0, 1, 1, 1, 1},         {1, 1, 0, 1, 1, 1},     {1, 1, 1, 0, 1, 1},
	    {1, 1, 1, 1, 0, 1},           {1, 1, 1, 1, 1, 0},         {1, 65536, 1, 1, 1, 1}, {1, 1, 65536, 1, 1, 1},
	    {0x80000000u, 1, 1, 1, 1, 1}, {1, 1, 1, 1025, 1, 1},      {1, 1, 1, 1, 1025, 1},  {1, 1, 1, 1, 1, 65},
	    {1, 1, 1, 33, 32, 1},         {1, 1, 1, 65536, 65536, 1},
	};
	CUfunction nothing = kernel("nothing");
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		const unsigned *s = shapes[i];
		FAILS(CUDA_ERROR_INVALID_VALUE,
		      cuLaunchKernel(nothing, s[0], s[1], s[2], s[3], s[4], s[5], 0, NULL, NULL, NULL));
	}
	OK(cuLaunchKernel(nothing, INT_MAX, 65535, 65535, 1024, 1, 1, 0, NULL, NULL, NULL));
	OK(cuLaunchKernel(nothing, 1, 1, 1, 16, 1, 64, 0, NULL, NULL, NULL));
	FAILS(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES,
	      cuLaunchKernel(kernel("small"), 1, 1, 1, 65, 1, 1, 0, NULL, NULL, NULL));
}
END_TEST

START_TEST(shared_memory_limits)
{
	CUfunction nothing = kernel("nothing"), small = kernel("small");
	int value;
	OK(cuLaunchKernel(nothing, 1, 1, 1, 1, 1, 1, 48 << 10, NULL, NULL, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLaunchKernel(nothing, 1, 1, 1, 1, 1, 1, (48 << 10) + 1, NULL, NULL, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLaunchKernel(small, 1, 1, 1, 1, 1, 1, 48 << 10, NULL, NULL, NULL));
	OK(cuFuncSetAttribute(nothing, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 64 << 10));
	OK(cuLaunchKernel(nothing, 1, 1, 1, 1, 1, 1, 64 << 10, NULL, NULL, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE,
	      cuFuncSetAttribute(small, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 64 << 10));
	OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, nothing));
	ck_assert_int_eq(value, 64 << 10);
}
END_TEST

START_TEST(function_attributes)
{
	CUfunction small = kernel("small");
	int value;
	OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, small));
	ck_assert_int_eq(value, 64);
	OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, small));
	ck_assert_int_eq(value, 1024);
	OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_NUM_REGS, small));
	ck_assert_int_eq(value, 20);
	OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_PTX_VERSION, small));
	ck_assert_int_eq(value, 75);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX, small));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuFuncSetAttribute(small, CU_FUNC_ATTRIBUTE_NUM_REGS, 3));
	OK(cuFuncSetAttribute(small, CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, 50));
	FAILS(CUDA_ERROR_INVALID_VALUE,
	      cuFuncSetAttribute(small, CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, 101));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_NUM_REGS, (CUfunction)42));
}
END_TEST

START_TEST(parameter_layout)
{
	size_t offset, size;
	CUfunction packed = kernel("packed");
	OK(cuFuncGetParamInfo(packed, 1, &offset, &size));
	ck_assert_uint_eq(offset, 8);
	ck_assert_uint_eq(size, 8);
	OK(cuFuncGetParamInfo(packed, 4, &offset, &size));
	ck_assert_uint_eq(offset, offsetof(struct arguments, wide));
	ck_assert_uint_eq(size, 600);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuFuncGetParamInfo(packed, 5, &offset, &size));
}
END_TEST

START_TEST(a_kernel_that_cannot_be_lowered_fails_alone)
{
	CUfunction bad = kernel("untranslatable");
	FAILS(CUDA_ERROR_INVALID_PTX, cuLaunchKernel(bad, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
	launch_plain("nothing", NULL);
	OK(cuCtxSynchronize());
}
END_TEST

static void store_status(CUstream stream, CUresult status, void *data)
{
	(void)stream;
	*(CUresult *)data = status;
}

START_TEST(a_fault_sticks_until_the_reset)
{
	struct notes notes = {0};
	struct gate gate;
	CUresult status = CUDA_SUCCESS;
	CUdeviceptr memory;
	CUevent event;
	gate_init(&gate);
	OK(cuMemAlloc(&memory, 64));
	OK(cuEventCreate(&event, CU_EVENT_DEFAULT));
	launch_gate(&gate, NULL);
	launch_plain("fault", NULL);
	launch_note(&notes, 1, NULL);
	OK(cuEventRecord(event, NULL));
	OK(cuStreamAddCallback(NULL, store_status, &status, 0));
	gate_open(&gate);
	FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSynchronize());
	ck_assert_int_eq(notes.count, 0);
	ck_assert_int_eq(status, CUDA_ERROR_ILLEGAL_ADDRESS);
	FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuMemcpyHtoD(memory, &notes, 4));
	FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuEventSynchronize(event));
	FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamQuery(NULL));
	FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuMemAlloc(&memory, 64));
	OK(cuDevicePrimaryCtxReset(0));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuEventQuery(event));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree(memory));
	OK(cuModuleLoadData(&module, FAKE_MODULE));
	launch_note(&notes, 2, NULL);
	OK(cuCtxSynchronize());
	ck_assert_int_eq(notes.values[0], 2);
}
END_TEST

START_TEST(a_fault_concerns_one_context)
{
	CUcontext second;
	OK(cuCtxCreate(&second, NULL, 0, 0));
	OK(cuModuleLoadData(&module, FAKE_MODULE));
	launch_plain("fault", NULL);
	FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSynchronize());
	OK(cuCtxSetCurrent(context));
	OK(cuCtxSynchronize());
	OK(cuCtxDestroy(second));
}
END_TEST

START_TEST(a_function_belongs_to_its_context)
{
	CUfunction nothing = kernel("nothing");
	CUcontext second;
	OK(cuCtxCreate(&second, NULL, 0, 0));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuLaunchKernel(nothing, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
}
END_TEST

START_TEST(cooperative_grids_must_fit)
{
	CUfunction nothing = kernel("nothing");
	int cores, blocks;
	OK(cuDeviceGetAttribute(&cores, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 0));
	OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, nothing, 256, 0));
	ck_assert_int_gt(blocks, 0);
	unsigned most = (unsigned)(blocks * cores);
	OK(cuLaunchCooperativeKernel(nothing, most, 1, 1, 256, 1, 1, 0, NULL, NULL));
	FAILS(CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE,
	      cuLaunchCooperativeKernel(nothing, most + 1, 1, 1, 256, 1, 1, 0, NULL, NULL));
}
END_TEST

static size_t shared_of_block(int block)
{
	return (size_t)block * 64;
}

START_TEST(occupancy)
{
	CUfunction nothing = kernel("nothing"), small = kernel("small");
	int blocks, grid, block, cores;
	size_t bytes;
	OK(cuDeviceGetAttribute(&cores, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 0));
	/* Compute capability 7.5: 1024 threads, 16 blocks and 64 KiB of shared memory a multiprocessor. */
	OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, nothing, 128, 0));
	ck_assert_int_eq(blocks, 8);
	OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, nothing, 32, 0));
	ck_assert_int_eq(blocks, 16);
	OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, small, 64, 15 << 10));
	ck_assert_int_eq(blocks, 4);
	OK(cuOccupancyMaxPotentialBlockSize(&grid, &block, small, NULL, 0, 0));
	ck_assert_int_eq(block, 64);
	ck_assert_int_eq(grid, 16 * cores);
	OK(cuOccupancyMaxPotentialBlockSize(&grid, &block, nothing, shared_of_block, 0, 512));
	ck_assert_int_eq(block, 512);
	ck_assert_int_eq(grid, 2 * cores);
	OK(cuOccupancyAvailableDynamicSMemPerBlock(&bytes, small, 4, 64));
	ck_assert_uint_eq(bytes, 15 << 10);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, nothing, 0, 0));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, NULL, 32, 0));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    parameters_from_pointers,
	    parameters_from_a_packed_buffer,
	    launch_with_attributes,
	    grids_and_blocks_out_of_range,
	    shared_memory_limits,
	    function_attributes,
	    parameter_layout,
	    a_kernel_that_cannot_be_lowered_fails_alone,
	    a_fault_sticks_until_the_reset,
	    a_fault_concerns_one_context,
	    a_function_belongs_to_its_context,
	    cooperative_grids_must_fit,
	    occupancy,
	};
	return RUN_TESTS("launch", setup_module, tests);
}
