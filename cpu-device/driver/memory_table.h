/* The allocations that programs made, by address: what kind they are and whose. */
#ifndef DRV_MEMORY_TABLE_H
#define DRV_MEMORY_TABLE_H

#include <cuda.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"

struct drv_context;
struct drv_pool;

enum drv_allocation_kind { DRV_DEVICE_MEMORY, DRV_HOST_MEMORY, DRV_MANAGED_MEMORY, DRV_POOL_MEMORY, DRV_GRAPH_MEMORY };

struct drv_allocation {
	uint64_t base; /* the first member: the table compares it */
	size_t size;
	enum drv_allocation_kind kind;
	unsigned flags; /* those of cuMemHostAlloc() or cuMemAllocManaged() */
	uint64_t id;
	struct drv_context *context;
	struct drv_pool *pool; /* of DRV_POOL_MEMORY */
	bool ending;           /* a stream will come to its free; not of DRV_GRAPH_MEMORY, which may live again */
	struct drv_link siblings;
};

/* Allocates `size` bytes for `context`. CUDA_ERROR_INVALID_VALUE for 0 bytes, CUDA_ERROR_OUT_OF_MEMORY. */
CUresult drv_allocation_new(struct drv_context *context, size_t size, enum drv_allocation_kind kind, unsigned flags,
			    struct drv_allocation **allocation);
void drv_allocation_free(struct drv_allocation *allocation);
void drv_allocations_free_all(struct drv_context *context);

/* The allocation that begins at `address`, or contains it; NULL when there is none (module variables are none). */
struct drv_allocation *drv_allocation_at(uint64_t address);
struct drv_allocation *drv_allocation_around(uint64_t address);

/* Is the address in the device's memory, be it an allocation or a module's variable? */
bool drv_memory_is_ours(uint64_t address);

/* Is it memory that the program registered with cuMemHostRegister()? Gives the flags then. */
bool drv_memory_is_registered(const void *pointer, unsigned *flags);

/* Is it memory that asynchronous copies may use after the call (pinned, managed, device)? */
bool drv_memory_is_pinned(uint64_t address);

#endif
