/* The operations on f32 and f64 with any rounding mode, .ftz and .sat, as insn->imm says. */
#include "float_operations.h"

#define ANY(name, operands, T, expr)                                                                                   \
	LANE_FN(name##_any_##T)                                                                                        \
	{                                                                                                              \
		const s64 flags = insn->imm;                                                                           \
		const slot_##T *a_ = REGISTER(T, 1), *b_ = REGISTER(T, operands > 1 ? 2 : 1),                          \
			       *c_ = REGISTER(T, operands > 2 ? 3 : 1);                                                \
		rounding_begin(flags);                                                                                 \
		LANES(T, ({                                                                                            \
			      T a = T##_input(a_[i], flags), b = T##_input(b_[i], flags), c = T##_input(c_[i], flags); \
			      (void)b, (void)c;                                                                        \
			      T##_result(expr, flags);                                                                 \
		      }));                                                                                             \
		rounding_end(flags);                                                                                   \
		return insn + 1;                                                                                       \
	}
#define ANY_UNARY(name, expr32, expr64) ANY(name, 1, f32, expr32) ANY(name, 1, f64, expr64)
#define ANY_BINARY(name, expr32, expr64) ANY(name, 2, f32, expr32) ANY(name, 2, f64, expr64)
#define ANY_TERNARY(name, expr32, expr64) ANY(name, 3, f32, expr32) ANY(name, 3, f64, expr64)

FLOAT_OPERATIONS(ANY_UNARY, ANY_BINARY, ANY_TERNARY)
