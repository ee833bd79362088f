/* Loading and linking PTX through the driver API: options, logs, errors. Runs on the CPU device, and on a
   cricket-server, where all of it must be the same. */
#include <check.h>
#include <cuda.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

#define OK(call) ck_assert_int_eq((call), CUDA_SUCCESS)
#define FAILS(error, call) ck_assert_int_eq((call), (error))

#define HEAD ".version 8.0\n.target sm_75\n.address_size 64\n"
#define CALLER                                                                                                         \
	HEAD ".extern .func (.param .b32 r) twice(.param .b32 x);\n.extern .global .align 4 .u32 offset;\n"            \
	     ".visible .entry k(.param .u64 out)\n{ .reg .b32 %r<9>; .reg .b64 %rd<9>; ld.param.u64 %rd1, [out];\n"    \
	     "ld.global.u32 %r1, [offset];\n"                                                                          \
	     "{ .param .b32 a; st.param.b32 [a], %r1; .param .b32 b; call (b), twice, (a); ld.param.b32 %r1, [b]; }\n" \
	     "st.global.u32 [%rd1], %r1; ret; }\n"
#define CALLEE                                                                                                         \
	HEAD ".visible .func (.param .b32 r) twice(.param .b32 x)\n{ .reg .b32 %r<3>; ld.param.b32 %r1, [x];\n"        \
	     "add.s32 %r2, %r1, %r1; st.param.b32 [r], %r2; ret; }\n.visible .global .align 4 .u32 offset = 21;\n"

static CUcontext context;

static void setup(void)
{
	OK(cuInit(0));
	OK(cuDevicePrimaryCtxRetain(&context, 0));
	OK(cuCtxSetCurrent(context));
}

/* Log buffers and the time, as options. */
struct logs {
	char errors[512], info[512];
	CUjit_option options[8];
	void *values[8];
	unsigned count;
};

static struct logs *logs_make(void)
{
	static struct logs logs;
	const CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
					CU_JIT_INFO_LOG_BUFFER,  CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES,
					CU_JIT_WALL_TIME,        CU_JIT_LOG_VERBOSE};
	memset(&logs, 0x55, sizeof logs);
	logs.count = 6;
	memcpy(logs.options, options, sizeof options);
	logs.values[0] = logs.errors;
	logs.values[1] = (void *)sizeof logs.errors;
	logs.values[2] = logs.info;
	logs.values[3] = (void *)sizeof logs.info;
	logs.values[4] = NULL;
	logs.values[5] = (void *)1;
	return &logs;
}

static void link_add(CUlinkState state, const char *text, const char *name)
{
	OK(cuLinkAddData(state, CU_JIT_INPUT_PTX, (void *)(uintptr_t)text, strlen(text) + 1, name, 0, NULL, NULL));
}

static uint32_t value_of(CUmodule module)
{
	CUfunction function;
	CUdeviceptr out;
	uint32_t value = 0;
	OK(cuModuleGetFunction(&function, module, "k"));
	OK(cuMemAlloc(&out, sizeof value));
	OK(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL, (void *[]){&out}, NULL));
	OK(cuMemcpyDtoH(&value, out, sizeof value));
	OK(cuMemFree(out));
	return value;
}

START_TEST(linking_makes_an_image)
{
	struct logs *logs = logs_make();
	CUlinkState state;
	CUmodule module;
	CUlibrary library;
	void *image;
	size_t size = 0;
	float milliseconds;
	OK(cuLinkCreate(logs->count, logs->options, logs->values, &state));
	link_add(state, CALLER, "caller");
	link_add(state, CALLEE, "callee");
	OK(cuLinkComplete(state, &image, &size));
	ck_assert_uint_gt(size, strlen(CALLER));
	ck_assert_str_eq(logs->errors, "");
	ck_assert_ptr_nonnull(strstr(logs->info, "2 units"));
	ck_assert_uint_eq((size_t)logs->values[3], strlen(logs->info));
	memcpy(&milliseconds, &logs->values[4], sizeof milliseconds);
	ck_assert(milliseconds > 0 && milliseconds < 60000);
	OK(cuModuleLoadData(&module, image));
	OK(cuLibraryLoadData(&library, image, NULL, NULL, 0, NULL, NULL, 0));
	OK(cuLinkDestroy(state));
	ck_assert_uint_eq(value_of(module), 42);
	OK(cuModuleUnload(module));
	OK(cuLibraryUnload(library));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuLinkDestroy(state));
}
END_TEST

