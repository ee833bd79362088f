/* Copies of SIZE bytes, COUNT times, and checks that they arrived: seconds per copy.
 *
 *     up SIZE COUNT MEMORY      to the device, with MEMORY 0 pageable, 1 pinned, 2 pinned and asynchronous; a second
 *     down SIZE COUNT MEMORY    figure is the time in the calling thread alone
 */
#include "check.h"
#include "commands.h"

enum memory { PAGEABLE, PINNED, PINNED_ASYNC };

static char *host_alloc(size_t size, long memory)
{
	char *host;

	if (memory == PAGEABLE)
		return command_memory(size);
	CHECK(cudaMallocHost(&host, size));
	memset(host, 1, size);
	return host;
}

static void host_free(char *host, long memory)
{
	if (memory == PAGEABLE)
		free(host);
	else
		CHECK(cudaFreeHost(host));
}

static void copy(char *host, char *device, const long *arguments, bool up)
{
	void *to = up ? device : host, *from = up ? host : device;
	cudaMemcpyKind kind = up ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost;

	for (long i = 0; i < arguments[1]; i++) {
		if (arguments[2] == PINNED_ASYNC)
			CHECK(cudaMemcpyAsync(to, from, arguments[0], kind, cudaStreamPerThread));
		else
			CHECK(cudaMemcpy(to, from, arguments[0], kind));
	}
}

/* What is in the place that was copied to: first and last byte. */
static void require_arrived(char *host, char *device, size_t size, bool up, char expected)
{
	if (up) {
		CHECK(cudaMemcpy(host, device, 1, cudaMemcpyDeviceToHost));
		CHECK(cudaMemcpy(host + size - 1, device + size - 1, 1, cudaMemcpyDeviceToHost));
	}
	if (host[0] != expected || host[size - 1] != expected)
		command_fail(up ? "up" : "down", "wrong data");
}

static void measure(const long *arguments, double *results, bool up)
{
	size_t size = arguments[0];
	char *host = host_alloc(size, arguments[2]), *device;

	CHECK(cudaMalloc(&device, size));
	CHECK(cudaMemset(device, 2, size));
	CHECK(cudaDeviceSynchronize());
	double start = command_seconds();
	copy(host, device, arguments, up);
	results[1] = (command_seconds() - start) / (double)arguments[1];
	CHECK(cudaDeviceSynchronize());
	results[0] = (command_seconds() - start) / (double)arguments[1];
	require_arrived(host, device, size, up, up ? 1 : 2);
	CHECK(cudaFree(device));
	host_free(host, arguments[2]);
}

static void measure_up(const long *arguments, double *results)
{
	measure(arguments, results, true);
}

static void measure_down(const long *arguments, double *results)
{
	measure(arguments, results, false);
}

int main()
{
	static const struct command table[] = {{"up", measure_up}, {"down", measure_down}};

	return command_loop(table, 2);
}
