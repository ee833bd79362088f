/* Port to Unikraft with lib-lwip. What is needed of its C library is declared here, with Linux's numbers, since its
 * headers depend on how it was configured.
 */
#include <stddef.h>
#include <stdint.h>

struct timespec {
	int64_t seconds;
	long nanoseconds;
};

/* Names of this file's own, as the client's headers have other functions of these names. */
#define PLATFORM(name) __asm__(#name)
int platform_socket(int domain, int type, int protocol) PLATFORM(socket);
int platform_connect(int fd, const void *address, unsigned length) PLATFORM(connect);
int platform_setsockopt(int fd, int level, int name, const void *value, unsigned length) PLATFORM(setsockopt);
ptrdiff_t platform_send(int fd, const void *bytes, size_t size, int flags) PLATFORM(send);
ptrdiff_t platform_recv(int fd, void *bytes, size_t size, int flags) PLATFORM(recv);
int platform_printf(const char *format, ...) PLATFORM(printf);
int platform_close(int fd) PLATFORM(close);
void *platform_malloc(size_t size) PLATFORM(malloc);
void platform_free(void *memory) PLATFORM(free);
int platform_nanosleep(const struct timespec *time, struct timespec *left) PLATFORM(nanosleep);
char *platform_getenv(const char *name) PLATFORM(getenv);
int platform_clock_gettime(int clock, struct timespec *time) PLATFORM(clock_gettime);

#define socket platform_socket
#define connect platform_connect
#define setsockopt platform_setsockopt
#define send platform_send
#define recv platform_recv
#define close platform_close
#define malloc platform_malloc
#define free platform_free
#define nanosleep platform_nanosleep

enum { INET_FAMILY = 2, STREAM_TYPE = 1, TCP_LEVEL = 6, NODELAY_OPTION = 1, MONOTONIC = 1 };

#include "sockets.h"

uint64_t cricket_port_nanoseconds(void)
{
	struct timespec now = {0, 0};
	platform_clock_gettime(MONOTONIC, &now);
	return (uint64_t)now.seconds * 1000000000u + (uint64_t)now.nanoseconds;
}

const char *cricket_port_setting(const char *name)
{
	return platform_getenv(name);
}

void cricket_port_write(const char *file, int append, const char *text, size_t size)
{
	(void)file, (void)append;
	platform_printf("%.*s", (int)size, text); /* the console, also where there are no descriptors */
}
