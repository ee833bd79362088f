#include "carver.h"

#include <stdlib.h>
#include <string.h>

/* Blocks start at multiples of this, as allocations do. */
#define GRANULE 512u
#define FINE_LIMIT 4096u

struct cu_slab {
	struct cu_slab *next, **link; /* in carver->open while there are free blocks */
	uint64_t base, context;
	uint64_t block; /* bytes */
	unsigned class;
	unsigned count, used;
	unsigned hint;    /* where the search for a free block goes on */
	uint64_t taken[]; /* one bit for each block */
};

/* ---- Units ---- */

/* Index of the first units above `address`. */
static size_t units_above(const struct cu_carver *carver, uint64_t address)
{
	size_t low = 0, high = carver->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (carver->units[middle].base <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct cu_carved_units *units_around(const struct cu_carver *carver, uint64_t address)
{
	size_t above = units_above(carver, address);
	if (!above || address - carver->units[above - 1].base >= carver->units[above - 1].size)
		return NULL;
	return &carver->units[above - 1];
}

/* The first free addresses at or after `start` for `size` bytes with a free unit on both sides; 0 when there are none.
 */
static uint64_t addresses_find(const struct cu_carver *carver, uint64_t start, uint64_t size)
{
	uint64_t end = carver->base + carver->size;
	size_t next = units_above(carver, start);
	if (next && carver->units[next - 1].base + carver->units[next - 1].size + carver->unit > start)
		start = carver->units[next - 1].base + carver->units[next - 1].size + carver->unit;
	for (;; next++) {
		uint64_t limit = next < carver->count ? carver->units[next].base : end;
		if (start <= limit && limit - start >= size + carver->unit)
			return start;
		if (next >= carver->count)
			return 0;
		start = limit + carver->units[next].size + carver->unit;
	}
}

static bool units_room(struct cu_carver *carver)
{
	size_t room = carver->room ? carver->room * 2 : 64;
	if (carver->count < carver->room)
		return true;
	struct cu_carved_units *larger = realloc(carver->units, room * sizeof(*larger));
	if (!larger)
		return false;
	carver->units = larger;
	carver->room = room;
	return true;
}

/* Takes addresses, and memory for them out of the budget if it is enough; NULL when there are none. */
static struct cu_carved_units *units_take(struct cu_carver *carver, uint64_t size, uint64_t context)
{
	if (size > carver->size || !units_room(carver))
		return NULL;
	uint64_t base = addresses_find(carver, carver->cursor, size);
	if (!base)
		base = addresses_find(carver, carver->base, size);
	if (!base)
		return NULL;
	size_t at = units_above(carver, base);
	memmove(carver->units + at + 1, carver->units + at, (carver->count - at) * sizeof(*carver->units));
	carver->count++;
	carver->units[at] = (struct cu_carved_units){base, size, context, size <= carver->budget, NULL};
	if (carver->units[at].budgeted)
		carver->budget -= size;
	carver->cursor = base + size + carver->unit;
	return &carver->units[at];
}

/* The memory of units goes back to where it came from; what exceeds the most is released by the server. */
static void budget_return(struct cu_carver *carver, const struct cu_carved_units *units)
{
	if (!units->budgeted)
		return;
	carver->budget += units->size;
	if (carver->budget > carver->budget_max)
		carver->budget = carver->budget_max;
}

static void units_give(struct cu_carver *carver, struct cu_carved_units *units)
{
	size_t at = (size_t)(units - carver->units);
	budget_return(carver, units);
	carver->count--;
	memmove(units, units + 1, (carver->count - at) * sizeof(*units));
}

/* ---- Slabs ---- */

static void slab_open(struct cu_carver *carver, struct cu_slab *slab)
{
	slab->link = &carver->open[slab->class];
	slab->next = *slab->link;
	if (slab->next)
		slab->next->link = &slab->next;
	*slab->link = slab;
}

static void slab_close(struct cu_slab *slab)
{
	*slab->link = slab->next;
	if (slab->next)
		slab->next->link = slab->link;
	slab->link = NULL;
}

/* The class of a size, and what its blocks take. */
static unsigned class_of(uint64_t size, uint64_t *block)
{
	if (size <= FINE_LIMIT) {
		unsigned class = 0;
		for (*block = GRANULE; *block < size; *block *= 2)
			class ++;
		return class;
	}
	unsigned doubling = 63 - (unsigned)__builtin_clzll(size - 1);
	uint64_t step = (uint64_t)1 << (doubling - 2);
	uint64_t steps = (size + step - 1) / step; /* 5 to 8 */
	*block = steps * step;
	return 4 + (doubling - 12) * 4 + (unsigned)(steps - 5);
}

static struct cu_slab *slab_make(struct cu_carver *carver, uint64_t block, unsigned class, uint64_t context,
				 struct cu_carving *carving)
{
	unsigned count = (unsigned)(carver->unit / block);
	size_t words = (count + 63) / 64;
	struct cu_slab *slab = calloc(1, sizeof(*slab) + words * sizeof(*slab->taken));
	struct cu_carved_units *units = slab ? units_take(carver, carver->unit, context) : NULL;
	if (!units) {
		free(slab);
		return NULL;
	}
	units->slab = slab;
	slab->base = units->base;
	slab->context = context;
	slab->block = block;
	slab->class = class;
	slab->count = count;
	slab_open(carver, slab);
	carving->map = units->base;
	carving->map_size = units->size;
	carving->budgeted = units->budgeted;
	return slab;
}

static uint64_t block_take(struct cu_slab *slab)
{
	unsigned words = (slab->count + 63) / 64;
	unsigned word = slab->hint;
	while (slab->taken[word] == UINT64_MAX ||
	       word * 64 + (unsigned)__builtin_ctzll(~slab->taken[word]) >= slab->count)
		word = (word + 1) % words;
	unsigned bit = (unsigned)__builtin_ctzll(~slab->taken[word]);
	slab->taken[word] |= (uint64_t)1 << bit;
	slab->hint = word;
	if (++slab->used == slab->count)
		slab_close(slab);
	return slab->base + (word * 64 + bit) * slab->block;
}

/* At least one byte behind each block stays closed, so that a driver that checks access by the byte finds overruns. */
static bool carve_small(struct cu_carver *carver, uint64_t size, uint64_t context, struct cu_carving *carving)
{
	uint64_t block;
	unsigned class = class_of(size + 1, &block);
	struct cu_slab *slab = carver->open[class];
	while (slab && slab->context != context)
		slab = slab->next;
	if (!slab)
		slab = slab_make(carver, block, class, context, carving);
	if (!slab)
		return false;
	carving->address = block_take(slab);
	return true;
}

static bool carve_large(struct cu_carver *carver, uint64_t size, uint64_t context, struct cu_carving *carving)
{
	uint64_t rounded = (size + carver->unit - 1) / carver->unit * carver->unit;
	struct cu_carved_units *units = rounded >= size ? units_take(carver, rounded, context) : NULL;
	if (!units)
		return false;
	carving->address = carving->map = units->base;
	carving->map_size = units->size;
	carving->budgeted = units->budgeted;
	return true;
}

bool cu_carve(struct cu_carver *carver, uint64_t size, uint64_t context, struct cu_carving *carving)
{
	*carving = (struct cu_carving){.size = size};
	return size < carver->unit / 2 ? carve_small(carver, size, context, carving)
				       : carve_large(carver, size, context, carving);
}

/* Gives a block back; true when the slab is empty by now. */
static bool block_give(struct cu_carver *carver, struct cu_slab *slab, uint64_t address)
{
	uint64_t block = (address - slab->base) / slab->block;
	slab->taken[block / 64] &= ~((uint64_t)1 << block % 64);
	if (slab->used-- == slab->count)
		slab_open(carver, slab);
	return !slab->used;
}

static bool is_taken(const struct cu_slab *slab, uint64_t address)
{
	uint64_t block = (address - slab->base) / slab->block;
	return (address - slab->base) % slab->block == 0 && block < slab->count &&
	       slab->taken[block / 64] >> block % 64 & 1;
}

bool cu_uncarve(struct cu_carver *carver, uint64_t address, uint64_t size, struct cu_carving *carving)
{
	struct cu_carved_units *units = units_around(carver, address);
	if (!units || (units->slab ? !is_taken(units->slab, address) : units->base != address))
		return false;
	*carving = (struct cu_carving){.address = address, .size = size};
	if (units->slab && !block_give(carver, units->slab, address))
		return true;
	carving->map = units->base;
	carving->map_size = units->size;
	if (units->slab) {
		slab_close(units->slab);
		free(units->slab);
	}
	units_give(carver, units);
	return true;
}

void cu_carver_forget_context(struct cu_carver *carver, uint64_t context)
{
	size_t kept = 0;
	for (size_t i = 0; i < carver->count; i++) {
		struct cu_carved_units *units = &carver->units[i];
		if (units->context != context) {
			carver->units[kept++] = *units;
			continue;
		}
		budget_return(carver, units);
		if (units->slab && units->slab->link)
			slab_close(units->slab);
		free(units->slab);
	}
	carver->count = kept;
}
