/* Port to Hermit (hermit-os.org) by the kernel's own calls: tcp://A.B.C.D:PORT and vsock://CID:PORT. An image is the
 * program's objects, libcricket.a, this, libcricket_program.a and libhermit.a.
 */
#include <stdbool.h>

#include "hermit.h"
#include "port.h"

enum { VSOCK = 2, INET = 3, STREAM = 1, TCP = 6, NODELAY = 1, MONOTONIC = 4, STDERR = 2, ALIGNMENT = 16 };
enum { TRIES = 300, PAUSE_US = 100000 };

union address {
	struct {
		uint8_t length, family, port[2], ip[4], zero[8];
	} inet;
	struct {
		uint8_t length, family;
		uint16_t zero;
		uint32_t port, cid;
		uint8_t more_zero[4];
	} vsock;
};

static bool read_address(const char *text, union address *to)
{
	unsigned short port;
	*to = (union address){.inet = {.length = sizeof(to->inet), .family = INET}};
	if (cricket_port_parse_tcp(text, to->inet.ip, &port)) {
		to->inet.port[0] = (uint8_t)(port >> 8);
		to->inet.port[1] = (uint8_t)port;
		return true;
	}
	to->vsock.family = VSOCK;
	return cricket_port_parse_vsock(text, &to->vsock.cid, &to->vsock.port);
}

/* Kernels up to 0.13 take the option for its opposite; what a fresh socket says of it, which is Nagle's algorithm on,
   tells them from those that do not. */
static void send_at_once(int fd)
{
	int value = 0;
	uint32_t length = sizeof(value);
	if (sys_getsockopt(fd, TCP, NODELAY, &value, &length))
		return;
	value = !value;
	sys_setsockopt(fd, TCP, NODELAY, &value, sizeof(value));
}

/* No lease yet, no network interface yet, nobody listening yet: all of these pass. */
void *cricket_port_connect(const char *address, const char **why)
{
	union address to;
	*why = "the address is none of tcp://A.B.C.D:PORT, vsock://CID:PORT";
	if (!read_address(address, &to))
		return NULL;
	*why = "it cannot be reached";
	for (int i = 0; i < TRIES; i++) {
		int fd = sys_socket(to.inet.family, STREAM, 0);
		if (fd >= 0 && to.inet.family == INET)
			send_at_once(fd);
		if (fd >= 0 && !sys_connect(fd, &to, sizeof(to)))
			return (void *)(intptr_t)(fd + 1); /* never NULL */
		if (fd >= 0)
			sys_close(fd);
		sys_usleep(PAUSE_US);
	}
	return NULL;
}

/* Nothing taken means that the peer is closing. */
long cricket_port_send(void *stream, const struct cricket_port_piece *pieces, int count)
{
	(void)count;
	ssize_t sent = sys_send((int)(intptr_t)stream - 1, pieces->bytes, pieces->size, 0);
	return sent > 0 ? sent : -1;
}

long cricket_port_receive(void *stream, void *bytes, size_t size)
{
	return sys_recv((int)(intptr_t)stream - 1, bytes, size, 0);
}

void cricket_port_close(void *stream)
{
	sys_close((int)(intptr_t)stream - 1);
}

void *cricket_port_allocate(size_t size)
{
	return sys_malloc(size, ALIGNMENT);
}

void cricket_port_free(void *memory, size_t size)
{
	sys_free(memory, size, ALIGNMENT);
}

uint64_t cricket_port_nanoseconds(void)
{
	struct hermit_time now = {0, 0};
	sys_clock_gettime(MONOTONIC, &now);
	return (uint64_t)now.seconds * 1000000000u + (uint64_t)now.nanoseconds;
}

void cricket_port_write(const char *file, int append, const char *text, size_t size)
{
	(void)file, (void)append;
	sys_write(STDERR, text, size);
}
