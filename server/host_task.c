#include "host_task.h"

#include <stdlib.h>
#include <string.h>

#include "session.h"

void srv_host_tasks_init(struct srv_host_tasks *tasks)
{
	*tasks = (struct srv_host_tasks){.last_due = &tasks->due};
	pthread_mutex_init(&tasks->lock, NULL);
	pthread_cond_init(&tasks->changed, NULL);
}

/* Pinned memory has ended with its context. */
static void works_free(struct srv_host_work *work)
{
	for (struct srv_host_work *next; work; work = next) {
		next = work->next;
		if (!work->context)
			free(work->staging);
		free(work);
	}
}

void srv_host_tasks_free(struct srv_host_tasks *tasks)
{
	while (tasks->due) {
		struct srv_host_turn *turn = tasks->due;
		tasks->due = turn->next;
		if (turn->announced)
			free(turn);
	}
	works_free(tasks->kept);
	works_free(tasks->unpinned);
}

void srv_host_tasks_end(struct srv_host_tasks *tasks)
{
	pthread_mutex_lock(&tasks->lock);
	tasks->ended = true;
	pthread_cond_broadcast(&tasks->changed);
	pthread_mutex_unlock(&tasks->lock);
}

/* Bytes of the packed box; false when they are too many to count. */
static bool box_size(const host_box *box, size_t *size)
{
	return !__builtin_mul_overflow(box->width, box->height, size) &&
	       !__builtin_mul_overflow(*size, box->depth, size) && *size <= SIZE_MAX / 2;
}

/* ---- Staging memory ---- */

/* Frees what the driver's threads could not. */
static void unpin(struct srv_worker *worker)
{
	struct srv_host_tasks *tasks = &worker->session->host_tasks;
	CUcontext before = worker->context;
	pthread_mutex_lock(&tasks->lock);
	struct srv_host_work *work = tasks->unpinned;
	tasks->unpinned = NULL;
	pthread_mutex_unlock(&tasks->lock);
	while (work) {
		struct srv_host_work *next = work->next;
		srv_worker_enter(worker, work->context);
		(void)SRV_DRIVER(cuMemFreeHost, work->staging);
		free(work);
		work = next;
	}
	srv_worker_enter(worker, before);
}

static bool stage(struct srv_worker *worker, struct srv_host_work *work, size_t size)
{
	void *bytes = NULL;
	bool pinned = SRV_DRIVER(cuMemHostAlloc, &bytes, size, CU_MEMHOSTALLOC_PORTABLE) == CUDA_SUCCESS;
	work->staging = pinned ? bytes : malloc(size);
	work->context = pinned ? worker->context : NULL;
	work->size = size;
	return work->staging;
}

struct srv_host_work *srv_host_work_new(struct srv_worker *worker, host_task_kind kind, u64 function,
					const host_box *box)
{
	size_t size = 0;
	bool staged = kind == HOST_TASK_READ || kind == HOST_TASK_WRITE;
	if (staged && !box_size(box, &size))
		return NULL;
	struct srv_host_work *work = calloc(1, sizeof(*work));
	if (!work)
		return NULL;
	unpin(worker);
	work->session = worker->session;
	work->kind = kind;
	work->function = function;
	work->box = box ? *box : (host_box){0};
	if (!staged || stage(worker, work, size))
		return work;
	free(work);
	return NULL;
}

void srv_host_work_free(struct srv_host_work *work)
{
	struct srv_host_tasks *tasks = &work->session->host_tasks;
	if (!work->context) {
		free(work->staging);
		free(work);
		return;
	}
	pthread_mutex_lock(&tasks->lock);
	work->next = tasks->unpinned;
	tasks->unpinned = work;
	pthread_mutex_unlock(&tasks->lock);
}

/* Nothing of the context is going on any more, but graphs may keep works for ever. */
void srv_host_context_end(struct srv_worker *worker, CUcontext context)
{
	struct srv_host_tasks *tasks = &worker->session->host_tasks;
	CUcontext before = worker->context;
	unpin(worker);
	srv_worker_enter(worker, context);
	pthread_mutex_lock(&tasks->lock);
	for (struct srv_host_work *work = tasks->kept; work; work = work->next) {
		if (work->context != context)
			continue;
		(void)SRV_DRIVER(cuMemFreeHost, work->staging);
		work->staging = NULL;
		work->context = NULL;
		work->size = 0;
	}
	pthread_mutex_unlock(&tasks->lock);
	srv_worker_enter(worker, before);
}

void srv_host_context_gone(struct srv_session *session, CUcontext context)
{
	struct srv_host_tasks *tasks = &session->host_tasks;
	pthread_mutex_lock(&tasks->lock);
	for (struct srv_host_work **link = &tasks->unpinned; *link;) {
		struct srv_host_work *work = *link;
		if (work->context == context) {
			*link = work->next;
			free(work);
		} else {
			link = &work->next;
		}
	}
	pthread_mutex_unlock(&tasks->lock);
}

/* Under the lock. */
static void put_due(struct srv_host_tasks *tasks, struct srv_host_turn *turn)
{
	turn->next = NULL;
	*tasks->last_due = turn;
	tasks->last_due = &turn->next;
	pthread_cond_broadcast(&tasks->changed);
}

