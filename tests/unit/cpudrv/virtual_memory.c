/* Virtual memory management. */
#include "fixture.h"

#include <string.h>
#include <unistd.h>

static const CUmemAllocationProp on_device = {.type = CU_MEM_ALLOCATION_TYPE_PINNED,
					      .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE}};
static size_t unit;

static void setup(void)
{
	setup_context();
	OK(cuMemGetAllocationGranularity(&unit, &on_device, CU_MEM_ALLOC_GRANULARITY_MINIMUM));
	ck_assert_uint_ge(unit, 4096);
}

static void allow(CUdeviceptr address, size_t size, CUmemAccess_flags flags)
{
	const CUmemAccessDesc access = {.location = on_device.location, .flags = flags};
	OK(cuMemSetAccess(address, size, &access, 1));
}

/* Memory mapped at two addresses; the handle is released. */
static void alias_new(CUdeviceptr *a, CUdeviceptr *b, CUmemGenericAllocationHandle *handle)
{
	OK(cuMemAddressReserve(a, 2 * unit, 0, 0, 0));
	OK(cuMemAddressReserve(b, unit, 0, 0, 0));
	OK(cuMemCreate(handle, unit, &on_device, 0));
	OK(cuMemMap(*a, unit, 0, *handle, 0));
	OK(cuMemMap(*b, unit, 0, *handle, 0));
	allow(*a, unit, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
	allow(*b, unit, CU_MEM_ACCESS_FLAGS_PROT_READ);
}

START_TEST(one_memory_at_two_addresses)
{
	CUmemGenericAllocationHandle handle;
	CUdeviceptr a, b;
	char text[16] = "";
	alias_new(&a, &b, &handle);
	OK(cuMemRelease(handle));
	OK(cuMemcpyHtoD(a + 100, "through a", 10));
	OK(cuMemcpyDtoH(text, b + 100, 10));
	ck_assert_str_eq(text, "through a");
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(b, "x", 1));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemsetD8(b, 0, 1));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemsetD8(a, 0, unit + 1));
	OK(cuMemUnmap(a, unit));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(a, "x", 1));
	OK(cuMemcpyDtoH(text, b + 100, 10));
	OK(cuMemUnmap(b, unit));
	OK(cuMemAddressFree(a, 2 * unit));
	OK(cuMemAddressFree(b, unit));
}
END_TEST

START_TEST(handles)
{
	CUmemGenericAllocationHandle handle, again;
	CUmemAllocationProp properties;
	CUdeviceptr a, b;
	alias_new(&a, &b, &handle);
	OK(cuMemRetainAllocationHandle(&again, (void *)(a + 5)));
	ck_assert_uint_eq(again, handle);
	OK(cuMemRelease(handle));
	OK(cuMemGetAllocationPropertiesFromHandle(&properties, again));
	ck_assert_int_eq(properties.location.type, CU_MEM_LOCATION_TYPE_DEVICE);
	ck_assert_int_eq(properties.location.id, 0);
	OK(cuMemRelease(again));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemRelease(again));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemGetAllocationPropertiesFromHandle(&properties, again));
	OK(cuMemRetainAllocationHandle(&again, (void *)b));
	OK(cuMemRelease(again));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemRetainAllocationHandle(&again, (void *)(a + unit)));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemMap(a + unit, unit, 0, handle, 0));
}
END_TEST

START_TEST(access_rights)
{
	CUmemGenericAllocationHandle handle;
	CUmemLocation nowhere = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = 99};
	unsigned long long flags;
	unsigned attribute;
	CUdeviceptr a, b;
	alias_new(&a, &b, &handle);
	OK(cuMemGetAccess(&flags, &on_device.location, a));
	ck_assert_uint_eq(flags, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
	OK(cuMemGetAccess(&flags, &on_device.location, b));
	ck_assert_uint_eq(flags, CU_MEM_ACCESS_FLAGS_PROT_READ);
	allow(b, unit, CU_MEM_ACCESS_FLAGS_PROT_NONE);
	OK(cuMemGetAccess(&flags, &on_device.location, b));
	ck_assert_uint_eq(flags, CU_MEM_ACCESS_FLAGS_PROT_NONE);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemGetAccess(&flags, &on_device.location, a + unit));
	FAILS(CUDA_ERROR_INVALID_DEVICE, cuMemGetAccess(&flags, &nowhere, a));
	OK(cuPointerGetAttribute(&attribute, CU_POINTER_ATTRIBUTE_ACCESS_FLAGS, a));
	ck_assert_uint_eq(attribute, CU_POINTER_ATTRIBUTE_ACCESS_FLAG_READWRITE);
	OK(cuPointerGetAttribute(&attribute, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, a));
	ck_assert_uint_eq(attribute, CU_MEMORYTYPE_DEVICE);
	FAILS(CUDA_ERROR_INVALID_VALUE,
	      cuMemSetAccess(
		  a, 2 * unit,
		  &(CUmemAccessDesc){.location = on_device.location, .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE}, 1));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree(a));
}
END_TEST

