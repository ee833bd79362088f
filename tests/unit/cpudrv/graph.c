/* Graphs: their structure, what they run and in which order, updates, errors. Kernels are the fake machine's. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CUgraph graph_new(void)
{
	CUgraph graph;
	OK(cuGraphCreate(&graph, 0));
	return graph;
}

/* A kernel node that notes `value`, behind `from` (of which there are `count`). */
static CUgraphNode add_note(CUgraph graph, struct notes *notes, int value, const CUgraphNode *from, size_t count)
{
	CUgraphNode node;
	CUDA_KERNEL_NODE_PARAMS params = {.func = kernel("note"),
					  .gridDimX = 1,
					  .gridDimY = 1,
					  .gridDimZ = 1,
					  .blockDimX = 1,
					  .blockDimY = 1,
					  .blockDimZ = 1,
					  .kernelParams = (void *[]){&notes, &value}};
	OK(cuGraphAddKernelNode(&node, graph, from, count, &params));
	return node;
}

static CUgraphNode add_gate(CUgraph graph, struct gate *gate, const CUgraphNode *from, size_t count)
{
	CUgraphNode node;
	CUDA_KERNEL_NODE_PARAMS params = {.func = kernel("gate"),
					  .gridDimX = 1,
					  .gridDimY = 1,
					  .gridDimZ = 1,
					  .blockDimX = 1,
					  .blockDimY = 1,
					  .blockDimZ = 1,
					  .kernelParams = (void *[]){&gate}};
	OK(cuGraphAddKernelNode(&node, graph, from, count, &params));
	return node;
}

static CUgraphExec instantiate(CUgraph graph)
{
	CUgraphExec exec;
	OK(cuGraphInstantiate(&exec, graph, 0));
	return exec;
}

static void run(CUgraphExec exec)
{
	OK(cuGraphLaunch(exec, NULL));
	OK(cuStreamSynchronize(NULL));
}

static void assert_notes(const struct notes *notes, const int *values, int count)
{
	ck_assert_int_eq(notes->count, count);
	ck_assert_mem_eq(notes->values, values, (size_t)count * sizeof *values);
}

START_TEST(an_empty_graph)
{
	CUgraph graph = graph_new();
	CUgraphExec exec = instantiate(graph);
	run(exec);
	OK(cuGraphExecDestroy(exec));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphLaunch(exec, NULL));
	OK(cuGraphDestroy(graph));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphDestroy(graph));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphCreate(&graph, 1));
}
END_TEST

START_TEST(a_chain_in_order_again_and_again)
{
	static struct notes notes;
	CUgraph graph = graph_new();
	CUgraphNode node = add_note(graph, &notes, 1, NULL, 0);
	node = add_note(graph, &notes, 2, &node, 1);
	OK(cuGraphAddEmptyNode(&node, graph, &node, 1));
	node = add_note(graph, &notes, 3, &node, 1);
	CUgraphExec exec = instantiate(graph);
	for (int i = 0; i < 3; i++)
		OK(cuGraphLaunch(exec, NULL));
	/* What is under way goes on without the handles. */
	OK(cuGraphDestroy(graph));
	OK(cuGraphExecDestroy(exec));
	OK(cuStreamSynchronize(NULL));
	assert_notes(&notes, (int[]){1, 2, 3, 1, 2, 3, 1, 2, 3}, 9);
}
END_TEST

/* Both gates are reached before either opens. */
START_TEST(branches_run_side_by_side)
{
	struct gate gates[2];
	static struct notes notes;
	CUgraphNode ends[2];
	CUgraph graph = graph_new();
	CUgraphNode start = add_note(graph, &notes, 1, NULL, 0);
	for (int i = 0; i < 2; i++) {
		gate_init(&gates[i]);
		ends[i] = add_gate(graph, &gates[i], &start, 1);
	}
	(void)add_note(graph, &notes, 2, ends, 2);
	CUgraphExec exec = instantiate(graph);
	OK(cuGraphLaunch(exec, NULL));
	launch_note(&notes, 3, NULL);
	gate_wait_began(&gates[0]);
	gate_wait_began(&gates[1]);
	ck_assert_int_eq(notes.count, 1);
	FAILS(CUDA_ERROR_NOT_READY, cuStreamQuery(NULL));
	gate_open(&gates[1]);
	gate_open(&gates[0]);
	OK(cuStreamSynchronize(NULL));
	assert_notes(&notes, (int[]){1, 2, 3}, 3);
	OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(graph));
}
END_TEST

