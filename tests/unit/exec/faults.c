/* What goes wrong in kernels and in modules: a clear error with the place, and the machine goes on. */
#define _GNU_SOURCE
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static struct cpu_module *module;

static void load(void)
{
	module = module_load_file(KERNELS_PTX);
}

static void message_has(const char *text)
{
	ck_assert_msg(strstr(message, text) != NULL, "'%s' is not in '%s'", text, message);
}

/* After any fault another kernel runs as ever. */
static void still_works(void)
{
	struct {
		int *out;
	} p = {device_alloc(4 * 64)};

	kernel_run(module, "globals", 1, 64, 0, &p);
	ck_assert_int_eq(p.out[1], 42);
}

START_TEST(store_out_of_bounds)
{
	struct {
		int *p, at;
	} p = {device_alloc(400), 100};

	load();
	ck_assert_int_eq(kernel_try(module, "bad_store", 2, 32, 0, &p), CUDA_ERROR_ILLEGAL_ADDRESS);
	message_has("kernel bad_store, ptx line ");
	message_has("thread (3,0,0)");
	message_has("4-byte access to global address");
	p.at = 99;
	kernel_run(module, "bad_store", 1, 32, 0, &p);
	p.at = -1;
	ck_assert_int_eq(kernel_try(module, "bad_store", 1, 32, 0, &p), CUDA_ERROR_ILLEGAL_ADDRESS);
	p.p = NULL;
	ck_assert_int_eq(kernel_try(module, "bad_store", 1, 32, 0, &p), CUDA_ERROR_ILLEGAL_ADDRESS);
	still_works();
}
END_TEST

/* Host memory is not the device's. */
START_TEST(host_addresses)
{
	int host = 7;
	struct {
		int *p, at;
	} p = {&host, 0};

	load();
	ck_assert_int_eq(kernel_try(module, "bad_store", 1, 32, 0, &p), CUDA_ERROR_ILLEGAL_ADDRESS);
	ck_assert_int_eq(host, 7);
	still_works();
}
END_TEST

START_TEST(freed_memory)
{
	struct {
		int *p, at;
	} p = {device_alloc(4096), 0};

	load();
	kernel_run(module, "bad_store", 1, 32, 0, &p);
	ck_assert_int_eq(cpu_memory_free(memory, (uint64_t)(uintptr_t)p.p), CUDA_SUCCESS);
	ck_assert_int_eq(kernel_try(module, "bad_store", 1, 32, 0, &p), CUDA_ERROR_ILLEGAL_ADDRESS);
	still_works();
}
END_TEST

START_TEST(misaligned_address)
{
	struct {
		char *p;
	} p = {device_alloc(400)};

	load();
	ck_assert_int_eq(kernel_try(module, "misaligned", 1, 32, 0, &p), CUDA_ERROR_MISALIGNED_ADDRESS);
	message_has("misaligned");
	still_works();
}
END_TEST

START_TEST(shared_out_of_bounds)
{
	struct {
		int *out, at;
	} p = {device_alloc(4), 16};

	load();
	ck_assert_int_eq(kernel_try(module, "bad_shared", 1, 1, 64, &p), CUDA_ERROR_ILLEGAL_ADDRESS);
	message_has("shared address 0x40");
	p.at = 15;
	kernel_run(module, "bad_shared", 1, 1, 64, &p);
	p.at = 1 << 28;
	ck_assert_int_eq(kernel_try(module, "bad_shared", 1, 1, 64, &p), CUDA_ERROR_ILLEGAL_ADDRESS);
	still_works();
}
END_TEST

START_TEST(trap)
{
	int lane = 5;

	load();
	ck_assert_int_eq(kernel_try(module, "traps", 3, 64, 0, &lane), CUDA_ERROR_LAUNCH_FAILED);
	message_has("thread (5,0,0): trap");
	lane = 64;
	kernel_run(module, "traps", 3, 64, 0, &lane);
	still_works();
}
END_TEST

START_TEST(assertion)
{
	int n = 10;

	load();
	ck_assert_int_eq(kernel_try(module, "asserts", 1, 32, 0, &n), CUDA_ERROR_ASSERT);
	message_has("assertion `threadIdx.x < n' failed");
	n = 32;
	kernel_run(module, "asserts", 1, 32, 0, &n);
	still_works();
}
END_TEST

