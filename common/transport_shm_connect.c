/* How a client comes by the shared memory, and the server's part that is made of descriptors: two RPCs on the socket,
 * and a descriptor with the reply to the first. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport_shm.h"

/* Of proto/rpc_control.x, and RFC 5531; numbers of a protocol never change. */
enum { RPC_CALL, RPC_REPLY };
enum { CONTROL_PROGRAM = 0x20008098, CONTROL_VERSION = 1, CONTROL_SHARED_MEMORY = 6, CONTROL_SHARED_MEMORY_ENTER = 7 };
enum { LAST_FRAGMENT = -0x7fffffff - 1, REPLY_MAX = 128 };

/* A descriptor that was received, or -1. Further ones do not fit and are dropped by the kernel. */
static int descriptor_of(struct msghdr *message)
{
	int fd = -1;
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS &&
	    control->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(control), sizeof(fd));
	return fd;
}

/* Receives `size` bytes, and perhaps a descriptor; 0 or an errno. */
static int receive_with_descriptor(struct cr_transport *transport, void *to, size_t size, int timeout_ms, int *memory)
{
	for (size_t at = 0; at < size;) {
		alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
		struct iovec part = {(char *)to + at, size - at};
		struct msghdr message = {
		    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
		int ready = cr_transport_socket_ops.poll(transport, POLLIN, timeout_ms);
		if (ready <= 0)
			return ready < 0 ? errno : ETIMEDOUT;
		ssize_t received = recvmsg(transport->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (received < 0 && errno != EINTR && errno != EAGAIN)
			return errno;
		if (received == 0)
			return ECONNRESET;
		if (received < 0)
			continue;
		int fd = descriptor_of(&message);
		if (fd >= 0 && *memory >= 0)
			close(fd);
		else if (fd >= 0)
			*memory = fd;
		at += (size_t)received;
	}
	return 0;
}

bool cr_shm_pass(struct cr_transport *transport, const void *data, size_t size, int memory)
{
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(memory))] = {0};
	struct iovec rest = {(void *)(uintptr_t)data, size};
	struct msghdr message = {
	    .msg_iov = &rest, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	*header =
	    (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(memory))};
	memcpy(CMSG_DATA(header), &memory, sizeof(memory));
	ssize_t sent;
	do
		sent = sendmsg(transport->fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent <= 0)
		return false;
	rest.iov_base = (char *)rest.iov_base + sent;
	rest.iov_len -= (size_t)sent;
	return cr_transport_send_all(transport, &rest, 1);
}

/* Makes a call with the words of its arguments; the first word of its result to *result (ENOSYS if it was not
   executed). 0, or the errno that ends the connection. */
static int call(struct cr_transport *transport, uint32_t procedure, const uint32_t *words, int count, int timeout_ms,
		int *result, int *memory)
{
	uint32_t record[16] = {(uint32_t)LAST_FRAGMENT | (uint32_t)(40 + 4 * count),
			       procedure /* as good an xid as any */,
			       RPC_CALL,
			       2,
			       CONTROL_PROGRAM,
			       CONTROL_VERSION,
			       procedure};
	memcpy(record + 11, words, (size_t)count * 4);
	for (int i = 0; i < 11 + count; i++)
		record[i] = htonl(record[i]);
	struct iovec vector = {record, (size_t)(11 + count) * 4};
	if (!cr_transport_send_all(transport, &vector, 1))
		return errno;

	uint32_t mark, reply[REPLY_MAX / 4] = {0};
	int error = receive_with_descriptor(transport, &mark, sizeof(mark), timeout_ms, memory);
	size_t size = ntohl(mark) & 0x7fffffffu;
	if (error)
		return error;
	if (!(ntohl(mark) >> 31) || size < 12 || size > sizeof(reply) || size % 4)
		return EPROTO;
	if ((error = receive_with_descriptor(transport, reply, size, timeout_ms, memory)))
		return error;
	if (ntohl(reply[0]) != procedure || ntohl(reply[1]) != RPC_REPLY)
		return EPROTO;
	/* Accepted, an empty verifier, success: RFC 5531, section 9. */
	bool executed = size == 28 && !reply[2] && !reply[3] && !reply[4] && !reply[5];
	*result = executed ? (int)ntohl(reply[6]) : ENOSYS;
	return 0;
}

/* What CRICKET_SHM_BYTES asks for, rounded up to what a ring can have; 0: no shared memory. */
static uint64_t wanted_bytes(void)
{
	const char *text = getenv("CRICKET_SHM_BYTES");
	char *end;
	uint64_t wanted = text ? strtoull(text, &end, 10) : CR_SHM_BYTES_DEFAULT, bytes = CR_SHM_BYTES_MIN;
	if (text && (end == text || *end || *text == '-'))
		wanted = CR_SHM_BYTES_DEFAULT;
	if (wanted == 0)
		return 0;
	while (bytes < wanted && bytes < CR_SHM_BYTES_MAX)
		bytes *= 2;
	return bytes;
}

static bool refuse(struct cr_reason *why, const char *problem)
{
	snprintf(why->text, sizeof(why->text), "no shared memory: %s", problem);
	return false;
}

bool cr_shm_negotiate(struct cr_transport *transport, int timeout_ms, bool *lost, struct cr_reason *why)
{
	uint64_t bytes = wanted_bytes();
	const uint32_t words[2] = {(uint32_t)(bytes >> 32), (uint32_t)bytes};
	int memory = -1, result = 0, none = -1;
	*lost = false;
	if (bytes == 0)
		return refuse(why, "CRICKET_SHM_BYTES is 0");
	int error = call(transport, CONTROL_SHARED_MEMORY, words, 2, timeout_ms, &result, &memory);
	struct cr_transport switched = *transport;
	if (!error && !result && memory < 0)
		result = EBADF; /* a proxy has passed the bytes on, but not the descriptor */
	if (!error && !result && !cr_shm_enter(&switched, memory, CR_SHM_CLIENT))
		result = errno;
	if (!error && !result)
		error = call(transport, CONTROL_SHARED_MEMORY_ENTER, words, 0, timeout_ms, &result, &none);
	if (memory >= 0)
		close(memory);
	if (none >= 0)
		close(none);
	*lost = error;
	if (!error && !result) {
		*transport = switched;
		return true;
	}
	if (switched.ops != transport->ops)
		cr_shm_leave(&switched);
	return refuse(why, strerror(error ? error : result));
}
