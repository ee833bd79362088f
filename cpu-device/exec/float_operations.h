/* What the operations on f32 and f64 compute, of a, b and c; for the files that make lane functions of them. */
#ifndef CPU_FLOAT_OPERATIONS_H
#define CPU_FLOAT_OPERATIONS_H

#include "lanes_float.h"

#define NAN32 f32_from(0x7fffffff)
#define NAN64 f64_from((u64)INT64_MAX)

/* A number wins over NaN, and -0 < +0: equal values differ in the sign bit at most. Written as selections one after the
   other, which compilers make vector code of. */
#define CHOOSE(a, b, T, better, equal, NAN_T)                                                                          \
	({                                                                                                             \
		T choice_ = better ? a : b;                                                                            \
		choice_ = a == b ? T##_from(equal) : choice_;                                                          \
		choice_ = b != b ? a : choice_;                                                                        \
		choice_ = a != a ? b : choice_;                                                                        \
		choice_ != choice_ ? NAN_T : choice_;                                                                  \
	})
#define MIN(a, b, T, NAN_T) CHOOSE(a, b, T, a < b, T##_bits(a) | T##_bits(b), NAN_T)
#define MAX(a, b, T, NAN_T) CHOOSE(a, b, T, a > b, T##_bits(a) & T##_bits(b), NAN_T)

#define FLOAT_OPERATIONS(UNARY_, BINARY_, TERNARY_)                                                                    \
	BINARY_(add, a + b, a + b)                                                                                     \
	BINARY_(sub, a - b, a - b)                                                                                     \
	BINARY_(mul, a *b, a *b)                                                                                       \
	BINARY_(div, a / b, a / b)                                                                                     \
	TERNARY_(fma, __builtin_fmaf(a, b, c), __builtin_fma(a, b, c))                                                 \
	UNARY_(rcp, 1 / a, 1 / a)                                                                                      \
	UNARY_(sqrt, __builtin_sqrtf(a), __builtin_sqrt(a))                                                            \
	UNARY_(rsqrt, (f32)(1 / __builtin_sqrt((f64)a)), 1 / __builtin_sqrt(a))                                        \
	UNARY_(abs, f32_from(f32_bits(a) & 0x7fffffff), f64_from(f64_bits(a) & INT64_MAX))                             \
	UNARY_(neg, f32_from(f32_bits(a) ^ 0x80000000), f64_from(f64_bits(a) ^ (u64)1 << 63))                          \
	BINARY_(min, MIN(a, b, f32, NAN32), MIN(a, b, f64, NAN64))                                                     \
	BINARY_(max, MAX(a, b, f32, NAN32), MAX(a, b, f64, NAN64))

#endif
