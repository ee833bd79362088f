/* Device memory: the server allocates, the client keeps a table of what belongs to whom. */
#include <string.h>

#include "device.h"
#include "faulted.h"
#include "grant.h"
#include "hand.h"
#include "handles.h"
#include "memory.h"
#include "platform.h"
#include "ranges.h"
#include "thread.h"

static struct cu_ranges device_memory;
static struct cu_mutex lock = CU_MUTEX_INIT;

/* What the server allocates takes the place of variables whose module is unloaded by now. The lock is held. */
static bool displace_symbols(struct cu_range range)
{
	size_t kept = 0;
	for (size_t i = 0; i < device_memory.count; i++) {
		const struct cu_range *other = &device_memory.items[i];
		bool overlaps = other->base < range.base + range.size && range.base < other->base + other->size;
		if (!other->symbol || !overlaps)
			device_memory.items[kept++] = *other;
	}
	device_memory.count = kept;
	return cu_ranges_add(&device_memory, range);
}

static CUresult note(uint64_t base, uint64_t size, uint64_t context, bool symbol)
{
	struct cu_range range = {base, size, context, 0, false, symbol};
	cu_mutex_lock(&lock);
	bool added = cu_ranges_add(&device_memory, range) || (!symbol && displace_symbols(range));
	cu_mutex_unlock(&lock);
	return added ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

/* Copies the range that `address` is in. */
static bool look_up(uint64_t address, struct cu_range *copy)
{
	cu_mutex_lock(&lock);
	struct cu_range *range = cu_ranges_find(&device_memory, address);
	if (range)
		*copy = *range;
	cu_mutex_unlock(&lock);
	return range != NULL;
}

bool cu_memory_is_device(uint64_t address)
{
	struct cu_range range;
	return look_up(address, &range);
}

bool cu_memory_may_hold(uint64_t address, uint64_t size)
{
	struct cu_range range;
	return !look_up(address, &range) || size <= range.size - (address - range.base);
}

void cu_memory_note_symbol(uint64_t address, uint64_t size, uint64_t context)
{
	struct cu_range range;
	if (size && !look_up(address, &range))
		note(address, size, context, true);
}

void cu_memory_note_mapping(uint64_t address, uint64_t size)
{
	note(address, size, 0, true);
}

void cu_memory_forget_mapping(uint64_t address, uint64_t size)
{
	size_t kept = 0;
	cu_mutex_lock(&lock);
	for (size_t i = 0; i < device_memory.count; i++)
		if (!device_memory.items[i].symbol || device_memory.items[i].base - address >= size)
			device_memory.items[kept++] = device_memory.items[i];
	device_memory.count = kept;
	cu_mutex_unlock(&lock);
}

void cu_memory_forget_context(uint64_t context)
{
	size_t kept = 0;
	cu_mutex_lock(&lock);
	for (size_t i = 0; i < device_memory.count; i++)
		if (device_memory.items[i].context != context)
			device_memory.items[kept++] = device_memory.items[i];
	device_memory.count = kept;
	cu_mutex_unlock(&lock);
	cu_grant_forget_context(context);
}

CUresult cu_memory_give_back(uint64_t base, uint64_t size)
{
	CUresult err = cu_grant_free(base, size);
	return err == CUDA_ERROR_NOT_SUPPORTED ? rpc_cuMemFree_v2(base) : err;
}

CUresult cu_memory_note(uint64_t base, uint64_t size)
{
	return note(base, size, cu_thread_context(), false);
}

uint64_t cu_memory_forget(uint64_t base)
{
	uint64_t size = 0;
	cu_mutex_lock(&lock);
	struct cu_range *range = cu_ranges_find(&device_memory, base);
	if (range && range->base == base && !range->symbol) {
		size = range->size;
		cu_ranges_remove(&device_memory, range);
	}
	cu_mutex_unlock(&lock);
	return size;
}

/* Enters a fresh allocation; gives it back to the server when that fails. */
static CUresult own(CUdeviceptr base, uint64_t size)
{
	CUresult err = cu_memory_note(base, size);
	if (err)
		cu_memory_give_back(base, size);
	return err;
}

CUresult client_cuMemAlloc_v2(CUdeviceptr *dptr, size_t bytesize)
{
	if (!dptr || !bytesize)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_faulted() ? CUDA_ERROR_NOT_SUPPORTED : cu_grant_alloc(dptr, bytesize);
	if (err == CUDA_ERROR_NOT_SUPPORTED) {
		err = rpc_cuMemAlloc_v2(dptr, bytesize);
		if (!err)
			cu_fault_over();
	}
	return err ? err : own(*dptr, bytesize);
}

/* Rows start where textures may. */
static CUresult pitch_of(size_t width, size_t *pitch)
{
	int device, alignment;
	CUresult err = client_cuCtxGetDevice(&device);
	if (err)
		return err;
	if (!cu_device_attribute(device, CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT, &alignment) || alignment < 512)
		alignment = 512;
	*pitch = (width + (size_t)alignment - 1) / (size_t)alignment * (size_t)alignment;
	return *pitch >= width ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult client_cuMemAllocPitch_v2(CUdeviceptr *dptr, size_t *pPitch, size_t WidthInBytes, size_t Height,
				   unsigned int ElementSizeBytes)
{
	size_t pitch, size;
	if (!dptr || !pPitch || !WidthInBytes || !Height ||
	    (ElementSizeBytes != 4 && ElementSizeBytes != 8 && ElementSizeBytes != 16))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = pitch_of(WidthInBytes, &pitch);
	if (!err && __builtin_mul_overflow(pitch, Height, &size))
		err = CUDA_ERROR_OUT_OF_MEMORY;
	if (!err)
		err = client_cuMemAlloc_v2(dptr, size);
	if (!err)
		*pPitch = pitch;
	return err;
}

CUresult client_cuMemFree_v2(CUdeviceptr dptr)
{
	if (!dptr)
		return CUDA_SUCCESS;
	uint64_t context;
	CUresult err = cu_thread_live_context(&context);
	if (err)
		return err;
	uint64_t size = cu_memory_forget(dptr);
	return size ? cu_memory_give_back(dptr, size) : CUDA_ERROR_INVALID_VALUE;
}

CUresult client_cuMemGetAddressRange_v2(CUdeviceptr *pbase, size_t *psize, CUdeviceptr dptr)
{
	struct cu_range range;
	if (!look_up(dptr, &range))
		return CUDA_ERROR_NOT_FOUND;
	if (pbase)
		*pbase = range.base;
	if (psize)
		*psize = range.size;
	return CUDA_SUCCESS;
}

/* ---- Pointer attributes ---- */

static CUresult device_ordinal(uint64_t context, int *ordinal)
{
	return client_cuCtxGetDevice_v2(ordinal, cu_handle(context));
}

static CUresult device_attribute(void *data, CUpointer_attribute attribute, CUdeviceptr ptr,
				 const struct cu_range *range)
{
	switch (attribute) {
	case CU_POINTER_ATTRIBUTE_CONTEXT:
		*(CUcontext *)data = cu_handle(range->context);
		return CUDA_SUCCESS;
	case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
		*(unsigned *)data = CU_MEMORYTYPE_DEVICE;
		return CUDA_SUCCESS;
	case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
		*(CUdeviceptr *)data = ptr;
		return CUDA_SUCCESS;
	case CU_POINTER_ATTRIBUTE_HOST_POINTER:
		*(void **)data = NULL;
		return CUDA_ERROR_INVALID_VALUE;
	case CU_POINTER_ATTRIBUTE_IS_MANAGED:
		*(unsigned char *)data = 0;
		return CUDA_SUCCESS;
	case CU_POINTER_ATTRIBUTE_MAPPED:
		*(unsigned char *)data = 1;
		return CUDA_SUCCESS;
	case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
		return device_ordinal(range->context, data);
	case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
		*(CUdeviceptr *)data = range->base;
		return CUDA_SUCCESS;
	case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
		*(size_t *)data = range->size;
		return CUDA_SUCCESS;
	default:
		return CUDA_ERROR_NOT_SUPPORTED;
	}
}

static CUresult host_attribute(void *data, CUpointer_attribute attribute, CUdeviceptr ptr)
{
	switch (attribute) {
	case CU_POINTER_ATTRIBUTE_CONTEXT:
		*(CUcontext *)data = cu_handle(cu_thread_context());
		return CUDA_SUCCESS;
	case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
		*(unsigned *)data = CU_MEMORYTYPE_HOST;
		return CUDA_SUCCESS;
	case CU_POINTER_ATTRIBUTE_HOST_POINTER:
		*(void **)data = (void *)(uintptr_t)ptr;
		return CUDA_SUCCESS;
	case CU_POINTER_ATTRIBUTE_IS_MANAGED:
	case CU_POINTER_ATTRIBUTE_MAPPED:
		*(unsigned char *)data = 0;
		return CUDA_SUCCESS;
	case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
		return client_cuCtxGetDevice(data);
	default:
		return CUDA_ERROR_NOT_SUPPORTED;
	}
}

CUresult client_cuPointerGetAttribute(void *data, CUpointer_attribute attribute, CUdeviceptr ptr)
{
	struct cu_range range;
	if (!data)
		return CUDA_ERROR_INVALID_VALUE;
	if (look_up(ptr, &range))
		return device_attribute(data, attribute, ptr, &range);
	if (cu_host_is_pinned((void *)(uintptr_t)ptr))
		return host_attribute(data, attribute, ptr);
	return CUDA_ERROR_INVALID_VALUE;
}

static size_t attribute_size(CUpointer_attribute attribute)
{
	switch (attribute) {
	case CU_POINTER_ATTRIBUTE_IS_MANAGED:
	case CU_POINTER_ATTRIBUTE_MAPPED:
		return sizeof(unsigned char);
	case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
	case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
		return sizeof(unsigned);
	case CU_POINTER_ATTRIBUTE_CONTEXT:
	case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
	case CU_POINTER_ATTRIBUTE_HOST_POINTER:
	case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
	case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
		return sizeof(CUdeviceptr);
	default:
		return 0;
	}
}

/* Unlike the single query this one succeeds for any pointer: what does not apply is 0 (device ordinal:
 * CU_DEVICE_INVALID). */
CUresult client_cuPointerGetAttributes(unsigned int numAttributes, CUpointer_attribute *attributes, void **data,
				       CUdeviceptr ptr)
{
	if (!attributes || !data)
		return CUDA_ERROR_INVALID_VALUE;
	for (unsigned i = 0; i < numAttributes; i++) {
		size_t size = attribute_size(attributes[i]);
		if (!size)
			return CUDA_ERROR_NOT_SUPPORTED;
		memset(data[i], 0, size);
		if (client_cuPointerGetAttribute(data[i], attributes[i], ptr) &&
		    attributes[i] == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL)
			*(int *)data[i] = CU_DEVICE_INVALID;
	}
	return CUDA_SUCCESS;
}
