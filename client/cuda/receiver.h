/* Reads ONC RPC replies off a transport. One thread at a time. */
#ifndef CU_RECEIVER_H
#define CU_RECEIVER_H

#include "connection.h"

struct cu_receiver;

struct cu_receiver *cu_receiver_create(struct cr_transport *transport);
void cu_receiver_destroy(struct cu_receiver *receiver);

/* Finds (and takes) the owed reply of an xid; NULL when none is owed. */
typedef struct cu_reply *(*cu_find_reply)(uint32_t xid);

/* Receives one reply into the one that `find` returns, which is passed on in *reply even after a failure. NULL, or what
   broke the connection: everything the server sends is checked, and what it must not say ends the session. */
const char *cu_receive(struct cu_receiver *receiver, cu_find_reply find, struct cu_reply **reply);

#endif
