/* A warp's groups, and the turns that they and the warps of a block get.

   Lanes that are at different places form groups. The group whose place comes first in the code runs, until it arrives
   where the next one waits and joins it: after a branch both sides meet again where they go on together. A group that
   has jumped backwards too often gives way, so that lanes it may be waiting for get their turn. */
#include <stdarg.h>
#include <stdio.h>

#include "machine.h"

static void fault_describe(const struct cpu_warp *warp, const struct cpu_insn *insn, int lane, char *text, size_t size,
			   const char *what)
{
	const struct cpu_block *block = warp->block;
	char thread[64] = "";

	if (lane >= 0)
		snprintf(thread, sizeof(thread), ", thread (%u,%u,%u)", warp->tid[0][lane], warp->tid[1][lane],
			 warp->tid[2][lane]);
	snprintf(text, size, "kernel %s, ptx line %u, block (%u,%u,%u)%s: %s", block->job->kernel_name,
		 insn ? insn->line : 0, block->ctaid[0], block->ctaid[1], block->ctaid[2], thread, what);
}

const struct cpu_insn *cpu_fault(struct cpu_warp *warp, const struct cpu_insn *insn, int lane, CUresult error,
				 const char *format, ...)
{
	struct cpu_job *job = warp->block->job;
	int none = CUDA_SUCCESS;
	char what[256];
	va_list arguments;

	warp->stopped = true;
	if (!atomic_compare_exchange_strong(&job->fault, &none, (int)error))
		return warp->limit;
	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	if (job->fault_text.size)
		fault_describe(warp, insn, lane, job->fault_text.data, job->fault_text.size, what);
	return warp->limit;
}

/* Do the two wait for the same thing, so that they can be one? */
static bool can_join(const struct cpu_group *group, const struct cpu_insn *pc, const struct cpu_frame *frame,
		     enum cpu_group_state state, unsigned barrier)
{
	if (group->pc != pc || group->frame != frame)
		return false;
	return state == CPU_AT_BARRIER ? group->state == state && group->barrier == barrier
				       : group->state != CPU_AT_BARRIER;
}

void cpu_group_add(struct cpu_warp *warp, const struct cpu_insn *pc, struct cpu_frame *frame, uint32_t mask,
		   enum cpu_group_state state, unsigned barrier)
{
	for (uint32_t i = 0; i < warp->group_count; i++) {
		struct cpu_group *group = &warp->groups[i];

		if (!can_join(group, pc, frame, state, barrier))
			continue;
		group->mask |= mask;
		/* Together they may be complete. */
		if (state != CPU_AT_BARRIER)
			group->state = CPU_READY;
		return;
	}
	warp->groups[warp->group_count++] =
	    (struct cpu_group){pc, frame, mask, (uint8_t)state, (uint8_t)barrier, ++warp->turn};
}

void cpu_groups_merge(struct cpu_warp *warp)
{
	struct cpu_group groups[CPU_LANES];
	uint32_t count = warp->group_count;

	for (uint32_t i = 0; i < count; i++)
		groups[i] = warp->groups[i];
	warp->group_count = 0;
	for (uint32_t i = 0; i < count; i++)
		cpu_group_add(warp, groups[i].pc, groups[i].frame, groups[i].mask, groups[i].state, groups[i].barrier);
}

/* Callees before their callers, then by place in the code. */
static bool runs_before(const struct cpu_group *a, const struct cpu_group *b)
{
	if (a->frame != b->frame)
		return a->frame->depth != b->frame->depth ? a->frame->depth > b->frame->depth : a->turn < b->turn;
	return a->pc < b->pc;
}

/* The group to run, or NULL: the first in order, or after a starvation the one that has waited longest. */
static struct cpu_group *group_pick(struct cpu_warp *warp)
{
	struct cpu_group *best = NULL;

	for (uint32_t i = 0; i < warp->group_count; i++) {
		struct cpu_group *group = &warp->groups[i];

		if (group->state != CPU_READY)
			continue;
		if (!best || (warp->starved ? group->turn < best->turn : runs_before(group, best)))
			best = group;
	}
	warp->starved = false;
	return best;
}

/* Where the group that runs next must look out for others. */
static void limits_set(struct cpu_warp *warp, const struct cpu_insn *pc)
{
	warp->limit = warp->floor = NULL;
	for (uint32_t i = 0; i < warp->group_count; i++) {
		const struct cpu_group *group = &warp->groups[i];

		if (group->frame != warp->frame || group->state == CPU_AT_BARRIER)
			continue;
		if (group->pc > pc && (!warp->limit || group->pc < warp->limit))
			warp->limit = group->pc;
		if (group->pc <= pc && (!warp->floor || group->pc > warp->floor))
			warp->floor = group->pc;
	}
}

