/* Counts how often each byte value occurs: per-block counts in shared memory, merged with global atomics. */
#include <string.h>
#include <vector>

#include "check.h"
#include "options.h"

static const int bins = 256;
static const int block_size = 256;

__global__ void histogram(const unsigned int *words, long count, unsigned int *total)
{
	__shared__ unsigned int local[bins];

	local[threadIdx.x] = 0;
	__syncthreads();
	for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (long)gridDim.x * blockDim.x) {
		unsigned int word = words[i];
		atomicAdd(&local[word & 0xff], 1u);
		atomicAdd(&local[word >> 8 & 0xff], 1u);
		atomicAdd(&local[word >> 16 & 0xff], 1u);
		atomicAdd(&local[word >> 24], 1u);
	}
	__syncthreads();
	atomicAdd(&total[threadIdx.x], local[threadIdx.x]);
}

static std::vector<unsigned int> count_on_device(const std::vector<unsigned int> &words, long blocks)
{
	std::vector<unsigned int> counts(bins);
	unsigned int *dev_words, *dev_counts;
	size_t bytes = words.size() * sizeof(words[0]);

	CHECK(cudaMalloc(&dev_words, bytes));
	CHECK(cudaMalloc(&dev_counts, bins * sizeof(unsigned int)));
	CHECK(cudaMemcpy(dev_words, words.data(), bytes, cudaMemcpyHostToDevice));
	CHECK(cudaMemset(dev_counts, 0, bins * sizeof(unsigned int)));
	histogram<<<blocks, block_size>>>(dev_words, (long)words.size(), dev_counts);
	CHECK(cudaGetLastError());
	CHECK(cudaMemcpy(counts.data(), dev_counts, bins * sizeof(unsigned int), cudaMemcpyDeviceToHost));
	CHECK(cudaFree(dev_words));
	CHECK(cudaFree(dev_counts));
	return counts;
}

static std::vector<unsigned int> count_on_host(const std::vector<unsigned int> &words)
{
	std::vector<unsigned int> counts(bins);
	const unsigned char *bytes = (const unsigned char *)words.data();

	for (size_t i = 0; i < words.size() * sizeof(words[0]); i++)
		counts[bytes[i]]++;
	return counts;
}

int main(int argc, char **argv)
{
	long bytes = 8 << 20, blocks = 64;
	const sample_option options[] = {
	    {"bytes", &bytes, 4, 1l << 32, "size of the input, rounded down to words of 4"},
	    {"blocks", &blocks, 1, 65535, "blocks of 256 threads"},
	};

	sample_options(argc, argv, "Counts byte values with atomics in shared and global memory.", options, 2);
	std::vector<unsigned int> words(bytes / 4);
	uint32_t state = 1;
	for (unsigned int &word : words)
		word = sample_random(&state) * sample_random(&state); /* products: the bins differ in height */
	std::vector<unsigned int> counts = count_on_device(words, blocks);
	bool right = counts == count_on_host(words);
	printf("histogram: %ld bytes in %d bins\n", (long)words.size() * 4, bins);
	sample_checksum(counts.data(), bins * sizeof(unsigned int));
	return sample_result(right);
}
