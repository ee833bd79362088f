#include "session.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "dispatch.h"
#include "grant.h"
#include "handles.h"
#include "host_thread.h"
#include "log.h"
#include "serve_link.h"
#include "transport_rdma.h"
#include "warm.h"

/* A client that neither acknowledges nor answers probes for as long is gone. Also what a client may take to read a
   reply once all buffers are full. */
#define USER_TIMEOUT_MS 60000

/* From the client's end to the end of the process, whatever the driver is doing. */
#define END_TIMEOUT_US 1500000

/* How long the client has to read the last reply before the connection is closed. */
#define LINGER_MS 500

struct srv_driver driver;

/* Readable when the session is to end. */
static int end_event = -1;

void srv_session_end(struct srv_session *session, const char *reason)
{
	const char *none = NULL;
	atomic_compare_exchange_strong(&session->end, &none, reason);
	srv_stream_end(&session->stream);
	srv_host_tasks_end(&session->host_tasks);
	eventfd_write(end_event, 1);
}

bool srv_send(struct srv_session *session, struct iovec *vector, int count)
{
	size_t size = 0;
	for (int i = 0; i < count; i++)
		size += vector[i].iov_len;
	pthread_mutex_lock(&session->send_lock);
	bool sent = cr_transport_send_all(session->transport, vector, count);
	pthread_mutex_unlock(&session->send_lock);
	if (sent)
		atomic_fetch_add_explicit(&session->bytes_sent, size, memory_order_relaxed);
	else
		srv_session_end(session, "the client does not take replies any more");
	return sent;
}

static bool session_init(struct srv_session *session, int socket)
{
	int timeout = USER_TIMEOUT_MS;
	session->transport = cr_transport_from_socket(socket);
	session->procedure_calls = calloc(srv_cuda_proc_count, sizeof(*session->procedure_calls));
	end_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!session->transport || !session->procedure_calls || end_event < 0)
		return false;
	setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout)); /* of no use on a Unix socket */
	pthread_mutex_init(&session->send_lock, NULL);
	srv_handles_init(session);
	srv_deferred_init(&session->deferred);
	srv_host_tasks_init(&session->host_tasks);
	return srv_stream_start(session);
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Waits for the end: of the stream, of the client, of the time for HELLO. */
static void session_watch(struct srv_session *session)
{
	int64_t hello_deadline = now_ms() + session->config.hello_timeout_ms;
	struct pollfd entries[] = {{.fd = end_event, .events = POLLIN},
				   {.fd = session->transport->fd, .events = POLLRDHUP}};
	for (;;) {
		bool timed = !atomic_load(&session->hello_done);
		int64_t left = hello_deadline - now_ms();
		if (timed && left <= 0) {
			srv_session_end(session, "no HELLO came in time");
			shutdown(session->transport->fd, SHUT_RD); /* wakes the leader */
			return;
		}
		int ready = poll(entries, 2, timed ? (int)left : -1);
		if (ready > 0)
			return;
	}
}

/* From here on the process ends, at the latest by SIGALRM: a driver may be in a call that takes its time. */
static void limit_end(void)
{
	const struct itimerval limit = {.it_value = {END_TIMEOUT_US / 1000000, END_TIMEOUT_US % 1000000}};
	signal(SIGALRM, SIG_DFL);
	setitimer(ITIMER_REAL, &limit, NULL);
}

/* The client may be gone while its last calls are still to be executed. */
static void wait_for_stream_end(void)
{
	struct pollfd entry = {.fd = end_event, .events = POLLIN};
	while (poll(&entry, 1, -1) < 0 && errno == EINTR)
		;
}

static void context_end(const struct srv_object *context)
{
	if (!context->primary)
		(void)SRV_DRIVER(cuCtxDestroy_v2, context->handle);
	else if (context->retained > 0)
		(void)SRV_DRIVER(cuDevicePrimaryCtxReset_v2, context->device);
}

/* Closing at once would discard the last reply, should the client have sent more than was read. */
static void linger(struct cr_transport *transport)
{
	char discarded[4096];
	int64_t deadline = now_ms() + LINGER_MS;
	transport->ops->finish(transport);
	for (int64_t left; (left = deadline - now_ms()) > 0;) {
		if (transport->ops->poll(transport, POLLIN, (int)left) <= 0 ||
		    transport->ops->receive(transport, discarded, sizeof(discarded), false) <= 0)
			return;
	}
}

static void session_free(struct srv_session *session)
{
	srv_contexts_visit(session, context_end);
	linger(session->transport);
	session->transport->ops->close(session->transport);
	if (session->memory >= 0)
		close(session->memory);
	if (session->rdma)
		cr_rdma_destroy(session->rdma);
	srv_deferred_free(&session->deferred);
	srv_host_tasks_free(&session->host_tasks);
	srv_graphs_free(&session->graphs);
	srv_images_free(&session->images);
	srv_links_free(session);
	srv_handles_free(session);
	srv_grants_free(session);
	pthread_mutex_destroy(&session->send_lock);
	free((void *)session->procedure_calls);
}

static void report_end(const struct srv_session *session)
{
	cr_log(session->config.busy ? CR_LOG_DEBUG : CR_LOG_INFO,
	       "\"%s\" ended: %s; %llu calls, %llu bytes in, %llu out", session->client, session->end,
	       (unsigned long long)session->calls, (unsigned long long)session->stream.input.received,
	       (unsigned long long)session->bytes_sent);
	if (session->latched)
		cr_log(CR_LOG_INFO, "\"%s\" never asked for the error of an asynchronous call: CUDA error %d",
		       session->client, session->latched);
}

/* In the log. */
static void name_session(const struct srv_session *session)
{
	static char name[48];
	if (session->config.warm)
		snprintf(name, sizeof(name), "cricket-server[warm]");
	else
		snprintf(name, sizeof(name), "cricket-server[%llu]", (unsigned long long)session->config.session);
	cr_log_init(name, (enum cr_log_level)session->config.log_level);
}

int srv_session_main(int socket, int config)
{
	static struct srv_session session;
	if (!srv_config_read(config, &session.config)) {
		fputs("cricket-server: --session is for the listening server itself\n", stderr);
		return 1;
	}
	name_session(&session);
	if (getppid() != session.config.listener)
		return 1; /* the listener died before PR_SET_PDEATHSIG could tell */
	session.context_epoch = 1;
	session.memory = -1;
	if (session.config.warm) {
		int client = srv_warm_wait(&session, socket);
		close(socket);
		if (client < 0)
			return 1;
		socket = client;
		name_session(&session);
	}
	if (!session_init(&session, socket)) {
		cr_log(CR_LOG_ERROR, "cannot start the session: %m");
		return 1;
	}
	session_watch(&session);
	limit_end();
	wait_for_stream_end();
	srv_stream_join(&session.stream);
	srv_host_thread_join(&session);
	report_end(&session);
	session_free(&session);
	return 0;
}
