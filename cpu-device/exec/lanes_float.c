/* Arithmetic on f32 and f64. NaN results need not have the bits that NVIDIA's hardware gives them. */
#include "lanes_float.h"

/* The forms of one operation: plain, .ftz, and by flags. In `expr32` and `expr64` the operands are a, b, c. */
#define ANY(name, operation, types, T, expr)                                                                           \
	LANE_FN(name##_any_##T)                                                                                        \
	{                                                                                                              \
		const s64 flags = insn->imm;                                                                           \
		const slot_##T *a_ = REGISTER(T, 1), *b_ = REGISTER(T, operation > 1 ? 2 : 1),                         \
			       *c_ = REGISTER(T, operation > 2 ? 3 : 1);                                               \
		rounding_begin(flags);                                                                                 \
		LANES(T, ({                                                                                            \
			      T a = T##_input(a_[i], flags), b = T##_input(b_[i], flags), c = T##_input(c_[i], flags); \
			      (void)b, (void)c;                                                                        \
			      T##_result(expr, flags);                                                                 \
		      }));                                                                                             \
		rounding_end(flags);                                                                                   \
		return insn + 1;                                                                                       \
	}

#define FLOAT_UNARY(name, expr32, expr64)                                                                              \
	UNARY(name##_f32, f32, f32, expr32)                                                                            \
	UNARY(name##_ftz_f32, f32, f32, ({                                                                             \
		      a = f32_flush(a);                                                                                \
		      f32_flush(expr32);                                                                               \
	      }))                                                                                                      \
	UNARY(name##_f64, f64, f64, expr64)                                                                            \
	ANY(name, 1, , f32, expr32)                                                                                    \
	ANY(name, 1, , f64, expr64)

#define FLOAT_BINARY(name, expr32, expr64)                                                                             \
	BINARY(name##_f32, f32, f32, f32, expr32)                                                                      \
	BINARY(name##_ftz_f32, f32, f32, f32, ({                                                                       \
		       a = f32_flush(a), b = f32_flush(b);                                                             \
		       f32_flush(expr32);                                                                              \
	       }))                                                                                                     \
	BINARY(name##_f64, f64, f64, f64, expr64)                                                                      \
	ANY(name, 2, , f32, expr32)                                                                                    \
	ANY(name, 2, , f64, expr64)

FLOAT_BINARY(add, a + b, a + b)
FLOAT_BINARY(sub, a - b, a - b)
FLOAT_BINARY(mul, a *b, a *b)
FLOAT_BINARY(div, a / b, a / b)

TERNARY(fma_f32, f32, f32, f32, f32, __builtin_fmaf(a, b, c))
TERNARY(fma_ftz_f32, f32, f32, f32, f32, f32_flush(__builtin_fmaf(f32_flush(a), f32_flush(b), f32_flush(c))))
TERNARY(fma_f64, f64, f64, f64, f64, __builtin_fma(a, b, c))
ANY(fma, 3, , f32, __builtin_fmaf(a, b, c))
ANY(fma, 3, , f64, __builtin_fma(a, b, c))

FLOAT_UNARY(rcp, 1 / a, 1 / a)
FLOAT_UNARY(sqrt, __builtin_sqrtf(a), __builtin_sqrt(a))
FLOAT_UNARY(rsqrt, (f32)(1 / __builtin_sqrt((f64)a)), 1 / __builtin_sqrt(a))
FLOAT_UNARY(abs, f32_from(f32_bits(a) & 0x7fffffff), f64_from(f64_bits(a) & INT64_MAX))
FLOAT_UNARY(neg, f32_from(f32_bits(a) ^ 0x80000000), f64_from(f64_bits(a) ^ (u64)1 << 63))

#define NAN32 f32_from(0x7fffffff)
#define NAN64 f64_from((u64)INT64_MAX)

/* A number wins over NaN, and -0 < +0: equal values differ in the sign bit at most. */
#define MIN(a, b, T, NAN_T)                                                                                            \
	(a != a ? (b != b ? NAN_T : b) : b != b ? a : a == b ? T##_from(T##_bits(a) | T##_bits(b)) : a < b ? a : b)
#define MAX(a, b, T, NAN_T)                                                                                            \
	(a != a ? (b != b ? NAN_T : b) : b != b ? a : a == b ? T##_from(T##_bits(a) & T##_bits(b)) : a > b ? a : b)

FLOAT_BINARY(min, MIN(a, b, f32, NAN32), MIN(a, b, f64, NAN64))
FLOAT_BINARY(max, MAX(a, b, f32, NAN32), MAX(a, b, f64, NAN64))
#define MIN_NAN(a, b) (a != a || b != b ? NAN32 : MIN(a, b, f32, NAN32))
#define MAX_NAN(a, b) (a != a || b != b ? NAN32 : MAX(a, b, f32, NAN32))
BINARY(min_nan_f32, f32, f32, f32, MIN_NAN(a, b))
BINARY(max_nan_f32, f32, f32, f32, MAX_NAN(a, b))
BINARY(min_nan_ftz_f32, f32, f32, f32, ({
	       a = f32_flush(a), b = f32_flush(b);
	       MIN_NAN(a, b);
       }))
BINARY(max_nan_ftz_f32, f32, f32, f32, ({
	       a = f32_flush(a), b = f32_flush(b);
	       MAX_NAN(a, b);
       }))

/* The sign of a on the magnitude of b. */
BINARY(copysign_f32, u32, u32, u32, (a & 0x80000000) | (b & 0x7fffffff))
BINARY(copysign_f64, u64, u64, u64, (a & (u64)1 << 63) | (b & (u64)INT64_MAX))

/* The approximations of the hardware are within a few units of the correctly rounded value, which is what we give. */
#define APPROXIMATE(name, function)                                                                                    \
	UNARY_EACH(name##_any_f32, f32, f32, f32_result(function(f32_input(a, insn->imm)), insn->imm))
APPROXIMATE(sin, sinf)
APPROXIMATE(cos, cosf)
APPROXIMATE(lg2, log2f)
APPROXIMATE(ex2, exp2f)
APPROXIMATE(tanh, tanhf)
