/* f16 and bf16 arithmetic, and pairs of them: rounded once from the exact value. */
#include "conform.h"

static u32 flush(const struct format *format, u32 bits)
{
	return (bits & 0x7fff) >> format->fraction ? bits : bits & 0x8000;
}

/* Halves of a pair: `low` of the lower ones, and the same of the upper. */
typedef u32 (*binary_fn)(const struct format *format, u32 a, u32 b);
typedef u32 (*ternary_fn)(const struct format *format, u32 a, u32 b, u32 c);

static u64 both(const struct format *format, binary_fn function, u32 a, u32 b)
{
	return (function(format, a & 0xffff, b & 0xffff) & 0xffff) | (u64)function(format, a >> 16, b >> 16) << 16;
}

static u64 all(const struct format *format, ternary_fn function, u32 a, u32 b, u32 c)
{
	return (function(format, a & 0xffff, b & 0xffff, c & 0xffff) & 0xffff) |
	       (u64)function(format, a >> 16, b >> 16, c >> 16) << 16;
}

#define VALUE(bits) ((long double)format_value(format, bits))

/* Cut off, with a last bit that says whether that was exact: rounding once more gives the correctly rounded sum. */
static long double sum_to_odd(long double a, long double b)
{
	volatile long double x = a, y = b, result;

	feclearexcept(FE_INEXACT);
	fesetround(FE_TOWARDZERO);
	result = x + y;
	fesetround(FE_TONEAREST);
	if (fetestexcept(FE_INEXACT))
		*(volatile unsigned char *)&result |= 1;
	return result;
}

static u32 sum(const struct format *format, u32 a, u32 b)
{
	return format_round(format, sum_to_odd(VALUE(a), VALUE(b)));
}

static u32 difference(const struct format *format, u32 a, u32 b)
{
	return format_round(format, sum_to_odd(VALUE(a), -VALUE(b)));
}

static u32 product(const struct format *format, u32 a, u32 b)
{
	return format_round(format, VALUE(a) * VALUE(b));
}

static u32 fused(const struct format *format, u32 a, u32 b, u32 c)
{
	return format_round(format, sum_to_odd(VALUE(a) * VALUE(b), VALUE(c)));
}

static u32 positive(const struct format *format, u32 bits)
{
	return (bits & 0x7fff) > format->infinity ? bits : bits & 0x8000 ? 0 : bits;
}

static u32 fused_relu(const struct format *format, u32 a, u32 b, u32 c)
{
	return positive(format, fused(format, a, b, c));
}

static u32 saturated(const struct format *format, u32 bits)
{
	double value = format_value(format, bits);

	return format_round(format, value > 0 ? (value < 1 ? value : 1) : 0);
}

static u32 smaller(const struct format *format, u32 a, u32 b)
{
	double x = format_value(format, a), y = format_value(format, b);

	if (isnan(x) || isnan(y))
		return isnan(x) ? b : a;
	return x == y ? a | b : x < y ? a : b;
}

static u32 larger(const struct format *format, u32 a, u32 b)
{
	return smaller(format, a ^ 0x8000, b ^ 0x8000) ^ 0x8000;
}

static u32 or_nan(const struct format *format, u32 a, u32 b, u32 value)
{
	return isnan(format_value(format, a)) || isnan(format_value(format, b)) ? 0x7fff : value;
}

static u32 larger_or_nan(const struct format *format, u32 a, u32 b)
{
	return or_nan(format, a, b, larger(format, a, b));
}

static u32 smaller_magnitude(const struct format *format, u32 a, u32 b)
{
	return smaller(format, a & 0x7fff, b & 0x7fff) | ((a ^ b) & 0x8000);
}

static void f16(void)
{
	const struct format *format = &half;

	CASE("add.f16 %h0, %h1, %h2;", HALVES, F16, sum(format, a.h, b.h));
	CASE("add.ftz.f16 %h0, %h1, %h2;", HALVES, F16,
	     flush(format, sum(format, flush(format, a.h), flush(format, b.h))));
	CASE("add.rn.sat.f16 %h0, %h1, %h2;", HALVES, F16, saturated(format, sum(format, a.h, b.h)));
	CASE("sub.f16 %h0, %h1, %h2;", HALVES, F16, difference(format, a.h, b.h));
	CASE("mul.f16 %h0, %h1, %h2;", HALVES, F16, product(format, a.h, b.h));
	CASE("fma.rn.f16 %h0, %h1, %h2, %h3;", HALVES, F16, fused(format, a.h, b.h, c.h));
	CASE("fma.rn.relu.f16 %h0, %h1, %h2, %h3;", HALVES, F16, fused_relu(format, a.h, b.h, c.h));
	CASE("fma.rn.sat.f16 %h0, %h1, %h2, %h3;", HALVES, F16, saturated(format, fused(format, a.h, b.h, c.h)));
	CASE("min.f16 %h0, %h1, %h2;", HALVES, F16, smaller(format, a.h, b.h));
	CASE("max.f16 %h0, %h1, %h2;", HALVES, F16, larger(format, a.h, b.h));
	CASE("max.NaN.f16 %h0, %h1, %h2;", HALVES, F16, larger_or_nan(format, a.h, b.h));
	CASE("min.ftz.f16 %h0, %h1, %h2;", HALVES, F16, smaller(format, flush(format, a.h), flush(format, b.h)));
	CASE("min.xorsign.abs.f16 %h0, %h1, %h2;", HALVES, F16, smaller_magnitude(format, a.h, b.h));
	CASE("neg.f16 %h0, %h1;", HALVES, F16, a.h ^ 0x8000);
	CASE("abs.f16 %h0, %h1;", HALVES, F16, a.h & 0x7fff);
	CASE("abs.ftz.f16 %h0, %h1;", HALVES, F16, flush(format, a.h) & 0x7fff);
	CASE("ex2.approx.f16 %h0, %h1;", HALVES, F16, format_round(format, exp2(format_value(format, a.h))));
	CASE("tanh.approx.f16 %h0, %h1;", HALVES, F16, format_round(format, tanh(format_value(format, a.h))));
}

