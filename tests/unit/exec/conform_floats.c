/* f32 and f64 arithmetic. */
#include "conform.h"

/* A compiler that knows the operands of a constant expression would round to nearest. */
static __attribute__((noinline)) float add(float a, float b)
{
	return a + b;
}

static __attribute__((noinline)) float multiply(float a, float b)
{
	return a * b;
}

static __attribute__((noinline)) float divide(float a, float b)
{
	return a / b;
}

static __attribute__((noinline)) double add_f64(double a, double b)
{
	return a + b;
}

static __attribute__((noinline)) double divide_f64(double a, double b)
{
	return a / b;
}

static float saturated(float value)
{
	return value > 0 ? (value < 1 ? value : 1) : 0;
}

static void sums(void)
{
	CASE("add.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(a.f + b.f));
	CASE("add.rz.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(ROUNDED(FE_TOWARDZERO, add(a.f, b.f))));
	CASE("add.rm.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(ROUNDED(FE_DOWNWARD, add(a.f, b.f))));
	CASE("add.rp.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(ROUNDED(FE_UPWARD, add(a.f, b.f))));
	CASE("add.ftz.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(flushed(flushed(a.f) + flushed(b.f))));
	CASE("add.sat.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(saturated(a.f + b.f)));
	CASE("add.rp.ftz.sat.f32 %f0, %f1, %f2;", SINGLES, F32,
	     bits_f32(saturated(flushed(ROUNDED(FE_UPWARD, add(flushed(a.f), flushed(b.f)))))));
	CASE("sub.rn.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(a.f - b.f));
	CASE("sub.rm.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(ROUNDED(FE_DOWNWARD, add(a.f, -b.f))));
	CASE("mul.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(a.f * b.f));
	CASE("mul.rz.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(ROUNDED(FE_TOWARDZERO, multiply(a.f, b.f))));
	CASE("mul.rp.ftz.f32 %f0, %f1, %f2;", SINGLES, F32,
	     bits_f32(flushed(ROUNDED(FE_UPWARD, multiply(flushed(a.f), flushed(b.f))))));
	CASE("mul.sat.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(saturated(a.f * b.f)));
	CASE("fma.rn.f32 %f0, %f1, %f2, %f3;", SINGLES, F32, bits_f32(fmaf(a.f, b.f, c.f)));
	CASE("fma.rz.f32 %f0, %f1, %f2, %f3;", SINGLES, F32, bits_f32(ROUNDED(FE_TOWARDZERO, fmaf(a.f, b.f, c.f))));
	CASE("fma.rp.f32 %f0, %f1, %f2, %f3;", SINGLES, F32, bits_f32(ROUNDED(FE_UPWARD, fmaf(a.f, b.f, c.f))));
	CASE("fma.rm.sat.f32 %f0, %f1, %f2, %f3;", SINGLES, F32,
	     bits_f32(saturated(ROUNDED(FE_DOWNWARD, fmaf(a.f, b.f, c.f)))));
	CASE("mad.rn.ftz.f32 %f0, %f1, %f2, %f3;", SINGLES, F32,
	     bits_f32(flushed(fmaf(flushed(a.f), flushed(b.f), flushed(c.f)))));
	CASE("div.rn.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(a.f / b.f));
	CASE("div.rm.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(ROUNDED(FE_DOWNWARD, divide(a.f, b.f))));
	CASE("div.rp.ftz.f32 %f0, %f1, %f2;", SINGLES, F32,
	     bits_f32(flushed(ROUNDED(FE_UPWARD, divide(flushed(a.f), flushed(b.f))))));
	CASE("rcp.rn.f32 %f0, %f1;", SINGLES, F32, bits_f32(1 / a.f));
	CASE("rcp.rz.f32 %f0, %f1;", SINGLES, F32, bits_f32(ROUNDED(FE_TOWARDZERO, divide(1, a.f))));
	CASE("sqrt.rn.f32 %f0, %f1;", SINGLES, F32, bits_f32(sqrtf(a.f)));
	CASE("sqrt.rp.ftz.f32 %f0, %f1;", SINGLES, F32, bits_f32(flushed(ROUNDED(FE_UPWARD, sqrtf(flushed(a.f))))));
}

/* Approximations are as good as libm. */
static void approximations(void)
{
	CASE("div.full.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(a.f / b.f));
	CASE("div.approx.ftz.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(flushed(flushed(a.f) / flushed(b.f))));
	CASE("rcp.approx.ftz.f32 %f0, %f1;", SINGLES, F32, bits_f32(flushed(1 / flushed(a.f))));
	CASE("sqrt.approx.f32 %f0, %f1;", SINGLES, F32, bits_f32(sqrtf(a.f)));
	CASE("rsqrt.approx.f32 %f0, %f1;", SINGLES, F32, bits_f32((float)(1 / sqrt((double)a.f))));
	CASE("sin.approx.f32 %f0, %f1;", SINGLES, F32, bits_f32(sinf(a.f)));
	CASE("cos.approx.ftz.f32 %f0, %f1;", SINGLES, F32, bits_f32(flushed(cosf(flushed(a.f)))));
	CASE("lg2.approx.f32 %f0, %f1;", SINGLES, F32, bits_f32(log2f(a.f)));
	CASE("ex2.approx.ftz.f32 %f0, %f1;", SINGLES, F32, bits_f32(flushed(exp2f(flushed(a.f)))));
	CASE("tanh.approx.f32 %f0, %f1;", SINGLES, F32, bits_f32(tanhf(a.f)));
	CASE("rsqrt.approx.f64 %d0, %d1;", DOUBLES, F64, bits_f64(1 / sqrt(a.d)));
	CASE("rcp.approx.ftz.f64 %d0, %d1;", DOUBLES, F64,
	     bits_f64(fabs(a.d) < 0x1p-1022       ? copysign(INFINITY, a.d)
		      : fabs(1 / a.d) < 0x1p-1022 ? copysign(0, a.d)
						  : 1 / a.d));
}

/* A number wins over NaN, and -0 is less than 0. */
static float smaller(float a, float b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) ? b : a;
	return a == b ? (signbit(a) ? a : b) : a < b ? a : b;
}

static float larger(float a, float b)
{
	return -smaller(-a, -b);
}

static double smaller_f64(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) ? b : a;
	return a == b ? (signbit(a) ? a : b) : a < b ? a : b;
}

static float or_nan(float a, float b, float value)
{
	return isnan(a) || isnan(b) ? NAN : value;
}

static float with_sign(float value, float a, float b)
{
	return copysignf(value, !signbit(a) != !signbit(b) ? -1 : 1);
}

static void choices(void)
{
	CASE("min.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(smaller(a.f, b.f)));
	CASE("max.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(larger(a.f, b.f)));
	CASE("min.ftz.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(smaller(flushed(a.f), flushed(b.f))));
	CASE("min.NaN.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(or_nan(a.f, b.f, smaller(a.f, b.f))));
	CASE("max.ftz.NaN.f32 %f0, %f1, %f2;", SINGLES, F32,
	     bits_f32(or_nan(a.f, b.f, larger(flushed(a.f), flushed(b.f)))));
	CASE("min.xorsign.abs.f32 %f0, %f1, %f2;", SINGLES, F32,
	     bits_f32(with_sign(smaller(fabsf(a.f), fabsf(b.f)), a.f, b.f)));
	CASE("max.xorsign.abs.f32 %f0, %f1, %f2;", SINGLES, F32,
	     bits_f32(with_sign(larger(fabsf(a.f), fabsf(b.f)), a.f, b.f)));
	CASE("max.ftz.NaN.xorsign.abs.f32 %f0, %f1, %f2;", SINGLES, F32,
	     bits_f32(or_nan(a.f, b.f, with_sign(larger(fabsf(flushed(a.f)), fabsf(flushed(b.f))), a.f, b.f))));
	CASE("min.f64 %d0, %d1, %d2;", DOUBLES, F64, bits_f64(smaller_f64(a.d, b.d)));
	CASE("max.f64 %d0, %d1, %d2;", DOUBLES, F64, bits_f64(-smaller_f64(-a.d, -b.d)));
	CASE("abs.f32 %f0, %f1;", SINGLES, F32, bits_f32(fabsf(a.f)));
	CASE("abs.ftz.f32 %f0, %f1;", SINGLES, F32, bits_f32(fabsf(flushed(a.f))));
	CASE("neg.f32 %f0, %f1;", SINGLES, F32, bits_f32(-a.f));
	CASE("neg.ftz.f32 %f0, %f1;", SINGLES, F32, bits_f32(-flushed(a.f)));
	CASE("abs.f64 %d0, %d1;", DOUBLES, F64, bits_f64(fabs(a.d)));
	CASE("neg.f64 %d0, %d1;", DOUBLES, F64, bits_f64(-a.d));
	CASE("copysign.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(copysignf(b.f, a.f)));
	CASE("copysign.f64 %d0, %d1, %d2;", DOUBLES, F64, bits_f64(copysign(b.d, a.d)));
}

static void doubles(void)
{
	CASE("add.f64 %d0, %d1, %d2;", DOUBLES, F64, bits_f64(a.d + b.d));
	CASE("add.rm.f64 %d0, %d1, %d2;", DOUBLES, F64, bits_f64(ROUNDED(FE_DOWNWARD, add_f64(a.d, b.d))));
	CASE("sub.rp.f64 %d0, %d1, %d2;", DOUBLES, F64, bits_f64(ROUNDED(FE_UPWARD, add_f64(a.d, -b.d))));
	CASE("mul.rn.f64 %d0, %d1, %d2;", DOUBLES, F64, bits_f64(a.d * b.d));
	CASE("fma.rn.f64 %d0, %d1, %d2, %d3;", DOUBLES, F64, bits_f64(fma(a.d, b.d, c.d)));
	CASE("fma.rz.f64 %d0, %d1, %d2, %d3;", DOUBLES, F64, bits_f64(ROUNDED(FE_TOWARDZERO, fma(a.d, b.d, c.d))));
	CASE("mad.rp.f64 %d0, %d1, %d2, %d3;", DOUBLES, F64, bits_f64(ROUNDED(FE_UPWARD, fma(a.d, b.d, c.d))));
	CASE("div.rn.f64 %d0, %d1, %d2;", DOUBLES, F64, bits_f64(a.d / b.d));
	CASE("div.rz.f64 %d0, %d1, %d2;", DOUBLES, F64, bits_f64(ROUNDED(FE_TOWARDZERO, divide_f64(a.d, b.d))));
	CASE("rcp.rp.f64 %d0, %d1;", DOUBLES, F64, bits_f64(ROUNDED(FE_UPWARD, divide_f64(1, a.d))));
	CASE("sqrt.rm.f64 %d0, %d1;", DOUBLES, F64, bits_f64(ROUNDED(FE_DOWNWARD, sqrt(a.d))));
}

void conform_floats(void)
{
	sums();
	approximations();
	choices();
	doubles();
}
