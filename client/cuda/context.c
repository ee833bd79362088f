/* Contexts. Each thread's stack of current contexts lives here; the server learns of it only through the stream. */
#include <stdlib.h>

#include "connection.h"
#include "device.h"
#include "hand.h"
#include "handles.h"
#include "memory.h"
#include "platform.h"
#include "texture.h"
#include "thread.h"

enum { STACK_MAX = 64 };

static cu_thread_local struct {
	uint64_t stack[STACK_MAX];
	int depth;
	unsigned epoch; /* at which the top was last seen alive */
} thread;

/* Primary contexts, by device; guarded by the objects' lock. */
static struct {
	unsigned retained;
	unsigned flags;
	uint64_t id; /* stays the same for the life of the process */
} primary[CRICKET_DEVICES_MAX];
static struct cu_mutex primary_lock = CU_MUTEX_INIT; /* serialises retain, release and reset */
static uint64_t serials;

uint64_t cu_thread_context(void)
{
	return thread.depth ? thread.stack[thread.depth - 1] : 0;
}

CUresult cu_thread_live_context(uint64_t *context)
{
	*context = cu_thread_context();
	if (!*context)
		return CUDA_ERROR_INVALID_CONTEXT;
	unsigned epoch = cu_objects_epoch();
	if (thread.epoch == epoch)
		return CUDA_SUCCESS;
	cu_objects_lock_shared();
	bool alive = cu_object(CR_KIND_CONTEXT, cu_handle(*context)) != NULL;
	cu_objects_unlock();
	if (!alive)
		return CUDA_ERROR_CONTEXT_IS_DESTROYED;
	thread.epoch = epoch;
	return CUDA_SUCCESS;
}

static void set_top(uint64_t id)
{
	thread.epoch = 0;
	if (!id) {
		thread.depth -= thread.depth > 0;
		return;
	}
	thread.depth += thread.depth == 0;
	thread.stack[thread.depth - 1] = id;
}

static CUresult push(uint64_t id)
{
	if (thread.depth == STACK_MAX)
		return CUDA_ERROR_OUT_OF_MEMORY;
	thread.stack[thread.depth++] = id;
	thread.epoch = 0;
	return CUDA_SUCCESS;
}

