#include "call.h"

#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "log.h"
#include "platform.h"
#include "thread.h"

CUresult cu_call_begin(struct cu_call *call, enum cu_function_id function)
{
	call->function = function;
	return cu_connection_begin(call, false);
}

static bool has_no_reply(const struct cu_call *call)
{
	return cu_functions[call->function].class == CU_ASYNC && cu_connection_oneway();
}

CUresult cu_call_end(struct cu_call *call, bool encoded)
{
	if (has_no_reply(call))
		return cu_connection_end(call, encoded);
	struct cu_reply reply = {.done = false};
	CUresult err = cu_connection_end_expecting(call, encoded, &reply);
	if (!err)
		err = cu_connection_wait(&reply);
	cu_reply_clear(&reply);
	return err;
}

CUresult cu_call_end_unawaited(struct cu_call *call, bool encoded)
{
	bool waits = !cu_connection_oneway() || (!cu_has_threads() && cu_connection_count_deferred());
	struct cu_reply *reply = waits ? NULL : calloc(1, sizeof(*reply));
	if (!reply)
		return cu_call_end(call, encoded);
	reply->detached = true; /* freed when it has arrived */
	CUresult err = cu_connection_end_expecting(call, encoded, reply);
	if (err)
		free(reply);
	return err;
}

/* Decodes what a reply holds behind its `int err`. */
static bool decode_results(const struct cu_call *call, const struct cu_reply *reply, xdrproc_t decode, void *result)
{
	XDR in;
	if (!reply->record)
		return false;
	xdrmem_create(&in, reply->record, (u_int)reply->length, XDR_DECODE);
	if (decode(&in, result))
		return true;
	cr_log(CR_LOG_ERROR, "%s: the server's reply does not decode", cu_functions[call->function].name);
	xdr_free(decode, result);
	return false;
}

CUresult cu_call_result_or(struct cu_call *call, bool encoded, xdrproc_t decode, void *result, xdrproc_t decode_failure,
			   void *failure)
{
	struct cu_reply reply = {.aside = call->aside};
	CUresult err = cu_connection_end_expecting(call, encoded, &reply);
	if (!err)
		err = cu_connection_wait(&reply);
	if (!err && !decode_results(call, &reply, decode, result))
		err = CUDA_ERROR_UNKNOWN;
	else if (err && err == reply.err && decode_failure && reply.length)
		decode_results(call, &reply, decode_failure, failure);
	cu_reply_clear(&reply);
	return err;
}

CUresult cu_call_result(struct cu_call *call, bool encoded, xdrproc_t decode, void *result)
{
	return cu_call_result_or(call, encoded, decode, result, NULL, NULL);
}

static CUresult end_small_blob(struct cu_call *call, bool encoded, const void *data, size_t length)
{
	char *bytes = (char *)(uintptr_t)data;
	u_int wire_length = (u_int)length;
	return cu_call_end(call, encoded && xdr_bytes(call->args, &bytes, &wire_length, CUDA_BLOB_MAX));
}

static CUresult end_large_blob(struct cu_call *call, bool encoded, const void *data, size_t length)
{
	if (has_no_reply(call))
		return cu_connection_end_bulk(call, encoded, data, length, NULL);
	struct cu_reply reply = {.done = false};
	CUresult err = cu_connection_end_bulk(call, encoded, data, length, &reply);
	if (!err)
		err = cu_connection_wait(&reply);
	cu_reply_clear(&reply);
	return err;
}

CUresult cu_call_with_blob(enum cu_function_id function, cu_encoder encode, const void *arguments, const void *data,
			   size_t length)
{
	CUresult err = cu_settle(data, length);
	return err ? err : cu_call_with_blob_now(function, encode, arguments, data, length);
}

CUresult cu_call_with_blob_now(enum cu_function_id function, cu_encoder encode, const void *arguments, const void *data,
			       size_t length)
{
	struct cu_call call = {.function = function};
	bool small = length <= CU_INLINE_MAX;
	CUresult err = cu_connection_begin(&call, !small);
	if (err)
		return err;
	bool encoded = encode(call.args, arguments);
	return small ? end_small_blob(&call, encoded, data, length) : end_large_blob(&call, encoded, data, length);
}

/* One thread cannot send and receive at once: a server that waits for us to take its data, while we wait for it to take
   ours, would wait for ever. It does not wait while its 16 pieces of memory for open copies suffice: those are enough
   for 15 copies, or in one context for 7 of them full, however the copies fill them. */
static CUresult limit_deferred(size_t size)
{
	enum { OPEN_MAX = 15, FULL_MAX = 7 * CUDA_BLOB_MAX, ALIGNMENT = 256 };
	static uint64_t bytes, context; /* since no copy was open */
	static bool contexts_differ;
	if (cu_has_threads())
		return CUDA_SUCCESS;
	unsigned open = cu_connection_count_deferred();
	if (!open) {
		bytes = 0;
		context = cu_thread_context();
		contexts_differ = false;
	}
	bytes += size + ALIGNMENT;
	contexts_differ = contexts_differ || context != cu_thread_context();
	return open >= OPEN_MAX && (bytes > FULL_MAX || contexts_differ) ? cu_settle(NULL, SIZE_MAX) : CUDA_SUCCESS;
}

CUresult cu_call_deferred(enum cu_function_id function, cu_encoder encode, const void *arguments, struct cu_rows rows,
			  u64 stream)
{
	struct cu_call call;
	bool waits = !cu_connection_oneway();
	CUresult err = limit_deferred(rows.width * rows.rows);
	struct cu_reply *reply = err ? NULL : calloc(1, sizeof(*reply));
	if (!reply)
		return err ? err : CUDA_ERROR_OUT_OF_MEMORY;
	reply->bulk = true;
	reply->to = rows.to;
	reply->width = rows.width;
	reply->rows = rows.rows;
	reply->pitch = rows.pitch;
	reply->detached = !waits;
	reply->context = cu_thread_context();
	reply->stream = stream;
	err = cu_call_begin(&call, function);
	if (!err)
		err = cu_connection_end_expecting(&call, encode(call.args, arguments), reply);
	if (!err && !waits)
		return CUDA_SUCCESS; /* freed when it has arrived */
	if (!err)
		err = cu_connection_wait(reply);
	free(reply);
	return err;
}

static CUresult synchronise(enum cu_function_id function, u64 id)
{
	struct cu_call call;
	CUresult err = cu_call_begin(&call, function);
	return err ? err : cu_call_end(&call, xdr_u64(call.args, &id));
}

CUresult cu_wait_for_stream(u64 stream)
{
	return synchronise(FN_cuStreamSynchronize, stream);
}

CUresult cu_settle(const void *data, size_t size)
{
	u64 context, stream;
	CUresult err = CUDA_SUCCESS;
	while (!err && cu_connection_find_deferred(data, size, &context, &stream)) {
		bool default_stream = stream <= (uintptr_t)CU_STREAM_PER_THREAD;
		err = default_stream ? synchronise(FN_cuCtxSynchronize_v2, context) : cu_wait_for_stream(stream);
	}
	return err;
}
