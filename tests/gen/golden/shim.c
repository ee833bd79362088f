/* Made by proto/gen.py from proto/small.x. Do not edit: change the description instead. */

#include "entry.h"
#include "hand.h"
#include "handles.h"

static CUresult client_cuCtxSynchronize(void)
{
	struct cu_call call;
	CUresult err;

	if ((err = cu_call_begin(&call, FN_cuCtxSynchronize)))
		return err;
	bool encoded = true;
	return cu_call_end(&call, encoded);
}

static CUresult client_cuMemGetInfo_v2(size_t *free, size_t *total)
{
	struct cu_call call;
	CUresult err;

	if (!free)
		return CUDA_ERROR_INVALID_VALUE;
	if ((err = cu_call_begin(&call, FN_cuMemGetInfo_v2)))
		return err;
	bool encoded = true;
	memory_info result = {0};
	err = cu_call_result(&call, encoded, (xdrproc_t)xdr_memory_info, &result);
	if (err)
		return err;
	*free = (size_t)result.free;
	if (total)
		*total = (size_t)result.total;
	return CUDA_SUCCESS;
}

CUresult rpc_cuEventCreate(u64 phEvent, unsigned int Flags)
{
	struct cu_call call;
	CUresult err;

	u64 phEvent_wire = (u64)phEvent;
	u_int Flags_wire = (u_int)Flags;
	if ((err = cu_call_begin(&call, FN_cuEventCreate)))
		return err;
	bool encoded = xdr_u64(call.args, &phEvent_wire) && xdr_u_int(call.args, &Flags_wire);
	return cu_call_end(&call, encoded);
}

static CUresult client_cuEventDestroy_v2(CUevent hEvent)
{
	struct cu_call call;
	CUresult err;

	u64 hEvent_wire;
	if ((err = cu_id_of_event(hEvent, &hEvent_wire)))
		return err;
	if ((err = cu_call_begin(&call, FN_cuEventDestroy_v2)))
		return err;
	bool encoded = xdr_u64(call.args, &hEvent_wire);
	return cu_call_end(&call, encoded);
}

static CUresult client_cuEventRecord(CUevent hEvent, CUstream hStream)
{
	struct cu_call call;
	CUresult err;

	u64 hEvent_wire;
	if ((err = cu_id_of_event(hEvent, &hEvent_wire)))
		return err;
	u64 hStream_wire;
	if ((err = cu_id_of_stream(hStream, &hStream_wire)))
		return err;
	if ((err = cu_call_begin(&call, FN_cuEventRecord)))
		return err;
	bool encoded = xdr_u64(call.args, &hEvent_wire) && xdr_u64(call.args, &hStream_wire);
	return cu_call_end(&call, encoded);
}

static CUresult client_cuLibraryGetUnifiedFunction(void **fptr, CUmodule library, const char *symbol)
{
	struct cu_call call;
	CUresult err;

	if (!fptr)
		return CUDA_ERROR_INVALID_VALUE;
	u64 library_wire;
	if ((err = cu_id_of_module(library, &library_wire)))
		return err;
	if (!symbol)
		return CUDA_ERROR_INVALID_VALUE;
	symbol_name symbol_wire = (char *)symbol;
	if ((err = cu_call_begin(&call, FN_cuLibraryGetUnifiedFunction)))
		return err;
	bool encoded = xdr_u64(call.args, &library_wire) && xdr_symbol_name(call.args, &symbol_wire);
	u64 result = {0};
	err = cu_call_result(&call, encoded, (xdrproc_t)xdr_u64, &result);
	if (err)
		return err;
	*fptr = (void *)(uintptr_t)result;
	return CUDA_SUCCESS;
}

static CUresult client_cuMemsetD8_v2(CUdeviceptr dstDevice, unsigned char uc, size_t N)
{
	struct cu_call call;
	CUresult err;

	u64 dstDevice_wire = (u64)dstDevice;
	u_int uc_wire = (u_int)uc;
	u64 N_wire = (u64)N;
	if ((err = cu_call_begin(&call, FN_cuMemsetD8_v2)))
		return err;
	bool encoded = xdr_u64(call.args, &dstDevice_wire) && xdr_u_int(call.args, &uc_wire) &&
		xdr_u64(call.args, &N_wire);
	return cu_call_end(&call, encoded);
}

