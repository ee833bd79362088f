#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hello.h"
#include "log.h"
#include "receiver.h"
#include "settings.h"
#include "stats.h"
#include "thread.h"

enum {
	RECORD_MARK = 4,
	CALL_HEADER = 40, /* xid, CALL, 2, program, version, procedure, two AUTH_NONE */
	HEADER = RECORD_MARK + CALL_HEADER,
	CALL_ROOM = 192 << 10,  /* the largest record that is not bulk: inlined blob or launch attributes */
	OUTPUT_SIZE = 16 << 20, /* bytes that may wait for the wire before callers do: some 100,000 launches */
};

struct output {
	char *data;
	size_t used;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a role is free, a reply has arrived, the connection broke */
	pthread_cond_t to_send; /* the background sender has work */
	struct cr_transport *transport;
	struct cu_receiver *receiver;
	struct output out;   /* being appended to */
	struct output spare; /* being sent by whoever is `sending`, else empty */
	struct cu_reply *owed;
	struct cu_reply *arriving; /* taken from `owed`, being received */
	uint32_t next_xid;
	uint64_t context; /* current at the server once it has executed the stream so far */
	CUresult broken;  /* what every call returns from now on */
	CUresult latched; /* of a detached reply, for the next call that waits */
	bool sending, receiving, sender_sleeps, oneway, connected;
	bool forked; /* this is the child of a process that was connected */
} connection = {.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.to_send = PTHREAD_COND_INITIALIZER,
		.next_xid = 1};

