/* Virtual memory management: cuMemAddressReserve, cuMemCreate, cuMemMap and what belongs to them. */
#include <cuda.h>
#include <stdint.h>

#include "context.h"
#include "device.h"
#include "driver.h"
#include "handle.h"
#include "memory.h"
#include "queue.h"

/* What can be asked for: memory of a device, shareable as a file descriptor or not at all. */
static CUresult properties_check(const CUmemAllocationProp *properties)
{
	if (!properties || properties->type != CU_MEM_ALLOCATION_TYPE_PINNED)
		return CUDA_ERROR_INVALID_VALUE;
	if (properties->requestedHandleTypes & ~(unsigned)CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR)
		return CUDA_ERROR_NOT_SUPPORTED;
	if (properties->location.type != CU_MEM_LOCATION_TYPE_DEVICE)
		return properties->location.type == CU_MEM_LOCATION_TYPE_INVALID ? CUDA_ERROR_INVALID_VALUE
										 : CUDA_ERROR_NOT_SUPPORTED;
	return drv_device_check(properties->location.id);
}

DRV_API CUresult cuMemGetAllocationGranularity(size_t *granularity, const CUmemAllocationProp *properties,
					       CUmemAllocationGranularity_flags option)
{
	if (!granularity ||
	    (option != CU_MEM_ALLOC_GRANULARITY_MINIMUM && option != CU_MEM_ALLOC_GRANULARITY_RECOMMENDED))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	result = properties_check(properties);
	if (result == CUDA_SUCCESS)
		*granularity = CPU_GRANULARITY;
	return drv_leave(result);
}

/* Addresses */

