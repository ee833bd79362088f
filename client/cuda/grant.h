/* Device memory without asking: allocations at addresses that the server granted in advance. Any thread. */
#ifndef CU_GRANT_H
#define CU_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "entry.h"
#include "rpc_cuda.h"

/* Notes what the server granted on a device when the session began. A size of 0 is none. */
void cu_grant_enter(int device, const memory_grant *grant);

/* Allocates `size` > 0 bytes in the current context. Waits for the server only beyond what it has set aside, and for
   the first allocation on a device but the first one. CUDA_ERROR_NOT_SUPPORTED where there is no grant or no place in
   it: then the driver may be asked for an allocation of its own. */
CUresult cu_grant_alloc(CUdeviceptr *address, uint64_t size);

/* Ends an allocation of `size` bytes; CUDA_ERROR_NOT_SUPPORTED when it is not in a grant. */
CUresult cu_grant_free(CUdeviceptr address, uint64_t size);

/* Forgets the allocations of a context, which has ended. */
void cu_grant_forget_context(uint64_t context);

#endif
