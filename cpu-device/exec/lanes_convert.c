/* cvt between all types. insn->imm holds the flags of float_flags.h. */
#include "half.h"

/* Integer to integer wraps; small signed results are kept sign-extended, so that they also serve a wider register. */
#define WRAP_FROM(D, S) UNARY(cvt_##D##_##S, D, S, (D)a)
#define WRAP_TO(D)                                                                                                     \
	WRAP_FROM(D, u8)                                                                                               \
	WRAP_FROM(D, s8)                                                                                               \
	WRAP_FROM(D, u16)                                                                                              \
	WRAP_FROM(D, s16) WRAP_FROM(D, u32) WRAP_FROM(D, s32) WRAP_FROM(D, u64) WRAP_FROM(D, s64)
WRAP_TO(u8)
WRAP_TO(s8)
WRAP_TO(u16)
WRAP_TO(s16)
WRAP_TO(u32)
WRAP_TO(s32)
WRAP_TO(u64)
WRAP_TO(s64)

static inline s64 clamp_signed(s64 value, s64 low, u64 high)
{
	return value < low ? low : value > 0 && (u64)value > high ? (s64)high : value;
}

static inline u64 clamp_unsigned(u64 value, u64 high)
{
	return value > high ? high : value;
}

#define SAT_TO(D, low, high)                                                                                           \
	UNARY(cvt_sat_##D##_u8, D, u8, (D)clamp_unsigned(a, high))                                                     \
	UNARY(cvt_sat_##D##_u16, D, u16, (D)clamp_unsigned(a, high))                                                   \
	UNARY(cvt_sat_##D##_u32, D, u32, (D)clamp_unsigned(a, high))                                                   \
	UNARY(cvt_sat_##D##_u64, D, u64, (D)clamp_unsigned(a, high))                                                   \
	UNARY(cvt_sat_##D##_s8, D, s8, (D)clamp_signed(a, low, high))                                                  \
	UNARY(cvt_sat_##D##_s16, D, s16, (D)clamp_signed(a, low, high))                                                \
	UNARY(cvt_sat_##D##_s32, D, s32, (D)clamp_signed(a, low, high))                                                \
	UNARY(cvt_sat_##D##_s64, D, s64, (D)clamp_signed(a, low, high))
SAT_TO(u8, 0, UINT8_MAX)
SAT_TO(s8, INT8_MIN, INT8_MAX)
SAT_TO(u16, 0, UINT16_MAX)
SAT_TO(s16, INT16_MIN, INT16_MAX)
SAT_TO(u32, 0, UINT32_MAX)
SAT_TO(s32, INT32_MIN, INT32_MAX)
SAT_TO(u64, 0, UINT64_MAX)
SAT_TO(s64, INT64_MIN, INT64_MAX)

/* Integer to float. */
#define FLOAT_FROM(D, S)                                                                                               \
	LANE_FN(cvt_##D##_##S)                                                                                         \
	{                                                                                                              \
		const s64 flags = insn->imm;                                                                           \
		const slot_##S *a_ = REGISTER(S, 1);                                                                   \
		if (!flags) {                                                                                          \
			LANES(D, (D)(S)a_[i]);                                                                         \
			return insn + 1;                                                                               \
		}                                                                                                      \
		rounding_begin(flags);                                                                                 \
		LANES(D, D##_result((D)(S)a_[i], flags));                                                              \
		rounding_end(flags);                                                                                   \
		return insn + 1;                                                                                       \
	}
#define FLOAT_FROM_ALL(D)                                                                                              \
	FLOAT_FROM(D, u8)                                                                                              \
	FLOAT_FROM(D, s8)                                                                                              \
	FLOAT_FROM(D, u16)                                                                                             \
	FLOAT_FROM(D, s16) FLOAT_FROM(D, u32) FLOAT_FROM(D, s32) FLOAT_FROM(D, u64) FLOAT_FROM(D, s64)
FLOAT_FROM_ALL(f32)
FLOAT_FROM_ALL(f64)

/* Float to integer saturates. `limit` is the first power of two that is too large. NaN gives 0, but the highest bit
   when the source or the result has 64 bits. */
#define INT_SATURATE(D, S, a, low, high, limit, nan)                                                                   \
	({                                                                                                             \
		const S value_ = a;                                                                                    \
		S inside_ = value_ < (S)(low) ? (S)(low) : value_;                                                     \
		D result_;                                                                                             \
		inside_ = inside_ < (S)(limit) ? inside_ : 0;                                                          \
		result_ = (D)inside_;                                                                                  \
		result_ = value_ >= (S)(limit) ? (D)(high) : result_;                                                  \
		value_ != value_ ? (D)(nan) : result_;                                                                 \
	})
#define INT_FROM(D, S, low, high, limit, nan)                                                                          \
	LANE_FN(cvt_##D##_##S)                                                                                         \
	{                                                                                                              \
		const s64 flags = insn->imm;                                                                           \
		const slot_##S *a_ = REGISTER(S, 1);                                                                   \
		/* The C conversion itself rounds to zero. */                                                          \
		if (flags == (CPU_INTEGRAL | CPU_ROUND_ZERO))                                                          \
			LANES(D, INT_SATURATE(D, S, a_[i], low, high, limit, nan));                                    \
		else                                                                                                   \
			LANES(D, INT_SATURATE(D, S, S##_integral(S##_input(a_[i], flags), flags), low, high, limit,    \
					      nan));                                                                   \
		return insn + 1;                                                                                       \
	}
#define INT_FROM_FLOATS(D, low, high, limit, nan)                                                                      \
	INT_FROM(D, f32, low, high, limit, sizeof(D) == 8 ? nan : 0)                                                   \
	INT_FROM(D, f64, low, high, limit, nan)
INT_FROM_FLOATS(u8, 0, UINT8_MAX, 256.0, 0)
INT_FROM_FLOATS(s8, INT8_MIN, INT8_MAX, 128.0, 0)
INT_FROM_FLOATS(u16, 0, UINT16_MAX, 65536.0, 0)
INT_FROM_FLOATS(s16, INT16_MIN, INT16_MAX, 32768.0, 0)
INT_FROM_FLOATS(u32, 0, UINT32_MAX, 4294967296.0, 0x80000000)
INT_FROM_FLOATS(s32, INT32_MIN, INT32_MAX, 2147483648.0, INT32_MIN)
INT_FROM_FLOATS(u64, 0, UINT64_MAX, 18446744073709551616.0, (u64)1 << 63)
INT_FROM_FLOATS(s64, INT64_MIN, INT64_MAX, 9223372036854775808.0, INT64_MIN)

/* Float to float. */
#define FLOAT_TO_SAME(T)                                                                                               \
	LANE_FN(cvt_##T##_##T)                                                                                         \
	{                                                                                                              \
		const s64 flags = insn->imm;                                                                           \
		const slot_##T *a_ = REGISTER(T, 1);                                                                   \
		LANES(T, ({                                                                                            \
			      T a = T##_input(a_[i], flags);                                                           \
			      T##_result(flags &CPU_INTEGRAL ? T##_integral(a, flags) : a, flags);                     \
		      }));                                                                                             \
		return insn + 1;                                                                                       \
	}
FLOAT_TO_SAME(f32)
FLOAT_TO_SAME(f64)

UNARY(cvt_f64_f32, f64, f32, f64_result((f64)f32_input(a, insn->imm), insn->imm))

LANE_FN(cvt_f32_f64)
{
	const s64 flags = insn->imm;
	const f64 *a_ = REGISTER(f64, 1);

	rounding_begin(flags);
	LANES(f32, f32_result((f32)a_[i], flags));
	rounding_end(flags);
	return insn + 1;
}

/* Halves: through f64, which holds every other type's values but those of 64-bit integers exactly; the latter are
   rounded to odd so that the second rounding is the only one. */
static inline f64 odd_u64(u64 value)
{
	u64 low = value & 0x7ff;

	return value >> 53 && low ? (f64)((value & ~(u64)0x7ff) | 0x800) : (f64)value;
}

static inline f64 odd_s64(s64 value)
{
	return value < 0 ? -odd_u64(0 - (u64)value) : odd_u64((u64)value);
}

#define HALF_FROM(F, S, value)                                                                                         \
	UNARY_EACH(                                                                                                    \
	    cvt_##F##_##S, u32, S,                                                                                     \
	    half_result(insn->imm &CPU_INTEGRAL ? f64_integral(value, insn->imm) : (value), &format_##F, insn->imm))
#define HALF_TO_INT(F, D, low, high, limit)                                                                            \
	UNARY_EACH(cvt_##D##_##F, D, u16, ({                                                                           \
			   f64 v = f64_integral(half_input(a, &format_##F, insn->imm), insn->imm);                     \
			   v != v           ? (D)(sizeof(D) == 8 ? (u64)1 << 63 : 0)                                   \
			   : v >= (limit)   ? (D)(high)                                                                \
			   : v < (f64)(low) ? (D)(low)                                                                 \
					    : (D)v;                                                                    \
		   }))
#define HALF_ALL(F, G)                                                                                                 \
	HALF_FROM(F, u8, a)                                                                                            \
	HALF_FROM(F, s8, a)                                                                                            \
	HALF_FROM(F, u16, a)                                                                                           \
	HALF_FROM(F, s16, a)                                                                                           \
	HALF_FROM(F, u32, a)                                                                                           \
	HALF_FROM(F, s32, a)                                                                                           \
	HALF_FROM(F, u64, odd_u64(a))                                                                                  \
	HALF_FROM(F, s64, odd_s64(a))                                                                                  \
	HALF_FROM(F, f32, f32_input(a, insn->imm))                                                                     \
	HALF_FROM(F, f64, a)                                                                                           \
	UNARY_EACH(cvt_##F##_##F, u32, u16, ({                                                                         \
			   f64 v = half_input(a, &format_##F, insn->imm);                                              \
			   half_result(insn->imm &CPU_INTEGRAL ? f64_integral(v, insn->imm) : v, &format_##F,          \
				       insn->imm);                                                                     \
		   }))                                                                                                 \
	UNARY_EACH(cvt_##F##_##G, u32, u16,                                                                            \
		   half_result(half_input(a, &format_##G, insn->imm), &format_##F, insn->imm))                         \
	HALF_TO_INT(F, u8, 0, UINT8_MAX, 256.0)                                                                        \
	HALF_TO_INT(F, s8, INT8_MIN, INT8_MAX, 128.0)                                                                  \
	HALF_TO_INT(F, u16, 0, UINT16_MAX, 65536.0)                                                                    \
	HALF_TO_INT(F, s16, INT16_MIN, INT16_MAX, 32768.0)                                                             \
	HALF_TO_INT(F, u32, 0, UINT32_MAX, 4294967296.0)                                                               \
	HALF_TO_INT(F, s32, INT32_MIN, INT32_MAX, 2147483648.0)                                                        \
	HALF_TO_INT(F, u64, 0, UINT64_MAX, 18446744073709551616.0)                                                     \
	HALF_TO_INT(F, s64, INT64_MIN, INT64_MAX, 9223372036854775808.0)                                               \
	UNARY_EACH(cvt_f32_##F, f32, u16, f32_result((f32)half_input(a, &format_##F, insn->imm), insn->imm))           \
	UNARY_EACH(cvt_f64_##F, f64, u16, f64_result(half_input(a, &format_##F, insn->imm), insn->imm))
HALF_ALL(f16, bf16)
HALF_ALL(bf16, f16)

/* The first source becomes the upper half. */
BINARY_EACH(cvt_f16x2_f32, u32, f32, f32,
	    (u32)half_result(f32_input(a, insn->imm), &format_f16, insn->imm) << 16 |
		half_result(f32_input(b, insn->imm), &format_f16, insn->imm))
BINARY_EACH(cvt_bf16x2_f32, u32, f32, f32,
	    (u32)half_result(f32_input(a, insn->imm), &format_bf16, insn->imm) << 16 |
		half_result(f32_input(b, insn->imm), &format_bf16, insn->imm))
