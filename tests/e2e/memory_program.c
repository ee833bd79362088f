/* What a program may expect of device memory, natively and remotely; which part is the first argument. Prints "fine".
 */
#include <cuda.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* put(to, value): one word. pass(to, from): one word. */
static const char kernels[] =
    ".version 7.0\n.target sm_75\n.address_size 64\n"
    ".visible .entry put(.param .u64 to, .param .u32 value)\n{\n"
    ".reg .b32 %r<2>;\n.reg .b64 %rd<2>;\n"
    "ld.param.u64 %rd1, [to];\nld.param.u32 %r1, [value];\nst.global.u32 [%rd1], %r1;\nret;\n}\n"
    ".visible .entry pass(.param .u64 to, .param .u64 from)\n{\n"
    ".reg .b32 %r<2>;\n.reg .b64 %rd<3>;\n"
    "ld.param.u64 %rd1, [to];\nld.param.u64 %rd2, [from];\n"
    "ld.global.u32 %r1, [%rd2];\nst.global.u32 [%rd1], %r1;\nret;\n}\n";

static CUdevice device;
static CUcontext context;
static CUmodule module;

static void fail(int line, const char *call, CUresult err)
{
	const char *name = "?";
	cuGetErrorName(err, &name);
	printf("line %d: %s is %d %s\n", line, call, err, name);
	exit(3);
}

#define GIVES(expected, call)                                                                                          \
	do {                                                                                                           \
		CUresult err_ = (call);                                                                                \
		if (err_ != (expected))                                                                                \
			fail(__LINE__, #call, err_);                                                                   \
	} while (0)
#define OK(call) GIVES(CUDA_SUCCESS, call)
#define TRUE(condition) GIVES(true, (CUresult)(condition))

static void begin(void)
{
	OK(cuInit(0));
	OK(cuDeviceGet(&device, 0));
	OK(cuDevicePrimaryCtxRetain(&context, device));
	OK(cuCtxSetCurrent(context));
	OK(cuModuleLoadData(&module, kernels));
}

static void put(CUdeviceptr to, unsigned value)
{
	CUfunction function;
	OK(cuModuleGetFunction(&function, module, "put"));
	OK(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL, (void *[]){&to, &value}, NULL));
}

static void pass(CUdeviceptr to, CUdeviceptr from)
{
	CUfunction function;
	OK(cuModuleGetFunction(&function, module, "pass"));
	OK(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL, (void *[]){&to, &from}, NULL));
}

static CUdeviceptr take(size_t size)
{
	CUdeviceptr address;
	OK(cuMemAlloc(&address, size));
	TRUE(address % 256 == 0);
	return address;
}

static size_t free_now(void)
{
	size_t free_bytes, total;
	OK(cuMemGetInfo(&free_bytes, &total));
	return free_bytes;
}

/* Memory runs out at the call that asks for it, whatever its size, and comes back. */
static void exhaust_by(size_t size)
{
	enum { MANY = 4096 };
	static CUdeviceptr taken[MANY];
	int rounds[2];
	for (int round = 0; round < 2; round++) {
		int count = 0;
		CUresult err = CUDA_SUCCESS;
		while (!err && count < MANY) {
			err = cuMemAlloc(&taken[count], size);
			count += !err;
		}
		GIVES(CUDA_ERROR_OUT_OF_MEMORY, err);
		OK(cuCtxSynchronize());
		for (int i = 0; i < count; i++)
			put(taken[i] + size - 4, (unsigned)i);
		for (int i = 0; i < count; i++) {
			unsigned value;
			OK(cuMemcpyDtoH(&value, taken[i] + size - 4, 4));
			TRUE(value == (unsigned)i);
			OK(cuMemFree(taken[i]));
		}
		rounds[round] = count;
	}
	TRUE(rounds[0] > 0 && rounds[0] == rounds[1]);
}

static void exhaust(void)
{
	CUdeviceptr address, other;
	size_t free_bytes, total;
	OK(cuMemGetInfo(&free_bytes, &total));
	GIVES(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(&address, total + 1));
	GIVES(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(&address, SIZE_MAX));
	exhaust_by(64 << 10);
	exhaust_by(3 << 20);
	address = take(free_bytes / 4 * 3);
	GIVES(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(&other, free_bytes / 2));
	OK(cuMemFree(address));
	exhaust_by(total / 2);
	TRUE(free_now() > free_bytes - (8 << 20));
}

/* A kernel that writes outside of its allocation faults, by the byte. */
static void overrun(void)
{
	CUdeviceptr small = take(1000), neighbour = take(1000);
	put(small + 996, 1);
	put(neighbour + 996, 1);
	OK(cuCtxSynchronize());
	put(small + 1000, 1);
	GIVES(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSynchronize());
}

static void overrun_large(void)
{
	CUdeviceptr large = take((5 << 20) + 4);
	put(large + (5 << 20), 1);
	OK(cuCtxSynchronize());
	put(large + (5 << 20) + 4, 1);
	GIVES(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSynchronize());
}

