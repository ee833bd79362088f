/* Stream-ordered memory: cuMemAllocAsync and cuMemFreeAsync on pools of the device. Memory is there when the call
   returns, earlier than the stream's order asks for, and goes back to the device when the stream comes to the free: a
   pool reserves what is used, and no more. */
#include "pool.h"

#include <stdlib.h>

#include "capture.h"
#include "context.h"
#include "driver.h"
#include "graph.h"
#include "handle.h"
#include "memory_table.h"
#include "queue.h"

struct drv_pool {
	CUmemoryPool handle;
	bool destroyed;
	cuuint64_t max_size; /* 0: none */
	cuuint64_t used;
	cuuint64_t used_high;
	cuuint64_t release_threshold;
	int reuse[3]; /* the three CU_MEMPOOL_ATTR_REUSE_*, from the first */
};

static struct drv_pool device_default = {.reuse = {1, 1, 1}};
static struct drv_pool *current = &device_default; /* what cuMemAllocAsync takes from */

CUresult drv_pool_handle(struct drv_pool *pool, CUmemoryPool *out)
{
	if (!pool->handle && !pool->destroyed)
		pool->handle = drv_handle_new(DRV_POOL, pool);
	*out = pool->handle;
	return pool->handle || pool->destroyed ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

/* Allocations */

static CUresult pool_alloc(struct drv_pool *pool, struct drv_context *context, size_t size, CUdeviceptr *out)
{
	struct drv_allocation *allocation;
	if (pool->max_size && size > pool->max_size - pool->used)
		return CUDA_ERROR_OUT_OF_MEMORY;
	CUresult result = drv_allocation_new(context, size, DRV_POOL_MEMORY, 0, &allocation);
	if (result != CUDA_SUCCESS)
		return result;
	allocation->pool = pool;
	*out = allocation->base;
	pool->used += size;
	if (pool->used > pool->used_high)
		pool->used_high = pool->used;
	return CUDA_SUCCESS;
}

void drv_pool_forget(struct drv_pool *pool, size_t size)
{
	pool->used -= size;
	if (pool->destroyed && !pool->used)
		free(pool);
}

/* A stream that captures gets a node instead, with its memory. */
static CUresult stream_alloc(struct drv_pool *pool, struct drv_stream *stream, size_t size, CUdeviceptr *out)
{
	CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_MEM_ALLOC,
				    .alloc = {.poolProps = {.allocType = CU_MEM_ALLOCATION_TYPE_PINNED,
							    .location = {CU_MEM_LOCATION_TYPE_DEVICE, 0}},
					      .bytesize = size}};
	if (!stream->captured)
		return pool_alloc(pool, stream->context, size, out);
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
	return result == CUDA_SUCCESS ? drv_leave(stream_alloc(current, stream, size, out)) : result;
}

DRV_API CUresult cuMemAllocFromPoolAsync(CUdeviceptr *out, size_t size, CUmemoryPool from, CUstream handle)
{
	struct drv_stream *stream;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_pool *pool = drv_handle_get(DRV_POOL, from);
	return drv_leave(pool ? stream_alloc(pool, stream, size, out) : CUDA_ERROR_INVALID_VALUE);
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
	if (!allocation || allocation->ending || allocation->kind == DRV_HOST_MEMORY ||
	    allocation->kind == DRV_MANAGED_MEMORY)
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
	allocation->ending = allocation->kind != DRV_GRAPH_MEMORY;
	return drv_queue_submit(op);
}

DRV_API CUresult cuMemFreeAsync(CUdeviceptr address, CUstream handle)
{
	struct drv_stream *stream;
	CUresult result = drv_enter_stream(handle, &stream);
	return result == CUDA_SUCCESS ? drv_leave(free_submit(address, stream)) : result;
}

/* Which pools there are */

static bool is_here(CUmemLocation location)
{
	return location.type == CU_MEM_LOCATION_TYPE_DEVICE && location.id == 0;
}

