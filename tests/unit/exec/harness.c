#define _GNU_SOURCE
#include "harness.h"

struct cpu_memory *memory;
char message[1024];

static struct cpu_module *modules[256];
static size_t module_count;

void machine_setup(void)
{
	memory = cpu_memory_create((size_t)256 << 20);
	ck_assert_ptr_nonnull(memory);
	module_count = 0;
}

void machine_teardown(void)
{
	while (module_count)
		cpu_module_unload(modules[--module_count]);
	cpu_memory_destroy(memory);
	memory = NULL;
}

CUresult module_try(const char *ptx, struct cpu_module **module)
{
	return cpu_module_load(ptx, strlen(ptx), memory, (struct cpu_text){message, sizeof(message)}, module);
}

struct cpu_module *module_load(const char *ptx)
{
	struct cpu_module *module;

	ck_assert_msg(module_try(ptx, &module) == CUDA_SUCCESS, "%s", message);
	ck_assert_uint_lt(module_count, sizeof(modules) / sizeof(*modules));
	modules[module_count++] = module;
	return module;
}

struct cpu_module *module_load_file(const char *path)
{
	FILE *file = fopen(path, "r");
	struct cpu_module *module;
	char *text = calloc(1, 1 << 20);

	ck_assert_msg(file != NULL, "%s cannot be opened", path);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_gt(fread(text, 1, (1 << 20) - 1, file), 0);
	fclose(file);
	module = module_load(text);
	free(text);
	return module;
}

void *device_alloc(size_t bytes)
{
	uint64_t address;

	ck_assert_int_eq(cpu_memory_alloc(memory, bytes, &address), CUDA_SUCCESS);
	return (void *)(uintptr_t)address;
}

CUresult kernel_try(struct cpu_module *module, const char *name, unsigned grid, unsigned block, size_t shared,
		    const void *parameters)
{
	struct cpu_launch launch = {.kernel = cpu_module_find_kernel(module, name),
				    .grid = {grid, 1, 1},
				    .block = {block, 1, 1},
				    .dynamic_shared_bytes = shared,
				    .parameters = parameters};

	ck_assert_msg(launch.kernel != NULL, "no kernel %s", name);
	return cpu_kernel_run(memory, &launch, (struct cpu_text){message, sizeof(message)});
}

void kernel_run(struct cpu_module *module, const char *name, unsigned grid, unsigned block, size_t shared,
		const void *parameters)
{
	CUresult result = kernel_try(module, name, grid, block, shared, parameters);

	ck_assert_msg(result == CUDA_SUCCESS, "%s: error %d, %s", name, result, message);
}

static const char body_head[] =
    ".version 8.0\n.target sm_75\n.address_size 64\n"
    ".visible .entry body(.param .u64 pa, .param .u64 pb, .param .u64 pc, .param .u64 pd)\n{\n"
    ".reg .b16 %h<16>; .reg .b32 %x<16>; .reg .b64 %l<24>; .reg .f32 %f<16>; .reg .f64 %d<16>; .reg .pred %p<8>;\n"
    "ld.param.u64 %l16, [pa]; ld.param.u64 %l17, [pb]; ld.param.u64 %l18, [pc]; ld.param.u64 %l19, [pd];\n"
    "mov.u32 %x15, %tid.x; mov.u32 %x14, %ctaid.x; mov.u32 %x13, %ntid.x; mad.lo.u32 %x15, %x14, %x13, %x15;\n"
    "mul.wide.u32 %l20, %x15, 8;\n"
    "add.s64 %l16, %l16, %l20; add.s64 %l17, %l17, %l20; add.s64 %l18, %l18, %l20; add.s64 %l19, %l19, %l20;\n"
    "ld.global.u64 %l1, [%l16]; ld.global.u64 %l2, [%l17]; ld.global.u64 %l3, [%l18];\n"
    "cvt.u32.u64 %x1, %l1; cvt.u32.u64 %x2, %l2; cvt.u32.u64 %x3, %l3;\n"
    "cvt.u16.u64 %h1, %l1; cvt.u16.u64 %h2, %l2; cvt.u16.u64 %h3, %l3;\n"
    "mov.b32 %f1, %x1; mov.b32 %f2, %x2; mov.b32 %f3, %x3;\n"
    "mov.b64 %d1, %l1; mov.b64 %d2, %l2; mov.b64 %d3, %l3;\n";

void body_run_many(const char *body, bool wide, size_t count, const uint64_t *a, const uint64_t *b, const uint64_t *c,
		   uint64_t *result)
{
	struct {
		uint64_t *a, *b, *c, *d;
	} buffers = {device_alloc(8 * count), device_alloc(8 * count), device_alloc(8 * count),
		     device_alloc(8 * count)};
	unsigned block = count < 256 ? 32 : 256;
	struct cpu_module *module;
	CUresult error;
	char *text;

	memcpy(buffers.a, a, 8 * count);
	memcpy(buffers.b, b, 8 * count);
	memcpy(buffers.c, c, 8 * count);
	ck_assert_int_gt(asprintf(&text, "%s%s\n%sst.global.u64 [%%l19], %%l0;\nret;\n}\n", body_head, body,
				  wide ? "" : "cvt.u64.u32 %l0, %x0;\n"),
			 0);
	ck_assert_msg(module_try(text, &module) == CUDA_SUCCESS, "%s: %s", body, message);
	error = kernel_try(module, "body", (unsigned)count / block, block, 0, &buffers);
	ck_assert_msg(error == CUDA_SUCCESS, "%s: error %d, %s", body, error, message);
	memcpy(result, buffers.d, 8 * count);
	cpu_module_unload(module);
	free(text);
	for (uint64_t *const *buffer = &buffers.a; buffer <= &buffers.d; buffer++)
		cpu_memory_free(memory, (uint64_t)(uintptr_t)*buffer);
}

void body_run(const char *body, bool wide, const uint64_t *a, const uint64_t *b, const uint64_t *c, uint64_t *result)
{
	body_run_many(body, wide, 32, a, b, c, result);
}

int suite_run(const char *name, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *test_case = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(test_case, machine_setup, machine_teardown);
	tcase_set_timeout(test_case, 50);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(test_case, tests[i]);
	suite_add_tcase(suite, test_case);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