START_TEST(stack_overflow)
{
	struct {
		int *out;
	} p = {device_alloc(4)};

	load();
	ck_assert_int_eq(kernel_try(module, "endless_recursion", 1, 64, 0, &p), CUDA_ERROR_LAUNCH_FAILED);
	message_has("stack overflow");
	still_works();
}
END_TEST

#define HEAD ".version 8.0\n.target sm_75\n.address_size 64\n"

/* Half of the block waits at a barrier that the others never reach. */
START_TEST(barrier_deadlock)
{
	module = module_load(HEAD ".visible .entry k() { .reg .pred %p; .reg .b32 %r; mov.u32 %r, %tid.x;\n"
				  "setp.lt.u32 %p, %r, 32;\n@%p bar.sync 1, 64;\n@!%p bar.sync 2, 64;\nret; }\n");
	ck_assert_int_eq(kernel_try(module, "k", 1, 64, 0, NULL), CUDA_ERROR_LAUNCH_FAILED);
	message_has("barriers that never complete");
}
END_TEST

START_TEST(bad_calls_and_jumps)
{
	module = module_load(HEAD ".visible .entry call_nothing() { .reg .b64 %rd; mov.u64 %rd, 1234;\n"
				  "call %rd, (), proto;\nproto: .callprototype _ ();\nret; }\n"
				  ".visible .entry jump_nowhere() { .reg .b32 %r; mov.u32 %r, 9;\n"
				  "list: .branchtargets a, b;\nbrx.idx %r, list;\na: ret;\nb: ret; }\n");
	ck_assert_int_eq(kernel_try(module, "call_nothing", 1, 1, 0, NULL), CUDA_ERROR_ILLEGAL_INSTRUCTION);
	ck_assert_int_eq(kernel_try(module, "jump_nowhere", 1, 1, 0, NULL), CUDA_ERROR_ILLEGAL_INSTRUCTION);
}
END_TEST

