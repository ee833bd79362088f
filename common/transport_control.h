/* RPCs of the control program (proto/rpc_control.x) on a fresh connection: how a client asks, before HELLO, to go on
 * over another kind of stream. No XDR library: all arguments and results are words. */
#ifndef CR_TRANSPORT_CONTROL_H
#define CR_TRANSPORT_CONTROL_H

#include "transport.h"

/* Procedures, as in proto/rpc_control.x. */
enum cr_control_procedure {
	CR_CONTROL_SHARED_MEMORY = 6,
	CR_CONTROL_SHARED_MEMORY_ENTER = 7,
	CR_CONTROL_RDMA = 8,
	CR_CONTROL_RDMA_ENTER = 9,
};

struct cr_control_call {
	enum cr_control_procedure procedure;
	const uint32_t *arguments; /* in the host's byte order, as the results */
	int argument_count;        /* at most 16, as the results */
	uint32_t *results;         /* the first is an errno; ENOSYS if the server has not executed the call */
	int result_count;
};

/* Makes the call. *descriptor (-1 before) receives one that comes with the reply: the caller's to close, whatever is
   returned. 0, or the errno that ends the connection. */
int cr_control_call(struct cr_transport *transport, const struct cr_control_call *call, int timeout_ms,
		    int *descriptor);

#endif
