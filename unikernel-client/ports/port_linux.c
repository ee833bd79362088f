/* Port to Linux: POSIX sockets, tcp://HOST:PORT and unix:///PATH. For programs that shall depend on nothing, and to
 * develop and test what will run in a unikernel.
 */
#define _GNU_SOURCE
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A stream is its descriptor plus one, so that it is never NULL. */
static int fd_of(void *stream)
{
	return (int)(intptr_t)stream - 1;
}

static int connect_to(int family, const void *address, socklen_t length)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	if (fd >= 0 && connect(fd, address, length)) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static int connect_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	return connect_to(AF_UNIX, &address, sizeof(address));
}

/* HOST[:PORT], [V6]:PORT. */
static int connect_tcp(const char *address)
{
	char host[256], port[8] = "14833";
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	bool bracket = *address == '[';
	if (sscanf(address, bracket ? "[%255[^]]]:%7s" : "%255[^:]:%7s", host, port) < 1 ||
	    getaddrinfo(host, port, &hints, &found))
		return -1;
	int fd = -1;
	for (struct addrinfo *one = found; one && fd < 0; one = one->ai_next)
		fd = connect_to(one->ai_family, one->ai_addr, one->ai_addrlen);
	freeaddrinfo(found);
	return fd;
}

void *cricket_port_connect(const char *address, const char **why)
{
	int fd = -1;
	*why = "the address is none of tcp://HOST:PORT, unix:///PATH";
	errno = EINVAL;
	if (!strncmp(address, "tcp://", 6))
		fd = connect_tcp(address + 6);
	else if (!strncmp(address, "unix://", 7))
		fd = connect_unix(address + 7);
	else
		return NULL;
	*why = "it cannot be reached";
	return fd >= 0 ? (void *)(intptr_t)(fd + 1) : NULL;
}

long cricket_port_send(void *stream, const struct cricket_port_piece *pieces, int count)
{
	struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count};
	ssize_t sent;
	do
		sent = sendmsg(fd_of(stream), &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent;
}

long cricket_port_receive(void *stream, void *bytes, size_t size)
{
	ssize_t received;
	do
		received = recv(fd_of(stream), bytes, size, 0);
	while (received < 0 && errno == EINTR);
	return received;
}

void cricket_port_close(void *stream)
{
	close(fd_of(stream));
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

uint64_t cricket_port_nanoseconds(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

const char *cricket_port_setting(const char *name)
{
	return getenv(name);
}

void cricket_port_write(const char *file, int append, const char *text, size_t size)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC);
	int fd = file ? open(file, flags, 0644) : STDERR_FILENO;
	ssize_t written = fd >= 0 ? write(fd, text, size) : 0;
	(void)written; /* a full disk must not disturb the program */
	if (file && fd >= 0)
		close(fd);
}

long cricket_port_read(const char *file, uint64_t offset, void *bytes, size_t size)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	long got = fd >= 0 ? pread(fd, bytes, size, (off_t)offset) : -1;
	if (fd >= 0)
		close(fd);
	return got;
}
