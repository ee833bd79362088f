/* Bulk copies of tensors: boxes inside and over the edge, swizzled, with steps, stored and added. */
#define _GNU_SOURCE
#include "harness.h"
#include "tensor_map.h"

#define WIDTH 40
#define HEIGHT 12

/* Map, tensor and coordinates go in; what is in shared memory afterwards comes out. */
struct buffers {
	_Alignas(64) struct cpu_tensor_map map;
	_Alignas(128) int tensor[2][HEIGHT][WIDTH];
	int at[4];
};

static struct {
	struct buffers *in;
	int *out;
} p;

static void setup(void)
{
	p.in = device_alloc(sizeof(*p.in));
	p.out = device_alloc(8192);
	memset(p.in, 0, sizeof(*p.in));
	memset(p.out, 0, 8192);
	for (int i = 0; i < 2 * HEIGHT * WIDTH; i++)
		(&p.in->tensor[0][0][0])[i] = 1000 + i;
	p.in->map = (struct cpu_tensor_map){.mark = CPU_TENSOR_MAP_MARK,
					    .rank = 2,
					    .type = CU_TENSOR_MAP_DATA_TYPE_INT32,
					    .element_bytes = 4,
					    .address = (uint64_t)(uintptr_t)p.in->tensor,
					    .strides = {4, 4 * WIDTH, 4 * WIDTH * HEIGHT},
					    .sizes = {WIDTH, HEIGHT, 2},
					    .box = {8, 4, 2},
					    .steps = {1, 1, 1}};
}

/* `s` has the copy, from `bytes` of `out`; the mbarrier is behind it. */
static CUresult copy_try(const char *instruction, int bytes, int x, int y)
{
	static const char text[] =
	    ".version 8.6\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 in, .param .u64 out)\n{\n"
	    ".reg .b32 %%r<20>; .reg .b64 %%l<20>; .reg .pred %%p<4>; .reg .b16 %%h<4>;\n.shared .align 1024 .b8 "
	    "s[4096];\n"
	    "ld.param.u64 %%l0, [in]; ld.param.u64 %%l1, [out]; ld.global.v2.u32 {%%r2, %%r3}, [%%l0+%zu]; mov.u32 "
	    "%%r4, 1;\n"
	    "ld.global.b32 %%r5, [%%l1]; mov.u32 %%r6, s; mov.u32 %%r7, 0;\n"
	    "fill: add.u32 %%r8, %%r6, %%r7; st.shared.u32 [%%r8], %%r7; add.u32 %%r7, %%r7, 4; setp.lt.u32 %%p1, "
	    "%%r7, 2048;\n"
	    "@%%p1 bra fill; mbarrier.init.shared.b64 [s+2048], 1;\n"
	    "%s\n"
	    "mbarrier.arrive.expect_tx.shared.b64 %%l2, [s+2048], %d;\n"
	    "mbarrier.test_wait.shared.b64 %%p0, [s+2048], %%l2; selp.u32 %%r9, 1, 0, %%p0; st.global.u32 [%%l1+4096], "
	    "%%r9;\n"
	    "cp.async.bulk.global.shared::cta.bulk_group [%%l1], [s], 2048;\nret;\n}\n";
	char *whole;

	p.in->at[0] = x;
	p.in->at[1] = y;
	ck_assert_int_gt(asprintf(&whole, text, offsetof(struct buffers, at), instruction, bytes), 0);
	CUresult result = kernel_try(module_load(whole), "k", 1, 1, 0, &p);

	free(whole);
	return result;
}

/* A copy that must succeed, whose mbarrier then has heard of all bytes. */
static void copy(const char *instruction, int bytes, int x, int y)
{
	CUresult result = copy_try(instruction, bytes, x, y);

	ck_assert_msg(result == CUDA_SUCCESS, "%s: %s", instruction, message);
	ck_assert_int_eq(p.out[1024], 1);
}

#define LOAD                                                                                                           \
	"cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [s], [%l0, {%r2, %r3}], "    \
	"[s+2048];"

static int wanted(int x, int y)
{
	return x >= 0 && x < WIDTH && y >= 0 && y < HEIGHT ? 1000 + y * WIDTH + x : 0;
}

START_TEST(boxes)
{
	static const int places[][2] = {{0, 0},   {5, 3},     {-3, 2}, {WIDTH - 2, HEIGHT - 1},
					{-8, -4}, {100, 100}, {-1, -1}};

	setup();
	for (size_t n = 0; n < sizeof(places) / sizeof(*places); n++) {
		copy(LOAD, 128, places[n][0], places[n][1]);
		for (int i = 0; i < 32; i++)
			ck_assert_int_eq(p.out[i], wanted(places[n][0] + i % 8, places[n][1] + i / 8));
		ck_assert_int_eq(p.out[32], 128);
	}
	p.in->map.fills_nan = 1;
	p.in->map.type = CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
	copy(LOAD, 128, -1, 0);
	ck_assert_int_eq(p.out[0], 0x7fffffff);
	ck_assert_int_eq(p.out[1], wanted(0, 0));
}
END_TEST

