// A program that uses what samples do not: every form of launch, the queries about kernels, 2D and 3D memory, errors
// that a program can make and come back from. It runs on any device; what a device does not support must say so.
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <thread>

static int failures;

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			printf("line %d: not so: %s\n", __LINE__, #condition);                                         \
			failures++;                                                                                    \
		}                                                                                                      \
	} while (0)

#define CHECK_ERROR(call, wanted)                                                                                      \
	do {                                                                                                           \
		cudaError_t returned = call;                                                                           \
		if (returned != (wanted)) {                                                                            \
			printf("line %d: %s: %s\n", __LINE__, #call, cudaGetErrorName(returned));                      \
			failures++;                                                                                    \
		}                                                                                                      \
	} while (0)

#define CHECK_CUDA(call) CHECK_ERROR(call, cudaSuccess)

// True if the device did it; false if it does not support it, which is then no last error any more.
static bool supported(cudaError_t error)
{
	if (error == cudaErrorNotSupported)
		return cudaGetLastError() != cudaErrorNotSupported;
	CHECK_ERROR(error, cudaSuccess);
	return error == cudaSuccess;
}

struct Wide {
	int numbers[50];
};

struct Seen {
	char letter;
	double real;
	short integer;
	int sum;
	unsigned grid[3], block[3];
};

__constant__ int table[4];
__device__ int counter;
__managed__ int shared_with_host[2];

__global__ void arguments(char letter, double real, short integer, Seen *seen, Wide wide)
{
	if (blockIdx.x + blockIdx.y + blockIdx.z + threadIdx.x + threadIdx.y + threadIdx.z)
		return;
	seen->letter = letter;
	seen->real = real;
	seen->integer = integer;
	seen->sum = 0;
	for (int i = 0; i < 50; i++)
		seen->sum += wide.numbers[i];
	seen->grid[0] = gridDim.x, seen->grid[1] = gridDim.y, seen->grid[2] = gridDim.z;
	seen->block[0] = blockDim.x, seen->block[1] = blockDim.y, seen->block[2] = blockDim.z;
}

__global__ void __launch_bounds__(64) small(int *out)
{
	__shared__ int values[256];

	values[threadIdx.x] = threadIdx.x;
	__syncthreads();
	out[threadIdx.x] = values[63 - threadIdx.x];
}

__global__ void add_table()
{
	atomicAdd(&counter, table[threadIdx.x]);
}

__global__ void fault()
{
	*(volatile int *)8 = 1;
}

template <typename T> __global__ void fill(T *out, T value)
{
	out[threadIdx.x] = value;
}

static void check_seen(const Seen *device, char letter, unsigned grid)
{
	Seen seen;

	CHECK_CUDA(cudaMemcpy(&seen, device, sizeof(seen), cudaMemcpyDefault));
	CHECK(seen.letter == letter && seen.real == 2.5 && seen.integer == -7 && seen.sum == 100);
	CHECK(seen.grid[0] == grid && seen.grid[1] == 3 && seen.grid[2] == 1);
	CHECK(seen.block[0] == 32 && seen.block[1] == 2 && seen.block[2] == 1);
}

static void launch_forms()
{
	Wide wide;
	Seen *seen;
	char letter = 'b';
	double real = 2.5;
	short integer = -7;
	void *pointers[] = {&letter, &real, &integer, &seen, &wide};
	cudaLaunchConfig_t configuration = {};
	cudaKernel_t kernel;

	for (int &number : wide.numbers)
		number = 2;
	CHECK_CUDA(cudaMalloc(&seen, sizeof(*seen)));
	arguments<<<dim3(2, 3), dim3(32, 2), 16>>>('a', real, integer, seen, wide);
	CHECK_CUDA(cudaGetLastError());
	check_seen(seen, 'a', 2);
	CHECK_CUDA(cudaLaunchKernel((void *)arguments, dim3(3, 3), dim3(32, 2), pointers, 0, 0));
	check_seen(seen, 'b', 3);
	letter = 'c';
	CHECK_CUDA(cudaGetKernel(&kernel, arguments));
	CHECK_CUDA(cudaLaunchKernel((void *)kernel, dim3(4, 3), dim3(32, 2), pointers, 0, 0));
	check_seen(seen, 'c', 4);
	configuration.gridDim = dim3(5, 3);
	configuration.blockDim = dim3(32, 2);
	CHECK_CUDA(cudaLaunchKernelEx(&configuration, arguments, 'd', real, integer, seen, wide));
	check_seen(seen, 'd', 5);
	letter = 'e';
	if (supported(cudaLaunchCooperativeKernel((void *)arguments, dim3(1, 3), dim3(32, 2), pointers, 0, 0)))
		check_seen(seen, 'e', 1);
	CHECK_CUDA(cudaFree(seen));
}

static void kernel_queries()
{
	cudaFuncAttributes attributes;
	const char *name;
	size_t offset = 0, size = 0;
	int blocks = 0, grid = 0, block = 0;

	CHECK_CUDA(cudaFuncGetAttributes(&attributes, small));
	CHECK(attributes.maxThreadsPerBlock == 64 && attributes.sharedSizeBytes == 1024);
	CHECK_CUDA(cudaFuncGetName(&name, (void *)small));
	CHECK(strcmp(name, "_Z5smallPi") == 0);
	CHECK_CUDA(cudaFuncGetParamInfo((void *)arguments, 1, &offset, &size));
	CHECK(offset == 8 && size == 8);
	CHECK_ERROR(cudaFuncGetParamInfo((void *)arguments, 5, &offset, &size), cudaErrorInvalidValue);
	CHECK_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, small, 64, 0));
	CHECK(blocks > 0);
	CHECK_CUDA(cudaOccupancyMaxPotentialBlockSize(&grid, &block, small));
	CHECK(grid > 0 && block == 64);
	CHECK_ERROR(cudaFuncGetAttributes(&attributes, (void *)kernel_queries), cudaErrorInvalidDeviceFunction);
	cudaGetLastError();
}