static CUresult client_cuMemsetD8Async(CUdeviceptr dstDevice, unsigned char uc, size_t N, CUstream hStream)
{
	struct cu_call call;
	CUresult err;

	u64 dstDevice_wire = (u64)dstDevice;
	u_int uc_wire = (u_int)uc;
	u64 N_wire = (u64)N;
	u64 hStream_wire;
	if ((err = cu_id_of_stream(hStream, &hStream_wire)))
		return err;
	if ((err = cu_call_begin(&call, FN_cuMemsetD8Async)))
		return err;
	bool encoded = xdr_u64(call.args, &dstDevice_wire) && xdr_u_int(call.args, &uc_wire) &&
		xdr_u64(call.args, &N_wire) && xdr_u64(call.args, &hStream_wire);
	return cu_call_end(&call, encoded);
}

CU_EXPORT CUresult CUDAAPI cuInit(unsigned int Flags)
{
	struct cu_entry entry;
	CUresult err = cu_enter(&entry, FN_cuInit);

	if (!err)
		err = client_cuInit(Flags);
	if (entry.traced)
		cu_trace(&entry, err, "Flags=%lld", (long long)Flags);
	return cu_leave(&entry, err);
}

CU_EXPORT CUresult CUDAAPI cuCtxSynchronize(void)
{
	struct cu_entry entry;
	CUresult err = cu_enter(&entry, FN_cuCtxSynchronize);

	if (!err)
		err = client_cuCtxSynchronize();
	if (entry.traced)
		cu_trace(&entry, err, "%s", "");
	return cu_leave(&entry, err);
}

CU_EXPORT CUresult CUDAAPI cuMemGetInfo_v2(size_t *free, size_t *total)
{
	struct cu_entry entry;
	CUresult err = cu_enter(&entry, FN_cuMemGetInfo_v2);

	if (!err)
		err = client_cuMemGetInfo_v2(free, total);
	if (entry.traced)
		cu_trace(&entry, err, "free=%p, total=%p", (void *)(uintptr_t)free, (void *)(uintptr_t)total);
	return cu_leave(&entry, err);
}

CU_EXPORT CUresult CUDAAPI cuEventCreate(CUevent *phEvent, unsigned int Flags)
{
	struct cu_entry entry;
	CUresult err = cu_enter(&entry, FN_cuEventCreate);

	if (!err)
		err = client_cuEventCreate(phEvent, Flags);
	if (entry.traced)
		cu_trace(&entry, err, "phEvent=%p, Flags=%lld", (void *)(uintptr_t)phEvent, (long long)Flags);
	return cu_leave(&entry, err);
}

CU_EXPORT CUresult CUDAAPI cuEventDestroy_v2(CUevent hEvent)
{
	struct cu_entry entry;
	CUresult err = cu_enter(&entry, FN_cuEventDestroy_v2);

	if (!err)
		err = client_cuEventDestroy_v2(hEvent);
	if (entry.traced)
		cu_trace(&entry, err, "hEvent=%#llx", (unsigned long long)(uintptr_t)hEvent);
	return cu_leave(&entry, err);
}

CU_EXPORT CUresult CUDAAPI cuEventRecord(CUevent hEvent, CUstream hStream)
{
	struct cu_entry entry;
	CUresult err = cu_enter(&entry, FN_cuEventRecord);

	if (!err)
		err = client_cuEventRecord(hEvent, hStream);
	if (entry.traced)
		cu_trace(&entry, err, "hEvent=%#llx, hStream=%#llx", (unsigned long long)(uintptr_t)hEvent, (unsigned long long)(uintptr_t)hStream);
	return cu_leave(&entry, err);
}

CU_EXPORT CUresult CUDAAPI cuEventRecord_ptsz(CUevent hEvent, CUstream hStream)
{
	struct cu_entry entry;
	CUresult err = cu_enter(&entry, FN_cuEventRecord);

	if (!err)
		err = client_cuEventRecord(hEvent, cu_per_thread(hStream));
	if (entry.traced)
		cu_trace(&entry, err, "hEvent=%#llx, hStream=%#llx", (unsigned long long)(uintptr_t)hEvent, (unsigned long long)(uintptr_t)hStream);
	return cu_leave(&entry, err);
}

CU_EXPORT CUresult CUDAAPI cuLibraryGetUnifiedFunction(void **fptr, CUmodule library, const char *symbol)
{
	struct cu_entry entry;
	CUresult err = cu_enter(&entry, FN_cuLibraryGetUnifiedFunction);

	if (!err)
		err = client_cuLibraryGetUnifiedFunction(fptr, library, symbol);
	if (entry.traced)
		cu_trace(&entry, err, "fptr=%p, library=%#llx, symbol=%s", (void *)(uintptr_t)fptr, (unsigned long long)(uintptr_t)library, cu_trace_text(symbol));
	return cu_leave(&entry, err);
}

