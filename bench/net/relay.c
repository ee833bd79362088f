#include "relay.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum {
	MARKS = 1 << 16,
	RING_MIN = 4 << 20,
	RECEIVE_MAX = 256 << 10,
	RECEIVE_MIN = 1448, /* a TCP segment on Ethernet */
};

/* Without a limit the ring must still hold what is under way: this many bytes for each nanosecond of delay. */
#define FASTEST_LINK 2.5

/* Bytes that are received at once become due at once, so they must not take longer than this on the link. */
#define GRAIN_NS 100000.0

struct relay_mark {
	uint64_t end, due;
};

static size_t ring_size(const struct link *link)
{
	double rate = link->ns_per_byte > 0 ? 1 / link->ns_per_byte : FASTEST_LINK;
	size_t size = RING_MIN;
	while ((double)size < 2 * rate * (double)link->delay_ns)
		size *= 2;
	return size;
}

/* Untouched pages cost nothing. */
static void *reserve(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

bool relay_init(struct relay *relay, const struct link *link, int from, int to)
{
	*relay = (struct relay){.from = from, .to = to, .capacity = ring_size(link), .end_due = RELAY_NEVER};
	relay->ring = reserve(relay->capacity);
	relay->marks = reserve(MARKS * sizeof(*relay->marks));
	return relay->ring && relay->marks;
}

void relay_free(struct relay *relay)
{
	if (relay->ring)
		munmap(relay->ring, relay->capacity);
	if (relay->marks)
		munmap(relay->marks, MARKS * sizeof(*relay->marks));
	relay->ring = NULL;
	relay->marks = NULL;
}

bool relay_wants_input(const struct relay *relay)
{
	return relay->end_due == RELAY_NEVER && relay->received - relay->sent < relay->capacity &&
	       relay->last_mark - relay->first_mark < MARKS;
}

/* The bytes from `position` on that lie together in the ring, at most `length`. */
static size_t contiguous(const struct relay *relay, uint64_t position, size_t length, char **start)
{
	size_t offset = position & (relay->capacity - 1);
	*start = relay->ring + offset;
	return length < relay->capacity - offset ? length : relay->capacity - offset;
}

static size_t receive_limit(const struct link *link)
{
	if (link->ns_per_byte <= 0 || GRAIN_NS / link->ns_per_byte > RECEIVE_MAX)
		return RECEIVE_MAX;
	size_t limit = (size_t)(GRAIN_NS / link->ns_per_byte);
	return limit > RECEIVE_MIN ? limit : RECEIVE_MIN;
}

/* When the link delivers the last of `length` bytes that were handed to it now. */
static uint64_t transmit(struct relay *relay, const struct link *link, uint64_t now, size_t length)
{
	uint64_t start = relay->busy_until > now ? relay->busy_until : now;
	relay->busy_until = start + (uint64_t)((double)length * link->ns_per_byte);
	return relay->busy_until + link->delay_ns;
}

bool relay_receive(struct relay *relay, const struct link *link, uint64_t now)
{
	char *start;
	size_t limit = receive_limit(link), room = relay->capacity - (relay->received - relay->sent);
	size_t length = contiguous(relay, relay->received, room < limit ? room : limit, &start);
	ssize_t received = recv(relay->from, start, length, MSG_DONTWAIT);
	if (received < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
	uint64_t due = transmit(relay, link, now, (size_t)received);
	if (received == 0) {
		relay->end_due = due;
		return true;
	}
	relay->received += (uint64_t)received;
	relay->marks[relay->last_mark++ % MARKS] = (struct relay_mark){relay->received, due};
	return true;
}

static void release(struct relay *relay, uint64_t now)
{
	while (relay->first_mark < relay->last_mark && relay->marks[relay->first_mark % MARKS].due <= now)
		relay->released = relay->marks[relay->first_mark++ % MARKS].end;
}

/* Passes the end on once all bytes before it have gone and its own time has come. */
static void send_end(struct relay *relay, uint64_t now)
{
	if (relay->closed || relay->end_due > now || relay->sent < relay->received)
		return;
	shutdown(relay->to, SHUT_WR);
	relay->closed = true;
}

bool relay_send(struct relay *relay, const struct link *link, uint64_t now)
{
	release(relay, now);
	relay->blocked = false;
	while (relay->sent < relay->released) {
		char *start;
		size_t length = contiguous(relay, relay->sent, relay->released - relay->sent, &start);
		if (link->segment && length > link->segment)
			length = link->segment;
		ssize_t sent = send(relay->to, start, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0) {
			relay->blocked = errno == EAGAIN || errno == EWOULDBLOCK;
			return relay->blocked || errno == EINTR;
		}
		relay->sent += (uint64_t)sent;
	}
	send_end(relay, now);
	return true;
}

uint64_t relay_next_due(const struct relay *relay)
{
	if (relay->first_mark < relay->last_mark)
		return relay->marks[relay->first_mark % MARKS].due;
	return relay->closed || relay->sent < relay->received ? RELAY_NEVER : relay->end_due;
}
