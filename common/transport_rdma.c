#include "transport_rdma.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

/* A long part goes in pieces: the adapter sends the first while the next one is copied. */
#define PIECE_BYTES (128u << 10)

/* The reader tells how far it has come after so many bytes of the ring, or so many writes. */
#define CREDIT_BYTES(ring) ((ring) / 8)
#define CREDIT_WRITES (CR_QUEUE_DEPTH / 4)

/* The word of a write that is a credit; the others are the number of bytes. */
#define CREDIT_WORD UINT32_MAX

#define WORDS_AT_ONCE 16

/* What is sent before the connection is closed has so long to arrive. */
#define FLUSH_MS 500

/* How long a waiting side looks before it sleeps. */
#define SPIN_NS 20000

/* How far the reader of this side's bytes has come: written by the peer. */
struct credit {
	_Atomic uint64_t bytes, writes;
};

/* The beginning of the registered memory. The ring that the peer writes, and the one that is written from, follow. */
struct header {
	struct credit received;         /* by the peer */
	alignas(64) struct credit sent; /* to the peer */
};
#define HEADER_BYTES 4096

struct cr_rdma {
	pthread_mutex_t lock; /* guards everything below, but is not held while a thread sleeps */
	pthread_cond_t changed;
	struct cr_queue *queue;
	struct cr_endpoint mine;
	struct header *header;
	unsigned char *in, *out; /* the rings */
	uint64_t bytes;          /* of each */
	/* Counted from the beginning of the stream. */
	uint64_t put, put_writes;         /* written to the peer */
	uint64_t freed, freed_writes;     /* of that, read by the peer */
	uint64_t arrived, arrived_writes; /* from the peer */
	uint64_t taken;                   /* of that, read */
	uint64_t told, told_writes;       /* of that, told to the peer */
	bool sleeping;                    /* one thread sleeps on the descriptors, for all */
	bool armed;                       /* the server's epoll(7) watches them */
	bool down;                        /* shut down by this side */
	bool gone;                        /* the peer is, or has broken the rules */
	int watch, bell;                  /* epoll(7) of the queue's descriptor and of an eventfd */
};

static struct cr_rdma *rdma_of(const struct cr_transport *transport)
{
	return transport->state;
}

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* ---- What the peer says. Everything here is under the lock. ---- */

/* Ends the stream, and with it what has not been read: none of it can be relied upon. */
static void break_off(struct cr_rdma *rdma, const char *why)
{
	if (!rdma->gone)
		cr_log(CR_LOG_ERROR, "RDMA: %s", why);
	rdma->gone = true;
	rdma->arrived = rdma->taken;
}

static void take_credit(struct cr_rdma *rdma)
{
	uint64_t bytes = atomic_load_explicit(&rdma->header->received.bytes, memory_order_acquire);
	uint64_t writes = atomic_load_explicit(&rdma->header->received.writes, memory_order_acquire);
	if (bytes - rdma->freed > rdma->put - rdma->freed ||
	    writes - rdma->freed_writes > rdma->put_writes - rdma->freed_writes) {
		break_off(rdma, "the peer claims to have read what was never sent");
		return;
	}
	rdma->freed = bytes;
	rdma->freed_writes = writes;
}

static void take_word(struct cr_rdma *rdma, uint32_t word)
{
	if (word == CREDIT_WORD) {
		take_credit(rdma);
		return;
	}
	rdma->arrived_writes++;
	rdma->arrived += word;
	if (rdma->arrived - rdma->taken > rdma->bytes || word == 0)
		break_off(rdma, "the peer has written more than there is room for");
}

