/* Port to Hermit for programs that its own GCC builds, with newlib under them: that library's headers say what the
 * numbers are. Any other platform with POSIX sockets and a C library can take this file, too.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define INET_FAMILY AF_INET
#define STREAM_TYPE SOCK_STREAM
#define TCP_LEVEL IPPROTO_TCP
#define NODELAY_OPTION TCP_NODELAY
#ifdef __hermit__
#define ADDRESS_HAS_LENGTH
#endif

#include "sockets.h"

uint64_t cricket_port_nanoseconds(void)
{
	struct timespec now = {0, 0};
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

const char *cricket_port_setting(const char *name)
{
	return getenv(name);
}

void cricket_port_write(const char *file, int append, const char *text, size_t size)
{
	(void)file, (void)append;
	ssize_t written = write(STDERR_FILENO, text, size);
	(void)written; /* what cannot be said is lost */
}
