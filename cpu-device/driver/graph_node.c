/* The nodes of graphs by kind: adding them, reading and setting what they do. Every kind goes through one structure,
   CUgraphNodeParams. */
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "graph.h"
#include "graph_exec.h"

/* A memcpy's parameters are described without the lock. */
static CUresult params_enter(const CUgraphNodeParams *params, struct drv_copy *copy)
{
	CUresult result = params ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
	if (result == CUDA_SUCCESS && params->type == CU_GRAPH_NODE_TYPE_MEMCPY)
		result = drv_copy_3d_describe(&params->memcpy.copyParams, copy);
	return result == CUDA_SUCCESS ? drv_enter() : result;
}

/* Adding */

static CUresult node_make(CUgraphNode *out, struct drv_graph *graph, const CUgraphNode *from,
			  const CUgraphEdgeData *data, size_t count, CUgraphNodeParams *params,
			  const struct drv_copy *copy)
{
	struct drv_graph_node *node, **nodes = calloc(count + 1, sizeof *nodes);
	struct drv_task *task;
	if (!nodes)
		return CUDA_ERROR_OUT_OF_MEMORY;
	for (size_t i = 0; i < count; i++)
		nodes[i] = drv_graph_node_get(from[i]);
	CUresult result = drv_task_new(graph, params, copy, &task);
	if (result == CUDA_SUCCESS)
		result = drv_graph_add(graph, nodes, data, count, task, &node);
	free(nodes);
	if (result != CUDA_SUCCESS)
		return result;
	if (params->type == CU_GRAPH_NODE_TYPE_MEM_ALLOC)
		params->alloc.dptr = node->task->params.alloc.dptr;
	if (params->type == CU_GRAPH_NODE_TYPE_CONDITIONAL)
		params->conditional.phGraph_out = node->task->params.conditional.phGraph_out;
	*out = node->handle;
	return CUDA_SUCCESS;
}

static CUresult node_add(CUgraphNode *out, CUgraph handle, const CUgraphNode *from, const CUgraphEdgeData *data,
			 size_t count, CUgraphNodeParams *params)
{
	struct drv_copy copy;
	if (!out || (count && !from))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = params_enter(params, &copy);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_graph *graph = drv_graph_get(handle);
	return drv_leave(graph ? node_make(out, graph, from, data, count, params, &copy) : CUDA_ERROR_INVALID_VALUE);
}

DRV_API CUresult cuGraphAddNode_v2(CUgraphNode *out, CUgraph graph, const CUgraphNode *from,
				   const CUgraphEdgeData *data, size_t count, CUgraphNodeParams *params)
{
	return node_add(out, graph, from, data, count, params);
}

DRV_API CUresult cuGraphAddNode(CUgraphNode *out, CUgraph graph, const CUgraphNode *from, size_t count,
				CUgraphNodeParams *params)
{
	return node_add(out, graph, from, NULL, count, params);
}

/* Setting, in a graph and in an executable one */

/* Kinds whose parameters belong to the graph's structure stay as they are. */
static bool can_be_set(CUgraphNodeType type)
{
	return type != CU_GRAPH_NODE_TYPE_MEM_ALLOC && type != CU_GRAPH_NODE_TYPE_MEM_FREE &&
	       type != CU_GRAPH_NODE_TYPE_CONDITIONAL && type != CU_GRAPH_NODE_TYPE_GRAPH;
}

/* A kernel keeps the attributes that were set. */
static CUresult task_replace(struct drv_task **at, struct drv_graph *graph, const CUgraphNodeParams *params,
			     const struct drv_copy *copy)
{
	struct drv_task *task, *old = *at;
	if (old->params.type != params->type || !can_be_set(params->type))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_task_new(graph, params, copy, &task);
	if (result != CUDA_SUCCESS)
		return result;
	memcpy(task->attributes, old->attributes, sizeof task->attributes);
	task->prioritised = old->prioritised;
	task->launch.priority = old->launch.priority;
	task->launch.cooperative = old->launch.cooperative;
	*at = task;
	drv_task_drop(old);
	return CUDA_SUCCESS;
}

DRV_API CUresult cuGraphNodeSetParams(CUgraphNode handle, CUgraphNodeParams *params)
{
	struct drv_copy copy;
	CUresult result = params_enter(params, &copy);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_graph_node *node = drv_graph_node_get(handle);
	return drv_leave(node ? task_replace(&node->task, node->graph, params, &copy) : CUDA_ERROR_INVALID_VALUE);
}

