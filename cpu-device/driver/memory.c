/* cuMem*: device memory. */
#include <cuda.h>

#include "context.h"
#include "driver.h"
#include "memory_table.h"
#include "queue.h"

static CUresult memory_new(struct drv_context *context, size_t size, enum drv_allocation_kind kind, unsigned flags,
			   CUdeviceptr *out)
{
	struct drv_allocation *allocation;
	CUresult result = drv_allocation_new(context, size, kind, flags, &allocation);
	if (result == CUDA_SUCCESS)
		*out = allocation->base;
	return result;
}

DRV_API CUresult cuMemAlloc_v2(CUdeviceptr *out, size_t size)
{
	struct drv_context *context;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	return result == CUDA_SUCCESS ? drv_leave(memory_new(context, size, DRV_DEVICE_MEMORY, 0, out)) : result;
}

/* Rows start at multiples of 512 bytes, as allocations do. */
DRV_API CUresult cuMemAllocPitch_v2(CUdeviceptr *out, size_t *pitch, size_t width, size_t height, unsigned element_size)
{
	struct drv_context *context;
	if (!out || !pitch || !width || !height || (element_size != 4 && element_size != 8 && element_size != 16))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	size_t row = (width + 511) & ~(size_t)511, size;
	if (row < width || __builtin_mul_overflow(row, height, &size))
		return drv_leave(CUDA_ERROR_OUT_OF_MEMORY);
	result = memory_new(context, size, DRV_DEVICE_MEMORY, 0, out);
	if (result == CUDA_SUCCESS)
		*pitch = row;
	return drv_leave(result);
}

DRV_API CUresult cuMemAllocManaged(CUdeviceptr *out, size_t size, unsigned flags)
{
	struct drv_context *context;
	if (!out || (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	return result == CUDA_SUCCESS ? drv_leave(memory_new(context, size, DRV_MANAGED_MEMORY, flags, out)) : result;
}

/* Work that was queued before may use the memory: it ends first. */
static CUresult memory_free(struct drv_context *context, CUdeviceptr address)
{
	struct drv_allocation *allocation = drv_allocation_at(address);
	if (!allocation || allocation->kind == DRV_HOST_MEMORY)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_queue_wait_context(context);
	if (result != CUDA_SUCCESS)
		return result;
	allocation = drv_allocation_at(address); /* another thread may have freed it while this one waited */
	if (!allocation)
		return CUDA_ERROR_INVALID_VALUE;
	drv_allocation_free(allocation);
	return CUDA_SUCCESS;
}

DRV_API CUresult cuMemFree_v2(CUdeviceptr address)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	return drv_leave(address ? memory_free(context, address) : CUDA_SUCCESS);
}

DRV_API CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *total_bytes)
{
	struct drv_context *context;
	if (!free_bytes || !total_bytes)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	cpu_memory_info(drv_memory(), free_bytes, total_bytes);
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *size, CUdeviceptr address)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_allocation *allocation = drv_allocation_around(address);
	if (!allocation)
		return drv_leave(CUDA_ERROR_NOT_FOUND);
	if (base)
		*base = allocation->base;
	if (size)
		*size = allocation->size;
	return drv_leave(CUDA_SUCCESS);
}
