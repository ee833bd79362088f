/* A ring of bytes in memory that two processes share: one writes, the other reads.
 *
 * The positions are counts of all bytes ever written and taken, so a full ring and an empty one differ without a spare
 * byte. Each side keeps its own position in private memory and only ever reads the other's, which it believes no
 * further than that it lies within one ring of its own: whatever the other process writes to the shared memory, no
 * access leaves the ring. The bytes themselves may change at any time; they are copied out, and judged after that.
 */
#ifndef CR_TRANSPORT_SHM_RING_H
#define CR_TRANSPORT_SHM_RING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CR_CACHE_LINE 64

/* In the shared memory, all zero at the beginning. */
struct cr_ring_shared {
	alignas(CR_CACHE_LINE) _Atomic uint64_t written; /* by the writer */
	alignas(CR_CACHE_LINE) _Atomic uint64_t taken;   /* by the reader */
};

/* One side's view, in its private memory. For one thread at a time, where nothing else is said.

   Positions are published, and looked at by cr_ring_may_*, with sequential consistency: whoever publishes and then sees
   no sleeper, and a sleeper who has said so and then sees nothing new, cannot both be right (transport_shm.c). */
struct cr_ring {
	struct cr_ring_shared *shared;
	unsigned char *bytes; /* shared as well */
	size_t size;          /* a power of two */
	_Atomic uint64_t own; /* position of this side; the writer's may be ahead of what is published */
	uint64_t other;       /* position of the other side when it was last looked at */
};

/* Bytes that can be written now, or -1 when the other side's position is impossible. Looks at the other side's only if
   less than `wanted` was free the last time. */
ssize_t cr_ring_room(struct cr_ring *ring, size_t wanted);

/* Copies at most `size` bytes in, which the reader sees after cr_ring_publish. Bytes copied, or -1 as above. */
ssize_t cr_ring_put(struct cr_ring *ring, const void *from, size_t size);
void cr_ring_publish(struct cr_ring *ring);

/* Bytes that can be taken now, or -1; as cr_ring_room. */
ssize_t cr_ring_available(struct cr_ring *ring, size_t wanted);

/* Copies at most `size` bytes out and frees their place. Bytes copied, or -1 as above. */
ssize_t cr_ring_take(struct cr_ring *ring, void *to, size_t size);

/* The same questions from any thread: is there something to take, place to write? Also true when the other side's
   position is impossible, which the next call then reports. */
bool cr_ring_may_take(const struct cr_ring *ring);
bool cr_ring_may_put(const struct cr_ring *ring);

#endif
