/* Asynchronous copies, mbarrier objects and clusters: CUDA's own headers (async.cu, for several compute capabilities),
   and instructions by themselves. */
#define _GNU_SOURCE
#include "harness.h"

static struct cpu_module *module;

static const char *const modules[] = {ASYNC_75_PTX, ASYNC_80_PTX, ASYNC_90_PTX};

/* Runs the check with the code of each capability. */
static void each_capability(void (*check)(void))
{
	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
		module = module_load_file(modules[i]);
		check();
	}
}

static int *ints(size_t count)
{
	int *at = device_alloc(count * sizeof(int));

	for (size_t i = 0; i < count; i++)
		at[i] = (int)(i * 37 % 1009);
	return at;
}

static void pipeline_check(void)
{
	enum { BLOCKS = 3, TILES = 5, COUNT = BLOCKS * TILES * 256 };
	struct {
		int *in, *out, tiles;
	} p = {ints(COUNT), ints(COUNT), TILES};

	kernel_run(module, "pipelined", BLOCKS, 64, 0, &p);
	for (int i = 0; i < COUNT; i++)
		ck_assert_int_eq(p.out[i], 2 * p.in[i] + 1);
}

START_TEST(pipelines)
{
	each_capability(pipeline_check);
}
END_TEST

static void thread_pipeline_check(void)
{
	struct {
		int *in, *out;
	} p = {ints(512), ints(256)};

	kernel_run(module, "pipelined_by_thread", 1, 256, 0, &p);
	for (int i = 0; i < 256; i++)
		ck_assert_int_eq(p.out[i], p.in[255 - i] + p.in[256 + i]);
}

START_TEST(pipelines_of_threads)
{
	each_capability(thread_pipeline_check);
}
END_TEST

static void odd_size_check(void)
{
	struct {
		char *in, *out;
		int bytes;
	} p = {device_alloc(1024), device_alloc(1024), 0};

	for (int i = 0; i < 1024; i++)
		p.in[i] = (char)(i * 7);
	for (int offset = 0; offset < 16; offset += 3)
		for (p.bytes = 1; p.bytes < 1000; p.bytes += 111) {
			char *in = p.in;

			p.in += offset;
			kernel_run(module, "odd_sizes", 1, 64, 0, &p);
			for (int i = 0; i < p.bytes; i++)
				ck_assert_int_eq(p.out[i], p.in[p.bytes - 1 - i]);
			p.in = in;
		}
}

START_TEST(odd_sizes)
{
	each_capability(odd_size_check);
}
END_TEST

static void phases_check(void)
{
	enum { THREADS = 200, ROUNDS = 50 };
	struct {
		int *out, rounds;
	} p = {ints(THREADS), ROUNDS};

	kernel_run(module, "phases", 1, THREADS, 0, &p);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(p.out[i], (i + ROUNDS) % THREADS + ROUNDS);
}

START_TEST(phases)
{
	each_capability(phases_check);
}
END_TEST

static void dropping_check(void)
{
	struct {
		int *out;
	} p = {ints(64)};

	kernel_run(module, "dropping", 1, 128, 0, &p);
	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(p.out[i], 64 * 101);
}

START_TEST(threads_drop_out)
{
	each_capability(dropping_check);
}
END_TEST

static void producer_check(void)
{
	struct {
		int *out, rounds;
	} p = {ints(96), 20};

	kernel_run(module, "producer_consumer", 1, 128, 0, &p);
	for (int i = 0; i < 96; i++)
		ck_assert_int_eq(p.out[i], 32 * 190 + 20 * (i % 32));
}

START_TEST(producers_and_consumers)
{
	each_capability(producer_check);
}
END_TEST

static void group_copy_check(void)
{
	enum { BLOCKS = 4, COUNT = 777 };
	struct {
		int *in, *out, n;
	} p = {ints(BLOCKS * COUNT), device_alloc(BLOCKS * sizeof(int)), COUNT};

	memset(p.out, 0, BLOCKS * sizeof(int));
	kernel_run(module, "group_copy", BLOCKS, 96, COUNT * sizeof(int), &p);
	for (int b = 0; b < BLOCKS; b++) {
		int sum = 0;

		for (int i = 0; i < COUNT; i++)
			sum += p.in[b * COUNT + i];
		ck_assert_int_eq(p.out[b], sum);
	}
}

START_TEST(copies_of_groups)
{
	each_capability(group_copy_check);
}
END_TEST

START_TEST(bulk_copies)
{
	enum { BLOCKS = 5, COUNT = 512 };
	struct {
		int *in, *out, *sums, n;
	} p = {ints(BLOCKS * COUNT), ints(BLOCKS * COUNT), device_alloc(COUNT * sizeof(int)), COUNT};

	module = module_load_file(ASYNC_90_PTX);
	memset(p.sums, 0, COUNT * sizeof(int));
	kernel_run(module, "bulk", BLOCKS, 64, COUNT * sizeof(int), &p);
	for (int i = 0; i < BLOCKS * COUNT; i++)
		ck_assert_int_eq(p.out[i], p.in[i] + 1);
	for (int i = 0; i < COUNT; i++) {
		int sum = 0;

		for (int b = 0; b < BLOCKS; b++)
			sum += p.in[b * COUNT + i] + 1;
		ck_assert_int_eq(p.sums[i], sum);
	}
}
END_TEST

