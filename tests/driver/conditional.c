/* Conditional nodes: their bodies are graphs, and kernels decide which of them run. */
#include <stdatomic.h>

#include "device.h"
#include "suite.h"

static const char kernels[] = ".version 8.3\n.target sm_75\n.address_size 64\n"
			      ".extern .func cudaGraphSetConditional(.param .b64 condition, .param .b32 value);\n"
			      /* words[0]--, words[1] += 10, and the condition becomes words[0] */
			      ".visible .entry count_down(.param .u64 words, .param .u64 condition)\n{\n"
			      ".reg .b32 %r<3>;\n.reg .b64 %rd<3>;\n"
			      "ld.param.u64 %rd1, [words];\nld.param.u64 %rd2, [condition];\n"
			      "ld.global.u32 %r1, [%rd1];\nadd.s32 %r1, %r1, -1;\nst.global.u32 [%rd1], %r1;\n"
			      "ld.global.u32 %r2, [%rd1+4];\nadd.s32 %r2, %r2, 10;\nst.global.u32 [%rd1+4], %r2;\n"
			      "{\n.param .b64 param0;\n.param .b32 param1;\n"
			      "st.param.b64 [param0], %rd2;\nst.param.b32 [param1], %r1;\n"
			      "call.uni cudaGraphSetConditional, (param0, param1);\n}\nret;\n}\n";

static CUmodule module;
static CUfunction count_down;
static CUdeviceptr words;
static CUgraph graph;
static CUgraphExec exec;
static CUcontext context;

static void setup(void)
{
	use_device();
	OK(cuCtxGetCurrent(&context));
	OK(cuModuleLoadData(&module, kernels));
	OK(cuModuleGetFunction(&count_down, module, "count_down"));
	OK(cuMemAlloc(&words, 8));
	OK(cuMemsetD32(words, 0, 2));
	OK(cuGraphCreate(&graph, 0));
	exec = NULL;
}

static void teardown(void)
{
	if (exec)
		OK(cuGraphExecDestroy(exec));
	OK(cuGraphDestroy(graph));
	OK(cuMemFree(words));
	OK(cuModuleUnload(module));
}

static CUgraphConditionalHandle condition(unsigned value)
{
	CUgraphConditionalHandle handle;
	OK(cuGraphConditionalHandleCreate(&handle, graph, context, value, CU_GRAPH_COND_ASSIGN_DEFAULT));
	return handle;
}

static CUgraphNodeParams conditional(CUgraphConditionalHandle handle, CUgraphConditionalNodeType type, unsigned size)
{
	return (CUgraphNodeParams){.type = CU_GRAPH_NODE_TYPE_CONDITIONAL,
				   .conditional = {handle, type, size, NULL, context}};
}

static void add_count_down(CUgraph to, CUgraphConditionalHandle handle)
{
	CUgraphNode node;
	void *parameters[] = {&words, &handle};
	const CUDA_KERNEL_NODE_PARAMS params = {.func = count_down,
						.gridDimX = 1,
						.gridDimY = 1,
						.gridDimZ = 1,
						.blockDimX = 1,
						.blockDimY = 1,
						.blockDimZ = 1,
						.kernelParams = parameters};
	OK(cuGraphAddKernelNode(&node, to, NULL, 0, &params));
}

static void add_fill(CUgraph to, unsigned value)
{
	CUgraphNode node;
	const CUDA_MEMSET_NODE_PARAMS params = {
	    .dst = words, .value = value, .elementSize = 4, .width = 1, .height = 1};
	OK(cuGraphAddMemsetNode(&node, to, NULL, 0, &params, context));
}

static void run(void)
{
	if (!exec)
		OK(cuGraphInstantiate(&exec, graph, 0));
	OK(cuGraphLaunch(exec, CU_STREAM_PER_THREAD));
	OK(cuStreamSynchronize(CU_STREAM_PER_THREAD));
}

static unsigned word(unsigned index)
{
	unsigned value;
	OK(cuMemcpyDtoH(&value, words + 4 * index, 4));
	return value;
}

static void set_words(unsigned first, unsigned second)
{
	const unsigned values[] = {first, second};
	OK(cuMemcpyHtoD(words, values, sizeof(values)));
	OK(cuCtxSynchronize());
}

START_TEST(loop)
{
	CUgraphNode node;
	CUgraphNodeType type;
	const CUgraphConditionalHandle handle = condition(1);
	CUgraphNodeParams params = conditional(handle, CU_GRAPH_COND_TYPE_WHILE, 1);
	OK(cuGraphAddNode(&node, graph, NULL, NULL, 0, &params));
	add_count_down(params.conditional.phGraph_out[0], handle);
	OK(cuGraphNodeGetType(node, &type));
	ck_assert_int_eq(type, CU_GRAPH_NODE_TYPE_CONDITIONAL);
	for (unsigned rounds = 1; rounds < 6; rounds += 2) {
		set_words(rounds, 0);
		run();
		ck_assert_uint_eq(word(0), 0);
		ck_assert_uint_eq(word(1), rounds * 10);
	}
}
END_TEST

