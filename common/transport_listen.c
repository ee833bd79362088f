/* Listening for clients. */
#include "transport.h"
#include "transport_vsock.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void explain(struct cr_reason *why, const struct cr_uri *uri, const char *problem)
{
	char text[384];
	cr_uri_format(uri, text, sizeof(text));
	snprintf(why->text, sizeof(why->text), "cannot listen on %s: %s", text, problem);
}

static void explain_errno(struct cr_reason *why, const struct cr_uri *uri, int error)
{
	if (error == EADDRINUSE)
		explain(why, uri, "another program listens there; stop it, or choose another address with --listen");
	else if (error == EADDRNOTAVAIL)
		explain(why, uri,
			"no network interface of this machine has that address; choose another with --listen");
	else
		explain(why, uri, strerror(error));
}

/* Binds and listens; 0 or an errno. */
static int bind_and_listen(int fd, const struct sockaddr *address, socklen_t length)
{
	if (bind(fd, address, length) < 0 || listen(fd, SOMAXCONN) < 0)
		return errno;
	return 0;
}

static bool read_bound_address(int fd, struct cr_uri *bound)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	char port[8];
	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0 ||
	    getnameinfo((struct sockaddr *)&address, length, bound->host, sizeof(bound->host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return false;
	bound->port = (uint16_t)strtoul(port, NULL, 10);
	return true;
}

static int listen_tcp(const struct cr_uri *uri, struct cr_uri *bound, struct cr_reason *why)
{
	char port[8];
	snprintf(port, sizeof(port), "%u", uri->port);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found;
	int status = getaddrinfo(uri->host, port, &hints, &found);
	if (status != 0) {
		explain(why, uri, gai_strerror(status));
		return -1;
	}
	/* The first address only: a server has one listening socket. */
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1, error = fd < 0 ? errno : 0;
	if (!error) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		error = bind_and_listen(fd, found->ai_addr, found->ai_addrlen);
	}
	freeaddrinfo(found);
	if (!error && !read_bound_address(fd, bound))
		error = errno ? errno : EIO;
	if (!error)
		return fd;
	explain_errno(why, uri, error);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Is there a socket at the path that nobody listens on (left by a killed server)? */
static bool is_stale(const struct sockaddr_un *address)
{
	struct stat status;
	if (lstat(address->sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
		return false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	bool refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

/* Who may connect is the path's permissions, hence the umask: owner only with the usual one. */
static int listen_unix(const struct cr_uri *uri, struct cr_reason *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, uri->path, sizeof(address.sun_path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = fd < 0 ? errno : bind_and_listen(fd, (struct sockaddr *)&address, sizeof(address));
	if (error == EADDRINUSE && is_stale(&address) && unlink(address.sun_path) == 0)
		error = bind_and_listen(fd, (struct sockaddr *)&address, sizeof(address));
	if (!error)
		return fd;
	explain_errno(why, uri, error);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Port 0 takes a free one, as with TCP. */
static int listen_vsock(const struct cr_uri *uri, struct cr_uri *bound, struct cr_reason *why)
{
	struct sockaddr_vm address = cr_vsock_address(uri);
	socklen_t length = sizeof(address);
	address.svm_port = uri->port ? uri->port : VMADDR_PORT_ANY;
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = fd < 0 ? errno : bind_and_listen(fd, (struct sockaddr *)&address, sizeof(address));
	if (!error && getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		error = errno;
	if (!error) {
		bound->port = address.svm_port;
		return fd;
	}
	if (error == EAFNOSUPPORT)
		explain(why, uri, "this kernel has no vsock");
	else
		explain_errno(why, uri, error);
	if (fd >= 0)
		close(fd);
	return -1;
}

int cr_transport_listen(const struct cr_uri *uri, struct cr_uri *bound, struct cr_reason *why)
{
	*bound = *uri;
	if (uri->scheme == CR_SCHEME_TCP || uri->scheme == CR_SCHEME_RDMA)
		return listen_tcp(uri, bound, why);
	return uri->scheme == CR_SCHEME_VSOCK ? listen_vsock(uri, bound, why) : listen_unix(uri, why);
}
