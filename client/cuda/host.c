/* Pinned host memory. To a remote device no host memory is pinned, so it is plain memory; the table remembers which,
 * since copies from and to it are asynchronous where copies of pageable memory are not. */
#include <stdlib.h>

#include "connection.h"
#include "hand.h"
#include "memory.h"
#include "platform.h"
#include "ranges.h"
#include "thread.h"

static struct cu_ranges pinned;
static struct cu_mutex lock = CU_MUTEX_INIT;

bool cu_host_is_pinned(const void *address)
{
	cu_mutex_lock(&lock);
	bool found = cu_ranges_find(&pinned, (uintptr_t)address) != NULL;
	cu_mutex_unlock(&lock);
	return found;
}

static bool enter(void *address, size_t size, unsigned flags, bool ours)
{
	cu_mutex_lock(&lock);
	bool added = cu_ranges_add(
	    &pinned, (struct cu_range){(uintptr_t)address, size, cu_thread_context(), flags, ours, false});
	cu_mutex_unlock(&lock);
	return added;
}

/* Removes the range that begins at `address`, if it is `ours` as said; its size, or 0. */
static size_t leave(const void *address, bool ours)
{
	cu_mutex_lock(&lock);
	struct cu_range *range = cu_ranges_find(&pinned, (uintptr_t)address);
	bool found = range && range->base == (uintptr_t)address && range->ours == ours;
	size_t size = found ? range->size : 0;
	if (found)
		cu_ranges_remove(&pinned, range);
	cu_mutex_unlock(&lock);
	return size;
}

CUresult client_cuMemHostAlloc(void **pp, size_t bytesize, unsigned int Flags)
{
	const unsigned known = CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP | CU_MEMHOSTALLOC_WRITECOMBINED;
	uint64_t context;
	CUresult err = cu_thread_live_context(&context);
	if (err)
		return err;
	if (!pp || !bytesize || Flags & ~known)
		return CUDA_ERROR_INVALID_VALUE;
	void *memory;
	if (posix_memalign(&memory, cu_page_size(), bytesize))
		return CUDA_ERROR_OUT_OF_MEMORY;
	if (!enter(memory, bytesize, Flags, true)) {
		free(memory);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	*pp = memory;
	return CUDA_SUCCESS;
}

CUresult client_cuMemAllocHost_v2(void **pp, size_t bytesize)
{
	return client_cuMemHostAlloc(pp, bytesize, 0);
}

CUresult client_cuMemFreeHost(void *p)
{
	if (!p)
		return CUDA_SUCCESS;
	size_t size = leave(p, true);
	if (!size)
		return CUDA_ERROR_INVALID_VALUE;
	cu_connection_discard(p, size);
	free(p);
	return CUDA_SUCCESS;
}

/* The device cannot reach this memory; CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY says so. */
CUresult client_cuMemHostGetDevicePointer_v2(CUdeviceptr *pdptr, void *p, unsigned int Flags)
{
	if (!pdptr || Flags || !cu_host_is_pinned(p))
		return CUDA_ERROR_INVALID_VALUE;
	return CUDA_ERROR_NOT_SUPPORTED;
}

CUresult client_cuMemHostGetFlags(unsigned int *pFlags, void *p)
{
	if (!pFlags)
		return CUDA_ERROR_INVALID_VALUE;
	cu_mutex_lock(&lock);
	struct cu_range *range = cu_ranges_find(&pinned, (uintptr_t)p);
	if (range)
		*pFlags = range->flags;
	cu_mutex_unlock(&lock);
	return range ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult client_cuMemHostRegister_v2(void *p, size_t bytesize, unsigned int Flags)
{
	const unsigned known = CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP;
	if (!p || !bytesize)
		return CUDA_ERROR_INVALID_VALUE;
	if (Flags & ~known)
		return CUDA_ERROR_NOT_SUPPORTED; /* I/O memory and read-only memory */
	return enter(p, bytesize, Flags, false) ? CUDA_SUCCESS : CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
}

CUresult client_cuMemHostUnregister(void *p)
{
	size_t size = leave(p, false);
	if (!size)
		return CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
	CUresult err = cu_settle(p, size); /* the program may expect what was on its way, and may free the memory */
	cu_connection_discard(p, size);
	return err;
}
