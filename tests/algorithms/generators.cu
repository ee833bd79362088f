/* cuRAND's device functions, compiled for the host too: integers agree exactly, floats in all but the last bits. */
#define QUALIFIERS static inline __host__ __device__
#include <cmath>
#include <curand_kernel.h>

#include "check.h"

struct Sample {
	unsigned word;
	float uniform, normal;
	double wide;
};

template <class State> static __host__ __device__ void draw(unsigned long long seed, int sequence, Sample *samples)
{
	State state;

	curand_init(seed, (unsigned long long)sequence, 3, &state);
	for (int i = 0; i < 4; i++)
		samples[i] = {curand(&state), curand_uniform(&state), curand_normal(&state),
			      curand_uniform_double(&state)};
}

template <class State> static __global__ void run(unsigned long long seed, Sample *samples)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	draw<State>(seed, i, samples + 4 * i);
}

static bool near(double a, double b)
{
	return std::fabs(a - b) <= 1e-5 * (1 + std::fabs(b));
}

template <class State> static void test(const char *name)
{
	const int n = 64;
	Device<Sample> device(4 * n);
	bool same = true;

	run<State><<<n / 32, 32>>>(1234, device);
	std::vector<Sample> samples = device.host();
	for (int i = 0; i < n; i++) {
		Sample want[4];

		draw<State>(1234, i, want);
		for (int k = 0; k < 4; k++) {
			const Sample &got = samples[4 * i + k];

			same &= got.word == want[k].word && got.uniform == want[k].uniform &&
				got.wide == want[k].wide && near(got.normal, want[k].normal);
		}
	}
	check(name, same);
}

int main()
{
	test<curandStatePhilox4_32_10_t>("philox");
	test<curandStateMRG32k3a_t>("mrg32k3a");
	test<curandStateXORWOW_t>("xorwow");
	return conclude();
}
