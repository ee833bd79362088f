#include "hello.h"

#include <errno.h>
#include <string.h>

#include "connection.h"
#include "grant.h"
#include "log.h"
#include "platform.h"
#include "protocol_hash.h"
#include "settings.h"

static server_snapshot snapshot;
static int driver_version;

const server_snapshot *cu_server_snapshot(void)
{
	return &snapshot;
}

int cu_server_driver_version(void)
{
	return driver_version;
}

/* A control call and its reply, whose whole result is the call's own. */
struct exchange {
	struct cu_call call;
	struct cu_reply reply;
};

/* Sends a call with the arguments that `encode` writes. */
static CUresult ask(struct exchange *exchange, enum cu_function_id function, xdrproc_t encode, void *arguments)
{
	exchange->call.function = function;
	exchange->reply = (struct cu_reply){.raw = true};
	CUresult err = cu_connection_begin(&exchange->call, false);
	if (err)
		return err;
	bool encoded = !encode || encode(exchange->call.args, arguments);
	return cu_connection_end_expecting(&exchange->call, encoded, &exchange->reply);
}

/* Waits for the answer and decodes it; `result` is to be freed with xdr_free in any case. */
static CUresult hear(struct exchange *exchange, xdrproc_t decode, void *result)
{
	CUresult err = cu_connection_wait(&exchange->reply);
	if (!err) {
		XDR in;
		xdrmem_create(&in, exchange->reply.record, (u_int)exchange->reply.length, XDR_DECODE);
		if (!decode(&in, result)) {
			cr_log(CR_LOG_ERROR, "%s: the server's reply does not decode",
			       cu_functions[exchange->call.function].name);
			err = CUDA_ERROR_UNKNOWN;
		}
	}
	cu_reply_clear(&exchange->reply);
	return err;
}

/* Reads the token file without its trailing newline. */
static CUresult read_token(char *token, size_t size, u_int *length)
{
	const char *path = cu_settings()->token_file;
	*length = 0;
	if (!path)
		return CUDA_SUCCESS;
	size_t count;
	if (!cu_file_read(path, token, size, &count)) {
		cr_log(CR_LOG_ERROR, "CRICKET_TOKEN_FILE=%s cannot be read: %s", path, strerror(errno));
		return CUDA_ERROR_NOT_PERMITTED;
	}
	while (count && (token[count - 1] == '\n' || token[count - 1] == '\r'))
		count--;
	*length = (u_int)count;
	return CUDA_SUCCESS;
}

/* The CUDA error that fits a refusal. */
static CUresult refused(const hello_res *answer)
{
	const hello_refusal *refusal = &answer->hello_res_u.refusal;
	const char *server = cu_settings()->server;
	switch (answer->status) {
	case HELLO_VERSION_MISMATCH:
		cr_log(
		    CR_LOG_ERROR,
		    "%s speaks protocol %u (hash %02x%02x%02x%02x), this client protocol %u (hash %02x%02x%02x%02x): "
		    "install the same version of Cricket on both ends",
		    server, refusal->protocol, refusal->hash[0] & 0xff, refusal->hash[1] & 0xff,
		    refusal->hash[2] & 0xff, refusal->hash[3] & 0xff, (unsigned)CRICKET_PROTOCOL_VERSION,
		    cricket_protocol_hash[0], cricket_protocol_hash[1], cricket_protocol_hash[2],
		    cricket_protocol_hash[3]);
		return CUDA_ERROR_SYSTEM_DRIVER_MISMATCH;
	case HELLO_BAD_TOKEN:
		cr_log(CR_LOG_ERROR, "%s refused the token: name the server's token file in CRICKET_TOKEN_FILE (%s)",
		       server, refusal->message);
		return CUDA_ERROR_NOT_PERMITTED;
	case HELLO_BUSY:
		cr_log(CR_LOG_ERROR, "%s has no session free: try again later, or raise --max-sessions (%s)", server,
		       refusal->message);
		return CUDA_ERROR_DEVICE_UNAVAILABLE;
	case HELLO_NO_DRIVER:
		cr_log(CR_LOG_ERROR, "%s cannot use its CUDA driver: %s", server, refusal->message);
		return CUDA_ERROR_NO_DEVICE;
	default:
		cr_log(CR_LOG_ERROR, "%s refused the session: %s", server, refusal->message);
		return CUDA_ERROR_UNKNOWN;
	}
}

