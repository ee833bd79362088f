/* Reductions of values into memory: what cp.reduce.async.bulk and red.async do. */
#ifndef CPU_LANES_COMBINE_H
#define CPU_LANES_COMBINE_H

#include "async.h"
#include "half.h"

static inline u64 integer_combine(enum cpu_reduction_operation operation, u64 old, u64 b, bool less)
{
	switch (operation) {
	case CPU_REDUCTION_ADD:
		return old + b;
	case CPU_REDUCTION_MIN:
		return less ? old : b;
	case CPU_REDUCTION_MAX:
		return less ? b : old;
	case CPU_REDUCTION_INC:
		return old >= b ? 0 : old + 1;
	case CPU_REDUCTION_DEC:
		return old == 0 || old > b ? b : old - 1;
	case CPU_REDUCTION_AND:
		return old & b;
	case CPU_REDUCTION_OR:
		return old | b;
	default:
		return old ^ b;
	}
}

/* f16 and bf16 are added, or the smaller or greater chosen: a number rather than NaN, -0 before 0. */
static inline u16 half_combine(enum cpu_reduction_operation operation, u16 old, u16 b, const struct half_format *format)
{
	f64 x = half_value(old, format), y = half_value(b, format);
	bool less = x < y || (x == y && (old & 0x8000));

	if (operation == CPU_REDUCTION_ADD)
		return half_round(sum_to_odd(x, y), format, 0);
	if (x != x || y != y)
		return x != x ? b : old;
	return (operation == CPU_REDUCTION_MIN) == less ? old : b;
}

static inline u64 combine(s64 code, u64 old, u64 b)
{
	enum cpu_reduction_operation operation = CPU_REDUCTION_OPERATION(code);

	switch (CPU_REDUCTION_TYPE(code)) {
	case CPU_REDUCTION_F16:
		return half_combine(operation, (u16)old, (u16)b, &format_f16);
	case CPU_REDUCTION_BF16:
		return half_combine(operation, (u16)old, (u16)b, &format_bf16);
	case CPU_REDUCTION_F32:
		return f32_bits(f32_from((u32)old) + f32_from((u32)b));
	case CPU_REDUCTION_F64:
		return f64_bits(f64_from(old) + f64_from(b));
	case CPU_REDUCTION_S32:
		return integer_combine(operation, old, b, (s32)old < (s32)b);
	case CPU_REDUCTION_S64:
		return integer_combine(operation, old, b, (s64)old < (s64)b);
	default:
		return integer_combine(operation, old, b, old < b);
	}
}

/* Combines one value into memory that other threads of the host may change at the same time. */
#define COMBINE(T)                                                                                                     \
	static inline void combine_##T(s64 code, void *at, u64 b)                                                      \
	{                                                                                                              \
		T *target = at, old = __atomic_load_n(target, __ATOMIC_RELAXED), next;                                 \
		do                                                                                                     \
			next = (T)combine(code, old, b);                                                               \
		while (!__atomic_compare_exchange_n(target, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));   \
	}
COMBINE(u16)
COMBINE(u32)
COMBINE(u64)

static inline u32 reduction_bytes(s64 code)
{
	switch (CPU_REDUCTION_TYPE(code)) {
	case CPU_REDUCTION_F16:
	case CPU_REDUCTION_BF16:
		return 2;
	case CPU_REDUCTION_U64:
	case CPU_REDUCTION_S64:
	case CPU_REDUCTION_B64:
	case CPU_REDUCTION_F64:
		return 8;
	default:
		return 4;
	}
}

/* `size` bytes of values, whose operation and type the code names, from `from` into `to`. */
static inline void values_combine(s64 code, u8 *to, const u8 *from, u32 size)
{
	u32 bytes = reduction_bytes(code);

	for (u32 i = 0; i < size; i += bytes) {
		u64 b = 0;

		memcpy(&b, from + i, bytes);
		if (bytes == 2)
			combine_u16(code, to + i, b);
		else if (bytes == 4)
			combine_u32(code, to + i, b);
		else
			combine_u64(code, to + i, b);
	}
}

#endif
