/* The work queue of the device: operations wait in the FIFOs of their streams. Those of different streams run side by
   side, each on a thread of the driver (executor.h) or of the program that waits for its end. */
#ifndef DRV_QUEUE_H
#define DRV_QUEUE_H

#include <cuda.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream.h"

/* A point in a stream: what cuEventRecord() leaves behind and cuStreamWaitEvent() waits for. */
struct drv_mark {
	unsigned references;
	bool done;
	bool wake;            /* a thread waits for it */
	bool waited;          /* an operation waits for it */
	uint64_t nanoseconds; /* CLOCK_MONOTONIC when the work before it had ended */
	struct drv_context *context;
	struct drv_stream *stream; /* in which it lies ahead; NULL once it is done */
};

enum { DRV_OP_BODY = 416 };

/* One operation. `body` holds what its kind needs. */
struct drv_op {
	struct drv_op *next;
	struct drv_stream *stream;
	uint64_t sequence;
	/* Does the work, without the lock; an error becomes the context's sticky error. NULL: nothing to do. Not called
	 * once the context has an error, unless `always` is set. */
	CUresult (*run)(struct drv_op *op);
	/* Instead of `run`: begins the work, with the lock; drv_op_finish() ends it. Not called once the context has an
	 * error. */
	void (*start)(struct drv_op *op);
	/* Gives back what the operation held, with the lock; NULL: nothing. Called exactly once. */
	void (*end)(struct drv_op *op);
	struct drv_mark *wait; /* not before this is done; a reference */
	CUresult status;       /* the context's sticky error when `run` is called; what it returned when `end` is */
	bool always;
	bool wake;    /* a thread waits for it to end */
	bool running; /* a thread runs it, or it has been started */
	bool loose;   /* a part of the operation that its stream is at: not in the FIFO */
	alignas(max_align_t) unsigned char body[DRV_OP_BODY];
};

/* A blank operation for `stream`; NULL when memory is short. Needs the lock, as all functions here. */
struct drv_op *drv_op_new(struct drv_stream *stream, CUresult (*run)(struct drv_op *), void (*end)(struct drv_op *));

/* Ends an operation that was not submitted. */
void drv_op_cancel(struct drv_op *op);

/* The body of an operation as a `type`. */
#define DRV_BODY(op, type) ((type *)(void *)(op)->body)

/* Puts the operation at the end of its stream. Returns at once, unless thousands of operations wait: then it waits for
   some of them (and the lock is given up for a while). On CUDA_ERROR_OPERATING_SYSTEM (no thread to run it) and
   those of drv_capture_check() the operation has been ended. */
CUresult drv_queue_submit(struct drv_op *op);

/* As drv_queue_submit(), and waits for its end; returns the sticky error of its context. */
CUresult drv_queue_finish(struct drv_op *op);

/* Lets an operation run as soon as there is a thread for it, as a part of one that was started in its stream. */
void drv_queue_submit_loose(struct drv_op *op);

/* Ends an operation that was started. */
void drv_op_finish(struct drv_op *op);

/* Waiting. Each gives up the lock for a while, so that what the caller had looked up before may be gone afterwards;
   each returns the sticky error of the context concerned. */
CUresult drv_queue_wait_stream(struct drv_stream *stream);
CUresult drv_queue_wait_context(struct drv_context *context);
CUresult drv_queue_wait_mark(struct drv_mark *mark);

/* Waits until no operation of `context` is left, whoever adds more meanwhile. */
void drv_queue_drain(struct drv_context *context);

/* A mark with one reference; NULL when memory is short. */
struct drv_mark *drv_mark_new(struct drv_context *context);
struct drv_mark *drv_mark_hold(struct drv_mark *mark);
void drv_mark_drop(struct drv_mark *mark); /* NULL is fine */
void drv_mark_reach(struct drv_mark *mark);

#endif
