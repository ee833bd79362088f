/* The two roles on the connection, and what they share (connection.h has the idea). For connection.c and connect.c. */
#ifndef CU_ROLES_H
#define CU_ROLES_H

#include "connection.h"
#include "platform.h"
#include "receiver.h"

/* Bytes that may wait for the wire before callers do: some 100,000 launches. A port may have room for fewer. */
#ifndef CU_OUTPUT_SIZE
#define CU_OUTPUT_SIZE (16u << 20)
#endif

struct cu_output {
	char *data;
	size_t used;
};

struct cu_connection {
	struct cu_mutex lock;
	struct cu_condition changed; /* a role is free, a reply has arrived, the connection broke */
	struct cu_condition to_send; /* the background sender has work */
	struct cr_transport *transport;
	struct cu_receiver *receiver;
	struct cu_output out;   /* being appended to */
	struct cu_output spare; /* being sent by whoever is `sending`, else empty */
	struct cu_reply *owed;
	struct cu_reply *arriving; /* taken from `owed`, being received */
	uint32_t next_xid;
	uint64_t context; /* current at the server once it has executed the stream so far */
	CUresult broken;  /* what every call returns from now on */
	CUresult latched; /* of a detached reply, for the next call that waits */
	bool sending, receiving, sender_sleeps, oneway, connected;
	bool forked; /* this is the child of a process that was connected */
};

/* Every function below is called, and returns, with its lock held. */
extern struct cu_connection cu_connection;

/* Marks the connection as lost; the first reason is logged. */
void cu_connection_fail(const char *what);

/* Takes the owed reply of an xid out of the list; NULL when there is none. */
struct cu_reply *cu_connection_take_owed(uint32_t xid);

/* Receives one reply, if the role is free; lets go of the lock meanwhile. */
void cu_connection_receive(void);

/* Waits until the calling thread is the one that sends, or the connection is broken. */
CUresult cu_connection_take_sending(void);

/* Sends what is in the output and then `data`, padded, with the role taken, and gives it back; lets go of the lock
   meanwhile. */
void cu_connection_send(const void *data, size_t length);

/* Has the background sender send what is in the output, unless somebody sends already. */
void cu_connection_wake_sender(void);

/* Starts the background sender; it ends when the connection breaks. The lock is not held. */
bool cu_connection_start_sender(void);

#endif