/* The second launch, in another stream, comes behind the first. */
START_TEST(launches_of_one_graph_come_one_after_another)
{
	struct gate gate;
	static struct notes notes;
	CUstream a, b;
	CUgraph graph = graph_new();
	gate_init(&gate);
	CUgraphNode node = add_gate(graph, &gate, NULL, 0);
	(void)add_note(graph, &notes, 1, &node, 1);
	CUgraphExec exec = instantiate(graph);
	OK(cuStreamCreate(&a, CU_STREAM_NON_BLOCKING));
	OK(cuStreamCreate(&b, CU_STREAM_NON_BLOCKING));
	OK(cuGraphLaunch(exec, a));
	OK(cuGraphLaunch(exec, b));
	gate_wait_began(&gate);
	launch_plain("nothing", b);
	FAILS(CUDA_ERROR_NOT_READY, cuStreamQuery(b));
	ck_assert_int_ne(sem_trywait(&gate.began), 0);
	gate_open(&gate);
	gate_wait_began(&gate);
	ck_assert_int_eq(notes.count, 1);
	gate_open(&gate);
	OK(cuStreamSynchronize(b));
	ck_assert_int_eq(notes.count, 2);
	OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(graph));
}
END_TEST

static void host_note(void *data)
{
	struct notes *notes = data;
	notes->values[notes->count++] = 100;
}

/* Fills, copies, host functions, with what GetParams gives back. */
START_TEST(all_kinds_of_work)
{
	static struct notes notes;
	CUdeviceptr memory;
	int words[4] = {0}, source[4] = {1, 2, 3, 4};
	CUgraph graph = graph_new();
	CUgraphNode fill, down, up, host;
	OK(cuMemAlloc(&memory, 64));
	CUDA_MEMSET_NODE_PARAMS set = {.dst = memory, .value = 7, .elementSize = 4, .width = 4, .height = 1}, got_set;
	CUDA_MEMCPY3D copy = {.srcMemoryType = CU_MEMORYTYPE_HOST,
			      .srcHost = source,
			      .dstMemoryType = CU_MEMORYTYPE_DEVICE,
			      .dstDevice = memory + 8,
			      .WidthInBytes = 8,
			      .Height = 1,
			      .Depth = 1},
		      got_copy;
	CUDA_HOST_NODE_PARAMS function = {host_note, &notes}, got_function;
	OK(cuGraphAddMemsetNode(&fill, graph, NULL, 0, &set, context));
	OK(cuGraphAddMemcpyNode(&up, graph, &fill, 1, &copy, context));
	OK(cuGraphAddHostNode(&host, graph, &up, 1, &function));
	copy = (CUDA_MEMCPY3D){.srcMemoryType = CU_MEMORYTYPE_DEVICE,
			       .srcDevice = memory,
			       .dstMemoryType = CU_MEMORYTYPE_HOST,
			       .dstHost = words,
			       .WidthInBytes = 16,
			       .Height = 1,
			       .Depth = 1};
	OK(cuGraphAddMemcpyNode(&down, graph, &host, 1, &copy, context));
	CUgraphExec exec = instantiate(graph);
	run(exec);
	ck_assert_mem_eq(words, ((int[]){7, 7, 1, 2}), sizeof words);
	ck_assert_int_eq(notes.count, 1);
	OK(cuGraphMemsetNodeGetParams(fill, &got_set));
	ck_assert_mem_eq(&got_set, &set, sizeof set);
	OK(cuGraphMemcpyNodeGetParams(down, &got_copy));
	ck_assert_ptr_eq(got_copy.dstHost, words);
	OK(cuGraphHostNodeGetParams(host, &got_function));
	ck_assert_ptr_eq(got_function.userData, &notes);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphHostNodeGetParams(down, &got_function));
	set.value = 9;
	OK(cuGraphExecMemsetNodeSetParams(exec, fill, &set, context));
	OK(cuGraphNodeSetEnabled(exec, up, 0));
	run(exec);
	ck_assert_mem_eq(words, ((int[]){9, 9, 9, 9}), sizeof words);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphNodeSetEnabled(exec, host, 0));
	set.dst = 4;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphMemsetNodeSetParams(fill, &set));
	OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(graph));
}
END_TEST

