/* Making graphs executable. */
#include "graph_exec.h"

#include <stdlib.h>

#include "driver.h"
#include "handle.h"

enum {
	KNOWN_FLAGS = CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH | CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD |
		      CUDA_GRAPH_INSTANTIATE_FLAG_USE_NODE_PRIORITY
};

struct drv_graph_exec *drv_graph_exec_get(CUgraphExec handle)
{
	return drv_handle_get(DRV_GRAPH_EXEC, handle);
}

void drv_graph_exec_drop(struct drv_graph_exec *exec)
{
	if (--exec->references)
		return;
	for (uint32_t i = 0; i < exec->node_count; i++)
		drv_task_drop(exec->nodes[i].task);
	struct drv_graph *source = drv_graph_get(exec->source);
	if (source)
		source->execs--;
	drv_mark_drop(exec->last);
	drv_user_references_drop(exec->objects);
	free(exec->nodes);
	free(exec->outs);
	free(exec->scopes);
	free(exec);
}

struct drv_plan_node *drv_plan_node_find(struct drv_graph_exec *exec, CUgraphNode source)
{
	for (uint32_t i = 0; i < exec->node_count; i++)
		if (exec->nodes[i].source == source)
			return &exec->nodes[i];
	return NULL;
}

/* Counting first, so that the tables are made at once. */
static void parts_count(const struct drv_graph *graph, struct drv_graph_exec *exec)
{
	exec->scope_count++;
	exec->node_count += (uint32_t)graph->node_count;
	for (struct drv_link *link = graph->nodes.next; link != &graph->nodes; link = link->next) {
		const struct drv_graph_node *node = DRV_ENTRY(link, struct drv_graph_node, siblings);
		exec->out_count += (uint32_t)node->out.count;
		for (unsigned i = 0; i < node->task->body_count; i++)
			parts_count(node->task->bodies[i], exec);
	}
}

static bool tables_make(struct drv_graph_exec *exec)
{
	exec->nodes = calloc(exec->node_count + 1, sizeof *exec->nodes);
	exec->outs = calloc(exec->out_count + 1, sizeof *exec->outs);
	exec->scopes = calloc(exec->scope_count, sizeof *exec->scopes);
	bool made = exec->nodes && exec->outs && exec->scopes;
	exec->node_count = exec->out_count = exec->scope_count = 0;
	return made;
}

static void node_fill(struct drv_graph_exec *exec, uint32_t at, const struct drv_graph_node *node, uint32_t scope)
{
	exec->nodes[at] = (struct drv_plan_node){.task = drv_task_hold(node->task),
						 .source = node->handle,
						 .enabled = true,
						 .scope = scope,
						 .dependencies = (uint32_t)node->in.count,
						 .first_out = exec->out_count,
						 .out_count = (uint32_t)node->out.count};
	for (size_t i = 0; i < node->out.count; i++)
		exec->outs[exec->out_count++] = (uint32_t)node->out.items[i].node->mark;
}

/* Gives each node of the graph its place, in an order in which each comes behind what it depends on. */
static CUresult scope_place(struct drv_graph_exec *exec, uint32_t scope, struct drv_graph *graph,
			    CUDA_GRAPH_INSTANTIATE_PARAMS *info, struct drv_graph_node ***order)
{
	struct drv_graph_node *cycle;
	*order = drv_graph_sort(graph, &cycle);
	if (!*order && !cycle)
		return CUDA_ERROR_OUT_OF_MEMORY;
	if (!*order) {
		info->hErrNode_out = cycle->handle;
		info->result_out = CUDA_GRAPH_INSTANTIATE_INVALID_STRUCTURE;
		return CUDA_ERROR_INVALID_VALUE;
	}
	exec->scopes[scope].first = exec->node_count;
	exec->scopes[scope].count = (uint32_t)graph->node_count;
	for (size_t i = 0; i < graph->node_count; i++)
		(*order)[i]->mark = exec->node_count++;
	return CUDA_SUCCESS;
}

