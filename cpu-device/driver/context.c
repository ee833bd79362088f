#include "context.h"

#include <stdlib.h>

#include "array.h"
#include "device.h"
#include "driver.h"
#include "event.h"
#include "handle.h"
#include "library.h"
#include "memory_table.h"
#include "module.h"
#include "queue.h"
#include "texture.h"
#include "thread.h"

static struct drv_context primary;
static struct drv_link contexts = {&contexts, &contexts};
static uint64_t last_id;

struct drv_context *drv_context_primary(void)
{
	return &primary;
}

static void limits_reset(struct drv_context *context)
{
	context->limits[CU_LIMIT_STACK_SIZE] = 1024;
	context->limits[CU_LIMIT_PRINTF_FIFO_SIZE] = 1 << 20;
	context->limits[CU_LIMIT_MALLOC_HEAP_SIZE] = 8 << 20;
	context->limits[CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH] = 2;
	context->limits[CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT] = 2048;
	context->limits[CU_LIMIT_MAX_L2_FETCH_GRANULARITY] = 64;
	context->cache_config = CU_FUNC_CACHE_PREFER_NONE;
	context->shared_config = CU_SHARED_MEM_CONFIG_DEFAULT_BANK_SIZE;
}

static CUresult context_init(struct drv_context *context, unsigned flags)
{
	context->handle = drv_handle_new(DRV_CONTEXT, context);
	if (!context->handle)
		return CUDA_ERROR_OUT_OF_MEMORY;
	context->id = ++last_id;
	context->flags = flags;
	drv_list_append(&contexts, &context->all);
	drv_list_init(&context->streams);
	drv_list_init(&context->events);
	drv_list_init(&context->modules);
	drv_list_init(&context->allocations);
	drv_list_init(&context->arrays);
	drv_list_init(&context->textures);
	drv_stream_init(&context->legacy, context, CU_STREAM_LEGACY, 0);
	limits_reset(context);
	return CUDA_SUCCESS;
}

void drv_context_each(void (*visit)(struct drv_context *context, uint64_t argument), uint64_t argument)
{
	for (struct drv_link *link = contexts.next; link != &contexts; link = link->next)
		visit(DRV_ENTRY(link, struct drv_context, all), argument);
}

CUresult drv_context_init_primary(void)
{
	primary.primary = true;
	return context_init(&primary, CU_CTX_SCHED_AUTO);
}

CUresult drv_context_find(CUcontext handle, struct drv_context **context)
{
	*context = drv_handle_get(DRV_CONTEXT, handle);
	if (!*context)
		return handle == drv_thread_top() ? CUDA_ERROR_CONTEXT_IS_DESTROYED : CUDA_ERROR_INVALID_CONTEXT;
	if ((*context)->destroyed || ((*context)->primary && !(*context)->retained))
		return CUDA_ERROR_CONTEXT_IS_DESTROYED;
	return CUDA_SUCCESS;
}

CUresult drv_context_get(CUcontext handle, struct drv_context **context)
{
	CUresult result = drv_context_find(handle, context);
	return result == CUDA_SUCCESS ? (*context)->sticky : result;
}

void drv_context_pin(struct drv_context *context)
{
	context->pins++;
}

CUresult drv_context_unpin(struct drv_context *context)
{
	CUresult result = context->sticky;
	if (--context->pins == 0 && context->destroyed)
		free(context);
	return result;
}

void drv_context_clear(struct drv_context *context)
{
	drv_queue_drain(context);
	for (struct drv_link *link = context->streams.next, *next; link != &context->streams; link = next) {
		next = link->next;
		struct drv_stream *stream = DRV_ENTRY(link, struct drv_stream, siblings);
		if (stream != &context->legacy)
			drv_stream_destroy(stream);
	}
	while (!drv_list_empty(&context->events))
		drv_event_destroy(DRV_ENTRY(context->events.next, struct drv_event, siblings));
	while (!drv_list_empty(&context->modules))
		drv_module_unload(DRV_ENTRY(context->modules.next, struct drv_module, siblings));
	drv_library_forget_context(context);
	drv_textures_free_all(context);
	drv_arrays_free_all(context);
	drv_allocations_free_all(context);
	limits_reset(context);
	context->sticky = CUDA_SUCCESS;
}

static bool flags_valid(unsigned flags)
{
	return !(flags & ~CU_CTX_FLAGS_MASK) && (flags & CU_CTX_SCHED_MASK) != 3 && (flags & CU_CTX_SCHED_MASK) < 5;
}

/* Created contexts */

