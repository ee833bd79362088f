/* cp.async, cp.async.bulk, cp.reduce.async.bulk, st.async, red.async. Addresses are generic. */
#include "lanes_async.h"

#include "half.h"
#include "lanes_memory.h"

/* cp.async: insn->imm bytes are written, of which the first op[2] come from the source and the rest are zeros. */
LANE_FN(cp_async)
{
	const u64 *to = REGISTER(u64, 0), *from = REGISTER(u64, 1);
	const u32 *bytes = REGISTER(u32, 2), size = (u32)insn->imm;

	EACH_LANE(i, mask & warp->active)
	{
		u8 *target = cpu_range_block(warp, insn, i, to[i], size, size), value[16] = {0};
		u32 count = bytes[i] < size ? bytes[i] : size;

		if (!target)
			return warp->limit;
		if (count) {
			const u8 *source = span_holds(warp, insn, from[i], count) && !(from[i] & (size - 1))
					       ? (const u8 *)(uintptr_t)from[i]
					       : cpu_range_generic(warp, insn, i, from[i], count, size);

			if (!source)
				return warp->limit;
			memcpy(value, source, count);
		}
		memcpy(target, value, size);
	}
	return insn + 1;
}

/* A copy of whole units of 16 bytes. */
static bool bulk_size_valid(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, u32 size)
{
	if (size % 16 == 0)
		return true;
	cpu_fault(warp, insn, (int)lane, CUDA_ERROR_ILLEGAL_INSTRUCTION, "bulk copy of %u bytes, no multiple of 16",
		  size);
	return false;
}

/* To one block, whose mbarrier is at `object`. */
static bool bulk_copy_one(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, u64 to, const u8 *from,
			  u32 size, u64 object)
{
	u8 *target = cpu_range_generic_write(warp, insn, lane, to, size, 16);

	if (!target)
		return false;
	memmove(target, from, size);
	return !(insn->imm & CPU_BULK_SIGNALS) || mbarrier_complete(warp, insn, lane, object, size);
}

/* To the blocks of the cluster that the mask names. */
static bool bulk_copy_each(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, u64 to, const u8 *from,
			   u32 size, u64 object, u32 blocks)
{
	EACH_LANE(rank, blocks)
	if (!bulk_copy_one(warp, insn, lane, cpu_cluster_address(warp, to, rank), from, size,
			   cpu_cluster_address(warp, object, rank)))
		return false;
	return true;
}

LANE_FN(bulk_copy)
{
	const u64 *to = REGISTER(u64, 0), *from = REGISTER(u64, 1), *object = REGISTER(u64, 3);
	const u32 *size = REGISTER(u32, 2), *blocks = REGISTER(u32, 4);

	EACH_LANE(i, mask & warp->active)
	{
		const u8 *source;
		bool done;

		if (!bulk_size_valid(warp, insn, i, size[i]))
			return warp->limit;
		if (!size[i])
			continue;
		source = cpu_range_generic(warp, insn, i, from[i], size[i], 16);
		if (!source)
			return warp->limit;
		done = insn->imm & CPU_BULK_EVERY_BLOCK
			   ? bulk_copy_each(warp, insn, i, to[i], source, size[i], object[i], blocks[i] & 0xffff)
			   : bulk_copy_one(warp, insn, i, to[i], source, size[i], object[i]);
		if (!done)
			return warp->limit;
	}
	return insn + 1;
}

static u64 integer_combine(enum cpu_reduction_operation operation, u64 old, u64 b, bool less)
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
static u16 half_combine(enum cpu_reduction_operation operation, u16 old, u16 b, const struct half_format *format)
{
	f64 x = half_value(old, format), y = half_value(b, format);
	bool less = x < y || (x == y && (old & 0x8000));

	if (operation == CPU_REDUCTION_ADD)
		return half_round(sum_to_odd(x, y), format, 0);
	if (x != x || y != y)
		return x != x ? b : old;
	return (operation == CPU_REDUCTION_MIN) == less ? old : b;
}

