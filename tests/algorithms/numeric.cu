/* Stencil, FFT, n-body, breadth-first search, conjugate gradients. */
#include <algorithm>
#include <cmath>
#include <complex>
#include <queue>

#include "check.h"

#define SIDE 96

static __global__ void stencil(const float *in, float *out)
{
	__shared__ float tile[18][18];
	int x = blockIdx.x * 16 + threadIdx.x, y = blockIdx.y * 16 + threadIdx.y;

	for (int row = threadIdx.y; row < 18; row += 16)
		for (int column = threadIdx.x; column < 18; column += 16) {
			int ix = (int)blockIdx.x * 16 + column - 1, iy = (int)blockIdx.y * 16 + row - 1;

			tile[row][column] = ix < 0 || iy < 0 || ix >= SIDE || iy >= SIDE ? 0 : in[iy * SIDE + ix];
		}
	__syncthreads();
	int tx = threadIdx.x + 1, ty = threadIdx.y + 1;
	out[y * SIDE + x] = 0.5f * tile[ty][tx] + 0.125f * (tile[ty - 1][tx] + tile[ty + 1][tx]) +
			    0.125f * (tile[ty][tx - 1] + tile[ty][tx + 1]);
}

static float at(const std::vector<float> &field, int x, int y)
{
	return x < 0 || y < 0 || x >= SIDE || y >= SIDE ? 0 : field[y * SIDE + x];
}

static void test_stencil()
{
	std::vector<float> field(SIDE * SIDE), next(field.size());

	for (float &value : field)
		value = (float)(random_bits() % 1000);
	Device<float> one(field), two(field.size());
	for (int round = 0; round < 6; round++) {
		stencil<<<dim3(SIDE / 16, SIDE / 16), dim3(16, 16)>>>(round % 2 ? two : one, round % 2 ? one : two);
		for (int y = 0; y < SIDE; y++)
			for (int x = 0; x < SIDE; x++)
				next[y * SIDE + x] = 0.5f * at(field, x, y) +
						     0.125f * (at(field, x, y - 1) + at(field, x, y + 1)) +
						     0.125f * (at(field, x - 1, y) + at(field, x + 1, y));
		field.swap(next);
	}
	check("stencil", one.host() == field);
}

#define POINTS 512

/* In shared memory, one block, two points for each thread. */
static __global__ void fft(double2 *values)
{
	__shared__ double2 work[POINTS];
	unsigned t = threadIdx.x;

	for (unsigned i = t; i < POINTS; i += blockDim.x)
		work[__brev(i) >> 23] = values[i];
	__syncthreads();
	for (unsigned half = 1; half < POINTS; half *= 2) {
		unsigned k = t % half, i = (t / half) * 2 * half + k;
		double s, c;

		sincospi(-(double)k / half, &s, &c);
		double2 a = work[i], b = work[i + half];
		double2 turned = {b.x * c - b.y * s, b.x * s + b.y * c};
		work[i] = {a.x + turned.x, a.y + turned.y};
		work[i + half] = {a.x - turned.x, a.y - turned.y};
		__syncthreads();
	}
	for (unsigned i = t; i < POINTS; i += blockDim.x)
		values[i] = work[i];
}

static void test_fft()
{
	std::vector<double2> values(POINTS);
	double worst = 0;

	for (double2 &value : values)
		value = {random_bits() % 1000 / 500.0 - 1, random_bits() % 1000 / 500.0 - 1};
	Device<double2> device(values);
	fft<<<1, POINTS / 2>>>(device);
	std::vector<double2> result = device.host();
	for (int k = 0; k < POINTS; k++) {
		std::complex<double> want = 0;

		for (int i = 0; i < POINTS; i++)
			want += std::complex<double>(values[i].x, values[i].y) *
				std::polar(1.0, -2 * M_PI * (k * i % POINTS) / POINTS);
		worst = std::max(worst, std::abs(want - std::complex<double>(result[k].x, result[k].y)));
	}
	check("fft", worst < 1e-9);
}

#define BODIES 320

static __host__ __device__ void pull(const float4 &on, const float4 &by, float3 &force)
{
	float x = by.x - on.x, y = by.y - on.y, z = by.z - on.z;
	float square = x * x + y * y + z * z + 0.01f, inverse = 1.0f / sqrtf(square);
	float strength = by.w * inverse * inverse * inverse;

	force.x += x * strength;
	force.y += y * strength;
	force.z += z * strength;
}

static __global__ void forces(const float4 *bodies, float3 *result)
{
	__shared__ float4 tile[64];
	int i = blockIdx.x * 64 + threadIdx.x;
	float3 force = {0, 0, 0};

	for (int start = 0; start < BODIES; start += 64) {
		tile[threadIdx.x] = bodies[start + threadIdx.x];
		__syncthreads();
		for (int k = 0; k < 64; k++)
			pull(bodies[i], tile[k], force);
		__syncthreads();
	}
	result[i] = force;
}

