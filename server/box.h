/* Boxes: what proto/rpc_cuda.x says of a place, as the driver's description of a copy. */
#ifndef SRV_BOX_H
#define SRV_BOX_H

#include "call.h"

/* Fills in where a copy comes from, or goes to. CUDA_ERROR_INVALID_HANDLE when that is no array. */
CUresult srv_box_from(struct srv_call *call, const box_place *place, CUDA_MEMCPY3D *copy);
CUresult srv_box_to(struct srv_call *call, const box_place *place, CUDA_MEMCPY3D *copy);

/* Fills in how much is copied. */
void srv_box_extent(const box_extent *size, CUDA_MEMCPY3D *copy);

/* The bytes of the box without gaps; SIZE_MAX where they are too many for one piece. */
size_t srv_box_bytes(const box_extent *size);

#endif