static CUresult say_hello(struct exchange *hello, bool oneway)
{
	char client[512], token[CRICKET_TOKEN_MAX];
	hello_args args = {.protocol = CRICKET_PROTOCOL_VERSION, .client = client, .flags = oneway ? HELLO_ONEWAY : 0};
	CUresult err = read_token(token, sizeof(token), &args.token.token_len);
	if (err)
		return err;
	args.token.token_val = token;
	memcpy(args.hash, cricket_protocol_hash, sizeof(args.hash));
	cu_program_describe(client, sizeof(client));
	return ask(hello, FN_CONTROL_HELLO, (xdrproc_t)xdr_hello_args, &args);
}

static CUresult hear_welcome(struct exchange *hello)
{
	hello_res answer = {0};
	CUresult err = hear(hello, (xdrproc_t)xdr_hello_res, &answer);
	if (!err && answer.status != HELLO_OK)
		err = refused(&answer);
	if (!err) {
		driver_version = answer.hello_res_u.welcome.driver_version;
		cr_log(CR_LOG_INFO, "connected to %s: %s on %s", cu_settings()->server,
		       answer.hello_res_u.welcome.server, answer.hello_res_u.welcome.driver);
	}
	xdr_free((xdrproc_t)xdr_hello_res, &answer);
	return err;
}

static CUresult hear_snapshot(struct exchange *question)
{
	snapshot_res answer = {0};
	CUresult err = hear(question, (xdrproc_t)xdr_snapshot_res, &answer);
	if (!err)
		err = (CUresult)answer.err;
	if (err) {
		xdr_free((xdrproc_t)xdr_snapshot_res, &answer);
		return err;
	}
	xdr_free((xdrproc_t)xdr_server_snapshot, &snapshot);
	snapshot = answer.snapshot_res_u.snapshot; /* takes what it points to */
	return snapshot.devices.devices_len ? CUDA_SUCCESS : CUDA_ERROR_NO_DEVICE;
}

/* Memory of the first device, which programs begin with. */
static CUresult ask_for_grant(struct exchange *grant)
{
	int device = 0;
	return ask(grant, FN_cricketMemoryGrant, (xdrproc_t)xdr_int, &device);
}

/* Without a grant allocations ask the server. */
static CUresult hear_grant(struct exchange *grant)
{
	memory_grant_res answer = {0};
	CUresult err = hear(grant, (xdrproc_t)xdr_memory_grant_res, &answer);
	if (err)
		return err;
	if (answer.err)
		answer.memory_grant_res_u.value = (memory_grant){0};
	cu_grant_enter(0, &answer.memory_grant_res_u.value);
	return CUDA_SUCCESS;
}

/* The other questions go out with HELLO: one round trip for all. */
CUresult cu_hello(bool oneway)
{
	struct exchange hello, question, grant;
	CUresult err = say_hello(&hello, oneway);
	if (err)
		return err;
	CUresult asked = ask(&question, FN_CONTROL_SNAPSHOT, NULL, NULL);
	CUresult asked_grant = asked ? asked : ask_for_grant(&grant);
	err = hear_welcome(&hello);
	if (!err)
		err = asked ? asked : hear_snapshot(&question);
	else if (!asked)
		cu_connection_abandon(&question.reply);
	if (!err)
		return asked_grant ? asked_grant : hear_grant(&grant);
	if (!asked_grant)
		cu_connection_abandon(&grant.reply);
	return err;
}