START_TEST(other_ranks)
{
	setup();
	p.in->map.rank = 3;
	copy("cp.async.bulk.tensor.3d.shared::cta.global.mbarrier::complete_tx::bytes [s], [%l0, {%r2, %r3, %r4}], "
	     "[s+2048];",
	     256, 4, 6);
	for (int i = 0; i < 32; i++) {
		ck_assert_int_eq(p.out[i], p.in->tensor[1][6 + i / 8][4 + i % 8]);
		ck_assert_int_eq(p.out[32 + i], 0);
	}
	p.in->map.rank = 1;
	copy("cp.async.bulk.tensor.1d.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [s], [%l0, "
	     "{%r2}], "
	     "[s+2048], %l3;",
	     32, 3, 0);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(p.out[i], wanted(3 + i, 0));
	/* Every second line. */
	p.in->map.rank = 2;
	p.in->map.steps[1] = 2;
	copy(LOAD, 64, 0, 1);
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(p.out[i], wanted(i % 8, 1 + 2 * (i / 8)));
}
END_TEST

/* Units of 16 bytes: their number is combined with the bits of the address from 128 bytes on. */
START_TEST(swizzles)
{
	setup();
	for (int swizzle = 0; swizzle < 4; swizzle++) {
		int units = 1 << swizzle, line = units * 4;

		p.in->map.swizzle = (uint8_t)swizzle;
		p.in->map.box[0] = (uint16_t)line;
		p.in->map.box[1] = 12;
		copy(LOAD, 48 * line, 0, 0);
		for (int i = 0; i < 12 * line; i++) {
			int address = 4 * i, unit = (address / 128) % units;
			int at = (address ^ unit * 16) / 4;

			ck_assert_int_eq(p.out[at], wanted(i % line, i / line));
		}
	}
}
END_TEST

START_TEST(stores)
{
	setup();
	copy("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%l0, {%r2, %r3}], [s];", 0, WIDTH - 3, -1);
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++) {
			bool inside = x >= WIDTH - 3 && y < 3;

			ck_assert_int_eq(p.in->tensor[0][y][x],
					 inside ? 4 * ((y + 1) * 8 + x - (WIDTH - 3)) : wanted(x, y));
		}
	setup();
	copy("cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.tile.bulk_group [%l0, {%r2, %r3}], [s];", 0, 2, 2);
	for (int i = 0; i < 32; i++)
		ck_assert_int_eq(p.in->tensor[0][2 + i / 8][2 + i % 8], wanted(2 + i % 8, 2 + i / 8) + 4 * i);
	copy("cp.async.bulk.prefetch.tensor.2d.L2.global.tile [%l0, {%r2, %r3}];", 0, 0, 0);
}
END_TEST

START_TEST(faults)
{
	setup();
	p.in->map.mark = 0;
	ck_assert_int_eq(copy_try(LOAD, 0, 0, 0), CUDA_ERROR_ILLEGAL_INSTRUCTION);
	ck_assert_ptr_nonnull(strstr(message, "no tensor map of 2 dimensions"));
	setup();
	p.in->map.rank = 3;
	ck_assert_int_eq(copy_try(LOAD, 0, 0, 0), CUDA_ERROR_ILLEGAL_INSTRUCTION);
	setup();
	p.in->map.address = 4096;
	ck_assert_int_eq(copy_try(LOAD, 0, 0, 0), CUDA_ERROR_ILLEGAL_ADDRESS);
	setup();
	p.in->map.type = CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
	ck_assert_int_eq(
	    copy_try("cp.reduce.async.bulk.tensor.2d.global.shared::cta.or.bulk_group [%l0, {%r2, %r3}], [s];", 0, 0,
		     0),
	    CUDA_ERROR_ILLEGAL_INSTRUCTION);
	ck_assert_int_eq(
	    copy_try("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%l0, {%r2, %r3}], [s+64];", 0, 0, 0),
	    CUDA_ERROR_MISALIGNED_ADDRESS);
	ck_assert_int_eq(copy_try("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%l0, {%r2}], [s];", 0, 0, 0),
			 CUDA_ERROR_INVALID_PTX);
	ck_assert_int_eq(copy_try("cp.async.bulk.tensor.6d.global.shared::cta.bulk_group [%l0, {%r2}], [s];", 0, 0, 0),
			 CUDA_ERROR_INVALID_PTX);
	ck_assert_int_eq(
	    copy_try("cp.async.bulk.tensor.3d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes [s], "
		     "[%l0, {%r2, %r3, %r4}], [s+2048], {%h1};",
		     0, 0, 0),
	    CUDA_ERROR_INVALID_PTX);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {boxes, other_ranks, swizzles, stores, faults};

	cpu_exec_set_target(90);
	return suite_run("tensor", tests, sizeof(tests) / sizeof(*tests));
}
