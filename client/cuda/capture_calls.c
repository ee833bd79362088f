/* Stream capture. The server captures; its threads are not the program's, so the rules about threads are kept here. */
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "graph.h"
#include "hand.h"
#include "platform.h"

static cu_thread_local CUstreamCaptureMode thread_mode; /* 0: CU_STREAM_CAPTURE_MODE_GLOBAL */

CUresult client_cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode)
{
	if (!mode || *mode > CU_STREAM_CAPTURE_MODE_RELAXED)
		return CUDA_ERROR_INVALID_VALUE;
	CUstreamCaptureMode before = thread_mode;
	thread_mode = *mode;
	*mode = before;
	return CUDA_SUCCESS;
}

/* What both ways to begin have in common. */
static CUresult may_begin(CUstream stream, CUstreamCaptureMode mode, u64 *id)
{
	if (mode > CU_STREAM_CAPTURE_MODE_RELAXED)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_id_of_stream(stream, id);
	if (!err && *id <= (uintptr_t)CU_STREAM_PER_THREAD)
		err = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED; /* the legacy default stream */
	return !err && cu_stream_captures(stream) ? CUDA_ERROR_ILLEGAL_STATE : err;
}

CUresult client_cuStreamBeginCapture_v2(CUstream hStream, CUstreamCaptureMode mode)
{
	struct cu_call call;
	u64 id;
	CUresult err = may_begin(hStream, mode, &id);
	if (!err)
		err = cu_call_begin(&call, FN_cuStreamBeginCapture_v2);
	if (!err)
		err = cu_call_end(&call, xdr_u64(call.args, &id));
	return err ? err : cu_capture_begin(hStream, mode);
}

CUresult client_cuStreamBeginCaptureToGraph(CUstream hStream, CUgraph hGraph, const CUgraphNode *dependencies,
					    const CUgraphEdgeData *dependencyData, size_t numDependencies,
					    CUstreamCaptureMode mode)
{
	struct cu_call call;
	u64 id, graph;
	graph_edges edges = {{0, NULL}};
	CUresult err = may_begin(hStream, mode, &id);
	if (!err)
		err = cu_id_of_graph(hGraph, &graph);
	if (!err && numDependencies > CU_EDGES_MAX)
		err = CUDA_ERROR_NOT_SUPPORTED;
	if (!err)
		err = cu_edges_encode(dependencies, NULL, dependencyData, numDependencies, &edges);
	if (!err)
		err = cu_call_begin(&call, FN_cuStreamBeginCaptureToGraph);
	if (!err)
		err = cu_call_end(&call, xdr_u64(call.args, &id) && xdr_u64(call.args, &graph) &&
					     xdr_graph_edges(call.args, &edges));
	cu_edges_free(&edges);
	return err ? err : cu_capture_begin(hStream, mode);
}

/* The graph has the id that is offered, unless the server has named it before. */
static CUresult end_capture(u64 stream, u64 offered, u64 *graph)
{
	struct cu_call call;
	*graph = 0;
	CUresult err = cu_call_begin(&call, FN_cuStreamEndCapture);
	if (!err)
		err = cu_call_result(&call, xdr_u64(call.args, &stream) && xdr_u64(call.args, &offered),
				     (xdrproc_t)xdr_u64, graph);
	return err;
}

/* Gives a captured graph to the program. Who captured to a graph of his own need not ask which it is; another, if not
   asked for, is nobody's. */
