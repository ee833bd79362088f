/* Nodes of any kind, described by one structure (cudaGraphAddNode and its kin). */
#include <string.h>

#include "copy.h"
#include "graph_node.h"

RT_SAME_LAYOUT(struct cudaGraphNodeParams, CUgraphNodeParams);
RT_SAME_LAYOUT(struct cudaHostNodeParamsV2, CUDA_HOST_NODE_PARAMS_v2);
RT_SAME_LAYOUT(struct cudaChildGraphNodeParams, CUDA_CHILD_GRAPH_NODE_PARAMS);
RT_SAME_LAYOUT(struct cudaEventWaitNodeParams, CUDA_EVENT_WAIT_NODE_PARAMS);
RT_SAME_LAYOUT(struct cudaEventRecordNodeParams, CUDA_EVENT_RECORD_NODE_PARAMS);
RT_SAME_LAYOUT(struct cudaExternalSemaphoreSignalNodeParamsV2, CUDA_EXT_SEM_SIGNAL_NODE_PARAMS_v2);
RT_SAME_LAYOUT(struct cudaExternalSemaphoreWaitNodeParamsV2, CUDA_EXT_SEM_WAIT_NODE_PARAMS_v2);
RT_SAME_LAYOUT(struct cudaMemAllocNodeParamsV2, CUDA_MEM_ALLOC_NODE_PARAMS_v2);
RT_SAME_LAYOUT(struct cudaMemFreeNodeParams, CUDA_MEM_FREE_NODE_PARAMS);

static cudaError_t kernel_part(const struct cudaGraphNodeParams *p, CUgraphNodeParams *driver)
{
	const struct cudaKernelNodeParamsV2 *kernel = &p->kernel;
	struct cudaKernelNodeParams first = {kernel->func,           kernel->gridDim,      kernel->blockDim,
					     kernel->sharedMemBytes, kernel->kernelParams, kernel->extra};
	CUDA_KERNEL_NODE_PARAMS second;
	cudaError_t error = rt_kernel_node_translate(&first, &second);

	_Static_assert(sizeof(second) == sizeof(driver->kernel), "the second and third version are alike");
	if (error == cudaSuccess)
		memcpy(&driver->kernel, &second, sizeof(second));
	return error;
}

static cudaError_t copy_part(const struct cudaGraphNodeParams *p, CUgraphNodeParams *driver)
{
	driver->memcpy.flags = p->memcpy.flags;
	return rt_copy_3d_translate(&p->memcpy.copyParams, &driver->memcpy.copyParams);
}

static void memset_part(const struct cudaGraphNodeParams *p, CUgraphNodeParams *driver)
{
	driver->memset.dst = (CUdeviceptr)p->memset.dst;
	driver->memset.pitch = p->memset.pitch;
	driver->memset.value = p->memset.value;
	driver->memset.elementSize = p->memset.elementSize;
	driver->memset.width = p->memset.width;
	driver->memset.height = p->memset.height;
}

static void conditional_part(const struct cudaGraphNodeParams *p, CUgraphNodeParams *driver)
{
	driver->conditional.handle = p->conditional.handle;
	driver->conditional.type = (CUgraphConditionalNodeType)p->conditional.type;
	driver->conditional.size = p->conditional.size;
}

/* The kinds that belong to a context get the current one; those without a case are alike in both APIs. */
static cudaError_t node_translate(const struct cudaGraphNodeParams *p, CUgraphNodeParams *driver)
{
	CUcontext context;
	cudaError_t error = p ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuCtxGetCurrent(&context));
	if (error != cudaSuccess)
		return error;
	memset(driver, 0, sizeof(*driver));
	driver->type = (CUgraphNodeType)p->type;
	switch (p->type) {
	case cudaGraphNodeTypeKernel:
		return kernel_part(p, driver);
	case cudaGraphNodeTypeMemcpy:
		driver->memcpy.copyCtx = context;
		return copy_part(p, driver);
	case cudaGraphNodeTypeMemset:
		memset_part(p, driver);
		driver->memset.ctx = context;
		return cudaSuccess;
	case cudaGraphNodeTypeConditional:
		conditional_part(p, driver);
		driver->conditional.ctx = context;
		return cudaSuccess;
	default:
		memcpy(driver, p, sizeof(*driver));
		return cudaSuccess;
	}
}

/* What the driver found out: the address of an allocation, the bodies of a conditional node. */
static void node_results(const CUgraphNodeParams *driver, struct cudaGraphNodeParams *p)
{
	if (p->type == cudaGraphNodeTypeMemAlloc)
		p->alloc.dptr = (void *)driver->alloc.dptr;
	if (p->type == cudaGraphNodeTypeConditional)
		p->conditional.phGraph_out = driver->conditional.phGraph_out;
}

cudaError_t cudaGraphAddNode(cudaGraphNode_t *pGraphNode, cudaGraph_t graph, const cudaGraphNode_t *pDependencies,
			     const cudaGraphEdgeData *dependencyData, size_t numDependencies,
			     struct cudaGraphNodeParams *nodeParams)
{
	CUgraphNodeParams driver;
	cudaError_t error = node_translate(nodeParams, &driver);

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuGraphAddNode(pGraphNode, graph, pDependencies,
							  (const CUgraphEdgeData *)dependencyData, numDependencies,
							  &driver));
	if (error == cudaSuccess)
		node_results(&driver, nodeParams);
	return rt_record(error);
}

cudaError_t cudaGraphNodeSetParams(cudaGraphNode_t node, struct cudaGraphNodeParams *nodeParams)
{
	CUgraphNodeParams driver;
	cudaError_t error = node_translate(nodeParams, &driver);

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuGraphNodeSetParams(node, &driver));
	return rt_record(error);
}

cudaError_t cudaGraphExecNodeSetParams(cudaGraphExec_t graphExec, cudaGraphNode_t node,
				       struct cudaGraphNodeParams *nodeParams)
{
	CUgraphNodeParams driver;
	cudaError_t error = node_translate(nodeParams, &driver);

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuGraphExecNodeSetParams(graphExec, node, &driver));
	return rt_record(error);
}
