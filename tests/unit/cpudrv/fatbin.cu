// Input of the fatbin tests: enough code that every compression has something to do.
__device__ int counter;
__constant__ float factors[16];

extern "C" __global__ void scale(float *values, int count)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;
	if (i < count)
		values[i] *= factors[i % 16];
}

extern "C" __global__ void count(const int *values, int limit)
{
	for (int i = threadIdx.x; i < limit; i += blockDim.x)
		if (values[i])
			atomicAdd(&counter, 1);
}
