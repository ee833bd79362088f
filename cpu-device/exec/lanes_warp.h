/* Waiting for the other lanes of the warp. */
#ifndef CPU_LANES_WARP_H
#define CPU_LANES_WARP_H

#include "lanes.h"

/* Are all members here that still live? When not, the group waits at this instruction for the others to join it;
   `forced` says that none of them will, and then the operation is done by those present. */
static inline bool members_present(struct cpu_warp *warp, const struct cpu_insn *insn, u32 members)
{
	if (!(members & warp->live & ~warp->active) || warp->forced)
		return true;
	cpu_group_add(warp, insn, warp->frame, warp->active, CPU_AT_SYNC, 0);
	warp->stopped = true;
	return false;
}

/* The member mask in a register: that of the first lane that executes. */
static inline u32 members_of(const u32 *members, u32 mask)
{
	return mask ? members[__builtin_ctz(mask)] : 0;
}

#define MEMBERS_OR_WAIT(k)                                                                                             \
	mask &= warp->active;                                                                                          \
	const u32 members = members_of(REGISTER(u32, k), mask);                                                        \
	if (!members_present(warp, insn, members))                                                                     \
		return warp->limit;

/* For instructions that the warp executes as a whole. What remains of `mask` executes it; no lane: nothing to do. */
#define WARP_OR_WAIT                                                                                                   \
	mask &= warp->active;                                                                                          \
	if (!mask)                                                                                                     \
		return insn + 1;                                                                                       \
	if (!members_present(warp, insn, CPU_ALL_LANES))                                                               \
		return warp->limit;

#endif
