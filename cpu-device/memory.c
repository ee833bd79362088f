/* The arena: address space reserved without access. Regions are opened in it by mprotect, with closed gaps between
   them. A large allocation is a region of its own; small ones share slabs, so that many of them do not exhaust the
   kernel's limit on mappings (vm.max_map_count). */
#define _GNU_SOURCE
#include "memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GRANULE 512u
#define GUARD ((uint64_t)64 << 10)
#define REGION_ALIGN ((uint64_t)2 << 20)
#define SLAB_BYTES ((uint64_t)2 << 20)
#define SMALL_LIMIT ((uint64_t)64 << 10)
#define SMALL_CLASSES (SMALL_LIMIT / GRANULE + 1)
#define RESERVE_BYTES ((uint64_t)1 << 40)

/* Spans sorted by base. */
struct span_list {
	struct cpu_span *items;
	size_t count, room;
};

struct free_block {
	uint64_t address;
	struct free_block *next;
};

/* An allocation that was freed while pins may still use it. */
struct dying {
	struct dying *next;
	uint64_t address, size;
};

/* Two generations, the present one and the one before: what is freed waits until the pins of both, as far as they were
   taken before, have gone, however many come after. */
struct generations {
	pthread_mutex_t lock; /* taken before the memory's lock */
	unsigned present;     /* 0 or 1: what a new pin belongs to */
	unsigned pins[2];
	struct dying *fresh; /* freed in the present generation */
	struct dying *old;   /* freed before it: waits for the pins of the other one */
};

struct cpu_memory {
	pthread_rwlock_t lock; /* guards everything below */
	uint64_t base, reserved;
	size_t capacity, used;
	struct span_list live;    /* allocations */
	struct span_list regions; /* opened parts of the arena */
	uint64_t cursor;          /* where the search for a free gap begins */
	uint64_t slab_next, slab_end;
	struct free_block *free_small[SMALL_CLASSES];
	struct generations generations;
};

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

/* Index of the first span whose base is greater than `address`. */
static size_t span_after(const struct span_list *list, uint64_t address)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->items[middle].base <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool span_insert(struct span_list *list, uint64_t base, uint64_t size)
{
	size_t at = span_after(list, base);

	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		struct cpu_span *items = realloc(list->items, room * sizeof(*items));

		if (!items)
			return false;
		list->items = items;
		list->room = room;
	}
	memmove(&list->items[at + 1], &list->items[at], (list->count - at) * sizeof(*list->items));
	list->items[at] = (struct cpu_span){base, size};
	list->count++;
	return true;
}

static void span_remove(struct span_list *list, size_t at)
{
	list->count--;
	memmove(&list->items[at], &list->items[at + 1], (list->count - at) * sizeof(*list->items));
}

/* The span that contains `address`, or NULL. */
static struct cpu_span *span_find(const struct span_list *list, uint64_t address)
{
	size_t after = span_after(list, address);

	if (!after || address - list->items[after - 1].base >= list->items[after - 1].size)
		return NULL;
	return &list->items[after - 1];
}

struct cpu_memory *cpu_memory_create(size_t capacity)
{
	struct cpu_memory *memory = calloc(1, sizeof(*memory));
	uint64_t least = round_up((uint64_t)capacity + 2 * CPU_WINDOW_BYTES + SLAB_BYTES, REGION_ALIGN);
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
	memory->capacity = capacity;
	memory->cursor = round_up(memory->base + 2 * CPU_WINDOW_BYTES, REGION_ALIGN);
	pthread_rwlock_init(&memory->lock, NULL);
	pthread_mutex_init(&memory->generations.lock, NULL);
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
	free(memory->live.items);
	free(memory->regions.items);
	free(memory);
}