static void variables()
{
	int numbers[4] = {1, 20, 300, 4000}, sum = -1, zero = 0;
	void *address;
	size_t size = 0;

	CHECK_CUDA(cudaMemcpyToSymbol(table, numbers, sizeof(numbers)));
	CHECK_CUDA(cudaMemcpyToSymbol(counter, &zero, sizeof(zero)));
	add_table<<<2, 4>>>();
	CHECK_CUDA(cudaMemcpyFromSymbol(&sum, counter, sizeof(sum)));
	CHECK(sum == 2 * 4321);
	CHECK_CUDA(cudaGetSymbolAddress(&address, table));
	CHECK_CUDA(cudaGetSymbolSize(&size, table));
	CHECK(size == sizeof(numbers));
	CHECK_ERROR(cudaMemcpyToSymbol(table, numbers, sizeof(numbers), 4), cudaErrorInvalidValue);
	CHECK_ERROR(cudaGetSymbolSize(&size, (void *)"none"), cudaErrorInvalidSymbol);
	cudaGetLastError();
}

static void managed_variable()
{
	int *address;
	int managed = 0;

	CHECK_CUDA(cudaDeviceGetAttribute(&managed, cudaDevAttrManagedMemory, 0));
	if (!managed)
		return;
	shared_with_host[0] = 1;
	CHECK_CUDA(cudaGetSymbolAddress((void **)&address, shared_with_host));
	fill<<<1, 2>>>(address, 17);
	CHECK_CUDA(cudaDeviceSynchronize());
	CHECK(shared_with_host[0] == 17 && shared_with_host[1] == 17);
}