/* A launch in clusters. */
static CUresult cluster_try(const char *name, unsigned grid, unsigned block, unsigned cluster, size_t shared,
			    const void *parameters)
{
	struct cpu_launch launch = {.kernel = cpu_module_find_kernel(module, name),
				    .grid = {grid, 1, 1},
				    .block = {block, 1, 1},
				    .cluster = {cluster, cluster ? 1 : 0, cluster ? 1 : 0},
				    .dynamic_shared_bytes = shared,
				    .parameters = parameters};

	ck_assert_ptr_nonnull(launch.kernel);
	return cpu_kernel_run(memory, &launch, (struct cpu_text){message, sizeof(message)});
}

START_TEST(histogram_over_a_cluster)
{
	enum { CLUSTERS = 3, PART = 10, COUNT = 4000 };
	module = module_load_file(ASYNC_90_PTX);
	for (int size = 1; size <= 16; size *= 2) {
		struct {
			int *in, n, *bins, bins_per_block;
		} p = {ints(CLUSTERS * COUNT), COUNT, device_alloc(16 * PART * sizeof(int)), PART};
		int want[16 * PART] = {0};

		for (int i = 0; i < CLUSTERS * COUNT; i++)
			want[p.in[i] %= size * PART]++;
		memset(p.bins, 0, sizeof(want));
		CUresult result = cluster_try("cluster_histogram", (unsigned)(CLUSTERS * size), 96, (unsigned)size,
					      PART * sizeof(int), &p);
		ck_assert_msg(result == CUDA_SUCCESS, "%d blocks: %s", size, message);
		ck_assert_mem_eq(p.bins, want, sizeof(want));
	}
}
END_TEST

START_TEST(places_in_clusters)
{
	struct {
		unsigned (*out)[8];
	} p = {device_alloc(6 * 4 * 2 * 32)};
	struct cpu_launch launch = {.grid = {6, 4, 2}, .block = {1, 1, 1}, .parameters = &p};
	struct cpu_kernel_info info;

	module = module_load_file(ASYNC_90_PTX);
	launch.kernel = cpu_module_find_kernel(module, "cluster_places");
	ck_assert_int_eq(cpu_kernel_run(memory, &launch, (struct cpu_text){message, sizeof(message)}), CUDA_SUCCESS);
	for (unsigned b = 0; b < 48; b++) {
		unsigned x = b % 6, y = b / 6 % 4, rank = x % 2 + y % 2 * 2;
		const unsigned want[8] = {rank, x % 2 + 10 * (y % 2), 122, 4, x / 2, 2, 1, rank};

		ck_assert_mem_eq(p.out[b], want, sizeof(want));
	}
	ck_assert_int_eq(cpu_kernel_info(launch.kernel, &info), CUDA_SUCCESS);
	ck_assert_uint_eq(info.cluster[0], 2);
	ck_assert_uint_eq(info.cluster[2], 1);
	/* A grid that clusters do not fill, other clusters than the kernel's, too large ones. */
	launch.grid[0] = 5;
	ck_assert_int_eq(cpu_kernel_run(memory, &launch, (struct cpu_text){NULL, 0}), CUDA_ERROR_INVALID_CLUSTER_SIZE);
	launch.grid[0] = 6;
	launch.cluster[0] = launch.cluster[1] = launch.cluster[2] = 1;
	ck_assert_int_eq(cpu_kernel_run(memory, &launch, (struct cpu_text){NULL, 0}), CUDA_ERROR_INVALID_CLUSTER_SIZE);
	ck_assert_int_eq(cluster_try("cluster_ring", 32, 32, 32, 0, &p), CUDA_ERROR_INVALID_CLUSTER_SIZE);
}
END_TEST

START_TEST(ring_of_blocks)
{
	struct {
		int *out, rounds;
	} p = {ints(64), 30};

	module = module_load_file(ASYNC_90_PTX);
	for (unsigned size = 1; size <= 8; size++) {
		ck_assert_int_eq(cluster_try("cluster_ring", 8 * size, 64, size, 0, &p), CUDA_SUCCESS);
		for (int b = 0; b < (int)(8 * size); b++) {
			int rank = b % (int)size;

			ck_assert_int_eq(p.out[b], ((rank - p.rounds) % (int)size + (int)size) % (int)size + p.rounds);
		}
	}
	/* Clusters that are all resident, and one without being told. */
	struct cpu_launch launch = {.kernel = cpu_module_find_kernel(module, "cluster_ring"),
				    .grid = {16, 1, 1},
				    .block = {64, 1, 1},
				    .cluster = {4, 1, 1},
				    .cooperative = true,
				    .parameters = &p};

	ck_assert_int_eq(cpu_kernel_run(memory, &launch, (struct cpu_text){NULL, 0}), CUDA_SUCCESS);
	ck_assert_int_eq(p.out[3], 1 + 30);
	kernel_run(module, "cluster_ring", 3, 32, 0, &p);
	ck_assert_int_eq(p.out[2], 30);
}
END_TEST

