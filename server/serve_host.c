/* Host functions and stream callbacks of the client, and its answers to tasks. */
#include "capture.h"
#include "handlers.h"
#include "host_copy.h"
#include "host_thread.h"
#include "session.h"

CUresult srv_host_work_launch(struct srv_call *call, CUstream stream, struct srv_host_work *work)
{
	work->once = !srv_stream_captures(stream);
	CUresult err = SRV_DRIVER(cuLaunchHostFunc, stream, srv_host_work_run, work);
	if (err)
		srv_host_work_free(work);
	else if (!work->once)
		srv_capture_own_work(call, stream, work);
	return err;
}

static CUresult launch(struct srv_call *call, CUstream stream, u64 function)
{
	struct srv_host_work *work = srv_host_work_new(call->worker, HOST_TASK_FUNCTION, function, NULL);
	return work ? srv_host_work_launch(call, stream, work) : CUDA_ERROR_OUT_OF_MEMORY;
}

static CUresult add_callback(struct srv_call *call, CUstream stream, u64 function)
{
	struct srv_host_work *work = srv_host_work_new(call->worker, HOST_TASK_CALLBACK, function, NULL);
	if (!work)
		return CUDA_ERROR_OUT_OF_MEMORY;
	work->once = true; /* a capture refuses it */
	CUresult err = SRV_DRIVER(cuStreamAddCallback, stream, srv_host_work_callback, work, 0);
	if (err)
		srv_host_work_free(work);
	return err;
}

static bool serve_function(struct srv_call *call, CUresult (*enqueue)(struct srv_call *, CUstream, u64))
{
	u64 id, function;
	CUstream stream = NULL;
	if (!xdr_u64(call->args, &id) || !xdr_u64(call->args, &function))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_stream(call, id, &stream);
	if (!err)
		err = enqueue(call, stream, function);
	if (err)
		srv_host_forget(call->session, function);
	return srv_reply(call, err);
}

bool serve_cuLaunchHostFunc(struct srv_call *call)
{
	return serve_function(call, launch);
}

bool serve_cuStreamAddCallback(struct srv_call *call)
{
	return serve_function(call, add_callback);
}

bool serve_cricketCopyLater(struct srv_call *call)
{
	u64 id, function;
	copy_3d wanted;
	CUstream stream = NULL;
	struct srv_host_copy prepared;
	if (!xdr_u64(call->args, &id) || !xdr_u64(call->args, &function) || !xdr_copy_3d(call->args, &wanted))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_stream(call, id, &stream);
	if (!err)
		err = srv_host_copy_prepare(call->worker, function, &wanted, &prepared);
	if (!err)
		err = srv_host_copy_launch(call, &prepared, &wanted, stream);
	if (err)
		srv_host_forget(call->session, function);
	return srv_reply(call, err);
}

/* The client's thread for tasks takes no errors from the program's threads: no srv_begin, nothing latched. */
static bool reply_task(struct srv_call *call, CUresult err)
{
	return !call->reply_owed || srv_reply(call, err);
}

bool serve_cricketHostTaskNext(struct srv_call *call)
{
	CUresult err = srv_host_thread_ask(call);
	return call->deferred || reply_task(call, err);
}

bool serve_cricketHostTaskDone(struct srv_call *call)
{
	u64 task;
	if (!xdr_u64(call->args, &task))
		return false;
	return reply_task(call, srv_host_task_done(&call->session->host_tasks, task));
}

bool serve_cricketHostTaskData(struct srv_call *call)
{
	u64 task, offset;
	u_int size;
	if (!xdr_u64(call->args, &task) || !xdr_u64(call->args, &offset) || !xdr_u_int(call->args, &size) ||
	    size > CUDA_BLOB_MAX)
		return false;
	const void *data = XDR_INLINE(call->args, (size + 3) & ~3u);
	return data && reply_task(call, srv_host_task_data(&call->session->host_tasks, task, offset, data, size));
}