static void rectangles()
{
	unsigned char from[400], to[400];
	char *memory;
	size_t pitch;

	for (int i = 0; i < 400; i++)
		from[i] = (unsigned char)i;
	CHECK_CUDA(cudaMallocPitch(&memory, &pitch, 100, 4));
	CHECK(pitch >= 100);
	CHECK_CUDA(cudaMemcpy2D(memory, pitch, from, 100, 100, 4, cudaMemcpyHostToDevice));
	CHECK_CUDA(cudaMemcpy2D(to, 100, memory, pitch, 100, 4, cudaMemcpyDeviceToHost));
	CHECK(memcmp(from, to, sizeof(from)) == 0);
	CHECK_CUDA(cudaMemset2D(memory, pitch, 9, 50, 4));
	CHECK_CUDA(cudaMemcpy2DAsync(to, 100, memory, pitch, 100, 4, cudaMemcpyDeviceToHost, 0));
	CHECK_CUDA(cudaStreamSynchronize(0));
	CHECK(to[349] == 9 && to[350] == from[350]);
	CHECK_ERROR(cudaMemcpy2D(memory, 99, from, 100, 100, 4, cudaMemcpyHostToDevice), cudaErrorInvalidPitchValue);
	cudaGetLastError();
	CHECK_CUDA(cudaFree(memory));
}

static void boxes()
{
	unsigned char to[120];
	cudaPitchedPtr memory;
	cudaMemcpy3DParms copy = {};

	memset(to, 1, sizeof(to));
	CHECK_CUDA(cudaMalloc3D(&memory, make_cudaExtent(10, 4, 3)));
	CHECK_CUDA(cudaMemset3D(memory, 5, make_cudaExtent(10, 4, 3)));
	CHECK_CUDA(cudaMemset3D(memory, 6, make_cudaExtent(5, 2, 3)));
	copy.srcPtr = memory;
	copy.dstPtr = make_cudaPitchedPtr(to, 10, 10, 4);
	copy.extent = make_cudaExtent(10, 4, 3);
	copy.kind = cudaMemcpyDeviceToHost;
	if (supported(cudaMemcpy3D(&copy)))
		CHECK(to[0] == 6 && to[5] == 5 && to[14] == 6 && to[24] == 5 && to[84] == 6 && to[119] == 5);
	CHECK_CUDA(cudaFree(memory.ptr));
}

static void CUDART_CB note(cudaStream_t, cudaError_t status, void *data)
{
	*(int *)data = status == cudaSuccess ? 1 : -1;
}

static void CUDART_CB increase(void *data)
{
	++*(int *)data;
}

static void streams_and_events()
{
	cudaStream_t stream;
	cudaEvent_t first, last;
	float milliseconds = -1;
	int noted = 0, increased = 0, device = -1;
	unsigned flags = 0;

	CHECK_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	CHECK_CUDA(cudaEventCreate(&first));
	CHECK_CUDA(cudaEventCreate(&last));
	CHECK_CUDA(cudaEventRecord(first, stream));
	add_table<<<1, 4, 0, stream>>>();
	CHECK_CUDA(cudaEventRecord(last, stream));
	CHECK_CUDA(cudaStreamWaitEvent(0, last, 0));
	CHECK_CUDA(cudaDeviceSynchronize());
	CHECK_CUDA(cudaEventQuery(last));
	CHECK_CUDA(cudaEventElapsedTime(&milliseconds, first, last));
	CHECK(milliseconds >= 0);
	bool notes = supported(cudaStreamAddCallback(stream, note, &noted, 0));
	bool increases = supported(cudaLaunchHostFunc(stream, increase, &increased));
	CHECK_CUDA(cudaStreamSynchronize(stream));
	CHECK(noted == notes && increased == increases);
	CHECK_CUDA(cudaStreamGetFlags(stream, &flags));
	CHECK(flags == cudaStreamNonBlocking);
	CHECK_CUDA(cudaStreamGetDevice(stream, &device));
	CHECK(device == 0);
	CHECK_CUDA(cudaEventDestroy(first));
	CHECK_CUDA(cudaEventDestroy(last));
	CHECK_CUDA(cudaStreamDestroy(stream));
}

