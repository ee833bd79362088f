/* A module of many kernels loads quickly, and a kernel that is never launched costs no more than being read. */
#include <time.h>

#include "harness.h"

#define KERNELS 200
#define LINES 60

/* The wanted time, and what a busy machine or sanitizers may make of it. */
#define LIMIT_MS 100
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PATIENCE 30
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PATIENCE 30
#endif
#endif
#ifndef PATIENCE
#define PATIENCE 5
#endif

/* Processor time of this thread: what others do on the machine does not count. */
static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* Kernels as nvcc writes them: loads, arithmetic, a branch and stores, again and again. The last one has an opcode that
   nobody knows. */
static char *text_make(size_t *length)
{
	char *text = NULL;
	FILE *file = open_memstream(&text, length);

	fprintf(file, ".version 8.0\n.target sm_75\n.address_size 64\n");
	for (int k = 0; k < KERNELS; k++) {
		fprintf(
		    file,
		    ".visible .entry kernel_with_a_long_name_%d(.param .u64 kernel_with_a_long_name_%d_param_0)\n{\n"
		    "\t.reg .pred \t%%p<%d>;\n\t.reg .f32 \t%%f<%d>;\n\t.reg .b32 \t%%r<9>;\n\t.reg .b64 \t%%rd<9>;\n"
		    "\tld.param.u64 \t%%rd1, [kernel_with_a_long_name_%d_param_0];\n\tmov.u32 \t%%r1, %%tid.x;\n",
		    k, k, LINES + 1, 3 * LINES + 3, k);
		for (int i = 0; i < LINES; i++)
			fprintf(
			    file,
			    "$L__BB%d_%d:\n\tld.global.f32 \t%%f%d, [%%rd1+%d];\n"
			    "\tfma.rn.f32 \t%%f%d, %%f%d, 0f3F800000, %%f%d;\n\tsetp.lt.f32 \t%%p%d, %%f%d, %%f%d;\n"
			    "\t@%%p%d bra \t$L__BB%d_%d;\n\tst.global.f32 \t[%%rd1+%d], %%f%d;\n",
			    k, i, 3 * i + 1, 4 * i, 3 * i + 2, 3 * i + 1, 3 * i + 1, i + 1, 3 * i + 2, 3 * i + 1, i + 1,
			    k, i, 4 * i, 3 * i + 2);
		fprintf(file, k == KERNELS - 1 ? "\tno.such.opcode \t%%r1;\n\tret;\n}\n" : "\tret;\n}\n");
	}
	fclose(file);
	return text;
}

/* The best of some tries: the first one also pays for the memory that it is the first to touch. */
static double load_time(const char *text, struct cpu_module **module)
{
	double best = 0;

	for (int i = 0; i < 5; i++) {
		double start = milliseconds(), taken;

		if (i)
			cpu_module_unload(*module);
		ck_assert_msg(module_try(text, module) == CUDA_SUCCESS, "%s", message);
		taken = milliseconds() - start;
		best = i && best < taken ? best : taken;
	}
	return best;
}

START_TEST(many_kernels)
{
	size_t length;
	char *text = text_make(&length);
	struct cpu_module *module;
	double loading = load_time(text, &module), start = milliseconds(), preparing;

	ck_assert_uint_eq(cpu_module_kernel_count(module), KERNELS);
	for (size_t i = 0; i < KERNELS - 1; i++)
		ck_assert_int_eq(
		    cpu_kernel_prepare(cpu_module_kernel(module, i), (struct cpu_text){message, sizeof(message)}),
		    CUDA_SUCCESS);
	preparing = milliseconds() - start;
	printf("%d kernels, %zu KiB: %.1f ms to load, %.1f ms to make the code of all\n", KERNELS, length >> 10,
	       loading, preparing);
	ck_assert_msg(loading < LIMIT_MS * PATIENCE, "%.1f ms", loading);
	ck_assert_int_eq(
	    cpu_kernel_prepare(cpu_module_kernel(module, KERNELS - 1), (struct cpu_text){message, sizeof(message)}),
	    CUDA_ERROR_INVALID_PTX);
	cpu_module_unload(module);
	free(text);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {many_kernels};

	return suite_run("load", tests, 1);
}
