/* The nodes of graphs, by kind. */
#include "copy.h"
#include "graph_node.h"
#include "registry.h"
#include "symbol.h"

/* The first parameters of every function that adds a node, and the first arguments of the driver's. */
#define NODE_PARAMETERS                                                                                                \
	cudaGraphNode_t *pGraphNode, cudaGraph_t graph, const cudaGraphNode_t *pDependencies, size_t numDependencies
#define NODE_ARGUMENTS pGraphNode, graph, pDependencies, numDependencies

/* Kernel nodes. */
cudaError_t rt_kernel_node_translate(const struct cudaKernelNodeParams *p, CUDA_KERNEL_NODE_PARAMS *driver)
{
	CUkernel kernel;
	cudaError_t error = p ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_kernel_find(p->func, &kernel);
	if (error != cudaSuccess)
		return error;
	*driver = (CUDA_KERNEL_NODE_PARAMS){
	    .gridDimX = p->gridDim.x,
	    .gridDimY = p->gridDim.y,
	    .gridDimZ = p->gridDim.z,
	    .blockDimX = p->blockDim.x,
	    .blockDimY = p->blockDim.y,
	    .blockDimZ = p->blockDim.z,
	    .sharedMemBytes = p->sharedMemBytes,
	    .kernelParams = p->kernelParams,
	    .extra = p->extra,
	    .kern = kernel,
	};
	return cudaSuccess;
}

#define KERNEL_NODE_CALL(name, parameters, call)                                                                       \
	cudaError_t name parameters                                                                                    \
	{                                                                                                              \
		CUDA_KERNEL_NODE_PARAMS driver;                                                                        \
		cudaError_t error = rt_kernel_node_translate(pNodeParams, &driver);                                    \
                                                                                                                       \
		if (error == cudaSuccess)                                                                              \
			error = rt_error(rt_driver.call);                                                              \
		return rt_record(error);                                                                               \
	}

KERNEL_NODE_CALL(cudaGraphAddKernelNode, (NODE_PARAMETERS, const struct cudaKernelNodeParams *pNodeParams),
		 cuGraphAddKernelNode(NODE_ARGUMENTS, &driver))
KERNEL_NODE_CALL(cudaGraphKernelNodeSetParams, (cudaGraphNode_t node, const struct cudaKernelNodeParams *pNodeParams),
		 cuGraphKernelNodeSetParams(node, &driver))
KERNEL_NODE_CALL(cudaGraphExecKernelNodeSetParams,
		 (cudaGraphExec_t hGraphExec, cudaGraphNode_t node, const struct cudaKernelNodeParams *pNodeParams),
		 cuGraphExecKernelNodeSetParams(hGraphExec, node, &driver))

/* The kernel comes back as a handle, which stands for the function wherever one is asked for. */
cudaError_t cudaGraphKernelNodeGetParams(cudaGraphNode_t node, struct cudaKernelNodeParams *pNodeParams)
{
	CUDA_KERNEL_NODE_PARAMS driver;
	cudaError_t error = pNodeParams ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuGraphKernelNodeGetParams(node, &driver));
	if (error == cudaSuccess && driver.kern)
		error = rt_kernel_remember(driver.kern);
	if (error != cudaSuccess)
		return rt_record(error);
	*pNodeParams = (struct cudaKernelNodeParams){
	    .func = driver.kern ? (void *)driver.kern : (void *)driver.func,
	    .gridDim = {driver.gridDimX, driver.gridDimY, driver.gridDimZ},
	    .blockDim = {driver.blockDimX, driver.blockDimY, driver.blockDimZ},
	    .sharedMemBytes = driver.sharedMemBytes,
	    .kernelParams = driver.kernelParams,
	    .extra = driver.extra,
	};
	return cudaSuccess;
}

RT_SAME_LAYOUT(cudaKernelNodeAttrValue, CUkernelNodeAttrValue);
RT_CALL(cudaGraphKernelNodeCopyAttributes, (cudaGraphNode_t hDst, cudaGraphNode_t hSrc),
	cuGraphKernelNodeCopyAttributes(hDst, hSrc))
