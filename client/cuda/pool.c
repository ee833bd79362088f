/* Stream-ordered memory. The server's driver allocates, and frees in the stream's order; what is noted here is which
   addresses are the device's. */
#include "call.h"
#include "capture.h"
#include "grant.h"
#include "hand.h"
#include "handles.h"
#include "memory.h"

CUresult cu_id_of_pool(CUmemoryPool handle, u64 *id)
{
	*id = (uintptr_t)handle;
	return cr_handle_kind(*id) == CR_KIND_POOL ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/* ---- Allocations ---- */

/* A capture would make nodes of them, which the client does not know. */
static CUresult check_stream(CUstream stream)
{
	return cu_stream_captures(stream) ? CUDA_ERROR_NOT_SUPPORTED : CUDA_SUCCESS;
}

/* Enters a fresh allocation; gives it back to the server when that fails. */
static CUresult own(CUdeviceptr base, size_t size, CUstream stream)
{
	CUresult err = cu_memory_note(base, size);
	if (err)
		rpc_cuMemFreeAsync(base, stream);
	return err;
}

CUresult client_cuMemAllocAsync(CUdeviceptr *dptr, size_t bytesize, CUstream hStream)
{
	CUresult err = dptr && bytesize ? check_stream(hStream) : CUDA_ERROR_INVALID_VALUE;
	if (!err)
		err = rpc_cuMemAllocAsync(dptr, bytesize, hStream);
	return err ? err : own(*dptr, bytesize, hStream);
}

CUresult client_cuMemAllocFromPoolAsync(CUdeviceptr *dptr, size_t bytesize, CUmemoryPool pool, CUstream hStream)
{
	CUresult err = dptr && bytesize ? check_stream(hStream) : CUDA_ERROR_INVALID_VALUE;
	if (!err)
		err = rpc_cuMemAllocFromPoolAsync(dptr, bytesize, pool, hStream);
	return err ? err : own(*dptr, bytesize, hStream);
}

/* Memory of a grant is no pool's: it ends as with cuMemFree, after all work, and so after the stream's. */
CUresult client_cuMemFreeAsync(CUdeviceptr dptr, CUstream hStream)
{
	u64 stream;
	CUresult err = cu_id_of_stream(hStream, &stream);
	if (!err)
		err = check_stream(hStream);
	if (err)
		return err;
	uint64_t size = cu_memory_forget(dptr);
	if (!size)
		return CUDA_ERROR_INVALID_VALUE;
	err = cu_grant_free(dptr, size);
	return err == CUDA_ERROR_NOT_SUPPORTED ? rpc_cuMemFreeAsync(dptr, hStream) : err;
}

/* ---- Pools of devices, and of places, which are devices ---- */

CUresult client_cuDeviceGetDefaultMemPool(CUmemoryPool *pool_out, CUdevice dev)
{
	return rpc_cuDeviceGetDefaultMemPool(pool_out, dev);
}

CUresult client_cuDeviceGetMemPool(CUmemoryPool *pool, CUdevice dev)
{
	return rpc_cuDeviceGetMemPool(pool, dev);
}

CUresult client_cuDeviceSetMemPool(CUdevice dev, CUmemoryPool pool)
{
	return rpc_cuDeviceSetMemPool(dev, pool);
}

static CUresult check_place(const CUmemLocation *location, CUmemAllocationType type)
{
	if (!location || type != CU_MEM_ALLOCATION_TYPE_PINNED)
		return CUDA_ERROR_INVALID_VALUE;
	return location->type == CU_MEM_LOCATION_TYPE_DEVICE ? CUDA_SUCCESS : CUDA_ERROR_NOT_SUPPORTED;
}

CUresult client_cuMemGetDefaultMemPool(CUmemoryPool *pool_out, CUmemLocation *location, CUmemAllocationType type)
{
	CUresult err = check_place(location, type);
	return err ? err : rpc_cuDeviceGetDefaultMemPool(pool_out, location->id);
}

CUresult client_cuMemGetMemPool(CUmemoryPool *pool, CUmemLocation *location, CUmemAllocationType type)
{
	CUresult err = check_place(location, type);
	return err ? err : rpc_cuDeviceGetMemPool(pool, location->id);
}

CUresult client_cuMemSetMemPool(CUmemLocation *location, CUmemAllocationType type, CUmemoryPool pool)
{
	CUresult err = check_place(location, type);
	return err ? err : rpc_cuDeviceSetMemPool(location->id, pool);
}

/* ---- The pools themselves ---- */

/* Handles for other processes are of the server's system. */
CUresult client_cuMemPoolCreate(CUmemoryPool *pool, const CUmemPoolProps *poolProps)
{
	struct cu_call call;
	u64 id;
	if (!pool || !poolProps)
		return CUDA_ERROR_INVALID_VALUE;
	if (poolProps->handleTypes || poolProps->location.type != CU_MEM_LOCATION_TYPE_DEVICE)
		return CUDA_ERROR_NOT_SUPPORTED;
	pool_properties wire = {.type = (int)poolProps->allocType,
				.location_type = (int)poolProps->location.type,
				.location = poolProps->location.id,
				.max_size = poolProps->maxSize,
				.usage = poolProps->usage};
	CUresult err = cu_call_begin(&call, FN_cuMemPoolCreate);
	if (!err)
		err = cu_call_result(&call, xdr_pool_properties(call.args, &wire), (xdrproc_t)xdr_u64, &id);
	if (!err)
		*pool = cu_handle(id);
	return err;
}

/* Those that are a flag are an int, all others 64 bits. */
static bool is_flag(CUmemPool_attribute attribute)
{
	return attribute == CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES ||
	       attribute == CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC ||
	       attribute == CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES;
}

CUresult client_cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute attr, void *value)
{
	struct cu_call call;
	u64 id, number;
	int wire_attribute = (int)attr;
	CUresult err = value ? cu_id_of_pool(pool, &id) : CUDA_ERROR_INVALID_VALUE;
	if (!err)
		err = cu_call_begin(&call, FN_cuMemPoolSetAttribute);
	if (err)
		return err;
	number = is_flag(attr) ? (u64) * (const int *)value : *(const cuuint64_t *)value;
	return cu_call_end(&call, xdr_u64(call.args, &id) && xdr_int(call.args, &wire_attribute) &&
				      xdr_u64(call.args, &number));
}

