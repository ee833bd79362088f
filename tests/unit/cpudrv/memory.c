/* Memory: allocations, copies, fills, what pointers are. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static CUdeviceptr device_new(size_t size)
{
	CUdeviceptr address;
	OK(cuMemAlloc(&address, size));
	return address;
}

START_TEST(allocating_and_freeing)
{
	CUdeviceptr a, base;
	size_t size, before, after, total;
	OK(cuMemGetInfo(&before, &total));
	a = device_new(1000);
	ck_assert_uint_eq(a % 512, 0);
	OK(cuMemGetInfo(&after, &total));
	ck_assert_uint_lt(after, before);
	OK(cuMemGetAddressRange(&base, &size, a + 999));
	ck_assert_uint_eq(base, a);
	ck_assert_uint_eq(size, 1000);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree(a + 1));
	OK(cuMemFree(a));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree(a));
	OK(cuMemFree(0));
	FAILS(CUDA_ERROR_NOT_FOUND, cuMemGetAddressRange(&base, &size, a));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemAlloc(&a, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemAlloc(NULL, 1));
	FAILS(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(&a, total + 1));
	FAILS(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(&a, SIZE_MAX));
}
END_TEST

START_TEST(freeing_waits_for_earlier_work)
{
	struct notes notes = {0};
	CUdeviceptr a = device_new(64);
	for (int i = 0; i < 100; i++)
		launch_note(&notes, i, CU_STREAM_PER_THREAD);
	OK(cuMemFree(a));
	ck_assert_int_eq(notes.count, 100);
}
END_TEST

START_TEST(linear_copies)
{
	char from[3000], to[3000] = {0};
	CUdeviceptr a = device_new(3000), b = device_new(3000);
	for (size_t i = 0; i < sizeof from; i++)
		from[i] = (char)(i * 7);
	OK(cuMemcpyHtoD(a, from, sizeof from));
	OK(cuMemcpyDtoD(b, a, sizeof from));
	OK(cuMemcpyDtoH(to, b, sizeof from));
	ck_assert_mem_eq(from, to, sizeof to);
	memset(to, 0, sizeof to);
	OK(cuMemcpy((CUdeviceptr)to, a + 1, 100));
	ck_assert_mem_eq(from + 1, to, 100);
	OK(cuMemcpyPeer(b + 1, context, a, context, 10));
	OK(cuMemcpyDtoH(to, b + 1, 10));
	ck_assert_mem_eq(from, to, 10);
	OK(cuMemcpyHtoD(a, from, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(a + 1, from, sizeof from));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(1234, from, 4));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoH(to, a + 2998, 4));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoH(NULL, a, 4));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoD(a, (CUdeviceptr)to, 4));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(a, from, SIZE_MAX));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy(a, 0, 4));
}
END_TEST

/* The source may change after the call, though the copy has to wait for the gate. */
START_TEST(asynchronous_copies_from_pageable_memory_are_staged)
{
	struct gate gate;
	char from[64] = "before", to[64];
	CUdeviceptr a = device_new(64);
	gate_init(&gate);
	launch_gate(&gate, NULL);
	OK(cuMemcpyHtoDAsync(a, from, sizeof from, NULL));
	strcpy(from, "after");
	gate_open(&gate);
	OK(cuMemcpyDtoH(to, a, sizeof to));
	ck_assert_str_eq(to, "before");
}
END_TEST

/* Pinned memory is read when the copy's turn comes. */
START_TEST(asynchronous_copies_of_pinned_memory_do_not_wait)
{
	struct gate gate;
	char *from, *to;
	CUdeviceptr a = device_new(64);
	OK(cuMemHostAlloc((void **)&from, 64, 0));
	OK(cuMemAllocHost((void **)&to, 64));
	strcpy(from, "before");
	gate_init(&gate);
	launch_gate(&gate, NULL);
	OK(cuMemcpyHtoDAsync(a, from, 64, NULL));
	OK(cuMemcpyDtoHAsync(to, a, 64, NULL));
	strcpy(from, "after");
	FAILS(CUDA_ERROR_NOT_READY, cuStreamQuery(NULL));
	gate_open(&gate);
	OK(cuStreamSynchronize(NULL));
	ck_assert_str_eq(to, "after");
	OK(cuMemFreeHost(from));
	OK(cuMemFreeHost(to));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFreeHost(to));
}
END_TEST

