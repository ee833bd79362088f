/* Two rings, each in the memory of the side that reads it, which the other side writes by RDMA.
 *
 * The stream begins as a TCP connection. Over it the client calls CONTROL_RDMA, with which the two exchange where their
 * memories and queue pairs are, and CONTROL_RDMA_ENTER; from the reply to that on, both sides use the rings. Each
 * session process has its queue pair of its own, and nothing needs a connection manager. A refusal leaves the TCP
 * connection as it was.
 *
 * The socket stays open: its end says that the peer is gone.
 *
 * A writer copies into a ring of its own, and the adapter from there to the same place of the peer's ring, telling it
 * the number of bytes. The reader copies out what has arrived and now and then writes back how far it has come. It
 * believes no number of the peer that leads out of the ring, and looks at bytes only after copying them.
 */
#ifndef CR_TRANSPORT_RDMA_H
#define CR_TRANSPORT_RDMA_H

#include "transport.h"
#include "transport_rdma_verbs.h"

/* Of each ring; a power of two within the bounds. The client proposes. */
#define CR_RDMA_BYTES_MIN 65536
#define CR_RDMA_BYTES_DEFAULT (4u << 20)
#define CR_RDMA_BYTES_MAX (64u << 20)

/* What an endpoint is as words in CONTROL_RDMA. */
#define CR_ENDPOINT_WORDS 13

void cr_endpoint_to_words(const struct cr_endpoint *endpoint, uint32_t words[CR_ENDPOINT_WORDS]);
struct cr_endpoint cr_endpoint_from_words(const uint32_t words[CR_ENDPOINT_WORDS]);

struct cr_rdma;

/* Prepares rings of `bytes` each for the connection over the TCP socket. NULL with errno: EINVAL (`bytes`), EOPNOTSUPP
   (no libibverbs, or no TCP), ENODEV (no RDMA device has the socket's local address). */
struct cr_rdma *cr_rdma_create(int socket, uint64_t bytes, struct cr_endpoint *mine);

/* Connects to the peer's; false with errno. */
bool cr_rdma_connect(struct cr_rdma *rdma, const struct cr_endpoint *peer);

/* Frees what has not been entered. */
void cr_rdma_destroy(struct cr_rdma *rdma);

/* Switches a transport over the TCP socket to the rings, which it then owns. No other thread may be using it. */
void cr_rdma_enter(struct cr_transport *transport, struct cr_rdma *rdma);

/* As a client, asks the server for this and switches to it. False and `why` when the connection goes on without; *lost
   when it cannot go on at all. */
bool cr_rdma_negotiate(struct cr_transport *transport, int timeout_ms, bool *lost, struct cr_reason *why);

#endif