START_TEST(operations_on_other_blocks)
{
	struct {
		int *in, (*out)[128];
	} p = {ints(64), device_alloc(1024)};
	struct {
		int *out;
	} q = {ints(8 * 32)};

	module = module_load_file(ASYNC_90_PTX);
	kernel_run(module, "remote", 2, 64, 0, &p);
	for (int rank = 0; rank < 2; rank++) {
		for (int i = 0; i < 64; i++)
			ck_assert_int_eq(p.out[rank][i], 100 * (rank ^ 1) + i);
		for (int i = 0; i < 4; i++)
			ck_assert_int_eq(p.out[rank][64 + i], i + 1 + (i == 3 ? rank ^ 1 : 0));
		for (int i = 0; i < 16; i++)
			ck_assert_int_eq(p.out[rank][80 + i], p.in[i]);
		ck_assert_int_eq(p.out[rank][68], 7 + 10 + (rank ^ 1));
	}
	kernel_run(module, "remote_arrivals", 8, 32, 0, &q);
	for (int i = 0; i < 8 * 32; i++)
		ck_assert_int_eq(q.out[i], 1 + i / 32 % 4);
}
END_TEST

/* Instructions by themselves: kernels of PTX text, with `in` and `out` in %l0 and %l1, an aligned kilobyte of shared
   memory called `s`, 64 bytes of it per thread at %r0, and the thread's number in %r1. */

static const char head[] =
    ".version 8.7\n.target sm_90\n.address_size 64\n"
    ".visible .entry k(.param .u64 in, .param .u64 out) %s\n{\n"
    ".reg .b32 %%r<40>; .reg .b64 %%l<40>; .reg .b16 %%h<8>; .reg .pred %%p<8>; .reg .f32 %%f<8>; "
    ".reg .f64 %%d<8>;\n"
    ".shared .align 128 .b8 s[4096];\n"
    "ld.param.u64 %%l0, [in]; ld.param.u64 %%l1, [out]; mov.u32 %%r1, %%tid.x;\n"
    "mov.u32 %%r0, s; mad.lo.u32 %%r0, %%r1, 64, %%r0; mad.wide.u32 %%l1, %%r1, 64, %%l1;\n%s\nret;\n}\n";

static CUresult text_try(const char *directives, const char *body, unsigned grid, unsigned threads,
			 const void *parameters)
{
	char *text;

	ck_assert_int_gt(asprintf(&text, head, directives, body), 0);
	CUresult result = kernel_try(module_load(text), "k", grid, threads, 0, parameters);

	free(text);
	return result;
}

struct buffers {
	uint8_t *in, *out;
};

static struct buffers buffers_make(void)
{
	struct buffers buffers = {device_alloc(4096), device_alloc(4096)};

	for (int i = 0; i < 4096; i++)
		buffers.in[i] = (uint8_t)(i * 11 + 1);
	memset(buffers.out, 0, 4096);
	return buffers;
}

/* One thread; the body leaves up to 8 numbers of 64 bits at %l1. */
static void text_check(const char *body, const uint64_t *want, size_t count)
{
	struct buffers buffers = buffers_make();
	CUresult result = text_try("", body, 1, 1, &buffers);

	ck_assert_msg(result == CUDA_SUCCESS, "%s: %s", body, message);
	for (size_t i = 0; i < count; i++) {
		uint64_t got;

		memcpy(&got, buffers.out + 8 * i, 8);
		ck_assert_msg(got == want[i], "%s: %zu is %llx, should be %llx", body, i, (unsigned long long)got,
			      (unsigned long long)want[i]);
	}
}

#define CHECK(body, ...)                                                                                               \
	do {                                                                                                           \
		const uint64_t want_[] = {__VA_ARGS__};                                                                \
		text_check(body, want_, sizeof(want_) / sizeof(*want_));                                               \
	} while (0)

/* Bytes of `in` from `at` on, as a number. */
#define IN8(at)                                                                                                        \
	((uint64_t)(uint8_t)((at)*11 + 1) | (uint64_t)(uint8_t)((at)*11 + 12) << 8 |                                   \
	 (uint64_t)(uint8_t)((at)*11 + 23) << 16 | (uint64_t)(uint8_t)((at)*11 + 34) << 24 |                           \
	 (uint64_t)(uint8_t)((at)*11 + 45) << 32 | (uint64_t)(uint8_t)((at)*11 + 56) << 40 |                           \
	 (uint64_t)(uint8_t)((at)*11 + 67) << 48 | (uint64_t)(uint8_t)((at)*11 + 78) << 56)
#define OUT16 "ld.shared.v2.b64 {%l8, %l9}, [%r0]; st.global.v2.b64 [%l1], {%l8, %l9};"
#define ONES "mov.b64 %l7, -1; st.shared.v2.b64 [%r0], {%l7, %l7};"
#define DONE "cp.async.commit_group; cp.async.wait_group 0;"

