#include "handles.h"

#include <stdlib.h>

void srv_handles_init(struct srv_session *session)
{
	pthread_mutex_init(&session->handle_lock, NULL);
	for (int kind = 0; kind < CR_KIND_COUNT; kind++)
		cr_handle_table_init(&session->handles[kind], (enum cr_kind)kind);
}

void srv_handles_free(struct srv_session *session)
{
	for (int kind = 0; kind < CR_KIND_COUNT; kind++)
		cr_handle_table_clear(&session->handles[kind], free);
	pthread_mutex_destroy(&session->handle_lock);
}

bool srv_object_get(struct srv_session *session, enum cr_kind kind, u64 id, struct srv_object *object)
{
	pthread_mutex_lock(&session->handle_lock);
	const struct srv_object *found = cr_handle_find(&session->handles[kind], id);
	if (found)
		*object = *found;
	pthread_mutex_unlock(&session->handle_lock);
	return found;
}

static struct srv_object *object_copy(const struct srv_object *object)
{
	struct srv_object *copy = malloc(sizeof(*copy));
	if (copy)
		*copy = *object;
	return copy;
}

u64 srv_object_add(struct srv_session *session, enum cr_kind kind, const struct srv_object *object, CUresult *err)
{
	struct srv_object *copy = object_copy(object);
	pthread_mutex_lock(&session->handle_lock);
	u64 id = copy ? cr_handle_add(&session->handles[kind], copy) : 0;
	pthread_mutex_unlock(&session->handle_lock);
	if (!id) {
		free(copy);
		*err = CUDA_ERROR_OUT_OF_MEMORY;
	}
	return id;
}

