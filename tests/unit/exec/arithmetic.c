/* Arithmetic on random operands against the host's. */
#include <fenv.h>
#include <math.h>

#include "harness.h"

typedef uint64_t (*reference_fn)(uint64_t a, uint64_t b, uint64_t c);

#define REFERENCE(name, expr)                                                                                          \
	static uint64_t name(uint64_t la, uint64_t lb, uint64_t lc)                                                    \
	{                                                                                                              \
		uint32_t a = (uint32_t)la, b = (uint32_t)lb, c = (uint32_t)lc;                                         \
		int32_t sa = (int32_t)a, sb = (int32_t)b, sc = (int32_t)c;                                             \
		float fa, fb, fc;                                                                                      \
		double da, db, dc;                                                                                     \
		memcpy(&fa, &a, 4), memcpy(&fb, &b, 4), memcpy(&fc, &c, 4);                                            \
		memcpy(&da, &la, 8), memcpy(&db, &lb, 8), memcpy(&dc, &lc, 8);                                         \
		(void)b, (void)c, (void)sa, (void)sb, (void)sc, (void)fa, (void)fb, (void)fc;                          \
		(void)da, (void)db, (void)dc, (void)la, (void)lb, (void)lc;                                            \
		return expr;                                                                                           \
	}

static uint64_t f32_result(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, 4);
	return bits;
}

static uint64_t f64_result(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, 8);
	return bits;
}

static float rounded(float (*operation)(float, float), float a, float b, int mode)
{
	float result;

	fesetround(mode);
	result = operation(a, b);
	fesetround(FE_TONEAREST);
	return result;
}

static __attribute__((noinline)) float add_floats(float a, float b)
{
	return a + b;
}

static __attribute__((noinline)) float divide_floats(float a, float b)
{
	return a / b;
}

REFERENCE(r_add, (uint32_t)(a + b))
REFERENCE(r_sub, (uint32_t)(a - b))
REFERENCE(r_mul, (uint32_t)(a *b))
REFERENCE(r_mul_hi_u, (uint32_t)((uint64_t)a *b >> 32))
REFERENCE(r_mul_hi_s, (uint32_t)((uint64_t)((int64_t)sa *sb) >> 32))
REFERENCE(r_mul_wide_s, (uint64_t)((int64_t)sa *sb))
REFERENCE(r_mad, (uint32_t)(a *b + c))
REFERENCE(r_div_u, b ? a / b : UINT32_MAX)
REFERENCE(r_rem_s, sb &&sb != -1 ? (uint32_t)(sa % sb) : sb ? 0 : UINT32_MAX)
REFERENCE(r_div_s, sb &&sb != -1 ? (uint32_t)(sa / sb) : sb ? 0u - a : UINT32_MAX)
REFERENCE(r_add64, la + lb)
REFERENCE(r_mul64, la *lb)
REFERENCE(r_mul_hi_64, (uint64_t)((unsigned __int128)la *lb >> 64))
REFERENCE(r_div64, lb ? la / lb : UINT64_MAX)
REFERENCE(r_min_s, (uint32_t)(sa < sb ? sa : sb))
REFERENCE(r_xor, a ^ b)
REFERENCE(r_popc, (uint32_t)__builtin_popcount(a))
REFERENCE(r_lop3, (uint32_t)((a & b) | (c & ~a)))
REFERENCE(r_shl, b % 64 < 32 ? (uint32_t)(a << b % 64 % 32) : 0)
REFERENCE(r_selp, sa < sb ? a : b)
REFERENCE(r_fadd, f32_result(fa + fb))
REFERENCE(r_fmul, f32_result(fa *fb))
REFERENCE(r_ffma, f32_result(fmaf(fa, fb, fc)))
REFERENCE(r_fdiv, f32_result(fa / fb))
REFERENCE(r_fsqrt, f32_result(sqrtf(fabsf(fa))))
REFERENCE(r_fadd_up, f32_result(rounded(add_floats, fa, fb, FE_UPWARD)))
REFERENCE(r_fadd_zero, f32_result(rounded(add_floats, fa, fb, FE_TOWARDZERO)))
REFERENCE(r_fdiv_down, f32_result(rounded(divide_floats, fa, fb, FE_DOWNWARD)))
REFERENCE(r_fmax, f32_result(fa > fb ? fa : fb))
REFERENCE(r_dadd, f64_result(da + db))
REFERENCE(r_dfma, f64_result(fma(da, db, dc)))
REFERENCE(r_ddiv, f64_result(da / db))
REFERENCE(r_u2f, f32_result((float)a))
REFERENCE(r_s2d, f64_result((double)sa))
REFERENCE(r_d2f, f32_result((float)da))
REFERENCE(r_f2d, f64_result((double)fa))
REFERENCE(r_f2s, (uint32_t)(fa >= 2147483648.0f ? INT32_MAX : fa < -2147483648.0f ? INT32_MIN : (int32_t)fa))
REFERENCE(r_ex2, f32_result(exp2f(fa)))
REFERENCE(r_carry, (la + lb) >> 32)

