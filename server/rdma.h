/* Offers a client an RDMA connection: common/transport_rdma.h. */
#ifndef SRV_RDMA_H
#define SRV_RDMA_H

#include <stdbool.h>

struct srv_control;

/* The handlers of the two procedures; only before HELLO, where nobody but the leader uses the transport. */
bool srv_serve_rdma(struct srv_control *control);
bool srv_serve_rdma_enter(struct srv_control *control);

#endif
