/* Hermit's calls as port_hermit.c uses them, over Linux: what it says to the kernel is checked on the way. The option
 * that means the opposite in some kernels means it here, too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "port.h"
#include "ports/hermit.h"

enum { HERMIT_INET = 3, HERMIT_MONOTONIC = 4, REFUSALS = 2 };

static int refusals, at_once;

static void demand(int right)
{
	if (!right)
		abort();
}

int sys_socket(int domain, int type, int protocol)
{
	demand(domain == HERMIT_INET && type == SOCK_STREAM && !protocol);
	return socket(AF_INET, SOCK_STREAM, 0);
}

/* The first tries fail as while there is no lease. */
int sys_connect(int fd, const void *address, uint32_t length)
{
	const uint8_t *bytes = address;
	struct sockaddr_in to = {.sin_family = AF_INET};
	demand(length == 16 && bytes[0] == 16 && bytes[1] == HERMIT_INET && at_once);
	if (refusals++ < REFUSALS)
		return -EIO;
	memcpy(&to.sin_port, bytes + 2, 2);
	memcpy(&to.sin_addr, bytes + 4, 4);
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) ? -errno : 0;
}

/* May take less than it is given, as the kernel's buffer is small. */
ssize_t sys_send(int fd, const void *bytes, size_t size, int flags)
{
	demand(!flags);
	return send(fd, bytes, size < 3000 ? size : 3000, MSG_NOSIGNAL);
}

ssize_t sys_recv(int fd, void *bytes, size_t size, int flags)
{
	demand(!flags);
	return recv(fd, bytes, size, 0);
}

int sys_setsockopt(int fd, int level, int name, const void *value, uint32_t length)
{
	int on = 1;
	demand(level == IPPROTO_TCP && name == TCP_NODELAY && length == sizeof(int) && *(const int *)value == 0);
	at_once = 1;
	return setsockopt(fd, level, name, &on, sizeof(on));
}

/* A fresh socket holds small messages back, which this kernel calls 1. */
int sys_getsockopt(int fd, int level, int name, void *value, uint32_t *length)
{
	demand(fd >= 0 && level == IPPROTO_TCP && name == TCP_NODELAY && *length == sizeof(int));
	*(int *)value = 1;
	return 0;
}

int sys_close(int fd)
{
	at_once = 0;
	return close(fd);
}

void sys_usleep(uint64_t microseconds)
{
	usleep((useconds_t)microseconds);
}

void *sys_malloc(size_t size, size_t alignment)
{
	return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void sys_free(void *memory, size_t size, size_t alignment)
{
	demand(size && alignment == 16);
	free(memory);
}

ssize_t sys_write(int fd, const void *bytes, size_t size)
{
	return write(fd, bytes, size);
}

int sys_clock_gettime(uint64_t clock, struct hermit_time *time)
{
	struct timespec now;
	demand(clock == HERMIT_MONOTONIC);
	clock_gettime(CLOCK_MONOTONIC, &now);
	*time = (struct hermit_time){now.tv_sec, (int32_t)now.tv_nsec};
	return 0;
}

const char *cricket_port_setting(const char *name)
{
	return getenv(name);
}
