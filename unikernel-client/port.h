/* What libcricket.a needs of the machine under it. A port defines these functions; README.md explains the contract.
 *
 * One thread at a time calls into libcricket.a, and so into the port. No function here may call CUDA.
 */
#ifndef CRICKET_PORT_H
#define CRICKET_PORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- Every port has these ---- */

/* A part of what is to be sent, laid out like POSIX's struct iovec. */
struct cricket_port_piece {
	const void *bytes;
	size_t size;
};

/* Connects to the server at `address`, the text of CRICKET_SERVER, whose meaning is the port's. Tries again for as long
 * as it makes sense, such as while the network has no address yet or the server is not up. Returns what the functions
 * below then get, or NULL with *why, a constant that says what is the matter. Small messages must leave at once
 * (TCP_NODELAY).
 */
void *cricket_port_connect(const char *address, const char **why);

/* Sends the pieces in order, or the beginning of them; waits until at least one byte was taken. Their bytes are not
 * needed any more when it returns. Returns the number of bytes taken, negative when the connection is lost. `count` is
 * at least 1, no piece is empty.
 */
long cricket_port_send(void *stream, const struct cricket_port_piece *pieces, int count);

/* Waits for bytes and stores at most `size` of them. Returns how many, 0 at the end of the stream, negative when the
 * connection is lost.
 */
long cricket_port_receive(void *stream, void *bytes, size_t size);

/* Ends the connection, which is not used any more. */
void cricket_port_close(void *stream);

/* Memory of `size` bytes at a multiple of 16, or NULL; and back, with the size that was asked for. */
void *cricket_port_allocate(size_t size);
void cricket_port_free(void *memory, size_t size);

/* ---- A port has these if the platform does; libcricket.a brings weak ones ---- */

/* A clock that only goes forward. Without one statistics and trace show no times. */
uint64_t cricket_port_nanoseconds(void);

/* The value of a setting such as CRICKET_SERVER, which stays valid; NULL when it is not set, as all are without this.
 */
const char *cricket_port_setting(const char *name);

/* Writes text for people: the log (`file` is NULL), the trace or the statistics (`file` is what the setting names).
 * `append` false: the first of a file. Without this they are lost.
 */
void cricket_port_write(const char *file, int append, const char *text, size_t size);

/* Reads at most `size` bytes of a file from `offset` on. Returns how many, 0 at its end, negative when it cannot be
 * read, which is so without this.
 */
long cricket_port_read(const char *file, uint64_t offset, void *bytes, size_t size);

/* ---- What libcricket.a offers to ports ---- */

/* Reads tcp://A.B.C.D[:PORT] (a unikernel resolves no names); 0 when it is none. */
int cricket_port_parse_tcp(const char *address, unsigned char ip[4], unsigned short *port);

/* Reads vsock://CID[:PORT], with `host` for 2; 0 when it is none. */
int cricket_port_parse_vsock(const char *address, unsigned *cid, unsigned *port);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
