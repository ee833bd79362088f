/* Streams: life, order, properties, callbacks, capture. */
#include "api.h"

RT_CALL(cudaStreamCreate, (cudaStream_t * pStream), cuStreamCreate(pStream, CU_STREAM_DEFAULT))
RT_CALL(cudaStreamCreateWithFlags, (cudaStream_t * pStream, unsigned int flags), cuStreamCreate(pStream, flags))
RT_CALL(cudaStreamCreateWithPriority, (cudaStream_t * pStream, unsigned int flags, int priority),
	cuStreamCreateWithPriority(pStream, flags, priority))
RT_CALL(cudaStreamDestroy, (cudaStream_t stream), cuStreamDestroy(stream))
RT_CALL_STREAM(cudaStreamSynchronize, (cudaStream_t stream), cuStreamSynchronize(stream))
RT_CALL_STREAM(cudaStreamQuery, (cudaStream_t stream), cuStreamQuery(stream))
RT_CALL_STREAM(cudaStreamWaitEvent, (cudaStream_t stream, cudaEvent_t event, unsigned int flags),
	       cuStreamWaitEvent(stream, event, flags))
RT_CALL_STREAM(cudaStreamGetPriority, (cudaStream_t stream, int *priority), cuStreamGetPriority(stream, priority))
RT_CALL_STREAM(cudaStreamGetFlags, (cudaStream_t stream, unsigned int *flags), cuStreamGetFlags(stream, flags))
RT_CALL_STREAM(cudaStreamGetId, (cudaStream_t stream, unsigned long long *streamId), cuStreamGetId(stream, streamId))
RT_CALL_STREAM(cudaStreamAttachMemAsync, (cudaStream_t stream, void *devPtr, size_t length, unsigned int flags),
	       cuStreamAttachMemAsync(stream, (CUdeviceptr)devPtr, length, flags))

cudaError_t cudaStreamGetDevice(cudaStream_t hStream, int *device)
{
	CUdevice handle;
	cudaError_t error = device ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuStreamGetDevice(hStream, &handle));
	if (error == cudaSuccess)
		error = rt_device_ordinal(handle, device);
	return rt_record(error);
}

RT_DECLARE_VARIANT(cudaStreamGetDevice, _ptsz)
cudaError_t cudaStreamGetDevice_ptsz(cudaStream_t hStream, int *device)
{
	return cudaStreamGetDevice(rt_stream_per_thread(hStream), device);
}

RT_SAME_LAYOUT(cudaStreamAttrValue, CUstreamAttrValue);
RT_CALL_STREAM(cudaStreamGetAttribute, (cudaStream_t stream, cudaStreamAttrID attr, cudaStreamAttrValue *value_out),
	       cuStreamGetAttribute(stream, (CUstreamAttrID)attr, (CUstreamAttrValue *)value_out))
RT_CALL_STREAM(cudaStreamSetAttribute, (cudaStream_t stream, cudaStreamAttrID attr, const cudaStreamAttrValue *value),
	       cuStreamSetAttribute(stream, (CUstreamAttrID)attr, (const CUstreamAttrValue *)value))
RT_CALL(cudaStreamCopyAttributes, (cudaStream_t dst, cudaStream_t src), cuStreamCopyAttributes(dst, src))

RT_DECLARE_VARIANT(cudaStreamCopyAttributes, _ptsz)
cudaError_t cudaStreamCopyAttributes_ptsz(cudaStream_t dst, cudaStream_t src)
{
	return cudaStreamCopyAttributes(rt_stream_per_thread(dst), rt_stream_per_thread(src));
}

/* A callback that waits for its turn in the stream. */
struct callback {
	cudaStreamCallback_t function;
	void *data;
};

/* Runs on the driver's thread, once for each callback that the driver accepted. */
static void callback_run(CUstream stream, CUresult status, void *data)
{
	struct callback callback = *(struct callback *)data;

	rt_free(data);
	callback.function(stream, rt_error(status), callback.data);
}

cudaError_t cudaStreamAddCallback(cudaStream_t stream, cudaStreamCallback_t callback, void *userData,
				  unsigned int flags)
{
	cudaError_t error = callback ? rt_enter() : cudaErrorInvalidValue;
	struct callback *waiting = error == cudaSuccess ? rt_alloc(sizeof(*waiting)) : NULL;

	if (error == cudaSuccess && !waiting)
		error = cudaErrorMemoryAllocation;
	if (error != cudaSuccess)
		return rt_record(error);
	*waiting = (struct callback){callback, userData};
	error = rt_error(rt_driver.cuStreamAddCallback(stream, callback_run, waiting, flags));
	if (error != cudaSuccess)
		rt_free(waiting);
	return rt_record(error);
}

RT_DECLARE_VARIANT(cudaStreamAddCallback, _ptsz)
cudaError_t cudaStreamAddCallback_ptsz(cudaStream_t stream, cudaStreamCallback_t callback, void *userData,
				       unsigned int flags)
{
	return cudaStreamAddCallback(rt_stream_per_thread(stream), callback, userData, flags);
}

RT_SAME_LAYOUT(cudaGraphEdgeData, CUgraphEdgeData);
RT_CALL_STREAM(cudaStreamBeginCapture, (cudaStream_t stream, enum cudaStreamCaptureMode mode),
	       cuStreamBeginCapture(stream, (CUstreamCaptureMode)mode))
RT_CALL_STREAM(cudaStreamBeginCaptureToGraph,
	       (cudaStream_t stream, cudaGraph_t graph, const cudaGraphNode_t *dependencies,
		const cudaGraphEdgeData *dependencyData, size_t numDependencies, enum cudaStreamCaptureMode mode),
	       cuStreamBeginCaptureToGraph(stream, graph, dependencies, (const CUgraphEdgeData *)dependencyData,
					   numDependencies, (CUstreamCaptureMode)mode))
RT_CALL_STREAM(cudaStreamEndCapture, (cudaStream_t stream, cudaGraph_t *pGraph), cuStreamEndCapture(stream, pGraph))
RT_CALL_STREAM(cudaStreamIsCapturing, (cudaStream_t stream, enum cudaStreamCaptureStatus *pCaptureStatus),
	       cuStreamIsCapturing(stream, (CUstreamCaptureStatus *)pCaptureStatus))
RT_CALL_STREAM(cudaStreamGetCaptureInfo,
	       (cudaStream_t stream, enum cudaStreamCaptureStatus *captureStatus_out, unsigned long long *id_out,
		cudaGraph_t *graph_out, const cudaGraphNode_t **dependencies_out,
		const cudaGraphEdgeData **edgeData_out, size_t *numDependencies_out),
	       cuStreamGetCaptureInfo(stream, (CUstreamCaptureStatus *)captureStatus_out, (cuuint64_t *)id_out,
				      graph_out, dependencies_out, (const CUgraphEdgeData **)edgeData_out,
				      numDependencies_out))
RT_CALL_STREAM(cudaStreamUpdateCaptureDependencies,
	       (cudaStream_t stream, cudaGraphNode_t *dependencies, const cudaGraphEdgeData *dependencyData,
		size_t numDependencies, unsigned int flags),
	       cuStreamUpdateCaptureDependencies(stream, dependencies, (const CUgraphEdgeData *)dependencyData,
						 numDependencies, flags))
RT_CALL(cudaThreadExchangeStreamCaptureMode, (enum cudaStreamCaptureMode * mode),
	cuThreadExchangeStreamCaptureMode((CUstreamCaptureMode *)mode))