START_TEST(kernel_parameters_are_the_graphs_own)
{
	static struct notes first, second;
	struct notes *to = &second;
	int value = 5;
	CUgraph graph = graph_new();
	CUgraphNode node = add_note(graph, &first, 1, NULL, 0);
	CUDA_KERNEL_NODE_PARAMS params;
	CUgraphExec exec = instantiate(graph);
	OK(cuGraphKernelNodeGetParams(node, &params));
	ck_assert_int_eq(*(int *)params.kernelParams[1], 1);
	ck_assert_ptr_eq(*(void **)params.kernelParams[0], &first);
	params.kernelParams = (void *[]){&to, &value};
	OK(cuGraphExecKernelNodeSetParams(exec, node, &params));
	run(exec);
	assert_notes(&second, (int[]){5}, 1);
	ck_assert_int_eq(first.count, 0);
	params.gridDimX = 0;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphExecKernelNodeSetParams(exec, node, &params));
	CUkernelNodeAttrValue attribute = {.priority = -3}, got = {0};
	OK(cuGraphKernelNodeSetAttribute(node, CU_LAUNCH_ATTRIBUTE_PRIORITY, &attribute));
	OK(cuGraphKernelNodeGetAttribute(node, CU_LAUNCH_ATTRIBUTE_PRIORITY, &got));
	ck_assert_int_eq(got.priority, -3);
	OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(graph));
}
END_TEST

START_TEST(structure)
{
	static struct notes notes;
	CUgraph graph = graph_new(), other = graph_new();
	CUgraphNode a = add_note(graph, &notes, 1, NULL, 0), b = add_note(graph, &notes, 2, &a, 1), got[4];
	CUgraphNode c = add_note(graph, &notes, 3, NULL, 0), foreign = add_note(other, &notes, 4, NULL, 0);
	CUgraphNode twice[] = {a, a}, none;
	CUgraphNodeType type;
	size_t count = 0;
	OK(cuGraphGetNodes(graph, NULL, &count));
	ck_assert_uint_eq(count, 3);
	count = 4;
	OK(cuGraphGetRootNodes(graph, got, &count));
	ck_assert_uint_eq(count, 2);
	ck_assert(got[0] == a && got[1] == c && !got[2]);
	OK(cuGraphNodeGetType(b, &type));
	ck_assert_int_eq(type, CU_GRAPH_NODE_TYPE_KERNEL);
	/* What is no dependency. */
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphAddEmptyNode(&none, graph, &foreign, 1));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphAddEmptyNode(&none, graph, twice, 2));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphAddEmptyNode(&none, graph, NULL, 1));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphAddDependencies(graph, &a, &b, NULL, 1));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphAddDependencies(graph, &a, &a, NULL, 1));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphAddDependencies(graph, &foreign, &a, NULL, 1));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphRemoveDependencies(graph, &c, &a, NULL, 1));
	count = 0;
	OK(cuGraphGetEdges(graph, NULL, NULL, NULL, &count));
	ck_assert_uint_eq(count, 1);
	/* Edges with data, which the older query would lose. */
	CUgraphEdgeData data = {.type = CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC,
				.from_port = CU_GRAPH_KERNEL_NODE_PORT_PROGRAMMATIC},
			got_data;
	OK(cuGraphAddDependencies(graph, &b, &c, &data, 1));
	count = 1;
	FAILS(CUDA_ERROR_LOSSY_QUERY, cuGraphNodeGetDependencies(c, got, NULL, &count));
	OK(cuGraphNodeGetDependencies(c, got, &got_data, &count));
	ck_assert(got[0] == b && got_data.type == CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC);
	OK(cuGraphNodeGetDependentNodes(b, got, &got_data, &count));
	ck_assert_ptr_eq(got[0], c);
	/* A cycle is found when the graph is made executable. */
	OK(cuGraphAddDependencies(graph, &c, &a, NULL, 1));
	CUDA_GRAPH_INSTANTIATE_PARAMS info = {0};
	CUgraphExec exec;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphInstantiateWithParams(&exec, graph, &info));
	ck_assert_int_eq(info.result_out, CUDA_GRAPH_INSTANTIATE_INVALID_STRUCTURE);
	ck_assert_ptr_nonnull(info.hErrNode_out);
	OK(cuGraphDestroyNode(c));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphNodeGetType(c, &type));
	OK(cuGraphInstantiateWithParams(&exec, graph, &info));
	OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(graph));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphNodeGetType(a, &type));
	OK(cuGraphDestroy(other));
}
END_TEST

