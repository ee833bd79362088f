/* Speed of the PTX machine. Not a test: prints lane-instructions per second, which a reader compares. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exec.h"
#include "memory.h"

static struct cpu_memory *memory;
static struct cpu_module *module;

static char *file_read(const char *path, size_t *length)
{
	FILE *file = fopen(path, "r");
	char *text = malloc(1 << 20);

	if (!file || !text) {
		fprintf(stderr, "%s cannot be read\n", path);
		exit(1);
	}
	*length = fread(text, 1, 1 << 20, file);
	fclose(file);
	return text;
}

static uint64_t buffer(size_t bytes)
{
	uint64_t address;

	if (cpu_memory_alloc(memory, bytes, &address)) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return address;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static double launch_time(const char *name, unsigned gx, unsigned gy, unsigned bx, unsigned by, const void *parameters)
{
	struct cpu_launch launch = {.kernel = cpu_module_find_kernel(module, name),
				    .grid = {gx, gy, 1},
				    .block = {bx, by, 1},
				    .parameters = parameters};
	double best = 1e9;

	for (int i = 0; i < 5; i++) {
		char text[512];
		double start = now();
		CUresult result = cpu_kernel_run(memory, &launch, (struct cpu_text){text, sizeof(text)});

		if (result) {
			fprintf(stderr, "%s: error %d, %s\n", name, result, text);
			exit(1);
		}
		best = now() - start < best ? now() - start : best;
	}
	return best;
}

struct matrix_parameters {
	uint64_t c, a, b;
	int wa, wb;
};

/* Instructions of nvcc's inner loop per product: two loads and a multiply-add; the rest is small. */
static void matrix(unsigned tile, const char *name)
{
	const unsigned ha = 320, wa = 320, wb = 640;
	struct matrix_parameters p = {buffer(4ul * ha * wb), buffer(4ul * ha * wa), buffer(4ul * wa * wb), wa, wb};
	float *a = (float *)p.a, *b = (float *)p.b, *c = (float *)p.c;
	double seconds, products = (double)ha * wa * wb;

	for (unsigned i = 0; i < ha * wa; i++)
		a[i] = 1;
	for (unsigned i = 0; i < wa * wb; i++)
		b[i] = 0.01f;
	seconds = launch_time(name, wb / tile, ha / tile, tile, tile, &p);
	for (unsigned i = 0; i < ha * wb; i++)
		if (c[i] < 3.199f || c[i] > 3.201f) {
			fprintf(stderr, "%s: wrong result %f\n", name, c[i]);
			exit(1);
		}
	printf("%-10s %8.2f ms  %6.2f GFLOP/s  %6.2f G lane-instructions/s in the inner loop\n", name, 1e3 * seconds,
	       2e-9 * products / seconds, 3e-9 * products / seconds);
}

static void collatz(void)
{
	struct {
		uint64_t steps;
		unsigned n;
	} p = {buffer(4ul << 16), 1 << 16};
	double seconds = launch_time("collatz", (1 << 16) / 256, 1, 256, 1, &p), steps = 0;

	for (unsigned i = 0; i < p.n; i++)
		steps += ((unsigned *)p.steps)[i];
	printf("%-10s %8.2f ms  %6.2f G lane-steps/s (each about 6 instructions)\n", "collatz", 1e3 * seconds,
	       1e-9 * steps / seconds);
}

static void add(void)
{
	struct {
		uint64_t a, b, c;
		int n;
	} p = {buffer(4ul << 22), buffer(4ul << 22), buffer(4ul << 22), 1 << 22};
	double seconds = launch_time("add", (1 << 22) / 256, 1, 256, 1, &p);

	printf("%-10s %8.2f ms  %6.2f GB/s\n", "add", 1e3 * seconds, 12e-9 * p.n / seconds);
}

int main(int argc, char **argv)
{
	char log[512];
	size_t length;
	char *text = file_read(argc > 1 ? argv[1] : BENCH_PTX, &length);

	memory = cpu_memory_create((size_t)1 << 30);
	if (!memory || cpu_module_load(text, length, memory, (struct cpu_text){log, sizeof(log)}, &module)) {
		fprintf(stderr, "%s\n", log);
		return 1;
	}
	for (int threads = 1; threads <= 2; threads++) {
		char count[4] = {(char)('0' + threads), 0};

		setenv("CRICKET_CPU_THREADS", count, 1);
		printf("%d worker%s\n", threads, threads == 1 ? "" : "s");
		matrix(32, "matrix32");
		matrix(16, "matrix16");
		collatz();
		add();
	}
	cpu_module_unload(module);
	cpu_memory_destroy(memory);
	free(text);
	return 0;
}
