#include "grant.h"

#include <search.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "log.h"

/* Units of memory; a driver with a smaller granularity gets them all the same. */
#define UNIT_LEAST ((u64)2 << 20)

/* Memory set aside: this much, or a sixteenth of a small device. */
#define RESERVE_BYTES ((u64)64 << 20)
#define RESERVE_SHARE 16

/* Addresses: a multiple of the device's memory, so that freed ones need not be used again soon. */
#define ADDRESS_SHARE 4
#define ADDRESS_BYTES ((u64)64 << 30)

/* Mapped units of a grant. */
struct mapping {
	u64 base; /* the first member: the tree compares it */
	u64 size;
	CUcontext context;
	LIST_ENTRY(mapping) list;
	size_t chunk_count; /* units from the reserve, which go back there; 0: one piece of fresh memory */
	CUmemGenericAllocationHandle chunks[];
};

struct srv_grant {
	CUdevice device;
	u64 base, size, unit;
	bool fine;      /* the driver opens and closes any bytes, not only whole units */
	void *mappings; /* tree by base */
	LIST_HEAD(, mapping) list;
	size_t reserve_count, reserve_full; /* units */
	CUmemGenericAllocationHandle *reserve;
};

static int base_compare(const void *a, const void *b)
{
	u64 left = *(const u64 *)a, right = *(const u64 *)b;
	return (left > right) - (left < right);
}

/* ---- The reserve ---- */

static CUmemAllocationProp on_device(CUdevice device)
{
	return (CUmemAllocationProp){.type = CU_MEM_ALLOCATION_TYPE_PINNED,
				     .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = device}};
}

static void reserve_fill(struct srv_grant *grant)
{
	const CUmemAllocationProp properties = on_device(grant->device);
	while (grant->reserve_count < grant->reserve_full) {
		CUmemGenericAllocationHandle *next = &grant->reserve[grant->reserve_count];
		if (SRV_DRIVER(cuMemCreate, next, grant->unit, &properties, 0) != CUDA_SUCCESS)
			return;
		grant->reserve_count++;
	}
}

static void reserve_give_up(struct srv_grant *grant)
{
	while (grant->reserve_count)
		(void)SRV_DRIVER(cuMemRelease, grant->reserve[--grant->reserve_count]);
}

/* What does not fit was made up for by a refill. The client counts in the same way. */
static void reserve_return(struct srv_grant *grant, CUmemGenericAllocationHandle chunk)
{
	if (grant->reserve_count < grant->reserve_full)
		grant->reserve[grant->reserve_count++] = chunk;
	else
		(void)SRV_DRIVER(cuMemRelease, chunk);
}

/* ---- Opening a grant ---- */

static bool driver_maps(CUdevice device)
{
	int supported = 0;
	CUresult err = SRV_DRIVER(cuDeviceGetAttribute, &supported,
				  CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED, device);
	return err == CUDA_SUCCESS && supported && driver.cuMemSetAccess && driver.cuMemUnmap;
}

static CUresult access_set(const struct srv_grant *grant, u64 address, u64 size, CUmemAccess_flags flags)
{
	const CUmemAccessDesc access = {.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = grant->device},
					.flags = flags};
	return SRV_DRIVER(cuMemSetAccess, address, size, &access, 1);
}

/* Tries whether access to a part of a unit can be opened. */
static bool access_is_fine(const struct srv_grant *grant)
{
	if (!grant->reserve_count ||
	    SRV_DRIVER(cuMemMap, grant->base, grant->unit, 0, grant->reserve[0], 0) != CUDA_SUCCESS)
		return false;
	bool fine = access_set(grant, grant->base, 512, CU_MEM_ACCESS_FLAGS_PROT_READWRITE) == CUDA_SUCCESS;
	(void)SRV_DRIVER(cuMemUnmap, grant->base, grant->unit);
	return fine;
}

/* Reserves as many addresses as there are to be had, but not fewer than the device has memory. */
static bool addresses_reserve(struct srv_grant *grant, u64 memory)
{
	CUdeviceptr base;
	u64 size = memory * ADDRESS_SHARE > ADDRESS_BYTES ? memory * ADDRESS_SHARE : ADDRESS_BYTES;
	for (; size >= memory; size /= 2) {
		grant->size = size / grant->unit * grant->unit;
		if (SRV_DRIVER(cuMemAddressReserve, &base, grant->size, 0, 0, 0) == CUDA_SUCCESS) {
			grant->base = base;
			return true;
		}
	}
	return false;
}

