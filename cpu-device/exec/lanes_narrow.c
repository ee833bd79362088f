/* Conversions to and from the formats of tensor cores, and packing of small integers. */
#include "half.h"

/* e4m3 has no infinity: its largest exponent is that of numbers, all ones is NaN. */
static const struct half_format format_e4m3 = {3, 7, 16};
static const struct half_format format_e5m2 = {2, 15, 31};

#define LARGEST_e4m3 0x7e
#define LARGEST_e5m2 0x7b
#define NAN8 0x7f

/* All conversions to 8 bits have .satfinite; NaN stays NaN. */
static u32 narrow(f64 value, const struct half_format *format, u32 largest, s64 flags)
{
	u32 bits = half_round(value, format, flags), magnitude = bits & 0x7fff, sign = bits >> 8 & 0x80;

	if (value != value)
		return NAN8;
	if ((flags & CPU_RELU) && sign)
		return 0;
	return sign | (magnitude > largest ? largest : magnitude);
}

static f64 widen(u32 bits, const struct half_format *format)
{
	u32 magnitude = bits & 0x7f;

	if (format == &format_e4m3 && magnitude == NAN8)
		return f64_from((u64)INT64_MAX);
	return half_value((u16)((bits & 0x80) << 8 | magnitude), format);
}

#define PAIR(F)                                                                                                        \
	BINARY_EACH(cvt_##F##x2_f32, u32, f32, f32,                                                                    \
		    narrow(a, &format_##F, LARGEST_##F, insn->imm) << 8 |                                              \
			narrow(b, &format_##F, LARGEST_##F, insn->imm))                                                \
	UNARY_EACH(cvt_##F##x2_f16x2, u32, u32,                                                                        \
		   narrow(half_value((u16)(a >> 16), &format_f16), &format_##F, LARGEST_##F, insn->imm) << 8 |         \
		       narrow(half_value((u16)a, &format_f16), &format_##F, LARGEST_##F, insn->imm))                   \
	UNARY_EACH(cvt_f16x2_##F##x2, u32, u32,                                                                        \
		   (u32)half_result(widen(a >> 8 & 0xff, &format_##F), &format_f16, insn->imm) << 16 |                 \
		       half_result(widen(a & 0xff, &format_##F), &format_f16, insn->imm))
PAIR(e4m3)
PAIR(e5m2)

/* tf32 is f32 with the lower 13 bits of its fraction zero. */
static u32 round_tf32(u32 bits, s64 flags)
{
	u32 magnitude = bits & 0x7fffffff, sign = bits & 0x80000000, rest = magnitude & 0x1fff, kept = magnitude - rest;

	if (magnitude > 0x7f800000)
		return 0x7fffffff;
	if ((flags & CPU_ROUND_MASK) == CPU_ROUND_ZERO)
		rest = 0;
	if (rest > 0x1000 || (rest == 0x1000 && ((flags & CPU_ROUND_AWAY) || (kept & 0x2000))))
		kept += 0x2000;
	if ((flags & CPU_SAT_FINITE) && kept >= 0x7f800000)
		kept = 0x7f7fe000;
	return (flags & CPU_RELU) && sign ? 0 : sign | kept;
}

UNARY_EACH(cvt_tf32_f32, u32, u32, round_tf32(a, insn->imm))

/* insn->imm: bits of a part, and 64 when it is signed. */
static u32 clamp_part(s32 value, u32 bits, bool is_signed)
{
	s32 high = (1 << (is_signed ? bits - 1 : bits)) - 1, low = is_signed ? -high - 1 : 0;

	value = value < low ? low : value > high ? high : value;
	return (u32)value & ((1u << bits) - 1);
}

LANE_FN(cvt_pack)
{
	const u32 *a = REGISTER(u32, 1), *b = REGISTER(u32, 2), *c = REGISTER(u32, 3);
	const u32 bits = (u32)insn->imm & 63;
	const bool is_signed = insn->imm & 64;
	u32 *d = REGISTER(u32, 0);

	(void)warp;
	EACH_LANE(i, mask)
	d[i] = (u32)((u64)c[i] << 2 * bits) | clamp_part((s32)a[i], bits, is_signed) << bits |
	       clamp_part((s32)b[i], bits, is_signed);
	return insn + 1;
}