/* The interpreter's loop. */
static void group_run(struct cpu_warp *warp, struct cpu_group *chosen)
{
	const struct cpu_insn *pc = chosen->pc, *limit;
	uint32_t mask;
	uint8_t *frame;

	warp->frame = chosen->frame;
	warp->active = chosen->mask;
	*chosen = warp->groups[--warp->group_count];
	limits_set(warp, pc);
	warp->fuel = warp->block->job->fuel;
	warp->stopped = false;
	limit = warp->limit;
	frame = warp->frame->registers;
	/* Registers of lanes that are gone may be written, which spares a warp that is not full the blending. */
	mask = warp->active | ~warp->live;
	do
		pc = pc->run(warp, pc, frame, mask & (*(const uint32_t *)(frame + pc->guard) ^ pc->guard_flip));
	while (pc != limit);
	if (!warp->stopped)
		cpu_group_add(warp, pc, warp->frame, warp->active, CPU_READY, 0);
}

/* Runs the warp's groups until none is ready, or one starves. Returns whether anything ran. */
static bool warp_step(struct cpu_warp *warp)
{
	struct cpu_group *group;
	bool ran = false;

	while ((group = group_pick(warp))) {
		ran = true;
		group_run(warp, group);
		if (warp->starved || atomic_load_explicit(&warp->block->job->fault, memory_order_relaxed))
			break;
	}
	return ran;
}

/* No group of the cluster can go on. One that waits for lanes which will not come goes on without them. */
static bool force_one(struct cpu_block *block)
{
	for (uint32_t w = 0; w < block->warp_count; w++) {
		struct cpu_warp *warp = &block->warps[w];

		for (uint32_t i = 0; i < warp->group_count; i++)
			if (warp->groups[i].state == CPU_AT_SYNC) {
				warp->groups[i].state = CPU_READY;
				warp->forced = true;
				return true;
			}
	}
	return false;
}

static bool deadlock(struct cpu_block *block)
{
	for (uint32_t w = 0; w < block->warp_count; w++) {
		struct cpu_warp *warp = &block->warps[w];

		if (warp->group_count) {
			cpu_fault(warp, warp->groups[0].pc - 1, __builtin_ctz(warp->groups[0].mask),
				  CUDA_ERROR_LAUNCH_FAILED,
				  "all threads of the block wait at barriers that never complete");
			return true;
		}
	}
	return false;
}

static bool has_fault(const struct cpu_job *job)
{
	return atomic_load_explicit(&job->fault, memory_order_relaxed);
}

/* When nothing could go on, something is done about it: a group goes on alone, or the grid fails. */
static void stall_end(struct cpu_cluster *cluster)
{
	for (uint32_t i = 0; i < cluster->count; i++)
		if (force_one(&cluster->blocks[i]))
			return;
	for (uint32_t i = 0; i < cluster->count; i++)
		if (deadlock(&cluster->blocks[i]))
			return;
}

/* All warps have had their turn. Returns whether the cluster goes on. */
static bool round_end(struct cpu_cluster *cluster)
{
	if (!cluster->ran && cluster->live)
		stall_end(cluster);
	cluster->next_block = 0;
	cluster->ran = false;
	return cluster->live && !has_fault(cluster->job);
}

/* Gives the block's warps a turn; `*out_of_time` when the last one wants to go on before others had theirs. Returns
   whether anything ran. */
static bool block_step(struct cpu_block *block, bool *out_of_time)
{
	bool ran = false;

	while (block->next_warp < block->warp_count) {
		struct cpu_warp *warp = &block->warps[block->next_warp++];

		if (!warp->live)
			continue;
		ran |= warp_step(warp);
		*out_of_time = warp->starved && block->next_warp < block->warp_count;
		if (*out_of_time || has_fault(block->job))
			return ran;
	}
	block->next_warp = 0;
	return ran;
}

bool cpu_cluster_step(struct cpu_cluster *cluster)
{
	while (cluster->next_block < cluster->count) {
		bool out_of_time = false;

		cluster->ran |= block_step(&cluster->blocks[cluster->next_block], &out_of_time);
		if (has_fault(cluster->job))
			return false;
		if (out_of_time)
			return true;
		cluster->next_block++;
	}
	return round_end(cluster);
}