static CUresult props_check(const CUmemPoolProps *props)
{
	if (!props || props->allocType != CU_MEM_ALLOCATION_TYPE_PINNED)
		return CUDA_ERROR_INVALID_VALUE;
	if (props->handleTypes || props->location.type != CU_MEM_LOCATION_TYPE_DEVICE)
		return CUDA_ERROR_NOT_SUPPORTED;
	return props->location.id == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

DRV_API CUresult cuMemPoolCreate(CUmemoryPool *out, const CUmemPoolProps *props)
{
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = props_check(props);
	if (result != CUDA_SUCCESS || (result = drv_enter()) != CUDA_SUCCESS)
		return result;
	struct drv_pool *pool = malloc(sizeof(*pool));
	if (!pool)
		return drv_leave(CUDA_ERROR_OUT_OF_MEMORY);
	*pool = (struct drv_pool){.max_size = props->maxSize, .reuse = {1, 1, 1}};
	result = drv_pool_handle(pool, out);
	if (result != CUDA_SUCCESS)
		free(pool);
	return drv_leave(result);
}

/* Enters for a call about a pool, which it gives. */
static CUresult pool_enter(CUmemoryPool handle, struct drv_pool **pool)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	*pool = drv_handle_get(DRV_POOL, handle);
	return *pool ? CUDA_SUCCESS : drv_leave(CUDA_ERROR_INVALID_VALUE);
}

/* What has come from the pool stays until it is freed. */
DRV_API CUresult cuMemPoolDestroy(CUmemoryPool handle)
{
	struct drv_pool *pool;
	CUresult result = pool_enter(handle, &pool);
	if (result != CUDA_SUCCESS)
		return result;
	if (pool == &device_default)
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	if (pool == current)
		current = &device_default;
	drv_handle_end(handle);
	pool->handle = NULL;
	pool->destroyed = true;
	drv_pool_forget(pool, 0);
	return drv_leave(CUDA_SUCCESS);
}

static CUresult device_pool(CUmemoryPool *out, CUdevice device, bool the_default)
{
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_pool *pool = the_default ? &device_default : current;
	return drv_leave(device == 0 ? drv_pool_handle(pool, out) : CUDA_ERROR_INVALID_DEVICE);
}

DRV_API CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *out, CUdevice device)
{
	return device_pool(out, device, true);
}

DRV_API CUresult cuDeviceGetMemPool(CUmemoryPool *out, CUdevice device)
{
	return device_pool(out, device, false);
}

DRV_API CUresult cuDeviceSetMemPool(CUdevice device, CUmemoryPool handle)
{
	struct drv_pool *pool;
	CUresult result = pool_enter(handle, &pool);
	if (result != CUDA_SUCCESS)
		return result;
	if (device != 0)
		return drv_leave(CUDA_ERROR_INVALID_DEVICE);
	current = pool;
	return drv_leave(CUDA_SUCCESS);
}

/* The pools of a place: they are the device's. */
static CUresult place_check(const CUmemLocation *location, CUmemAllocationType type)
{
	if (!location || type != CU_MEM_ALLOCATION_TYPE_PINNED)
		return CUDA_ERROR_INVALID_VALUE;
	return location->type == CU_MEM_LOCATION_TYPE_DEVICE ? CUDA_SUCCESS : CUDA_ERROR_NOT_SUPPORTED;
}

DRV_API CUresult cuMemGetDefaultMemPool(CUmemoryPool *out, CUmemLocation *location, CUmemAllocationType type)
{
	CUresult result = place_check(location, type);
	return result == CUDA_SUCCESS ? device_pool(out, location->id, true) : result;
}

DRV_API CUresult cuMemGetMemPool(CUmemoryPool *out, CUmemLocation *location, CUmemAllocationType type)
{
	CUresult result = place_check(location, type);
	return result == CUDA_SUCCESS ? device_pool(out, location->id, false) : result;
}

