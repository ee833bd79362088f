/* Arithmetic on f32 and f64, rounding to nearest. NaN results need not have the bits that NVIDIA's hardware gives. */
#include "float_operations.h"

#define FLOAT_UNARY(name, expr32, expr64)                                                                              \
	UNARY(name##_f32, f32, f32, expr32)                                                                            \
	UNARY(name##_ftz_f32, f32, f32, ({                                                                             \
		      a = f32_flush(a);                                                                                \
		      f32_flush(expr32);                                                                               \
	      }))                                                                                                      \
	UNARY(name##_f64, f64, f64, expr64)
#define FLOAT_BINARY(name, expr32, expr64)                                                                             \
	BINARY(name##_f32, f32, f32, f32, expr32)                                                                      \
	BINARY(name##_ftz_f32, f32, f32, f32, ({                                                                       \
		       a = f32_flush(a), b = f32_flush(b);                                                             \
		       f32_flush(expr32);                                                                              \
	       }))                                                                                                     \
	BINARY(name##_f64, f64, f64, f64, expr64)
#define FLOAT_TERNARY(name, expr32, expr64)                                                                            \
	TERNARY(name##_f32, f32, f32, f32, f32, expr32)                                                                \
	TERNARY(name##_ftz_f32, f32, f32, f32, f32, ({                                                                 \
			a = f32_flush(a), b = f32_flush(b), c = f32_flush(c);                                          \
			f32_flush(expr32);                                                                             \
		}))                                                                                                    \
	TERNARY(name##_f64, f64, f64, f64, f64, expr64)

FLOAT_OPERATIONS(FLOAT_UNARY, FLOAT_BINARY, FLOAT_TERNARY)

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

/* min.xorsign.abs: of the magnitudes, with the sign of the product. */
static inline f32 with_sign(f32 value, f32 a, f32 b)
{
	return value != value ? value
			      : f32_from((f32_bits(value) & 0x7fffffff) | ((f32_bits(a) ^ f32_bits(b)) & 0x80000000));
}

#define XORSIGN(name, CHOICE)                                                                                          \
	BINARY(name##_any_f32, f32, f32, f32, ({                                                                       \
		       f32 x = f32_from(f32_bits(f32_input(a, insn->imm)) & 0x7fffffff);                               \
		       f32 y = f32_from(f32_bits(f32_input(b, insn->imm)) & 0x7fffffff);                               \
		       with_sign(CHOICE(x, y), a, b);                                                                  \
	       }))
#define MIN_F32(a, b) MIN(a, b, f32, NAN32)
#define MAX_F32(a, b) MAX(a, b, f32, NAN32)
XORSIGN(min_xorsign, MIN_F32)
XORSIGN(max_xorsign, MAX_F32)
XORSIGN(min_nan_xorsign, MIN_NAN)
XORSIGN(max_nan_xorsign, MAX_NAN)

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
