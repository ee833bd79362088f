/* Graphs: built by hand, captured, cloned, updated, launched. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "suite.h"

enum { COUNT = 1 << 12, BYTES = COUNT * 4 };

static const char kernels[] =
    ".version 7.0\n.target sm_75\n.address_size 64\n"
    ".visible .entry add(.param .u64 to, .param .u32 value)\n{\n"
    ".reg .b32 %r<7>;\n.reg .b64 %rd<4>;\n"
    "ld.param.u64 %rd1, [to];\nld.param.u32 %r1, [value];\n"
    "mov.u32 %r2, %ctaid.x;\nmov.u32 %r3, %ntid.x;\nmov.u32 %r4, %tid.x;\n"
    "mad.lo.s32 %r5, %r2, %r3, %r4;\n"
    "mul.wide.u32 %rd2, %r5, 4;\nadd.s64 %rd3, %rd1, %rd2;\n"
    "ld.global.u32 %r6, [%rd3];\nadd.s32 %r6, %r6, %r1;\nst.global.u32 [%rd3], %r6;\nret;\n}\n";

static CUstream stream;
static CUdeviceptr memory;
static unsigned *input, *output;
static CUmodule module;
static CUfunction add;
static CUgraph graph;
static CUgraphExec exec;

static void setup(void)
{
	use_device();
	OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	OK(cuMemAlloc(&memory, BYTES));
	OK(cuMemAllocHost((void **)&input, BYTES));
	OK(cuMemAllocHost((void **)&output, BYTES));
	OK(cuModuleLoadData(&module, kernels));
	OK(cuModuleGetFunction(&add, module, "add"));
	OK(cuGraphCreate(&graph, 0));
	exec = NULL;
	for (unsigned i = 0; i < COUNT; i++) {
		input[i] = i;
		output[i] = 0;
	}
}

static void teardown(void)
{
	OK(cuStreamSynchronize(stream));
	if (exec)
		OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(graph));
	OK(cuModuleUnload(module));
	OK(cuMemFreeHost(output));
	OK(cuMemFreeHost(input));
	OK(cuMemFree(memory));
	OK(cuStreamDestroy(stream));
}

static CUcontext context(void)
{
	CUcontext current;
	OK(cuCtxGetCurrent(&current));
	return current;
}

static CUDA_KERNEL_NODE_PARAMS add_params(void **parameters)
{
	return (CUDA_KERNEL_NODE_PARAMS){.func = add,
					 .gridDimX = COUNT / 256,
					 .gridDimY = 1,
					 .gridDimZ = 1,
					 .blockDimX = 256,
					 .blockDimY = 1,
					 .blockDimZ = 1,
					 .kernelParams = parameters};
}

static CUgraphNode add_kernel(const CUgraphNode *after, size_t count, unsigned value)
{
	CUgraphNode node;
	void *parameters[] = {&memory, &value};
	const CUDA_KERNEL_NODE_PARAMS params = add_params(parameters);
	OK(cuGraphAddKernelNode(&node, graph, after, count, &params));
	return node;
}

static CUDA_MEMCPY3D copy_of(void *host, bool to_device)
{
	CUDA_MEMCPY3D copy = {.WidthInBytes = BYTES, .Height = 1, .Depth = 1};
	copy.srcMemoryType = to_device ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
	copy.dstMemoryType = to_device ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
	copy.srcHost = host;
	copy.dstHost = host;
	copy.srcDevice = copy.dstDevice = memory;
	return copy;
}

static CUgraphNode add_copy(const CUgraphNode *after, size_t count, void *host, bool to_device)
{
	CUgraphNode node;
	const CUDA_MEMCPY3D copy = copy_of(host, to_device);
	OK(cuGraphAddMemcpyNode(&node, graph, after, count, &copy, context()));
	return node;
}

static void launch(void)
{
	OK(cuGraphLaunch(exec, stream));
	OK(cuStreamSynchronize(stream));
}

static void check_output(unsigned more)
{
	for (unsigned i = 0; i < COUNT; i++)
		ck_assert_uint_eq(output[i], input[i] + more);
}

START_TEST(copies_and_kernels)
{
	CUgraphNode up = add_copy(NULL, 0, input, true), first = add_kernel(&up, 1, 3);
	CUgraphNode second = add_kernel(&first, 1, 4);
	add_copy(&second, 1, output, false);
	OK(cuGraphInstantiate(&exec, graph, 0));
	launch();
	check_output(7);
	for (unsigned i = 0; i < COUNT; i++)
		input[i] = 5 * i; /* an instance reads what is there when it is launched */
	launch();
	check_output(7);
}
END_TEST

