#include "grant.h"

#include "call.h"
#include "carver.h"
#include "hand.h"
#include "log.h"
#include "platform.h"
#include "thread.h"

enum { UNIT_LEAST = 8192 };
#define UNIT_MOST ((uint64_t)1 << 40)

static struct {
	bool known;
	struct cu_carver carver; /* size 0: no grant */
} grants[CRICKET_DEVICES_MAX];

/* Held from the carving until the call for it stands in the stream; over a call that is waited for as well, so that the
   budget which its answer tells is that of the carver. */
static struct cu_mutex lock = CU_MUTEX_INIT;

static bool is_sound(const memory_grant *grant)
{
	return grant->unit >= UNIT_LEAST && grant->unit <= UNIT_MOST && !(grant->unit & (grant->unit - 1)) &&
	       grant->base && grant->base % grant->unit == 0 && grant->size % grant->unit == 0 &&
	       grant->base + grant->size > grant->base && grant->budget <= grant->budget_max;
}

static void enter_locked(int device, const memory_grant *grant)
{
	grants[device].known = true;
	if (grant->size && !is_sound(grant)) {
		cr_log(CR_LOG_ERROR, "the server's grant of memory on device %d makes no sense and is not used",
		       device);
		return;
	}
	grants[device].carver = (struct cu_carver){.base = grant->base,
						   .size = grant->size,
						   .unit = grant->unit,
						   .budget = grant->budget,
						   .budget_max = grant->budget_max,
						   .cursor = grant->base};
}

void cu_grant_enter(int device, const memory_grant *grant)
{
	cu_mutex_lock(&lock);
	enter_locked(device, grant);
	cu_mutex_unlock(&lock);
}

/* ---- Calls ---- */

static CUresult ask_for_grant(int device)
{
	struct cu_call call;
	memory_grant grant = {0};
	CUresult err = cu_call_begin(&call, FN_cricketMemoryGrant);
	if (!err)
		err = cu_call_result(&call, xdr_int(call.args, &device), (xdrproc_t)xdr_memory_grant, &grant);
	if (!err)
		enter_locked(device, &grant);
	return err;
}

static bool encode(XDR *args, const struct cu_carving *carving)
{
	carved_memory wire = {carving->address, carving->size, carving->map, carving->map_size};
	return xdr_carved_memory(args, &wire);
}

static CUresult announce(enum cu_function_id function, const struct cu_carving *carving)
{
	struct cu_call call;
	CUresult err = cu_call_begin(&call, function);
	return err ? err : cu_call_end(&call, encode(call.args, carving));
}

/* An allocation that needs memory beyond the budget: the server tells whether there is any. */
static CUresult ask_for_more(struct cu_carver *carver, const struct cu_carving *carving)
{
	struct cu_call call;
	memory_budget answer = {0};
	CUresult err = cu_call_begin(&call, FN_cricketMemoryAllocMore);
	if (!err)
		err = cu_call_result(&call, encode(call.args, carving), (xdrproc_t)xdr_memory_budget, &answer);
	if (err)
		return err;
	carver->budget = answer.budget < carver->budget_max ? answer.budget : carver->budget_max;
	return (CUresult)answer.failure;
}

/* ---- Allocations ---- */

static CUresult grant_of_context(struct cu_carver **carver)
{
	int device;
	CUresult err = client_cuCtxGetDevice(&device);
	if (err)
		return err;
	if (!grants[device].known)
		err = ask_for_grant(device);
	*carver = &grants[device].carver;
	return err || (*carver)->size ? err : CUDA_ERROR_NOT_SUPPORTED;
}

static CUresult alloc_locked(CUdeviceptr *address, uint64_t size)
{
	struct cu_carver *carver;
	struct cu_carving carving, undone;
	CUresult err = grant_of_context(&carver);
	if (err)
		return err;
	if (!cu_carve(carver, size, cu_thread_context(), &carving))
		return CUDA_ERROR_NOT_SUPPORTED;
	bool asks = carving.map_size && !carving.budgeted;
	err = asks ? ask_for_more(carver, &carving) : announce(FN_cricketMemoryAlloc, &carving);
	if (err)
		cu_uncarve(carver, carving.address, size, &undone);
	else
		*address = carving.address;
	return err;
}

CUresult cu_grant_alloc(CUdeviceptr *address, uint64_t size)
{
	uint64_t context;
	CUresult err = cu_thread_live_context(&context);
	if (err)
		return err;
	cu_mutex_lock(&lock);
	err = alloc_locked(address, size);
	cu_mutex_unlock(&lock);
	return err;
}

CUresult cu_grant_free(CUdeviceptr address, uint64_t size)
{
	CUresult err = CUDA_ERROR_NOT_SUPPORTED;
	struct cu_carving carving;
	cu_mutex_lock(&lock);
	for (int device = 0; device < CRICKET_DEVICES_MAX; device++) {
		struct cu_carver *carver = &grants[device].carver;
		if (cu_carver_holds(carver, address) && cu_uncarve(carver, address, size, &carving)) {
			err = announce(FN_cricketMemoryFree, &carving);
			break;
		}
	}
	cu_mutex_unlock(&lock);
	return err;
}

void cu_grant_forget_context(uint64_t context)
{
	cu_mutex_lock(&lock);
	for (int device = 0; device < CRICKET_DEVICES_MAX; device++)
		cu_carver_forget_context(&grants[device].carver, context);
	cu_mutex_unlock(&lock);
}
