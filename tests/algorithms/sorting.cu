/* Reduction, scan with decoupled look-back, radix sort, bitonic sort, histogram. */
#include <algorithm>
#include <numeric>

#include "check.h"

typedef unsigned long long u64;

static __device__ unsigned warp_sum(unsigned value)
{
	for (int offset = 16; offset; offset /= 2)
		value += __shfl_down_sync(~0u, value, offset);
	return value;
}

static __global__ void reduce(const unsigned *in, int n, unsigned *sum)
{
	__shared__ unsigned parts[32];
	unsigned value = 0;

	for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
		value += in[i];
	value = warp_sum(value);
	if (threadIdx.x % 32 == 0)
		parts[threadIdx.x / 32] = value;
	__syncthreads();
	if (threadIdx.x < 32) {
		value = warp_sum(threadIdx.x < blockDim.x / 32 ? parts[threadIdx.x] : 0);
		if (threadIdx.x == 0)
			atomicAdd(sum, value);
	}
}

static void test_reduction()
{
	std::vector<unsigned> in = random_words(100003);
	Device<unsigned> device(in), sum(1);

	reduce<<<37, 256>>>(device, (int)in.size(), sum);
	check("reduction", sum.host()[0] == std::accumulate(in.begin(), in.end(), 0u));
}

/* Blocks number themselves as they start and wait for those before: state is 0, 1 with the block's own sum, or 2 with
   the sum up to it. */
#define TILE 256
static __global__ void scan(const unsigned *in, unsigned *out, int n, u64 *states, unsigned *started)
{
	__shared__ unsigned values[TILE], tile, before;

	if (threadIdx.x == 0)
		tile = atomicAdd(started, 1);
	__syncthreads();
	int i = tile * TILE + threadIdx.x;
	values[threadIdx.x] = i < n ? in[i] : 0;
	__syncthreads();
	for (int step = 1; step < TILE; step *= 2) {
		unsigned other = (int)threadIdx.x >= step ? values[threadIdx.x - step] : 0;

		__syncthreads();
		values[threadIdx.x] += other;
		__syncthreads();
	}
	if (threadIdx.x == 0) {
		unsigned own = values[TILE - 1], sum = 0;

		atomicExch(&states[tile], (tile ? 1ull : 2ull) << 32 | own);
		for (int look = (int)tile - 1; look >= 0; look--) {
			u64 state;

			while (!((state = atomicAdd(&states[look], 0ull)) >> 32))
				__nanosleep(20);
			sum += (unsigned)state;
			if (state >> 32 == 2)
				break;
		}
		atomicExch(&states[tile], 2ull << 32 | (sum + own));
		before = sum;
	}
	__syncthreads();
	if (i < n)
		out[i] = values[threadIdx.x] + before;
}

static void test_scan()
{
	std::vector<unsigned> in = random_words(50021), want(in.size());
	int tiles = ((int)in.size() + TILE - 1) / TILE;
	Device<unsigned> device(in), out(in.size()), started(1);
	Device<u64> states(tiles);

	scan<<<tiles, TILE>>>(device, out, (int)in.size(), states, started);
	std::partial_sum(in.begin(), in.end(), want.begin());
	check("scan with look-back", out.host() == want);
}

/* One bit at a time: zeros keep their order before the ones. */
static __global__ void split(const unsigned *in, unsigned *out, int n, int bit)
{
	__shared__ unsigned zeros[1024];
	unsigned t = threadIdx.x, value = (int)t < n ? in[t] : ~0u, zero = (int)t < n && !(value >> bit & 1);

	zeros[t] = zero;
	__syncthreads();
	for (unsigned step = 1; step < blockDim.x; step *= 2) {
		unsigned other = t >= step ? zeros[t - step] : 0;

		__syncthreads();
		zeros[t] += other;
		__syncthreads();
	}
	unsigned total = zeros[blockDim.x - 1];
	if ((int)t < n)
		out[zero ? zeros[t] - 1 : total + t - zeros[t]] = value;
}

static void test_radix_sort()
{
	std::vector<unsigned> values = random_words(777);
	Device<unsigned> one(values), two(values.size());

	for (int bit = 0; bit < 32; bit += 2) {
		split<<<1, 1024>>>(one, two, (int)values.size(), bit);
		split<<<1, 1024>>>(two, one, (int)values.size(), bit + 1);
	}
	std::sort(values.begin(), values.end());
	check("radix sort", one.host() == values);
}

static __global__ void compare_exchange(float *values, int partner, int run)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x, other = i ^ partner;

	if (other > i && (values[i] > values[other]) == !(i & run)) {
		float value = values[i];

		values[i] = values[other];
		values[other] = value;
	}
}

static void test_bitonic_sort()
{
	std::vector<float> values(4096);

	for (float &value : values)
		value = (int)random_bits() / 1000.0f;
	Device<float> device(values);
	for (int run = 2; run <= 4096; run *= 2)
		for (int partner = run / 2; partner; partner /= 2)
			compare_exchange<<<16, 256>>>(device, partner, run);
	std::sort(values.begin(), values.end());
	check("bitonic sort", device.host() == values);
}

static __global__ void histogram(const unsigned char *bytes, int n, unsigned *bins)
{
	__shared__ unsigned own[256];

	own[threadIdx.x] = 0;
	__syncthreads();
	for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
		atomicAdd(&own[bytes[i]], 1);
	__syncthreads();
	atomicAdd(&bins[threadIdx.x], own[threadIdx.x]);
}

static void test_histogram()
{
	std::vector<unsigned char> bytes(70001);
	std::vector<unsigned> want(256);

	for (unsigned char &byte : bytes)
		want[byte = (unsigned char)(random_bits() % 200)]++;
	Device<unsigned char> device(bytes);
	Device<unsigned> bins(256);
	histogram<<<11, 256>>>(device, (int)bytes.size(), bins);
	check("histogram", bins.host() == want);
}

int main()
{
	test_reduction();
	test_scan();
	test_radix_sort();
	test_bitonic_sort();
	test_histogram();
	return conclude();
}
