/* The matrix product through the driver API: the PTX of the kernel is embedded and loaded as a module. */
#include <cuda.h>

#include "host.h"
#include "options.h"

static const long tile = 32;

/* The build names the file in MODULE_PTX; PTX is text, which cuModuleLoadData reads up to the NUL. */
extern const char module_ptx[];
__asm__(".section .rodata\n"
	".global module_ptx\n"
	"module_ptx: .incbin \"" MODULE_PTX "\"\n"
	".byte 0\n"
	".previous\n");

static void driver_check(CUresult result, const char *call, int line)
{
	const char *name = "unknown error", *text = "";

	if (result == CUDA_SUCCESS)
		return;
	cuGetErrorName(result, &name);
	cuGetErrorString(result, &text);
	fprintf(stderr, "%s:%d: %s: %s (%s)\n", __FILE__, line, call, text, name);
	exit(sample_result(false));
}

#define CHECK(call) driver_check((call), #call, __LINE__)

struct device_matrices {
	CUdeviceptr a, b, c;
};

static CUcontext create_context(CUdevice *device)
{
	char name[256];
	CUcontext context;

	CHECK(cuInit(0));
	CHECK(cuDeviceGet(device, 0));
	CHECK(cuDeviceGetName(name, sizeof(name), *device));
	printf("Device 0: %s\n", name);
	CHECK(cuDevicePrimaryCtxRetain(&context, *device));
	CHECK(cuCtxSetCurrent(context));
	return context;
}

static device_matrices upload(const matrix &a, const matrix &b, const matrix &c)
{
	device_matrices dev;

	CHECK(cuMemAlloc(&dev.a, a.bytes()));
	CHECK(cuMemAlloc(&dev.b, b.bytes()));
	CHECK(cuMemAlloc(&dev.c, c.bytes()));
	CHECK(cuMemcpyHtoD(dev.a, a.values.data(), a.bytes()));
	CHECK(cuMemcpyHtoD(dev.b, b.values.data(), b.bytes()));
	CHECK(cuMemsetD32(dev.c, 0xffffffffu, c.values.size())); /* NaN: an element left out is found */
	return dev;
}

/* Launches with an array of parameter pointers, the usual form. */
static void launch_params(CUfunction function, device_matrices dev, const matrix &a, const matrix &b)
{
	int wa = (int)a.width, wb = (int)b.width;
	void *params[] = {&dev.c, &dev.a, &dev.b, &wa, &wb};

	CHECK(cuLaunchKernel(function, b.width / tile, a.height / tile, 1, tile, tile, 1, 0, NULL, params, NULL));
}

/* Launches with the parameters packed into one buffer, the older form. */
static void launch_packed(CUfunction function, device_matrices dev, const matrix &a, const matrix &b)
{
	struct {
		CUdeviceptr c, a, b;
		int wa, wb;
	} buffer = {dev.c, dev.a, dev.b, (int)a.width, (int)b.width};
	size_t size = sizeof(buffer);
	void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &buffer, CU_LAUNCH_PARAM_BUFFER_SIZE, &size,
			 CU_LAUNCH_PARAM_END};

	CHECK(cuLaunchKernel(function, b.width / tile, a.height / tile, 1, tile, tile, 1, 0, NULL, NULL, extra));
}

static void multiply(CUmodule module, const device_matrices &dev, const matrix &a, const matrix &b, long iterations)
{
	CUfunction function;

	CHECK(cuModuleGetFunction(&function, module, "matrix_mul"));
	for (long i = 0; i < iterations; i++) {
		if (i % 2 == 0)
			launch_params(function, dev, a, b);
		else
			launch_packed(function, dev, a, b);
	}
	CHECK(cuCtxSynchronize());
}

static void run(const matrix &a, const matrix &b, matrix &c, long iterations)
{
	CUdevice device;
	CUmodule module;

	create_context(&device);
	CHECK(cuModuleLoadData(&module, module_ptx));
	device_matrices dev = upload(a, b, c);
	multiply(module, dev, a, b, iterations);
	CHECK(cuMemcpyDtoH(c.values.data(), dev.c, c.bytes()));
	CHECK(cuMemFree(dev.a));
	CHECK(cuMemFree(dev.b));
	CHECK(cuMemFree(dev.c));
	CHECK(cuModuleUnload(module));
	CHECK(cuDevicePrimaryCtxRelease(device));
}

int main(int argc, char **argv)
{
	long wa = 320, ha = 320, wb = 640, iterations = 10;
	const sample_option options[] = {
	    {"wa", &wa, tile, 1 << 15, "width of A and height of B, a multiple of 32"},
	    {"ha", &ha, tile, 1 << 15, "height of A, a multiple of 32"},
	    {"wb", &wb, tile, 1 << 15, "width of B, a multiple of 32"},
	    {"iterations", &iterations, 1, 1 << 30, "launches"},
	};

	sample_options(argc, argv, "Multiplies matrices A and B through the driver API.", options, 4);
	if (wa % tile || ha % tile || wb % tile) {
		fprintf(stderr, "%s: dimensions must be multiples of %ld\n", argv[0], tile);
		return 2;
	}
	matrix a(wa, ha), b(wb, wa), c(wb, ha);
	matrix_fill(a, 1);
	matrix_fill(b, 2);
	run(a, b, c, iterations);
	long wrong = matrix_wrong(a, b, c);
	printf("matrixMulDrv: %ld launches, verified %ld elements, %ld wrong\n", iterations, (long)c.values.size(),
	       wrong);
	sample_checksum(c.values.data(), c.bytes());
	return sample_result(wrong == 0);
}
