/* Several units of PTX become one module. */
#include "harness.h"

#define HEAD ".version 8.0\n.target sm_75\n.address_size 64\n"

static CUresult link_try(struct cpu_module **module, size_t count, const char *const *texts)
{
	static const char *const names[] = {"a.cu", "b.cu", "c.cu"};
	struct cpu_unit units[3];

	for (size_t i = 0; i < count; i++)
		units[i] = (struct cpu_unit){texts[i], strlen(texts[i]), names[i]};
	return cpu_module_link(units, count, memory, (struct cpu_text){message, sizeof(message)}, module);
}

static struct cpu_module *linked(size_t count, const char *const *texts)
{
	struct cpu_module *module;

	ck_assert_msg(link_try(&module, count, texts) == CUDA_SUCCESS, "%s", message);
	return module;
}

/* Runs kernel `name` with one thread and one parameter, a pointer to `out`. */
static uint32_t value_of(struct cpu_module *module, const char *name)
{
	uint32_t *out = device_alloc(64), value;

	kernel_run(module, name, 1, 1, 0, &out);
	value = *out;
	cpu_memory_free(memory, (uint64_t)(uintptr_t)out);
	return value;
}

static uint32_t variable_value(struct cpu_module *module, const char *name)
{
	uint64_t address;
	size_t size;

	ck_assert_msg(cpu_module_find_variable(module, name, &address, &size), "no variable %s", name);
	return *(uint32_t *)(uintptr_t)address;
}

#define TWICE_DECLARED ".extern .func (.param .b32 r) twice(.param .b32 x);\n"
#define TWICE_DEFINED                                                                                                  \
	".func (.param .b32 r) twice(.param .b32 x)\n{ .reg .b32 %r<3>; ld.param.b32 %r1, [x]; add.s32 %r2, %r1, "     \
	"%r1; st.param.b32 [r], %r2; ret; }\n"
#define CALL_TWICE                                                                                                     \
	"{ .param .b32 a; st.param.b32 [a], %r1; .param .b32 b; call (b), twice, (a); ld.param.b32 %r1, [b]; }\n"
#define KERNEL(name)                                                                                                   \
	".visible .entry " name "(.param .u64 out)\n{ .reg .b32 %r<9>; .reg .b64 %rd<9>; ld.param.u64 %rd1, [out];\n"
#define END "st.global.u32 [%rd1], %r1; ret; }\n"

START_TEST(functions_and_variables_of_other_units)
{
	const char *const texts[] = {
	    HEAD TWICE_DECLARED
	    ".extern .global .align 4 .u32 counter;\n.extern .const .align 4 .b8 table[8];\n" KERNEL(
		"k") "ld.global.u32 %r1, [counter]; ld.const.u32 %r2, [table+4]; add.s32 %r1, %r1, %r2;\n" CALL_TWICE
		END,
	    HEAD ".visible " TWICE_DEFINED ".visible .global .align 4 .u32 counter = 5;\n",
	    HEAD ".visible .const .align 4 .b8 table[8] = {1, 0, 0, 0, 7};\n",
	};
	struct cpu_module *module = linked(3, texts);

	ck_assert_uint_eq(value_of(module, "k"), 24);
	ck_assert_uint_eq(cpu_module_kernel_count(module), 1);
	ck_assert_uint_eq(variable_value(module, "counter"), 5);
	cpu_module_unload(module);
}
END_TEST

/* Addresses of another unit's function and variable in initial values; the pointer is called. */
START_TEST(initial_values_of_other_units)
{
	const char *const texts[] = {
	    HEAD TWICE_DECLARED
	    ".extern .global .align 4 .b8 words[16];\n"
	    ".visible .global .align 8 .u64 pointer = twice;\n"
	    ".visible .global .align 8 .u64 where[2] = {generic(words)+8, 0};\n" KERNEL(
		"k") "ld.global.u64 %rd2, [where]; ld.u32 %r1, [%rd2]; ld.global.u64 %rd3, [pointer];\n"
		     "{ .param .b32 a; st.param.b32 [a], %r1; .param .b32 b;\n"
		     "prototype: .callprototype (.param .b32 _) _ (.param .b32 _);\n"
		     "call (b), %rd3, (a), prototype; ld.param.b32 %r1, [b]; }\n" END,
	    HEAD ".visible " TWICE_DEFINED ".visible .global .align 4 .b8 words[16] = {1,0,0,0, 2,0,0,0, 21,0,0,0};\n",
	};
	struct cpu_module *module = linked(2, texts);

	ck_assert_uint_eq(value_of(module, "k"), 42);
	cpu_module_unload(module);
}
END_TEST

