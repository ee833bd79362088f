/* f16 and bf16 as bits: exact to f64, and back with one rounding. */
#ifndef CPU_HALF_H
#define CPU_HALF_H

#include "lanes_float.h"

typedef u16 f16;
typedef u16 bf16;
typedef u32 slot_f16, slot_bf16;

struct half_format {
	int fraction; /* bits */
	int bias;
	u32 exponents; /* largest, that of infinity */
};

static const struct half_format format_f16 = {10, 15, 31};
static const struct half_format format_bf16 = {7, 127, 255};

static inline f64 half_value(u16 bits, const struct half_format *format)
{
	u32 fraction = bits & ((1u << format->fraction) - 1);
	u32 exponent = (bits & 0x7fff) >> format->fraction;
	f64 magnitude;

	if (exponent == format->exponents)
		magnitude = fraction ? f64_from((u64)INT64_MAX) : f64_from((u64)0x7ff << 52);
	else if (!exponent)
		magnitude = ldexp(fraction, 1 - format->bias - format->fraction);
	else
		magnitude =
		    f64_from((u64)(exponent - format->bias + 1023) << 52 | (u64)fraction << (52 - format->fraction));
	return bits & 0x8000 ? -magnitude : magnitude;
}

/* Does a value between two neighbours go to the one of greater magnitude? `rest` of 2^shift is what is cut off. */
static inline bool half_rounds_up(u64 kept, u64 rest, int shift, bool negative, s64 flags)
{
	u64 middle = (u64)1 << (shift - 1);

	switch (flags & CPU_ROUND_MASK) {
	case CPU_ROUND_ZERO:
		return false;
	case CPU_ROUND_DOWN:
		return negative && rest;
	case CPU_ROUND_UP:
		return !negative && rest;
	default:
		return rest > middle || (rest == middle && (kept & 1));
	}
}

static inline u16 half_round(f64 value, const struct half_format *format, s64 flags)
{
	u64 bits = f64_bits(value);
	u64 magnitude = bits & (u64)INT64_MAX, kept;
	bool negative = bits >> 63;
	u16 sign = negative ? 0x8000 : 0;
	u32 infinity = format->exponents << format->fraction;
	int exponent = (int)(magnitude >> 52) - 1023;
	int shift = 52 - format->fraction;

	if (value != value)
		return 0x7fff;
	if (exponent == 1024)
		return sign | infinity;
	if (exponent < -1022 + 53) /* zero, or far below the smallest result of either format */
		kept = 0, magnitude = magnitude ? 1 : 0, shift = 2;
	else if (exponent < 1 - format->bias) { /* subnormal */
		shift += 1 - format->bias - exponent;
		magnitude = (magnitude & (((u64)1 << 52) - 1)) | (u64)1 << 52;
		if (shift > 60)
			kept = 0, magnitude = 1, shift = 2;
		else
			kept = magnitude >> shift;
	} else {
		kept = (magnitude >> shift) - ((u64)(1023 - format->bias) << format->fraction);
	}
	kept += half_rounds_up(kept, magnitude & (((u64)1 << shift) - 1), shift, negative, flags);
	if (kept >= infinity) {
		bool inward = (flags & CPU_ROUND_MASK) == CPU_ROUND_ZERO ||
			      (flags & CPU_ROUND_MASK) == (negative ? CPU_ROUND_UP : CPU_ROUND_DOWN);

		kept = inward ? infinity - 1 : infinity;
	}
	return sign | (u16)kept;
}

/* a + b rounded to odd: rounding it once more to a shorter format gives the correctly rounded sum. */
static inline f64 sum_to_odd(f64 a, f64 b)
{
	volatile f64 sum = a + b;
	f64 part = sum - a;
	f64 error = (a - (sum - part)) + (b - part);
	u64 bits = f64_bits(sum);

	if (error == 0 || error != error || (bits & 1))
		return sum;
	return f64_from((error > 0) == (sum > 0) ? bits + 1 : bits - 1);
}

static inline u16 half_flush(u16 bits, const struct half_format *format, s64 flags)
{
	return (flags & CPU_FTZ) && !(bits & format->exponents << format->fraction) ? bits & 0x8000 : bits;
}

static inline f64 half_input(u16 bits, const struct half_format *format, s64 flags)
{
	return half_value(half_flush(bits, format, flags), format);
}

static inline u16 half_result(f64 value, const struct half_format *format, s64 flags)
{
	u16 bits;

	if (flags & CPU_SAT)
		value = value > 0 ? (value < 1 ? value : 1) : 0;
	bits = half_round(value, format, flags);
	if ((flags & CPU_SAT_FINITE) && (u32)(bits & 0x7fff) == format->exponents << format->fraction)
		bits--;
	if ((flags & CPU_RELU) && ((bits & 0x8000) || value != value))
		bits = value != value ? 0x7fff : 0;
	return half_flush(bits, format, flags);
}

#endif
