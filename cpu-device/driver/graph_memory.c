/* Memory that graphs allocate, and the conditions of their conditional nodes.

   An allocation node has its memory from its creation on, at an address that stays. Whether the program may use it is a
   matter of the order of its calls: a launch makes it live, a free (by a launch, or cuMemFree*) ends that. */
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "driver.h"
#include "graph.h"
#include "memory_table.h"

static struct drv_link memories = {&memories, &memories};
static struct {
	cuuint64_t used, used_high, reserved, reserved_high;
} totals;

struct drv_graph_memory *drv_graph_memory_find(CUdeviceptr address)
{
	for (struct drv_link *link = memories.next; link != &memories; link = link->next) {
		struct drv_graph_memory *memory = DRV_ENTRY(link, struct drv_graph_memory, siblings);
		if (memory->address == address)
			return memory;
	}
	return NULL;
}

CUresult drv_graph_memory_new(const CUDA_MEM_ALLOC_NODE_PARAMS_v2 *p, struct drv_graph_memory **out)
{
	struct drv_context *context;
	struct drv_allocation *allocation;
	if (p->poolProps.allocType != CU_MEM_ALLOCATION_TYPE_PINNED ||
	    p->poolProps.location.type != CU_MEM_LOCATION_TYPE_DEVICE || p->poolProps.handleTypes)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_current(&context);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_graph_memory *memory = calloc(1, sizeof *memory);
	if (!memory)
		return CUDA_ERROR_OUT_OF_MEMORY;
	result = drv_allocation_new(context, p->bytesize, DRV_GRAPH_MEMORY, 0, &allocation);
	if (result != CUDA_SUCCESS) {
		free(memory);
		return result;
	}
	*memory = (struct drv_graph_memory){.references = 1, .address = allocation->base, .size = p->bytesize};
	drv_list_append(&memories, &memory->siblings);
	totals.reserved += memory->size;
	if (totals.reserved > totals.reserved_high)
		totals.reserved_high = totals.reserved;
	*out = memory;
	return CUDA_SUCCESS;
}

struct drv_graph_memory *drv_graph_memory_hold(struct drv_graph_memory *memory)
{
	memory->references++;
	return memory;
}

/* Gives the memory back when nothing can bring it to life and the program does not use it. */
static void memory_settle(struct drv_graph_memory *memory)
{
	struct drv_allocation *allocation = memory->address ? drv_allocation_at(memory->address) : NULL;
	if (memory->references || memory->live)
		return;
	totals.reserved -= memory->size;
	drv_list_remove(&memory->siblings);
	if (allocation)
		drv_allocation_free(allocation);
	free(memory);
}

void drv_graph_memory_drop(struct drv_graph_memory *memory)
{
	if (!memory)
		return;
	memory->references--;
	memory_settle(memory);
}

void drv_graph_memory_set_live(struct drv_graph_memory *memory, bool live)
{
	if (memory->live == live)
		return;
	memory->live = live;
	totals.used += live ? memory->size : -memory->size;
	if (totals.used > totals.used_high)
		totals.used_high = totals.used;
	memory_settle(memory);
}

bool drv_graph_memory_freed(CUdeviceptr address)
{
	struct drv_graph_memory *memory = drv_graph_memory_find(address);
	if (memory)
		drv_graph_memory_set_live(memory, false);
	return memory != NULL;
}

bool drv_graph_memory_stays(CUdeviceptr address)
{
	struct drv_graph_memory *memory = drv_graph_memory_find(address);
	if (!memory || !memory->references)
		return false;
	drv_graph_memory_set_live(memory, false);
	return true;
}

void drv_graph_memory_forget(CUdeviceptr address)
{
	struct drv_graph_memory *memory = drv_graph_memory_find(address);
	if (!memory)
		return;
	drv_list_remove(&memory->siblings);
	totals.reserved -= memory->size;
	if (memory->live)
		totals.used -= memory->size;
	*memory = (struct drv_graph_memory){.references = memory->references};
	drv_list_init(&memory->siblings);
}