/* Tells the peer how far this side has come, if it is time. */
static void give_credit(struct cr_rdma *rdma)
{
	if (rdma->taken - rdma->told < CREDIT_BYTES(rdma->bytes) &&
	    rdma->arrived_writes - rdma->told_writes < CREDIT_WRITES)
		return;
	atomic_store_explicit(&rdma->header->sent.bytes, rdma->taken, memory_order_relaxed);
	atomic_store_explicit(&rdma->header->sent.writes, rdma->arrived_writes, memory_order_relaxed);
	if (!cr_queue_write(rdma->queue, NULL, &rdma->header->sent, sizeof(rdma->header->sent),
			    offsetof(struct header, received), CREDIT_WORD))
		break_off(rdma, "the adapter does not take any more writes");
	rdma->told = rdma->taken;
	rdma->told_writes = rdma->arrived_writes;
}

/* Takes note of all that has happened. */
static void look(struct cr_rdma *rdma)
{
	uint32_t words[WORDS_AT_ONCE];
	int count = WORDS_AT_ONCE;
	uint64_t written = cr_queue_written(rdma->queue);
	bool news = false;
	while (!rdma->gone) {
		count = cr_queue_poll(rdma->queue, words, WORDS_AT_ONCE);
		if (count < 0)
			rdma->gone = true;
		for (int i = 0; i < count && !rdma->gone; i++)
			take_word(rdma, words[i]);
		news = news || count != 0;
		if (count <= 0 && cr_queue_written(rdma->queue) == written)
			break;
		written = cr_queue_written(rdma->queue);
	}
	if (!rdma->gone)
		give_credit(rdma);
	if (news && rdma->armed)
		eventfd_write(rdma->bell, 1);
}

static bool has_data(const struct cr_rdma *rdma)
{
	return rdma->arrived != rdma->taken;
}

/* How many bytes the peer has room for, in one write. */
static uint64_t room(const struct cr_rdma *rdma)
{
	if (rdma->put_writes - rdma->freed_writes >= CR_QUEUE_DEPTH ||
	    cr_queue_started(rdma->queue) - cr_queue_written(rdma->queue) >= CR_QUEUE_DEPTH)
		return 0;
	return rdma->bytes - (rdma->put - rdma->freed);
}

static bool is_flushed(const struct cr_rdma *rdma)
{
	return cr_queue_started(rdma->queue) == cr_queue_written(rdma->queue);
}

/* ---- Waiting ---- */

#define FOR_FLUSH 0x4000 /* beside POLLIN and POLLOUT: all writes have arrived */

static bool is_ready(const struct cr_rdma *rdma, short events)
{
	return ((events & POLLIN) && has_data(rdma)) || ((events & POLLOUT) && room(rdma) > 0) ||
	       ((events & FOR_FLUSH) && is_flushed(rdma)) || rdma->gone || rdma->down;
}

/* Looks for a moment, giving up the lock in between. */
static bool spin(struct cr_rdma *rdma, short events)
{
	int64_t end = now_ns() + SPIN_NS;
	do {
		look(rdma);
		if (is_ready(rdma, events))
			return true;
		pthread_mutex_unlock(&rdma->lock);
		pthread_mutex_lock(&rdma->lock);
	} while (now_ns() < end);
	return false;
}

/* Sleeps on the descriptors for all threads. */
static void sleep_for_all(struct cr_transport *transport, int64_t timeout_ms)
{
	struct cr_rdma *rdma = rdma_of(transport);
	struct pollfd entries[] = {{.fd = cr_queue_fd(rdma->queue), .events = POLLIN},
				   {.fd = transport->fd, .events = POLLRDHUP}};
	rdma->sleeping = true;
	pthread_mutex_unlock(&rdma->lock);
	int ready = poll(entries, 2, timeout_ms > INT_MAX ? -1 : (int)timeout_ms);
	pthread_mutex_lock(&rdma->lock);
	rdma->sleeping = false;
	cr_queue_drain(rdma->queue);
	look(rdma);
	/* What has been sent before the end has arrived before it. */
	if (ready > 0 && entries[1].revents)
		rdma->gone = true;
	pthread_cond_broadcast(&rdma->changed);
}

/* Sleeps until the thread that sleeps on the descriptors has news, or leaves. */
static void sleep_for_another(struct cr_rdma *rdma, int64_t timeout_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	if (timeout_ms > INT_MAX)
		timeout_ms = INT_MAX;
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&rdma->changed, &rdma->lock, &until);
}

