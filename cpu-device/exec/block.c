/* A block's storage, used again and again by the worker that runs it. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "machine.h"

static bool room_make(uint8_t **memory, size_t *room, size_t need)
{
	if (*room >= need)
		return true;
	free(*memory);
	need = (need + 4095) / 4096 * 4096;
	*memory = aligned_alloc(4096, need);
	*room = *memory ? need : 0;
	return *memory;
}

/* Stacks are large and mostly untouched: pages come when they are used. */
static bool stacks_make(struct cpu_block *block, size_t need)
{
	void *memory;

	if (block->stack_room >= need)
		return true;
	if (block->stacks)
		munmap(block->stacks, block->stack_room);
	memory = mmap(NULL, need, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	block->stacks = memory == MAP_FAILED ? NULL : memory;
	block->stack_room = block->stacks ? need : 0;
	return block->stacks;
}

static struct cpu_frame *base_frame(struct cpu_block *block, uint32_t warp, size_t bytes)
{
	return (struct cpu_frame *)(block->base_frames + warp * bytes);
}

static bool storage_make(struct cpu_block *block)
{
	const struct cpu_program *program = block->job->program;
	uint32_t warps = (block->job->threads + block->job->width - 1) / block->job->width;
	size_t frame = cpu_frame_bytes(program->entry);

	if (!room_make(&block->shared, &block->shared_room, block->job->shared_bytes + 1) ||
	    !room_make(&block->base_frames, &block->frame_room, warps * frame) ||
	    !stacks_make(block, (size_t)warps * CPU_LANES * program->stack_bytes + 1))
		return false;
	if (warps > block->warp_room) {
		free(block->warps);
		block->warps = aligned_alloc(64, warps * sizeof(*block->warps));
		block->warp_room = block->warps ? warps : 0;
		if (!block->warps)
			return false;
	}
	if (program->spans + 1 > block->span_room) {
		free(block->spans);
		block->spans = malloc((program->spans + 1) * sizeof(*block->spans));
		block->span_room = block->spans ? program->spans + 1 : 0;
		if (!block->spans)
			return false;
	}
	block->warp_count = warps;
	return true;
}

/* Counted, not divided: three divisions for each lane were a fifth of a short grid's time. */
static void thread_ids(struct cpu_warp *warp, const unsigned size[3])
{
	unsigned first = warp->index * warp->block->job->width;
	unsigned x = first % size[0], y = first / size[0] % size[1], z = first / size[0] / size[1];

	for (unsigned lane = 0; lane < CPU_LANES; lane++) {
		warp->tid[0][lane] = x;
		warp->tid[1][lane] = y;
		warp->tid[2][lane] = z;
		if (++x < size[0])
			continue;
		x = 0;
		if (++y < size[1])
			continue;
		y = 0;
		z++;
	}
}

/* What is the same for every block of the job. */
static void warps_make(struct cpu_block *block)
{
	const struct cpu_job *job = block->job;
	size_t bytes = cpu_frame_bytes(job->program->entry);

	memset(block->warps, 0, block->warp_count * sizeof(*block->warps));
	/* No allocation matches until the first access has looked for it. */
	memset(block->spans, 0, (job->program->spans + 1) * sizeof(*block->spans));
	for (uint32_t w = 0; w < block->warp_count; w++) {
		struct cpu_warp *warp = &block->warps[w];

		warp->index = w;
		warp->block = block;
		warp->spans = block->spans;
		warp->shared = block->shared;
		warp->shared_bytes = job->shared_bytes;
		warp->stack_bytes = job->program->stack_bytes;
		warp->stack = block->stacks + (size_t)w * CPU_LANES * warp->stack_bytes;
		thread_ids(warp, job->launch->block);
		cpu_frame_begin(base_frame(block, w, bytes), job->program->entry, 0);
	}
}

static bool block_begin(struct cpu_block *block, struct cpu_job *job)
{
	size_t bytes = cpu_frame_bytes(job->program->entry);

	if (block->job != job || block->grid_id != job->grid_id) {
		block->job = job;
		block->grid_id = job->grid_id;
		if (!storage_make(block)) {
			block->grid_id = 0;
			return false;
		}
		warps_make(block);
	}
	block->live = job->threads;
	block->next_warp = 0;
	memset(block->barriers, 0, sizeof(block->barriers));
	for (uint32_t w = 0; w < block->warp_count; w++) {
		struct cpu_warp *warp = &block->warps[w];
		struct cpu_frame *frame = base_frame(block, w, bytes);
		uint32_t rest = job->threads - w * job->width;

		rest = rest < job->width ? rest : job->width;
		warp->live = CPU_ALL_LANES >> (CPU_LANES - rest);
		warp->group_count = 0;
		warp->starved = warp->forced = false;
		warp->cluster_arrived = 0;
		frame->lanes = warp->live;
		cpu_group_add(warp, job->program->entry->code, frame, warp->live, CPU_READY, 0);
	}
	return true;
}

/* Clusters lie in the grid in the order of their number, blocks in their cluster by rank. */
static void block_place(struct cpu_block *block, uint64_t number)
{
	const unsigned *grid = block->job->launch->grid, *cluster = block->job->cluster;
	uint32_t rank = block->rank;

	for (int i = 0; i < 3; i++) {
		uint32_t across = grid[i] / cluster[i];

		block->ctaid[i] = (uint32_t)(number % across) * cluster[i] + rank % cluster[i];
		number /= across;
		rank /= cluster[i];
	}
}

static void block_free(struct cpu_block *block)
{
	free(block->shared);
	free(block->base_frames);
	free(block->warps);
	free(block->spans);
	if (block->stacks)
		munmap(block->stacks, block->stack_room);
}

/* Warps point to their blocks, so these never move. */
static bool blocks_make(struct cpu_cluster *cluster, uint32_t count)
{
	if (cluster->room < count) {
		cpu_cluster_free(cluster);
		cluster->blocks = calloc(count, sizeof(*cluster->blocks));
		if (!cluster->blocks)
			return false;
		cluster->room = count;
	}
	cluster->count = count;
	return true;
}

bool cpu_cluster_begin(struct cpu_cluster *cluster, struct cpu_job *job, uint64_t number)
{
	if (!blocks_make(cluster, job->cluster[0] * job->cluster[1] * job->cluster[2]))
		return false;
	cluster->job = job;
	for (uint32_t i = 0; i < cluster->count; i++) {
		struct cpu_block *block = &cluster->blocks[i];

		block->cluster = cluster;
		block->rank = i;
		if (!block_begin(block, job))
			return false;
		block_place(block, number);
	}
	cluster->live = cluster->count * job->threads;
	cluster->arrived = 0;
	cluster->next_block = 0;
	cluster->ran = false;
	return true;
}

void cpu_cluster_abandon(struct cpu_cluster *cluster)
{
	for (uint32_t i = 0; i < cluster->count; i++)
		cpu_block_abandon(&cluster->blocks[i]);
}

void cpu_cluster_free(struct cpu_cluster *cluster)
{
	for (uint32_t i = 0; i < cluster->room; i++)
		block_free(&cluster->blocks[i]);
	free(cluster->blocks);
	cluster->blocks = NULL;
	cluster->count = cluster->room = 0;
}
