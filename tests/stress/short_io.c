/* To be preloaded: what sends and receives on sockets moves fewer bytes than it could, at random, is told to wait now
 * and then, and sometimes interrupted; as the manual pages allow. CRICKET_TEST_SEED repeats a run. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { PARTS_MAX = 64 };

static _Thread_local unsigned state;

/* xorshift, so that a program's own use of rand() stays what it is. */
static unsigned random_below(unsigned bound)
{
	static atomic_uint threads;
	if (state == 0) {
		const char *seed = getenv("CRICKET_TEST_SEED");
		state = (seed ? (unsigned)atoi(seed) : 1u) * 2654435761u + atomic_fetch_add(&threads, 1) + 1;
	}
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % bound;
}

/* Is this call to fail, as it could? */
static int disturbed(int flags)
{
	unsigned choice = random_below(50);
	if (choice == 0)
		return EINTR;
	return choice <= 2 && (flags & MSG_DONTWAIT) ? EAGAIN : 0;
}

/* Most sizes stay; others shrink to anything from 1 byte. */
static size_t shorter(size_t size)
{
	if (size < 2 || random_below(3) == 0)
		return size;
	return random_below(4) == 0 ? 1 + random_below(size < 8 ? (unsigned)size : 8)
				    : 1 + (size_t)random_below(1u << 31) % size;
}

ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
	static _Atomic(ssize_t(*)(int, void *, size_t, int)) next;
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "recv");
	if ((errno = disturbed(flags)))
		return -1;
	return next(fd, buffer, flags & MSG_PEEK ? size : shorter(size), flags);
}

/* As much of the vector as is to be sent; a message with a descriptor stays whole. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	static _Atomic(ssize_t(*)(int, const struct msghdr *, int)) next;
	struct iovec parts[PARTS_MAX];
	struct msghdr less = *message;
	size_t total = 0;
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "sendmsg");
	if ((errno = disturbed(flags)))
		return -1;
	if (message->msg_controllen > 0 || message->msg_iovlen > PARTS_MAX)
		return next(fd, message, flags);
	for (size_t i = 0; i < message->msg_iovlen; i++)
		total += message->msg_iov[i].iov_len;
	total = shorter(total);
	less.msg_iov = parts;
	for (less.msg_iovlen = 0; less.msg_iovlen < message->msg_iovlen && total > 0; less.msg_iovlen++) {
		parts[less.msg_iovlen] = message->msg_iov[less.msg_iovlen];
		if (parts[less.msg_iovlen].iov_len > total)
			parts[less.msg_iovlen].iov_len = total;
		total -= parts[less.msg_iovlen].iov_len;
	}
	return next(fd, &less, flags);
}