/* Built with -fmad=false, so that the host gets the same bits. */
static void test_bodies()
{
	std::vector<float4> bodies(BODIES);
	std::vector<float3> want(BODIES);

	for (float4 &body : bodies)
		body = {random_bits() % 1000 / 10.0f, random_bits() % 1000 / 10.0f, random_bits() % 1000 / 10.0f,
			1 + random_bits() % 9 * 1.0f};
	Device<float4> device(bodies);
	Device<float3> result(BODIES);
	forces<<<BODIES / 64, 64>>>(device, result);
	for (int i = 0; i < BODIES; i++) {
		want[i] = {0, 0, 0};
		for (int k = 0; k < BODIES; k++)
			pull(bodies[i], bodies[k], want[i]);
	}
	check("n-body", !std::memcmp(result.host().data(), want.data(), BODIES * sizeof(float3)));
}

static __global__ void visit(const int *starts, const int *edges, int *distances, int n, int distance, int *found)
{
	int node = blockIdx.x * blockDim.x + threadIdx.x;

	if (node >= n || distances[node] != distance)
		return;
	for (int e = starts[node]; e < starts[node + 1]; e++)
		if (atomicCAS(&distances[edges[e]], -1, distance + 1) == -1)
			*found = 1;
}

static void test_search()
{
	const int n = 5000;
	std::vector<int> starts(1), edges, want(n, -1);

	for (int node = 0; node < n; node++) {
		for (unsigned e = random_bits() % 4; e; e--)
			edges.push_back((int)(random_bits() % n));
		starts.push_back((int)edges.size());
	}
	want[0] = 0;
	Device<int> device_starts(starts), device_edges(edges), distances(want), found(1);
	for (int distance = 0, more = 1; more; distance++) {
		CUDA(cudaMemset(found, 0, sizeof(int)));
		visit<<<(n + 127) / 128, 128>>>(device_starts, device_edges, distances, n, distance, found);
		more = found.host()[0];
	}
	std::queue<int> queue({0});
	for (; !queue.empty(); queue.pop())
		for (int e = starts[queue.front()]; e < starts[queue.front() + 1]; e++)
			if (want[edges[e]] < 0) {
				want[edges[e]] = want[queue.front()] + 1;
				queue.push(edges[e]);
			}
	check("breadth-first search", distances.host() == want);
}

#define UNKNOWNS 1000

/* The matrix of the second difference, with 2.1 on the diagonal. */
static __device__ double row_times(const double *x, int i)
{
	return 2.1 * x[i] - (i ? x[i - 1] : 0) - (i + 1 < UNKNOWNS ? x[i + 1] : 0);
}

static __device__ double block_sum(double value, double *work)
{
	work[threadIdx.x] = value;
	__syncthreads();
	for (int step = blockDim.x / 2; step; step /= 2) {
		if ((int)threadIdx.x < step)
			work[threadIdx.x] += work[threadIdx.x + step];
		__syncthreads();
	}
	value = work[0];
	__syncthreads();
	return value;
}

static __global__ void solve(const double *b, double *x, double *residual)
{
	__shared__ double p[UNKNOWNS], work[1024];
	int i = threadIdx.x;
	bool in = i < UNKNOWNS;
	double r = in ? b[i] : 0, solution = 0;

	if (in)
		p[i] = r;
	double square = block_sum(r * r, work);
	for (int round = 0; round < 200 && square > 1e-20; round++) {
		double product = in ? row_times(p, i) : 0;
		double alpha = square / block_sum(in ? p[i] * product : 0, work);

		solution += in ? alpha * p[i] : 0;
		r -= alpha * product;
		double next = block_sum(r * r, work);
		if (in)
			p[i] = r + next / square * p[i];
		square = next;
		__syncthreads();
	}
	if (in)
		x[i] = solution;
	if (i == 0)
		*residual = square;
}

static void test_gradients()
{
	std::vector<double> b(UNKNOWNS);
	double worst = 0;

	for (double &value : b)
		value = random_bits() % 100 / 10.0;
	Device<double> right(b), x(UNKNOWNS), residual(1);
	solve<<<1, 1024>>>(right, x, residual);
	std::vector<double> solution = x.host();
	for (int i = 0; i < UNKNOWNS; i++)
		worst = std::max(worst, std::fabs(b[i] - 2.1 * solution[i] + (i ? solution[i - 1] : 0) +
						  (i + 1 < UNKNOWNS ? solution[i + 1] : 0)));
	check("conjugate gradients", worst < 1e-8 && residual.host()[0] <= 1e-20);
}

int main()
{
	test_stencil();
	test_fft();
	test_bodies();
	test_search();
	test_gradients();
	return conclude();
}
