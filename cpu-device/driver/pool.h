/* Memory pools, from which stream-ordered allocations come. */
#ifndef DRV_POOL_H
#define DRV_POOL_H

#include <cuda.h>
#include <stddef.h>

struct drv_pool;

/* The handle of a pool, made when first asked for; NULL, with CUDA_SUCCESS, when it is destroyed. Needs the lock.
   CUDA_ERROR_OUT_OF_MEMORY. */
CUresult drv_pool_handle(struct drv_pool *pool, CUmemoryPool *out);

/* Tells the pool that one of its allocations of `size` bytes is freed. A destroyed pool ends with its last one. */
void drv_pool_forget(struct drv_pool *pool, size_t size);

#endif
