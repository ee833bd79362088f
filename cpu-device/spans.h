/* Lists of spans sorted by base, without overlaps. The owner locks. */
#ifndef CPU_SPANS_H
#define CPU_SPANS_H

#include "memory.h"

struct span_list {
	struct cpu_span *items;
	size_t count, room;
};

/* Index of the first span whose base is greater than `address`. */
size_t cpu_span_after(const struct span_list *list, uint64_t address);

/* The span that contains `address`, or NULL. */
struct cpu_span *cpu_span_find(const struct span_list *list, uint64_t address);

/* Makes room for `more` spans, so that as many insertions cannot fail; false when memory is short. */
bool cpu_span_room(struct span_list *list, size_t more);

bool cpu_span_insert(struct span_list *list, struct cpu_span span);
void cpu_span_remove(struct span_list *list, size_t at);

/* Cuts the span around `address` in two there, unless one begins there anyway. Needs room for one. */
void cpu_span_cut(struct span_list *list, uint64_t address);

/* Joins the span at `at` with the one before it, if both are mapped memory with the same access and no gap between. */
bool cpu_span_join(struct span_list *list, size_t at);

#endif
