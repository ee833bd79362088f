/* The nodes of graphs: adding them, changing them, asking what they are. */
#include "graph_node.h"

#include <stdlib.h>
#include <string.h>

#include "hand.h"
#include "host_task.h"

/* ---- Adding ---- */

static CUresult send_node(u64 graph, u64 node, graph_edges *dependencies, const CUgraphNodeParams *params)
{
	char packed[CUDA_ARGUMENTS_MAX]; /* written as far as the kernel's parameters reach */
	struct cu_call call;
	node_params wire;
	CUresult err = cu_node_params_encode(params, &wire, packed);
	if (err)
		return err;
	err = cu_call_begin(&call, FN_cuGraphAddNode_v2);
	if (!err)
		err = cu_call_end(&call, xdr_u64(call.args, &graph) && xdr_u64(call.args, &node) &&
					     xdr_graph_edges(call.args, dependencies) &&
					     xdr_node_params(call.args, &wire));
	if (err)
		cu_node_params_drop(&wire);
	return err;
}

/* Dependencies that are too many for one call are added behind it. */
static CUresult add_rest(CUgraph graph, CUgraphNode node, const CUgraphNode *from, const CUgraphEdgeData *data,
			 size_t count)
{
	CUresult err = CUDA_SUCCESS;
	for (size_t i = 0; i < count && !err; i++)
		err = client_cuGraphAddDependencies_v2(graph, &from[i], &node, data ? &data[i] : NULL, 1);
	return err;
}

static CUresult add_node(CUgraphNode *handle, CUgraph graph, const CUgraphNode *dependencies,
			 const CUgraphEdgeData *data, size_t count, const CUgraphNodeParams *params)
{
	u64 graph_id, id;
	graph_edges edges = {{0, NULL}};
	size_t first = count < CU_EDGES_MAX ? count : CU_EDGES_MAX;
	CUresult err = handle ? cu_id_of_graph(graph, &graph_id) : CUDA_ERROR_INVALID_VALUE;
	if (!err)
		err = cu_edges_encode(dependencies, NULL, data, first, &edges);
	if (!err)
		err = cu_node_mint(graph_id, &id);
	if (err) {
		cu_edges_free(&edges);
		return err;
	}
	err = send_node(graph_id, id, &edges, params);
	cu_edges_free(&edges);
	if (err) {
		cu_node_unmint(id);
		return err;
	}
	*handle = cu_handle(id);
	return count > first ? add_rest(graph, *handle, dependencies + first, data ? data + first : NULL, count - first)
			     : CUDA_SUCCESS;
}

/* The address of an allocation is the server's to tell. */
static CUresult learn_address(CUgraphNode node, CUdeviceptr *address)
{
	CUDA_MEM_ALLOC_NODE_PARAMS params;
	CUresult err = client_cuGraphMemAllocNodeGetParams(node, &params);
	if (!err)
		*address = params.dptr;
	return err;
}

CUresult client_cuGraphAddNode_v2(CUgraphNode *phGraphNode, CUgraph hGraph, const CUgraphNode *dependencies,
				  const CUgraphEdgeData *dependencyData, size_t numDependencies,
				  CUgraphNodeParams *nodeParams)
{
	if (!nodeParams)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = add_node(phGraphNode, hGraph, dependencies, dependencyData, numDependencies, nodeParams);
	if (!err && nodeParams->type == CU_GRAPH_NODE_TYPE_MEM_ALLOC)
		err = learn_address(*phGraphNode, &nodeParams->alloc.dptr);
	if (!err && nodeParams->type == CU_GRAPH_NODE_TYPE_CONDITIONAL)
		err = cu_node_bodies(*phGraphNode, &nodeParams->conditional.phGraph_out);
	return err;
}

#define NODE_PARAMETERS                                                                                                \
	CUgraphNode *phGraphNode, CUgraph hGraph, const CUgraphNode *dependencies, size_t numDependencies
#define ADD(params) add_node(phGraphNode, hGraph, dependencies, NULL, numDependencies, &(params))

CUresult client_cuGraphAddKernelNode_v2(NODE_PARAMETERS, const CUDA_KERNEL_NODE_PARAMS *nodeParams)
{
	if (!nodeParams)
		return CUDA_ERROR_INVALID_VALUE;
	const CUgraphNodeParams params = cu_kernel_node(nodeParams);
	return ADD(params);
}

