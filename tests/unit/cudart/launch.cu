// A program as a user would write it, built by nvcc for each launch ABI and run on the fake driver: the
// arguments and the shape of the launch that its host code makes must arrive there.
#include <cstdio>
#include <dlfcn.h>

#include "fake_cuda.h"

__device__ int variable[16];
__managed__ int managed[4];

__global__ void kernel(const float *from, float *to, int count, double factor)
{
	if (threadIdx.x < count)
		to[threadIdx.x] = from[threadIdx.x] * factor + variable[0];
}

template <typename T> __global__ void unused_template(T *to)
{
	*to = 1;
}

#define CHECK(condition)                                                                                               \
	if (!(condition)) {                                                                                            \
		printf("%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #condition,                                     \
		       cudaGetErrorString(cudaPeekAtLastError()));                                                     \
		return 1;                                                                                              \
	}

int main()
{
	void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
	const fake *control = driver ? (const fake *)dlsym(driver, "fake_control") : nullptr;
	float *from = (float *)0x1000, *to = (float *)0x2000;
	int value[16] = {5};

	CHECK(control);
	CHECK(control->calls("cuInit") == 0);
	for (int i = 0; i < 3; i++)
		kernel<<<dim3(2, 3, 4), dim3(32, 2), 96, (cudaStream_t)0x77>>>(from, to, 7 + i, 0.5);
	CHECK(cudaGetLastError() == cudaSuccess);
	CHECK(control->calls("cuLaunchKernel") == 3);
	CHECK(control->calls("cuLibraryLoadData") == 1);
	const fake_launch *launch = control->last_launch();
	CHECK(launch->grid[0] == 2 && launch->grid[1] == 3 && launch->grid[2] == 4);
	CHECK(launch->block[0] == 32 && launch->block[1] == 2 && launch->block[2] == 1);
	CHECK(launch->shared_bytes == 96 && launch->stream == (CUstream)0x77);
	CHECK(launch->pointers[0] == from && launch->pointers[1] == to);
	CHECK(launch->integer == 9 && launch->real == 0.5);
	CHECK(cudaMemcpyToSymbol(variable, value, sizeof(value)) == cudaSuccess);
	CHECK(control->calls("cuMemcpyHtoD_v2") == 1);
	managed[1] = 7;
	int *address = nullptr;
	CHECK(cudaGetSymbolAddress((void **)&address, managed) == cudaSuccess);
	CHECK(address == managed && address[1] == 7);
	return 0;
}
