/* The default memory pool, from which stream-ordered allocations come. */
#ifndef DRV_POOL_H
#define DRV_POOL_H

#include <cuda.h>
#include <stddef.h>

/* Its handle, made when first asked for. Needs the lock. CUDA_ERROR_OUT_OF_MEMORY. */
CUresult drv_pool_default(CUmemoryPool *pool);

/* Tells the pool that one of its allocations of `size` bytes is freed. */
void drv_pool_forget(size_t size);

#endif