CU_EXPORT CUresult CUDAAPI cuMemsetD8_v2(CUdeviceptr dstDevice, unsigned char uc, size_t N)
{
	struct cu_entry entry;
	CUresult err = cu_enter(&entry, FN_cuMemsetD8_v2);

	if (!err)
		err = client_cuMemsetD8_v2(dstDevice, uc, N);
	if (entry.traced)
		cu_trace(&entry, err, "dstDevice=%#llx, uc=%lld, N=%lld", (unsigned long long)(uintptr_t)dstDevice, (long long)uc, (long long)N);
	return cu_leave(&entry, err);
}

CU_EXPORT CUresult CUDAAPI cuMemsetD8_v2_ptds(CUdeviceptr dstDevice, unsigned char uc, size_t N)
{
	struct cu_entry entry;
	CUresult err = cu_enter(&entry, FN_cuMemsetD8_v2);

	if (!err)
		err = client_cuMemsetD8Async(dstDevice, uc, N, CU_STREAM_PER_THREAD);
	if (entry.traced)
		cu_trace(&entry, err, "dstDevice=%#llx, uc=%lld, N=%lld", (unsigned long long)(uintptr_t)dstDevice, (long long)uc, (long long)N);
	return cu_leave(&entry, err);
}

CU_EXPORT CUresult CUDAAPI cuMemsetD8Async(CUdeviceptr dstDevice, unsigned char uc, size_t N, CUstream hStream)
{
	struct cu_entry entry;
	CUresult err = cu_enter(&entry, FN_cuMemsetD8Async);

	if (!err)
		err = client_cuMemsetD8Async(dstDevice, uc, N, hStream);
	if (entry.traced)
		cu_trace(&entry, err, "dstDevice=%#llx, uc=%lld, N=%lld, hStream=%#llx", (unsigned long long)(uintptr_t)dstDevice, (long long)uc, (long long)N, (unsigned long long)(uintptr_t)hStream);
	return cu_leave(&entry, err);
}

CU_EXPORT CUresult CUDAAPI cuMemsetD8Async_ptsz(CUdeviceptr dstDevice, unsigned char uc, size_t N, CUstream hStream)
{
	struct cu_entry entry;
	CUresult err = cu_enter(&entry, FN_cuMemsetD8Async);

	if (!err)
		err = client_cuMemsetD8Async(dstDevice, uc, N, cu_per_thread(hStream));
	if (entry.traced)
		cu_trace(&entry, err, "dstDevice=%#llx, uc=%lld, N=%lld, hStream=%#llx", (unsigned long long)(uintptr_t)dstDevice, (long long)uc, (long long)N, (unsigned long long)(uintptr_t)hStream);
	return cu_leave(&entry, err);
}

CU_EXPORT CUresult CUDAAPI cuMemcpyHtoD_v2(CUdeviceptr dstDevice, const void *srcHost, size_t ByteCount)
{
	struct cu_entry entry;
	CUresult err = cu_enter(&entry, FN_cuMemcpyHtoD_v2);

	if (!err)
		err = client_cuMemcpyHtoD_v2(dstDevice, srcHost, ByteCount);
	if (entry.traced)
		cu_trace(&entry, err, "dstDevice=%#llx, srcHost=%p, ByteCount=%lld", (unsigned long long)(uintptr_t)dstDevice, (void *)(uintptr_t)srcHost, (long long)ByteCount);
	return cu_leave(&entry, err);
}

CU_EXPORT CUresult CUDAAPI cuMemcpyHtoD_v2_ptds(CUdeviceptr dstDevice, const void *srcHost, size_t ByteCount)
{
	struct cu_entry entry;
	CUresult err = cu_enter(&entry, FN_cuMemcpyHtoD_v2);

	if (!err)
		err = client_cuMemcpyHtoD_v2_ptds(dstDevice, srcHost, ByteCount);
	if (entry.traced)
		cu_trace(&entry, err, "dstDevice=%#llx, srcHost=%p, ByteCount=%lld", (unsigned long long)(uintptr_t)dstDevice, (void *)(uintptr_t)srcHost, (long long)ByteCount);
	return cu_leave(&entry, err);
}
