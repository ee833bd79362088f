#include "host_thread.h"

#include <errno.h>
#include <time.h>

#include "dispatch.h"
#include "session.h"

/* How long the leader may be in one call, while the client has tasks, before somebody else reads the stream. */
#define STUCK_MS 5

static struct timespec soon(void)
{
	struct timespec time;
	clock_gettime(CLOCK_REALTIME, &time);
	time.tv_nsec += STUCK_MS * 1000000L;
	if (time.tv_nsec >= 1000000000L) {
		time.tv_sec++;
		time.tv_nsec -= 1000000000L;
	}
	return time;
}

static bool encode_task(XDR *result, void *tasks)
{
	return srv_host_task_take(tasks, result);
}

/* Sends a task that is due to the call that asked for one. Under the lock, which it lets go of. */
static void send_task(struct srv_worker *worker, struct srv_host_tasks *tasks)
{
	uint32_t xid = tasks->asking_xid;
	tasks->asking = false;
	pthread_mutex_unlock(&tasks->lock);
	if (!srv_send_result(worker, xid, encode_task, tasks))
		srv_session_end(worker->session, "a task of the client cannot be encoded");
	pthread_mutex_lock(&tasks->lock);
}

static void *serve_tasks(void *argument)
{
	struct srv_worker *worker = argument;
	struct srv_host_tasks *tasks = &worker->session->host_tasks;
	pthread_mutex_lock(&tasks->lock);
	while (!tasks->ended) {
		if (tasks->asking && tasks->due) {
			send_task(worker, tasks);
			continue;
		}
		if (!tasks->due && !tasks->given) {
			pthread_cond_wait(&tasks->changed, &tasks->lock);
			continue;
		}
		unsigned long call = atomic_load(&worker->session->stream.executing);
		struct timespec deadline = soon();
		if (pthread_cond_timedwait(&tasks->changed, &tasks->lock, &deadline) != ETIMEDOUT || !call)
			continue;
		pthread_mutex_unlock(&tasks->lock);
		if (!srv_stream_read_ahead(worker, call))
			srv_host_tasks_end(tasks); /* the client is gone; the leader goes on to the stream's end */
		pthread_mutex_lock(&tasks->lock);
	}
	pthread_mutex_unlock(&tasks->lock);
	srv_worker_free(worker);
	return NULL;
}

static CUresult start(struct srv_session *session)
{
	struct srv_worker *worker = srv_worker_new(session);
	if (!worker)
		return CUDA_ERROR_OUT_OF_MEMORY;
	session->host_tasks.started = !pthread_create(&session->host_tasks.thread, NULL, serve_tasks, worker);
	if (session->host_tasks.started)
		return CUDA_SUCCESS;
	srv_worker_free(worker);
	return CUDA_ERROR_OPERATING_SYSTEM;
}

CUresult srv_host_thread_ask(struct srv_call *call)
{
	struct srv_host_tasks *tasks = &call->session->host_tasks;
	CUresult err = tasks->started ? CUDA_SUCCESS : start(call->session);
	if (err)
		return err;
	pthread_mutex_lock(&tasks->lock);
	if (tasks->ended)
		err = CUDA_ERROR_DEVICE_UNAVAILABLE;
	else if (tasks->asking)
		err = CUDA_ERROR_INVALID_VALUE; /* one at a time */
	if (!err) {
		tasks->asking = true;
		tasks->asking_xid = call->xid;
		call->deferred = true;
		pthread_cond_broadcast(&tasks->changed);
	}
	pthread_mutex_unlock(&tasks->lock);
	return err;
}

void srv_host_thread_join(struct srv_session *session)
{
	if (session->host_tasks.started)
		pthread_join(session->host_tasks.thread, NULL);
}
