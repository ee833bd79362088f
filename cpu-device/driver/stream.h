/* Streams: FIFOs of operations that the queue takes work from. */
#ifndef DRV_STREAM_H
#define DRV_STREAM_H

#include <cuda.h>
#include <stdbool.h>
#include <stdint.h>

#include "list.h"

struct drv_context;
struct drv_op;
struct drv_captured;

/* Smaller is more urgent. */
enum { DRV_PRIORITY_LEAST = 0, DRV_PRIORITY_GREATEST = -5 };

struct drv_stream {
	CUstream handle; /* CU_STREAM_LEGACY and CU_STREAM_PER_THREAD for the two default streams */
	struct drv_context *context;
	struct drv_op *head; /* the operation that runs or runs next; stays here until it has ended */
	struct drv_op *tail;
	struct drv_link active;   /* in the queue's ring while there are operations */
	struct drv_link siblings; /* in the context's list */
	uint64_t id;
	uint64_t thread; /* owner of a per-thread default stream, else 0 */
	unsigned flags;  /* CU_STREAM_NON_BLOCKING or 0 */
	int priority;
	unsigned pins;                 /* waiting threads that still look at the stream */
	bool destroyed;                /* to be freed when empty and no longer looked at */
	struct drv_captured *captured; /* while it captures */
	CUstreamAttrValue attributes[CU_LAUNCH_ATTRIBUTE_MAX];
};

/* Initialises a stream of `context` and links it to the context. */
void drv_stream_init(struct drv_stream *stream, struct drv_context *context, CUstream handle, unsigned flags);

/* Frees a destroyed stream once nothing needs it; called whenever that may have become so. */
void drv_stream_reap(struct drv_stream *stream);

/* Ends the handle now and the stream when its operations are done. */
void drv_stream_destroy(struct drv_stream *stream);

/* Has any stream a priority of its own? */
bool drv_streams_prioritised(void);

/* Sets the stream's priority, brought into the range that the device has. */
void drv_stream_set_priority(struct drv_stream *stream, int priority);

/* Enters the driver for a call on the stream `handle`: CU_STREAM_LEGACY, CU_STREAM_PER_THREAD, NULL (the legacy
   stream) or a stream of the program, whose context need not be current. Errors as drv_enter_context(), and
   CUDA_ERROR_INVALID_HANDLE. */
CUresult drv_enter_stream(CUstream handle, struct drv_stream **stream);

/* What NULL stands for in functions whose name ends in _ptsz. */
static inline CUstream drv_per_thread(CUstream handle)
{
	return handle ? handle : CU_STREAM_PER_THREAD;
}

/* Is all work of the stream done? For the legacy stream: the earlier work of the blocking streams too. */
bool drv_stream_idle(const struct drv_stream *stream);

/* Gives back the per-thread default streams of an ended thread. Takes the lock. */
void drv_stream_thread_exit(uint64_t thread);

#endif
