/* setp, set, testp. */
#include "conform.h"

static bool unordered(double a, double b)
{
	return isnan(a) || isnan(b);
}

static void integers(void)
{
	CASE("setp.eq.u16 %p0, %h1, %h2;", INTEGERS, P1, a.h == b.h);
	CASE("setp.lt.s16 %p0, %h1, %h2;", INTEGERS, P1, a.sh < b.sh);
	CASE("setp.ne.b32 %p0, %x1, %x2;", INTEGERS, P1, a.x != b.x);
	CASE("setp.lt.u32 %p0, %x1, %x2;", INTEGERS, P1, a.x < b.x);
	CASE("setp.le.s32 %p0, %x1, %x2;", INTEGERS, P1, a.sx <= b.sx);
	CASE("setp.hi.u32 %p0, %x1, %x2;", INTEGERS, P1, a.x > b.x);
	CASE("setp.hs.u64 %p0, %l1, %l2;", INTEGERS, P1, a.l >= b.l);
	CASE("setp.lo.u16 %p0, %h1, %h2;", INTEGERS, P1, a.h < b.h);
	CASE("setp.ls.u32 %p0, %x1, %x2;", INTEGERS, P1, a.x <= b.x);
	CASE("setp.gt.s64 %p0, %l1, %l2;", INTEGERS, P1, a.sl > b.sl);
	CASE("setp.ge.s64 %p0, %l1, %l2;", INTEGERS, P1, a.sl >= b.sl);
	CASE("setp.eq.u32 %p2, %x3, 0; setp.lt.and.s32 %p0|%p1, %x1, %x2, %p2;", INTEGERS, P1, a.sx < b.sx && !c.x);
	CASE("setp.eq.u32 %p2, %x3, 0; setp.lt.or.s32 %p1|%p0, %x1, %x2, !%p2;", INTEGERS, P1, !(a.sx < b.sx) || c.x);
	CASE("setp.eq.u32 %p2, %x3, 0; setp.ge.xor.u64 %p0, %l1, %l2, %p2;", INTEGERS, P1, (a.l >= b.l) != !c.x);
}

static void singles(void)
{
	CASE("setp.eq.f32 %p0, %f1, %f2;", SINGLES, P1, a.f == b.f);
	CASE("setp.ne.f32 %p0, %f1, %f2;", SINGLES, P1, a.f < b.f || a.f > b.f);
	CASE("setp.lt.f32 %p0, %f1, %f2;", SINGLES, P1, a.f < b.f);
	CASE("setp.le.f32 %p0, %f1, %f2;", SINGLES, P1, a.f <= b.f);
	CASE("setp.gt.f32 %p0, %f1, %f2;", SINGLES, P1, a.f > b.f);
	CASE("setp.ge.f32 %p0, %f1, %f2;", SINGLES, P1, a.f >= b.f);
	CASE("setp.equ.f32 %p0, %f1, %f2;", SINGLES, P1, a.f == b.f || unordered(a.f, b.f));
	CASE("setp.neu.f32 %p0, %f1, %f2;", SINGLES, P1, a.f != b.f);
	CASE("setp.ltu.f32 %p0, %f1, %f2;", SINGLES, P1, a.f < b.f || unordered(a.f, b.f));
	CASE("setp.leu.f32 %p0, %f1, %f2;", SINGLES, P1, a.f <= b.f || unordered(a.f, b.f));
	CASE("setp.gtu.f32 %p0, %f1, %f2;", SINGLES, P1, a.f > b.f || unordered(a.f, b.f));
	CASE("setp.geu.f32 %p0, %f1, %f2;", SINGLES, P1, a.f >= b.f || unordered(a.f, b.f));
	CASE("setp.num.f32 %p0, %f1, %f2;", SINGLES, P1, !unordered(a.f, b.f));
	CASE("setp.nan.f32 %p0, %f1, %f2;", SINGLES, P1, unordered(a.f, b.f));
	CASE("setp.eq.ftz.f32 %p0, %f1, %f2;", SINGLES, P1, flushed(a.f) == flushed(b.f));
	CASE("setp.lt.ftz.f32 %p0, %f1, %f2;", SINGLES, P1, flushed(a.f) < flushed(b.f));
	CASE("setp.ltu.f64 %p0, %d1, %d2;", DOUBLES, P1, !(a.d >= b.d));
	CASE("setp.ne.f64 %p0, %d1, %d2;", DOUBLES, P1, a.d < b.d || a.d > b.d);
	CASE("setp.num.f64 %p0, %d1, %d2;", DOUBLES, P1, !unordered(a.d, b.d));
}

static double low(const struct format *format, struct operand value)
{
	return format_value(format, value.h);
}

static double high(const struct format *format, struct operand value)
{
	return format_value(format, value.x >> 16);
}

static double flush_low(struct operand value)
{
	return value.h & half.infinity ? low(&half, value) : copysign(0, low(&half, value));
}