RT_CALL(cudaGraphKernelNodeGetAttribute,
	(cudaGraphNode_t hNode, cudaKernelNodeAttrID attr, cudaKernelNodeAttrValue *value_out),
	cuGraphKernelNodeGetAttribute(hNode, (CUkernelNodeAttrID)attr, (CUkernelNodeAttrValue *)value_out))
RT_CALL(cudaGraphKernelNodeSetAttribute,
	(cudaGraphNode_t hNode, cudaKernelNodeAttrID attr, const cudaKernelNodeAttrValue *value),
	cuGraphKernelNodeSetAttribute(hNode, (CUkernelNodeAttrID)attr, (const CUkernelNodeAttrValue *)value))

/* Copy nodes belong to a context, the current one. */
static cudaError_t copy_enter(const struct cudaMemcpy3DParms *p, CUDA_MEMCPY3D *copy, CUcontext *context)
{
	cudaError_t error = p ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuCtxGetCurrent(context));
	return error == cudaSuccess ? rt_copy_3d_translate(p, copy) : error;
}

#define COPY_NODE_CALL(name, parameters, call)                                                                         \
	cudaError_t name parameters                                                                                    \
	{                                                                                                              \
		CUDA_MEMCPY3D copy;                                                                                    \
		CUcontext context;                                                                                     \
		cudaError_t error = copy_enter(pNodeParams, &copy, &context);                                          \
                                                                                                                       \
		if (error == cudaSuccess)                                                                              \
			error = rt_error(rt_driver.call);                                                              \
		return rt_record(error);                                                                               \
	}

COPY_NODE_CALL(cudaGraphAddMemcpyNode, (NODE_PARAMETERS, const struct cudaMemcpy3DParms *pNodeParams),
	       cuGraphAddMemcpyNode(NODE_ARGUMENTS, &copy, context))
COPY_NODE_CALL(cudaGraphMemcpyNodeSetParams, (cudaGraphNode_t node, const struct cudaMemcpy3DParms *pNodeParams),
	       cuGraphMemcpyNodeSetParams(node, &copy))
COPY_NODE_CALL(cudaGraphExecMemcpyNodeSetParams,
	       (cudaGraphExec_t hGraphExec, cudaGraphNode_t node, const struct cudaMemcpy3DParms *pNodeParams),
	       cuGraphExecMemcpyNodeSetParams(hGraphExec, node, &copy, context))

/* A run of bytes as the box that it is. */
static struct cudaMemcpy3DParms copy_line(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind)
{
	return (struct cudaMemcpy3DParms){
	    .srcPtr = {(void *)src, count, count, 1},
	    .dstPtr = {dst, count, count, 1},
	    .extent = {count, 1, 1},
	    .kind = kind,
	};
}

cudaError_t cudaGraphAddMemcpyNode1D(NODE_PARAMETERS, void *dst, const void *src, size_t count,
				     enum cudaMemcpyKind kind)
{
	struct cudaMemcpy3DParms line = copy_line(dst, src, count, kind);

	return cudaGraphAddMemcpyNode(NODE_ARGUMENTS, &line);
}

cudaError_t cudaGraphMemcpyNodeSetParams1D(cudaGraphNode_t node, void *dst, const void *src, size_t count,
					   enum cudaMemcpyKind kind)
{
	struct cudaMemcpy3DParms line = copy_line(dst, src, count, kind);

	return cudaGraphMemcpyNodeSetParams(node, &line);
}

cudaError_t cudaGraphExecMemcpyNodeSetParams1D(cudaGraphExec_t hGraphExec, cudaGraphNode_t node, void *dst,
					       const void *src, size_t count, enum cudaMemcpyKind kind)
{
	struct cudaMemcpy3DParms line = copy_line(dst, src, count, kind);

	return cudaGraphExecMemcpyNodeSetParams(hGraphExec, node, &line);
}

/* The copies between memory and a part of a variable are copies of a line, once the part is known. */
#define SYMBOL_NODE_CALL(name, parameters, dst, src, call)                                                             \
	cudaError_t name parameters                                                                                    \
	{                                                                                                              \
		void *part;                                                                                            \
		cudaError_t error = rt_variable_part(symbol, count, offset, &part);                                    \
                                                                                                                       \
		if (error == cudaSuccess)                                                                              \
			return call(dst, src, count, kind);                                                            \
		return rt_record(error);                                                                               \
	}
