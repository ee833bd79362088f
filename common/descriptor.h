/* Descriptors that travel over Unix sockets, beside bytes. */
#ifndef CR_DESCRIPTOR_H
#define CR_DESCRIPTOR_H

#include <stddef.h>
#include <sys/types.h>

/* sendmsg(2) of `data` with `descriptor` on its first byte, restarted when it is interrupted, without SIGPIPE. */
ssize_t cr_send_descriptor(int socket, const void *data, size_t size, int descriptor);

/* recvmsg(2), restarted when it is interrupted. *descriptor, -1 before, is one that came along (close-on-exec): the
   caller's. Further ones do not fit and are dropped by the kernel. */
ssize_t cr_receive_descriptor(int socket, void *data, size_t size, int flags, int *descriptor);

#endif
