/* Integer arithmetic. */
#include "conform.h"

static s64 clamp(s64 value, s64 low, s64 high)
{
	return value < low ? low : value > high ? high : value;
}

static u32 pair(u32 low, u32 high)
{
	return (low & 0xffff) | high << 16;
}

/* Each half of two words by itself; l and h the signed halves of a and b. */
#define HALVES_OF(expr_low, expr_high) pair((u32)(expr_low), (u32)(expr_high))
#define LOW(v) ((s16)(v).x)
#define HIGH(v) ((s16)((v).x >> 16))
#define SMALLER(a, b) ((a) < (b) ? (a) : (b))
#define LARGER(a, b) ((a) > (b) ? (a) : (b))
#define UNSIGNED(x) ((u16)(x))
#define POSITIVE(x) ((x) > 0 ? (x) : 0)

static void sums_and_products(void)
{
	CASE("add.u16 %h0, %h1, %h2;", INTEGERS, H16, a.h + b.h);
	CASE("add.s32 %x0, %x1, %x2;", INTEGERS, X32, a.x + b.x);
	CASE("add.s64 %l0, %l1, %l2;", INTEGERS, L64, a.l + b.l);
	CASE("add.sat.s32 %x0, %x1, %x2;", INTEGERS, X32, clamp((s64)a.sx + b.sx, INT32_MIN, INT32_MAX));
	CASE("add.u16x2 %x0, %x1, %x2;", INTEGERS, X32, HALVES_OF(LOW(a) + LOW(b), HIGH(a) + HIGH(b)));
	CASE("add.s16x2 %x0, %x1, %x2;", INTEGERS, X32, HALVES_OF(LOW(a) + LOW(b), HIGH(a) + HIGH(b)));
	CASE("sub.s16 %h0, %h1, %h2;", INTEGERS, H16, a.h - b.h);
	CASE("sub.u32 %x0, %x1, %x2;", INTEGERS, X32, a.x - b.x);
	CASE("sub.u64 %l0, %l1, %l2;", INTEGERS, L64, a.l - b.l);
	CASE("sub.sat.s32 %x0, %x1, %x2;", INTEGERS, X32, clamp((s64)a.sx - b.sx, INT32_MIN, INT32_MAX));
	CASE("mul.lo.u16 %h0, %h1, %h2;", INTEGERS, H16, (u32)a.h * b.h);
	CASE("mul.hi.u16 %h0, %h1, %h2;", INTEGERS, H16, (u32)a.h * b.h >> 16);
	CASE("mul.hi.s16 %h0, %h1, %h2;", INTEGERS, H16, (s32)a.sh * b.sh >> 16);
	CASE("mul.wide.u16 %x0, %h1, %h2;", INTEGERS, X32, (u32)a.h * b.h);
	CASE("mul.wide.s16 %x0, %h1, %h2;", INTEGERS, X32, (s32)a.sh * b.sh);
	CASE("mul.lo.s32 %x0, %x1, %x2;", INTEGERS, X32, a.x * b.x);
	CASE("mul.hi.u32 %x0, %x1, %x2;", INTEGERS, X32, (u64)a.x * b.x >> 32);
	CASE("mul.hi.s32 %x0, %x1, %x2;", INTEGERS, X32, (s64)a.sx * b.sx >> 32);
	CASE("mul.wide.u32 %l0, %x1, %x2;", INTEGERS, L64, (u64)a.x * b.x);
	CASE("mul.wide.s32 %l0, %x1, %x2;", INTEGERS, L64, (s64)a.sx * b.sx);
	CASE("mul.lo.u64 %l0, %l1, %l2;", INTEGERS, L64, a.l * b.l);
	CASE("mul.hi.u64 %l0, %l1, %l2;", INTEGERS, L64, (u128)a.l * b.l >> 64);
	CASE("mul.hi.s64 %l0, %l1, %l2;", INTEGERS, L64, (s128)a.sl * b.sl >> 64);
	CASE("mad.lo.u16 %h0, %h1, %h2, %h3;", INTEGERS, H16, (u32)a.h * b.h + c.h);
	CASE("mad.hi.u16 %h0, %h1, %h2, %h3;", INTEGERS, H16, ((u32)a.h * b.h >> 16) + c.h);
	CASE("mad.hi.s16 %h0, %h1, %h2, %h3;", INTEGERS, H16, ((s32)a.sh * b.sh >> 16) + c.sh);
	CASE("mad.wide.u16 %x0, %h1, %h2, %x3;", INTEGERS, X32, (u32)a.h * b.h + c.x);
	CASE("mad.wide.s16 %x0, %h1, %h2, %x3;", INTEGERS, X32, (u32)((s32)a.sh * b.sh) + c.x);
	CASE("mad.lo.s32 %x0, %x1, %x2, %x3;", INTEGERS, X32, a.x * b.x + c.x);
	CASE("mad.hi.u32 %x0, %x1, %x2, %x3;", INTEGERS, X32, (u32)((u64)a.x * b.x >> 32) + c.x);
	CASE("mad.hi.s32 %x0, %x1, %x2, %x3;", INTEGERS, X32, (u32)((s64)a.sx * b.sx >> 32) + c.x);
	CASE("mad.hi.sat.s32 %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     clamp(((s64)a.sx * b.sx >> 32) + c.sx, INT32_MIN, INT32_MAX));
	CASE("mad.wide.u32 %l0, %x1, %x2, %l3;", INTEGERS, L64, (u64)a.x * b.x + c.l);
	CASE("mad.wide.s32 %l0, %x1, %x2, %l3;", INTEGERS, L64, (u64)((s64)a.sx * b.sx) + c.l);
	CASE("mad.lo.u64 %l0, %l1, %l2, %l3;", INTEGERS, L64, a.l * b.l + c.l);
	CASE("mad.hi.s64 %l0, %l1, %l2, %l3;", INTEGERS, L64, (u64)((s128)a.sl * b.sl >> 64) + c.l);
}

static s64 signed_24(s32 value)
{
	return (s32)((u32)value << 8) >> 8;
}

static void products_of_24_bits(void)
{
	CASE("mul24.lo.u32 %x0, %x1, %x2;", INTEGERS, X32, (u64)(a.x & 0xffffff) * (b.x & 0xffffff));
	CASE("mul24.hi.u32 %x0, %x1, %x2;", INTEGERS, X32, (u64)(a.x & 0xffffff) * (b.x & 0xffffff) >> 16);
	CASE("mul24.lo.s32 %x0, %x1, %x2;", INTEGERS, X32, signed_24(a.sx) * signed_24(b.sx));
	CASE("mul24.hi.s32 %x0, %x1, %x2;", INTEGERS, X32, signed_24(a.sx) * signed_24(b.sx) >> 16);
	CASE("mad24.lo.s32 %x0, %x1, %x2, %x3;", INTEGERS, X32, signed_24(a.sx) * signed_24(b.sx) + c.x);
	CASE("mad24.hi.u32 %x0, %x1, %x2, %x3;", INTEGERS, X32, ((u64)(a.x & 0xffffff) * (b.x & 0xffffff) >> 16) + c.x);
	CASE("mad24.hi.sat.s32 %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     clamp((signed_24(a.sx) * signed_24(b.sx) >> 16) + c.sx, INT32_MIN, INT32_MAX));
}

static void order(void)
{
	CASE("min.u16 %h0, %h1, %h2;", INTEGERS, H16, SMALLER(a.h, b.h));
	CASE("max.s16 %h0, %h1, %h2;", INTEGERS, H16, LARGER(a.sh, b.sh));
	CASE("min.u32 %x0, %x1, %x2;", INTEGERS, X32, SMALLER(a.x, b.x));
	CASE("min.s32 %x0, %x1, %x2;", INTEGERS, X32, SMALLER(a.sx, b.sx));
	CASE("max.u32 %x0, %x1, %x2;", INTEGERS, X32, LARGER(a.x, b.x));
	CASE("max.s32 %x0, %x1, %x2;", INTEGERS, X32, LARGER(a.sx, b.sx));
	CASE("min.relu.s32 %x0, %x1, %x2;", INTEGERS, X32, POSITIVE(SMALLER(a.sx, b.sx)));
	CASE("max.relu.s32 %x0, %x1, %x2;", INTEGERS, X32, POSITIVE(LARGER(a.sx, b.sx)));
	CASE("min.s64 %l0, %l1, %l2;", INTEGERS, L64, SMALLER(a.sl, b.sl));
	CASE("max.u64 %l0, %l1, %l2;", INTEGERS, L64, LARGER(a.l, b.l));
	CASE("min.s16x2 %x0, %x1, %x2;", INTEGERS, X32, HALVES_OF(SMALLER(LOW(a), LOW(b)), SMALLER(HIGH(a), HIGH(b))));
	CASE("max.s16x2 %x0, %x1, %x2;", INTEGERS, X32, HALVES_OF(LARGER(LOW(a), LOW(b)), LARGER(HIGH(a), HIGH(b))));
	CASE("min.relu.s16x2 %x0, %x1, %x2;", INTEGERS, X32,
	     HALVES_OF(POSITIVE(SMALLER(LOW(a), LOW(b))), POSITIVE(SMALLER(HIGH(a), HIGH(b)))));
	CASE("max.relu.s16x2 %x0, %x1, %x2;", INTEGERS, X32,
	     HALVES_OF(POSITIVE(LARGER(LOW(a), LOW(b))), POSITIVE(LARGER(HIGH(a), HIGH(b)))));
	CASE("min.u16x2 %x0, %x1, %x2;", INTEGERS, X32,
	     HALVES_OF(SMALLER(UNSIGNED(LOW(a)), UNSIGNED(LOW(b))), SMALLER(UNSIGNED(HIGH(a)), UNSIGNED(HIGH(b)))));
	CASE("max.u16x2 %x0, %x1, %x2;", INTEGERS, X32,
	     HALVES_OF(LARGER(UNSIGNED(LOW(a)), UNSIGNED(LOW(b))), LARGER(UNSIGNED(HIGH(a)), UNSIGNED(HIGH(b)))));
	CASE("sad.u16 %h0, %h1, %h2, %h3;", INTEGERS, H16, c.h + (a.h < b.h ? b.h - a.h : a.h - b.h));
	CASE("sad.s32 %x0, %x1, %x2, %x3;", INTEGERS, X32, c.x + (a.sx < b.sx ? b.x - a.x : a.x - b.x));
	CASE("sad.u64 %l0, %l1, %l2, %l3;", INTEGERS, L64, c.l + (a.l < b.l ? b.l - a.l : a.l - b.l));
	CASE("abs.s16 %h0, %h1;", INTEGERS, H16, a.sh < 0 ? -a.sh : a.sh);
	CASE("abs.s32 %x0, %x1;", INTEGERS, X32, a.sx < 0 ? 0 - a.x : a.x);
	CASE("abs.s64 %l0, %l1;", INTEGERS, L64, a.sl < 0 ? 0 - a.l : a.l);
	CASE("neg.s32 %x0, %x1;", INTEGERS, X32, 0 - a.x);
	CASE("neg.s64 %l0, %l1;", INTEGERS, L64, 0 - a.l);
}

/* By zero: all ones. */
#define QUOTIENT(x, y) ((y) ? (x) / ((y) ? (y) : 1) : ~(u64)0)
#define REMAINDER(x, y) ((y) ? (x) % ((y) ? (y) : 1) : ~(u64)0)
#define SIGNED_QUOTIENT(x, y) ((y) == -1 ? 0 - (u64)(x) : (u64)QUOTIENT((s128)(x), (s128)(y)))
#define SIGNED_REMAINDER(x, y) ((y) == -1 ? 0 : (u64)REMAINDER((s128)(x), (s128)(y)))

static void division(void)
{
	CASE("div.u16 %h0, %h1, %h2;", INTEGERS, H16, QUOTIENT(a.h, b.h));
	CASE("div.u32 %x0, %x1, %x2;", INTEGERS, X32, QUOTIENT(a.x, b.x));
	CASE("div.s32 %x0, %x1, %x2;", INTEGERS, X32, SIGNED_QUOTIENT(a.sx, b.sx));
	CASE("div.u64 %l0, %l1, %l2;", INTEGERS, L64, QUOTIENT(a.l, b.l));
	CASE("div.s64 %l0, %l1, %l2;", INTEGERS, L64, SIGNED_QUOTIENT(a.sl, b.sl));
	CASE("rem.u32 %x0, %x1, %x2;", INTEGERS, X32, REMAINDER(a.x, b.x));
	CASE("rem.s32 %x0, %x1, %x2;", INTEGERS, X32, SIGNED_REMAINDER(a.sx, b.sx));
	CASE("rem.u64 %l0, %l1, %l2;", INTEGERS, L64, REMAINDER(a.l, b.l));
	CASE("rem.s64 %l0, %l1, %l2;", INTEGERS, L64, SIGNED_REMAINDER(a.sl, b.sl));
}

/* The flag of a chain, added to the result of the instruction behind. */
static void carries(void)
{
	CASE("add.cc.u32 %x4, %x1, %x2; addc.u32 %x0, %x3, %x4;", INTEGERS, X32,
	     c.x + (a.x + b.x) + ((u64)a.x + b.x > UINT32_MAX));
	CASE("sub.cc.u32 %x4, %x1, %x2; subc.u32 %x0, %x3, %x4;", INTEGERS, X32, c.x - (a.x - b.x) - (a.x < b.x));
	CASE("add.cc.u64 %l4, %l1, %l2; addc.u64 %l0, %l3, 0;", INTEGERS, L64, c.l + (a.l + b.l < a.l));
	CASE("add.cc.s64 %l4, %l1, %l2; addc.cc.s64 %l5, %l3, %l3; addc.u64 %l0, 0, 0;", INTEGERS, L64,
	     ((u128)c.l * 2 + (a.l + b.l < a.l)) >> 64);
	CASE("sub.cc.u64 %l4, %l1, %l2; subc.cc.u64 %l5, %l3, %l2; subc.u64 %l0, %l4, 0;", INTEGERS, L64,
	     a.l - b.l - ((u128)c.l < (u128)b.l + (a.l < b.l)));
	CASE("mad.lo.cc.u32 %x4, %x1, %x2, %x3; madc.hi.u32 %x0, %x1, %x2, 0;", INTEGERS, X32,
	     ((u64)a.x * b.x + c.x) >> 32);
	CASE("mad.lo.cc.u64 %l4, %l1, %l2, %l3; madc.hi.u64 %l0, %l1, %l2, 0;", INTEGERS, L64,
	     ((u128)a.l * b.l + c.l) >> 64);
	CASE("mad.lo.cc.u32 %x4, %x1, %x2, %x3; madc.hi.cc.u32 %x5, %x1, %x2, %x3; addc.u32 %x0, 0, 0;", INTEGERS, X32,
	     ((u128)a.x * b.x + c.x + ((u128)c.x << 32)) >> 64);
}

static s64 byte_of(const struct operand *value, int n, bool is_signed)
{
	return is_signed ? (s8)(value->x >> 8 * n) : (s64)(u8)(value->x >> 8 * n);
}

static s64 half_of(const struct operand *value, int n, bool is_signed)
{
	return is_signed ? (s16)(value->x >> 16 * n) : (s64)(u16)(value->x >> 16 * n);
}

static u64 dot4(struct operand a, struct operand b, struct operand c, bool a_signed, bool b_signed)
{
	u64 sum = c.x;

	for (int i = 0; i < 4; i++)
		sum += (u64)(byte_of(&a, i, a_signed) * byte_of(&b, i, b_signed));
	return sum;
}

static u64 dot2(struct operand a, struct operand b, struct operand c, bool a_signed, bool b_signed, int first)
{
	u64 sum = c.x;

	for (int i = 0; i < 2; i++)
		sum += (u64)(half_of(&a, i, a_signed) * byte_of(&b, first + i, b_signed));
	return sum;
}

static void dot_products(void)
{
	CASE("dp4a.u32.u32 %x0, %x1, %x2, %x3;", INTEGERS, X32, dot4(a, b, c, false, false));
	CASE("dp4a.u32.s32 %x0, %x1, %x2, %x3;", INTEGERS, X32, dot4(a, b, c, false, true));
	CASE("dp4a.s32.u32 %x0, %x1, %x2, %x3;", INTEGERS, X32, dot4(a, b, c, true, false));
	CASE("dp4a.s32.s32 %x0, %x1, %x2, %x3;", INTEGERS, X32, dot4(a, b, c, true, true));
	CASE("dp2a.lo.u32.u32 %x0, %x1, %x2, %x3;", INTEGERS, X32, dot2(a, b, c, false, false, 0));
	CASE("dp2a.lo.s32.u32 %x0, %x1, %x2, %x3;", INTEGERS, X32, dot2(a, b, c, true, false, 0));
	CASE("dp2a.hi.u32.s32 %x0, %x1, %x2, %x3;", INTEGERS, X32, dot2(a, b, c, false, true, 2));
	CASE("dp2a.hi.s32.s32 %x0, %x1, %x2, %x3;", INTEGERS, X32, dot2(a, b, c, true, true, 2));
}

void conform_integers(void)
{
	sums_and_products();
	products_of_24_bits();
	order();
	division();
	carries();
	dot_products();
}
