#include "graph.h"

#include <search.h>
#include <stdlib.h>

#include "handles.h"

/* ---- Ids ---- */

static bool is_found(u64 id)
{
	enum cr_kind kind = cr_handle_kind(id);
	return kind == CR_KIND_FOUND_GRAPH || kind == CR_KIND_FOUND_NODE;
}

static void *find(struct srv_call *call, u64 id, enum cr_kind minted, enum cr_kind found)
{
	struct srv_object object;
	return srv_object_get(call->session, is_found(id) ? found : minted, id, &object) ? object.handle : NULL;
}

struct srv_graph *srv_graph_find(struct srv_call *call, u64 id)
{
	return find(call, id, CR_KIND_GRAPH, CR_KIND_FOUND_GRAPH);
}

struct srv_node *srv_node_find(struct srv_call *call, u64 id)
{
	return find(call, id, CR_KIND_GRAPH_NODE, CR_KIND_FOUND_NODE);
}

/* Enters an object under the client's id, or mints one; the id, or 0 and *err. */
static u64 enter(struct srv_call *call, void *what, u64 id, enum cr_kind minted, enum cr_kind found, CUresult *err)
{
	const struct srv_object object = {.handle = what};
	if (!id)
		return srv_object_add(call->session, found, &object, err);
	*err = srv_object_enter(call->session, minted, id, &object);
	return *err ? 0 : id;
}

static void leave(struct srv_call *call, u64 id)
{
	srv_object_remove(call->session, cr_handle_kind(id), id);
}

/* ---- Names ---- */

static int compare(const void *a, const void *b)
{
	const void *first = ((const struct srv_name *)a)->handle, *second = ((const struct srv_name *)b)->handle;
	return first < second ? -1 : first > second;
}

static struct srv_name *find_name(struct srv_graphs *graphs, const void *handle)
{
	const struct srv_name key = {.handle = handle};
	struct srv_name **found = tfind(&key, &graphs->names, compare);
	return found ? *found : NULL;
}

static bool add_name(struct srv_graphs *graphs, struct srv_name *name)
{
	struct srv_name **added = tsearch(name, &graphs->names, compare);
	return added && *added == name;
}

/* ---- Graphs ---- */

struct srv_graph *srv_graph_enter(struct srv_call *call, CUgraph handle, u64 id, struct srv_graph *parent,
				  CUresult *err)
{
	struct srv_graphs *graphs = &call->session->graphs;
	struct srv_name *known = find_name(graphs, handle);
	*err = CUDA_SUCCESS;
	if (known)
		return known->graph;
	struct srv_graph *graph = calloc(1, sizeof(*graph));
	*err = CUDA_ERROR_OUT_OF_MEMORY;
	if (!graph)
		return NULL;
	graph->name = (struct srv_name){.handle = handle, .graph = graph};
	graph->parent = parent;
	graph->id = enter(call, graph, id, CR_KIND_GRAPH, CR_KIND_FOUND_GRAPH, err);
	if (!graph->id || !add_name(graphs, &graph->name)) {
		if (graph->id)
			leave(call, graph->id);
		free(graph);
		return NULL;
	}
	graph->next = graphs->first;
	graphs->first = graph;
	*err = CUDA_SUCCESS;
	return graph;
}

/* The first graph that `graph` is the parent of, or, if that is NULL, the first one of `node`. */
static struct srv_graph *find_child(struct srv_graphs *graphs, const struct srv_graph *graph,
				    const struct srv_node *node)
{
	struct srv_graph *child = graphs->first;
	while (child && (graph ? child->parent != graph : child->owner != node))
		child = child->next;
	return child;
}

void srv_graph_forget(struct srv_call *call, struct srv_graph *graph)
{
	struct srv_graphs *graphs = &call->session->graphs;
	for (struct srv_graph *child; (child = find_child(graphs, graph, NULL));)
		srv_graph_forget(call, child);
	while (graph->nodes)
		srv_node_forget(call, graph->nodes);
	struct srv_graph **link = &graphs->first;
	while (*link != graph)
		link = &(*link)->next;
	*link = graph->next;
	tdelete(&graph->name, &graphs->names, compare);
	leave(call, graph->id);
	free(graph);
}

