#include "transport_shm.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "transport_shm_ring.h"

/* Copies of more than this become visible, and free their place, piece by piece: both sides copy at the same time, and
   the pieces stay in the cache. */
#define PIECE_BYTES (64u << 10)

/* How long a side looks before it sleeps. Longer when looking has helped the last time, shorter when it has not, so
   that a side that waits for the device soon costs the device no time. */
#define SPIN_MIN_NS 1000
#define SPIN_MAX_NS 30000

/* A sleeper looks as often whether the peer still lives. One that waits for data alone does so once, and then sleeps on
   the socket, which tells it. */
#define SLEEP_MS 20

/* What a side sleeps for: bits of `sleeping`. */
enum {
	FOR_DATA = 1,     /* on the futex, until there is something to take */
	FOR_ROOM = 2,     /* on the futex, until there is place to write */
	FOR_DOORBELL = 4, /* on the socket, until there is something to take */
};

/* About one side, in the shared memory. */
struct bell {
	alignas(CR_CACHE_LINE) _Atomic uint32_t sleeping; /* set by the side, cleared by the peer that wakes it */
	_Atomic uint32_t rung;                            /* the futex */
};

/* The beginning of the memory; the two rings' bytes follow at HEADER_BYTES. Index: the side that writes. */
struct header {
	struct cr_ring_shared rings[2];
	struct bell bells[2]; /* index: the side that sleeps */
};
#define HEADER_BYTES 4096
static_assert(sizeof(struct header) <= HEADER_BYTES, "the header fits its page");

struct shm {
	struct header *header;
	size_t size; /* of the mapping */
	enum cr_shm_side side;
	struct cr_ring out, in;
	_Atomic uint32_t spin_ns; /* 0: never spins */
	_Atomic bool down;        /* shut down by this side */
	_Atomic bool gone;        /* the peer is, or it wrote impossible positions */
	bool doorbell_used;       /* there may be bytes on the socket */
};

static struct shm *shm_of(const struct cr_transport *transport)
{
	return transport->state;
}

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* ---- Waking ---- */

static void futex_wait(_Atomic uint32_t *word, uint32_t value, int timeout_ms)
{
	struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	syscall(SYS_futex, word, FUTEX_WAIT, value, &timeout, NULL, 0);
}