/* The first gap at or after `start` that holds `size` bytes and a guard; 0 when there is none. */
static uint64_t gap_find(const struct cpu_memory *memory, uint64_t start, uint64_t size)
{
	uint64_t end = memory->base + memory->reserved;
	size_t next = span_after(&memory->regions, start);

	if (next) {
		const struct cpu_span *before = &memory->regions.items[next - 1];
		uint64_t free_from = before->base + before->size + GUARD;

		start = start > free_from ? start : free_from;
	}
	for (;; next++) {
		uint64_t limit = next < memory->regions.count ? memory->regions.items[next].base : end;

		start = round_up(start, REGION_ALIGN);
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
	uint64_t bytes = round_up(size, 4096);
	uint64_t address = gap_find(memory, memory->cursor, bytes);

	if (!address)
		address = gap_find(memory, memory->base + 2 * CPU_WINDOW_BYTES, bytes);
	if (!address || !span_insert(&memory->regions, address, bytes))
		return 0;
	if (mprotect((void *)(uintptr_t)address, bytes, PROT_READ | PROT_WRITE)) {
		span_remove(&memory->regions, span_after(&memory->regions, address) - 1);
		return 0;
	}
	memory->cursor = address + bytes + GUARD;
	return address;
}

/* Closes the region at `address` and gives its pages back. */
static void region_close(struct cpu_memory *memory, uint64_t address)
{
	size_t at = span_after(&memory->regions, address) - 1;
	void *start = (void *)(uintptr_t)address;
	size_t bytes = memory->regions.items[at].size;

	/* A failure leaves the region open, which only costs its pages: it is then never handed out again. */
	if (mmap(start, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == start)
		span_remove(&memory->regions, at);
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
	return size <= SMALL_LIMIT ? small_take(memory, round_up(size, GRANULE)) : region_open(memory, size);
}

static void space_give(struct cpu_memory *memory, uint64_t address, uint64_t size)
{
	if (size <= SMALL_LIMIT)
		small_give(memory, address, round_up(size, GRANULE));
	else
		region_close(memory, address);
}

CUresult cpu_memory_alloc(struct cpu_memory *memory, size_t size, uint64_t *address)
{
	CUresult result = CUDA_ERROR_OUT_OF_MEMORY;
	uint64_t taken;

	if (!size)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_rwlock_wrlock(&memory->lock);
	if (size > memory->capacity - memory->used)
		goto out;
	taken = space_take(memory, size);
	if (!taken)
		goto out;
	if (!span_insert(&memory->live, taken, size)) {
		space_give(memory, taken, size);
		goto out;
	}
	memory->used += size;
	*address = taken;
	result = CUDA_SUCCESS;
out:
	pthread_rwlock_unlock(&memory->lock);
	return result;
}

/* Gives back what no pin can reach any more. Needs the generations' lock. */
static void dying_release(struct cpu_memory *memory)
{
	struct generations *generations = &memory->generations;

	while (!generations->pins[!generations->present] && (generations->old || generations->fresh)) {
		struct dying *list = generations->old;

		pthread_rwlock_wrlock(&memory->lock);
		for (struct dying *at = list; at; at = at->next)
			space_give(memory, at->address, at->size);
		pthread_rwlock_unlock(&memory->lock);
		dying_drop(list);
		generations->old = generations->fresh;
		generations->fresh = NULL;
		generations->present = !generations->present;
	}
}

/* Takes the allocation out of the live ones and gives its size; 0 when there is none. */
static uint64_t live_end(struct cpu_memory *memory, uint64_t address)
{
	struct cpu_span *span;
	uint64_t size = 0;

	pthread_rwlock_wrlock(&memory->lock);
	span = span_find(&memory->live, address);
	if (span && span->base == address) {
		size = span->size;
		span_remove(&memory->live, (size_t)(span - memory->live.items));
		memory->used -= size;
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
	pthread_mutex_lock(&memory->generations.lock);
	*dying = (struct dying){memory->generations.fresh, address, size};
	memory->generations.fresh = dying;
	dying_release(memory);
	pthread_mutex_unlock(&memory->generations.lock);
	return CUDA_SUCCESS;
}

bool cpu_memory_find(struct cpu_memory *memory, uint64_t address, struct cpu_span *span)
{
	struct cpu_span *found;

	pthread_rwlock_rdlock(&memory->lock);
	found = span_find(&memory->live, address);
	if (found)
		*span = *found;
	pthread_rwlock_unlock(&memory->lock);
	return found;
}

bool cpu_memory_contains(struct cpu_memory *memory, uint64_t address, size_t size)
{
	struct cpu_span span;

	return cpu_memory_find(memory, address, &span) && size <= span.size && address - span.base <= span.size - size;
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
	return memory->base + CPU_WINDOW_BYTES;
}