#define ADD_LINE(...) cudaGraphAddMemcpyNode1D(NODE_ARGUMENTS, __VA_ARGS__)
#define SET_LINE(...) cudaGraphMemcpyNodeSetParams1D(node, __VA_ARGS__)
#define SET_EXEC_LINE(...) cudaGraphExecMemcpyNodeSetParams1D(hGraphExec, node, __VA_ARGS__)
#define TO_SYMBOL const void *symbol, const void *src, size_t count, size_t offset, enum cudaMemcpyKind kind
#define FROM_SYMBOL void *dst, const void *symbol, size_t count, size_t offset, enum cudaMemcpyKind kind

SYMBOL_NODE_CALL(cudaGraphAddMemcpyNodeToSymbol, (NODE_PARAMETERS, TO_SYMBOL), part, src, ADD_LINE)
SYMBOL_NODE_CALL(cudaGraphAddMemcpyNodeFromSymbol, (NODE_PARAMETERS, FROM_SYMBOL), dst, part, ADD_LINE)
SYMBOL_NODE_CALL(cudaGraphMemcpyNodeSetParamsToSymbol, (cudaGraphNode_t node, TO_SYMBOL), part, src, SET_LINE)
SYMBOL_NODE_CALL(cudaGraphMemcpyNodeSetParamsFromSymbol, (cudaGraphNode_t node, FROM_SYMBOL), dst, part, SET_LINE)
SYMBOL_NODE_CALL(cudaGraphExecMemcpyNodeSetParamsToSymbol,
		 (cudaGraphExec_t hGraphExec, cudaGraphNode_t node, TO_SYMBOL), part, src, SET_EXEC_LINE)
SYMBOL_NODE_CALL(cudaGraphExecMemcpyNodeSetParamsFromSymbol,
		 (cudaGraphExec_t hGraphExec, cudaGraphNode_t node, FROM_SYMBOL), dst, part, SET_EXEC_LINE)

cudaError_t cudaGraphMemcpyNodeGetParams(cudaGraphNode_t node, struct cudaMemcpy3DParms *pNodeParams)
{
	CUDA_MEMCPY3D copy;
	cudaError_t error = pNodeParams ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuGraphMemcpyNodeGetParams(node, &copy));
	if (error == cudaSuccess)
		error = rt_copy_3d_describe(&copy, pNodeParams);
	return rt_record(error);
}

/* Memset nodes belong to a context as well. */
RT_SAME_LAYOUT(struct cudaMemsetParams, CUDA_MEMSET_NODE_PARAMS);

static cudaError_t context_enter(CUcontext *context)
{
	cudaError_t error = rt_enter();

	return error == cudaSuccess ? rt_error(rt_driver.cuCtxGetCurrent(context)) : error;
}

cudaError_t cudaGraphAddMemsetNode(NODE_PARAMETERS, const struct cudaMemsetParams *pMemsetParams)
{
	CUcontext context;
	cudaError_t error = context_enter(&context);

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuGraphAddMemsetNode(
		    NODE_ARGUMENTS, (const CUDA_MEMSET_NODE_PARAMS *)pMemsetParams, context));
	return rt_record(error);
}

cudaError_t cudaGraphExecMemsetNodeSetParams(cudaGraphExec_t hGraphExec, cudaGraphNode_t node,
					     const struct cudaMemsetParams *pNodeParams)
{
	CUcontext context;
	cudaError_t error = context_enter(&context);

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuGraphExecMemsetNodeSetParams(
		    hGraphExec, node, (const CUDA_MEMSET_NODE_PARAMS *)pNodeParams, context));
	return rt_record(error);
}

RT_CALL(cudaGraphMemsetNodeGetParams, (cudaGraphNode_t node, struct cudaMemsetParams *pNodeParams),
	cuGraphMemsetNodeGetParams(node, (CUDA_MEMSET_NODE_PARAMS *)pNodeParams))
RT_CALL(cudaGraphMemsetNodeSetParams, (cudaGraphNode_t node, const struct cudaMemsetParams *pNodeParams),
	cuGraphMemsetNodeSetParams(node, (const CUDA_MEMSET_NODE_PARAMS *)pNodeParams))