START_TEST(asynchronous_copies_to_pageable_memory_have_ended)
{
	struct notes notes = {0};
	char to[64];
	CUdeviceptr a = device_new(64);
	OK(cuMemsetD8(a, 9, 64));
	for (int i = 0; i < 20; i++)
		launch_note(&notes, i, NULL);
	OK(cuMemcpyDtoHAsync(to, a, 64, NULL));
	ck_assert_int_eq(to[63], 9);
	ck_assert_int_eq(notes.count, 20);
}
END_TEST

START_TEST(large_pageable_copies)
{
	const size_t size = 300 << 10;
	char *from = malloc(size), *to = malloc(size);
	CUdeviceptr a = device_new(size);
	memset(from, 77, size);
	OK(cuMemcpyHtoDAsync(a, from, size, NULL));
	memset(from, 0, size);
	OK(cuMemcpyDtoH(to, a, size));
	for (size_t i = 0; i < size; i++)
		ck_assert_int_eq(to[i], 77);
	free(from);
	free(to);
}
END_TEST

/* A 5 x 4 box out of a host image of 16 columns into pitched device memory, and back. */
START_TEST(pitched_copies)
{
	unsigned char image[10][16], back[4][5];
	size_t pitch;
	CUdeviceptr a;
	for (int i = 0; i < 160; i++)
		image[i / 16][i % 16] = (unsigned char)i;
	OK(cuMemAllocPitch(&a, &pitch, 20, 8, 4));
	ck_assert_uint_ge(pitch, 20);
	CUDA_MEMCPY2D copy = {.srcXInBytes = 3,
			      .srcY = 2,
			      .srcMemoryType = CU_MEMORYTYPE_HOST,
			      .srcHost = image,
			      .srcPitch = 16,
			      .dstXInBytes = 7,
			      .dstY = 1,
			      .dstMemoryType = CU_MEMORYTYPE_DEVICE,
			      .dstDevice = a,
			      .dstPitch = pitch,
			      .WidthInBytes = 5,
			      .Height = 4};
	OK(cuMemcpy2D(&copy));
	CUDA_MEMCPY2D reverse = {.srcXInBytes = 7,
				 .srcY = 1,
				 .srcMemoryType = CU_MEMORYTYPE_UNIFIED,
				 .srcDevice = a,
				 .srcPitch = pitch,
				 .dstMemoryType = CU_MEMORYTYPE_HOST,
				 .dstHost = back,
				 .dstPitch = 5,
				 .WidthInBytes = 5,
				 .Height = 4};
	OK(cuMemcpy2DUnaligned(&reverse));
	for (int y = 0; y < 4; y++)
		ck_assert_mem_eq(back[y], &image[y + 2][3], 5);
	copy.Height = 100;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy2D(&copy));
	copy.Height = 4;
	copy.srcPitch = 7;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy2D(&copy));
	copy.srcMemoryType = CU_MEMORYTYPE_ARRAY;
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuMemcpy2D(&copy));
	copy.srcMemoryType = (CUmemorytype)9;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy2D(&copy));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy2D(NULL));
}
END_TEST

START_TEST(boxes)
{
	unsigned char cube[3][4][5], back[3][4][5];
	CUdeviceptr a = device_new(4096);
	for (int i = 0; i < 60; i++)
		((unsigned char *)cube)[i] = (unsigned char)(i + 1);
	CUDA_MEMCPY3D copy = {.srcMemoryType = CU_MEMORYTYPE_HOST,
			      .srcHost = cube,
			      .srcPitch = 5,
			      .srcHeight = 4,
			      .dstXInBytes = 1,
			      .dstY = 2,
			      .dstZ = 1,
			      .dstMemoryType = CU_MEMORYTYPE_DEVICE,
			      .dstDevice = a,
			      .dstPitch = 32,
			      .dstHeight = 8,
			      .WidthInBytes = 5,
			      .Height = 4,
			      .Depth = 3};
	OK(cuMemcpy3D(&copy));
	memset(back, 0, sizeof back);
	for (unsigned z = 0; z < 3; z++)
		for (unsigned y = 0; y < 4; y++)
			OK(cuMemcpyDtoH(back[z][y], a + 1 + (y + 2) * 32 + (z + 1) * 256, 5));
	ck_assert_mem_eq(cube, back, sizeof cube);
	copy.dstHeight = 5;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy3D(&copy));
	copy.dstHeight = 8;
	copy.dstZ = 1000;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy3D(&copy));
	copy.dstZ = SIZE_MAX;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy3D(&copy));
	copy.dstZ = 0;
	copy.dstLOD = 1;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy3D(&copy));
}
END_TEST

