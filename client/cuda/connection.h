/* The one connection of the process: an ordered stream of calls out, replies matched by xid in.
 *
 * Roles instead of threads: whoever needs something does it. One thread at a time sends (the role `sending`), one at
 * a time receives (`receiving`); others wait for `changed`. A background sender exists so that an async call costs
 * its caller a memcpy, and yet leaves as soon as the wire is free. While a send is blocked the sender also receives,
 * so that a server that waits for us to read never waits for ever.
 */
#ifndef CU_CONNECTION_H
#define CU_CONNECTION_H

#include <rpc/rpc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call.h"
#include "transport.h"

/* Replies are at most this long: a load reply describes every function of a library. */
#define CU_REPLY_MAX (256u << 20)

/* A reply that is owed, and where it goes. Lives on the waiter's stack, or on the heap when nobody waits. */
struct cu_reply {
	struct cu_reply *next;
	uint32_t xid;
	bool detached; /* on the heap: freed when it has arrived, its error is latched */
	bool aside;    /* the program does not wait for it, and learns no errors from it */
	bool raw;      /* the results do not begin with `int err`; all are kept in `record` */
	bool bulk;     /* blob_res: the bytes go to `rows` rows of `width` at `to`, `pitch` apart */
	char *to;      /* NULL: they are dropped */
	size_t width, rows, pitch;
	uint64_t context, stream; /* of a detached one */

	bool done;
	CUresult err; /* result, or what went wrong in between */
	char *record; /* results behind `int err`; on the heap unless it is `small` */
	size_t length;
	char small[256];
};

/* Connects to the server and says HELLO; any thread, more than once. */
CUresult cu_connect(void);

/* Begins a call: takes the connection's lock and writes the RPC header. On success the caller encodes the arguments to
   call->args and then calls exactly one of the ends. `bulk`: the call will end with cu_connection_end_bulk. */
CUresult cu_connection_begin(struct cu_call *call, bool bulk);

/* Ends a call that has no reply. */
CUresult cu_connection_end(struct cu_call *call, bool encoded);

/* Ends a call whose last argument is a blob of `length` bytes at `data`, sent from where it is. With a reply, if
   `reply` is not NULL. */
CUresult cu_connection_end_bulk(struct cu_call *call, bool encoded, const void *data, size_t length,
				struct cu_reply *reply);

/* Ends a call that has a reply, to be awaited with cu_connection_wait unless it is detached. */
CUresult cu_connection_end_expecting(struct cu_call *call, bool encoded, struct cu_reply *reply);

/* Waits for a reply that is owed; its err. Frees nothing. */
CUresult cu_connection_wait(struct cu_reply *reply);

/* Waits for no reply any more: the connection is given up. */
void cu_connection_abandon(struct cu_reply *reply);

/* Frees what a reply holds. */
void cu_reply_clear(struct cu_reply *reply);

/* Finds a deferred copy that is still on its way into [data, data + size): where it was issued. */
bool cu_connection_find_deferred(const void *data, size_t size, uint64_t *context, uint64_t *stream);

/* How many deferred copies are on their way. */
unsigned cu_connection_count_deferred(void);

/* Lets nothing more be written to [data, data + size), which is about to be freed: what still arrives is dropped. */
void cu_connection_discard(const void *data, size_t size);

/* Are calls of class async executed without replies? */
bool cu_connection_oneway(void);

/* Forgets which context the server has current, after a context has been destroyed. */
void cu_connection_forget_context(void);

#endif
