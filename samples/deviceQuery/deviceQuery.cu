/* Lists the devices and their properties, and checks that properties and attributes agree. */
#include <string.h>

#include "check.h"
#include "options.h"

static int attribute(cudaDeviceAttr which, int device)
{
	int value;

	CHECK(cudaDeviceGetAttribute(&value, which, device));
	return value;
}

static void print_versions(int count)
{
	int driver, runtime;

	CHECK(cudaDriverGetVersion(&driver));
	CHECK(cudaRuntimeGetVersion(&runtime));
	printf("Devices: %d\nCUDA driver version %d.%d, runtime version %d.%d\n", count, driver / 1000,
	       driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
}

static void print_device(int device, const cudaDeviceProp &p)
{
	printf("\nDevice %d: %s\n", device, p.name);
	printf("  compute capability            %d.%d\n", p.major, p.minor);
	printf("  global memory                 %zu bytes\n", p.totalGlobalMem);
	printf("  multiprocessors               %d\n", p.multiProcessorCount);
	printf("  clock rate                    %d kHz\n", attribute(cudaDevAttrClockRate, device));
	printf("  memory bus width              %d bits\n", p.memoryBusWidth);
	printf("  L2 cache                      %d bytes\n", p.l2CacheSize);
	printf("  constant memory               %zu bytes\n", p.totalConstMem);
	printf("  shared memory per block       %zu bytes (opt-in %zu)\n", p.sharedMemPerBlock,
	       p.sharedMemPerBlockOptin);
	printf("  registers per block           %d\n", p.regsPerBlock);
	printf("  warp size                     %d\n", p.warpSize);
	printf("  threads per multiprocessor    %d\n", p.maxThreadsPerMultiProcessor);
	printf("  threads per block             %d\n", p.maxThreadsPerBlock);
	printf("  block dimensions              %d x %d x %d\n", p.maxThreadsDim[0], p.maxThreadsDim[1],
	       p.maxThreadsDim[2]);
	printf("  grid dimensions               %d x %d x %d\n", p.maxGridSize[0], p.maxGridSize[1], p.maxGridSize[2]);
	printf("  pitch limit                   %zu bytes\n", p.memPitch);
	printf("  copy engines                  %d\n", p.asyncEngineCount);
	printf("  concurrent kernels            %s\n", p.concurrentKernels ? "yes" : "no");
	printf("  integrated                    %s\n", p.integrated ? "yes" : "no");
	printf("  can map host memory           %s\n", p.canMapHostMemory ? "yes" : "no");
	printf("  unified addressing            %s\n", p.unifiedAddressing ? "yes" : "no");
	printf("  managed memory                %s\n", p.managedMemory ? "yes" : "no");
	printf("  cooperative launch            %s\n", p.cooperativeLaunch ? "yes" : "no");
	printf("  PCI domain / bus / device     %d / %d / %d\n", p.pciDomainID, p.pciBusID, p.pciDeviceID);
}

/* The same facts through two interfaces; a difference is printed and fails the sample. */
static bool verify_device(int device, const cudaDeviceProp &p)
{
	const struct {
		const char *name;
		cudaDeviceAttr attribute;
		long property;
	} pairs[] = {
	    {"major", cudaDevAttrComputeCapabilityMajor, p.major},
	    {"minor", cudaDevAttrComputeCapabilityMinor, p.minor},
	    {"multiprocessors", cudaDevAttrMultiProcessorCount, p.multiProcessorCount},
	    {"warp size", cudaDevAttrWarpSize, p.warpSize},
	    {"threads per block", cudaDevAttrMaxThreadsPerBlock, p.maxThreadsPerBlock},
	    {"block width", cudaDevAttrMaxBlockDimX, p.maxThreadsDim[0]},
	    {"grid width", cudaDevAttrMaxGridDimX, p.maxGridSize[0]},
	    {"grid depth", cudaDevAttrMaxGridDimZ, p.maxGridSize[2]},
	    {"shared memory", cudaDevAttrMaxSharedMemoryPerBlock, (long)p.sharedMemPerBlock},
	    {"registers", cudaDevAttrMaxRegistersPerBlock, p.regsPerBlock},
	    {"constant memory", cudaDevAttrTotalConstantMemory, (long)p.totalConstMem},
	    {"L2 cache", cudaDevAttrL2CacheSize, p.l2CacheSize},
	};
	bool same = p.major >= 3 && p.warpSize == 32 && p.totalGlobalMem > 0 && p.name[0] != '\0';

	for (const auto &pair : pairs) {
		int value = attribute(pair.attribute, device);
		if (value != pair.property) {
			printf("  %s: property %ld, attribute %d\n", pair.name, pair.property, value);
			same = false;
		}
	}
	return same;
}

static bool query_device(int device)
{
	cudaDeviceProp properties;
	size_t free_bytes, total;

	memset(&properties, 0xff, sizeof(properties)); /* a field that nobody fills in shows */
	CHECK(cudaGetDeviceProperties(&properties, device));
	print_device(device, properties);
	CHECK(cudaSetDevice(device));
	CHECK(cudaMemGetInfo(&free_bytes, &total));
	return verify_device(device, properties) && free_bytes <= total && total <= properties.totalGlobalMem;
}

int main(int argc, char **argv)
{
	long device = -1;
	const sample_option options[] = {{"device", &device, -1, 1 << 16, "show this device only; -1 shows all"}};
	int count;
	bool passed = true;

	sample_options(argc, argv, "Lists the devices and their properties.", options, 1);
	CHECK(cudaGetDeviceCount(&count));
	print_versions(count);
	if (device >= count) {
		fprintf(stderr, "%s: there is no device %ld\n", argv[0], device);
		return sample_result(false);
	}
	for (int i = 0; i < count; i++)
		if (device < 0 || device == i)
			passed &= query_device(i);
	return sample_result(passed && count > 0);
}