CUresult client_cuGraphAddMemcpyNode(NODE_PARAMETERS, const CUDA_MEMCPY3D *copyParams, CUcontext ctx)
{
	if (!copyParams || !ctx)
		return CUDA_ERROR_INVALID_VALUE;
	const CUgraphNodeParams params = cu_memcpy_node(copyParams);
	return ADD(params);
}

CUresult client_cuGraphAddMemsetNode(NODE_PARAMETERS, const CUDA_MEMSET_NODE_PARAMS *memsetParams, CUcontext ctx)
{
	if (!memsetParams || !ctx)
		return CUDA_ERROR_INVALID_VALUE;
	const CUgraphNodeParams params = cu_memset_node(memsetParams);
	return ADD(params);
}

CUresult client_cuGraphAddHostNode(NODE_PARAMETERS, const CUDA_HOST_NODE_PARAMS *nodeParams)
{
	if (!nodeParams)
		return CUDA_ERROR_INVALID_VALUE;
	const CUgraphNodeParams params = cu_host_node(nodeParams);
	return ADD(params);
}

CUresult client_cuGraphAddChildGraphNode(NODE_PARAMETERS, CUgraph childGraph)
{
	CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_GRAPH};
	params.graph.graph = childGraph;
	return ADD(params);
}

CUresult client_cuGraphAddEmptyNode(NODE_PARAMETERS)
{
	const CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_EMPTY};
	return ADD(params);
}

CUresult client_cuGraphAddEventRecordNode(NODE_PARAMETERS, CUevent event)
{
	const CUgraphNodeParams params = cu_event_node(CU_GRAPH_NODE_TYPE_EVENT_RECORD, event);
	return ADD(params);
}

CUresult client_cuGraphAddEventWaitNode(NODE_PARAMETERS, CUevent event)
{
	const CUgraphNodeParams params = cu_event_node(CU_GRAPH_NODE_TYPE_WAIT_EVENT, event);
	return ADD(params);
}

CUresult client_cuGraphAddMemAllocNode(NODE_PARAMETERS, CUDA_MEM_ALLOC_NODE_PARAMS *nodeParams)
{
	CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_MEM_ALLOC};
	if (!nodeParams)
		return CUDA_ERROR_INVALID_VALUE;
	params.alloc.poolProps = nodeParams->poolProps;
	params.alloc.accessDescs = nodeParams->accessDescs;
	params.alloc.accessDescCount = nodeParams->accessDescCount;
	params.alloc.bytesize = nodeParams->bytesize;
	CUresult err = ADD(params);
	return err ? err : learn_address(*phGraphNode, &nodeParams->dptr);
}

CUresult client_cuGraphAddMemFreeNode(NODE_PARAMETERS, CUdeviceptr dptr)
{
	CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_MEM_FREE};
	params.free.dptr = dptr;
	return ADD(params);
}

/* ---- Changing, in a graph or in an instance (`exec` not NULL) ---- */

static CUresult set_params(enum cu_function_id function, const CUgraphExec *exec, CUgraphNode node,
			   const CUgraphNodeParams *params)
{
	char packed[CUDA_ARGUMENTS_MAX];
	struct cu_call call;
	node_params wire;
	u64 exec_id = 0, id;
	CUresult err = exec ? cu_id_of_graph_exec(*exec, &exec_id) : CUDA_SUCCESS;
	if (!err)
		err = cu_id_of_node(node, &id);
	if (!err)
		err = cu_node_params_encode(params, &wire, packed);
	if (err)
		return err;
	err = cu_call_begin(&call, function);
	if (!err)
		err = cu_call_end(&call, (!exec || xdr_u64(call.args, &exec_id)) && xdr_u64(call.args, &id) &&
					     xdr_node_params(call.args, &wire));
	if (err)
		cu_node_params_drop(&wire);
	return err;
}

CUresult client_cuGraphNodeSetParams(CUgraphNode hNode, CUgraphNodeParams *nodeParams)
{
	return nodeParams ? set_params(FN_cuGraphNodeSetParams, NULL, hNode, nodeParams) : CUDA_ERROR_INVALID_VALUE;
}

CUresult client_cuGraphExecNodeSetParams(CUgraphExec hGraphExec, CUgraphNode hNode, CUgraphNodeParams *nodeParams)
{
	return nodeParams ? set_params(FN_cuGraphExecNodeSetParams, &hGraphExec, hNode, nodeParams)
			  : CUDA_ERROR_INVALID_VALUE;
}