START_TEST(async_copies)
{
	CHECK(ONES "cp.async.ca.shared.global [%r0], [%l0], 4;" DONE OUT16, UINT64_MAX << 32 | (uint32_t)IN8(0),
	      UINT64_MAX);
	CHECK(ONES "cp.async.ca.shared::cta.global.L2::128B [%r0+8], [%l0+16], 8; cp.async.wait_all;" OUT16, UINT64_MAX,
	      IN8(16));
	CHECK(ONES "cp.async.cg.shared.global.L2::256B [%r0], [%l0+32], 16;" DONE OUT16, IN8(32), IN8(40));
	CHECK(ONES "cp.async.cg.shared.global [%r0], [%l0], 16, 8;" DONE OUT16, IN8(0), 0);
	CHECK(ONES "mov.u32 %r2, 3; cp.async.ca.shared.global [%r0], [%l0], 8, %r2;" DONE OUT16, IN8(0) & 0xffffff,
	      UINT64_MAX);
	/* Nothing is read: the address may be anything. */
	CHECK(ONES "mov.b64 %l2, 0; cp.async.cg.shared.global [%r0], [%l2], 16, 0;" DONE OUT16, 0, 0);
	CHECK(ONES
	      "setp.eq.u32 %p0, %r1, 0; mov.b64 %l2, 0; cp.async.ca.shared.global [%r0], [%l2], 8, %p0;" DONE OUT16,
	      0, UINT64_MAX);
	CHECK(ONES "setp.ne.u32 %p0, %r1, 0; cp.async.ca.shared.global [%r0], [%l0], 8, %p0;" DONE OUT16, IN8(0),
	      UINT64_MAX);
	CHECK(ONES "createpolicy.fractional.L2::evict_last.b64 %l3, 1.0;"
		   "cp.async.cg.shared.global.L2::cache_hint [%r0], [%l0], 16, 8, %l3;" DONE OUT16,
	      IN8(0), 0);
}
END_TEST

#define INIT(count) "mbarrier.init.shared.b64 [%r0], " #count ";"
#define OUT_STATE(number, reg) "cvt.u64.u32 %l9, " reg "; st.global.u64 [%l1+8*" #number "], %l9;"
#define PASSED(parity)                                                                                                 \
	"mbarrier.test_wait.parity.shared.b64 %p1, [%r0], " #parity "; selp.u32 %r9, 1, 0, %p1; st.global.u32 [%l1], " \
	"%r9; add.u64 %l1, %l1, 8;"

START_TEST(barrier_objects)
{
	/* The phase before the first has passed; the first passes with its last arrival. */
	CHECK(INIT(2) PASSED(0) PASSED(1) "mbarrier.arrive.shared.b64 %l2, [%r0];" PASSED(
		  0) "mbarrier.arrive.release.cta.shared::cta.b64 %l3, [%r0];" PASSED(0) PASSED(1),
	      0, 1, 0, 1, 0);
	CHECK(INIT(5) "mbarrier.arrive.noComplete.shared.b64 %l2, [%r0], 3; mbarrier.arrive.shared.b64 %l3, [%r0], 2;"
		      "mbarrier.pending_count.b64 %r3, %l2; mbarrier.pending_count.b64 %r4, %l3;"
		      "st.global.u32 [%l1], %r3; st.global.u32 [%l1+8], %r4; add.u64 %l1, %l1, 16;" PASSED(0),
	      5, 2, 1);
	/* Waiting with the state of an arrival. */
	CHECK(INIT(2) "mbarrier.arrive.shared.b64 %l2, [%r0]; mbarrier.test_wait.shared.b64 %p1, [%r0], %l2;"
		      "mbarrier.arrive.relaxed.cluster.shared.b64 %l3, [%r0];"
		      "mbarrier.try_wait.acquire.cta.shared.b64 %p2, [%r0], %l2, 1000;"
		      "selp.u32 %r3, 1, 0, %p1; selp.u32 %r4, 1, 0, %p2; st.global.u32 [%l1], %r3; st.global.u32 "
		      "[%l1+8], %r4;",
	      0, 1);
	/* Bytes hold a phase up, whether they are expected first or come first. */
	CHECK(INIT(1) "mbarrier.arrive.expect_tx.release.cta.shared.b64 %l2, [%r0], 24;" PASSED(
		  0) "mbarrier.complete_tx.relaxed.cta.shared.b64 [%r0], 16;" PASSED(0) "mbarrier.complete_tx.shared."
											"b64 [%r0], 8;" PASSED(0),
	      0, 0, 1);
	CHECK(INIT(1) "mbarrier.complete_tx.shared.b64 [%r0], 16; mbarrier.expect_tx.relaxed.cta.shared.b64 [%r0], 20;"
		      "mbarrier.arrive.shared.b64 %l2, [%r0];" PASSED(
			  0) "mbarrier.complete_tx.shared.b64 [%r0], 4;" PASSED(0),
	      0, 1);
	/* Who drops out is not expected in the next phase. */
	CHECK(INIT(3) "mbarrier.arrive_drop.shared.b64 %l2, [%r0]; mbarrier.arrive_drop.noComplete.shared.b64 %l2, "
		      "[%r0], 1; mbarrier.arrive.shared.b64 %l2, [%r0];" PASSED(
			  0) "mbarrier.arrive.shared.b64 %l3, [%r0];" PASSED(1) "mbarrier.pending_count.b64 %r3, %l3; "
										"st.global.u32 "
										"[%l1], %r3;",
	      1, 1, 1);
	CHECK(INIT(2) "mbarrier.arrive_drop.expect_tx.shared::cluster.b64 _, [%r0], 16; mbarrier.arrive.shared.b64 _, "
		      "[%r0]; mbarrier.complete_tx.shared::cluster.b64 [%r0], 16;" PASSED(0),
	      1);
	/* Arrivals of copies: with .noinc they are among those expected. */
	CHECK(INIT(2) "cp.async.ca.shared.global [%r0+16], [%l0], 4; cp.async.mbarrier.arrive.shared.b64 [%r0];"
		      "mbarrier.arrive.shared.b64 %l2, [%r0];" PASSED(
			  0) "cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%r0];" PASSED(0),
	      0, 1);
	/* By generic address; made anew after being made invalid. */
	CHECK("cvt.u64.u32 %l4, %r0; cvta.shared.u64 %l4, %l4; mbarrier.init.b64 [%l4], 7; mbarrier.inval.b64 [%l4];"
	      "mbarrier.init.b64 [%l4], 1; mbarrier.arrive.b64 %l2, [%l4];" PASSED(0),
	      1);
}
END_TEST

