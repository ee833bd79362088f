/* How a client comes by the shared memory, and the server's part that is made of descriptors: two RPCs on the socket,
 * and a descriptor with the reply to the first. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptor.h"
#include "transport_control.h"
#include "transport_shm.h"

bool cr_shm_pass(struct cr_transport *transport, const void *data, size_t size, int memory)
{
	ssize_t sent = cr_send_descriptor(transport->fd, data, size, memory);
	if (sent <= 0)
		return false;
	struct iovec rest = {(char *)(uintptr_t)data + sent, size - (size_t)sent};
	return cr_transport_send_all(transport, &rest, 1);
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
	uint32_t result = 0;
	const struct cr_control_call ask = {CR_CONTROL_SHARED_MEMORY, words, 2, &result, 1},
				     enter = {CR_CONTROL_SHARED_MEMORY_ENTER, words, 0, &result, 1};
	int memory = -1, none = -1;
	*lost = false;
	if (bytes == 0)
		return refuse(why, "CRICKET_SHM_BYTES is 0");
	int error = cr_control_call(transport, &ask, timeout_ms, &memory);
	struct cr_transport switched = *transport;
	if (!error && !result && memory < 0)
		result = EBADF; /* a proxy has passed the bytes on, but not the descriptor */
	if (!error && !result && !cr_shm_enter(&switched, memory, CR_SHM_CLIENT))
		result = (uint32_t)errno;
	if (!error && !result)
		error = cr_control_call(transport, &enter, timeout_ms, &none);
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
	return refuse(why, strerror(error ? error : (int)result));
}
