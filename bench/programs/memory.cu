/* Device memory and events.
 *
 *     allocate SIZE COUNT    seconds per cudaMalloc, and per cudaFree
 *     pool SIZE COUNT        seconds per cudaMallocAsync with cudaFreeAsync; -1 where these are not supported
 *     event COUNT            seconds to record two events, wait for the second and read the time between them
 */
#include <vector>

#include "check.h"
#include "commands.h"

static void measure_allocate(const long *arguments, double *results)
{
	std::vector<void *> blocks(arguments[1]);
	double start = command_seconds();
	for (void *&block : blocks)
		CHECK(cudaMalloc(&block, arguments[0]));
	results[0] = (command_seconds() - start) / (double)arguments[1];
	start = command_seconds();
	for (void *block : blocks)
		CHECK(cudaFree(block));
	results[1] = (command_seconds() - start) / (double)arguments[1];
}

static void measure_pool(const long *arguments, double *results)
{
	void *block;
	cudaError_t first = cudaMallocAsync(&block, arguments[0], 0);

	if (first == cudaErrorNotSupported) {
		results[0] = -1;
		return;
	}
	CHECK(first);
	CHECK(cudaFreeAsync(block, 0));
	CHECK(cudaDeviceSynchronize());
	double start = command_seconds();
	for (long i = 0; i < arguments[1]; i++) {
		CHECK(cudaMallocAsync(&block, arguments[0], 0));
		CHECK(cudaFreeAsync(block, 0));
	}
	CHECK(cudaDeviceSynchronize());
	results[0] = (command_seconds() - start) / (double)arguments[1];
}

static void measure_event(const long *arguments, double *results)
{
	cudaEvent_t before, after;
	float milliseconds;

	CHECK(cudaEventCreate(&before));
	CHECK(cudaEventCreate(&after));
	double start = command_seconds();
	for (long i = 0; i < arguments[0]; i++) {
		CHECK(cudaEventRecord(before));
		CHECK(cudaEventRecord(after));
		CHECK(cudaEventSynchronize(after));
		CHECK(cudaEventElapsedTime(&milliseconds, before, after));
	}
	results[0] = (command_seconds() - start) / (double)arguments[0];
	CHECK(cudaEventDestroy(before));
	CHECK(cudaEventDestroy(after));
}

int main()
{
	static const struct command table[] = {
	    {"allocate", measure_allocate}, {"pool", measure_pool}, {"event", measure_event}};

	return command_loop(table, 3);
}
