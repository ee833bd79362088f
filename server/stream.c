#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dispatch.h"
#include "session.h"

enum { WATCH_WAKE, WATCH_SOCKET, WATCH_BYTES };

static void stream_wake(struct srv_stream *stream)
{
	eventfd_write(stream->wake, 1);
}

static void watch_modify(struct srv_stream *stream, int fd, uint32_t events, uint32_t what)
{
	struct epoll_event event = {.events = EPOLLONESHOT | events, .data.u32 = what};
	epoll_ctl(stream->epoll, EPOLL_CTL_MOD, fd, &event);
}

/* Arms the transport for one event (a new record, or the client's end), or disarms it. Under the lock. */
static void stream_arm(struct srv_stream *stream, bool on)
{
	if (stream->armed == on)
		return;
	struct cr_transport *transport = stream->input.transport;
	bool apart = transport->watch_fd != transport->fd;
	watch_modify(stream, transport->fd, !on ? 0 : apart ? EPOLLRDHUP : EPOLLIN | EPOLLRDHUP, WATCH_SOCKET);
	if (apart)
		watch_modify(stream, transport->watch_fd, on ? EPOLLIN : 0, WATCH_BYTES);
	stream->armed = on;
	if (transport->ops->arm(transport, on))
		stream_wake(stream);
}

/* Takes the lead if it is free. */
static bool stream_take_lead(struct srv_worker *worker)
{
	struct srv_stream *stream = &worker->session->stream;
	pthread_mutex_lock(&stream->lock);
	if (!stream->led && !stream->ended) {
		stream->led = true;
		stream_arm(stream, false);
		worker->leading = true;
	}
	pthread_mutex_unlock(&stream->lock);
	return worker->leading;
}

/* Waits until somebody should try to take the lead; false at the end of the stream. */
static bool stream_wait(struct srv_stream *stream)
{
	struct epoll_event event;
	pthread_mutex_lock(&stream->lock);
	stream->waiting++;
	bool ended = stream->ended;
	pthread_mutex_unlock(&stream->lock);
	int ready = ended ? 0 : epoll_wait(stream->epoll, &event, 1, -1);
	pthread_mutex_lock(&stream->lock);
	stream->waiting--;
	ended = stream->ended;
	if (ready == 1 && event.data.u32 != WATCH_WAKE)
		stream->armed = false;
	eventfd_t ignored;
	if (ready == 1 && event.data.u32 == WATCH_WAKE && !ended)
		eventfd_read(stream->wake, &ignored);
	pthread_mutex_unlock(&stream->lock);
	return !ended;
}

/* ---- Reading ---- */

struct srv_ahead {
	struct srv_ahead *next;
	size_t size;
	unsigned char bytes[];
};

/* Takes the first record that was read ahead. */
static bool ahead_take(struct srv_stream *stream, struct srv_record *record)
{
	struct srv_ahead *first = stream->ahead;
	if (!first)
		return false;
	memcpy(record->bytes, first->bytes, first->size);
	record->size = first->size;
	stream->ahead_bytes -= first->size;
	stream->ahead = first->next;
	if (!stream->ahead)
		stream->last_ahead = &stream->ahead;
	free(first);
	return true;
}

static enum srv_input_status stream_read(struct srv_stream *stream, struct srv_record *record)
{
	enum srv_input_status status = SRV_INPUT_RECORD;
	pthread_mutex_lock(&stream->reading);
	if (!ahead_take(stream, record)) {
		status = stream->ahead_status;
		if (status == SRV_INPUT_RECORD)
			status = srv_input_read(&stream->input, record);
	}
	pthread_mutex_unlock(&stream->reading);
	return status;
}

/* Is there a record to be read ahead while the leader is in `call`? Under `reading`. */
static bool may_read_ahead(struct srv_stream *stream, unsigned long call)
{
	struct cr_transport *transport = stream->input.transport;
	return atomic_load(&stream->executing) == call && stream->ahead_status == SRV_INPUT_RECORD &&
	       stream->ahead_bytes < SRV_AHEAD_BYTES_MAX &&
	       (srv_input_pending(&stream->input) || transport->ops->poll(transport, POLLIN, 0) > 0);
}

static void keep_ahead(struct srv_stream *stream, const struct srv_record *record)
{
	struct srv_ahead *ahead = malloc(sizeof(*ahead) + record->size);
	if (!ahead) {
		stream->ahead_status = SRV_INPUT_TRUNCATED; /* a stream with a gap must not go on */
		return;
	}
	*ahead = (struct srv_ahead){.size = record->size};
	memcpy(ahead->bytes, record->bytes, record->size);
	*stream->last_ahead = ahead;
	stream->last_ahead = &ahead->next;
	stream->ahead_bytes += record->size;
}

bool srv_stream_read_ahead(struct srv_worker *worker, unsigned long call)
{
	struct srv_stream *stream = &worker->session->stream;
	if (pthread_mutex_trylock(&stream->reading) != 0)
		return true;
	while (may_read_ahead(stream, call)) {
		stream->ahead_status = srv_input_read(&stream->input, &worker->record);
		if (stream->ahead_status == SRV_INPUT_RECORD && !srv_dispatch_task(worker))
			keep_ahead(stream, &worker->record);
	}
	bool open = stream->ahead_status == SRV_INPUT_RECORD;
	pthread_mutex_unlock(&stream->reading);
	return open;
}

