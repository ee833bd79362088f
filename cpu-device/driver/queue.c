#include "queue.h"

#include <stdlib.h>
#include <time.h>

#include "capture.h"
#include "context.h"
#include "driver.h"
#include "executor.h"

/* Bounds the memory of a program that launches faster than the device works. */
enum { PENDING_LIMIT = 8192, PENDING_RESUME = 4096, OPS_PER_BLOCK = 64, CHAIN_MOST = 16 };

static struct {
	struct drv_link active; /* streams with operations, the least recently served first */
	struct drv_op *loose, **loose_end;
	struct drv_op *unused;
	uint64_t sequence;
	size_t pending;
	unsigned throttled; /* threads that wait for `pending` to fall */
	bool unsettled;     /* operations that take no time may have become ready in other streams */
} queue = {
    .active = {&queue.active, &queue.active},
    .loose_end = &queue.loose,
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
	op->start = NULL;
	op->end = end;
	op->wait = NULL;
	op->always = op->wake = op->running = op->loose = false;
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

static bool is_blocking(const struct drv_stream *stream)
{
	return !(stream->flags & CU_STREAM_NON_BLOCKING);
}

/* The legacy stream and the blocking streams of a context wait for each other's earlier operations. Gives a stream that
   the operation waits for in this way, or NULL. */
static struct drv_stream *legacy_order_blocker(const struct drv_op *op)
{
	struct drv_stream *legacy = &op->stream->context->legacy;
	if (op->stream != legacy)
		return is_blocking(op->stream) && legacy->head && legacy->head->sequence < op->sequence ? legacy : NULL;
	for (struct drv_link *link = queue.active.next; link != &queue.active; link = link->next) {
		struct drv_stream *other = DRV_ENTRY(link, struct drv_stream, active);
		if (other->context == legacy->context && is_blocking(other) && other->head->sequence < op->sequence)
			return other;
	}
	return NULL;
}

static bool may_run(const struct drv_op *op)
{
	return !op->running && (!op->wait || op->wait->done) && !legacy_order_blocker(op);
}

/* The first loose operation after `op` (NULL: of all) that may run, in `stream` or, if that is NULL, in any. */
static struct drv_op *loose_find(struct drv_op *op, const struct drv_stream *stream)
{
	for (op = op ? op->next : queue.loose; op; op = op->next)
		if ((!stream || op->stream == stream) && (!op->wait || op->wait->done))
			return op;
	return NULL;
}

/* Loose operations come first: they are parts of what began before. */
struct drv_op *drv_queue_find(void)
{
	struct drv_op *best = loose_find(NULL, NULL);
	if (best)
		return best;
	for (struct drv_link *link = queue.active.next; link != &queue.active; link = link->next) {
		struct drv_stream *stream = DRV_ENTRY(link, struct drv_stream, active);
		if ((best && stream->priority >= best->stream->priority) || !may_run(stream->head))
			continue;
		best = stream->head;
		if (best->stream->priority == DRV_PRIORITY_GREATEST || !drv_streams_prioritised())
			break;
	}
	return best;
}

bool drv_queue_has_more(const struct drv_op *op)
{
	struct drv_op *loose = loose_find(NULL, NULL);
	if (loose && (loose != op || loose_find(loose, NULL)))
		return true;
	for (struct drv_link *link = queue.active.next; link != &queue.active; link = link->next) {
		struct drv_op *head = DRV_ENTRY(link, struct drv_stream, active)->head;
		if (head != op && may_run(head))
			return true;
	}
	return false;
}

struct drv_op *drv_queue_find_for(struct drv_stream *stream)
{
	for (int i = 0; i < CHAIN_MOST && stream && stream->head; i++) {
		struct drv_op *op = stream->head;
		if (op->running)
			return loose_find(NULL, stream);
		if (may_run(op))
			return op;
		stream = op->wait && !op->wait->done ? op->wait->stream : legacy_order_blocker(op);
	}
	return NULL;
}

/* Running */

static void loose_remove(struct drv_op *op)
{
	struct drv_op **link = &queue.loose;
	while (*link != op)
		link = &(*link)->next;
	*link = op->next;
	if (!*link)
		queue.loose_end = link;
}

static void op_run(struct drv_op *op)
{
	struct drv_context *context = op->stream->context;
	op->status = context->sticky;
	if (!op->run || (op->status != CUDA_SUCCESS && !op->always))
		return;
	drv_unlock();
	op->status = op->run(op);
	drv_lock();
	if (context->sticky == CUDA_SUCCESS)
		context->sticky = op->status;
}

static void op_complete(struct drv_op *op)
{
	struct drv_stream *stream = op->stream, *legacy = &stream->context->legacy;
	stream->head = op->next;
	drv_list_remove(&stream->active);
	if (stream->head)
		drv_list_append(&queue.active, &stream->active);
	else
		stream->tail = NULL;
	queue.unsettled |= stream == legacy || (legacy->head && is_blocking(stream));
	stream->context->pending--;
	queue.pending--;
	if (op->wake || (queue.throttled && queue.pending <= PENDING_RESUME))
		drv_wait_wake();
	op_end(op);
	drv_stream_reap(stream);
}

static void op_start(struct drv_op *op)
{
	op->status = op->stream->context->sticky;
	if (op->status != CUDA_SUCCESS) {
		op_complete(op);
		return;
	}
	op->running = true;
	op->start(op);
}

/* Ends or starts the operations at the head of a stream that take no time; true if there was one. Events get the time
   at which the work before them ended. */
static bool stream_settle(struct drv_stream *stream)
{
	struct drv_op *op = stream->head;
	if (op->run || !may_run(op))
		return false;
	if (op->start)
		op_start(op);
	else
		op_complete(op);
	return true;
}

/* A stream that is served moves to the end, where this comes to it again. */
static bool streams_settle(void)
{
	bool any = false;
	for (struct drv_link *link = queue.active.next, *next; link != &queue.active; link = next) {
		next = link->next;
		any |= stream_settle(DRV_ENTRY(link, struct drv_stream, active));
	}
	return any;
}

static void settle(void)
{
	while (queue.unsettled) {
		queue.unsettled = false;
		while (streams_settle())
			continue;
	}
}

/* After an operation has ended: its stream comes to the next one, which may take no time, as may others that waited. */
static void stream_go_on(struct drv_stream *stream)
{
	stream->pins++;
	while (stream->head && stream_settle(stream))
		continue;
	settle();
	stream->pins--;
	drv_stream_reap(stream);
}

void drv_queue_execute(struct drv_op *op)
{
	struct drv_stream *stream = op->stream;
	if (!op->run) {
		queue.unsettled = true;
		settle();
		return;
	}
	stream->pins++;
	op->running = true;
	if (op->loose)
		loose_remove(op);
	op_run(op);
	if (op->loose)
		op_end(op);
	else
		op_complete(op);
	stream->pins--;
	stream_go_on(stream);
}

void drv_op_finish(struct drv_op *op)
{
	op_complete(op);
	queue.unsettled = true;
}

/* Waiting */

struct stream_target {
	struct drv_stream *stream;
	uint64_t sequence;
};

static bool stream_reached(const void *what)
{
	const struct stream_target *target = what;
	return !target->stream->head || target->stream->head->sequence > target->sequence;
}

static struct drv_op *stream_find(const void *what)
{
	return drv_queue_find_for(((const struct stream_target *)what)->stream);
}

CUresult drv_queue_wait_stream(struct drv_stream *stream)
{
	struct drv_context *context = stream->context;
	struct stream_target target = {stream, queue.sequence};
	drv_context_pin(context);
	if (stream->tail) {
		stream->tail->wake = true;
		stream->pins++;
		drv_wait_until(stream_reached, stream_find, &target);
		stream->pins--;
		drv_stream_reap(stream);
	}
	return drv_context_unpin(context);
}

struct context_target {
	const struct drv_context *context;
	uint64_t sequence;
};

/* Is the stream one of those that still are to reach the target? */
static bool is_behind(const struct drv_stream *stream, const struct context_target *target)
{
	return stream->context == target->context && stream->head->sequence <= target->sequence;
}

static bool context_reached(const void *what)
{
	const struct context_target *target = what;
	if (!target->context->pending)
		return true;
	for (struct drv_link *link = queue.active.next; link != &queue.active; link = link->next)
		if (is_behind(DRV_ENTRY(link, struct drv_stream, active), target))
			return false;
	return true;
}

static struct drv_op *context_find(const void *what)
{
	const struct context_target *target = what;
	struct drv_op *op = NULL;
	for (struct drv_link *link = queue.active.next; link != &queue.active && !op; link = link->next)
		if (is_behind(DRV_ENTRY(link, struct drv_stream, active), target))
			op = drv_queue_find_for(DRV_ENTRY(link, struct drv_stream, active));
	return op;
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
	drv_wait_until(context_reached, context_find, &target);
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

static struct drv_op *mark_find(const void *what)
{
	return drv_queue_find_for(((const struct drv_mark *)what)->stream);
}

CUresult drv_queue_wait_mark(struct drv_mark *mark)
{
	struct drv_context *context = mark->context;
	if (mark->done)
		return context->sticky;
	drv_context_pin(context);
	drv_mark_hold(mark);
	mark->wake = true;
	drv_wait_until(mark_reached, mark_find, mark);
	drv_mark_drop(mark);
	return drv_context_unpin(context);
}

static bool pending_low(const void *unused)
{
	(void)unused;
	return queue.pending <= PENDING_RESUME;
}

/* Takes part in nothing: what it ran might wait for what the program does next. */
static void throttle(void)
{
	queue.throttled++;
	drv_wait_until(pending_low, NULL, NULL);
	queue.throttled--;
}

/* Submitting */

static void op_append(struct drv_op *op)
{
	struct drv_stream *stream = op->stream;
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
	struct drv_stream *stream = op->stream;
	CUresult result = drv_capture_check(stream);
	if (result == CUDA_SUCCESS && !drv_executors_start())
		result = CUDA_ERROR_OPERATING_SYSTEM;
	if (result != CUDA_SUCCESS) {
		op_end(op);
		return result;
	}
	op->sequence = ++queue.sequence;
	bool first = !stream->tail && may_run(op);
	/* Nothing is ahead of an operation that does nothing: it need not go through the queue. */
	if (first && !op->run && !op->start) {
		op_end(op);
		return CUDA_SUCCESS;
	}
	op_append(op);
	if (first && op->start) {
		op_start(op);
		settle();
	} else if (first) {
		drv_executors_call();
	}
	if (queue.pending > PENDING_LIMIT)
		throttle();
	return CUDA_SUCCESS;
}

CUresult drv_queue_finish(struct drv_op *op)
{
	CUresult result = drv_capture_check(op->stream);
	if (result != CUDA_SUCCESS) {
		op_end(op);
		return result;
	}
	op->sequence = ++queue.sequence;
	op_append(op);
	return drv_queue_wait_stream(op->stream);
}

void drv_queue_submit_loose(struct drv_op *op)
{
	op->sequence = ++queue.sequence;
	op->loose = true;
	op->next = NULL;
	*queue.loose_end = op;
	queue.loose_end = &op->next;
	drv_executors_call();
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
	mark->stream = NULL;
	queue.unsettled |= mark->waited;
	if (mark->wake)
		drv_wait_wake();
}
