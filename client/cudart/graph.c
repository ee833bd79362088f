/* Graphs as a whole: life, structure, instances, user objects. Nodes are in graph_node.c. */
#include "api.h"

RT_SAME_LAYOUT(cudaGraphEdgeData, CUgraphEdgeData);
RT_SAME_LAYOUT(cudaGraphInstantiateParams, CUDA_GRAPH_INSTANTIATE_PARAMS);
RT_SAME_LAYOUT(cudaGraphExecUpdateResultInfo, CUgraphExecUpdateResultInfo);

RT_CALL(cudaGraphCreate, (cudaGraph_t * pGraph, unsigned int flags), cuGraphCreate(pGraph, flags))
RT_CALL(cudaGraphDestroy, (cudaGraph_t graph), cuGraphDestroy(graph))
RT_CALL(cudaGraphClone, (cudaGraph_t * pGraphClone, cudaGraph_t originalGraph),
	cuGraphClone(pGraphClone, originalGraph))
RT_CALL(cudaGraphDebugDotPrint, (cudaGraph_t graph, const char *path, unsigned int flags),
	cuGraphDebugDotPrint(graph, path, flags))

/* Structure. */
RT_CALL(cudaGraphGetNodes, (cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *numNodes),
	cuGraphGetNodes(graph, nodes, numNodes))
RT_CALL(cudaGraphGetRootNodes, (cudaGraph_t graph, cudaGraphNode_t *pRootNodes, size_t *pNumRootNodes),
	cuGraphGetRootNodes(graph, pRootNodes, pNumRootNodes))
RT_CALL(cudaGraphGetEdges,
	(cudaGraph_t graph, cudaGraphNode_t *from, cudaGraphNode_t *to, cudaGraphEdgeData *edgeData, size_t *numEdges),
	cuGraphGetEdges(graph, from, to, (CUgraphEdgeData *)edgeData, numEdges))
RT_CALL(cudaGraphNodeGetDependencies,
	(cudaGraphNode_t node, cudaGraphNode_t *pDependencies, cudaGraphEdgeData *edgeData, size_t *pNumDependencies),
	cuGraphNodeGetDependencies(node, pDependencies, (CUgraphEdgeData *)edgeData, pNumDependencies))
RT_CALL(cudaGraphNodeGetDependentNodes,
	(cudaGraphNode_t node, cudaGraphNode_t *pDependentNodes, cudaGraphEdgeData *edgeData,
	 size_t *pNumDependentNodes),
	cuGraphNodeGetDependentNodes(node, pDependentNodes, (CUgraphEdgeData *)edgeData, pNumDependentNodes))
RT_CALL(cudaGraphAddDependencies,
	(cudaGraph_t graph, const cudaGraphNode_t *from, const cudaGraphNode_t *to, const cudaGraphEdgeData *edgeData,
	 size_t numDependencies),
	cuGraphAddDependencies(graph, from, to, (const CUgraphEdgeData *)edgeData, numDependencies))
RT_CALL(cudaGraphRemoveDependencies,
	(cudaGraph_t graph, const cudaGraphNode_t *from, const cudaGraphNode_t *to, const cudaGraphEdgeData *edgeData,
	 size_t numDependencies),
	cuGraphRemoveDependencies(graph, from, to, (const CUgraphEdgeData *)edgeData, numDependencies))
RT_CALL(cudaGraphNodeFindInClone, (cudaGraphNode_t * pNode, cudaGraphNode_t originalNode, cudaGraph_t clonedGraph),
	cuGraphNodeFindInClone(pNode, originalNode, clonedGraph))
RT_CALL(cudaGraphNodeGetType, (cudaGraphNode_t node, enum cudaGraphNodeType *pType),
	cuGraphNodeGetType(node, (CUgraphNodeType *)pType))
RT_CALL(cudaGraphDestroyNode, (cudaGraphNode_t node), cuGraphDestroyNode(node))

/* Instances. */
RT_CALL(cudaGraphInstantiate, (cudaGraphExec_t * pGraphExec, cudaGraph_t graph, unsigned long long flags),
	cuGraphInstantiate(pGraphExec, graph, flags))
RT_CALL(cudaGraphInstantiateWithFlags, (cudaGraphExec_t * pGraphExec, cudaGraph_t graph, unsigned long long flags),
	cuGraphInstantiate(pGraphExec, graph, flags))