static void halves(void)
{
	CASE("setp.lt.f16 %p0, %h1, %h2;", HALVES, P1, low(&half, a) < low(&half, b));
	CASE("setp.neu.f16 %p0, %h1, %h2;", HALVES, P1, low(&half, a) != low(&half, b));
	CASE("setp.eq.ftz.f16 %p0, %h1, %h2;", HALVES, P1, flush_low(a) == flush_low(b));
	CASE("setp.ge.bf16 %p0, %h1, %h2;", BRAINS, P1, low(&brain, a) >= low(&brain, b));
	CASE("setp.gt.f16x2 %p1|%p0, %x1, %x2;", HALVES, P1, high(&half, a) > high(&half, b));
	CASE("setp.leu.f16x2 %p0|%p1, %x1, %x2;", HALVES, P1, !(low(&half, a) > low(&half, b)));
	CASE("setp.nan.bf16x2 %p1|%p0, %x1, %x2;", BRAINS, P1, unordered(high(&brain, a), high(&brain, b)));
	CASE("setp.eq.u32 %p2, %x3, 0; setp.lt.or.f16x2 %p0|%p1, %x1, %x2, %p2;", HALVES, P1,
	     low(&half, a) < low(&half, b) || !c.x);
}

#define ALL UINT32_MAX

static void sets(void)
{
	CASE("set.lt.u32.s32 %x0, %x1, %x2;", INTEGERS, X32, a.sx < b.sx ? ALL : 0);
	CASE("set.gt.f32.u32 %f0, %x1, %x2;", INTEGERS, F32, bits_f32(a.x > b.x));
	CASE("set.eq.s32.f64 %x0, %d1, %d2;", DOUBLES, X32, a.d == b.d ? ALL : 0);
	CASE("set.ltu.ftz.f32.f32 %f0, %f1, %f2;", SINGLES, F32, bits_f32(!(flushed(a.f) >= flushed(b.f))));
	CASE("setp.eq.u32 %p1, %x3, 0; set.ge.and.u32.s64 %x0, %l1, %l2, %p1;", INTEGERS, X32,
	     a.sl >= b.sl && !c.x ? ALL : 0);
	CASE("set.lt.f16.f16 %h0, %h1, %h2;", HALVES, F16, low(&half, a) < low(&half, b) ? 0x3c00 : 0);
	CASE("set.ne.u16.f16 %h0, %h1, %h2;", HALVES, H16,
	     low(&half, a) < low(&half, b) || low(&half, a) > low(&half, b) ? 0xffff : 0);
	CASE("set.eq.f16x2.f16x2 %x0, %x1, %x2;", HALVES, X32,
	     (low(&half, a) == low(&half, b) ? 0x3c00u : 0) | (high(&half, a) == high(&half, b) ? 0x3c000000u : 0));
	CASE("set.gt.bf16x2.bf16x2 %x0, %x1, %x2;", BRAINS, X32,
	     (low(&brain, a) > low(&brain, b) ? 0x3f80u : 0) | (high(&brain, a) > high(&brain, b) ? 0x3f800000u : 0));
	CASE("set.le.bf16.bf16 %h0, %h1, %h2;", BRAINS, BF16, low(&brain, a) <= low(&brain, b) ? 0x3f80 : 0);
}

static void classes(void)
{
	CASE("testp.finite.f32 %p0, %f1;", SINGLES, P1, isfinite(a.f));
	CASE("testp.infinite.f32 %p0, %f1;", SINGLES, P1, isinf(a.f));
	CASE("testp.number.f32 %p0, %f1;", SINGLES, P1, !isnan(a.f));
	CASE("testp.notanumber.f32 %p0, %f1;", SINGLES, P1, isnan(a.f));
	CASE("testp.normal.f32 %p0, %f1;", SINGLES, P1, isnormal(a.f) || a.f == 0);
	CASE("testp.subnormal.f32 %p0, %f1;", SINGLES, P1, fpclassify(a.f) == FP_SUBNORMAL);
	CASE("testp.finite.f64 %p0, %d1;", DOUBLES, P1, isfinite(a.d));
	CASE("testp.infinite.f64 %p0, %d1;", DOUBLES, P1, isinf(a.d));
	CASE("testp.number.f64 %p0, %d1;", DOUBLES, P1, !isnan(a.d));
	CASE("testp.notanumber.f64 %p0, %d1;", DOUBLES, P1, isnan(a.d));
	CASE("testp.normal.f64 %p0, %d1;", DOUBLES, P1, isnormal(a.d) || a.d == 0);
	CASE("testp.subnormal.f64 %p0, %d1;", DOUBLES, P1, fpclassify(a.d) == FP_SUBNORMAL);
}

void conform_comparisons(void)
{
	integers();
	singles();
	halves();
	sets();
	classes();
}