START_TEST(clones_and_child_graphs)
{
	static struct notes notes;
	CUgraph graph = graph_new(), child = graph_new(), clone, inner;
	CUgraphNode a = add_note(child, &notes, 1, NULL, 0), found, node, child_node;
	(void)add_note(child, &notes, 2, &a, 1);
	OK(cuGraphClone(&clone, child));
	OK(cuGraphNodeFindInClone(&found, a, clone));
	ck_assert_ptr_ne(found, a);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphNodeFindInClone(&found, a, graph));
	OK(cuGraphAddChildGraphNode(&child_node, graph, NULL, 0, child));
	/* The child was cloned: what comes later is not in it. */
	(void)add_note(child, &notes, 99, NULL, 0);
	node = add_note(graph, &notes, 3, &child_node, 1);
	OK(cuGraphAddChildGraphNode(&child_node, graph, &node, 1, clone));
	OK(cuGraphChildGraphNodeGetGraph(child_node, &inner));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphDestroy(inner));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphAddChildGraphNode(&node, graph, NULL, 0, graph));
	CUgraphExec exec = instantiate(graph);
	run(exec);
	assert_notes(&notes, (int[]){1, 2, 3, 1, 2}, 5);
	CUgraph changed = graph_new();
	a = add_note(changed, &notes, 8, NULL, 0);
	(void)add_note(changed, &notes, 9, &a, 1);
	OK(cuGraphExecChildGraphNodeSetParams(exec, child_node, changed));
	(void)add_note(changed, &notes, 10, NULL, 0);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphExecChildGraphNodeSetParams(exec, child_node, changed));
	notes.count = 0;
	run(exec);
	assert_notes(&notes, (int[]){1, 2, 3, 8, 9}, 5);
	OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(changed));
	OK(cuGraphDestroy(graph));
	OK(cuGraphDestroy(child));
	OK(cuGraphDestroy(clone));
}
END_TEST

START_TEST(events_in_graphs)
{
	struct gate gate;
	static struct notes notes;
	CUstream other;
	CUevent start, end;
	CUgraphNode node;
	float milliseconds = -1;
	CUgraph graph = graph_new();
	gate_init(&gate);
	OK(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
	OK(cuEventCreate(&start, 0));
	OK(cuEventCreate(&end, 0));
	OK(cuGraphAddEventWaitNode(&node, graph, NULL, 0, start));
	node = add_note(graph, &notes, 2, &node, 1);
	OK(cuGraphAddEventRecordNode(&node, graph, &node, 1, end));
	CUgraphExec exec = instantiate(graph);
	launch_gate(&gate, other);
	launch_note(&notes, 1, other);
	OK(cuEventRecord(start, other));
	OK(cuGraphLaunch(exec, NULL));
	FAILS(CUDA_ERROR_NOT_READY, cuEventQuery(end));
	gate_open(&gate);
	OK(cuEventSynchronize(end));
	assert_notes(&notes, (int[]){1, 2}, 2);
	OK(cuEventElapsedTime(&milliseconds, start, end));
	ck_assert(milliseconds >= 0);
	OK(cuEventDestroy(end));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphLaunch(exec, NULL));
	OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(graph));
}
END_TEST

START_TEST(updates)
{
	static struct notes notes;
	CUgraph graph = graph_new(), alike = graph_new(), longer = graph_new(), kinds = graph_new(),
		shape = graph_new();
	CUgraphExecUpdateResultInfo info;
	CUgraphNode node = add_note(graph, &notes, 1, NULL, 0);
	(void)add_note(graph, &notes, 2, &node, 1);
	CUgraphExec exec = instantiate(graph);
	node = add_note(alike, &notes, 3, NULL, 0);
	(void)add_note(alike, &notes, 4, &node, 1);
	OK(cuGraphExecUpdate(exec, alike, &info));
	ck_assert_int_eq(info.result, CU_GRAPH_EXEC_UPDATE_SUCCESS);
	run(exec);
	node = add_note(longer, &notes, 0, NULL, 0);
	FAILS(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE, cuGraphExecUpdate(exec, longer, &info));
	ck_assert_int_eq(info.result, CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED);
	node = add_note(kinds, &notes, 0, NULL, 0);
	OK(cuGraphAddEmptyNode(&node, kinds, &node, 1));
	FAILS(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE, cuGraphExecUpdate(exec, kinds, &info));
	ck_assert_int_eq(info.result, CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED);
	ck_assert_ptr_eq(info.errorNode, node);
	(void)add_note(shape, &notes, 0, NULL, 0);
	(void)add_note(shape, &notes, 0, NULL, 0);
	FAILS(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE, cuGraphExecUpdate(exec, shape, &info));
	ck_assert_int_eq(info.result, CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED);
	run(exec);
	assert_notes(&notes, (int[]){3, 4, 3, 4}, 4);
	OK(cuGraphExecDestroy(exec));
	for (CUgraph *g = (CUgraph[]){graph, alike, longer, kinds, shape, NULL}; *g; g++)
		OK(cuGraphDestroy(*g));
}
END_TEST