/* Executes a record that was read. */
static bool worker_execute(struct srv_worker *worker)
{
	struct srv_stream *stream = &worker->session->stream;
	atomic_store(&stream->executing, ++stream->executed);
	bool goes_on = srv_dispatch(worker);
	if (worker->leading)
		atomic_store(&stream->executing, 0);
	return goes_on;
}

/* Executes records for as long as the worker leads. */
static void worker_lead(struct srv_worker *worker)
{
	struct srv_session *session = worker->session;
	while (worker->leading && !session->end) {
		switch (stream_read(&session->stream, &worker->record)) {
		case SRV_INPUT_RECORD:
			if (worker_execute(worker))
				continue;
			break;
		case SRV_INPUT_END:
			srv_session_end(session, "the client closed the connection");
			break;
		case SRV_INPUT_TRUNCATED:
			srv_session_end(session, "the connection ended within a record");
			break;
		case SRV_INPUT_TOO_LONG:
			srv_session_end(session, "the client sent a record that is longer than the protocol allows");
			break;
		}
		worker->leading = false; /* the session has ended: nobody leads any more */
	}
}

void srv_worker_free(struct srv_worker *worker)
{
	srv_record_free(&worker->record);
	srv_record_free(&worker->reply_memory);
	free(worker);
}

static void *worker_main(void *argument)
{
	struct srv_worker *worker = argument;
	struct srv_stream *stream = &worker->session->stream;
	do {
		/* After a call that waited for the device, the lead may still be free. */
		while (worker->leading || stream_take_lead(worker))
			worker_lead(worker);
	} while (stream_wait(stream));
	srv_worker_free(worker);
	return NULL;
}

struct srv_worker *srv_worker_new(struct srv_session *session)
{
	struct srv_worker *worker = calloc(1, sizeof(*worker));
	if (!worker)
		return NULL;
	worker->session = session;
	worker->context_epoch = session->context_epoch; /* a new thread has no context */
	if (srv_record_init(&worker->record) && srv_record_init(&worker->reply_memory)) {
		worker->reply = worker->reply_memory.bytes;
		return worker;
	}
	srv_worker_free(worker);
	return NULL;
}

/* Starts one more thread, which leads at once or waits. Under the lock. */
static bool stream_grow(struct srv_session *session, bool leading)
{
	struct srv_stream *stream = &session->stream;
	struct srv_worker *worker = stream->count < SRV_THREADS_MAX ? srv_worker_new(session) : NULL;
	if (!worker)
		return false;
	worker->leading = leading;
	int error = pthread_create(&stream->threads[stream->count], NULL, worker_main, worker);
	if (error) {
		srv_worker_free(worker);
		errno = error;
		return false;
	}
	stream->count++;
	return true;
}

void srv_stream_hand_over(struct srv_worker *worker)
{
	struct srv_stream *stream = &worker->session->stream;
	if (!worker->leading)
		return;
	pthread_mutex_lock(&stream->reading);
	pthread_mutex_lock(&stream->lock);
	if (!stream->ended && (stream->waiting > 0 || stream_grow(worker->session, false))) {
		worker->leading = false;
		stream->led = false;
		atomic_store(&stream->executing, 0);
		if (stream->ahead || stream->ahead_status != SRV_INPUT_RECORD || srv_input_pending(&stream->input))
			stream_wake(stream);
		else
			stream_arm(stream, true);
	}
	pthread_mutex_unlock(&stream->lock);
	pthread_mutex_unlock(&stream->reading);
}

void srv_stream_end(struct srv_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	stream->ended = true;
	stream_wake(stream);
	pthread_mutex_unlock(&stream->lock);
}

static bool stream_watch(struct srv_stream *stream, int fd, uint32_t events, uint32_t what)
{
	struct epoll_event event = {.events = events, .data.u32 = what};
	return epoll_ctl(stream->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool srv_stream_watch_bytes(struct srv_stream *stream)
{
	return stream_watch(stream, stream->input.transport->watch_fd, EPOLLONESHOT, WATCH_BYTES);
}

bool srv_stream_start(struct srv_session *session)
{
	struct srv_stream *stream = &session->stream;
	pthread_mutex_init(&stream->lock, NULL);
	pthread_mutex_init(&stream->reading, NULL);
	stream->last_ahead = &stream->ahead;
	stream->ahead_status = SRV_INPUT_RECORD;
	srv_input_init(&stream->input, session->transport);
	stream->epoll = epoll_create1(EPOLL_CLOEXEC);
	stream->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	stream->led = true;
	if (stream->epoll < 0 || stream->wake < 0 || !stream_watch(stream, stream->wake, EPOLLIN, WATCH_WAKE) ||
	    !stream_watch(stream, session->transport->fd, EPOLLONESHOT, WATCH_SOCKET))
		return false;
	pthread_mutex_lock(&stream->lock);
	bool started = stream_grow(session, true);
	pthread_mutex_unlock(&stream->lock);
	return started;
}

void srv_stream_join(struct srv_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	unsigned count = stream->count; /* final: no thread is started after the end */
	pthread_mutex_unlock(&stream->lock);
	for (unsigned i = 0; i < count; i++)
		pthread_join(stream->threads[i], NULL);
	close(stream->epoll);
	close(stream->wake);
	for (struct srv_ahead *ahead = stream->ahead, *next; ahead; ahead = next) {
		next = ahead->next;
		free(ahead);
	}
	pthread_mutex_destroy(&stream->reading);
	pthread_mutex_destroy(&stream->lock);
}
