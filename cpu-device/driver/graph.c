/* Graphs as a whole: their life, nodes and edges. */
#include "graph.h"

#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "handle.h"

static uint64_t last_origin;

struct drv_graph *drv_graph_get(CUgraph handle)
{
	return drv_handle_get(DRV_GRAPH, handle);
}

struct drv_graph_node *drv_graph_node_get(CUgraphNode handle)
{
	return drv_handle_get(DRV_GRAPH_NODE, handle);
}

struct drv_graph *drv_graph_new(struct drv_graph *parent)
{
	struct drv_graph *graph = calloc(1, sizeof *graph);
	if (!graph)
		return NULL;
	graph->handle = drv_handle_new(DRV_GRAPH, graph);
	if (!graph->handle) {
		free(graph);
		return NULL;
	}
	graph->parent = parent;
	graph->origin = ++last_origin;
	drv_list_init(&graph->nodes);
	return graph;
}

/* Edges */

static bool edges_reserve(struct drv_edges *edges, size_t more)
{
	if (edges->count + more <= edges->room)
		return true;
	size_t room = edges->count + more + edges->room;
	struct drv_edge *items = realloc(edges->items, room * sizeof *items);
	if (!items)
		return false;
	edges->items = items;
	edges->room = room;
	return true;
}

static size_t edge_find(const struct drv_edges *edges, const struct drv_graph_node *node)
{
	size_t at = 0;
	while (at < edges->count && edges->items[at].node != node)
		at++;
	return at;
}

static bool data_valid(const CUgraphEdgeData *data, const struct drv_graph_node *from)
{
	static const unsigned char zeros[sizeof data->reserved];
	if (!data)
		return true;
	bool kernel = from->task->params.type == CU_GRAPH_NODE_TYPE_KERNEL;
	return data->to_port == 0 && data->type <= CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC &&
	       data->from_port <= CU_GRAPH_KERNEL_NODE_PORT_LAUNCH_ORDER &&
	       (kernel || (!data->from_port && !data->type)) && memcmp(data->reserved, zeros, sizeof zeros) == 0;
}

static CUresult edge_add(struct drv_graph_node *from, struct drv_graph_node *to, const CUgraphEdgeData *data)
{
	if (from->graph != to->graph || from == to || !data_valid(data, from) ||
	    edge_find(&to->in, from) < to->in.count)
		return CUDA_ERROR_INVALID_VALUE;
	if (!edges_reserve(&from->out, 1) || !edges_reserve(&to->in, 1))
		return CUDA_ERROR_OUT_OF_MEMORY;
	struct drv_edge edge = {.node = to};
	if (data)
		edge.data = *data;
	from->out.items[from->out.count++] = edge;
	edge.node = from;
	to->in.items[to->in.count++] = edge;
	return CUDA_SUCCESS;
}

static void edge_drop(struct drv_edges *edges, const struct drv_graph_node *node)
{
	size_t at = edge_find(edges, node);
	if (at == edges->count)
		return;
	edges->count--;
	memmove(&edges->items[at], &edges->items[at + 1], (edges->count - at) * sizeof *edges->items);
}

/* Nodes */

static void node_free(struct drv_graph_node *node)
{
	for (size_t i = 0; i < node->in.count; i++)
		edge_drop(&node->in.items[i].node->out, node);
	for (size_t i = 0; i < node->out.count; i++)
		edge_drop(&node->out.items[i].node->in, node);
	drv_list_remove(&node->siblings);
	node->graph->node_count--;
	drv_handle_end(node->handle);
	drv_task_drop(node->task);
	free(node->in.items);
	free(node->out.items);
	free(node);
}

static struct drv_graph_node *node_new(struct drv_graph *graph, struct drv_task *task)
{
	struct drv_graph_node *node = calloc(1, sizeof *node);
	if (node)
		node->handle = drv_handle_new(DRV_GRAPH_NODE, node);
	if (!node || !node->handle) {
		free(node);
		return NULL;
	}
	node->graph = graph;
	node->task = drv_task_hold(task);
	node->id = ++graph->last_id;
	drv_list_append(&graph->nodes, &node->siblings);
	graph->node_count++;
	for (unsigned i = 0; i < task->body_count; i++)
		task->bodies[i]->parent = graph;
	return node;
}

