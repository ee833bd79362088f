// How fast the CPU device executes kernels, and how fast the processor is at the same algorithms compiled from C:
// `device K` and `host K` measure kernel number K: seconds, and the lane-instructions that the device executes for it
// (counted in the PTX that nvcc makes, in millions; lanes that do not take part are not counted).
#include <math.h>

#include <cuda_runtime.h>

#include "commands.h"

#define REQUIRE(call)                                                                                                  \
	do {                                                                                                           \
		cudaError_t error = (call);                                                                            \
		if (error != cudaSuccess)                                                                              \
			command_fail(#call, cudaGetErrorName(error));                                                  \
	} while (0)

// ---- The kernels, each with what a C programmer would write instead ----

constexpr int tile = 32, matrix_size = 640;

__global__ void matrix(float *c, const float *a, const float *b)
{
	__shared__ float as[tile][tile], bs[tile][tile];
	int tx = threadIdx.x, ty = threadIdx.y, row = blockIdx.y * tile + ty, column = blockIdx.x * tile + tx;
	float sum = 0;

	for (int k0 = 0; k0 < matrix_size; k0 += tile) {
		as[ty][tx] = a[row * matrix_size + k0 + tx];
		bs[ty][tx] = b[(k0 + ty) * matrix_size + column];
		__syncthreads();
#pragma unroll
		for (int k = 0; k < tile; k++)
			sum += as[ty][k] * bs[k][tx];
		__syncthreads();
	}
	c[row * matrix_size + column] = sum;
}

static void host_matrix(float *c, const float *a, const float *b)
{
	memset(c, 0, sizeof(float) * matrix_size * matrix_size);
	for (int row = 0; row < matrix_size; row++)
		for (int k = 0; k < matrix_size; k++)
			for (int column = 0; column < matrix_size; column++)
				c[row * matrix_size + column] += a[row * matrix_size + k] * b[k * matrix_size + column];
}

constexpr int numbers = 1 << 18;

// Lanes go different ways: the length of Collatz sequences.
__global__ void collatz(unsigned *steps)
{
	unsigned i = blockIdx.x * blockDim.x + threadIdx.x, x = i + 1, count = 0;

	while (x != 1) {
		if (x & 1)
			x = 3 * x + 1;
		else
			x >>= 1;
		count++;
	}
	steps[i] = count;
}

static void host_collatz(unsigned *steps)
{
	for (unsigned i = 0; i < numbers; i++) {
		unsigned x = i + 1, count = 0;
		while (x != 1) {
			x = x & 1 ? 3 * x + 1 : x >> 1;
			count++;
		}
		steps[i] = count;
	}
}

constexpr int elements = 1 << 22;

__global__ void add(float *c, const float *a, const float *b)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	c[i] = a[i] + b[i];
}

static void host_add(float *c, const float *a, const float *b)
{
	for (int i = 0; i < elements; i++)
		c[i] = a[i] + b[i];
}

// Sums of blocks by a tree in shared memory.
__global__ void reduce(float *sums, const float *in)
{
	__shared__ float shared[256];
	float sum = 0;

	for (int i = blockIdx.x * 256 + threadIdx.x; i < elements; i += gridDim.x * 256)
		sum += in[i];
	shared[threadIdx.x] = sum;
	for (int half = 128; half; half >>= 1) {
		__syncthreads();
		if (threadIdx.x < half)
			shared[threadIdx.x] += shared[threadIdx.x + half];
	}
	if (threadIdx.x == 0)
		sums[blockIdx.x] = shared[0];
}

static void host_reduce(float *sums, const float *in)
{
	float sum = 0;

	for (int i = 0; i < elements; i++)
		sum += in[i];
	*sums = sum;
}

// 256 bins, counted in shared memory.
__global__ void histogram(unsigned *bins, const unsigned char *in)
{
	__shared__ unsigned counts[256];

	counts[threadIdx.x] = 0;
	__syncthreads();
	for (int i = blockIdx.x * 256 + threadIdx.x; i < elements; i += gridDim.x * 256)
		atomicAdd(&counts[in[i]], 1);
	__syncthreads();
	atomicAdd(&bins[threadIdx.x], counts[threadIdx.x]);
}

static void host_histogram(unsigned *bins, const unsigned char *in)
{
	for (int i = 0; i < elements; i++)
		bins[in[i]]++;
}

constexpr int width = 2048, height = elements / width;

__global__ void stencil(float *out, const float *in)
{
	int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y, at = y * width + x;

	if (x > 0 && y > 0 && x < width - 1 && y < height - 1)
		out[at] = 0.2f * (in[at] + in[at - 1] + in[at + 1] + in[at - width] + in[at + width]);
}

static void host_stencil(float *out, const float *in)
{
	for (int y = 1; y < height - 1; y++)
		for (int x = 1, at = y * width + 1; x < width - 1; x++, at++)
			out[at] = 0.2f * (in[at] + in[at - 1] + in[at + 1] + in[at - width] + in[at + width]);
}

constexpr int bodies = 4096;

// Forces between bodies: arithmetic with a square root, and memory that all lanes read together.
__device__ __host__ static inline void attract(float4 *sum, float4 own, float4 other, float inverse)
{
	float strength = other.w * inverse * inverse * inverse;

	sum->x += (other.x - own.x) * strength;
	sum->y += (other.y - own.y) * strength;
	sum->z += (other.z - own.z) * strength;
}

