/* Stream capture. Its mode is the relaxed one: which of the session's threads makes a call is chance, and what a mode
   forbids to the client's threads is for the client to know. */
#include "handlers.h"
#include "handles.h"
#include "serve_graph.h"
#include "session.h"

bool serve_cuStreamBeginCapture_v2(struct srv_call *call)
{
	u64 id;
	CUstream stream = NULL;
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_stream(call, id, &stream);
	if (!err)
		err = SRV_DRIVER(cuStreamBeginCapture_v2, stream, CU_STREAM_CAPTURE_MODE_RELAXED);
	return srv_reply(call, err);
}

static CUresult begin_to_graph(struct srv_call *call, u64 stream_id, u64 graph_id, const struct srv_edges *edges)
{
	CUstream stream;
	const struct srv_graph *graph = srv_graph_find(call, graph_id);
	CUresult err = graph ? srv_find_stream(call, stream_id, &stream) : CUDA_ERROR_INVALID_VALUE;
	return err ? err
		   : SRV_DRIVER(cuStreamBeginCaptureToGraph, stream, srv_graph_handle(graph),
				edges->count ? edges->from : NULL, edges->data, edges->count,
				CU_STREAM_CAPTURE_MODE_RELAXED);
}

bool serve_cuStreamBeginCaptureToGraph(struct srv_call *call)
{
	u64 stream, graph;
	graph_edges wire = {0};
	struct srv_edges edges = {0};
	bool decoded =
	    xdr_u64(call->args, &stream) && xdr_u64(call->args, &graph) && xdr_graph_edges(call->args, &wire);
	if (decoded) {
		CUresult err = srv_begin(call);
		if (!err)
			err = srv_edges_translate(call, &wire, &edges);
		if (!err)
			err = begin_to_graph(call, stream, graph, &edges);
		decoded = srv_reply(call, err);
		srv_edges_free(&edges);
	}
	xdr_free((xdrproc_t)xdr_graph_edges, &wire);
	return decoded;
}

/* A capture that was looked at before its end, or that was into a graph of the client's, has its graph's id already. */
bool serve_cuStreamEndCapture(struct srv_call *call)
{
	u64 id, offered, given = 0;
	CUstream stream = NULL;
	CUgraph handle = NULL;
	if (!xdr_u64(call->args, &id) || !xdr_u64(call->args, &offered))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_stream(call, id, &stream);
	if (!err)
		err = SRV_DRIVER(cuStreamEndCapture, stream, &handle);
	if (!err) {
		struct srv_graph *graph = srv_graph_enter(call, handle, offered, NULL, &err);
		given = graph ? graph->id : 0;
	}
	return srv_reply(call, err) && (err || xdr_u64(call->result, &given));
}

static CUresult get_info(CUstream stream, CUstreamCaptureStatus *status, cuuint64_t *id, CUgraph *graph,
			 struct srv_edges *dependencies)
{
	const CUgraphNode *from = NULL;
	const CUgraphEdgeData *data = NULL;
	CUresult err =
	    SRV_DRIVER(cuStreamGetCaptureInfo_v3, stream, status, id, graph, &from, &data, &dependencies->count);
	if (err == CUDA_ERROR_LOSSY_QUERY || err == CUDA_ERROR_NOT_SUPPORTED) {
		data = NULL;
		err = SRV_DRIVER(cuStreamGetCaptureInfo_v2, stream, status, id, graph, &from, &dependencies->count);
	}
	dependencies->from = (CUgraphNode *)(uintptr_t)from;
	dependencies->data = (CUgraphEdgeData *)(uintptr_t)data;
	if (err || *status != CU_STREAM_CAPTURE_STATUS_ACTIVE)
		dependencies->count = 0;
	return err;
}

static CUresult describe(struct srv_call *call, CUstream stream, capture_info *info)
{
	CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
	cuuint64_t id = 0;
	CUgraph handle = NULL;
	struct srv_edges dependencies = {0};
	CUresult err = get_info(stream, &status, &id, &handle, &dependencies);
	info->status = (int)status;
	info->id = id;
	if (err || status != CU_STREAM_CAPTURE_STATUS_ACTIVE)
		return err;
	struct srv_graph *graph = srv_graph_enter(call, handle, 0, NULL, &err);
	if (!graph)
		return err;
	info->graph = graph->id;
	return srv_edges_describe(call, graph, &dependencies, &info->dependencies);
}

bool serve_cuStreamGetCaptureInfo_v3(struct srv_call *call)
{
	u64 id;
	CUstream stream = NULL;
	capture_info info = {0};
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_stream(call, id, &stream);
	if (!err)
		err = describe(call, stream, &info);
	bool encoded = srv_reply(call, err) && (err || xdr_capture_info(call->result, &info));
	xdr_free((xdrproc_t)xdr_capture_info, &info);
	return encoded;
}

bool serve_cuStreamUpdateCaptureDependencies_v2(struct srv_call *call)
{
	u64 id;
	u_int flags;
	CUstream stream = NULL;
	graph_edges wire = {0};
	struct srv_edges edges = {0};
	bool decoded = xdr_u64(call->args, &id) && xdr_graph_edges(call->args, &wire) && xdr_u_int(call->args, &flags);
	if (decoded) {
		CUresult err = srv_begin(call);
		if (!err)
			err = srv_edges_translate(call, &wire, &edges);
		if (!err)
			err = srv_find_stream(call, id, &stream);
		if (!err)
			err = SRV_DRIVER(cuStreamUpdateCaptureDependencies_v2, stream, edges.from, edges.data,
					 edges.count, flags);
		decoded = srv_reply(call, err);
		srv_edges_free(&edges);
	}
	xdr_free((xdrproc_t)xdr_graph_edges, &wire);
	return decoded;
}
