/* The lane functions compiled for each instruction set give the same results, whatever lanes they are asked for. */
#include "../../../cpu-device/exec/machine.h"
#include "../../../cpu-device/ptx/opcodes.h"
#include "harness.h"

/* Operand k has its register at k * SLOT; the guard word is at 0, so registers begin one slot later. */
#define SLOT 256
#define FRAME_BYTES (SLOT * (CPU_OPERANDS + 1))

static const char *const needs_a_warp[] = {
    "ld@",         "st@",        "atom@",         "param@",     "local@",    "bra@",     "brx@",      "call@",
    "ret",         "exit",       "trap",          "brkpt",      "nanosleep", "barrier@", "shfl",      "vote",
    "match",       "activemask", "elect",         "bar.warp",   "redux",     "vprintf@", "malloc@",   "free@",
    "assertfail@", "special@",   "tid@",          "window@",    "span@",     "cvt.f16",  "cvt.bf16",  "mma@",
    "wmma@",       "ldmatrix@",  "stmatrix@",     "movmatrix@", "tex@",      "surface@", "texture@",  "reference@",
    "alloca@",     "stacksave@", "stackrestore@", "cp@",        "bulk@",     "red@",     "mbarrier@", "mapa@",
    "getctarank@", "cluster@"};

static bool is_pure(const char *name)
{
	for (size_t i = 0; i < sizeof(needs_a_warp) / sizeof(*needs_a_warp); i++)
		if (!strncmp(name, needs_a_warp[i], strlen(needs_a_warp[i])))
			return false;
	return true;
}

static uint64_t state = 88172645463325252u;

static uint64_t random_bits(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* The bits of NaN's may differ, so floats get numbers only: moderate ones, whose arithmetic gives none. */
static void operand_fill(uint8_t *at, char class, const char *name)
{
	bool single = strstr(name, "f32") != NULL, twice = strstr(name, "f64") != NULL;

	for (int i = 0; i < CPU_LANES; i++) {
		uint64_t bits = random_bits();
		double real = (double)(1 + bits % 100000) / 64 * (bits >> 63 ? 1 : 3);
		float narrow = (float)real;

		if (class == 'l' && twice)
			memcpy(at + 8 * i, &real, 8);
		else if (class == 'l')
			memcpy(at + 8 * i, &bits, 8);
		else if (single)
			memcpy(at + 4 * i, &narrow, 4);
		else
			memcpy(at + 4 * i, bits & 64 ? &(uint32_t){bits % 40} : &(uint32_t){(uint32_t)(bits >> 20)}, 4);
	}
}

static void compare_row(uint32_t row, const char *name, const char *classes)
{
	static uint8_t start[FRAME_BYTES] __attribute__((aligned(64)));
	static uint8_t frames[2][FRAME_BYTES] __attribute__((aligned(64)));
	const cpu_lane_fn *copy;
	const char *level;
	uint32_t mask = random_bits() & 1 ? UINT32_MAX : (uint32_t)random_bits();
	struct cpu_insn insn = {.imm = 0};
	static struct cpu_warp warp;

	memset(start, 0, sizeof(start));
	warp.live = warp.active = UINT32_MAX;
	for (int k = 0; k < CPU_OPERANDS; k++)
		insn.op[k] = (uint32_t)(SLOT * (k + 1));
	for (int k = 0; classes[k]; k++)
		if (classes[k] != '=')
			operand_fill(start + insn.op[k - (strchr(classes, '=') < classes + k)], classes[k], name);
	for (unsigned i = 0; (copy = cpu_lane_copy(i, &level)); i++) {
		uint8_t *frame = frames[i > 0];
		memcpy(frame, start, sizeof(start));
		ck_assert_ptr_eq(copy[row](&warp, &insn, frame, mask), &insn + 1);
		ck_assert_msg(!memcmp(frames[0], frame, FRAME_BYTES), "%s: the copy for %s differs, lanes %x", name,
			      level, mask);
	}
}

START_TEST(copies_agree)
{
	unsigned compared = 0;

	for (uint32_t row = 0; strcmp(ptx_opcode(row)->name, "assertfail@"); row++)
		for (int i = 0; i < 20 && is_pure(ptx_opcode(row)->name); i++, compared++)
			compare_row(row, ptx_opcode(row)->name, ptx_opcode(row)->registers);
	ck_assert_uint_gt(compared, 5000);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {copies_agree};

	return suite_run("instruction sets", tests, 1);
}
