/* Devices of compute capability 9.0: launches in clusters, and tensor maps. */
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "suite.h"

static const char kernels[] = ".version 8.0\n.target sm_90\n.address_size 64\n"
			      ".visible .entry size(.param .u64 to)\n{\n"
			      ".reg .b32 %r<2>;\n.reg .b64 %rd<2>;\n"
			      "ld.param.u64 %rd1, [to];\nmov.u32 %r1, %cluster_nctarank;\n"
			      "st.global.u32 [%rd1], %r1;\nret;\n}\n";

static CUmodule module;
static CUfunction size;
static CUdeviceptr memory;

static void setup(void)
{
	use_device();
	OK(cuModuleLoadData(&module, kernels));
	OK(cuModuleGetFunction(&size, module, "size"));
	OK(cuMemAlloc(&memory, 4096));
}

static void teardown(void)
{
	OK(cuMemFree(memory));
	OK(cuModuleUnload(module));
}

static CUlaunchConfig in_clusters(CUlaunchAttribute *attribute, unsigned width)
{
	*attribute =
	    (CUlaunchAttribute){.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, .value = {.clusterDim = {width, 1, 1}}};
	return (CUlaunchConfig){16, 1, 1, 32, 1, 1, 0, NULL, attribute, 1};
}

START_TEST(launches)
{
	void *parameters[] = {&memory};
	CUlaunchAttribute attribute;
	for (unsigned width = 1; width <= 8; width *= 2) {
		const CUlaunchConfig config = in_clusters(&attribute, width);
		unsigned found = 0;
		OK(cuLaunchKernelEx(&config, size, parameters, NULL));
		OK(cuMemcpyDtoH(&found, memory, sizeof(found)));
		ck_assert_uint_eq(found, width);
	}
}
END_TEST

START_TEST(occupancy)
{
	CUlaunchAttribute attribute;
	CUlaunchConfig config = in_clusters(&attribute, 4);
	int cores, blocks, value;
	OK(cuDeviceGetAttribute(&cores, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 0));
	config.blockDimX = 1024;
	OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, size, 1024, 0));
	OK(cuOccupancyMaxPotentialClusterSize(&value, size, &config));
	ck_assert_int_eq(value, 8);
	OK(cuOccupancyMaxActiveClusters(&value, size, &config));
	ck_assert_int_gt(value, 0);
	ck_assert_int_le(value, blocks * cores / 4);
	attribute.value.clusterDim.x = 9;
	ck_assert_int_eq(cuOccupancyMaxActiveClusters(&value, size, &config), CUDA_ERROR_INVALID_CLUSTER_SIZE);
	ck_assert_int_eq(cuOccupancyMaxActiveClusters(NULL, size, &config), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(cuOccupancyMaxPotentialClusterSize(&value, size, NULL), CUDA_ERROR_INVALID_VALUE);
}
END_TEST

static CUresult encode(CUtensorMap *map, cuuint32_t rank, CUdeviceptr address, cuuint32_t width)
{
	const cuuint64_t sizes[] = {16, 8, 2}, strides[] = {64, 512};
	const cuuint32_t box[] = {width, 4, 1}, steps[] = {1, 1, 1};
	return cuTensorMapEncodeTiled(map, CU_TENSOR_MAP_DATA_TYPE_FLOAT32, rank, (void *)(uintptr_t)address, sizes,
				      strides, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_NONE,
				      CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
}

START_TEST(tensor_maps)
{
	CUtensorMap first, second;
	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	OK(encode(&first, 3, memory, 8));
	OK(encode(&second, 3, memory + 2048, 8));
	ck_assert_mem_ne(&first, &second, sizeof(first));
	OK(cuTensorMapReplaceAddress(&first, (void *)(uintptr_t)(memory + 2048)));
	ck_assert_mem_eq(&first, &second, sizeof(first));
	OK(encode(&second, 3, memory + 2048, 4));
	ck_assert_mem_ne(&first, &second, sizeof(first));
	OK(encode(&first, 2, memory + 2048, 4));
	ck_assert_mem_ne(&first, &second, sizeof(first));
}
END_TEST

START_TEST(tensor_maps_refused)
{
	CUtensorMap map, before;
	OK(encode(&map, 3, memory, 8));
	before = map;
	ck_assert_int_eq(encode(NULL, 3, memory, 8), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(encode(&map, 0, memory, 8), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(encode(&map, 6, memory, 8), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(encode(&map, 3, memory + 8, 8), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(encode(&map, 3, memory, 257), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(cuTensorMapReplaceAddress(&map, (void *)(uintptr_t)(memory + 1)), CUDA_ERROR_INVALID_VALUE);
	ck_assert_mem_eq(&map, &before, sizeof(map));
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("clusters");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, launches);
	tcase_add_test(tests, occupancy);
	tcase_add_test(tests, tensor_maps);
	tcase_add_test(tests, tensor_maps_refused);
	Suite *suite = suite_create("driver clusters");
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
