/* Kernel launches: nvcc's <<<...>>> in both its forms, and the launch functions. */
#include <limits.h>
#include <string.h>

#include "api.h"
#include "launch.h"
#include "registry.h"

/*
 * A launch whose arguments throw is never popped. Such leftovers lie at the bottom, which is what gives way when there
 * is no room.
 */
static void launches_drop_oldest(void)
{
	struct rt_launch_configuration *launches = rt_thread.launches;

	memmove(launches, launches + 1, sizeof(*launches) * (RT_LAUNCH_DEPTH - 1));
	rt_thread.launch_depth--;
}

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared_bytes, struct CUstream_st *stream)
{
	if (rt_thread.launch_depth == RT_LAUNCH_DEPTH)
		launches_drop_oldest();
	rt_thread.launches[rt_thread.launch_depth++] =
	    (struct rt_launch_configuration){grid, block, shared_bytes, stream};
	return cudaSuccess;
}

cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared_bytes, void *stream)
{
	const struct rt_launch_configuration *top;

	if (rt_thread.launch_depth == 0)
		return rt_record(cudaErrorMissingConfiguration);
	top = &rt_thread.launches[--rt_thread.launch_depth];
	*grid = top->grid;
	*block = top->block;
	*shared_bytes = top->shared_bytes;
	*(cudaStream_t *)stream = top->stream;
	return cudaSuccess;
}

static bool dimension_exceeds(unsigned value, CUdevice_attribute attribute, CUdevice device)
{
	int most = 0;

	if (rt_driver.cuDeviceGetAttribute(&most, attribute, device) != CUDA_SUCCESS)
		return 0;
	return value == 0 || value > (unsigned)most;
}

/*
 * The driver has one answer, CUDA_ERROR_INVALID_VALUE, where the runtime tells the configuration from the other
 * arguments: cudaErrorInvalidConfiguration is for a grid or block that no kernel could have on the device.
 */
static cudaError_t launch_error(CUresult result, dim3 grid, dim3 block)
{
	CUdevice device;

	if (result != CUDA_ERROR_INVALID_VALUE || rt_driver.cuCtxGetDevice(&device) != CUDA_SUCCESS)
		return rt_error(result);
	if (dimension_exceeds(grid.x, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, device) ||
	    dimension_exceeds(grid.y, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, device) ||
	    dimension_exceeds(grid.z, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, device) ||
	    dimension_exceeds(block.x, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, device) ||
	    dimension_exceeds(block.y, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, device) ||
	    dimension_exceeds(block.z, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, device) ||
	    dimension_exceeds(block.x * block.y * block.z, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, device))
		return cudaErrorInvalidConfiguration;
	return cudaErrorInvalidValue;
}

/* Launches a kernel; a context is current. A CUkernel may stand for a CUfunction (cuLaunchKernel's documentation). */
static inline cudaError_t launch(CUkernel kernel, dim3 grid, dim3 block, void **arguments, size_t shared_bytes,
				 cudaStream_t stream)
{
	CUresult result;

	if (shared_bytes > UINT_MAX)
		return cudaErrorInvalidValue;
	result = rt_driver.cuLaunchKernel((CUfunction)kernel, grid.x, grid.y, grid.z, block.x, block.y, block.z,
					  (unsigned)shared_bytes, stream, arguments, NULL);
	return result == CUDA_SUCCESS ? cudaSuccess : launch_error(result, grid, block);
}

cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *function)
{
	return cudaGetKernel(kernel, function);
}

/*
 * The kernel is NULL when __cudaGetKernel() failed, since nvcc's code does not look at its outcome; why it failed
 * is then what the thread should find as its last error.
 */
static cudaError_t launch_without_kernel(void)
{
	cudaError_t error = rt_last_error();

	return error != cudaSuccess ? error : cudaErrorInvalidDeviceFunction;
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void **arguments, size_t shared_bytes,
			       cudaStream_t stream)
{
	cudaError_t error = rt_enter();

	if (error == cudaSuccess)
		error = kernel ? launch(kernel, grid, block, arguments, shared_bytes, stream) : launch_without_kernel();
	return rt_record(error);
}

cudaError_t __cudaLaunchKernel_ptsz(cudaKernel_t kernel, dim3 grid, dim3 block, void **arguments, size_t shared_bytes,
				    cudaStream_t stream)
{
	return __cudaLaunchKernel(kernel, grid, block, arguments, shared_bytes, rt_stream_per_thread(stream));
}

