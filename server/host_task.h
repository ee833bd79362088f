/* Tasks for the client's process: a stream of the driver waits in a host function until the client has done one. */
#ifndef SRV_HOST_TASK_H
#define SRV_HOST_TASK_H

#include <pthread.h>
#include <stdbool.h>

#include "call.h"

struct srv_session;
struct srv_worker;

/* What is to be done, as often as the stream or graph that it is in gets there. */
struct srv_host_work {
	struct srv_host_work *next; /* of those that are kept */
	struct srv_session *session;
	host_task_kind kind;
	u64 function;
	host_box box, from;
	unsigned char *staging; /* of READ and WRITE: the packed box */
	size_t size;            /* of the staging memory */
	CUcontext context;      /* in which the staging memory is pinned; NULL: it is not */
	bool once;              /* freed when it has been done */
};

/* One turn of a work: lives on the stack of the driver's thread that waits for it. */
struct srv_host_turn {
	struct srv_host_turn *next; /* in the queue, or among those that the client has */
	const struct srv_host_work *work;
	u64 id;
	CUresult status;
	size_t sent;    /* of the staging memory */
	bool announced; /* on the heap: nobody waits */
	bool done;
};

struct srv_host_tasks {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct srv_host_turn *due, **last_due; /* for the client to ask for */
	struct srv_host_turn *given;           /* the client has them */
	struct srv_host_work *kept;            /* until the session ends */
	struct srv_host_work *unpinned;        /* done with, but their staging memory is still pinned */
	u64 ids;
	bool asking; /* the client waits for a task, ... */
	uint32_t asking_xid;
	pthread_t thread; /* ... which this one sends (host_thread.h) */
	bool started;
	bool ended; /* the client is gone: nothing waits any more */
};

void srv_host_tasks_init(struct srv_host_tasks *tasks);
void srv_host_tasks_free(struct srv_host_tasks *tasks);

/* Releases everybody who waits, for good. Any thread. */
void srv_host_tasks_end(struct srv_host_tasks *tasks);

/* A work of `kind`, with staging memory for the packed `box` where it needs some, pinned in the worker's context if
   that can be had: a driver reads pageable memory too early. NULL when memory is exhausted, or the box is larger than
   any. */
struct srv_host_work *srv_host_work_new(struct srv_worker *worker, host_task_kind kind, u64 function,
					const host_box *box);

/* Frees a work; also on the driver's threads, since the driver is called later. */
void srv_host_work_free(struct srv_host_work *work);

/* The worker's `context` is about to end: unpins what is pinned there. */
void srv_host_context_end(struct srv_worker *worker, CUcontext context);

/* It has ended, and with it the pinned memory of what was going on until then. */
void srv_host_context_gone(struct srv_session *session, CUcontext context);

/* Leaves the work to the session, which frees it at its end. */
void srv_host_work_keep(struct srv_host_work *work);

/* Has the client done the work: to be passed to the driver as a host function, or as a stream callback. */
void CUDA_CB srv_host_work_run(void *work);
void CUDA_CB srv_host_work_callback(CUstream stream, CUresult status, void *work);

/* Launches the work as a host function of the driver and takes it over, also in a capture. */
CUresult srv_host_work_launch(struct srv_call *call, CUstream stream, struct srv_host_work *work);

/* Tells the client of something that nobody waits for. */
void srv_host_announce(struct srv_session *session, host_task_kind kind, u64 function);

/* Tells the client that it may forget a registered function. */
void srv_host_forget(struct srv_session *session, u64 function);

/* Gives the client the first task that is due: encodes it as a host_task_res. False if there is none, or no room. */
bool srv_host_task_take(struct srv_host_tasks *tasks, XDR *result);

/* The client has done a task that it was given; what is left to write becomes due again. */
CUresult srv_host_task_done(struct srv_host_tasks *tasks, u64 id);

/* Bytes of a box that the client was asked for. */
CUresult srv_host_task_data(struct srv_host_tasks *tasks, u64 id, u64 offset, const void *data, size_t size);

#endif