/* One kernel stores the address of another unit's function, a second one calls it. */
START_TEST(pointers_from_another_kernel)
{
	const char *const texts[] = {
	    HEAD TWICE_DECLARED ".visible .global .align 8 .u64 pointer;\n" KERNEL(
		"store") "mov.u64 %rd2, twice; st.global.u64 [pointer], %rd2; mov.u32 %r1, 0;\n" END,
	    HEAD ".visible " TWICE_DEFINED,
	    HEAD ".extern .global .align 8 .u64 pointer;\n" KERNEL(
		"call") "ld.global.u64 %rd3, [pointer]; mov.u32 %r1, 9;\n"
			"{ .param .b32 a; st.param.b32 [a], %r1; .param .b32 b;\n"
			"prototype: .callprototype (.param .b32 _) _ (.param .b32 _);\n"
			"call (b), %rd3, (a), prototype; ld.param.b32 %r1, [b]; }\n" END,
	};
	struct cpu_module *module = linked(3, texts);

	ck_assert_uint_eq(value_of(module, "store"), 0);
	ck_assert_uint_eq(value_of(module, "call"), 18);
	cpu_module_unload(module);
}
END_TEST

START_TEST(static_names_stay_apart)
{
	const char *const texts[] = {
	    HEAD ".global .align 4 .u32 mine = 3;\n" TWICE_DEFINED KERNEL("first") "ld.global.u32 %r1, [mine];\n" END,
	    HEAD ".global .align 4 .u32 mine = 4;\n"
		 ".func (.param .b32 r) twice(.param .b32 x)\n{ .reg .b32 %r<3>; ld.param.b32 %r1, [x]; mul.lo.s32 "
		 "%r2, %r1, 100; st.param.b32 [r], %r2; ret; }\n" KERNEL(
		     "second") "ld.global.u32 %r1, [mine];\n" CALL_TWICE END,
	    HEAD ".global .align 4 .u32 mine = 5;\n" KERNEL("third") "ld.global.u32 %r1, [mine];\n" END,
	};
	struct cpu_module *module = linked(3, texts);

	ck_assert_uint_eq(value_of(module, "first"), 3);
	ck_assert_uint_eq(value_of(module, "second"), 400);
	ck_assert_uint_eq(value_of(module, "third"), 5);
	cpu_module_unload(module);
}
END_TEST

/* The strong definition counts, else the first weak one; it counts for every unit, also for one with its own. */
START_TEST(weak_definitions)
{
	static const char weak_two[] = HEAD ".weak .global .align 4 .u32 x = 2;\n.weak " TWICE_DEFINED KERNEL(
	    "second") "ld.global.u32 %r1, [x];\n" CALL_TWICE END;
	const char *const texts[] = {
	    HEAD ".weak .global .align 4 .u32 x = 1;\n" KERNEL("first") "ld.global.u32 %r1, [x];\n" END,
	    weak_two,
	    HEAD ".visible .global .align 4 .u32 x = 3;\n"
		 ".visible .func (.param .b32 r) twice(.param .b32 x)\n{ .reg .b32 %r<3>; mov.u32 %r2, 77;\n"
		 "st.param.b32 [r], %r2; ret; }\n",
	};
	struct cpu_module *module = linked(2, texts);

	ck_assert_uint_eq(value_of(module, "first"), 1);
	ck_assert_uint_eq(value_of(module, "second"), 2);
	cpu_module_unload(module);
	module = linked(3, texts);
	ck_assert_uint_eq(value_of(module, "first"), 3);
	ck_assert_uint_eq(value_of(module, "second"), 77);
	ck_assert_uint_eq(variable_value(module, "x"), 3);
	cpu_module_unload(module);
}
END_TEST

/* A kernel that several units have, as templates do, is there once. */
START_TEST(weak_kernels)
{
	static const char text[] = HEAD ".weak .entry k(.param .u64 out)\n{ .reg .b32 %r<9>; .reg .b64 %rd<9>;\n"
					"ld.param.u64 %rd1, [out]; mov.u32 %r1, 6;\n" END;
	const char *const texts[] = {text, text};
	struct cpu_module *module = linked(2, texts);

	ck_assert_uint_eq(cpu_module_kernel_count(module), 1);
	ck_assert_uint_eq(value_of(module, "k"), 6);
	cpu_module_unload(module);
}
END_TEST

START_TEST(common_variables)
{
	const char *const texts[] = {
	    HEAD ".common .global .align 4 .b8 x[4];\n" KERNEL("k") "mov.u32 %r1, 8; st.global.u32 [x], %r1;\n" END,
	    HEAD ".common .global .align 4 .b8 x[16];\n",
	    HEAD ".visible .global .align 4 .b8 x[16] = {9};\n",
	};
	struct cpu_module *module = linked(2, texts);
	uint64_t address;
	size_t size;

	ck_assert(cpu_module_find_variable(module, "x", &address, &size));
	ck_assert_uint_eq(size, 16);
	ck_assert_uint_eq(value_of(module, "k"), 8);
	ck_assert_uint_eq(variable_value(module, "x"), 8);
	cpu_module_unload(module);
	module = linked(3, texts);
	ck_assert_uint_eq(variable_value(module, "x"), 9);
	cpu_module_unload(module);
}
END_TEST

