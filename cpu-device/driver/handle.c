#include "handle.h"

#include <stdint.h>
#include <stdlib.h>

/* A handle is kind (8 bits), generation (24 bits), index + 1 (32 bits), from the top. With a kind in the top byte it is
   no address a program can use, and none of the special streams 0, 1 and 2. */
struct slot {
	void *object; /* NULL: free */
	uint32_t generation;
	uint32_t next_free; /* index + 1, 0 ends the list */
	enum drv_kind kind;
};

static struct slot *slots;
static uint32_t slot_count;
static uint32_t first_free;

static const uint32_t generation_mask = 0xFFFFFF;

static int slots_grow(void)
{
	uint32_t count = slot_count ? slot_count * 2 : 64;
	struct slot *grown = realloc(slots, count * sizeof *grown);
	if (!grown)
		return 0;
	slots = grown;
	for (uint32_t i = count; i-- > slot_count;) {
		slots[i] = (struct slot){.next_free = first_free};
		first_free = i + 1;
	}
	slot_count = count;
	return 1;
}

void *drv_handle_new(enum drv_kind kind, void *object)
{
	if (!first_free && !slots_grow())
		return NULL;
	uint32_t position = first_free;
	struct slot *slot = &slots[position - 1];
	first_free = slot->next_free;
	slot->object = object;
	slot->kind = kind;
	slot->generation = (slot->generation + 1) & generation_mask;
	return (void *)((uint64_t)kind << 56 | (uint64_t)slot->generation << 32 | position);
}

static struct slot *slot_of(const void *handle)
{
	uint64_t bits = (uintptr_t)handle;
	uint32_t position = (uint32_t)bits;
	if (position == 0 || position > slot_count)
		return NULL;
	struct slot *slot = &slots[position - 1];
	uint64_t expected = (uint64_t)slot->kind << 56 | (uint64_t)slot->generation << 32 | position;
	return slot->object && bits == expected ? slot : NULL;
}

void *drv_handle_get(enum drv_kind kind, const void *handle)
{
	struct slot *slot = slot_of(handle);
	return slot && slot->kind == kind ? slot->object : NULL;
}

void drv_handle_end(const void *handle)
{
	struct slot *slot = slot_of(handle);
	if (!slot)
		return;
	slot->object = NULL;
	slot->next_free = first_free;
	first_free = (uint32_t)(slot - slots) + 1;
}
