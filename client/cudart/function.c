/* Kernels as objects: handles, attributes, parameters, occupancy. */
#include "api.h"
#include "launch.h"
#include "registry.h"

/* The beginning of every function here: a context, and the kernel behind a symbol or kernel handle. */
static cudaError_t kernel_enter(const void *func, CUkernel *kernel)
{
	cudaError_t error = rt_enter();

	return error == cudaSuccess ? rt_kernel_find(func, kernel) : error;
}

/* The same, and the device of the current context, for which a kernel's attributes hold. */
static cudaError_t kernel_enter_device(const void *func, CUkernel *kernel, CUdevice *device)
{
	cudaError_t error = kernel_enter(func, kernel);

	return error == cudaSuccess ? rt_error(rt_driver.cuCtxGetDevice(device)) : error;
}

#define RT_CALL_KERNEL(name, parameters, call)                                                                         \
	cudaError_t name parameters                                                                                    \
	{                                                                                                              \
		CUkernel kernel;                                                                                       \
		cudaError_t error = kernel_enter(func, &kernel);                                                       \
                                                                                                                       \
		if (error == cudaSuccess)                                                                              \
			error = rt_error(rt_driver.call);                                                              \
		return rt_record(error);                                                                               \
	}

cudaError_t cudaGetKernel(cudaKernel_t *kernelPtr, const void *entryFuncAddr)
{
	cudaError_t error = kernelPtr ? kernel_enter(entryFuncAddr, kernelPtr) : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_kernel_remember(*kernelPtr);
	return rt_record(error);
}

cudaError_t cudaGetFuncBySymbol(cudaFunction_t *functionPtr, const void *symbolPtr)
{
	CUkernel kernel;
	cudaError_t error = functionPtr ? kernel_enter(symbolPtr, &kernel) : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuKernelGetFunction(functionPtr, kernel));
	return rt_record(error);
}

RT_CALL_KERNEL(cudaFuncGetName, (const char **name, const void *func), cuKernelGetName(name, kernel))
RT_CALL_KERNEL(cudaFuncGetParamInfo, (const void *func, size_t paramIndex, size_t *paramOffset, size_t *paramSize),
	       cuKernelGetParamInfo(kernel, paramIndex, paramOffset, paramSize))

cudaError_t cudaFuncSetCacheConfig(const void *func, enum cudaFuncCache cacheConfig)
{
	CUkernel kernel;
	CUdevice device;
	cudaError_t error = rt_enter();

	if (error == cudaSuccess)
		error = rt_kernel_of_symbol(func, &kernel);
	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuCtxGetDevice(&device));
	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuKernelSetCacheConfig(kernel, (CUfunc_cache)cacheConfig, device));
	return rt_record(error);
}

/* "The shared memory bank size [is] no longer supported", cuda_runtime_api.h: the driver still takes the wish. */
cudaError_t cudaFuncSetSharedMemConfig(const void *func, enum cudaSharedMemConfig config)
{
	CUkernel kernel;
	CUfunction function;
	cudaError_t error = kernel_enter(func, &kernel);

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuKernelGetFunction(&function, kernel));
	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuFuncSetSharedMemConfig(function, (CUsharedconfig)config));
	return rt_record(error);
}

/* Where each attribute of a kernel goes in struct cudaFuncAttributes. */
static const struct {
	CUfunction_attribute attribute;
	size_t offset;
	bool wide; /* a size_t, else an int */
} function_fields[] = {
#define FIELD(name, attribute, wide)                                                                                   \
	{                                                                                                              \
		attribute, offsetof(struct cudaFuncAttributes, name), wide                                             \
	}
    FIELD(sharedSizeBytes, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, 1),
    FIELD(constSizeBytes, CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES, 1),
    FIELD(localSizeBytes, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES, 1),
    FIELD(maxThreadsPerBlock, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 0),
    FIELD(numRegs, CU_FUNC_ATTRIBUTE_NUM_REGS, 0),
    FIELD(ptxVersion, CU_FUNC_ATTRIBUTE_PTX_VERSION, 0),
    FIELD(binaryVersion, CU_FUNC_ATTRIBUTE_BINARY_VERSION, 0),
    FIELD(cacheModeCA, CU_FUNC_ATTRIBUTE_CACHE_MODE_CA, 0),
    FIELD(maxDynamicSharedSizeBytes, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 0),
    FIELD(preferredShmemCarveout, CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, 0),
    FIELD(clusterDimMustBeSet, CU_FUNC_ATTRIBUTE_CLUSTER_SIZE_MUST_BE_SET, 0),
    FIELD(requiredClusterWidth, CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH, 0),
    FIELD(requiredClusterHeight, CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT, 0),
    FIELD(requiredClusterDepth, CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH, 0),
    FIELD(clusterSchedulingPolicyPreference, CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE, 0),
    FIELD(nonPortableClusterSizeAllowed, CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 0),
#undef FIELD
};

