/* A vector of bytes to send. */
#ifndef CRICKET_SYS_UIO_H
#define CRICKET_SYS_UIO_H

#include <stddef.h>

struct iovec {
	void *iov_base;
	size_t iov_len;
};

#endif
