/* The error number; Linux's numbers. There is one thread, and no function of the platform sets it. */
#ifndef CRICKET_ERRNO_H
#define CRICKET_ERRNO_H

extern int cricket_errno __asm__("cricket_errno");
#define errno cricket_errno

#define ENOENT 2
#define EINTR 4
#define EIO 5
#define EAGAIN 11
#define EWOULDBLOCK EAGAIN
#define ENOMEM 12
#define EINVAL 22
#define EPIPE 32

#endif
