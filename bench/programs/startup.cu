/* Prints the seconds from the first CUDA call to the first kernel's result. */
#include "check.h"
#include "commands.h"

__global__ void answer(int *to)
{
	*to = 42;
}

int main()
{
	int value = 0, *memory;
	double start = command_seconds();

	CHECK(cudaMalloc(&memory, sizeof(*memory)));
	answer<<<1, 1>>>(memory);
	CHECK(cudaMemcpy(&value, memory, sizeof(value), cudaMemcpyDeviceToHost));
	printf("%.9f\n", command_seconds() - start);
	CHECK(cudaFree(memory));
	return value == 42 ? EXIT_SUCCESS : EXIT_FAILURE;
}