#define FILL                                                                                                           \
	"ld.global.v2.b64 {%l8, %l9}, [%l0]; st.shared.v2.b64 [%r0+16], {%l8, %l9};"                                   \
	"ld.global.v2.b64 {%l8, %l9}, [%l0+16]; st.shared.v2.b64 [%r0+32], {%l8, %l9};"

START_TEST(bulk_forms)
{
	CHECK(INIT(1) "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r0+16], [%l0+32], 32, [%r0];"
		      "mbarrier.arrive.expect_tx.shared.b64 %l2, [%r0], 32;" PASSED(
			  0) "ld.shared.b64 %l8, [%r0+16]; ld.shared.b64 %l9, [%r0+40]; st.global.v2.b64 [%l1+8], "
			     "{%l8, %l9};",
	      1, 0, IN8(32), IN8(56));
	CHECK(
	    INIT(1) "cp.async.bulk.shared::cta.global.mbarrier::complete_tx::bytes.L2::cache_hint [%r0+16], [%l0], 16, "
		    "[%r0], %l3; mbarrier.arrive.expect_tx.shared.b64 %l2, [%r0], 16;" PASSED(0),
	    1);
	CHECK(INIT(1) FILL
	      "cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%r0+48], [%r0+16], 16, "
	      "[%r0]; mbarrier.arrive.expect_tx.shared.b64 %l2, [%r0], 16;" PASSED(
		  0) "ld.shared.b64 %l8, [%r0+56]; st.global.b64 [%l1], %l8;",
	      1, IN8(8));
	CHECK(FILL "cp.async.bulk.global.shared::cta.bulk_group [%l1], [%r0+16], 32; cp.async.bulk.commit_group;"
		   "cp.async.bulk.wait_group.read 0; cp.async.bulk.wait_group 0;",
	      IN8(0), IN8(8), IN8(16), IN8(24), 0);
	CHECK("cp.async.bulk.prefetch.L2.global [%l0], 64; prefetch.global.L2 [%l0]; discard.global.L2 [%l0], 128;"
	      "applypriority.global.L2::evict_normal [%l0], 128; setmaxnreg.dec.sync.aligned.u32 40;"
	      "griddepcontrol.launch_dependents; griddepcontrol.wait; prefetch.tensormap [%l0]; mov.u64 %l2, 3;"
	      "st.global.u64 [%l1], %l2;",
	      3);
}
END_TEST

/* A reduction of two times 16 bytes in shared memory into `out`. */
#define REDUCE(op, a, b)                                                                                               \
	"mov.b64 %l4, " a "; mov.b64 %l5, " b "; st.shared.v2.b64 [%r0+16], {%l4, %l5};"                               \
	"cp.reduce.async.bulk.global.shared::cta.bulk_group." op " [%l1], [%r0+16], 16;"

START_TEST(bulk_reductions)
{
	CHECK(REDUCE("add.u32", "0x500000001", "2") REDUCE("add.u32", "0x1ffffffff", "3"), 0x600000000, 5);
	CHECK(REDUCE("add.u64", "0x500000001", "2") REDUCE("add.u64", "0x1ffffffff", "3"), 0x700000000, 5);
	CHECK(REDUCE("or.b32", "0xf0", "6") REDUCE("xor.b64", "0x3c", "3") REDUCE("and.b32", "0xfe", "0xffff"), 0xcc,
	      5);
	CHECK(REDUCE("add.s32", "0xfffffffe00000001", "0") REDUCE("min.s32", "5", "1") REDUCE("max.s32", "2", "7"), 2,
	      7);
	CHECK(REDUCE("max.u64", "5", "1") REDUCE("min.u64", "3", "9"), 3, 1);
	CHECK(REDUCE("inc.u32", "1", "0x100000000") REDUCE("inc.u32", "1", "0x100000000"), 0, 0);
	CHECK(REDUCE("dec.u32", "9", "7"), 9, 7);
	CHECK(REDUCE("add.f32", "0x3f800000", "0x40000000") REDUCE("add.f32", "0x3f800000", "0"), 0x40000000,
	      0x40000000);
	CHECK(REDUCE("add.f64", "0x3ff0000000000000", "0") REDUCE("add.f64", "0x3ff0000000000000", "0"),
	      0x4000000000000000, 0);
	CHECK(REDUCE("add.noftz.f16", "0x3c004000", "1") REDUCE("add.noftz.f16", "0x3c003c00", "1"), 0x40004200, 2);
	CHECK(REDUCE("add.noftz.bf16", "0x3f804000", "0") REDUCE("max.bf16", "0x40000000", "0"), 0x40004000, 0);
	CHECK(REDUCE("max.f16", "0x3c007e00", "0") REDUCE("min.f16", "0x4000bc00", "0"), 0x3c00bc00, 0);
	CHECK(INIT(1) "mov.b64 %l4, 5; st.shared.v2.b64 [%r0+16], {%l4, %l4}; st.shared.v2.b64 [%r0+32], {%l4, %l4};"
		      "cp.reduce.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes.add.u32 [%r0+32], "
		      "[%r0+16], 16, [%r0]; mbarrier.arrive.expect_tx.shared.b64 %l2, [%r0], 16;" PASSED(
			  0) "ld.shared.b64 %l4, [%r0+32]; st.global.b64 [%l1], %l4;",
	      1, 10);
}
END_TEST

