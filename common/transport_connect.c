/* Connecting to a server. */
#include "transport.h"
#include "transport_rdma.h"
#include "transport_shm.h"
#include "transport_vsock.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void explain(struct cr_reason *why, const struct cr_uri *uri, const char *problem)
{
	char text[384];
	cr_uri_format(uri, text, sizeof(text));
	snprintf(why->text, sizeof(why->text), "cannot connect to %s: %.100s", text, problem);
}

/* Completes a connect(2) in progress on `fd`; 0 or an errno. */
static int connect_wait(int fd, int timeout_ms)
{
	struct cr_transport waiting = {.ops = &cr_transport_socket_ops, .fd = fd};
	int ready = waiting.ops->poll(&waiting, POLLOUT, timeout_ms);
	if (ready < 0)
		return errno;
	if (ready == 0)
		return ETIMEDOUT;
	int error = 0;
	socklen_t size = sizeof(error);
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

/* The connected socket, or -1 and *error. */
static int connect_one(const struct sockaddr *address, socklen_t length, int timeout_ms, int *error)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		*error = errno;
		return -1;
	}
	*error = connect(fd, address, length) == 0 ? 0 : errno;
	if (*error == EINPROGRESS || *error == EINTR)
		*error = connect_wait(fd, timeout_ms);
	if (*error == 0)
		return fd;
	close(fd);
	return -1;
}

static int connect_tcp(const struct cr_uri *uri, int timeout_ms, struct cr_reason *why)
{
	char port[8];
	snprintf(port, sizeof(port), "%u", uri->port);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
	int status = getaddrinfo(uri->host, port, &hints, &found);
	if (status != 0) {
		explain(why, uri, gai_strerror(status));
		return -1;
	}
	int fd = -1, error = 0;
	for (struct addrinfo *one = found; one && fd < 0; one = one->ai_next)
		fd = connect_one(one->ai_addr, one->ai_addrlen, timeout_ms, &error);
	freeaddrinfo(found);
	if (fd < 0)
		explain(why, uri, strerror(error));
	return fd;
}

static int connect_unix(const struct cr_uri *uri, int timeout_ms, struct cr_reason *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, uri->path, sizeof(address.sun_path));
	int error, fd = connect_one((struct sockaddr *)&address, sizeof(address), timeout_ms, &error);
	if (fd < 0)
		explain(why, uri, strerror(error));
	return fd;
}

static int connect_vsock(const struct cr_uri *uri, int timeout_ms, struct cr_reason *why)
{
	struct sockaddr_vm address = cr_vsock_address(uri);
	int error, fd = connect_one((struct sockaddr *)&address, sizeof(address), timeout_ms, &error);
	if (fd < 0)
		explain(why, uri, error == EAFNOSUPPORT ? "this kernel has no vsock" : strerror(error));
	return fd;
}

static int connect_socket(const struct cr_uri *uri, int timeout_ms, struct cr_reason *why)
{
	if (uri->scheme == CR_SCHEME_TCP || uri->scheme == CR_SCHEME_RDMA)
		return connect_tcp(uri, timeout_ms, why);
	return uri->scheme == CR_SCHEME_VSOCK ? connect_vsock(uri, timeout_ms, why)
					      : connect_unix(uri, timeout_ms, why);
}

struct cr_transport *cr_transport_connect(const struct cr_uri *uri, int timeout_ms, struct cr_reason *why)
{
	int saved_errno = errno;
	int fd = connect_socket(uri, timeout_ms, why);
	struct cr_transport *transport = fd >= 0 ? cr_transport_from_socket(fd) : NULL;
	if (fd >= 0 && !transport) {
		close(fd);
		explain(why, uri, "out of memory");
	}
	errno = saved_errno;
	return transport;
}

/* Changes to the stream that the address asks for, or to the best one. False and `why` when the connection is of no use
   then. */
static bool change_stream(struct cr_transport *transport, const struct cr_uri *uri, int timeout_ms,
			  struct cr_reason *why)
{
	struct cr_reason problem;
	bool lost = false, changed = true;
	if (uri->scheme == CR_SCHEME_UNIX || uri->scheme == CR_SCHEME_SHM)
		changed = cr_shm_negotiate(transport, timeout_ms, &lost, &problem);
	else if (uri->scheme == CR_SCHEME_RDMA)
		changed = cr_rdma_negotiate(transport, timeout_ms, &lost, &problem);
	if (changed || (!lost && uri->scheme == CR_SCHEME_UNIX))
		return true;
	explain(why, uri, problem.text);
	return false;
}

struct cr_transport *cr_transport_connect_server(const struct cr_uri *uri, int timeout_ms, struct cr_reason *why)
{
	int saved_errno = errno;
	struct cr_transport *transport = cr_transport_connect(uri, timeout_ms, why);
	if (transport && !change_stream(transport, uri, timeout_ms, why)) {
		transport->ops->close(transport);
		transport = NULL;
	}
	errno = saved_errno;
	return transport;
}