/* Host functions. */
RT_SAME_LAYOUT(struct cudaHostNodeParams, CUDA_HOST_NODE_PARAMS);
RT_CALL(cudaGraphAddHostNode, (NODE_PARAMETERS, const struct cudaHostNodeParams *pNodeParams),
	cuGraphAddHostNode(NODE_ARGUMENTS, (const CUDA_HOST_NODE_PARAMS *)pNodeParams))
RT_CALL(cudaGraphHostNodeGetParams, (cudaGraphNode_t node, struct cudaHostNodeParams *pNodeParams),
	cuGraphHostNodeGetParams(node, (CUDA_HOST_NODE_PARAMS *)pNodeParams))
RT_CALL(cudaGraphHostNodeSetParams, (cudaGraphNode_t node, const struct cudaHostNodeParams *pNodeParams),
	cuGraphHostNodeSetParams(node, (const CUDA_HOST_NODE_PARAMS *)pNodeParams))
RT_CALL(cudaGraphExecHostNodeSetParams,
	(cudaGraphExec_t hGraphExec, cudaGraphNode_t node, const struct cudaHostNodeParams *pNodeParams),
	cuGraphExecHostNodeSetParams(hGraphExec, node, (const CUDA_HOST_NODE_PARAMS *)pNodeParams))

/* Child graphs, joints, events. */
RT_CALL(cudaGraphAddChildGraphNode, (NODE_PARAMETERS, cudaGraph_t childGraph),
	cuGraphAddChildGraphNode(NODE_ARGUMENTS, childGraph))
RT_CALL(cudaGraphChildGraphNodeGetGraph, (cudaGraphNode_t node, cudaGraph_t *pGraph),
	cuGraphChildGraphNodeGetGraph(node, pGraph))
RT_CALL(cudaGraphExecChildGraphNodeSetParams,
	(cudaGraphExec_t hGraphExec, cudaGraphNode_t node, cudaGraph_t childGraph),
	cuGraphExecChildGraphNodeSetParams(hGraphExec, node, childGraph))
RT_CALL(cudaGraphAddEmptyNode, (NODE_PARAMETERS), cuGraphAddEmptyNode(NODE_ARGUMENTS))
RT_CALL(cudaGraphAddEventRecordNode, (NODE_PARAMETERS, cudaEvent_t event),
	cuGraphAddEventRecordNode(NODE_ARGUMENTS, event))
RT_CALL(cudaGraphEventRecordNodeGetEvent, (cudaGraphNode_t node, cudaEvent_t *event_out),
	cuGraphEventRecordNodeGetEvent(node, event_out))
RT_CALL(cudaGraphEventRecordNodeSetEvent, (cudaGraphNode_t node, cudaEvent_t event),
	cuGraphEventRecordNodeSetEvent(node, event))
RT_CALL(cudaGraphExecEventRecordNodeSetEvent, (cudaGraphExec_t hGraphExec, cudaGraphNode_t hNode, cudaEvent_t event),
	cuGraphExecEventRecordNodeSetEvent(hGraphExec, hNode, event))
RT_CALL(cudaGraphAddEventWaitNode, (NODE_PARAMETERS, cudaEvent_t event), cuGraphAddEventWaitNode(NODE_ARGUMENTS, event))
RT_CALL(cudaGraphEventWaitNodeGetEvent, (cudaGraphNode_t node, cudaEvent_t *event_out),
	cuGraphEventWaitNodeGetEvent(node, event_out))
RT_CALL(cudaGraphEventWaitNodeSetEvent, (cudaGraphNode_t node, cudaEvent_t event),
	cuGraphEventWaitNodeSetEvent(node, event))
RT_CALL(cudaGraphExecEventWaitNodeSetEvent, (cudaGraphExec_t hGraphExec, cudaGraphNode_t hNode, cudaEvent_t event),
	cuGraphExecEventWaitNodeSetEvent(hGraphExec, hNode, event))

/* Memory nodes. */
RT_SAME_LAYOUT(struct cudaMemAllocNodeParams, CUDA_MEM_ALLOC_NODE_PARAMS);
RT_CALL(cudaGraphAddMemAllocNode, (NODE_PARAMETERS, struct cudaMemAllocNodeParams *nodeParams),
	cuGraphAddMemAllocNode(NODE_ARGUMENTS, (CUDA_MEM_ALLOC_NODE_PARAMS *)nodeParams))
