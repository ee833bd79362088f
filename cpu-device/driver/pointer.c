/* cuPointerGetAttribute*: what memory an address belongs to. */
#include <cuda.h>
#include <stdint.h>
#include <string.h>

#include "context.h"
#include "driver.h"
#include "memory_table.h"
#include "pool.h"

/* An address and what was found out about it. */
struct pointer {
	CUdeviceptr address;
	struct cpu_span span;
	struct cpu_physical *physical;     /* mapped at the address; the span is the mapping then */
	struct drv_allocation *allocation; /* NULL for module variables, registered and mapped memory */
	struct drv_context *context;
	bool registered; /* memory of the program, outside the device's */
};

static bool pointer_find(CUdeviceptr address, struct drv_context *current, struct pointer *pointer)
{
	unsigned flags;
	*pointer = (struct pointer){.address = address, .context = current};
	if (cpu_memory_find(drv_memory(), address, &pointer->span)) {
		pointer->physical = cpu_memory_mapping(drv_memory(), address, &pointer->span);
		pointer->allocation = drv_allocation_at(pointer->span.base);
		if (pointer->allocation)
			pointer->context = pointer->allocation->context;
		else if (pointer->physical)
			pointer->context = NULL; /* it belongs to the device */
		return true;
	}
	pointer->registered = drv_memory_is_registered((void *)address, &flags);
	return pointer->registered;
}

static bool is_host(const struct pointer *pointer)
{
	return pointer->registered || (pointer->allocation && pointer->allocation->kind == DRV_HOST_MEMORY);
}

static bool is_managed(const struct pointer *pointer)
{
	return pointer->allocation && pointer->allocation->kind == DRV_MANAGED_MEMORY;
}

static CUresult pool_give(const struct pointer *pointer, CUmemoryPool *pool)
{
	bool pooled = pointer->allocation && pointer->allocation->kind == DRV_POOL_MEMORY;
	*pool = NULL;
	return pooled ? drv_pool_handle(pointer->allocation->pool, pool) : CUDA_SUCCESS;
}

static unsigned access_flags(CUdeviceptr address)
{
	struct cpu_span span;
	if (!cpu_memory_find(drv_memory(), address, &span)) /* the program's own */
		return CU_POINTER_ATTRIBUTE_ACCESS_FLAG_READWRITE;
	return span.writers   ? CU_POINTER_ATTRIBUTE_ACCESS_FLAG_READWRITE
	       : span.readers ? CU_POINTER_ATTRIBUTE_ACCESS_FLAG_READ
			      : CU_POINTER_ATTRIBUTE_ACCESS_FLAG_NONE;
}

#define GIVE(type, value) (*(type *)data = (value), CUDA_SUCCESS)

static CUresult attribute_give(const struct pointer *pointer, CUpointer_attribute attribute, void *data)
{
	switch ((int)attribute) {
	case CU_POINTER_ATTRIBUTE_CONTEXT:
		return GIVE(CUcontext, pointer->context ? pointer->context->handle : NULL);
	case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
		return GIVE(unsigned, is_host(pointer) ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE);
	case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
		return pointer->registered ? CUDA_ERROR_INVALID_VALUE : GIVE(CUdeviceptr, pointer->address);
	case CU_POINTER_ATTRIBUTE_HOST_POINTER:
		if (!is_host(pointer) && !is_managed(pointer))
			return CUDA_ERROR_INVALID_VALUE;
		return GIVE(void *, (void *)pointer->address);
	case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
		return GIVE(unsigned char, 0);
	case CU_POINTER_ATTRIBUTE_BUFFER_ID:
		return pointer->allocation ? GIVE(unsigned long long, pointer->allocation->id)
					   : CUDA_ERROR_INVALID_VALUE;
	case CU_POINTER_ATTRIBUTE_IS_MANAGED:
		return GIVE(unsigned char, is_managed(pointer));
	case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
		return GIVE(int, 0);
	case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
	case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
	case CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE:
		return GIVE(unsigned char, 0);
	case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
		return pointer->registered ? CUDA_ERROR_INVALID_VALUE : GIVE(CUdeviceptr, pointer->span.base);
	case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
		if (pointer->registered)
			return CUDA_ERROR_INVALID_VALUE;
		return GIVE(size_t, pointer->allocation ? pointer->allocation->size : pointer->span.size);
	case CU_POINTER_ATTRIBUTE_MAPPED:
		return GIVE(unsigned char, !pointer->registered);
	case CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES:
		return GIVE(unsigned long long,
			    pointer->physical ? pointer->physical->properties.requestedHandleTypes : 0);
	case CU_POINTER_ATTRIBUTE_ACCESS_FLAGS:
		return GIVE(unsigned, access_flags(pointer->address));
	case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE:
		return pool_give(pointer, data);
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

/* Enters for a call that does not need a current context; `current` is NULL then. */
static CUresult pointer_enter(struct drv_context **current)
{
	CUresult result = drv_enter();
	if (result == CUDA_SUCCESS && drv_current(current) != CUDA_SUCCESS)
		*current = NULL;
	return result;
}

DRV_API CUresult cuPointerGetAttribute(void *data, CUpointer_attribute attribute, CUdeviceptr address)
{
	struct drv_context *current;
	struct pointer pointer;
	if (!data)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = pointer_enter(&current);
	if (result != CUDA_SUCCESS)
		return result;
	if (!pointer_find(address, current, &pointer))
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	return drv_leave(attribute_give(&pointer, attribute, data));
}

/* The value that an attribute takes for memory the driver does not know, or for which it has none; the sizes are those
   of the types that cuda.h documents. */
static void attribute_give_default(CUpointer_attribute attribute, void *data)
{
	switch ((int)attribute) {
	case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
	case CU_POINTER_ATTRIBUTE_IS_MANAGED:
	case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
	case CU_POINTER_ATTRIBUTE_MAPPED:
	case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
	case CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE:
		*(unsigned char *)data = 0;
		break;
	case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
	case CU_POINTER_ATTRIBUTE_ACCESS_FLAGS:
		*(unsigned *)data = 0;
		break;
	case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
		*(int *)data = CU_DEVICE_INVALID;
		break;
	default:
		memset(data, 0, sizeof(uint64_t));
	}
}

/* Unlike the single question, this one succeeds for any address. */
DRV_API CUresult cuPointerGetAttributes(unsigned count, CUpointer_attribute *attributes, void **data,
					CUdeviceptr address)
{
	struct drv_context *current;
	struct pointer pointer;
	if (!attributes || !data)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = pointer_enter(&current);
	if (result != CUDA_SUCCESS)
		return result;
	bool found = pointer_find(address, current, &pointer);
	for (unsigned i = 0; i < count; i++) {
		if (!data[i] || attributes[i] < CU_POINTER_ATTRIBUTE_CONTEXT ||
		    attributes[i] > CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE)
			return drv_leave(CUDA_ERROR_INVALID_VALUE);
		if (!found || attribute_give(&pointer, attributes[i], data[i]) != CUDA_SUCCESS)
			attribute_give_default(attributes[i], data[i]);
	}
	return drv_leave(CUDA_SUCCESS);
}