DRV_API CUresult cuMemAddressReserve(CUdeviceptr *out, size_t size, size_t alignment, CUdeviceptr hint,
				     unsigned long long flags)
{
	if (!out || flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	uint64_t address;
	result = cpu_memory_reserve(drv_memory(), size, alignment, hint, &address);
	if (result == CUDA_SUCCESS)
		*out = address;
	return drv_leave(result);
}

DRV_API CUresult cuMemAddressFree(CUdeviceptr address, size_t size)
{
	CUresult result = drv_enter();
	return result == CUDA_SUCCESS ? drv_leave(cpu_memory_unreserve(drv_memory(), address, size)) : result;
}

/* Physical memory. Its handle is one number however often it is retained; mappings keep the memory without it. */

static CUresult handle_give(struct cpu_physical *physical, CUmemGenericAllocationHandle *out)
{
	if (!physical->handles)
		physical->handle = drv_handle_new(DRV_PHYSICAL, physical);
	if (!physical->handle)
		return CUDA_ERROR_OUT_OF_MEMORY;
	physical->handles++;
	*out = (CUmemGenericAllocationHandle)(uintptr_t)physical->handle;
	return CUDA_SUCCESS;
}

static struct cpu_physical *physical_of(CUmemGenericAllocationHandle handle)
{
	return drv_handle_get(DRV_PHYSICAL, (void *)(uintptr_t)handle);
}

static CUresult physical_create(CUmemGenericAllocationHandle *out, size_t size, const CUmemAllocationProp *properties)
{
	struct cpu_physical *physical;
	CUresult result = properties_check(properties);
	if (result == CUDA_SUCCESS)
		result = cpu_physical_create(drv_memory(), size, properties->requestedHandleTypes != 0, &physical);
	if (result != CUDA_SUCCESS)
		return result;
	physical->properties = *properties;
	result = handle_give(physical, out);
	if (result != CUDA_SUCCESS)
		cpu_physical_release(drv_memory(), physical);
	return result;
}

DRV_API CUresult cuMemCreate(CUmemGenericAllocationHandle *out, size_t size, const CUmemAllocationProp *properties,
			     unsigned long long flags)
{
	if (!out || flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	return result == CUDA_SUCCESS ? drv_leave(physical_create(out, size, properties)) : result;
}

static CUresult physical_release(struct cpu_physical *physical)
{
	if (!physical)
		return CUDA_ERROR_INVALID_VALUE;
	if (--physical->handles == 0) {
		drv_handle_end(physical->handle);
		physical->handle = NULL;
	}
	cpu_physical_release(drv_memory(), physical);
	return CUDA_SUCCESS;
}

DRV_API CUresult cuMemRelease(CUmemGenericAllocationHandle handle)
{
	CUresult result = drv_enter();
	return result == CUDA_SUCCESS ? drv_leave(physical_release(physical_of(handle))) : result;
}

static CUresult physical_retain(CUmemGenericAllocationHandle *out, CUdeviceptr address)
{
	struct cpu_span range;
	struct cpu_physical *physical = cpu_memory_mapping(drv_memory(), address, &range);
	CUresult result = physical ? handle_give(physical, out) : CUDA_ERROR_INVALID_VALUE;
	if (result == CUDA_SUCCESS)
		physical->references++;
	return result;
}

DRV_API CUresult cuMemRetainAllocationHandle(CUmemGenericAllocationHandle *out, void *address)
{
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	return result == CUDA_SUCCESS ? drv_leave(physical_retain(out, (uintptr_t)address)) : result;
}

DRV_API CUresult cuMemGetAllocationPropertiesFromHandle(CUmemAllocationProp *properties,
							CUmemGenericAllocationHandle handle)
{
	if (!properties)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	struct cpu_physical *physical = physical_of(handle);
	if (!physical)
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	*properties = physical->properties;
	return drv_leave(CUDA_SUCCESS);
}

/* Sharing between processes: the descriptor of the memory's file. */

static CUresult shareable_export(int *out, struct cpu_physical *physical)
{
	if (!physical || !physical->exportable)
		return CUDA_ERROR_INVALID_VALUE;
	int file = cpu_physical_descriptor(physical);
	if (file < 0)
		return CUDA_ERROR_OPERATING_SYSTEM;
	*out = file;
	return CUDA_SUCCESS;
}

DRV_API CUresult cuMemExportToShareableHandle(void *out, CUmemGenericAllocationHandle handle,
					      CUmemAllocationHandleType type, unsigned long long flags)
{
	if (!out || flags)
		return CUDA_ERROR_INVALID_VALUE;
	if (type != CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR)
		return CUDA_ERROR_NOT_SUPPORTED;
	CUresult result = drv_enter();
	return result == CUDA_SUCCESS ? drv_leave(shareable_export(out, physical_of(handle))) : result;
}

static CUresult shareable_import(CUmemGenericAllocationHandle *out, int file)
{
	struct cpu_physical *physical;
	CUresult result = cpu_physical_import(drv_memory(), file, &physical);
	if (result != CUDA_SUCCESS)
		return result;
	physical->properties = (CUmemAllocationProp){.type = CU_MEM_ALLOCATION_TYPE_PINNED,
						     .requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR,
						     .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE}};
	result = handle_give(physical, out);
	if (result != CUDA_SUCCESS)
		cpu_physical_release(drv_memory(), physical);
	return result;
}

DRV_API CUresult cuMemImportFromShareableHandle(CUmemGenericAllocationHandle *out, void *shareable,
						CUmemAllocationHandleType type)
{
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	if (type != CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR)
		return CUDA_ERROR_NOT_SUPPORTED;
	CUresult result = drv_enter();
	return result == CUDA_SUCCESS ? drv_leave(shareable_import(out, (int)(intptr_t)shareable)) : result;
}

/* Mappings */

DRV_API CUresult cuMemMap(CUdeviceptr address, size_t size, size_t offset, CUmemGenericAllocationHandle handle,
			  unsigned long long flags)
{
	if (flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	struct cpu_physical *physical = physical_of(handle);
	result = physical ? cpu_memory_map(drv_memory(), address, size, offset, physical) : CUDA_ERROR_INVALID_VALUE;
	return drv_leave(result);
}

/* Work of the current context that was queued before may use the memory: it ends first. */
DRV_API CUresult cuMemUnmap(CUdeviceptr address, size_t size)
{
	struct drv_context *context;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	if (drv_current(&context) == CUDA_SUCCESS)
		(void)drv_queue_wait_context(context);
	return drv_leave(cpu_memory_unmap(drv_memory(), address, size));
}

/* Access */

static CUresult access_check(const CUmemAccessDesc *access)
{
	if (access->location.type != CU_MEM_LOCATION_TYPE_DEVICE)
		return CUDA_ERROR_INVALID_VALUE;
	if (access->flags != CU_MEM_ACCESS_FLAGS_PROT_NONE && access->flags != CU_MEM_ACCESS_FLAGS_PROT_READ &&
	    access->flags != CU_MEM_ACCESS_FLAGS_PROT_READWRITE)
		return CUDA_ERROR_INVALID_VALUE;
	return drv_device_check(access->location.id);
}

static CUresult access_set(CUdeviceptr address, size_t size, const CUmemAccessDesc *access, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CUresult result = access_check(&access[i]);
		if (result != CUDA_SUCCESS)
			return result;
	}
	for (size_t i = 0; i < count; i++) {
		CUresult result = cpu_memory_set_access(drv_memory(), address, size, 1u << access[i].location.id,
							access[i].flags != CU_MEM_ACCESS_FLAGS_PROT_NONE,
							access[i].flags == CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
		if (result != CUDA_SUCCESS)
			return result;
	}
	return CUDA_SUCCESS;
}

/* The range may be any part of mapped memory: this device checks accesses by the byte. */
DRV_API CUresult cuMemSetAccess(CUdeviceptr address, size_t size, const CUmemAccessDesc *access, size_t count)
{
	if (!size || !access || !count)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	return result == CUDA_SUCCESS ? drv_leave(access_set(address, size, access, count)) : result;
}

static CUresult access_get(unsigned long long *flags, const CUmemLocation *location, CUdeviceptr address)
{
	struct cpu_span span;
	if (location->type != CU_MEM_LOCATION_TYPE_DEVICE)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_device_check(location->id);
	if (result != CUDA_SUCCESS)
		return result;
	if (!cpu_memory_find(drv_memory(), address, &span) || !span.mapped)
		return CUDA_ERROR_INVALID_VALUE;
	*flags = span.writers >> location->id & 1   ? CU_MEM_ACCESS_FLAGS_PROT_READWRITE
		 : span.readers >> location->id & 1 ? CU_MEM_ACCESS_FLAGS_PROT_READ
						    : CU_MEM_ACCESS_FLAGS_PROT_NONE;
	return CUDA_SUCCESS;
}

DRV_API CUresult cuMemGetAccess(unsigned long long *flags, const CUmemLocation *location, CUdeviceptr address)
{
	if (!flags || !location)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	return result == CUDA_SUCCESS ? drv_leave(access_get(flags, location, address)) : result;
}