CUresult srv_object_enter(struct srv_session *session, enum cr_kind kind, u64 id, const struct srv_object *object)
{
	struct srv_object *copy = object_copy(object);
	if (!copy)
		return CUDA_ERROR_OUT_OF_MEMORY;
	pthread_mutex_lock(&session->handle_lock);
	bool entered = cr_handle_enter(&session->handles[kind], id, copy);
	pthread_mutex_unlock(&session->handle_lock);
	if (!entered)
		free(copy);
	return entered ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

void srv_object_set(struct srv_session *session, enum cr_kind kind, u64 id, const struct srv_object *object)
{
	pthread_mutex_lock(&session->handle_lock);
	struct srv_object *found = cr_handle_find(&session->handles[kind], id);
	if (found)
		*found = *object;
	pthread_mutex_unlock(&session->handle_lock);
}

void srv_object_remove(struct srv_session *session, enum cr_kind kind, u64 id)
{
	pthread_mutex_lock(&session->handle_lock);
	free(cr_handle_remove(&session->handles[kind], id));
	pthread_mutex_unlock(&session->handle_lock);
}

/* The id of the object in slot `index`, or 0. Under the lock. */
static u64 table_id(const struct cr_handle_table *table, uint32_t index)
{
	const struct cr_handle_slot *slot = &table->slots[index];
	return slot->object ? cr_handle_make(table->kind, slot->generation, index) : 0;
}

u64 srv_primary_find(struct srv_session *session, CUdevice device, struct srv_object *object)
{
	const struct cr_handle_table *table = &session->handles[CR_KIND_CONTEXT];
	u64 id = 0;
	pthread_mutex_lock(&session->handle_lock);
	for (uint32_t i = 0; i < table->count && !id; i++) {
		const struct srv_object *context = table->slots[i].object;
		if (context && context->primary && context->device == device) {
			*object = *context;
			id = table_id(table, i);
		}
	}
	pthread_mutex_unlock(&session->handle_lock);
	return id;
}

u64 srv_primary_id(struct srv_session *session, CUdevice device, CUresult *err)
{
	struct srv_object object = {.primary = true, .device = device};
	u64 id = srv_primary_find(session, device, &object);
	return id ? id : srv_object_add(session, CR_KIND_CONTEXT, &object, err);
}

void srv_forget_context(struct srv_session *session, CUcontext context)
{
	srv_host_context_gone(session, context);
	pthread_mutex_lock(&session->handle_lock);
	for (int kind = 0; kind < CR_KIND_COUNT; kind++) {
		struct cr_handle_table *table = &session->handles[kind];
		for (uint32_t i = 0; i < table->count; i++) {
			const struct srv_object *object = table->slots[i].object;
			if (object && object->owner == context)
				free(cr_handle_remove(table, table_id(table, i)));
		}
	}
	pthread_mutex_unlock(&session->handle_lock);
}

u64 srv_id_of(struct srv_session *session, enum cr_kind kind, const void *handle)
{
	const struct cr_handle_table *table = &session->handles[kind];
	u64 id = 0;
	pthread_mutex_lock(&session->handle_lock);
	for (uint32_t i = 0; i < table->count && !id; i++) {
		const struct srv_object *object = table->slots[i].object;
		if (object && object->handle == handle)
			id = table_id(table, i);
	}
	pthread_mutex_unlock(&session->handle_lock);
	return id;
}

static void remove_functions(struct srv_session *session, u64 parent)
{
	struct cr_handle_table *table = &session->handles[CR_KIND_FUNCTION];
	for (uint32_t i = 0; i < table->count; i++) {
		const struct srv_object *function = table->slots[i].object;
		if (function && function->parent == parent)
			free(cr_handle_remove(table, table_id(table, i)));
	}
}

void srv_forget_children(struct srv_session *session, u64 parent)
{
	struct cr_handle_table *modules = &session->handles[CR_KIND_MODULE];
	pthread_mutex_lock(&session->handle_lock);
	remove_functions(session, parent);
	for (uint32_t i = 0; i < modules->count; i++) {
		const struct srv_object *module = modules->slots[i].object;
		if (module && module->parent == parent) {
			remove_functions(session, table_id(modules, i));
			free(cr_handle_remove(modules, table_id(modules, i)));
		}
	}
	pthread_mutex_unlock(&session->handle_lock);
}

void srv_forget_levels(struct srv_session *session, u64 mipmap)
{
	struct cr_handle_table *arrays = &session->handles[CR_KIND_ARRAY];
	pthread_mutex_lock(&session->handle_lock);
	for (uint32_t i = 0; i < arrays->count; i++) {
		const struct srv_object *array = arrays->slots[i].object;
		if (array && array->parent == mipmap)
			free(cr_handle_remove(arrays, table_id(arrays, i)));
	}
	pthread_mutex_unlock(&session->handle_lock);
}

void srv_contexts_visit(struct srv_session *session, void (*visit)(const struct srv_object *context))
{
	const struct cr_handle_table *table = &session->handles[CR_KIND_CONTEXT];
	pthread_mutex_lock(&session->handle_lock);
	for (uint32_t i = 0; i < table->count; i++) {
		if (table->slots[i].object)
			visit(table->slots[i].object);
	}
	pthread_mutex_unlock(&session->handle_lock);
}

/* What call.h declares. Streams, events, modules and functions belong to the context they were made in. */
#define SRV_HANDLE(kind, KIND, type, owner_of, is_kernel)                                                              \
	u64 srv_mint_##kind(struct srv_call *call, type handle, CUresult *err)                                         \
	{                                                                                                              \
		const struct srv_object object = {.handle = handle, .owner = owner_of, .kernel = is_kernel};           \
		return srv_object_add(call->session, KIND, &object, err);                                              \
	}                                                                                                              \
	CUresult srv_enter_##kind(struct srv_call *call, u64 id, type handle)                                          \
	{                                                                                                              \
		const struct srv_object object = {.handle = handle, .owner = owner_of, .kernel = is_kernel};           \
		return srv_object_enter(call->session, KIND, id, &object);                                             \
	}                                                                                                              \
	void srv_remove_##kind(struct srv_call *call, u64 id)                                                          \
	{                                                                                                              \
		srv_object_remove(call->session, KIND, id);                                                            \
	}
#define SRV_FIND(kind, KIND, type)                                                                                     \
	CUresult srv_find_##kind(struct srv_call *call, u64 id, type *handle)                                          \
	{                                                                                                              \
		struct srv_object object;                                                                              \
		if (!srv_object_get(call->session, KIND, id, &object))                                                 \
			return CUDA_ERROR_INVALID_HANDLE;                                                              \
		*handle = object.handle;                                                                               \
		return CUDA_SUCCESS;                                                                                   \
	}
SRV_HANDLE(context, CR_KIND_CONTEXT, CUcontext, NULL, false)

/* A primary context has its id before it is retained, and after its release. */
CUresult srv_find_context(struct srv_call *call, u64 id, CUcontext *handle)
{
	struct srv_object object;
	if (!srv_object_get(call->session, CR_KIND_CONTEXT, id, &object))
		return CUDA_ERROR_INVALID_HANDLE;
	*handle = object.handle;
	return object.handle ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

SRV_HANDLE(module, CR_KIND_MODULE, CUmodule, call->worker->context, false)
SRV_FIND(module, CR_KIND_MODULE, CUmodule)
SRV_HANDLE(library, CR_KIND_LIBRARY, CUlibrary, NULL, false)
SRV_FIND(library, CR_KIND_LIBRARY, CUlibrary)
SRV_HANDLE(function, CR_KIND_FUNCTION, CUfunction, call->worker->context, false)
SRV_HANDLE(kernel, CR_KIND_FUNCTION, CUkernel, NULL, true)
SRV_HANDLE(stream, CR_KIND_STREAM, CUstream, call->worker->context, false)
SRV_HANDLE(event, CR_KIND_EVENT, CUevent, call->worker->context, false)
SRV_FIND(event, CR_KIND_EVENT, CUevent)
SRV_HANDLE(graph_exec, CR_KIND_GRAPH_EXEC, CUgraphExec, NULL, false)
SRV_FIND(graph_exec, CR_KIND_GRAPH_EXEC, CUgraphExec)
SRV_HANDLE(user_object, CR_KIND_USER_OBJECT, CUuserObject, NULL, false)
SRV_FIND(user_object, CR_KIND_USER_OBJECT, CUuserObject)
SRV_HANDLE(array, CR_KIND_ARRAY, CUarray, call->worker->context, false)
SRV_FIND(array, CR_KIND_ARRAY, CUarray)
SRV_HANDLE(mipmap, CR_KIND_MIPMAP, CUmipmappedArray, call->worker->context, false)
SRV_FIND(mipmap, CR_KIND_MIPMAP, CUmipmappedArray)

CUresult srv_find_function(struct srv_call *call, u64 id, CUfunction *handle)
{
	struct srv_object object;
	if (!srv_object_get(call->session, CR_KIND_FUNCTION, id, &object))
		return CUDA_ERROR_INVALID_HANDLE;
	if (object.kernel)
		return SRV_DRIVER(cuKernelGetFunction, handle, object.handle);
	*handle = object.handle;
	return CUDA_SUCCESS;
}

CUresult srv_find_kernel(struct srv_call *call, u64 id, CUkernel *handle)
{
	struct srv_object object;
	if (!srv_object_get(call->session, CR_KIND_FUNCTION, id, &object) || !object.kernel)
		return CUDA_ERROR_INVALID_HANDLE;
	*handle = object.handle;
	return CUDA_SUCCESS;
}

/* A client's threads are none of the server's, so the per-thread default stream (2), which our client never sends, is
   the legacy one, which orders more. */
CUresult srv_find_stream(struct srv_call *call, u64 id, CUstream *handle)
{
	if (id <= 2) {
		*handle = id == 0 ? NULL : CU_STREAM_LEGACY;
		return CUDA_SUCCESS;
	}
	struct srv_object object;
	if (!srv_object_get(call->session, CR_KIND_STREAM, id, &object))
		return CUDA_ERROR_INVALID_HANDLE;
	*handle = object.handle;
	return CUDA_SUCCESS;
}

/* The driver gives a device's pool again whenever it is asked: it has one id. */
u64 srv_mint_pool(struct srv_call *call, CUmemoryPool handle, CUresult *err)
{
	const struct srv_object object = {.handle = handle};
	u64 id = srv_id_of(call->session, CR_KIND_POOL, handle);
	return id ? id : srv_object_add(call->session, CR_KIND_POOL, &object, err);
}

void srv_remove_pool(struct srv_call *call, u64 id)
{
	srv_object_remove(call->session, CR_KIND_POOL, id);
}

CUresult srv_find_pool(struct srv_call *call, u64 id, CUmemoryPool *handle)
{
	struct srv_object object;
	if (!srv_object_get(call->session, CR_KIND_POOL, id, &object))
		return CUDA_ERROR_INVALID_VALUE;
	*handle = object.handle;
	return CUDA_SUCCESS;
}