START_TEST(choice)
{
	CUgraphNode node;
	const unsigned chosen = (unsigned)_i;
	CUgraphNodeParams params = conditional(condition(chosen), CU_GRAPH_COND_TYPE_SWITCH, 3);
	OK(cuGraphAddNode(&node, graph, NULL, NULL, 0, &params));
	for (unsigned i = 0; i < 3; i++)
		add_fill(params.conditional.phGraph_out[i], 100 + i);
	set_words(7, 7);
	run();
	ck_assert_uint_eq(word(0), chosen < 3 ? 100 + chosen : 7);
	ck_assert_uint_eq(word(1), 7);
}
END_TEST

/* A conditional node in a body of another. */
START_TEST(nested)
{
	CUgraphNode node;
	const CUgraphConditionalHandle outer = condition(1), inner = condition(1);
	CUgraphNodeParams params = conditional(outer, CU_GRAPH_COND_TYPE_IF, 2);
	OK(cuGraphAddNode(&node, graph, NULL, NULL, 0, &params));
	CUgraph *bodies = params.conditional.phGraph_out;
	add_fill(bodies[1], 99);
	params = conditional(inner, CU_GRAPH_COND_TYPE_WHILE, 1);
	OK(cuGraphAddNode(&node, bodies[0], NULL, NULL, 0, &params));
	add_count_down(params.conditional.phGraph_out[0], inner);
	set_words(4, 0);
	run();
	ck_assert_uint_eq(word(0), 0);
	ck_assert_uint_eq(word(1), 40);
}
END_TEST

static void CUDA_CB count(void *calls)
{
	atomic_fetch_add((atomic_int *)calls, 1);
}

/* NVIDIA's driver allows no host function there. */
START_TEST(host_function_in_a_body)
{
	static atomic_int calls;
	CUgraphNode node;
	const CUgraphConditionalHandle handle = condition(1);
	CUgraphNodeParams params = conditional(handle, CU_GRAPH_COND_TYPE_WHILE, 1);
	const CUDA_HOST_NODE_PARAMS host = {count, &calls};
	OK(cuGraphAddNode(&node, graph, NULL, NULL, 0, &params));
	add_count_down(params.conditional.phGraph_out[0], handle);
	OK(cuGraphAddHostNode(&node, params.conditional.phGraph_out[0], NULL, 0, &host));
	set_words(3, 0);
	run();
	ck_assert_int_eq(atomic_load(&calls), 3);
}
END_TEST

START_TEST(destroyed_and_made_again)
{
	CUgraphNode node;
	const CUgraphConditionalHandle handle = condition(1);
	for (unsigned i = 0; i < 3; i++) {
		CUgraphNodeParams params = conditional(handle, CU_GRAPH_COND_TYPE_IF, 1);
		OK(cuGraphAddNode(&node, graph, NULL, NULL, 0, &params));
		add_fill(params.conditional.phGraph_out[0], 50 + i);
		if (i < 2)
			OK(cuGraphDestroyNode(node));
	}
	run();
	ck_assert_uint_eq(word(0), 52);
}
END_TEST

START_TEST(refused)
{
	CUgraphNode node;
	CUgraphConditionalHandle handle = condition(0);
	const CUgraphNodeParams wrong[] = {
	    conditional(handle, CU_GRAPH_COND_TYPE_IF, 3),          conditional(handle, CU_GRAPH_COND_TYPE_WHILE, 0),
	    conditional(handle, (CUgraphConditionalNodeType)77, 1), conditional(12345, CU_GRAPH_COND_TYPE_IF, 1),
	    conditional(handle, CU_GRAPH_COND_TYPE_SWITCH, ~0u),
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		CUgraphNodeParams params = wrong[i];
		ck_assert_int_eq(cuGraphAddNode(&node, graph, NULL, NULL, 0, &params), CUDA_ERROR_INVALID_VALUE);
	}
	ck_assert_int_eq(cuGraphConditionalHandleCreate(NULL, graph, context, 0, 0), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(cuGraphConditionalHandleCreate(&handle, NULL, context, 0, 0), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(cuGraphConditionalHandleCreate(&handle, graph, context, 0, 0x80), CUDA_ERROR_INVALID_VALUE);
	OK(cuCtxSynchronize());
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("conditional");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, loop);
	tcase_add_loop_test(tests, choice, 0, 4);
	tcase_add_test(tests, nested);
	tcase_add_test(tests, host_function_in_a_body);
	tcase_add_test(tests, destroyed_and_made_again);
	tcase_add_test(tests, refused);
	Suite *suite = suite_create("driver conditional");
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
