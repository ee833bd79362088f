/* The part of <fcntl.h> that the client uses: one file may be open for writing. */
#ifndef CRICKET_FCNTL_H
#define CRICKET_FCNTL_H

#define O_WRONLY 01
#define O_CREAT 0100
#define O_APPEND 02000
#define O_CLOEXEC 02000000

int open(const char *path, int flags, ...) __asm__("cricket_open");

#endif