/* One function of each pair. */
#define SET_PARAMS(name, exec_name, type, make)                                                                        \
	CUresult client_##name(CUgraphNode hNode, const type *nodeParams)                                              \
	{                                                                                                              \
		if (!nodeParams)                                                                                       \
			return CUDA_ERROR_INVALID_VALUE;                                                               \
		const CUgraphNodeParams params = make(nodeParams);                                                     \
		return set_params(FN_cuGraphNodeSetParams, NULL, hNode, &params);                                      \
	}                                                                                                              \
	static CUresult exec_name(CUgraphExec exec, CUgraphNode node, const type *nodeParams)                          \
	{                                                                                                              \
		if (!nodeParams)                                                                                       \
			return CUDA_ERROR_INVALID_VALUE;                                                               \
		const CUgraphNodeParams params = make(nodeParams);                                                     \
		return set_params(FN_cuGraphExecNodeSetParams, &exec, node, &params);                                  \
	}
SET_PARAMS(cuGraphKernelNodeSetParams_v2, set_kernel, CUDA_KERNEL_NODE_PARAMS, cu_kernel_node)
SET_PARAMS(cuGraphMemcpyNodeSetParams, set_memcpy, CUDA_MEMCPY3D, cu_memcpy_node)
SET_PARAMS(cuGraphMemsetNodeSetParams, set_memset, CUDA_MEMSET_NODE_PARAMS, cu_memset_node)
SET_PARAMS(cuGraphHostNodeSetParams, set_host, CUDA_HOST_NODE_PARAMS, cu_host_node)

CUresult client_cuGraphExecKernelNodeSetParams_v2(CUgraphExec hGraphExec, CUgraphNode hNode,
						  const CUDA_KERNEL_NODE_PARAMS *nodeParams)
{
	return set_kernel(hGraphExec, hNode, nodeParams);
}

CUresult client_cuGraphExecMemcpyNodeSetParams(CUgraphExec hGraphExec, CUgraphNode hNode,
					       const CUDA_MEMCPY3D *copyParams, CUcontext ctx)
{
	return ctx ? set_memcpy(hGraphExec, hNode, copyParams) : CUDA_ERROR_INVALID_VALUE;
}

CUresult client_cuGraphExecMemsetNodeSetParams(CUgraphExec hGraphExec, CUgraphNode hNode,
					       const CUDA_MEMSET_NODE_PARAMS *memsetParams, CUcontext ctx)
{
	return ctx ? set_memset(hGraphExec, hNode, memsetParams) : CUDA_ERROR_INVALID_VALUE;
}

CUresult client_cuGraphExecHostNodeSetParams(CUgraphExec hGraphExec, CUgraphNode hNode,
					     const CUDA_HOST_NODE_PARAMS *nodeParams)
{
	return set_host(hGraphExec, hNode, nodeParams);
}

CUresult client_cuGraphExecChildGraphNodeSetParams(CUgraphExec hGraphExec, CUgraphNode hNode, CUgraph childGraph)
{
	CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_GRAPH};
	params.graph.graph = childGraph;
	return set_params(FN_cuGraphExecNodeSetParams, &hGraphExec, hNode, &params);
}

CUresult client_cuGraphEventRecordNodeSetEvent(CUgraphNode hNode, CUevent event)
{
	const CUgraphNodeParams params = cu_event_node(CU_GRAPH_NODE_TYPE_EVENT_RECORD, event);
	return set_params(FN_cuGraphNodeSetParams, NULL, hNode, &params);
}

CUresult client_cuGraphEventWaitNodeSetEvent(CUgraphNode hNode, CUevent event)
{
	const CUgraphNodeParams params = cu_event_node(CU_GRAPH_NODE_TYPE_WAIT_EVENT, event);
	return set_params(FN_cuGraphNodeSetParams, NULL, hNode, &params);
}

CUresult client_cuGraphExecEventRecordNodeSetEvent(CUgraphExec hGraphExec, CUgraphNode hNode, CUevent event)
{
	const CUgraphNodeParams params = cu_event_node(CU_GRAPH_NODE_TYPE_EVENT_RECORD, event);
	return set_params(FN_cuGraphExecNodeSetParams, &hGraphExec, hNode, &params);
}

CUresult client_cuGraphExecEventWaitNodeSetEvent(CUgraphExec hGraphExec, CUgraphNode hNode, CUevent event)
{
	const CUgraphNodeParams params = cu_event_node(CU_GRAPH_NODE_TYPE_WAIT_EVENT, event);
	return set_params(FN_cuGraphExecNodeSetParams, &hGraphExec, hNode, &params);
}
