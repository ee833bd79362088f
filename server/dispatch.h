/* From a record to its handler and back: RPC messages (RFC 5531, section 9). */
#ifndef SRV_DISPATCH_H
#define SRV_DISPATCH_H

#include <rpc/rpc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct srv_session;
struct srv_worker;

/* Executes the worker's record and sends what reply it owes. False: the session has ended. */
bool srv_dispatch(struct srv_worker *worker);

/* Executes the worker's record if it is an answer to a task, which may overtake other calls; else false. For a worker
   that does not lead, after HELLO. */
bool srv_dispatch_task(struct srv_worker *worker);

/* Sends the reply to call `xid`, with the results that `encode` writes. False when they do not fit, or the client is
   gone. Any thread. */
bool srv_send_result(struct srv_worker *worker, uint32_t xid, bool (*encode)(XDR *result, void *argument),
		     void *argument);

/* Sends the reply to deferred call `xid`: the error, or a blob_res with the data. Any thread. */
bool srv_send_blob(struct srv_worker *worker, uint32_t xid, int err, const void *data, size_t size);

/* Sends the reply to call `xid` whose results, encoded, are larger than a worker's reply; at most SRV_LARGE_REPLY_MAX
   bytes, which is what clients take. False when the client is gone. */
#define SRV_LARGE_REPLY_MAX (255u << 20)
bool srv_send_large(struct srv_worker *worker, uint32_t xid, const void *results, size_t size);

/* The control program, version 1 (control.c). `reply` encodes the results. False: the arguments do not decode. */
struct srv_control {
	struct srv_worker *worker;
	XDR *args, *result;
	bool silent;     /* set by a handler: no reply */
	const char *end; /* set by a handler: the session ends after the reply */
	bool pass;       /* set by a handler: the session's shared memory goes with the reply */
	bool (*enter)(struct srv_session *session); /* set by a handler: what follows the reply; false: the end */
};
bool srv_control_serve(struct srv_control *control, uint32_t procedure, bool *known);

#endif