/* What was linked is an input, too; files are. */
START_TEST(images_and_files_are_inputs)
{
	char path[] = "/tmp/cricket-jit-XXXXXX";
	CUlinkState first, second;
	CUmodule module;
	void *image;
	size_t size;
	int file = mkstemp(path);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(write(file, CALLER, strlen(CALLER)), (ssize_t)strlen(CALLER));
	close(file);
	OK(cuLinkCreate(0, NULL, NULL, &first));
	link_add(first, CALLEE, NULL);
	OK(cuLinkComplete(first, &image, &size));
	OK(cuLinkCreate(0, NULL, NULL, &second));
	OK(cuLinkAddData(second, CU_JIT_INPUT_CUBIN, image, size, "linked", 0, NULL, NULL));
	OK(cuLinkAddFile(second, CU_JIT_INPUT_PTX, path, 0, NULL, NULL));
	unlink(path);
	FAILS(CUDA_ERROR_FILE_NOT_FOUND, cuLinkAddFile(second, CU_JIT_INPUT_PTX, path, 0, NULL, NULL));
	OK(cuLinkDestroy(first));
	OK(cuLinkComplete(second, &image, &size));
	OK(cuModuleLoadData(&module, image));
	ck_assert_uint_eq(value_of(module), 42);
	OK(cuLinkDestroy(second));
}
END_TEST

START_TEST(names_that_do_not_fit)
{
	struct logs *logs = logs_make();
	CUlinkState state;
	void *image;
	OK(cuLinkCreate(logs->count, logs->options, logs->values, &state));
	link_add(state, CALLER, "caller");
	FAILS(CUDA_ERROR_INVALID_SOURCE, cuLinkComplete(state, &image, NULL));
	ck_assert_ptr_nonnull(strstr(logs->errors, "Undefined reference to 'twice' in 'caller'"));
	ck_assert_uint_eq((size_t)logs->values[1], strlen(logs->errors));
	OK(cuLinkDestroy(state));
	logs = logs_make();
	OK(cuLinkCreate(logs->count, logs->options, logs->values, &state));
	link_add(state, CALLEE, "one");
	link_add(state, CALLEE, "two");
	FAILS(CUDA_ERROR_INVALID_SOURCE, cuLinkComplete(state, &image, NULL));
	ck_assert_ptr_nonnull(strstr(logs->errors, "Multiple definition of 'twice' in 'two', first defined in 'one'"));
	OK(cuLinkDestroy(state));
}
END_TEST

START_TEST(inputs_that_cannot_be_taken)
{
	static const char elf[64] = "\177ELF\2\1\1";
	struct logs *logs = logs_make();
	CUjit_option option = CU_JIT_WALL_TIME;
	CUlinkState state;
	void *value = NULL, *image;
	OK(cuLinkCreate(logs->count, logs->options, logs->values, &state));
	FAILS(CUDA_ERROR_INVALID_IMAGE, cuLinkComplete(state, &image, NULL));
	FAILS(CUDA_ERROR_INVALID_PTX,
	      cuLinkAddData(state, CU_JIT_INPUT_PTX, HEAD "nonsense", strlen(HEAD) + 9, "bad.ptx", 0, NULL, NULL));
	ck_assert_ptr_nonnull(strstr(logs->errors, "bad.ptx: ptx line 4"));
	FAILS(CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
	      cuLinkAddData(state, CU_JIT_INPUT_PTX, ".version 19.0\n", 15, "new", 0, NULL, NULL));
	ck_assert_ptr_nonnull(strstr(logs->errors, "19.0"));
	FAILS(CUDA_ERROR_NO_BINARY_FOR_GPU,
	      cuLinkAddData(state, CU_JIT_INPUT_CUBIN, (void *)(uintptr_t)elf, sizeof elf, "elf", 0, NULL, NULL));
	FAILS(CUDA_ERROR_INVALID_IMAGE,
	      cuLinkAddData(state, CU_JIT_INPUT_FATBINARY, "rubbish", 8, "rubbish", 0, NULL, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLinkAddData(state, CU_JIT_INPUT_PTX, NULL, 8, "null", 0, NULL, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLinkAddData(state, CU_JIT_INPUT_PTX, CALLEE, 0, "empty", 0, NULL, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLinkAddData(state, (CUjitInputType)77, CALLEE, 8, "type", 0, NULL, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE,
	      cuLinkAddData(state, CU_JIT_INPUT_PTX, CALLEE, strlen(CALLEE), "option", 1, &option, &value));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLinkComplete(state, NULL, NULL));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuLinkComplete((CUlinkState)context, &image, NULL));
	link_add(state, CALLEE, "good");
	OK(cuLinkComplete(state, &image, NULL));
	OK(cuLinkDestroy(state));
}
END_TEST

START_TEST(options_that_do_not_go_together)
{
	CUlinkState state;
	CUmodule module;
	CUjit_option fallback = CU_JIT_FALLBACK_STRATEGY, both[] = {CU_JIT_TARGET, CU_JIT_THREADS_PER_BLOCK};
	CUjit_option level = CU_JIT_OPTIMIZATION_LEVEL, unknown = (CUjit_option)4711;
	void *values[] = {(void *)CU_TARGET_COMPUTE_75, (void *)64}, *five = (void *)5, *zero = NULL;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLinkCreate(1, &fallback, &zero, &state));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLinkCreate(1, NULL, NULL, &state));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuLinkCreate(0, NULL, NULL, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuModuleLoadDataEx(&module, CALLEE, 2, both, values));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuModuleLoadDataEx(&module, CALLEE, 1, &level, &five));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuModuleLoadDataEx(&module, CALLEE, 1, &unknown, &zero));
	OK(cuModuleLoadDataEx(&module, CALLEE, 1, &fallback, &zero));
	OK(cuModuleLoadDataEx(&module, CALLEE, 1, both, values));
	values[0] = (void *)CU_TARGET_COMPUTE_121A;
	FAILS(CUDA_ERROR_NO_BINARY_FOR_GPU, cuModuleLoadDataEx(&module, CALLEE, 1, both, values));
}
END_TEST

