/* Contexts: who owns streams, events, modules and memory, and where a kernel's fault sticks. */
#ifndef DRV_CONTEXT_H
#define DRV_CONTEXT_H

#include <cuda.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"
#include "stream.h"

struct drv_context {
	CUcontext handle;
	uint64_t id;
	unsigned flags;
	unsigned retained; /* of the primary context */
	unsigned pins;     /* waiting threads that still look at the context */
	bool primary;
	bool destroyed;  /* unusable, and freed with the last pin */
	CUresult sticky; /* what every call returns since a kernel failed */
	size_t pending;  /* operations queued or running */
	struct drv_stream legacy;
	struct drv_link all; /* in the list of all contexts */
	struct drv_link streams;
	struct drv_link events;
	struct drv_link modules;
	struct drv_link allocations;
	struct drv_link arrays;   /* mipmapped ones too */
	struct drv_link textures; /* and surfaces */
	size_t limits[CU_LIMIT_MAX];
	CUfunc_cache cache_config;
	CUsharedconfig shared_config;
};

/* Makes the primary context's object; it stays for the life of the process. */
CUresult drv_context_init_primary(void);
struct drv_context *drv_context_primary(void);

/* The usable context behind a handle: CUDA_ERROR_INVALID_CONTEXT for no context, CUDA_ERROR_CONTEXT_IS_DESTROYED, or
   its sticky error. */
CUresult drv_context_get(CUcontext handle, struct drv_context **context);

/* The same without regard to sticky errors, for calls that must work on a failed context. */
CUresult drv_context_find(CUcontext handle, struct drv_context **context);

/* Keeps the object while the lock is given up; the second returns its sticky error and may free it. */
void drv_context_pin(struct drv_context *context);
CUresult drv_context_unpin(struct drv_context *context);

/* Calls `visit` for each context. */
void drv_context_each(void (*visit)(struct drv_context *context, uint64_t argument), uint64_t argument);

/* Gives back everything that belongs to the context and forgets its error. Its operations end first. */
void drv_context_clear(struct drv_context *context);

#endif
