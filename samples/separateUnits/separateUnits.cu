/* Two translation units whose device code is linked (nvcc -rdc=true): functions, variables, constants and tables of
   functions of the other unit; static names that both have. */
#include <vector>

#include "check.h"
#include "operations.h"
#include "options.h"

static __device__ float offset = 1000.0f;

static __device__ __noinline__ float helper(float x)
{
	return x + offset;
}

__global__ void apply_here(const float *x, float *result, int count)
{
	int n = blockIdx.x * blockDim.x + threadIdx.x;

	if (n < count)
		result[n] = helper(scaled(x[n])) + operations[1](x[n]);
}

static int wrong_values(const float *device, const std::vector<float> &expected)
{
	std::vector<float> values(expected.size());
	int wrong = 0;

	CHECK(cudaMemcpy(values.data(), device, values.size() * sizeof(float), cudaMemcpyDeviceToHost));
	for (size_t n = 0; n < values.size(); n++)
		wrong += values[n] != expected[n];
	return wrong;
}

int main(int argc, char **argv)
{
	long count = 10000;
	const sample_option options[] = {{"elements", &count, 1, 1 << 24, "numbers to work on"}};
	const float scale = 3.0f;
	unsigned calls;
	float *x, *result;

	sample_options(argc, argv, "Calls device code of another translation unit.", options, 1);
	std::vector<float> host(count), here(count), there(count);
	for (long n = 0; n < count; n++) {
		host[n] = (float)(n % 1000);
		here[n] = host[n] * scale + 1000.0f + host[n] + 1.0f;
		there[n] = n % OPERATION_COUNT == 0   ? host[n] * scale
			   : n % OPERATION_COUNT == 1 ? host[n] + 1.0f
						      : -host[n];
	}
	CHECK(cudaMalloc(&x, count * sizeof(float)));
	CHECK(cudaMalloc(&result, count * sizeof(float)));
	CHECK(cudaMemcpy(x, host.data(), count * sizeof(float), cudaMemcpyHostToDevice));
	CHECK(cudaMemcpyToSymbol(operation_scale, &scale, sizeof(scale)));

	apply_here<<<(count + 255) / 256, 256>>>(x, result, count);
	CHECK(cudaGetLastError());
	int wrong_here = wrong_values(result, here);
	operations_apply(x, result, count);
	CHECK(cudaGetLastError());
	int wrong_there = wrong_values(result, there);
	CHECK(cudaMemcpyFromSymbol(&calls, operation_calls, sizeof(calls)));
	long expected_calls = 100 + count + (count + OPERATION_COUNT - 1) / OPERATION_COUNT;

	printf("Calls of the other unit's function: %u (expected %ld)\n", calls, expected_calls);
	printf("Wrong values: %d here, %d there\n", wrong_here, wrong_there);
	CHECK(cudaFree(x));
	CHECK(cudaFree(result));
	return sample_result(!wrong_here && !wrong_there && calls == expected_calls);
}