START_TEST(structure)
{
	CUgraphNode up = add_copy(NULL, 0, input, true), kernel = add_kernel(&up, 1, 3), empty, nodes[8], from[8],
		    to[8];
	CUgraphNode down = add_copy(&kernel, 1, output, false);
	CUgraphNodeType type;
	size_t count = 0;
	OK(cuGraphAddEmptyNode(&empty, graph, &down, 1));
	OK(cuGraphGetNodes(graph, NULL, &count));
	ck_assert_uint_eq(count, 4);
	OK(cuGraphGetRootNodes(graph, NULL, &count));
	ck_assert_uint_eq(count, 1);
	OK(cuGraphGetRootNodes(graph, nodes, &count));
	ck_assert_ptr_eq(nodes[0], up);
	count = 8;
	OK(cuGraphGetEdges(graph, from, to, NULL, &count));
	ck_assert_uint_eq(count, 3);
	for (size_t i = 0; i < count; i++)
		ck_assert(from[i] == up ? to[i] == kernel : from[i] == kernel ? to[i] == down : to[i] == empty);
	count = 8;
	OK(cuGraphNodeGetDependencies(down, nodes, NULL, &count));
	ck_assert_uint_eq(count, 1);
	ck_assert_ptr_eq(nodes[0], kernel);
	count = 8;
	OK(cuGraphNodeGetDependentNodes(up, nodes, NULL, &count));
	ck_assert_uint_eq(count, 1);
	ck_assert_ptr_eq(nodes[0], kernel);
	OK(cuGraphNodeGetType(up, &type));
	ck_assert_int_eq(type, CU_GRAPH_NODE_TYPE_MEMCPY);
	OK(cuGraphNodeGetType(down, &type));
	ck_assert_int_eq(type, CU_GRAPH_NODE_TYPE_MEMCPY);
	OK(cuGraphNodeGetType(empty, &type));
	ck_assert_int_eq(type, CU_GRAPH_NODE_TYPE_EMPTY);
	OK(cuGraphRemoveDependencies(graph, &kernel, &down, NULL, 1));
	OK(cuGraphAddDependencies(graph, &up, &down, NULL, 1));
	OK(cuGraphDestroyNode(kernel));
	count = 0;
	OK(cuGraphGetNodes(graph, NULL, &count));
	ck_assert_uint_eq(count, 3);
	OK(cuGraphInstantiate(&exec, graph, 0));
	launch();
	check_output(0);
}
END_TEST

START_TEST(parameters_come_back)
{
	CUgraphNode up = add_copy(NULL, 0, input, true), kernel = add_kernel(&up, 1, 9), fill;
	CUDA_MEMCPY3D copy;
	CUDA_KERNEL_NODE_PARAMS params;
	const CUDA_MEMSET_NODE_PARAMS wanted = {
	    .dst = memory, .value = 7, .elementSize = 4, .width = COUNT, .height = 1};
	CUDA_MEMSET_NODE_PARAMS filled;
	OK(cuGraphAddMemsetNode(&fill, graph, &kernel, 1, &wanted, context()));
	OK(cuGraphMemcpyNodeGetParams(up, &copy));
	ck_assert_ptr_eq(copy.srcHost, input);
	ck_assert_int_eq(copy.srcMemoryType, CU_MEMORYTYPE_HOST);
	ck_assert_uint_eq(copy.dstDevice, memory);
	OK(cuGraphKernelNodeGetParams(kernel, &params));
	ck_assert_uint_eq(params.gridDimX, COUNT / 256);
	ck_assert_uint_eq(*(CUdeviceptr *)params.kernelParams[0], memory);
	ck_assert_uint_eq(*(unsigned *)params.kernelParams[1], 9);
	OK(cuGraphMemsetNodeGetParams(fill, &filled));
	ck_assert_uint_eq(filled.dst, memory);
	ck_assert_uint_eq(filled.value, 7);
	ck_assert_uint_eq(filled.width, COUNT);
}
END_TEST

