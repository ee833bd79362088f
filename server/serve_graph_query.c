/* Questions about graphs: the driver's handles become the client's. */
#include <stdlib.h>
#include <string.h>

#include "handlers.h"
#include "handles.h"
#include "serve_graph.h"

/* ---- From handles to ids ---- */

static CUresult describe_edge(struct srv_call *call, struct srv_graph *graph, const struct srv_edges *edges, size_t i,
			      graph_edge *edge)
{
	CUresult err;
	const struct srv_node *from = srv_node_enter(call, graph, edges->from[i], edges->from[i], 0, &err), *to = NULL;
	if (from && edges->to)
		to = srv_node_enter(call, graph, edges->to[i], edges->to[i], 0, &err);
	if (err)
		return err;
	memset(edge, 0, sizeof(*edge));
	/* Within a node of the client's there is no edge, and its entry is not a second node. */
	bool inner = edges->to ? from == to : edges->from[i] != srv_node_exit(from);
	edge->from = inner ? 0 : from->id;
	edge->to = to ? to->id : 0;
	if (edges->data)
		memcpy(edge->data, &edges->data[i], sizeof(edge->data));
	return CUDA_SUCCESS;
}

CUresult srv_edges_describe(struct srv_call *call, struct srv_graph *graph, const struct srv_edges *edges,
			    graph_edges *result)
{
	if (edges->count > CUDA_GRAPH_EDGES_MAX)
		return CUDA_ERROR_NOT_SUPPORTED;
	result->edges.edges_val = calloc(edges->count + 1, sizeof(graph_edge));
	if (!result->edges.edges_val)
		return CUDA_ERROR_OUT_OF_MEMORY;
	for (size_t i = 0; i < edges->count; i++) {
		graph_edge *edge = &result->edges.edges_val[result->edges.edges_len];
		CUresult err = describe_edge(call, graph, edges, i, edge);
		if (err)
			return err;
		result->edges.edges_len += edge->from != 0;
	}
	return CUDA_SUCCESS;
}

/* ---- What the driver says ---- */

static CUresult ask_driver(graph_question question, const struct srv_graph *graph, const struct srv_node *node,
			   struct srv_edges *edges)
{
	switch (question) {
	case GRAPH_NODES:
		return SRV_DRIVER(cuGraphGetNodes, srv_graph_handle(graph), edges->from, &edges->count);
	case GRAPH_ROOTS:
		return SRV_DRIVER(cuGraphGetRootNodes, srv_graph_handle(graph), edges->from, &edges->count);
	case GRAPH_EDGES:
		return SRV_DRIVER(cuGraphGetEdges_v2, srv_graph_handle(graph), edges->from, edges->to, edges->data,
				  &edges->count);
	case GRAPH_DEPENDENCIES:
		return SRV_DRIVER(cuGraphNodeGetDependencies_v2, srv_node_entry(node), edges->from, edges->data,
				  &edges->count);
	case GRAPH_DEPENDENTS:
		return SRV_DRIVER(cuGraphNodeGetDependentNodes_v2, srv_node_exit(node), edges->from, edges->data,
				  &edges->count);
	}
	return CUDA_ERROR_INVALID_VALUE;
}

static bool allocate(struct srv_edges *edges, bool both_ends)
{
	edges->from = calloc(edges->count + 1, sizeof(*edges->from));
	edges->to = both_ends ? calloc(edges->count + 1, sizeof(*edges->to)) : NULL;
	edges->data = calloc(edges->count + 1, sizeof(*edges->data));
	return edges->from && edges->data && (edges->to || !both_ends);
}

/* The entry of a root is its name here; a dependent is known by its entry, too. */
static CUresult answer(struct srv_call *call, u64 id, graph_question question, graph_edges *result)
{
	bool of_node = question == GRAPH_DEPENDENCIES || question == GRAPH_DEPENDENTS;
	struct srv_node *node = of_node ? srv_node_find(call, id) : NULL;
	struct srv_graph *graph = of_node ? node ? node->graph : NULL : srv_graph_find(call, id);
	struct srv_edges edges = {0};
	if (!graph)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = ask_driver(question, graph, node, &edges);
	if (!err && edges.count && !allocate(&edges, question == GRAPH_EDGES))
		err = CUDA_ERROR_OUT_OF_MEMORY;
	if (!err && edges.count)
		err = ask_driver(question, graph, node, &edges);
	if (!err && (question == GRAPH_ROOTS || question == GRAPH_DEPENDENTS))
		for (size_t i = 0; i < edges.count && !err; i++) {
			const struct srv_node *named =
			    srv_node_enter(call, graph, edges.from[i], edges.from[i], 0, &err);
			edges.from[i] = named ? srv_node_exit(named) : NULL;
		}
	if (!err)
		err = srv_edges_describe(call, graph, &edges, result);
	srv_edges_free(&edges);
	return err;
}

bool serve_cricketGraphQuery(struct srv_call *call)
{
	u64 id;
	graph_question question;
	graph_edges result = {0};
	if (!xdr_u64(call->args, &id) || !xdr_graph_question(call->args, &question))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = answer(call, id, question, &result);
	bool encoded = srv_reply(call, err) && (err || xdr_graph_edges(call->result, &result));
	xdr_free((xdrproc_t)xdr_graph_edges, &result);
	return encoded;
}
