/* CUDA's other descriptions of a copy as the one that says the most. */
#ifndef CR_BOXES_H
#define CR_BOXES_H

#include <cuda.h>

/* A box of one slice. */
CUDA_MEMCPY3D cr_box_of_rectangle(const CUDA_MEMCPY2D *rectangle);

/* Without the contexts. */
CUDA_MEMCPY3D cr_box_of_peer_copy(const CUDA_MEMCPY3D_PEER *copy);

#endif
