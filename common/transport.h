/* Byte streams between client and server: where to, how to open, how to move bytes. */
#ifndef CR_TRANSPORT_H
#define CR_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* CRICKET_DEFAULT_PORT of proto/rpc_control.x, for those that do not link the protocol. */
#define CR_DEFAULT_PORT 14833

enum cr_scheme { CR_SCHEME_TCP, CR_SCHEME_UNIX, CR_SCHEME_SHM, CR_SCHEME_VSOCK, CR_SCHEME_RDMA };

/* tcp://HOST:PORT (IPv6 as tcp://[::1]:PORT), unix:///PATH, shm:///PATH (the Unix socket over which the shared memory
   is had), vsock://CID:PORT (CID: a number, "local", "host", or "any" to listen) or rdma://HOST:PORT (the TCP address
   over which the RDMA connection is had). CRICKET_DEFAULT_PORT without :PORT.
 */
struct cr_uri {
	enum cr_scheme scheme;
	char host[256]; /* of tcp and rdma */
	uint32_t cid;   /* of vsock */
	uint32_t port;
	char path[108];
};

/* Room for a message that says what failed and what to do. */
struct cr_reason {
	char text[512];
};

bool cr_uri_parse(const char *text, struct cr_uri *uri, struct cr_reason *why);
void cr_uri_format(const struct cr_uri *uri, char *text, size_t size);

/* Does this address stay on the machine (loopback TCP or vsock, Unix socket)? Resolves names. */
bool cr_uri_is_local(const struct cr_uri *uri);

/* A connected stream. Every operation has a default in transport.c; a transport replaces what it does better. */
struct cr_transport {
	const struct cr_transport_ops *ops;
	int fd;       /* a socket whose end is the stream's */
	int watch_fd; /* a descriptor that is readable when there are bytes; see `arm` */
	void *state;  /* of the operations */
};

struct cr_transport_ops {
	/* Sends what it can of the vector; bytes sent, or -1 with errno (EAGAIN when `wait` is false and nothing fits).
	   Never raises SIGPIPE. */
	ssize_t (*send)(struct cr_transport *transport, const struct iovec *vector, int count, bool wait);
	/* Receives at most `size` bytes; 0 at the end of the stream, -1 with errno (EAGAIN as above). */
	ssize_t (*receive)(struct cr_transport *transport, void *buffer, size_t size, bool wait);
	/* Waits until POLLIN / POLLOUT of `events` holds or `timeout_ms` passed (-1: for ever); as poll(2). */
	int (*poll)(struct cr_transport *transport, short events, int timeout_ms);
	/* For a wait on `watch_fd` by other means, such as epoll, while nobody receives or polls: true when there are
	   bytes already, else the next ones make `watch_fd` readable. `on` false: that need not be any more. */
	bool (*arm)(struct cr_transport *transport, bool on);
	/* Ends the own direction of the stream, after what has been sent before. */
	void (*finish)(struct cr_transport *transport);
	/* Makes every call of every thread on this transport fail from now on. */
	void (*shutdown)(struct cr_transport *transport);
	void (*close)(struct cr_transport *transport); /* frees */
};

/* The operations of a connected socket (any fd that poll, sendmsg and recv take): the defaults of every transport. */
extern const struct cr_transport_ops cr_transport_socket_ops;

/* Connects a socket; NULL and `why` on failure. TCP_NODELAY, SO_KEEPALIVE and close-on-exec are set. */
struct cr_transport *cr_transport_connect(const struct cr_uri *uri, int timeout_ms, struct cr_reason *why);

/* Connects to a cricket-server: as above, but over a Unix socket the stream goes on through shared memory if the server
   offers it (transport_shm.h); with shm:// it does or there is none, and so with rdma:// and RDMA (transport_rdma.h).
 */
struct cr_transport *cr_transport_connect_server(const struct cr_uri *uri, int timeout_ms, struct cr_reason *why);

/* Wraps a connected socket, which it then owns; sets the same options. NULL when memory is exhausted. */
struct cr_transport *cr_transport_from_socket(int fd);

/* Listens; the socket or -1 and `why`. `bound` receives the address really taken (port 0 → a free one). */
int cr_transport_listen(const struct cr_uri *uri, struct cr_uri *bound, struct cr_reason *why);

/* Send all / receive all, waiting; false when the stream ended or failed. */
bool cr_transport_send_all(struct cr_transport *transport, struct iovec *vector, int count);
bool cr_transport_receive_all(struct cr_transport *transport, void *buffer, size_t size);

#endif