cudaError_t cudaLaunchKernel(const void *func, dim3 gridDim, dim3 blockDim, void **args, size_t sharedMem,
			     cudaStream_t stream)
{
	cudaError_t error = rt_enter();
	CUkernel kernel;

	if (error == cudaSuccess)
		error = rt_kernel_find(func, &kernel);
	if (error == cudaSuccess)
		error = launch(kernel, gridDim, blockDim, args, sharedMem, stream);
	return rt_record(error);
}

RT_DECLARE_VARIANT(cudaLaunchKernel, _ptsz)
cudaError_t cudaLaunchKernel_ptsz(const void *func, dim3 gridDim, dim3 blockDim, void **args, size_t sharedMem,
				  cudaStream_t stream)
{
	return cudaLaunchKernel(func, gridDim, blockDim, args, sharedMem, rt_stream_per_thread(stream));
}

RT_SAME_LAYOUT(cudaLaunchAttribute, CUlaunchAttribute);

cudaError_t rt_launch_configuration(const cudaLaunchConfig_t *config, CUlaunchConfig *driver)
{
	if (!config || config->dynamicSmemBytes > UINT_MAX)
		return cudaErrorInvalidValue;
	*driver = (CUlaunchConfig){
	    .gridDimX = config->gridDim.x,
	    .gridDimY = config->gridDim.y,
	    .gridDimZ = config->gridDim.z,
	    .blockDimX = config->blockDim.x,
	    .blockDimY = config->blockDim.y,
	    .blockDimZ = config->blockDim.z,
	    .sharedMemBytes = (unsigned)config->dynamicSmemBytes,
	    .hStream = config->stream,
	    .attrs = (CUlaunchAttribute *)config->attrs,
	    .numAttrs = config->numAttrs,
	};
	return cudaSuccess;
}

static cudaError_t launch_extended(const cudaLaunchConfig_t *config, const void *func, void **args, bool per_thread)
{
	cudaError_t error = rt_enter();
	CUlaunchConfig driver;
	CUkernel kernel;
	CUresult result;

	if (error == cudaSuccess)
		error = rt_launch_configuration(config, &driver);
	if (error == cudaSuccess)
		error = rt_kernel_find(func, &kernel);
	if (error != cudaSuccess)
		return rt_record(error);
	if (per_thread)
		driver.hStream = rt_stream_per_thread(driver.hStream);
	result = rt_driver.cuLaunchKernelEx(&driver, (CUfunction)kernel, args, NULL);
	return rt_record(launch_error(result, config->gridDim, config->blockDim));
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *func, void **args)
{
	return launch_extended(config, func, args, 0);
}

RT_DECLARE_VARIANT(cudaLaunchKernelExC, _ptsz)
cudaError_t cudaLaunchKernelExC_ptsz(const cudaLaunchConfig_t *config, const void *func, void **args)
{
	return launch_extended(config, func, args, 1);
}

cudaError_t cudaLaunchCooperativeKernel(const void *func, dim3 gridDim, dim3 blockDim, void **args, size_t sharedMem,
					cudaStream_t stream)
{
	cudaError_t error = rt_enter();
	CUkernel kernel;
	CUresult result;

	if (error == cudaSuccess && sharedMem > UINT_MAX)
		error = cudaErrorInvalidValue;
	if (error == cudaSuccess)
		error = rt_kernel_find(func, &kernel);
	if (error != cudaSuccess)
		return rt_record(error);
	result = rt_driver.cuLaunchCooperativeKernel((CUfunction)kernel, gridDim.x, gridDim.y, gridDim.z, blockDim.x,
						     blockDim.y, blockDim.z, (unsigned)sharedMem, stream, args);
	return rt_record(launch_error(result, gridDim, blockDim));
}

RT_DECLARE_VARIANT(cudaLaunchCooperativeKernel, _ptsz)
cudaError_t cudaLaunchCooperativeKernel_ptsz(const void *func, dim3 gridDim, dim3 blockDim, void **args,
					     size_t sharedMem, cudaStream_t stream)
{
	return cudaLaunchCooperativeKernel(func, gridDim, blockDim, args, sharedMem, rt_stream_per_thread(stream));
}

/* The runtime's callback type has a void return as the driver's has. */
RT_CALL_STREAM(cudaLaunchHostFunc, (cudaStream_t stream, cudaHostFn_t fn, void *userData),
	       cuLaunchHostFunc(stream, fn, userData))
