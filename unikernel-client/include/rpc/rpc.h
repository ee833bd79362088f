/* XDR (RFC 4506) and the constants of ONC RPC (RFC 5531) under libtirpc's names, as rpcgen's code and the client use
 * them; xdr.c. A stream is memory. Decoding allocates what the destination has no memory for; xdr_free frees it.
 */
#ifndef CRICKET_RPC_H
#define CRICKET_RPC_H

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef int bool_t;
typedef int enum_t;
#define TRUE 1
#define FALSE 0

enum xdr_op { XDR_ENCODE, XDR_DECODE, XDR_FREE };

typedef struct {
	enum xdr_op x_op;
	char *x_start, *x_next;
	u_int x_left;
} XDR;

typedef bool_t (*xdrproc_t)(XDR *, ...);

/* rpcgen's headers declare functions of clients and servers that nobody makes here. */
typedef struct cricket_rpc_client CLIENT;
struct svc_req;
typedef struct cricket_rpc_server SVCXPRT;

/* rpcgen's code asks whether it may write words directly, and has another way where it may not. */
#define XDR_INLINE(xdrs, size) ((int32_t *)0)
#define IXDR_PUT_LONG(buf, value) (*(buf)++ = (int32_t)htonl((uint32_t)(value)))
#define IXDR_GET_LONG(buf) ((long)ntohl((uint32_t) * (buf)++))
#define IXDR_PUT_U_LONG(buf, value) IXDR_PUT_LONG(buf, value)
#define IXDR_GET_U_LONG(buf) ((u_long)IXDR_GET_LONG(buf))
#define IXDR_PUT_ENUM(buf, value) IXDR_PUT_LONG(buf, value)
#define IXDR_GET_ENUM(buf, type) ((type)IXDR_GET_LONG(buf))
#define IXDR_PUT_BOOL(buf, value) IXDR_PUT_LONG(buf, value)
#define IXDR_GET_BOOL(buf) ((bool_t)IXDR_GET_LONG(buf))

void xdrmem_create(XDR *xdrs, char *memory, u_int size, enum xdr_op op);
u_int xdr_getpos(XDR *xdrs);
void xdr_free(xdrproc_t procedure, void *object);

bool_t xdr_void(void);
bool_t xdr_int(XDR *xdrs, int *value);
bool_t xdr_u_int(XDR *xdrs, u_int *value);
bool_t xdr_int32_t(XDR *xdrs, int32_t *value);
bool_t xdr_uint32_t(XDR *xdrs, uint32_t *value);
bool_t xdr_u_int32_t(XDR *xdrs, u_int32_t *value);
bool_t xdr_quad_t(XDR *xdrs, int64_t *value);
bool_t xdr_u_quad_t(XDR *xdrs, u_quad_t *value);
bool_t xdr_int64_t(XDR *xdrs, int64_t *value);
bool_t xdr_uint64_t(XDR *xdrs, uint64_t *value);
bool_t xdr_u_int64_t(XDR *xdrs, u_int64_t *value);
bool_t xdr_bool(XDR *xdrs, bool_t *value);
bool_t xdr_enum(XDR *xdrs, enum_t *value);
bool_t xdr_float(XDR *xdrs, float *value);
bool_t xdr_double(XDR *xdrs, double *value);
bool_t xdr_opaque(XDR *xdrs, char *bytes, u_int size);
bool_t xdr_bytes(XDR *xdrs, char **bytes, u_int *size, u_int most);
bool_t xdr_string(XDR *xdrs, char **text, u_int most);
bool_t xdr_array(XDR *xdrs, char **items, u_int *count, u_int most, u_int size, xdrproc_t item);
bool_t xdr_vector(XDR *xdrs, char *items, u_int count, u_int size, xdrproc_t item);
bool_t xdr_reference(XDR *xdrs, char **object, u_int size, xdrproc_t procedure);
bool_t xdr_pointer(XDR *xdrs, char **object, u_int size, xdrproc_t procedure);

#define RPC_MSG_VERSION 2
#define MAX_AUTH_BYTES 400

enum msg_type { CALL, REPLY };
enum reply_stat { MSG_ACCEPTED, MSG_DENIED };
enum accept_stat { SUCCESS, PROG_UNAVAIL, PROG_MISMATCH, PROC_UNAVAIL, GARBAGE_ARGS, SYSTEM_ERR };

#endif