CUresult drv_graph_add(struct drv_graph *graph, struct drv_graph_node *const *from, const CUgraphEdgeData *data,
		       size_t count, struct drv_task *task, struct drv_graph_node **out)
{
	struct drv_graph_node *node = node_new(graph, task);
	drv_task_drop(task);
	if (!node)
		return CUDA_ERROR_OUT_OF_MEMORY;
	CUresult result = CUDA_SUCCESS;
	for (size_t i = 0; i < count && result == CUDA_SUCCESS; i++)
		result = from[i] ? edge_add(from[i], node, data ? &data[i] : NULL) : CUDA_ERROR_INVALID_VALUE;
	if (result == CUDA_SUCCESS)
		*out = node;
	else
		node_free(node);
	return result;
}

void drv_graph_free(struct drv_graph *graph)
{
	while (!drv_list_empty(&graph->nodes))
		node_free(DRV_ENTRY(graph->nodes.next, struct drv_graph_node, siblings));
	while (graph->conditions) {
		struct drv_condition *condition = graph->conditions;
		graph->conditions = condition->next;
		drv_condition_drop(condition);
	}
	drv_user_references_drop(graph->objects);
	drv_handle_end(graph->handle);
	free(graph);
}

bool drv_graph_has(const struct drv_graph *graph, CUgraphNodeType type)
{
	for (struct drv_link *link = graph->nodes.next; link != &graph->nodes; link = link->next) {
		const struct drv_task *task = DRV_ENTRY(link, struct drv_graph_node, siblings)->task;
		if (task->params.type == type)
			return true;
		for (unsigned i = 0; i < task->body_count; i++)
			if (drv_graph_has(task->bodies[i], type))
				return true;
	}
	return false;
}

/* Clones */

static struct drv_graph_node *node_with_id(const struct drv_graph *graph, uint64_t id)
{
	for (struct drv_link *link = graph->nodes.next; link != &graph->nodes; link = link->next) {
		struct drv_graph_node *node = DRV_ENTRY(link, struct drv_graph_node, siblings);
		if (node->id == id)
			return node;
	}
	return NULL;
}

/* A task with graphs inside is copied with them, any other is shared. */
static struct drv_task *task_clone(struct drv_task *task, struct drv_graph *parent)
{
	if (!task->body_count)
		return drv_task_hold(task);
	struct drv_task *clone = malloc(sizeof *clone);
	struct drv_graph **bodies = calloc(task->body_count, sizeof(struct drv_graph *));
	CUgraph *handles = calloc(task->body_count, sizeof *handles);
	if (!clone || !bodies || !handles) {
		free(clone);
		free(bodies);
		free(handles);
		return NULL;
	}
	*clone = *task;
	clone->references = 1;
	clone->bodies = bodies;
	clone->memory = handles;
	if (clone->condition)
		drv_condition_hold(clone->condition);
	for (clone->body_count = 0; clone->body_count < task->body_count; clone->body_count++) {
		if (drv_graph_clone(task->bodies[clone->body_count], parent, &bodies[clone->body_count]) !=
		    CUDA_SUCCESS) {
			drv_task_drop(clone);
			return NULL;
		}
		handles[clone->body_count] = bodies[clone->body_count]->handle;
	}
	if (task->params.type == CU_GRAPH_NODE_TYPE_GRAPH)
		clone->params.graph.graph = handles[0];
	else
		clone->params.conditional.phGraph_out = handles;
	return clone;
}

static CUresult nodes_clone(const struct drv_graph *from, struct drv_graph *to)
{
	struct drv_graph_node **made = calloc(from->node_count + 1, sizeof *made);
	CUresult result = made ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
	size_t count = 0;
	for (struct drv_link *link = from->nodes.next; result == CUDA_SUCCESS && link != &from->nodes;
	     link = link->next) {
		struct drv_graph_node *node = DRV_ENTRY(link, struct drv_graph_node, siblings);
		struct drv_task *task = task_clone(node->task, to);
		node->mark = count;
		made[count] = task ? node_new(to, task) : NULL;
		drv_task_drop(task);
		result = made[count] ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
		if (result == CUDA_SUCCESS)
			made[count++]->id = node->id;
	}
	for (struct drv_link *link = from->nodes.next; result == CUDA_SUCCESS && link != &from->nodes;
	     link = link->next) {
		struct drv_graph_node *node = DRV_ENTRY(link, struct drv_graph_node, siblings);
		for (size_t i = 0; i < node->in.count && result == CUDA_SUCCESS; i++)
			result =
			    edge_add(made[node->in.items[i].node->mark], made[node->mark], &node->in.items[i].data);
	}
	free(made);
	return result;
}