/* Memory of a graph: used by its nodes, kept behind its end, freed by the program, reused by the next launch. */
START_TEST(memory_of_graphs)
{
	CUgraph graph = graph_new();
	CUgraphNode node, fill;
	cuuint64_t used, reserved, zero = 0;
	int value = 0;
	CUDA_MEM_ALLOC_NODE_PARAMS alloc = {
	    .poolProps = {.allocType = CU_MEM_ALLOCATION_TYPE_PINNED, .location = {CU_MEM_LOCATION_TYPE_DEVICE, 0}},
	    .bytesize = 4096};
	OK(cuGraphAddMemAllocNode(&node, graph, NULL, 0, &alloc));
	ck_assert_uint_ne(alloc.dptr, 0);
	CUDA_MEMSET_NODE_PARAMS set = {.dst = alloc.dptr, .value = 3, .elementSize = 4, .width = 1024, .height = 1};
	OK(cuGraphAddMemsetNode(&fill, graph, &node, 1, &set, context));
	FAILS(CUDA_ERROR_NOT_SUPPORTED, cuGraphDestroyNode(node));
	FAILS(CUDA_ERROR_NOT_SUPPORTED, cuGraphClone(&(CUgraph){0}, graph));
	CUgraphExec exec = instantiate(graph), second;
	FAILS(CUDA_ERROR_NOT_SUPPORTED, cuGraphInstantiate(&second, graph, 0));
	run(exec);
	OK(cuDeviceGetGraphMemAttribute(0, CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT, &used));
	OK(cuDeviceGetGraphMemAttribute(0, CU_GRAPH_MEM_ATTR_RESERVED_MEM_CURRENT, &reserved));
	ck_assert(used == 4096 && reserved == 4096);
	OK(cuMemcpyDtoH(&value, alloc.dptr + 4092, 4));
	ck_assert_int_eq(value, 3);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphLaunch(exec, NULL));
	OK(cuMemFreeAsync(alloc.dptr, NULL));
	run(exec);
	OK(cuMemFree(alloc.dptr));
	OK(cuDeviceGetGraphMemAttribute(0, CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT, &used));
	ck_assert_uint_eq(used, 0);
	OK(cuDeviceGetGraphMemAttribute(0, CU_GRAPH_MEM_ATTR_USED_MEM_HIGH, &used));
	ck_assert_uint_eq(used, 4096);
	OK(cuDeviceSetGraphMemAttribute(0, CU_GRAPH_MEM_ATTR_USED_MEM_HIGH, &zero));
	OK(cuDeviceGraphMemTrim(0));
	OK(cuGraphExecDestroy(exec));
	/* Freed within: any number of launches. */
	OK(cuGraphAddMemFreeNode(&node, graph, &fill, 1, alloc.dptr));
	exec = instantiate(graph);
	run(exec);
	run(exec);
	OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(graph));
	OK(cuDeviceGetGraphMemAttribute(0, CU_GRAPH_MEM_ATTR_RESERVED_MEM_CURRENT, &reserved));
	ck_assert_uint_eq(reserved, 0);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree(alloc.dptr));
}
END_TEST

struct countdown {
	unsigned *condition;
	unsigned left;
	struct notes *notes;
};

static void count_down(void *data)
{
	struct countdown *countdown = data;
	countdown->notes->values[countdown->notes->count++] = (int)countdown->left;
	__atomic_store_n(countdown->condition, --countdown->left, __ATOMIC_SEQ_CST);
}

