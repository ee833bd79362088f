/* Streams. The client mints the handle, so that creating one costs no round trip. */
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "device.h"
#include "hand.h"
#include "handles.h"
#include "host_task.h"
#include "idle.h"
#include "platform.h"
#include "thread.h"

/* ---- The per-thread default stream: one real stream for each thread and context ---- */

struct own_stream {
	struct own_stream *next;
	uint64_t context;
	uint64_t id;
};

static struct cu_thread_pointer own_streams;
static bool has_own_streams;

/* When a thread ends its streams are destroyed, each in its context, if that is still there. */
static void destroy_own(void *first)
{
	for (struct own_stream *own = first, *next; own; own = next) {
		next = own->next;
		if (!client_cuCtxPushCurrent_v2(cu_handle(own->context))) {
			client_cuStreamDestroy_v2(cu_handle(own->id));
			client_cuCtxPopCurrent_v2(NULL);
		}
		free(own);
	}
}

static void create_key(void)
{
	has_own_streams = cu_thread_pointer_create(&own_streams, destroy_own);
}

CUresult cu_per_thread_stream(u64 *id)
{
	static struct cu_once once = CU_ONCE_INIT;
	uint64_t context;
	CUstream stream;
	CUresult err = cu_thread_live_context(&context);
	if (err)
		return err;
	cu_once(&once, create_key);
	if (!has_own_streams)
		return CUDA_ERROR_OUT_OF_MEMORY;
	struct own_stream *first = cu_thread_pointer_get(&own_streams);
	for (struct own_stream *own = first; own; own = own->next) {
		if (own->context == context && !cu_id_of_stream(cu_handle(own->id), id))
			return CUDA_SUCCESS;
	}
	struct own_stream *own = malloc(sizeof(*own));
	if (!own)
		return CUDA_ERROR_OUT_OF_MEMORY;
	err = client_cuStreamCreate(&stream, CU_STREAM_DEFAULT);
	if (err) {
		free(own);
		return err;
	}
	*own = (struct own_stream){first, context, (uintptr_t)stream};
	if (!cu_thread_pointer_set(&own_streams, own)) {
		free(own);
		client_cuStreamDestroy_v2(stream);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	*id = own->id;
	return CUDA_SUCCESS;
}

/* ---- Create and destroy ---- */

/* Enters a stream object and gives its id. */
static CUresult mint(unsigned flags, int priority, u64 *id)
{
	uint64_t context;
	CUresult err = cu_thread_live_context(&context);
	if (err)
		return err;
	struct cu_stream *stream = malloc(sizeof(*stream));
	if (!stream)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*stream = (struct cu_stream){.context = context, .flags = flags, .priority = priority};
	cu_objects_lock();
	*id = cu_object_add(CR_KIND_STREAM, stream);
	cu_objects_unlock();
	if (*id)
		return CUDA_SUCCESS;
	free(stream);
	return CUDA_ERROR_OUT_OF_MEMORY;
}

static void unmint(const void *handle)
{
	cu_objects_lock();
	free(cu_object_remove(CR_KIND_STREAM, handle));
	cu_objects_unlock();
}

CUresult client_cuStreamCreate(CUstream *phStream, unsigned int Flags)
{
	return client_cuStreamCreateWithPriority(phStream, Flags, 0);
}

/* The priority is clamped to the device's range, as CUDA does. */
static CUresult clamp(int *priority)
{
	int least, greatest;
	CUresult err = client_cuCtxGetStreamPriorityRange(&least, &greatest);
	if (err)
		return err;
	if (*priority > least)
		*priority = least;
	if (*priority < greatest)
		*priority = greatest;
	return CUDA_SUCCESS;
}

CUresult client_cuStreamCreateWithPriority(CUstream *phStream, unsigned int flags, int priority)
{
	u64 id;
	if (!phStream || flags & ~(unsigned)CU_STREAM_NON_BLOCKING)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = clamp(&priority);
	if (!err)
		err = mint(flags, priority, &id);
	if (err)
		return err;
	err = priority ? rpc_cuStreamCreateWithPriority(id, flags, priority) : rpc_cuStreamCreate(id, flags);
	if (err)
		unmint(cu_handle(id));
	else
		*phStream = cu_handle(id);
	return err;
}

CUresult client_cuStreamDestroy_v2(CUstream hStream)
{
	if (!hStream || hStream == CU_STREAM_LEGACY || hStream == CU_STREAM_PER_THREAD)
		return CUDA_ERROR_INVALID_HANDLE;
	CUresult err = rpc_cuStreamDestroy_v2(hStream);
	if (err != CUDA_ERROR_INVALID_HANDLE)
		unmint(hStream);
	return err;
}

CUresult client_cuStreamWaitEvent(CUstream hStream, CUevent hEvent, unsigned int Flags)
{
	CUresult err = rpc_cuStreamWaitEvent(hStream, hEvent, Flags);
	if (!err)
		cu_capture_join(hStream, hEvent);
	return err;
}

/* ---- Waiting, and asking whether one would have to ---- */

CUresult client_cuStreamSynchronize(CUstream hStream)
{
	u64 id;
	CUresult err = cu_id_of_stream(hStream, &id);
	cu_stream_forget_use();
	if (err || cu_stream_is_idle(id))
		return err;
	unsigned uses = cu_stream_uses(id), tasks = cu_host_tasks_expected();
	err = cu_wait_for_stream(id);
	if (!err) {
		cu_stream_note_idle(id, uses);
		cu_host_tasks_settled(id, tasks);
	}
	return err;
}

CUresult client_cuStreamQuery(CUstream hStream)
{
	u64 id;
	CUresult err = cu_id_of_stream(hStream, &id);
	cu_stream_forget_use();
	if (err || cu_stream_is_idle(id))
		return err;
	unsigned uses = cu_stream_uses(id);
	err = rpc_cuStreamQuery(hStream);
	cu_stream_forget_use();
	if (!err)
		cu_stream_note_idle(id, uses);
	return err;
}

/* ---- What the client knows of a stream ---- */

static CUresult look_at(CUstream handle, struct cu_stream *copy)
{
	if (!handle || handle == CU_STREAM_LEGACY || handle == CU_STREAM_PER_THREAD) {
		*copy = (struct cu_stream){0};
		return cu_thread_live_context(&copy->context);
	}
	cu_objects_lock_shared();
	struct cu_stream *stream = cu_object(CR_KIND_STREAM, handle);
	if (stream)
		*copy = *stream;
	cu_objects_unlock();
	return stream ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult client_cuStreamGetFlags(CUstream hStream, unsigned int *flags)
{
	struct cu_stream stream;
	if (!flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = look_at(hStream, &stream);
	if (!err)
		*flags = stream.flags;
	return err;
}

CUresult client_cuStreamGetPriority(CUstream hStream, int *priority)
{
	struct cu_stream stream;
	if (!priority)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = look_at(hStream, &stream);
	if (!err)
		*priority = stream.priority;
	return err;
}

CUresult client_cuStreamGetId(CUstream hStream, unsigned long long *streamId)
{
	u64 id;
	if (!streamId)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_id_of_stream(hStream, &id);
	if (!err)
		*streamId = id;
	return err;
}

CUresult client_cuStreamGetCtx(CUstream hStream, CUcontext *pctx)
{
	struct cu_stream stream;
	if (!pctx)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = look_at(hStream, &stream);
	if (!err)
		*pctx = cu_handle(stream.context);
	return err;
}

CUresult client_cuStreamGetCtx_v2(CUstream hStream, CUcontext *pCtx, CUgreenCtx *pGreenCtx)
{
	if (!pGreenCtx)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = client_cuStreamGetCtx(hStream, pCtx);
	if (!err)
		*pGreenCtx = NULL; /* there are no green contexts */
	return err;
}

CUresult client_cuStreamGetDevice(CUstream hStream, CUdevice *device)
{
	struct cu_stream stream;
	CUresult err = look_at(hStream, &stream);
	return err ? err : client_cuCtxGetDevice_v2(device, cu_handle(stream.context));
}

CUresult client_cuStreamGetAttribute(CUstream hStream, CUstreamAttrID attr, CUstreamAttrValue *value_out)
{
	struct cu_call call;
	attribute_value value;
	u64 id;
	u_int wire_attr = (u_int)attr;
	if (!value_out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_id_of_stream(hStream, &id);
	if (!err)
		err = cu_call_begin(&call, FN_cuStreamGetAttribute);
	if (err)
		return err;
	bool encoded = xdr_u64(call.args, &id) && xdr_u_int(call.args, &wire_attr);
	err = cu_call_result(&call, encoded, (xdrproc_t)xdr_attribute_value, &value);
	if (!err)
		memcpy(value_out, value.bytes, sizeof(*value_out));
	return err;
}

CUresult client_cuStreamSetAttribute(CUstream hStream, CUstreamAttrID attr, const CUstreamAttrValue *value)
{
	struct cu_call call;
	attribute_value wire_value;
	u64 id;
	u_int wire_attr = (u_int)attr;
	_Static_assert(sizeof(*value) == sizeof(wire_value), "the ABI fixes this size");
	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(wire_value.bytes, value, sizeof(wire_value.bytes));
	CUresult err = cu_id_of_stream(hStream, &id);
	if (!err)
		err = cu_call_begin(&call, FN_cuStreamSetAttribute);
	if (err)
		return err;
	return cu_call_end(&call, xdr_u64(call.args, &id) && xdr_u_int(call.args, &wire_attr) &&
				      xdr_attribute_value(call.args, &wire_value));
}
