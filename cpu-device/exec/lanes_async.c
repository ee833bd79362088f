/* cp.async, cp.async.bulk, cp.reduce.async.bulk, st.async, red.async. Addresses are generic. */
#include "lanes_async.h"

#include "lanes_combine.h"
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