/* The handle is the address of a variable of the device. */
START_TEST(conditional_nodes)
{
	static struct notes notes;
	CUgraph graph = graph_new();
	CUgraphConditionalHandle loop, choice;
	CUgraphNode node, inner;
	OK(cuGraphConditionalHandleCreate(&loop, graph, context, 3, CU_GRAPH_COND_ASSIGN_DEFAULT));
	OK(cuGraphConditionalHandleCreate(&choice, graph, context, 1, CU_GRAPH_COND_ASSIGN_DEFAULT));
	struct countdown countdown = {(unsigned *)loop, 3, &notes};
	CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_CONDITIONAL,
				    .conditional = {loop, CU_GRAPH_COND_TYPE_WHILE, 1, NULL, context}};
	OK(cuGraphAddNode(&node, graph, NULL, NULL, 0, &params));
	OK(cuGraphAddHostNode(&inner, params.conditional.phGraph_out[0], NULL, 0,
			      &(CUDA_HOST_NODE_PARAMS){count_down, &countdown}));
	params = (CUgraphNodeParams){.type = CU_GRAPH_NODE_TYPE_CONDITIONAL,
				     .conditional = {choice, CU_GRAPH_COND_TYPE_SWITCH, 3, NULL, context}};
	OK(cuGraphAddNode(&node, graph, &node, NULL, 1, &params));
	for (int i = 0; i < 3; i++)
		(void)add_note(params.conditional.phGraph_out[i], &notes, 10 + i, NULL, 0);
	params = (CUgraphNodeParams){.type = CU_GRAPH_NODE_TYPE_CONDITIONAL,
				     .conditional = {loop, CU_GRAPH_COND_TYPE_IF, 2, NULL, context}};
	OK(cuGraphAddNode(&node, graph, &node, NULL, 1, &params));
	(void)add_note(params.conditional.phGraph_out[0], &notes, 20, NULL, 0);
	(void)add_note(params.conditional.phGraph_out[1], &notes, 21, NULL, 0);
	(void)add_note(graph, &notes, 30, &node, 1);
	CUgraphExec exec = instantiate(graph);
	run(exec);
	assert_notes(&notes, (int[]){3, 2, 1, 11, 21, 30}, 6);
	params.conditional.size = 3;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphAddNode(&node, graph, NULL, NULL, 0, &params));
	params.conditional.handle = 12345;
	params.conditional.size = 1;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGraphAddNode(&node, graph, NULL, NULL, 0, &params));
	OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(graph));
}
END_TEST

static void tell(void *data)
{
	sem_post(data);
}

START_TEST(user_objects)
{
	sem_t destroyed;
	CUuserObject object;
	CUgraph graph = graph_new();
	sem_init(&destroyed, 0, 0);
	OK(cuUserObjectCreate(&object, &destroyed, tell, 1, CU_USER_OBJECT_NO_DESTRUCTOR_SYNC));
	OK(cuUserObjectRetain(object, 2));
	OK(cuGraphRetainUserObject(graph, object, 1, CU_GRAPH_USER_OBJECT_MOVE));
	CUgraphExec exec = instantiate(graph);
	OK(cuUserObjectRelease(object, 2));
	OK(cuGraphDestroy(graph));
	ck_assert_int_ne(sem_trywait(&destroyed), 0);
	OK(cuGraphExecDestroy(exec));
	while (sem_wait(&destroyed) != 0)
		continue;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuUserObjectRelease(object, 1));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuUserObjectCreate(&object, NULL, NULL, 1, CU_USER_OBJECT_NO_DESTRUCTOR_SYNC));
}
END_TEST

/* A fault ends the graph, whose events are reached all the same. */
START_TEST(faults_in_graphs)
{
	static struct notes notes;
	CUevent event;
	CUgraph graph = graph_new();
	CUDA_KERNEL_NODE_PARAMS params = {.func = kernel("fault"),
					  .gridDimX = 1,
					  .gridDimY = 1,
					  .gridDimZ = 1,
					  .blockDimX = 1,
					  .blockDimY = 1,
					  .blockDimZ = 1};
	CUgraphNode node;
	OK(cuEventCreate(&event, 0));
	OK(cuGraphAddKernelNode(&node, graph, NULL, 0, &params));
	node = add_note(graph, &notes, 1, &node, 1);
	OK(cuGraphAddEventRecordNode(&node, graph, &node, 1, event));
	CUgraphExec exec = instantiate(graph);
	OK(cuGraphLaunch(exec, NULL));
	FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuEventSynchronize(event));
	FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize(NULL));
	ck_assert_int_eq(notes.count, 0);
	OK(cuDevicePrimaryCtxReset(0));
	OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(graph));
}
END_TEST

