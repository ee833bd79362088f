/* Which streams are being captured. The client knows: a capture begins here, spreads by events that are recorded in one
 * of its streams and waited for in another, and ends here. */
#ifndef CU_CAPTURE_H
#define CU_CAPTURE_H

#include "call.h"

/* Is the stream part of a capture that has not ended? False for what is no stream. */
bool cu_stream_captures(CUstream stream);

/* A capture has begun in a stream, by the calling thread. */
CUresult cu_capture_begin(CUstream stream, CUstreamCaptureMode mode);

/* May the calling thread end the capture that the stream is part of? Only the thread that began it, unless its mode is
   the relaxed one. */
CUresult cu_capture_may_end(CUstream stream);

/* It has ended in the stream in which it began. */
void cu_capture_end(CUstream stream);

/* Carries a capture from a stream to an event that is recorded there, or none. */
void cu_capture_record(CUevent event, CUstream stream);

/* Carries a capture from an event to a stream that waits for it. */
void cu_capture_join(CUstream stream, CUevent event);

#endif
