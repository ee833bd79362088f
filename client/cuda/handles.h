/* The client's objects behind CUDA's handles. A handle is an id cast to a pointer (common/handle.h), so that a stale or
 * foreign one is found out instead of dereferenced. */
#ifndef CU_HANDLES_H
#define CU_HANDLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "handle.h"
#include "rpc_cuda.h"

struct cu_context {
	int device;
	unsigned flags;
	bool primary;
	uint64_t serial; /* cuCtxGetId */
};

struct cu_stream {
	uint64_t context;
	unsigned flags;
	int priority;
	uint64_t capture; /* the latest that it was part of; capture.h */
	bool idle_known;  /* it was idle ... */
	unsigned idle_at; /* ... at so many uses; idle.h */
};

struct cu_event {
	uint64_t context;
	unsigned flags;
	uint64_t recorded;        /* number of its latest record; 0: never recorded */
	uint64_t before;          /* the event with timing that was recorded before it in its stream, or 0 */
	uint64_t before_recorded; /* when that was */
	uint64_t capture;         /* in which it was recorded last, or 0 */
	bool complete;            /* that record is */
	bool elsewhere;           /* graphs, or other processes, record it, too */
	bool elapsed_known;       /* the time since `before` came with a wait */
	float elapsed;            /* milliseconds */
};

/* A kernel or function, as the load reply described it. */
struct cu_function_object {
	uint64_t id;
	uint64_t owner; /* module or library */
	char *name;
	parameter_layout *parameters;
	unsigned parameter_count;
	size_t parameter_bytes; /* of the packed buffer */
	int *attributes;        /* by CUfunction_attribute; NULL until known */
	unsigned attribute_count;
};

/* A module or a library. */
struct cu_module_object {
	uint64_t id;
	uint64_t context;                      /* of a module; 0 for a library */
	uint64_t module;                       /* of a library: its module, once asked for */
	struct cu_function_object **functions; /* sorted by name */
	unsigned function_count;
};

/* From now on the client does not know when the event is recorded. The objects' lock is held for writing. */
static inline void cu_event_recorded_elsewhere(struct cu_event *event)
{
	event->elsewhere = true;
	event->complete = false;
	event->elapsed_known = false;
}

/* The tables are guarded by one lock for reading and writing. Find objects, and use them, under it. The lock order is
   this one before the connection's; while it is held for writing no call may be made. */
void cu_objects_lock_shared(void);
void cu_objects_lock(void);
void cu_objects_unlock(void);

/* The object of a handle, or NULL when it is none of that kind; the lock is held. */
void *cu_object(enum cr_kind kind, const void *handle);

/* Enters an object under the id that the server minted; false when memory is exhausted. The lock is held for writing.
 */
bool cu_object_enter(enum cr_kind kind, uint64_t id, void *object);

/* Mints an id for an object (a stream or an event); 0 when memory is exhausted. The lock is held for writing. */
uint64_t cu_object_add(enum cr_kind kind, void *object);

/* The id of the first object of a kind that matches, or 0; the lock is held. */
uint64_t cu_object_search(enum cr_kind kind, bool (*matches)(const void *object, uint64_t what), uint64_t what);

/* Takes an object out; NULL when there is none. The lock is held for writing. */
void *cu_object_remove(enum cr_kind kind, const void *handle);

/* Removes and frees every stream, event and module of a context. The lock is held for writing. */
void cu_objects_forget_context(uint64_t context);

/* Changes whenever a context goes away, so that others need to look only then. */
unsigned cu_objects_epoch(void);

/* Checks a handle of each kind and gives its id: CUDA_ERROR_INVALID_HANDLE (_CONTEXT) when it is none. A stream may
   also be one of CUDA's default streams. */
CUresult cu_id_of_context(CUcontext handle, u64 *id);
CUresult cu_id_of_module(CUmodule handle, u64 *id);
CUresult cu_id_of_library(CUlibrary handle, u64 *id);
CUresult cu_id_of_function(CUfunction handle, u64 *id);
CUresult cu_id_of_kernel(CUkernel handle, u64 *id);
CUresult cu_id_of_stream(CUstream handle, u64 *id);
CUresult cu_id_of_event(CUevent handle, u64 *id);
CUresult cu_id_of_graph_exec(CUgraphExec handle, u64 *id);
CUresult cu_id_of_user_object(CUuserObject handle, u64 *id);
CUresult cu_id_of_array(CUarray handle, u64 *id);
CUresult cu_id_of_mipmap(CUmipmappedArray handle, u64 *id);

/* The server alone knows the pools: of theirs only the kind is checked. CUDA_ERROR_INVALID_VALUE. */
CUresult cu_id_of_pool(CUmemoryPool handle, u64 *id);

static inline void *cu_handle(uint64_t id)
{
	return (void *)(uintptr_t)id;
}

/* Frees a function object that is in no table. */
void cu_function_object_free(struct cu_function_object *function);

/* Frees a module or library with its functions, which are removed from their table. The lock is held for writing. */
void cu_module_object_free(struct cu_module_object *module);

/* The calling thread's own default stream in its current context, created when first asked for. */
CUresult cu_per_thread_stream(u64 *id);

#endif
