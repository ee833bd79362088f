#include "handle.h"

#include <stdlib.h>

#define GENERATION_MASK 0xffffffu

void cr_handle_table_init(struct cr_handle_table *table, enum cr_kind kind)
{
	*table = (struct cr_handle_table){.kind = kind};
}

void cr_handle_table_clear(struct cr_handle_table *table, void (*destroy)(void *object))
{
	for (uint32_t i = 0; destroy && i < table->count; i++) {
		if (table->slots[i].object)
			destroy(table->slots[i].object);
	}
	free(table->slots);
	cr_handle_table_init(table, table->kind);
}

/* Makes slots [0, count) exist. */
static bool table_grow(struct cr_handle_table *table, uint32_t count)
{
	if (count > CR_HANDLE_MAX)
		return false;
	if (count > table->capacity) {
		uint32_t capacity = table->capacity ? table->capacity : 16;
		while (capacity < count)
			capacity *= 2;
		struct cr_handle_slot *slots = realloc(table->slots, capacity * sizeof(*slots));
		if (!slots)
			return false;
		table->slots = slots;
		table->capacity = capacity;
	}
	for (; table->count < count; table->count++)
		table->slots[table->count] = (struct cr_handle_slot){.generation = 1};
	return true;
}

uint64_t cr_handle_add(struct cr_handle_table *table, void *object)
{
	if (!object)
		return 0;
	uint32_t index = table->free - 1;
	if (table->free) {
		table->free = table->slots[index].next_free;
	} else {
		index = table->count;
		if (!table_grow(table, index + 1))
			return 0;
	}
	table->slots[index].object = object;
	return cr_handle_make(table->kind, table->slots[index].generation, index);
}

bool cr_handle_enter(struct cr_handle_table *table, uint64_t id, void *object)
{
	uint32_t index = cr_handle_index(id);
	if (!object || cr_handle_kind(id) != table->kind || index >= CR_HANDLE_MAX)
		return false;
	if (index >= table->count && !table_grow(table, index + 1))
		return false;
	struct cr_handle_slot *slot = &table->slots[index];
	if (slot->object)
		return false;
	slot->object = object;
	slot->generation = cr_handle_generation(id);
	return true;
}

static struct cr_handle_slot *table_slot(const struct cr_handle_table *table, uint64_t id)
{
	uint32_t index = cr_handle_index(id);
	if (cr_handle_kind(id) != table->kind || index >= table->count)
		return NULL;
	struct cr_handle_slot *slot = &table->slots[index];
	return slot->object && slot->generation == cr_handle_generation(id) ? slot : NULL;
}

void *cr_handle_find(const struct cr_handle_table *table, uint64_t id)
{
	struct cr_handle_slot *slot = table_slot(table, id);
	return slot ? slot->object : NULL;
}

void *cr_handle_remove(struct cr_handle_table *table, uint64_t id)
{
	struct cr_handle_slot *slot = table_slot(table, id);
	if (!slot)
		return NULL;
	void *object = slot->object;
	slot->object = NULL;
	slot->generation = (slot->generation + 1) & GENERATION_MASK;
	slot->next_free = table->free;
	table->free = cr_handle_index(id) + 1;
	return object;
}
