/* Nodes: from what the client describes to what the driver gets, and back. */
#ifndef SRV_GRAPH_NODE_H
#define SRV_GRAPH_NODE_H

#include "graph.h"

/* What the driver gets for one node of the client's: one node, or two where host memory takes part in a copy. */
struct srv_node_plan {
	CUgraphNodeParams params[2]; /* of the entry, of the exit */
	int count;
	struct srv_host_work *work; /* the task; the plan's until it is in a graph */
	copy_3d copy;
	void *extra[5]; /* of a kernel */
	size_t parameter_bytes;
};

/* Plans a node. What the plan points to is in `wanted`. */
CUresult srv_node_plan(struct srv_call *call, const node_params *wanted, struct srv_node_plan *plan);

/* Describes a node to the client; xdr_free releases it. */
CUresult srv_node_describe(struct srv_call *call, struct srv_node *node, node_params *params);

#endif