/* Conditions */

struct drv_condition *drv_condition_hold(struct drv_condition *condition)
{
	condition->references++;
	return condition;
}

void drv_condition_drop(struct drv_condition *condition)
{
	if (!condition || --condition->references)
		return;
	(void)cpu_memory_free(drv_memory(), condition->address);
	free(condition);
}

static CUresult condition_new(struct drv_graph *graph, unsigned initial, unsigned flags, CUgraphConditionalHandle *out)
{
	struct drv_condition *condition = calloc(1, sizeof *condition);
	uint64_t address;
	if (!condition)
		return CUDA_ERROR_OUT_OF_MEMORY;
	CUresult result = cpu_memory_alloc(drv_memory(), sizeof(unsigned), &address);
	if (result != CUDA_SUCCESS) {
		free(condition);
		return result;
	}
	*(unsigned *)address = initial;
	*condition =
	    (struct drv_condition){1, address, initial, flags & CU_GRAPH_COND_ASSIGN_DEFAULT, graph->conditions};
	graph->conditions = condition;
	*out = address;
	return CUDA_SUCCESS;
}

DRV_API CUresult cuGraphConditionalHandleCreate(CUgraphConditionalHandle *out, CUgraph handle, CUcontext context_handle,
						unsigned initial, unsigned flags)
{
	struct drv_context *context;
	if (!out || (flags & ~(unsigned)CU_GRAPH_COND_ASSIGN_DEFAULT))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_graph *graph = drv_graph_get(handle);
	result = context_handle ? drv_context_get(context_handle, &context) : drv_current(&context);
	if (result == CUDA_SUCCESS && !graph)
		result = CUDA_ERROR_INVALID_VALUE;
	return drv_leave(result == CUDA_SUCCESS ? condition_new(graph, initial, flags, out) : result);
}

/* The device's figures */

static CUresult device_enter(CUdevice device)
{
	CUresult result = drv_enter();
	return result == CUDA_SUCCESS && device != 0 ? drv_leave(CUDA_ERROR_INVALID_DEVICE) : result;
}

static cuuint64_t *attribute_find(CUgraphMem_attribute attribute)
{
	switch ((int)attribute) {
	case CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT:
		return &totals.used;
	case CU_GRAPH_MEM_ATTR_USED_MEM_HIGH:
		return &totals.used_high;
	case CU_GRAPH_MEM_ATTR_RESERVED_MEM_CURRENT:
		return &totals.reserved;
	case CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH:
		return &totals.reserved_high;
	default:
		return NULL;
	}
}

DRV_API CUresult cuDeviceGetGraphMemAttribute(CUdevice device, CUgraphMem_attribute attribute, void *value)
{
	cuuint64_t *found = attribute_find(attribute);
	if (!value || !found)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = device_enter(device);
	if (result != CUDA_SUCCESS)
		return result;
	*(cuuint64_t *)value = *found;
	return drv_leave(CUDA_SUCCESS);
}

/* The high-water marks can only be set back. */
DRV_API CUresult cuDeviceSetGraphMemAttribute(CUdevice device, CUgraphMem_attribute attribute, void *value)
{
	bool used = attribute == CU_GRAPH_MEM_ATTR_USED_MEM_HIGH;
	if (!value || (!used && attribute != CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH) || *(const cuuint64_t *)value)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = device_enter(device);
	if (result != CUDA_SUCCESS)
		return result;
	if (used)
		totals.used_high = totals.used;
	else
		totals.reserved_high = totals.reserved;
	return drv_leave(CUDA_SUCCESS);
}

/* What is reserved belongs to graphs that exist: there is nothing to trim. */
DRV_API CUresult cuDeviceGraphMemTrim(CUdevice device)
{
	CUresult result = device_enter(device);
	return result == CUDA_SUCCESS ? drv_leave(CUDA_SUCCESS) : result;
}
