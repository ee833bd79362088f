/* The calls of Hermit's kernel (hermit-os.org, libhermit.a) that the port makes. */
#ifndef HERMIT_H
#define HERMIT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int sys_socket(int domain, int type, int protocol);
int sys_connect(int fd, const void *address, uint32_t length);
ssize_t sys_send(int fd, const void *bytes, size_t size, int flags);
ssize_t sys_recv(int fd, void *bytes, size_t size, int flags);
int sys_setsockopt(int fd, int level, int name, const void *value, uint32_t length);
int sys_getsockopt(int fd, int level, int name, void *value, uint32_t *length);
int sys_close(int fd);
void sys_usleep(uint64_t microseconds);
void *sys_malloc(size_t size, size_t alignment);
void sys_free(void *memory, size_t size, size_t alignment);
ssize_t sys_write(int fd, const void *bytes, size_t size);

struct hermit_time {
	int64_t seconds;
	int32_t nanoseconds;
};
int sys_clock_gettime(uint64_t clock, struct hermit_time *time);

#endif
