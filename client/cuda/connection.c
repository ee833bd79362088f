#include "connection.h"

#include <stdlib.h>
#include <string.h>

#include "faulted.h"
#include "log.h"
#include "roles.h"
#include "stats.h"
#include "thread.h"

enum {
	RECORD_MARK = 4,
	CALL_HEADER = 40, /* xid, CALL, 2, program, version, procedure, two AUTH_NONE */
	HEADER = RECORD_MARK + CALL_HEADER,
	CALL_ROOM = 192 << 10, /* the largest record that is not bulk: inlined blob or launch attributes */
};

static void put_header(char *record, uint32_t length, const struct cu_call *call)
{
	const struct cu_function *function = &cu_functions[call->function];
	const uint32_t words[HEADER / 4] = {0x80000000u | (length - RECORD_MARK),
					    call->xid,
					    CALL,
					    RPC_MSG_VERSION,
					    function->program,
					    1,
					    function->procedure};
	for (int i = 0; i < HEADER / 4; i++) {
		uint32_t word = htonl(words[i]);
		memcpy(record + 4 * i, &word, 4);
	}
}

static void start_record(struct cu_call *call)
{
	call->xid = cu_connection.next_xid++;
	call->start = cu_connection.out.used;
	xdrmem_create(&call->stream, cu_connection.out.data + call->start + HEADER, CALL_ROOM - HEADER, XDR_ENCODE);
	call->args = &call->stream;
}

/* Ends the record with `blob_length` further bytes still to come. */
static void finish_record(struct cu_call *call, size_t blob_length)
{
	size_t length = HEADER + xdr_getpos(call->args);
	put_header(cu_connection.out.data + call->start, (uint32_t)(length + (blob_length + 3) / 4 * 4), call);
	cu_connection.out.used = call->start + length;
}

/* Does a record fit into the output, with a change of context before it? */
static bool has_room(void)
{
	return cu_connection.out.used + 2 * CALL_ROOM <= CU_OUTPUT_SIZE;
}

static CUresult make_room(void)
{
	while (!cu_connection.broken && !has_room()) {
		CUresult err = cu_connection_take_sending();
		if (err)
			return err;
		cu_connection_send(NULL, 0);
	}
	return cu_connection.broken;
}

static CUresult take_sending_with_room(void)
{
	CUresult err;
	while (!(err = cu_connection_take_sending()) && !has_room())
		cu_connection_send(NULL, 0);
	return err;
}

/* Tells the server, in the stream, which context the following calls mean. */
static void switch_context(uint64_t context)
{
	struct cu_call call = {.function = FN_cuCtxSetCurrent};
	u64 wire = context;
	start_record(&call);
	xdr_u64(call.args, &wire);
	finish_record(&call, 0);
	cu_stats_call(FN_cuCtxSetCurrent, CU_ASYNC);
	if (!cu_connection.oneway) { /* its reply is owed, and nobody waits for it */
		struct cu_reply *reply = calloc(1, sizeof(*reply));
		if (!reply) {
			cu_connection_fail("out of memory");
			return;
		}
		*reply = (struct cu_reply){.xid = call.xid, .detached = true, .next = cu_connection.owed};
		cu_connection.owed = reply;
	}
	cu_connection.context = context;
}

CUresult cu_connection_begin(struct cu_call *call, bool bulk)
{
	uint64_t context = 0;
	bool wants_context = !(cu_functions[call->function].flags & CU_NOCTX);
	CUresult err = wants_context ? cu_thread_live_context(&context) : CUDA_SUCCESS;
	if (err)
		return err;
	cu_mutex_lock(&cu_connection.lock);
	err = cu_connection.forked ? CUDA_ERROR_NOT_INITIALIZED : cu_connection.broken;
	if (!err && !cu_connection.transport)
		err = CUDA_ERROR_NOT_INITIALIZED;
	if (!err)
		err = bulk ? take_sending_with_room() : make_room();
	if (err) {
		cu_mutex_unlock(&cu_connection.lock);
		return err;
	}
	call->bulk = bulk;
	call->aside = false;
	if (wants_context && cu_connection.context != context)
		switch_context(context);
	start_record(call);
	return CUDA_SUCCESS;
}

/* Drops a record whose arguments did not fit. */
static CUresult abandon(struct cu_call *call)
{
	if (call->bulk)
		cu_connection.sending = false;
	cu_condition_broadcast(&cu_connection.changed);
	cu_mutex_unlock(&cu_connection.lock);
	cr_log(CR_LOG_ERROR, "%s: its arguments are longer than the protocol allows",
	       cu_functions[call->function].name);
	return CUDA_ERROR_INVALID_VALUE;
}

static void owe(struct cu_call *call, struct cu_reply *reply)
{
	reply->xid = call->xid;
	reply->next = cu_connection.owed;
	cu_connection.owed = reply;
}

CUresult cu_connection_end(struct cu_call *call, bool encoded)
{
	if (!encoded)
		return abandon(call);
	finish_record(call, 0);
	cu_stats_call(call->function, CU_ASYNC);
	cu_connection_wake_sender();
	cu_mutex_unlock(&cu_connection.lock);
	return CUDA_SUCCESS;
}

