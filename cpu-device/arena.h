/* The inside of the arena, shared by what allocates in it (memory.c) and what maps to it (virtual_memory.c). */
#ifndef CPU_ARENA_H
#define CPU_ARENA_H

#include <pthread.h>

#include "spans.h"

/* Allocations start at multiples of GRANULE; regions at multiples of REGION_ALIGN, at least GUARD apart. */
#define GRANULE 512u
#define GUARD ((uint64_t)64 << 10)
#define REGION_ALIGN ((uint64_t)2 << 20)
#define SMALL_LIMIT ((uint64_t)64 << 10)
#define SMALL_CLASSES (SMALL_LIMIT / GRANULE + 1)

struct free_block {
	uint64_t address;
	struct free_block *next;
};

/* An allocation that was freed, or a mapping that was undone, while pins may still use it. */
struct dying {
	struct dying *next;
	uint64_t address, size;
	struct cpu_physical *physical; /* of a mapping, which holds a reference; NULL: an allocation */
};

/* Two generations, the present one and the one before: what is freed waits until the pins of both, as far as they were
   taken before, have gone, however many come after. */
struct generations {
	pthread_mutex_t lock;    /* taken before the memory's lock */
	pthread_cond_t released; /* something has gone */
	unsigned present;        /* 0 or 1: what a new pin belongs to */
	unsigned pins[2];
	struct dying *fresh; /* freed in the present generation */
	struct dying *old;   /* freed before it: waits for the pins of the other one */
};

/* Physical memory at an address. */
struct cpu_mapping {
	uint64_t base, size;
	struct cpu_physical *physical;
};

struct cpu_memory {
	pthread_rwlock_t lock; /* guards everything below */
	uint64_t base, reserved;
	size_t capacity, used;
	struct span_list live;         /* allocations and mapped memory */
	struct span_list regions;      /* parts of the arena in use: opened ones and reservations */
	struct span_list reservations; /* of cpu_memory_reserve() */
	uint64_t cursor;               /* where the search for a free gap begins */
	uint64_t slab_next, slab_end;
	struct free_block *free_small[SMALL_CLASSES];
	struct generations generations;
	struct cpu_mapping *mappings; /* sorted by base */
	size_t mapping_count, mapping_room;
	int file;          /* the pages of physical memory that is not exportable; -1 before there is any */
	uint64_t file_end; /* where the next one's pages begin: never reused, so that holes need no bookkeeping */
};

static inline uint64_t cpu_round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

/* The first multiple of `alignment` at or after `start` from which `size` bytes and a guard are free; 0 when there is
   none. Called with the lock held. */
uint64_t cpu_arena_gap(const struct cpu_memory *memory, uint64_t start, uint64_t size, uint64_t alignment);

/* Takes over `dying` (from malloc), whose space is given back when all pins taken before have gone. */
void cpu_arena_dying(struct cpu_memory *memory, struct dying *dying);

/* Closes the pages of a mapping and drops its reference. Called with the lock held. */
void cpu_mapping_end(struct cpu_memory *memory, const struct dying *dying);

/* Frees what virtual_memory.c holds, when the arena ends. */
void cpu_mappings_free(struct cpu_memory *memory);

#endif