CUresult drv_graph_clone(const struct drv_graph *from, struct drv_graph *parent, struct drv_graph **out)
{
	bool failed = false;
	struct drv_graph *graph = drv_graph_new(parent);
	if (!graph)
		return CUDA_ERROR_OUT_OF_MEMORY;
	graph->origin = from->origin;
	graph->objects = drv_user_references_clone(from->objects, &failed);
	CUresult result = failed ? CUDA_ERROR_OUT_OF_MEMORY : nodes_clone(from, graph);
	graph->last_id = from->last_id;
	if (result == CUDA_SUCCESS)
		*out = graph;
	else
		drv_graph_free(graph);
	return result;
}

/* Order */

struct drv_graph_node **drv_graph_sort(struct drv_graph *graph, struct drv_graph_node **cycle)
{
	struct drv_graph_node **order = calloc(graph->node_count + 1, sizeof(struct drv_graph_node *));
	size_t count = 0;
	*cycle = NULL;
	if (!order)
		return NULL;
	for (struct drv_link *link = graph->nodes.next; link != &graph->nodes; link = link->next) {
		struct drv_graph_node *node = DRV_ENTRY(link, struct drv_graph_node, siblings);
		node->mark = node->in.count;
		if (!node->mark)
			order[count++] = node;
	}
	for (size_t done = 0; done < count; done++)
		for (size_t i = 0; i < order[done]->out.count; i++)
			if (--order[done]->out.items[i].node->mark == 0)
				order[count++] = order[done]->out.items[i].node;
	if (count == graph->node_count)
		return order;
	free(order);
	for (struct drv_link *link = graph->nodes.next; link != &graph->nodes && !*cycle; link = link->next)
		if (DRV_ENTRY(link, struct drv_graph_node, siblings)->mark)
			*cycle = DRV_ENTRY(link, struct drv_graph_node, siblings);
	return NULL;
}

/* The API */

DRV_API CUresult cuGraphCreate(CUgraph *out, unsigned flags)
{
	if (!out || flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_graph *graph = drv_graph_new(NULL);
	if (!graph)
		return drv_leave(CUDA_ERROR_OUT_OF_MEMORY);
	*out = graph->handle;
	return drv_leave(CUDA_SUCCESS);
}

/* Enters for a call about a graph. */
static CUresult graph_enter(CUgraph handle, struct drv_graph **graph)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	*graph = drv_graph_get(handle);
	return *graph ? CUDA_SUCCESS : drv_leave(CUDA_ERROR_INVALID_VALUE);
}

static CUresult node_enter(CUgraphNode handle, struct drv_graph_node **node)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	*node = drv_graph_node_get(handle);
	return *node ? CUDA_SUCCESS : drv_leave(CUDA_ERROR_INVALID_VALUE);
}

DRV_API CUresult cuGraphDestroy(CUgraph handle)
{
	struct drv_graph *graph;
	CUresult result = graph_enter(handle, &graph);
	if (result != CUDA_SUCCESS)
		return result;
	if (graph->parent || graph->capture)
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	drv_graph_free(graph);
	return drv_leave(CUDA_SUCCESS);
}

static CUresult graph_clone(const struct drv_graph *from, CUgraph *out)
{
	struct drv_graph *clone;
	if (drv_graph_has(from, CU_GRAPH_NODE_TYPE_MEM_ALLOC) || drv_graph_has(from, CU_GRAPH_NODE_TYPE_MEM_FREE) ||
	    drv_graph_has(from, CU_GRAPH_NODE_TYPE_CONDITIONAL))
		return CUDA_ERROR_NOT_SUPPORTED;
	CUresult result = drv_graph_clone(from, NULL, &clone);
	if (result == CUDA_SUCCESS)
		*out = clone->handle;
	return result;
}

DRV_API CUresult cuGraphClone(CUgraph *out, CUgraph handle)
{
	struct drv_graph *graph;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = graph_enter(handle, &graph);
	return result == CUDA_SUCCESS ? drv_leave(graph_clone(graph, out)) : result;
}

