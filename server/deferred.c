#include "deferred.h"

#include <stdlib.h>

#include "dispatch.h"
#include "session.h"

#define ALIGNMENT 256

struct srv_slab {
	struct srv_slab *next;
	CUcontext context; /* pinned memory ends with it */
	char *bytes;
	size_t used;
	unsigned live; /* copies in it */
	bool pinned;
};

void srv_deferred_init(struct srv_deferred *deferred)
{
	*deferred = (struct srv_deferred){.last = &deferred->first};
	pthread_mutex_init(&deferred->lock, NULL);
}

static void slab_free(struct srv_slab *slab)
{
	if (slab->pinned)
		(void)SRV_DRIVER(cuMemFreeHost, slab->bytes);
	else
		free(slab->bytes);
	free(slab);
}

/* From pageable memory the driver would copy synchronously; it serves where a driver has no pinned memory. */
static struct srv_slab *slab_new(CUcontext context)
{
	struct srv_slab *slab = calloc(1, sizeof(*slab));
	if (!slab)
		return NULL;
	void *bytes = NULL;
	slab->context = context;
	slab->pinned = SRV_DRIVER(cuMemHostAlloc, &bytes, SRV_SLAB_BYTES, CU_MEMHOSTALLOC_PORTABLE) == CUDA_SUCCESS;
	slab->bytes = slab->pinned ? bytes : malloc(SRV_SLAB_BYTES);
	if (slab->bytes)
		return slab;
	free(slab);
	return NULL;
}

/* Unlinks and frees the slabs of `context`, or the unused ones of all others. */
static void slabs_free(struct srv_worker *worker, CUcontext context, bool others)
{
	struct srv_deferred *deferred = &worker->session->deferred;
	CUcontext before = worker->context;
	for (struct srv_slab **link = &deferred->slabs; *link;) {
		struct srv_slab *slab = *link;
		if (slab->live > 0 || (slab->context == context) == others) {
			link = &slab->next;
			continue;
		}
		*link = slab->next;
		deferred->slab_count--;
		srv_worker_enter(worker, slab->context);
		slab_free(slab);
	}
	srv_worker_enter(worker, before);
}

static struct srv_slab *slab_find(struct srv_worker *worker, size_t size)
{
	struct srv_deferred *deferred = &worker->session->deferred;
	for (struct srv_slab *slab = deferred->slabs; slab; slab = slab->next) {
		if (slab->context == worker->context && size <= SRV_SLAB_BYTES - slab->used)
			return slab;
	}
	if (deferred->slab_count >= SRV_SLABS_MAX)
		slabs_free(worker, worker->context, true);
	struct srv_slab *slab = deferred->slab_count < SRV_SLABS_MAX ? slab_new(worker->context) : NULL;
	if (slab) {
		slab->next = deferred->slabs;
		deferred->slabs = slab;
		deferred->slab_count++;
	}
	return slab;
}

static void copy_release(struct srv_copy *copy)
{
	copy->slab->live--;
	if (copy->slab->live == 0)
		copy->slab->used = 0;
	free(copy);
}

/* Takes the copy at `link` off the list and sends its data, or the error. */
static void copy_send(struct srv_worker *worker, struct srv_copy **link, CUresult err)
{
	struct srv_deferred *deferred = &worker->session->deferred;
	struct srv_copy *copy = *link;
	*link = copy->next;
	if (!copy->next)
		deferred->last = link;
	(void)SRV_DRIVER(cuEventDestroy_v2, copy->done);
	srv_send_blob(worker, copy->xid, err, copy->data, copy->size);
	copy_release(copy);
	/* Not before it is sent: who sees 0 replies without waiting for the lock, and would overtake the data. */
	deferred->count--;
}

static void copy_send_waiting(struct srv_worker *worker, struct srv_copy **link)
{
	CUcontext before = worker->context;
	srv_worker_enter(worker, (*link)->context);
	copy_send(worker, link, SRV_DRIVER(cuEventSynchronize, (*link)->done));
	srv_worker_enter(worker, before);
}