static void bell_ring(struct bell *bell)
{
	atomic_fetch_add(&bell->rung, 1);
	syscall(SYS_futex, &bell->rung, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Wakes the peer if it sleeps for one of `reasons`, after what it waits for has been published. */
static void wake_peer(struct cr_transport *transport, uint32_t reasons)
{
	struct bell *bell = &shm_of(transport)->header->bells[!shm_of(transport)->side];
	if (!(atomic_load(&bell->sleeping) & reasons))
		return;
	uint32_t slept = atomic_fetch_and(&bell->sleeping, ~reasons) & reasons;
	if (slept & (FOR_DATA | FOR_ROOM))
		bell_ring(bell);
	/* A full socket is full of such bytes. */
	if (slept & FOR_DOORBELL)
		send(transport->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void doorbell_drain(struct cr_transport *transport)
{
	char bytes[64];
	if (shm_of(transport)->doorbell_used)
		while (recv(transport->fd, bytes, sizeof(bytes), MSG_DONTWAIT) == (ssize_t)sizeof(bytes))
			;
	shm_of(transport)->doorbell_used = false;
}

/* ---- Waiting ---- */

/* May the caller of poll(2) for `events` go on? */
static bool is_ready(const struct shm *shm, short events)
{
	return ((events & POLLIN) && cr_ring_may_take(&shm->in)) ||
	       ((events & POLLOUT) && cr_ring_may_put(&shm->out)) ||
	       atomic_load_explicit(&shm->down, memory_order_relaxed) ||
	       atomic_load_explicit(&shm->gone, memory_order_relaxed);
}

/* Has the peer closed its end, or died? Remembers it. */
static bool is_gone(struct cr_transport *transport)
{
	struct pollfd entry = {.fd = transport->fd, .events = POLLRDHUP};
	if (poll(&entry, 1, 0) > 0)
		atomic_store(&shm_of(transport)->gone, true);
	return atomic_load(&shm_of(transport)->gone);
}

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Looks for a moment. The bound is a guess that threads may disagree about: no lock. */
static bool spin(struct shm *shm, short events)
{
	uint32_t bound = atomic_load_explicit(&shm->spin_ns, memory_order_relaxed);
	if (is_ready(shm, events))
		return true;
	if (bound == 0)
		return false;
	int64_t end = now_ns() + bound;
	do {
		for (int i = 0; i < 16; i++) {
			relax();
			if (is_ready(shm, events)) {
				bound = bound < SPIN_MAX_NS / 2 ? bound * 2 : SPIN_MAX_NS;
				atomic_store_explicit(&shm->spin_ns, bound, memory_order_relaxed);
				return true;
			}
		}
	} while (now_ns() < end);
	bound = bound > SPIN_MIN_NS * 2 ? bound / 2 : SPIN_MIN_NS;
	atomic_store_explicit(&shm->spin_ns, bound, memory_order_relaxed);
	return false;
}

/* Sleeps until the peer wakes this side, at most `timeout_ms`, on the futex. */
static void sleep_on_bell(struct shm *shm, short events, int timeout_ms)
{
	struct bell *bell = &shm->header->bells[shm->side];
	uint32_t rung = atomic_load(&bell->rung);
	atomic_fetch_or(&bell->sleeping, (events & POLLIN ? FOR_DATA : 0) | (events & POLLOUT ? FOR_ROOM : 0));
	if (!is_ready(shm, events))
		futex_wait(&bell->rung, rung, timeout_ms);
}

/* Lets the peer's next bytes make the socket readable. True if there are some already. */
static bool doorbell_arm(struct cr_transport *transport)
{
	struct shm *shm = shm_of(transport);
	doorbell_drain(transport);
	shm->doorbell_used = true;
	atomic_fetch_or(&shm->header->bells[shm->side].sleeping, FOR_DOORBELL);
	return is_ready(shm, POLLIN);
}

/* The same on the socket, for data alone: there is only one such sleeper at a time. */
static void sleep_on_socket(struct cr_transport *transport, int timeout_ms)
{
	struct pollfd entry = {.fd = transport->fd, .events = POLLIN | POLLRDHUP};
	if (!doorbell_arm(transport))
		poll(&entry, 1, timeout_ms);
}

/* Waits until is_ready or `timeout_ms` (-1: for ever) have passed; false then. */
static bool wait_ready(struct cr_transport *transport, short events, int timeout_ms)
{
	struct shm *shm = shm_of(transport);
	if (spin(shm, events))
		return true;
	int64_t start = now_ns();
	for (bool first = true;; first = false) {
		int64_t left_ms = timeout_ms < 0 ? INT_MAX : timeout_ms - (now_ns() - start) / 1000000;
		if (left_ms <= 0)
			return is_ready(shm, events);
		if (first || (events & POLLOUT))
			sleep_on_bell(shm, events, left_ms < SLEEP_MS ? (int)left_ms : SLEEP_MS);
		else
			sleep_on_socket(transport, timeout_ms < 0 ? -1 : (int)left_ms);
		if (is_ready(shm, events) || is_gone(transport))
			return true;
	}
}

/* ---- The operations ---- */

/* -1 with errno: the positions are impossible. */
static ssize_t fail_corrupted(struct shm *shm)
{
	cr_log(CR_LOG_ERROR, "the other process has written impossible positions to the shared memory");
	atomic_store(&shm->gone, true);
	errno = EPROTO;
	return -1;
}

/* Puts what fits of one part; false when no more fits, *total < 0 when the positions are impossible. */
static bool put_part(struct cr_transport *transport, const struct iovec *part, ssize_t *total)
{
	struct shm *shm = shm_of(transport);
	for (size_t at = 0; at < part->iov_len;) {
		size_t rest = part->iov_len - at;
		ssize_t put =
		    cr_ring_put(&shm->out, (const char *)part->iov_base + at, rest < PIECE_BYTES ? rest : PIECE_BYTES);
		if (put < 0)
			*total = -1;
		if (put <= 0)
			return false;
		at += (size_t)put;
		*total += put;
		if (at < part->iov_len) {
			cr_ring_publish(&shm->out);
			wake_peer(transport, FOR_DATA | FOR_DOORBELL);
		}
	}
	return true;
}

static ssize_t shm_send(struct cr_transport *transport, const struct iovec *vector, int count, bool wait)
{
	struct shm *shm = shm_of(transport);
	size_t wanted = 0;
	for (int i = 0; i < count; i++)
		wanted += vector[i].iov_len;
	for (;;) {
		ssize_t total = 0;
		if (shm->down || shm->gone) {
			errno = EPIPE;
			return -1;
		}
		for (int i = 0; i < count && put_part(transport, &vector[i], &total); i++)
			;
		if (total < 0)
			return fail_corrupted(shm);
		if (total > 0) {
			cr_ring_publish(&shm->out);
			wake_peer(transport, FOR_DATA | FOR_DOORBELL);
		}
		if (total > 0 || wanted == 0)
			return total;
		if (!wait) {
			errno = EAGAIN;
			return -1;
		}
		wait_ready(transport, POLLOUT, -1);
	}
}

/* Takes what is there, at most `size` bytes; -1 when the positions are impossible. A writer that sleeps is woken when a
   good part of the ring is free: for less, both would sleep and wake in turns. */
static ssize_t take_some(struct cr_transport *transport, char *to, size_t size)
{
	struct shm *shm = shm_of(transport);
	size_t total = 0;
	while (total < size) {
		size_t rest = size - total;
		ssize_t taken = cr_ring_take(&shm->in, to + total, rest < PIECE_BYTES ? rest : PIECE_BYTES);
		if (taken < 0)
			return -1;
		if (taken == 0)
			break;
		total += (size_t)taken;
		if (shm->in.other - shm->in.own <= shm->in.size / 2)
			wake_peer(transport, FOR_ROOM);
	}
	return (ssize_t)total;
}

static ssize_t shm_receive(struct cr_transport *transport, void *buffer, size_t size, bool wait)
{
	struct shm *shm = shm_of(transport);
	if (size == 0)
		return 0;
	for (bool last = false;; last = !wait_ready(transport, POLLIN, -1) || shm->gone) {
		if (shm->down)
			return 0;
		ssize_t taken = take_some(transport, buffer, size);
		if (taken < 0)
			return fail_corrupted(shm);
		if (taken > 0 || last)
			return taken;
		if (!wait && !is_gone(transport)) {
			errno = EAGAIN;
			return -1;
		}
	}
}

static int shm_poll(struct cr_transport *transport, short events, int timeout_ms)
{
	return timeout_ms == 0 ? is_ready(shm_of(transport), events) || is_gone(transport)
			       : wait_ready(transport, events, timeout_ms);
}

static bool shm_arm(struct cr_transport *transport, bool on)
{
	struct shm *shm = shm_of(transport);
	if (on)
		return doorbell_arm(transport);
	atomic_fetch_and(&shm->header->bells[shm->side].sleeping, ~(uint32_t)FOR_DOORBELL);
	return false;
}

static void shm_finish(struct cr_transport *transport)
{
	cr_transport_socket_ops.finish(transport);
}

static void shm_shutdown(struct cr_transport *transport)
{
	struct shm *shm = shm_of(transport);
	atomic_store(&shm->down, true);
	bell_ring(&shm->header->bells[shm->side]);
	shutdown(transport->fd, SHUT_RDWR);
}

static void shm_close(struct cr_transport *transport)
{
	cr_shm_leave(transport);
	transport->ops->close(transport);
}

static const struct cr_transport_ops shm_ops = {
    .send = shm_send,
    .receive = shm_receive,
    .poll = shm_poll,
    .arm = shm_arm,
    .finish = shm_finish,
    .shutdown = shm_shutdown,
    .close = shm_close,
};

/* ---- The memory ---- */

static bool is_ring_size(uint64_t bytes)
{
	return bytes >= CR_SHM_BYTES_MIN && bytes <= CR_SHM_BYTES_MAX && (bytes & (bytes - 1)) == 0;
}

int cr_shm_create(uint64_t bytes)
{
	if (!is_ring_size(bytes)) {
		errno = EINVAL;
		return -1;
	}
	int memory = memfd_create("cricket", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory < 0)
		return -1;
	if (ftruncate(memory, (off_t)(HEADER_BYTES + 2 * bytes)) == 0 &&
	    fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return memory;
	int error = errno;
	close(memory);
	errno = error;
	return -1;
}

/* The size of each ring, or 0 with errno when the memory cannot be relied upon. */
static size_t check_memory(int memory)
{
	struct stat status;
	int seals = fcntl(memory, F_GET_SEALS);
	if (seals < 0 || fstat(memory, &status) < 0)
		return 0;
	uint64_t bytes = status.st_size > HEADER_BYTES ? ((uint64_t)status.st_size - HEADER_BYTES) / 2 : 0;
	errno = !(seals & F_SEAL_SHRINK) ? EPERM : EINVAL;
	return (seals & F_SEAL_SHRINK) && is_ring_size(bytes) ? bytes : 0;
}

static bool has_one_processor(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) < 2;
}

static void shm_init(struct shm *shm, void *map, size_t bytes, enum cr_shm_side side)
{
	struct header *header = map;
	unsigned char *data = (unsigned char *)map + HEADER_BYTES;
	shm->header = header;
	shm->size = HEADER_BYTES + 2 * bytes;
	shm->side = side;
	shm->out = (struct cr_ring){.shared = &header->rings[side], .bytes = data + side * bytes, .size = bytes};
	shm->in = (struct cr_ring){.shared = &header->rings[!side], .bytes = data + !side * bytes, .size = bytes};
	shm->spin_ns = has_one_processor() ? 0 : SPIN_MAX_NS;
}

bool cr_shm_enter(struct cr_transport *transport, int memory, enum cr_shm_side side)
{
	size_t bytes = check_memory(memory);
	if (bytes == 0)
		return false;
	struct shm *shm = calloc(1, sizeof(*shm));
	if (!shm)
		return false;
	void *map = mmap(NULL, HEADER_BYTES + 2 * bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (map == MAP_FAILED) {
		free(shm);
		return false;
	}
	/* The stream is this process's: a child of fork has no part in it. */
	madvise(map, HEADER_BYTES + 2 * bytes, MADV_DONTFORK);
	shm_init(shm, map, bytes, side);
	transport->state = shm;
	transport->ops = &shm_ops;
	return true;
}

void cr_shm_leave(struct cr_transport *transport)
{
	munmap(shm_of(transport)->header, shm_of(transport)->size);
	free(transport->state);
	transport->state = NULL;
	transport->ops = &cr_transport_socket_ops;
}