START_TEST(changed_parameters)
{
	unsigned *other = malloc(BYTES);
	unsigned value = 20;
	void *parameters[] = {&memory, &value};
	CUgraphNode up = add_copy(NULL, 0, input, true), kernel = add_kernel(&up, 1, 9);
	CUgraphNode down = add_copy(&kernel, 1, output, false);
	OK(cuGraphInstantiate(&exec, graph, 0));
	CUDA_KERNEL_NODE_PARAMS params = add_params(parameters);
	OK(cuGraphExecKernelNodeSetParams(exec, kernel, &params));
	launch();
	check_output(20);
	const CUDA_MEMCPY3D copy = copy_of(other, false);
	OK(cuGraphExecMemcpyNodeSetParams(exec, down, &copy, context()));
	launch();
	for (unsigned i = 0; i < COUNT; i++)
		ck_assert_uint_eq(other[i], input[i] + 20);
	free(other);
}
END_TEST

struct change {
	unsigned calls, sum;
};

static void change(void *argument)
{
	struct change *change = argument;
	change->calls++;
	change->sum = 0;
	for (unsigned i = 0; i < COUNT; i++)
		change->sum += output[i]++;
}

START_TEST(host_nodes)
{
	struct change changed = {0};
	CUDA_HOST_NODE_PARAMS params = {.fn = change, .userData = &changed}, back;
	const CUDA_MEMSET_NODE_PARAMS wanted = {
	    .dst = memory, .value = 7, .elementSize = 4, .width = COUNT, .height = 1};
	CUgraphNode fill, down, host, up, kernel;
	OK(cuGraphAddMemsetNode(&fill, graph, NULL, 0, &wanted, context()));
	down = add_copy(&fill, 1, output, false);
	OK(cuGraphAddHostNode(&host, graph, &down, 1, &params));
	up = add_copy(&host, 1, output, true);
	kernel = add_kernel(&up, 1, 100);
	(void)kernel;
	OK(cuGraphHostNodeGetParams(host, &back));
	ck_assert(back.fn == change && back.userData == &changed);
	OK(cuGraphInstantiate(&exec, graph, 0));
	for (unsigned round = 1; round <= 3; round++) {
		launch();
		ck_assert_uint_eq(changed.calls, round);
		ck_assert_uint_eq(changed.sum, 7 * COUNT);
		OK(cuMemcpyDtoH(output, memory, BYTES));
		for (unsigned i = 0; i < COUNT; i++)
			ck_assert_uint_eq(output[i], 108);
	}
}
END_TEST

START_TEST(clone_and_child)
{
	CUgraph clone, inner;
	CUgraphNode up = add_copy(NULL, 0, input, true), kernel = add_kernel(&up, 1, 5), child, found;
	add_copy(&kernel, 1, output, false);
	OK(cuGraphClone(&clone, graph));
	OK(cuGraphNodeFindInClone(&found, kernel, clone));
	ck_assert_ptr_ne(found, kernel);
	size_t count = 0;
	OK(cuGraphGetNodes(clone, NULL, &count));
	ck_assert_uint_eq(count, 3);
	CUgraph outer;
	OK(cuGraphCreate(&outer, 0));
	OK(cuGraphAddChildGraphNode(&child, outer, NULL, 0, clone));
	OK(cuGraphChildGraphNodeGetGraph(child, &inner));
	ck_assert_ptr_ne(inner, clone);
	OK(cuGraphGetNodes(inner, NULL, &count));
	OK(cuGraphDestroy(clone));
	OK(cuGraphInstantiate(&exec, outer, 0));
	OK(cuGraphDestroy(outer));
	launch();
	check_output(5);
}
END_TEST

/* The graph of a node ends with it. */
START_TEST(child_made_again)
{
	CUgraph outer, inner;
	CUgraphNode child;
	size_t count;
	add_kernel(NULL, 0, 1);
	OK(cuGraphCreate(&outer, 0));
	for (unsigned i = 0; i < 3; i++) {
		OK(cuGraphAddChildGraphNode(&child, outer, NULL, 0, graph));
		OK(cuGraphChildGraphNodeGetGraph(child, &inner));
		OK(cuGraphGetNodes(inner, NULL, &count));
		ck_assert_uint_eq(count, 1);
		OK(cuGraphDestroyNode(child));
	}
	OK(cuGraphDestroy(outer));
}
END_TEST

