/* The platform interface over POSIX sockets, for ports that include this: they say before what the constants are.
 *
 *     INET_FAMILY, STREAM_TYPE, TCP_LEVEL, NODELAY_OPTION
 *
 * and declare socket, connect, setsockopt, send, recv, close, malloc, free, nanosleep.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port.h"

enum { TRIES = 300, PAUSE_NS = 100000000 };

/* struct sockaddr_in as Linux has it, and in the way of the BSDs where the length comes first. */
struct inet_address {
#ifdef ADDRESS_HAS_LENGTH
	uint8_t length, family;
#else
	uint16_t family;
#endif
	uint8_t port[2], ip[4], zero[8];
};

static int connect_once(const struct inet_address *to)
{
	int fd = socket(INET_FAMILY, STREAM_TYPE, 0), on = 1;
	if (fd < 0)
		return -1;
	if (!connect(fd, (const void *)to, sizeof(*to))) {
		setsockopt(fd, TCP_LEVEL, NODELAY_OPTION, &on, sizeof(on));
		return fd;
	}
	close(fd);
	return -1;
}

/* No lease yet, nobody listening yet: these pass. */
void *cricket_port_connect(const char *address, const char **why)
{
	struct inet_address to = {.family = INET_FAMILY};
	struct timespec pause = {0, PAUSE_NS};
	unsigned short port;
#ifdef ADDRESS_HAS_LENGTH
	to.length = sizeof(to);
#endif
	*why = "the address is not tcp://A.B.C.D:PORT";
	if (!cricket_port_parse_tcp(address, to.ip, &port))
		return NULL;
	to.port[0] = (uint8_t)(port >> 8);
	to.port[1] = (uint8_t)port;
	*why = "it cannot be reached";
	for (int i = 0; i < TRIES; i++) {
		int fd = connect_once(&to);
		if (fd >= 0)
			return (void *)(intptr_t)(fd + 1); /* never NULL */
		nanosleep(&pause, NULL);
	}
	return NULL;
}

long cricket_port_send(void *stream, const struct cricket_port_piece *pieces, int count)
{
	(void)count;
	return (long)send((int)(intptr_t)stream - 1, pieces->bytes, pieces->size, 0);
}

long cricket_port_receive(void *stream, void *bytes, size_t size)
{
	return (long)recv((int)(intptr_t)stream - 1, bytes, size, 0);
}

void cricket_port_close(void *stream)
{
	close((int)(intptr_t)stream - 1);
}

void *cricket_port_allocate(size_t size)
{
	return malloc(size);
}

void cricket_port_free(void *memory, size_t size)
{
	(void)size;
	free(memory);
}
