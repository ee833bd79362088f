/* Occupancy, computed with the toolkit's own calculator (cuda_occupancy.h) from attributes that are known here. */
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include <cuda_occupancy.h>

#include "device.h"
#include "function.h"
#include "hand.h"
#include "handles.h"

/* The calculator's inputs for one function on the current device. */
struct subject {
	cudaOccDeviceProp device;
	cudaOccFuncAttributes function;
	cudaOccDeviceState state;
};

static int device_value(CUdevice device, CUdevice_attribute attribute)
{
	int value;
	return cu_device_attribute(device, (int)attribute, &value) ? value : 0;
}

static void describe_device(CUdevice device, cudaOccDeviceProp *properties)
{
	memset(properties, 0, sizeof(*properties));
	properties->computeMajor = device_value(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
	properties->computeMinor = device_value(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
	properties->maxThreadsPerBlock = device_value(device, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
	properties->maxThreadsPerMultiprocessor =
	    device_value(device, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR);
	properties->regsPerBlock = device_value(device, CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK);
	properties->regsPerMultiprocessor = device_value(device, CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR);
	properties->warpSize = device_value(device, CU_DEVICE_ATTRIBUTE_WARP_SIZE);
	properties->sharedMemPerBlock = device_value(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK);
	properties->sharedMemPerMultiprocessor =
	    device_value(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR);
	properties->numSms = device_value(device, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
	properties->sharedMemPerBlockOptin =
	    device_value(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
	properties->reservedSharedMemPerBlock =
	    device_value(device, CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK);
}

static int function_value(const struct cu_function_object *function, CUfunction_attribute attribute)
{
	int value;
	return cu_function_attribute(function, attribute, &value) ? value : 0;
}

static void describe_function(const struct cu_function_object *object, cudaOccFuncAttributes *function)
{
	memset(function, 0, sizeof(*function));
	function->maxThreadsPerBlock = function_value(object, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
	function->numRegs = function_value(object, CU_FUNC_ATTRIBUTE_NUM_REGS);
	function->sharedSizeBytes = (size_t)function_value(object, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
	function->partitionedGCConfig = PARTITIONED_GC_OFF;
	function->shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
	function->maxDynamicSharedSizeBytes =
	    (size_t)function_value(object, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
	function->numBlockBarriers = 1;
}

static CUresult describe(CUfunction handle, struct subject *subject)
{
	CUdevice device;
	CUresult err = client_cuCtxGetDevice(&device);
	if (!err)
		err = cu_function_learn(handle);
	if (err)
		return err;
	memset(&subject->state, 0, sizeof(subject->state));
	subject->state.carveoutConfig = SHAREDMEM_CARVEOUT_DEFAULT;
	describe_device(device, &subject->device);
	cu_objects_lock_shared();
	struct cu_function_object *object = cu_object(CR_KIND_FUNCTION, handle);
	if (object)
		describe_function(object, &subject->function);
	cu_objects_unlock();
	return object ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

static CUresult active_blocks(const struct subject *subject, int block_size, size_t shared_bytes, int *blocks)
{
	cudaOccResult result;
	cudaOccError err = cudaOccMaxActiveBlocksPerMultiprocessor(&result, &subject->device, &subject->function,
								   &subject->state, block_size, shared_bytes);
	if (err != CUDA_OCC_SUCCESS)
		return CUDA_ERROR_INVALID_VALUE;
	*blocks = result.activeBlocksPerMultiprocessor;
	return CUDA_SUCCESS;
}

CUresult client_cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *numBlocks, CUfunction func, int blockSize,
								     size_t dynamicSMemSize, unsigned int flags)
{
	struct subject subject;
	if (!numBlocks || blockSize <= 0 || flags & ~(unsigned)CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = describe(func, &subject);
	return err ? err : active_blocks(&subject, blockSize, dynamicSMemSize, numBlocks);
}

CUresult client_cuOccupancyMaxActiveBlocksPerMultiprocessor(int *numBlocks, CUfunction func, int blockSize,
							    size_t dynamicSMemSize)
{
	return client_cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(numBlocks, func, blockSize, dynamicSMemSize,
									   0);
}

/* Tries every block size that is a multiple of the warp, the largest first; the first that keeps most threads busy
   wins, as CUDA's own search does. */
CUresult client_cuOccupancyMaxPotentialBlockSizeWithFlags(int *minGridSize, int *blockSize, CUfunction func,
							  CUoccupancyB2DSize blockSizeToDynamicSMemSize,
							  size_t dynamicSMemSize, int blockSizeLimit,
							  unsigned int flags)
{
	struct subject subject;
	int best = 0;
	if (!minGridSize || !blockSize || blockSizeLimit < 0 ||
	    flags & ~(unsigned)CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = describe(func, &subject);
	if (err)
		return err;
	int warp = subject.device.warpSize, limit = subject.function.maxThreadsPerBlock;
	if (warp <= 0 || limit <= 0)
		return CUDA_ERROR_UNKNOWN;
	if (blockSizeLimit && blockSizeLimit < limit)
		limit = blockSizeLimit;
	*minGridSize = *blockSize = 0;
	for (int aligned = (limit + warp - 1) / warp * warp; aligned > 0; aligned -= warp) {
		int size = aligned < limit ? aligned : limit, blocks;
		size_t shared = blockSizeToDynamicSMemSize ? blockSizeToDynamicSMemSize(size) : dynamicSMemSize;
		if ((err = active_blocks(&subject, size, shared, &blocks)))
			return err;
		if (blocks * size > best) {
			best = blocks * size;
			*blockSize = size;
			*minGridSize = blocks * subject.device.numSms;
		}
		if (best == subject.device.maxThreadsPerMultiprocessor)
			break;
	}
	return CUDA_SUCCESS;
}

CUresult client_cuOccupancyMaxPotentialBlockSize(int *minGridSize, int *blockSize, CUfunction func,
						 CUoccupancyB2DSize blockSizeToDynamicSMemSize, size_t dynamicSMemSize,
						 int blockSizeLimit)
{
	return client_cuOccupancyMaxPotentialBlockSizeWithFlags(
	    minGridSize, blockSize, func, blockSizeToDynamicSMemSize, dynamicSMemSize, blockSizeLimit, 0);
}

CUresult client_cuOccupancyAvailableDynamicSMemPerBlock(size_t *dynamicSmemSize, CUfunction func, int numBlocks,
							int blockSize)
{
	struct subject subject;
	if (!dynamicSmemSize || numBlocks <= 0 || blockSize <= 0)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = describe(func, &subject);
	if (err)
		return err;
	return cudaOccAvailableDynamicSMemPerBlock(dynamicSmemSize, &subject.device, &subject.function, &subject.state,
						   numBlocks, blockSize) == CUDA_OCC_SUCCESS
		   ? CUDA_SUCCESS
		   : CUDA_ERROR_INVALID_VALUE;
}
