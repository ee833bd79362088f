/* Operations on mbarrier objects. Addresses are generic, and must be of shared memory. */
#include "lanes_async.h"

LANE_FN(mbarrier_init)
{
	const u64 *address = REGISTER(u64, 0);
	const u32 *count = REGISTER(u32, 1);

	EACH_LANE(i, mask & warp->active)
	{
		u64 *object = cpu_range_block(warp, insn, i, address[i], sizeof(*object), sizeof(*object));

		if (!object)
			return warp->limit;
		if (!count[i] || count[i] > CPU_MBARRIER_MOST)
			return mbarrier_bad(warp, insn, i, "the count is not between 1 and 2^20 - 1");
		*object = cpu_mbarrier_new(count[i]);
	}
	return insn + 1;
}

LANE_FN(mbarrier_inval)
{
	const u64 *address = REGISTER(u64, 0);

	EACH_LANE(i, mask & warp->active)
	{
		u64 *object = mbarrier_at(warp, insn, i, address[i]);

		if (!object)
			return warp->limit;
		*object = 0;
	}
	return insn + 1;
}

/* expect_tx and, with insn->imm < 0, complete_tx */
LANE_FN(mbarrier_bytes)
{
	const u64 *address = REGISTER(u64, 0);
	const u32 *bytes = REGISTER(u32, 1);

	EACH_LANE(i, mask & warp->active)
	{
		u64 *object = mbarrier_at(warp, insn, i, address[i]);

		if (!object)
			return warp->limit;
		if (!cpu_mbarrier_bytes(object, insn->imm * (s64)bytes[i]))
			return mbarrier_bad(warp, insn, i, "more than 2^20 - 1 bytes are pending");
	}
	return insn + 1;
}

/* The state is that before the arrival; expected bytes count before it. */
LANE_FN(mbarrier_arrive)
{
	const u64 *address = REGISTER(u64, 1);
	const u32 *count = REGISTER(u32, 2), *bytes = REGISTER(u32, 3);
	u64 *state = REGISTER(u64, 0);

	EACH_LANE(i, mask & warp->active)
	{
		u64 *object = mbarrier_at(warp, insn, i, address[i]), before;

		if (!object)
			return warp->limit;
		if (bytes[i] && !cpu_mbarrier_bytes(object, bytes[i]))
			return mbarrier_bad(warp, insn, i, "more than 2^20 - 1 bytes are pending");
		before = *object;
		if ((insn->imm & CPU_ARRIVE_NOT_LAST) && cpu_mbarrier_completes(before, count[i]))
			return mbarrier_bad(warp, insn, i, "an arrival with .noComplete ends the phase");
		if (!count[i] || !cpu_mbarrier_arrive(object, count[i], insn->imm & CPU_ARRIVE_DROP))
			return mbarrier_bad(warp, insn, i, "more arrivals than are pending");
		state[i] = before;
	}
	return insn + 1;
}

/* Copies are done at once. So this arrival, which else comes when they are done, does too; and the one that it adds to
   the phase unless insn->imm says .noinc takes itself away. */
LANE_FN(mbarrier_arrive_copies)
{
	const u64 *address = REGISTER(u64, 0);

	EACH_LANE(i, mask & warp->active)
	{
		u64 *object = mbarrier_at(warp, insn, i, address[i]);

		if (!object)
			return warp->limit;
		if (insn->imm && !cpu_mbarrier_arrive(object, 1, false))
			return mbarrier_bad(warp, insn, i, "more arrivals than are pending");
	}
	return insn + 1;
}

/* Who has waited in vain gives way to others. */
static const struct cpu_insn *waited(struct cpu_warp *warp, const struct cpu_insn *insn, bool in_vain)
{
	if (!in_vain)
		return insn + 1;
	warp->starved = true;
	cpu_group_add(warp, insn + 1, warp->frame, warp->active, CPU_READY, 0);
	warp->stopped = true;
	return warp->limit;
}

#define WAIT(name, T, passed)                                                                                          \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const u64 *address = REGISTER(u64, 1);                                                                 \
		const slot_##T *phase = REGISTER(T, 2);                                                                \
		u32 done = 0;                                                                                          \
		mask &= warp->active;                                                                                  \
		EACH_LANE(i, mask)                                                                                     \
		{                                                                                                      \
			const u64 *object = mbarrier_at(warp, insn, i, address[i]);                                    \
			if (!object)                                                                                   \
				return warp->limit;                                                                    \
			done |= (u32)passed(*object, phase[i]) << i;                                                   \
		}                                                                                                      \
		predicate_write(&PREDICATE(0), done, mask);                                                            \
		return waited(warp, insn, done != mask);                                                               \
	}
WAIT(mbarrier_wait_state, u64, cpu_mbarrier_has_passed)
WAIT(mbarrier_wait_parity, u32, cpu_mbarrier_parity_passed)

LANE_FN(mbarrier_pending)
{
	const u64 *state = REGISTER(u64, 1);
	u32 *pending = REGISTER(u32, 0);

	(void)warp;
	EACH_LANE(i, mask) pending[i] = cpu_mbarrier_pending(state[i]);
	return insn + 1;
}
