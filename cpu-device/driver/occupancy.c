#include "occupancy.h"

#include "device.h"
#include "driver.h"

/* Registers are given to warps in steps of 256. */
enum { REGISTER_STEP = 256 };

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

CUresult drv_occupancy(struct drv_function *function, int threads, size_t dynamic_shared, int *blocks)
{
	const struct drv_device *device = drv_device();
	int shared, registers, threads_max;
	CUresult result = drv_function_attribute(function, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, &shared);
	if (result == CUDA_SUCCESS)
		result = drv_function_attribute(function, CU_FUNC_ATTRIBUTE_NUM_REGS, &registers);
	if (result == CUDA_SUCCESS)
		result = drv_function_attribute(function, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, &threads_max);
	if (result != CUDA_SUCCESS)
		return result;
	if (threads < 1)
		return CUDA_ERROR_INVALID_VALUE;
	size_t warps = ((size_t)threads + DRV_WARP - 1) / DRV_WARP;
	size_t warp_registers = ((size_t)registers * DRV_WARP + REGISTER_STEP - 1) / REGISTER_STEP * REGISTER_STEP;
	size_t block_shared = (size_t)shared + dynamic_shared;
	size_t count =
	    smaller(device->blocks_per_multiprocessor, device->threads_per_multiprocessor / DRV_WARP / warps);
	if (warp_registers)
		count = smaller(count, DRV_REGISTERS / warp_registers / warps);
	if (block_shared)
		count = smaller(count, device->shared_per_multiprocessor / block_shared);
	*blocks = threads <= threads_max && block_shared <= device->shared_optin ? (int)count : 0;
	return CUDA_SUCCESS;
}

DRV_API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, CUfunction handle, int threads,
								      size_t dynamic_shared, unsigned flags)
{
	struct drv_function *function;
	if (!blocks || (flags & ~(unsigned)CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_function(handle, &function);
	return result == CUDA_SUCCESS ? drv_leave(drv_occupancy(function, threads, dynamic_shared, blocks)) : result;
}

DRV_API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction handle, int threads,
							     size_t dynamic_shared)
{
	return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, handle, threads, dynamic_shared,
								    CU_OCCUPANCY_DEFAULT);
}

/* The largest block whose number of resident threads nothing exceeds. The program's function is called without the
   lock: it may call the driver itself. */
DRV_API CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int *grid, int *block, CUfunction handle,
							   CUoccupancyB2DSize dynamic_shared_of, size_t dynamic_shared,
							   int limit, unsigned flags)
{
	int threads_max, best = 0, blocks;
	if (!grid || !block)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = cuFuncGetAttribute(&threads_max, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, handle);
	if (result != CUDA_SUCCESS)
		return result;
	if (limit > 0 && limit < threads_max)
		threads_max = limit;
	*grid = *block = 0;
	/* From the largest block down in whole warps. */
	for (int threads = threads_max; threads > 0; threads = (threads - 1) / DRV_WARP * DRV_WARP) {
		size_t shared = dynamic_shared_of ? dynamic_shared_of(threads) : dynamic_shared;
		result = cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(&blocks, handle, threads, shared, flags);
		if (result != CUDA_SUCCESS)
			return result;
		if (blocks * threads > best) {
			best = blocks * threads;
			*block = threads;
			*grid = blocks * (int)drv_device()->cores;
		}
	}
	return CUDA_SUCCESS;
}

DRV_API CUresult cuOccupancyMaxPotentialBlockSize(int *grid, int *block, CUfunction handle,
						  CUoccupancyB2DSize dynamic_shared_of, size_t dynamic_shared,
						  int limit)
{
	return cuOccupancyMaxPotentialBlockSizeWithFlags(grid, block, handle, dynamic_shared_of, dynamic_shared, limit,
							 CU_OCCUPANCY_DEFAULT);
}

static CUresult available_shared(size_t *bytes, struct drv_function *function, int blocks, int threads)
{
	int most, shared;
	CUresult result = drv_occupancy(function, threads, 0, &most);
	if (result == CUDA_SUCCESS)
		result = drv_function_attribute(function, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, &shared);
	if (result != CUDA_SUCCESS)
		return result;
	if (blocks < 1 || blocks > most)
		return CUDA_ERROR_INVALID_VALUE;
	size_t room = smaller(drv_device()->shared_per_multiprocessor / (size_t)blocks, drv_device()->shared_optin);
	*bytes = room - (size_t)shared;
	return CUDA_SUCCESS;
}