static CUresult grant_make(struct srv_grant *grant, CUdevice device)
{
	const CUmemAllocationProp properties = on_device(device);
	size_t unit, memory;
	grant->device = device;
	CUresult err = SRV_DRIVER(cuDeviceTotalMem_v2, &memory, device);
	if (err || !driver_maps(device))
		return err;
	err = SRV_DRIVER(cuMemGetAllocationGranularity, &unit, &properties, CU_MEM_ALLOC_GRANULARITY_MINIMUM);
	if (err)
		return err;
	grant->unit = (UNIT_LEAST + unit - 1) / unit * unit;
	u64 reserve = memory / RESERVE_SHARE < RESERVE_BYTES ? memory / RESERVE_SHARE : RESERVE_BYTES;
	grant->reserve_full = reserve / grant->unit;
	grant->reserve = calloc(grant->reserve_full + 1, sizeof(*grant->reserve));
	if (!grant->reserve)
		return CUDA_ERROR_OUT_OF_MEMORY;
	if (!addresses_reserve(grant, memory)) {
		cr_log(CR_LOG_WARNING, "no addresses can be reserved on device %d: allocations wait for replies",
		       device);
		grant->size = 0;
		return CUDA_SUCCESS;
	}
	reserve_fill(grant);
	grant->fine = access_is_fine(grant);
	return CUDA_SUCCESS;
}

static void grant_free(struct srv_grant *grant)
{
	struct mapping *mapping;
	if (!grant)
		return;
	while ((mapping = LIST_FIRST(&grant->list))) {
		LIST_REMOVE(mapping, list);
		tdelete(mapping, &grant->mappings, base_compare);
		free(mapping);
	}
	free(grant->reserve);
	free(grant);
}

CUresult srv_grant_open(struct srv_session *session, CUdevice device, memory_grant *out)
{
	if (device < 0 || device >= CRICKET_DEVICES_MAX)
		return CUDA_ERROR_INVALID_DEVICE;
	struct srv_grant *grant = session->grants[device];
	if (!grant) {
		grant = calloc(1, sizeof(*grant));
		CUresult err = grant ? grant_make(grant, device) : CUDA_ERROR_OUT_OF_MEMORY;
		if (err) {
			grant_free(grant);
			return err;
		}
		session->grants[device] = grant;
	}
	*out = (memory_grant){grant->base, grant->size, grant->unit, grant->reserve_count * grant->unit,
			      grant->reserve_full * grant->unit};
	return CUDA_SUCCESS;
}

/* ---- Allocations ---- */

static bool holds(const struct srv_grant *grant, u64 address, u64 size)
{
	return address - grant->base < grant->size && size <= grant->size - (address - grant->base);
}

static struct srv_grant *grant_of(struct srv_session *session, const carved_memory *memory)
{
	for (int i = 0; i < CRICKET_DEVICES_MAX; i++) {
		struct srv_grant *grant = session->grants[i];
		if (!grant || !holds(grant, memory->address, memory->size) || !memory->size)
			continue;
		if (memory->map_size && (!holds(grant, memory->map, memory->map_size) || memory->map % grant->unit ||
					 memory->map_size % grant->unit))
			return NULL;
		return grant;
	}
	return NULL;
}

static CUresult chunks_map(struct srv_grant *grant, struct mapping *mapping)
{
	for (size_t i = 0; i < mapping->chunk_count; i++) {
		CUmemGenericAllocationHandle chunk = grant->reserve[grant->reserve_count - 1];
		CUresult err = SRV_DRIVER(cuMemMap, mapping->base + i * grant->unit, grant->unit, 0, chunk, 0);
		if (err) { /* nothing but what was mapped here goes back */
			mapping->chunk_count = i;
			mapping->size = i * grant->unit;
			return err;
		}
		mapping->chunks[i] = chunk;
		grant->reserve_count--;
	}
	return CUDA_SUCCESS;
}

