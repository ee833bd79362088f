/* How a client comes by an RDMA connection: two RPCs on the TCP socket. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "transport_control.h"
#include "transport_rdma.h"

static bool refuse(struct cr_reason *why, int error)
{
	const char *problem = strerror(error);
	if (error == ENODEV)
		problem = "no active RDMA device has the connection's address (see CRICKET_RDMA_DEVICE)";
	else if (error == EOPNOTSUPP)
		problem = "one side has no libibverbs, or was built without it";
	else if (error == ENOSYS)
		problem = "the server does not know of it";
	snprintf(why->text, sizeof(why->text), "no RDMA: %s", problem);
	return false;
}

/* Makes both calls; 0 or an errno of one side. *lost: the connection has no use any more. */
static int agree(struct cr_transport *transport, struct cr_rdma *rdma, const struct cr_endpoint *mine, int timeout_ms,
		 bool *lost)
{
	uint32_t words[CR_ENDPOINT_WORDS], results[1 + CR_ENDPOINT_WORDS] = {0}, entered = 0;
	const struct cr_control_call ask = {CR_CONTROL_RDMA, words, CR_ENDPOINT_WORDS, results, 1 + CR_ENDPOINT_WORDS},
				     enter = {CR_CONTROL_RDMA_ENTER, words, 0, &entered, 1};
	int none = -1; /* no descriptor comes over TCP */
	cr_endpoint_to_words(mine, words);
	int error = cr_control_call(transport, &ask, timeout_ms, &none);
	*lost = error;
	if (error || results[0])
		return error ? error : (int)results[0];
	struct cr_endpoint peer = cr_endpoint_from_words(results + 1);
	if (!cr_rdma_connect(rdma, &peer))
		return errno;
	error = cr_control_call(transport, &enter, timeout_ms, &none);
	*lost = error;
	return error ? error : (int)entered;
}

bool cr_rdma_negotiate(struct cr_transport *transport, int timeout_ms, bool *lost, struct cr_reason *why)
{
	struct cr_endpoint mine;
	struct cr_rdma *rdma = cr_rdma_create(transport->fd, CR_RDMA_BYTES_DEFAULT, &mine);
	*lost = false;
	if (!rdma)
		return refuse(why, errno);
	int error = agree(transport, rdma, &mine, timeout_ms, lost);
	if (!error) {
		cr_rdma_enter(transport, rdma);
		return true;
	}
	cr_rdma_destroy(rdma);
	return refuse(why, error);
}
