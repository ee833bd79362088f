/* Stream capture: what becomes of calls, forks and joins, and everything that is not allowed. */
#include "fixture.h"

#include <pthread.h>
#include <string.h>

static CUstream stream_new(unsigned flags)
{
	CUstream stream;
	OK(cuStreamCreate(&stream, flags));
	return stream;
}

static CUevent event_new(void)
{
	CUevent event;
	OK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
	return event;
}

static void begin(CUstream stream)
{
	OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
}

static void replay(CUgraph graph, int times)
{
	CUgraphExec exec;
	OK(cuGraphInstantiate(&exec, graph, 0));
	for (int i = 0; i < times; i++)
		OK(cuGraphLaunch(exec, NULL));
	OK(cuStreamSynchronize(NULL));
	OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(graph));
}

static size_t node_count(CUgraph graph)
{
	size_t count = 0;
	OK(cuGraphGetNodes(graph, NULL, &count));
	return count;
}

static void host_note(void *data)
{
	struct notes *notes = data;
	notes->values[notes->count++ % 64] = 100;
}

/* Nothing happens while capturing, everything at each launch. */
START_TEST(all_kinds_of_work)
{
	static struct notes notes;
	CUstream stream = stream_new(CU_STREAM_NON_BLOCKING);
	CUdeviceptr memory, own;
	CUgraph graph;
	int *words, value = 77;
	OK(cuMemAlloc(&memory, 64));
	OK(cuMemAllocHost((void **)&words, 64));
	memset(words, 0, 64);
	begin(stream);
	launch_note(&notes, 1, stream);
	OK(cuMemsetD32Async(memory, 5, 2, stream));
	OK(cuMemcpyHtoDAsync(memory + 8, &value, 4, stream));
	OK(cuMemAllocAsync(&own, 64, stream));
	OK(cuMemcpyDtoDAsync(own, memory, 12, stream));
	OK(cuMemcpyDtoHAsync(words, own, 12, stream));
	OK(cuMemFreeAsync(own, stream));
	OK(cuLaunchHostFunc(stream, host_note, &notes));
	OK(cuStreamWriteValue32(stream, memory + 16, 3, 0));
	OK(cuStreamEndCapture(stream, &graph));
	ck_assert_int_eq(notes.count, 0);
	ck_assert_uint_eq(node_count(graph), 9);
	replay(graph, 3);
	ck_assert_int_eq(notes.count, 6);
	ck_assert(words[0] == 5 && words[1] == 5 && words[2] == 77);
	OK(cuMemcpyDtoH(&value, memory + 16, 4));
	ck_assert_int_eq(value, 3);
}
END_TEST

START_TEST(forks_and_joins)
{
	static struct notes notes;
	struct gate gates[2];
	struct gate *gate[2] = {&gates[0], &gates[1]};
	CUstream a = stream_new(CU_STREAM_NON_BLOCKING), b = stream_new(CU_STREAM_DEFAULT);
	CUevent fork = event_new(), join = event_new();
	CUstreamCaptureStatus status;
	CUgraph graph;
	gate_init(gate[0]);
	gate_init(gate[1]);
	begin(a);
	launch_note(&notes, 1, a);
	OK(cuEventRecord(fork, a));
	FAILS(CUDA_ERROR_CAPTURED_EVENT, cuEventQuery(fork));
	OK(cuStreamWaitEvent(b, fork, 0));
	OK(cuStreamIsCapturing(b, &status));
	ck_assert_int_eq(status, CU_STREAM_CAPTURE_STATUS_ACTIVE);
	launch_gate(gate[0], a);
	launch_gate(gate[1], b);
	OK(cuEventRecord(join, b));
	OK(cuStreamWaitEvent(a, join, 0));
	launch_note(&notes, 2, a);
	OK(cuStreamEndCapture(a, &graph));
	OK(cuStreamIsCapturing(b, &status));
	ck_assert_int_eq(status, CU_STREAM_CAPTURE_STATUS_NONE);
	CUgraphExec exec;
	OK(cuGraphInstantiate(&exec, graph, 0));
	OK(cuGraphLaunch(exec, a));
	gate_wait_began(gate[0]);
	gate_wait_began(gate[1]);
	ck_assert_int_eq(notes.count, 1);
	gate_open(gate[0]);
	gate_open(gate[1]);
	OK(cuStreamSynchronize(a));
	ck_assert_int_eq(notes.count, 2);
	OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(graph));
}
END_TEST

