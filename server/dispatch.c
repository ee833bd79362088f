#include "dispatch.h"

#include <arpa/inet.h>
#include <string.h>

#include "log.h"
#include "session.h"
#include "shared_memory.h"

#define MARK_BYTES 4
#define CREDENTIAL_BYTES_MAX 400

struct header {
	uint32_t xid, program, version, procedure;
};

enum header_status { HEADER_GOOD, HEADER_GARBAGE, HEADER_RPC_MISMATCH, HEADER_BAD_CREDENTIAL };

/* Skips an opaque_auth; any flavour will do, since the token in HELLO is what counts. */
static enum header_status skip_credential(XDR *xdr)
{
	uint32_t flavor, size;
	if (!xdr_uint32_t(xdr, &flavor) || !xdr_uint32_t(xdr, &size))
		return HEADER_GARBAGE;
	if (size > CREDENTIAL_BYTES_MAX)
		return HEADER_BAD_CREDENTIAL;
	return XDR_INLINE(xdr, (size + 3) & ~3u) ? HEADER_GOOD : HEADER_GARBAGE;
}

/* libtirpc's xdr_callmsg cannot tell a wrong RPC version from garbage. */
static enum header_status header_read(XDR *xdr, struct header *header)
{
	uint32_t type, rpc_version;
	if (!xdr_uint32_t(xdr, &header->xid) || !xdr_uint32_t(xdr, &type) || type != CALL ||
	    !xdr_uint32_t(xdr, &rpc_version))
		return HEADER_GARBAGE;
	if (rpc_version != RPC_MSG_VERSION)
		return HEADER_RPC_MISMATCH;
	if (!xdr_uint32_t(xdr, &header->program) || !xdr_uint32_t(xdr, &header->version) ||
	    !xdr_uint32_t(xdr, &header->procedure))
		return HEADER_GARBAGE;
	enum header_status status = skip_credential(xdr);
	return status == HEADER_GOOD ? skip_credential(xdr) : status;
}

static void reply_mark(struct srv_worker *worker, u_int size)
{
	uint32_t mark = htonl(0x80000000u | size);
	memcpy(worker->reply, &mark, MARK_BYTES);
}

/* Sends the worker's reply, of which `size` bytes are encoded behind the mark. */
static bool reply_send(struct srv_worker *worker, u_int size)
{
	reply_mark(worker, size);
	struct iovec vector = {worker->reply, MARK_BYTES + size};
	return srv_send(worker->session, &vector, 1);
}

/* The same with the session's shared memory. Before HELLO: nobody else sends. */
static bool reply_pass(struct srv_worker *worker, u_int size)
{
	reply_mark(worker, size);
	return srv_shared_memory_pass(worker->session, worker->reply, MARK_BYTES + size);
}

/* Begins a reply; results may follow. */
static void reply_begin(struct srv_worker *worker, XDR *xdr, struct rpc_msg *message)
{
	xdrmem_create(xdr, (char *)worker->reply + MARK_BYTES, CRICKET_RECORD_MAX - MARK_BYTES, XDR_ENCODE);
	message->rm_direction = REPLY;
	/* Cannot fail: the buffer is larger than any header. */
	xdr_replymsg(xdr, message);
}

static bool reply_message(struct srv_worker *worker, struct rpc_msg *message)
{
	XDR xdr;
	reply_begin(worker, &xdr, message);
	atomic_fetch_add_explicit(&worker->session->errors, 1, memory_order_relaxed);
	return reply_send(worker, XDR_GETPOS(&xdr));
}

/* Results are encoded behind the header, by the handlers. */
static bool_t encode_nothing(XDR *xdr, ...)
{
	(void)xdr;
	return TRUE;
}

static struct rpc_msg accepted(uint32_t xid, enum accept_stat status)
{
	struct rpc_msg message = {.rm_xid = xid};
	message.rm_reply.rp_stat = MSG_ACCEPTED;
	message.acpted_rply.ar_verf = _null_auth;
	message.acpted_rply.ar_stat = status;
	message.acpted_rply.ar_results.proc = encode_nothing;
	return message;
}

static bool reply_status(struct srv_worker *worker, uint32_t xid, enum accept_stat status)
{
	struct rpc_msg message = accepted(xid, status);
	if (status == PROG_MISMATCH)
		message.acpted_rply.ar_vers.low = message.acpted_rply.ar_vers.high = 1;
	return reply_message(worker, &message);
}

static bool reply_denied(struct srv_worker *worker, uint32_t xid, enum auth_stat why)
{
	struct rpc_msg message = {.rm_xid = xid};
	message.rm_reply.rp_stat = MSG_DENIED;
	message.rjcted_rply.rj_stat = AUTH_ERROR;
	message.rjcted_rply.rj_why = why;
	return reply_message(worker, &message);
}