/* Waits until is_ready or `timeout_ms` (-1: for ever) have passed; false then. Under the lock. */
static bool wait_ready(struct cr_transport *transport, short events, int timeout_ms)
{
	struct cr_rdma *rdma = rdma_of(transport);
	int64_t deadline = timeout_ms < 0 ? INT64_MAX : now_ns() / 1000000 + timeout_ms;
	look(rdma);
	if (timeout_ms != 0 && spin(rdma, events))
		return true;
	while (!is_ready(rdma, events)) {
		int64_t left = deadline - now_ns() / 1000000;
		if (left <= 0)
			return false;
		if (rdma->sleeping) {
			sleep_for_another(rdma, left);
			continue;
		}
		cr_queue_arm(rdma->queue);
		look(rdma); /* what came before it was armed does not show */
		if (!is_ready(rdma, events))
			sleep_for_all(transport, left);
	}
	return true;
}

/* ---- The operations ---- */

static ssize_t fail(int error)
{
	errno = error;
	return -1;
}

/* Starts the writing of what fits of one part; the number of bytes. */
static size_t put_part(struct cr_rdma *rdma, const struct iovec *part)
{
	size_t done = 0;
	while (done < part->iov_len && !rdma->gone) {
		uint64_t at = rdma->put & (rdma->bytes - 1), size = part->iov_len - done, free = room(rdma);
		size = size < PIECE_BYTES ? size : PIECE_BYTES;
		size = size < free ? size : free;
		size = size < rdma->bytes - at ? size : rdma->bytes - at;
		if (size == 0)
			return done;
		memcpy(rdma->out + at, (const char *)part->iov_base + done, size);
		if (!cr_queue_write(rdma->queue, NULL, rdma->out + at, size, HEADER_BYTES + at, (uint32_t)size)) {
			break_off(rdma, "the adapter does not take any more writes");
			return done;
		}
		rdma->put += size;
		rdma->put_writes++;
		done += size;
		look(rdma);
	}
	return done;
}

static ssize_t put_vector(struct cr_rdma *rdma, const struct iovec *vector, int count)
{
	size_t total = 0;
	for (int i = 0; i < count; i++) {
		size_t put = put_part(rdma, &vector[i]);
		total += put;
		if (put < vector[i].iov_len)
			break;
	}
	return (ssize_t)total;
}

static ssize_t rdma_send(struct cr_transport *transport, const struct iovec *vector, int count, bool wait)
{
	struct cr_rdma *rdma = rdma_of(transport);
	size_t wanted = 0;
	ssize_t sent = 0;
	for (int i = 0; i < count; i++)
		wanted += vector[i].iov_len;
	pthread_mutex_lock(&rdma->lock);
	look(rdma);
	for (;;) {
		if (rdma->down || rdma->gone)
			break;
		sent = put_vector(rdma, vector, count);
		if (sent > 0 || wanted == 0 || !wait)
			break;
		wait_ready(transport, POLLOUT, -1);
	}
	bool over = rdma->down || rdma->gone;
	pthread_mutex_unlock(&rdma->lock);
	if (sent > 0 || (wanted == 0 && !over))
		return sent;
	return fail(over ? EPIPE : EAGAIN);
}

/* Copies out what is there, at most `size` bytes. */
static ssize_t take(struct cr_rdma *rdma, char *to, size_t size)
{
	size_t total = 0;
	while (total < size && has_data(rdma)) {
		uint64_t at = rdma->taken & (rdma->bytes - 1), part = rdma->arrived - rdma->taken;
		part = part < size - total ? part : size - total;
		part = part < rdma->bytes - at ? part : rdma->bytes - at;
		part = part < PIECE_BYTES ? part : PIECE_BYTES;
		memcpy(to + total, rdma->in + at, part);
		rdma->taken += part;
		total += part;
		look(rdma);
	}
	return (ssize_t)total;
}

