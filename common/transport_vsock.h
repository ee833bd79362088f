/* AF_VSOCK: streams between a virtual machine and its host, without a network (vsock(7)). */
#ifndef CR_TRANSPORT_VSOCK_H
#define CR_TRANSPORT_VSOCK_H

#include <linux/vm_sockets.h>
#include <sys/socket.h>

#include "transport.h"

/* CID:PORT behind "vsock://" to cid and port; what is wrong with it, or NULL. */
const char *cr_vsock_parse(const char *rest, struct cr_uri *uri);

void cr_vsock_format(const struct cr_uri *uri, char *text, size_t size);

struct sockaddr_vm cr_vsock_address(const struct cr_uri *uri);

#endif