static uint64_t nanoseconds(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Frees the replies that nobody waits for. */
static void drop_detached(void)
{
	for (struct cu_reply **link = &connection.owed; *link;) {
		struct cu_reply *reply = *link;
		if (reply->detached) {
			*link = reply->next;
			free(reply);
		} else {
			link = &reply->next;
		}
	}
}

/* Marks the connection as lost; the first reason is logged. Called with the lock held. */
static void fail(const char *what)
{
	if (connection.broken)
		return;
	connection.broken = CUDA_ERROR_DEVICE_UNAVAILABLE;
	connection.transport->ops->shutdown(connection.transport);
	cr_log(CR_LOG_ERROR,
	       "connection to %s lost: %s; every further CUDA call fails. See the server's log, restart the program",
	       cu_settings()->server, what);
	drop_detached();
	pthread_cond_broadcast(&connection.changed);
	pthread_cond_broadcast(&connection.to_send);
}

/* ---- Receiving ---- */

static struct cu_reply *take_owed(uint32_t xid)
{
	for (struct cu_reply **link = &connection.owed; *link; link = &(*link)->next) {
		struct cu_reply *reply = *link;
		if (reply->xid == xid) {
			*link = reply->next;
			return reply;
		}
	}
	return NULL;
}

static struct cu_reply *find_owed(uint32_t xid)
{
	pthread_mutex_lock(&connection.lock);
	connection.arriving = take_owed(xid);
	pthread_mutex_unlock(&connection.lock);
	return connection.arriving;
}

static void finish_reply(struct cu_reply *reply)
{
	reply->done = true;
	if (!reply->detached)
		return;
	if (reply->err && !connection.latched)
		connection.latched = reply->err;
	cu_reply_clear(reply);
	free(reply);
}

/* Receives one reply. Called and returns with the lock held; the role must be free. */
static void receive_one(void)
{
	struct cu_reply *reply = NULL;
	const char *failure;
	connection.receiving = true;
	pthread_mutex_unlock(&connection.lock);
	failure = cu_receive(connection.receiver, find_owed, &reply);
	pthread_mutex_lock(&connection.lock);
	connection.receiving = false;
	connection.arriving = NULL;
	if (failure && reply)
		reply->err = CUDA_ERROR_DEVICE_UNAVAILABLE;
	if (reply)
		finish_reply(reply);
	if (failure)
		fail(failure);
	pthread_cond_broadcast(&connection.changed);
}

/* ---- Sending ---- */

/* The wire is full: wait for room, and receive meanwhile if nobody else does. */
static void wait_for_room(void)
{
	pthread_mutex_lock(&connection.lock);
	bool drain = !connection.receiving && connection.owed;
	pthread_mutex_unlock(&connection.lock);
	short events = drain ? POLLIN | POLLOUT : POLLOUT;
	int ready = connection.transport->ops->poll(connection.transport, events, drain ? -1 : 100);
	if (ready <= 0 || !drain)
		return;
	if (connection.transport->ops->poll(connection.transport, POLLIN, 0) <= 0)
		return;
	pthread_mutex_lock(&connection.lock);
	if (!connection.receiving && connection.owed && !connection.broken)
		receive_one();
	pthread_mutex_unlock(&connection.lock);
}

static void advance(struct iovec **vector, int *count, size_t sent)
{
	while (*count > 0 && sent >= (*vector)->iov_len) {
		sent -= (*vector)->iov_len;
		(*vector)++;
		(*count)--;
	}
	if (*count > 0) {
		(*vector)->iov_base = (char *)(*vector)->iov_base + sent;
		(*vector)->iov_len -= sent;
	}
}

/* Sends the whole vector, without the lock but with the role. */
static bool transmit(struct iovec *vector, int count)
{
	advance(&vector, &count, 0);
	while (count > 0) {
		ssize_t sent = connection.transport->ops->send(connection.transport, vector, count, false);
		if (sent >= 0) {
			cu_stats_bytes((uint64_t)sent, 0);
			advance(&vector, &count, (size_t)sent);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			wait_for_room();
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

/* Sends what is in the output and then `data`, padded. Called and returns with the lock held and the role taken; gives
   the role back. */
static void send_output(const void *data, size_t length)
{
	static const char zeros[4];
	struct output full = connection.out;
	struct iovec vector[3] = {{full.data, full.used},
				  {(void *)(uintptr_t)data, length},
				  {(void *)(uintptr_t)zeros, (4 - length % 4) % 4}};
	connection.out = connection.spare;
	connection.spare = full;
	pthread_mutex_unlock(&connection.lock);
	bool sent = transmit(vector, length ? 3 : 1);
	const char *why = sent ? NULL : strerror(errno);
	pthread_mutex_lock(&connection.lock);
	connection.spare.used = 0;
	connection.sending = false;
	if (!sent)
		fail(why);
	pthread_cond_broadcast(&connection.changed);
	if (connection.out.used && connection.sender_sleeps) {
		connection.sender_sleeps = false;
		pthread_cond_signal(&connection.to_send);
	}
}

/* Waits until the calling thread is the one that sends. */
static CUresult take_sending(void)
{
	while (connection.sending && !connection.broken)
		pthread_cond_wait(&connection.changed, &connection.lock);
	if (connection.broken)
		return connection.broken;
	connection.sending = true;
	return CUDA_SUCCESS;
}

static void *run_sender(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&connection.lock);
	while (!connection.broken) {
		if (connection.out.used && !connection.sending) {
			connection.sending = true;
			send_output(NULL, 0);
			continue;
		}
		connection.sender_sleeps = true;
		pthread_cond_wait(&connection.to_send, &connection.lock);
	}
	pthread_mutex_unlock(&connection.lock);
	return NULL;
}

/* The thread must not run the program's signal handlers. */
static bool start_sender(void)
{
	sigset_t all, before;
	pthread_t thread;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int err = pthread_create(&thread, NULL, run_sender, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_detach(thread);
	return !err;
}

/* ---- Calls ---- */

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
	call->xid = connection.next_xid++;
	call->start = connection.out.used;
	xdrmem_create(&call->stream, connection.out.data + call->start + HEADER, CALL_ROOM - HEADER, XDR_ENCODE);
	call->args = &call->stream;
}

/* Ends the record with `blob_length` further bytes still to come. */
static void finish_record(struct cu_call *call, size_t blob_length)
{
	size_t length = HEADER + xdr_getpos(call->args);
	put_header(connection.out.data + call->start, (uint32_t)(length + (blob_length + 3) / 4 * 4), call);
	connection.out.used = call->start + length;
}

/* Does a record fit into the output, with a change of context before it? */
static bool has_room(void)
{
	return connection.out.used + 2 * CALL_ROOM <= OUTPUT_SIZE;
}

static CUresult make_room(void)
{
	while (!connection.broken && !has_room()) {
		CUresult err = take_sending();
		if (err)
			return err;
		send_output(NULL, 0);
	}
	return connection.broken;
}

static CUresult take_sending_with_room(void)
{
	CUresult err;
	while (!(err = take_sending()) && !has_room())
		send_output(NULL, 0);
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
	if (!connection.oneway) { /* its reply is owed, and nobody waits for it */
		struct cu_reply *reply = calloc(1, sizeof(*reply));
		if (!reply) {
			fail("out of memory");
			return;
		}
		*reply = (struct cu_reply){.xid = call.xid, .detached = true, .next = connection.owed};
		connection.owed = reply;
	}
	connection.context = context;
}

CUresult cu_connection_begin(struct cu_call *call, bool bulk)
{
	uint64_t context = 0;
	bool wants_context = !(cu_functions[call->function].flags & CU_NOCTX);
	CUresult err = wants_context ? cu_thread_live_context(&context) : CUDA_SUCCESS;
	if (err)
		return err;
	pthread_mutex_lock(&connection.lock);
	err = connection.forked ? CUDA_ERROR_NOT_INITIALIZED : connection.broken;
	if (!err && !connection.transport)
		err = CUDA_ERROR_NOT_INITIALIZED;
	if (!err)
		err = bulk ? take_sending_with_room() : make_room();
	if (err) {
		pthread_mutex_unlock(&connection.lock);
		return err;
	}
	call->bulk = bulk;
	if (wants_context && connection.context != context)
		switch_context(context);
	start_record(call);
	return CUDA_SUCCESS;
}

/* Drops a record whose arguments did not fit. */
static CUresult abandon(struct cu_call *call)
{
	if (call->bulk)
		connection.sending = false;
	pthread_cond_broadcast(&connection.changed);
	pthread_mutex_unlock(&connection.lock);
	cr_log(CR_LOG_ERROR, "%s: its arguments are longer than the protocol allows",
	       cu_functions[call->function].name);
	return CUDA_ERROR_INVALID_VALUE;
}

static void owe(struct cu_call *call, struct cu_reply *reply)
{
	reply->xid = call->xid;
	reply->next = connection.owed;
	connection.owed = reply;
}

static void wake_sender(void)
{
	if (!connection.sending && connection.sender_sleeps) {
		connection.sender_sleeps = false;
		pthread_cond_signal(&connection.to_send);
	}
}

CUresult cu_connection_end(struct cu_call *call, bool encoded)
{
	if (!encoded)
		return abandon(call);
	finish_record(call, 0);
	cu_stats_call(call->function, CU_ASYNC);
	wake_sender();
	pthread_mutex_unlock(&connection.lock);
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
	send_output(data, length);
	CUresult err = connection.broken;
	pthread_mutex_unlock(&connection.lock);
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
		wake_sender();
	pthread_mutex_unlock(&connection.lock);
	return CUDA_SUCCESS;
}

/* Takes a reply that will never come back out of the list, unless somebody is just receiving it. */
static bool give_up(struct cu_reply *reply)
{
	if (!take_owed(reply->xid))
		return false;
	reply->err = connection.broken;
	reply->done = true;
	return true;
}

void cu_connection_abandon(struct cu_reply *reply)
{
	pthread_mutex_lock(&connection.lock);
	take_owed(reply->xid);
	pthread_mutex_unlock(&connection.lock);
	cu_reply_clear(reply);
}

CUresult cu_connection_wait(struct cu_reply *reply)
{
	uint64_t start = nanoseconds();
	pthread_mutex_lock(&connection.lock);
	while (!reply->done) {
		if (connection.broken && give_up(reply))
			break;
		if (connection.out.used && !connection.sending && !connection.broken) {
			connection.sending = true;
			send_output(NULL, 0);
		} else if (!connection.receiving && !connection.broken) {
			receive_one();
		} else {
			pthread_cond_wait(&connection.changed, &connection.lock);
		}
	}
	CUresult err = reply->err;
	if (!err) {
		err = connection.latched;
		connection.latched = CUDA_SUCCESS;
	}
	pthread_mutex_unlock(&connection.lock);
	cu_stats_waited(nanoseconds() - start);
	return err;
}

/* Is this a deferred copy into [data, data + size)? */
static bool writes_to(const struct cu_reply *reply, const void *data, size_t size)
{
	const char *start = data;
	if (!reply || !reply->detached || !reply->bulk || !reply->to || !reply->rows)
		return false;
	return start < reply->to + (reply->rows - 1) * reply->pitch + reply->width && reply->to < start + size;
}

/* Waits out a copy that is just arriving there. */
static void let_arrive(const void *data, size_t size)
{
	while (writes_to(connection.arriving, data, size))
		pthread_cond_wait(&connection.changed, &connection.lock);
}

bool cu_connection_find_deferred(const void *data, size_t size, uint64_t *context, uint64_t *stream)
{
	pthread_mutex_lock(&connection.lock);
	let_arrive(data, size);
	const struct cu_reply *reply = connection.owed;
	while (reply && !writes_to(reply, data, size))
		reply = reply->next;
	if (reply) {
		*context = reply->context;
		*stream = reply->stream;
	}
	pthread_mutex_unlock(&connection.lock);
	return reply != NULL;
}

void cu_connection_discard(const void *data, size_t size)
{
	pthread_mutex_lock(&connection.lock);
	let_arrive(data, size);
	for (struct cu_reply *reply = connection.owed; reply; reply = reply->next) {
		if (writes_to(reply, data, size))
			reply->to = NULL;
	}
	pthread_mutex_unlock(&connection.lock);
}

bool cu_connection_oneway(void)
{
	return connection.oneway;
}

void cu_connection_forget_context(void)
{
	pthread_mutex_lock(&connection.lock);
	connection.context = 0;
	pthread_mutex_unlock(&connection.lock);
}

/* ---- Connecting ---- */

/* A child shares nothing with its parent's session: CUDA does not survive fork. */
static void lose_in_child(void)
{
	pthread_mutex_init(&connection.lock, NULL);
	pthread_cond_init(&connection.changed, NULL);
	pthread_cond_init(&connection.to_send, NULL);
	if (connection.transport) {
		connection.forked = true;
		close(connection.transport->fd);
	}
}

static CUresult open_transport(void)
{
	struct cr_uri uri;
	struct cr_reason why;
	const char *server = cu_settings()->server;
	if (!cr_uri_parse(server, &uri, &why)) {
		cr_log(CR_LOG_ERROR, "CRICKET_SERVER=%s: %s", server, why.text);
		return CUDA_ERROR_INVALID_VALUE;
	}
	connection.transport = cr_transport_connect_server(&uri, 10000, &why);
	if (!connection.transport) {
		cr_log(CR_LOG_ERROR, "no cricket-server at %s: %s. Start one there, or name another in CRICKET_SERVER",
		       server, why.text);
		return CUDA_ERROR_NO_DEVICE;
	}
	return CUDA_SUCCESS;
}

static bool allocate(void)
{
	connection.out.data = connection.out.data ? connection.out.data : malloc(OUTPUT_SIZE);
	connection.spare.data = connection.spare.data ? connection.spare.data : malloc(OUTPUT_SIZE);
	connection.receiver = cu_receiver_create(connection.transport);
	return connection.out.data && connection.spare.data && connection.receiver;
}

/* After a refusal the next cuInit may try again. */
static void close_transport(void)
{
	cu_receiver_destroy(connection.receiver);
	connection.transport->ops->close(connection.transport);
	connection.receiver = NULL;
	connection.transport = NULL;
	connection.out.used = 0;
	connection.broken = CUDA_SUCCESS;
}

static CUresult connect_once(void)
{
	CUresult err = open_transport();
	if (err)
		return err;
	if (!allocate()) {
		close_transport();
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	connection.oneway = !cu_settings()->synchronous;
	err = cu_hello(connection.oneway);
	if (!err && !start_sender()) {
		cr_log(CR_LOG_ERROR, "the sender thread cannot be started");
		err = CUDA_ERROR_OPERATING_SYSTEM;
	}
	if (err)
		close_transport();
	return err;
}

CUresult cu_connect(void)
{
	static pthread_mutex_t connecting = PTHREAD_MUTEX_INITIALIZER;
	static bool prepared;
	if (connection.forked)
		return CUDA_ERROR_NOT_INITIALIZED;
	pthread_mutex_lock(&connecting);
	if (!prepared)
		prepared = !pthread_atfork(NULL, NULL, lose_in_child);
	CUresult err = connection.connected ? connection.broken : connect_once();
	connection.connected = connection.connected || !err;
	pthread_mutex_unlock(&connecting);
	return err;
}