static ssize_t rdma_receive(struct cr_transport *transport, void *buffer, size_t size, bool wait)
{
	struct cr_rdma *rdma = rdma_of(transport);
	pthread_mutex_lock(&rdma->lock);
	look(rdma);
	if (wait && size > 0 && !has_data(rdma))
		wait_ready(transport, POLLIN, -1);
	ssize_t taken = rdma->down ? 0 : take(rdma, buffer, size);
	bool over = rdma->down || rdma->gone;
	pthread_mutex_unlock(&rdma->lock);
	return taken > 0 || over || size == 0 ? taken : fail(EAGAIN);
}

static int rdma_poll(struct cr_transport *transport, short events, int timeout_ms)
{
	struct cr_rdma *rdma = rdma_of(transport);
	pthread_mutex_lock(&rdma->lock);
	bool ready = wait_ready(transport, events, timeout_ms);
	pthread_mutex_unlock(&rdma->lock);
	return ready;
}

static bool rdma_arm(struct cr_transport *transport, bool on)
{
	struct cr_rdma *rdma = rdma_of(transport);
	eventfd_t ignored;
	pthread_mutex_lock(&rdma->lock);
	eventfd_read(rdma->bell, &ignored);
	rdma->armed = on;
	if (on) {
		cr_queue_drain(rdma->queue);
		cr_queue_arm(rdma->queue);
		look(rdma);
	}
	bool ready = on && is_ready(rdma, POLLIN);
	pthread_mutex_unlock(&rdma->lock);
	return ready;
}

static void flush(struct cr_transport *transport)
{
	struct cr_rdma *rdma = rdma_of(transport);
	pthread_mutex_lock(&rdma->lock);
	wait_ready(transport, FOR_FLUSH, FLUSH_MS);
	pthread_mutex_unlock(&rdma->lock);
}

static void rdma_finish(struct cr_transport *transport)
{
	flush(transport);
	shutdown(transport->fd, SHUT_WR);
}

/* The socket's end wakes the thread that sleeps on it. */
static void rdma_shutdown(struct cr_transport *transport)
{
	struct cr_rdma *rdma = rdma_of(transport);
	pthread_mutex_lock(&rdma->lock);
	rdma->down = true;
	pthread_cond_broadcast(&rdma->changed);
	if (rdma->armed)
		eventfd_write(rdma->bell, 1);
	pthread_mutex_unlock(&rdma->lock);
	shutdown(transport->fd, SHUT_RDWR);
}

static void rdma_close(struct cr_transport *transport)
{
	flush(transport);
	cr_rdma_destroy(rdma_of(transport));
	cr_transport_socket_ops.close(transport);
}

static const struct cr_transport_ops rdma_ops = {
    .send = rdma_send,
    .receive = rdma_receive,
    .poll = rdma_poll,
    .arm = rdma_arm,
    .finish = rdma_finish,
    .shutdown = rdma_shutdown,
    .close = rdma_close,
};

/* ---- Beginning and end ---- */

static bool is_ring_size(uint64_t bytes)
{
	return bytes >= CR_RDMA_BYTES_MIN && bytes <= CR_RDMA_BYTES_MAX && (bytes & (bytes - 1)) == 0;
}

static size_t memory_size(const struct cr_rdma *rdma)
{
	return HEADER_BYTES + 2 * rdma->bytes;
}

static bool map_memory(struct cr_rdma *rdma)
{
	void *memory = mmap(NULL, memory_size(rdma), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	/* A child of fork has no part in it, and must not make the adapter's pages copies. */
	madvise(memory, memory_size(rdma), MADV_DONTFORK);
	rdma->header = memory;
	rdma->in = (unsigned char *)memory + HEADER_BYTES;
	rdma->out = rdma->in + rdma->bytes;
	return true;
}

/* One descriptor for those who wait by epoll(7). */
static bool open_watch(struct cr_rdma *rdma)
{
	struct epoll_event event = {.events = EPOLLIN};
	rdma->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rdma->watch = epoll_create1(EPOLL_CLOEXEC);
	return rdma->bell >= 0 && rdma->watch >= 0 && epoll_ctl(rdma->watch, EPOLL_CTL_ADD, rdma->bell, &event) == 0 &&
	       epoll_ctl(rdma->watch, EPOLL_CTL_ADD, cr_queue_fd(rdma->queue), &event) == 0;
}

static void init_lock(struct cr_rdma *rdma)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&rdma->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&rdma->lock, NULL);
}

