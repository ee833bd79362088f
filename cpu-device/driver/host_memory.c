/* Pinned host memory. It lies in the device's memory, so that kernels reach it under the same address. */
#include <cuda.h>
#include <stdint.h>
#include <stdlib.h>

#include "context.h"
#include "driver.h"
#include "memory_table.h"
#include "queue.h"

/* Memory of the program that it registered. */
struct registration {
	uintptr_t base;
	size_t size;
	unsigned flags;
	struct drv_link siblings;
};

static struct drv_link registrations = {&registrations, &registrations};

static struct registration *registration_around(uintptr_t address)
{
	for (struct drv_link *link = registrations.next; link != &registrations; link = link->next) {
		struct registration *registration = DRV_ENTRY(link, struct registration, siblings);
		if (address >= registration->base && address - registration->base < registration->size)
			return registration;
	}
	return NULL;
}

bool drv_memory_is_registered(const void *pointer, unsigned *flags)
{
	struct registration *registration = registration_around((uintptr_t)pointer);
	if (registration)
		*flags = registration->flags;
	return registration != NULL;
}

DRV_API CUresult cuMemHostAlloc(void **out, size_t size, unsigned flags)
{
	const unsigned known = CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP | CU_MEMHOSTALLOC_WRITECOMBINED;
	struct drv_context *context;
	struct drv_allocation *allocation;
	if (!out || (flags & ~known))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	/* With unified addressing all pinned memory is mapped, and says so. */
	result = drv_allocation_new(context, size, DRV_HOST_MEMORY, flags | CU_MEMHOSTALLOC_DEVICEMAP, &allocation);
	if (result == CUDA_SUCCESS)
		*out = (void *)allocation->base;
	return drv_leave(result);
}

DRV_API CUresult cuMemAllocHost_v2(void **out, size_t size)
{
	return cuMemHostAlloc(out, size, 0);
}

DRV_API CUresult cuMemFreeHost(void *pointer)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	if (!pointer)
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	result = drv_queue_wait_context(context);
	struct drv_allocation *allocation = drv_allocation_at((uintptr_t)pointer);
	if (result == CUDA_SUCCESS && (!allocation || allocation->kind != DRV_HOST_MEMORY))
		result = CUDA_ERROR_INVALID_VALUE;
	if (result == CUDA_SUCCESS)
		drv_allocation_free(allocation);
	return drv_leave(result);
}

static CUresult device_pointer(CUdeviceptr *out, void *pointer)
{
	unsigned flags;
	struct drv_allocation *allocation = drv_allocation_around((uintptr_t)pointer);
	if (!allocation || allocation->kind != DRV_HOST_MEMORY)
		return drv_memory_is_registered(pointer, &flags) ? CUDA_ERROR_NOT_SUPPORTED : CUDA_ERROR_INVALID_VALUE;
	*out = (uintptr_t)pointer;
	return CUDA_SUCCESS;
}

DRV_API CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *out, void *pointer, unsigned flags)
{
	struct drv_context *context;
	if (!out || flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	return result == CUDA_SUCCESS ? drv_leave(device_pointer(out, pointer)) : result;
}

DRV_API CUresult cuMemHostGetFlags(unsigned *flags, void *pointer)
{
	struct drv_context *context;
	if (!flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_allocation *allocation = drv_allocation_around((uintptr_t)pointer);
	if (!allocation || allocation->kind != DRV_HOST_MEMORY)
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	*flags = allocation->flags;
	return drv_leave(CUDA_SUCCESS);
}

/* Registered memory stays the program's: copies may use it asynchronously, kernels cannot reach it. */

static bool overlaps_registered(uintptr_t base, size_t size)
{
	for (struct drv_link *link = registrations.next; link != &registrations; link = link->next) {
		struct registration *other = DRV_ENTRY(link, struct registration, siblings);
		if (base < other->base + other->size && other->base < base + size)
			return true;
	}
	return false;
}

static CUresult memory_register(uintptr_t base, size_t size, unsigned flags)
{
	if (overlaps_registered(base, size) || drv_memory_is_ours(base))
		return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
	struct registration *registration = malloc(sizeof *registration);
	if (!registration)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*registration = (struct registration){.base = base, .size = size, .flags = flags};
	drv_list_append(&registrations, &registration->siblings);
	return CUDA_SUCCESS;
}

DRV_API CUresult cuMemHostRegister_v2(void *pointer, size_t size, unsigned flags)
{
	const unsigned known = CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP |
			       CU_MEMHOSTREGISTER_IOMEMORY | CU_MEMHOSTREGISTER_READ_ONLY;
	struct drv_context *context;
	uintptr_t base = (uintptr_t)pointer;
	if (!pointer || !size || base + size < base || (flags & ~known))
		return CUDA_ERROR_INVALID_VALUE;
	if (flags & ~(unsigned)CU_MEMHOSTREGISTER_PORTABLE)
		return CUDA_ERROR_NOT_SUPPORTED;
	CUresult result = drv_enter_context(&context);
	return result == CUDA_SUCCESS ? drv_leave(memory_register(base, size, flags)) : result;
}

DRV_API CUresult cuMemHostRegister(void *pointer, size_t size, unsigned flags)
{
	return cuMemHostRegister_v2(pointer, size, flags);
}

DRV_API CUresult cuMemHostUnregister(void *pointer)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_queue_wait_context(context);
	struct registration *registration = registration_around((uintptr_t)pointer);
	if (result == CUDA_SUCCESS && (!registration || registration->base != (uintptr_t)pointer))
		result = CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
	if (result == CUDA_SUCCESS) {
		drv_list_remove(&registration->siblings);
		free(registration);
	}
	return drv_leave(result);
}
