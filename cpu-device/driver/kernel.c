/* cuKernel*: kernels of a library, without regard to contexts. */
#include <cuda.h>

#include "context.h"
#include "driver.h"
#include "function.h"
#include "handle.h"
#include "library.h"

/* Enters for a call about a kernel; `function` is its function in any context. */
static CUresult kernel_enter(CUkernel handle, struct drv_kernel **kernel, struct drv_function **function)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	*kernel = drv_handle_get(DRV_KERNEL, handle);
	result = *kernel ? drv_kernel_function(*kernel, NULL, function) : CUDA_ERROR_INVALID_HANDLE;
	return result == CUDA_SUCCESS ? result : drv_leave(result);
}

DRV_API CUresult cuKernelGetFunction(CUfunction *out, CUkernel handle)
{
	struct drv_context *context;
	struct drv_function *function;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_kernel *kernel = drv_handle_get(DRV_KERNEL, handle);
	result = kernel ? drv_kernel_function(kernel, context, &function) : CUDA_ERROR_INVALID_HANDLE;
	if (result == CUDA_SUCCESS)
		*out = function->handle;
	return drv_leave(result);
}

DRV_API CUresult cuKernelGetLibrary(CUlibrary *library, CUkernel handle)
{
	if (!library)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_kernel *kernel = drv_handle_get(DRV_KERNEL, handle);
	if (!kernel)
		return drv_leave(CUDA_ERROR_INVALID_HANDLE);
	*library = kernel->library->handle;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuKernelGetName(const char **name, CUkernel handle)
{
	if (!name)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_kernel *kernel = drv_handle_get(DRV_KERNEL, handle);
	if (!kernel)
		return drv_leave(CUDA_ERROR_INVALID_HANDLE);
	*name = kernel->name;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuKernelGetParamInfo(CUkernel handle, size_t index, size_t *offset, size_t *size)
{
	struct drv_kernel *kernel;
	struct drv_function *function;
	if (!offset)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = kernel_enter(handle, &kernel, &function);
	return result == CUDA_SUCCESS ? drv_leave(drv_function_parameter(function, index, offset, size)) : result;
}

DRV_API CUresult cuKernelGetAttribute(int *value, CUfunction_attribute attribute, CUkernel handle, CUdevice device)
{
	struct drv_kernel *kernel;
	struct drv_function *function;
	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = kernel_enter(handle, &kernel, &function);
	if (result != CUDA_SUCCESS)
		return result;
	return drv_leave(device == 0 ? drv_function_attribute(function, attribute, value) : CUDA_ERROR_INVALID_DEVICE);
}

DRV_API CUresult cuKernelSetAttribute(CUfunction_attribute attribute, int value, CUkernel handle, CUdevice device)
{
	struct drv_kernel *kernel;
	struct drv_function *function;
	CUresult result = kernel_enter(handle, &kernel, &function);
	if (result != CUDA_SUCCESS)
		return result;
	if (device != 0)
		return drv_leave(CUDA_ERROR_INVALID_DEVICE);
	return drv_leave(drv_function_set_attribute(&kernel->settings, function, attribute, value));
}

DRV_API CUresult cuKernelSetCacheConfig(CUkernel handle, CUfunc_cache config, CUdevice device)
{
	struct drv_kernel *kernel;
	struct drv_function *function;
	if ((unsigned)config > CU_FUNC_CACHE_PREFER_EQUAL)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = kernel_enter(handle, &kernel, &function);
	if (result != CUDA_SUCCESS)
		return result;
	if (device != 0)
		return drv_leave(CUDA_ERROR_INVALID_DEVICE);
	kernel->settings.cache_config = config;
	return drv_leave(CUDA_SUCCESS);
}