static void f16x2(void)
{
	const struct format *format = &half;

	CASE("add.f16x2 %x0, %x1, %x2;", HALVES, F16X2, both(format, sum, a.x, b.x));
	CASE("sub.f16x2 %x0, %x1, %x2;", HALVES, F16X2, both(format, difference, a.x, b.x));
	CASE("mul.rn.f16x2 %x0, %x1, %x2;", HALVES, F16X2, both(format, product, a.x, b.x));
	CASE("fma.rn.f16x2 %x0, %x1, %x2, %x3;", HALVES, F16X2, all(format, fused, a.x, b.x, c.x));
	CASE("fma.rn.relu.f16x2 %x0, %x1, %x2, %x3;", HALVES, F16X2, all(format, fused_relu, a.x, b.x, c.x));
	CASE("min.f16x2 %x0, %x1, %x2;", HALVES, F16X2, both(format, smaller, a.x, b.x));
	CASE("max.NaN.f16x2 %x0, %x1, %x2;", HALVES, F16X2, both(format, larger_or_nan, a.x, b.x));
	CASE("min.xorsign.abs.f16x2 %x0, %x1, %x2;", HALVES, F16X2, both(format, smaller_magnitude, a.x, b.x));
	CASE("neg.f16x2 %x0, %x1;", HALVES, F16X2, a.x ^ 0x80008000);
	CASE("abs.f16x2 %x0, %x1;", HALVES, F16X2, a.x & 0x7fff7fff);
}

static void bf16(void)
{
	const struct format *format = &brain;

	CASE("add.bf16 %h0, %h1, %h2;", BRAINS, BF16, sum(format, a.h, b.h));
	CASE("sub.rn.bf16 %h0, %h1, %h2;", BRAINS, BF16, difference(format, a.h, b.h));
	CASE("mul.bf16 %h0, %h1, %h2;", BRAINS, BF16, product(format, a.h, b.h));
	CASE("fma.rn.bf16 %h0, %h1, %h2, %h3;", BRAINS, BF16, fused(format, a.h, b.h, c.h));
	CASE("fma.rn.relu.bf16 %h0, %h1, %h2, %h3;", BRAINS, BF16, fused_relu(format, a.h, b.h, c.h));
	CASE("min.bf16 %h0, %h1, %h2;", BRAINS, BF16, smaller(format, a.h, b.h));
	CASE("max.NaN.bf16 %h0, %h1, %h2;", BRAINS, BF16, larger_or_nan(format, a.h, b.h));
	CASE("min.xorsign.abs.bf16 %h0, %h1, %h2;", BRAINS, BF16, smaller_magnitude(format, a.h, b.h));
	CASE("neg.bf16 %h0, %h1;", BRAINS, BF16, a.h ^ 0x8000);
	CASE("ex2.approx.ftz.bf16 %h0, %h1;", BRAINS, BF16,
	     flush(format, format_round(format, exp2(format_value(format, flush(format, a.h))))));
	CASE("tanh.approx.bf16 %h0, %h1;", BRAINS, BF16, format_round(format, tanh(format_value(format, a.h))));
	CASE("add.bf16x2 %x0, %x1, %x2;", BRAINS, BF16X2, both(format, sum, a.x, b.x));
	CASE("mul.bf16x2 %x0, %x1, %x2;", BRAINS, BF16X2, both(format, product, a.x, b.x));
	CASE("fma.rn.bf16x2 %x0, %x1, %x2, %x3;", BRAINS, BF16X2, all(format, fused, a.x, b.x, c.x));
	CASE("max.bf16x2 %x0, %x1, %x2;", BRAINS, BF16X2, both(format, larger, a.x, b.x));
	CASE("abs.bf16x2 %x0, %x1;", BRAINS, BF16X2, a.x & 0x7fff7fff);
}

void conform_halves(void)
{
	f16();
	f16x2();
	bf16();
}