START_TEST(bad_shapes)
{
	int lane = 2000;
	struct cpu_launch launch = {.grid = {1, 1, 0}, .block = {1, 1, 1}, .parameters = &lane};

	load();
	launch.kernel = cpu_module_find_kernel(module, "traps");
	ck_assert_int_eq(cpu_kernel_run(memory, &launch, (struct cpu_text){NULL, 0}), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(kernel_try(module, "traps", 1, 1025, 0, &lane), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(kernel_try(module, "traps", 1, 1, (size_t)1 << 40, &lane), CUDA_ERROR_INVALID_VALUE);
	still_works();
}
END_TEST

/* An instruction that is not known spoils its kernel, not the module. */
START_TEST(unknown_instruction)
{
	struct cpu_kernel_info info;

	module = module_load(HEAD ".visible .entry good() { ret; }\n"
				  ".visible .entry bad()\n{\n.reg .b32 %r<3>;\nfrobnicate.u32 %r1, %r2;\nret; }\n");
	kernel_run(module, "good", 1, 32, 0, NULL);
	ck_assert_int_eq(kernel_try(module, "bad", 1, 32, 0, NULL), CUDA_ERROR_INVALID_PTX);
	message_has("line 8");
	message_has("frobnicate");
	ck_assert_int_eq(cpu_kernel_info(cpu_module_find_kernel(module, "bad"), &info), CUDA_ERROR_INVALID_PTX);
	kernel_run(module, "good", 1, 32, 0, NULL);
}
END_TEST

START_TEST(versions_and_targets)
{
	struct cpu_module *other;

	ck_assert_int_eq(module_try(".version 9.9\n.target sm_75\n", &other), CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
	ck_assert_int_eq(module_try(".version 8.0\n.target sm_90\n", &other), CUDA_ERROR_INVALID_PTX);
	message_has("sm_90");
	cpu_exec_set_target(90);
	module_load(".version 9.0\n.target sm_90a\n.address_size 64\n");
	cpu_exec_set_target(75);
	ck_assert_int_eq(module_try("", &other), CUDA_ERROR_INVALID_PTX);
	ck_assert_int_eq(module_try(".target sm_75\n", &other), CUDA_ERROR_INVALID_PTX);
}
END_TEST

START_TEST(syntax_errors)
{
	static const struct {
		const char *text, *what;
	} cases[] = {
	    {HEAD ".visible .entry k( { ret; }", "line 4: expected .param"},
	    {HEAD ".visible .entry k() { ret }", "line 4"},
	    {HEAD ".visible .entry k() { ret;", "text ends"},
	    {HEAD ".visible .entry k() {\n\nbra nowhere; }", "line 6: unknown name 'nowhere'"},
	    {HEAD ".visible .entry k() { @%p1 ret; }", "'%p1' is not a predicate"},
	    {HEAD ".visible .entry k() { .reg .b32 %r<99999999999>; }", "too many registers"},
	    {HEAD ".visible .entry k() { .reg .b32 %r<0>; }", "register count"},
	    {HEAD ".global .u32 x[2] = {1, 2, 3};", "too long"},
	    {HEAD ".global .align 3 .u32 x;", "bad alignment"},
	    {HEAD ".global .u99 x;", "unknown type"},
	    {HEAD ".global .u64 x = y;", "bad initial value"},
	    {HEAD ".entry k() { ret; }\n.entry k() { ret; }", "line 5: 'k' is defined twice"},
	    {HEAD "\x01", "line 4"},
	};
	struct cpu_module *other;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_assert_msg(module_try(cases[i].text, &other) == CUDA_ERROR_INVALID_PTX, "accepted: %s",
			      cases[i].text);
		message_has(cases[i].what);
	}
}
END_TEST

static uint32_t random_next(uint32_t *state)
{
	return *state = *state * 1664525u + 1013904223u;
}

static char *file_text(const char *path, size_t *length)
{
	FILE *file = fopen(path, "r");
	char *text = malloc(1 << 20);

	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(text);
	*length = fread(text, 1, 1 << 20, file);
	fclose(file);
	return text;
}

/* Cuts a text, or changes some of its bytes, mostly to ones that PTX uses. */
static size_t mutate(char *text, size_t length, uint32_t *state)
{
	static const char bytes[] = "{}()[];,.%:@!<>=+-0123456789_abr\n\"\0\xff";
	unsigned changes = 1 + (random_next(state) >> 16) % 6;

	if (!(random_next(state) >> 16 & 3))
		return random_next(state) % length;
	while (changes--)
		text[random_next(state) % length] = bytes[(random_next(state) >> 16) % (sizeof(bytes) - 1)];
	return length;
}

/* Broken PTX is refused, or its kernels are, or they are something else: but nothing crashes or hangs. */
START_TEST(broken_text)
{
	uint32_t state = 12345;
	size_t length, refused = 0;
	char *text = file_text(SMALL_PTX, &length), *copy = malloc(length);

	for (int i = 0; i < 1500; i++) {
		struct cpu_module *other;

		memcpy(copy, text, length);
		size_t used = mutate(copy, length, &state);
		if (cpu_module_load(copy, used, memory, (struct cpu_text){message, sizeof(message)}, &other)) {
			refused++;
			continue;
		}
		for (size_t k = 0; k < cpu_module_kernel_count(other); k++) {
			struct cpu_kernel_info info;

			(void)!cpu_kernel_info(cpu_module_kernel(other, k), &info);
		}
		cpu_module_unload(other);
	}
	ck_assert_uint_gt(refused, 100);
	free(copy);
	free(text);
}
END_TEST

/* A child of fork has none of its parent's threads, and makes its own. */
START_TEST(fork_in_between)
{
	int status;
	pid_t child;

	load();
	setenv("CRICKET_CPU_THREADS", "3", 1);
	int lane = 1 << 20;

	kernel_run(module, "traps", 50, 64, 0, &lane);
	child = fork();
	if (!child) {
		alarm(20);
		_exit(kernel_try(module, "traps", 50, 64, 0, &lane));
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	kernel_run(module, "traps", 50, 64, 0, &lane);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {store_out_of_bounds,
				      host_addresses,
				      freed_memory,
				      misaligned_address,
				      shared_out_of_bounds,
				      trap,
				      assertion,
				      stack_overflow,
				      barrier_deadlock,
				      bad_calls_and_jumps,
				      bad_shapes,
				      unknown_instruction,
				      versions_and_targets,
				      syntax_errors,
				      broken_text,
				      fork_in_between};

	return suite_run("faults", tests, sizeof(tests) / sizeof(*tests));
}
