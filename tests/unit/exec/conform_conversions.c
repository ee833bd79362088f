/* cvt. */
#include "conform.h"

static s128 clamp(s128 value, s128 low, s128 high)
{
	return value < low ? low : value > high ? high : value;
}

static void integers(void)
{
	CASE("cvt.u8.u32 %x0, %x1;", INTEGERS, X32, (u8)a.x);
	CASE("cvt.s8.s32 %x0, %x1;", INTEGERS, X32, (s8)a.x);
	CASE("cvt.s16.s8 %h0, %h1;", INTEGERS, H16, (s8)a.x);
	CASE("cvt.u32.s16 %x0, %h1;", INTEGERS, X32, a.sh);
	CASE("cvt.u32.u16 %x0, %h1;", INTEGERS, X32, a.h);
	CASE("cvt.s64.s32 %l0, %x1;", INTEGERS, L64, (s64)a.sx);
	CASE("cvt.u64.s32 %l0, %x1;", INTEGERS, L64, (s64)a.sx);
	CASE("cvt.s64.u32 %l0, %x1;", INTEGERS, L64, a.x);
	CASE("cvt.u32.u64 %x0, %l1;", INTEGERS, X32, a.x);
	CASE("cvt.sat.u8.s32 %x0, %x1;", INTEGERS, X32, clamp(a.sx, 0, UINT8_MAX));
	CASE("cvt.sat.s8.u32 %x0, %x1;", INTEGERS, X32, clamp(a.x, INT8_MIN, INT8_MAX));
	CASE("cvt.sat.s16.s64 %h0, %l1;", INTEGERS, H16, clamp(a.sl, INT16_MIN, INT16_MAX));
	CASE("cvt.sat.u32.s32 %x0, %x1;", INTEGERS, X32, clamp(a.sx, 0, UINT32_MAX));
	CASE("cvt.sat.s32.u64 %x0, %l1;", INTEGERS, X32, clamp(a.l, INT32_MIN, INT32_MAX));
	CASE("cvt.sat.u64.s64 %l0, %l1;", INTEGERS, L64, clamp(a.sl, 0, UINT64_MAX));
	CASE("cvt.sat.s64.u64 %l0, %l1;", INTEGERS, L64, clamp(a.l, INT64_MIN, INT64_MAX));
}

static __attribute__((noinline)) float single_of(s64 value)
{
	return (float)value;
}

static __attribute__((noinline)) float single_of_unsigned(u64 value)
{
	return (float)value;
}

static __attribute__((noinline)) double double_of(u64 value)
{
	return (double)value;
}

static __attribute__((noinline)) float narrowed(double value)
{
	return (float)value;
}

static void floats_of_integers(void)
{
	CASE("cvt.rn.f32.s32 %f0, %x1;", INTEGERS, F32, bits_f32((float)a.sx));
	CASE("cvt.rz.f32.u32 %f0, %x1;", INTEGERS, F32, bits_f32(ROUNDED(FE_TOWARDZERO, single_of(a.x))));
	CASE("cvt.rm.f32.s64 %f0, %l1;", INTEGERS, F32, bits_f32(ROUNDED(FE_DOWNWARD, single_of(a.sl))));
	CASE("cvt.rp.f32.u64 %f0, %l1;", INTEGERS, F32, bits_f32(ROUNDED(FE_UPWARD, single_of_unsigned(a.l))));
	CASE("cvt.rn.f32.u8 %f0, %h1;", INTEGERS, F32, bits_f32((u8)a.x));
	CASE("cvt.rn.f32.s16 %f0, %h1;", INTEGERS, F32, bits_f32(a.sh));
	CASE("cvt.rn.f64.s32 %d0, %x1;", INTEGERS, F64, bits_f64(a.sx));
	CASE("cvt.rn.f64.s64 %d0, %l1;", INTEGERS, F64, bits_f64((double)a.sl));
	CASE("cvt.rp.f64.u64 %d0, %l1;", INTEGERS, F64, bits_f64(ROUNDED(FE_UPWARD, double_of(a.l))));
	CASE("cvt.rn.f16.s32 %h0, %x1;", INTEGERS, F16, format_round(&half, a.sx));
	CASE("cvt.rn.f16.u64 %h0, %l1;", INTEGERS, F16, format_round(&half, a.l));
	CASE("cvt.rz.f16.s64 %h0, %l1;", INTEGERS, F16, ROUNDED(FE_TOWARDZERO, format_round(&half, a.sl)));
	CASE("cvt.rn.bf16.s32 %h0, %x1;", INTEGERS, BF16, format_round(&brain, a.sx));
	CASE("cvt.rn.bf16.u64 %h0, %l1;", INTEGERS, BF16, format_round(&brain, a.l));
}

