#include "address_map.h"

#include <stdint.h>

#include "platform.h"

/* An address stays in its slot for ever once it was there; a removed one has no object. */
struct slot {
	_Atomic(const void *) address;
	_Atomic(void *) object;
};

struct rt_address_table {
	size_t capacity; /* a power of two */
	size_t used;
	struct rt_address_table *outgrown; /* keeps the smaller tables reachable for leak checkers */
	struct slot slots[];
};

enum { FIRST_CAPACITY = 64 };

static size_t slot_first(const struct rt_address_table *table, const void *address)
{
	return (size_t)(((uint64_t)(uintptr_t)address * 0x9E3779B97F4A7C15u) >> 32) & (table->capacity - 1);
}

/* The slot of the address, or the empty one where it would go. */
static struct slot *slot_find(struct rt_address_table *table, const void *address)
{
	size_t i = slot_first(table, address);

	for (;; i = (i + 1) & (table->capacity - 1)) {
		const void *there = atomic_load_explicit(&table->slots[i].address, memory_order_acquire);

		if (there == address || !there)
			return &table->slots[i];
	}
}

void *rt_address_map_get(struct rt_address_map *map, const void *address)
{
	struct rt_address_table *table = atomic_load_explicit(&map->table, memory_order_acquire);
	struct slot *slot = table && address ? slot_find(table, address) : NULL;

	return slot ? atomic_load_explicit(&slot->object, memory_order_acquire) : NULL;
}

static void table_put(struct rt_address_table *table, const void *address, void *object)
{
	struct slot *slot = slot_find(table, address);

	atomic_store_explicit(&slot->object, object, memory_order_release);
	if (!atomic_load_explicit(&slot->address, memory_order_relaxed)) {
		table->used++;
		atomic_store_explicit(&slot->address, address, memory_order_release);
	}
}

/* A table with room for one more address; NULL without memory. */
static struct rt_address_table *table_with_room(struct rt_address_map *map)
{
	struct rt_address_table *old = atomic_load_explicit(&map->table, memory_order_relaxed), *table;
	size_t capacity = old ? old->capacity * 2 : FIRST_CAPACITY;

	if (old && old->used < old->capacity / 2)
		return old;
	table = rt_alloc(sizeof(*table) + capacity * sizeof(table->slots[0]));
	if (!table)
		return NULL;
	table->capacity = capacity;
	table->outgrown = old;
	for (size_t i = 0; old && i < old->capacity; i++)
		if (old->slots[i].object)
			table_put(table, old->slots[i].address, old->slots[i].object);
	atomic_store_explicit(&map->table, table, memory_order_release);
	return table;
}

int rt_address_map_set(struct rt_address_map *map, const void *address, void *object)
{
	struct rt_address_table *table = table_with_room(map);

	if (!table || !address)
		return -1;
	table_put(table, address, object);
	return 0;
}
