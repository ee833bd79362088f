#include "capture.h"

#include "graph.h"
#include "session.h"

bool srv_stream_captures(CUstream stream)
{
	CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
	return SRV_DRIVER(cuStreamIsCapturing, stream, &status) == CUDA_SUCCESS &&
	       status != CU_STREAM_CAPTURE_STATUS_NONE;
}

/* The graph that is being captured, and the node that the stream's next one will depend on. */
static struct srv_graph *find_graph(struct srv_call *call, CUstream stream, CUgraphNode *last)
{
	CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
	CUgraph handle = NULL;
	const CUgraphNode *dependencies = NULL;
	size_t count = 0;
	CUresult err = SRV_DRIVER(cuStreamGetCaptureInfo_v2, stream, &status, NULL, &handle, &dependencies, &count);
	if (err || status != CU_STREAM_CAPTURE_STATUS_ACTIVE)
		return NULL;
	*last = count == 1 ? dependencies[0] : NULL;
	return srv_graph_enter(call, handle, 0, NULL, &err);
}

void srv_capture_own_work(struct srv_call *call, CUstream stream, struct srv_host_work *work)
{
	CUgraphNode last;
	struct srv_graph *graph = find_graph(call, stream, &last);
	if (graph)
		srv_graph_own_work(graph, work);
	else
		srv_host_work_keep(work);
}

void srv_capture_own_copy(struct srv_call *call, CUstream stream, struct srv_host_work *work, const copy_3d *copy)
{
	CUgraphNode exit = NULL, entry = NULL;
	size_t count = 1;
	CUresult err = CUDA_SUCCESS;
	bool two = !copy->from.host || !copy->to.host;
	struct srv_graph *graph = find_graph(call, stream, &exit);
	if (!graph) {
		srv_host_work_keep(work);
		return;
	}
	srv_graph_own_work(graph, work);
	/* Several slices are several copies; such a node stays what it is for the driver. */
	if (!exit || copy->depth != 1)
		return;
	if (two)
		err = SRV_DRIVER(cuGraphNodeGetDependencies_v2, exit, &entry, NULL, &count);
	struct srv_node *node =
	    err || (two && count != 1) ? NULL : srv_node_enter(call, graph, two ? entry : exit, exit, 0, &err);
	if (!node)
		return;
	node->copy = *copy;
	node->work = work;
}
