/* A session: one client, one process. What its threads share. */
#ifndef SRV_SESSION_H
#define SRV_SESSION_H

#include <pthread.h>
#include <stdatomic.h>

#include "call.h"
#include "config.h"
#include "deferred.h"
#include "graph.h"
#include "handle.h"
#include "host_task.h"
#include "image.h"
#include "record.h"
#include "stream.h"
#include "transport.h"

/* An entry of a handle table. */
struct srv_object {
	void *handle;      /* the driver's */
	CUcontext owner;   /* the context that takes it along when it ends; NULL: none */
	uint64_t parent;   /* id of a function's module or library, a module's library, a level's mipmapped array */
	bool kernel;       /* function: a CUkernel */
	bool surface;      /* texture: a surface object */
	bool primary;      /* context: of `device` */
	CUdevice device;   /* context */
	unsigned retained; /* primary context: by the client */
	size_t parameter_bytes; /* function: what a launch must bring at least */
};

struct srv_grant;

struct srv_session {
	struct srv_config config;
	struct cr_transport *transport;
	pthread_mutex_t send_lock;
	struct srv_stream stream;
	int memory;           /* offered to the client, until it is used; -1: none */
	struct cr_rdma *rdma; /* the same */

	int driver_version; /* 0: the driver has not been started */

	/* The leader's (stream.h); they change hands with the stream's lock. */
	bool greeted, oneway;
	CUresult latched;               /* first error of an async call that nobody has been told */
	CUcontext context;              /* the stream's current context ... */
	_Atomic uint64_t context_epoch; /* ... which threads make their own again when this has changed */
	struct srv_images images;
	unsigned spare_retains[CRICKET_DEVICES_MAX]; /* of primary contexts, made for the first client's */

	struct srv_grant *grants[CRICKET_DEVICES_MAX]; /* NULL where the client has not asked (grant.h) */

	pthread_mutex_t handle_lock;
	struct cr_handle_table handles[CR_KIND_COUNT];

	struct srv_deferred deferred;
	struct srv_host_tasks host_tasks;
	struct srv_graphs graphs;

	/* Statistics. */
	_Atomic uint64_t calls, errors, bytes_sent;
	_Atomic uint64_t *procedure_calls; /* by place in srv_cuda_procs */

	_Atomic bool hello_done; /* a good HELLO came: no more timeout */
	const char *_Atomic end; /* why the session ends; the first reason stays */
	char client[64];         /* its name, for the log */
};

/* A thread of the session. */
struct srv_worker {
	struct srv_session *session;
	struct srv_record record; /* what it executes */
	unsigned char *reply;     /* CRICKET_RECORD_MAX bytes: record mark and reply */
	struct srv_record reply_memory;
	bool leading;      /* reads the stream */
	CUcontext context; /* current in the driver */
	uint64_t context_epoch;
};

/* Runs the session whose client is at the other end of `socket`, or will come over it if the configuration says that it
   is a warm one (warm.h); the process's exit status. */
int srv_session_main(int socket, int config);

/* Ends the session as soon as possible because of `reason` (a string constant). Any thread. */
void srv_session_end(struct srv_session *session, const char *reason);

/* Sends a record, whole, before or after that of any other thread. False when the client is gone. */
bool srv_send(struct srv_session *session, struct iovec *vector, int count);

/* Makes `context` current for the worker; NULL is none. */
CUresult srv_worker_enter(struct srv_worker *worker, CUcontext context);

#endif