DRV_API CUresult cuGraphNodeFindInClone(CUgraphNode *out, CUgraphNode original, CUgraph clone_handle)
{
	struct drv_graph_node *node;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = node_enter(original, &node);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_graph *clone = drv_graph_get(clone_handle);
	struct drv_graph_node *found =
	    clone && clone->origin == node->graph->origin ? node_with_id(clone, node->id) : NULL;
	if (!found)
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	*out = found->handle;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuGraphDestroyNode(CUgraphNode handle)
{
	struct drv_graph_node *node;
	CUresult result = node_enter(handle, &node);
	if (result != CUDA_SUCCESS)
		return result;
	CUgraphNodeType type = node->task->params.type;
	if (type == CU_GRAPH_NODE_TYPE_MEM_ALLOC || type == CU_GRAPH_NODE_TYPE_MEM_FREE || node->graph->capture)
		return drv_leave(CUDA_ERROR_NOT_SUPPORTED);
	node_free(node);
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuGraphNodeGetType(CUgraphNode handle, CUgraphNodeType *type)
{
	struct drv_graph_node *node;
	if (!type)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = node_enter(handle, &node);
	if (result != CUDA_SUCCESS)
		return result;
	*type = node->task->params.type;
	return drv_leave(CUDA_SUCCESS);
}

/* Lists. A caller gives room for *count entries and gets as many as there are, the rest NULL; without room it gets the
   number. */

static CUresult nodes_list(const struct drv_graph *graph, bool roots, CUgraphNode *nodes, size_t *count)
{
	size_t found = 0, room = *count;
	for (struct drv_link *link = graph->nodes.next; link != &graph->nodes; link = link->next) {
		struct drv_graph_node *node = DRV_ENTRY(link, struct drv_graph_node, siblings);
		if (roots && node->in.count)
			continue;
		if (nodes && found < room)
			nodes[found] = node->handle;
		found++;
	}
	for (size_t i = found; nodes && i < room; i++)
		nodes[i] = NULL;
	if (!nodes || found < room)
		*count = found;
	return CUDA_SUCCESS;
}

DRV_API CUresult cuGraphGetNodes(CUgraph handle, CUgraphNode *nodes, size_t *count)
{
	struct drv_graph *graph;
	if (!count)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = graph_enter(handle, &graph);
	return result == CUDA_SUCCESS ? drv_leave(nodes_list(graph, false, nodes, count)) : result;
}

DRV_API CUresult cuGraphGetRootNodes(CUgraph handle, CUgraphNode *nodes, size_t *count)
{
	struct drv_graph *graph;
	if (!count)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = graph_enter(handle, &graph);
	return result == CUDA_SUCCESS ? drv_leave(nodes_list(graph, true, nodes, count)) : result;
}

static bool data_plain(const CUgraphEdgeData *data)
{
	static const CUgraphEdgeData plain;
	return memcmp(data, &plain, sizeof plain) == 0;
}

/* One entry of a list of edges; false: the caller does not take the data, which are not plain. */
static bool edge_give(const struct drv_edge *edge, CUgraphNode near, CUgraphNode *nears, CUgraphNode *fars,
		      CUgraphEdgeData *data, size_t at)
{
	if (nears)
		nears[at] = near;
	if (fars)
		fars[at] = edge->node->handle;
	if (data)
		data[at] = edge->data;
	return data || data_plain(&edge->data);
}

static CUresult edges_list(const struct drv_edges *edges, CUgraphNode *nodes, CUgraphEdgeData *data, size_t *count)
{
	size_t room = *count;
	bool complete = true;
	if (!nodes) {
		*count = edges->count;
		return data ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
	}
	for (size_t i = 0; i < room; i++)
		if (i < edges->count)
			complete &= edge_give(&edges->items[i], NULL, NULL, nodes, data, i);
		else
			nodes[i] = NULL;
	if (edges->count < room)
		*count = edges->count;
	return complete ? CUDA_SUCCESS : CUDA_ERROR_LOSSY_QUERY;
}

DRV_API CUresult cuGraphNodeGetDependencies_v2(CUgraphNode handle, CUgraphNode *nodes, CUgraphEdgeData *data,
					       size_t *count)
{
	struct drv_graph_node *node;
	if (!count)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = node_enter(handle, &node);
	return result == CUDA_SUCCESS ? drv_leave(edges_list(&node->in, nodes, data, count)) : result;
}

DRV_API CUresult cuGraphNodeGetDependencies(CUgraphNode handle, CUgraphNode *nodes, size_t *count)
{
	return cuGraphNodeGetDependencies_v2(handle, nodes, NULL, count);
}

DRV_API CUresult cuGraphNodeGetDependentNodes_v2(CUgraphNode handle, CUgraphNode *nodes, CUgraphEdgeData *data,
						 size_t *count)
{
	struct drv_graph_node *node;
	if (!count)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = node_enter(handle, &node);
	return result == CUDA_SUCCESS ? drv_leave(edges_list(&node->out, nodes, data, count)) : result;
}

DRV_API CUresult cuGraphNodeGetDependentNodes(CUgraphNode handle, CUgraphNode *nodes, size_t *count)
{
	return cuGraphNodeGetDependentNodes_v2(handle, nodes, NULL, count);
}

static CUresult all_edges_list(const struct drv_graph *graph, CUgraphNode *from, CUgraphNode *to, CUgraphEdgeData *data,
			       size_t *count)
{
	size_t found = 0, room = *count;
	bool complete = true, wanted = from && to;
	if (!from != !to || (data && !wanted))
		return CUDA_ERROR_INVALID_VALUE;
	for (struct drv_link *link = graph->nodes.next; link != &graph->nodes; link = link->next) {
		struct drv_graph_node *node = DRV_ENTRY(link, struct drv_graph_node, siblings);
		for (size_t i = 0; i < node->out.count; i++, found++)
			if (wanted && found < room)
				complete &= edge_give(&node->out.items[i], node->handle, from, to, data, found);
	}
	for (size_t i = found; wanted && i < room; i++)
		from[i] = to[i] = NULL;
	if (!wanted || found < room)
		*count = found;
	return complete ? CUDA_SUCCESS : CUDA_ERROR_LOSSY_QUERY;
}

DRV_API CUresult cuGraphGetEdges_v2(CUgraph handle, CUgraphNode *from, CUgraphNode *to, CUgraphEdgeData *data,
				    size_t *count)
{
	struct drv_graph *graph;
	if (!count)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = graph_enter(handle, &graph);
	return result == CUDA_SUCCESS ? drv_leave(all_edges_list(graph, from, to, data, count)) : result;
}

DRV_API CUresult cuGraphGetEdges(CUgraph handle, CUgraphNode *from, CUgraphNode *to, size_t *count)
{
	return cuGraphGetEdges_v2(handle, from, to, NULL, count);
}

/* Changing edges: all or none. */

static CUresult edge_remove(struct drv_graph_node *from, struct drv_graph_node *to, const CUgraphEdgeData *data)
{
	static const CUgraphEdgeData plain;
	size_t at = edge_find(&from->out, to);
	if (at == from->out.count || memcmp(&from->out.items[at].data, data ? data : &plain, sizeof plain) != 0)
		return CUDA_ERROR_INVALID_VALUE;
	edge_drop(&from->out, to);
	edge_drop(&to->in, from);
	return CUDA_SUCCESS;
}

typedef CUresult (*edge_change)(struct drv_graph_node *from, struct drv_graph_node *to, const CUgraphEdgeData *data);

static CUresult edges_change(struct drv_graph *graph, const CUgraphNode *from, const CUgraphNode *to,
			     const CUgraphEdgeData *data, size_t count, edge_change change, edge_change undo)
{
	CUresult result = count && (!from || !to) ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
	size_t done = 0;
	for (; done < count && result == CUDA_SUCCESS; done++) {
		struct drv_graph_node *a = drv_graph_node_get(from[done]), *b = drv_graph_node_get(to[done]);
		bool ours = a && b && a->graph == graph && b->graph == graph;
		result = ours ? change(a, b, data ? &data[done] : NULL) : CUDA_ERROR_INVALID_VALUE;
	}
	if (result == CUDA_SUCCESS || !done)
		return result;
	for (done--; done > 0; done--)
		(void)undo(drv_graph_node_get(from[done - 1]), drv_graph_node_get(to[done - 1]),
			   data ? &data[done - 1] : NULL);
	return result;
}

DRV_API CUresult cuGraphAddDependencies_v2(CUgraph handle, const CUgraphNode *from, const CUgraphNode *to,
					   const CUgraphEdgeData *data, size_t count)
{
	struct drv_graph *graph;
	CUresult result = graph_enter(handle, &graph);
	if (result != CUDA_SUCCESS)
		return result;
	return drv_leave(edges_change(graph, from, to, data, count, edge_add, edge_remove));
}

DRV_API CUresult cuGraphAddDependencies(CUgraph handle, const CUgraphNode *from, const CUgraphNode *to, size_t count)
{
	return cuGraphAddDependencies_v2(handle, from, to, NULL, count);
}

DRV_API CUresult cuGraphRemoveDependencies_v2(CUgraph handle, const CUgraphNode *from, const CUgraphNode *to,
					      const CUgraphEdgeData *data, size_t count)
{
	struct drv_graph *graph;
	CUresult result = graph_enter(handle, &graph);
	if (result != CUDA_SUCCESS)
		return result;
	return drv_leave(edges_change(graph, from, to, data, count, edge_remove, edge_add));
}

DRV_API CUresult cuGraphRemoveDependencies(CUgraph handle, const CUgraphNode *from, const CUgraphNode *to, size_t count)
{
	return cuGraphRemoveDependencies_v2(handle, from, to, NULL, count);
}
