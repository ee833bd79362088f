#include "capture.h"

#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "driver.h"
#include "event.h"
#include "graph.h"
#include "stream.h"
#include "thread.h"

struct capture {
	cuuint64_t id;
	CUstreamCaptureMode mode;
	uint64_t thread; /* that began it */
	struct drv_graph *graph;
	bool given; /* the graph is the program's */
	bool invalidated;
	struct drv_link streams; /* that take part, the one that began it first */
	struct drv_context *context;
	struct drv_link siblings;
};

/* What a stream has captured last, or an event stands for: nodes that what comes next depends on. */
struct drv_captured {
	struct capture *capture; /* of a stream */
	cuuint64_t id;
	CUgraphNode *nodes;
	CUgraphEdgeData *data;
	size_t count;
	struct drv_stream *stream; /* NULL: an event's */
	struct drv_link siblings;
};

static struct drv_link captures = {&captures, &captures};
static cuuint64_t last_id;

static bool nodes_set(struct drv_captured *captured, const CUgraphNode *nodes, const CUgraphEdgeData *data,
		      size_t count)
{
	CUgraphNode *own = calloc(count + 1, sizeof *own);
	CUgraphEdgeData *own_data = calloc(count + 1, sizeof *own_data);
	if (!own || !own_data) {
		free(own);
		free(own_data);
		return false;
	}
	if (count)
		memcpy(own, nodes, count * sizeof *own);
	if (count && data)
		memcpy(own_data, data, count * sizeof *own_data);
	free(captured->nodes);
	free(captured->data);
	captured->nodes = own;
	captured->data = own_data;
	captured->count = count;
	return true;
}

static bool has_node(const struct drv_captured *captured, CUgraphNode node)
{
	for (size_t i = 0; i < captured->count; i++)
		if (captured->nodes[i] == node)
			return true;
	return false;
}

/* Adds the nodes that are not there yet. */
static bool nodes_add(struct drv_captured *captured, const CUgraphNode *nodes, const CUgraphEdgeData *data,
		      size_t count)
{
	static const CUgraphEdgeData plain;
	CUgraphNode *all = calloc(captured->count + count + 1, sizeof *all);
	CUgraphEdgeData *all_data = calloc(captured->count + count + 1, sizeof *all_data);
	size_t total = captured->count;
	bool made = all && all_data;
	for (size_t i = 0; made && i < captured->count; i++) {
		all[i] = captured->nodes[i];
		all_data[i] = captured->data[i];
	}
	for (size_t i = 0; made && i < count; i++)
		if (!has_node(captured, nodes[i])) {
			all_data[total] = data ? data[i] : plain;
			all[total++] = nodes[i];
		}
	made = made && nodes_set(captured, all, all_data, total);
	free(all);
	free(all_data);
	return made;
}

static struct drv_captured *captured_new(struct capture *capture, struct drv_stream *stream)
{
	struct drv_captured *captured = calloc(1, sizeof *captured);
	if (!captured)
		return NULL;
	captured->capture = capture;
	captured->id = capture->id;
	captured->stream = stream;
	drv_list_init(&captured->siblings);
	if (stream)
		drv_list_append(&capture->streams, &captured->siblings);
	return captured;
}

static void captured_free(struct drv_captured *captured)
{
	drv_list_remove(&captured->siblings);
	if (captured->stream)
		captured->stream->captured = NULL;
	free(captured->nodes);
	free(captured->data);
	free(captured);
}

static void capture_end(struct capture *capture)
{
	while (!drv_list_empty(&capture->streams))
		captured_free(DRV_ENTRY(capture->streams.next, struct drv_captured, siblings));
	drv_list_remove(&capture->siblings);
	capture->graph->capture = NULL;
	free(capture);
}

static bool is_origin(const struct drv_captured *captured)
{
	return captured->capture->streams.next == &captured->siblings;
}

void drv_captured_drop(struct drv_captured **place)
{
	struct drv_captured *captured = *place;
	*place = NULL;
	if (!captured)
		return;
	if (!captured->stream || !is_origin(captured)) {
		if (captured->stream)
			captured->capture->invalidated = true;
		captured_free(captured);
		return;
	}
	struct drv_graph *graph = captured->capture->given ? NULL : captured->capture->graph;
	capture_end(captured->capture);
	if (graph)
		drv_graph_free(graph);
}

