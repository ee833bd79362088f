/* Kernels compiled by nvcc (kernels.cu) against what a C program computes. */
#define _GNU_SOURCE
#include <math.h>
#include <unistd.h>

#include "harness.h"

static struct cpu_module *module;

static void load(void)
{
	module = module_load_file(KERNELS_PTX);
}

/* One launch with a single buffer. */
static int *run_int(const char *name, unsigned grid, unsigned block, size_t count)
{
	int *out = device_alloc(count * sizeof(int));
	struct {
		int *out;
	} p = {out};

	load();
	kernel_run(module, name, grid, block, 0, &p);
	return out;
}

START_TEST(structs_by_value)
{
	struct pair {
		int first;
		double second;
		char tag[3];
	} *out = device_alloc(32 * sizeof(*out));
	struct {
		struct pair pair;
		struct pair *out;
		int factor;
	} p = {{7, 2.5, {'a', 'b', 'c'}}, out, 3};

	load();
	kernel_run(module, "structs", 1, 32, 0, &p);
	for (int i = 0; i < 32; i++) {
		ck_assert_int_eq(out[i].first, 21);
		ck_assert_double_eq(out[i].second, 2.5 + i);
		for (int k = 0; k < 3; k++)
			ck_assert_int_eq(out[i].tag[k], i % 3 == k ? 'z' : 'a' + k);
	}
}
END_TEST

START_TEST(module_variables)
{
	const int table[] = {3, 1, 4, 1, 5, 9, 2, 6};
	int *out = run_int("globals", 1, 64, 64);
	uint64_t address;
	size_t size;

	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(out[i], table[i & 7] + 41);
	ck_assert(cpu_module_find_variable(module, "counter", &address, &size));
	ck_assert_uint_eq(size, 4);
	ck_assert_int_eq(*(int *)address, 41);
	ck_assert(cpu_module_find_variable(module, "table", &address, &size));
	ck_assert_uint_eq(size, 32);
	ck_assert(!cpu_module_find_variable(module, "nothing", &address, &size));
}
END_TEST