/* NaN gives 0, but the highest bit where 64 bits are involved. */
static s128 integer_of(double value, s128 low, s128 high, s128 nan)
{
	if (isnan(value))
		return nan;
	return value <= (double)low ? low : value >= (double)high ? high : (s128)value;
}

#define HIGHEST ((s128)1 << 63)

static void integers_of_floats(void)
{
	CASE("cvt.rzi.s32.f32 %x0, %f1;", SINGLES, X32, integer_of(a.f, INT32_MIN, INT32_MAX, 0));
	CASE("cvt.rni.s32.f32 %x0, %f1;", SINGLES, X32, integer_of(nearbyint(a.f), INT32_MIN, INT32_MAX, 0));
	CASE("cvt.rmi.u32.f32 %x0, %f1;", SINGLES, X32, integer_of(floor(a.f), 0, UINT32_MAX, 0));
	CASE("cvt.rpi.ftz.s32.f32 %x0, %f1;", SINGLES, X32, integer_of(ceil(flushed(a.f)), INT32_MIN, INT32_MAX, 0));
	CASE("cvt.rzi.u8.f32 %h0, %f1;", SINGLES, H16, integer_of(a.f, 0, UINT8_MAX, 0));
	CASE("cvt.rni.s16.f32 %h0, %f1;", SINGLES, H16, integer_of(nearbyint(a.f), INT16_MIN, INT16_MAX, 0));
	CASE("cvt.rzi.s64.f32 %l0, %f1;", SINGLES, L64, integer_of(a.f, INT64_MIN, INT64_MAX, HIGHEST));
	CASE("cvt.rpi.u64.f32 %l0, %f1;", SINGLES, L64, integer_of(ceil(a.f), 0, UINT64_MAX, HIGHEST));
	CASE("cvt.rzi.s32.f64 %x0, %d1;", DOUBLES, X32, integer_of(trunc(a.d), INT32_MIN, INT32_MAX, (s128)1 << 31));
	CASE("cvt.rni.u32.f64 %x0, %d1;", DOUBLES, X32, integer_of(nearbyint(a.d), 0, UINT32_MAX, (s128)1 << 31));
	CASE("cvt.rmi.s64.f64 %l0, %d1;", DOUBLES, L64, integer_of(floor(a.d), INT64_MIN, INT64_MAX, HIGHEST));
	CASE("cvt.rzi.u64.f64 %l0, %d1;", DOUBLES, L64, integer_of(a.d, 0, UINT64_MAX, HIGHEST));
	CASE("cvt.rzi.s32.f16 %x0, %h1;", HALVES, X32, integer_of(format_value(&half, a.h), INT32_MIN, INT32_MAX, 0));
	CASE("cvt.rni.u16.f16 %h0, %h1;", HALVES, H16,
	     integer_of(nearbyint(format_value(&half, a.h)), 0, UINT16_MAX, 0));
	CASE("cvt.rmi.s64.bf16 %l0, %h1;", BRAINS, L64,
	     integer_of(floor(format_value(&brain, a.h)), INT64_MIN, INT64_MAX, HIGHEST));
}

static float saturated(float value)
{
	return value > 0 ? (value < 1 ? value : 1) : 0;
}

static u64 positive(u64 bits)
{
	return bits & 0x8000 && (bits & 0x7fff) <= 0x7c00 ? 0 : bits;
}

