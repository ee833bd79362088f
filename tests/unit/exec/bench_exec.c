/* Speed of the PTX machine. Not a test: prints lane-instructions per second of processor time (and wall-clock time,
   which depends on what else the machine does), which a reader compares. */
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

static double now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Of the best of some launches: seconds that pass, and processor time of all workers. */
struct timing {
	double wall, processor;
};

static double smaller(double a, double b)
{
	return a < b ? a : b;
}

static struct timing launch_time(const char *name, unsigned gx, unsigned gy, unsigned bx, unsigned by,
				 const void *parameters)
{
	struct cpu_launch launch = {.kernel = cpu_module_find_kernel(module, name),
				    .grid = {gx, gy, 1},
				    .block = {bx, by, 1},
				    .parameters = parameters};
	struct timing best = {1e9, 1e9};

	for (int i = 0; i < 7; i++) {
		char text[512];
		double wall = now(CLOCK_MONOTONIC), processor = now(CLOCK_PROCESS_CPUTIME_ID);
		CUresult result = cpu_kernel_run(memory, &launch, (struct cpu_text){text, sizeof(text)});

		if (result) {
			fprintf(stderr, "%s: error %d, %s\n", name, result, text);
			exit(1);
		}
		best.wall = smaller(best.wall, now(CLOCK_MONOTONIC) - wall);
		best.processor = smaller(best.processor, now(CLOCK_PROCESS_CPUTIME_ID) - processor);
	}
	return best;
}

static void report(const char *name, struct timing time, double work, const char *unit)
{
	printf("%-10s %8.2f ms wall  %8.2f ms processor  %6.2f G %s/s per core\n", name, 1e3 * time.wall,
	       1e3 * time.processor, 1e-9 * work / time.processor, unit);
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
	struct timing time;
	double products = (double)ha * wa * wb;

	for (unsigned i = 0; i < ha * wa; i++)
		a[i] = 1;
	for (unsigned i = 0; i < wa * wb; i++)
		b[i] = 0.01f;
	time = launch_time(name, wb / tile, ha / tile, tile, tile, &p);
	for (unsigned i = 0; i < ha * wb; i++)
		if (c[i] < 3.199f || c[i] > 3.201f) {
			fprintf(stderr, "%s: wrong result %f\n", name, c[i]);
			exit(1);
		}
	report(name, time, 3 * products, "lane-instructions");
}

static void collatz(void)
{
	struct {
		uint64_t steps;
		unsigned n;
	} p = {buffer(4ul << 16), 1 << 16};
	struct timing time = launch_time("collatz", (1 << 16) / 256, 1, 256, 1, &p);
	double steps = 0;

	for (unsigned i = 0; i < p.n; i++)
		steps += ((unsigned *)p.steps)[i];
	report("collatz", time, 6 * steps, "lane-instructions");
}

static void add(void)
{
	struct {
		uint64_t a, b, c;
		int n;
	} p = {buffer(4ul << 22), buffer(4ul << 22), buffer(4ul << 22), 1 << 22};
	struct timing time = launch_time("add", (1 << 22) / 256, 1, 256, 1, &p);

	report("add", time, 12.0 * p.n, "bytes");
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
