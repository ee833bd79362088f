#include "transport_control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "descriptor.h"

/* Of RFC 5531, and proto/rpc_control.x; numbers of a protocol never change. */
enum { RPC_CALL, RPC_REPLY };
enum { CONTROL_PROGRAM = 0x20008098, CONTROL_VERSION = 1 };
enum { LAST_FRAGMENT = -0x7fffffff - 1, ARGUMENTS_MAX = 16, RESULTS_MAX = 16, REPLY_MAX = 128 };

/* Receives `size` bytes, and perhaps a descriptor; 0 or an errno. */
static int receive_with_descriptor(struct cr_transport *transport, void *to, size_t size, int timeout_ms,
				   int *descriptor)
{
	for (size_t at = 0; at < size;) {
		int fd = -1;
		int ready = cr_transport_socket_ops.poll(transport, POLLIN, timeout_ms);
		if (ready <= 0)
			return ready < 0 ? errno : ETIMEDOUT;
		ssize_t received = cr_receive_descriptor(transport->fd, (char *)to + at, size - at, MSG_DONTWAIT, &fd);
		if (received < 0 && errno != EAGAIN)
			return errno;
		if (received == 0)
			return ECONNRESET;
		if (received < 0)
			continue;
		if (fd >= 0 && *descriptor >= 0)
			close(fd);
		else if (fd >= 0)
			*descriptor = fd;
		at += (size_t)received;
	}
	return 0;
}

/* The record of a call; its size in bytes. */
static size_t encode_call(uint32_t *record, uint32_t procedure, const uint32_t *words, int count)
{
	const uint32_t header[11] = {(uint32_t)LAST_FRAGMENT | (uint32_t)(40 + 4 * count),
				     procedure /* as good an xid as any */,
				     RPC_CALL,
				     2,
				     CONTROL_PROGRAM,
				     CONTROL_VERSION,
				     procedure};
	memcpy(record, header, sizeof(header));
	memcpy(record + 11, words, (size_t)count * 4);
	for (int i = 0; i < 11 + count; i++)
		record[i] = htonl(record[i]);
	return (size_t)(11 + count) * 4;
}

int cr_control_call(struct cr_transport *transport, const struct cr_control_call *call, int timeout_ms, int *descriptor)
{
	uint32_t record[11 + ARGUMENTS_MAX], mark, reply[REPLY_MAX / 4] = {0};
	if (call->argument_count > ARGUMENTS_MAX || call->result_count > RESULTS_MAX)
		return EINVAL;
	struct iovec vector = {record, encode_call(record, call->procedure, call->arguments, call->argument_count)};
	if (!cr_transport_send_all(transport, &vector, 1))
		return errno;
	int error = receive_with_descriptor(transport, &mark, sizeof(mark), timeout_ms, descriptor);
	size_t size = ntohl(mark) & 0x7fffffffu;
	if (error)
		return error;
	if (!(ntohl(mark) >> 31) || size < 12 || size > sizeof(reply) || size % 4)
		return EPROTO;
	if ((error = receive_with_descriptor(transport, reply, size, timeout_ms, descriptor)))
		return error;
	if (ntohl(reply[0]) != call->procedure || ntohl(reply[1]) != RPC_REPLY)
		return EPROTO;
	/* Accepted, an empty verifier, success: RFC 5531, section 9. */
	bool executed = size == 24 + 4 * (size_t)call->result_count && !reply[2] && !reply[3] && !reply[4] && !reply[5];
	for (int i = 0; i < call->result_count; i++)
		call->results[i] = executed ? ntohl(reply[6 + i]) : i == 0 ? ENOSYS : 0;
	return 0;
}