DRV_API CUresult cuMemSetMemPool(CUmemLocation *location, CUmemAllocationType type, CUmemoryPool handle)
{
	CUresult result = place_check(location, type);
	return result == CUDA_SUCCESS ? cuDeviceSetMemPool(location->id, handle) : result;
}

/* A pool itself */

/* Freed memory goes back at once: there is nothing to trim. */
DRV_API CUresult cuMemPoolTrimTo(CUmemoryPool handle, size_t keep)
{
	struct drv_pool *pool;
	(void)keep;
	CUresult result = pool_enter(handle, &pool);
	return result == CUDA_SUCCESS ? drv_leave(CUDA_SUCCESS) : result;
}

/* The one device has access, and keeps it. */
static CUresult access_check(const CUmemAccessDesc *access, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_here(access[i].location))
			return CUDA_ERROR_INVALID_DEVICE;
		if (access[i].flags != CU_MEM_ACCESS_FLAGS_PROT_READWRITE)
			return CUDA_ERROR_INVALID_VALUE;
	}
	return CUDA_SUCCESS;
}

DRV_API CUresult cuMemPoolSetAccess(CUmemoryPool handle, const CUmemAccessDesc *access, size_t count)
{
	struct drv_pool *pool;
	if (!access || !count)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = pool_enter(handle, &pool);
	return result == CUDA_SUCCESS ? drv_leave(access_check(access, count)) : result;
}

DRV_API CUresult cuMemPoolGetAccess(CUmemAccess_flags *flags, CUmemoryPool handle, CUmemLocation *location)
{
	struct drv_pool *pool;
	if (!flags || !location)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = pool_enter(handle, &pool);
	if (result != CUDA_SUCCESS)
		return result;
	if (!is_here(*location))
		return drv_leave(CUDA_ERROR_INVALID_DEVICE);
	*flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
	return drv_leave(CUDA_SUCCESS);
}

static int *reuse_attribute(struct drv_pool *pool, CUmemPool_attribute attribute)
{
	int number = (int)attribute - CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES;
	return number >= 0 && number < 3 ? &pool->reuse[number] : NULL;
}

static CUresult pool_get(struct drv_pool *pool, CUmemPool_attribute attribute, void *value)
{
	int *reuse = reuse_attribute(pool, attribute);
	if (reuse) {
		*(int *)value = *reuse;
		return CUDA_SUCCESS;
	}
	switch ((int)attribute) {
	case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
		*(cuuint64_t *)value = pool->release_threshold;
		return CUDA_SUCCESS;
	case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
	case CU_MEMPOOL_ATTR_USED_MEM_CURRENT:
		*(cuuint64_t *)value = pool->used;
		return CUDA_SUCCESS;
	case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
	case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
		*(cuuint64_t *)value = pool->used_high;
		return CUDA_SUCCESS;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

/* The high-water marks can only be set back. */
static CUresult pool_set(struct drv_pool *pool, CUmemPool_attribute attribute, const void *value)
{
	int *reuse = reuse_attribute(pool, attribute);
	if (reuse) {
		*reuse = *(const int *)value != 0;
		return CUDA_SUCCESS;
	}
	switch ((int)attribute) {
	case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
		pool->release_threshold = *(const cuuint64_t *)value;
		return CUDA_SUCCESS;
	case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
	case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
		if (*(const cuuint64_t *)value)
			return CUDA_ERROR_INVALID_VALUE;
		pool->used_high = pool->used;
		return CUDA_SUCCESS;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

DRV_API CUresult cuMemPoolGetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void *value)
{
	struct drv_pool *pool;
	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = pool_enter(handle, &pool);
	return result == CUDA_SUCCESS ? drv_leave(pool_get(pool, attribute, value)) : result;
}

DRV_API CUresult cuMemPoolSetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void *value)
{
	struct drv_pool *pool;
	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = pool_enter(handle, &pool);
	return result == CUDA_SUCCESS ? drv_leave(pool_set(pool, attribute, value)) : result;
}
