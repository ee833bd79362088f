/* Graphs, their nodes and instances. */
#include <stdlib.h>
#include <string.h>

#include "graph_node.h"
#include "handlers.h"
#include "handles.h"
#include "serve_graph.h"

/* ---- Edges ---- */

static bool has_data(const graph_edges *edges)
{
	static const char none[sizeof(edges->edges.edges_val->data)];
	for (u_int i = 0; i < edges->edges.edges_len; i++)
		if (memcmp(edges->edges.edges_val[i].data, none, sizeof(none)) != 0)
			return true;
	return false;
}

CUresult srv_edges_translate(struct srv_call *call, const graph_edges *edges, struct srv_edges *result)
{
	u_int count = edges->edges.edges_len;
	*result = (struct srv_edges){.count = count, .from = calloc(count + 1, sizeof(*result->from))};
	result->to = calloc(count + 1, sizeof(*result->to));
	result->data = has_data(edges) ? calloc(count, sizeof(*result->data)) : NULL;
	if (!result->from || !result->to || (has_data(edges) && !result->data))
		return CUDA_ERROR_OUT_OF_MEMORY;
	for (u_int i = 0; i < count; i++) {
		const graph_edge *edge = &edges->edges.edges_val[i];
		const struct srv_node *from = srv_node_find(call, edge->from);
		const struct srv_node *to = edge->to ? srv_node_find(call, edge->to) : NULL;
		if (!from || (edge->to && !to))
			return CUDA_ERROR_INVALID_VALUE;
		result->from[i] = srv_node_exit(from);
		result->to[i] = to ? srv_node_entry(to) : NULL;
		_Static_assert(sizeof(CUgraphEdgeData) == sizeof(edge->data), "the ABI fixes this size");
		if (result->data)
			memcpy(&result->data[i], edge->data, sizeof(edge->data));
	}
	return CUDA_SUCCESS;
}

void srv_edges_free(struct srv_edges *edges)
{
	free(edges->from);
	free(edges->to);
	free(edges->data);
}

/* ---- Graphs ---- */

bool serve_cuGraphCreate(struct srv_call *call)
{
	u64 id;
	u_int flags;
	CUgraph graph = NULL;
	if (!xdr_u64(call->args, &id) || !xdr_u_int(call->args, &flags))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = SRV_DRIVER(cuGraphCreate, &graph, flags);
	if (!err && !srv_graph_enter(call, graph, id, NULL, &err))
		(void)SRV_DRIVER(cuGraphDestroy, graph);
	return srv_reply(call, err);
}

/* A call about one thing, with no result but an error. */
static bool serve_id(struct srv_call *call, CUresult (*act)(struct srv_call *call, u64 id))
{
	u64 id;
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = act(call, id);
	return srv_reply(call, err);
}

static CUresult destroy(struct srv_call *call, u64 id)
{
	struct srv_graph *graph = srv_graph_find(call, id);
	if (!graph || graph->parent)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = SRV_DRIVER(cuGraphDestroy, srv_graph_handle(graph));
	if (!err)
		srv_graph_forget(call, graph);
	return err;
}

bool serve_cuGraphDestroy(struct srv_call *call)
{
	return serve_id(call, destroy);
}

/* A copy with host memory stays one node in the clone. */
static CUresult clone_node(struct srv_call *call, const struct srv_node *node, struct srv_graph *clone, u64 id,
			   u64 *found)
{
	CUgraphNode entry = NULL, exit = NULL;
	CUresult err = SRV_DRIVER(cuGraphNodeFindInClone, &exit, srv_node_exit(node), srv_graph_handle(clone));
	if (!err)
		err = SRV_DRIVER(cuGraphNodeFindInClone, &entry, srv_node_entry(node), srv_graph_handle(clone));
	struct srv_node *copy = err ? NULL : srv_node_enter(call, clone, entry, exit, id, &err);
	if (!copy)
		return err;
	copy->copy = node->copy;
	copy->work = node->work;
	copy->function = node->function;
	if (found)
		*found = copy->id;
	return CUDA_SUCCESS;
}