START_TEST(fills)
{
	unsigned char bytes[1024];
	CUdeviceptr a = device_new(1024);
	OK(cuMemsetD8(a, 0xAB, 1024));
	OK(cuMemsetD16(a + 2, 0x1234, 3));
	OK(cuMemsetD32(a + 16, 0xDEADBEEF, 2));
	OK(cuMemsetD2D8(a + 64, 32, 0x11, 3, 2));
	OK(cuMemsetD32Async(a + 512, 5, 1, NULL));
	OK(cuMemcpyDtoH(bytes, a, 1024));
	ck_assert_mem_eq(bytes, ((unsigned char[]){0xAB, 0xAB, 0x34, 0x12, 0x34, 0x12, 0x34, 0x12, 0xAB}), 9);
	ck_assert_mem_eq(bytes + 16, ((unsigned[]){0xDEADBEEF, 0xDEADBEEF}), 8);
	ck_assert_mem_eq(bytes + 64, ((unsigned char[]){0x11, 0x11, 0x11, 0xAB}), 4);
	ck_assert_mem_eq(bytes + 96, ((unsigned char[]){0x11, 0x11, 0x11, 0xAB}), 4);
	ck_assert_mem_eq(bytes + 512, ((unsigned[]){5}), 4);
	OK(cuMemsetD8(a, 1, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemsetD32(a + 2, 1, 1));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemsetD16(a + 1, 1, 1));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemsetD32(a, 1, 257));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemsetD32(a, 1, SIZE_MAX / 2));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemsetD2D8(a, 2, 1, 3, 2));
}
END_TEST

START_TEST(pinned_memory)
{
	void *pinned;
	CUdeviceptr address;
	unsigned flags;
	OK(cuMemHostAlloc(&pinned, 100, CU_MEMHOSTALLOC_PORTABLE));
	OK(cuMemHostGetDevicePointer(&address, (char *)pinned + 10, 0));
	ck_assert_uint_eq(address, (CUdeviceptr)pinned + 10);
	OK(cuMemHostGetFlags(&flags, pinned));
	ck_assert_uint_eq(flags, CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree((CUdeviceptr)pinned));
	OK(cuMemFreeHost(pinned));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemHostGetDevicePointer(&address, pinned, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemHostAlloc(&pinned, 100, 0x100));
}
END_TEST

START_TEST(registered_memory)
{
	static char mine[8192];
	CUdeviceptr address;
	OK(cuMemHostRegister(mine, 4096, 0));
	FAILS(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, cuMemHostRegister(mine + 4000, 4096, 0));
	FAILS(CUDA_ERROR_NOT_SUPPORTED, cuMemHostGetDevicePointer(&address, mine, 0));
	FAILS(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, cuMemHostUnregister(mine + 1));
	OK(cuMemHostUnregister(mine));
	FAILS(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, cuMemHostUnregister(mine));
	FAILS(CUDA_ERROR_NOT_SUPPORTED, cuMemHostRegister(mine, 4096, CU_MEMHOSTREGISTER_DEVICEMAP));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemHostRegister(mine, 0, 0));
}
END_TEST

static unsigned memory_type(const void *pointer)
{
	unsigned type = 0;
	OK(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, (CUdeviceptr)pointer));
	return type;
}

START_TEST(pointer_attributes)
{
	static char mine[64];
	CUdeviceptr a = device_new(256), managed, start;
	void *pinned, *host;
	CUcontext owner;
	size_t size;
	unsigned char is_managed;
	OK(cuMemAllocHost(&pinned, 64));
	OK(cuMemAllocManaged(&managed, 64, CU_MEM_ATTACH_GLOBAL));
	ck_assert_uint_eq(memory_type((void *)a), CU_MEMORYTYPE_DEVICE);
	ck_assert_uint_eq(memory_type(pinned), CU_MEMORYTYPE_HOST);
	OK(cuPointerGetAttribute(&owner, CU_POINTER_ATTRIBUTE_CONTEXT, a + 3));
	ck_assert_ptr_eq(owner, context);
	OK(cuPointerGetAttribute(&start, CU_POINTER_ATTRIBUTE_RANGE_START_ADDR, a + 3));
	OK(cuPointerGetAttribute(&size, CU_POINTER_ATTRIBUTE_RANGE_SIZE, a + 3));
	ck_assert(start == a && size == 256);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuPointerGetAttribute(&host, CU_POINTER_ATTRIBUTE_HOST_POINTER, a));
	OK(cuPointerGetAttribute(&is_managed, CU_POINTER_ATTRIBUTE_IS_MANAGED, managed));
	ck_assert_uint_eq(is_managed, 1);
	FAILS(CUDA_ERROR_INVALID_VALUE,
	      cuPointerGetAttribute(&host, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, (CUdeviceptr)mine));
	OK(cuMemHostRegister(mine, 64, 0));
	ck_assert_uint_eq(memory_type(mine), CU_MEMORYTYPE_HOST);
}
END_TEST

