/* cuMemcpy* of contiguous memory. Functions ending in _ptds and _ptsz mean the per-thread default stream. */
#include <cuda.h>
#include <stdint.h>

#include "context.h"
#include "copy.h"
#include "driver.h"
#include "stream.h"

enum { SYNCHRONOUS = false, ASYNCHRONOUS = true };

static CUresult linear(uint64_t to, enum drv_side to_side, uint64_t from, enum drv_side from_side, size_t size,
		       CUstream stream, bool asynchronous)
{
	struct drv_copy copy = {.to = {.address = to, .side = to_side},
				.from = {.address = from, .side = from_side},
				.width = size,
				.height = 1,
				.depth = 1};
	return drv_copy_run(&copy, stream, asynchronous);
}

static CUresult host_to_device(CUdeviceptr to, const void *from, size_t size, CUstream stream, bool asynchronous)
{
	if (!from && size)
		return CUDA_ERROR_INVALID_VALUE;
	return linear(to, DRV_SIDE_DEVICE, (uintptr_t)from, DRV_SIDE_HOST, size, stream, asynchronous);
}

static CUresult device_to_host(void *to, CUdeviceptr from, size_t size, CUstream stream, bool asynchronous)
{
	if (!to && size)
		return CUDA_ERROR_INVALID_VALUE;
	return linear((uintptr_t)to, DRV_SIDE_HOST, from, DRV_SIDE_DEVICE, size, stream, asynchronous);
}

static CUresult device_to_device(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream, bool asynchronous)
{
	return linear(to, DRV_SIDE_DEVICE, from, DRV_SIDE_DEVICE, size, stream, asynchronous);
}

static CUresult any_to_any(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream, bool asynchronous)
{
	return linear(to, DRV_SIDE_ANY, from, DRV_SIDE_ANY, size, stream, asynchronous);
}

DRV_API CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t size)
{
	return host_to_device(to, from, size, CU_STREAM_LEGACY, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpyHtoD_v2_ptds(CUdeviceptr to, const void *from, size_t size)
{
	return host_to_device(to, from, size, CU_STREAM_PER_THREAD, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t size, CUstream stream)
{
	return host_to_device(to, from, size, stream, ASYNCHRONOUS);
}

DRV_API CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t size)
{
	return device_to_host(to, from, size, CU_STREAM_LEGACY, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpyDtoH_v2_ptds(void *to, CUdeviceptr from, size_t size)
{
	return device_to_host(to, from, size, CU_STREAM_PER_THREAD, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t size, CUstream stream)
{
	return device_to_host(to, from, size, stream, ASYNCHRONOUS);
}

DRV_API CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t size)
{
	return device_to_device(to, from, size, CU_STREAM_LEGACY, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpyDtoD_v2_ptds(CUdeviceptr to, CUdeviceptr from, size_t size)
{
	return device_to_device(to, from, size, CU_STREAM_PER_THREAD, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream)
{
	return device_to_device(to, from, size, stream, ASYNCHRONOUS);
}

DRV_API CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t size)
{
	return any_to_any(to, from, size, CU_STREAM_LEGACY, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpy_ptds(CUdeviceptr to, CUdeviceptr from, size_t size)
{
	return any_to_any(to, from, size, CU_STREAM_PER_THREAD, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream)
{
	return any_to_any(to, from, size, stream, ASYNCHRONOUS);
}

/* Between contexts: of one device, so that it is a copy like any other. */

static CUresult contexts_check(CUcontext to, CUcontext from)
{
	struct drv_context *context;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_context_get(to, &context);
	if (result == CUDA_SUCCESS)
		result = drv_context_get(from, &context);
	return drv_leave(result);
}

static CUresult peer(CUdeviceptr to, CUcontext to_context, CUdeviceptr from, CUcontext from_context, size_t size,
		     CUstream stream, bool asynchronous)
{
	CUresult result = contexts_check(to_context, from_context);
	return result == CUDA_SUCCESS ? device_to_device(to, from, size, stream, asynchronous) : result;
}

DRV_API CUresult cuMemcpyPeer(CUdeviceptr to, CUcontext to_context, CUdeviceptr from, CUcontext from_context,
			      size_t size)
{
	return peer(to, to_context, from, from_context, size, CU_STREAM_LEGACY, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpyPeer_ptds(CUdeviceptr to, CUcontext to_context, CUdeviceptr from, CUcontext from_context,
				   size_t size)
{
	return peer(to, to_context, from, from_context, size, CU_STREAM_PER_THREAD, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext to_context, CUdeviceptr from, CUcontext from_context,
				   size_t size, CUstream stream)
{
	return peer(to, to_context, from, from_context, size, stream, ASYNCHRONOUS);
}
