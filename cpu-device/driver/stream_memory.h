/* Stream memory operations: values in memory that streams write and wait for. */
#ifndef DRV_STREAM_MEMORY_H
#define DRV_STREAM_MEMORY_H

#include <cuda.h>

struct drv_context;

/* Are these operations that the device can do? With the driver's lock. CUDA_ERROR_INVALID_VALUE for memory that is not
   the device's, and for unknown operations; CUDA_ERROR_NOT_SUPPORTED for what it does not do. */
CUresult drv_memory_operations_check(const CUstreamBatchMemOpParams *operations, unsigned count);

/* Does one after the other, without the lock; waits as long as it takes, or until the context has an error. */
CUresult drv_memory_operations_perform(struct drv_context *context, const CUstreamBatchMemOpParams *operations,
				       unsigned count);

#endif