START_TEST(several_pointer_attributes)
{
	static char mine[64];
	unsigned type = 77;
	int ordinal = 77;
	CUpointer_attribute names[] = {CU_POINTER_ATTRIBUTE_MEMORY_TYPE, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL};
	void *values[] = {&type, &ordinal};
	OK(cuPointerGetAttributes(2, names, values, device_new(4)));
	ck_assert_uint_eq(type, CU_MEMORYTYPE_DEVICE);
	ck_assert_int_eq(ordinal, 0);
	OK(cuPointerGetAttributes(2, names, values, (CUdeviceptr)mine));
	ck_assert_uint_eq(type, 0);
	ck_assert_int_eq(ordinal, CU_DEVICE_INVALID);
	names[0] = (CUpointer_attribute)1000;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuPointerGetAttributes(2, names, values, (CUdeviceptr)mine));
}
END_TEST

START_TEST(managed_memory)
{
	CUdeviceptr managed;
	CUmemLocation device = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = 0},
		      other = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = 1};
	OK(cuMemAllocManaged(&managed, 4096, CU_MEM_ATTACH_GLOBAL));
	OK(cuMemsetD32(managed, 42, 1));
	ck_assert_int_eq(*(int *)managed, 42);
	OK(cuMemPrefetchAsync(managed, 4096, device, 0, NULL));
	FAILS(CUDA_ERROR_INVALID_DEVICE, cuMemPrefetchAsync(managed, 4096, other, 0, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemPrefetchAsync(managed, 4097, device, 0, NULL));
	OK(cuMemAdvise(managed, 64, CU_MEM_ADVISE_SET_READ_MOSTLY, device));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemAllocManaged(&managed, 4096, 0));
	OK(cuMemFree(managed));
}
END_TEST

START_TEST(stream_ordered_memory)
{
	struct gate gate;
	CUmemoryPool pool;
	CUdeviceptr a;
	cuuint64_t used;
	gate_init(&gate);
	OK(cuDeviceGetDefaultMemPool(&pool, 0));
	OK(cuMemAllocAsync(&a, 1000, NULL));
	launch_gate(&gate, NULL);
	OK(cuMemFreeAsync(a, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFreeAsync(a, NULL));
	OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
	ck_assert_uint_eq(used, 1000);
	gate_open(&gate);
	OK(cuStreamSynchronize(NULL));
	OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
	ck_assert_uint_eq(used, 0);
	OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH, &used));
	ck_assert_uint_eq(used, 1000);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFreeAsync(a, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE,
	      cuMemPoolGetAttribute((CUmemoryPool)context, CU_MEMPOOL_ATTR_USED_MEM_HIGH, &used));
}
END_TEST

static cuuint64_t pool_used(CUmemoryPool pool)
{
	cuuint64_t used;
	OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
	return used;
}

static CUmemPoolProps pool_props(size_t max_size)
{
	return (CUmemPoolProps){.allocType = CU_MEM_ALLOCATION_TYPE_PINNED,
				.location = {CU_MEM_LOCATION_TYPE_DEVICE, 0},
				.maxSize = max_size};
}

