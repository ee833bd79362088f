/* The thread's current context, and the settings of contexts. */
#include <cuda.h>
#include <cudaProfiler.h>
#include <stdint.h>

#include "capture.h"
#include "context.h"
#include "device.h"
#include "driver.h"
#include "queue.h"
#include "thread.h"

DRV_API CUresult cuCtxPushCurrent_v2(CUcontext handle)
{
	struct drv_context *context;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_context_find(handle, &context);
	return drv_leave(result == CUDA_SUCCESS ? drv_thread_push(handle) : result);
}

DRV_API CUresult cuCtxPushCurrent(CUcontext handle)
{
	return cuCtxPushCurrent_v2(handle);
}

DRV_API CUresult cuCtxPopCurrent_v2(CUcontext *out)
{
	CUcontext old;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	if (!drv_thread_pop(&old))
		return drv_leave(CUDA_ERROR_INVALID_CONTEXT);
	if (out)
		*out = old;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuCtxPopCurrent(CUcontext *out)
{
	return cuCtxPopCurrent_v2(out);
}

DRV_API CUresult cuCtxSetCurrent(CUcontext handle)
{
	struct drv_context *context;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	if (handle)
		result = drv_context_find(handle, &context);
	return drv_leave(result == CUDA_SUCCESS ? drv_thread_set(handle) : result);
}

DRV_API CUresult cuCtxGetCurrent(CUcontext *out)
{
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	*out = drv_thread_top();
	return drv_leave(CUDA_SUCCESS);
}

/* Enters for a call about `handle`, or about the current context when it is NULL. */
static CUresult enter_for(CUcontext handle, struct drv_context **context)
{
	if (!handle)
		return drv_enter_context(context);
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_context_get(handle, context);
	return result == CUDA_SUCCESS ? result : drv_leave(result);
}

DRV_API CUresult cuCtxGetDevice_v2(CUdevice *device, CUcontext handle)
{
	struct drv_context *context;
	if (!device)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = enter_for(handle, &context);
	if (result != CUDA_SUCCESS)
		return result;
	*device = 0;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuCtxGetDevice(CUdevice *device)
{
	return cuCtxGetDevice_v2(device, NULL);
}

DRV_API CUresult cuCtxGetFlags(unsigned *flags)
{
	struct drv_context *context;
	if (!flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	*flags = context->flags;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuCtxSetFlags(unsigned flags)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	if (flags & ~(unsigned)CU_CTX_FLAGS_MASK)
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	context->flags = flags;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuCtxGetId(CUcontext handle, unsigned long long *id)
{
	struct drv_context *context;
	if (!id)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = enter_for(handle, &context);
	if (result != CUDA_SUCCESS)
		return result;
	*id = context->id;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuCtxGetApiVersion(CUcontext handle, unsigned *version)
{
	struct drv_context *context;
	if (!version)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = enter_for(handle, &context);
	if (result != CUDA_SUCCESS)
		return result;
	*version = 3020;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuCtxSynchronize_v2(CUcontext handle)
{
	struct drv_context *context;
	CUresult result = enter_for(handle, &context);
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_capture_check_context(context);
	return drv_leave(result == CUDA_SUCCESS ? drv_queue_wait_context(context) : result);
}

DRV_API CUresult cuCtxSynchronize(void)
{
	return cuCtxSynchronize_v2(NULL);
}

/* A limit that the device has. Stacks, heaps and launches of kernels grow as needed, and fetches are the processor's:
   the values are kept for the program. */
static bool limit_known(CUlimit limit)
{
	return limit <= CU_LIMIT_MAX_L2_FETCH_GRANULARITY &&
	       (limit != CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH || drv_device()->capability < 90);
}

static CUresult limit_check(CUlimit limit)
{
	if ((unsigned)limit >= CU_LIMIT_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	return limit_known(limit) ? CUDA_SUCCESS : CUDA_ERROR_UNSUPPORTED_LIMIT;
}

DRV_API CUresult cuCtxSetLimit(CUlimit limit, size_t value)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	result = limit_check(limit);
	if (result == CUDA_SUCCESS)
		context->limits[limit] = value;
	return drv_leave(result);
}

DRV_API CUresult cuCtxGetLimit(size_t *value, CUlimit limit)
{
	struct drv_context *context;
	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	result = limit_check(limit);
	if (result == CUDA_SUCCESS)
		*value = context->limits[limit];
	return drv_leave(result);
}

DRV_API CUresult cuCtxGetCacheConfig(CUfunc_cache *config)
{
	struct drv_context *context;
	if (!config)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	*config = context->cache_config;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuCtxSetCacheConfig(CUfunc_cache config)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	if ((unsigned)config > CU_FUNC_CACHE_PREFER_EQUAL)
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	context->cache_config = config;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuCtxGetSharedMemConfig(CUsharedconfig *config)
{
	struct drv_context *context;
	if (!config)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	*config = context->shared_config;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuCtxSetSharedMemConfig(CUsharedconfig config)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	if ((unsigned)config > CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE)
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	context->shared_config = config;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	if (least)
		*least = DRV_PRIORITY_LEAST;
	if (greatest)
		*greatest = DRV_PRIORITY_GREATEST;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuCtxGetExecAffinity(CUexecAffinityParam *affinity, CUexecAffinityType type)
{
	struct drv_context *context;
	if (!affinity || (unsigned)type >= CU_EXEC_AFFINITY_TYPE_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	return result == CUDA_SUCCESS ? drv_leave(CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY) : result;
}

/* A device is not its own peer, and there is no other. */

DRV_API CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned flags)
{
	struct drv_context *context;
	if (flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_context_get(peer, &context);
	return drv_leave(result == CUDA_SUCCESS ? CUDA_ERROR_PEER_ACCESS_UNSUPPORTED : result);
}

DRV_API CUresult cuCtxDisablePeerAccess(CUcontext peer)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_context_get(peer, &context);
	return drv_leave(result == CUDA_SUCCESS ? CUDA_ERROR_PEER_ACCESS_NOT_ENABLED : result);
}

/* No profiling tool can be attached, and without one these have no effect by definition. */

DRV_API CUresult cuProfilerStart(void)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	return result == CUDA_SUCCESS ? drv_leave(CUDA_SUCCESS) : result;
}

DRV_API CUresult cuProfilerStop(void)
{
	return cuProfilerStart();
}
