/* What a call costs that does next to nothing.
 *
 *     sync COUNT     seconds per call that needs an answer
 *     async COUNT    seconds per call that needs none, in the calling thread, and until all are done
 */
#include "driver.h"

static CUevent event;

static void measure_sync(const long *arguments, double *results)
{
	size_t available, total;
	double start = command_seconds();
	for (long i = 0; i < arguments[0]; i++)
		REQUIRE(cuMemGetInfo(&available, &total));
	results[0] = (command_seconds() - start) / (double)arguments[0];
}

static void measure_async(const long *arguments, double *results)
{
	double start = command_seconds();
	for (long i = 0; i < arguments[0]; i++)
		REQUIRE(cuEventRecord(event, NULL));
	results[0] = (command_seconds() - start) / (double)arguments[0];
	REQUIRE(cuCtxSynchronize());
	results[1] = (command_seconds() - start) / (double)arguments[0];
}

int main(void)
{
	static const struct command table[] = {{"sync", measure_sync}, {"async", measure_async}};

	driver_open();
	REQUIRE(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
	return command_loop(table, sizeof(table) / sizeof(*table));
}