START_TEST(async_stores)
{
	CHECK(INIT(1) "mov.u32 %r3, 77; mov.b64 %l4, 0; st.shared.b64 [%r0+16], %l4;"
		      "mbarrier.arrive.expect_tx.shared.b64 %l2, [%r0], 12;"
		      "st.async.shared::cluster.mbarrier::complete_tx::bytes.u32 [%r0+16], %r3, [%r0];" PASSED(
			  0) "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v2.b32 [%r0+24], {%r3, %r1}, "
			     "[%r0];" PASSED(0) "ld.shared.v2.b64 {%l4, %l5}, [%r0+16]; st.global.b64 [%l1], %l4; "
						"st.global.b64 [%l1+8], %l5;",
	      0, 1, 77, 77);
	CHECK(INIT(1) "mov.u32 %r3, 5; st.shared.u32 [%r0+16], %r3; mov.b64 %l4, 9; st.shared.u64 [%r0+24], %l4;"
		      "mbarrier.arrive.expect_tx.shared.b64 %l2, [%r0], 16;"
		      "red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.inc.u32 [%r0+16], %r3, "
		      "[%r0];"
		      "red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.add.u64 [%r0+24], %l4, "
		      "[%r0];"
		      "red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.max.s32 [%r0+16], %r3, "
		      "[%r0];" PASSED(
			  0) "ld.shared.u32 %r4, [%r0+16]; ld.shared.u64 %l5, [%r0+24]; st.global.u32 [%l1], %r4; "
			     "st.global.u64 "
			     "[%l1+8], %l5;",
	      1, 5, 18);
}
END_TEST

/* Two blocks: the same copy into both, their ranks from addresses, and what addresses are. */
START_TEST(cluster_forms)
{
	struct buffers buffers = buffers_make();
	const char *body =
	    "mov.u32 %r10, s; mov.u32 %r2, %cluster_ctarank; mad.wide.u32 %l1, %r2, 512, %l1;\n"
	    "mbarrier.init.shared.b64 [%r10], 1; mbarrier.arrive.expect_tx.shared.b64 %l2, [%r10], 16;\n"
	    "barrier.cluster.arrive.release.aligned; barrier.cluster.wait.acquire.aligned;\n"
	    "setp.eq.u32 %p0, %r2, 0; mov.b16 %h1, 3;\n"
	    "@%p0 cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%r10+16], "
	    "[%l0], "
	    "16, [%r10], %h1;\n"
	    "W: mbarrier.try_wait.parity.shared.b64 %p1, [%r10], 0; @!%p1 bra W;\n"
	    "ld.shared.b64 %l4, [s+24]; st.global.b64 [%l1], %l4;\n"
	    "mapa.shared::cluster.u32 %r3, %r10, 1; getctarank.shared::cluster.u32 %r4, %r3; st.global.u32 [%l1+8], "
	    "%r4;\n"
	    "cvt.u64.u32 %l5, %r3; cvta.shared::cluster.u64 %l5, %l5; isspacep.shared::cluster %p2, %l5;\n"
	    "isspacep.shared::cta %p3, %l5; isspacep.global %p4, %l5; getctarank.u64 %r5, %l5;\n"
	    "selp.u32 %r6, 100, 0, %p2; selp.u32 %r7, 10, 0, %p3; selp.u32 %r8, 1, 0, %p4; add.u32 %r6, %r6, %r7;\n"
	    "add.u32 %r6, %r6, %r8; st.global.u32 [%l1+16], %r6; st.global.u32 [%l1+24], %r5;\n"
	    "add.u32 %r9, %r2, 40; st.shared::cluster.u32 [%r3+64], %r9;\n"
	    "barrier.cluster.arrive.relaxed; barrier.cluster.wait; setp.eq.u32 %p0, %r2, 1; ld.shared.u32 %r9, "
	    "[s+64];\n"
	    "@%p0 st.global.u32 [%l1+32], %r9; atom.shared::cluster.add.u32 %r9, [%r3+64], 1;\n"
	    "barrier.cluster.arrive; barrier.cluster.wait; ld.shared::cluster.u32 %r9, [%r3+64]; st.global.u32 "
	    "[%l1+40], "
	    "%r9;\n"
	    "barrier.cluster.arrive; barrier.cluster.wait;";

	ck_assert_msg(text_try(".reqnctapercluster 2", body, 2, 1, &buffers) == CUDA_SUCCESS, "%s", message);
	for (int rank = 0; rank < 2; rank++) {
		uint64_t got[6];

		memcpy(got, buffers.out + 512 * rank, sizeof(got));
		ck_assert_uint_eq(got[0], IN8(8));
		ck_assert_uint_eq(got[1], 1);
		ck_assert_uint_eq(got[2], rank == 1 ? 110 : 100);
		ck_assert_uint_eq(got[3], 1);
		if (rank == 1)
			ck_assert_uint_ge(got[4], 40);
		ck_assert_uint_ge(got[5], 42);
	}
}
END_TEST

