/*
 * A map from addresses to objects that is read without a lock: every launch of the legacy form and every copy
 * to a symbol looks its host address up here.
 */
#ifndef CUDART_ADDRESS_MAP_H
#define CUDART_ADDRESS_MAP_H

#include <stdatomic.h>
#include <stddef.h>

struct rt_address_table;

/* Zero-initialised is empty. Lives for ever. */
struct rt_address_map {
	_Atomic(struct rt_address_table *) table;
};

/* The object at `address`, or NULL. Any thread, no lock. */
void *rt_address_map_get(struct rt_address_map *map, const void *address);

/*
 * Sets the object at `address`; NULL removes it. Writers hold a lock of the caller's. Returns 0, or -1 without
 * memory. Tables that were outgrown stay for readers that are still in them; together they are smaller than the
 * current one.
 */
int rt_address_map_set(struct rt_address_map *map, const void *address, void *object);

#endif