static CUresult clone_graph(struct srv_call *call, u64 clone_id, u64 id)
{
	CUgraph handle = NULL;
	struct srv_graph *graph = srv_graph_find(call, id);
	if (!graph)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = SRV_DRIVER(cuGraphClone, &handle, srv_graph_handle(graph));
	struct srv_graph *copy = err ? NULL : srv_graph_enter(call, handle, clone_id, NULL, &err);
	if (!copy)
		return err;
	copy->tasks = graph->tasks;
	for (const struct srv_node *node = graph->nodes; node && !err; node = node->next)
		if (node->copy.width)
			err = clone_node(call, node, copy, 0, NULL);
	return err;
}

bool serve_cuGraphClone(struct srv_call *call)
{
	u64 id, original;
	if (!xdr_u64(call->args, &id) || !xdr_u64(call->args, &original))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = clone_graph(call, id, original);
	return srv_reply(call, err);
}

static CUresult find_in_clone(struct srv_call *call, u64 node_id, u64 graph_id, u64 *found)
{
	const struct srv_node *node = srv_node_find(call, node_id);
	struct srv_graph *graph = srv_graph_find(call, graph_id);
	return node && graph ? clone_node(call, node, graph, 0, found) : CUDA_ERROR_INVALID_VALUE;
}

bool serve_cuGraphNodeFindInClone(struct srv_call *call)
{
	u64 node, graph, found = 0;
	if (!xdr_u64(call->args, &node) || !xdr_u64(call->args, &graph))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = find_in_clone(call, node, graph, &found);
	return srv_reply(call, err) && (err || xdr_u64(call->result, &found));
}

bool serve_cuGraphChildGraphNodeGetGraph(struct srv_call *call)
{
	u64 id;
	node_params params = {0};
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	struct srv_node *node = err ? NULL : srv_node_find(call, id);
	if (!err)
		err = node ? srv_node_describe(call, node, &params) : CUDA_ERROR_INVALID_VALUE;
	if (!err && params.type != CU_GRAPH_NODE_TYPE_GRAPH)
		err = CUDA_ERROR_INVALID_VALUE;
	u64 graph = err ? 0 : params.node_params_u.graph;
	xdr_free((xdrproc_t)xdr_node_params, &params);
	return srv_reply(call, err) && (err || xdr_u64(call->result, &graph));
}

static CUresult make_condition(struct srv_call *call, u64 graph_id, u64 context_id, unsigned value, unsigned flags,
			       u64 *made)
{
	CUgraphConditionalHandle handle = 0;
	CUcontext context = call->worker->context;
	const struct srv_graph *graph = srv_graph_find(call, graph_id);
	CUresult err = graph ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
	if (!err && context_id)
		err = srv_find_context(call, context_id, &context);
	if (!err)
		err =
		    SRV_DRIVER(cuGraphConditionalHandleCreate, &handle, srv_graph_handle(graph), context, value, flags);
	*made = handle;
	return err;
}

bool serve_cuGraphConditionalHandleCreate(struct srv_call *call)
{
	u64 graph, context, made = 0;
	u_int value, flags;
	if (!xdr_u64(call->args, &graph) || !xdr_u64(call->args, &context) || !xdr_u_int(call->args, &value) ||
	    !xdr_u_int(call->args, &flags))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = make_condition(call, graph, context, value, flags, &made);
	return srv_reply(call, err) && (err || xdr_u64(call->result, &made));
}

/* ---- Nodes ---- */

static CUresult add_one(CUgraph graph, const CUgraphNode *from, const CUgraphEdgeData *data, size_t count,
			CUgraphNodeParams *params, CUgraphNode *added)
{
	return SRV_DRIVER(cuGraphAddNode_v2, added, graph, count ? from : NULL, data, count, params);
}

/* Adds the plan's nodes to the driver's graph, or none. */
static CUresult add_planned(struct srv_graph *graph, const struct srv_edges *edges, struct srv_node_plan *plan,
			    CUgraphNode added[2])
{
	CUgraph handle = srv_graph_handle(graph);
	CUresult err = add_one(handle, edges->from, edges->data, edges->count, &plan->params[0], &added[0]);
	added[1] = added[0];
	if (err || plan->count == 1)
		return err;
	err = add_one(handle, &added[0], NULL, 1, &plan->params[1], &added[1]);
	if (err)
		(void)SRV_DRIVER(cuGraphDestroyNode, added[0]);
	return err;
}

