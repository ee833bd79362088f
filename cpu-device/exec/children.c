#include "children.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cpu_child_append(struct cpu_child_list *list, struct cpu_child *child)
{
	if (!list->end)
		list->end = &list->first;
	*list->end = child;
	list->end = &child->next;
	child->next = NULL;
}

void cpu_child_free(struct cpu_child *child, struct cpu_memory *memory)
{
	if (child->parameters)
		cpu_memory_free(memory, child->parameters);
	free(child);
}

static void list_prepend(struct cpu_child_list *list, struct cpu_child **pending)
{
	if (!list->first)
		return;
	*list->end = *pending;
	*pending = list->first;
	*list = (struct cpu_child_list){NULL, NULL};
}

void cpu_children_take(struct cpu_children *children, struct cpu_memory *memory, struct cpu_child **pending)
{
	list_prepend(&children->tails, pending);
	list_prepend(&children->work, pending);
	while (children->prepared) {
		struct cpu_child *child = children->prepared;

		children->prepared = child->next;
		cpu_child_free(child, memory);
	}
}

/* Do all rows lie in memory? */
static bool rows_valid(struct cpu_memory *memory, uint64_t address, uint64_t pitch, const struct cpu_child *child)
{
	for (uint64_t row = 0; row < child->rows; row++)
		if (!cpu_memory_contains(memory, address + row * pitch, child->width))
			return false;
	return true;
}

CUresult cpu_child_move(const struct cpu_child *child, struct cpu_memory *memory, struct cpu_text fault)
{
	bool copy = child->kind == CPU_CHILD_COPY;

	if (!child->width || !child->rows)
		return CUDA_SUCCESS;
	if (!rows_valid(memory, child->to, child->to_pitch, child) ||
	    (copy && !rows_valid(memory, child->from, child->from_pitch, child))) {
		snprintf(fault.data, fault.size, "%s of 0x%llx bytes to 0x%llx given by a kernel: no such memory",
			 copy ? "copy" : "fill", (unsigned long long)child->width, (unsigned long long)child->to);
		return CUDA_ERROR_ILLEGAL_ADDRESS;
	}
	for (uint64_t row = 0; row < child->rows; row++) {
		void *to = (void *)(uintptr_t)(child->to + row * child->to_pitch);

		if (copy)
			memmove(to, (void *)(uintptr_t)(child->from + row * child->from_pitch), child->width);
		else
			memset(to, child->value, child->width);
	}
	return CUDA_SUCCESS;
}
