/* Clusters: addresses of other blocks' shared memory, and the barrier of all blocks. */
#include "lanes.h"

BINARY(mapa_shared, u32, u32, u32, cpu_cluster_shared(warp, a, b))
BINARY(mapa_generic, u64, u64, u32, cpu_cluster_address(warp, a, b))
UNARY(getctarank_shared, u32, u32, cpu_cluster_rank(warp, a))
UNARY(getctarank_generic, u32, u64, cpu_cluster_rank(warp, (u32)(a - warp->block->job->shared_window)))

/* Lanes that the guard leaves out go on, the others are put where they go on; the group ends. */
static const struct cpu_insn *split(struct cpu_warp *warp, const struct cpu_insn *insn, u32 lanes, bool waiting)
{
	u32 others = warp->active & ~lanes;

	if (others)
		cpu_group_add(warp, insn + 1, warp->frame, others, CPU_READY, 0);
	cpu_group_add(warp, insn + 1, warp->frame, lanes, waiting ? CPU_AT_BARRIER : CPU_READY, CPU_CLUSTER_BARRIER);
	warp->stopped = true;
	return warp->limit;
}

/* The last arrival lets others of this warp go on, of whom the group that runs does not know: so it ends. */
LANE_FN(cluster_arrive)
{
	const u32 lanes = mask & warp->active;

	(void)frame;
	if (!lanes)
		return insn + 1;
	if (!cpu_cluster_arrive(warp, insn, lanes))
		return warp->limit;
	return split(warp, insn, lanes, false);
}

LANE_FN(cluster_wait)
{
	const u32 lanes = mask & warp->active;

	(void)frame;
	if (!(lanes & warp->cluster_arrived))
		return insn + 1;
	return split(warp, insn, lanes, true);
}
