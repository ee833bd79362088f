#include "queue.h"

#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "context.h"
#include "driver.h"
#include "log.h"

/* Bounds the memory of a program that launches faster than the device works. */
enum { PENDING_LIMIT = 8192, PENDING_RESUME = 4096, OPS_PER_BLOCK = 64 };

static struct {
	struct drv_link active; /* streams with operations, the least recently served first */
	struct drv_op *unused;
	uint64_t sequence;
	size_t pending;
	unsigned throttled; /* threads that wait for `pending` to fall */
	bool started;
	bool running;  /* a thread runs an operation */
	bool sleeping; /* the scheduler thread waits for `work` */
	pthread_cond_t work;
	pthread_cond_t done;
} queue = {
    .active = {&queue.active, &queue.active},
    .work = PTHREAD_COND_INITIALIZER,
    .done = PTHREAD_COND_INITIALIZER,
};

/* Operations */

static bool ops_grow(void)
{
	struct drv_op *block = calloc(OPS_PER_BLOCK, sizeof *block);
	if (!block)
		return false;
	for (int i = 0; i < OPS_PER_BLOCK; i++) {
		block[i].next = queue.unused;
		queue.unused = &block[i];
	}
	return true;
}

struct drv_op *drv_op_new(struct drv_stream *stream, CUresult (*run)(struct drv_op *), void (*end)(struct drv_op *))
{
	if (!queue.unused && !ops_grow())
		return NULL;
	struct drv_op *op = queue.unused;
	queue.unused = op->next;
	op->next = NULL;
	op->stream = stream;
	op->run = run;
	op->end = end;
	op->wait = NULL;
	op->always = op->wake = false;
	return op;
}

static void op_end(struct drv_op *op)
{
	if (op->end)
		op->end(op);
	drv_mark_drop(op->wait);
	op->next = queue.unused;
	queue.unused = op;
}

void drv_op_cancel(struct drv_op *op)
{
	op_end(op);
}

/* Order */

/* The legacy stream and the blocking streams of a context wait for each other's earlier operations. */
static bool legacy_order_allows(const struct drv_op *op)
{
	struct drv_stream *legacy = &op->stream->context->legacy;
	if (op->stream != legacy)
		return (op->stream->flags & CU_STREAM_NON_BLOCKING) || !legacy->head ||
		       legacy->head->sequence > op->sequence;
	for (struct drv_link *link = queue.active.next; link != &queue.active; link = link->next) {
		struct drv_stream *other = DRV_ENTRY(link, struct drv_stream, active);
		if (other->context == legacy->context && !(other->flags & CU_STREAM_NON_BLOCKING) &&
		    other->head->sequence < op->sequence)
			return false;
	}
	return true;
}

static struct drv_op *runnable_find(void)
{
	for (struct drv_link *link = queue.active.next; link != &queue.active; link = link->next) {
		struct drv_op *op = DRV_ENTRY(link, struct drv_stream, active)->head;
		if ((!op->wait || op->wait->done) && legacy_order_allows(op))
			return op;
	}
	return NULL;
}

/* Running */

static void op_run(struct drv_op *op)
{
	struct drv_context *context = op->stream->context;
	op->status = context->sticky;
	if (!op->run || (op->status != CUDA_SUCCESS && !op->always))
		return;
	queue.running = true;
	drv_unlock();
	op->status = op->run(op);
	drv_lock();
	queue.running = false;
	if (context->sticky == CUDA_SUCCESS)
		context->sticky = op->status;
}

static void op_complete(struct drv_op *op)
{
	struct drv_stream *stream = op->stream;
	stream->head = op->next;
	drv_list_remove(&stream->active);
	if (stream->head)
		drv_list_append(&queue.active, &stream->active);
	else
		stream->tail = NULL;
	stream->context->pending--;
	queue.pending--;
	if (op->wake || (queue.throttled && queue.pending <= PENDING_RESUME))
		pthread_cond_broadcast(&queue.done);
	op_end(op);
	drv_stream_reap(stream);
}

static bool run_one(void)
{
	struct drv_op *op = runnable_find();
	if (!op)
		return false;
	op_run(op);
	op_complete(op);
	return true;
}

static void scheduler_wake(void)
{
	if (queue.sleeping && !queue.running) {
		queue.sleeping = false;
		pthread_cond_signal(&queue.work);
	}
}

static void *scheduler(void *unused)
{
	(void)unused;
	/* Kernels run with the default rounding and denormals, whatever the program chose for its threads. */
	fesetenv(FE_DFL_ENV);
	drv_lock();
	for (;;) {
		while (!queue.running && run_one())
			continue;
		queue.sleeping = true;
		while (queue.sleeping)
			pthread_cond_wait(&queue.work, drv_mutex());
	}
	return NULL;
}

