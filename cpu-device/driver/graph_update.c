/* Updating an executable graph from another graph of the same shape. */
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "graph_exec.h"

/* Graphs are alike when their nodes, in an order in which each comes behind what it depends on, have the same kinds and
   the same dependents. Launches under way keep their tasks. */

static CUgraphExecUpdateResult fail(CUgraphExecUpdateResultInfo *info, CUgraphExecUpdateResult why, CUgraphNode node,
				    CUgraphNode from)
{
	*info = (CUgraphExecUpdateResultInfo){why, node, from};
	return why;
}

static bool outs_equal(const struct drv_graph_exec *a, const struct drv_plan_node *x, const struct drv_graph_exec *b,
		       const struct drv_plan_node *y)
{
	return x->out_count == y->out_count && x->dependencies == y->dependencies && x->scope == y->scope &&
	       (!x->out_count ||
		memcmp(&a->outs[x->first_out], &b->outs[y->first_out], x->out_count * sizeof *a->outs) == 0);
}

/* The places of a copy may change, their kinds not. */
static bool copy_alike(const CUDA_MEMCPY3D *a, const CUDA_MEMCPY3D *b)
{
	return a->srcMemoryType == b->srcMemoryType && a->dstMemoryType == b->dstMemoryType;
}

static CUgraphExecUpdateResult tasks_compare(const struct drv_task *old, const struct drv_task *new)
{
	const CUgraphNodeParams *a = &old->params, *b = &new->params;
	if (a->type != b->type)
		return CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
	switch ((int)a->type) {
	case CU_GRAPH_NODE_TYPE_KERNEL:
		if (a->kernel.ctx != b->kernel.ctx)
			return CU_GRAPH_EXEC_UPDATE_ERROR_UNSUPPORTED_FUNCTION_CHANGE;
		return old->launch.cooperative == new->launch.cooperative
			   ? CU_GRAPH_EXEC_UPDATE_SUCCESS
			   : CU_GRAPH_EXEC_UPDATE_ERROR_ATTRIBUTES_CHANGED;
	case CU_GRAPH_NODE_TYPE_MEMCPY:
		return copy_alike(&a->memcpy.copyParams, &b->memcpy.copyParams)
			   ? CU_GRAPH_EXEC_UPDATE_SUCCESS
			   : CU_GRAPH_EXEC_UPDATE_ERROR_PARAMETERS_CHANGED;
	case CU_GRAPH_NODE_TYPE_MEM_ALLOC:
		return a->alloc.bytesize == b->alloc.bytesize ? CU_GRAPH_EXEC_UPDATE_SUCCESS
							      : CU_GRAPH_EXEC_UPDATE_ERROR_PARAMETERS_CHANGED;
	case CU_GRAPH_NODE_TYPE_CONDITIONAL:
		return old->condition == new->condition && old->body_count == new->body_count
			   ? CU_GRAPH_EXEC_UPDATE_SUCCESS
			   : CU_GRAPH_EXEC_UPDATE_ERROR_PARAMETERS_CHANGED;
	default:
		return CU_GRAPH_EXEC_UPDATE_SUCCESS;
	}
}

static CUgraphExecUpdateResult plans_compare(const struct drv_graph_exec *old, const struct drv_graph_exec *new,
					     CUgraphExecUpdateResultInfo *info)
{
	if (old->scope_count != new->scope_count || old->node_count != new->node_count)
		return fail(info, CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED, NULL, NULL);
	for (uint32_t i = 0; i < new->node_count; i++) {
		const struct drv_plan_node *a = &old->nodes[i], *b = &new->nodes[i];
		CUgraphExecUpdateResult result = tasks_compare(a->task, b->task);
		if (result != CU_GRAPH_EXEC_UPDATE_SUCCESS)
			return fail(info, result, b->source, NULL);
		if (!outs_equal(old, a, new, b))
			return fail(info, CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED, b->source, NULL);
	}
	*info = (CUgraphExecUpdateResultInfo){.result = CU_GRAPH_EXEC_UPDATE_SUCCESS};
	return CU_GRAPH_EXEC_UPDATE_SUCCESS;
}

