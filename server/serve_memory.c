/* Memory: allocations at addresses of the client's, and virtual memory management. */
#include "grant.h"
#include "handlers.h"
#include "handles.h"

/* What is set aside for the session is the program's to allocate. */
bool serve_cuMemGetInfo_v2(struct srv_call *call)
{
	size_t free_bytes = 0, total = 0;
	CUdevice device;
	CUresult err = srv_begin(call);
	if (!err)
		err = SRV_DRIVER(cuMemGetInfo_v2, &free_bytes, &total);
	if (!err)
		err = SRV_DRIVER(cuCtxGetDevice, &device);
	if (err)
		return srv_reply(call, err);
	memory_info info = {free_bytes + srv_grant_reserve(call->session, device), total};
	return srv_reply(call, err) && xdr_memory_info(call->result, &info);
}

/* ---- Grants ---- */

bool serve_cricketMemoryGrant(struct srv_call *call)
{
	int device;
	memory_grant grant = {0};
	if (!xdr_int(call->args, &device))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_grant_open(call->session, device, &grant);
	return srv_reply(call, err) && (err || xdr_memory_grant(call->result, &grant));
}

static CUresult carved_alloc(struct srv_call *call, const carved_memory *memory, bool reserved)
{
	CUcontext context = call->worker->context;
	return context ? srv_grant_alloc(call->session, context, memory, reserved) : CUDA_ERROR_INVALID_CONTEXT;
}

bool serve_cricketMemoryAlloc(struct srv_call *call)
{
	carved_memory memory;
	if (!xdr_carved_memory(call->args, &memory))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = carved_alloc(call, &memory, true);
	return srv_reply(call, err);
}

bool serve_cricketMemoryAllocMore(struct srv_call *call)
{
	carved_memory memory;
	if (!xdr_carved_memory(call->args, &memory))
		return false;
	CUresult err = srv_begin(call);
	if (err)
		return srv_reply(call, err);
	memory_budget budget = {.failure = (int)carved_alloc(call, &memory, false)};
	budget.budget = srv_grant_refill(call->session, memory.address);
	return srv_reply(call, CUDA_SUCCESS) && xdr_memory_budget(call->result, &budget);
}

/* As cuMemFree does, this waits for the work that may use the memory. */
bool serve_cricketMemoryFree(struct srv_call *call)
{
	carved_memory memory;
	if (!xdr_carved_memory(call->args, &memory))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = SRV_DRIVER(cuCtxSynchronize);
	if (!err)
		err = srv_grant_free(call->session, &memory);
	return srv_reply(call, err);
}

/* ---- Virtual memory management. A CUmemGenericAllocationHandle travels as an id like any other handle. ---- */

static CUmemAllocationProp properties_of(const memory_properties *wire)
{
	CUmemAllocationProp properties = {
	    .type = (CUmemAllocationType)wire->type,
	    .requestedHandleTypes = (CUmemAllocationHandleType)wire->handle_types,
	    .location = {.type = (CUmemLocationType)wire->location_type, .id = wire->location}};
	properties.allocFlags.compressionType = (unsigned char)wire->compression;
	properties.allocFlags.gpuDirectRDMACapable = (unsigned char)wire->direct_rdma;
	properties.allocFlags.usage = (unsigned short)wire->usage;
	return properties;
}

static CUresult physical_find(struct srv_call *call, u64 id, CUmemGenericAllocationHandle *handle)
{
	struct srv_object object;
	if (!srv_object_get(call->session, CR_KIND_PHYSICAL, id, &object))
		return CUDA_ERROR_INVALID_VALUE;
	*handle = (uintptr_t)object.handle;
	return CUDA_SUCCESS;
}

/* Enters a handle that the driver has just given; it is released again when that fails. */
static u64 physical_enter(struct srv_call *call, CUmemGenericAllocationHandle handle, CUresult *err)
{
	const struct srv_object object = {.handle = (void *)(uintptr_t)handle};
	u64 id = srv_object_add(call->session, CR_KIND_PHYSICAL, &object, err);
	if (!id)
		(void)SRV_DRIVER(cuMemRelease, handle);
	return id;
}

bool serve_cuMemGetAllocationGranularity(struct srv_call *call)
{
	memory_properties wire;
	int option;
	size_t granularity = 0;
	if (!xdr_memory_properties(call->args, &wire) || !xdr_int(call->args, &option))
		return false;
	CUresult err = srv_begin(call);
	CUmemAllocationProp properties = properties_of(&wire);
	if (!err)
		err = SRV_DRIVER(cuMemGetAllocationGranularity, &granularity, &properties,
				 (CUmemAllocationGranularity_flags)option);
	u64 value = granularity;
	return srv_reply(call, err) && (err || xdr_u64(call->result, &value));
}

