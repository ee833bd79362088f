/* The command stream: one thread at a time, the leader, reads records and executes them in order. A call that waits for
   the device gives the lead away first, so that the stream goes on; the thread replies when its call is done. */
#ifndef SRV_STREAM_H
#define SRV_STREAM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "record.h"

/* With as many threads waiting for the device, the next waiting call is executed in place. */
#define SRV_THREADS_MAX 32

/* Of records that are read while the leader is in a call; no more are read then. */
#define SRV_AHEAD_BYTES_MAX (64u << 20)

struct srv_ahead;
struct srv_session;
struct srv_worker;

struct srv_stream {
	pthread_mutex_t lock;
	int epoll;  /* what threads without a call wait on: */
	int wake;   /* an eventfd, readable when somebody should look; stays readable at the end */
	bool armed; /* ... and the socket, armed for one event while nobody leads and nothing is buffered */
	bool led;   /* somebody leads */
	bool ended; /* nobody will lead again */
	unsigned count, waiting;
	pthread_t threads[SRV_THREADS_MAX];
	pthread_mutex_t reading; /* guards what follows; taken before `lock` */
	struct srv_input input;
	struct srv_ahead *ahead, **last_ahead; /* records that were read while the leader could not */
	size_t ahead_bytes;
	enum srv_input_status ahead_status; /* of what comes behind them: SRV_INPUT_RECORD, or an end */
	atomic_ulong executing;             /* number of the call that the leader is in; 0: none */
	unsigned long executed;             /* the leader's: calls so far */
};

/* Prepares the stream of `session` (its transport is open) and starts the first thread. False with errno. */
bool srv_stream_start(struct srv_session *session);

/* From now on the transport has a descriptor of its own for its bytes. False: it cannot be watched. */
bool srv_stream_watch_bytes(struct srv_stream *stream);

/* Lets another thread lead, if one can be had. For the leader, before it waits for the device. */
void srv_stream_hand_over(struct srv_worker *worker);

/* If the leader still is in `call`, reads what has arrived: answers to tasks are executed, other records kept for the
   leader. `worker` does not lead. False when the stream has ended behind what was read. */
bool srv_stream_read_ahead(struct srv_worker *worker, unsigned long call);

/* A worker that does not lead; NULL with errno. */
struct srv_worker *srv_worker_new(struct srv_session *session);
void srv_worker_free(struct srv_worker *worker);

/* Nobody reads the stream any more. Any thread; does not wait. */
void srv_stream_end(struct srv_stream *stream);

/* Waits for all threads and frees the stream, which has ended. */
void srv_stream_join(struct srv_stream *stream);

#endif