DRV_API CUresult cuOccupancyAvailableDynamicSMemPerBlock(size_t *bytes, CUfunction handle, int blocks, int threads)
{
	struct drv_function *function;
	if (!bytes)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_function(handle, &function);
	return result == CUDA_SUCCESS ? drv_leave(available_shared(bytes, function, blocks, threads)) : result;
}

/* Clusters are run by one core each, so their size is limited by nothing but the device's rule. */
static CUresult largest_cluster(int *size, struct drv_function *function, const CUlaunchConfig *config)
{
	unsigned threads = config->blockDimX * config->blockDimY * config->blockDimZ;
	int blocks;
	CUresult result = drv_occupancy(function, (int)threads, config->sharedMemBytes, &blocks);
	if (result != CUDA_SUCCESS)
		return result;
	if (drv_device()->capability < DRV_CLUSTER_CAPABILITY)
		return CUDA_ERROR_NOT_SUPPORTED;
	*size = !blocks ? 0 : function->settings->large_clusters ? DRV_CLUSTER_BLOCKS_LARGE : DRV_CLUSTER_BLOCKS;
	return CUDA_SUCCESS;
}

/* Blocks of a cluster as the launch says, else as the function; 1 when neither does. */
static CUresult cluster_size(unsigned *size, struct drv_function *function, const CUlaunchConfig *config)
{
	unsigned cluster[3];
	CUresult result = drv_function_cluster(function, cluster);
	for (unsigned i = 0; i < config->numAttrs; i++)
		if (config->attrs[i].id == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION) {
			cluster[0] = config->attrs[i].value.clusterDim.x;
			cluster[1] = config->attrs[i].value.clusterDim.y;
			cluster[2] = config->attrs[i].value.clusterDim.z;
		}
	*size = 1;
	for (int i = 0; i < 3 && cluster[0]; i++) {
		if (!cluster[i] || cluster[i] > DRV_CLUSTER_BLOCKS_LARGE)
			return CUDA_ERROR_INVALID_CLUSTER_SIZE;
		*size *= cluster[i];
	}
	return result;
}

static CUresult active_clusters(int *count, struct drv_function *function, const CUlaunchConfig *config)
{
	unsigned threads = config->blockDimX * config->blockDimY * config->blockDimZ, size = 1;
	int blocks, most = 0;
	CUresult result = largest_cluster(&most, function, config);
	if (result == CUDA_SUCCESS)
		result = cluster_size(&size, function, config);
	if (result == CUDA_SUCCESS)
		result = drv_occupancy(function, (int)threads, config->sharedMemBytes, &blocks);
	if (result != CUDA_SUCCESS)
		return result;
	if (size > (unsigned)most)
		return CUDA_ERROR_INVALID_CLUSTER_SIZE;
	*count = blocks ? (int)((unsigned)blocks * drv_device()->cores / size) : 0;
	return CUDA_SUCCESS;
}

static bool config_valid(const CUlaunchConfig *config)
{
	return config && (config->attrs || !config->numAttrs) && config->blockDimX - 1 < DRV_BLOCK_THREADS &&
	       config->blockDimY - 1 < DRV_BLOCK_THREADS && config->blockDimZ - 1 < DRV_BLOCK_Z;
}

DRV_API CUresult cuOccupancyMaxPotentialClusterSize(int *size, CUfunction handle, const CUlaunchConfig *config)
{
	struct drv_function *function;
	if (!size || !config_valid(config))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_function(handle, &function);
	return result == CUDA_SUCCESS ? drv_leave(largest_cluster(size, function, config)) : result;
}

DRV_API CUresult cuOccupancyMaxActiveClusters(int *count, CUfunction handle, const CUlaunchConfig *config)
{
	struct drv_function *function;
	if (!count || !config_valid(config))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_function(handle, &function);
	return result == CUDA_SUCCESS ? drv_leave(active_clusters(count, function, config)) : result;
}