/* Rules */

static struct capture *capture_in(const struct drv_context *context, bool blocking_only)
{
	for (struct drv_link *link = captures.next; link != &captures; link = link->next) {
		struct capture *capture = DRV_ENTRY(link, struct capture, siblings);
		if (capture->context != context)
			continue;
		for (struct drv_link *at = capture->streams.next; at != &capture->streams; at = at->next)
			if (!blocking_only ||
			    !(DRV_ENTRY(at, struct drv_captured, siblings)->stream->flags & CU_STREAM_NON_BLOCKING))
				return capture;
	}
	return NULL;
}

static CUresult invalidate(struct capture *capture, CUresult error)
{
	capture->invalidated = true;
	return error;
}

CUresult drv_capture_check(struct drv_stream *stream)
{
	struct capture *capture;
	if (drv_list_empty(&captures))
		return CUDA_SUCCESS;
	if (stream->captured)
		return invalidate(stream->captured->capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
	capture = stream == &stream->context->legacy ? capture_in(stream->context, true) : NULL;
	return capture ? invalidate(capture, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT) : CUDA_SUCCESS;
}

CUresult drv_capture_check_context(const struct drv_context *context)
{
	struct capture *capture = drv_list_empty(&captures) ? NULL : capture_in(context, false);
	return capture ? invalidate(capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED) : CUDA_SUCCESS;
}

/* Capturing */

static CUresult node_add(struct drv_captured *captured, CUgraphNodeParams *params, const struct drv_copy *copy)
{
	struct drv_graph_node *node, **from = calloc(captured->count + 1, sizeof(struct drv_graph_node *));
	struct drv_task *task;
	if (!from)
		return CUDA_ERROR_OUT_OF_MEMORY;
	for (size_t i = 0; i < captured->count; i++)
		from[i] = drv_graph_node_get(captured->nodes[i]);
	CUresult result = drv_task_new(captured->capture->graph, params, copy, &task);
	if (result == CUDA_SUCCESS)
		result = drv_graph_add(captured->capture->graph, from, captured->data, captured->count, task, &node);
	free(from);
	if (result != CUDA_SUCCESS)
		return result;
	if (params->type == CU_GRAPH_NODE_TYPE_MEM_ALLOC)
		params->alloc.dptr = node->task->params.alloc.dptr;
	return nodes_set(captured, &node->handle, NULL, 1) ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

/* An error leaves the capture without the call, as it would leave the stream. */
CUresult drv_capture_add(struct drv_stream *stream, CUgraphNodeParams *params, const struct drv_copy *copy)
{
	if (stream->captured->capture->invalidated)
		return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
	return node_add(stream->captured, params, copy);
}

CUresult drv_capture_launch(struct drv_stream *stream, CUgraphNodeParams *params, bool cooperative, bool prioritised,
			    int priority)
{
	CUresult result = drv_capture_add(stream, params, NULL);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_task *task = drv_graph_node_get(stream->captured->nodes[0])->task;
	task->attributes[CU_LAUNCH_ATTRIBUTE_COOPERATIVE].cooperative = cooperative;
	task->launch.cooperative = cooperative;
	task->prioritised = prioritised || stream->priority;
	task->launch.priority = prioritised ? priority : stream->priority;
	task->attributes[CU_LAUNCH_ATTRIBUTE_PRIORITY].priority = task->launch.priority;
	return CUDA_SUCCESS;
}

static void side_describe(const struct drv_place *place, CUmemorytype *type, const void **host, CUdeviceptr *device,
			  size_t *pitch, size_t *height)
{
	*type = place->side == DRV_SIDE_HOST     ? CU_MEMORYTYPE_HOST
		: place->side == DRV_SIDE_DEVICE ? CU_MEMORYTYPE_DEVICE
						 : CU_MEMORYTYPE_UNIFIED;
	*host = (const void *)place->address;
	*device = place->address;
	*pitch = place->pitch;
	*height = place->pitch ? place->slice / place->pitch : 0;
}

CUresult drv_capture_copy(struct drv_stream *stream, const struct drv_copy *copy)
{
	CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_MEMCPY};
	CUDA_MEMCPY3D *p = &params.memcpy.copyParams;
	const void *to;
	params.memcpy.copyCtx = stream->context->handle;
	p->WidthInBytes = copy->width;
	p->Height = copy->height;
	p->Depth = copy->depth;
	side_describe(&copy->from, &p->srcMemoryType, &p->srcHost, &p->srcDevice, &p->srcPitch, &p->srcHeight);
	side_describe(&copy->to, &p->dstMemoryType, &to, &p->dstDevice, &p->dstPitch, &p->dstHeight);
	p->dstHost = (void *)to;
	return drv_capture_add(stream, &params, copy);
}

CUresult drv_capture_record(struct drv_event *event, struct drv_stream *stream)
{
	const struct drv_captured *from = stream->captured;
	if (from->capture->invalidated)
		return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
	struct drv_captured *captured = captured_new(from->capture, NULL);
	if (!captured || !nodes_set(captured, from->nodes, from->data, from->count)) {
		if (captured)
			captured_free(captured);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	drv_captured_drop(&event->captured);
	event->captured = captured;
	return CUDA_SUCCESS;
}

static struct capture *capture_with(cuuint64_t id)
{
	for (struct drv_link *link = captures.next; link != &captures; link = link->next)
		if (DRV_ENTRY(link, struct capture, siblings)->id == id)
			return DRV_ENTRY(link, struct capture, siblings);
	return NULL;
}

CUresult drv_capture_wait(struct drv_event *event, struct drv_stream *stream)
{
	const struct drv_captured *from = event->captured;
	struct capture *capture = from ? capture_with(from->id) : NULL;
	if (stream->captured && !capture)
		return invalidate(stream->captured->capture, CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
	if (!capture)
		return CUDA_ERROR_CAPTURED_EVENT;
	if (capture->invalidated)
		return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
	if (stream == &stream->context->legacy)
		return invalidate(capture, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
	if (stream->captured && stream->captured->capture != capture) {
		stream->captured->capture->invalidated = true;
		return invalidate(capture, CUDA_ERROR_STREAM_CAPTURE_MERGE);
	}
	if (!stream->captured)
		stream->captured = captured_new(capture, stream);
	return stream->captured && nodes_add(stream->captured, from->nodes, from->data, from->count)
		   ? CUDA_SUCCESS
		   : CUDA_ERROR_OUT_OF_MEMORY;
}

/* Beginning and ending */

static CUresult begin(struct drv_stream *stream, struct drv_graph *graph, const CUgraphNode *from,
		      const CUgraphEdgeData *data, size_t count, CUstreamCaptureMode mode)
{
	if (stream == &stream->context->legacy)
		return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
	if (stream->captured || (graph && graph->capture))
		return CUDA_ERROR_ILLEGAL_STATE;
	for (size_t i = 0; i < count; i++) {
		const struct drv_graph_node *node = drv_graph_node_get(from[i]);
		if (!node || node->graph != graph)
			return CUDA_ERROR_INVALID_VALUE;
	}
	struct capture *capture = calloc(1, sizeof *capture);
	if (!capture)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*capture = (struct capture){.id = ++last_id,
				    .mode = mode,
				    .thread = drv_thread_id(),
				    .graph = graph ? graph : drv_graph_new(NULL),
				    .given = graph != NULL,
				    .context = stream->context};
	drv_list_init(&capture->streams);
	stream->captured = capture->graph ? captured_new(capture, stream) : NULL;
	if (!stream->captured || !nodes_set(stream->captured, from, data, count)) {
		if (stream->captured)
			captured_free(stream->captured);
		if (!graph && capture->graph)
			drv_graph_free(capture->graph);
		free(capture);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	capture->graph->capture = capture;
	drv_list_append(&captures, &capture->siblings);
	return CUDA_SUCCESS;
}

DRV_API CUresult cuStreamBeginCapture_v2(CUstream handle, CUstreamCaptureMode mode)
{
	struct drv_stream *stream;
	if ((unsigned)mode > CU_STREAM_CAPTURE_MODE_RELAXED)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	return result == CUDA_SUCCESS ? drv_leave(begin(stream, NULL, NULL, NULL, 0, mode)) : result;
}

DRV_API CUresult cuStreamBeginCapture(CUstream stream)
{
	return cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_GLOBAL);
}

DRV_API CUresult cuStreamBeginCaptureToGraph(CUstream handle, CUgraph graph_handle, const CUgraphNode *from,
					     const CUgraphEdgeData *data, size_t count, CUstreamCaptureMode mode)
{
	struct drv_stream *stream;
	if ((unsigned)mode > CU_STREAM_CAPTURE_MODE_RELAXED || (count && !from))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_graph *graph = drv_graph_get(graph_handle);
	return drv_leave(graph ? begin(stream, graph, from, data, count, mode) : CUDA_ERROR_INVALID_VALUE);
}

/* Has everything that other streams captured come back to the one that began? */
static bool is_joined(const struct capture *capture)
{
	const struct drv_captured *origin = DRV_ENTRY(capture->streams.next, struct drv_captured, siblings);
	for (struct drv_link *link = origin->siblings.next; link != &capture->streams; link = link->next) {
		const struct drv_captured *other = DRV_ENTRY(link, struct drv_captured, siblings);
		for (size_t i = 0; i < other->count; i++) {
			const struct drv_graph_node *node = drv_graph_node_get(other->nodes[i]);
			if (node && !node->out.count && !has_node(origin, other->nodes[i]))
				return false;
		}
	}
	return true;
}

/* Who captured to a graph of his own need not ask which it is: `out` may be NULL then. */
static CUresult end(struct drv_stream *stream, CUgraph *out)
{
	struct capture *capture = stream->captured ? stream->captured->capture : NULL;
	if (out)
		*out = NULL;
	if (!capture)
		return CUDA_ERROR_ILLEGAL_STATE;
	if (!out && !capture->given)
		return CUDA_ERROR_INVALID_VALUE;
	if (!is_origin(stream->captured))
		return invalidate(capture, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
	if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED && capture->thread != drv_thread_id())
		return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
	CUresult result = capture->invalidated ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED
			  : is_joined(capture) ? CUDA_SUCCESS
					       : CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
	struct drv_graph *graph = capture->graph;
	bool given = capture->given;
	capture_end(capture);
	if (result == CUDA_SUCCESS && out)
		*out = graph->handle;
	else if (result != CUDA_SUCCESS && !given)
		drv_graph_free(graph);
	return result;
}

DRV_API CUresult cuStreamEndCapture(CUstream handle, CUgraph *out)
{
	struct drv_stream *stream;
	CUresult result = drv_enter_stream(handle, &stream);
	return result == CUDA_SUCCESS ? drv_leave(end(stream, out)) : result;
}

/* Questions */

static CUresult status_get(struct drv_stream *stream, CUstreamCaptureStatus *status)
{
	if (!drv_list_empty(&captures) && stream == &stream->context->legacy && capture_in(stream->context, true))
		return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
	*status = !stream->captured                        ? CU_STREAM_CAPTURE_STATUS_NONE
		  : stream->captured->capture->invalidated ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
							   : CU_STREAM_CAPTURE_STATUS_ACTIVE;
	return CUDA_SUCCESS;
}

DRV_API CUresult cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus *status)
{
	struct drv_stream *stream;
	if (!status)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	return result == CUDA_SUCCESS ? drv_leave(status_get(stream, status)) : result;
}

static CUresult info_get(const struct drv_captured *captured, cuuint64_t *id, CUgraph *graph, const CUgraphNode **nodes,
			 const CUgraphEdgeData **data, size_t *count)
{
	static const CUgraphEdgeData plain;
	for (size_t i = 0; nodes && !data && i < captured->count; i++)
		if (memcmp(&captured->data[i], &plain, sizeof plain) != 0)
			return CUDA_ERROR_LOSSY_QUERY;
	if (id)
		*id = captured->id;
	if (graph)
		*graph = captured->capture->graph->handle;
	if (nodes)
		*nodes = captured->nodes;
	if (data)
		*data = captured->data;
	if (count)
		*count = captured->count;
	return CUDA_SUCCESS;
}

DRV_API CUresult cuStreamGetCaptureInfo_v3(CUstream handle, CUstreamCaptureStatus *status, cuuint64_t *id,
					   CUgraph *graph, const CUgraphNode **nodes, const CUgraphEdgeData **data,
					   size_t *count)
{
	struct drv_stream *stream;
	if (!status)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	result = status_get(stream, status);
	if (result == CUDA_SUCCESS && *status == CU_STREAM_CAPTURE_STATUS_ACTIVE)
		result = info_get(stream->captured, id, graph, nodes, data, count);
	return drv_leave(result);
}

DRV_API CUresult cuStreamGetCaptureInfo_v2(CUstream stream, CUstreamCaptureStatus *status, cuuint64_t *id,
					   CUgraph *graph, const CUgraphNode **nodes, size_t *count)
{
	return cuStreamGetCaptureInfo_v3(stream, status, id, graph, nodes, NULL, count);
}

DRV_API CUresult cuStreamGetCaptureInfo(CUstream stream, CUstreamCaptureStatus *status, cuuint64_t *id)
{
	return cuStreamGetCaptureInfo_v3(stream, status, id, NULL, NULL, NULL, NULL);
}

static CUresult nodes_update(struct drv_captured *captured, const CUgraphNode *nodes, const CUgraphEdgeData *data,
			     size_t count, unsigned flags)
{
	if (!captured)
		return CUDA_ERROR_ILLEGAL_STATE;
	if (captured->capture->invalidated)
		return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
	for (size_t i = 0; i < count; i++) {
		const struct drv_graph_node *node = drv_graph_node_get(nodes[i]);
		if (!node || node->graph != captured->capture->graph)
			return CUDA_ERROR_INVALID_VALUE;
	}
	bool set = flags == CU_STREAM_SET_CAPTURE_DEPENDENCIES ? nodes_set(captured, nodes, data, count)
							       : nodes_add(captured, nodes, data, count);
	return set ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

DRV_API CUresult cuStreamUpdateCaptureDependencies_v2(CUstream handle, CUgraphNode *nodes, const CUgraphEdgeData *data,
						      size_t count, unsigned flags)
{
	struct drv_stream *stream;
	if (flags > CU_STREAM_SET_CAPTURE_DEPENDENCIES || (count && !nodes))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	return drv_leave(nodes_update(stream->captured, nodes, data, count, flags));
}

DRV_API CUresult cuStreamUpdateCaptureDependencies(CUstream stream, CUgraphNode *nodes, size_t count, unsigned flags)
{
	return cuStreamUpdateCaptureDependencies_v2(stream, nodes, NULL, count, flags);
}

/* For the per-thread default stream (those of queries are in per_thread.c) */

DRV_API CUresult cuStreamBeginCapture_v2_ptsz(CUstream stream, CUstreamCaptureMode mode)
{
	return cuStreamBeginCapture_v2(drv_per_thread(stream), mode);
}

DRV_API CUresult cuStreamBeginCapture_ptsz(CUstream stream)
{
	return cuStreamBeginCapture(drv_per_thread(stream));
}

DRV_API CUresult cuStreamBeginCaptureToGraph_ptsz(CUstream stream, CUgraph graph, const CUgraphNode *from,
						  const CUgraphEdgeData *data, size_t count, CUstreamCaptureMode mode)
{
	return cuStreamBeginCaptureToGraph(drv_per_thread(stream), graph, from, data, count, mode);
}

DRV_API CUresult cuStreamEndCapture_ptsz(CUstream stream, CUgraph *out)
{
	return cuStreamEndCapture(drv_per_thread(stream), out);
}

DRV_API CUresult cuStreamUpdateCaptureDependencies_v2_ptsz(CUstream stream, CUgraphNode *nodes,
							   const CUgraphEdgeData *data, size_t count, unsigned flags)
{
	return cuStreamUpdateCaptureDependencies_v2(drv_per_thread(stream), nodes, data, count, flags);
}

DRV_API CUresult cuStreamUpdateCaptureDependencies_ptsz(CUstream stream, CUgraphNode *nodes, size_t count,
							unsigned flags)
{
	return cuStreamUpdateCaptureDependencies(drv_per_thread(stream), nodes, count, flags);
}
