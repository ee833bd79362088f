/* Virtual memory management. The server's driver does it; what is noted here is which addresses are the device's. */
#include "call.h"
#include "hand.h"
#include "memory.h"

static bool encode_properties(XDR *args, const CUmemAllocationProp *properties)
{
	memory_properties wire = {.type = (int)properties->type,
				  .handle_types = (int)properties->requestedHandleTypes,
				  .location_type = (int)properties->location.type,
				  .location = properties->location.id,
				  .compression = properties->allocFlags.compressionType,
				  .direct_rdma = properties->allocFlags.gpuDirectRDMACapable,
				  .usage = properties->allocFlags.usage};
	return xdr_memory_properties(args, &wire);
}

/* A handle of the server's system is of no use here, nor would memory on its host be. */
static CUresult check_properties(const CUmemAllocationProp *properties)
{
	if (!properties)
		return CUDA_ERROR_INVALID_VALUE;
	return properties->requestedHandleTypes ? CUDA_ERROR_NOT_SUPPORTED : CUDA_SUCCESS;
}

CUresult client_cuMemGetAllocationGranularity(size_t *granularity, const CUmemAllocationProp *prop,
					      CUmemAllocationGranularity_flags option)
{
	struct cu_call call;
	u64 value = 0;
	int wire_option = (int)option;
	CUresult err = granularity ? check_properties(prop) : CUDA_ERROR_INVALID_VALUE;
	if (!err)
		err = cu_call_begin(&call, FN_cuMemGetAllocationGranularity);
	if (err)
		return err;
	bool encoded = encode_properties(call.args, prop) && xdr_int(call.args, &wire_option);
	err = cu_call_result(&call, encoded, (xdrproc_t)xdr_u64, &value);
	if (!err)
		*granularity = value;
	return err;
}

CUresult client_cuMemCreate(CUmemGenericAllocationHandle *handle, size_t size, const CUmemAllocationProp *prop,
			    unsigned long long flags)
{
	struct cu_call call;
	u64 wire_size = size, wire_flags = flags, value = 0;
	CUresult err = handle ? check_properties(prop) : CUDA_ERROR_INVALID_VALUE;
	if (!err)
		err = cu_call_begin(&call, FN_cuMemCreate);
	if (err)
		return err;
	bool encoded =
	    xdr_u64(call.args, &wire_size) && encode_properties(call.args, prop) && xdr_u64(call.args, &wire_flags);
	err = cu_call_result(&call, encoded, (xdrproc_t)xdr_u64, &value);
	if (!err)
		*handle = value;
	return err;
}

CUresult client_cuMemRetainAllocationHandle(CUmemGenericAllocationHandle *handle, void *addr)
{
	struct cu_call call;
	u64 address = (uintptr_t)addr, value = 0;
	if (!handle)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_call_begin(&call, FN_cuMemRetainAllocationHandle);
	if (!err)
		err = cu_call_result(&call, xdr_u64(call.args, &address), (xdrproc_t)xdr_u64, &value);
	if (!err)
		*handle = value;
	return err;
}

CUresult client_cuMemGetAllocationPropertiesFromHandle(CUmemAllocationProp *prop, CUmemGenericAllocationHandle handle)
{
	struct cu_call call;
	u64 id = handle;
	memory_properties wire = {0};
	if (!prop)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_call_begin(&call, FN_cuMemGetAllocationPropertiesFromHandle);
	if (!err)
		err = cu_call_result(&call, xdr_u64(call.args, &id), (xdrproc_t)xdr_memory_properties, &wire);
	if (err)
		return err;
	*prop = (CUmemAllocationProp){.type = (CUmemAllocationType)wire.type,
				      .requestedHandleTypes = (CUmemAllocationHandleType)wire.handle_types,
				      .location = {.type = (CUmemLocationType)wire.location_type, .id = wire.location}};
	prop->allocFlags.compressionType = (unsigned char)wire.compression;
	prop->allocFlags.gpuDirectRDMACapable = (unsigned char)wire.direct_rdma;
	prop->allocFlags.usage = (unsigned short)wire.usage;
	return CUDA_SUCCESS;
}

CUresult client_cuMemMap(CUdeviceptr ptr, size_t size, size_t offset, CUmemGenericAllocationHandle handle,
			 unsigned long long flags)
{
	struct cu_call call;
	u64 wire[] = {ptr, size, offset, handle, flags};
	bool encoded = true;
	CUresult err = cu_call_begin(&call, FN_cuMemMap);
	if (err)
		return err;
	for (int i = 0; i < 5; i++)
		encoded = encoded && xdr_u64(call.args, &wire[i]);
	err = cu_call_end(&call, encoded);
	if (!err)
		cu_memory_note_mapping(ptr, size);
	return err;
}

CUresult client_cuMemUnmap(CUdeviceptr ptr, size_t size)
{
	CUresult err = rpc_cuMemUnmap(ptr, size);
	if (!err)
		cu_memory_forget_mapping(ptr, size);
	return err;
}

CUresult client_cuMemSetAccess(CUdeviceptr ptr, size_t size, const CUmemAccessDesc *desc, size_t count)
{
	struct cu_call call;
	u64 address = ptr, wire_size = size;
	memory_access accesses[CUDA_ACCESSES_MAX];
	memory_accesses wire = {(u_int)count, accesses};
	if (!desc || !count || count > CUDA_ACCESSES_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	for (size_t i = 0; i < count; i++)
		accesses[i] = (memory_access){(int)desc[i].location.type, desc[i].location.id, (int)desc[i].flags};
	CUresult err = cu_call_begin(&call, FN_cuMemSetAccess);
	if (err)
		return err;
	bool encoded =
	    xdr_u64(call.args, &address) && xdr_u64(call.args, &wire_size) && xdr_memory_accesses(call.args, &wire);
	return cu_call_end(&call, encoded);
}

CUresult client_cuMemGetAccess(unsigned long long *flags, const CUmemLocation *location, CUdeviceptr ptr)
{
	struct cu_call call;
	u64 address = ptr, value = 0;
	if (!flags || !location)
		return CUDA_ERROR_INVALID_VALUE;
	int type = (int)location->type, id = location->id;
	CUresult err = cu_call_begin(&call, FN_cuMemGetAccess);
	if (err)
		return err;
	bool encoded = xdr_int(call.args, &type) && xdr_int(call.args, &id) && xdr_u64(call.args, &address);
	err = cu_call_result(&call, encoded, (xdrproc_t)xdr_u64, &value);
	if (!err)
		*flags = value;
	return err;
}