__device__ __host__ static inline float distance_squared(float4 a, float4 b)
{
	float x = b.x - a.x, y = b.y - a.y, z = b.z - a.z;

	return x * x + y * y + z * z + 0.01f;
}

__global__ void gravity(float4 *force, const float4 *body)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;
	float4 own = body[i], sum = {0, 0, 0, 0};

#pragma unroll 1
	for (int j = 0; j < bodies; j++)
		attract(&sum, own, body[j], rsqrtf(distance_squared(own, body[j])));
	force[i] = sum;
}

static void host_gravity(float4 *force, const float4 *body)
{
	for (int i = 0; i < bodies; i++) {
		float4 sum = {0, 0, 0, 0};
		for (int j = 0; j < bodies; j++)
			attract(&sum, body[i], body[j], 1 / sqrtf(distance_squared(body[i], body[j])));
		force[i] = sum;
	}
}

// ---- Running them ----

// Memory for the largest of them, on both sides; the same bytes in `in`, `more`.
struct memory {
	char *out, *in, *more;
};
static memory on_device, on_host;

static double collatz_steps()
{
	unsigned *steps = (unsigned *)on_host.out;
	double sum = 0;

	host_collatz(steps);
	for (int i = 0; i < numbers; i++)
		sum += steps[i];
	return sum;
}

static void run_matrix(const memory &m, bool device)
{
	if (device)
		matrix<<<dim3(matrix_size / tile, matrix_size / tile), dim3(tile, tile)>>>(
		    (float *)m.out, (float *)m.in, (float *)m.more);
	else
		host_matrix((float *)m.out, (float *)m.in, (float *)m.more);
}

static void run_collatz(const memory &m, bool device)
{
	if (device)
		collatz<<<numbers / 256, 256>>>((unsigned *)m.out);
	else
		host_collatz((unsigned *)m.out);
}

static void run_add(const memory &m, bool device)
{
	if (device)
		add<<<elements / 256, 256>>>((float *)m.out, (float *)m.in, (float *)m.more);
	else
		host_add((float *)m.out, (float *)m.in, (float *)m.more);
}

static void run_reduce(const memory &m, bool device)
{
	if (device)
		reduce<<<64, 256>>>((float *)m.out, (float *)m.in);
	else
		host_reduce((float *)m.out, (float *)m.in);
}

static void run_histogram(const memory &m, bool device)
{
	if (device)
		histogram<<<64, 256>>>((unsigned *)m.out, (unsigned char *)m.in);
	else
		host_histogram((unsigned *)m.out, (unsigned char *)m.in);
}

static void run_stencil(const memory &m, bool device)
{
	if (device)
		stencil<<<dim3(width / 256, height), 256>>>((float *)m.out, (float *)m.in);
	else
		host_stencil((float *)m.out, (float *)m.in);
}

static void run_gravity(const memory &m, bool device)
{
	if (device)
		gravity<<<bodies / 256, 256>>>((float4 *)m.out, (float4 *)m.in);
	else
		host_gravity((float4 *)m.out, (float4 *)m.in);
}

// In the order of bench/measure/kernels.py. The instructions of inner loops, times how often they run.
static const struct {
	void (*run)(const memory &, bool device);
	double per_unit, units;
} kernels[] = {
    {run_matrix, 107.0 / tile, (double)matrix_size *matrix_size *matrix_size},
    {run_collatz, 8, 0 /* counted */},
    {run_add, 19, elements},
    {run_reduce, 7, elements},
    {run_histogram, 9, elements},
    {run_stencil, 32, elements},
    {run_gravity, 19, (double)bodies *bodies},
};

static double count_instructions(long kernel)
{
	return kernels[kernel].per_unit * (kernels[kernel].units ? kernels[kernel].units : collatz_steps());
}

static void measure(const long *arguments, double *results, bool device)
{
	long kernel = arguments[0];

	if (kernel < 0 || kernel >= (long)(sizeof(kernels) / sizeof(*kernels)))
		command_fail("kernel", "no such number");
	double start = command_seconds();
	kernels[kernel].run(device ? on_device : on_host, device);
	if (device)
		REQUIRE(cudaDeviceSynchronize());
	results[0] = command_seconds() - start;
	results[1] = 1e-6 * count_instructions(kernel);
}

static void measure_device(const long *arguments, double *results)
{
	measure(arguments, results, true);
}

static void measure_host(const long *arguments, double *results)
{
	measure(arguments, results, false);
}

static char *device_copy(const char *bytes, size_t size)
{
	char *copy;

	REQUIRE(cudaMalloc(&copy, size));
	REQUIRE(cudaMemcpy(copy, bytes, size, cudaMemcpyHostToDevice));
	return copy;
}

int main()
{
	static const struct command table[] = {{"device", measure_device}, {"host", measure_host}};
	const size_t size = sizeof(float4) * elements / 4;

	on_host = {command_memory(size), command_memory(size), command_memory(size)};
	for (size_t i = 0; i < size / sizeof(float); i++)
		((float *)on_host.in)[i] = ((float *)on_host.more)[i] = (float)(i % 1000) / 1000;
	on_device = {device_copy(on_host.out, size), device_copy(on_host.in, size), device_copy(on_host.more, size)};
	return command_loop(table, sizeof(table) / sizeof(*table));
}
