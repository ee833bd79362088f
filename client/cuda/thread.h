/* What CUDA keeps for each host thread: the stack of current contexts. */
#ifndef CU_THREAD_H
#define CU_THREAD_H

#include <stdint.h>

#include "entry.h"

/* Id of the calling thread's current context; 0 when there is none. */
uint64_t cu_thread_context(void);

/* As above, but CUDA_ERROR_INVALID_CONTEXT when there is none and CUDA_ERROR_CONTEXT_IS_DESTROYED when it is gone. */
CUresult cu_thread_live_context(uint64_t *context);

#endif
