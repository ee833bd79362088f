/* How many blocks of a kernel a multiprocessor holds at once. */
#ifndef DRV_OCCUPANCY_H
#define DRV_OCCUPANCY_H

#include <cuda.h>
#include <stddef.h>

#include "function.h"

/* Blocks of `threads` threads with `dynamic_shared` bytes that are resident on one multiprocessor; 0 when not even one
   is. Needs the lock. CUDA_ERROR_INVALID_VALUE for less than one thread. */
CUresult drv_occupancy(struct drv_function *function, int threads, size_t dynamic_shared, int *blocks);

#endif
