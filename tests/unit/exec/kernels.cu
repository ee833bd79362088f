// Kernels as nvcc compiles them, checked by kernels.c.
#include <cooperative_groups.h>
#include <cstdio>
#include <cassert>

#define K extern "C" __global__ void

struct Pair {
	int first;
	double second;
	char tag[3];
};

K structs(Pair p, Pair *out, int factor)
{
	Pair q = p;

	q.first *= factor;
	q.second += threadIdx.x;
	q.tag[threadIdx.x % 3] = 'z';
	out[threadIdx.x] = q;
}

__constant__ int table[8] = {3, 1, 4, 1, 5, 9, 2, 6};
__device__ int counter = 41;
__device__ int *pointer = &counter;

K globals(int *out)
{
	out[threadIdx.x] = table[threadIdx.x & 7] + *pointer;
}

__device__ __noinline__ int fibonacci(int n)
{
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

K recursion(int *out)
{
	out[threadIdx.x] = fibonacci(threadIdx.x % 12);
}

__device__ __noinline__ int deeper(volatile int *p)
{
	volatile int local[64];

	local[0] = *p;
	return deeper(&local[0]) + local[0];
}

K endless_recursion(int *out)
{
	volatile int start = 1;

	out[0] = deeper(&start);
}

typedef int (*Operation)(int, int);
__device__ __noinline__ int plus(int a, int b)
{
	return a + b;
}
__device__ __noinline__ int minus(int a, int b)
{
	return a - b;
}
__device__ __noinline__ int times(int a, int b)
{
	return a * b;
}
__device__ Operation operations[3] = {plus, minus, times};

K pointers(int *out)
{
	out[threadIdx.x] = operations[threadIdx.x % 3](threadIdx.x, 7);
}

K local_arrays(int *out, int n)
{
	int values[32];

	for (int i = 0; i < 32; i++)
		values[i] = i * n + threadIdx.x;
	for (int i = 1; i < 32; i++)
		values[(i * 7) % 32] += values[i - 1];
	out[threadIdx.x] = values[threadIdx.x % 32] + values[n % 32];
}

K divergence(int *out, int n)
{
	int i = threadIdx.x, sum = 0;

	for (int k = 0; k < i % n; k++) {
		if (k % 3 == 0)
			sum += k;
		else if (k % 3 == 1)
			continue;
		else
			sum -= 2 * k;
		if (sum < -20)
			break;
	}
	switch (i % 7) {
	case 0:
		sum += 100;
		break;
	case 1:
		sum ^= 0x55;
		break;
	case 2:
		sum *= 3;
		break;
	case 3:
		sum -= 1;
		break;
	case 4:
		sum = sum << 2;
		break;
	case 5:
		sum = ~sum;
		break;
	}
	out[i] = sum;
}

K reduce(const int *in, int *out)
{
	extern __shared__ int s[];
	__shared__ int total;
	int i = threadIdx.x;

	s[i] = in[blockIdx.x * blockDim.x + i];
	if (i == 0)
		total = 0;
	__syncthreads();
	for (int step = blockDim.x / 2; step > 0; step /= 2) {
		if (i < step)
			s[i] += s[i + step];
		__syncthreads();
	}
	if (i == 0)
		atomicAdd(&total, s[0]);
	__syncthreads();
	if (i == blockDim.x - 1)
		out[blockIdx.x] = total;
}

K barriers(int *out)
{
	int n = __syncthreads_count(threadIdx.x % 3 == 0);
	int a = __syncthreads_and(threadIdx.x < 1000), o = __syncthreads_or(threadIdx.x == 77);

	out[threadIdx.x] = n * 4 + (a != 0) * 2 + (o != 0);
}

// Half of the threads leave before the barrier.
K early_exit(int *out)
{
	__shared__ int s;

	if (threadIdx.x == 0)
		s = 0;
	__syncthreads();
	if (threadIdx.x & 1)
		return;
	atomicAdd(&s, 1);
	__syncthreads();
	out[threadIdx.x] = s;
}

// Producers and consumers at a named barrier.
K named_barriers(int *out)
{
	__shared__ int s[64];

	if (threadIdx.x < 64) {
		s[threadIdx.x] = threadIdx.x * 3;
		asm volatile("bar.arrive 3, 128;" ::: "memory");
	} else {
		asm volatile("bar.sync 3, 128;" ::: "memory");
		out[threadIdx.x - 64] = s[127 - threadIdx.x];
	}
}

K shuffles(int *out)
{
	int lane = threadIdx.x & 31, sum = lane;

	for (int step = 16; step; step /= 2)
		sum += __shfl_xor_sync(~0u, sum, step);
	int up = __shfl_up_sync(~0u, lane, 3), down = __shfl_down_sync(~0u, lane, 3, 8);
	int index = __shfl_sync(~0u, lane * 2, 5, 16);

	out[threadIdx.x * 4] = sum;
	out[threadIdx.x * 4 + 1] = up;
	out[threadIdx.x * 4 + 2] = down;
	out[threadIdx.x * 4 + 3] = index;
}

K votes(unsigned *out)
{
	int lane = threadIdx.x & 31;
	unsigned ballot = __ballot_sync(~0u, lane % 3 == 0), any = __any_sync(~0u, lane == 40);
	unsigned all = __all_sync(~0u, lane < 32), match = __match_any_sync(~0u, lane / 4);
	unsigned part = 0;

	if (lane < 8)
		part = __ballot_sync(0xff, lane & 1);
	else
		part = __activemask();
	out[threadIdx.x * 4] = ballot;
	out[threadIdx.x * 4 + 1] = any * 2 + all;
	out[threadIdx.x * 4 + 2] = match;
	out[threadIdx.x * 4 + 3] = part;
}

K atomics(unsigned *u, float *f, double *d, unsigned long long *l)
{
	atomicAdd(&u[0], 1);
	atomicMax(&u[1], threadIdx.x + blockIdx.x);
	atomicMin((int *)&u[2], -(int)threadIdx.x);
	atomicInc(&u[3], 6);
	atomicOr(&u[4], 1u << (threadIdx.x & 31));
	atomicXor(&u[5], threadIdx.x);
	u[16 + blockIdx.x * blockDim.x + threadIdx.x] = atomicExch(&u[6], threadIdx.x);
	atomicAdd(f, 0.5f);
	atomicAdd(d, 0.25);
	atomicAdd(l, 1ull << 33);
	atomicCAS(&u[7], 5, 6);
}

K histogram(const unsigned char *in, unsigned *out, int n)
{
	__shared__ unsigned bins[256];

	for (int i = threadIdx.x; i < 256; i += blockDim.x)
		bins[i] = 0;
	__syncthreads();
	for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
		atomicAdd(&bins[in[i]], 1);
	__syncthreads();
	for (int i = threadIdx.x; i < 256; i += blockDim.x)
		atomicAdd(&out[i], bins[i]);
}

// Every lane takes the lock in turn: livelocks where lanes of a warp cannot overtake each other.
K spin_lock(int *lock, int *count)
{
	bool done = false;

	while (!done)
		if (atomicCAS(lock, 0, 1) == 0) {
			*(volatile int *)count += 1;
			__threadfence();
			atomicExch(lock, 0);
			done = true;
		}
}

// A lock taken before the critical section, by plain spinning.
K hard_spin_lock(int *lock, int *count)
{
	while (atomicCAS(lock, 0, 1) != 0)
		;
	*(volatile int *)count += 1;
	__threadfence();
	atomicExch(lock, 0);
}

// Each block waits for the one before.
K look_back(volatile int *flags, int *out)
{
	if (threadIdx.x == 0) {
		int sum = 0;

		if (blockIdx.x) {
			while (!flags[blockIdx.x - 1])
				;
			__threadfence();
			sum = out[blockIdx.x - 1];
		}
		out[blockIdx.x] = sum + blockIdx.x;
		__threadfence();
		flags[blockIdx.x] = 1;
	}
}

// One warp waits for another of its block.
K warp_waits(int *out)
{
	__shared__ volatile int flag;

	if (threadIdx.x == 0)
		flag = 0;
	__syncthreads();
	if (threadIdx.x < 32) {
		while (!flag)
			;
		out[threadIdx.x] = flag;
	} else if (threadIdx.x == 40) {
		flag = 9;
	}
}

K grid_sync(int *data, int *out)
{
	cooperative_groups::grid_group grid = cooperative_groups::this_grid();
	int i = blockIdx.x * blockDim.x + threadIdx.x, n = gridDim.x * blockDim.x;

	data[i] = i;
	grid.sync();
	int next = data[(i + blockDim.x) % n];
	grid.sync();
	out[i] = next + data[n - 1 - i];
}

K prints(int n)
{
	if (threadIdx.x < 2)
		printf("%d %5.2f|%-4s|%c|%llx|%u%%\n", n + threadIdx.x, 1.5, "ab", 'x', 1ull << 40, 7u);
}

K asserts(int n)
{
	assert(threadIdx.x < n);
}

K heap(int **out)
{
	int *p = (int *)malloc(16 * sizeof(int));

	for (int i = 0; i < 16; i++)
		p[i] = i * threadIdx.x;
	out[threadIdx.x] = p;
	if (threadIdx.x & 1)
		free(p);
}

K math(const float *x, const double *y, float *f, double *d)
{
	int i = threadIdx.x;

	f[i * 4] = sinf(x[i]) * expf(x[i]) + logf(fabsf(x[i]) + 1);
	f[i * 4 + 1] = sqrtf(fabsf(x[i])) / (x[i] * x[i] + 1);
	f[i * 4 + 2] = powf(fabsf(x[i]), 1.7f) + fmodf(x[i], 3.0f);
	f[i * 4 + 3] = floorf(x[i]) + rintf(x[i]) + tanhf(x[i]);
	d[i * 2] = sin(y[i]) + exp(y[i] / 10) + log(fabs(y[i]) + 1);
	d[i * 2 + 1] = pow(fabs(y[i]), 1.3) + cbrt(y[i]) + fmod(y[i], 2.5) + (double)(long long)(y[i] * 1e6);
}

K ids(unsigned *out)
{
	unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
	unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);

	out[block * blockDim.x * blockDim.y * blockDim.z + thread] = block * 1000 + thread;
}

K bad_store(int *p, int at)
{
	if (threadIdx.x == 3)
		p[at] = 1;
}

K misaligned(char *p)
{
	*(int *)(p + 4 * threadIdx.x + 1) = 1;
}

K bad_shared(int *out, int at)
{
	extern __shared__ int s[];

	out[0] = s[at];
}

K traps(int lane)
{
	if (threadIdx.x == lane)
		__trap();
}

K copy_bytes(const char *from, char *to, int n)
{
	for (int i = threadIdx.x; i < n; i += blockDim.x)
		to[i] = from[i];
}

K vectors(const float4 *in, float4 *out, double2 *d)
{
	float4 v = in[threadIdx.x];

	out[threadIdx.x] = make_float4(v.w, v.z, v.y, v.x);
	d[threadIdx.x] = make_double2(v.x + v.y, v.z + v.w);
}
