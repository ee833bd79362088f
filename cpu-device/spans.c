#include "spans.h"

#include <stdlib.h>
#include <string.h>

size_t cpu_span_after(const struct span_list *list, uint64_t address)
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

struct cpu_span *cpu_span_find(const struct span_list *list, uint64_t address)
{
	size_t after = cpu_span_after(list, address);

	if (!after || address - list->items[after - 1].base >= list->items[after - 1].size)
		return NULL;
	return &list->items[after - 1];
}

bool cpu_span_room(struct span_list *list, size_t more)
{
	size_t room = list->room ? list->room : 64;
	struct cpu_span *items;

	if (list->count + more <= list->room)
		return true;
	while (room < list->count + more)
		room *= 2;
	items = realloc(list->items, room * sizeof(*items));
	if (!items)
		return false;
	list->items = items;
	list->room = room;
	return true;
}

static void span_put(struct span_list *list, size_t at, struct cpu_span span)
{
	memmove(&list->items[at + 1], &list->items[at], (list->count - at) * sizeof(*list->items));
	list->items[at] = span;
	list->count++;
}

bool cpu_span_insert(struct span_list *list, struct cpu_span span)
{
	if (!cpu_span_room(list, 1))
		return false;
	span_put(list, cpu_span_after(list, span.base), span);
	return true;
}

void cpu_span_remove(struct span_list *list, size_t at)
{
	list->count--;
	memmove(&list->items[at], &list->items[at + 1], (list->count - at) * sizeof(*list->items));
}

void cpu_span_cut(struct span_list *list, uint64_t address)
{
	struct cpu_span *span = cpu_span_find(list, address);
	struct cpu_span rest;

	if (!span || span->base == address)
		return;
	rest = *span;
	rest.base = address;
	rest.size = span->size - (address - span->base);
	span->size = address - span->base;
	span_put(list, (size_t)(span - list->items) + 1, rest);
}

bool cpu_span_join(struct span_list *list, size_t at)
{
	struct cpu_span *before, *span;

	if (!at || at >= list->count)
		return false;
	before = &list->items[at - 1];
	span = &list->items[at];
	if (!before->mapped || !span->mapped || before->base + before->size != span->base ||
	    before->readers != span->readers || before->writers != span->writers)
		return false;
	before->size += span->size;
	cpu_span_remove(list, at);
	return true;
}
