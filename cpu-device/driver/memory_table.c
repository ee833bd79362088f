#define _GNU_SOURCE
#include "memory_table.h"

#include <search.h>
#include <stdlib.h>

#include "context.h"
#include "driver.h"
#include "graph.h"
#include "pool.h"

static void *table; /* tree of struct drv_allocation, by base */
static uint64_t last_id;

static int base_compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return (left > right) - (left < right);
}

CUresult drv_allocation_new(struct drv_context *context, size_t size, enum drv_allocation_kind kind, unsigned flags,
			    struct drv_allocation **out)
{
	if (!size)
		return CUDA_ERROR_INVALID_VALUE;
	struct drv_allocation *allocation = malloc(sizeof *allocation);
	if (!allocation)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*allocation =
	    (struct drv_allocation){.size = size, .kind = kind, .flags = flags, .id = ++last_id, .context = context};
	CUresult result = cpu_memory_alloc(drv_memory(), size, &allocation->base);
	if (result == CUDA_SUCCESS && !tsearch(allocation, &table, base_compare)) {
		(void)cpu_memory_free(drv_memory(), allocation->base);
		result = CUDA_ERROR_OUT_OF_MEMORY;
	}
	if (result != CUDA_SUCCESS) {
		free(allocation);
		return result;
	}
	drv_list_append(&context->allocations, &allocation->siblings);
	*out = allocation;
	return CUDA_SUCCESS;
}

void drv_allocation_free(struct drv_allocation *allocation)
{
	if (allocation->kind == DRV_GRAPH_MEMORY && drv_graph_memory_freed(allocation->base))
		return;
	if (allocation->kind == DRV_POOL_MEMORY)
		drv_pool_forget(allocation->pool, allocation->size);
	drv_list_remove(&allocation->siblings);
	tdelete(allocation, &table, base_compare);
	(void)cpu_memory_free(drv_memory(), allocation->base);
	free(allocation);
}

void drv_allocations_free_all(struct drv_context *context)
{
	while (!drv_list_empty(&context->allocations)) {
		struct drv_allocation *first = DRV_ENTRY(context->allocations.next, struct drv_allocation, siblings);
		if (first->kind == DRV_GRAPH_MEMORY)
			drv_graph_memory_forget(first->base);
		drv_allocation_free(first);
	}
}

struct drv_allocation *drv_allocation_at(uint64_t address)
{
	struct drv_allocation **node = tfind(&address, &table, base_compare);
	return node ? *node : NULL;
}

struct drv_allocation *drv_allocation_around(uint64_t address)
{
	struct cpu_span span;
	return cpu_memory_find(drv_memory(), address, &span) ? drv_allocation_at(span.base) : NULL;
}

bool drv_memory_is_ours(uint64_t address)
{
	struct cpu_span span;
	return cpu_memory_find(drv_memory(), address, &span);
}

bool drv_memory_is_pinned(uint64_t address)
{
	unsigned flags;
	return drv_memory_is_ours(address) || drv_memory_is_registered((const void *)address, &flags);
}
