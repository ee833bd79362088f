/* A build without libibverbs' headers has no RDMA, and says so to who asks. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "transport_rdma.h"

void cr_endpoint_to_words(const struct cr_endpoint *endpoint, uint32_t words[CR_ENDPOINT_WORDS])
{
	(void)endpoint;
	memset(words, 0, CR_ENDPOINT_WORDS * sizeof(*words));
}

struct cr_endpoint cr_endpoint_from_words(const uint32_t words[CR_ENDPOINT_WORDS])
{
	(void)words;
	return (struct cr_endpoint){0};
}

struct cr_rdma *cr_rdma_create(int socket, uint64_t bytes, struct cr_endpoint *mine)
{
	(void)socket;
	(void)bytes;
	*mine = (struct cr_endpoint){0};
	errno = EOPNOTSUPP;
	return NULL;
}

bool cr_rdma_connect(struct cr_rdma *rdma, const struct cr_endpoint *peer)
{
	(void)rdma;
	(void)peer;
	errno = EOPNOTSUPP;
	return false;
}

void cr_rdma_destroy(struct cr_rdma *rdma)
{
	(void)rdma; /* there is none */
}

void cr_rdma_enter(struct cr_transport *transport, struct cr_rdma *rdma)
{
	(void)transport;
	(void)rdma;
}

bool cr_rdma_negotiate(struct cr_transport *transport, int timeout_ms, bool *lost, struct cr_reason *why)
{
	(void)transport;
	(void)timeout_ms;
	*lost = false;
	snprintf(why->text, sizeof(why->text), "no RDMA: this build has no libibverbs");
	return false;
}
