/* The sixteen barriers of a block. */
#include "machine.h"

static bool is_complete(const struct cpu_block *block, const struct cpu_barrier *barrier)
{
	return barrier->expected ? barrier->slots >= barrier->expected : barrier->arrived >= block->live;
}

/* bar.red gives its result when the barrier is complete: the group stands behind the instruction. */
static void reduction_deliver(struct cpu_group *group, const struct cpu_barrier *barrier)
{
	const struct cpu_insn *insn = group->pc - 1;
	uint32_t *result = (uint32_t *)(group->frame->registers + insn->op[0]);
	bool truth = insn->aux == CPU_REDUCE_AND ? barrier->votes == barrier->arrived : barrier->votes > 0;

	if (insn->aux == CPU_REDUCE_POPC) {
		for (uint32_t lanes = group->mask; lanes; lanes &= lanes - 1)
			result[__builtin_ctz(lanes)] = barrier->votes;
	} else if (insn->aux != CPU_REDUCE_NONE) {
		*result = (*result & ~group->mask) | (truth ? group->mask : 0);
	}
}

/* Groups that wait under the number go on; `barrier` is NULL for the cluster's, which has no results. */
static void groups_release(struct cpu_block *block, uint32_t number, const struct cpu_barrier *barrier)
{
	for (uint32_t w = 0; w < block->warp_count; w++) {
		struct cpu_warp *warp = &block->warps[w];

		for (uint32_t i = 0; i < warp->group_count; i++) {
			struct cpu_group *group = &warp->groups[i];

			if (group->state != CPU_AT_BARRIER || group->barrier != number)
				continue;
			if (barrier)
				reduction_deliver(group, barrier);
			group->state = CPU_READY;
		}
		if (warp->group_count > 1)
			cpu_groups_merge(warp);
	}
}

static void release(struct cpu_block *block, uint32_t number)
{
	groups_release(block, number, &block->barriers[number]);
	block->barriers[number] = (struct cpu_barrier){0};
}

void cpu_barriers_check(struct cpu_block *block)
{
	for (uint32_t i = 0; i < CPU_BARRIERS; i++)
		if (block->barriers[i].arrived && is_complete(block, &block->barriers[i]))
			release(block, i);
}

bool cpu_barrier_arrive(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint32_t barrier,
			uint32_t threads, uint32_t lanes, uint32_t votes, bool waiting)
{
	struct cpu_block *block = warp->block;
	struct cpu_barrier *at;

	if (barrier >= CPU_BARRIERS || threads > 1024 || threads % CPU_LANES) {
		cpu_fault(warp, insn, (int)lane, CUDA_ERROR_ILLEGAL_INSTRUCTION, "barrier %u for %u threads", barrier,
			  threads);
		return false;
	}
	at = &block->barriers[barrier];
	at->arrived += (uint32_t)__builtin_popcount(lanes);
	at->slots += lanes == warp->live ? block->job->width : (uint32_t)__builtin_popcount(lanes);
	at->expected = threads;
	at->votes += votes;
	cpu_group_add(warp, insn + 1, warp->frame, lanes, waiting ? CPU_AT_BARRIER : CPU_READY, barrier);
	if (is_complete(block, at))
		release(block, barrier);
	return true;
}

static void cluster_check(struct cpu_cluster *cluster)
{
	if (!cluster->arrived || cluster->arrived < cluster->live)
		return;
	cluster->arrived = 0;
	for (uint32_t i = 0; i < cluster->count; i++) {
		struct cpu_block *block = &cluster->blocks[i];

		for (uint32_t w = 0; w < block->warp_count; w++)
			block->warps[w].cluster_arrived = 0;
		groups_release(block, CPU_CLUSTER_BARRIER, NULL);
	}
}

bool cpu_cluster_arrive(struct cpu_warp *warp, const struct cpu_insn *insn, uint32_t lanes)
{
	struct cpu_cluster *cluster = warp->block->cluster;
	uint32_t again = warp->cluster_arrived & lanes;

	if (again) {
		cpu_fault(warp, insn, __builtin_ctz(again), CUDA_ERROR_ILLEGAL_INSTRUCTION,
			  "arrives at the cluster's barrier twice");
		return false;
	}
	warp->cluster_arrived |= lanes;
	cluster->arrived += (uint32_t)__builtin_popcount(lanes);
	cluster_check(cluster);
	return true;
}

void cpu_cluster_leave(struct cpu_warp *warp, uint32_t lanes)
{
	struct cpu_cluster *cluster = warp->block->cluster;

	cluster->arrived -= (uint32_t)__builtin_popcount(warp->cluster_arrived & lanes);
	warp->cluster_arrived &= ~lanes;
	cluster->live -= (uint32_t)__builtin_popcount(lanes);
	cluster_check(cluster);
}
