/* Operations between the lanes of a warp. Each waits until the lanes that its member mask names have come. */
#include "lanes_warp.h"

/* c holds the clamp value in bits 0–4 and the segment mask in bits 8–12. A source lane out of range keeps the lane's
   own value; so does one that is not here, whose value PTX leaves undefined. */
#define SHUFFLE(name, source, in_range)                                                                                \
	LANE_FN(shfl_##name)                                                                                           \
	{                                                                                                              \
		MEMBERS_OR_WAIT(5)                                                                                     \
		const u32 *a_ = REGISTER(u32, 2), *b_ = REGISTER(u32, 3), *c_ = REGISTER(u32, 4);                      \
		u32 result[CPU_LANES], valid = 0;                                                                      \
		for (s32 lane = 0; lane < CPU_LANES; lane++) {                                                         \
			s32 b = b_[lane] & 31, clamp = c_[lane] & 31, segment = c_[lane] >> 8 & 31;                    \
			s32 max = (lane & segment) | (clamp & ~segment), from = source;                                \
			bool p = in_range;                                                                             \
			(void)b;                                                                                       \
			result[lane] = a_[p ? from & 31 : lane];                                                       \
			valid |= (u32)p << lane;                                                                       \
		}                                                                                                      \
		LANES(u32, result[i]);                                                                                 \
		predicate_write(&PREDICATE(1), valid, mask);                                                           \
		return insn + 1;                                                                                       \
	}
SHUFFLE(up, lane - b, from >= max)
SHUFFLE(down, lane + b, from <= max)
SHUFFLE(bfly, lane ^ b, from <= max)
SHUFFLE(idx, (lane & segment) | (b & ~segment), from <= max)

#define VOTE(name, expr)                                                                                               \
	LANE_FN(vote_##name)                                                                                           \
	{                                                                                                              \
		MEMBERS_OR_WAIT(2)                                                                                     \
		const u32 here = members & mask, ayes = PREDICATE(1) & here;                                           \
		(void)ayes;                                                                                            \
		predicate_write(&PREDICATE(0), (expr) ? CPU_ALL_LANES : 0, mask);                                      \
		return insn + 1;                                                                                       \
	}
VOTE(all, ayes == here)
VOTE(any, ayes != 0)
VOTE(uni, ayes == here || ayes == 0)

LANE_FN(vote_ballot)
{
	MEMBERS_OR_WAIT(2)
	const u32 ayes = PREDICATE(1) & members & mask;

	LANES(u32, ayes);
	return insn + 1;
}

#define MATCH(T, suffix)                                                                                               \
	LANE_FN(match_any_##suffix)                                                                                    \
	{                                                                                                              \
		MEMBERS_OR_WAIT(2)                                                                                     \
		const slot_##T *a_ = REGISTER(T, 1);                                                                   \
		u32 same[CPU_LANES] = {0};                                                                             \
		EACH_LANE(lane, members &mask)                                                                         \
		{                                                                                                      \
			for (unsigned i = 0; i < CPU_LANES; i++)                                                       \
				same[lane] |= (u32)(a_[i] == a_[lane]) << i;                                           \
			same[lane] &= members & mask;                                                                  \
		}                                                                                                      \
		LANES(u32, same[i]);                                                                                   \
		return insn + 1;                                                                                       \
	}                                                                                                              \
	LANE_FN(match_all_##suffix)                                                                                    \
	{                                                                                                              \
		MEMBERS_OR_WAIT(3)                                                                                     \
		const slot_##T *a_ = REGISTER(T, 2);                                                                   \
		const u32 here = members & mask;                                                                       \
		u32 same = 0;                                                                                          \
		if (here)                                                                                              \
			for (unsigned i = 0; i < CPU_LANES; i++)                                                       \
				same |= (u32)(a_[i] == a_[__builtin_ctz(here)]) << i;                                  \
		same = (same & here) == here ? here : 0;                                                               \
		LANES(u32, same);                                                                                      \
		predicate_write(&PREDICATE(1), same ? CPU_ALL_LANES : 0, mask);                                        \
		return insn + 1;                                                                                       \
	}
MATCH(u32, b32)
MATCH(u64, b64)

LANE_FN(activemask)
{
	const u32 here = mask & warp->active;

	LANES(u32, here);
	return insn + 1;
}

LANE_FN(elect)
{
	MEMBERS_OR_WAIT(2)
	const u32 leader = members & mask ? (u32)__builtin_ctz(members & mask) : 0;

	LANES(u32, leader);
	predicate_write(&PREDICATE(1), 1u << leader, mask);
	return insn + 1;
}

LANE_FN(bar_warp_sync)
{
	MEMBERS_OR_WAIT(0)
	return insn + 1;
}

#define REDUCE(name, T, first, expr)                                                                                   \
	LANE_FN(redux_##name)                                                                                          \
	{                                                                                                              \
		MEMBERS_OR_WAIT(2)                                                                                     \
		const slot_##T *a_ = REGISTER(T, 1);                                                                   \
		T b = first;                                                                                           \
		EACH_LANE(lane, members &mask)                                                                         \
		{                                                                                                      \
			T a = a_[lane];                                                                                \
			b = expr;                                                                                      \
		}                                                                                                      \
		LANES(T, b);                                                                                           \
		return insn + 1;                                                                                       \
	}
REDUCE(add, u32, 0, a + b)
REDUCE(and, u32, UINT32_MAX, a &b)
REDUCE(or, u32, 0, a | b)
REDUCE(xor, u32, 0, a ^ b)
REDUCE(min_u32, u32, UINT32_MAX, a < b ? a : b)
REDUCE(max_u32, u32, 0, a > b ? a : b)
REDUCE(min_s32, s32, INT32_MAX, a < b ? a : b)
REDUCE(max_s32, s32, INT32_MIN, a > b ? a : b)
