/* Nodes of graphs: from CUDA's structures to what travels, and back. */
#ifndef CU_GRAPH_NODE_H
#define CU_GRAPH_NODE_H

#include "graph.h"

/* Describes a node for the wire. `packed`, of CUDA_ARGUMENTS_MAX bytes, takes a kernel's parameters; what is registered
   for a host function or a copy is taken back by cu_node_params_drop where the call fails. */
CUresult cu_node_params_encode(const CUgraphNodeParams *params, node_params *wire, char *packed);
void cu_node_params_drop(const node_params *wire);

/* The bodies of a conditional node, in an array that lives as long as the node; a round trip. */
CUresult cu_node_bodies(CUgraphNode node, CUgraph **bodies);

/* Each kind of node, as one of any kind. */
CUgraphNodeParams cu_kernel_node(const CUDA_KERNEL_NODE_PARAMS *kernel);
CUgraphNodeParams cu_memcpy_node(const CUDA_MEMCPY3D *copy);
CUgraphNodeParams cu_memset_node(const CUDA_MEMSET_NODE_PARAMS *fill);
CUgraphNodeParams cu_host_node(const CUDA_HOST_NODE_PARAMS *host);
CUgraphNodeParams cu_event_node(CUgraphNodeType type, CUevent event);

#endif