static void tasks_take(struct drv_graph_exec *old, struct drv_graph_exec *new)
{
	for (uint32_t i = 0; i < old->node_count; i++) {
		struct drv_task *task = old->nodes[i].task;
		old->nodes[i].task = new->nodes[i].task;
		new->nodes[i].task = task;
	}
}

static CUresult update(struct drv_graph_exec *exec, struct drv_graph *graph, CUgraphExecUpdateResultInfo *info)
{
	CUDA_GRAPH_INSTANTIATE_PARAMS compiled = {.flags = exec->flags};
	struct drv_graph_exec *new;
	CUresult result = drv_graph_compile(graph, &compiled, &new);
	if (result != CUDA_SUCCESS) {
		(void)fail(info, CU_GRAPH_EXEC_UPDATE_ERROR, compiled.hErrNode_out, NULL);
		return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
	}
	bool alike = plans_compare(exec, new, info) == CU_GRAPH_EXEC_UPDATE_SUCCESS;
	if (alike)
		tasks_take(exec, new);
	drv_graph_exec_drop(new);
	return alike ? CUDA_SUCCESS : CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
}

DRV_API CUresult cuGraphExecUpdate_v2(CUgraphExec handle, CUgraph graph_handle, CUgraphExecUpdateResultInfo *out)
{
	CUgraphExecUpdateResultInfo info = {.result = CU_GRAPH_EXEC_UPDATE_ERROR};
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_graph_exec *exec = drv_graph_exec_get(handle);
	struct drv_graph *graph = drv_graph_get(graph_handle);
	bool valid = exec && graph && !graph->parent && !graph->capture;
	result = valid ? update(exec, graph, &info) : CUDA_ERROR_INVALID_VALUE;
	if (out)
		*out = info;
	return drv_leave(result);
}

DRV_API CUresult cuGraphExecUpdate(CUgraphExec exec, CUgraph graph, CUgraphNode *error_node,
				   CUgraphExecUpdateResult *out)
{
	CUgraphExecUpdateResultInfo info = {.result = CU_GRAPH_EXEC_UPDATE_ERROR};
	CUresult result = cuGraphExecUpdate_v2(exec, graph, &info);
	if (error_node)
		*error_node = info.errorNode;
	if (out)
		*out = info.result;
	return result;
}

/* A child graph of an executable graph takes the tasks of another graph of its shape. */

static CUresult child_update(struct drv_graph_exec *exec, struct drv_plan_node *node, struct drv_graph *child)
{
	CUDA_GRAPH_INSTANTIATE_PARAMS compiled = {.flags = 0};
	struct drv_graph_exec *new;
	CUresult result = drv_graph_compile(child, &compiled, &new);
	if (result != CUDA_SUCCESS)
		return result;
	const struct drv_scope *scope = &exec->scopes[node->first_body];
	bool alike = new->scope_count == 1 && scope->count == new->node_count;
	for (uint32_t i = 0; alike && i < scope->count; i++) {
		const struct drv_plan_node *a = &exec->nodes[scope->first + i], *b = &new->nodes[i];
		alike = tasks_compare(a->task, b->task) == CU_GRAPH_EXEC_UPDATE_SUCCESS &&
			a->out_count == b->out_count && a->dependencies == b->dependencies;
		for (uint32_t j = 0; alike && j < a->out_count; j++)
			alike = exec->outs[a->first_out + j] == scope->first + new->outs[b->first_out + j];
	}
	for (uint32_t i = 0; alike && i < scope->count; i++) {
		struct drv_task *task = exec->nodes[scope->first + i].task;
		exec->nodes[scope->first + i].task = new->nodes[i].task;
		new->nodes[i].task = task;
	}
	drv_graph_exec_drop(new);
	return alike ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

DRV_API CUresult cuGraphExecChildGraphNodeSetParams(CUgraphExec handle, CUgraphNode source, CUgraph child_handle)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_graph_exec *exec = drv_graph_exec_get(handle);
	struct drv_graph *child = drv_graph_get(child_handle);
	struct drv_plan_node *node = exec ? drv_plan_node_find(exec, source) : NULL;
	if (!node || !child || node->task->params.type != CU_GRAPH_NODE_TYPE_GRAPH)
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	return drv_leave(child_update(exec, node, child));
}