static CUresult context_create(CUcontext *out, unsigned flags, CUdevice device)
{
	if (!out || !flags_valid(flags))
		return CUDA_ERROR_INVALID_VALUE;
	if (device != 0)
		return CUDA_ERROR_INVALID_DEVICE;
	struct drv_context *context = calloc(1, sizeof *context);
	if (!context)
		return CUDA_ERROR_OUT_OF_MEMORY;
	CUresult result = context_init(context, flags);
	if (result == CUDA_SUCCESS) {
		*out = context->handle;
		result = drv_thread_push(context->handle);
		if (result == CUDA_SUCCESS)
			return CUDA_SUCCESS;
		drv_handle_end(context->handle);
		drv_list_remove(&context->all);
	}
	free(context);
	return result;
}

DRV_API CUresult cuCtxCreate_v2(CUcontext *out, unsigned flags, CUdevice device)
{
	CUresult result = drv_enter();
	return result == CUDA_SUCCESS ? drv_leave(context_create(out, flags, device)) : result;
}

DRV_API CUresult cuCtxCreate(CUcontext *out, unsigned flags, CUdevice device)
{
	return cuCtxCreate_v2(out, flags, device);
}

DRV_API CUresult cuCtxCreate_v3(CUcontext *out, CUexecAffinityParam *affinity, int count, unsigned flags,
				CUdevice device)
{
	if (count < 0 || (count && !affinity))
		return CUDA_ERROR_INVALID_VALUE;
	return count ? CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY : cuCtxCreate_v2(out, flags, device);
}

DRV_API CUresult cuCtxCreate_v4(CUcontext *out, CUctxCreateParams *parameters, unsigned flags, CUdevice device)
{
	if (parameters && parameters->cigParams)
		return CUDA_ERROR_NOT_SUPPORTED;
	if (parameters)
		return cuCtxCreate_v3(out, parameters->execAffinityParams, parameters->numExecAffinityParams, flags,
				      device);
	return cuCtxCreate_v2(out, flags, device);
}

static CUresult context_destroy(CUcontext handle)
{
	struct drv_context *context;
	CUcontext top = drv_thread_top();
	CUresult result = drv_context_find(handle, &context);
	if (result != CUDA_SUCCESS)
		return result;
	if (context->primary)
		return CUDA_ERROR_INVALID_CONTEXT;
	if (top == handle)
		(void)drv_thread_pop(&top);
	context->destroyed = true;
	drv_context_pin(context);
	drv_context_clear(context);
	drv_handle_end(handle);
	drv_list_remove(&context->all);
	(void)drv_context_unpin(context);
	return CUDA_SUCCESS;
}

DRV_API CUresult cuCtxDestroy_v2(CUcontext handle)
{
	CUresult result = drv_enter();
	return result == CUDA_SUCCESS ? drv_leave(context_destroy(handle)) : result;
}

DRV_API CUresult cuCtxDestroy(CUcontext handle)
{
	return cuCtxDestroy_v2(handle);
}

/* The primary context */

/* A call that concerns the primary context of `device`. */
static CUresult primary_enter(CUdevice device)
{
	CUresult result = drv_enter();
	if (result == CUDA_SUCCESS && device != 0)
		return drv_leave(CUDA_ERROR_INVALID_DEVICE);
	return result;
}

DRV_API CUresult cuDevicePrimaryCtxRetain(CUcontext *out, CUdevice device)
{
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = primary_enter(device);
	if (result != CUDA_SUCCESS)
		return result;
	primary.retained++;
	*out = primary.handle;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device)
{
	CUresult result = primary_enter(device);
	if (result != CUDA_SUCCESS)
		return result;
	if (!primary.retained)
		return drv_leave(CUDA_ERROR_INVALID_CONTEXT);
	if (--primary.retained == 0)
		drv_context_clear(&primary);
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuDevicePrimaryCtxRelease(CUdevice device)
{
	return cuDevicePrimaryCtxRelease_v2(device);
}

DRV_API CUresult cuDevicePrimaryCtxReset_v2(CUdevice device)
{
	CUresult result = primary_enter(device);
	if (result != CUDA_SUCCESS)
		return result;
	drv_context_clear(&primary);
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuDevicePrimaryCtxReset(CUdevice device)
{
	return cuDevicePrimaryCtxReset_v2(device);
}

DRV_API CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active)
{
	if (!flags || !active)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = primary_enter(device);
	if (result != CUDA_SUCCESS)
		return result;
	*flags = primary.flags;
	*active = primary.retained > 0;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags)
{
	CUresult result = primary_enter(device);
	if (result != CUDA_SUCCESS)
		return result;
	if (!flags_valid(flags))
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	primary.flags = flags;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuDevicePrimaryCtxSetFlags(CUdevice device, unsigned flags)
{
	return cuDevicePrimaryCtxSetFlags_v2(device, flags);
}
