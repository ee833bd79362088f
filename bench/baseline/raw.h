/* What raw_client asks of raw_server, and how both move bytes: the sockets alone, as fast as they are. */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum raw_operation {
	RAW_ECHO,  /* `count` times: send `size` bytes back */
	RAW_UP,    /* `count` times: receive `size` bytes; then send one byte */
	RAW_DOWN,  /* `count` times: send `size` bytes */
	RAW_FETCH, /* `count` times: receive RAW_QUESTION bytes, then send `size` bytes */
};

/* As long as a call that asks for data. */
#define RAW_QUESTION 64

/* Most bytes of one system call: a stream is faster in such pieces than in one, and Cricket's have this size, too. */
#define RAW_PIECE ((size_t)4 << 20)

struct raw_request {
	uint64_t operation, size, count;
};

static inline bool raw_send(int fd, const void *data, size_t size)
{
	for (const char *next = (const char *)data; size > 0;) {
		ssize_t sent = send(fd, next, size < RAW_PIECE ? size : RAW_PIECE, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		next += sent;
		size -= (size_t)sent;
	}
	return true;
}

static inline bool raw_receive(int fd, void *data, size_t size)
{
	for (char *next = (char *)data; size > 0;) {
		ssize_t received = recv(fd, next, size < RAW_PIECE ? size : RAW_PIECE, 0);
		if (received < 0 && errno == EINTR)
			continue;
		if (received <= 0)
			return false;
		next += received;
		size -= (size_t)received;
	}
	return true;
}

#endif
