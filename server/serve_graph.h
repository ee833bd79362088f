/* Edges between the client's nodes, as the driver wants them. */
#ifndef SRV_SERVE_GRAPH_H
#define SRV_SERVE_GRAPH_H

#include "graph.h"

struct srv_edges {
	size_t count;
	CUgraphNode *from, *to;
	CUgraphEdgeData *data; /* NULL: all are zero */
};

/* Looks all nodes up; srv_edges_free in any case. CUDA_ERROR_INVALID_VALUE: one is no node. */
CUresult srv_edges_translate(struct srv_call *call, const graph_edges *edges, struct srv_edges *result);
void srv_edges_free(struct srv_edges *edges);

/* Describes nodes of `graph` to the client, each once and without what is within one of its nodes; `to` and `data` may
   be NULL. xdr_free releases the result, also after an error. */
CUresult srv_edges_describe(struct srv_call *call, struct srv_graph *graph, const struct srv_edges *edges,
			    graph_edges *result);

#endif