DRV_API CUresult cuGraphExecNodeSetParams(CUgraphExec handle, CUgraphNode source, CUgraphNodeParams *params)
{
	struct drv_copy copy;
	CUresult result = params_enter(params, &copy);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_graph_exec *exec = drv_graph_exec_get(handle);
	struct drv_plan_node *node = exec ? drv_plan_node_find(exec, source) : NULL;
	return drv_leave(node ? task_replace(&node->task, NULL, params, &copy) : CUDA_ERROR_INVALID_VALUE);
}

/* Reading */

static CUresult task_enter(CUgraphNode handle, CUgraphNodeType type, const void *out, const struct drv_task **task)
{
	CUresult result = out ? drv_enter() : CUDA_ERROR_INVALID_VALUE;
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_graph_node *node = drv_graph_node_get(handle);
	if (!node || node->task->params.type != type)
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	*task = node->task;
	return CUDA_SUCCESS;
}

/* The functions of one kind: NAME's parameters are at `p`, whose fields `make` sets in params of the kind's type. */

#define NODE_HEAD CUgraphNode *out, CUgraph graph, const CUgraphNode *from, size_t count
#define NODE_ADD node_add(out, graph, from, NULL, count, &params)

/* A function that fills `params` from its arguments and goes on with `call`. */
#define NODE_CALL(name, arguments, kind, given, fill, call)                                                            \
	DRV_API CUresult name arguments                                                                                \
	{                                                                                                              \
		CUgraphNodeParams params = {.type = kind};                                                             \
		if (!(given))                                                                                          \
			return CUDA_ERROR_INVALID_VALUE;                                                               \
		fill;                                                                                                  \
		return call;                                                                                           \
	}

/* Reads the field `what` of a node's task. */
#define NODE_GET(name, type, kind, what)                                                                               \
	DRV_API CUresult name(CUgraphNode node, type *p)                                                               \
	{                                                                                                              \
		const struct drv_task *task = NULL;                                                                    \
		CUresult result = task_enter(node, kind, p, &task);                                                    \
		if (result != CUDA_SUCCESS)                                                                            \
			return result;                                                                                 \
		memcpy(p, &task->params.what, sizeof *p);                                                              \
		return drv_leave(CUDA_SUCCESS);                                                                        \
	}

/* Copies a structure that is the beginning of the field. */
#define TAKE(field) memcpy(&params.field, p, sizeof *p)

