/* Offers a client on the same host a stream through shared memory: common/transport_shm.h. */
#ifndef SRV_SHARED_MEMORY_H
#define SRV_SHARED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct srv_control;
struct srv_session;

/* The handlers of the two procedures; only before HELLO, where nobody but the leader uses the transport. */
bool srv_serve_shared_memory(struct srv_control *control);
bool srv_serve_shared_memory_enter(struct srv_control *control);

/* Sends a reply together with the memory. False: the session has ended. */
bool srv_shared_memory_pass(struct srv_session *session, const void *reply, size_t size);

#endif
