/* Functions of the program that run in the order of a stream. */
#include <cuda.h>

#include "capture.h"
#include "driver.h"
#include "queue.h"

struct callback_body {
	CUhostFn function;
	CUstreamCallback callback;
	CUstream stream;
	void *data;
};

static CUresult host_function_run(struct drv_op *op)
{
	const struct callback_body *body = DRV_BODY(op, struct callback_body);
	drv_callback_begin();
	body->function(body->data);
	drv_callback_end();
	return CUDA_SUCCESS;
}

static CUresult callback_run(struct drv_op *op)
{
	const struct callback_body *body = DRV_BODY(op, struct callback_body);
	drv_callback_begin();
	body->callback(body->stream, op->status, body->data);
	drv_callback_end();
	return CUDA_SUCCESS;
}

static CUresult callback_submit(const struct callback_body *body)
{
	struct drv_stream *stream;
	CUresult result = drv_enter_stream(body->stream, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	if (stream->captured && body->function) {
		CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_HOST, .host = {body->function, body->data}};
		return drv_leave(drv_capture_add(stream, &params, NULL));
	}
	struct drv_op *op = drv_op_new(stream, body->function ? host_function_run : callback_run, NULL);
	if (!op)
		return drv_leave(CUDA_ERROR_OUT_OF_MEMORY);
	*DRV_BODY(op, struct callback_body) = *body;
	op->always = body->callback != NULL; /* a callback is told of the error, a host function is not called */
	return drv_leave(drv_queue_submit(op));
}

DRV_API CUresult cuLaunchHostFunc(CUstream stream, CUhostFn function, void *data)
{
	const struct callback_body body = {.function = function, .stream = stream, .data = data};
	return function ? callback_submit(&body) : CUDA_ERROR_INVALID_VALUE;
}

DRV_API CUresult cuStreamAddCallback(CUstream stream, CUstreamCallback callback, void *data, unsigned flags)
{
	const struct callback_body body = {.callback = callback, .stream = stream, .data = data};
	return callback && !flags ? callback_submit(&body) : CUDA_ERROR_INVALID_VALUE;
}