/* The graphs that the driver has made for a conditional node. */
static CUresult enter_bodies(struct srv_call *call, struct srv_node *node, const CUDA_CONDITIONAL_NODE_PARAMS *made)
{
	CUresult err = CUDA_SUCCESS;
	node->bodies = calloc(made->size, sizeof(*node->bodies));
	if (!node->bodies)
		return CUDA_ERROR_OUT_OF_MEMORY;
	for (unsigned i = 0; i < made->size; i++) {
		struct srv_graph *body = srv_graph_enter(call, made->phGraph_out[i], 0, node->graph, &err);
		if (!body)
			return err;
		body->owner = node;
		node->bodies[node->body_count++] = body->id;
	}
	return CUDA_SUCCESS;
}

static CUresult add_node(struct srv_call *call, struct srv_graph *graph, u64 id, const struct srv_edges *edges,
			 const node_params *wanted)
{
	struct srv_node_plan plan;
	CUgraphNode added[2];
	CUresult err = srv_node_plan(call, wanted, &plan);
	if (!err)
		err = add_planned(graph, edges, &plan, added);
	if (err) {
		if (plan.work)
			srv_host_work_free(plan.work);
		return err;
	}
	if (plan.work)
		srv_graph_own_work(graph, plan.work);
	struct srv_node *node = srv_node_enter(call, graph, added[0], added[1], id, &err);
	if (!node)
		return err;
	node->copy = plan.copy;
	node->work = plan.work;
	const struct srv_graph *child =
	    wanted->type == CU_GRAPH_NODE_TYPE_GRAPH ? srv_graph_find(call, wanted->node_params_u.graph) : NULL;
	if (child && child->tasks)
		srv_graph_set_tasks(graph);
	if (wanted->type != CU_GRAPH_NODE_TYPE_CONDITIONAL)
		return CUDA_SUCCESS;
	return enter_bodies(call, node, &plan.params[0].conditional);
}

bool serve_cuGraphAddNode_v2(struct srv_call *call)
{
	u64 graph_id, id;
	graph_edges wire = {0};
	node_params wanted = {0};
	struct srv_edges edges = {0};
	bool decoded = xdr_u64(call->args, &graph_id) && xdr_u64(call->args, &id) &&
		       xdr_graph_edges(call->args, &wire) && xdr_node_params(call->args, &wanted);
	if (decoded) {
		CUresult err = srv_begin(call);
		struct srv_graph *graph = err ? NULL : srv_graph_find(call, graph_id);
		if (!err)
			err = graph ? srv_edges_translate(call, &wire, &edges) : CUDA_ERROR_INVALID_VALUE;
		if (!err)
			err = add_node(call, graph, id, &edges, &wanted);
		decoded = srv_reply(call, err);
		srv_edges_free(&edges);
	}
	xdr_free((xdrproc_t)xdr_graph_edges, &wire);
	xdr_free((xdrproc_t)xdr_node_params, &wanted);
	return decoded;
}

static CUresult set_one(CUgraphExec exec, CUgraphNode node, CUgraphNodeParams *params)
{
	return exec ? SRV_DRIVER(cuGraphExecNodeSetParams, exec, node, params)
		    : SRV_DRIVER(cuGraphNodeSetParams, node, params);
}

/* The driver's nodes stay; so a copy must have host memory where it had some before. */
static CUresult set_params(struct srv_call *call, CUgraphExec exec, struct srv_node *node, const node_params *wanted)
{
	struct srv_node_plan plan;
	CUresult err = srv_node_plan(call, wanted, &plan);
	bool two = node->entry.handle != node->exit.handle;
	if (!err && (two != (plan.count == 2) || (two && plan.work->kind != node->work->kind)))
		err = CUDA_ERROR_NOT_SUPPORTED;
	if (!err && two)
		err = set_one(exec, srv_node_entry(node), &plan.params[0]);
	if (!err)
		err = set_one(exec, srv_node_exit(node), &plan.params[plan.count - 1]);
	if (plan.work && err)
		srv_host_work_free(plan.work);
	else if (plan.work)
		srv_host_work_keep(plan.work); /* an instance does not count who needs it */
	if (!err && !exec) {
		node->copy = plan.copy;
		node->work = plan.work;
	}
	return err;
}