static void addresses()
{
	cudaPointerAttributes attributes;
	int *memory, *pinned;

	CHECK_CUDA(cudaMalloc(&memory, 64));
	CHECK_CUDA(cudaMallocHost(&pinned, 64));
	CHECK_CUDA(cudaPointerGetAttributes(&attributes, memory + 3));
	CHECK(attributes.type == cudaMemoryTypeDevice && attributes.device == 0);
	CHECK_CUDA(cudaPointerGetAttributes(&attributes, pinned));
	CHECK(attributes.type == cudaMemoryTypeHost && attributes.hostPointer == pinned);
	CHECK_CUDA(cudaPointerGetAttributes(&attributes, &attributes));
	CHECK(attributes.type == cudaMemoryTypeUnregistered);
	CHECK_CUDA(cudaFreeHost(pinned));
	CHECK_CUDA(cudaFree(memory));
	CHECK_ERROR(cudaFree((void *)0x12345), cudaErrorInvalidValue);
	cudaGetLastError();
}

static void threads()
{
	int values[64] = {}, *memory;

	CHECK_CUDA(cudaMalloc(&memory, sizeof(values)));
	std::thread([=] {
		small<<<1, 64>>>(memory);
		CHECK_CUDA(cudaGetLastError());
		CHECK_CUDA(cudaDeviceSynchronize());
		CHECK_ERROR(cudaSetDevice(1000), cudaErrorInvalidDevice);
	}).join();
	CHECK_CUDA(cudaGetLastError());
	CHECK_CUDA(cudaMemcpy(values, memory, sizeof(values), cudaMemcpyDeviceToHost));
	CHECK(values[0] == 63 && values[63] == 0);
	CHECK_CUDA(cudaFree(memory));
}

static void launch_errors()
{
	int *memory;

	CHECK_CUDA(cudaMalloc(&memory, 1024));
	small<<<0, 1>>>(memory);
	CHECK_ERROR(cudaGetLastError(), cudaErrorInvalidConfiguration);
	small<<<1, 2048>>>(memory);
	CHECK_ERROR(cudaGetLastError(), cudaErrorInvalidConfiguration);
	small<<<1, 128>>>(memory);
	CHECK(cudaGetLastError() != cudaSuccess);
	CHECK_CUDA(cudaDeviceSynchronize());
	CHECK_CUDA(cudaFree(memory));
}

static void fault_and_reset()
{
	int values[2] = {}, *memory;

	fault<<<1, 1>>>();
	CHECK_ERROR(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
	CHECK_ERROR(cudaGetLastError(), cudaErrorIllegalAddress);
	CHECK_ERROR(cudaMalloc(&memory, 64), cudaErrorIllegalAddress);
	CHECK_CUDA(cudaDeviceReset());
	cudaGetLastError();
	CHECK_CUDA(cudaMalloc(&memory, 64));
	fill<<<1, 2>>>(memory, 23);
	CHECK_CUDA(cudaMemcpy(values, memory, sizeof(values), cudaMemcpyDeviceToHost));
	CHECK(values[0] == 23 && values[1] == 23);
	CHECK_CUDA(cudaFree(memory));
}

// The code and the variables of a shared object come and go with it.
static void plugins()
{
	for (int i = 0; i < 4; i++) {
		void *plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
		int (*run)(int) = plugin ? (int (*)(int))dlsym(plugin, "plugin_run") : nullptr;

		CHECK(run);
		if (run)
			CHECK(run(10 * i) == 10 * i + 1);
		CHECK(plugin && dlclose(plugin) == 0);
	}
}

int main()
{
	launch_forms();
	kernel_queries();
	variables();
	managed_variable();
	rectangles();
	boxes();
	streams_and_events();
	addresses();
	threads();
	launch_errors();
	plugins();
	CHECK_CUDA(cudaGetLastError());
	fault_and_reset();
	printf("Result = %s\n", failures ? "FAIL" : "PASS");
	return failures ? 1 : 0;
}
