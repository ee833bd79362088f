/* The operations of a stream over a socket, which are the defaults of every transport. */
#include "transport.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A peer that is gone without a word (power, network, a killed guest) is noticed after IDLE + COUNT * INTERVAL. */
#define KEEPALIVE_IDLE_S 10
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_COUNT 4

static ssize_t socket_send(struct cr_transport *transport, const struct iovec *vector, int count, bool wait)
{
	struct msghdr message = {.msg_iov = (struct iovec *)vector, .msg_iovlen = (size_t)count};
	ssize_t sent;
	do
		sent = sendmsg(transport->fd, &message, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
	while (sent < 0 && errno == EINTR);
	return sent;
}

static ssize_t socket_receive(struct cr_transport *transport, void *buffer, size_t size, bool wait)
{
	ssize_t received;
	do
		received = recv(transport->fd, buffer, size, wait ? 0 : MSG_DONTWAIT);
	while (received < 0 && errno == EINTR);
	return received;
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int socket_poll(struct cr_transport *transport, short events, int timeout_ms)
{
	struct pollfd entry = {.fd = transport->fd, .events = events};
	int64_t deadline = now_ms() + timeout_ms;
	for (;;) {
		int ready = poll(&entry, 1, timeout_ms);
		if (ready >= 0 || errno != EINTR)
			return ready;
		if (timeout_ms >= 0) {
			int64_t left = deadline - now_ms();
			timeout_ms = left > 0 ? (int)left : 0;
		}
	}
}

/* The socket itself is readable when there are bytes. */
static bool socket_arm(struct cr_transport *transport, bool on)
{
	(void)transport;
	(void)on;
	return false;
}

static void socket_finish(struct cr_transport *transport)
{
	shutdown(transport->fd, SHUT_WR);
}

static void socket_shutdown(struct cr_transport *transport)
{
	shutdown(transport->fd, SHUT_RDWR);
}

static void socket_close(struct cr_transport *transport)
{
	close(transport->fd);
	free(transport);
}

const struct cr_transport_ops cr_transport_socket_ops = {
    .send = socket_send,
    .receive = socket_receive,
    .poll = socket_poll,
    .arm = socket_arm,
    .finish = socket_finish,
    .shutdown = socket_shutdown,
    .close = socket_close,
};

/* On a Unix socket the TCP options fail, which is as it should be. */
static void set_options(int fd)
{
	const struct {
		int level, name, value;
	} options[] = {
	    {IPPROTO_TCP, TCP_NODELAY, 1},
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
	    {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
	    {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT},
	};
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

struct cr_transport *cr_transport_from_socket(int fd)
{
	struct cr_transport *transport = malloc(sizeof(*transport));
	if (!transport)
		return NULL;
	set_options(fd);
	*transport = (struct cr_transport){.ops = &cr_transport_socket_ops, .fd = fd, .watch_fd = fd};
	return transport;
}

bool cr_transport_send_all(struct cr_transport *transport, struct iovec *vector, int count)
{
	while (count > 0) {
		if (vector->iov_len == 0) {
			vector++;
			count--;
			continue;
		}
		ssize_t sent = transport->ops->send(transport, vector, count, true);
		if (sent <= 0)
			return false;
		for (size_t left = (size_t)sent; left > 0;) {
			size_t part = left < vector->iov_len ? left : vector->iov_len;
			vector->iov_base = (char *)vector->iov_base + part;
			vector->iov_len -= part;
			left -= part;
			if (vector->iov_len == 0) {
				vector++;
				count--;
			}
		}
	}
	return true;
}

bool cr_transport_receive_all(struct cr_transport *transport, void *buffer, size_t size)
{
	for (char *at = buffer; size > 0;) {
		ssize_t received = transport->ops->receive(transport, at, size, true);
		if (received <= 0)
			return false;
		at += received;
		size -= (size_t)received;
	}
	return true;
}
