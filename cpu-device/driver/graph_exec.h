/* Executable graphs: a graph compiled into one table, the graphs inside it included. All with the driver's lock. */
#ifndef DRV_GRAPH_EXEC_H
#define DRV_GRAPH_EXEC_H

#include "graph.h"
#include "queue.h"

/* A graph: the whole one, a child graph or a body of a conditional node. Its nodes lie side by side. */
struct drv_scope {
	uint32_t first, count;
	uint32_t owner; /* the node that it is inside of; for the whole graph nothing */
};

struct drv_plan_node {
	struct drv_task *task;
	CUgraphNode source;
	bool enabled;
	uint32_t scope;
	uint32_t dependencies;         /* how many */
	uint32_t first_out, out_count; /* the nodes that depend on it, in `outs` */
	uint32_t first_body;           /* its bodies' scopes, one behind the other */
};

struct drv_graph_exec {
	CUgraphExec handle;
	unsigned references; /* the program's, and one for each launch under way */
	cuuint64_t flags;
	struct drv_context *context; /* that launches it last */
	CUgraph source;
	struct drv_plan_node *nodes;
	uint32_t node_count;
	uint32_t *outs;
	uint32_t out_count;
	struct drv_scope *scopes;
	uint32_t scope_count;
	struct drv_mark *last; /* reached when the last launch has ended */
	struct drv_user_references *objects;
};

struct drv_graph_exec *drv_graph_exec_get(CUgraphExec handle);
void drv_graph_exec_drop(struct drv_graph_exec *exec);

/* The node that was made of the graph's node `source`; NULL when there is none. */
struct drv_plan_node *drv_plan_node_find(struct drv_graph_exec *exec, CUgraphNode source);

/* Compiles. On failure `info` tells why, and where. */
CUresult drv_graph_compile(struct drv_graph *graph, CUDA_GRAPH_INSTANTIATE_PARAMS *info, struct drv_graph_exec **out);

/* Queues a launch of the executable graph in the stream. */
CUresult drv_graph_launch(struct drv_graph_exec *exec, struct drv_stream *stream);

#endif
