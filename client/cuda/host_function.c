/* Functions of the program that streams call. */
#include "capture.h"
#include "connection.h"
#include "hand.h"
#include "handles.h"
#include "host_task.h"

static CUresult enqueue(enum cu_function_id call_id, CUstream stream, const struct cu_host_function *function)
{
	struct cu_call call;
	u64 stream_id, id;
	CUresult err = cu_id_of_stream(stream, &stream_id);
	if (!err)
		err = cu_host_function_register(function, &id);
	if (err)
		return err;
	err = cu_call_begin(&call, call_id);
	if (!err)
		err = cu_call_end(&call, xdr_u64(call.args, &stream_id) && xdr_u64(call.args, &id));
	if (err && cu_connection_oneway())
		cu_host_function_forget(id); /* it was not sent; with an answer, the server says so */
	return err;
}

CUresult client_cuLaunchHostFunc(CUstream hStream, CUhostFn fn, void *userData)
{
	const struct cu_host_function function = {
	    .function = fn, .data = userData, .once = !cu_stream_captures(hStream)};
	return fn ? enqueue(FN_cuLaunchHostFunc, hStream, &function) : CUDA_ERROR_INVALID_VALUE;
}

CUresult client_cuStreamAddCallback(CUstream hStream, CUstreamCallback callback, void *userData, unsigned int flags)
{
	const struct cu_host_function function = {
	    .callback = callback, .stream = hStream, .data = userData, .once = true};
	return callback && !flags ? enqueue(FN_cuStreamAddCallback, hStream, &function) : CUDA_ERROR_INVALID_VALUE;
}
