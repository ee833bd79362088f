/* What nodes do: parameters checked and kept, and the work itself. */
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "driver.h"
#include "event.h"
#include "fill.h"
#include "function.h"
#include "graph.h"
#include "launch.h"
#include "stream_memory.h"

struct drv_task *drv_task_hold(struct drv_task *task)
{
	task->references++;
	return task;
}

void drv_task_drop(struct drv_task *task)
{
	if (!task || --task->references)
		return;
	for (unsigned i = 0; i < task->body_count; i++)
		drv_graph_free(task->bodies[i]);
	drv_condition_drop(task->condition);
	drv_graph_memory_drop(task->allocation);
	free(task->bodies);
	free(task->memory);
	free(task);
}

/* The context of a node: the one given, or the current one. */
static CUresult context_resolve(CUcontext *handle, struct drv_context **context)
{
	if (*handle)
		return drv_context_get(*handle, context);
	CUresult result = drv_current(context);
	if (result == CUDA_SUCCESS)
		*handle = (*context)->handle;
	return result;
}

/* Kernels */

static struct drv_launch launch_of(const CUDA_KERNEL_NODE_PARAMS_v3 *p)
{
	return (struct drv_launch){
	    .function = p->func ? p->func : (CUfunction)p->kern,
	    .grid = {p->gridDimX, p->gridDimY, p->gridDimZ},
	    .block = {p->blockDimX, p->blockDimY, p->blockDimZ},
	    .dynamic_shared = p->sharedMemBytes,
	    .parameters = p->kernelParams,
	    .extra = p->extra,
	};
}

/* The parameters are packed behind pointers to each of them, which programs ask for. */
static CUresult parameters_keep(struct drv_task *task, const struct drv_launch *launch,
				const struct cpu_kernel_info *info)
{
	size_t pointers = (info->parameter_count + 1) * sizeof(void *);
	size_t start = (pointers + 15) & ~(size_t)15;
	task->memory = calloc(1, start + info->parameter_bytes + 1);
	if (!task->memory)
		return CUDA_ERROR_OUT_OF_MEMORY;
	unsigned char *packed = (unsigned char *)task->memory + start;
	void **pointer = task->memory;
	for (size_t i = 0; i < info->parameter_count; i++)
		pointer[i] = packed + info->parameters[i].offset;
	task->launch.parameters = packed;
	task->params.kernel.kernelParams = pointer;
	task->params.kernel.extra = NULL;
	return drv_launch_pack(launch, info, packed);
}

static CUresult kernel_make(struct drv_task *task)
{
	CUDA_KERNEL_NODE_PARAMS_v3 *p = &task->params.kernel;
	struct drv_launch launch = launch_of(p);
	const struct cpu_kernel_info *info;
	struct drv_context *context;
	launch.cooperative = task->attributes[CU_LAUNCH_ATTRIBUTE_COOPERATIVE].cooperative != 0;
	CUresult result = context_resolve(&p->ctx, &context);
	if (result == CUDA_SUCCESS)
		result = drv_launch_check(&launch, context, &info, &task->launch);
	return result == CUDA_SUCCESS ? parameters_keep(task, &launch, info) : result;
}

struct drv_task *drv_task_copy_kernel(const struct drv_task *task)
{
	struct drv_task *copy = calloc(1, sizeof *copy);
	if (!copy)
		return NULL;
	copy->references = 1;
	copy->params = task->params;
	copy->prioritised = task->prioritised;
	memcpy(copy->attributes, task->attributes, sizeof copy->attributes);
	if (kernel_make(copy) == CUDA_SUCCESS) {
		copy->launch.priority = task->launch.priority;
		return copy;
	}
	drv_task_drop(copy);
	return NULL;
}

/* Copies, fills, memory operations */

static CUresult copy_make(struct drv_task *task, const struct drv_copy *copy)
{
	struct drv_context *context;
	if (task->params.memcpy.flags || task->params.memcpy.reserved || !copy)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = context_resolve(&task->params.memcpy.copyCtx, &context);
	task->copy = *copy;
	return result == CUDA_SUCCESS ? drv_copy_check(&task->copy) : result;
}

static struct drv_fill fill_of(const CUDA_MEMSET_NODE_PARAMS_v2 *p)
{
	return (struct drv_fill){(unsigned char *)p->dst, p->pitch, p->width, p->height, p->value, p->elementSize};
}