static CUresult scope_fill(struct drv_graph_exec *exec, uint32_t scope, struct drv_graph *graph,
			   CUDA_GRAPH_INSTANTIATE_PARAMS *info)
{
	struct drv_graph_node **order;
	CUresult result = scope_place(exec, scope, graph, info, &order);
	if (result != CUDA_SUCCESS)
		return result;
	uint32_t first = exec->scopes[scope].first;
	for (uint32_t i = 0; i < graph->node_count; i++)
		node_fill(exec, first + i, order[i], scope);
	for (uint32_t i = 0; i < graph->node_count && result == CUDA_SUCCESS; i++) {
		const struct drv_task *task = order[i]->task;
		uint32_t body = exec->scope_count;
		exec->nodes[first + i].first_body = body;
		exec->scope_count += task->body_count;
		for (unsigned b = 0; b < task->body_count && result == CUDA_SUCCESS; b++) {
			exec->scopes[body + b].owner = first + i;
			result = scope_fill(exec, body + b, task->bodies[b], info);
		}
	}
	free(order);
	return result;
}

CUresult drv_graph_compile(struct drv_graph *graph, CUDA_GRAPH_INSTANTIATE_PARAMS *info, struct drv_graph_exec **out)
{
	bool failed = false;
	struct drv_graph_exec *exec = calloc(1, sizeof *exec);
	if (!exec)
		return CUDA_ERROR_OUT_OF_MEMORY;
	exec->references = 1;
	exec->flags = info->flags;
	exec->source = graph->handle;
	graph->execs++;
	parts_count(graph, exec);
	exec->objects = drv_user_references_clone(graph->objects, &failed);
	CUresult result = tables_make(exec) && !failed ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
	if (result == CUDA_SUCCESS) {
		exec->scope_count = 1;
		result = scope_fill(exec, 0, graph, info);
	}
	if (result == CUDA_SUCCESS)
		*out = exec;
	else
		drv_graph_exec_drop(exec);
	return result;
}

static CUresult instantiate(CUgraph handle, CUDA_GRAPH_INSTANTIATE_PARAMS *info, CUgraphExec *out)
{
	struct drv_graph *graph = drv_graph_get(handle);
	struct drv_graph_exec *exec;
	if (!graph || graph->parent || graph->capture)
		return CUDA_ERROR_INVALID_VALUE;
	bool memory =
	    drv_graph_has(graph, CU_GRAPH_NODE_TYPE_MEM_ALLOC) || drv_graph_has(graph, CU_GRAPH_NODE_TYPE_MEM_FREE);
	if (memory && graph->execs)
		return CUDA_ERROR_NOT_SUPPORTED;
	CUresult result = drv_graph_compile(graph, info, &exec);
	if (result != CUDA_SUCCESS)
		return result;
	exec->handle = drv_handle_new(DRV_GRAPH_EXEC, exec);
	if (!exec->handle) {
		drv_graph_exec_drop(exec);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	info->result_out = CUDA_GRAPH_INSTANTIATE_SUCCESS;
	*out = exec->handle;
	return CUDA_SUCCESS;
}

/* Uploading prepares nothing here: an executable graph lies where it is used. */
DRV_API CUresult cuGraphInstantiateWithParams(CUgraphExec *out, CUgraph graph, CUDA_GRAPH_INSTANTIATE_PARAMS *info)
{
	if (!out || !info)
		return CUDA_ERROR_INVALID_VALUE;
	info->hErrNode_out = NULL;
	info->result_out = CUDA_GRAPH_INSTANTIATE_ERROR;
	if (info->flags & CUDA_GRAPH_INSTANTIATE_FLAG_DEVICE_LAUNCH)
		return CUDA_ERROR_NOT_SUPPORTED;
	if (info->flags & ~(cuuint64_t)KNOWN_FLAGS)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	return result == CUDA_SUCCESS ? drv_leave(instantiate(graph, info, out)) : result;
}

DRV_API CUresult cuGraphInstantiateWithParams_ptsz(CUgraphExec *out, CUgraph graph, CUDA_GRAPH_INSTANTIATE_PARAMS *info)
{
	return cuGraphInstantiateWithParams(out, graph, info);
}

DRV_API CUresult cuGraphInstantiateWithFlags(CUgraphExec *out, CUgraph graph, unsigned long long flags)
{
	CUDA_GRAPH_INSTANTIATE_PARAMS info = {.flags = flags};
	return cuGraphInstantiateWithParams(out, graph, &info);
}

DRV_API CUresult cuGraphInstantiate_v2(CUgraphExec *out, CUgraph graph, CUgraphNode *error_node, char *log, size_t size)
{
	CUDA_GRAPH_INSTANTIATE_PARAMS info = {.flags = 0};
	CUresult result = cuGraphInstantiateWithParams(out, graph, &info);
	if (error_node)
		*error_node = info.hErrNode_out;
	if (log && size)
		*log = 0;
	return result;
}

DRV_API CUresult cuGraphInstantiate(CUgraphExec *out, CUgraph graph, CUgraphNode *error_node, char *log, size_t size)
{
	return cuGraphInstantiate_v2(out, graph, error_node, log, size);
}

/* The life of executable graphs */

static CUresult exec_enter(CUgraphExec handle, struct drv_graph_exec **exec)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	*exec = drv_graph_exec_get(handle);
	return *exec ? CUDA_SUCCESS : drv_leave(CUDA_ERROR_INVALID_VALUE);
}