START_TEST(faults)
{
	static const struct {
		const char *body;
		CUresult error;
		const char *reason;
	} cases[] = {
	    {"cp.async.ca.shared.global [%r0+2], [%l0], 4;", CUDA_ERROR_MISALIGNED_ADDRESS, "shared address"},
	    {"cp.async.ca.shared.global [%r0], [%l0+4], 8;", CUDA_ERROR_MISALIGNED_ADDRESS, "global address"},
	    {"cp.async.cg.shared.global [%r0+4096], [%l0], 16;", CUDA_ERROR_ILLEGAL_ADDRESS, "shared address 0x1000"},
	    {"cp.async.cg.shared.global [%r0], [%l0+4096], 16;", CUDA_ERROR_ILLEGAL_ADDRESS, "global address"},
	    {"mov.u32 %r2, 0; mbarrier.init.shared.b64 [%r0], %r2;", CUDA_ERROR_ILLEGAL_INSTRUCTION, "count"},
	    {"mbarrier.init.shared.b64 [%r0+4], 1;", CUDA_ERROR_MISALIGNED_ADDRESS, "shared address 0x4"},
	    {"mbarrier.init.b64 [%l1], 1;", CUDA_ERROR_ILLEGAL_ADDRESS, "what should be a shared address"},
	    {"st.shared.b64 [%r0], 5; mbarrier.arrive.shared.b64 %l2, [%r0];", CUDA_ERROR_ILLEGAL_INSTRUCTION,
	     "not been initialised"},
	    {INIT(1) "mbarrier.arrive.shared.b64 %l2, [%r0], 2;", CUDA_ERROR_ILLEGAL_INSTRUCTION, "more arrivals"},
	    {INIT(1) "mbarrier.arrive.noComplete.shared.b64 %l2, [%r0], 1;", CUDA_ERROR_ILLEGAL_INSTRUCTION,
	     ".noComplete"},
	    {INIT(1) "mbarrier.expect_tx.shared.b64 [%r0], 1048575; mbarrier.expect_tx.shared.b64 [%r0], 1;",
	     CUDA_ERROR_ILLEGAL_INSTRUCTION, "bytes are pending"},
	    {INIT(1) "mbarrier.inval.shared.b64 [%r0]; mbarrier.inval.shared.b64 [%r0];",
	     CUDA_ERROR_ILLEGAL_INSTRUCTION, "not been initialised"},
	    {"mov.u32 %r2, 24; cp.async.bulk.global.shared::cta.bulk_group [%l1], [%r0], %r2;",
	     CUDA_ERROR_ILLEGAL_INSTRUCTION, "no multiple of 16"},
	    {"cp.async.bulk.global.shared::cta.bulk_group [%l1+8], [%r0], 16;", CUDA_ERROR_MISALIGNED_ADDRESS,
	     "global address"},
	    {"mov.u32 %r2, 4112; cp.async.bulk.global.shared::cta.bulk_group [%l1], [%r0], %r2;",
	     CUDA_ERROR_ILLEGAL_ADDRESS, "4112-byte access"},
	    {"mapa.shared::cluster.u32 %r2, %r0, 1; st.shared::cluster.u32 [%r2], %r1;", CUDA_ERROR_ILLEGAL_ADDRESS,
	     "shared address"},
	    {"mapa.shared::cluster.u32 %r2, %r0, 99; ld.shared::cluster.u8 %r2, [%r2];", CUDA_ERROR_ILLEGAL_ADDRESS,
	     "shared address"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buffers buffers = buffers_make();

		ck_assert_msg(text_try("", cases[i].body, 1, 1, &buffers) == cases[i].error, "%s: %s", cases[i].body,
			      message);
		ck_assert_msg(strstr(message, cases[i].reason) != NULL, "'%s' is not in '%s'", cases[i].reason,
			      message);
	}
}
END_TEST

/* Who arrives twice without waiting; a cluster of which one block waits for the other, and that one for nobody. */
START_TEST(cluster_barriers_misused)
{
	struct buffers buffers = buffers_make();

	ck_assert_int_eq(text_try("",
				  "setp.gt.u32 %p0, %r1, 31; @%p0 bra L; barrier.cluster.arrive; "
				  "barrier.cluster.arrive; L: barrier.cluster.arrive; barrier.cluster.wait;",
				  1, 64, &buffers),
			 CUDA_ERROR_ILLEGAL_INSTRUCTION);
	ck_assert_ptr_nonnull(strstr(message, "arrives at the cluster's barrier twice"));
	ck_assert_int_eq(text_try(".reqnctapercluster 2",
				  "mov.u32 %r2, %cluster_ctarank; setp.eq.u32 %p0, %r2, 0; @%p0 bra L; bar.sync 0, 64; "
				  "L: barrier.cluster.arrive; barrier.cluster.wait;",
				  2, 32, &buffers),
			 CUDA_ERROR_LAUNCH_FAILED);
	ck_assert_ptr_nonnull(strstr(message, "barriers that never complete"));
	/* Threads that have exited are not waited for. */
	ck_assert_int_eq(text_try(".reqnctapercluster 2",
				  "mov.u32 %r2, %cluster_ctarank; setp.ne.u32 %p0, %r2, 0; @%p0 ret; "
				  "barrier.cluster.arrive; barrier.cluster.wait;",
				  2, 32, &buffers),
			 CUDA_SUCCESS);
}
END_TEST

START_TEST(wrong_forms)
{
	static const char *const bodies[] = {
	    "cp.async.cg.shared.global [%r0], [%l0], 8;",
	    "cp.async.ca.shared.global [%r0], [%l0], 12;",
	    "cp.async.ca.global.shared [%l0], [%r0], 4;",
	    "cp.async.ca.shared.global [%r0], [%l0];",
	    "cp.async.wait_group %r1;",
	    "cp.async.wait_group.read 0;",
	    "cp.async.commit_group 0;",
	    "cp.async.bulk.global.shared::cta.mbarrier::complete_tx::bytes [%l1], [%r0], 16, [%r0];",
	    "cp.async.bulk.shared::cluster.global.bulk_group [%r0], [%l0], 16;",
	    "cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes.multicast::cluster [%r0], [%r0], "
	    "16, "
	    "[%r0], %h1;",
	    "cp.async.bulk.global.shared::cta.bulk_group [%l1], [%r0];",
	    "cp.async.bulk.global.shared::cta.bulk_group [%l1], [%r0], 24;",
	    "cp.reduce.async.bulk.global.shared::cta.bulk_group.add.s64 [%l1], [%r0], 16;",
	    "red.async.shared::cluster.mbarrier::complete_tx::bytes.add.u32 [%r0], %r1, [%r0];",
	    "cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f16 [%l1], [%r0], 16;",
	    "cp.reduce.async.bulk.global.shared::cta.bulk_group.and.u32 [%l1], [%r0], 16;",
	    "cp.reduce.async.bulk.global.shared::cta.bulk_group.max.f32 [%l1], [%r0], 16;",
	    "cp.reduce.async.bulk.global.shared::cta.bulk_group.inc.s32 [%l1], [%r0], 16;",
	    "mbarrier.init.shared::cluster.b64 [%r0], 1;",
	    "mbarrier.init.shared.b32 [%r0], 1;",
	    "mbarrier.arrive.shared::cluster.b64 %l2, [%r0];",
	    "mbarrier.arrive.noComplete.shared.b64 %l2, [%r0];",
	    "mbarrier.arrive.release.shared.b64 %l2, [%r0];",
	    "mbarrier.arrive.acquire.cta.shared.b64 %l2, [%r0];",
	    "mbarrier.test_wait.shared.b64 %p0, [%r0], %r1;",
	    "mbarrier.test_wait.parity.shared.b64 %p0, [%r0], 0, 100;",
	    "mbarrier.test_wait.shared::cluster.b64 %p0, [%r0], %l2;",
	    "st.async.shared::cluster.mbarrier::complete_tx::bytes.u16 [%r0], %h1, [%r0];",
	    "red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.add.f32 [%r0], %f1, [%r0];",
	    "red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.max.u64 [%r0], %l1, [%r0];",
	    "barrier.cluster.sync;",
	    "barrier.cluster.arrive.acquire;",
	    "barrier.cluster.wait 0;",
	    "setmaxnreg.inc.sync.aligned.u32 25;",
	    "setmaxnreg.inc.aligned.u32 40;",
	    "fence.proxy.shared;",
	    "fence.mbarrier_init.acquire.cluster;",
	    "griddepcontrol.stop;",
	    "discard.global.L2 [%l1], 64;",
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		struct buffers buffers = buffers_make();

		ck_assert_msg(text_try("", bodies[i], 1, 1, &buffers) == CUDA_ERROR_INVALID_PTX, "%s: %s", bodies[i],
			      message);
		ck_assert_msg(strstr(message, "ptx line 10") != NULL, "%s: %s", bodies[i], message);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {pipelines,
				      pipelines_of_threads,
				      odd_sizes,
				      phases,
				      threads_drop_out,
				      producers_and_consumers,
				      copies_of_groups,
				      bulk_copies,
				      histogram_over_a_cluster,
				      places_in_clusters,
				      ring_of_blocks,
				      operations_on_other_blocks,
				      async_copies,
				      barrier_objects,
				      bulk_forms,
				      bulk_reductions,
				      async_stores,
				      cluster_forms,
				      faults,
				      cluster_barriers_misused,
				      wrong_forms};

	cpu_exec_set_target(90);
	return suite_run("async", tests, sizeof(tests) / sizeof(*tests));
}