START_TEST(memory_operations)
{
	CUstream waits, writes;
	static struct notes notes;
	CUdeviceptr memory;
	OK(cuMemAlloc(&memory, 64));
	OK(cuMemsetD8(memory, 0, 64));
	OK(cuStreamCreate(&waits, CU_STREAM_NON_BLOCKING));
	OK(cuStreamCreate(&writes, CU_STREAM_NON_BLOCKING));
	OK(cuStreamSynchronize(NULL));
	OK(cuStreamWaitValue32(waits, memory, 5, CU_STREAM_WAIT_VALUE_GEQ));
	OK(cuStreamWaitValue64(waits, memory + 8, 6, CU_STREAM_WAIT_VALUE_EQ));
	OK(cuStreamWaitValue32(waits, memory + 16, 4, CU_STREAM_WAIT_VALUE_AND));
	OK(cuStreamWaitValue32(waits, memory + 16, 0xff, CU_STREAM_WAIT_VALUE_NOR));
	launch_note(&notes, 1, waits);
	FAILS(CUDA_ERROR_NOT_READY, cuStreamQuery(waits));
	OK(cuStreamWriteValue32(writes, memory, 7, CU_STREAM_WRITE_VALUE_DEFAULT));
	OK(cuStreamWriteValue64(writes, memory + 8, 6, CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER));
	OK(cuStreamWriteValue32(writes, memory + 16, 12, 0));
	OK(cuStreamSynchronize(waits));
	ck_assert_int_eq(notes.count, 1);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuStreamWaitValue32(waits, memory + 2, 0, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuStreamWriteValue32(waits, memory + 4096, 0, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuStreamWaitValue32(waits, memory, 0, 77));
	/* In a graph. */
	CUstreamBatchMemOpParams operations[2];
	memset(operations, 0, sizeof operations);
	operations[0].writeValue.operation = CU_STREAM_MEM_OP_WRITE_VALUE_32;
	operations[0].writeValue.address = memory;
	operations[0].writeValue.value = 99;
	operations[1].memoryBarrier.operation = CU_STREAM_MEM_OP_BARRIER;
	CUDA_BATCH_MEM_OP_NODE_PARAMS params = {context, 2, operations, 0};
	CUgraph graph = graph_new();
	CUgraphNode node;
	int value;
	OK(cuGraphAddBatchMemOpNode(&node, graph, NULL, 0, &params));
	CUgraphExec exec = instantiate(graph);
	run(exec);
	OK(cuMemcpyDtoH(&value, memory, 4));
	ck_assert_int_eq(value, 99);
	OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(graph));
}
END_TEST

START_TEST(a_graph_as_a_picture)
{
	static struct notes notes;
	char path[] = "graph-XXXXXX", text[4096];
	CUgraph graph = graph_new();
	CUgraphNode node = add_note(graph, &notes, 1, NULL, 0);
	(void)add_note(graph, &notes, 2, &node, 1);
	int file = mkstemp(path);
	ck_assert_int_ge(file, 0);
	OK(cuGraphDebugDotPrint(graph, path, CU_GRAPH_DEBUG_DOT_FLAGS_VERBOSE));
	ssize_t length = read(file, text, sizeof text - 1);
	close(file);
	unlink(path);
	ck_assert_int_gt(length, 0);
	text[length] = 0;
	ck_assert_ptr_nonnull(strstr(text, "digraph"));
	ck_assert_ptr_nonnull(strstr(text, "kernel\\nnote"));
	ck_assert_ptr_nonnull(strstr(text, "->"));
	FAILS(CUDA_ERROR_OPERATING_SYSTEM, cuGraphDebugDotPrint(graph, "/nonexistent/graph", 0));
	OK(cuGraphDestroy(graph));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    an_empty_graph,
	    a_chain_in_order_again_and_again,
	    branches_run_side_by_side,
	    launches_of_one_graph_come_one_after_another,
	    all_kinds_of_work,
	    kernel_parameters_are_the_graphs_own,
	    structure,
	    clones_and_child_graphs,
	    events_in_graphs,
	    updates,
	    memory_of_graphs,
	    conditional_nodes,
	    user_objects,
	    faults_in_graphs,
	    memory_operations,
	    a_graph_as_a_picture,
	};
	return RUN_TESTS("graph", setup_module, tests);
}
