/* Work that a grid's threads have given to the device: grids, copies, fills. It is done when the grid has ended, in the
   order in which it was given, and tail launches after all other. Every promise of streams and events is kept by that,
   and the parent is not complete before its children. */
#ifndef CPU_CHILDREN_H
#define CPU_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../exec.h"

/* Nesting that CUDA allows, and work that one grid may give. */
#define CPU_CHILDREN_DEPTH 24
#define CPU_CHILDREN_MOST (1u << 20)

enum cpu_child_kind { CPU_CHILD_LAUNCH, CPU_CHILD_COPY, CPU_CHILD_FILL };

struct cpu_child {
	struct cpu_child *next;
	enum cpu_child_kind kind;
	unsigned depth; /* 1: given by the host's grid */
	struct cpu_launch launch;
	uint64_t parameters; /* device address of the launch's parameter buffer */
	/* Copies and fills: rows of `width` bytes. */
	uint64_t to, to_pitch, from, from_pitch, width, rows;
	uint8_t value;
};

struct cpu_child_list {
	struct cpu_child *first, **end; /* `end` is NULL while the list is empty */
};

/* What a grid's threads have given. The job's lock guards it. */
struct cpu_children {
	struct cpu_child *prepared; /* parameter buffers that are not launched yet, newest first */
	struct cpu_child_list work, tails;
	uint32_t count;
	unsigned depth; /* of the grid; 0: the host's */
};

void cpu_child_append(struct cpu_child_list *list, struct cpu_child *child);

/* Moves all that was given before what is in `pending`; frees buffers that were never launched. */
void cpu_children_take(struct cpu_children *children, struct cpu_memory *memory, struct cpu_child **pending);

/* Does a copy or fill. CUDA_ERROR_ILLEGAL_ADDRESS with the reason in `fault`. */
CUresult cpu_child_move(const struct cpu_child *child, struct cpu_memory *memory, struct cpu_text fault);

void cpu_child_free(struct cpu_child *child, struct cpu_memory *memory);

#endif
