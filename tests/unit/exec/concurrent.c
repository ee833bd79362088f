/* Several grids at a time, and blocks of one grid that wait for each other: everything comes to an end, on one worker,
   too. The kernels are PTX: they spin on flags that other grids set. */
#define _GNU_SOURCE
#include <pthread.h>

#include "harness.h"

static const char ptx[] =
    ".version 7.0\n.target sm_75\n.address_size 64\n"
    /* wait_for(int *flag, int value): until the flag has the value; then flag[1 + block] = value */
    ".visible .entry wait_for(.param .u64 flag, .param .u32 value)\n{\n"
    ".reg .u64 %a<4>; .reg .u32 %r<6>; .reg .pred %p;\n"
    "ld.param.u64 %a0, [flag]; ld.param.u32 %r0, [value];\n"
    "again: ld.volatile.global.u32 %r1, [%a0];\nsetp.ne.u32 %p, %r1, %r0;\n@%p bra again;\n"
    "mov.u32 %r2, %ctaid.x; mul.wide.u32 %a1, %r2, 4; add.u64 %a2, %a0, %a1;\n"
    "st.global.u32 [%a2+4], %r0;\nret;\n}\n"
    /* set(int *flag, int value) */
    ".visible .entry set(.param .u64 flag, .param .u32 value)\n{\n"
    ".reg .u64 %a<4>; .reg .u32 %r<6>;\n"
    "ld.param.u64 %a0, [flag]; ld.param.u32 %r0, [value];\nst.volatile.global.u32 [%a0], %r0;\nret;\n}\n"
    /* meet(int *count, int blocks): each block adds 1 and waits until all have */
    ".visible .entry meet(.param .u64 count, .param .u32 blocks)\n{\n"
    ".reg .u64 %a<4>; .reg .u32 %r<6>; .reg .pred %p;\n"
    "ld.param.u64 %a0, [count]; ld.param.u32 %r0, [blocks];\n"
    "atom.global.add.u32 %r1, [%a0], 1;\n"
    "again: ld.volatile.global.u32 %r1, [%a0];\nsetp.lt.u32 %p, %r1, %r0;\n@%p bra again;\nret;\n}\n"
    /* spin(): for ever */
    ".visible .entry spin()\n{\nagain:\nbra again;\n}\n";

static struct cpu_module *module;

static void load(const char *workers)
{
	setenv("CRICKET_CPU_THREADS", workers, 1);
	module = module_load(ptx);
}

static int *zeros(size_t bytes)
{
	return memset(device_alloc(bytes), 0, bytes);
}

struct flag_parameters {
	int *flag;
	int value;
};

/* A launch on a thread of its own. */
struct grid {
	pthread_t thread;
	const char *kernel;
	unsigned blocks, threads;
	int priority;
	bool cooperative;
	uint64_t timeout_ns;
	struct flag_parameters parameters;
	char fault[512];
	CUresult result;
};

static void *grid_main(void *argument)
{
	struct grid *grid = argument;
	const struct cpu_launch launch = {.kernel = cpu_module_find_kernel(module, grid->kernel),
					  .grid = {grid->blocks, 1, 1},
					  .block = {grid->threads, 1, 1},
					  .priority = grid->priority,
					  .cooperative = grid->cooperative,
					  .timeout_ns = grid->timeout_ns,
					  .parameters = &grid->parameters};

	grid->result = cpu_kernel_run(memory, &launch, (struct cpu_text){grid->fault, sizeof(grid->fault)});
	return NULL;
}

static void grid_start(struct grid *grid)
{
	ck_assert_int_eq(pthread_create(&grid->thread, NULL, grid_main, grid), 0);
}

static void grid_end(struct grid *grid)
{
	ck_assert_int_eq(pthread_join(grid->thread, NULL), 0);
	ck_assert_msg(grid->result == CUDA_SUCCESS, "%s: %d %s", grid->kernel, grid->result, grid->fault);
}

/* A grid with more blocks than there are workers spins until another one has run. */
static void spinning_grid_lets_others_run(const char *workers)
{
	int *flag;
	struct grid waits, sets;

	load(workers);
	flag = zeros(4 * 65);
	waits = (struct grid){.kernel = "wait_for", .blocks = 64, .threads = 64, .parameters = {flag, 7}};
	sets = (struct grid){.kernel = "set", .blocks = 1, .threads = 1, .parameters = {flag, 7}};
	grid_start(&waits);
	grid_start(&sets);
	grid_end(&sets);
	grid_end(&waits);
	for (int i = 1; i <= 64; i++)
		ck_assert_int_eq(flag[i], 7);
}