RT_CALL(cudaGraphMemAllocNodeGetParams, (cudaGraphNode_t node, struct cudaMemAllocNodeParams *params_out),
	cuGraphMemAllocNodeGetParams(node, (CUDA_MEM_ALLOC_NODE_PARAMS *)params_out))
RT_CALL(cudaGraphAddMemFreeNode, (NODE_PARAMETERS, void *dptr),
	cuGraphAddMemFreeNode(NODE_ARGUMENTS, (CUdeviceptr)dptr))
RT_CALL(cudaGraphMemFreeNodeGetParams, (cudaGraphNode_t node, void *dptr_out),
	cuGraphMemFreeNodeGetParams(node, (CUdeviceptr *)dptr_out))

/* External semaphores. */
RT_SAME_LAYOUT(struct cudaExternalSemaphoreSignalNodeParams, CUDA_EXT_SEM_SIGNAL_NODE_PARAMS);
RT_SAME_LAYOUT(struct cudaExternalSemaphoreWaitNodeParams, CUDA_EXT_SEM_WAIT_NODE_PARAMS);
RT_CALL(cudaGraphAddExternalSemaphoresSignalNode,
	(NODE_PARAMETERS, const struct cudaExternalSemaphoreSignalNodeParams *nodeParams),
	cuGraphAddExternalSemaphoresSignalNode(NODE_ARGUMENTS, (const CUDA_EXT_SEM_SIGNAL_NODE_PARAMS *)nodeParams))
RT_CALL(cudaGraphExternalSemaphoresSignalNodeGetParams,
	(cudaGraphNode_t hNode, struct cudaExternalSemaphoreSignalNodeParams *params_out),
	cuGraphExternalSemaphoresSignalNodeGetParams(hNode, (CUDA_EXT_SEM_SIGNAL_NODE_PARAMS *)params_out))
RT_CALL(cudaGraphExternalSemaphoresSignalNodeSetParams,
	(cudaGraphNode_t hNode, const struct cudaExternalSemaphoreSignalNodeParams *nodeParams),
	cuGraphExternalSemaphoresSignalNodeSetParams(hNode, (const CUDA_EXT_SEM_SIGNAL_NODE_PARAMS *)nodeParams))
RT_CALL(cudaGraphExecExternalSemaphoresSignalNodeSetParams,
	(cudaGraphExec_t hGraphExec, cudaGraphNode_t hNode,
	 const struct cudaExternalSemaphoreSignalNodeParams *nodeParams),
	cuGraphExecExternalSemaphoresSignalNodeSetParams(hGraphExec, hNode,
							 (const CUDA_EXT_SEM_SIGNAL_NODE_PARAMS *)nodeParams))
RT_CALL(cudaGraphAddExternalSemaphoresWaitNode,
	(NODE_PARAMETERS, const struct cudaExternalSemaphoreWaitNodeParams *nodeParams),
	cuGraphAddExternalSemaphoresWaitNode(NODE_ARGUMENTS, (const CUDA_EXT_SEM_WAIT_NODE_PARAMS *)nodeParams))
RT_CALL(cudaGraphExternalSemaphoresWaitNodeGetParams,
	(cudaGraphNode_t hNode, struct cudaExternalSemaphoreWaitNodeParams *params_out),
	cuGraphExternalSemaphoresWaitNodeGetParams(hNode, (CUDA_EXT_SEM_WAIT_NODE_PARAMS *)params_out))
RT_CALL(cudaGraphExternalSemaphoresWaitNodeSetParams,
	(cudaGraphNode_t hNode, const struct cudaExternalSemaphoreWaitNodeParams *nodeParams),
	cuGraphExternalSemaphoresWaitNodeSetParams(hNode, (const CUDA_EXT_SEM_WAIT_NODE_PARAMS *)nodeParams))
RT_CALL(cudaGraphExecExternalSemaphoresWaitNodeSetParams,
	(cudaGraphExec_t hGraphExec, cudaGraphNode_t hNode,
	 const struct cudaExternalSemaphoreWaitNodeParams *nodeParams),
	cuGraphExecExternalSemaphoresWaitNodeSetParams(hGraphExec, hNode,
						       (const CUDA_EXT_SEM_WAIT_NODE_PARAMS *)nodeParams))
