/*
 * Graphs: work that forks into two streams and joins again is captured once and replayed, then one of its kernels gets
 * other parameters and it is replayed again. The same work without a graph must give the same.
 */
#include <vector>

#include "check.h"
#include "options.h"
#include "result.h"

static const int block_size = 128;

__global__ void multiply(unsigned int *values, long count, unsigned int factor)
{
	long i = (long)blockIdx.x * blockDim.x + threadIdx.x;

	if (i < count)
		values[i] *= factor;
}

__global__ void combine(unsigned int *left, const unsigned int *right, long count)
{
	long i = (long)blockIdx.x * blockDim.x + threadIdx.x;

	if (i < count)
		left[i] = left[i] * 3 + right[i];
}

struct work {
	long elements, rounds;
	unsigned int *left, *right;
	cudaStream_t first, second;
	cudaEvent_t fork, join;
};

static unsigned int blocks(const work &w)
{
	return (unsigned int)((w.elements + block_size - 1) / block_size);
}

/* left = left · 5 · 3 + right · factor, the two products side by side. */
static void enqueue(work &w, unsigned int factor)
{
	CHECK(cudaEventRecord(w.fork, w.first));
	CHECK(cudaStreamWaitEvent(w.second, w.fork, 0));
	multiply<<<blocks(w), block_size, 0, w.first>>>(w.left, w.elements, 5);
	multiply<<<blocks(w), block_size, 0, w.second>>>(w.right, w.elements, factor);
	CHECK(cudaEventRecord(w.join, w.second));
	CHECK(cudaStreamWaitEvent(w.first, w.join, 0));
	combine<<<blocks(w), block_size, 0, w.first>>>(w.left, w.right, w.elements);
	CHECK(cudaGetLastError());
}

static void fill(work &w)
{
	CHECK(cudaMemsetAsync(w.left, 1, w.elements * sizeof(unsigned int), w.first));
	CHECK(cudaMemsetAsync(w.right, 2, w.elements * sizeof(unsigned int), w.first));
}

static std::vector<unsigned int> result(work &w)
{
	std::vector<unsigned int> values(w.elements);

	CHECK(
	    cudaMemcpyAsync(values.data(), w.left, w.elements * sizeof(unsigned int), cudaMemcpyDeviceToHost, w.first));
	CHECK(cudaStreamSynchronize(w.first));
	return values;
}

static std::vector<unsigned int> run_plain(work &w)
{
	fill(w);
	for (long round = 0; round < w.rounds; round++)
		enqueue(w, 7);
	for (long round = 0; round < w.rounds; round++)
		enqueue(w, 11);
	return result(w);
}

/* An executable graph takes over what changed in a graph of the same shape. */
static std::vector<unsigned int> run_graph(work &w)
{
	cudaGraph_t graph, changed;
	cudaGraphExec_t exec;
	cudaGraphExecUpdateResultInfo info;

	CHECK(cudaStreamBeginCapture(w.first, cudaStreamCaptureModeThreadLocal));
	enqueue(w, 7);
	CHECK(cudaStreamEndCapture(w.first, &graph));
	CHECK(cudaStreamBeginCapture(w.first, cudaStreamCaptureModeThreadLocal));
	enqueue(w, 11);
	CHECK(cudaStreamEndCapture(w.first, &changed));
	CHECK(cudaGraphInstantiate(&exec, graph, 0));
	fill(w);
	for (long round = 0; round < w.rounds; round++)
		CHECK(cudaGraphLaunch(exec, w.first));
	CHECK(cudaGraphExecUpdate(exec, changed, &info));
	for (long round = 0; round < w.rounds; round++)
		CHECK(cudaGraphLaunch(exec, w.first));
	CHECK(cudaGraphDestroy(graph));
	CHECK(cudaGraphDestroy(changed));
	std::vector<unsigned int> values = result(w);
	CHECK(cudaGraphExecDestroy(exec));
	return values;
}

int main(int argc, char **argv)
{
	work w = {};
	w.elements = 1 << 16, w.rounds = 20;
	const sample_option options[] = {
	    {"elements", &w.elements, 1, 1l << 28, "numbers to work on"},
	    {"rounds", &w.rounds, 1, 1 << 20, "launches of the graph, before and after the change"},
	};

	sample_options(argc, argv, "Captures work in two streams as a graph and replays it.", options, 2);
	CHECK(cudaMalloc(&w.left, w.elements * sizeof(unsigned int)));
	CHECK(cudaMalloc(&w.right, w.elements * sizeof(unsigned int)));
	CHECK(cudaStreamCreateWithFlags(&w.first, cudaStreamNonBlocking));
	CHECK(cudaStreamCreateWithFlags(&w.second, cudaStreamNonBlocking));
	CHECK(cudaEventCreateWithFlags(&w.fork, cudaEventDisableTiming));
	CHECK(cudaEventCreateWithFlags(&w.join, cudaEventDisableTiming));
	std::vector<unsigned int> plain = run_plain(w), replayed = run_graph(w);
	CHECK(cudaEventDestroy(w.fork));
	CHECK(cudaEventDestroy(w.join));
	CHECK(cudaStreamDestroy(w.second));
	CHECK(cudaStreamDestroy(w.first));
	CHECK(cudaFree(w.right));
	CHECK(cudaFree(w.left));
	sample_checksum(replayed.data(), replayed.size() * sizeof(unsigned int));
	return sample_result(plain == replayed);
}
