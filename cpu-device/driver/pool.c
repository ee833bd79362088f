/* Stream-ordered memory: cuMemAllocAsync and cuMemFreeAsync on the device's default pool. Memory is there when the call
   returns, earlier than the stream's order asks for, and goes back when the stream comes to the free. */
#include "pool.h"

#include "capture.h"
#include "context.h"
#include "driver.h"
#include "graph.h"
#include "handle.h"
#include "memory_table.h"
#include "queue.h"

static struct {
	CUmemoryPool handle;
	cuuint64_t used;
	cuuint64_t used_high;
	cuuint64_t release_threshold;
	int reuse[3]; /* the three CU_MEMPOOL_ATTR_REUSE_*, from the first */
} pool = {.reuse = {1, 1, 1}};

CUresult drv_pool_default(CUmemoryPool *out)
{
	if (!pool.handle)
		pool.handle = drv_handle_new(DRV_POOL, &pool);
	*out = pool.handle;
	return pool.handle ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

/* Allocations */

static CUresult pool_alloc(struct drv_context *context, size_t size, CUdeviceptr *out)
{
	struct drv_allocation *allocation;
	CUresult result = drv_allocation_new(context, size, DRV_POOL_MEMORY, 0, &allocation);
	if (result != CUDA_SUCCESS)
		return result;
	*out = allocation->base;
	pool.used += size;
	if (pool.used > pool.used_high)
		pool.used_high = pool.used;
	return CUDA_SUCCESS;
}

void drv_pool_forget(size_t size)
{
	pool.used -= size;
}

/* A stream that captures gets a node instead, with its memory. */
static CUresult stream_alloc(struct drv_stream *stream, size_t size, CUdeviceptr *out)
{
	CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_MEM_ALLOC,
				    .alloc = {.poolProps = {.allocType = CU_MEM_ALLOCATION_TYPE_PINNED,
							    .location = {CU_MEM_LOCATION_TYPE_DEVICE, 0}},
					      .bytesize = size}};
	if (!stream->captured)
		return pool_alloc(stream->context, size, out);
	CUresult result = drv_capture_add(stream, &params, NULL);
	if (result == CUDA_SUCCESS)
		*out = params.alloc.dptr;
	return result;
}

DRV_API CUresult cuMemAllocAsync(CUdeviceptr *out, size_t size, CUstream handle)
{
	struct drv_stream *stream;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	return result == CUDA_SUCCESS ? drv_leave(stream_alloc(stream, size, out)) : result;
}

DRV_API CUresult cuMemAllocFromPoolAsync(CUdeviceptr *out, size_t size, CUmemoryPool from, CUstream handle)
{
	struct drv_stream *stream;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	if (!drv_handle_get(DRV_POOL, from))
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	return drv_leave(stream_alloc(stream, size, out));
}

struct free_body {
	CUdeviceptr address;
};

/* Not `run`: memory comes back even when the context has failed. */
static void free_end(struct drv_op *op)
{
	struct drv_allocation *allocation = drv_allocation_at(DRV_BODY(op, struct free_body)->address);
	if (allocation)
		drv_allocation_free(allocation);
}

static CUresult free_submit(CUdeviceptr address, struct drv_stream *stream)
{
	struct drv_allocation *allocation = drv_allocation_at(address);
	if (!allocation || allocation->kind == DRV_HOST_MEMORY || allocation->kind == DRV_MANAGED_MEMORY)
		return CUDA_ERROR_INVALID_VALUE;
	if (stream->captured) {
		CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_MEM_FREE, .free = {address}};
		return drv_capture_add(stream, &params, NULL);
	}
	if (allocation->kind == DRV_GRAPH_MEMORY && drv_graph_memory_stays(address))
		return CUDA_SUCCESS;
	struct drv_op *op = drv_op_new(stream, NULL, free_end);
	if (!op)
		return CUDA_ERROR_OUT_OF_MEMORY;
	DRV_BODY(op, struct free_body)->address = address;
	return drv_queue_submit(op);
}

DRV_API CUresult cuMemFreeAsync(CUdeviceptr address, CUstream handle)
{
	struct drv_stream *stream;
	CUresult result = drv_enter_stream(handle, &stream);
	return result == CUDA_SUCCESS ? drv_leave(free_submit(address, stream)) : result;
}

/* The pool itself */