START_TEST(what_cannot_be_made)
{
	CUmemGenericAllocationHandle handle;
	CUmemAllocationProp properties = on_device;
	CUdeviceptr a;
	size_t free_bytes, total;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemCreate(&handle, unit + 1, &on_device, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemCreate(&handle, 0, &on_device, 0));
	OK(cuMemGetInfo(&free_bytes, &total));
	FAILS(CUDA_ERROR_OUT_OF_MEMORY, cuMemCreate(&handle, (total / unit + 1) * unit, &on_device, 0));
	properties.location.id = 99;
	FAILS(CUDA_ERROR_INVALID_DEVICE, cuMemCreate(&handle, unit, &properties, 0));
	properties.location.type = CU_MEM_LOCATION_TYPE_HOST;
	FAILS(CUDA_ERROR_NOT_SUPPORTED, cuMemCreate(&handle, unit, &properties, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemAddressReserve(&a, unit - 1, 0, 0, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemAddressFree(unit, unit));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemUnmap(unit, unit));
}
END_TEST

/* A descriptor is the memory: imported, it is the same bytes. */
START_TEST(shareable_handles)
{
	CUmemAllocationProp properties = on_device;
	CUmemGenericAllocationHandle handle, imported;
	CUdeviceptr a;
	char text[8] = "";
	int file, pipes[2];
	OK(cuMemCreate(&handle, unit, &on_device, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE,
	      cuMemExportToShareableHandle(&file, handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
	OK(cuMemRelease(handle));
	properties.requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
	OK(cuMemCreate(&handle, unit, &properties, 0));
	OK(cuMemExportToShareableHandle(&file, handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
	OK(cuMemImportFromShareableHandle(&imported, (void *)(intptr_t)file, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR));
	close(file);
	OK(cuMemAddressReserve(&a, 2 * unit, 0, 0, 0));
	OK(cuMemMap(a, unit, 0, handle, 0));
	OK(cuMemMap(a + unit, unit, 0, imported, 0));
	allow(a, 2 * unit, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
	OK(cuMemcpyHtoD(a, "shared", 7));
	OK(cuMemcpyDtoH(text, a + unit, 7));
	ck_assert_str_eq(text, "shared");
	OK(cuMemsetD8(a + unit - 4, 1, 8)); /* across the border between both */
	ck_assert_int_eq(pipe(pipes), 0);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemImportFromShareableHandle(&imported, (void *)(intptr_t)pipes[0],
								       CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR));
	FAILS(CUDA_ERROR_NOT_SUPPORTED, cuMemExportToShareableHandle(&file, handle, CU_MEM_HANDLE_TYPE_FABRIC, 0));
}
END_TEST

/* Unmapping waits for the work that was queued before. */
START_TEST(unmapping_waits)
{
	CUmemGenericAllocationHandle handle;
	CUdeviceptr a, b;
	struct notes notes = {0};
	setup_module();
	alias_new(&a, &b, &handle);
	for (int i = 0; i < 60; i++)
		launch_note(&notes, i, CU_STREAM_PER_THREAD);
	OK(cuMemUnmap(a, unit));
	ck_assert_int_eq(notes.count, 60);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {one_memory_at_two_addresses, handles,           access_rights,
				      what_cannot_be_made,         shareable_handles, unmapping_waits};
	return RUN_TESTS("virtual memory", setup, tests);
}
