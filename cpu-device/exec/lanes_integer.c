/* Integer arithmetic. Everything wraps, so it is done in unsigned types wide enough to keep the product. */
#include "lanes.h"

#define WRAPPING(T, U)                                                                                                 \
	BINARY(add_##T, T, T, T, (U)((U)a + (U)b))                                                                     \
	BINARY(sub_##T, T, T, T, (U)((U)a - (U)b))                                                                     \
	BINARY(mul_lo_##T, T, T, T, (U)((U)a * (U)b))                                                                  \
	TERNARY(mad_lo_##T, T, T, T, T, (U)((U)a * (U)b + (U)c))
WRAPPING(u16, u32)
WRAPPING(u32, u32)
WRAPPING(u64, u64)

static inline s32 saturate_s32(s64 value)
{
	return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : (s32)value;
}

BINARY(add_sat_s32, s32, s32, s32, saturate_s32((s64)a + b))
BINARY(sub_sat_s32, s32, s32, s32, saturate_s32((s64)a - b))

static inline u64 high_u64(u64 a, u64 b)
{
	return (u64)((unsigned __int128)a * b >> 64);
}

static inline s64 high_s64(s64 a, s64 b)
{
	return (s64)((__int128)a * b >> 64);
}

BINARY(mul_hi_u16, u16, u16, u16, (u32)a *b >> 16)
BINARY(mul_hi_s16, s16, s16, s16, (s32)a *b >> 16)
BINARY(mul_hi_u32, u32, u32, u32, (u64)a *b >> 32)
BINARY(mul_hi_s32, s32, s32, s32, (s64)a *b >> 32)
BINARY(mul_hi_u64, u64, u64, u64, high_u64(a, b))
BINARY(mul_hi_s64, s64, s64, s64, high_s64(a, b))
TERNARY(mad_hi_u16, u16, u16, u16, u16, ((u32)a * b >> 16) + c)
TERNARY(mad_hi_s16, s16, s16, s16, s16, ((s32)a * b >> 16) + c)
TERNARY(mad_hi_u32, u32, u32, u32, u32, (u32)((u64)a *b >> 32) + c)
TERNARY(mad_hi_s32, s32, s32, s32, s32, (u32)((s64)a *b >> 32) + (u32)c)
TERNARY(mad_hi_u64, u64, u64, u64, u64, high_u64(a, b) + c)
TERNARY(mad_hi_s64, s64, s64, s64, s64, (u64)high_s64(a, b) + (u64)c)
TERNARY(mad_hi_sat_s32, s32, s32, s32, s32, saturate_s32(((s64)a * b >> 32) + c))
BINARY(mul_wide_u16, u32, u16, u16, (u32)a *b)
BINARY(mul_wide_s16, s32, s16, s16, (s32)a *b)
BINARY(mul_wide_u32, u64, u32, u32, (u64)a *b)
BINARY(mul_wide_s32, s64, s32, s32, (s64)a *b)
TERNARY(mad_wide_u16, u32, u16, u16, u32, (u32)a *b + c)
TERNARY(mad_wide_s16, u32, s16, s16, u32, (u32)((s32)a *b) + c)
TERNARY(mad_wide_u32, u64, u32, u32, u64, (u64)a *b + c)
TERNARY(mad_wide_s32, u64, s32, s32, u64, (u64)((s64)a *b) + c)

static inline u64 product24_u(u32 a, u32 b)
{
	return (u64)(a & 0xffffff) * (b & 0xffffff);
}

static inline s64 product24_s(u32 a, u32 b)
{
	return (s64)((s32)(a << 8) >> 8) * ((s32)(b << 8) >> 8);
}

BINARY(mul24_lo_u32, u32, u32, u32, product24_u(a, b))
BINARY(mul24_lo_s32, u32, u32, u32, product24_s(a, b))
BINARY(mul24_hi_u32, u32, u32, u32, product24_u(a, b) >> 16)
BINARY(mul24_hi_s32, u32, u32, u32, product24_s(a, b) >> 16)
TERNARY(mad24_lo_u32, u32, u32, u32, u32, (u32)product24_u(a, b) + c)
TERNARY(mad24_lo_s32, u32, u32, u32, u32, (u32)product24_s(a, b) + c)
TERNARY(mad24_hi_u32, u32, u32, u32, u32, (u32)(product24_u(a, b) >> 16) + c)
TERNARY(mad24_hi_s32, u32, u32, u32, u32, (u32)(product24_s(a, b) >> 16) + c)
TERNARY(mad24_hi_sat_s32, s32, u32, u32, s32, saturate_s32((product24_s(a, b) >> 16) + c))

#define ORDERED(T, U)                                                                                                  \
	TERNARY(sad_##T, T, T, T, T, (U)((U)c + (a < b ? (U)b - (U)a : (U)a - (U)b)))                                  \
	BINARY(min_##T, T, T, T, a < b ? a : b)                                                                        \
	BINARY(max_##T, T, T, T, a > b ? a : b)
ORDERED(u16, u32)
ORDERED(s16, u32)
ORDERED(u32, u32)
ORDERED(s32, u32)
ORDERED(u64, u64)
ORDERED(s64, u64)

/* By zero: all ones, quotient and remainder. INT_MIN / -1 wraps. */
#define DIVIDE_UNSIGNED(T)                                                                                             \
	BINARY_EACH(div_##T, T, T, T, b ? a / b : (T)-1)                                                               \
	BINARY_EACH(rem_##T, T, T, T, b ? a % b : (T)-1)
#define DIVIDE_SIGNED(T, U)                                                                                            \
	BINARY_EACH(div_##T, T, T, T, b == 0 ? (T)-1 : b == -1 ? (T)(0 - (U)a) : (T)(a / b))                           \
	BINARY_EACH(rem_##T, T, T, T, b == 0 ? (T)-1 : b == -1 ? 0 : a % b)                                            \
	UNARY(abs_##T, T, T, (T)(a < 0 ? 0 - (U)a : (U)a))                                                             \
	UNARY(neg_##T, T, T, (T)(0 - (U)a))
DIVIDE_UNSIGNED(u16)
DIVIDE_UNSIGNED(u32)
DIVIDE_UNSIGNED(u64)
DIVIDE_SIGNED(s16, u32)
DIVIDE_SIGNED(s32, u32)
DIVIDE_SIGNED(s64, u64)

/* The carry flag is a predicate: operand 1, read and written. subc takes and gives a borrow. */
#define CARRY(name, T, sum, out, keeps_flag)                                                                           \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const slot_##T *a_ = REGISTER(T, 2), *b_ = REGISTER(T, 3);                                             \
		const u32 in = PREDICATE(1);                                                                           \
		u32 carry = 0;                                                                                         \
		for (unsigned i = 0; i < CPU_LANES; i++) {                                                             \
			T a = a_[i], b = b_[i], f = in >> i & 1;                                                       \
			(void)a, (void)b, (void)f;                                                                     \
			carry |= (u32)(out) << i;                                                                      \
		}                                                                                                      \
		LANES(T, LANE_EXPRESSION2(T, T, ({                                                                     \
						  T f = in >> i & 1;                                                   \
						  (void)f;                                                             \
						  sum;                                                                 \
					  })));                                                                        \
		if (!(keeps_flag))                                                                                     \
			predicate_write(&PREDICATE(1), carry, mask);                                                   \
		return insn + 1;                                                                                       \
	}
#define CARRIES(T)                                                                                                     \
	CARRY(add_cc_##T, T, a + b, (T)(a + b) < a, false)                                                             \
	CARRY(addc_cc_##T, T, a + b + f, (T)(a + b) < a || (T)(a + b + f) < f, false)                                  \
	CARRY(addc_##T, T, a + b + f, 0, true)                                                                         \
	CARRY(sub_cc_##T, T, a - b, a < b, false)                                                                      \
	CARRY(subc_cc_##T, T, a - b - f, a < b || (T)(a - b) < f, false)                                               \
	CARRY(subc_##T, T, a - b - f, 0, true)
CARRIES(u32)
CARRIES(u64)

#define BYTE_u32(x, n) ((u32)((x) >> 8 * (n)&0xff))
#define BYTE_s32(x, n) ((u32)(s8)((x) >> 8 * (n)&0xff))
#define HALF_u32(x, n) ((u32)((x) >> 16 * (n)&0xffff))
#define HALF_s32(x, n) ((u32)(s16)((x) >> 16 * (n)&0xffff))
#define DOT(A, B)                                                                                                      \
	TERNARY(dp4a_##A##_##B, u32, u32, u32, u32,                                                                    \
		c + BYTE_##A(a, 0) * BYTE_##B(b, 0) + BYTE_##A(a, 1) * BYTE_##B(b, 1) +                                \
		    BYTE_##A(a, 2) * BYTE_##B(b, 2) + BYTE_##A(a, 3) * BYTE_##B(b, 3))                                 \
	TERNARY(dp2a_lo_##A##_##B, u32, u32, u32, u32,                                                                 \
		c + HALF_##A(a, 0) * BYTE_##B(b, 0) + HALF_##A(a, 1) * BYTE_##B(b, 1))                                 \
	TERNARY(dp2a_hi_##A##_##B, u32, u32, u32, u32,                                                                 \
		c + HALF_##A(a, 0) * BYTE_##B(b, 2) + HALF_##A(a, 1) * BYTE_##B(b, 3))
DOT(u32, u32)
DOT(u32, s32)
DOT(s32, u32)
DOT(s32, s32)

/* Pairs of 16 bits. */
#define PAIR(name, T, expr)                                                                                            \
	BINARY(name, u32, u32, u32, ({                                                                                 \
		       u32 result_ = 0;                                                                                \
		       for (int part = 0; part < 32; part += 16) {                                                     \
			       T x = (T)(a >> part), y = (T)(b >> part);                                               \
			       result_ |= (u32)(u16)(expr) << part;                                                    \
		       }                                                                                               \
		       result_;                                                                                        \
	       }))
#define POSITIVE(x) ((x) > 0 ? (x) : 0)
PAIR(add_u16x2, u16, x + y)
PAIR(min_u16x2, u16, x < y ? x : y)
PAIR(max_u16x2, u16, x > y ? x : y)
PAIR(min_s16x2, s16, x < y ? x : y)
PAIR(max_s16x2, s16, x > y ? x : y)
PAIR(min_relu_s16x2, s16, POSITIVE(x < y ? x : y))
PAIR(max_relu_s16x2, s16, POSITIVE(x > y ? x : y))
BINARY(min_relu_s32, s32, s32, s32, POSITIVE(a < b ? a : b))
BINARY(max_relu_s32, s32, s32, s32, POSITIVE(a > b ? a : b))
