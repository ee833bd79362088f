/* The control program: HELLO, statistics, goodbye, uploads. The snapshot is in snapshot.c, shared memory in
 * shared_memory.c, RDMA in rdma.c. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dispatch.h"
#include "driver_start.h"
#include "log.h"
#include "protocol_hash.h"
#include "session.h"
#include "rdma.h"
#include "shared_memory.h"
#include "snapshot.h"

/* In a time that does not depend on where the two differ. */
static bool token_matches(const struct srv_config *config, const char *token, u_int size)
{
	unsigned char difference = size != config->token_size;
	for (uint32_t i = 0; i < config->token_size; i++)
		difference |= (unsigned char)(config->token[i] ^ (i < size ? token[i] : 0));
	return config->token_size == 0 || !difference;
}

static bool refuse(struct srv_control *control, hello_status status, const char *message)
{
	hello_res result = {.status = status};
	hello_refusal *refusal = &result.hello_res_u.refusal;
	refusal->protocol = CRICKET_PROTOCOL_VERSION;
	memcpy(refusal->hash, cricket_protocol_hash, CRICKET_HASH_BYTES);
	refusal->message = (char *)message;
	control->end = "HELLO was refused";
	cr_log(CR_LOG_WARNING, "refused: %s", message);
	return xdr_hello_res(control->result, &result);
}

static bool refuse_version(struct srv_control *control, const hello_args *hello)
{
	char message[CRICKET_TEXT_MAX];
	snprintf(message, sizeof(message),
		 "cricket-server " CRICKET_VERSION
		 " speaks protocol %d.%02x%02x%02x%02x, the client %u.%02x%02x%02x%02x: use "
		 "the same release of Cricket on both ends",
		 CRICKET_PROTOCOL_VERSION, cricket_protocol_hash[0], cricket_protocol_hash[1], cricket_protocol_hash[2],
		 cricket_protocol_hash[3], hello->protocol, (unsigned char)hello->hash[0],
		 (unsigned char)hello->hash[1], (unsigned char)hello->hash[2], (unsigned char)hello->hash[3]);
	return refuse(control, HELLO_VERSION_MISMATCH, message);
}

static bool welcome(struct srv_control *control, const hello_args *hello)
{
	struct srv_session *session = control->worker->session;
	char problem[CRICKET_TEXT_MAX];
	hello_res result = {.status = HELLO_OK};
	hello_welcome *welcome = &result.hello_res_u.welcome;
	if (!srv_driver_start(session, problem))
		return refuse(control, HELLO_NO_DRIVER, problem);
	welcome->driver_version = session->driver_version;
	session->greeted = true;
	session->oneway = hello->flags & HELLO_ONEWAY;
	snprintf(session->client, sizeof(session->client), "%s", hello->client);
	welcome->server = "cricket-server " CRICKET_VERSION;
	welcome->driver = session->config.driver_text;
	welcome->session = session->config.session;
	cr_log(CR_LOG_INFO, "client \"%s\"", session->client);
	return xdr_hello_res(control->result, &result);
}

static bool hello_answer(struct srv_control *control, const hello_args *hello)
{
	const struct srv_config *config = &control->worker->session->config;
	if (config->busy)
		return refuse(control, HELLO_BUSY,
			      "the server serves as many clients as it may (--max-sessions); try later");
	if (hello->protocol != CRICKET_PROTOCOL_VERSION ||
	    memcmp(hello->hash, cricket_protocol_hash, CRICKET_HASH_BYTES) != 0)
		return refuse_version(control, hello);
	if (!token_matches(config, hello->token.token_val, hello->token.token_len))
		return refuse(control, HELLO_BAD_TOKEN,
			      "the server asks for a token and got another or none: see CRICKET_TOKEN_FILE");
	atomic_store(&control->worker->session->hello_done, true);
	return welcome(control, hello);
}

static bool serve_hello(struct srv_control *control)
{
	hello_args hello = {0};
	bool good = !control->worker->session->greeted && xdr_hello_args(control->args, &hello) &&
		    hello_answer(control, &hello);
	xdr_free((xdrproc_t)xdr_hello_args, &hello);
	return good;
}

static bool serve_statistics(struct srv_control *control)
{
	struct srv_session *session = control->worker->session;
	session_statistics statistics = {
	    .calls = session->calls,
	    .errors = session->errors,
	    .bytes_received = session->stream.input.received,
	    .bytes_sent = session->bytes_sent,
	};
	procedure_statistics *rows = calloc(srv_cuda_proc_count, sizeof(*rows));
	statistics.procedures.procedures_val = rows;
	for (size_t i = 0; rows && i < srv_cuda_proc_count; i++) {
		if (session->procedure_calls[i])
			rows[statistics.procedures.procedures_len++] =
			    (procedure_statistics){srv_cuda_procs[i].number, session->procedure_calls[i]};
	}
	bool encoded = xdr_session_statistics(control->result, &statistics);
	free(rows);
	return encoded;
}

static bool serve_goodbye(struct srv_control *control)
{
	int err = 0;
	control->end = "goodbye";
	return xdr_int(control->result, &err);
}

static bool serve_upload(struct srv_control *control)
{
	struct srv_session *session = control->worker->session;
	u64 id, total, offset;
	u_int size;
	control->silent = session->oneway;
	if (!xdr_u64(control->args, &id) || !xdr_u64(control->args, &total) || !xdr_u64(control->args, &offset) ||
	    !xdr_u_int(control->args, &size) || size > CRICKET_BLOB_MAX)
		return false;
	const void *data = XDR_INLINE(control->args, (size + 3) & ~3u);
	if (!data)
		return false;
	/* A piece that does not fit drops the image, so that the load fails also where nobody waits for this answer. */
	int err =
	    srv_image_append(&session->images, id, total, offset, data, size) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_IMAGE;
	return control->silent || xdr_int(control->result, &err);
}

bool srv_control_serve(struct srv_control *control, uint32_t procedure, bool *known)
{
	switch (procedure) {
	case CONTROL_HELLO:
		return serve_hello(control);
	case CONTROL_SNAPSHOT:
		return srv_serve_snapshot(control);
	case CONTROL_STATISTICS:
		return serve_statistics(control);
	case CONTROL_GOODBYE:
		return serve_goodbye(control);
	case CONTROL_UPLOAD:
		return serve_upload(control);
	case CONTROL_SHARED_MEMORY:
		return srv_serve_shared_memory(control);
	case CONTROL_SHARED_MEMORY_ENTER:
		return srv_serve_shared_memory_enter(control);
	case CONTROL_RDMA:
		return srv_serve_rdma(control);
	case CONTROL_RDMA_ENTER:
		return srv_serve_rdma_enter(control);
	default:
		*known = false;
		return false;
	}
}