static int fibonacci(int n)
{
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

START_TEST(recursion)
{
	int *out = run_int("recursion", 1, 50, 50);

	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(out[i], fibonacci(i % 12));
}
END_TEST

START_TEST(function_pointers)
{
	int *out = run_int("pointers", 1, 40, 40);

	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(out[i], i % 3 == 0 ? i + 7 : i % 3 == 1 ? i - 7 : i * 7);
}
END_TEST

START_TEST(local_arrays)
{
	struct {
		int *out, n;
	} p = {device_alloc(400), 5};

	load();
	kernel_run(module, "local_arrays", 1, 100, 0, &p);
	for (int t = 0; t < 100; t++) {
		int values[32];

		for (int i = 0; i < 32; i++)
			values[i] = i * p.n + t;
		for (int i = 1; i < 32; i++)
			values[(i * 7) % 32] += values[i - 1];
		ck_assert_int_eq(p.out[t], values[t % 32] + values[p.n % 32]);
	}
}
END_TEST

static int diverge(int i, int n)
{
	unsigned sum = 0;

	for (int k = 0; k < i % n; k++) {
		if (k % 3 == 0)
			sum += (unsigned)k;
		else if (k % 3 == 1)
			continue;
		else
			sum -= 2u * (unsigned)k;
		if ((int)sum < -20)
			break;
	}
	switch (i % 7) {
	case 0:
		sum += 100;
		break;
	case 1:
		sum ^= 0x55;
		break;
	case 2:
		sum *= 3;
		break;
	case 3:
		sum -= 1;
		break;
	case 4:
		sum <<= 2;
		break;
	case 5:
		sum = ~sum;
		break;
	}
	return (int)sum;
}

START_TEST(divergence)
{
	struct {
		int *out, n;
	} p = {device_alloc(4 * 500), 23};

	load();
	kernel_run(module, "divergence", 1, 500, 0, &p);
	for (int i = 0; i < 500; i++)
		ck_assert_int_eq(p.out[i], diverge(i, p.n));
}
END_TEST

START_TEST(shared_reduction)
{
	struct {
		int *in, *out;
	} p = {device_alloc(4 * 2048), device_alloc(32)};

	load();
	for (int i = 0; i < 2048; i++)
		p.in[i] = i * 37 % 101;
	kernel_run(module, "reduce", 8, 256, 256 * 4, &p);
	for (int b = 0; b < 8; b++) {
		int sum = 0;

		for (int i = 0; i < 256; i++)
			sum += p.in[b * 256 + i];
		ck_assert_int_eq(p.out[b], sum);
	}
}
END_TEST

START_TEST(barrier_reductions)
{
	int *out = run_int("barriers", 1, 200, 200);

	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(out[i], 67 * 4 + 2 + 1);
}
END_TEST

START_TEST(barriers_without_the_exited)
{
	int *out = run_int("early_exit", 1, 100, 100);

	for (int i = 0; i < 100; i += 2)
		ck_assert_int_eq(out[i], 50);
}
END_TEST

START_TEST(named_barriers)
{
	int *out = run_int("named_barriers", 1, 128, 64);

	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(out[i], (63 - i) * 3);
}
END_TEST

START_TEST(shuffles)
{
	int *out = run_int("shuffles", 1, 64, 256);

	for (int t = 0; t < 64; t++) {
		int lane = t & 31;

		ck_assert_int_eq(out[t * 4], 496);
		ck_assert_int_eq(out[t * 4 + 1], lane < 3 ? lane : lane - 3);
		ck_assert_int_eq(out[t * 4 + 2], lane % 8 < 5 ? lane + 3 : lane);
		ck_assert_int_eq(out[t * 4 + 3], ((lane & 16) + 5) * 2);
	}
}
END_TEST

START_TEST(votes)
{
	unsigned *out = (unsigned *)run_int("votes", 1, 64, 256);

	for (int t = 0; t < 64; t++) {
		int lane = t & 31;

		ck_assert_uint_eq(out[t * 4], 0x49249249);
		ck_assert_uint_eq(out[t * 4 + 1], 1);
		ck_assert_uint_eq(out[t * 4 + 2], 0xfu << (lane & ~3));
		ck_assert_uint_eq(out[t * 4 + 3], lane < 8 ? 0xaa : 0xffffff00);
	}
}
END_TEST

START_TEST(atomics)
{
	struct {
		unsigned *u;
		float *f;
		double *d;
		uint64_t *l;
	} p = {device_alloc(4 * (16 + 1024)), device_alloc(4), device_alloc(8), device_alloc(8)};
	uint64_t sum = 0;

	load();
	memset(p.u, 0, 64);
	p.u[7] = 5;
	*p.f = 0;
	*p.d = 0;
	*p.l = 0;
	kernel_run(module, "atomics", 8, 128, 0, &p);
	ck_assert_uint_eq(p.u[0], 1024);
	ck_assert_uint_eq(p.u[1], 127 + 7);
	ck_assert_int_eq((int)p.u[2], -127);
	ck_assert_uint_eq(p.u[3], 1024 % 7);
	ck_assert_uint_eq(p.u[4], UINT32_MAX);
	ck_assert_uint_eq(p.u[5], 0);
	for (int i = 0; i < 1024; i++)
		sum += p.u[16 + i];
	/* Each value but the last was taken out by the next exchange, beginning with the first 0. */
	ck_assert_uint_eq(sum + p.u[6], 8 * 127 * 64);
	ck_assert_uint_eq(p.u[7], 6);
	ck_assert_float_eq(*p.f, 512);
	ck_assert_double_eq(*p.d, 256);
	ck_assert_uint_eq(*p.l, 1024ull << 33);
}
END_TEST

START_TEST(histogram)
{
	struct {
		unsigned char *in;
		unsigned *out;
		int n;
	} p = {device_alloc(100000), device_alloc(1024), 100000};
	unsigned want[256] = {0};

	load();
	memset(p.out, 0, 1024);
	for (int i = 0; i < p.n; i++)
		want[p.in[i] = (unsigned char)((unsigned)i * (unsigned)i / 7)]++;
	kernel_run(module, "histogram", 6, 192, 0, &p);
	ck_assert_mem_eq(p.out, want, sizeof(want));
}
END_TEST

static void lock_check(const char *name)
{
	struct {
		int *lock, *count;
	} p = {device_alloc(4), device_alloc(4)};

	load();
	*p.lock = *p.count = 0;
	kernel_run(module, name, 4, 96, 0, &p);
	ck_assert_int_eq(*p.count, 384);
}

START_TEST(spin_locks)
{
	lock_check("spin_lock");
}
END_TEST

START_TEST(spin_locks_within_a_warp)
{
	lock_check("hard_spin_lock");
}
END_TEST

START_TEST(blocks_wait_for_earlier_ones)
{
	struct {
		int *flags, *out;
	} p = {device_alloc(4 * 300), device_alloc(4 * 300)};

	load();
	memset(p.flags, 0, 4 * 300);
	kernel_run(module, "look_back", 300, 64, 0, &p);
	ck_assert_int_eq(p.out[299], 299 * 300 / 2);
}
END_TEST

START_TEST(warps_wait_for_each_other)
{
	int *out = run_int("warp_waits", 1, 64, 32);

	for (int i = 0; i < 32; i++)
		ck_assert_int_eq(out[i], 9);
}
END_TEST

START_TEST(grid_barriers)
{
	struct {
		int *data, *out;
	} p = {device_alloc(4 * 24 * 48), device_alloc(4 * 24 * 48)};
	struct cpu_launch launch = {.grid = {24, 1, 1}, .block = {48, 1, 1}, .parameters = &p, .cooperative = true};
	int n = 24 * 48;

	load();
	launch.kernel = cpu_module_find_kernel(module, "grid_sync");
	CUresult result = cpu_kernel_run(memory, &launch, (struct cpu_text){message, sizeof(message)});
	ck_assert_msg(result == CUDA_SUCCESS, "%s", message);
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(p.out[i], (i + 48) % n + n - 1 - i);
}
END_TEST

START_TEST(printf_to_stdout)
{
	const char want[] = "5  1.50|ab  |x|10000000000|7%\n6  1.50|ab  |x|10000000000|7%\n";
	char text[256] = "";
	int n = 5, ends[2], saved = dup(1);

	load();
	ck_assert_int_eq(pipe(ends), 0);
	fflush(stdout);
	dup2(ends[1], 1);
	kernel_run(module, "prints", 1, 32, 0, &n);
	dup2(saved, 1);
	ck_assert_int_gt(read(ends[0], text, sizeof(text) - 1), 0);
	ck_assert_str_eq(text, want);
	close(ends[0]);
	close(ends[1]);
	close(saved);
}
END_TEST

START_TEST(device_heap)
{
	struct {
		int **out;
	} p = {device_alloc(8 * 32)};

	load();
	kernel_run(module, "heap", 1, 32, 0, &p);
	for (int i = 0; i < 32; i++) {
		bool live = cpu_memory_contains(memory, (uint64_t)(uintptr_t)p.out[i], 64);

		ck_assert_int_eq(live, !(i & 1));
		for (int k = 0; live && k < 16; k++)
			ck_assert_int_eq(p.out[i][k], k * i);
	}
}
END_TEST

static void close_enough(double got, double want, double tolerance)
{
	ck_assert_msg(fabs(got - want) <= tolerance * (1 + fabs(want)), "%.17g, should be %.17g", got, want);
}

START_TEST(mathematics)
{
	struct {
		float *x;
		double *y;
		float *f;
		double *d;
	} p = {device_alloc(4 * 256), device_alloc(8 * 256), device_alloc(16 * 256), device_alloc(16 * 256)};

	load();
	for (int i = 0; i < 256; i++) {
		p.x[i] = (float)(i - 128) * 0.037f + 0.01f;
		p.y[i] = (i - 128) * 0.31 + 0.003;
	}
	kernel_run(module, "math", 1, 256, 0, &p);
	for (int i = 0; i < 256; i++) {
		float x = p.x[i];
		double y = p.y[i];

		close_enough(p.f[i * 4], sinf(x) * expf(x) + logf(fabsf(x) + 1), 1e-5);
		close_enough(p.f[i * 4 + 1], sqrtf(fabsf(x)) / (x * x + 1), 1e-6);
		close_enough(p.f[i * 4 + 2], powf(fabsf(x), 1.7f) + fmodf(x, 3), 1e-5);
		close_enough(p.f[i * 4 + 3], floorf(x) + rintf(x) + tanhf(x), 1e-5);
		close_enough(p.d[i * 2], sin(y) + exp(y / 10) + log(fabs(y) + 1), 1e-13);
		close_enough(p.d[i * 2 + 1], pow(fabs(y), 1.3) + cbrt(y) + fmod(y, 2.5) + (double)(long long)(y * 1e6),
			     1e-13);
	}
}
END_TEST

START_TEST(three_dimensions)
{
	struct {
		unsigned *out;
	} p = {device_alloc(4 * 2 * 3 * 4 * 5 * 3 * 7)};
	struct cpu_launch launch = {.grid = {2, 3, 4}, .block = {5, 3, 7}, .parameters = &p};

	load();
	launch.kernel = cpu_module_find_kernel(module, "ids");
	ck_assert_int_eq(cpu_kernel_run(memory, &launch, (struct cpu_text){NULL, 0}), CUDA_SUCCESS);
	for (unsigned b = 0; b < 24; b++)
		for (unsigned t = 0; t < 105; t++)
			ck_assert_uint_eq(p.out[b * 105 + t], b * 1000 + t);
}
END_TEST

START_TEST(unaligned_copies)
{
	struct {
		char *from, *to;
		int n;
	} p = {device_alloc(3000), device_alloc(3000), 2900};

	load();
	for (int i = 0; i < 3000; i++)
		p.from[i] = (char)(i * 31);
	memset(p.to, 0, 3000);
	p.from += 5;
	p.to += 11;
	kernel_run(module, "copy_bytes", 1, 77, 0, &p);
	ck_assert_mem_eq(p.from, p.to, (size_t)p.n);
	ck_assert_int_eq(p.to[p.n], 0);
}
END_TEST

START_TEST(vectors)
{
	struct {
		float (*in)[4], (*out)[4];
		double (*d)[2];
	} p = {device_alloc(16 * 32), device_alloc(16 * 32), device_alloc(16 * 32)};

	load();
	for (int i = 0; i < 128; i++)
		p.in[i / 4][i % 4] = (float)i;
	kernel_run(module, "vectors", 1, 32, 0, &p);
	for (int i = 0; i < 32; i++) {
		for (int k = 0; k < 4; k++)
			ck_assert_float_eq(p.out[i][k], p.in[i][3 - k]);
		ck_assert_double_eq(p.d[i][0], p.in[i][0] + p.in[i][1]);
	}
}
END_TEST

START_TEST(kernel_information)
{
	struct cpu_kernel_info info;

	load();
	ck_assert_uint_ge(cpu_module_kernel_count(module), 20);
	ck_assert_int_eq(cpu_kernel_info(cpu_module_find_kernel(module, "structs"), &info), CUDA_SUCCESS);
	ck_assert_uint_eq(info.parameter_count, 3);
	ck_assert_uint_eq(info.parameters[0].size, 24);
	ck_assert_uint_eq(info.parameters[1].offset, 24);
	ck_assert_uint_eq(info.parameters[2].offset, 32);
	ck_assert_uint_eq(info.parameter_bytes, 36);
	ck_assert_int_eq(info.ptx_version, 75);
	ck_assert_int_eq(cpu_kernel_info(cpu_module_find_kernel(module, "histogram"), &info), CUDA_SUCCESS);
	ck_assert_uint_eq(info.shared_bytes, 1024);
	ck_assert_int_gt(info.registers, 4);
	ck_assert_int_lt(info.registers, 64);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {structs_by_value,
				      module_variables,
				      recursion,
				      function_pointers,
				      local_arrays,
				      divergence,
				      shared_reduction,
				      barrier_reductions,
				      barriers_without_the_exited,
				      named_barriers,
				      shuffles,
				      votes,
				      atomics,
				      histogram,
				      spin_locks,
				      spin_locks_within_a_warp,
				      blocks_wait_for_earlier_ones,
				      warps_wait_for_each_other,
				      grid_barriers,
				      printf_to_stdout,
				      device_heap,
				      mathematics,
				      three_dimensions,
				      unaligned_copies,
				      vectors,
				      kernel_information};

	return suite_run("kernels", tests, sizeof(tests) / sizeof(*tests));
}
