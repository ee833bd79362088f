#include "copy_later.h"

#include "capture.h"
#include "connection.h"
#include "handles.h"
#include "host_task.h"
#include "memory.h"

bool cu_copy_must_wait(CUstream stream, const void *host)
{
	return cu_stream_captures(stream) || (cu_host_tasks_pending() && cu_host_is_pinned(host));
}

CUresult cu_copy_later(const copy_3d *copy, CUstream stream)
{
	struct cu_call call;
	struct cu_host_function turn = {.once = !cu_stream_captures(stream)};
	copy_3d wire = *copy;
	u64 id, name;
	CUresult err = cu_id_of_stream(stream, &id);
	if (!err)
		err = cu_host_function_register(&turn, &name);
	if (err)
		return err;
	err = cu_call_begin(&call, FN_cricketCopyLater);
	if (!err)
		err = cu_call_end(&call, xdr_u64(call.args, &id) && xdr_u64(call.args, &name) &&
					     xdr_copy_3d(call.args, &wire));
	if (err && cu_connection_oneway())
		cu_host_function_forget(name);
	return err;
}

CUresult cu_copy_bytes_later(copy_side to, copy_side from, size_t size, CUstream stream)
{
	copy_3d copy = {.width = size, .height = 1, .depth = 1};
	to.pitch = to.slice = from.pitch = from.slice = size;
	copy.to = to;
	copy.from = from;
	return size ? cu_copy_later(&copy, stream) : CUDA_SUCCESS;
}
