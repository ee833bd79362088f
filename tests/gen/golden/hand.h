/* Made by proto/gen.py from proto/small.x. Do not edit: change the description instead. */

#ifndef CU_HAND_H
#define CU_HAND_H

#include "call.h"

/* Bodies written by hand; the exported functions around them are generated. */
CUresult client_cuInit(unsigned int Flags);
CUresult client_cuEventCreate(CUevent *phEvent, unsigned int Flags);
CUresult client_cuMemcpyHtoD_v2(CUdeviceptr dstDevice, const void *srcHost, size_t ByteCount);
CUresult client_cuMemcpyHtoD_v2_ptds(CUdeviceptr dstDevice, const void *srcHost, size_t ByteCount);

/* The plain RPCs of those that only do something more around one. */
CUresult rpc_cuEventCreate(u64 phEvent, unsigned int Flags);

#endif