static void floats(void)
{
	CASE("cvt.f64.f32 %d0, %f1;", SINGLES, F64, bits_f64(a.f));
	CASE("cvt.ftz.f64.f32 %d0, %f1;", SINGLES, F64, bits_f64(flushed(a.f)));
	CASE("cvt.rn.f32.f64 %f0, %d1;", DOUBLES, F32, bits_f32((float)a.d));
	CASE("cvt.rz.f32.f64 %f0, %d1;", DOUBLES, F32, bits_f32(ROUNDED(FE_TOWARDZERO, narrowed(a.d))));
	CASE("cvt.rp.ftz.sat.f32.f64 %f0, %d1;", DOUBLES, F32,
	     bits_f32(saturated(flushed(ROUNDED(FE_UPWARD, narrowed(a.d))))));
	CASE("cvt.rni.f32.f32 %f0, %f1;", SINGLES, F32, bits_f32(nearbyintf(a.f)));
	CASE("cvt.rpi.f64.f64 %d0, %d1;", DOUBLES, F64, bits_f64(ceil(a.d)));
	CASE("cvt.sat.f32.f32 %f0, %f1;", SINGLES, F32, bits_f32(saturated(a.f)));
	CASE("cvt.f32.f16 %f0, %h1;", HALVES, F32, bits_f32((float)format_value(&half, a.h)));
	CASE("cvt.f64.f16 %d0, %h1;", HALVES, F64, bits_f64(format_value(&half, a.h)));
	CASE("cvt.f32.bf16 %f0, %h1;", BRAINS, F32, bits_f32((float)format_value(&brain, a.h)));
	CASE("cvt.rn.f16.f32 %h0, %f1;", SINGLES, F16, format_round(&half, a.f));
	CASE("cvt.rz.f16.f32 %h0, %f1;", SINGLES, F16, ROUNDED(FE_TOWARDZERO, format_round(&half, a.f)));
	CASE("cvt.rp.f16.f64 %h0, %d1;", DOUBLES, F16, ROUNDED(FE_UPWARD, format_round(&half, a.d)));
	CASE("cvt.rn.relu.f16.f32 %h0, %f1;", SINGLES, F16, positive(format_round(&half, a.f)));
	CASE("cvt.rn.bf16.f32 %h0, %f1;", SINGLES, BF16, format_round(&brain, a.f));
	CASE("cvt.rz.bf16.f32 %h0, %f1;", SINGLES, BF16, ROUNDED(FE_TOWARDZERO, format_round(&brain, a.f)));
	CASE("cvt.rn.bf16.f16 %h0, %h1;", HALVES, BF16, format_round(&brain, format_value(&half, a.h)));
	CASE("cvt.rni.f16.f16 %h0, %h1;", HALVES, F16, format_round(&half, nearbyint(format_value(&half, a.h))));
}

static u64 limited(u64 bits, u64 infinity)
{
	return (bits & 0x7fff) == infinity ? bits - 1 : bits;
}

static void pairs(void)
{
	CASE("cvt.rn.f16x2.f32 %x0, %f1, %f2;", SINGLES, F16X2,
	     format_round(&half, b.f) | (u64)format_round(&half, a.f) << 16);
	CASE("cvt.rz.relu.f16x2.f32 %x0, %f1, %f2;", SINGLES, F16X2,
	     positive(ROUNDED(FE_TOWARDZERO, format_round(&half, b.f))) |
		 positive(ROUNDED(FE_TOWARDZERO, format_round(&half, a.f))) << 16);
	CASE("cvt.rn.bf16x2.f32 %x0, %f1, %f2;", SINGLES, BF16X2,
	     format_round(&brain, b.f) | (u64)format_round(&brain, a.f) << 16);
	CASE("cvt.rn.satfinite.f16.f32 %h0, %f1;", SINGLES, F16, limited(format_round(&half, a.f), half.infinity));
	CASE("cvt.rn.satfinite.bf16x2.f32 %x0, %f1, %f2;", SINGLES, BF16X2,
	     limited(format_round(&brain, b.f), brain.infinity) | limited(format_round(&brain, a.f), brain.infinity)
								      << 16);
}

/* 8 bits: results beyond the largest number become that, NaN is 0x7f. */
static u64 eighth(const struct format *format, double value, bool relu)
{
	u32 bits = isnan(value) ? 0x7f : format_round(format, value);

	if (!isnan(value) && (bits & 0x7f) >= format->infinity)
		bits = (bits & 0x80) | (format->infinity - 1);
	return relu && !isnan(value) && (bits & 0x80) ? 0 : bits;
}

static double low_value(u32 pair)
{
	return format_value(&half, pair & 0xffff);
}

