/* Functions for host and device on random inputs: built with -fmad=false, both must give the same bits. */
#include <cmath>
#include <cstdint>

#include "check.h"

struct Result {
	uint64_t words[8];
};

static __host__ __device__ uint64_t bits(double value)
{
	uint64_t result;

	memcpy(&result, &value, sizeof(result));
	return value == value ? result : ~0ull;
}

static __host__ __device__ uint64_t mixed(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	return x * 0xc4ceb9fe1a85ec53ull;
}

static __host__ __device__ int64_t quotients(int64_t a, int64_t b)
{
	int32_t x = (int32_t)a, y = (int32_t)b | 1;

	return a / (b | 1) + a % (b | 1) * 3 + (y == -1 ? 0 : x / y + x % y) + (int16_t)a / ((int8_t)b | 1);
}

static __host__ __device__ double polynomial(double x)
{
	double sum = 0;

	for (int i = 0; i < 12; i++)
		sum = sum * x + (i % 3 - 1) / (1.0 + i);
	return sum;
}

static __host__ __device__ float rational(float x, float y)
{
	return (x * y - x / (y + 1.5f)) / sqrtf(x * x + y * y + 0.25f);
}

static __host__ __device__ int narrow(double x)
{
	return (int)(float)x + (int)(short)(int)fmod(x, 1000.0) + (x < 0 ? -1 : (int)(unsigned char)(unsigned)x);
}

/* Collatz steps with a switch and a loop of data-dependent length. */
static __host__ __device__ int walk(uint32_t n)
{
	int steps = 0;

	for (n = n % 10000 + 1; n != 1 && steps < 400; steps++)
		switch (n % 4) {
		case 0:
			n /= 4;
			break;
		case 2:
			n /= 2;
			break;
		default:
			n = 3 * n + 1;
		}
	return steps;
}

static __host__ __device__ uint64_t text(uint32_t n)
{
	char digits[12];
	int count = 0;
	uint64_t hash = 14695981039346656037ull;

	do
		digits[count++] = (char)('0' + n % 10);
	while (n /= 10);
	while (count)
		hash = (hash ^ (unsigned char)digits[--count]) * 1099511628211ull;
	return hash;
}

static __host__ __device__ Result compute(uint64_t a, uint64_t b)
{
	double x = (double)(int64_t)a / 4294967296.0 / 65536.0, y = (double)(int32_t)b / 1024.0;

	return {{mixed(a ^ b << 7), (uint64_t)quotients((int64_t)a, (int64_t)b >> (a & 31)),
		 bits(polynomial(x / 40000)), bits(rational((float)x, (float)y)),
		 (uint64_t)(int64_t)narrow(fabs(y) < 1e6 ? y : 7), (uint64_t)walk((uint32_t)a), text((uint32_t)b),
		 bits(floor(x) + ceil(y) + rint(x * y) + fmin(x, y) - fmax(x, -y))}};
}

static __global__ void run(const uint64_t *in, Result *out, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		out[i] = compute(in[i], in[i + 1]);
}

int main()
{
	const int n = 20000;
	std::vector<uint64_t> in(n + 1);
	int wrong[8] = {0}, all = 0;

	for (uint64_t &word : in)
		word = (uint64_t)random_bits() << 32 | random_bits();
	Device<uint64_t> device(in);
	Device<Result> out(n);
	run<<<(n + 127) / 128, 128>>>(device, out, n);
	std::vector<Result> results = out.host();
	for (int i = 0; i < n; i++) {
		Result want = compute(in[i], in[i + 1]);

		for (int k = 0; k < 8; k++)
			wrong[k] += results[i].words[k] != want.words[k];
	}
	for (int k = 0; k < 8; k++) {
		all += wrong[k];
		if (wrong[k])
			std::printf("function %d: %d of %d differ\n", k, wrong[k], n);
	}
	check("functions for both", !all);
	return conclude();
}
