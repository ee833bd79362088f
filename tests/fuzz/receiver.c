/* Any bytes as what a server sends: replies in pieces, to a client that is owed some. The first byte says how large the
   pieces are. */
#include <stdlib.h>
#include <string.h>

#include "receiver.h"
#include "stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OWED 4
#define ROWS 3
#define WIDTH 40

static struct {
	const uint8_t *data;
	size_t left, piece;
} input;

static struct cu_reply owed[OWED];
static char rows[ROWS * WIDTH];

void cu_stats_bytes(uint64_t sent, uint64_t received)
{
	(void)sent, (void)received;
}

static ssize_t receive(struct cr_transport *transport, void *buffer, size_t size, bool wait)
{
	(void)transport, (void)wait;
	if (size > input.piece)
		size = input.piece;
	if (size > input.left)
		size = input.left;
	memcpy(buffer, input.data, size);
	input.data += size;
	input.left -= size;
	return (ssize_t)size;
}

/* Replies 0 and 1 are records, 2 and 3 are data that goes to `rows`. */
static struct cu_reply *find(uint32_t xid)
{
	struct cu_reply *reply = xid < OWED && owed[xid].xid == xid ? &owed[xid] : NULL;
	if (reply)
		reply->xid = UINT32_MAX;
	return reply;
}

static void owe(void)
{
	for (uint32_t i = 0; i < OWED; i++) {
		owed[i] = (struct cu_reply){.xid = i};
		if (i < 2)
			continue;
		owed[i].bulk = true;
		owed[i].to = rows;
		owed[i].width = WIDTH;
		owed[i].rows = ROWS;
		owed[i].pitch = WIDTH;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct cr_transport_ops ops = {.receive = receive};
	static struct cr_transport transport = {.ops = &ops, .fd = -1, .watch_fd = -1};
	if (size < 1)
		return 0;
	input.piece = (size_t)data[0] + 1;
	input.data = data + 1;
	input.left = size - 1;
	owe();
	struct cu_receiver *receiver = cu_receiver_create(&transport);
	struct cu_reply *got = NULL;
	for (int i = 0; receiver && i < OWED && !cu_receive(receiver, find, &got); i++)
		continue;
	if (receiver)
		cu_receiver_destroy(receiver);
	for (uint32_t i = 0; i < OWED; i++)
		cu_reply_clear(&owed[i]);
	return 0;
}
