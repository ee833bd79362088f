/* `launch COUNT` launches an empty kernel so many times and waits for the last: seconds per launch in the calling
 * thread, and until all are done.
 */
#include "check.h"
#include "commands.h"

__global__ void empty()
{
}

static void measure_launch(const long *arguments, double *results)
{
	double start = command_seconds();
	for (long i = 0; i < arguments[0]; i++)
		empty<<<1, 1>>>();
	results[0] = (command_seconds() - start) / (double)arguments[0];
	CHECK(cudaGetLastError());
	CHECK(cudaDeviceSynchronize());
	results[1] = (command_seconds() - start) / (double)arguments[0];
}

int main()
{
	static const struct command table[] = {{"launch", measure_launch}};

	return command_loop(table, 1);
}
