/* Measures copies to, from and within the device over a range of sizes, and checks the bytes that come back. */
#include <string.h>

#include "check.h"
#include "options.h"

enum place { SOURCE, DEVICE_A, DEVICE_B, TARGET, PLACES };

/* The four buffers, by place; source and target are on the host. */
struct buffers {
	unsigned char *at[PLACES];
};

struct copy {
	const char *name;
	place from, to;
	cudaMemcpyKind kind;
};

/* In this order the bytes of the source travel through both device buffers into the target. */
static const copy copies[] = {
    {"host to device", SOURCE, DEVICE_A, cudaMemcpyHostToDevice},
    {"device to device", DEVICE_A, DEVICE_B, cudaMemcpyDeviceToDevice},
    {"device to host", DEVICE_B, TARGET, cudaMemcpyDeviceToHost},
};

static unsigned char *host_alloc(size_t size, bool pinned)
{
	void *memory = NULL;

	if (pinned)
		CHECK(cudaMallocHost(&memory, size));
	else if ((memory = malloc(size)) == NULL)
		sample_check(cudaErrorMemoryAllocation, "malloc", __FILE__, __LINE__);
	return (unsigned char *)memory;
}

static void host_free(void *memory, bool pinned)
{
	if (pinned)
		CHECK(cudaFreeHost(memory));
	else
		free(memory);
}

static buffers allocate(size_t size, bool pinned)
{
	buffers b;
	uint32_t state = 1;

	b.at[SOURCE] = host_alloc(size, pinned);
	b.at[TARGET] = host_alloc(size, pinned);
	CHECK(cudaMalloc(&b.at[DEVICE_A], size));
	CHECK(cudaMalloc(&b.at[DEVICE_B], size));
	for (size_t i = 0; i < size; i++)
		b.at[SOURCE][i] = (unsigned char)sample_random(&state);
	return b;
}

static void release(const buffers &b, bool pinned)
{
	host_free(b.at[SOURCE], pinned);
	host_free(b.at[TARGET], pinned);
	CHECK(cudaFree(b.at[DEVICE_A]));
	CHECK(cudaFree(b.at[DEVICE_B]));
}

/* Seconds per copy of `size` bytes. */
static double time_copy(const buffers &b, const copy &c, size_t size, long repeats)
{
	CHECK(cudaDeviceSynchronize());
	double start = sample_seconds();
	for (long i = 0; i < repeats; i++)
		CHECK(cudaMemcpy(b.at[c.to], b.at[c.from], size, c.kind));
	CHECK(cudaDeviceSynchronize());
	return (sample_seconds() - start) / (double)repeats;
}

/* One row of the table; false if the bytes that came back differ. */
static bool measure(const buffers &b, size_t size, long repeats)
{
	memset(b.at[TARGET], 0, size);
	CHECK(cudaMemset(b.at[DEVICE_A], 0x55, size));
	CHECK(cudaMemset(b.at[DEVICE_B], 0xaa, size));
	printf("%12zu", size);
	for (const copy &c : copies)
		printf("  %16.3f", (double)size / time_copy(b, c, size, repeats) / 1e9);
	bool same = memcmp(b.at[SOURCE], b.at[TARGET], size) == 0;
	printf("  %s\n", same ? "verified" : "WRONG DATA");
	return same;
}

static bool measure_all(long min, long max, long repeats, bool pinned)
{
	buffers b = allocate((size_t)max, pinned);
	bool same = true;

	printf("\n%s host memory, GB/s\n%12s", pinned ? "Pinned" : "Pageable", "bytes");
	for (const copy &c : copies)
		printf("  %16s", c.name);
	printf("\n");
	for (long size = min; size < max; size *= 4)
		same &= measure(b, (size_t)size, repeats);
	same &= measure(b, (size_t)max, repeats);
	sample_checksum(b.at[TARGET], (size_t)max);
	release(b, pinned);
	return same;
}

int main(int argc, char **argv)
{
	long min = 1 << 10, max = 16 << 20, repeats = 10;
	const sample_option options[] = {
	    {"min", &min, 1, 1l << 36, "smallest copy in bytes"},
	    {"max", &max, 1, 1l << 36, "largest copy in bytes; the sizes between grow fourfold"},
	    {"repeats", &repeats, 1, 1 << 20, "copies of each size"},
	};

	sample_options(argc, argv, "Measures copies between host and device.", options, 3);
	if (min > max) {
		fprintf(stderr, "%s: --min must not exceed --max\n", argv[0]);
		return 2;
	}
	printf("bandwidthTest: %ld to %ld bytes, %ld copies each\n", min, max, repeats);
	bool pageable = measure_all(min, max, repeats, false);
	bool pinned = measure_all(min, max, repeats, true);
	return sample_result(pageable && pinned);
}
