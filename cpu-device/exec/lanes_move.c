/* Moves, selection, packing, special registers, address windows. */
#include "lanes.h"
#include "special.h"

UNARY(mov_u32, u32, u32, a)
UNARY(mov_u64, u64, u64, a)
UNARY(extend_u64_u32, u64, u32, a)
UNARY(extend_s64_s32, s64, s32, a)
UNARY(narrow_u32_u64, u32, u64, a)
UNARY(narrow_sat_u32_u64, u32, u64, a > UINT32_MAX ? UINT32_MAX : a)

LANE_FN(selp_u32)
{
	const u32 *a = REGISTER(u32, 1), *b = REGISTER(u32, 2);
	const u32 p = PREDICATE(3);

	LANES(u32, p >> i & 1 ? a[i] : b[i]);
	return insn + 1;
}

LANE_FN(selp_u64)
{
	const u64 *a = REGISTER(u64, 1), *b = REGISTER(u64, 2);
	const u32 p = PREDICATE(3);

	LANES(u64, p >> i & 1 ? a[i] : b[i]);
	return insn + 1;
}

BINARY(pack_16x2, u32, u16, u16, (u32)b << 16 | a)
BINARY(pack_8x2, u32, u8, u8, (u32)b << 8 | a)
BINARY(pack_32x2, u64, u32, u32, (u64)b << 32 | a)

LANE_FN(pack_8x4)
{
	const u32 *a = REGISTER(u32, 1), *b = REGISTER(u32, 2), *c = REGISTER(u32, 3), *e = REGISTER(u32, 4);

	LANES(u32, (a[i] & 0xff) | (b[i] & 0xff) << 8 | (c[i] & 0xff) << 16 | e[i] << 24);
	return insn + 1;
}

LANE_FN(pack_16x4)
{
	const u32 *a = REGISTER(u32, 1), *b = REGISTER(u32, 2), *c = REGISTER(u32, 3), *e = REGISTER(u32, 4);

	LANES(u64, (u64)(a[i] & 0xffff) | (u64)(b[i] & 0xffff) << 16 | (u64)(c[i] & 0xffff) << 32 | (u64)e[i] << 48);
	return insn + 1;
}

/* insn->imm: which of the parts, from the low end */
UNARY(extract_16, u32, u32, a >> 16 * insn->imm & 0xffff)
UNARY(extract_8, u32, u32, a >> 8 * insn->imm & 0xff)
UNARY(extract_32of64, u32, u64, a >> 32 * insn->imm)
UNARY(extract_16of64, u32, u64, a >> 16 * insn->imm & 0xffff)

LANE_FN(tid)
{
	const u32 *a = warp->tid[insn->imm];

	LANES(u32, a[i]);
	return insn + 1;
}

LANE_FN(special_u32)
{
	const u32 value = (u32)cpu_special_read(warp, (enum cpu_special)insn->imm);
	const bool by_lane = cpu_special_is_by_lane((enum cpu_special)insn->imm);

	if (by_lane)
		LANES(u32, cpu_special_of_lane((enum cpu_special)insn->imm, i));
	else
		LANES(u32, value);
	return insn + 1;
}

LANE_FN(special_u64)
{
	const u64 value = cpu_special_read(warp, (enum cpu_special)insn->imm);

	LANES(u64, value);
	return insn + 1;
}

/* insn->imm 0: shared, 1: local */
static inline u64 window_of(const struct cpu_warp *warp, s64 which)
{
	return which ? warp->block->job->local_window : warp->block->job->shared_window;
}

LANE_FN(window_add)
{
	const u64 *a = REGISTER(u64, 1), window = window_of(warp, insn->imm);

	LANES(u64, a[i] + window);
	return insn + 1;
}

LANE_FN(window_sub)
{
	const u64 *a = REGISTER(u64, 1), window = window_of(warp, insn->imm);

	LANES(u64, a[i] - window);
	return insn + 1;
}

/* insn->imm 0: the block's own shared memory, under either of its addresses; 1: local; 2: that of any block of the
   cluster */
LANE_FN(window_test)
{
	const u64 *a = REGISTER(u64, 1), window = window_of(warp, insn->imm == 1);
	const struct cpu_block *block = warp->block;
	u32 in = 0;

	for (unsigned i = 0; i < CPU_LANES; i++) {
		u64 which = (a[i] - window) / CPU_WINDOW_BYTES;

		in |= (u32)(which == 0 || (insn->imm == 0 && which == 1 + block->rank) ||
			    (insn->imm == 2 && which <= block->cluster->count))
		      << i;
	}
	predicate_write(&PREDICATE(0), in, mask);
	return insn + 1;
}

/* Global: in no window. */
LANE_FN(window_outside)
{
	const u64 *a = REGISTER(u64, 1), first = window_of(warp, 0);
	u32 out = 0;

	for (unsigned i = 0; i < CPU_LANES; i++)
		out |= (u32)(a[i] - first >= CPU_WINDOWS * CPU_WINDOW_BYTES) << i;
	predicate_write(&PREDICATE(0), out, mask);
	return insn + 1;
}

/* In the kernel's parameters. */
LANE_FN(span_test)
{
	const u64 *a = REGISTER(u64, 1), base = warp->block->job->parameters;
	u32 in = 0;

	for (unsigned i = 0; i < CPU_LANES; i++)
		in |= (u32)(base && a[i] - base < (u64)insn->imm) << i;
	predicate_write(&PREDICATE(0), in, mask);
	return insn + 1;
}

/* insn->imm: offset of the kernel's parameter */
#define PARAMETER(name, T, M)                                                                                          \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		M value;                                                                                               \
		memcpy(&value, (const u8 *)warp->block->job->launch->parameters + insn->imm, sizeof(value));           \
		LANES(T, value);                                                                                       \
		return insn + 1;                                                                                       \
	}
PARAMETER(param_u8, u32, u8)
PARAMETER(param_s8, s32, s8)
PARAMETER(param_u16, u32, u16)
PARAMETER(param_s16, s32, s16)
PARAMETER(param_b32, u32, u32)
PARAMETER(param_b64, u64, u64)

LANE_FN(param_address)
{
	const u64 value = warp->block->job->parameters + (u64)insn->imm;

	LANES(u64, value);
	return insn + 1;
}

/* insn->imm: offset in the function's local memory */
LANE_FN(local_address)
{
	const u64 value = warp->frame->local_base + (u64)insn->imm;

	LANES(u64, value);
	return insn + 1;
}

/* Hints to caches and profilers. */