static void eighths(void)
{
	CASE("cvt.rn.satfinite.e4m3x2.f32 %h0, %f1, %f2;", SINGLES, H16,
	     eighth(&e4m3, b.f, false) | eighth(&e4m3, a.f, false) << 8);
	CASE("cvt.rn.satfinite.relu.e4m3x2.f32 %h0, %f1, %f2;", SINGLES, H16,
	     eighth(&e4m3, b.f, true) | eighth(&e4m3, a.f, true) << 8);
	CASE("cvt.rn.satfinite.e5m2x2.f32 %h0, %f1, %f2;", SINGLES, H16,
	     eighth(&e5m2, b.f, false) | eighth(&e5m2, a.f, false) << 8);
	CASE("cvt.rn.satfinite.e4m3x2.f16x2 %h0, %x1;", HALVES, H16,
	     eighth(&e4m3, low_value(a.x), false) | eighth(&e4m3, low_value(a.x >> 16), false) << 8);
	CASE("cvt.rn.satfinite.relu.e5m2x2.f16x2 %h0, %x1;", HALVES, H16,
	     eighth(&e5m2, low_value(a.x), true) | eighth(&e5m2, low_value(a.x >> 16), true) << 8);
	CASE("cvt.rn.f16x2.e4m3x2 %x0, %h1;", INTEGERS, F16X2,
	     format_round(&half, format_value(&e4m3, a.x & 0xff)) |
		 (u64)format_round(&half, format_value(&e4m3, a.x >> 8 & 0xff)) << 16);
	CASE("cvt.rn.relu.f16x2.e5m2x2 %x0, %h1;", INTEGERS, F16X2,
	     positive(format_round(&half, format_value(&e5m2, a.x & 0xff))) |
		 positive(format_round(&half, format_value(&e5m2, a.x >> 8 & 0xff))) << 16);
}

/* To 11 significant bits. */
static u64 short_single(float value, float (*round)(float))
{
	int exponent = value == 0 || !isfinite(value) ? 0 : ilogbf(value) < -126 ? -126 : ilogbf(value);

	return bits_f32(isfinite(value) ? scalbnf(round(scalbnf(value, 10 - exponent)), exponent - 10) : value);
}

static void tensor_floats(void)
{
	CASE("cvt.rna.tf32.f32 %x0, %f1;", SINGLES, TF32, short_single(a.f, roundf));
	CASE("cvt.rn.tf32.f32 %x0, %f1;", SINGLES, TF32, short_single(a.f, nearbyintf));
	CASE("cvt.rz.tf32.f32 %x0, %f1;", SINGLES, TF32, short_single(a.f, truncf));
	CASE("cvt.rn.relu.tf32.f32 %x0, %f1;", SINGLES, TF32,
	     signbit(a.f) && !isnan(a.f) ? 0 : short_single(a.f, nearbyintf));
}

static u64 packed(struct operand a, struct operand b, u64 c, int bits, bool is_signed)
{
	s128 high = ((s128)1 << (is_signed ? bits - 1 : bits)) - 1, low = is_signed ? -high - 1 : 0;
	u64 mask = ((u64)1 << bits) - 1;

	return (u32)(c << 2 * bits) | ((u64)clamp(a.sx, low, high) & mask) << bits |
	       ((u64)clamp(b.sx, low, high) & mask);
}

static void packs(void)
{
	CASE("cvt.pack.sat.u16.s32 %x0, %x1, %x2;", INTEGERS, X32, packed(a, b, 0, 16, false));
	CASE("cvt.pack.sat.s16.s32 %x0, %x1, %x2;", INTEGERS, X32, packed(a, b, 0, 16, true));
	CASE("cvt.pack.sat.u8.s32.b32 %x0, %x1, %x2, %x3;", INTEGERS, X32, packed(a, b, c.x, 8, false));
	CASE("cvt.pack.sat.s8.s32.b32 %x0, %x1, %x2, %x3;", INTEGERS, X32, packed(a, b, c.x, 8, true));
	CASE("cvt.pack.sat.s4.s32.b32 %x0, %x1, %x2, %x3;", INTEGERS, X32, packed(a, b, c.x, 4, true));
	CASE("cvt.pack.sat.u4.s32.b32 %x0, %x1, %x2, %x3;", INTEGERS, X32, packed(a, b, c.x, 4, false));
	CASE("cvt.pack.sat.s2.s32.b32 %x0, %x1, %x2, %x3;", INTEGERS, X32, packed(a, b, c.x, 2, true));
	CASE("cvt.pack.sat.u2.s32.b32 %x0, %x1, %x2, %x3;", INTEGERS, X32, packed(a, b, c.x, 2, false));
}

void conform_conversions(void)
{
	integers();
	floats_of_integers();
	integers_of_floats();
	floats();
	pairs();
	eighths();
	tensor_floats();
	packs();
}