static u64 combine(s64 code, u64 old, u64 b)
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
	static void combine_##T(s64 code, void *at, u64 b)                                                             \
	{                                                                                                              \
		T *target = at, old = __atomic_load_n(target, __ATOMIC_RELAXED), next;                                 \
		do                                                                                                     \
			next = (T)combine(code, old, b);                                                               \
		while (!__atomic_compare_exchange_n(target, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));   \
	}
COMBINE(u16)
COMBINE(u32)
COMBINE(u64)

static u32 reduction_bytes(s64 code)
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

static void values_combine(s64 code, u8 *to, const u8 *from, u32 size)
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

LANE_FN(bulk_reduce)
{
	const u64 *to = REGISTER(u64, 0), *from = REGISTER(u64, 1), *object = REGISTER(u64, 3);
	const u32 *size = REGISTER(u32, 2);

	EACH_LANE(i, mask & warp->active)
	{
		const u8 *source;
		u8 *target;

		if (!bulk_size_valid(warp, insn, i, size[i]))
			return warp->limit;
		if (!size[i])
			continue;
		source = cpu_range_generic(warp, insn, i, from[i], size[i], 16);
		target = source ? cpu_range_generic_write(warp, insn, i, to[i], size[i], 16) : NULL;
		if (!target)
			return warp->limit;
		values_combine(insn->imm >> CPU_BULK_OPERATION_SHIFT, target, source, size[i]);
		if ((insn->imm & CPU_BULK_SIGNALS) && !mbarrier_complete(warp, insn, i, object[i], size[i]))
			return warp->limit;
	}
	return insn + 1;
}

/* Up to four values from op[2] on; the mbarrier hears of their bytes. */
#define STORE_ASYNC(name, T, count)                                                                                    \
	LANE_FN(st_async_##name)                                                                                       \
	{                                                                                                              \
		const u64 *to = REGISTER(u64, 0), *object = REGISTER(u64, 1);                                          \
		EACH_LANE(i, mask & warp->active)                                                                      \
		{                                                                                                      \
			u8 *target = cpu_range_block(warp, insn, i, to[i], sizeof(T) * (count), sizeof(T) * (count));  \
			if (!target)                                                                                   \
				return warp->limit;                                                                    \
			for (unsigned k = 0; k < (count); k++)                                                         \
				memcpy(target + sizeof(T) * k, &REGISTER(T, 2 + k)[i], sizeof(T));                     \
			if (!mbarrier_complete(warp, insn, i, object[i], sizeof(T) * (count)))                         \
				return warp->limit;                                                                    \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}
STORE_ASYNC(b32, u32, 1)
STORE_ASYNC(v2_b32, u32, 2)
STORE_ASYNC(v4_b32, u32, 4)
STORE_ASYNC(b64, u64, 1)
STORE_ASYNC(v2_b64, u64, 2)
STORE_ASYNC(v4_b64, u64, 4)

#define REDUCE_ASYNC(name, T)                                                                                          \
	LANE_FN(red_async_##name)                                                                                      \
	{                                                                                                              \
		const u64 *to = REGISTER(u64, 0), *object = REGISTER(u64, 1);                                          \
		const slot_##T *b = REGISTER(T, 2);                                                                    \
		EACH_LANE(i, mask & warp->active)                                                                      \
		{                                                                                                      \
			T *target = cpu_range_block(warp, insn, i, to[i], sizeof(T), sizeof(T));                       \
			if (!target)                                                                                   \
				return warp->limit;                                                                    \
			*target = (T)combine(insn->imm, *target, b[i]);                                                \
			if (!mbarrier_complete(warp, insn, i, object[i], sizeof(T)))                                   \
				return warp->limit;                                                                    \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}
REDUCE_ASYNC(b32, u32)
REDUCE_ASYNC(b64, u64)
