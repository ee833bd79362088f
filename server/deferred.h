/* Copies to the host that were asked for in stream order and are answered when the device is done: the data waits in
   pinned staging memory, an event behind the copy tells when it is there. */
#ifndef SRV_DEFERRED_H
#define SRV_DEFERRED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call.h"

/* Staging memory comes in slabs, each as large as the largest copy; 64 MiB in all. */
#define SRV_SLAB_BYTES CUDA_BLOB_MAX
#define SRV_SLABS_MAX 16

struct srv_worker;
struct srv_slab;

struct srv_copy {
	struct srv_copy *next;
	uint32_t xid;
	CUcontext context;
	CUstream stream;
	CUevent done;
	struct srv_slab *slab;
	void *data; /* in the slab */
	size_t size;
};

struct srv_deferred {
	pthread_mutex_t lock;
	struct srv_copy *first, **last;
	struct srv_slab *slabs;
	unsigned slab_count;
	_Atomic unsigned count; /* of copies: looked at without the lock */
};

void srv_deferred_init(struct srv_deferred *deferred);

/* Staging memory for `size` bytes (at most CUDA_BLOB_MAX) in the worker's context. Where too much is staged, waits for
   the oldest copies and sends them. NULL when memory is exhausted. */
struct srv_copy *srv_copy_new(struct srv_worker *worker, size_t size);

/* The copy has been issued into `stream`: from now on its data is sent when it is there, as the reply to the call.
   On an error the caller still owns the copy. */
CUresult srv_copy_defer(struct srv_call *call, struct srv_copy *copy, CUstream stream);

/* Gives back a copy that has not been deferred. */
void srv_copy_free(struct srv_worker *worker, struct srv_copy *copy);

/* Sends the data of all copies that the device has completed. Before every other reply, so that a client which learns
   of a completion has the data that it implies. Any thread. */
void srv_deferred_flush(struct srv_worker *worker);

/* `context` is about to end: waits for its copies, sends them, frees its staging memory. */
void srv_deferred_finish(struct srv_worker *worker, CUcontext context);

/* Forgets everything, at the end of the session. */
void srv_deferred_free(struct srv_deferred *deferred);

#endif