CUresult cu_connection_end_bulk(struct cu_call *call, bool encoded, const void *data, size_t length,
				struct cu_reply *reply)
{
	u_int wire_length = (u_int)length;
	if (!encoded || !xdr_u_int(call->args, &wire_length))
		return abandon(call);
	finish_record(call, length);
	cu_stats_call(call->function, reply ? CU_SYNC : CU_ASYNC);
	if (reply)
		owe(call, reply);
	cu_connection_send(data, length);
	CUresult err = cu_connection.broken;
	cu_mutex_unlock(&cu_connection.lock);
	return reply ? CUDA_SUCCESS : err; /* with a reply, waiting for it tells */
}

CUresult cu_connection_end_expecting(struct cu_call *call, bool encoded, struct cu_reply *reply)
{
	if (!encoded)
		return abandon(call);
	finish_record(call, 0);
	cu_stats_call(call->function, reply->detached ? CU_DEFERRED : CU_SYNC);
	owe(call, reply);
	if (reply->detached)
		cu_connection_wake_sender();
	cu_mutex_unlock(&cu_connection.lock);
	return CUDA_SUCCESS;
}

/* Takes a reply that will never come back out of the list, unless somebody is just receiving it. */
static bool give_up(struct cu_reply *reply)
{
	if (!cu_connection_take_owed(reply->xid))
		return false;
	reply->err = cu_connection.broken;
	reply->done = true;
	return true;
}

void cu_connection_abandon(struct cu_reply *reply)
{
	cu_mutex_lock(&cu_connection.lock);
	cu_connection_take_owed(reply->xid);
	cu_mutex_unlock(&cu_connection.lock);
	cu_reply_clear(reply);
}

CUresult cu_connection_wait(struct cu_reply *reply)
{
	uint64_t start = cu_nanoseconds();
	cu_mutex_lock(&cu_connection.lock);
	while (!reply->done) {
		if (cu_connection.broken && give_up(reply))
			break;
		if (cu_connection.out.used && !cu_connection.sending && !cu_connection.broken) {
			cu_connection.sending = true;
			cu_connection_send(NULL, 0);
		} else if (!cu_connection.receiving && !cu_connection.broken) {
			cu_connection_receive();
		} else {
			cu_condition_wait(&cu_connection.changed, &cu_connection.lock);
		}
	}
	CUresult err = reply->err;
	if (!err && !reply->aside) {
		err = cu_connection.latched;
		cu_connection.latched = CUDA_SUCCESS;
	}
	cu_mutex_unlock(&cu_connection.lock);
	cu_fault_note(err);
	if (!reply->aside)
		cu_stats_waited(cu_nanoseconds() - start);
	return err;
}

/* Is this a deferred copy into [data, data + size)? */
static bool writes_to(const struct cu_reply *reply, const void *data, size_t size)
{
	uintptr_t start = (uintptr_t)data, to = reply ? (uintptr_t)reply->to : 0;
	if (!reply || !reply->detached || !reply->bulk || !reply->to || !reply->rows)
		return false;
	return start < to + (reply->rows - 1) * reply->pitch + reply->width && to < start + size;
}

/* Waits out a copy that is just arriving there. */
static void let_arrive(const void *data, size_t size)
{
	while (writes_to(cu_connection.arriving, data, size))
		cu_condition_wait(&cu_connection.changed, &cu_connection.lock);
}

bool cu_connection_find_deferred(const void *data, size_t size, uint64_t *context, uint64_t *stream)
{
	cu_mutex_lock(&cu_connection.lock);
	let_arrive(data, size);
	const struct cu_reply *reply = cu_connection.owed;
	while (reply && !writes_to(reply, data, size))
		reply = reply->next;
	if (reply) {
		*context = reply->context;
		*stream = reply->stream;
	}
	cu_mutex_unlock(&cu_connection.lock);
	return reply != NULL;
}

unsigned cu_connection_count_deferred(void)
{
	unsigned count = 0;
	cu_mutex_lock(&cu_connection.lock);
	for (const struct cu_reply *reply = cu_connection.owed; reply; reply = reply->next)
		count += reply->detached && reply->bulk;
	cu_mutex_unlock(&cu_connection.lock);
	return count;
}

void cu_connection_discard(const void *data, size_t size)
{
	cu_mutex_lock(&cu_connection.lock);
	let_arrive(data, size);
	for (struct cu_reply *reply = cu_connection.owed; reply; reply = reply->next) {
		if (writes_to(reply, data, size))
			reply->to = NULL;
	}
	cu_mutex_unlock(&cu_connection.lock);
}

bool cu_connection_oneway(void)
{
	return cu_connection.oneway;
}

void cu_connection_forget_context(void)
{
	cu_mutex_lock(&cu_connection.lock);
	cu_connection.context = 0;
	cu_mutex_unlock(&cu_connection.lock);
}
