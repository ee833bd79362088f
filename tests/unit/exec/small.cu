// Small kernels, whose text is damaged in every place.
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