START_TEST(a_grid_spins_until_another_has_run)
{
	spinning_grid_lets_others_run("1");
	spinning_grid_lets_others_run("3");
}
END_TEST

/* Each grid waits for the one started after it. */
START_TEST(a_chain_of_grids)
{
	enum { COUNT = 12 };
	struct grid grids[COUNT];
	int *flags[COUNT + 1];

	load("2");
	for (int i = 0; i <= COUNT; i++)
		flags[i] = zeros(16);
	for (int i = 0; i < COUNT; i++) {
		grids[i] = (struct grid){.kernel = "wait_for", .blocks = 1, .threads = 32, .parameters = {flags[i], 1}};
		grid_start(&grids[i]);
	}
	for (int i = COUNT - 1; i >= 0; i--) {
		struct grid sets = {.kernel = "set", .blocks = 1, .threads = 1, .parameters = {flags[i], 1}};

		grid_start(&sets);
		grid_end(&sets);
		grid_end(&grids[i]);
	}
}
END_TEST

/* Blocks that a GPU would hold at the same time may wait for each other. */
START_TEST(blocks_wait_for_later_blocks)
{
	for (int workers = 1; workers <= 2; workers++) {
		struct grid grid;

		load(workers == 1 ? "1" : "2");
		grid = (struct grid){.kernel = "meet", .blocks = 8, .threads = 32, .parameters = {zeros(4), 8 * 32}};
		grid_start(&grid);
		grid_end(&grid);
	}
}
END_TEST

START_TEST(two_cooperative_grids)
{
	struct grid grids[2];

	load("2");
	for (int i = 0; i < 2; i++) {
		grids[i] = (struct grid){.kernel = "meet",
					 .blocks = 30,
					 .threads = 64,
					 .cooperative = true,
					 .parameters = {zeros(4), 30 * 64}};
		grid_start(&grids[i]);
	}
	for (int i = 0; i < 2; i++)
		grid_end(&grids[i]);
}
END_TEST

/* A grid of low priority is held up; the urgent one runs and lets it go. */
START_TEST(priorities_starve_nobody)
{
	struct grid low, high;
	int *flags;

	load("1");
	flags = zeros(64);
	low = (struct grid){.kernel = "set", .blocks = 1, .threads = 1, .parameters = {flags, 3}};
	high =
	    (struct grid){.kernel = "wait_for", .blocks = 4, .threads = 32, .priority = -5, .parameters = {flags, 3}};
	grid_start(&high);
	grid_start(&low);
	grid_end(&low);
	grid_end(&high);
	ck_assert_int_eq(flags[4], 3);
}
END_TEST

START_TEST(a_grid_that_takes_too_long)
{
	struct grid spins, sets;

	load("2");
	spins = (struct grid){.kernel = "spin", .blocks = 5, .threads = 64, .timeout_ns = 50000000};
	sets = (struct grid){.kernel = "set", .blocks = 1, .threads = 1, .parameters = {zeros(4), 1}};
	grid_start(&spins);
	grid_start(&sets);
	grid_end(&sets);
	pthread_join(spins.thread, NULL);
	ck_assert_int_eq(spins.result, CUDA_ERROR_LAUNCH_TIMEOUT);
	ck_assert_msg(strstr(spins.fault, "kernel spin, ptx line 3") != NULL, "%s", spins.fault);
	ck_assert_ptr_nonnull(strstr(spins.fault, "more than 0.05 s"));
}
END_TEST

static void *many_small_grids(void *argument)
{
	for (int i = 0; i < 50; i++) {
		struct grid grid = {.kernel = "meet", .blocks = 1 + i % 3, .threads = 32 * (1 + i % 2)};
		int *count = zeros(4);

		grid.parameters = (struct flag_parameters){count, (int)(grid.blocks * grid.threads)};
		grid_main(&grid);
		ck_assert_int_eq(grid.result, CUDA_SUCCESS);
		ck_assert_int_eq(*count, grid.parameters.value);
	}
	return argument;
}

START_TEST(many_grids_from_many_threads)
{
	pthread_t threads[4];

	load("2");
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, many_small_grids, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    a_grid_spins_until_another_has_run, a_chain_of_grids,
	    blocks_wait_for_later_blocks,       two_cooperative_grids,
	    priorities_starve_nobody,           a_grid_that_takes_too_long,
	    many_grids_from_many_threads,
	};

	return suite_run("concurrent", tests, sizeof(tests) / sizeof(*tests));
}