DRV_API CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *out, CUdevice device)
{
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	return drv_leave(device == 0 ? drv_pool_default(out) : CUDA_ERROR_INVALID_DEVICE);
}

DRV_API CUresult cuDeviceGetMemPool(CUmemoryPool *out, CUdevice device)
{
	return cuDeviceGetDefaultMemPool(out, device);
}

/* The pool of a place: there is one, and it is the device's. */
DRV_API CUresult cuMemGetDefaultMemPool(CUmemoryPool *out, CUmemLocation *location, CUmemAllocationType type)
{
	if (!out || !location || type != CU_MEM_ALLOCATION_TYPE_PINNED)
		return CUDA_ERROR_INVALID_VALUE;
	if (location->type != CU_MEM_LOCATION_TYPE_DEVICE)
		return CUDA_ERROR_NOT_SUPPORTED;
	return cuDeviceGetDefaultMemPool(out, location->id);
}

DRV_API CUresult cuMemGetMemPool(CUmemoryPool *out, CUmemLocation *location, CUmemAllocationType type)
{
	return cuMemGetDefaultMemPool(out, location, type);
}

/* Enters for a call about a pool. */
static CUresult pool_enter(CUmemoryPool handle)
{
	CUresult result = drv_enter();
	if (result == CUDA_SUCCESS && !drv_handle_get(DRV_POOL, handle))
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	return result;
}

DRV_API CUresult cuDeviceSetMemPool(CUdevice device, CUmemoryPool handle)
{
	CUresult result = pool_enter(handle);
	return result == CUDA_SUCCESS ? drv_leave(device == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE) : result;
}

/* Freed memory goes back at once: there is nothing to trim. */
DRV_API CUresult cuMemPoolTrimTo(CUmemoryPool handle, size_t keep)
{
	(void)keep;
	CUresult result = pool_enter(handle);
	return result == CUDA_SUCCESS ? drv_leave(CUDA_SUCCESS) : result;
}

DRV_API CUresult cuMemPoolGetAccess(CUmemAccess_flags *flags, CUmemoryPool handle, CUmemLocation *location)
{
	if (!flags || !location)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = pool_enter(handle);
	if (result != CUDA_SUCCESS)
		return result;
	if (location->type != CU_MEM_LOCATION_TYPE_DEVICE || location->id != 0)
		return drv_leave(CUDA_ERROR_INVALID_DEVICE);
	*flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
	return drv_leave(CUDA_SUCCESS);
}

static int *reuse_attribute(CUmemPool_attribute attribute)
{
	int number = (int)attribute - CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES;
	return number >= 0 && number < 3 ? &pool.reuse[number] : NULL;
}

static CUresult pool_get(CUmemPool_attribute attribute, void *value)
{
	int *reuse = reuse_attribute(attribute);
	if (reuse) {
		*(int *)value = *reuse;
		return CUDA_SUCCESS;
	}
	switch ((int)attribute) {
	case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
		*(cuuint64_t *)value = pool.release_threshold;
		return CUDA_SUCCESS;
	case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
	case CU_MEMPOOL_ATTR_USED_MEM_CURRENT:
		*(cuuint64_t *)value = pool.used;
		return CUDA_SUCCESS;
	case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
	case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
		*(cuuint64_t *)value = pool.used_high;
		return CUDA_SUCCESS;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

/* The high-water marks can only be set back. */
static CUresult pool_set(CUmemPool_attribute attribute, const void *value)
{
	int *reuse = reuse_attribute(attribute);
	if (reuse) {
		*reuse = *(const int *)value != 0;
		return CUDA_SUCCESS;
	}
	switch ((int)attribute) {
	case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
		pool.release_threshold = *(const cuuint64_t *)value;
		return CUDA_SUCCESS;
	case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
	case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
		if (*(const cuuint64_t *)value)
			return CUDA_ERROR_INVALID_VALUE;
		pool.used_high = pool.used;
		return CUDA_SUCCESS;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

DRV_API CUresult cuMemPoolGetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void *value)
{
	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = pool_enter(handle);
	return result == CUDA_SUCCESS ? drv_leave(pool_get(attribute, value)) : result;
}

DRV_API CUresult cuMemPoolSetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void *value)
{
	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = pool_enter(handle);
	return result == CUDA_SUCCESS ? drv_leave(pool_set(attribute, value)) : result;
}