bool serve_cuMemCreate(struct srv_call *call)
{
	memory_properties wire;
	u64 size, flags, id = 0;
	CUmemGenericAllocationHandle handle;
	if (!xdr_u64(call->args, &size) || !xdr_memory_properties(call->args, &wire) || !xdr_u64(call->args, &flags))
		return false;
	CUresult err = srv_begin(call);
	CUmemAllocationProp properties = properties_of(&wire);
	if (!err)
		err = SRV_DRIVER(cuMemCreate, &handle, size, &properties, flags);
	if (!err)
		id = physical_enter(call, handle, &err);
	return srv_reply(call, err) && (err || xdr_u64(call->result, &id));
}

bool serve_cuMemRelease(struct srv_call *call)
{
	u64 id;
	CUmemGenericAllocationHandle handle;
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = physical_find(call, id, &handle);
	if (!err)
		err = SRV_DRIVER(cuMemRelease, handle);
	if (!err)
		srv_object_remove(call->session, CR_KIND_PHYSICAL, id);
	return srv_reply(call, err);
}

bool serve_cuMemMap(struct srv_call *call)
{
	u64 address, size, offset, id, flags;
	CUmemGenericAllocationHandle handle;
	if (!xdr_u64(call->args, &address) || !xdr_u64(call->args, &size) || !xdr_u64(call->args, &offset) ||
	    !xdr_u64(call->args, &id) || !xdr_u64(call->args, &flags))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = physical_find(call, id, &handle);
	if (!err)
		err = SRV_DRIVER(cuMemMap, address, size, offset, handle, flags);
	return srv_reply(call, err);
}

static CUresult access_set(u64 address, u64 size, const memory_accesses *wire)
{
	CUmemAccessDesc accesses[CUDA_ACCESSES_MAX];
	for (u_int i = 0; i < wire->memory_accesses_len; i++) {
		const memory_access *access = &wire->memory_accesses_val[i];
		accesses[i] = (CUmemAccessDesc){
		    .location = {.type = (CUmemLocationType)access->location_type, .id = access->location},
		    .flags = (CUmemAccess_flags)access->flags};
	}
	return SRV_DRIVER(cuMemSetAccess, address, size, accesses, wire->memory_accesses_len);
}

bool serve_cuMemSetAccess(struct srv_call *call)
{
	u64 address, size;
	memory_accesses wire = {0};
	bool decoded =
	    xdr_u64(call->args, &address) && xdr_u64(call->args, &size) && xdr_memory_accesses(call->args, &wire);
	if (decoded) {
		CUresult err = srv_begin(call);
		if (!err)
			err = access_set(address, size, &wire);
		decoded = srv_reply(call, err);
	}
	xdr_free((xdrproc_t)xdr_memory_accesses, &wire);
	return decoded;
}

bool serve_cuMemGetAccess(struct srv_call *call)
{
	int type, id;
	u64 address;
	unsigned long long flags = 0;
	if (!xdr_int(call->args, &type) || !xdr_int(call->args, &id) || !xdr_u64(call->args, &address))
		return false;
	CUresult err = srv_begin(call);
	CUmemLocation location = {.type = (CUmemLocationType)type, .id = id};
	if (!err)
		err = SRV_DRIVER(cuMemGetAccess, &flags, &location, address);
	u64 value = flags;
	return srv_reply(call, err) && (err || xdr_u64(call->result, &value));
}

bool serve_cuMemRetainAllocationHandle(struct srv_call *call)
{
	u64 address, id = 0;
	CUmemGenericAllocationHandle handle;
	if (!xdr_u64(call->args, &address))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = SRV_DRIVER(cuMemRetainAllocationHandle, &handle, (void *)(uintptr_t)address);
	if (!err)
		id = physical_enter(call, handle, &err);
	return srv_reply(call, err) && (err || xdr_u64(call->result, &id));
}

bool serve_cuMemGetAllocationPropertiesFromHandle(struct srv_call *call)
{
	u64 id;
	CUmemGenericAllocationHandle handle;
	CUmemAllocationProp properties = {0};
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = physical_find(call, id, &handle);
	if (!err)
		err = SRV_DRIVER(cuMemGetAllocationPropertiesFromHandle, &properties, handle);
	memory_properties wire = {.type = (int)properties.type,
				  .handle_types = (int)properties.requestedHandleTypes,
				  .location_type = (int)properties.location.type,
				  .location = properties.location.id,
				  .compression = properties.allocFlags.compressionType,
				  .direct_rdma = properties.allocFlags.gpuDirectRDMACapable,
				  .usage = properties.allocFlags.usage};
	return srv_reply(call, err) && (err || xdr_memory_properties(call->result, &wire));
}
