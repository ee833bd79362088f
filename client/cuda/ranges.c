#include "ranges.h"

#include <stdlib.h>
#include <string.h>

/* Index of the first range that begins above `address`. */
static size_t above(const struct cu_ranges *ranges, uint64_t address)
{
	size_t low = 0, high = ranges->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ranges->items[middle].base <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool cu_ranges_add(struct cu_ranges *ranges, struct cu_range range)
{
	size_t at = above(ranges, range.base);
	if (at > 0 && range.base - ranges->items[at - 1].base < ranges->items[at - 1].size)
		return false;
	if (at < ranges->count && ranges->items[at].base - range.base < range.size)
		return false;
	if (ranges->count == ranges->capacity) {
		size_t capacity = ranges->capacity ? ranges->capacity * 2 : 64;
		struct cu_range *larger = realloc(ranges->items, capacity * sizeof(*larger));
		if (!larger)
			return false;
		ranges->items = larger;
		ranges->capacity = capacity;
	}
	memmove(ranges->items + at + 1, ranges->items + at, (ranges->count - at) * sizeof(range));
	ranges->items[at] = range;
	ranges->count++;
	return true;
}

struct cu_range *cu_ranges_find(struct cu_ranges *ranges, uint64_t address)
{
	size_t at = above(ranges, address);
	if (!at || address - ranges->items[at - 1].base >= ranges->items[at - 1].size)
		return NULL;
	return &ranges->items[at - 1];
}

void cu_ranges_remove(struct cu_ranges *ranges, struct cu_range *range)
{
	size_t at = (size_t)(range - ranges->items);
	ranges->count--;
	memmove(range, range + 1, (ranges->count - at) * sizeof(*range));
}
