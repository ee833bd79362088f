#include "graph.h"

#include <stdlib.h>
#include <string.h>

static enum cr_kind kind_of(u64 id, enum cr_kind minted, enum cr_kind found)
{
	return cr_handle_kind(id) == found ? found : minted;
}

static struct cu_graph *find_graph(u64 id)
{
	return cu_object(kind_of(id, CR_KIND_GRAPH, CR_KIND_FOUND_GRAPH), cu_handle(id));
}

static struct cu_node *find_node(u64 id)
{
	return cu_object(kind_of(id, CR_KIND_GRAPH_NODE, CR_KIND_FOUND_NODE), cu_handle(id));
}

CUresult cu_id_of_graph(CUgraph handle, u64 *id)
{
	*id = (uintptr_t)handle;
	cu_objects_lock_shared();
	bool found = find_graph(*id) != NULL;
	cu_objects_unlock();
	return found ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cu_graph_of_node(CUgraphNode handle, u64 *graph)
{
	cu_objects_lock_shared();
	const struct cu_node *node = find_node((uintptr_t)handle);
	*graph = node ? node->graph : 0;
	cu_objects_unlock();
	return *graph ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cu_id_of_node(CUgraphNode handle, u64 *id)
{
	u64 graph;
	*id = (uintptr_t)handle;
	return cu_graph_of_node(handle, &graph);
}

CUresult cu_id_of_graph_exec(CUgraphExec handle, u64 *id)
{
	*id = (uintptr_t)handle;
	cu_objects_lock_shared();
	bool found = cu_object(CR_KIND_GRAPH_EXEC, handle) != NULL;
	cu_objects_unlock();
	return found ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cu_id_of_user_object(CUuserObject handle, u64 *id)
{
	*id = (uintptr_t)handle;
	cu_objects_lock_shared();
	bool found = cu_object(CR_KIND_USER_OBJECT, handle) != NULL;
	cu_objects_unlock();
	return found ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/* ---- Graphs ---- */

/* Under the lock for writing: under `id`, or under a new one if that is 0; the id, or 0. */
static u64 add_graph(u64 id, u64 owner)
{
	struct cu_graph *graph = calloc(1, sizeof(*graph));
	if (!graph)
		return 0;
	const struct cu_node *node = owner ? find_node(owner) : NULL;
	graph->parent = node ? node->graph : 0;
	graph->owner = owner;
	if (!id)
		id = cu_object_add(CR_KIND_GRAPH, graph);
	else if (!cu_object_enter(cr_handle_kind(id), id, graph))
		id = 0;
	graph->id = id;
	if (!id)
		free(graph);
	return id;
}

CUresult cu_graph_mint(u64 *id)
{
	cu_objects_lock();
	*id = add_graph(0, 0);
	cu_objects_unlock();
	return *id ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult cu_graph_enter(u64 id, u64 owner)
{
	cu_objects_lock();
	bool known = find_graph(id) || (cr_handle_kind(id) == CR_KIND_FOUND_GRAPH && add_graph(id, owner));
	cu_objects_unlock();
	return known ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

static void free_node(struct cu_node *node)
{
	cu_object_remove(cr_handle_kind(node->id), cu_handle(node->id));
	free(node->kept);
	free(node);
}

static bool is_owned(const void *object, u64 owner)
{
	return ((const struct cu_graph *)object)->owner == owner;
}

static bool is_child(const void *object, u64 parent)
{
	return ((const struct cu_graph *)object)->parent == parent;
}

/* Under the lock for writing. */
static void remove_graph(u64 id)
{
	struct cu_graph *graph = find_graph(id);
	if (!graph)
		return;
	for (u64 child; (child = cu_object_search(CR_KIND_FOUND_GRAPH, is_child, id));)
		remove_graph(child);
	while (graph->nodes) {
		struct cu_node *node = graph->nodes;
		graph->nodes = node->next;
		free_node(node);
	}
	cu_object_remove(cr_handle_kind(id), cu_handle(id));
	free(graph);
}

void cu_graph_unmint(u64 id)
{
	cu_objects_lock();
	remove_graph(id);
	cu_objects_unlock();
}

/* ---- Nodes ---- */

/* Under the lock for writing; as add_graph. */
static u64 add_node(u64 id, u64 graph_id)
{
	struct cu_graph *graph = find_graph(graph_id);
	struct cu_node *node = graph ? calloc(1, sizeof(*node)) : NULL;
	if (!node)
		return 0;
	if (!id)
		id = cu_object_add(CR_KIND_GRAPH_NODE, node);
	else if (!cu_object_enter(cr_handle_kind(id), id, node))
		id = 0;
	*node = (struct cu_node){.next = graph->nodes, .id = id, .graph = graph_id};
	if (id)
		graph->nodes = node;
	else
		free(node);
	return id;
}

CUresult cu_node_mint(u64 graph, u64 *id)
{
	cu_objects_lock();
	*id = add_node(0, graph);
	cu_objects_unlock();
	return *id ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult cu_node_enter(u64 id, u64 graph)
{
	cu_objects_lock();
	bool known = find_node(id) || (cr_handle_kind(id) == CR_KIND_FOUND_NODE && add_node(id, graph));
	cu_objects_unlock();
	return known ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

void cu_node_unmint(u64 id)
{
	cu_objects_lock();
	struct cu_node *node = find_node(id);
	struct cu_graph *graph = node ? find_graph(node->graph) : NULL;
	for (u64 owned; graph && (owned = cu_object_search(CR_KIND_FOUND_GRAPH, is_owned, id));)
		remove_graph(owned);
	if (graph) {
		struct cu_node **link = &graph->nodes;
		while (*link != node)
			link = &(*link)->next;
		*link = node->next;
		free_node(node);
	}
	cu_objects_unlock();
}

void cu_node_keep(u64 id, void *memory)
{
	cu_objects_lock();
	struct cu_node *node = find_node(id);
	if (node) {
		free(node->kept);
		node->kept = memory;
	}
	cu_objects_unlock();
	if (!node)
		free(memory);
}

/* ---- Edges ---- */

CUresult cu_edges_encode(const CUgraphNode *from, const CUgraphNode *to, const CUgraphEdgeData *data, size_t count,
			 graph_edges *edges)
{
	CUresult err = CUDA_SUCCESS;
	*edges = (graph_edges){{0, NULL}};
	if (!count)
		return CUDA_SUCCESS;
	if (!from)
		return CUDA_ERROR_INVALID_VALUE;
	edges->edges.edges_val = calloc(count, sizeof(graph_edge));
	if (!edges->edges.edges_val)
		return CUDA_ERROR_OUT_OF_MEMORY;
	edges->edges.edges_len = (u_int)count;
	for (size_t i = 0; i < count && !err; i++) {
		graph_edge *edge = &edges->edges.edges_val[i];
		err = cu_id_of_node(from[i], &edge->from);
		if (!err && to)
			err = cu_id_of_node(to[i], &edge->to);
		_Static_assert(sizeof(*data) == sizeof(edge->data), "the ABI fixes this size");
		if (data)
			memcpy(edge->data, &data[i], sizeof(edge->data));
	}
	return err;
}

void cu_edges_free(graph_edges *edges)
{
	free(edges->edges.edges_val);
}

CUresult cu_edges_enter(const graph_edges *edges, u64 graph)
{
	CUresult err = CUDA_SUCCESS;
	for (u_int i = 0; i < edges->edges.edges_len && !err; i++) {
		const graph_edge *edge = &edges->edges.edges_val[i];
		err = cu_node_enter(edge->from, graph);
		if (!err && edge->to)
			err = cu_node_enter(edge->to, graph);
	}
	return err;
}