static void use_after_free(size_t size)
{
	CUdeviceptr first = take(size), second = take(size);
	put(first, 1);
	OK(cuMemFree(first));
	put(second, 1);
	OK(cuCtxSynchronize());
	GIVES(CUDA_ERROR_INVALID_VALUE, cuMemFree(first));
	put(first, 1);
	GIVES(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSynchronize());
}

static void after_free(void)
{
	use_after_free(1000);
}

static void after_free_large(void)
{
	use_after_free(3 << 20);
}

/* Allocations of all sizes, taken and given in no order, each with bytes of its own. */
static void shuffle(void)
{
	enum { SLOTS = 64, STEPS = 1500 };
	static struct {
		CUdeviceptr address;
		size_t size;
		unsigned char value;
	} slots[SLOTS];
	unsigned state = 1;
	for (int step = 0; step < STEPS; step++) {
		state = state * 1664525 + 1013904223;
		unsigned slot = (state >> 8) % SLOTS;
		if (slots[slot].address) {
			unsigned char ends[2];
			OK(cuMemcpyDtoH(&ends[0], slots[slot].address, 1));
			OK(cuMemcpyDtoH(&ends[1], slots[slot].address + slots[slot].size - 1, 1));
			TRUE(ends[0] == slots[slot].value && ends[1] == slots[slot].value);
			OK(cuMemFree(slots[slot].address));
			slots[slot].address = 0;
			continue;
		}
		slots[slot].size = 1 + ((size_t)1 << (state >> 16) % 22) + (state >> 4) % 1000;
		slots[slot].address = take(slots[slot].size);
		slots[slot].value = (unsigned char)step;
		OK(cuMemsetD8(slots[slot].address, slots[slot].value, slots[slot].size));
	}
}

/* What a context has allocated ends with it. */
static void contexts(void)
{
	size_t before = free_now();
	CUcontext other;
	for (int i = 0; i < 8; i++) {
		OK(cuCtxCreate(&other, NULL, 0, device));
		for (int k = 0; k < 20; k++)
			OK(cuMemsetD8(take((size_t)1 << k), 1, (size_t)1 << k));
		TRUE(free_now() < before);
		OK(cuCtxDestroy(other));
		OK(cuCtxSetCurrent(context));
		TRUE(free_now() == before);
	}
}

static void pitched(void)
{
	CUdeviceptr address, base;
	size_t pitch, size;
	OK(cuMemAllocPitch(&address, &pitch, 1000, 10, 4));
	TRUE(pitch >= 1000 && pitch % 512 == 0);
	OK(cuMemGetAddressRange(&base, &size, address + 5000));
	TRUE(base == address && size >= 9 * pitch + 1000);
	OK(cuMemsetD2D8(address, pitch, 7, 1000, 10));
	GIVES(CUDA_ERROR_INVALID_VALUE, cuMemAllocPitch(&address, &pitch, 1000, 10, 5));
	OK(cuMemFree(address));
}

/* One piece of memory at two addresses. */
static CUdeviceptr alias(CUdeviceptr *reader, size_t *unit)
{
	const CUmemAllocationProp properties = {.type = CU_MEM_ALLOCATION_TYPE_PINNED,
						.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = device}};
	CUmemAccessDesc access = {.location = properties.location, .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
	CUmemGenericAllocationHandle handle, again;
	CUmemAllocationProp found;
	CUdeviceptr writer;
	OK(cuMemGetAllocationGranularity(unit, &properties, CU_MEM_ALLOC_GRANULARITY_MINIMUM));
	OK(cuMemAddressReserve(&writer, 3 * *unit, 0, 0, 0));
	OK(cuMemAddressReserve(reader, *unit, 0, 0, 0));
	OK(cuMemCreate(&handle, *unit, &properties, 0));
	OK(cuMemMap(writer, *unit, 0, handle, 0));
	OK(cuMemMap(*reader, *unit, 0, handle, 0));
	OK(cuMemSetAccess(writer, *unit, &access, 1));
	access.flags = CU_MEM_ACCESS_FLAGS_PROT_READ;
	OK(cuMemSetAccess(*reader, *unit, &access, 1));
	OK(cuMemRetainAllocationHandle(&again, (void *)(uintptr_t)*reader));
	OK(cuMemGetAllocationPropertiesFromHandle(&found, again));
	TRUE(found.location.type == CU_MEM_LOCATION_TYPE_DEVICE && found.location.id == device);
	OK(cuMemRelease(again));
	OK(cuMemRelease(handle));
	return writer;
}