struct srv_copy *srv_copy_new(struct srv_worker *worker, size_t size)
{
	struct srv_deferred *deferred = &worker->session->deferred;
	struct srv_copy *copy = calloc(1, sizeof(*copy));
	if (!copy)
		return NULL;
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	pthread_mutex_lock(&deferred->lock);
	struct srv_slab *slab;
	while (!(slab = slab_find(worker, size)) && deferred->first)
		copy_send_waiting(worker, &deferred->first);
	if (slab) {
		copy->slab = slab;
		copy->data = slab->bytes + slab->used;
		slab->used += size;
		slab->live++;
	}
	pthread_mutex_unlock(&deferred->lock);
	if (slab)
		return copy;
	free(copy);
	return NULL;
}

void srv_copy_free(struct srv_worker *worker, struct srv_copy *copy)
{
	struct srv_deferred *deferred = &worker->session->deferred;
	pthread_mutex_lock(&deferred->lock);
	copy_release(copy);
	pthread_mutex_unlock(&deferred->lock);
}

CUresult srv_copy_defer(struct srv_call *call, struct srv_copy *copy, CUstream stream)
{
	struct srv_deferred *deferred = &call->session->deferred;
	CUresult err = SRV_DRIVER(cuEventCreate, &copy->done, CU_EVENT_DISABLE_TIMING);
	if (err)
		return err;
	err = SRV_DRIVER(cuEventRecord, copy->done, stream);
	if (err) {
		(void)SRV_DRIVER(cuEventDestroy_v2, copy->done);
		return err;
	}
	copy->xid = call->xid;
	copy->context = call->worker->context;
	copy->stream = stream;
	pthread_mutex_lock(&deferred->lock);
	*deferred->last = copy;
	deferred->last = &copy->next;
	deferred->count++;
	pthread_mutex_unlock(&deferred->lock);
	call->deferred = true;
	return CUDA_SUCCESS;
}

void srv_deferred_flush(struct srv_worker *worker)
{
	struct srv_deferred *deferred = &worker->session->deferred;
	if (atomic_load_explicit(&deferred->count, memory_order_acquire) == 0)
		return;
	pthread_mutex_lock(&deferred->lock);
	const struct srv_copy *unready = NULL; /* what follows it in its stream is not ready either */
	for (struct srv_copy **link = &deferred->first; *link;) {
		struct srv_copy *copy = *link;
		bool behind = unready && unready->stream == copy->stream && unready->context == copy->context;
		CUresult err = CUDA_ERROR_NOT_READY;
		if (!behind) {
			srv_worker_enter(worker, copy->context);
			err = SRV_DRIVER(cuEventQuery, copy->done);
		}
		if (err != CUDA_ERROR_NOT_READY) {
			copy_send(worker, link, err);
			continue;
		}
		unready = copy;
		link = &copy->next;
	}
	pthread_mutex_unlock(&deferred->lock);
}

void srv_deferred_finish(struct srv_worker *worker, CUcontext context)
{
	struct srv_deferred *deferred = &worker->session->deferred;
	pthread_mutex_lock(&deferred->lock);
	for (struct srv_copy **link = &deferred->first; *link;) {
		if ((*link)->context == context)
			copy_send_waiting(worker, link);
		else
			link = &(*link)->next;
	}
	slabs_free(worker, context, false);
	pthread_mutex_unlock(&deferred->lock);
}

void srv_deferred_free(struct srv_deferred *deferred)
{
	while (deferred->first) {
		struct srv_copy *copy = deferred->first;
		deferred->first = copy->next;
		free(copy);
	}
	while (deferred->slabs) {
		struct srv_slab *slab = deferred->slabs;
		deferred->slabs = slab->next;
		if (!slab->pinned) /* pinned memory ends with its context */
			free(slab->bytes);
		free(slab);
	}
	pthread_mutex_destroy(&deferred->lock);
}