static CUresult fill_make(struct drv_task *task)
{
	CUDA_MEMSET_NODE_PARAMS_v2 *p = &task->params.memset;
	const struct drv_fill fill = fill_of(p);
	struct drv_context *context;
	CUresult result = context_resolve(&p->ctx, &context);
	if (result != CUDA_SUCCESS)
		return result;
	bool known = fill.element == 1 || fill.element == 2 || fill.element == 4;
	return known && fill.width && fill.height && drv_fill_valid(&fill) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

static CUresult operations_make(struct drv_task *task)
{
	CUDA_BATCH_MEM_OP_NODE_PARAMS_v2 *p = &task->params.memOp;
	struct drv_context *context;
	if (p->flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = context_resolve(&p->ctx, &context);
	if (result == CUDA_SUCCESS)
		result = drv_memory_operations_check(p->paramArray, p->count);
	if (result != CUDA_SUCCESS || !p->count)
		return result;
	task->memory = malloc(p->count * sizeof *p->paramArray);
	if (!task->memory)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memcpy(task->memory, p->paramArray, p->count * sizeof *p->paramArray);
	p->paramArray = task->memory;
	return CUDA_SUCCESS;
}

/* Graphs inside */

static bool bodies_room(struct drv_task *task, unsigned count)
{
	task->bodies = calloc(count, sizeof(struct drv_graph *));
	task->memory = calloc(count, sizeof(CUgraph));
	return task->bodies && task->memory;
}

static CUresult child_make(struct drv_task *task, struct drv_graph *graph)
{
	CUDA_CHILD_GRAPH_NODE_PARAMS *p = &task->params.graph;
	struct drv_graph *child = drv_graph_get(p->graph);
	bool move = p->ownership == CU_GRAPH_CHILD_GRAPH_OWNERSHIP_MOVE;
	if (!child || child == graph || child->capture ||
	    (unsigned)p->ownership > CU_GRAPH_CHILD_GRAPH_OWNERSHIP_MOVE || (move && (child->parent || child->execs)))
		return CUDA_ERROR_INVALID_VALUE;
	if (drv_graph_has(child, CU_GRAPH_NODE_TYPE_CONDITIONAL))
		return CUDA_ERROR_NOT_SUPPORTED;
	if (!move &&
	    (drv_graph_has(child, CU_GRAPH_NODE_TYPE_MEM_ALLOC) || drv_graph_has(child, CU_GRAPH_NODE_TYPE_MEM_FREE)))
		return CUDA_ERROR_NOT_SUPPORTED;
	if (!bodies_room(task, 1))
		return CUDA_ERROR_OUT_OF_MEMORY;
	CUresult result = move ? CUDA_SUCCESS : drv_graph_clone(child, graph, &child);
	if (result != CUDA_SUCCESS)
		return result;
	child->parent = graph;
	task->bodies[task->body_count++] = child;
	p->graph = child->handle;
	return CUDA_SUCCESS;
}

static struct drv_condition *condition_find(const struct drv_graph *graph, CUgraphConditionalHandle handle)
{
	for (; graph; graph = graph->parent)
		for (struct drv_condition *condition = graph->conditions; condition; condition = condition->next)
			if (condition->address == handle)
				return condition;
	return NULL;
}

static bool size_valid(const CUDA_CONDITIONAL_NODE_PARAMS *p)
{
	switch ((int)p->type) {
	case CU_GRAPH_COND_TYPE_IF:
		return p->size == 1 || p->size == 2;
	case CU_GRAPH_COND_TYPE_WHILE:
		return p->size == 1;
	case CU_GRAPH_COND_TYPE_SWITCH:
		return p->size > 0 && p->size <= 1 << 16;
	default:
		return false;
	}
}

static CUresult conditional_make(struct drv_task *task, struct drv_graph *graph)
{
	CUDA_CONDITIONAL_NODE_PARAMS *p = &task->params.conditional;
	struct drv_condition *condition = condition_find(graph, p->handle);
	struct drv_context *context;
	CUresult result = context_resolve(&p->ctx, &context);
	if (result != CUDA_SUCCESS)
		return result;
	if (!condition || !size_valid(p))
		return CUDA_ERROR_INVALID_VALUE;
	task->condition = drv_condition_hold(condition);
	if (!bodies_room(task, p->size))
		return CUDA_ERROR_OUT_OF_MEMORY;
	for (; task->body_count < p->size; task->body_count++) {
		struct drv_graph *body = drv_graph_new(graph);
		if (!body)
			return CUDA_ERROR_OUT_OF_MEMORY;
		task->bodies[task->body_count] = body;
		((CUgraph *)task->memory)[task->body_count] = body->handle;
	}
	p->phGraph_out = task->memory;
	return CUDA_SUCCESS;
}

/* Memory */

static CUresult free_make(struct drv_task *task)
{
	struct drv_graph_memory *memory = drv_graph_memory_find(task->params.free.dptr);
	if (!memory)
		return CUDA_ERROR_INVALID_VALUE;
	task->allocation = drv_graph_memory_hold(memory);
	return CUDA_SUCCESS;
}

static CUresult allocation_make(struct drv_task *task)
{
	CUresult result = drv_graph_memory_new(&task->params.alloc, &task->allocation);
	if (result == CUDA_SUCCESS)
		task->params.alloc.dptr = task->allocation->address;
	task->params.alloc.accessDescs = NULL;
	task->params.alloc.accessDescCount = 0;
	return result;
}

static CUresult task_make(struct drv_task *task, struct drv_graph *graph, const struct drv_copy *copy)
{
	switch ((int)task->params.type) {
	case CU_GRAPH_NODE_TYPE_KERNEL:
		return kernel_make(task);
	case CU_GRAPH_NODE_TYPE_MEMCPY:
		return copy_make(task, copy);
	case CU_GRAPH_NODE_TYPE_MEMSET:
		return fill_make(task);
	case CU_GRAPH_NODE_TYPE_HOST:
		return task->params.host.fn ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
	case CU_GRAPH_NODE_TYPE_GRAPH:
		return child_make(task, graph);
	case CU_GRAPH_NODE_TYPE_EMPTY:
		return CUDA_SUCCESS;
	case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
	case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
		return drv_event_get(task->params.eventWait.event) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
	case CU_GRAPH_NODE_TYPE_MEM_ALLOC:
		return allocation_make(task);
	case CU_GRAPH_NODE_TYPE_MEM_FREE:
		return free_make(task);
	case CU_GRAPH_NODE_TYPE_BATCH_MEM_OP:
		return operations_make(task);
	case CU_GRAPH_NODE_TYPE_CONDITIONAL:
		return conditional_make(task, graph);
	case CU_GRAPH_NODE_TYPE_EXT_SEMAS_SIGNAL:
	case CU_GRAPH_NODE_TYPE_EXT_SEMAS_WAIT:
		return CUDA_ERROR_NOT_SUPPORTED;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

CUresult drv_task_new(struct drv_graph *graph, const CUgraphNodeParams *params, const struct drv_copy *copy,
		      struct drv_task **out)
{
	struct drv_task *task = calloc(1, sizeof *task);
	if (!task)
		return CUDA_ERROR_OUT_OF_MEMORY;
	task->references = 1;
	task->params = *params;
	CUresult result = task_make(task, graph, copy);
	if (result == CUDA_SUCCESS)
		*out = task;
	else
		drv_task_drop(task);
	return result;
}

/* Doing it */

static CUresult kernel_perform(const struct drv_task *task, const struct drv_stream *stream)
{
	struct cpu_launch launch = task->launch;
	if (!task->prioritised)
		launch.priority = stream->priority;
	return drv_launch_run(&launch);
}

CUresult drv_task_perform(const struct drv_task *task, struct drv_stream *stream)
{
	const CUgraphNodeParams *p = &task->params;
	struct drv_fill fill;
	switch ((int)p->type) {
	case CU_GRAPH_NODE_TYPE_KERNEL:
		return kernel_perform(task, stream);
	case CU_GRAPH_NODE_TYPE_MEMCPY:
		return drv_copy_perform(&task->copy);
	case CU_GRAPH_NODE_TYPE_MEMSET:
		fill = fill_of(&p->memset);
		return drv_fill_perform(&fill);
	case CU_GRAPH_NODE_TYPE_HOST:
		drv_callback_begin();
		p->host.fn(p->host.userData);
		drv_callback_end();
		return CUDA_SUCCESS;
	case CU_GRAPH_NODE_TYPE_BATCH_MEM_OP:
		return drv_memory_operations_perform(stream->context, p->memOp.paramArray, p->memOp.count);
	default:
		return CUDA_SUCCESS;
	}
}
