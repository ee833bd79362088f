/* Arithmetic on f16, bf16 and pairs of them. */
#include "half.h"

#define HALF_SCALAR(name, F, expr)                                                                                     \
	LANE_FN(name##_##F)                                                                                            \
	{                                                                                                              \
		const struct half_format *format = &format_##F;                                                        \
		const s64 flags = insn->imm;                                                                           \
		const u32 *a_ = REGISTER(u32, 1), *b_ = REGISTER(u32, 2), *c_ = REGISTER(u32, 3);                      \
		u32 *d_ = REGISTER(u32, 0);                                                                            \
		(void)warp;                                                                                            \
		EACH_LANE(i, mask)                                                                                     \
		{                                                                                                      \
			u16 a = (u16)a_[i], b = (u16)b_[i], c = (u16)c_[i];                                            \
			(void)b, (void)c;                                                                              \
			d_[i] = expr;                                                                                  \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}
#define HALF_PAIR(name, F, expr)                                                                                       \
	LANE_FN(name##_##F##x2)                                                                                        \
	{                                                                                                              \
		const struct half_format *format = &format_##F;                                                        \
		const s64 flags = insn->imm;                                                                           \
		const u32 *a_ = REGISTER(u32, 1), *b_ = REGISTER(u32, 2), *c_ = REGISTER(u32, 3);                      \
		u32 *d_ = REGISTER(u32, 0);                                                                            \
		(void)warp;                                                                                            \
		EACH_LANE(i, mask)                                                                                     \
		{                                                                                                      \
			u32 result = 0;                                                                                \
			for (int part = 0; part < 32; part += 16) {                                                    \
				u16 a = (u16)(a_[i] >> part), b = (u16)(b_[i] >> part), c = (u16)(c_[i] >> part);      \
				(void)b, (void)c;                                                                      \
				result |= (u32)(u16)(expr) << part;                                                    \
			}                                                                                              \
			d_[i] = result;                                                                                \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}
#define HALF(name, expr)                                                                                               \
	HALF_SCALAR(name, f16, expr)                                                                                   \
	HALF_SCALAR(name, bf16, expr)                                                                                  \
	HALF_PAIR(name, f16, expr)                                                                                     \
	HALF_PAIR(name, bf16, expr)

#define IN(x) half_input(x, format, flags)
#define OUT(x) half_result(x, format, flags)

HALF(add, OUT(sum_to_odd(IN(a), IN(b))))
HALF(sub, OUT(sum_to_odd(IN(a), -IN(b))))
HALF(mul, OUT(IN(a) * IN(b)))
HALF(fma, OUT(sum_to_odd(IN(a) * IN(b), IN(c))))
HALF(neg, half_flush(a, format, flags) ^ 0x8000)
HALF(abs, half_flush(a, format, flags) & 0x7fff)
HALF(ex2, OUT(exp2(IN(a))))
HALF(tanh, OUT(tanh(IN(a))))

static inline f64 minimum(f64 a, f64 b)
{
	if (a != a || b != b)
		return a != a ? b : a;
	return a == b ? (signbit(a) ? a : b) : a < b ? a : b;
}

static inline f64 maximum(f64 a, f64 b)
{
	if (a != a || b != b)
		return a != a ? b : a;
	return a == b ? (signbit(a) ? b : a) : a > b ? a : b;
}

static inline f64 nan_or(f64 a, f64 b, f64 value)
{
	return a != a ? a : b != b ? b : value;
}

HALF(min, OUT(minimum(IN(a), IN(b))))
HALF(max, OUT(maximum(IN(a), IN(b))))
HALF(min_nan, OUT(nan_or(IN(a), IN(b), minimum(IN(a), IN(b)))))
HALF(max_nan, OUT(nan_or(IN(a), IN(b), maximum(IN(a), IN(b)))))

/* min.xorsign.abs: of the magnitudes, with the sign of the product. */
static inline u16 with_sign(u16 bits, u16 a, u16 b, const struct half_format *format)
{
	bool is_nan = (u32)(bits & 0x7fff) > format->exponents << format->fraction;

	return is_nan ? bits : (u16)((bits & 0x7fff) | ((a ^ b) & 0x8000));
}

#define XORSIGN(name, choice)                                                                                          \
	HALF(name, ({                                                                                                  \
		     const f64 x = IN(a & 0x7fff), y = IN(b & 0x7fff);                                                 \
		     with_sign(OUT(choice), a, b, format);                                                             \
	     }))
XORSIGN(min_xorsign, minimum(x, y))
XORSIGN(max_xorsign, maximum(x, y))
XORSIGN(min_nan_xorsign, nan_or(x, y, minimum(x, y)))
XORSIGN(max_nan_xorsign, nan_or(x, y, maximum(x, y)))
