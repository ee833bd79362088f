/* Comparisons: 32 results as the bits of a predicate. */
#include "lanes.h"

#define COMPARE(name, T, expr)                                                                                         \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const slot_##T *a_ = REGISTER(T, 1), *b_ = REGISTER(T, 2);                                             \
		u32 result = 0;                                                                                        \
		(void)warp;                                                                                            \
		LANE_LOOP                                                                                              \
		{                                                                                                      \
			T a = (T)a_[i], b = (T)b_[i];                                                                  \
			result |= (u32)(expr) << i;                                                                    \
		}                                                                                                      \
		predicate_write(&PREDICATE(0), result, mask);                                                          \
		return insn + 1;                                                                                       \
	}

#define COMPARE_ALL(T)                                                                                                 \
	COMPARE(setp_eq_##T, T, a == b)                                                                                \
	COMPARE(setp_ne_##T, T, a != b)                                                                                \
	COMPARE(setp_lt_##T, T, a < b)                                                                                 \
	COMPARE(setp_le_##T, T, a <= b)                                                                                \
	COMPARE(setp_gt_##T, T, a > b)                                                                                 \
	COMPARE(setp_ge_##T, T, a >= b)
COMPARE_ALL(u16)
COMPARE_ALL(s16)
COMPARE_ALL(u32)
COMPARE_ALL(s32)
COMPARE_ALL(u64)
COMPARE_ALL(s64)

/* eq, ne, lt … are false when an operand is NaN (C's != is not), equ, neu, ltu … are true. */
#define COMPARE_FLOAT(form, T, in)                                                                                     \
	COMPARE(setp_eq_##form, T, in(a) == in(b))                                                                     \
	COMPARE(setp_ne_##form, T, in(a) < in(b) || in(a) > in(b))                                                     \
	COMPARE(setp_lt_##form, T, in(a) < in(b))                                                                      \
	COMPARE(setp_le_##form, T, in(a) <= in(b))                                                                     \
	COMPARE(setp_gt_##form, T, in(a) > in(b))                                                                      \
	COMPARE(setp_ge_##form, T, in(a) >= in(b))                                                                     \
	COMPARE(setp_equ_##form, T, !(in(a) < in(b) || in(a) > in(b)))                                                 \
	COMPARE(setp_neu_##form, T, !(in(a) == in(b)))                                                                 \
	COMPARE(setp_ltu_##form, T, !(in(a) >= in(b)))                                                                 \
	COMPARE(setp_leu_##form, T, !(in(a) > in(b)))                                                                  \
	COMPARE(setp_gtu_##form, T, !(in(a) <= in(b)))                                                                 \
	COMPARE(setp_geu_##form, T, !(in(a) < in(b)))                                                                  \
	COMPARE(setp_num_##form, T, a == a && b == b)                                                                  \
	COMPARE(setp_nan_##form, T, a != a || b != b)
#define AS_IS(x) (x)
COMPARE_FLOAT(f32, f32, AS_IS)
COMPARE_FLOAT(ftz_f32, f32, f32_flush)
COMPARE_FLOAT(f64, f64, AS_IS)

#define TEST(name, T, expr)                                                                                            \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const slot_##T *a_ = REGISTER(T, 1);                                                                   \
		u32 result = 0;                                                                                        \
		(void)warp;                                                                                            \
		LANE_LOOP                                                                                              \
		{                                                                                                      \
			T a = a_[i];                                                                                   \
			result |= (u32)(expr) << i;                                                                    \
		}                                                                                                      \
		predicate_write(&PREDICATE(0), result, mask);                                                          \
		return insn + 1;                                                                                       \
	}
/* Zero counts as normal. */
#define TESTS(form, T, exponent, rest)                                                                                 \
	TEST(testp_finite_##form, T, (a & exponent) != exponent)                                                       \
	TEST(testp_infinite_##form, T, (a & (exponent | rest)) == exponent)                                            \
	TEST(testp_number_##form, T, (a & (exponent | rest)) <= exponent)                                              \
	TEST(testp_notanumber_##form, T, (a & (exponent | rest)) > exponent)                                           \
	TEST(testp_normal_##form, T, (a & exponent) != exponent && ((a & exponent) || !(a & rest)))                    \
	TEST(testp_subnormal_##form, T, !(a & exponent) && (a & rest))
TESTS(f32, u32, 0x7f800000u, 0x007fffffu)
TESTS(f64, u64, 0x7ff0000000000000u, 0x000fffffffffffffu)