RT_CALL(cudaGraphInstantiateWithParams,
	(cudaGraphExec_t * pGraphExec, cudaGraph_t graph, cudaGraphInstantiateParams *instantiateParams),
	cuGraphInstantiateWithParams(pGraphExec, graph, (CUDA_GRAPH_INSTANTIATE_PARAMS *)instantiateParams))

/* The upload stream is in the parameters, which the driver writes its result into. */
RT_DECLARE_VARIANT(cudaGraphInstantiateWithParams, _ptsz)
cudaError_t cudaGraphInstantiateWithParams_ptsz(cudaGraphExec_t *pGraphExec, cudaGraph_t graph,
						cudaGraphInstantiateParams *instantiateParams)
{
	cudaGraphInstantiateParams parameters;
	cudaStream_t given;
	cudaError_t error;

	if (!instantiateParams)
		return rt_record(cudaErrorInvalidValue);
	parameters = *instantiateParams;
	given = parameters.uploadStream;
	parameters.uploadStream = rt_stream_per_thread(given);
	error = cudaGraphInstantiateWithParams(pGraphExec, graph, &parameters);
	parameters.uploadStream = given;
	*instantiateParams = parameters;
	return error;
}

RT_CALL(cudaGraphExecGetFlags, (cudaGraphExec_t graphExec, unsigned long long *flags),
	cuGraphExecGetFlags(graphExec, (cuuint64_t *)flags))
RT_CALL(cudaGraphExecUpdate,
	(cudaGraphExec_t hGraphExec, cudaGraph_t hGraph, cudaGraphExecUpdateResultInfo *resultInfo),
	cuGraphExecUpdate(hGraphExec, hGraph, (CUgraphExecUpdateResultInfo *)resultInfo))
RT_CALL(cudaGraphExecDestroy, (cudaGraphExec_t graphExec), cuGraphExecDestroy(graphExec))
RT_CALL_STREAM(cudaGraphLaunch, (cudaGraphExec_t graphExec, cudaStream_t stream), cuGraphLaunch(graphExec, stream))
RT_CALL_STREAM(cudaGraphUpload, (cudaGraphExec_t graphExec, cudaStream_t stream), cuGraphUpload(graphExec, stream))
RT_CALL(cudaGraphNodeSetEnabled, (cudaGraphExec_t hGraphExec, cudaGraphNode_t hNode, unsigned int isEnabled),
	cuGraphNodeSetEnabled(hGraphExec, hNode, isEnabled))
RT_CALL(cudaGraphNodeGetEnabled, (cudaGraphExec_t hGraphExec, cudaGraphNode_t hNode, unsigned int *isEnabled),
	cuGraphNodeGetEnabled(hGraphExec, hNode, isEnabled))

/* The handle belongs to a context; the runtime's is the current one. */
cudaError_t cudaGraphConditionalHandleCreate(cudaGraphConditionalHandle *pHandle_out, cudaGraph_t graph,
					     unsigned int defaultLaunchValue, unsigned int flags)
{
	CUcontext context;
	cudaError_t error = rt_enter();

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuCtxGetCurrent(&context));
	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuGraphConditionalHandleCreate((CUgraphConditionalHandle *)pHandle_out,
									  graph, context, defaultLaunchValue, flags));
	return rt_record(error);
}

/* User objects. */
RT_CALL(cudaUserObjectCreate,
	(cudaUserObject_t * object_out, void *ptr, cudaHostFn_t destroy, unsigned int initialRefcount,
	 unsigned int flags),
	cuUserObjectCreate(object_out, ptr, destroy, initialRefcount, flags))
RT_CALL(cudaUserObjectRetain, (cudaUserObject_t object, unsigned int count), cuUserObjectRetain(object, count))
RT_CALL(cudaUserObjectRelease, (cudaUserObject_t object, unsigned int count), cuUserObjectRelease(object, count))
RT_CALL(cudaGraphRetainUserObject, (cudaGraph_t graph, cudaUserObject_t object, unsigned int count, unsigned int flags),
	cuGraphRetainUserObject(graph, object, count, flags))
RT_CALL(cudaGraphReleaseUserObject, (cudaGraph_t graph, cudaUserObject_t object, unsigned int count),
	cuGraphReleaseUserObject(graph, object, count))
