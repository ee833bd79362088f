/* Events. */
#ifndef DRV_EVENT_H
#define DRV_EVENT_H

#include <cuda.h>

#include "list.h"
#include "queue.h"

struct drv_event {
	CUevent handle;
	struct drv_context *context;
	unsigned flags;
	struct drv_captured *captured; /* when it was recorded last in a stream that captures */
	struct drv_mark *mark;         /* where it was recorded last; NULL before that */
	struct drv_link siblings;
};

void drv_event_destroy(struct drv_event *event);

/* The event of a handle, or NULL. */
struct drv_event *drv_event_get(CUevent handle);

/* Records the event at the end of the stream. The stream must belong to the event's context. */
CUresult drv_event_record(struct drv_event *event, struct drv_stream *stream);

/* Lets the later operations of the stream wait for the event as it is recorded now. */
CUresult drv_event_wait(struct drv_event *event, struct drv_stream *stream);

#endif
