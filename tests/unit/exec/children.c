/* Work that kernels give to the device. */
#include <cuda_runtime_api.h>

#include "harness.h"

static struct cpu_module *module;
static int *values;

static void load(void)
{
	module = module_load_file(CHILDREN_PTX);
	values = device_alloc(1024);
	memset(values, 0, 1024);
}

/* Tail launches come last, whenever they were given; all is done when the parent is. */
START_TEST(order)
{
	load();
	kernel_run(module, "in_order", 1, 1, 0, &values);
	ck_assert_int_eq(*values, (((1 * 2 + 1) * 5 + 3) * 3 + 0) * 10 + 9);
}
END_TEST

START_TEST(children_of_children)
{
	struct {
		int *calls;
		int depth;
	} parameters;

	load();
	parameters.calls = values;
	parameters.depth = 6;
	kernel_run(module, "count_down", 1, 2, 0, &parameters);
	ck_assert_int_eq(*values, 2 + 4 + 8 + 16 + 32 + 64 + 128);
}
END_TEST

START_TEST(depth_is_limited)
{
	struct {
		int *deepest, *error;
		int depth;
	} parameters;

	load();
	parameters.deepest = values;
	parameters.error = values + 1;
	parameters.depth = 0;
	kernel_run(module, "too_deep", 1, 1, 0, &parameters);
	ck_assert_int_eq(values[0], 24);
	ck_assert_int_eq(values[1], cudaErrorLaunchMaxDepthExceeded);
}
END_TEST

/* A grid that launches itself again at its end is no deeper for it. */
START_TEST(tail_launches_do_not_nest)
{
	struct {
		int *rounds;
		int left;
	} parameters;

	load();
	parameters.rounds = values;
	parameters.left = 500;
	kernel_run(module, "again_and_again", 1, 1, 0, &parameters);
	ck_assert_int_eq(*values, 501);
}
END_TEST

START_TEST(errors_belong_to_threads)
{
	load();
	kernel_run(module, "errors", 1, 32, 0, &values);
	for (int thread = 0; thread < 32; thread++) {
		bool wrong = thread % 2;

		ck_assert_int_eq(values[thread], wrong ? cudaErrorInvalidConfiguration * 1001 : 0);
		ck_assert_int_eq(values[32 + thread], 0);
		ck_assert_int_eq(values[64 + thread], thread == 32 || !wrong);
	}
	ck_assert_int_eq(values[96], 1);
}
END_TEST

START_TEST(copies_and_fills)
{
	struct {
		int *from, *to;
	} parameters;

	load();
	parameters.from = values;
	parameters.to = values + 16;
	kernel_run(module, "moves", 1, 1, 0, &parameters);
	ck_assert_int_eq(values[16], 5);
	ck_assert_int_eq(values[0], 6);
	ck_assert_int_eq(values[1], 0x11111111);
	ck_assert_int_eq(values[2], 0x11111111);
	ck_assert_int_eq(values[17], 0x11111111);
	ck_assert_int_eq(values[18], 0);
	ck_assert_int_eq(values[19], 0x11111111);
}
END_TEST

START_TEST(faults_of_children)
{
	load();
	ck_assert_int_eq(kernel_try(module, "bad_child", 1, 1, 0, &values), CUDA_ERROR_ILLEGAL_ADDRESS);
	ck_assert_msg(strstr(message, "faulty"), "%s", message);
	ck_assert_int_eq(*values, 0); /* what came behind it was not done */
	ck_assert_int_eq(kernel_try(module, "bad_copy", 1, 1, 0, &values), CUDA_ERROR_ILLEGAL_ADDRESS);
	ck_assert_msg(strstr(message, "copy of 0x4 bytes"), "%s", message);
	kernel_run(module, "in_order", 1, 1, 0, &values);
}
END_TEST

static bool attribute_read(int attribute, int *value)
{
	*value = attribute == CU_DEVICE_ATTRIBUTE_WARP_SIZE                              ? 32
		 : attribute == CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR       ? 1024
		 : attribute == CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR        ? 16
		 : attribute == CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR ? 65536
											 : 0;
	return *value;
}

START_TEST(questions)
{
	cpu_exec_set_attributes(attribute_read);
	load();
	kernel_run(module, "questions", 1, 1, 0, &values);
	ck_assert_int_eq(values[0], 0);
	ck_assert_int_eq(values[1], 1);
	ck_assert_int_eq(values[2], 32);
	ck_assert_int_eq(values[3], cudaErrorInvalidDevice);
	ck_assert_int_eq(values[4], CUDA_VERSION);
	ck_assert_int_eq(values[5], 1024);
	ck_assert_int_eq(values[6], 4);
	ck_assert_int_eq(values[7], cudaSuccess);
	ck_assert_int_eq(values[8], 12);
	ck_assert_int_eq(values[9], cudaSuccess);
	ck_assert_int_eq(values[10], cudaErrorMemoryAllocation);
	ck_assert_int_eq(values[11], cudaErrorNotSupported);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {order,
				      children_of_children,
				      depth_is_limited,
				      tail_launches_do_not_nest,
				      errors_belong_to_threads,
				      copies_and_fills,
				      faults_of_children,
				      questions};

	return suite_run("children", tests, sizeof(tests) / sizeof(*tests));
}
