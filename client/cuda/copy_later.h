/* Copies whose host memory is read or written when the stream has come to them. */
#ifndef CU_COPY_LATER_H
#define CU_COPY_LATER_H

#include "call.h"

/* Must a copy in this stream, from or to the program's memory at `host`, wait for its turn there? So in a capture, and
   when a host function may still write to what an asynchronous copy reads. */
bool cu_copy_must_wait(CUstream stream, const void *host);

/* Enqueues such a copy; nothing of the program's memory is touched before its turn. */
CUresult cu_copy_later(const copy_3d *copy, CUstream stream);

/* The same for bytes in one piece. */
CUresult cu_copy_bytes_later(copy_side to, copy_side from, size_t size, CUstream stream);

#endif
