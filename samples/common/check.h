/* CHECK(call): a runtime call that fails ends the sample with the call, the place and CUDA's message. */
#ifndef SAMPLES_COMMON_CHECK_H
#define SAMPLES_COMMON_CHECK_H

#include <cuda_runtime.h>
#include <stdio.h>
#include <stdlib.h>

#include "result.h"

static inline void sample_check(cudaError_t error, const char *call, const char *file, int line)
{
	if (error == cudaSuccess)
		return;
	fprintf(stderr, "%s:%d: %s: %s (%s)\n", file, line, call, cudaGetErrorString(error), cudaGetErrorName(error));
	exit(sample_result(false));
}

#define CHECK(call) sample_check((call), #call, __FILE__, __LINE__)

#endif
