/* Two rings in shared memory as a byte stream between processes of one host.
 *
 * The stream begins as a Unix socket. The server makes the memory and passes its descriptor in the reply to
 * CONTROL_SHARED_MEMORY; the client answers with CONTROL_SHARED_MEMORY_ENTER, and from the reply to that on, both sides
 * use the rings. Until then everything is ordinary RPC on the socket, so a client that does not know of this, a server
 * that refuses, or a proxy between them that loses the descriptor, just goes on with the socket.
 *
 * The socket stays open: its end says that the peer is gone, and a byte on it wakes a peer that waits by poll(2) or
 * epoll(7). Otherwise a waiting side spins for a moment and then sleeps on a futex; the other side makes a system call
 * only if it does.
 */
#ifndef CR_TRANSPORT_SHM_H
#define CR_TRANSPORT_SHM_H

#include "transport.h"

/* Of each ring; a power of two within the bounds. CRICKET_SHM_BYTES=0 in the client is: no shared memory. */
#define CR_SHM_BYTES_MIN 4096
#define CR_SHM_BYTES_DEFAULT (4u << 20)
#define CR_SHM_BYTES_MAX (64u << 20)

enum cr_shm_side { CR_SHM_SERVER, CR_SHM_CLIENT };

/* Makes the memory, which can neither shrink nor grow: a descriptor, or -1 with errno (EINVAL: `bytes` is no power of
   two within the bounds). Pages exist once they are used. */
int cr_shm_create(uint64_t bytes);

/* Switches a transport over a Unix socket to the memory, after checking it; the descriptor stays the caller's. No other
   thread may be sending, receiving or polling. False with errno, and the transport as it was (EPERM: the peer could
   still shrink the memory, which would kill this process). */
bool cr_shm_enter(struct cr_transport *transport, int memory, enum cr_shm_side side);

/* Undoes cr_shm_enter: the transport is the socket again. */
void cr_shm_leave(struct cr_transport *transport);

/* As a client, asks the server at the other end of a Unix socket for shared memory and switches to it. False and `why`
   when the connection goes on without; *lost when it cannot go on at all. */
bool cr_shm_negotiate(struct cr_transport *transport, int timeout_ms, bool *lost, struct cr_reason *why);

/* Sends all of `data` over a Unix socket with a descriptor on its first byte. */
bool cr_shm_pass(struct cr_transport *transport, const void *data, size_t size, int memory);

#endif
