/* Advice about managed memory. Host and device share the machine's memory, so that advice has nothing to move: these
   calls check what they are given. */
#include <cuda.h>

#include "context.h"
#include "driver.h"
#include "memory_table.h"
#include "stream.h"

static bool range_is_managed(CUdeviceptr address, size_t size)
{
	struct drv_allocation *allocation = drv_allocation_around(address);
	return allocation && allocation->kind == DRV_MANAGED_MEMORY && size &&
	       size <= allocation->size - (address - allocation->base);
}

static CUresult location_check(CUmemLocation location)
{
	switch ((int)location.type) {
	case CU_MEM_LOCATION_TYPE_DEVICE:
		return location.id == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
	case CU_MEM_LOCATION_TYPE_HOST:
	case CU_MEM_LOCATION_TYPE_HOST_NUMA:
	case CU_MEM_LOCATION_TYPE_HOST_NUMA_CURRENT:
		return CUDA_SUCCESS;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

/* Where the first generation of these calls meant: a device, or the host. */
static CUmemLocation location_of(CUdevice device)
{
	if (device == CU_DEVICE_CPU)
		return (CUmemLocation){.type = CU_MEM_LOCATION_TYPE_HOST};
	return (CUmemLocation){.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = device};
}

DRV_API CUresult cuMemPrefetchAsync_v2(CUdeviceptr address, size_t size, CUmemLocation location, unsigned flags,
				       CUstream handle)
{
	struct drv_stream *stream;
	if (flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	return drv_leave(range_is_managed(address, size) ? location_check(location) : CUDA_ERROR_INVALID_VALUE);
}

DRV_API CUresult cuMemPrefetchAsync(CUdeviceptr address, size_t size, CUdevice device, CUstream handle)
{
	return cuMemPrefetchAsync_v2(address, size, location_of(device), 0, handle);
}

DRV_API CUresult cuMemAdvise_v2(CUdeviceptr address, size_t size, CUmem_advise advice, CUmemLocation location)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	if (advice < CU_MEM_ADVISE_SET_READ_MOSTLY || advice > CU_MEM_ADVISE_UNSET_ACCESSED_BY ||
	    !range_is_managed(address, size))
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	/* Only advice about a place looks at the place. */
	bool placeless = advice == CU_MEM_ADVISE_SET_READ_MOSTLY || advice == CU_MEM_ADVISE_UNSET_READ_MOSTLY ||
			 advice == CU_MEM_ADVISE_UNSET_PREFERRED_LOCATION;
	return drv_leave(placeless ? CUDA_SUCCESS : location_check(location));
}

DRV_API CUresult cuMemAdvise(CUdeviceptr address, size_t size, CUmem_advise advice, CUdevice device)
{
	return cuMemAdvise_v2(address, size, advice, location_of(device));
}

/* Who may touch managed memory when: both, always. */
DRV_API CUresult cuStreamAttachMemAsync(CUstream handle, CUdeviceptr address, size_t length, unsigned flags)
{
	struct drv_stream *stream;
	if (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST && flags != CU_MEM_ATTACH_SINGLE)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_allocation *allocation = drv_allocation_at(address);
	bool whole = allocation && allocation->kind == DRV_MANAGED_MEMORY && (!length || length == allocation->size);
	return drv_leave(whole ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE);
}
