/* Memory pools: the calls whose arguments are structures, or depend on an attribute. */
#include "handlers.h"
#include "handles.h"

bool serve_cuMemPoolCreate(struct srv_call *call)
{
	pool_properties wire;
	CUmemoryPool pool;
	u64 id = 0;
	if (!xdr_pool_properties(call->args, &wire))
		return false;
	CUresult err = srv_begin(call);
	const CUmemPoolProps properties = {
	    .allocType = (CUmemAllocationType)wire.type,
	    .handleTypes = (CUmemAllocationHandleType)wire.handle_types,
	    .location = {.type = (CUmemLocationType)wire.location_type, .id = wire.location},
	    .maxSize = wire.max_size,
	    .usage = (unsigned short)wire.usage};
	if (!err)
		err = SRV_DRIVER(cuMemPoolCreate, &pool, &properties);
	if (!err) {
		id = srv_mint_pool(call, pool, &err);
		if (!id)
			(void)SRV_DRIVER(cuMemPoolDestroy, pool);
	}
	return srv_reply(call, err) && (err || xdr_u64(call->result, &id));
}

/* A flag is an int, all others are 64 bits. */
union attribute {
	int flag;
	cuuint64_t number;
};

static bool is_flag(int attribute)
{
	return attribute == CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES ||
	       attribute == CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC ||
	       attribute == CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES;
}

bool serve_cuMemPoolSetAttribute(struct srv_call *call)
{
	u64 id, number;
	int attribute;
	CUmemoryPool pool;
	union attribute value;
	if (!xdr_u64(call->args, &id) || !xdr_int(call->args, &attribute) || !xdr_u64(call->args, &number))
		return false;
	if (is_flag(attribute))
		value.flag = (int)number;
	else
		value.number = number;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_pool(call, id, &pool);
	if (!err)
		err = SRV_DRIVER(cuMemPoolSetAttribute, pool, (CUmemPool_attribute)attribute, &value);
	return srv_reply(call, err);
}

bool serve_cuMemPoolGetAttribute(struct srv_call *call)
{
	u64 id;
	int attribute;
	CUmemoryPool pool;
	union attribute value = {.number = 0};
	if (!xdr_u64(call->args, &id) || !xdr_int(call->args, &attribute))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_pool(call, id, &pool);
	if (!err)
		err = SRV_DRIVER(cuMemPoolGetAttribute, pool, (CUmemPool_attribute)attribute, &value);
	u64 number = is_flag(attribute) ? (u64)value.flag : value.number;
	return srv_reply(call, err) && (err || xdr_u64(call->result, &number));
}

static CUresult access_set(CUmemoryPool pool, const memory_accesses *wire)
{
	CUmemAccessDesc accesses[CUDA_ACCESSES_MAX];
	for (u_int i = 0; i < wire->memory_accesses_len; i++) {
		const memory_access *access = &wire->memory_accesses_val[i];
		accesses[i] = (CUmemAccessDesc){
		    .location = {.type = (CUmemLocationType)access->location_type, .id = access->location},
		    .flags = (CUmemAccess_flags)access->flags};
	}
	return SRV_DRIVER(cuMemPoolSetAccess, pool, accesses, wire->memory_accesses_len);
}

bool serve_cuMemPoolSetAccess(struct srv_call *call)
{
	u64 id;
	CUmemoryPool pool;
	memory_accesses wire = {0};
	bool decoded = xdr_u64(call->args, &id) && xdr_memory_accesses(call->args, &wire);
	if (decoded) {
		CUresult err = srv_begin(call);
		if (!err)
			err = srv_find_pool(call, id, &pool);
		if (!err)
			err = access_set(pool, &wire);
		decoded = srv_reply(call, err);
	}
	xdr_free((xdrproc_t)xdr_memory_accesses, &wire);
	return decoded;
}

bool serve_cuMemPoolGetAccess(struct srv_call *call)
{
	u64 id;
	int type, place;
	CUmemoryPool pool;
	CUmemAccess_flags flags = CU_MEM_ACCESS_FLAGS_PROT_NONE;
	if (!xdr_u64(call->args, &id) || !xdr_int(call->args, &type) || !xdr_int(call->args, &place))
		return false;
	CUresult err = srv_begin(call);
	CUmemLocation location = {.type = (CUmemLocationType)type, .id = place};
	if (!err)
		err = srv_find_pool(call, id, &pool);
	if (!err)
		err = SRV_DRIVER(cuMemPoolGetAccess, &flags, pool, &location);
	int value = (int)flags;
	return srv_reply(call, err) && (err || xdr_int(call->result, &value));
}
