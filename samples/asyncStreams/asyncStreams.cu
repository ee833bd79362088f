/*
 * Streams and events: the input is cut into one chunk per stream, and in every round each stream copies its chunk in,
 * works on it and copies it out, all without waiting. At the end one stream, which waits for events of all the others,
 * adds up what they computed.
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

__global__ void add_up(const unsigned int *values, long count, unsigned int *sum)
{
	long i = (long)blockIdx.x * blockDim.x + threadIdx.x;

	if (i < count)
		atomicAdd(sum, values[i]);
}

struct work {
	long chunk, streams, rounds;
	unsigned int *host, *dev; /* chunk × streams elements each; host memory is pinned */
	unsigned int *dev_sum;
	std::vector<cudaStream_t> stream;
	std::vector<cudaEvent_t> done;
};

static unsigned int blocks_for(long count)
{
	return (unsigned int)((count + block_size - 1) / block_size);
}

static void prepare(work &w)
{
	size_t bytes = w.chunk * w.streams * sizeof(unsigned int);

	CHECK(cudaMallocHost(&w.host, bytes));
	CHECK(cudaMalloc(&w.dev, bytes));
	CHECK(cudaMalloc(&w.dev_sum, sizeof(unsigned int)));
	w.stream.resize(w.streams);
	w.done.resize(w.streams);
	for (long s = 0; s < w.streams; s++) {
		CHECK(cudaStreamCreateWithFlags(&w.stream[s], cudaStreamNonBlocking));
		CHECK(cudaEventCreateWithFlags(&w.done[s], cudaEventDisableTiming));
	}
	uint32_t state = 1;
	for (long i = 0; i < w.chunk * w.streams; i++)
		w.host[i] = sample_random(&state);
}

static void release(work &w)
{
	for (long s = 0; s < w.streams; s++) {
		CHECK(cudaEventDestroy(w.done[s]));
		CHECK(cudaStreamDestroy(w.stream[s]));
	}
	CHECK(cudaFree(w.dev_sum));
	CHECK(cudaFree(w.dev));
	CHECK(cudaFreeHost(w.host));
}

static void enqueue_round(work &w, long s, long round)
{
	unsigned int *host = w.host + s * w.chunk, *dev = w.dev + s * w.chunk;
	size_t bytes = w.chunk * sizeof(unsigned int);

	CHECK(cudaMemcpyAsync(dev, host, bytes, cudaMemcpyHostToDevice, w.stream[s]));
	step<<<blocks_for(w.chunk), block_size, 0, w.stream[s]>>>(dev, w.chunk, 2 * round + 3, s + 1);
	CHECK(cudaGetLastError());
	CHECK(cudaMemcpyAsync(host, dev, bytes, cudaMemcpyDeviceToHost, w.stream[s]));
}

/* Stream 0 continues when every other stream has come this far; the host waits for stream 0 alone. */
static unsigned int join_and_sum(work &w)
{
	unsigned int sum;

	for (long s = 1; s < w.streams; s++) {
		CHECK(cudaEventRecord(w.done[s], w.stream[s]));
		CHECK(cudaStreamWaitEvent(w.stream[0], w.done[s], 0));
	}
	CHECK(cudaMemsetAsync(w.dev_sum, 0, sizeof(sum), w.stream[0]));
	add_up<<<blocks_for(w.chunk * w.streams), block_size, 0, w.stream[0]>>>(w.dev, w.chunk * w.streams, w.dev_sum);
	CHECK(cudaGetLastError());
	CHECK(cudaMemcpyAsync(&sum, w.dev_sum, sizeof(sum), cudaMemcpyDeviceToHost, w.stream[0]));
	CHECK(cudaStreamSynchronize(w.stream[0]));
	return sum;
}

static unsigned int run(work &w, float *milliseconds)
{
	cudaEvent_t start, stop;
	unsigned int sum;

	CHECK(cudaEventCreate(&start));
	CHECK(cudaEventCreate(&stop));
	CHECK(cudaEventRecord(start, w.stream[0]));
	for (long round = 0; round < w.rounds; round++)
		for (long s = 0; s < w.streams; s++)
			enqueue_round(w, s, round);
	sum = join_and_sum(w);
	CHECK(cudaEventRecord(stop, w.stream[0]));
	CHECK(cudaEventSynchronize(stop));
	CHECK(cudaEventQuery(stop));
	CHECK(cudaEventElapsedTime(milliseconds, start, stop));
	CHECK(cudaEventDestroy(start));
	CHECK(cudaEventDestroy(stop));
	return sum;
}

static std::vector<unsigned int> expected_values(const work &w)
{
	std::vector<unsigned int> values(w.host, w.host + w.chunk * w.streams);

	for (long i = 0; i < (long)values.size(); i++)
		for (long round = 0; round < w.rounds; round++)
			values[i] = values[i] * (unsigned int)(2 * round + 3) + (unsigned int)(i / w.chunk + 1);
	return values;
}

int main(int argc, char **argv)
{
	work w = {};
	w.chunk = 1 << 17, w.streams = 4, w.rounds = 10;
	const sample_option options[] = {
	    {"elements", &w.chunk, 1, 1l << 28, "elements in the chunk of one stream"},
	    {"streams", &w.streams, 1, 64, "streams"},
	    {"rounds", &w.rounds, 1, 1 << 20, "copies in and out per stream"},
	};
	float milliseconds;
	unsigned int expected_sum = 0;

	sample_options(argc, argv, "Overlaps copies and kernels in several streams.", options, 3);
	prepare(w);
	std::vector<unsigned int> expected = expected_values(w);
	unsigned int sum = run(w, &milliseconds);
	long wrong = 0;
	for (size_t i = 0; i < expected.size(); i++) {
		wrong += w.host[i] != expected[i];
		expected_sum += expected[i];
	}
	printf("asyncStreams: %ld streams, %ld rounds, %.3f ms, %ld elements wrong, sum %s\n", w.streams, w.rounds,
	       milliseconds, wrong, sum == expected_sum ? "right" : "wrong");
	sample_checksum(w.host, expected.size() * sizeof(expected[0]));
	release(w);
	return sample_result(wrong == 0 && sum == expected_sum);
}
