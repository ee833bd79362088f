/* Graphs as a whole, their structure, and their instances. */
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "graph_node.h"
#include "hand.h"
#include "host_task.h"

/* ---- Life ---- */

CUresult client_cuGraphCreate(CUgraph *phGraph, unsigned int flags)
{
	struct cu_call call;
	u64 id;
	u_int wire_flags = flags;
	if (!phGraph || flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_graph_mint(&id);
	if (err)
		return err;
	err = cu_call_begin(&call, FN_cuGraphCreate);
	if (!err)
		err = cu_call_end(&call, xdr_u64(call.args, &id) && xdr_u_int(call.args, &wire_flags));
	if (err)
		cu_graph_unmint(id);
	else
		*phGraph = cu_handle(id);
	return err;
}

/* A call with one or two ids. */
static CUresult call_ids(enum cu_function_id function, u64 first, const u64 *second)
{
	struct cu_call call;
	CUresult err = cu_call_begin(&call, function);
	if (err)
		return err;
	u64 other = second ? *second : 0;
	return cu_call_end(&call, xdr_u64(call.args, &first) && (!second || xdr_u64(call.args, &other)));
}

static CUresult ask_id(enum cu_function_id function, u64 first, const u64 *second, u64 *answer)
{
	struct cu_call call;
	CUresult err = cu_call_begin(&call, function);
	if (err)
		return err;
	u64 other = second ? *second : 0;
	return cu_call_result(&call, xdr_u64(call.args, &first) && (!second || xdr_u64(call.args, &other)),
			      (xdrproc_t)xdr_u64, answer);
}

CUresult client_cuGraphConditionalHandleCreate(CUgraphConditionalHandle *pHandle_out, CUgraph hGraph, CUcontext ctx,
					       unsigned int defaultLaunchValue, unsigned int flags)
{
	struct cu_call call;
	u64 graph, context = 0, handle = 0;
	u_int value = defaultLaunchValue, wire_flags = flags;
	CUresult err = pHandle_out ? cu_id_of_graph(hGraph, &graph) : CUDA_ERROR_INVALID_VALUE;
	if (!err && ctx)
		err = cu_id_of_context(ctx, &context);
	if (!err)
		err = cu_call_begin(&call, FN_cuGraphConditionalHandleCreate);
	if (!err)
		err = cu_call_result(&call,
				     xdr_u64(call.args, &graph) && xdr_u64(call.args, &context) &&
					 xdr_u_int(call.args, &value) && xdr_u_int(call.args, &wire_flags),
				     (xdrproc_t)xdr_u64, &handle);
	if (!err)
		*pHandle_out = handle;
	return err;
}

CUresult client_cuGraphDestroy(CUgraph hGraph)
{
	u64 id;
	CUresult err = cu_id_of_graph(hGraph, &id);
	if (!err)
		err = call_ids(FN_cuGraphDestroy, id, NULL);
	if (!err)
		cu_graph_unmint(id);
	return err;
}

CUresult client_cuGraphClone(CUgraph *phGraphClone, CUgraph originalGraph)
{
	u64 id, original;
	if (!phGraphClone)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_id_of_graph(originalGraph, &original);
	if (!err)
		err = cu_graph_mint(&id);
	if (err)
		return err;
	err = call_ids(FN_cuGraphClone, id, &original);
	if (err)
		cu_graph_unmint(id);
	else
		*phGraphClone = cu_handle(id);
	return err;
}

CUresult client_cuGraphNodeFindInClone(CUgraphNode *phNode, CUgraphNode hOriginalNode, CUgraph hClonedGraph)
{
	u64 node, clone, found = 0;
	if (!phNode)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_id_of_node(hOriginalNode, &node);
	if (!err)
		err = cu_id_of_graph(hClonedGraph, &clone);
	if (!err)
		err = ask_id(FN_cuGraphNodeFindInClone, node, &clone, &found);
	if (!err)
		err = cu_node_enter(found, clone);
	if (!err)
		*phNode = cu_handle(found);
	return err;
}

CUresult client_cuGraphChildGraphNodeGetGraph(CUgraphNode hNode, CUgraph *phGraph)
{
	u64 node, found = 0;
	if (!phGraph)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_id_of_node(hNode, &node);
	if (!err)
		err = ask_id(FN_cuGraphChildGraphNodeGetGraph, node, NULL, &found);
	if (!err)
		err = cu_graph_enter(found, node);
	if (!err)
		*phGraph = cu_handle(found);
	return err;
}

CUresult client_cuGraphDestroyNode(CUgraphNode hNode)
{
	u64 id;
	CUresult err = cu_id_of_node(hNode, &id);
	if (!err)
		err = call_ids(FN_cuGraphDestroyNode, id, NULL);
	if (!err)
		cu_node_unmint(id);
	return err;
}

/* ---- Structure ---- */

static CUresult change_edges(enum cu_function_id function, CUgraph hGraph, const CUgraphNode *from,
			     const CUgraphNode *to, const CUgraphEdgeData *data, size_t count)
{
	u64 graph;
	CUresult err = cu_id_of_graph(hGraph, &graph);
	if (!err && count && (!from || !to))
		err = CUDA_ERROR_INVALID_VALUE;
	while (!err && count) {
		struct cu_call call;
		graph_edges edges;
		size_t some = count < CU_EDGES_MAX ? count : CU_EDGES_MAX;
		err = cu_edges_encode(from, to, data, some, &edges);
		if (!err)
			err = cu_call_begin(&call, function);
		if (!err)
			err = cu_call_end(&call, xdr_u64(call.args, &graph) && xdr_graph_edges(call.args, &edges));
		cu_edges_free(&edges);
		from += some;
		to += some;
		data = data ? data + some : NULL;
		count -= some;
	}
	return err;
}

CUresult client_cuGraphAddDependencies_v2(CUgraph hGraph, const CUgraphNode *from, const CUgraphNode *to,
					  const CUgraphEdgeData *edgeData, size_t numDependencies)
{
	return change_edges(FN_cuGraphAddDependencies_v2, hGraph, from, to, edgeData, numDependencies);
}

CUresult client_cuGraphRemoveDependencies_v2(CUgraph hGraph, const CUgraphNode *from, const CUgraphNode *to,
					     const CUgraphEdgeData *edgeData, size_t numDependencies)
{
	return change_edges(FN_cuGraphRemoveDependencies_v2, hGraph, from, to, edgeData, numDependencies);
}

static CUresult query(u64 object, u64 graph, graph_question question, graph_edges *edges)
{
	struct cu_call call;
	*edges = (graph_edges){{0, NULL}};
	CUresult err = cu_call_begin(&call, FN_cricketGraphQuery);
	if (err)
		return err;
	err = cu_call_result(&call, xdr_u64(call.args, &object) && xdr_graph_question(call.args, &question),
			     (xdrproc_t)xdr_graph_edges, edges);
	return err ? err : cu_edges_enter(edges, graph);
}

static bool has_data(const graph_edge *edge)
{
	for (size_t i = 0; i < sizeof(edge->data); i++)
		if (edge->data[i])
			return true;
	return false;
}

/* Fills the program's arrays as CUDA does: what is too much for them is left out, what is left over is zero, and
   without an array for edge data there must be none. */
static CUresult give(const graph_edges *edges, CUgraphNode *from, CUgraphNode *to, CUgraphEdgeData *data, size_t *count)
{
	size_t there = edges->edges.edges_len;
	for (size_t i = 0; from && i < *count; i++) {
		const graph_edge none = {0}, *edge = i < there ? &edges->edges.edges_val[i] : &none;
		if (!data && has_data(edge))
			return CUDA_ERROR_LOSSY_QUERY;
		from[i] = cu_handle(edge->from);
		if (to)
			to[i] = cu_handle(edge->to);
		if (data)
			memcpy(&data[i], edge->data, sizeof(edge->data));
	}
	if (!from || *count > there)
		*count = there;
	return CUDA_SUCCESS;
}

static CUresult ask(u64 object, u64 graph, graph_question question, CUgraphNode *from, CUgraphNode *to,
		    CUgraphEdgeData *data, size_t *count)
{
	graph_edges edges;
	if (!count)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = query(object, graph, question, &edges);
	if (!err)
		err = give(&edges, from, to, data, count);
	xdr_free((xdrproc_t)xdr_graph_edges, &edges);
	return err;
}

CUresult client_cuGraphGetNodes(CUgraph hGraph, CUgraphNode *nodes, size_t *numNodes)
{
	u64 graph;
	CUresult err = cu_id_of_graph(hGraph, &graph);
	return err ? err : ask(graph, graph, GRAPH_NODES, nodes, NULL, NULL, numNodes);
}

CUresult client_cuGraphGetRootNodes(CUgraph hGraph, CUgraphNode *rootNodes, size_t *numRootNodes)
{
	u64 graph;
	CUresult err = cu_id_of_graph(hGraph, &graph);
	return err ? err : ask(graph, graph, GRAPH_ROOTS, rootNodes, NULL, NULL, numRootNodes);
}

CUresult client_cuGraphGetEdges_v2(CUgraph hGraph, CUgraphNode *from, CUgraphNode *to, CUgraphEdgeData *edgeData,
				   size_t *numEdges)
{
	u64 graph;
	CUresult err = cu_id_of_graph(hGraph, &graph);
	if (!err && (from == NULL) != (to == NULL))
		err = CUDA_ERROR_INVALID_VALUE;
	return err ? err : ask(graph, graph, GRAPH_EDGES, from, to, edgeData, numEdges);
}

static CUresult ask_node(CUgraphNode hNode, graph_question question, CUgraphNode *nodes, CUgraphEdgeData *data,
			 size_t *count)
{
	u64 node, graph;
	CUresult err = cu_id_of_node(hNode, &node);
	if (!err)
		err = cu_graph_of_node(hNode, &graph);
	return err ? err : ask(node, graph, question, nodes, NULL, data, count);
}

CUresult client_cuGraphNodeGetDependencies_v2(CUgraphNode hNode, CUgraphNode *dependencies, CUgraphEdgeData *edgeData,
					      size_t *numDependencies)
{
	return ask_node(hNode, GRAPH_DEPENDENCIES, dependencies, edgeData, numDependencies);
}

CUresult client_cuGraphNodeGetDependentNodes_v2(CUgraphNode hNode, CUgraphNode *dependentNodes,
						CUgraphEdgeData *edgeData, size_t *numDependentNodes)
{
	return ask_node(hNode, GRAPH_DEPENDENTS, dependentNodes, edgeData, numDependentNodes);
}
