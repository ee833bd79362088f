/* Graphs, nodes and instances as the client knows them: handles, and what the program was given pointers to. */
#ifndef CU_GRAPH_H
#define CU_GRAPH_H

#include "handles.h"

struct cu_graph {
	uint64_t id;
	uint64_t parent;       /* the graph of whose node this is, or 0 */
	uint64_t owner;        /* that node */
	struct cu_node *nodes; /* those that have been seen */
};

struct cu_node {
	struct cu_node *next;
	uint64_t id, graph;
	void *kept; /* kernel parameters that the program was given pointers to; freed with the node */
};

struct cu_exec {
	uint64_t flags;
	bool tasks; /* has tasks for this process */
};

/* Check a handle and give its id; CUDA_ERROR_INVALID_VALUE when it is none, as CUDA has it for graphs. */
CUresult cu_id_of_graph(CUgraph handle, u64 *id);
CUresult cu_id_of_node(CUgraphNode handle, u64 *id);

/* The graph of a node. */
CUresult cu_graph_of_node(CUgraphNode handle, u64 *graph);

/* Mints an id for a graph or a node; unmint takes it back with all that it has. */
CUresult cu_graph_mint(u64 *id);
CUresult cu_node_mint(u64 graph, u64 *id);
void cu_graph_unmint(u64 id);
void cu_node_unmint(u64 id);

/* Enters a graph, or a node of it, that the server has named, unless it is known. `owner`: the node whose graph it is,
   with which it ends, or 0. */
CUresult cu_graph_enter(u64 id, u64 owner);
CUresult cu_node_enter(u64 id, u64 graph);

/* Gives the node memory that the program has been given pointers to, in place of what it had. */
void cu_node_keep(u64 id, void *memory);

/* Translates nodes to edges of the wire; `to` and `data` may be NULL. At most CU_EDGES_MAX at a time. */
#define CU_EDGES_MAX 4096
CUresult cu_edges_encode(const CUgraphNode *from, const CUgraphNode *to, const CUgraphEdgeData *data, size_t count,
			 graph_edges *edges);
void cu_edges_free(graph_edges *edges);

/* Enters the nodes that the server has named. */
CUresult cu_edges_enter(const graph_edges *edges, u64 graph);

#endif