/* .alias makes a second name, which other units may use. */
START_TEST(aliases)
{
	const char *const texts[] = {
	    HEAD ".visible .func (.param .b32 r) twice(.param .b32 x);\n"
		 ".func (.param .b32 r) same(.param .b32 x)\n{ .reg .b32 %r<3>; ld.param.b32 %r1, [x]; add.s32 %r2, "
		 "%r1, 30; st.param.b32 [r], %r2; ret; }\n.alias twice, same;\n" KERNEL(
		     "here") "mov.u32 %r1, 1;\n" CALL_TWICE END,
	    HEAD TWICE_DECLARED KERNEL("there") "mov.u32 %r1, 2;\n" CALL_TWICE END,
	};
	struct cpu_module *module = linked(2, texts);

	ck_assert_uint_eq(value_of(module, "here"), 31);
	ck_assert_uint_eq(value_of(module, "there"), 32);
	cpu_module_unload(module);
}
END_TEST

static const struct {
	const char *texts[2];
	CUresult error;
	const char *what;
} wrong[] = {
    {{HEAD ".visible .global .u32 x;", HEAD ".visible .global .u32 x;"},
     CUDA_ERROR_INVALID_SOURCE,
     "Multiple definition of 'x' in 'b.cu', first defined in 'a.cu'"},
    {{HEAD ".visible " TWICE_DEFINED, HEAD ".visible " TWICE_DEFINED},
     CUDA_ERROR_INVALID_SOURCE,
     "Multiple definition of 'twice'"},
    {{HEAD ".visible .entry k() { ret; }", HEAD ".visible .entry k() { ret; }"},
     CUDA_ERROR_INVALID_SOURCE,
     "Multiple definition of 'k'"},
    {{HEAD ".visible .global .u32 x;", HEAD ".visible .func x() { ret; }"},
     CUDA_ERROR_INVALID_SOURCE,
     "Multiple definition of 'x'"},
    {{HEAD ".extern .global .u32 x;", HEAD ".visible .const .u32 x;" KERNEL("k") END},
     CUDA_ERROR_INVALID_SOURCE,
     "Memory space doesn't match for 'x' in 'a.cu', first specified in 'b.cu'"},
    {{HEAD ".extern .global .b8 x[4];", HEAD ".visible .global .b8 x[8];"},
     CUDA_ERROR_INVALID_SOURCE,
     "Size doesn't match for 'x'"},
    {{HEAD ".extern .func x();", HEAD ".visible .global .b8 x[8];"}, CUDA_ERROR_INVALID_SOURCE, "'x' in 'a.cu' is"},
    {{HEAD ".extern .func f();\n" KERNEL("k") "call f;\n" END, HEAD ".func f() { ret; }"},
     CUDA_ERROR_INVALID_SOURCE,
     "Undefined reference to 'f' in 'a.cu'"},
    {{HEAD, HEAD ".extern .global .u32 x;\n" KERNEL("k") "ld.global.u32 %r1, [x];\n" END},
     CUDA_ERROR_INVALID_SOURCE,
     "Undefined reference to 'x' in 'b.cu'"},
    {{HEAD, HEAD "\n\n.rubbish"}, CUDA_ERROR_INVALID_PTX, "b.cu: ptx line 6: expected a declaration"},
    {{HEAD, ".version 9.9\n"}, CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "b.cu: ptx line 1"},
    {{HEAD, ""}, CUDA_ERROR_INVALID_PTX, "b.cu: "},
};

START_TEST(units_that_do_not_fit)
{
	struct cpu_module *module;
	CUresult error = link_try(&module, 2, wrong[_i].texts);

	ck_assert_msg(error == wrong[_i].error, "error %d: %s", error, message);
	ck_assert_msg(strstr(message, wrong[_i].what), "'%s' is not in '%s'", wrong[_i].what, message);
}
END_TEST

/* What is declared and not used need not be anywhere. */
START_TEST(unused_declarations)
{
	const char *const texts[] = {HEAD TWICE_DECLARED
				     ".extern .global .u32 x;\n" KERNEL("k") "mov.u32 %r1, 4;\n" END};
	struct cpu_module *module = linked(1, texts);

	ck_assert_uint_eq(value_of(module, "k"), 4);
	cpu_module_unload(module);
}
END_TEST

START_TEST(one_unit_that_needs_another)
{
	struct cpu_module *module;

	ck_assert_int_eq(module_try(HEAD TWICE_DECLARED KERNEL("k") CALL_TWICE END, &module), CUDA_ERROR_INVALID_PTX);
	ck_assert_str_eq(message, "Unresolved extern 'twice'");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link");
	TCase *cases = tcase_create("link");
	SRunner *runner = srunner_create(suite);
	const TTest *const tests[] = {
	    functions_and_variables_of_other_units,
	    initial_values_of_other_units,
	    pointers_from_another_kernel,
	    static_names_stay_apart,
	    weak_definitions,
	    weak_kernels,
	    common_variables,
	    aliases,
	    unused_declarations,
	    one_unit_that_needs_another,
	};

	tcase_add_checked_fixture(cases, machine_setup, machine_teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tcase_add_test(cases, tests[i]);
	tcase_add_loop_test(cases, units_that_do_not_fit, 0, sizeof(wrong) / sizeof(*wrong));
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