/* ---- Nodes ---- */

static bool is_double(const struct srv_node *node)
{
	return node->entry.handle != node->exit.handle;
}

static void delete_names(struct srv_graphs *graphs, struct srv_node *node)
{
	tdelete(&node->exit, &graphs->names, compare);
	if (is_double(node))
		tdelete(&node->entry, &graphs->names, compare);
}

struct srv_node *srv_node_enter(struct srv_call *call, struct srv_graph *graph, CUgraphNode entry, CUgraphNode exit,
				u64 id, CUresult *err)
{
	struct srv_graphs *graphs = &call->session->graphs;
	struct srv_name *known = find_name(graphs, exit);
	*err = CUDA_SUCCESS;
	if (known)
		return known->node;
	struct srv_node *node = calloc(1, sizeof(*node));
	*err = CUDA_ERROR_OUT_OF_MEMORY;
	if (!node)
		return NULL;
	node->entry = (struct srv_name){.handle = entry, .node = node};
	node->exit = (struct srv_name){.handle = exit, .node = node};
	node->graph = graph;
	node->id = enter(call, node, id, CR_KIND_GRAPH_NODE, CR_KIND_FOUND_NODE, err);
	if (!node->id || !add_name(graphs, &node->exit) || (is_double(node) && !add_name(graphs, &node->entry))) {
		if (node->id) {
			leave(call, node->id);
			delete_names(graphs, node);
		}
		free(node);
		return NULL;
	}
	node->next = graph->nodes;
	graph->nodes = node;
	*err = CUDA_SUCCESS;
	return node;
}

void srv_node_forget(struct srv_call *call, struct srv_node *node)
{
	for (struct srv_graph *child; (child = find_child(&call->session->graphs, NULL, node));)
		srv_graph_forget(call, child);
	struct srv_node **link = &node->graph->nodes;
	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	delete_names(&call->session->graphs, node);
	leave(call, node->id);
	free(node->bodies);
	free(node);
}

/* ---- Works ---- */

static void CUDA_CB destroy_work(void *work)
{
	struct srv_host_work *destroyed = work;
	if (destroyed->function)
		srv_host_forget(destroyed->session, destroyed->function);
	srv_host_work_free(destroyed);
}

void srv_graph_set_tasks(struct srv_graph *graph)
{
	for (; graph; graph = graph->parent)
		graph->tasks = true;
}

/* The driver counts who needs the work; where it cannot, the session keeps it. What is in a node's graph belongs to
   the whole, which instances are made of. */
void srv_graph_own_work(struct srv_graph *graph, struct srv_host_work *work)
{
	CUuserObject object;
	srv_graph_set_tasks(graph);
	while (graph->parent)
		graph = graph->parent;
	if (SRV_DRIVER(cuUserObjectCreate, &object, work, destroy_work, 1, CU_USER_OBJECT_NO_DESTRUCTOR_SYNC)) {
		srv_host_work_keep(work);
		return;
	}
	if (SRV_DRIVER(cuGraphRetainUserObject, srv_graph_handle(graph), object, 1, CU_GRAPH_USER_OBJECT_MOVE))
		(void)SRV_DRIVER(cuUserObjectRelease, object, 1); /* the graph is none any more */
}

/* ---- The end ---- */

static void ignore(void *name)
{
	(void)name;
}

void srv_graphs_free(struct srv_graphs *graphs)
{
	tdestroy(graphs->names, ignore);
	while (graphs->first) {
		struct srv_graph *graph = graphs->first;
		graphs->first = graph->next;
		while (graph->nodes) {
			struct srv_node *node = graph->nodes;
			graph->nodes = node->next;
			free(node->bodies);
			free(node);
		}
		free(graph);
	}
}
