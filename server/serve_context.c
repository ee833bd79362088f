/* Contexts: primary ones, created ones, the stream's current one. */
#include "grant.h"
#include "handlers.h"
#include "handles.h"

CUresult srv_worker_enter(struct srv_worker *worker, CUcontext context)
{
	uint64_t epoch = atomic_load_explicit(&worker->session->context_epoch, memory_order_relaxed);
	if (worker->context == context && worker->context_epoch == epoch)
		return CUDA_SUCCESS;
	CUresult err = SRV_DRIVER(cuCtxSetCurrent, context);
	worker->context = err ? NULL : context;
	worker->context_epoch = err ? 0 : epoch;
	return err;
}

/* Forgets all that ended with a context. */
static void context_ended(struct srv_session *session, CUcontext context)
{
	srv_forget_context(session, context);
	srv_grant_forget_context(session, context);
}

/* What the threads have cached as current may be gone, or another context at the same address. */
static void contexts_changed(struct srv_session *session)
{
	atomic_fetch_add(&session->context_epoch, 1);
}

/* What the session itself has in a context ends before it. */
static void finish_context(struct srv_worker *worker, CUcontext context)
{
	srv_deferred_finish(worker, context);
	srv_host_context_end(worker, context);
}

static bool is_device(int device)
{
	return device >= 0 && device < CRICKET_DEVICES_MAX;
}

static void release_spares(struct srv_session *session, CUdevice device)
{
	for (; session->spare_retains[device] > 0; session->spare_retains[device]--)
		(void)SRV_DRIVER(cuDevicePrimaryCtxRelease_v2, device);
}

static u64 primary_retain(struct srv_call *call, CUdevice device, CUresult *err)
{
	struct srv_session *session = call->session;
	struct srv_object object = {.primary = true, .device = device};
	CUcontext context = NULL;
	*err = SRV_DRIVER(cuDevicePrimaryCtxRetain, &context, device);
	if (*err)
		return 0;
	release_spares(session, device);
	u64 id = srv_primary_id(session, device, err);
	if (!id)
		return 0;
	(void)srv_primary_find(session, device, &object);
	if (session->context == object.handle && object.handle)
		session->context = context;
	object.handle = context;
	object.retained++;
	srv_object_set(session, CR_KIND_CONTEXT, id, &object);
	contexts_changed(session);
	return id;
}

bool serve_cuDevicePrimaryCtxRetain(struct srv_call *call)
{
	int device;
	u64 id = 0;
	if (!xdr_int(call->args, &device))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = is_device(device) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
	if (!err)
		id = primary_retain(call, device, &err);
	return srv_reply(call, err) && (err || xdr_u64(call->result, &id));
}

static CUresult primary_release(struct srv_call *call, CUdevice device)
{
	struct srv_session *session = call->session;
	struct srv_object object;
	u64 id = srv_primary_find(session, device, &object);
	if (!id || object.retained == 0)
		return CUDA_ERROR_INVALID_CONTEXT;
	if (object.retained == 1)
		finish_context(call->worker, object.handle);
	CUresult err = SRV_DRIVER(cuDevicePrimaryCtxRelease_v2, device);
	if (err)
		return err;
	object.retained--;
	srv_object_set(session, CR_KIND_CONTEXT, id, &object);
	if (object.retained == 0) {
		context_ended(session, object.handle);
		contexts_changed(session);
	}
	return CUDA_SUCCESS;
}

bool serve_cuDevicePrimaryCtxRelease_v2(struct srv_call *call)
{
	int device;
	if (!xdr_int(call->args, &device))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = is_device(device) ? primary_release(call, device) : CUDA_ERROR_INVALID_DEVICE;
	return srv_reply(call, err);
}

static CUresult primary_reset(struct srv_call *call, CUdevice device)
{
	struct srv_object object;
	u64 id = srv_primary_find(call->session, device, &object);
	bool made = id && object.handle;
	if (made)
		finish_context(call->worker, object.handle);
	CUresult err = SRV_DRIVER(cuDevicePrimaryCtxReset_v2, device);
	if (!err && made)
		context_ended(call->session, object.handle);
	contexts_changed(call->session);
	return err;
}

bool serve_cuDevicePrimaryCtxReset_v2(struct srv_call *call)
{
	int device;
	if (!xdr_int(call->args, &device))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = is_device(device) ? primary_reset(call, device) : CUDA_ERROR_INVALID_DEVICE;
	return srv_reply(call, err);
}

static u64 context_create(struct srv_call *call, unsigned flags, CUdevice device, CUresult *err)
{
	struct srv_object object = {.device = device};
	CUcontext context = NULL, popped;
	*err = SRV_DRIVER(cuCtxCreate_v2, &context, flags, device);
	if (*err)
		return 0;
	/* It was pushed onto this thread's stack, where only the stream's context belongs. */
	(void)SRV_DRIVER(cuCtxPopCurrent_v2, &popped);
	contexts_changed(call->session);
	object.handle = context;
	u64 id = srv_object_add(call->session, CR_KIND_CONTEXT, &object, err);
	if (!id)
		(void)SRV_DRIVER(cuCtxDestroy_v2, context);
	return id;
}

bool serve_cuCtxCreate_v2(struct srv_call *call)
{
	u_int flags;
	int device;
	u64 id = 0;
	if (!xdr_u_int(call->args, &flags) || !xdr_int(call->args, &device))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		id = context_create(call, flags, device, &err);
	return srv_reply(call, err) && (err || xdr_u64(call->result, &id));
}

static CUresult context_destroy(struct srv_call *call, u64 id)
{
	struct srv_session *session = call->session;
	struct srv_object object;
	if (!srv_object_get(session, CR_KIND_CONTEXT, id, &object))
		return CUDA_ERROR_INVALID_HANDLE;
	if (object.primary)
		return CUDA_ERROR_INVALID_CONTEXT;
	finish_context(call->worker, object.handle);
	CUresult err = SRV_DRIVER(cuCtxDestroy_v2, object.handle);
	if (err)
		return err;
	context_ended(session, object.handle);
	srv_object_remove(session, CR_KIND_CONTEXT, id);
	if (session->context == object.handle)
		session->context = NULL;
	contexts_changed(session);
	return CUDA_SUCCESS;
}

bool serve_cuCtxDestroy_v2(struct srv_call *call)
{
	u64 id;
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = context_destroy(call, id);
	return srv_reply(call, err);
}

bool serve_cuCtxSetCurrent(struct srv_call *call)
{
	u64 id;
	CUcontext context = NULL;
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err && id)
		err = srv_find_context(call, id, &context);
	if (!err)
		err = srv_worker_enter(call->worker, context);
	if (!err)
		call->session->context = context;
	return srv_reply(call, err);
}