static CUresult give_graph(u64 graph, bool new, CUgraph *phGraph)
{
	if (phGraph)
		*phGraph = cu_handle(graph);
	else if (new)
		(void)client_cuGraphDestroy(cu_handle(graph));
	return phGraph || !new ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult client_cuStreamEndCapture(CUstream hStream, CUgraph *phGraph)
{
	u64 id, offered, graph;
	if (phGraph)
		*phGraph = NULL;
	CUresult err = cu_id_of_stream(hStream, &id);
	if (!err)
		err = cu_capture_may_end(hStream);
	if (!err)
		err = cu_graph_mint(&offered);
	if (err)
		return err;
	err = end_capture(id, offered, &graph);
	if (err != CUDA_ERROR_STREAM_CAPTURE_UNMATCHED)
		cu_capture_end(hStream);
	if (graph != offered)
		cu_graph_unmint(offered);
	if (!err)
		err = cu_graph_enter(graph, 0);
	return err ? err : give_graph(graph, graph == offered, phGraph);
}

static CUresult ask(CUstream stream, capture_info *info)
{
	struct cu_call call;
	u64 id;
	*info = (capture_info){.status = CU_STREAM_CAPTURE_STATUS_NONE};
	CUresult err = cu_id_of_stream(stream, &id);
	if (err || !cu_stream_captures(stream))
		return err;
	err = cu_call_begin(&call, FN_cuStreamGetCaptureInfo_v3);
	if (!err)
		err = cu_call_result(&call, xdr_u64(call.args, &id), (xdrproc_t)xdr_capture_info, info);
	if (!err && info->graph)
		err = cu_graph_enter(info->graph, 0);
	return err || !info->graph ? err : cu_edges_enter(&info->dependencies, info->graph);
}

CUresult client_cuStreamIsCapturing(CUstream hStream, CUstreamCaptureStatus *captureStatus)
{
	capture_info info;
	if (!captureStatus)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = ask(hStream, &info);
	if (!err)
		*captureStatus = (CUstreamCaptureStatus)info.status;
	xdr_free((xdrproc_t)xdr_capture_info, &info);
	return err;
}

/* What the program is given pointers to stays until the thread asks again. */
static cu_thread_local struct {
	CUgraphNode nodes[64];
	CUgraphEdgeData data[64];
} answer;

static CUresult give_dependencies(const graph_edges *edges, const CUgraphNode **nodes, const CUgraphEdgeData **data,
				  size_t *count)
{
	size_t there = edges->edges.edges_len;
	if (there > sizeof(answer.nodes) / sizeof(answer.nodes[0]))
		return CUDA_ERROR_NOT_SUPPORTED;
	for (size_t i = 0; i < there; i++) {
		answer.nodes[i] = cu_handle(edges->edges.edges_val[i].from);
		memcpy(&answer.data[i], edges->edges.edges_val[i].data, sizeof(answer.data[i]));
	}
	if (nodes)
		*nodes = answer.nodes;
	if (data)
		*data = answer.data;
	if (count)
		*count = there;
	return CUDA_SUCCESS;
}

CUresult client_cuStreamGetCaptureInfo_v3(CUstream hStream, CUstreamCaptureStatus *captureStatus_out,
					  cuuint64_t *id_out, CUgraph *graph_out, const CUgraphNode **dependencies_out,
					  const CUgraphEdgeData **edgeData_out, size_t *numDependencies_out)
{
	capture_info info;
	if (!captureStatus_out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = ask(hStream, &info);
	if (!err && info.status == CU_STREAM_CAPTURE_STATUS_ACTIVE && (dependencies_out || numDependencies_out))
		err = give_dependencies(&info.dependencies, dependencies_out, edgeData_out, numDependencies_out);
	if (!err) {
		*captureStatus_out = (CUstreamCaptureStatus)info.status;
		if (id_out)
			*id_out = info.id;
		if (graph_out)
			*graph_out = cu_handle(info.graph);
	}
	xdr_free((xdrproc_t)xdr_capture_info, &info);
	return err;
}

CUresult client_cuStreamGetCaptureInfo_v2(CUstream hStream, CUstreamCaptureStatus *captureStatus_out,
					  cuuint64_t *id_out, CUgraph *graph_out, const CUgraphNode **dependencies_out,
					  size_t *numDependencies_out)
{
	return client_cuStreamGetCaptureInfo_v3(hStream, captureStatus_out, id_out, graph_out, dependencies_out, NULL,
						numDependencies_out);
}

CUresult client_cuStreamUpdateCaptureDependencies_v2(CUstream hStream, CUgraphNode *dependencies,
						     const CUgraphEdgeData *dependencyData, size_t numDependencies,
						     unsigned int flags)
{
	struct cu_call call;
	u64 id;
	u_int wire_flags = flags;
	graph_edges edges = {{0, NULL}};
	CUresult err = cu_id_of_stream(hStream, &id);
	if (!err && !cu_stream_captures(hStream))
		err = CUDA_ERROR_ILLEGAL_STATE;
	if (!err && numDependencies > CU_EDGES_MAX)
		err = CUDA_ERROR_NOT_SUPPORTED;
	if (!err)
		err = cu_edges_encode(dependencies, NULL, dependencyData, numDependencies, &edges);
	if (!err)
		err = cu_call_begin(&call, FN_cuStreamUpdateCaptureDependencies_v2);
	if (!err)
		err = cu_call_end(&call, xdr_u64(call.args, &id) && xdr_graph_edges(call.args, &edges) &&
					     xdr_u_int(call.args, &wire_flags));
	cu_edges_free(&edges);
	return err;
}

CUresult client_cuStreamUpdateCaptureDependencies(CUstream hStream, CUgraphNode *dependencies, size_t numDependencies,
						  unsigned int flags)
{
	return client_cuStreamUpdateCaptureDependencies_v2(hStream, dependencies, NULL, numDependencies, flags);
}