/* Enters a context that the server has made. */
static CUresult enter_context(uint64_t id, int device, unsigned flags, bool is_primary)
{
	struct cu_context *context = malloc(sizeof(*context));
	if (!context)
		return CUDA_ERROR_OUT_OF_MEMORY;
	cu_objects_lock();
	*context = (struct cu_context){device, flags, is_primary, ++serials};
	bool entered = cu_object_enter(CR_KIND_CONTEXT, id, context);
	cu_objects_unlock();
	if (!entered)
		free(context);
	return entered ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

/* Forgets a context and everything in it. */
static void forget_context(uint64_t id)
{
	cu_objects_lock();
	free(cu_object_remove(CR_KIND_CONTEXT, cu_handle(id)));
	cu_objects_forget_context(id);
	cu_objects_unlock();
	cu_memory_forget_context(id);
	cu_textures_forget_context(id);
	cu_connection_forget_context();
}

static CUresult create(unsigned flags, int device, u64 *id)
{
	struct cu_call call;
	CUresult err = cu_call_begin(&call, FN_cuCtxCreate_v2);
	if (err)
		return err;
	u_int wire_flags = flags;
	bool encoded = xdr_u_int(call.args, &wire_flags) && xdr_int(call.args, &device);
	return cu_call_result(&call, encoded, (xdrproc_t)xdr_u64, id);
}

/* ---- Primary contexts ---- */

/* The snapshot brought the handle, so no answer is waited for. */
static CUresult retain_first(int device)
{
	struct cu_call call;
	CUresult err = cu_call_begin(&call, FN_cuDevicePrimaryCtxRetain);
	if (!err)
		err = cu_call_end_unawaited(&call, xdr_int(call.args, &device));
	primary[device].id = cu_device(device)->primary_context;
	return err ? err : enter_context(primary[device].id, device, primary[device].flags, true);
}

CUresult client_cuDevicePrimaryCtxRetain(CUcontext *pctx, CUdevice dev)
{
	if (!pctx)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_check_device(dev);
	if (err)
		return err;
	cu_mutex_lock(&primary_lock);
	if (!primary[dev].retained)
		err = retain_first(dev);
	if (!err) {
		primary[dev].retained++;
		*pctx = cu_handle(primary[dev].id);
	}
	cu_mutex_unlock(&primary_lock);
	return err;
}

static CUresult device_call(enum cu_function_id function, int device)
{
	struct cu_call call;
	CUresult err = cu_call_begin(&call, function);
	return err ? err : cu_call_end(&call, xdr_int(call.args, &device));
}

CUresult client_cuDevicePrimaryCtxRelease_v2(CUdevice dev)
{
	CUresult err = cu_check_device(dev);
	if (err)
		return err;
	cu_mutex_lock(&primary_lock);
	if (!primary[dev].retained) {
		err = CUDA_ERROR_INVALID_CONTEXT;
	} else if (--primary[dev].retained == 0) {
		err = device_call(FN_cuDevicePrimaryCtxRelease_v2, dev);
		forget_context(primary[dev].id);
	}
	cu_mutex_unlock(&primary_lock);
	return err;
}

/* The context stays retained and current, but everything in it is gone. */
CUresult client_cuDevicePrimaryCtxReset_v2(CUdevice dev)
{
	CUresult err = cu_check_device(dev);
	if (err)
		return err;
	cu_mutex_lock(&primary_lock);
	if (primary[dev].retained) {
		err = device_call(FN_cuDevicePrimaryCtxReset_v2, dev);
		cu_objects_lock();
		cu_objects_forget_context(primary[dev].id);
		cu_objects_unlock();
		cu_memory_forget_context(primary[dev].id);
		cu_textures_forget_context(primary[dev].id);
		cu_connection_forget_context();
	}
	cu_mutex_unlock(&primary_lock);
	return err;
}

CUresult client_cuDevicePrimaryCtxSetFlags_v2(CUdevice dev, unsigned int flags)
{
	CUresult err = cu_check_device(dev);
	if (!err)
		err = rpc_cuDevicePrimaryCtxSetFlags_v2(dev, flags);
	if (err)
		return err;
	cu_mutex_lock(&primary_lock);
	primary[dev].flags = flags;
	cu_objects_lock();
	struct cu_context *context = cu_object(CR_KIND_CONTEXT, cu_handle(primary[dev].id));
	if (context)
		context->flags = flags;
	cu_objects_unlock();
	cu_mutex_unlock(&primary_lock);
	return CUDA_SUCCESS;
}

CUresult client_cuDevicePrimaryCtxGetState(CUdevice dev, unsigned int *flags, int *active)
{
	CUresult err = cu_check_device(dev);
	if (err)
		return err;
	if (!flags || !active)
		return CUDA_ERROR_INVALID_VALUE;
	cu_mutex_lock(&primary_lock);
	*flags = primary[dev].flags;
	*active = primary[dev].retained > 0;
	cu_mutex_unlock(&primary_lock);
	return CUDA_SUCCESS;
}

/* ---- Created contexts ---- */

CUresult client_cuCtxCreate_v2(CUcontext *pctx, unsigned int flags, CUdevice dev)
{
	u64 id;
	if (!pctx)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_check_device(dev);
	if (!err)
		err = create(flags, dev, &id);
	if (!err)
		err = enter_context(id, dev, flags, false);
	if (!err)
		err = push(id);
	if (!err)
		*pctx = cu_handle(id);
	return err;
}

CUresult client_cuCtxCreate_v3(CUcontext *pctx, CUexecAffinityParam *paramsArray, int numParams, unsigned int flags,
			       CUdevice dev)
{
	if (numParams || paramsArray)
		return CUDA_ERROR_NOT_SUPPORTED; /* execution affinity needs MPS */
	return client_cuCtxCreate_v2(pctx, flags, dev);
}

CUresult client_cuCtxCreate_v4(CUcontext *pctx, CUctxCreateParams *ctxCreateParams, unsigned int flags, CUdevice dev)
{
	if (ctxCreateParams && (ctxCreateParams->numExecAffinityParams || ctxCreateParams->cigParams))
		return CUDA_ERROR_NOT_SUPPORTED;
	return client_cuCtxCreate_v2(pctx, flags, dev);
}

CUresult client_cuCtxDestroy_v2(CUcontext ctx)
{
	cu_objects_lock_shared();
	struct cu_context *context = cu_object(CR_KIND_CONTEXT, ctx);
	bool is_primary = context && context->primary;
	cu_objects_unlock();
	if (!context || is_primary)
		return CUDA_ERROR_INVALID_CONTEXT;
	struct cu_call call;
	u64 id = (uintptr_t)ctx;
	CUresult err = cu_call_begin(&call, FN_cuCtxDestroy_v2);
	if (!err)
		err = cu_call_end(&call, xdr_u64(call.args, &id));
	if (cu_thread_context() == id)
		set_top(0);
	forget_context(id);
	return err;
}

/* ---- The thread's stack ---- */

CUresult client_cuCtxSetCurrent(CUcontext ctx)
{
	u64 id = 0;
	CUresult err = ctx ? cu_id_of_context(ctx, &id) : CUDA_SUCCESS;
	if (!err)
		set_top(id);
	return err;
}

CUresult client_cuCtxPushCurrent_v2(CUcontext ctx)
{
	u64 id;
	CUresult err = cu_id_of_context(ctx, &id);
	return err ? err : push(id);
}

CUresult client_cuCtxPopCurrent_v2(CUcontext *pctx)
{
	if (!thread.depth)
		return CUDA_ERROR_INVALID_CONTEXT;
	uint64_t id = thread.stack[--thread.depth];
	thread.epoch = 0;
	if (pctx)
		*pctx = cu_handle(id);
	return CUDA_SUCCESS;
}

CUresult client_cuCtxGetCurrent(CUcontext *pctx)
{
	if (!pctx)
		return CUDA_ERROR_INVALID_VALUE;
	*pctx = cu_handle(cu_thread_context());
	return CUDA_SUCCESS;
}

/* ---- What the client knows of a context ---- */

/* Copies what is known of `ctx`, or of the current context when it is NULL. */
static CUresult look_at(CUcontext ctx, struct cu_context *copy)
{
	uint64_t id = ctx ? (uintptr_t)ctx : cu_thread_context();
	cu_objects_lock_shared();
	struct cu_context *context = cu_object(CR_KIND_CONTEXT, cu_handle(id));
	if (context)
		*copy = *context;
	cu_objects_unlock();
	if (context)
		return CUDA_SUCCESS;
	return id && !ctx ? CUDA_ERROR_CONTEXT_IS_DESTROYED : CUDA_ERROR_INVALID_CONTEXT;
}

CUresult client_cuCtxGetDevice_v2(CUdevice *device, CUcontext ctx)
{
	struct cu_context context;
	if (!device)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = look_at(ctx, &context);
	if (!err)
		*device = context.device;
	return err;
}

CUresult client_cuCtxGetDevice(CUdevice *device)
{
	return client_cuCtxGetDevice_v2(device, NULL);
}

CUresult client_cuCtxGetFlags(unsigned int *flags)
{
	struct cu_context context;
	if (!flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = look_at(NULL, &context);
	if (!err)
		*flags = context.flags;
	return err;
}

CUresult client_cuCtxSetFlags(unsigned int flags)
{
	CUresult err = rpc_cuCtxSetFlags(flags);
	if (err)
		return err;
	cu_objects_lock();
	struct cu_context *context = cu_object(CR_KIND_CONTEXT, cu_handle(cu_thread_context()));
	if (context)
		context->flags = flags;
	cu_objects_unlock();
	return CUDA_SUCCESS;
}

CUresult client_cuCtxGetId(CUcontext ctx, unsigned long long *ctxId)
{
	struct cu_context context;
	if (!ctxId)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = look_at(ctx, &context);
	if (!err)
		*ctxId = context.serial;
	return err;
}

CUresult client_cuCtxGetApiVersion(CUcontext ctx, unsigned int *version)
{
	struct cu_context context;
	if (!version)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = look_at(ctx, &context);
	if (!err)
		*version = 3020; /* as NVIDIA's driver reports for contexts of the v2 interface */
	return err;
}

CUresult client_cuCtxGetStreamPriorityRange(int *leastPriority, int *greatestPriority)
{
	struct cu_context context;
	CUresult err = look_at(NULL, &context);
	if (err)
		return err;
	const device_snapshot *device = cu_device(context.device);
	if (leastPriority)
		*leastPriority = device->priority_least;
	if (greatestPriority)
		*greatestPriority = device->priority_greatest;
	return CUDA_SUCCESS;
}