struct cr_rdma *cr_rdma_create(int socket, uint64_t bytes, struct cr_endpoint *mine)
{
	struct cr_rdma *rdma = is_ring_size(bytes) ? calloc(1, sizeof(*rdma)) : NULL;
	if (!rdma) {
		errno = is_ring_size(bytes) ? ENOMEM : EINVAL;
		return NULL;
	}
	rdma->bytes = bytes;
	rdma->watch = rdma->bell = -1;
	init_lock(rdma);
	/* The peer may write to all of it: to what is sent to it, too, which is its own loss. */
	if (map_memory(rdma) && (rdma->queue = cr_queue_create(socket, rdma->header, memory_size(rdma), mine)) &&
	    open_watch(rdma)) {
		mine->bytes = bytes;
		rdma->mine = *mine;
		return rdma;
	}
	int error = errno;
	cr_rdma_destroy(rdma);
	errno = error;
	return NULL;
}

bool cr_rdma_connect(struct cr_rdma *rdma, const struct cr_endpoint *peer)
{
	if (peer->bytes == rdma->mine.bytes)
		return cr_queue_connect(rdma->queue, &rdma->mine, peer);
	errno = EPROTO;
	return false;
}

void cr_rdma_destroy(struct cr_rdma *rdma)
{
	if (rdma->watch >= 0)
		close(rdma->watch);
	if (rdma->bell >= 0)
		close(rdma->bell);
	if (rdma->queue)
		cr_queue_destroy(rdma->queue);
	if (rdma->header)
		munmap(rdma->header, memory_size(rdma));
	pthread_cond_destroy(&rdma->changed);
	pthread_mutex_destroy(&rdma->lock);
	free(rdma);
}

void cr_rdma_enter(struct cr_transport *transport, struct cr_rdma *rdma)
{
	transport->state = rdma;
	transport->watch_fd = rdma->watch;
	transport->ops = &rdma_ops;
}

/* ---- Endpoints as words ---- */

void cr_endpoint_to_words(const struct cr_endpoint *endpoint, uint32_t words[CR_ENDPOINT_WORDS])
{
	for (int i = 0; i < 4; i++)
		words[i] = (uint32_t)endpoint->gid[4 * i] << 24 | (uint32_t)endpoint->gid[4 * i + 1] << 16 |
			   (uint32_t)endpoint->gid[4 * i + 2] << 8 | endpoint->gid[4 * i + 3];
	const uint32_t rest[] = {endpoint->lid,
				 endpoint->queue,
				 endpoint->sequence,
				 endpoint->mtu,
				 (uint32_t)(endpoint->memory >> 32),
				 (uint32_t)endpoint->memory,
				 endpoint->key,
				 (uint32_t)(endpoint->bytes >> 32),
				 (uint32_t)endpoint->bytes};
	memcpy(words + 4, rest, sizeof(rest));
}

struct cr_endpoint cr_endpoint_from_words(const uint32_t words[CR_ENDPOINT_WORDS])
{
	struct cr_endpoint endpoint = {
	    .lid = words[4],
	    .queue = words[5],
	    .sequence = words[6],
	    .mtu = words[7],
	    .memory = (uint64_t)words[8] << 32 | words[9],
	    .key = words[10],
	    .bytes = (uint64_t)words[11] << 32 | words[12],
	};
	for (int i = 0; i < 16; i++)
		endpoint.gid[i] = (uint8_t)(words[i / 4] >> (24 - i % 4 * 8));
	return endpoint;
}
