/* The error state of the runtime: one last error per thread, as cudaGetLastError() defines it. */
#ifndef CUDART_ERROR_H
#define CUDART_ERROR_H

#include <stdbool.h>

#include <cuda.h>

/* Our definitions of the runtime API are what the library exports. */
#pragma GCC visibility push(default)
#include <cuda_runtime_api.h>
#include <cuda_profiler_api.h>
#pragma GCC visibility pop

/* The runtime's error for a driver result: the same number where the runtime has it, else cudaErrorUnknown. */
cudaError_t rt_error(CUresult result);

/* Makes `error`, unless it is cudaSuccess, the last error of this thread; returns it. */
cudaError_t rt_record(cudaError_t error);

/* The last error of this thread, cudaSuccess if none; leaves it in place. */
cudaError_t rt_last_error(void);

/*
 * What a function without an implementation does: records and returns cudaErrorNotSupported, and says in
 * the log that `function` was asked for, once (`*said`).
 */
cudaError_t rt_unsupported(const char *function, _Atomic(bool) *said);

#endif
