/* Adds up an array: warps with shuffles, blocks through shared memory, the grid with a second launch. */
#include <vector>

#include "check.h"
#include "options.h"

static const int block_size = 256;
static const int warp_size = 32;

__device__ unsigned int warp_sum(unsigned int value)
{
	for (int offset = warp_size / 2; offset > 0; offset /= 2)
		value += __shfl_down_sync(0xffffffffu, value, offset);
	return value;
}

/* partial[block] = sum of the elements that this block visits; blockDim.x is block_size. */
__global__ void reduce(const unsigned int *values, long count, unsigned int *partial)
{
	__shared__ unsigned int warps[block_size / warp_size];
	int lane = threadIdx.x % warp_size, warp = threadIdx.x / warp_size;
	unsigned int sum = 0;

	for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (long)gridDim.x * blockDim.x)
		sum += values[i];
	sum = warp_sum(sum);
	if (lane == 0)
		warps[warp] = sum;
	__syncthreads();
	if (warp == 0) {
		sum = warp_sum(lane < block_size / warp_size ? warps[lane] : 0);
		if (lane == 0)
			partial[blockIdx.x] = sum;
	}
}

static unsigned int sum_on_device(const std::vector<unsigned int> &values, long blocks)
{
	unsigned int *dev_values, *dev_partial, *dev_sum, sum;
	size_t bytes = values.size() * sizeof(values[0]);

	CHECK(cudaMalloc(&dev_values, bytes));
	CHECK(cudaMalloc(&dev_partial, blocks * sizeof(sum)));
	CHECK(cudaMalloc(&dev_sum, sizeof(sum)));
	CHECK(cudaMemcpy(dev_values, values.data(), bytes, cudaMemcpyHostToDevice));
	reduce<<<blocks, block_size>>>(dev_values, (long)values.size(), dev_partial);
	CHECK(cudaGetLastError());
	reduce<<<1, block_size>>>(dev_partial, blocks, dev_sum);
	CHECK(cudaGetLastError());
	CHECK(cudaMemcpy(&sum, dev_sum, sizeof(sum), cudaMemcpyDeviceToHost));
	CHECK(cudaFree(dev_values));
	CHECK(cudaFree(dev_partial));
	CHECK(cudaFree(dev_sum));
	return sum;
}

int main(int argc, char **argv)
{
	long elements = 4 << 20, blocks = 128;
	const sample_option options[] = {
	    {"elements", &elements, 1, 1l << 30, "length of the array"},
	    {"blocks", &blocks, 1, 65535, "blocks of the first launch"},
	};

	sample_options(argc, argv, "Adds up an array of integers (modulo 2^32).", options, 2);
	std::vector<unsigned int> values(elements);
	uint32_t state = 1;
	unsigned int expected = 0;
	for (unsigned int &value : values)
		expected += value = sample_random(&state);
	unsigned int sum = sum_on_device(values, blocks);
	printf("reduction: %ld elements, sum %u, expected %u\n", elements, sum, expected);
	sample_checksum(&sum, sizeof(sum));
	return sample_result(sum == expected);
}
