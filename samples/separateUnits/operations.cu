#include "operations.h"

__constant__ float operation_scale = 2.0f;
__device__ unsigned operation_calls = 100;

/* The other unit has a function and a variable of the same names. */
static __device__ float offset = 1.0f;

static __device__ __noinline__ float helper(float x)
{
	return x + offset;
}

__device__ float scaled(float x)
{
	atomicAdd(&operation_calls, 1);
	return x * operation_scale;
}

static __device__ float negated(float x)
{
	return -x;
}

__device__ operation operations[OPERATION_COUNT] = {scaled, helper, negated};

static __global__ void apply(const float *x, float *result, int count)
{
	int n = blockIdx.x * blockDim.x + threadIdx.x;

	if (n < count)
		result[n] = operations[n % OPERATION_COUNT](x[n]);
}

void operations_apply(const float *x, float *result, int count)
{
	apply<<<(count + 255) / 256, 256>>>(x, result, count);
}
