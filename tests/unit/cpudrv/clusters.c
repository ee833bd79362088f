/* Launches in clusters on a device of compute capability 9.0. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static struct packed_result result;

static void setup(void)
{
	setenv("CRICKET_CPU_CC", "9.0", 1);
	setup_module();
}

static CUresult launch_in_clusters(unsigned grid, unsigned x, unsigned y, unsigned z)
{
	static char wide[600];
	char a = 1;
	double b = 2;
	short c = 3;
	struct packed_result *out = &result;
	void *pointers[] = {&a, &b, &c, &out, wide};
	CUlaunchAttribute attribute = {.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, .value = {.clusterDim = {x, y, z}}};
	CUlaunchConfig config = {grid, 1, 1, 8, 1, 1, 0, NULL, &attribute, x ? 1 : 0};

	memset(&result, 0, sizeof result);
	CUresult error = cuLaunchKernelEx(&config, kernel("packed"), pointers, NULL);
	return error == CUDA_SUCCESS ? cuCtxSynchronize() : error;
}

static void assert_cluster(unsigned x, unsigned y, unsigned z)
{
	ck_assert_mem_eq(result.cluster, ((unsigned[]){x, y, z}), sizeof result.cluster);
}

START_TEST(launches)
{
	int value;
	OK(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH, 0));
	ck_assert_int_eq(value, 1);
	OK(launch_in_clusters(12, 4, 1, 1));
	assert_cluster(4, 1, 1);
	OK(launch_in_clusters(12, 0, 0, 0));
	assert_cluster(0, 0, 0);
	FAILS(CUDA_ERROR_INVALID_CLUSTER_SIZE, launch_in_clusters(10, 4, 1, 1));
	FAILS(CUDA_ERROR_INVALID_CLUSTER_SIZE, launch_in_clusters(4, 4, 2, 1));
	FAILS(CUDA_ERROR_INVALID_VALUE, launch_in_clusters(4, 4, 0, 1));
}
END_TEST

START_TEST(large_clusters_are_to_be_allowed)
{
	CUfunction packed = kernel("packed");
	int value;
	FAILS(CUDA_ERROR_INVALID_CLUSTER_SIZE, launch_in_clusters(16, 16, 1, 1));
	OK(cuFuncSetAttribute(packed, CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 1));
	OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, packed));
	ck_assert_int_eq(value, 1);
	OK(launch_in_clusters(16, 16, 1, 1));
	FAILS(CUDA_ERROR_INVALID_CLUSTER_SIZE, launch_in_clusters(32, 32, 1, 1));
	FAILS(CUDA_ERROR_INVALID_VALUE,
	      cuFuncSetAttribute(packed, CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 2));
}
END_TEST

START_TEST(functions_that_require_a_cluster)
{
	CUfunction packed = kernel("packed");
	int value;
	OK(cuFuncSetAttribute(packed, CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH, 2));
	OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH, packed));
	ck_assert_int_eq(value, 2);
	OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH, packed));
	ck_assert_int_eq(value, 1);
	OK(launch_in_clusters(12, 0, 0, 0));
	assert_cluster(2, 1, 1);
	OK(launch_in_clusters(12, 2, 1, 1));
	FAILS(CUDA_ERROR_INVALID_CLUSTER_SIZE, launch_in_clusters(12, 4, 1, 1));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuFuncSetAttribute(packed, CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH, -1));
	OK(cuFuncSetAttribute(packed, CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE,
			      CU_CLUSTER_SCHEDULING_POLICY_SPREAD));
	FAILS(CUDA_ERROR_INVALID_VALUE,
	      cuFuncSetAttribute(packed, CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE, 9));
}
END_TEST

START_TEST(occupancy)
{
	CUlaunchAttribute attribute = {.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, .value = {.clusterDim = {4, 1, 1}}};
	CUlaunchConfig config = {16, 1, 1, 1024, 1, 1, 0, NULL, &attribute, 1};
	CUfunction nothing = kernel("nothing");
	int cores, blocks, value;
	OK(cuDeviceGetAttribute(&cores, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 0));
	OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, nothing, 1024, 0));
	OK(cuOccupancyMaxPotentialClusterSize(&value, nothing, &config));
	ck_assert_int_eq(value, 8);
	OK(cuOccupancyMaxActiveClusters(&value, nothing, &config));
	ck_assert_int_eq(value, blocks * cores / 4);
	attribute.value.clusterDim.x = 9;
	FAILS(CUDA_ERROR_INVALID_CLUSTER_SIZE, cuOccupancyMaxActiveClusters(&value, nothing, &config));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuOccupancyMaxActiveClusters(NULL, nothing, &config));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuOccupancyMaxPotentialClusterSize(&value, nothing, NULL));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {launches, large_clusters_are_to_be_allowed, functions_that_require_a_cluster,
				      occupancy};

	return RUN_TESTS("clusters", setup, tests);
}
