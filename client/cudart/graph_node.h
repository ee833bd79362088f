/* What the functions for one kind of graph node share with those for all kinds. */
#ifndef CUDART_GRAPH_NODE_H
#define CUDART_GRAPH_NODE_H

#include "context.h"

/*
 * Makes a context current and gives the driver's form of a kernel node's parameters, whose pointers stay the caller's.
 * cudaErrorInvalidDeviceFunction: func is no kernel.
 */
cudaError_t rt_kernel_node_translate(const struct cudaKernelNodeParams *p, CUDA_KERNEL_NODE_PARAMS *driver);

#endif
