/* Stream capture: calls on a capturing stream add nodes to a graph instead of work to a queue. With the driver's lock.
 */
#ifndef DRV_CAPTURE_H
#define DRV_CAPTURE_H

#include <cuda.h>
#include <stdbool.h>
#include <stddef.h>

struct drv_context;
struct drv_copy;
struct drv_event;
struct drv_stream;
struct drv_captured;

/* What may an operation that is not captured do in this stream? CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED on a capturing
   stream, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT on the legacy stream while a blocking one captures: both invalidate the
   capture. */
CUresult drv_capture_check(struct drv_stream *stream);

/* The same for the whole context: what waits for all of its streams. */
CUresult drv_capture_check_context(const struct drv_context *context);

/* Adds a node behind what the stream has captured. The stream captures. `copy` as for drv_task_new(). */
CUresult drv_capture_add(struct drv_stream *stream, CUgraphNodeParams *params, const struct drv_copy *copy);

/* A kernel with what a launch says besides its parameters. */
CUresult drv_capture_launch(struct drv_stream *stream, CUgraphNodeParams *params, bool cooperative, bool prioritised,
			    int priority);

/* A copy as the node of one. */
CUresult drv_capture_copy(struct drv_stream *stream, const struct drv_copy *copy);

/* The event stands for what the stream has captured. */
CUresult drv_capture_record(struct drv_event *event, struct drv_stream *stream);

/* The stream goes on behind the event, too: it takes part in the capture from now on, if it did not. The stream
   captures, or the event is of a capture. */
CUresult drv_capture_wait(struct drv_event *event, struct drv_stream *stream);

/* Gives back what a stream or an event keeps; a capture whose stream goes away is over. NULL is fine. */
void drv_captured_drop(struct drv_captured **captured);

#endif
