/* The part of <sys/types.h> that the client and rpcgen's code use. */
#ifndef CRICKET_SYS_TYPES_H
#define CRICKET_SYS_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef ptrdiff_t ssize_t;
typedef unsigned char u_char;
typedef unsigned short u_short;
typedef unsigned int u_int;
typedef unsigned long u_long;
typedef char *caddr_t;
typedef int64_t quad_t;
typedef uint64_t u_quad_t;
typedef uint8_t u_int8_t;
typedef uint16_t u_int16_t;
typedef uint32_t u_int32_t;
typedef uint64_t u_int64_t;

#endif
