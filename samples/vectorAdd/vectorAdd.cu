/* Adds two vectors on the device: the smallest complete CUDA program. */
#include <vector>

#include "check.h"
#include "options.h"

static const int block_size = 256;

__global__ void vector_add(const float *a, const float *b, float *c, long count)
{
	long i = (long)blockIdx.x * blockDim.x + threadIdx.x;

	if (i < count)
		c[i] = a[i] + b[i];
}

static std::vector<float> add_on_device(const std::vector<float> &a, const std::vector<float> &b)
{
	size_t bytes = a.size() * sizeof(float);
	std::vector<float> c(a.size());
	float *dev_a, *dev_b, *dev_c;

	CHECK(cudaMalloc(&dev_a, bytes));
	CHECK(cudaMalloc(&dev_b, bytes));
	CHECK(cudaMalloc(&dev_c, bytes));
	CHECK(cudaMemcpy(dev_a, a.data(), bytes, cudaMemcpyHostToDevice));
	CHECK(cudaMemcpy(dev_b, b.data(), bytes, cudaMemcpyHostToDevice));
	vector_add<<<(a.size() + block_size - 1) / block_size, block_size>>>(dev_a, dev_b, dev_c, (long)a.size());
	CHECK(cudaGetLastError());
	CHECK(cudaMemcpy(c.data(), dev_c, bytes, cudaMemcpyDeviceToHost));
	CHECK(cudaFree(dev_a));
	CHECK(cudaFree(dev_b));
	CHECK(cudaFree(dev_c));
	return c;
}

int main(int argc, char **argv)
{
	long elements = 1000000;
	const sample_option options[] = {{"elements", &elements, 1, 1l << 30, "length of the vectors"}};

	sample_options(argc, argv, "Adds two vectors on the device and checks every element.", options, 1);
	std::vector<float> a(elements), b(elements);
	uint32_t state = 1;
	for (long i = 0; i < elements; i++) {
		a[i] = (float)sample_random(&state);
		b[i] = (float)sample_random(&state);
	}
	std::vector<float> c = add_on_device(a, b);
	long wrong = 0;
	for (long i = 0; i < elements; i++)
		wrong += c[i] != a[i] + b[i];
	printf("vectorAdd: %ld elements, %ld wrong\n", elements, wrong);
	sample_checksum(c.data(), c.size() * sizeof(float));
	return sample_result(wrong == 0);
}
