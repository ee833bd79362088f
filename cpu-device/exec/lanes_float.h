/* Rounding, flushing and clamping of floats, by the flags of float_flags.h. */
#ifndef CPU_LANES_FLOAT_H
#define CPU_LANES_FLOAT_H

#include <fenv.h>
#include <math.h>

#include "float_flags.h"
#include "lanes.h"

/* Sets the rounding mode that the flags ask for; the lanes' loads and stores keep the arithmetic between this and
   rounding_end, as no compiler may move memory accesses over an unknown function. */
static inline void rounding_begin(s64 flags)
{
	static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

	if (flags & CPU_ROUND_MASK)
		fesetround(modes[flags & CPU_ROUND_MASK]);
}

static inline void rounding_end(s64 flags)
{
	if (flags & CPU_ROUND_MASK)
		fesetround(FE_TONEAREST);
}

static inline f32 f32_input(f32 value, s64 flags)
{
	return flags & CPU_FTZ ? f32_flush(value) : value;
}

static inline f32 f32_result(f32 value, s64 flags)
{
	if (flags & CPU_FTZ)
		value = f32_flush(value);
	if (flags & CPU_SAT)
		value = value > 0 ? (value < 1 ? value : 1) : 0;
	return value;
}

/* Of f64, only the approximations of rcp and rsqrt know .ftz. */
static inline f64 f64_flush(f64 value)
{
	u64 bits = f64_bits(value), sign = (u64)1 << 63;

	return f64_from(bits & (u64)0x7ff << 52 ? bits : bits & sign);
}

static inline f64 f64_input(f64 value, s64 flags)
{
	return flags & CPU_FTZ ? f64_flush(value) : value;
}

static inline f64 f64_result(f64 value, s64 flags)
{
	value = flags & CPU_FTZ ? f64_flush(value) : value;
	if (flags & CPU_SAT)
		value = value > 0 ? (value < 1 ? value : 1) : 0;
	return value;
}

static inline f64 f64_integral(f64 value, s64 flags)
{
	switch (flags & CPU_ROUND_MASK) {
	case CPU_ROUND_ZERO:
		return trunc(value);
	case CPU_ROUND_DOWN:
		return floor(value);
	case CPU_ROUND_UP:
		return ceil(value);
	default:
		return nearbyint(value);
	}
}

static inline f32 f32_integral(f32 value, s64 flags)
{
	switch (flags & CPU_ROUND_MASK) {
	case CPU_ROUND_ZERO:
		return truncf(value);
	case CPU_ROUND_DOWN:
		return floorf(value);
	case CPU_ROUND_UP:
		return ceilf(value);
	default:
		return nearbyintf(value);
	}
}

#endif
