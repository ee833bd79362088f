#include "handles.h"
#include "array.h"
#include "idle.h"
#include "platform.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct cu_rwlock lock = CU_RWLOCK_INIT;
static atomic_uint epoch = 1;

static struct cr_handle_table tables[CR_KIND_COUNT] = {
    [CR_KIND_CONTEXT] = {.kind = CR_KIND_CONTEXT},
    [CR_KIND_MODULE] = {.kind = CR_KIND_MODULE},
    [CR_KIND_LIBRARY] = {.kind = CR_KIND_LIBRARY},
    [CR_KIND_FUNCTION] = {.kind = CR_KIND_FUNCTION},
    [CR_KIND_STREAM] = {.kind = CR_KIND_STREAM},
    [CR_KIND_EVENT] = {.kind = CR_KIND_EVENT},
    [CR_KIND_LINK] = {.kind = CR_KIND_LINK},
    [CR_KIND_HOST_FUNCTION] = {.kind = CR_KIND_HOST_FUNCTION},
    [CR_KIND_GRAPH] = {.kind = CR_KIND_GRAPH},
    [CR_KIND_GRAPH_NODE] = {.kind = CR_KIND_GRAPH_NODE},
    [CR_KIND_GRAPH_EXEC] = {.kind = CR_KIND_GRAPH_EXEC},
    [CR_KIND_USER_OBJECT] = {.kind = CR_KIND_USER_OBJECT},
    [CR_KIND_FOUND_GRAPH] = {.kind = CR_KIND_FOUND_GRAPH},
    [CR_KIND_FOUND_NODE] = {.kind = CR_KIND_FOUND_NODE},
    [CR_KIND_ARRAY] = {.kind = CR_KIND_ARRAY},
    [CR_KIND_MIPMAP] = {.kind = CR_KIND_MIPMAP},
};

void cu_objects_lock_shared(void)
{
	cu_rwlock_read(&lock);
}

void cu_objects_lock(void)
{
	cu_rwlock_write(&lock);
}

void cu_objects_unlock(void)
{
	cu_rwlock_unlock(&lock);
}

void *cu_object(enum cr_kind kind, const void *handle)
{
	return cr_handle_find(&tables[kind], (uintptr_t)handle);
}

bool cu_object_enter(enum cr_kind kind, uint64_t id, void *object)
{
	return cr_handle_enter(&tables[kind], id, object);
}

uint64_t cu_object_add(enum cr_kind kind, void *object)
{
	return cr_handle_add(&tables[kind], object);
}

void *cu_object_remove(enum cr_kind kind, const void *handle)
{
	return cr_handle_remove(&tables[kind], (uintptr_t)handle);
}

uint64_t cu_object_search(enum cr_kind kind, bool (*matches)(const void *object, uint64_t what), uint64_t what)
{
	const struct cr_handle_table *table = &tables[kind];
	for (uint32_t index = 0; index < table->count; index++)
		if (table->slots[index].object && matches(table->slots[index].object, what))
			return cr_handle_make(kind, table->slots[index].generation, index);
	return 0;
}

unsigned cu_objects_epoch(void)
{
	return atomic_load_explicit(&epoch, memory_order_acquire);
}

void cu_function_object_free(struct cu_function_object *function)
{
	free(function->name);
	free(function->parameters);
	free(function->attributes);
	free(function);
}

void cu_module_object_free(struct cu_module_object *module)
{
	for (unsigned i = 0; i < module->function_count; i++) {
		cu_object_remove(CR_KIND_FUNCTION, cu_handle(module->functions[i]->id));
		cu_function_object_free(module->functions[i]);
	}
	free(module->functions);
	free(module);
}

/* Every object of these kinds begins with, or is asked here for, its context. */
static uint64_t context_of(enum cr_kind kind, const void *object)
{
	switch (kind) {
	case CR_KIND_STREAM:
		return ((const struct cu_stream *)object)->context;
	case CR_KIND_EVENT:
		return ((const struct cu_event *)object)->context;
	case CR_KIND_MODULE:
		return ((const struct cu_module_object *)object)->context;
	case CR_KIND_ARRAY:
	case CR_KIND_MIPMAP:
		return ((const struct cu_array *)object)->context;
	default:
		return 0;
	}
}

static void forget_kind(enum cr_kind kind, uint64_t context)
{
	struct cr_handle_table *table = &tables[kind];
	for (uint32_t index = 0; index < table->count; index++) {
		void *object = table->slots[index].object;
		if (!object || context_of(kind, object) != context)
			continue;
		cr_handle_remove(table, cr_handle_make(kind, table->slots[index].generation, index));
		if (kind == CR_KIND_MODULE)
			cu_module_object_free(object);
		else
			free(object);
	}
}

void cu_objects_forget_context(uint64_t context)
{
	forget_kind(CR_KIND_STREAM, context);
	forget_kind(CR_KIND_EVENT, context);
	forget_kind(CR_KIND_MODULE, context);
	forget_kind(CR_KIND_ARRAY, context);
	forget_kind(CR_KIND_MIPMAP, context);
	atomic_fetch_add_explicit(&epoch, 1, memory_order_release);
}

static CUresult id_of(enum cr_kind kind, const void *handle, u64 *id)
{
	cu_objects_lock_shared();
	bool found = cu_object(kind, handle) != NULL;
	cu_objects_unlock();
	*id = (uintptr_t)handle;
	if (found)
		return CUDA_SUCCESS;
	return kind == CR_KIND_CONTEXT ? CUDA_ERROR_INVALID_CONTEXT : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cu_id_of_context(CUcontext handle, u64 *id)
{
	return id_of(CR_KIND_CONTEXT, handle, id);
}

CUresult cu_id_of_module(CUmodule handle, u64 *id)
{
	return id_of(CR_KIND_MODULE, handle, id);
}

CUresult cu_id_of_library(CUlibrary handle, u64 *id)
{
	return id_of(CR_KIND_LIBRARY, handle, id);
}

CUresult cu_id_of_function(CUfunction handle, u64 *id)
{
	return id_of(CR_KIND_FUNCTION, handle, id);
}

CUresult cu_id_of_kernel(CUkernel handle, u64 *id)
{
	return id_of(CR_KIND_FUNCTION, handle, id);
}

CUresult cu_id_of_array(CUarray handle, u64 *id)
{
	return id_of(CR_KIND_ARRAY, handle, id);
}

CUresult cu_id_of_mipmap(CUmipmappedArray handle, u64 *id)
{
	return id_of(CR_KIND_MIPMAP, handle, id);
}

CUresult cu_id_of_event(CUevent handle, u64 *id)
{
	return id_of(CR_KIND_EVENT, handle, id);
}

CUresult cu_id_of_stream(CUstream handle, u64 *id)
{
	CUresult err = CUDA_SUCCESS;
	if (handle == CU_STREAM_PER_THREAD)
		err = cu_per_thread_stream(id);
	else if (!handle || handle == CU_STREAM_LEGACY)
		*id = (uintptr_t)handle;
	else
		err = id_of(CR_KIND_STREAM, handle, id);
	if (!err)
		cu_stream_note_use(*id);
	return err;
}
