/* Address ranges: which allocation an address belongs to. */
#ifndef CU_RANGES_H
#define CU_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cu_range {
	uint64_t base;
	uint64_t size;
	uint64_t context; /* that it was allocated in */
	unsigned flags;   /* of the allocation call */
	bool ours;        /* host memory that this library allocated, not the program */
	bool symbol;      /* a module's variable: not to be freed */
};

/* Sorted by address, without overlaps. The owner locks. */
struct cu_ranges {
	struct cu_range *items;
	size_t count, capacity;
};

/* False when memory is exhausted or the range overlaps another. */
bool cu_ranges_add(struct cu_ranges *ranges, struct cu_range range);

/* The range that contains `address`, or NULL. */
struct cu_range *cu_ranges_find(struct cu_ranges *ranges, uint64_t address);

/* Removes a range that cu_ranges_find returned. */
void cu_ranges_remove(struct cu_ranges *ranges, struct cu_range *range);

#endif