static cudaError_t function_attributes(struct cudaFuncAttributes *attributes, CUkernel kernel, CUdevice device)
{
	for (size_t i = 0; i < sizeof(function_fields) / sizeof(function_fields[0]); i++) {
		char *field = (char *)attributes + function_fields[i].offset;
		int value = 0;
		CUresult result = rt_driver.cuKernelGetAttribute(&value, function_fields[i].attribute, kernel, device);

		/* A driver or device without clusters does not know their attributes. */
		if (result != CUDA_SUCCESS && function_fields[i].attribute < CU_FUNC_ATTRIBUTE_CLUSTER_SIZE_MUST_BE_SET)
			return rt_error(result);
		if (function_fields[i].wide)
			*(size_t *)field = (size_t)value;
		else
			*(int *)field = value;
	}
	return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attr, const void *func)
{
	CUkernel kernel;
	CUdevice device;
	cudaError_t error = attr ? kernel_enter_device(func, &kernel, &device) : cudaErrorInvalidValue;

	if (error == cudaSuccess) {
		*attr = (struct cudaFuncAttributes){0};
		error = function_attributes(attr, kernel, device);
	}
	return rt_record(error);
}

cudaError_t cudaFuncSetAttribute(const void *func, enum cudaFuncAttribute attr, int value)
{
	CUkernel kernel;
	CUdevice device;
	cudaError_t error = kernel_enter_device(func, &kernel, &device);

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuKernelSetAttribute((CUfunction_attribute)attr, value, kernel, device));
	return rt_record(error);
}

RT_CALL_DEVICE(cudaKernelSetAttributeForDevice,
	       (cudaKernel_t kernel, enum cudaFuncAttribute attr, int value, int device),
	       cuKernelSetAttribute((CUfunction_attribute)attr, value, kernel, handle))

/* Occupancy takes a CUkernel for the CUfunction, as its documentation allows. */
RT_CALL_KERNEL(cudaOccupancyMaxActiveBlocksPerMultiprocessor,
	       (int *numBlocks, const void *func, int blockSize, size_t dynamicSMemSize),
	       cuOccupancyMaxActiveBlocksPerMultiprocessor(numBlocks, (CUfunction)kernel, blockSize, dynamicSMemSize))
RT_CALL_KERNEL(cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags,
	       (int *numBlocks, const void *func, int blockSize, size_t dynamicSMemSize, unsigned int flags),
	       cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(numBlocks, (CUfunction)kernel, blockSize,
								    dynamicSMemSize, flags))
RT_CALL_KERNEL(cudaOccupancyAvailableDynamicSMemPerBlock,
	       (size_t * dynamicSmemSize, const void *func, int numBlocks, int blockSize),
	       cuOccupancyAvailableDynamicSMemPerBlock(dynamicSmemSize, (CUfunction)kernel, numBlocks, blockSize))

cudaError_t cudaOccupancyMaxPotentialClusterSize(int *clusterSize, const void *func,
						 const cudaLaunchConfig_t *launchConfig)
{
	CUlaunchConfig driver;
	CUkernel kernel;
	cudaError_t error = kernel_enter(func, &kernel);

	if (error == cudaSuccess)
		error = rt_launch_configuration(launchConfig, &driver);
	if (error == cudaSuccess)
		error =
		    rt_error(rt_driver.cuOccupancyMaxPotentialClusterSize(clusterSize, (CUfunction)kernel, &driver));
	return rt_record(error);
}

cudaError_t cudaOccupancyMaxActiveClusters(int *numClusters, const void *func, const cudaLaunchConfig_t *launchConfig)
{
	CUlaunchConfig driver;
	CUkernel kernel;
	cudaError_t error = kernel_enter(func, &kernel);

	if (error == cudaSuccess)
		error = rt_launch_configuration(launchConfig, &driver);
	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuOccupancyMaxActiveClusters(numClusters, (CUfunction)kernel, &driver));
	return rt_record(error);
}