enum operands { WHOLE, FLOATS, DOUBLES };

static const struct {
	const char *body;
	reference_fn reference;
	enum operands operands;
} cases[] = {
    {"add.u32 %x0, %x1, %x2;", r_add, WHOLE},
    {"sub.s32 %x0, %x1, %x2;", r_sub, WHOLE},
    {"mul.lo.u32 %x0, %x1, %x2;", r_mul, WHOLE},
    {"mul.hi.u32 %x0, %x1, %x2;", r_mul_hi_u, WHOLE},
    {"mul.hi.s32 %x0, %x1, %x2;", r_mul_hi_s, WHOLE},
    {"mul.wide.s32 %l0, %x1, %x2;", r_mul_wide_s, WHOLE},
    {"mad.lo.s32 %x0, %x1, %x2, %x3;", r_mad, WHOLE},
    {"div.u32 %x0, %x1, %x2;", r_div_u, WHOLE},
    {"rem.s32 %x0, %x1, %x2;", r_rem_s, WHOLE},
    {"div.s32 %x0, %x1, %x2;", r_div_s, WHOLE},
    {"add.s64 %l0, %l1, %l2;", r_add64, WHOLE},
    {"mul.lo.u64 %l0, %l1, %l2;", r_mul64, WHOLE},
    {"mul.hi.u64 %l0, %l1, %l2;", r_mul_hi_64, WHOLE},
    {"div.u64 %l0, %l1, %l2;", r_div64, WHOLE},
    {"min.s32 %x0, %x1, %x2;", r_min_s, WHOLE},
    {"xor.b32 %x0, %x1, %x2;", r_xor, WHOLE},
    {"popc.b32 %x0, %x1;", r_popc, WHOLE},
    {"lop3.b32 %x0, %x1, %x2, %x3, 0xca;", r_lop3, WHOLE},
    {"and.b32 %x4, %x2, 63; shl.b32 %x0, %x1, %x4;", r_shl, WHOLE},
    {"setp.lt.s32 %p1, %x1, %x2; selp.b32 %x0, %x1, %x2, %p1;", r_selp, WHOLE},
    {"setp.lt.s32 %p1, %x1, %x2; mov.u32 %x0, %x2; @%p1 mov.u32 %x0, %x1;", r_selp, WHOLE},
    {"setp.lt.s32 %p1, %x1, %x2; mov.u32 %x0, %x1; @%p1 bra L; mov.u32 %x0, %x2; L:", r_selp, WHOLE},
    {"mov.b64 {%x4, %x5}, %l1; mov.b64 {%x6, %x7}, %l2; add.cc.u32 %x8, %x4, %x6; addc.u32 %x9, %x5, %x7; "
     "mov.b64 %l4, {%x8, %x9}; shr.u64 %l0, %l4, 32;",
     r_carry, WHOLE},
    {"add.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", r_fadd, FLOATS},
    {"mul.rn.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", r_fmul, FLOATS},
    {"fma.rn.f32 %f4, %f1, %f2, %f3; mov.b32 %x0, %f4;", r_ffma, FLOATS},
    {"div.rn.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", r_fdiv, FLOATS},
    {"abs.f32 %f5, %f1; sqrt.rn.f32 %f4, %f5; mov.b32 %x0, %f4;", r_fsqrt, FLOATS},
    {"add.rp.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", r_fadd_up, FLOATS},
    {"add.rz.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", r_fadd_zero, FLOATS},
    {"div.rm.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", r_fdiv_down, FLOATS},
    {"max.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", r_fmax, FLOATS},
    {"ex2.approx.f32 %f4, %f1; mov.b32 %x0, %f4;", r_ex2, FLOATS},
    {"cvt.rzi.s32.f32 %x0, %f1;", r_f2s, FLOATS},
    {"cvt.f64.f32 %d4, %f1; mov.b64 %l0, %d4;", r_f2d, FLOATS},
    {"cvt.rn.f32.u32 %f4, %x1; mov.b32 %x0, %f4;", r_u2f, WHOLE},
    {"cvt.rn.f64.s32 %d4, %x1; mov.b64 %l0, %d4;", r_s2d, WHOLE},
    {"add.f64 %d4, %d1, %d2; mov.b64 %l0, %d4;", r_dadd, DOUBLES},
    {"fma.rn.f64 %d4, %d1, %d2, %d3; mov.b64 %l0, %d4;", r_dfma, DOUBLES},
    {"div.rn.f64 %d4, %d1, %d2; mov.b64 %l0, %d4;", r_ddiv, DOUBLES},
    {"cvt.rn.f32.f64 %f4, %d1; mov.b32 %x0, %f4;", r_d2f, DOUBLES},
};

