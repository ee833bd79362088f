/* Gives out the addresses of a memory grant. Large allocations get units of their own, with a closed one behind them;
   small ones of about the same size share a unit, a slab. The owner locks. */
#ifndef CU_CARVER_H
#define CU_CARVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sizes of small allocations: four up to 4 KiB, then four to each doubling, up to half a unit. */
enum { CU_CARVER_CLASSES = 4 + 4 * 28 };

struct cu_slab;

/* Units with memory. */
struct cu_carved_units {
	uint64_t base, size;
	uint64_t context;
	bool budgeted;        /* the memory came out of the budget */
	struct cu_slab *slab; /* NULL: one allocation */
};

struct cu_carver {
	uint64_t base, size, unit;
	uint64_t budget, budget_max;   /* bytes that may get memory without asking */
	uint64_t cursor;               /* where the search for free addresses goes on */
	struct cu_carved_units *units; /* sorted by base */
	size_t count, room;
	struct cu_slab *open[CU_CARVER_CLASSES]; /* slabs with free blocks */
};

/* What an allocation's begin or end means for the server; as carved_memory in rpc_cuda.x. */
struct cu_carving {
	uint64_t address, size;
	uint64_t map, map_size; /* units that get or lose memory; 0: none */
	bool budgeted;          /* what they get comes out of the budget */
};

/* Finds a place for `size` > 0 bytes of `context`. False when there is none, or memory is exhausted. */
bool cu_carve(struct cu_carver *carver, uint64_t size, uint64_t context, struct cu_carving *carving);

/* Takes back an allocation of `size` bytes at `address` that cu_carve gave out. False when it did not. */
bool cu_uncarve(struct cu_carver *carver, uint64_t address, uint64_t size, struct cu_carving *carving);

/* Is the address one of the grant? */
static inline bool cu_carver_holds(const struct cu_carver *carver, uint64_t address)
{
	return address - carver->base < carver->size;
}

/* Takes back all that belongs to a context. */
void cu_carver_forget_context(struct cu_carver *carver, uint64_t context);

#endif