/* One piece. What is set aside is given up for it when memory is short. */
static CUresult fresh_map(struct srv_grant *grant, struct mapping *mapping)
{
	const CUmemAllocationProp properties = on_device(grant->device);
	CUmemGenericAllocationHandle handle = 0;
	CUresult err = SRV_DRIVER(cuMemCreate, &handle, mapping->size, &properties, 0);
	if (err == CUDA_ERROR_OUT_OF_MEMORY && grant->reserve_count) {
		reserve_give_up(grant);
		err = SRV_DRIVER(cuMemCreate, &handle, mapping->size, &properties, 0);
	}
	if (!err)
		err = SRV_DRIVER(cuMemMap, mapping->base, mapping->size, 0, handle, 0);
	if (err)
		mapping->size = 0;
	if (handle)
		(void)SRV_DRIVER(cuMemRelease, handle); /* the mapping keeps the memory */
	return err;
}

static void mapping_end(struct srv_grant *grant, struct mapping *mapping)
{
	if (mapping->size)
		(void)SRV_DRIVER(cuMemUnmap, mapping->base, mapping->size);
	for (size_t i = 0; i < mapping->chunk_count; i++)
		reserve_return(grant, mapping->chunks[i]);
	LIST_REMOVE(mapping, list);
	tdelete(mapping, &grant->mappings, base_compare);
	free(mapping);
}

static CUresult mapping_make(struct srv_grant *grant, CUcontext context, const carved_memory *memory, bool reserved)
{
	size_t chunks = reserved ? memory->map_size / grant->unit : 0;
	if (chunks > grant->reserve_count)
		return CUDA_ERROR_OUT_OF_MEMORY;
	struct mapping *mapping = malloc(sizeof(*mapping) + chunks * sizeof(*mapping->chunks));
	if (!mapping)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*mapping = (struct mapping){memory->map, memory->map_size, context, .chunk_count = chunks};
	struct mapping **place = tsearch(mapping, &grant->mappings, base_compare);
	if (!place || *place != mapping) {
		free(mapping);
		return place ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_OUT_OF_MEMORY;
	}
	LIST_INSERT_HEAD(&grant->list, mapping, list);
	CUresult err = reserved ? chunks_map(grant, mapping) : fresh_map(grant, mapping);
	if (!err && !grant->fine)
		err = access_set(grant, memory->map, memory->map_size, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
	if (err)
		mapping_end(grant, mapping);
	return err;
}

CUresult srv_grant_alloc(struct srv_session *session, CUcontext context, const carved_memory *memory, bool reserved)
{
	struct srv_grant *grant = grant_of(session, memory);
	if (!grant)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = memory->map_size ? mapping_make(grant, context, memory, reserved) : CUDA_SUCCESS;
	if (!err && grant->fine)
		err = access_set(grant, memory->address, memory->size, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
	return err;
}

u64 srv_grant_refill(struct srv_session *session, u64 address)
{
	const carved_memory memory = {.address = address, .size = 1};
	struct srv_grant *grant = grant_of(session, &memory);
	if (!grant)
		return 0;
	reserve_fill(grant);
	return grant->reserve_count * grant->unit;
}

CUresult srv_grant_free(struct srv_session *session, const carved_memory *memory)
{
	struct srv_grant *grant = grant_of(session, memory);
	if (!grant)
		return CUDA_ERROR_INVALID_VALUE;
	if (!memory->map_size)
		return grant->fine ? access_set(grant, memory->address, memory->size, CU_MEM_ACCESS_FLAGS_PROT_NONE)
				   : CUDA_SUCCESS;
	struct mapping **place = tfind(&memory->map, &grant->mappings, base_compare);
	if (!place || (*place)->size != memory->map_size)
		return CUDA_ERROR_INVALID_VALUE;
	mapping_end(grant, *place);
	return CUDA_SUCCESS;
}

u64 srv_grant_reserve(const struct srv_session *session, CUdevice device)
{
	const struct srv_grant *grant = session->grants[device];
	return grant ? grant->reserve_count * grant->unit : 0;
}

void srv_grant_forget_context(struct srv_session *session, CUcontext context)
{
	for (int i = 0; i < CRICKET_DEVICES_MAX; i++) {
		struct srv_grant *grant = session->grants[i];
		struct mapping *next;
		for (struct mapping *mapping = grant ? LIST_FIRST(&grant->list) : NULL; mapping; mapping = next) {
			next = LIST_NEXT(mapping, list);
			if (mapping->context == context)
				mapping_end(grant, mapping);
		}
	}
}

void srv_grants_free(struct srv_session *session)
{
	for (int i = 0; i < CRICKET_DEVICES_MAX; i++) {
		grant_free(session->grants[i]);
		session->grants[i] = NULL;
	}
}
