/* Kernels that give work to the device; compiled with -rdc=true. */
#include <cstdio>

struct step {
	int add, multiply;
	long padding[9];
};

/* value = value * multiply + add, so that the order of steps shows. */
__global__ void apply(int *value, step s)
{
	if (threadIdx.x == 0 && blockIdx.x == 0)
		*value = *value * s.multiply + s.add;
}

extern "C" __global__ void in_order(int *value)
{
	cudaStream_t stream;

	cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
	apply<<<1, 1, 0, cudaStreamTailLaunch>>>(value, step{9, 10});
	apply<<<2, 32, 0, stream>>>(value, step{1, 2});
	apply<<<1, 32>>>(value, step{3, 5});
	cudaStreamDestroy(stream);
	apply<<<1, 1, 0, cudaStreamFireAndForget>>>(value, step{0, 3});
	*value = 1;
}

extern "C" __global__ void count_down(int *calls, int depth)
{
	atomicAdd(calls, 1);
	if (depth > 0)
		count_down<<<1, 2>>>(calls, depth - 1);
}

/* Every grid launches two; each thread notes why it could not. */
extern "C" __global__ void too_deep(int *deepest, int *error, int depth)
{
	atomicMax(deepest, depth);
	too_deep<<<1, 1>>>(deepest, error, depth + 1);
	cudaError_t last = cudaGetLastError();
	if (last != cudaSuccess)
		*error = last;
}

extern "C" __global__ void again_and_again(int *rounds, int left)
{
	++*rounds;
	if (left)
		again_and_again<<<1, 1, 0, cudaStreamTailLaunch>>>(rounds, left - 1);
}

extern "C" __global__ void errors(int *out)
{
	int thread = threadIdx.x, big = thread % 2 ? 2000 : 1;

	apply<<<1, big>>>(out + 64 + thread, step{1, 1});
	out[thread] = cudaPeekAtLastError() * 1000 + cudaGetLastError();
	out[32 + thread] = cudaGetLastError();
	if (thread == 1) {
		const char *name = cudaGetErrorName(cudaErrorInvalidConfiguration);
		out[96] = name[0] == 'c' && name[9] == 'I';
	}
}

extern "C" __global__ void moves(int *from, int *to)
{
	/* The copy comes after the launch that makes what is copied. */
	apply<<<1, 1>>>(from, step{5, 0});
	cudaMemcpyAsync(to, from, sizeof(int), cudaMemcpyDeviceToDevice);
	cudaMemsetAsync(from + 1, 0x11, 8);
	cudaMemcpy2DAsync(to + 1, 8, from + 1, 4, 4, 2, cudaMemcpyDeviceToDevice);
	apply<<<1, 1>>>(from, step{6, 0});
}

extern "C" __global__ void bad_copy(int *to)
{
	cudaMemcpyAsync(to, (void *)0x1234, 4, cudaMemcpyDeviceToDevice);
}

__global__ void faulty(int *out)
{
	out[1 << 28] = 1;
}

extern "C" __global__ void bad_child(int *out)
{
	faulty<<<1, 1>>>(out);
	apply<<<1, 1>>>(out, step{1, 1});
}

extern "C" __global__ void questions(int *out)
{
	cudaFuncAttributes attributes;
	int *memory;

	cudaGetDevice(&out[0]);
	cudaGetDeviceCount(&out[1]);
	cudaDeviceGetAttribute(&out[2], cudaDevAttrWarpSize, 0);
	out[3] = cudaDeviceGetAttribute(&out[15], cudaDevAttrWarpSize, 1);
	cudaRuntimeGetVersion(&out[4]);
	out[5] = cudaFuncGetAttributes(&attributes, apply) == cudaSuccess ? attributes.maxThreadsPerBlock : -1;
	cudaOccupancyMaxActiveBlocksPerMultiprocessor(&out[6], apply, 256, 0);
	out[7] = cudaMalloc(&memory, 64);
	*memory = 12;
	out[8] = *memory;
	out[9] = cudaFree(memory);
	out[10] = cudaMalloc(&memory, 1ull << 60);
	size_t limit;
	out[11] = cudaDeviceGetLimit(&limit, cudaLimitMallocHeapSize);
}