static uint64_t random_bits(void)
{
	static uint64_t state = 1442695040888963407u;

	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* Whole numbers of all magnitudes; floats of many, none of them NaN. */
static uint64_t operand(enum operands operands)
{
	uint64_t bits = random_bits();
	double value = ldexp((double)(int64_t)bits, -60 + (int)(random_bits() % 40) - 20);
	float single = (float)value;

	if (operands == WHOLE)
		return bits >> random_bits() % 64;
	return operands == DOUBLES ? f64_result(value) : f32_result(single);
}

START_TEST(random_operands)
{
	for (size_t n = 0; n < sizeof(cases) / sizeof(*cases); n++)
		for (int round = 0; round < 8; round++) {
			uint64_t a[32], b[32], c[32], result[32];

			for (int i = 0; i < 32; i++) {
				a[i] = operand(cases[n].operands);
				b[i] = operand(cases[n].operands);
				c[i] = operand(cases[n].operands);
			}
			body_run(cases[n].body, strstr(cases[n].body, "%l0"), a, b, c, result);
			for (int i = 0; i < 32; i++) {
				uint64_t want = cases[n].reference(a[i], b[i], c[i]);

				ck_assert_msg(result[i] == want, "%s (%llx, %llx, %llx): %llx, should be %llx",
					      cases[n].body, (unsigned long long)a[i], (unsigned long long)b[i],
					      (unsigned long long)c[i], (unsigned long long)result[i],
					      (unsigned long long)want);
			}
		}
}
END_TEST

static double half_value(uint32_t bits)
{
	int exponent = bits >> 10 & 31;
	double magnitude = exponent ? ldexp(1024 + (bits & 1023), exponent - 25) : ldexp(bits & 1023, -24);

	return bits & 0x8000 ? -magnitude : magnitude;
}

/* Every finite f16 becomes the f32 it stands for, and again itself. */
START_TEST(all_halves)
{
	for (uint32_t start = 0; start < 65536; start += 32) {
		uint64_t a[32], b[32] = {0}, result[32];

		for (uint32_t i = 0; i < 32; i++)
			a[i] = start + i;
		body_run("cvt.f32.f16 %f4, %h1; cvt.rn.f16.f32 %h4, %f4; mov.b32 %x4, %f4; cvt.u32.u16 %x5, %h4; "
			 "mov.b64 %l0, {%x4, %x5};",
			 true, a, b, b, result);
		for (uint32_t i = 0; i < 32; i++) {
			if ((a[i] >> 10 & 31) == 31)
				continue;
			ck_assert_uint_eq((uint32_t)result[i], f32_result((float)half_value((uint32_t)a[i])));
			ck_assert_uint_eq(result[i] >> 32, a[i]);
		}
	}
}
END_TEST

/* A sum, product and fma of f16 is the one nearest to the exact value, which f64 holds. */
START_TEST(half_arithmetic)
{
	for (int round = 0; round < 300; round++) {
		uint64_t a[32], b[32], c[32], result[32], again[32];

		for (int i = 0; i < 32; i++)
			a[i] = random_bits() & 0xbbff, b[i] = random_bits() & 0xbbff, c[i] = random_bits() & 0x3fff;
		body_run("fma.rn.f16 %h4, %h1, %h2, %h3; mul.f16 %h5, %h1, %h2; add.f16 %h6, %h1, %h2; mov.u16 %h7, 0; "
			 "mov.b64 %l0, {%h4, %h5, %h6, %h7};",
			 true, a, b, c, result);
		for (int i = 0; i < 32; i++) {
			double x = half_value((uint32_t)a[i]), y = half_value((uint32_t)b[i]);

			again[i] = f64_result(x * y + half_value((uint32_t)c[i]));
			ck_assert_double_le(fabs(half_value(result[i] >> 16 & 0xffff) - x * y),
					    fabs(x * y) / 2048 + 0x1p-25);
			ck_assert_double_le(fabs(half_value(result[i] >> 32 & 0xffff) - (x + y)),
					    fabs(x + y) / 2048 + 0x1p-25);
		}
		uint64_t nearest[32];

		body_run("cvt.rn.f16.f64 %h4, %d1; cvt.u32.u16 %x0, %h4;", false, again, b, c, nearest);
		for (int i = 0; i < 32; i++)
			ck_assert_uint_eq(result[i] & 0xffff, nearest[i]);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {random_operands, all_halves, half_arithmetic};

	return suite_run("arithmetic", tests, sizeof(tests) / sizeof(*tests));
}
