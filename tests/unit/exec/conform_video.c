/* Video instructions, computed on arrays of parts. */
#include "conform.h"

static s64 clamp(s64 value, int bits, bool is_signed)
{
	s64 high = ((s64)1 << (is_signed ? bits - 1 : bits)) - 1, low = is_signed ? -high - 1 : 0;

	return value < low ? low : value > high ? high : value;
}

static s64 magnitude(s64 value)
{
	return value < 0 ? -value : value;
}

#define BYTE(v, n) ((u8)((v).x >> 8 * (n)))
#define SBYTE(v, n) ((s8)BYTE(v, n))
#define HALF(v, n) ((u16)((v).x >> 16 * (n)))
#define SHALF(v, n) ((s16)HALF(v, n))

static void scalar(void)
{
	CASE("vadd.s32.s32.s32 %x0, %x1, %x2;", INTEGERS, X32, a.x + b.x);
	CASE("vadd.s32.s32.s32.sat %x0, %x1, %x2;", INTEGERS, X32, clamp((s64)a.sx + b.sx, 32, true));
	CASE("vadd.u32.u32.s32.sat %x0, %x1.b1, %x2.h0;", INTEGERS, X32,
	     clamp(BYTE(a, 1) + (s64)SHALF(b, 0), 32, false));
	CASE("vadd.s32.s32.u32.add %x0, %x1.b3, %x2.h1, %x3;", INTEGERS, X32, (u32)(SBYTE(a, 3) + HALF(b, 1)) + c.x);
	CASE("vsub.s32.u32.u32.min %x0, %x1.h1, %x2.h0, %x3;", INTEGERS, X32,
	     HALF(a, 1) - HALF(b, 0) < c.sx ? HALF(a, 1) - HALF(b, 0) : c.sx);
	CASE("vsub.u32.u32.u32.sat %x0.b2, %x1, %x2, %x3;", INTEGERS, X32,
	     (c.x & 0xff00ffff) | clamp((s64)a.x - b.x, 8, false) << 16);
	CASE("vsub.s32.s32.s32 %x0.h1, %x1.b0, %x2.b0, %x3;", INTEGERS, X32,
	     (c.x & 0xffff) | (u32)(SBYTE(a, 0) - SBYTE(b, 0)) << 16);
	CASE("vabsdiff.u32.s32.s32 %x0, %x1, %x2;", INTEGERS, X32, magnitude((s64)a.sx - b.sx));
	CASE("vabsdiff.u32.u32.u32.add %x0, %x1.b0, %x2.b1, %x3;", INTEGERS, X32,
	     magnitude((s64)BYTE(a, 0) - BYTE(b, 1)) + c.x);
	CASE("vmin.s32.s32.s32.max %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     (a.sx < b.sx ? a.sx : b.sx) > c.sx ? (a.sx < b.sx ? a.sx : b.sx) : c.sx);
	CASE("vmax.s32.s32.u32.sat %x0, %x1, %x2;", INTEGERS, X32, clamp(a.sx > (s64)b.x ? a.sx : (s64)b.x, 32, true));
	CASE("vmin.u32.u32.u32 %x0.h0, %x1.h0, %x2.h0, %x3;", INTEGERS, X32,
	     (c.x & 0xffff0000) | (HALF(a, 0) < HALF(b, 0) ? HALF(a, 0) : HALF(b, 0)));
}

static void scalar_shifts_and_sets(void)
{
	CASE("vshl.u32.u32.u32.clamp %x0, %x1, %x2;", INTEGERS, X32, b.x > 31 ? 0 : a.x << b.x);
	CASE("vshl.u32.u32.u32.wrap.add %x0, %x1.b0, %x2, %x3;", INTEGERS, X32, ((u32)BYTE(a, 0) << (b.x & 31)) + c.x);
	CASE("vshl.s32.s32.u32.sat.clamp %x0, %x1.b0, %x2.b0;", INTEGERS, X32,
	     clamp((s64)((u64)(s64)SBYTE(a, 0) << (BYTE(b, 0) > 32 ? 32 : BYTE(b, 0))), 32, true));
	CASE("vshr.s32.s32.u32.clamp %x0, %x1, %x2;", INTEGERS, X32, a.sx >> (b.x > 31 ? 31 : b.x));
	CASE("vshr.u32.u32.u32.wrap %x0, %x1, %x2;", INTEGERS, X32, a.x >> (b.x & 31));
	CASE("vset.u32.u32.lt %x0, %x1, %x2;", INTEGERS, X32, a.x < b.x);
	CASE("vset.s32.u32.ge %x0, %x1, %x2.b3;", INTEGERS, X32, a.sx >= (s64)BYTE(b, 3));
	CASE("vset.s32.s32.ne.add %x0, %x1.h0, %x2.h1, %x3;", INTEGERS, X32, (SHALF(a, 0) != SHALF(b, 1)) + c.x);
	CASE("vset.u32.u32.eq %x0.b1, %x1, %x2, %x3;", INTEGERS, X32, (c.x & 0xffff00ff) | (u32)(a.x == b.x) << 8);
}

static s128 clamp_wide(s128 value, s128 low, s128 high)
{
	return value < low ? low : value > high ? high : value;
}

static void multiply_add(void)
{
	CASE("vmad.u32.u32.u32 %x0, %x1, %x2, %x3;", INTEGERS, X32, a.x * b.x + c.x);
	CASE("vmad.s32.s32.s32.sat %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     clamp_wide((s128)a.sx * b.sx + c.sx, INT32_MIN, INT32_MAX));
	CASE("vmad.s32.u32.s32.shr7 %x0, %x1.b0, %x2.h1, %x3;", INTEGERS, X32,
	     ((s128)BYTE(a, 0) * SHALF(b, 1) + c.sx) >> 7);
	CASE("vmad.u32.u32.u32.sat.shr15 %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     clamp_wide(((s128)a.x * b.x + c.x) >> 15, 0, UINT32_MAX));
	CASE("vmad.s32.s32.s32 %x0, %x1, -%x2, %x3;", INTEGERS, X32, c.x - a.x * b.x);
	CASE("vmad.s32.s32.s32 %x0, %x1, %x2, -%x3;", INTEGERS, X32, a.x * b.x - c.x);
	CASE("vmad.u32.u32.u32.po %x0, %x1, %x2, %x3;", INTEGERS, X32, a.x * b.x + c.x + 1);
}

/* The n-th of the `count` parts of a word, or of two of them side by side. */
static s64 part(u64 words, int n, int bits, bool is_signed)
{
	u64 value = words >> n * bits & (((u64)1 << bits) - 1);

	return is_signed ? (s64)(value << (64 - bits)) >> (64 - bits) : (s64)value;
}

enum how { ADD, SUB, AVERAGE, DIFFERENCE, MIN, MAX, LESS };

struct shape {
	enum how how;
	int bits;
	bool a_signed, b_signed, d_signed, saturates;
};

static s64 one(const struct shape *shape, s64 a, s64 b)
{
	switch (shape->how) {
	case ADD:
		return a + b;
	case SUB:
		return a - b;
	case AVERAGE:
		return (a + b + (a + b >= 0)) >> 1;
	case DIFFERENCE:
		return magnitude(a - b);
	case MIN:
		return a < b ? a : b;
	case MAX:
		return a > b ? a : b;
	default:
		return a < b;
	}
}

/* `mask` and `order` as the instruction names them: digits from the right; those of b count on from those of a. */
static u64 simd(struct shape shape, struct operand a, struct operand b, struct operand c, const char *mask,
		const char *a_order, const char *b_order, bool accumulates)
{
	u64 words = (u64)b.x << 32 | a.x, result = accumulates ? c.x : 0;
	int parts = 32 / shape.bits;

	for (int i = 0; i < parts; i++) {
		s64 value = one(&shape, part(words, a_order[parts - 1 - i] - '0', shape.bits, shape.a_signed),
				part(words, b_order[parts - 1 - i] - '0', shape.bits, shape.b_signed));
		bool chosen = strchr(mask, '0' + i);
		u64 field = (((u64)1 << shape.bits) - 1) << i * shape.bits;

		if (shape.saturates)
			value = clamp(value, shape.bits, shape.d_signed);
		if (accumulates)
			result += chosen ? (u64)value : 0;
		else
			result |= chosen ? (u64)value << i * shape.bits & field : c.x & field;
	}
	return result;
}

#define SHAPE(...) ((struct shape){__VA_ARGS__})

static void pairs(void)
{
	CASE("vadd2.s32.s32.s32 %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     simd(SHAPE(ADD, 16, true, true, false, false), a, b, c, "10", "10", "32", false));
	CASE("vadd2.u32.u32.s32.sat %x0.h1, %x1.h01, %x2.h12, %x3;", INTEGERS, X32,
	     simd(SHAPE(ADD, 16, false, true, false, true), a, b, c, "1", "01", "12", false));
	CASE("vsub2.s32.s32.u32.sat %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     simd(SHAPE(SUB, 16, true, false, true, true), a, b, c, "10", "10", "32", false));
	CASE("vsub2.s32.u32.u32.add %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     simd(SHAPE(SUB, 16, false, false, false, false), a, b, c, "10", "10", "32", true));
	CASE("vavrg2.s32.s32.s32 %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     simd(SHAPE(AVERAGE, 16, true, true, false, false), a, b, c, "10", "10", "32", false));
	CASE("vabsdiff2.u32.u32.s32.add %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     simd(SHAPE(DIFFERENCE, 16, false, true, false, false), a, b, c, "10", "10", "32", true));
	CASE("vmin2.s32.s32.s32 %x0.h0, %x1, %x2, %x3;", INTEGERS, X32,
	     simd(SHAPE(MIN, 16, true, true, false, false), a, b, c, "0", "10", "32", false));
	CASE("vmax2.u32.u32.u32 %x0, %x1, %x2.h20, %x3;", INTEGERS, X32,
	     simd(SHAPE(MAX, 16, false, false, false, false), a, b, c, "10", "10", "20", false));
	CASE("vset2.s32.u32.lt %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     simd(SHAPE(LESS, 16, true, false, false, false), a, b, c, "10", "10", "32", false));
}

static void quads(void)
{
	CASE("vadd4.u32.u32.u32 %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     simd(SHAPE(ADD, 8, false, false, false, false), a, b, c, "3210", "3210", "7654", false));
	CASE("vadd4.s32.s32.s32.sat %x0.b31, %x1.b0246, %x2, %x3;", INTEGERS, X32,
	     simd(SHAPE(ADD, 8, true, true, true, true), a, b, c, "31", "0246", "7654", false));
	CASE("vsub4.u32.u32.u32.sat %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     simd(SHAPE(SUB, 8, false, false, false, true), a, b, c, "3210", "3210", "7654", false));
	CASE("vavrg4.u32.u32.u32 %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     simd(SHAPE(AVERAGE, 8, false, false, false, false), a, b, c, "3210", "3210", "7654", false));
	CASE("vabsdiff4.u32.u32.u32.add %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     simd(SHAPE(DIFFERENCE, 8, false, false, false, false), a, b, c, "3210", "3210", "7654", true));
	CASE("vmin4.s32.s32.u32 %x0.b20, %x1, %x2, %x3;", INTEGERS, X32,
	     simd(SHAPE(MIN, 8, true, false, false, false), a, b, c, "20", "3210", "7654", false));
	CASE("vmax4.s32.s32.s32 %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     simd(SHAPE(MAX, 8, true, true, false, false), a, b, c, "3210", "3210", "7654", false));
	CASE("vset4.u32.u32.lt.add %x0.b210, %x1, %x2, %x3;", INTEGERS, X32,
	     simd(SHAPE(LESS, 8, false, false, false, false), a, b, c, "210", "3210", "7654", true));
}

void conform_video(void)
{
	scalar();
	scalar_shifts_and_sets();
	multiply_add();
	pairs();
	quads();
}
