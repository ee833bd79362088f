/* The example of unikernel-client/README.md: a port of one file. It knows one server and one connection, and it takes
 * memory out of an array.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port.h"

static char heap[32 << 20] __attribute__((aligned(16)));
static size_t used;

void *cricket_port_connect(const char *address, const char **why)
{
	static int fd;
	struct sockaddr_in to = {.sin_family = AF_INET};
	unsigned short port;
	int on = 1;
	*why = "the address is not tcp://A.B.C.D:PORT";
	if (!cricket_port_parse_tcp(address, (unsigned char *)&to.sin_addr, &port))
		return NULL;
	to.sin_port = htons(port);
	*why = "it cannot be reached";
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return NULL;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return &fd;
}

long cricket_port_send(void *stream, const struct cricket_port_piece *pieces, int count)
{
	(void)count; /* the first piece is enough: it may take a part */
	return write(*(int *)stream, pieces->bytes, pieces->size);
}

long cricket_port_receive(void *stream, void *bytes, size_t size)
{
	return read(*(int *)stream, bytes, size);
}

void cricket_port_close(void *stream)
{
	close(*(int *)stream);
}

void *cricket_port_allocate(size_t size)
{
	size_t at = used;
	size = (size + 15) & ~(size_t)15;
	if (size > sizeof(heap) - used)
		return NULL;
	used += size;
	return heap + at;
}

/* Only what was allocated last comes back. */
void cricket_port_free(void *memory, size_t size)
{
	size = (size + 15) & ~(size_t)15;
	if ((char *)memory + size == heap + used)
		used -= size;
}

const char *cricket_port_setting(const char *name)
{
	return getenv(name);
}
