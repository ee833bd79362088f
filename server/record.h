/* RPC records (RFC 5531, section 11) read from a stream. */
#ifndef SRV_RECORD_H
#define SRV_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rpc_control.h"
#include "transport.h"

/* Read ahead, so that many small records cost one system call. */
#define SRV_INPUT_BYTES 65536

struct srv_input {
	struct cr_transport *transport;
	uint64_t received; /* bytes taken by records */
	size_t begin, end; /* of what has been read ahead */
	unsigned char bytes[SRV_INPUT_BYTES];
};

/* A buffer of CRICKET_RECORD_MAX bytes of address space; pages exist once they have been written to, so a peer's claim
   of a length costs nothing. */
struct srv_record {
	unsigned char *bytes;
	size_t size;
};

enum srv_input_status {
	SRV_INPUT_RECORD,
	SRV_INPUT_END,       /* the stream ended between records */
	SRV_INPUT_TRUNCATED, /* ... or within one */
	SRV_INPUT_TOO_LONG,  /* more than CRICKET_RECORD_MAX bytes */
};

bool srv_record_init(struct srv_record *record);
void srv_record_free(struct srv_record *record);

void srv_input_init(struct srv_input *input, struct cr_transport *transport);

/* Reads one record, of however many fragments, waiting for it. One thread at a time. */
enum srv_input_status srv_input_read(struct srv_input *input, struct srv_record *record);

/* Has the next record, or a part of it, been read ahead? */
bool srv_input_pending(const struct srv_input *input);

#endif
