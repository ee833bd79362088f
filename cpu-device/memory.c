/* The arena: address space reserved without access. Regions are opened in it by mprotect, with closed gaps between
   them. A large allocation is a region of its own; small ones share slabs, so that many of them do not exhaust the
   kernel's limit on mappings (vm.max_map_count). */
#define _GNU_SOURCE
#include "arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLAB_BYTES ((uint64_t)2 << 20)
#define RESERVE_BYTES ((uint64_t)1 << 40)

struct cpu_memory *cpu_memory_create(size_t capacity)
{
	struct cpu_memory *memory = calloc(1, sizeof(*memory));
	uint64_t least = cpu_round_up((uint64_t)capacity + CPU_WINDOWS * CPU_WINDOW_BYTES + SLAB_BYTES, REGION_ALIGN);
	uint64_t size = least > RESERVE_BYTES / 4 ? least * 4 : RESERVE_BYTES;
	void *base = MAP_FAILED;

	if (!memory)
		return NULL;
	/* A limit on address space (RLIMIT_AS) may leave less than we would like. */
	for (; size >= least && base == MAP_FAILED; size /= 2) {
		base = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		memory->reserved = size;
	}
	if (base == MAP_FAILED) {
		free(memory);
		return NULL;
	}
	memory->base = (uint64_t)(uintptr_t)base;
	memory->file = -1;
	memory->capacity = capacity;
	memory->cursor = cpu_round_up(memory->base + CPU_WINDOWS * CPU_WINDOW_BYTES, REGION_ALIGN);
	pthread_rwlock_init(&memory->lock, NULL);
	pthread_mutex_init(&memory->generations.lock, NULL);
	pthread_cond_init(&memory->generations.released, NULL);
	return memory;
}

static void dying_drop(struct dying *list)
{
	while (list) {
		struct dying *next = list->next;

		free(list);
		list = next;
	}
}

void cpu_memory_destroy(struct cpu_memory *memory)
{
	if (!memory)
		return;
	munmap((void *)(uintptr_t)memory->base, memory->reserved);
	for (size_t i = 0; i < SMALL_CLASSES; i++)
		while (memory->free_small[i]) {
			struct free_block *block = memory->free_small[i];

			memory->free_small[i] = block->next;
			free(block);
		}
	dying_drop(memory->generations.fresh);
	dying_drop(memory->generations.old);
	pthread_rwlock_destroy(&memory->lock);
	pthread_mutex_destroy(&memory->generations.lock);
	pthread_cond_destroy(&memory->generations.released);
	cpu_mappings_free(memory);
	free(memory->live.items);
	free(memory->regions.items);
	free(memory->reservations.items);
	free(memory);
}

uint64_t cpu_arena_gap(const struct cpu_memory *memory, uint64_t start, uint64_t size, uint64_t alignment)
{
	uint64_t end = memory->base + memory->reserved;
	size_t next = cpu_span_after(&memory->regions, start);

	if (next) {
		const struct cpu_span *before = &memory->regions.items[next - 1];
		uint64_t free_from = before->base + before->size + GUARD;

		start = start > free_from ? start : free_from;
	}
	for (;; next++) {
		uint64_t limit = next < memory->regions.count ? memory->regions.items[next].base : end;

		start = cpu_round_up(start, alignment);
		if (start < limit && limit - start >= size + GUARD)
			return start;
		if (next >= memory->regions.count)
			return 0;
		start = limit + memory->regions.items[next].size + GUARD;
	}
}

/* Opens a region of at least `size` bytes; 0 when there is no room. */
static uint64_t region_open(struct cpu_memory *memory, uint64_t size)
{
	uint64_t bytes = cpu_round_up(size, 4096);
	uint64_t address = cpu_arena_gap(memory, memory->cursor, bytes, REGION_ALIGN);

	if (!address)
		address = cpu_arena_gap(memory, memory->base + CPU_WINDOWS * CPU_WINDOW_BYTES, bytes, REGION_ALIGN);
	if (!address || !cpu_span_insert(&memory->regions, (struct cpu_span){.base = address, .size = bytes}))
		return 0;
	if (mprotect((void *)(uintptr_t)address, bytes, PROT_READ | PROT_WRITE)) {
		cpu_span_remove(&memory->regions, cpu_span_after(&memory->regions, address) - 1);
		return 0;
	}
	memory->cursor = address + bytes + GUARD;
	return address;
}

