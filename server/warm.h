/* Warm sessions: processes that have started the driver and made the first device's context before there is a client.
 */
#ifndef SRV_WARM_H
#define SRV_WARM_H

#include <stdbool.h>
#include <stdint.h>

struct srv_session;

/* In the session: prepares what a client needs first, then waits for one on `socket`. The client's socket, and in
   `session->config` the session's number; -1 when there will be none. */
int srv_warm_wait(struct srv_session *session, int socket);

/* In the listener: gives the client to the session at the other end of `socket`. False: it is gone. */
bool srv_warm_give(int socket, int client, uint64_t number);

#endif