static bool reply_rpc_mismatch(struct srv_worker *worker, uint32_t xid)
{
	struct rpc_msg message = {.rm_xid = xid};
	message.rm_reply.rp_stat = MSG_DENIED;
	message.rjcted_rply.rj_stat = RPC_MISMATCH;
	message.rjcted_rply.rj_vers.low = message.rjcted_rply.rj_vers.high = RPC_MSG_VERSION;
	return reply_message(worker, &message);
}

static bool session_over(struct srv_worker *worker, const char *why)
{
	srv_session_end(worker->session, why);
	return false;
}

static const struct srv_proc *proc_find(uint32_t number)
{
	size_t low = 0, high = srv_cuda_proc_count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (srv_cuda_procs[middle].number == number)
			return &srv_cuda_procs[middle];
		if (srv_cuda_procs[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool is_task_answer(const struct header *header)
{
	return header->program == CRICKET_CUDA &&
	       (header->procedure == RPC_cricketHostTaskDone || header->procedure == RPC_cricketHostTaskData ||
		header->procedure == RPC_cricketHostTaskNext);
}

static bool serve_cuda(struct srv_worker *worker, const struct header *header, XDR *args)
{
	struct srv_session *session = worker->session;
	const struct srv_proc *proc = proc_find(header->procedure);
	if (!proc)
		return reply_status(worker, header->xid, PROC_UNAVAIL);
	atomic_fetch_add_explicit(&session->procedure_calls[proc - srv_cuda_procs], 1, memory_order_relaxed);
	/* An error shows in the call itself, which then has no valid context. An answer to a task needs none, and the
	   stream's is its leader's affair. */
	if (!is_task_answer(header))
		srv_worker_enter(worker, session->context);
	XDR result;
	struct rpc_msg message = accepted(header->xid, SUCCESS);
	reply_begin(worker, &result, &message);
	struct srv_call call = {.session = session,
				.worker = worker,
				.proc = proc,
				.xid = header->xid,
				.reply_owed = !session->oneway || proc->class != SRV_ASYNC,
				.args = args,
				.result = &result};
	bool decoded = proc->handle(&call);
	if (!decoded && !call.reply_owed)
		return session_over(worker, "the client sent a call whose arguments do not decode");
	if (!decoded)
		return reply_status(worker, header->xid, GARBAGE_ARGS);
	if (!call.reply_owed || call.deferred)
		return true;
	srv_deferred_flush(worker);
	return reply_send(worker, XDR_GETPOS(&result));
}

static bool serve_control(struct srv_worker *worker, const struct header *header, XDR *args)
{
	XDR result;
	bool known = true;
	struct rpc_msg message = accepted(header->xid, SUCCESS);
	reply_begin(worker, &result, &message);
	struct srv_control control = {.worker = worker, .args = args, .result = &result};
	bool decoded = srv_control_serve(&control, header->procedure, &known);
	if (!known)
		return reply_status(worker, header->xid, PROC_UNAVAIL);
	if (!decoded && control.silent)
		return session_over(worker, "the client sent an upload that does not decode");
	if (!decoded)
		return reply_status(worker, header->xid, GARBAGE_ARGS);
	bool sent = control.silent ||
		    (control.pass ? reply_pass(worker, XDR_GETPOS(&result)) : reply_send(worker, XDR_GETPOS(&result)));
	if (sent && control.enter)
		return control.enter(worker->session);
	return control.end ? session_over(worker, control.end) : sent;
}

static bool reply_null(struct srv_worker *worker, uint32_t xid)
{
	XDR xdr;
	struct rpc_msg message = accepted(xid, SUCCESS);
	reply_begin(worker, &xdr, &message);
	return reply_send(worker, XDR_GETPOS(&xdr));
}

bool srv_send_result(struct srv_worker *worker, uint32_t xid, bool (*encode)(XDR *result, void *argument),
		     void *argument)
{
	XDR result;
	struct rpc_msg message = accepted(xid, SUCCESS);
	reply_begin(worker, &result, &message);
	if (!encode(&result, argument))
		return false;
	srv_deferred_flush(worker);
	return reply_send(worker, XDR_GETPOS(&result));
}

bool srv_send_large(struct srv_worker *worker, uint32_t xid, const void *results, size_t size)
{
	XDR xdr;
	struct rpc_msg message = accepted(xid, SUCCESS);
	reply_begin(worker, &xdr, &message);
	u_int head = XDR_GETPOS(&xdr);
	reply_mark(worker, head + (u_int)size);
	struct iovec vector[] = {{worker->reply, MARK_BYTES + head}, {(void *)(uintptr_t)results, size}};
	srv_deferred_flush(worker);
	return srv_send(worker->session, vector, 2);
}

bool srv_send_blob(struct srv_worker *worker, uint32_t xid, int err, const void *data, size_t size)
{
	static const char padding[4];
	char head[64];
	XDR xdr;
	struct rpc_msg message = accepted(xid, SUCCESS);
	u_int length = (u_int)size;
	xdrmem_create(&xdr, head + MARK_BYTES, sizeof(head) - MARK_BYTES, XDR_ENCODE);
	message.rm_direction = REPLY;
	if (!xdr_replymsg(&xdr, &message) || !xdr_int(&xdr, &err) || (!err && !xdr_u_int(&xdr, &length)))
		return false;
	size_t head_bytes = MARK_BYTES + XDR_GETPOS(&xdr);
	size_t data_bytes = err ? 0 : size, pad_bytes = -data_bytes & 3;
	uint32_t mark = htonl(0x80000000u | (uint32_t)(head_bytes - MARK_BYTES + data_bytes + pad_bytes));
	memcpy(head, &mark, MARK_BYTES);
	struct iovec vector[] = {{head, head_bytes}, {(void *)data, data_bytes}, {(void *)padding, pad_bytes}};
	return srv_send(worker->session, vector, 3);
}

static bool answers_before_hello(uint32_t procedure)
{
	return procedure == CONTROL_HELLO || procedure == CONTROL_SHARED_MEMORY ||
	       procedure == CONTROL_SHARED_MEMORY_ENTER || procedure == CONTROL_RDMA || procedure == CONTROL_RDMA_ENTER;
}

static bool dispatch_call(struct srv_worker *worker, const struct header *header, XDR *args)
{
	bool control = header->program == CRICKET_CONTROL;
	if (!control && header->program != CRICKET_CUDA)
		return reply_status(worker, header->xid, PROG_UNAVAIL);
	if (header->version != 1)
		return reply_status(worker, header->xid, PROG_MISMATCH);
	if (header->procedure == 0)
		return reply_null(worker, header->xid);
	if (!worker->session->greeted && !(control && answers_before_hello(header->procedure)))
		return reply_denied(worker, header->xid, AUTH_TOOWEAK);
	return control ? serve_control(worker, header, args) : serve_cuda(worker, header, args);
}

bool srv_dispatch(struct srv_worker *worker)
{
	XDR args;
	struct header header;
	atomic_fetch_add_explicit(&worker->session->calls, 1, memory_order_relaxed);
	xdrmem_create(&args, (char *)worker->record.bytes, (u_int)worker->record.size, XDR_DECODE);
	switch (header_read(&args, &header)) {
	case HEADER_RPC_MISMATCH:
		return reply_rpc_mismatch(worker, header.xid);
	case HEADER_BAD_CREDENTIAL:
		return reply_denied(worker, header.xid, AUTH_BADCRED);
	case HEADER_GARBAGE:
		return session_over(worker, "the client sent a record that is no RPC call");
	case HEADER_GOOD:
		break;
	}
	return dispatch_call(worker, &header, &args);
}

bool srv_dispatch_task(struct srv_worker *worker)
{
	XDR args;
	struct header header;
	xdrmem_create(&args, (char *)worker->record.bytes, (u_int)worker->record.size, XDR_DECODE);
	if (header_read(&args, &header) != HEADER_GOOD || header.version != 1 || !is_task_answer(&header))
		return false;
	atomic_fetch_add_explicit(&worker->session->calls, 1, memory_order_relaxed);
	serve_cuda(worker, &header, &args);
	return true;
}

CUresult srv_begin(struct srv_call *call)
{
	struct srv_session *session = call->session;
	if (call->reply_owed && session->latched) {
		CUresult latched = session->latched;
		session->latched = CUDA_SUCCESS;
		return latched;
	}
	if (call->proc->class == SRV_BLOCKING || (call->proc->class == SRV_DEFERRED && !session->oneway))
		srv_stream_hand_over(call->worker);
	return CUDA_SUCCESS;
}

bool srv_reply(struct srv_call *call, CUresult err)
{
	struct srv_session *session = call->session;
	/* A query's answer is no error. */
	if (err && err != CUDA_ERROR_NOT_READY) {
		atomic_fetch_add_explicit(&session->errors, 1, memory_order_relaxed);
		cr_log(CR_LOG_DEBUG, "%s: CUDA error %d", call->proc->name, err);
	}
	if (!call->reply_owed) {
		if (!session->latched)
			session->latched = err;
		return true;
	}
	int wire = (int)err;
	return xdr_int(call->result, &wire);
}