START_TEST(pools_of_ones_own)
{
	const CUmemPoolProps props = pool_props(5000);
	CUmemoryPool pool, found, first;
	CUdeviceptr a, b;
	OK(cuMemPoolCreate(&pool, &props));
	OK(cuDeviceGetDefaultMemPool(&first, 0));
	ck_assert_ptr_ne(pool, first);
	OK(cuMemAllocFromPoolAsync(&a, 3000, pool, NULL));
	OK(cuPointerGetAttribute(&found, CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE, a));
	ck_assert_ptr_eq(found, pool);
	FAILS(CUDA_ERROR_OUT_OF_MEMORY, cuMemAllocFromPoolAsync(&b, 2001, pool, NULL));
	ck_assert_uint_eq(pool_used(pool), 3000);
	ck_assert_uint_eq(pool_used(first), 0);
	OK(cuDeviceSetMemPool(0, pool));
	OK(cuDeviceGetMemPool(&found, 0));
	ck_assert_ptr_eq(found, pool);
	OK(cuMemAllocAsync(&b, 2000, NULL));
	ck_assert_uint_eq(pool_used(pool), 5000);
	OK(cuMemFreeAsync(b, NULL));
	OK(cuStreamSynchronize(NULL));
	ck_assert_uint_eq(pool_used(pool), 3000);
	OK(cuMemPoolDestroy(pool));
	OK(cuDeviceGetMemPool(&found, 0));
	ck_assert_ptr_eq(found, first);
	OK(cuMemsetD8(a, 1, 3000));
	OK(cuPointerGetAttribute(&found, CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE, a));
	ck_assert_ptr_null(found);
	OK(cuMemFree(a));
}
END_TEST

START_TEST(wrong_pools)
{
	CUmemPoolProps props = pool_props(0);
	CUmemAccessDesc access = {{CU_MEM_LOCATION_TYPE_DEVICE, 0}, CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
	CUmemAccess_flags flags;
	CUmemoryPool pool, first;
	CUdeviceptr a;
	OK(cuDeviceGetDefaultMemPool(&first, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemPoolDestroy(first));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemPoolCreate(&pool, NULL));
	props.handleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
	FAILS(CUDA_ERROR_NOT_SUPPORTED, cuMemPoolCreate(&pool, &props));
	props = pool_props(0);
	props.location.id = 1;
	FAILS(CUDA_ERROR_INVALID_DEVICE, cuMemPoolCreate(&pool, &props));
	props.location.id = 0;
	OK(cuMemPoolCreate(&pool, &props));
	OK(cuMemPoolSetAccess(pool, &access, 1));
	OK(cuMemPoolGetAccess(&flags, pool, &access.location));
	ck_assert_int_eq(flags, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
	access.flags = CU_MEM_ACCESS_FLAGS_PROT_NONE;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemPoolSetAccess(pool, &access, 1));
	access.location.id = 1;
	FAILS(CUDA_ERROR_INVALID_DEVICE, cuMemPoolSetAccess(pool, &access, 1));
	OK(cuMemPoolTrimTo(pool, 0));
	OK(cuMemPoolDestroy(pool));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemPoolDestroy(pool));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemPoolTrimTo(pool, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuDeviceSetMemPool(0, pool));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemAllocFromPoolAsync(&a, 100, pool, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemAllocAsync(&a, 0, NULL));
}
END_TEST

START_TEST(attributes_of_pools)
{
	const CUmemPoolProps props = pool_props(0);
	CUmemoryPool pool;
	CUdeviceptr a;
	cuuint64_t value = 12345;
	int flag = 0;
	OK(cuMemPoolCreate(&pool, &props));
	OK(cuMemPoolSetAttribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &value));
	value = 0;
	OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &value));
	ck_assert_uint_eq(value, 12345);
	OK(cuMemPoolSetAttribute(pool, CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC, &flag));
	flag = 1;
	OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC, &flag));
	ck_assert_int_eq(flag, 0);
	OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES, &flag));
	ck_assert_int_eq(flag, 1);
	OK(cuMemAllocFromPoolAsync(&a, 700, pool, NULL));
	OK(cuMemFree(a));
	OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH, &value));
	ck_assert_uint_eq(value, 700);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemPoolSetAttribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH, &value));
	value = 0;
	OK(cuMemPoolSetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH, &value));
	OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH, &value));
	ck_assert_uint_eq(value, 0);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemPoolSetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &value));
	OK(cuMemPoolDestroy(pool));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    allocating_and_freeing,
	    freeing_waits_for_earlier_work,
	    linear_copies,
	    asynchronous_copies_from_pageable_memory_are_staged,
	    asynchronous_copies_of_pinned_memory_do_not_wait,
	    asynchronous_copies_to_pageable_memory_have_ended,
	    large_pageable_copies,
	    pitched_copies,
	    boxes,
	    fills,
	    pinned_memory,
	    registered_memory,
	    pointer_attributes,
	    several_pointer_attributes,
	    managed_memory,
	    stream_ordered_memory,
	    pools_of_ones_own,
	    wrong_pools,
	    attributes_of_pools,
	};
	return RUN_TESTS("memory", setup_module, tests);
}