/* Kernels. The older structure is the beginning of the newer. */
#define KERNEL_FUNCTIONS(suffix, type)                                                                                 \
	NODE_CALL(cuGraphAddKernelNode##suffix, (NODE_HEAD, const type *p), CU_GRAPH_NODE_TYPE_KERNEL, p,              \
		  TAKE(kernel), NODE_ADD)                                                                              \
	NODE_GET(cuGraphKernelNodeGetParams##suffix, type, CU_GRAPH_NODE_TYPE_KERNEL, kernel)                          \
	NODE_CALL(cuGraphKernelNodeSetParams##suffix, (CUgraphNode node, const type *p), CU_GRAPH_NODE_TYPE_KERNEL, p, \
		  TAKE(kernel), cuGraphNodeSetParams(node, &params))                                                   \
	NODE_CALL(cuGraphExecKernelNodeSetParams##suffix, (CUgraphExec exec, CUgraphNode node, const type *p),         \
		  CU_GRAPH_NODE_TYPE_KERNEL, p, TAKE(kernel), cuGraphExecNodeSetParams(exec, node, &params))

KERNEL_FUNCTIONS(, CUDA_KERNEL_NODE_PARAMS_v1)
KERNEL_FUNCTIONS(_v2, CUDA_KERNEL_NODE_PARAMS_v2)

/* Copies */
#define TAKE_COPY params.memcpy.copyParams = *p, params.memcpy.copyCtx = context
NODE_CALL(cuGraphAddMemcpyNode, (NODE_HEAD, const CUDA_MEMCPY3D *p, CUcontext context), CU_GRAPH_NODE_TYPE_MEMCPY, p,
	  TAKE_COPY, NODE_ADD)
NODE_GET(cuGraphMemcpyNodeGetParams, CUDA_MEMCPY3D, CU_GRAPH_NODE_TYPE_MEMCPY, memcpy.copyParams)
NODE_CALL(cuGraphMemcpyNodeSetParams, (CUgraphNode node, const CUDA_MEMCPY3D *p), CU_GRAPH_NODE_TYPE_MEMCPY, p,
	  params.memcpy.copyParams = *p, cuGraphNodeSetParams(node, &params))
NODE_CALL(cuGraphExecMemcpyNodeSetParams,
	  (CUgraphExec exec, CUgraphNode node, const CUDA_MEMCPY3D *p, CUcontext context), CU_GRAPH_NODE_TYPE_MEMCPY, p,
	  TAKE_COPY, cuGraphExecNodeSetParams(exec, node, &params))

/* Fills */
NODE_CALL(cuGraphAddMemsetNode, (NODE_HEAD, const CUDA_MEMSET_NODE_PARAMS *p, CUcontext context),
	  CU_GRAPH_NODE_TYPE_MEMSET, p, (TAKE(memset), params.memset.ctx = context), NODE_ADD)
NODE_GET(cuGraphMemsetNodeGetParams, CUDA_MEMSET_NODE_PARAMS, CU_GRAPH_NODE_TYPE_MEMSET, memset)
NODE_CALL(cuGraphMemsetNodeSetParams, (CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS *p), CU_GRAPH_NODE_TYPE_MEMSET,
	  p, TAKE(memset), cuGraphNodeSetParams(node, &params))
NODE_CALL(cuGraphExecMemsetNodeSetParams,
	  (CUgraphExec exec, CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS *p, CUcontext context),
	  CU_GRAPH_NODE_TYPE_MEMSET, p, (TAKE(memset), params.memset.ctx = context),
	  cuGraphExecNodeSetParams(exec, node, &params))

/* Host functions */
NODE_CALL(cuGraphAddHostNode, (NODE_HEAD, const CUDA_HOST_NODE_PARAMS *p), CU_GRAPH_NODE_TYPE_HOST, p, TAKE(host),
	  NODE_ADD)
NODE_GET(cuGraphHostNodeGetParams, CUDA_HOST_NODE_PARAMS, CU_GRAPH_NODE_TYPE_HOST, host)
NODE_CALL(cuGraphHostNodeSetParams, (CUgraphNode node, const CUDA_HOST_NODE_PARAMS *p), CU_GRAPH_NODE_TYPE_HOST, p,
	  TAKE(host), cuGraphNodeSetParams(node, &params))
NODE_CALL(cuGraphExecHostNodeSetParams, (CUgraphExec exec, CUgraphNode node, const CUDA_HOST_NODE_PARAMS *p),
	  CU_GRAPH_NODE_TYPE_HOST, p, TAKE(host), cuGraphExecNodeSetParams(exec, node, &params))

/* Child graphs and joints */
NODE_CALL(cuGraphAddChildGraphNode, (NODE_HEAD, CUgraph child), CU_GRAPH_NODE_TYPE_GRAPH, child,
	  params.graph.graph = child, NODE_ADD)
NODE_GET(cuGraphChildGraphNodeGetGraph, CUgraph, CU_GRAPH_NODE_TYPE_GRAPH, graph.graph)
NODE_CALL(cuGraphAddEmptyNode, (NODE_HEAD), CU_GRAPH_NODE_TYPE_EMPTY, true, (void)0, NODE_ADD)

/* Events */
#define EVENT_FUNCTIONS(name, kind, field)                                                                             \
	NODE_CALL(cuGraphAddEvent##name##Node, (NODE_HEAD, CUevent event), kind, true, params.field.event = event,     \
		  NODE_ADD)                                                                                            \
	NODE_GET(cuGraphEvent##name##NodeGetEvent, CUevent, kind, field.event)                                         \
	NODE_CALL(cuGraphEvent##name##NodeSetEvent, (CUgraphNode node, CUevent event), kind, true,                     \
		  params.field.event = event, cuGraphNodeSetParams(node, &params))                                     \
	NODE_CALL(cuGraphExecEvent##name##NodeSetEvent, (CUgraphExec exec, CUgraphNode node, CUevent event), kind,     \
		  true, params.field.event = event, cuGraphExecNodeSetParams(exec, node, &params))

EVENT_FUNCTIONS(Record, CU_GRAPH_NODE_TYPE_EVENT_RECORD, eventRecord)
EVENT_FUNCTIONS(Wait, CU_GRAPH_NODE_TYPE_WAIT_EVENT, eventWait)

/* Memory */
DRV_API CUresult cuGraphAddMemAllocNode(NODE_HEAD, CUDA_MEM_ALLOC_NODE_PARAMS *p)
{
	CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_MEM_ALLOC};
	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	TAKE(alloc);
	CUresult result = NODE_ADD;
	if (result == CUDA_SUCCESS)
		p->dptr = params.alloc.dptr;
	return result;
}

NODE_GET(cuGraphMemAllocNodeGetParams, CUDA_MEM_ALLOC_NODE_PARAMS, CU_GRAPH_NODE_TYPE_MEM_ALLOC, alloc)
NODE_CALL(cuGraphAddMemFreeNode, (NODE_HEAD, CUdeviceptr address), CU_GRAPH_NODE_TYPE_MEM_FREE, address,
	  params.free.dptr = address, NODE_ADD)
NODE_GET(cuGraphMemFreeNodeGetParams, CUdeviceptr, CU_GRAPH_NODE_TYPE_MEM_FREE, free.dptr)

/* Stream memory operations */
NODE_CALL(cuGraphAddBatchMemOpNode, (NODE_HEAD, const CUDA_BATCH_MEM_OP_NODE_PARAMS *p),
	  CU_GRAPH_NODE_TYPE_BATCH_MEM_OP, p, TAKE(memOp), NODE_ADD)
NODE_GET(cuGraphBatchMemOpNodeGetParams, CUDA_BATCH_MEM_OP_NODE_PARAMS, CU_GRAPH_NODE_TYPE_BATCH_MEM_OP, memOp)
NODE_CALL(cuGraphBatchMemOpNodeSetParams, (CUgraphNode node, const CUDA_BATCH_MEM_OP_NODE_PARAMS *p),
	  CU_GRAPH_NODE_TYPE_BATCH_MEM_OP, p, TAKE(memOp), cuGraphNodeSetParams(node, &params))
NODE_CALL(cuGraphExecBatchMemOpNodeSetParams,
	  (CUgraphExec exec, CUgraphNode node, const CUDA_BATCH_MEM_OP_NODE_PARAMS *p), CU_GRAPH_NODE_TYPE_BATCH_MEM_OP,
	  p, TAKE(memOp), cuGraphExecNodeSetParams(exec, node, &params))

/* Attributes of kernel nodes */

static bool attribute_known(CUlaunchAttributeID attribute)
{
	return attribute == CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW || attribute == CU_LAUNCH_ATTRIBUTE_COOPERATIVE ||
	       attribute == CU_LAUNCH_ATTRIBUTE_PRIORITY || attribute == CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN ||
	       attribute == CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP ||
	       attribute == CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE ||
	       attribute == CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT;
}

DRV_API CUresult cuGraphKernelNodeGetAttribute(CUgraphNode node, CUkernelNodeAttrID attribute,
					       CUkernelNodeAttrValue *value)
{
	const struct drv_task *task = NULL;
	if (!attribute_known(attribute))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = task_enter(node, CU_GRAPH_NODE_TYPE_KERNEL, value, &task);
	if (result != CUDA_SUCCESS)
		return result;
	*value = task->attributes[attribute];
	return drv_leave(CUDA_SUCCESS);
}

static CUresult attribute_set(struct drv_graph_node *node, CUlaunchAttributeID attribute,
			      const CUlaunchAttributeValue *value)
{
	struct drv_task *task = drv_task_copy_kernel(node->task);
	if (!task)
		return CUDA_ERROR_OUT_OF_MEMORY;
	task->attributes[attribute] = *value;
	if (attribute == CU_LAUNCH_ATTRIBUTE_COOPERATIVE)
		task->launch.cooperative = value->cooperative != 0;
	if (attribute == CU_LAUNCH_ATTRIBUTE_PRIORITY) {
		task->prioritised = true;
		task->launch.priority = value->priority;
	}
	drv_task_drop(node->task);
	node->task = task;
	return CUDA_SUCCESS;
}

static CUresult kernel_node_enter(CUgraphNode handle, struct drv_graph_node **node)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	*node = drv_graph_node_get(handle);
	bool kernel = *node && (*node)->task->params.type == CU_GRAPH_NODE_TYPE_KERNEL;
	return kernel ? CUDA_SUCCESS : drv_leave(CUDA_ERROR_INVALID_VALUE);
}

DRV_API CUresult cuGraphKernelNodeSetAttribute(CUgraphNode handle, CUkernelNodeAttrID attribute,
					       const CUkernelNodeAttrValue *value)
{
	struct drv_graph_node *node;
	if (!value || !attribute_known(attribute))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = kernel_node_enter(handle, &node);
	return result == CUDA_SUCCESS ? drv_leave(attribute_set(node, attribute, value)) : result;
}

DRV_API CUresult cuGraphKernelNodeCopyAttributes(CUgraphNode to_handle, CUgraphNode from_handle)
{
	struct drv_graph_node *to;
	CUresult result = kernel_node_enter(to_handle, &to);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_graph_node *from = drv_graph_node_get(from_handle);
	if (!from || from->task->params.type != CU_GRAPH_NODE_TYPE_KERNEL)
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	for (int i = 0; i < CU_LAUNCH_ATTRIBUTE_MAX && result == CUDA_SUCCESS; i++)
		if (attribute_known(i) && (i != CU_LAUNCH_ATTRIBUTE_PRIORITY || from->task->prioritised))
			result = attribute_set(to, i, &from->task->attributes[i]);
	return drv_leave(result);
}
