#include "transport_shm_ring.h"

#include <string.h>

static uint64_t own_position(const struct cr_ring *ring)
{
	return atomic_load_explicit(&ring->own, memory_order_relaxed);
}

static void advance(struct cr_ring *ring, size_t size)
{
	atomic_store_explicit(&ring->own, own_position(ring) + size, memory_order_relaxed);
}

/* Where the byte at the own position lies. */
static size_t own_offset(const struct cr_ring *ring)
{
	return (size_t)own_position(ring) & (ring->size - 1);
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

ssize_t cr_ring_room(struct cr_ring *ring, size_t wanted)
{
	uint64_t own = own_position(ring);
	if (ring->size - (own - ring->other) < wanted) {
		uint64_t taken = atomic_load_explicit(&ring->shared->taken, memory_order_acquire);
		if (own - taken > ring->size)
			return -1;
		ring->other = taken;
	}
	return (ssize_t)(ring->size - (own - ring->other));
}

ssize_t cr_ring_put(struct cr_ring *ring, const void *from, size_t size)
{
	ssize_t room = cr_ring_room(ring, size);
	if (room < 0)
		return -1;
	size = smaller(size, (size_t)room);
	size_t at = own_offset(ring), part = smaller(size, ring->size - at);
	memcpy(ring->bytes + at, from, part);
	memcpy(ring->bytes, (const char *)from + part, size - part);
	advance(ring, size);
	return (ssize_t)size;
}

void cr_ring_publish(struct cr_ring *ring)
{
	atomic_store(&ring->shared->written, own_position(ring));
}

ssize_t cr_ring_available(struct cr_ring *ring, size_t wanted)
{
	uint64_t own = own_position(ring);
	if (ring->other - own < wanted) {
		uint64_t written = atomic_load_explicit(&ring->shared->written, memory_order_acquire);
		if (written - own > ring->size)
			return -1;
		ring->other = written;
	}
	return (ssize_t)(ring->other - own);
}

ssize_t cr_ring_take(struct cr_ring *ring, void *to, size_t size)
{
	ssize_t available = cr_ring_available(ring, size);
	if (available < 0)
		return -1;
	size = smaller(size, (size_t)available);
	size_t at = own_offset(ring), part = smaller(size, ring->size - at);
	memcpy(to, ring->bytes + at, part);
	memcpy((char *)to + part, ring->bytes, size - part);
	advance(ring, size);
	atomic_store(&ring->shared->taken, own_position(ring));
	return (ssize_t)size;
}

bool cr_ring_may_take(const struct cr_ring *ring)
{
	return atomic_load(&ring->shared->written) != own_position(ring);
}

bool cr_ring_may_put(const struct cr_ring *ring)
{
	return own_position(ring) - atomic_load(&ring->shared->taken) != ring->size;
}
