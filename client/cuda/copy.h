/* Copies between host and device in pieces that fit the protocol. */
#ifndef CU_COPY_H
#define CU_COPY_H

#include "call.h"

/* Host to device: the source may be changed as soon as the call returns. `stream` NULL: the synchronous call, in the
   legacy default stream. */
CUresult cu_copy_to_device(CUdeviceptr to, const void *from, size_t size, CUstream stream);

/* Device to host, complete when the call returns: in the legacy default stream, or in the stream given. */
CUresult cu_copy_to_host(void *to, CUdeviceptr from, size_t size);
CUresult cu_copy_to_host_in(void *to, CUdeviceptr from, size_t size, CUstream stream);

/* Device to host into pinned memory: complete when the stream is. */
CUresult cu_copy_to_host_later(void *to, CUdeviceptr from, size_t size, CUstream stream);

/* Waits for a stream. */
CUresult cu_copy_wait(CUstream stream);

#endif
