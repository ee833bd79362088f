/* Events. The client mints the handle, so that creating one costs no round trip. */
#include <stdlib.h>

#include "hand.h"
#include "handles.h"
#include "thread.h"

static void unmint(const void *handle)
{
	cu_objects_lock();
	free(cu_object_remove(CR_KIND_EVENT, handle));
	cu_objects_unlock();
}

CUresult client_cuEventCreate(CUevent *phEvent, unsigned int Flags)
{
	const unsigned known = CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING;
	uint64_t context;
	if (!phEvent)
		return CUDA_ERROR_INVALID_VALUE;
	if (Flags & ~known)
		return Flags & CU_EVENT_INTERPROCESS ? CUDA_ERROR_NOT_SUPPORTED : CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_thread_live_context(&context);
	if (err)
		return err;
	struct cu_event *event = malloc(sizeof(*event));
	if (!event)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*event = (struct cu_event){context, Flags};
	cu_objects_lock();
	uint64_t id = cu_object_add(CR_KIND_EVENT, event);
	cu_objects_unlock();
	if (!id) {
		free(event);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	err = rpc_cuEventCreate(id, Flags);
	if (err)
		unmint(cu_handle(id));
	else
		*phEvent = cu_handle(id);
	return err;
}

CUresult client_cuEventDestroy_v2(CUevent hEvent)
{
	CUresult err = rpc_cuEventDestroy_v2(hEvent);
	if (err != CUDA_ERROR_INVALID_HANDLE)
		unmint(hEvent);
	return err;
}