static const struct {
	const char *text;
	CUresult error;
	const char *what;
} bad_modules[] = {
    {".version 19.0\n.target sm_75\n", CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "PTX version 19.0 is newer"},
    {".version 8.0\n.target sm_121\n", CUDA_ERROR_INVALID_PTX, "ptx line 2: code for sm_121"},
    {HEAD ".visible .entry k(", CUDA_ERROR_INVALID_PTX, "ptx line 4"},
    {HEAD ".visible .entry k() { add.s32 %r1, %r2; ", CUDA_ERROR_INVALID_PTX, "ptx line"},
    {"// no version\n", CUDA_ERROR_INVALID_PTX, ".version"},
    {CALLER, CUDA_ERROR_INVALID_PTX, "Unresolved extern 'twice'"},
    {"garbage", CUDA_ERROR_INVALID_IMAGE, "neither a fatbin nor PTX"},
};

START_TEST(modules_that_cannot_be_loaded)
{
	struct logs *logs = logs_make();
	CUmodule module;
	CUlibrary library;
	FAILS(bad_modules[_i].error,
	      cuModuleLoadDataEx(&module, bad_modules[_i].text, logs->count, logs->options, logs->values));
	ck_assert_msg(strstr(logs->errors, bad_modules[_i].what), "%s", logs->errors);
	ck_assert_uint_eq((size_t)logs->values[1], strlen(logs->errors));
	ck_assert_str_eq(logs->info, "");
	logs = logs_make();
	FAILS(bad_modules[_i].error, cuLibraryLoadData(&library, bad_modules[_i].text, logs->options, logs->values,
						       logs->count, NULL, NULL, 0));
	ck_assert_msg(strstr(logs->errors, bad_modules[_i].what), "%s", logs->errors);
}
END_TEST

/* An opcode that does not exist is told when its kernel is first used, not before. */
START_TEST(unknown_opcode)
{
	static const char text[] = HEAD ".visible .entry bad() { frobnicate.b32; ret; }\n"
					".visible .entry k(.param .u64 out)\n{ .reg .b64 %rd<9>;\n"
					"ld.param.u64 %rd1, [out]; st.global.u32 [%rd1], 7; ret; }\n";
	CUfunction function;
	CUmodule module;
	OK(cuModuleLoadData(&module, text));
	ck_assert_uint_eq(value_of(module), 7);
	OK(cuModuleGetFunction(&function, module, "bad"));
	CUresult launched = cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL);
	FAILS(CUDA_ERROR_INVALID_PTX, launched ? launched : cuCtxSynchronize());
	ck_assert_uint_eq(value_of(module), 7);
}
END_TEST

START_TEST(logs_of_a_good_load)
{
	struct logs *logs = logs_make();
	CUmodule module;
	float milliseconds;
	OK(cuModuleLoadDataEx(&module, CALLEE, logs->count, logs->options, logs->values));
	ck_assert_str_eq(logs->errors, "");
	ck_assert_uint_eq((size_t)logs->values[1], 0);
	ck_assert_ptr_nonnull(strstr(logs->info, "1 unit"));
	memcpy(&milliseconds, &logs->values[4], sizeof milliseconds);
	ck_assert(milliseconds > 0 && milliseconds < 60000);
	logs = logs_make();
	logs->values[3] = (void *)4; /* the log is cut */
	OK(cuModuleLoadDataEx(&module, CALLEE, logs->count, logs->options, logs->values));
	ck_assert_uint_eq(strlen(logs->info), 3);
	ck_assert_uint_eq((size_t)logs->values[3], 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jit");
	TCase *cases = tcase_create("jit");
	tcase_add_checked_fixture(cases, setup, NULL);
	tcase_add_test(cases, linking_makes_an_image);
	tcase_add_test(cases, images_and_files_are_inputs);
	tcase_add_test(cases, names_that_do_not_fit);
	tcase_add_test(cases, inputs_that_cannot_be_taken);
	tcase_add_test(cases, options_that_do_not_go_together);
	tcase_add_loop_test(cases, modules_that_cannot_be_loaded, 0, sizeof bad_modules / sizeof *bad_modules);
	tcase_add_test(cases, unknown_opcode);
	tcase_add_test(cases, logs_of_a_good_load);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}
