#include "record.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/mman.h>

#define LAST_FRAGMENT 0x80000000u

bool srv_record_init(struct srv_record *record)
{
	void *bytes =
	    mmap(NULL, CRICKET_RECORD_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	*record = (struct srv_record){.bytes = bytes == MAP_FAILED ? NULL : bytes};
	return record->bytes;
}

void srv_record_free(struct srv_record *record)
{
	if (record->bytes)
		munmap(record->bytes, CRICKET_RECORD_MAX);
	record->bytes = NULL;
}

void srv_input_init(struct srv_input *input, struct cr_transport *transport)
{
	input->transport = transport;
	input->received = 0;
	input->begin = input->end = 0;
}

bool srv_input_pending(const struct srv_input *input)
{
	return input->begin < input->end;
}

/* Takes `size` bytes; large rests go where they belong without a detour. *started: at least one byte was there. */
static bool input_take(struct srv_input *input, void *to, size_t size, bool *started)
{
	for (;;) {
		size_t part = input->end - input->begin;
		part = part < size ? part : size;
		memcpy(to, input->bytes + input->begin, part);
		input->begin += part;
		to = (char *)to + part;
		size -= part;
		*started = *started || part > 0;
		if (size == 0)
			return true;
		if (size >= sizeof(input->bytes) / 2)
			return cr_transport_receive_all(input->transport, to, size);
		ssize_t got =
		    input->transport->ops->receive(input->transport, input->bytes, sizeof(input->bytes), true);
		if (got <= 0)
			return false;
		input->begin = 0;
		input->end = (size_t)got;
	}
}

enum srv_input_status srv_input_read(struct srv_input *input, struct srv_record *record)
{
	bool started = false;
	uint32_t mark = 0;
	record->size = 0;
	while (!(mark & LAST_FRAGMENT)) {
		if (!input_take(input, &mark, sizeof(mark), &started))
			return started ? SRV_INPUT_TRUNCATED : SRV_INPUT_END;
		mark = ntohl(mark);
		size_t size = mark & ~LAST_FRAGMENT;
		if (size > CRICKET_RECORD_MAX - record->size)
			return SRV_INPUT_TOO_LONG;
		if (!input_take(input, record->bytes + record->size, size, &started))
			return SRV_INPUT_TRUNCATED;
		record->size += size;
		input->received += sizeof(mark) + size;
	}
	return SRV_INPUT_RECORD;
}
