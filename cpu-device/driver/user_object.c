/* User objects: what programs want destroyed when no graph needs it any more. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "driver.h"
#include "graph.h"
#include "handle.h"

struct user_object {
	CUuserObject handle;
	void *pointer;
	CUhostFn destroy;
	size_t references;
};

/* What a graph, or an executable one, holds. */
struct drv_user_references {
	struct drv_user_references *next;
	struct user_object *object;
	size_t count;
};

static void *object_destroy(void *argument)
{
	struct user_object *object = argument;
	drv_callback_begin();
	object->destroy(object->pointer);
	drv_callback_end();
	free(object);
	return NULL;
}

/* On a thread of its own: the program's function may wait for a thread that is in the driver. */
static void object_end(struct user_object *object)
{
	sigset_t all, old;
	pthread_t thread;
	drv_handle_end(object->handle);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&thread, NULL, object_destroy, object) == 0)
		pthread_detach(thread);
	else
		(void)object_destroy(object);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void object_drop(struct user_object *object, size_t count)
{
	object->references -= count;
	if (!object->references)
		object_end(object);
}

void drv_user_references_drop(struct drv_user_references *references)
{
	while (references) {
		struct drv_user_references *next = references->next;
		object_drop(references->object, references->count);
		free(references);
		references = next;
	}
}

static struct drv_user_references *references_to(struct drv_user_references *references,
						 const struct user_object *object)
{
	while (references && references->object != object)
		references = references->next;
	return references;
}

static bool references_add(struct drv_user_references **references, struct user_object *object, size_t count)
{
	struct drv_user_references *held = references_to(*references, object);
	if (!held) {
		held = malloc(sizeof *held);
		if (!held)
			return false;
		*held = (struct drv_user_references){*references, object, 0};
		*references = held;
	}
	held->count += count;
	return true;
}

struct drv_user_references *drv_user_references_clone(const struct drv_user_references *from, bool *failed)
{
	struct drv_user_references *clone = NULL;
	for (; from; from = from->next) {
		if (!references_add(&clone, from->object, from->count)) {
			*failed = true;
			break;
		}
		from->object->references += from->count;
	}
	return clone;
}

/* The API */

DRV_API CUresult cuUserObjectCreate(CUuserObject *out, void *pointer, CUhostFn destroy, unsigned references,
				    unsigned flags)
{
	if (!out || !destroy || !references || flags != CU_USER_OBJECT_NO_DESTRUCTOR_SYNC)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	struct user_object *object = malloc(sizeof *object);
	CUuserObject handle = object ? drv_handle_new(DRV_USER_OBJECT, object) : NULL;
	if (!handle) {
		free(object);
		return drv_leave(CUDA_ERROR_OUT_OF_MEMORY);
	}
	*object = (struct user_object){handle, pointer, destroy, references};
	*out = handle;
	return drv_leave(CUDA_SUCCESS);
}

static CUresult object_enter(CUuserObject handle, unsigned count, struct user_object **object)
{
	CUresult result = count ? drv_enter() : CUDA_ERROR_INVALID_VALUE;
	if (result != CUDA_SUCCESS)
		return result;
	*object = drv_handle_get(DRV_USER_OBJECT, handle);
	return *object ? CUDA_SUCCESS : drv_leave(CUDA_ERROR_INVALID_VALUE);
}

DRV_API CUresult cuUserObjectRetain(CUuserObject handle, unsigned count)
{
	struct user_object *object;
	CUresult result = object_enter(handle, count, &object);
	if (result != CUDA_SUCCESS)
		return result;
	object->references += count;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuUserObjectRelease(CUuserObject handle, unsigned count)
{
	struct user_object *object;
	CUresult result = object_enter(handle, count, &object);
	if (result != CUDA_SUCCESS)
		return result;
	if (count > object->references)
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	object_drop(object, count);
	return drv_leave(CUDA_SUCCESS);
}

static CUresult graph_retain(struct drv_graph *graph, struct user_object *object, unsigned count, bool move)
{
	if (!graph || (move && count > object->references))
		return CUDA_ERROR_INVALID_VALUE;
	if (!references_add(&graph->objects, object, count))
		return CUDA_ERROR_OUT_OF_MEMORY;
	object->references += move ? 0 : count;
	return CUDA_SUCCESS;
}

DRV_API CUresult cuGraphRetainUserObject(CUgraph graph, CUuserObject handle, unsigned count, unsigned flags)
{
	struct user_object *object;
	if (flags & ~(unsigned)CU_GRAPH_USER_OBJECT_MOVE)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = object_enter(handle, count, &object);
	if (result != CUDA_SUCCESS)
		return result;
	return drv_leave(graph_retain(drv_graph_get(graph), object, count, flags & CU_GRAPH_USER_OBJECT_MOVE));
}

static CUresult graph_release(struct drv_graph *graph, struct user_object *object, unsigned count)
{
	struct drv_user_references *held = graph ? references_to(graph->objects, object) : NULL;
	if (!held || count > held->count)
		return CUDA_ERROR_INVALID_VALUE;
	held->count -= count;
	if (!held->count) {
		struct drv_user_references **link = &graph->objects;
		while (*link != held)
			link = &(*link)->next;
		*link = held->next;
		free(held);
	}
	object_drop(object, count);
	return CUDA_SUCCESS;
}

DRV_API CUresult cuGraphReleaseUserObject(CUgraph graph, CUuserObject handle, unsigned count)
{
	struct user_object *object;
	CUresult result = object_enter(handle, count, &object);
	return result == CUDA_SUCCESS ? drv_leave(graph_release(drv_graph_get(graph), object, count)) : result;
}
