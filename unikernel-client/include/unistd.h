/* The part of <unistd.h> that the client uses: writing to descriptors, of which there are the log and one file. */
#ifndef CRICKET_UNISTD_H
#define CRICKET_UNISTD_H

#include <sys/types.h>

#define STDERR_FILENO 2

ssize_t write(int fd, const void *bytes, size_t size) __asm__("cricket_write");

#endif