static bool scheduler_start(void)
{
	sigset_t all, old;
	pthread_attr_t attributes;
	pthread_t thread;

	if (queue.started)
		return true;
	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	queue.started = pthread_create(&thread, &attributes, scheduler, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	if (!queue.started)
		drv_log(DRV_LOG_ERROR, "CPU device: no thread can be started to run the work");
	return queue.started;
}

/* Waiting */

/* What is left to do goes to the scheduler thread, or as long as there is none to another waiting thread. */
static void work_hand_over(void)
{
	if (!queue.pending)
		return;
	if (queue.started)
		scheduler_wake();
	else
		pthread_cond_broadcast(&queue.done);
}

/* Waits until `ready(what)`, running operations meanwhile if no other thread does. */
static void wait_until(bool (*ready)(const void *), const void *what)
{
	fenv_t environment;
	if (ready(what))
		return;
	fegetenv(&environment);
	fesetenv(FE_DFL_ENV);
	while (!ready(what))
		if (queue.running || !run_one())
			pthread_cond_wait(&queue.done, drv_mutex());
	fesetenv(&environment);
	work_hand_over();
}

struct stream_target {
	const struct drv_stream *stream;
	uint64_t sequence;
};

static bool stream_reached(const void *what)
{
	const struct stream_target *target = what;
	return !target->stream->head || target->stream->head->sequence > target->sequence;
}

CUresult drv_queue_wait_stream(struct drv_stream *stream)
{
	struct drv_context *context = stream->context;
	struct stream_target target = {stream, queue.sequence};
	drv_context_pin(context);
	if (stream->tail) {
		stream->tail->wake = true;
		stream->pins++;
		wait_until(stream_reached, &target);
		stream->pins--;
		drv_stream_reap(stream);
	}
	return drv_context_unpin(context);
}

struct context_target {
	const struct drv_context *context;
	uint64_t sequence;
};

static bool context_reached(const void *what)
{
	const struct context_target *target = what;
	if (!target->context->pending)
		return true;
	for (struct drv_link *link = queue.active.next; link != &queue.active; link = link->next) {
		struct drv_stream *stream = DRV_ENTRY(link, struct drv_stream, active);
		if (stream->context == target->context && stream->head->sequence <= target->sequence)
			return false;
	}
	return true;
}

CUresult drv_queue_wait_context(struct drv_context *context)
{
	struct context_target target = {context, queue.sequence};
	drv_context_pin(context);
	for (struct drv_link *link = queue.active.next; link != &queue.active; link = link->next) {
		struct drv_stream *stream = DRV_ENTRY(link, struct drv_stream, active);
		if (stream->context == context)
			stream->tail->wake = true;
	}
	wait_until(context_reached, &target);
	return drv_context_unpin(context);
}

void drv_queue_drain(struct drv_context *context)
{
	drv_context_pin(context);
	while (context->pending)
		(void)drv_queue_wait_context(context);
	(void)drv_context_unpin(context);
}

static bool mark_reached(const void *what)
{
	return ((const struct drv_mark *)what)->done;
}

CUresult drv_queue_wait_mark(struct drv_mark *mark)
{
	struct drv_context *context = mark->context;
	if (mark->done)
		return context->sticky;
	drv_context_pin(context);
	drv_mark_hold(mark);
	mark->wake = true;
	wait_until(mark_reached, mark);
	drv_mark_drop(mark);
	return drv_context_unpin(context);
}

static bool pending_low(const void *unused)
{
	(void)unused;
	return queue.pending <= PENDING_RESUME;
}

static void throttle(void)
{
	queue.throttled++;
	wait_until(pending_low, NULL);
	queue.throttled--;
}

/* Submitting */

static void op_append(struct drv_op *op)
{
	struct drv_stream *stream = op->stream;
	op->sequence = ++queue.sequence;
	if (stream->tail)
		stream->tail->next = op;
	else
		stream->head = op;
	if (!stream->tail)
		drv_list_append(&queue.active, &stream->active);
	stream->tail = op;
	stream->context->pending++;
	queue.pending++;
}

CUresult drv_queue_submit(struct drv_op *op)
{
	if (!scheduler_start()) {
		op_end(op);
		return CUDA_ERROR_OPERATING_SYSTEM;
	}
	/* Nothing is ahead of an operation that does nothing: it need not go through the queue. */
	if (!op->run && !op->wait && !queue.pending) {
		op_end(op);
		return CUDA_SUCCESS;
	}
	op_append(op);
	scheduler_wake();
	if (queue.pending > PENDING_LIMIT)
		throttle();
	return CUDA_SUCCESS;
}

CUresult drv_queue_finish(struct drv_op *op)
{
	op_append(op);
	return drv_queue_wait_stream(op->stream);
}

/* Marks */

struct drv_mark *drv_mark_new(struct drv_context *context)
{
	struct drv_mark *mark = calloc(1, sizeof *mark);
	if (mark) {
		mark->references = 1;
		mark->context = context;
	}
	return mark;
}

struct drv_mark *drv_mark_hold(struct drv_mark *mark)
{
	mark->references++;
	return mark;
}

void drv_mark_drop(struct drv_mark *mark)
{
	if (mark && --mark->references == 0)
		free(mark);
}

void drv_mark_reach(struct drv_mark *mark)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	mark->nanoseconds = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	mark->done = true;
	if (mark->wake)
		pthread_cond_broadcast(&queue.done);
}
