// Kernels whose speed bench_exec measures: a tiled matrix product, and one whose lanes go different ways.
template <int TILE> __device__ void multiply(float *c, const float *a, const float *b, int wa, int wb)
{
	__shared__ float as[TILE][TILE], bs[TILE][TILE];
	int tx = threadIdx.x, ty = threadIdx.y;
	int begin = wa * TILE * blockIdx.y, end = begin + wa - 1;
	float sum = 0;

	for (int i = begin, j = TILE * blockIdx.x; i <= end; i += TILE, j += TILE * wb) {
		as[ty][tx] = a[i + wa * ty + tx];
		bs[ty][tx] = b[j + wb * ty + tx];
		__syncthreads();
#pragma unroll
		for (int k = 0; k < TILE; k++)
			sum += as[ty][k] * bs[k][tx];
		__syncthreads();
	}
	c[wb * TILE * blockIdx.y + TILE * blockIdx.x + wb * ty + tx] = sum;
}

extern "C" __global__ void matrix32(float *c, const float *a, const float *b, int wa, int wb)
{
	multiply<32>(c, a, b, wa, wb);
}

extern "C" __global__ void matrix16(float *c, const float *a, const float *b, int wa, int wb)
{
	multiply<16>(c, a, b, wa, wb);
}

extern "C" __global__ void collatz(unsigned *steps, unsigned n)
{
	unsigned i = blockIdx.x * blockDim.x + threadIdx.x, x = i + 1, count = 0;

	if (i >= n)
		return;
	while (x != 1) {
		if (x & 1)
			x = 3 * x + 1;
		else
			x >>= 1;
		count++;
	}
	steps[i] = count;
}

extern "C" __global__ void add(const float *a, const float *b, float *c, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		c[i] = a[i] + b[i];
}
