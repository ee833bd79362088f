/* Made by proto/gen.py from proto/small.x. Do not edit: change the description instead. */

#include "handlers.h"

/* CUresult cuCtxSynchronize(void) */
static bool serve_cuCtxSynchronize(struct srv_call *call)
{
	CUresult err = srv_begin(call);
	if (!err)
		err = SRV_DRIVER(cuCtxSynchronize);
	return srv_reply(call, err);
}

/* CUresult cuMemGetInfo_v2(size_t *free, size_t *total) */
static bool serve_cuMemGetInfo_v2(struct srv_call *call)
{
	size_t free = 0;
	size_t total = 0;
	CUresult err = srv_begin(call);
	if (!err)
		err = SRV_DRIVER(cuMemGetInfo_v2, &free, &total);
	memory_info result = {.free = (u64)free, .total = (u64)total};
	return srv_reply(call, err) && (err || xdr_memory_info(call->result, &result));
}

/* CUresult cuEventCreate(CUevent *phEvent, unsigned int Flags) */
static bool serve_cuEventCreate(struct srv_call *call)
{
	u64 phEvent = 0;
	u_int Flags = 0;
	CUevent phEvent_handle = NULL;
	if (!(xdr_u64(call->args, &phEvent) && xdr_u_int(call->args, &Flags)))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = SRV_DRIVER(cuEventCreate, &phEvent_handle, (unsigned int)Flags);
	if (!err)
		err = srv_enter_event(call, phEvent, phEvent_handle);
	return srv_reply(call, err);
}

/* CUresult cuEventDestroy_v2(CUevent hEvent) */
static bool serve_cuEventDestroy_v2(struct srv_call *call)
{
	u64 hEvent = 0;
	CUevent hEvent_handle = NULL;
	if (!(xdr_u64(call->args, &hEvent)))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_event(call, hEvent, &hEvent_handle);
	if (!err)
		err = SRV_DRIVER(cuEventDestroy_v2, hEvent_handle);
	if (!err)
		srv_remove_event(call, hEvent);
	return srv_reply(call, err);
}

/* CUresult cuEventRecord(CUevent hEvent, CUstream hStream) */
static bool serve_cuEventRecord(struct srv_call *call)
{
	u64 hEvent = 0;
	u64 hStream = 0;
	CUevent hEvent_handle = NULL;
	CUstream hStream_handle = NULL;
	if (!(xdr_u64(call->args, &hEvent) && xdr_u64(call->args, &hStream)))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_event(call, hEvent, &hEvent_handle);
	if (!err)
		err = srv_find_stream(call, hStream, &hStream_handle);
	if (!err)
		err = SRV_DRIVER(cuEventRecord, hEvent_handle, hStream_handle);
	return srv_reply(call, err);
}

/* CUresult cuLibraryGetUnifiedFunction(void **fptr, CUmodule library, const char *symbol) */
static bool serve_cuLibraryGetUnifiedFunction(struct srv_call *call)
{
	u64 library = 0;
	symbol_name symbol = NULL;
	CUmodule library_handle = NULL;
	void *fptr = 0;
	if (!(xdr_u64(call->args, &library) && xdr_symbol_name(call->args, &symbol)))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_module(call, library, &library_handle);
	if (!err)
		err = SRV_DRIVER(cuLibraryGetUnifiedFunction, &fptr, library_handle, symbol);
	u64 result = (uintptr_t)fptr;
	bool encoded = srv_reply(call, err) && (err || xdr_u64(call->result, &result));
	xdr_free((xdrproc_t)xdr_symbol_name, &symbol);
	return encoded;
}

/* CUresult cuMemsetD8_v2(CUdeviceptr dstDevice, unsigned char uc, size_t N) */
static bool serve_cuMemsetD8_v2(struct srv_call *call)
{
	u64 dstDevice = 0;
	u_int uc = 0;
	u64 N = 0;
	if (!(xdr_u64(call->args, &dstDevice) && xdr_u_int(call->args, &uc) && xdr_u64(call->args, &N)))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = SRV_DRIVER(cuMemsetD8_v2, (CUdeviceptr)dstDevice, (unsigned char)uc, (size_t)N);
	return srv_reply(call, err);
}

/* CUresult cuMemsetD8Async(CUdeviceptr dstDevice, unsigned char uc, size_t N, CUstream hStream) */
static bool serve_cuMemsetD8Async(struct srv_call *call)
{
	u64 dstDevice = 0;
	u_int uc = 0;
	u64 N = 0;
	u64 hStream = 0;
	CUstream hStream_handle = NULL;
	if (!(xdr_u64(call->args, &dstDevice) && xdr_u_int(call->args, &uc) && xdr_u64(call->args, &N) &&
		xdr_u64(call->args, &hStream)))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_stream(call, hStream, &hStream_handle);
	if (!err)
		err = SRV_DRIVER(cuMemsetD8Async, (CUdeviceptr)dstDevice, (unsigned char)uc, (size_t)N, hStream_handle);
	return srv_reply(call, err);
}

const struct srv_proc srv_cuda_procs[] = {
	{RPC_cuCtxSynchronize, "cuCtxSynchronize", SRV_BLOCKING, serve_cuCtxSynchronize},
	{RPC_cuEventCreate, "cuEventCreate", SRV_ASYNC, serve_cuEventCreate},
	{RPC_cuEventRecord, "cuEventRecord", SRV_ASYNC, serve_cuEventRecord},
	{RPC_cuMemsetD8Async, "cuMemsetD8Async", SRV_ASYNC, serve_cuMemsetD8Async},
	{RPC_cuMemGetInfo_v2, "cuMemGetInfo_v2", SRV_SYNC, serve_cuMemGetInfo_v2},
	{RPC_cuMemsetD8_v2, "cuMemsetD8_v2", SRV_ASYNC, serve_cuMemsetD8_v2},
	{RPC_cuMemcpyHtoD_v2, "cuMemcpyHtoD_v2", SRV_ASYNC, serve_cuMemcpyHtoD_v2},
	{RPC_cuEventDestroy_v2, "cuEventDestroy_v2", SRV_ASYNC, serve_cuEventDestroy_v2},
	{RPC_cuLibraryGetUnifiedFunction, "cuLibraryGetUnifiedFunction", SRV_SYNC, serve_cuLibraryGetUnifiedFunction},
	{RPC_smallOwn, "smallOwn", SRV_DEFERRED, serve_smallOwn},
};
const size_t srv_cuda_proc_count = sizeof(srv_cuda_procs) / sizeof(srv_cuda_procs[0]);
