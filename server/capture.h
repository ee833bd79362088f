/* What a stream is capturing. */
#ifndef SRV_CAPTURE_H
#define SRV_CAPTURE_H

#include "host_copy.h"

/* Is the stream being captured? */
bool srv_stream_captures(CUstream stream);

/* A work has just been captured: the graph owns it. */
void srv_capture_own_work(struct srv_call *call, CUstream stream, struct srv_host_work *work);

/* A copy with its task has just been captured: one node of the client's. */
void srv_capture_own_copy(struct srv_call *call, CUstream stream, struct srv_host_work *work, const copy_3d *copy);

#endif