START_TEST(what_a_stream_tells_while_it_captures)
{
	static struct notes notes;
	CUstream stream = stream_new(CU_STREAM_NON_BLOCKING);
	CUgraph graph, during;
	const CUgraphNode *nodes;
	const CUgraphEdgeData *data;
	CUgraphNode first, empty;
	CUstreamCaptureStatus status;
	cuuint64_t id = 0;
	size_t count = 0;
	FAILS(CUDA_ERROR_ILLEGAL_STATE, cuStreamEndCapture(stream, &graph));
	begin(stream);
	FAILS(CUDA_ERROR_ILLEGAL_STATE, cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
	launch_note(&notes, 1, stream);
	OK(cuStreamGetCaptureInfo(stream, &status, &id, &during, &nodes, &data, &count));
	ck_assert(status == CU_STREAM_CAPTURE_STATUS_ACTIVE && id && count == 1);
	first = nodes[0];
	/* A node of one's own, which what comes next depends on. */
	OK(cuGraphAddEmptyNode(&empty, during, &first, 1));
	OK(cuStreamUpdateCaptureDependencies(stream, &empty, NULL, 1, CU_STREAM_SET_CAPTURE_DEPENDENCIES));
	launch_note(&notes, 2, stream);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphDestroy(during));
	OK(cuStreamEndCapture(stream, &graph));
	ck_assert_ptr_eq(graph, during);
	ck_assert_uint_eq(node_count(graph), 3);
	replay(graph, 1);
	ck_assert_int_eq(notes.count, 2);
}
END_TEST

START_TEST(into_a_graph_that_exists)
{
	static struct notes notes;
	CUstream stream = stream_new(CU_STREAM_NON_BLOCKING);
	CUgraph graph, same;
	CUgraphNode node;
	OK(cuGraphCreate(&graph, 0));
	OK(cuGraphAddEmptyNode(&node, graph, NULL, 0));
	OK(cuStreamBeginCaptureToGraph(stream, graph, &node, NULL, 1, CU_STREAM_CAPTURE_MODE_RELAXED));
	launch_note(&notes, 1, stream);
	OK(cuStreamEndCapture(stream, &same));
	ck_assert_ptr_eq(same, graph);
	ck_assert_uint_eq(node_count(graph), 2);
	replay(graph, 1);
	ck_assert_int_eq(notes.count, 1);
	/* Its owner need not ask which it is; of a new graph, somebody must. */
	OK(cuGraphCreate(&graph, 0));
	OK(cuStreamBeginCaptureToGraph(stream, graph, NULL, NULL, 0, CU_STREAM_CAPTURE_MODE_RELAXED));
	OK(cuStreamEndCapture(stream, NULL));
	OK(cuGraphDestroy(graph));
	OK(cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuStreamEndCapture(stream, NULL));
	OK(cuStreamEndCapture(stream, &same));
	OK(cuGraphDestroy(same));
}
END_TEST

/* Each of these ends a capture without a graph. */
static void invalidated(CUstream stream)
{
	CUstreamCaptureStatus status;
	CUgraph graph;
	OK(cuStreamIsCapturing(stream, &status));
	ck_assert_int_eq(status, CU_STREAM_CAPTURE_STATUS_INVALIDATED);
	FAILS(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuLaunchHostFunc(stream, host_note, NULL));
	FAILS(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(stream, &graph));
	ck_assert_ptr_null(graph);
	OK(cuStreamQuery(stream));
}

