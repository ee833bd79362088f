/*
 * Stream-ordered memory: in every round each stream allocates a buffer of another size, fills it, works on it, copies
 * it out and frees it, all without waiting. Even streams take theirs from the device's pool, odd ones from a pool of
 * the program's own.
 */
#include <vector>

#include "check.h"
#include "options.h"

static const int block_size = 256;

__global__ void step(unsigned int *values, long count, unsigned int factor, unsigned int addend)
{
	long i = (long)blockIdx.x * blockDim.x + threadIdx.x;

	if (i < count)
		values[i] = values[i] * factor + addend;
}

struct pools {
	cudaMemPool_t device, own;
};

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "not so: %s\n", what);
	exit(sample_result(false));
}

static pools prepare()
{
	pools p = {};
	cudaMemPool_t again;
	cudaMemPoolProps properties = {};
	uint64_t threshold = 1 << 20;

	CHECK(cudaDeviceGetDefaultMemPool(&p.device, 0));
	CHECK(cudaDeviceGetMemPool(&again, 0));
	require(again == p.device, "the device begins with its default pool");
	properties.allocType = cudaMemAllocationTypePinned;
	properties.location.type = cudaMemLocationTypeDevice;
	CHECK(cudaMemPoolCreate(&p.own, &properties));
	CHECK(cudaMemPoolSetAttribute(p.own, cudaMemPoolAttrReleaseThreshold, &threshold));
	threshold = 0;
	CHECK(cudaMemPoolGetAttribute(p.own, cudaMemPoolAttrReleaseThreshold, &threshold));
	require(threshold == 1 << 20, "the pool keeps its release threshold");
	return p;
}

static uint64_t used(cudaMemPool_t pool)
{
	uint64_t bytes = 0;

	CHECK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &bytes));
	return bytes;
}

/* One round of one stream: nothing is waited for. */
static void enqueue(cudaStream_t stream, cudaMemPool_t own, unsigned int *host, long count, long round)
{
	unsigned int *dev;
	size_t bytes = count * sizeof(*host);

	if (own)
		CHECK(cudaMallocFromPoolAsync((void **)&dev, bytes, own, stream));
	else
		CHECK(cudaMallocAsync((void **)&dev, bytes, stream));
	CHECK(cudaMemcpyAsync(dev, host, bytes, cudaMemcpyDefault, stream));
	step<<<(unsigned int)((count + block_size - 1) / block_size), block_size, 0, stream>>>(dev, count,
											       2 * round + 3, 1);
	CHECK(cudaGetLastError());
	CHECK(cudaMemcpyAsync(host, dev, bytes, cudaMemcpyDefault, stream));
	CHECK(cudaFreeAsync(dev, stream));
}

/* The length of the chunk that a round works on: not all rounds' are the same. */
static long length(long elements, long round)
{
	return elements - elements / 3 * (round % 2);
}

static void run(unsigned int *host, long elements, long streams, long rounds, const pools &p)
{
	std::vector<cudaStream_t> stream(streams);

	for (long s = 0; s < streams; s++)
		CHECK(cudaStreamCreateWithFlags(&stream[s], cudaStreamNonBlocking));
	for (long round = 0; round < rounds; round++)
		for (long s = 0; s < streams; s++)
			enqueue(stream[s], s % 2 ? p.own : NULL, host + s * elements, length(elements, round), round);
	CHECK(cudaDeviceSynchronize());
	for (long s = 0; s < streams; s++)
		CHECK(cudaStreamDestroy(stream[s]));
}

static long wrong_values(const unsigned int *host, long elements, long streams, long rounds)
{
	long wrong = 0;

	for (long i = 0; i < elements * streams; i++) {
		unsigned int value = (unsigned int)i;
		for (long round = 0; round < rounds; round++)
			if (i % elements < length(elements, round))
				value = value * (unsigned int)(2 * round + 3) + 1;
		wrong += host[i] != value;
	}
	return wrong;
}

int main(int argc, char **argv)
{
	long elements = 1 << 16, streams = 4, rounds = 10;
	const sample_option options[] = {
	    {"elements", &elements, 1, 1l << 28, "elements of one stream"},
	    {"streams", &streams, 1, 64, "streams"},
	    {"rounds", &rounds, 1, 1 << 20, "allocations per stream"},
	};
	unsigned int *host;

	sample_options(argc, argv, "Allocates and frees in the order of streams.", options, 3);
	pools p = prepare();
	CHECK(cudaMallocHost(&host, elements * streams * sizeof(*host)));
	for (long i = 0; i < elements * streams; i++)
		host[i] = (unsigned int)i;
	run(host, elements, streams, rounds, p);
	long wrong = wrong_values(host, elements, streams, rounds);
	bool returned = used(p.device) == 0 && used(p.own) == 0;
	printf("streamMemory: %ld streams, %ld rounds, %ld elements wrong, memory %s\n", streams, rounds, wrong,
	       returned ? "returned" : "kept");
	sample_checksum(host, elements * streams * sizeof(*host));
	CHECK(cudaMemPoolTrimTo(p.own, 0));
	CHECK(cudaMemPoolDestroy(p.own));
	CHECK(cudaFreeHost(host));
	return sample_result(wrong == 0 && returned);
}
