#include "rdma.h"

#include <errno.h>

#include "dispatch.h"
#include "session.h"
#include "transport_rdma.h"

/* Makes this side and connects it; 0 or an errno. */
static int offer(struct srv_session *session, const struct cr_endpoint *client, struct cr_endpoint *mine)
{
	if (session->greeted || session->rdma)
		return EALREADY;
	if (session->config.busy)
		return EBUSY;
	session->rdma = cr_rdma_create(session->transport->fd, client->bytes, mine);
	if (!session->rdma)
		return errno;
	if (cr_rdma_connect(session->rdma, client))
		return 0;
	int error = errno;
	cr_rdma_destroy(session->rdma);
	session->rdma = NULL;
	return error;
}

bool srv_serve_rdma(struct srv_control *control)
{
	uint32_t words[CR_ENDPOINT_WORDS] = {0};
	struct cr_endpoint mine = {0};
	for (int i = 0; i < CR_ENDPOINT_WORDS; i++)
		if (!xdr_uint32_t(control->args, &words[i]))
			return false;
	const struct cr_endpoint client = cr_endpoint_from_words(words);
	int error = offer(control->worker->session, &client, &mine);
	if (error)
		mine = (struct cr_endpoint){0};
	cr_endpoint_to_words(&mine, words);
	bool encoded = xdr_int(control->result, &error);
	for (int i = 0; i < CR_ENDPOINT_WORDS; i++)
		encoded = encoded && xdr_uint32_t(control->result, &words[i]);
	return encoded;
}

static bool rdma_enter(struct srv_session *session)
{
	cr_rdma_enter(session->transport, session->rdma);
	session->rdma = NULL;
	if (srv_stream_watch_bytes(&session->stream))
		return true;
	srv_session_end(session, "the RDMA connection cannot be watched");
	return false;
}

bool srv_serve_rdma_enter(struct srv_control *control)
{
	const struct srv_session *session = control->worker->session;
	int error = session->greeted || !session->rdma ? ENOENT : 0;
	if (srv_input_pending(&session->stream.input))
		error = EBUSY; /* bytes are on their way over the socket: which of the two was meant to be first? */
	control->enter = error ? NULL : rdma_enter;
	return xdr_int(control->result, &error);
}