DRV_API CUresult cuGraphExecDestroy(CUgraphExec handle)
{
	struct drv_graph_exec *exec;
	CUresult result = exec_enter(handle, &exec);
	if (result != CUDA_SUCCESS)
		return result;
	drv_handle_end(handle);
	drv_graph_exec_drop(exec);
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuGraphExecGetFlags(CUgraphExec handle, cuuint64_t *flags)
{
	struct drv_graph_exec *exec;
	if (!flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = exec_enter(handle, &exec);
	if (result != CUDA_SUCCESS)
		return result;
	*flags = exec->flags;
	return drv_leave(CUDA_SUCCESS);
}

/* Kernels, copies and fills can be left out. */
static bool can_be_disabled(const struct drv_plan_node *node)
{
	CUgraphNodeType type = node->task->params.type;
	return type == CU_GRAPH_NODE_TYPE_KERNEL || type == CU_GRAPH_NODE_TYPE_MEMCPY ||
	       type == CU_GRAPH_NODE_TYPE_MEMSET;
}

static CUresult plan_node_enter(CUgraphExec handle, CUgraphNode source, struct drv_plan_node **node)
{
	struct drv_graph_exec *exec;
	CUresult result = exec_enter(handle, &exec);
	if (result != CUDA_SUCCESS)
		return result;
	*node = drv_plan_node_find(exec, source);
	return *node ? CUDA_SUCCESS : drv_leave(CUDA_ERROR_INVALID_VALUE);
}

DRV_API CUresult cuGraphNodeSetEnabled(CUgraphExec exec, CUgraphNode source, unsigned enabled)
{
	struct drv_plan_node *node;
	CUresult result = plan_node_enter(exec, source, &node);
	if (result != CUDA_SUCCESS)
		return result;
	if (!can_be_disabled(node))
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	node->enabled = enabled != 0;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuGraphNodeGetEnabled(CUgraphExec exec, CUgraphNode source, unsigned *enabled)
{
	struct drv_plan_node *node;
	if (!enabled)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = plan_node_enter(exec, source, &node);
	if (result != CUDA_SUCCESS)
		return result;
	*enabled = node->enabled;
	return drv_leave(CUDA_SUCCESS);
}