START_TEST(capture)
{
	CUgraph captured;
	CUstreamCaptureStatus status;
	CUstream other;
	CUevent fork, join;
	unsigned value = 11;
	void *parameters[] = {&memory, &value};
	OK(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
	OK(cuEventCreate(&fork, CU_EVENT_DISABLE_TIMING));
	OK(cuEventCreate(&join, CU_EVENT_DISABLE_TIMING));
	OK(cuStreamIsCapturing(stream, &status));
	ck_assert_int_eq(status, CU_STREAM_CAPTURE_STATUS_NONE);
	OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
	OK(cuMemcpyHtoDAsync(memory, input, BYTES, stream));
	OK(cuEventRecord(fork, stream));
	OK(cuStreamWaitEvent(other, fork, 0));
	OK(cuStreamIsCapturing(other, &status));
	ck_assert_int_eq(status, CU_STREAM_CAPTURE_STATUS_ACTIVE);
	OK(cuLaunchKernel(add, COUNT / 256, 1, 1, 256, 1, 1, 0, other, parameters, NULL));
	OK(cuEventRecord(join, other));
	OK(cuStreamWaitEvent(stream, join, 0));
	OK(cuMemcpyDtoHAsync(output, memory, BYTES, stream));
	OK(cuStreamEndCapture(stream, &captured));
	OK(cuStreamIsCapturing(other, &status));
	ck_assert_int_eq(status, CU_STREAM_CAPTURE_STATUS_NONE);
	ck_assert_uint_eq(output[1], 0);
	size_t count = 0;
	OK(cuGraphGetNodes(captured, NULL, &count));
	ck_assert_uint_eq(count, 3);
	OK(cuGraphInstantiate(&exec, captured, 0));
	for (unsigned round = 0; round < 3; round++) {
		memset(output, 0, BYTES);
		launch();
		check_output(11);
	}
	OK(cuGraphDestroy(captured));
	OK(cuEventDestroy(fork));
	OK(cuEventDestroy(join));
	OK(cuStreamDestroy(other));
}
END_TEST

START_TEST(capture_of_a_host_function)
{
	struct change changed = {0};
	CUgraph captured;
	OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
	OK(cuLaunchHostFunc(stream, change, &changed));
	OK(cuStreamEndCapture(stream, &captured));
	ck_assert_uint_eq(changed.calls, 0);
	OK(cuGraphInstantiate(&exec, captured, 0));
	launch();
	launch();
	ck_assert_uint_eq(changed.calls, 2);
	OK(cuGraphDestroy(captured));
}
END_TEST

START_TEST(capture_info)
{
	CUstreamCaptureStatus status;
	cuuint64_t id = 0;
	CUgraph seen = NULL, captured;
	const CUgraphNode *dependencies;
	size_t count = 0;
	CUgraphNode extra;
	OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
	OK(cuMemsetD32Async(memory, 3, COUNT, stream));
	OK(cuStreamGetCaptureInfo(stream, &status, &id, &seen, &dependencies, NULL, &count));
	ck_assert_int_eq(status, CU_STREAM_CAPTURE_STATUS_ACTIVE);
	ck_assert_uint_eq(count, 1);
	OK(cuGraphAddEmptyNode(&extra, seen, dependencies, count));
	OK(cuStreamUpdateCaptureDependencies(stream, &extra, NULL, 1, CU_STREAM_SET_CAPTURE_DEPENDENCIES));
	OK(cuMemcpyDtoHAsync(output, memory, BYTES, stream));
	OK(cuStreamEndCapture(stream, &captured));
	ck_assert_ptr_eq(captured, seen);
	OK(cuGraphInstantiate(&exec, captured, 0));
	OK(cuGraphDestroy(captured));
	launch();
	for (unsigned i = 0; i < COUNT; i++)
		ck_assert_uint_eq(output[i], 3);
}
END_TEST

START_TEST(update)
{
	CUgraphExecUpdateResultInfo info;
	CUgraphNode up = add_copy(NULL, 0, input, true), kernel = add_kernel(&up, 1, 9);
	add_copy(&kernel, 1, output, false);
	OK(cuGraphInstantiate(&exec, graph, 0));
	OK(cuGraphDestroy(graph));
	OK(cuGraphCreate(&graph, 0));
	up = add_copy(NULL, 0, input, true);
	kernel = add_kernel(&up, 1, 30);
	add_copy(&kernel, 1, output, false);
	OK(cuGraphExecUpdate(exec, graph, &info));
	ck_assert_int_eq(info.result, CU_GRAPH_EXEC_UPDATE_SUCCESS);
	launch();
	check_output(30);
	CUgraphNode more;
	OK(cuGraphAddEmptyNode(&more, graph, NULL, 0));
	ck_assert_int_eq(cuGraphExecUpdate(exec, graph, &info), CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
	ck_assert_int_ne(info.result, CU_GRAPH_EXEC_UPDATE_SUCCESS);
}
END_TEST

static void destroyed(void *argument)
{
	atomic_fetch_add((atomic_int *)argument, 1);
}

START_TEST(user_objects)
{
	CUuserObject object;
	atomic_int times = 0;
	OK(cuUserObjectCreate(&object, &times, destroyed, 1, CU_USER_OBJECT_NO_DESTRUCTOR_SYNC));
	OK(cuGraphRetainUserObject(graph, object, 1, CU_GRAPH_USER_OBJECT_MOVE));
	OK(cuGraphInstantiate(&exec, graph, 0));
	OK(cuGraphDestroy(graph));
	OK(cuGraphCreate(&graph, 0));
	OK(cuCtxSynchronize());
	ck_assert_int_eq(times, 0);
	OK(cuGraphExecDestroy(exec));
	exec = NULL;
	while (times == 0)
		OK(cuCtxSynchronize());
	ck_assert_int_eq(times, 1);
}
END_TEST

START_TEST(wrong_handles)
{
	CUgraphNode node, nowhere = (CUgraphNode)(uintptr_t)0x1234;
	size_t count = 0;
	ck_assert_int_eq(cuGraphDestroy((CUgraph)(uintptr_t)0x1234), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_ne(cuGraphAddEmptyNode(&node, graph, &nowhere, 1), CUDA_SUCCESS);
	ck_assert_int_ne(cuGraphGetNodes((CUgraph)(uintptr_t)0x1234, NULL, &count), CUDA_SUCCESS);
	ck_assert_int_ne(cuGraphLaunch((CUgraphExec)(uintptr_t)0x1234, stream), CUDA_SUCCESS);
}
END_TEST

/* A driver without graphs, such as that of an older CPU device, says so. */
static bool has_graphs(void)
{
	CUgraph one;
	CUcontext current;
	if (cuInit(0) || cuDevicePrimaryCtxRetain(&current, 0) || cuCtxSetCurrent(current))
		return true; /* the tests will say what is wrong */
	CUresult err = cuGraphCreate(&one, 0);
	if (!err)
		err = cuCtxSynchronize();
	if (!err)
		err = cuGraphDestroy(one);
	return err != CUDA_ERROR_NOT_SUPPORTED;
}

static bool has_capture(void)
{
	CUstream one;
	CUgraph captured;
	if (cuStreamCreate(&one, CU_STREAM_NON_BLOCKING))
		return true;
	CUresult err = cuStreamBeginCapture(one, CU_STREAM_CAPTURE_MODE_RELAXED);
	if (!err)
		err = cuStreamEndCapture(one, &captured);
	if (!err)
		err = cuGraphDestroy(captured);
	if (!err)
		err = cuStreamDestroy(one);
	return err != CUDA_ERROR_NOT_SUPPORTED;
}

int main(void)
{
	if (!has_graphs()) {
		puts("the driver has no graphs");
		return 77;
	}
	TCase *tests = tcase_create("graphs");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, copies_and_kernels);
	tcase_add_test(tests, structure);
	tcase_add_test(tests, parameters_come_back);
	tcase_add_test(tests, changed_parameters);
	tcase_add_test(tests, host_nodes);
	tcase_add_test(tests, clone_and_child);
	tcase_add_test(tests, child_made_again);
	if (has_capture()) {
		tcase_add_test(tests, capture);
		tcase_add_test(tests, capture_of_a_host_function);
		tcase_add_test(tests, capture_info);
	} else {
		puts("the driver has no stream capture: not tested");
	}
	tcase_add_test(tests, update);
	tcase_add_test(tests, user_objects);
	tcase_add_test(tests, wrong_handles);
	Suite *suite = suite_create("driver graphs");
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