static void virtual_memory(void)
{
	size_t unit;
	unsigned value;
	unsigned long long flags;
	const CUmemLocation here = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = device};
	CUdeviceptr reader, writer = alias(&reader, &unit), plain = take(4);
	put(writer + 8, 1234);
	pass(plain, reader + 8);
	OK(cuMemcpyDtoH(&value, plain, 4));
	TRUE(value == 1234);
	OK(cuMemGetAccess(&flags, &here, reader));
	TRUE(flags == CU_MEM_ACCESS_FLAGS_PROT_READ);
	GIVES(CUDA_ERROR_INVALID_VALUE, cuMemFree(writer));
	OK(cuMemUnmap(reader, unit));
	OK(cuMemAddressFree(reader, unit));
	put(writer + unit - 4, 5);
	OK(cuCtxSynchronize());
	put(writer + unit, 5);
	GIVES(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSynchronize());
}

static void read_only(void)
{
	size_t unit;
	CUdeviceptr reader;
	alias(&reader, &unit);
	put(reader, 1);
	GIVES(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSynchronize());
}

/* Memory of a pool is freed in its stream's order, by whichever call; and so is other memory. */
static void stream_ordered(CUmemoryPool pool, CUstream stream)
{
	CUdeviceptr address, base, plain = take(4), large = take(3 << 20);
	size_t size;
	unsigned value;
	OK(cuMemAllocAsync(&address, 1000, stream));
	OK(cuMemGetAddressRange(&base, &size, address + 999));
	TRUE(base == address && size == 1000);
	OK(cuMemsetD32Async(address, 1234, 250, stream));
	OK(cuMemcpyAsync(plain, address + 996, 4, stream));
	OK(cuMemFreeAsync(address, stream));
	GIVES(CUDA_ERROR_INVALID_VALUE, cuMemFreeAsync(address, stream));
	OK(cuMemcpyDtoHAsync(&value, plain, 4, stream));
	OK(cuStreamSynchronize(stream));
	TRUE(value == 1234);
	OK(cuMemFreeAsync(plain, stream));
	OK(cuMemFreeAsync(large, stream));
	GIVES(CUDA_ERROR_INVALID_VALUE, cuMemFree(large));
	OK(cuMemAllocFromPoolAsync(&address, 1000, pool, stream));
	OK(cuStreamSynchronize(stream));
	put(address, 1);
	OK(cuMemFree(address));
	GIVES(CUDA_ERROR_INVALID_VALUE, cuMemAllocAsync(&address, 0, stream));
}

static void pools(void)
{
	const CUmemPoolProps properties = {.allocType = CU_MEM_ALLOCATION_TYPE_PINNED,
					   .location = {CU_MEM_LOCATION_TYPE_DEVICE, device}};
	const CUmemAccessDesc access = {properties.location, CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
	CUmemLocation here = properties.location;
	CUmemAccess_flags flags;
	CUmemoryPool pool, found;
	CUstream stream;
	cuuint64_t high;
	int supported, reuse = 0;
	OK(cuDeviceGetAttribute(&supported, CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED, device));
	TRUE(supported == 1);
	OK(cuMemPoolCreate(&pool, &properties));
	OK(cuMemPoolSetAccess(pool, &access, 1));
	OK(cuMemPoolGetAccess(&flags, pool, &here));
	TRUE(flags == CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
	OK(cuMemPoolSetAttribute(pool, CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC, &reuse));
	reuse = 1;
	OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC, &reuse));
	TRUE(reuse == 0);
	OK(cuMemSetMemPool(&here, CU_MEM_ALLOCATION_TYPE_PINNED, pool));
	OK(cuDeviceGetMemPool(&found, device));
	TRUE(found == pool);
	OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	stream_ordered(pool, stream);
	stream_ordered(pool, NULL);
	OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH, &high));
	TRUE(high >= 1000);
	OK(cuMemPoolTrimTo(pool, 0));
	OK(cuMemPoolDestroy(pool));
	GIVES(CUDA_ERROR_INVALID_VALUE, cuMemPoolTrimTo(pool, 0));
	GIVES(CUDA_ERROR_INVALID_VALUE, cuMemPoolTrimTo((CUmemoryPool)stream, 0));
	OK(cuMemGetDefaultMemPool(&found, &here, CU_MEM_ALLOCATION_TYPE_PINNED));
	GIVES(CUDA_ERROR_INVALID_VALUE, cuMemPoolDestroy(found));
}

static const struct {
	const char *name;
	void (*run)(void);
} parts[] = {
    {"exhaust", exhaust},
    {"overrun", overrun},
    {"overrun_large", overrun_large},
    {"after_free", after_free},
    {"after_free_large", after_free_large},
    {"shuffle", shuffle},
    {"contexts", contexts},
    {"pitched", pitched},
    {"virtual_memory", virtual_memory},
    {"read_only", read_only},
    {"pools", pools},
};

int main(int argc, char **argv)
{
	begin();
	for (size_t i = 0; argc == 2 && i < sizeof(parts) / sizeof(*parts); i++) {
		if (strcmp(argv[1], parts[i].name) != 0)
			continue;
		parts[i].run();
		puts("fine");
		return 0;
	}
	return 2;
}
