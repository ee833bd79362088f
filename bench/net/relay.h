/* One direction of a proxied connection: bytes wait in a ring until the emulated link would have delivered them. */
#ifndef BENCH_NET_RELAY_H
#define BENCH_NET_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_NEVER UINT64_MAX

/* The emulated link, the same for every connection and direction (each has a link of its own). */
struct link {
	uint64_t delay_ns;
	double ns_per_byte; /* 0: as fast as the machine is */
	size_t segment;     /* most bytes passed on at once; 0: no limit */
};

struct relay_mark; /* up to which byte the stream is due when */

/* Positions count the bytes of the whole stream. */
struct relay {
	int from, to;
	char *ring;
	size_t capacity; /* a power of two */
	struct relay_mark *marks;
	uint64_t first_mark, last_mark;    /* marks in use: first_mark … last_mark - 1 */
	uint64_t received, released, sent; /* released: what is due */
	uint64_t busy_until;               /* the link's transmitter is busy until then */
	uint64_t end_due;                  /* RELAY_NEVER until `from` has ended */
	bool blocked;                      /* `to` takes no more for now */
	bool closed;                       /* the end has been passed on */
};

/* Prepares a direction between two connected sockets, which stay the caller's. False when memory is exhausted;
   relay_free is harmless then. Times are nanoseconds of CLOCK_MONOTONIC. */
bool relay_init(struct relay *relay, const struct link *link, int from, int to);
void relay_free(struct relay *relay);

/* Is there room for what `from` sends? While there is none the sender feels it, as on a link with full queues. */
bool relay_wants_input(const struct relay *relay);

/* Receives what is there, without waiting; false when the connection is broken. */
bool relay_receive(struct relay *relay, const struct link *link, uint64_t now);

/* Passes on what is due, without waiting; false when the connection is broken. */
bool relay_send(struct relay *relay, const struct link *link, uint64_t now);

/* When there is something to pass on that is not due yet, the time at which it is; else RELAY_NEVER. */
uint64_t relay_next_due(const struct relay *relay);

#endif
