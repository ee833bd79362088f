#include "receiver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "stats.h"

struct cu_receiver {
	struct cr_transport *transport;
	size_t start, end; /* unread bytes of the buffer */
	char buffer[64 << 10];
};

/* The reply that is being read. */
struct incoming {
	struct cu_receiver *from;
	size_t left; /* bytes of the record that are still to come */
};

static const char ended[] = "the server closed the connection";
static const char malformed[] = "the server sent a malformed reply";

struct cu_receiver *cu_receiver_create(struct cr_transport *transport)
{
	struct cu_receiver *receiver = malloc(sizeof(*receiver));
	if (receiver) {
		receiver->transport = transport;
		receiver->start = receiver->end = 0;
	}
	return receiver;
}

void cu_receiver_destroy(struct cu_receiver *receiver)
{
	free(receiver);
}

void cu_reply_clear(struct cu_reply *reply)
{
	if (reply->record != reply->small)
		free(reply->record);
	reply->record = NULL;
}

/* One receive of at most `size` bytes to `to`. */
static const char *receive_some(struct cu_receiver *receiver, char *to, size_t size, size_t *received)
{
	ssize_t count;
	do
		count = receiver->transport->ops->receive(receiver->transport, to, size, true);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		return strerror(errno);
	if (count == 0)
		return ended;
	cu_stats_bytes(0, (uint64_t)count);
	*received = (size_t)count;
	return NULL;
}

/* Moves `size` bytes of the stream to `to`: first what is buffered, then, if much is missing, directly. */
static const char *take(struct cu_receiver *receiver, char *to, size_t size)
{
	while (size) {
		size_t buffered = receiver->end - receiver->start, count = buffered < size ? buffered : size;
		memcpy(to, receiver->buffer + receiver->start, count);
		receiver->start += count;
		to += count;
		size -= count;
		if (!size)
			return NULL;
		bool direct = size >= sizeof(receiver->buffer) / 2;
		const char *failure = direct
					  ? receive_some(receiver, to, size, &count)
					  : receive_some(receiver, receiver->buffer, sizeof(receiver->buffer), &count);
		if (failure)
			return failure;
		receiver->start = 0;
		receiver->end = direct ? 0 : count;
		to += direct ? count : 0;
		size -= direct ? count : 0;
	}
	return NULL;
}

static const char *take_bytes(struct incoming *in, char *to, size_t size)
{
	if (size > in->left)
		return malformed;
	in->left -= size;
	return take(in->from, to, size);
}

static const char *take_word(struct incoming *in, uint32_t *word)
{
	const char *failure = take_bytes(in, (char *)word, 4);
	*word = failure ? 0 : ntohl(*word);
	return failure;
}

static const char *skip(struct incoming *in, size_t size)
{
	char unwanted[512];
	const char *failure = size > in->left ? malformed : NULL;
	while (!failure && size) {
		size_t count = size < sizeof(unwanted) ? size : sizeof(unwanted);
		failure = take_bytes(in, unwanted, count);
		size -= count;
	}
	return failure;
}

static const char *begin_record(struct cu_receiver *receiver, struct incoming *in)
{
	uint32_t mark;
	const char *failure = take(receiver, (char *)&mark, 4);
	if (failure)
		return failure;
	mark = ntohl(mark);
	*in = (struct incoming){receiver, mark & 0x7fffffffu};
	return (mark >> 31) && in->left <= CU_REPLY_MAX ? NULL : malformed;
}

/* What the RPC layer says of a call that was not executed, as a CUDA error. */
static CUresult rejection(uint32_t status)
{
	cr_log(CR_LOG_ERROR, "the server rejected a call (RPC accept status %u)", status);
	return status == PROC_UNAVAIL || status == PROG_UNAVAIL ? CUDA_ERROR_NOT_SUPPORTED : CUDA_ERROR_UNKNOWN;
}

/* Reads from reply_stat to accept_stat; `executed` says whether results follow. */
static const char *read_header(struct incoming *in, struct cu_reply *reply, bool *executed)
{
	uint32_t type, denied, flavour, verifier, status;
	const char *failure;
	*executed = false;
	if ((failure = take_word(in, &type)) || (failure = take_word(in, &denied)))
		return failure;
	if (type != REPLY)
		return malformed;
	if (denied) {
		cr_log(CR_LOG_ERROR, "the server denied a call");
		reply->err = CUDA_ERROR_NOT_PERMITTED;
		return skip(in, in->left);
	}
	if ((failure = take_word(in, &flavour)) || (failure = take_word(in, &verifier)))
		return failure;
	if (verifier > MAX_AUTH_BYTES)
		return malformed;
	if ((failure = skip(in, (verifier + 3) & ~3u)) || (failure = take_word(in, &status)))
		return failure;
	*executed = status == SUCCESS;
	if (*executed)
		return NULL;
	reply->err = rejection(status);
	return skip(in, in->left);
}

/* blob_res: the bytes go straight to where the program wants them. */
static const char *read_bulk(struct incoming *in, struct cu_reply *reply)
{
	uint32_t length;
	const char *failure = take_word(in, &length);
	if (failure)
		return failure;
	if (length != reply->width * reply->rows)
		return malformed;
	for (size_t row = 0; reply->to && row < reply->rows && !failure; row++)
		failure = take_bytes(in, reply->to + row * reply->pitch, reply->width);
	return failure ? failure : skip(in, in->left);
}

/* Keeps the record. Memory grows with what has arrived, not with what was announced. */
static const char *read_record(struct incoming *in, struct cu_reply *reply)
{
	const char *failure = NULL;
	size_t capacity = sizeof(reply->small);
	reply->record = reply->small;
	reply->length = 0;
	while (in->left && !failure) {
		if (reply->length == capacity) {
			char *larger = malloc(capacity * 4);
			if (!larger)
				return "out of memory";
			memcpy(larger, reply->record, reply->length);
			cu_reply_clear(reply);
			reply->record = larger;
			capacity *= 4;
		}
		size_t room = capacity - reply->length, count = in->left < room ? in->left : room;
		failure = take_bytes(in, reply->record + reply->length, count);
		reply->length += count;
	}
	return failure;
}

static const char *read_results(struct incoming *in, struct cu_reply *reply)
{
	uint32_t err;
	if (reply->raw)
		return read_record(in, reply);
	const char *failure = take_word(in, &err);
	if (failure)
		return failure;
	reply->err = (CUresult)err;
	return reply->bulk && !err ? read_bulk(in, reply) : read_record(in, reply);
}

const char *cu_receive(struct cu_receiver *receiver, cu_find_reply find, struct cu_reply **reply)
{
	struct incoming in;
	uint32_t xid;
	bool executed;
	const char *failure;
	if ((failure = begin_record(receiver, &in)) || (failure = take_word(&in, &xid)))
		return failure;
	*reply = find(xid);
	if (!*reply)
		return "the server replied to a call that was not made";
	failure = read_header(&in, *reply, &executed);
	return failure || !executed ? failure : read_results(&in, *reply);
}
