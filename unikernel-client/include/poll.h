/* Flags of struct cr_transport_ops's poll. */
#ifndef CRICKET_POLL_H
#define CRICKET_POLL_H

#define POLLIN 1
#define POLLOUT 4

#endif
