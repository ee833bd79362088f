/* Multiplies two matrices many times, reports the time per launch, and checks every element of the product. */
#include "check.h"
#include "host.h"
#include "kernel.h"
#include "options.h"

struct device_matrices {
	float *a, *b, *c;
};

static device_matrices upload(const matrix &a, const matrix &b, const matrix &c)
{
	device_matrices dev;

	CHECK(cudaMalloc(&dev.a, a.bytes()));
	CHECK(cudaMalloc(&dev.b, b.bytes()));
	CHECK(cudaMalloc(&dev.c, c.bytes()));
	CHECK(cudaMemcpy(dev.a, a.values.data(), a.bytes(), cudaMemcpyHostToDevice));
	CHECK(cudaMemcpy(dev.b, b.values.data(), b.bytes(), cudaMemcpyHostToDevice));
	return dev;
}

static void launch(const device_matrices &dev, const matrix &a, const matrix &b, cudaStream_t stream)
{
	dim3 grid(b.width / TILE, a.height / TILE);

	matrix_mul<<<grid, dim3(TILE, TILE), 0, stream>>>(dev.c, dev.a, dev.b, (int)a.width, (int)b.width);
	CHECK(cudaGetLastError());
}

/* Milliseconds per launch, measured by the device. */
static float time_launches(const device_matrices &dev, const matrix &a, const matrix &b, long iterations)
{
	cudaStream_t stream;
	cudaEvent_t start, stop;
	float milliseconds;

	CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	CHECK(cudaEventCreate(&start));
	CHECK(cudaEventCreate(&stop));
	launch(dev, a, b, stream); /* the first launch loads the kernel */
	CHECK(cudaStreamSynchronize(stream));
	CHECK(cudaEventRecord(start, stream));
	for (long i = 0; i < iterations; i++)
		launch(dev, a, b, stream);
	CHECK(cudaEventRecord(stop, stream));
	CHECK(cudaEventSynchronize(stop));
	CHECK(cudaEventElapsedTime(&milliseconds, start, stop));
	CHECK(cudaEventDestroy(start));
	CHECK(cudaEventDestroy(stop));
	CHECK(cudaStreamDestroy(stream));
	return milliseconds / (float)iterations;
}

static void report(float milliseconds, const matrix &a, const matrix &b)
{
	double operations = 2.0 * (double)a.width * (double)a.height * (double)b.width;

	printf("Performance = %.2f GFLOP/s, Time = %.3f ms per launch, Size = %.0f operations, Block = %d threads\n",
	       operations / (milliseconds * 1e6), milliseconds, operations, TILE * TILE);
}

int main(int argc, char **argv)
{
	long wa = 320, ha = 320, wb = 640, hb = 320, iterations = 300;
	const sample_option options[] = {
	    {"wa", &wa, TILE, 1 << 15, "width of A, a multiple of 32"},
	    {"ha", &ha, TILE, 1 << 15, "height of A, a multiple of 32"},
	    {"wb", &wb, TILE, 1 << 15, "width of B, a multiple of 32"},
	    {"hb", &hb, TILE, 1 << 15, "height of B, equal to the width of A"},
	    {"iterations", &iterations, 1, 1 << 30, "timed launches"},
	};

	sample_options(argc, argv, "Multiplies matrices A and B on the device.", options, 5);
	if (wa % TILE || ha % TILE || wb % TILE || wa != hb) {
		fprintf(stderr, "%s: dimensions must be multiples of %d and --wa must equal --hb\n", argv[0], TILE);
		return 2;
	}
	matrix a(wa, ha), b(wb, hb), c(wb, ha);
	matrix_fill(a, 1);
	matrix_fill(b, 2);
	device_matrices dev = upload(a, b, c);
	printf("matrixMul: A(%ld x %ld) * B(%ld x %ld), %ld launches\n", wa, ha, wb, hb, iterations);
	report(time_launches(dev, a, b, iterations), a, b);
	CHECK(cudaMemcpy(c.values.data(), dev.c, c.bytes(), cudaMemcpyDeviceToHost));
	CHECK(cudaFree(dev.a));
	CHECK(cudaFree(dev.b));
	CHECK(cudaFree(dev.c));
	long wrong = matrix_wrong(a, b, c);
	printf("Verified %ld elements, %ld wrong\n", (long)c.values.size(), wrong);
	sample_checksum(c.values.data(), c.bytes());
	return sample_result(wrong == 0);
}
