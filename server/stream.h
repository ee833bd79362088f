/* The command stream: one thread at a time, the leader, reads records and executes them in order. A call that waits for
   the device gives the lead away first, so that the stream goes on; the thread replies when its call is done. */
#ifndef SRV_STREAM_H
#define SRV_STREAM_H

#include <pthread.h>
#include <stdbool.h>

#include "record.h"

/* With as many threads waiting for the device, the next waiting call is executed in place. */
#define SRV_THREADS_MAX 32

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
	struct srv_input input; /* the leader's */
};

/* Prepares the stream of `session` (its transport is open) and starts the first thread. False with errno. */
bool srv_stream_start(struct srv_session *session);

/* From now on the transport has a descriptor of its own for its bytes. False: it cannot be watched. */
bool srv_stream_watch_bytes(struct srv_stream *stream);

/* Lets another thread lead, if one can be had. For the leader, before it waits for the device. */
void srv_stream_hand_over(struct srv_worker *worker);

/* Nobody reads the stream any more. Any thread; does not wait. */
void srv_stream_end(struct srv_stream *stream);

/* Waits for all threads and frees the stream, which has ended. */
void srv_stream_join(struct srv_stream *stream);

#endif
