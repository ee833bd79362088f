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
	uint32_t warps = (block->job->threads + CPU_LANES - 1) / CPU_LANES;
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
	unsigned first = warp->index * CPU_LANES;
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

bool cpu_block_begin(struct cpu_block *block, struct cpu_job *job, uint64_t number)
{
	const unsigned *grid = job->launch->grid;
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
	block->ctaid[0] = (uint32_t)(number % grid[0]);
	block->ctaid[1] = (uint32_t)(number / grid[0] % grid[1]);
	block->ctaid[2] = (uint32_t)(number / grid[0] / grid[1]);
	block->live = job->threads;
	block->next_warp = 0;
	block->ran = false;
	memset(block->barriers, 0, sizeof(block->barriers));
	for (uint32_t w = 0; w < block->warp_count; w++) {
		struct cpu_warp *warp = &block->warps[w];
		struct cpu_frame *frame = base_frame(block, w, bytes);
		uint32_t rest = job->threads - w * CPU_LANES;

		warp->live = rest >= CPU_LANES ? CPU_ALL_LANES : (1u << rest) - 1;
		warp->group_count = 0;
		warp->starved = warp->forced = false;
		frame->lanes = warp->live;
		cpu_group_add(warp, job->program->entry->code, frame, warp->live, CPU_READY, 0);
	}
	return true;
}

void cpu_block_free(struct cpu_block *block)
{
	free(block->shared);
	free(block->base_frames);
	free(block->warps);
	free(block->spans);
	if (block->stacks)
		munmap(block->stacks, block->stack_room);
	memset(block, 0, sizeof(*block));
}