/* Closes the region at `address` and gives its pages back. */
static void region_close(struct cpu_memory *memory, uint64_t address)
{
	size_t at = cpu_span_after(&memory->regions, address) - 1;
	void *start = (void *)(uintptr_t)address;
	size_t bytes = memory->regions.items[at].size;

	/* A failure leaves the region open, which only costs its pages: it is then never handed out again. */
	if (mmap(start, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == start)
		cpu_span_remove(&memory->regions, at);
}

static uint64_t small_take(struct cpu_memory *memory, uint64_t bytes)
{
	struct free_block **list = &memory->free_small[bytes / GRANULE];
	uint64_t address;

	if (*list) {
		struct free_block *block = *list;

		address = block->address;
		*list = block->next;
		free(block);
		return address;
	}
	if (memory->slab_end - memory->slab_next < bytes + GRANULE) {
		uint64_t slab = region_open(memory, SLAB_BYTES);

		if (!slab)
			return 0;
		memory->slab_next = slab;
		memory->slab_end = slab + SLAB_BYTES;
	}
	address = memory->slab_next;
	memory->slab_next += bytes + GRANULE;
	return address;
}

static void small_give(struct cpu_memory *memory, uint64_t address, uint64_t bytes)
{
	struct free_block *block = malloc(sizeof(*block));

	if (!block)
		return; /* the block is not used again */
	*block = (struct free_block){address, memory->free_small[bytes / GRANULE]};
	memory->free_small[bytes / GRANULE] = block;
}

static uint64_t space_take(struct cpu_memory *memory, uint64_t size)
{
	return size <= SMALL_LIMIT ? small_take(memory, cpu_round_up(size, GRANULE)) : region_open(memory, size);
}

static void space_give(struct cpu_memory *memory, uint64_t address, uint64_t size)
{
	if (size <= SMALL_LIMIT)
		small_give(memory, address, cpu_round_up(size, GRANULE));
	else
		region_close(memory, address);
}

static CUresult allocate(struct cpu_memory *memory, size_t size, bool aside, uint64_t *address)
{
	CUresult result = CUDA_ERROR_OUT_OF_MEMORY;
	struct cpu_span span = {.size = size, .readers = ~0u, .writers = ~0u, .aside = aside};

	if (!size)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_rwlock_wrlock(&memory->lock);
	if (!aside && size > memory->capacity - memory->used)
		goto out;
	span.base = space_take(memory, size);
	if (!span.base)
		goto out;
	if (!cpu_span_insert(&memory->live, span)) {
		space_give(memory, span.base, size);
		goto out;
	}
	memory->used += aside ? 0 : size;
	*address = span.base;
	result = CUDA_SUCCESS;
out:
	pthread_rwlock_unlock(&memory->lock);
	return result;
}

CUresult cpu_memory_alloc(struct cpu_memory *memory, size_t size, uint64_t *address)
{
	return allocate(memory, size, false, address);
}

CUresult cpu_memory_alloc_aside(struct cpu_memory *memory, size_t size, uint64_t *address)
{
	return allocate(memory, size, true, address);
}

/* Gives back what no pin can reach any more. Needs the generations' lock. */
static void dying_release(struct cpu_memory *memory)
{
	struct generations *generations = &memory->generations;

	while (!generations->pins[!generations->present] && (generations->old || generations->fresh)) {
		struct dying *list = generations->old;

		pthread_rwlock_wrlock(&memory->lock);
		for (struct dying *at = list; at; at = at->next)
			if (at->physical)
				cpu_mapping_end(memory, at);
			else
				space_give(memory, at->address, at->size);
		pthread_rwlock_unlock(&memory->lock);
		dying_drop(list);
		generations->old = generations->fresh;
		generations->fresh = NULL;
		generations->present = !generations->present;
		pthread_cond_broadcast(&generations->released);
	}
}

void cpu_arena_dying(struct cpu_memory *memory, struct dying *dying)
{
	pthread_mutex_lock(&memory->generations.lock);
	dying->next = memory->generations.fresh;
	memory->generations.fresh = dying;
	dying_release(memory);
	pthread_mutex_unlock(&memory->generations.lock);
}

/* Takes the allocation out of the live ones and gives its size; 0 when there is none. */
static uint64_t live_end(struct cpu_memory *memory, uint64_t address)
{
	struct cpu_span *span;
	uint64_t size = 0;

	pthread_rwlock_wrlock(&memory->lock);
	span = cpu_span_find(&memory->live, address);
	if (span && span->base == address && !span->mapped) {
		size = span->size;
		memory->used -= span->aside ? 0 : size;
		cpu_span_remove(&memory->live, (size_t)(span - memory->live.items));
	}
	pthread_rwlock_unlock(&memory->lock);
	return size;
}

CUresult cpu_memory_free(struct cpu_memory *memory, uint64_t address)
{
	uint64_t size = live_end(memory, address);
	struct dying *dying;

	if (!size)
		return CUDA_ERROR_INVALID_VALUE;
	dying = malloc(sizeof(*dying));
	if (!dying)
		return CUDA_SUCCESS; /* the space is not used again */
	*dying = (struct dying){.address = address, .size = size};
	cpu_arena_dying(memory, dying);
	return CUDA_SUCCESS;
}

bool cpu_memory_find(struct cpu_memory *memory, uint64_t address, struct cpu_span *span)
{
	struct cpu_span *found;

	pthread_rwlock_rdlock(&memory->lock);
	found = cpu_span_find(&memory->live, address);
	if (found)
		*span = *found;
	pthread_rwlock_unlock(&memory->lock);
	return found;
}

/* Spans of mapped memory may follow each other without a gap. */
static bool range_allows(struct cpu_memory *memory, uint64_t address, size_t size, bool write)
{
	const struct cpu_span *span;
	bool allowed = false;

	pthread_rwlock_rdlock(&memory->lock);
	for (;;) {
		span = cpu_span_find(&memory->live, address);
		if (!span || !(write ? span->writers : span->readers))
			break;
		allowed = size <= span->size - (address - span->base);
		if (allowed || !span->mapped)
			break;
		size -= span->size - (address - span->base);
		address = span->base + span->size;
	}
	pthread_rwlock_unlock(&memory->lock);
	return allowed;
}

bool cpu_memory_contains(struct cpu_memory *memory, uint64_t address, size_t size)
{
	return range_allows(memory, address, size, false);
}

bool cpu_memory_writable(struct cpu_memory *memory, uint64_t address, size_t size)
{
	return range_allows(memory, address, size, true);
}

void cpu_memory_info(struct cpu_memory *memory, size_t *free_bytes, size_t *total_bytes)
{
	pthread_rwlock_rdlock(&memory->lock);
	*free_bytes = memory->capacity - memory->used;
	*total_bytes = memory->capacity;
	pthread_rwlock_unlock(&memory->lock);
}

unsigned cpu_memory_pin(struct cpu_memory *memory)
{
	struct generations *generations = &memory->generations;
	unsigned pin;

	pthread_mutex_lock(&generations->lock);
	pin = generations->present;
	generations->pins[pin]++;
	pthread_mutex_unlock(&generations->lock);
	return pin;
}

void cpu_memory_unpin(struct cpu_memory *memory, unsigned pin)
{
	struct generations *generations = &memory->generations;

	pthread_mutex_lock(&generations->lock);
	if (!--generations->pins[pin])
		dying_release(memory);
	pthread_mutex_unlock(&generations->lock);
}

uint64_t cpu_memory_shared_window(const struct cpu_memory *memory)
{
	return memory->base;
}

uint64_t cpu_memory_local_window(const struct cpu_memory *memory)
{
	return memory->base + (CPU_WINDOWS - 1) * CPU_WINDOW_BYTES;
}