CUresult client_cuMemPoolGetAttribute(CUmemoryPool pool, CUmemPool_attribute attr, void *value)
{
	struct cu_call call;
	u64 id, number;
	int wire_attribute = (int)attr;
	CUresult err = value ? cu_id_of_pool(pool, &id) : CUDA_ERROR_INVALID_VALUE;
	if (!err)
		err = cu_call_begin(&call, FN_cuMemPoolGetAttribute);
	if (!err)
		err = cu_call_result(&call, xdr_u64(call.args, &id) && xdr_int(call.args, &wire_attribute),
				     (xdrproc_t)xdr_u64, &number);
	if (err)
		return err;
	if (is_flag(attr))
		*(int *)value = (int)number;
	else
		*(cuuint64_t *)value = number;
	return CUDA_SUCCESS;
}

CUresult client_cuMemPoolSetAccess(CUmemoryPool pool, const CUmemAccessDesc *map, size_t count)
{
	struct cu_call call;
	u64 id;
	memory_access accesses[CUDA_ACCESSES_MAX];
	memory_accesses wire = {(u_int)count, accesses};
	CUresult err = map && count && count <= CUDA_ACCESSES_MAX ? cu_id_of_pool(pool, &id) : CUDA_ERROR_INVALID_VALUE;
	if (!err)
		err = cu_call_begin(&call, FN_cuMemPoolSetAccess);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++)
		accesses[i] = (memory_access){(int)map[i].location.type, map[i].location.id, (int)map[i].flags};
	return cu_call_end(&call, xdr_u64(call.args, &id) && xdr_memory_accesses(call.args, &wire));
}

CUresult client_cuMemPoolGetAccess(CUmemAccess_flags *flags, CUmemoryPool memPool, CUmemLocation *location)
{
	struct cu_call call;
	u64 id;
	int value;
	CUresult err = flags && location ? cu_id_of_pool(memPool, &id) : CUDA_ERROR_INVALID_VALUE;
	if (!err)
		err = cu_call_begin(&call, FN_cuMemPoolGetAccess);
	if (err)
		return err;
	int type = (int)location->type, place = location->id;
	err = cu_call_result(&call, xdr_u64(call.args, &id) && xdr_int(call.args, &type) && xdr_int(call.args, &place),
			     (xdrproc_t)xdr_int, &value);
	if (!err)
		*flags = (CUmemAccess_flags)value;
	return err;
}