START_TEST(what_invalidates)
{
	CUstream stream = stream_new(CU_STREAM_NON_BLOCKING), blocking = stream_new(CU_STREAM_DEFAULT);
	CUstream other = stream_new(CU_STREAM_NON_BLOCKING);
	CUevent event = event_new(), outside = event_new();
	CUdeviceptr memory;
	CUstreamCaptureStatus status;
	CUgraph graph;
	OK(cuMemAlloc(&memory, 64));
	FAILS(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuStreamBeginCapture(NULL, CU_STREAM_CAPTURE_MODE_GLOBAL));
	begin(stream);
	FAILS(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuStreamSynchronize(stream));
	invalidated(stream);
	begin(stream);
	FAILS(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuStreamQuery(stream));
	invalidated(stream);
	begin(stream);
	FAILS(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuCtxSynchronize());
	invalidated(stream);
	/* The legacy stream would wait for a blocking stream that captures. */
	begin(blocking);
	FAILS(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, cuStreamIsCapturing(NULL, &status));
	FAILS(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, cuMemsetD8(memory, 0, 64));
	invalidated(blocking);
	begin(stream);
	OK(cuMemsetD8(memory, 0, 64));
	OK(cuEventRecord(outside, NULL));
	FAILS(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, cuStreamWaitEvent(stream, outside, 0));
	invalidated(stream);
	/* Two captures do not become one. */
	begin(stream);
	begin(other);
	OK(cuEventRecord(event, other));
	FAILS(CUDA_ERROR_STREAM_CAPTURE_MERGE, cuStreamWaitEvent(stream, event, 0));
	invalidated(stream);
	invalidated(other);
	FAILS(CUDA_ERROR_CAPTURED_EVENT, cuStreamWaitEvent(stream, event, 0));
	/* A branch that does not come back. */
	begin(stream);
	OK(cuEventRecord(event, stream));
	OK(cuStreamWaitEvent(other, event, 0));
	OK(cuLaunchHostFunc(other, host_note, NULL));
	FAILS(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, cuStreamEndCapture(stream, &graph));
	begin(stream);
	OK(cuEventRecord(event, stream));
	OK(cuStreamWaitEvent(other, event, 0));
	FAILS(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, cuStreamEndCapture(other, &graph));
	invalidated(stream);
	/* A stream that goes away takes its capture with it. */
	begin(stream);
	OK(cuStreamDestroy(stream));
	OK(cuCtxSynchronize());
}
END_TEST

static void *end_elsewhere(void *stream)
{
	CUgraph graph;
	OK(cuCtxSetCurrent(context));
	FAILS(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, cuStreamEndCapture(stream, &graph));
	return NULL;
}

START_TEST(another_thread_does_not_end_it)
{
	CUstream stream = stream_new(CU_STREAM_NON_BLOCKING);
	CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
	CUgraph graph;
	pthread_t thread;
	begin(stream);
	ck_assert_int_eq(pthread_create(&thread, NULL, end_elsewhere, stream), 0);
	pthread_join(thread, NULL);
	OK(cuStreamEndCapture(stream, &graph));
	OK(cuGraphDestroy(graph));
	OK(cuThreadExchangeStreamCaptureMode(&mode));
	ck_assert_int_eq(mode, CU_STREAM_CAPTURE_MODE_GLOBAL);
}
END_TEST

START_TEST(events_and_graphs_in_a_capture)
{
	static struct notes notes;
	CUstream stream = stream_new(CU_STREAM_NON_BLOCKING);
	CUevent outside = event_new();
	CUgraph inner, graph;
	CUgraphExec exec;
	CUgraphNodeType type;
	CUgraphNode nodes[3];
	size_t count = 3;
	begin(stream);
	launch_note(&notes, 1, stream);
	OK(cuStreamEndCapture(stream, &inner));
	OK(cuGraphInstantiate(&exec, inner, 0));
	begin(stream);
	OK(cuStreamWaitEvent(stream, outside, CU_EVENT_WAIT_EXTERNAL));
	OK(cuGraphLaunch(exec, stream));
	OK(cuEventRecordWithFlags(outside, stream, CU_EVENT_RECORD_EXTERNAL));
	OK(cuStreamEndCapture(stream, &graph));
	OK(cuGraphGetNodes(graph, nodes, &count));
	ck_assert_uint_eq(count, 3);
	OK(cuGraphNodeGetType(nodes[1], &type));
	ck_assert_int_eq(type, CU_GRAPH_NODE_TYPE_GRAPH);
	replay(graph, 2);
	ck_assert_int_eq(notes.count, 2);
	OK(cuEventQuery(outside));
	OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(inner));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    all_kinds_of_work,
	    forks_and_joins,
	    what_a_stream_tells_while_it_captures,
	    into_a_graph_that_exists,
	    what_invalidates,
	    another_thread_does_not_end_it,
	    events_and_graphs_in_a_capture,
	};
	return RUN_TESTS("capture", setup_module, tests);
}
