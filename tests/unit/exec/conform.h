/* Conformance: one instruction on edge values and random ones, against an expression of C. */
#ifndef EXEC_CONFORM_H
#define EXEC_CONFORM_H

#include <fenv.h>
#include <math.h>

#include "harness.h"

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;
typedef __int128 s128;
typedef unsigned __int128 u128;

/* What the operands are drawn from. */
enum operands { INTEGERS, SINGLES, DOUBLES, HALVES, BRAINS };

/* Where the instruction leaves its result, and which results are the same. Of floats, all NaNs are. */
enum result { X32, H16, L64, P1, F32, F64, F16, BF16, F16X2, BF16X2, TF32 };

/* The operands of the evaluation at hand: the same bits as words, signed words, floats, halves. */
struct operand {
	u64 l;
	s64 sl;
	u32 x;
	s32 sx;
	u16 h;
	s16 sh;
	float f;
	double d;
};

/* Runs the instruction on all operands, or skips it. conform_next moves on to the next evaluation, whose operands it
   fills in; conform_check compares. */
bool conform_begin(const char *body, enum operands operands, enum result result);
bool conform_next(struct operand operand[3]);
void conform_check(u64 want);

/* `expr` is what `body` computes of a, b and c. The body finds its operands and leaves its result in registers called
   as body_run says: %x0, %h0, %l0, %p0, %f0, %d0 by the result. */
#define CASE(body, operands, result, ...)                                                                              \
	do {                                                                                                           \
		struct operand operand_[3];                                                                            \
		if (!conform_begin(body, operands, result))                                                            \
			break;                                                                                         \
		while (conform_next(operand_)) {                                                                       \
			const struct operand a = operand_[0], b = operand_[1], c = operand_[2];                        \
			(void)a, (void)b, (void)c;                                                                     \
			conform_check((u64)(__VA_ARGS__));                                                             \
		}                                                                                                      \
	} while (0)

static inline u64 bits_f32(float value)
{
	u32 bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static inline u64 bits_f64(double value)
{
	u64 bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static inline float f32_of(u32 bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* A float as .ftz takes it. */
static inline float flushed(float value)
{
	return fabsf(value) < 0x1p-126f ? copysignf(0, value) : value;
}

/* A short float format: bits of the fraction, and the exponent of the smallest normal number. */
struct format {
	int fraction, least;
	u32 infinity; /* the bits; of formats without it, one beyond the largest number */
};

extern const struct format half, brain, e4m3, e5m2;

/* The number that the bits stand for, and the nearest one to a value in the current rounding mode. */
double format_value(const struct format *format, u32 bits);
u32 format_round(const struct format *format, long double value);

/* The expression with another rounding mode. */
#define ROUNDED(mode, expr)                                                                                            \
	({                                                                                                             \
		__typeof__(expr) rounded_;                                                                             \
		fesetround(mode);                                                                                      \
		rounded_ = (expr);                                                                                     \
		fesetround(FE_TONEAREST);                                                                              \
		rounded_;                                                                                              \
	})

void conform_integers(void);
void conform_bits(void);
void conform_floats(void);
void conform_halves(void);
void conform_conversions(void);
void conform_comparisons(void);
void conform_video(void);
void conform_memory_accesses(void);

#endif