bool serve_cuGraphNodeSetParams(struct srv_call *call)
{
	u64 id;
	node_params wanted = {0};
	bool decoded = xdr_u64(call->args, &id) && xdr_node_params(call->args, &wanted);
	if (decoded) {
		CUresult err = srv_begin(call);
		struct srv_node *node = err ? NULL : srv_node_find(call, id);
		if (!err)
			err = node ? set_params(call, NULL, node, &wanted) : CUDA_ERROR_INVALID_VALUE;
		decoded = srv_reply(call, err);
	}
	xdr_free((xdrproc_t)xdr_node_params, &wanted);
	return decoded;
}

bool serve_cuGraphExecNodeSetParams(struct srv_call *call)
{
	u64 exec_id, id;
	CUgraphExec exec = NULL;
	node_params wanted = {0};
	bool decoded =
	    xdr_u64(call->args, &exec_id) && xdr_u64(call->args, &id) && xdr_node_params(call->args, &wanted);
	if (decoded) {
		CUresult err = srv_begin(call);
		if (!err)
			err = srv_find_graph_exec(call, exec_id, &exec);
		struct srv_node *node = err ? NULL : srv_node_find(call, id);
		if (!err)
			err = node ? set_params(call, exec, node, &wanted) : CUDA_ERROR_INVALID_VALUE;
		decoded = srv_reply(call, err);
	}
	xdr_free((xdrproc_t)xdr_node_params, &wanted);
	return decoded;
}

bool serve_cricketGraphNodeParams(struct srv_call *call)
{
	u64 id;
	node_params params = {0};
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	struct srv_node *node = err ? NULL : srv_node_find(call, id);
	if (!err)
		err = node ? srv_node_describe(call, node, &params) : CUDA_ERROR_INVALID_VALUE;
	bool encoded = srv_reply(call, err) && (err || xdr_node_params(call->result, &params));
	xdr_free((xdrproc_t)xdr_node_params, &params);
	return encoded;
}

static CUresult destroy_node(struct srv_call *call, u64 id)
{
	struct srv_node *node = srv_node_find(call, id);
	if (!node)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = SRV_DRIVER(cuGraphDestroyNode, srv_node_exit(node));
	if (!err && node->entry.handle != node->exit.handle)
		err = SRV_DRIVER(cuGraphDestroyNode, srv_node_entry(node));
	if (!err)
		srv_node_forget(call, node);
	return err;
}

bool serve_cuGraphDestroyNode(struct srv_call *call)
{
	return serve_id(call, destroy_node);
}

/* ---- Dependencies ---- */

static bool serve_edges(struct srv_call *call, bool add)
{
	u64 id;
	graph_edges wire = {0};
	struct srv_edges edges = {0};
	bool decoded = xdr_u64(call->args, &id) && xdr_graph_edges(call->args, &wire);
	if (decoded) {
		CUresult err = srv_begin(call);
		const struct srv_graph *graph = err ? NULL : srv_graph_find(call, id);
		if (!err)
			err = graph ? srv_edges_translate(call, &wire, &edges) : CUDA_ERROR_INVALID_VALUE;
		if (!err && add)
			err = SRV_DRIVER(cuGraphAddDependencies_v2, srv_graph_handle(graph), edges.from, edges.to,
					 edges.data, edges.count);
		else if (!err)
			err = SRV_DRIVER(cuGraphRemoveDependencies_v2, srv_graph_handle(graph), edges.from, edges.to,
					 edges.data, edges.count);
		decoded = srv_reply(call, err);
		srv_edges_free(&edges);
	}
	xdr_free((xdrproc_t)xdr_graph_edges, &wire);
	return decoded;
}

bool serve_cuGraphAddDependencies_v2(struct srv_call *call)
{
	return serve_edges(call, true);
}

bool serve_cuGraphRemoveDependencies_v2(struct srv_call *call)
{
	return serve_edges(call, false);
}