/* Takes the turn out of a list. Under the lock. */
static bool take_out(struct srv_host_turn **link, const struct srv_host_turn *turn)
{
	while (*link && *link != turn)
		link = &(*link)->next;
	if (!*link)
		return false;
	*link = turn->next;
	return true;
}

static void take_due(struct srv_host_tasks *tasks, struct srv_host_turn *turn)
{
	if (!take_out(&tasks->due, turn))
		return;
	tasks->last_due = &tasks->due;
	while (*tasks->last_due)
		tasks->last_due = &(*tasks->last_due)->next;
}

static void wait_for_client(struct srv_host_work *work, CUresult status)
{
	struct srv_host_tasks *tasks = &work->session->host_tasks;
	struct srv_host_turn turn = {.work = work, .status = status};
	pthread_mutex_lock(&tasks->lock);
	turn.id = ++tasks->ids;
	if (!tasks->ended)
		put_due(tasks, &turn);
	while (!turn.done && !tasks->ended)
		pthread_cond_wait(&tasks->changed, &tasks->lock);
	if (!turn.done) {
		take_due(tasks, &turn);
		take_out(&tasks->given, &turn);
	}
	pthread_mutex_unlock(&tasks->lock);
	if (work->once)
		srv_host_work_free(work);
}

void CUDA_CB srv_host_work_run(void *work)
{
	wait_for_client(work, CUDA_SUCCESS);
}

void CUDA_CB srv_host_work_callback(CUstream stream, CUresult status, void *work)
{
	(void)stream;
	wait_for_client(work, status);
}

void srv_host_announce(struct srv_session *session, host_task_kind kind, u64 function)
{
	struct srv_host_tasks *tasks = &session->host_tasks;
	struct announced {
		struct srv_host_turn turn;
		struct srv_host_work work;
	} *announced = calloc(1, sizeof(*announced));
	if (!announced)
		return; /* the client keeps a few bytes for longer */
	announced->work = (struct srv_host_work){.kind = kind, .function = function};
	announced->turn = (struct srv_host_turn){.work = &announced->work, .announced = true};
	pthread_mutex_lock(&tasks->lock);
	put_due(tasks, &announced->turn);
	pthread_mutex_unlock(&tasks->lock);
}

void srv_host_forget(struct srv_session *session, u64 function)
{
	srv_host_announce(session, HOST_TASK_FORGET, function);
}

void srv_host_work_keep(struct srv_host_work *work)
{
	struct srv_host_tasks *tasks = &work->session->host_tasks;
	pthread_mutex_lock(&tasks->lock);
	work->next = tasks->kept;
	tasks->kept = work;
	pthread_mutex_unlock(&tasks->lock);
}

/* ---- For the client ---- */

/* Encodes a turn with the next piece of what it writes. */
static bool encode(XDR *result, struct srv_host_turn *turn)
{
	const struct srv_host_work *work = turn->work;
	int err = CUDA_SUCCESS;
	host_task task = {.task = turn->id,
			  .kind = work->kind,
			  .function = work->function,
			  .status = turn->status,
			  .box = work->box,
			  .from = work->from};
	if (work->kind == HOST_TASK_WRITE) {
		size_t left = work->size - turn->sent;
		task.offset = turn->sent;
		task.data.blob_val = (char *)work->staging + turn->sent;
		task.data.blob_len = left < CUDA_BLOB_MAX ? (u_int)left : CUDA_BLOB_MAX;
		turn->sent += task.data.blob_len;
	}
	return xdr_int(result, &err) && xdr_host_task(result, &task);
}

bool srv_host_task_take(struct srv_host_tasks *tasks, XDR *result)
{
	pthread_mutex_lock(&tasks->lock);
	struct srv_host_turn *turn = tasks->due;
	bool encoded = turn && encode(result, turn);
	if (turn) {
		take_due(tasks, turn);
		turn->next = tasks->given;
		if (turn->announced)
			free(turn);
		else
			tasks->given = turn;
	}
	pthread_mutex_unlock(&tasks->lock);
	return encoded;
}

static struct srv_host_turn *find_given(struct srv_host_tasks *tasks, u64 id)
{
	struct srv_host_turn *turn = tasks->given;
	while (turn && turn->id != id)
		turn = turn->next;
	return turn;
}

CUresult srv_host_task_done(struct srv_host_tasks *tasks, u64 id)
{
	pthread_mutex_lock(&tasks->lock);
	struct srv_host_turn *turn = find_given(tasks, id);
	if (turn) {
		take_out(&tasks->given, turn);
		if (turn->work->kind == HOST_TASK_WRITE && turn->sent < turn->work->size) {
			put_due(tasks, turn);
		} else {
			turn->done = true;
			pthread_cond_broadcast(&tasks->changed);
		}
	}
	pthread_mutex_unlock(&tasks->lock);
	return turn ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult srv_host_task_data(struct srv_host_tasks *tasks, u64 id, u64 offset, const void *data, size_t size)
{
	pthread_mutex_lock(&tasks->lock);
	struct srv_host_turn *turn = find_given(tasks, id);
	const struct srv_host_work *work = turn ? turn->work : NULL;
	bool fits = work && work->kind == HOST_TASK_READ && offset <= work->size && size <= work->size - offset;
	if (fits)
		memcpy(work->staging + offset, data, size);
	pthread_mutex_unlock(&tasks->lock);
	return !work ? CUDA_ERROR_INVALID_HANDLE : fits ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
