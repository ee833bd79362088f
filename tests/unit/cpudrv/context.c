/* Initialisation, the device, contexts, handles, entry points. */
#include "fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(nothing_works_before_the_initialisation)
{
	int number;
	CUdeviceptr address;
	CUcontext current;
	FAILS(CUDA_ERROR_NOT_INITIALIZED, cuDeviceGetCount(&number));
	FAILS(CUDA_ERROR_NOT_INITIALIZED, cuMemAlloc(&address, 4));
	FAILS(CUDA_ERROR_NOT_INITIALIZED, cuCtxGetCurrent(&current));
	FAILS(CUDA_ERROR_NOT_INITIALIZED, cuStreamSynchronize(NULL));
	OK(cuDriverGetVersion(&number));
	ck_assert_int_eq(number, 13000);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuInit(1));
	OK(cuInit(0));
	OK(cuInit(0));
	OK(cuDeviceGetCount(&number));
	ck_assert_int_eq(number, 1);
}
END_TEST

START_TEST(the_environment_shapes_the_device)
{
	int value;
	size_t bytes;
	setenv("CRICKET_CPU_CC", "9.0", 1);
	setenv("CRICKET_CPU_MEMORY", "64M", 1);
	setup_init();
	OK(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0));
	ck_assert_int_eq(value, 9);
	OK(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 0));
	ck_assert_int_eq(value, 227 << 10);
	OK(cuDeviceTotalMem(&bytes, 0));
	ck_assert_uint_eq(bytes, 64 << 20);
}
END_TEST

START_TEST(an_environment_without_sense_is_refused)
{
	static const char *const bad[][2] = {
	    {"CRICKET_CPU_CC", "seven"},     {"CRICKET_CPU_CC", "7.55"},
	    {"CRICKET_CPU_CC", "6.1"},       {"CRICKET_CPU_MEMORY", "lots"},
	    {"CRICKET_CPU_MEMORY", "4GB"},   {"CRICKET_CPU_MEMORY", "0"},
	    {"CRICKET_CPU_MEMORY", "-1"},    {"CRICKET_CPU_MEMORY", "99999999999999G"},
	    {"CRICKET_CPU_TIMEOUT", "soon"}, {"CRICKET_CPU_TIMEOUT", "-1"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		setenv(bad[i][0], bad[i][1], 1);
		FAILS(CUDA_ERROR_INVALID_VALUE, cuInit(0));
		unsetenv(bad[i][0]);
	}
	OK(cuInit(0));
}
END_TEST

START_TEST(the_device)
{
	char name[64], id[16];
	CUdevice device;
	CUuuid uuid, again;
	int major, minor, value;
	setup_init();
	OK(cuDeviceGet(&device, 0));
	FAILS(CUDA_ERROR_INVALID_DEVICE, cuDeviceGet(&device, 1));
	FAILS(CUDA_ERROR_INVALID_DEVICE, cuDeviceGetName(name, sizeof name, 1));
	OK(cuDeviceGetName(name, sizeof name, 0));
	ck_assert_ptr_nonnull(strstr(name, "Cricket CPU device"));
	OK(cuDeviceGetName(name, 5, 0));
	ck_assert_str_eq(name, "Cric");
	OK(cuDeviceGetUuid(&uuid, 0));
	OK(cuDeviceGetUuid(&again, 0));
	ck_assert_mem_eq(&uuid, &again, sizeof uuid);
	OK(cuDeviceGetPCIBusId(id, sizeof id, 0));
	OK(cuDeviceGetByPCIBusId(&device, id));
	FAILS(CUDA_ERROR_INVALID_DEVICE, cuDeviceGetByPCIBusId(&device, "0000:7f:00.0"));
	FAILS(CUDA_ERROR_INVALID_DEVICE, cuDeviceGetByPCIBusId(&device, "nonsense"));
	OK(cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0));
	OK(cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 0));
	ck_assert(major == 7 && minor == 5);
	for (int i = 1; i < CU_DEVICE_ATTRIBUTE_MAX; i++)
		OK(cuDeviceGetAttribute(&value, i, 0));
	OK(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 0));
	ck_assert_int_eq(value, 32);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuDeviceGetAttribute(&value, 0, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_MAX, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuDeviceGetAttribute(NULL, 1, 0));
}
END_TEST

START_TEST(the_primary_context_is_counted)
{
	CUcontext a, b, current;
	unsigned flags;
	int active;
	CUdeviceptr address;
	setup_init();
	OK(cuDevicePrimaryCtxGetState(0, &flags, &active));
	ck_assert_int_eq(active, 0);
	OK(cuDevicePrimaryCtxRetain(&a, 0));
	OK(cuDevicePrimaryCtxRetain(&b, 0));
	ck_assert_ptr_eq(a, b);
	FAILS(CUDA_ERROR_INVALID_CONTEXT, cuMemAlloc(&address, 4));
	OK(cuCtxSetCurrent(a));
	OK(cuMemAlloc(&address, 4));
	OK(cuDevicePrimaryCtxRelease(0));
	OK(cuMemFree(address));
	OK(cuMemAlloc(&address, 4));
	OK(cuDevicePrimaryCtxSetFlags(0, CU_CTX_SCHED_YIELD));
	OK(cuCtxGetFlags(&flags));
	ck_assert_uint_eq(flags, CU_CTX_SCHED_YIELD);
	OK(cuDevicePrimaryCtxRelease(0));
	FAILS(CUDA_ERROR_CONTEXT_IS_DESTROYED, cuMemFree(address));
	OK(cuCtxGetCurrent(&current));
	ck_assert_ptr_eq(current, a);
	FAILS(CUDA_ERROR_INVALID_CONTEXT, cuDevicePrimaryCtxRelease(0));
	OK(cuDevicePrimaryCtxRetain(&b, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree(address));
	FAILS(CUDA_ERROR_INVALID_DEVICE, cuDevicePrimaryCtxRetain(&b, 1));
	FAILS(CUDA_ERROR_INVALID_CONTEXT, cuCtxDestroy(b));
}
END_TEST

START_TEST(created_contexts_stack)
{
	CUcontext a, b, popped, current;
	unsigned long long id_a, id_b;
	CUstream stream;
	setup_init();
	FAILS(CUDA_ERROR_INVALID_CONTEXT, cuCtxPopCurrent(&popped));
	OK(cuCtxCreate(&a, NULL, CU_CTX_SCHED_SPIN, 0));
	OK(cuCtxCreate(&b, NULL, 0, 0));
	OK(cuStreamCreate(&stream, 0));
	OK(cuCtxGetId(a, &id_a));
	OK(cuCtxGetId(NULL, &id_b));
	ck_assert_uint_ne(id_a, id_b);
	OK(cuCtxPopCurrent(&popped));
	ck_assert_ptr_eq(popped, b);
	OK(cuCtxPushCurrent(b));
	OK(cuCtxDestroy(b));
	OK(cuCtxGetCurrent(&current));
	ck_assert_ptr_eq(current, a);
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuStreamQuery(stream));
	FAILS(CUDA_ERROR_INVALID_CONTEXT, cuCtxSetCurrent(b));
	FAILS(CUDA_ERROR_INVALID_CONTEXT, cuCtxDestroy(b));
	OK(cuCtxDestroy(a));
	OK(cuCtxGetCurrent(&current));
	ck_assert_ptr_null(current);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuCtxCreate(&a, NULL, 0x4000, 0));
	FAILS(CUDA_ERROR_INVALID_DEVICE, cuCtxCreate(&a, NULL, 0, 3));
}
END_TEST

static void *destroy_elsewhere(void *handle)
{
	OK(cuCtxDestroy(handle));
	return NULL;
}

START_TEST(a_context_destroyed_by_another_thread)
{
	CUcontext a;
	pthread_t thread;
	setup_init();
	OK(cuCtxCreate(&a, NULL, 0, 0));
	ck_assert_int_eq(pthread_create(&thread, NULL, destroy_elsewhere, a), 0);
	pthread_join(thread, NULL);
	FAILS(CUDA_ERROR_CONTEXT_IS_DESTROYED, cuCtxSynchronize());
}
END_TEST

START_TEST(settings_of_a_context)
{
	size_t value;
	int least = 1, greatest = 1;
	CUfunc_cache cache;
	setup_context();
	OK(cuCtxSetLimit(CU_LIMIT_STACK_SIZE, 4096));
	OK(cuCtxGetLimit(&value, CU_LIMIT_STACK_SIZE));
	ck_assert_uint_eq(value, 4096);
	OK(cuCtxSetLimit(CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT, 4096));
	OK(cuCtxGetLimit(&value, CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT));
	ck_assert_uint_eq(value, 4096);
	OK(cuCtxGetLimit(&value, CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH)); /* of compute capabilities below 9.0 */
	FAILS(CUDA_ERROR_UNSUPPORTED_LIMIT, cuCtxGetLimit(&value, CU_LIMIT_PERSISTING_L2_CACHE_SIZE));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuCtxGetLimit(&value, (CUlimit)77));
	OK(cuCtxSetCacheConfig(CU_FUNC_CACHE_PREFER_L1));
	OK(cuCtxGetCacheConfig(&cache));
	ck_assert_int_eq(cache, CU_FUNC_CACHE_PREFER_L1);
	OK(cuCtxGetStreamPriorityRange(&least, &greatest));
	ck_assert(least == 0 && greatest == -5);
	FAILS(CUDA_ERROR_PEER_ACCESS_UNSUPPORTED, cuCtxEnablePeerAccess(context, 0));
}
END_TEST

START_TEST(a_forked_child_is_told)
{
	int status, count;
	setup_context();
	pid_t child = fork();
	if (child == 0)
		_exit(cuDeviceGetCount(&count) == CUDA_ERROR_NOT_INITIALIZED && cuInit(0) == CUDA_ERROR_NOT_INITIALIZED
			  ? 0
			  : 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

START_TEST(errno_is_kept)
{
	CUmodule other;
	setup_context();
	errno = 42;
	FAILS(CUDA_ERROR_FILE_NOT_FOUND, cuModuleLoad(&other, "/nonexistent"));
	ck_assert_int_eq(errno, 42);
}
END_TEST

/* Handles */

/* Every kind of handle in every place, and numbers that are none. */
START_TEST(handles_of_the_wrong_kind)
{
	CUstream stream;
	CUevent event;
	CUlibrary library;
	CUkernel kernel_handle;
	setup_module();
	OK(cuStreamCreate(&stream, 0));
	OK(cuEventCreate(&event, 0));
	OK(cuLibraryLoadData(&library, FAKE_MODULE, NULL, NULL, 0, NULL, NULL, 0));
	OK(cuLibraryGetKernel(&kernel_handle, library, "nothing"));
	void *handles[] = {stream,     event,
			   library,    kernel_handle,
			   module,     kernel("note"),
			   context,    (void *)0x10,
			   (void *)-1, (void *)0x0600000100000001,
			   &stream,    (char *)stream + 1,
			   NULL};
	for (void **handle = handles; handle < handles + sizeof handles / sizeof *handles; handle++) {
		CUfunction function;
		const char *name;
		if (*handle != stream && *handle)
			FAILS(CUDA_ERROR_INVALID_HANDLE, cuStreamQuery(*handle));
		if (*handle != event)
			FAILS(CUDA_ERROR_INVALID_HANDLE, cuEventQuery(*handle));
		if (*handle != module)
			FAILS(CUDA_ERROR_INVALID_HANDLE, cuModuleGetFunction(&function, *handle, "note"));
		if (*handle != library)
			FAILS(CUDA_ERROR_INVALID_HANDLE, cuLibraryGetKernel(&kernel_handle, *handle, "note"));
		if (*handle != handles[3])
			FAILS(CUDA_ERROR_INVALID_HANDLE, cuKernelGetName(&name, *handle));
		if (*handle != context && *handle)
			FAILS(CUDA_ERROR_INVALID_CONTEXT, cuCtxSetCurrent(*handle));
	}
}
END_TEST

START_TEST(stale_handles_stay_stale)
{
	CUevent old, new;
	setup_context();
	OK(cuEventCreate(&old, 0));
	OK(cuEventDestroy(old));
	for (int i = 0; i < 200; i++) {
		OK(cuEventCreate(&new, 0));
		ck_assert_ptr_ne(old, new);
		FAILS(CUDA_ERROR_INVALID_HANDLE, cuEventQuery(old));
		OK(cuEventDestroy(new));
	}
}
END_TEST

/* Entry points */

static void *entry(const char *name, int version, cuuint64_t flags, CUdriverProcAddressQueryResult expected)
{
	void *address = &address;
	CUdriverProcAddressQueryResult status;
	OK(cuGetProcAddress(name, &address, version, flags, &status));
	ck_assert_int_eq(status, expected);
	return address;
}

START_TEST(entry_points_by_version_and_stream)
{
	const CUdriverProcAddressQueryResult found = CU_GET_PROC_ADDRESS_SUCCESS;
	void *self = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
	ck_assert_ptr_nonnull(self);
#define SAME(symbol, name, version, flags) ck_assert_ptr_eq(dlsym(self, symbol), entry(name, version, flags, found))
	SAME("cuMemAlloc", "cuMemAlloc", 3010, 0);
	SAME("cuMemAlloc_v2", "cuMemAlloc", 3020, 0);
	SAME("cuMemAlloc_v2", "cuMemAlloc", 13000, CU_GET_PROC_ADDRESS_LEGACY_STREAM);
	SAME("cuMemAlloc_v2", "cuMemAlloc", 13000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM);
	SAME("cuCtxCreate_v4", "cuCtxCreate", 13000, 0);
	SAME("cuCtxCreate_v3", "cuCtxCreate", 12000, 0);
	SAME("cuMemcpyHtoD_v2", "cuMemcpyHtoD", 12000, 0);
	SAME("cuMemcpyHtoD_v2_ptds", "cuMemcpyHtoD", 12000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM);
	SAME("cuLaunchKernel_ptsz", "cuLaunchKernel", 7000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM);
	SAME("cuLaunchKernel", "cuLaunchKernel", 6050, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM);
	SAME("cuGetProcAddress_v2", "cuGetProcAddress", 12000, 0);
	ck_assert_ptr_null(entry("cuLibraryLoadData", 11080, 0, CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT));
	ck_assert_ptr_null(entry("cuNoSuchThing", 13000, 0, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND));
	ck_assert_ptr_null(entry("cuMemAlloc_v2", 13000, 0, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND));
}
END_TEST

START_TEST(entry_points_that_make_no_sense)
{
	void *address;
	CUresult (*old)(const char *, void **, int, cuuint64_t);
	OK(cuGetProcAddress("cuGetProcAddress", (void **)&old, 11030, 0, NULL));
	FAILS(CUDA_ERROR_NOT_FOUND, old("cuNoSuchThing", &address, 13000, 0));
	OK(old("cuInit", &address, 13000, 0));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGetProcAddress("cuInit", &address, 13010, 0, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGetProcAddress("cuInit", &address, 13000, 3, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGetProcAddress("cuInit", &address, 13000, 4, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGetProcAddress(NULL, &address, 13000, 0, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGetProcAddress("cuInit", NULL, 13000, 0, NULL));
}
END_TEST

START_TEST(no_export_tables)
{
	const void *table;
	CUuuid id = {{0}};
	FAILS(CUDA_ERROR_NOT_FOUND, cuGetExportTable(&table, &id));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGetExportTable(NULL, &id));
}
END_TEST

START_TEST(errors_have_names)
{
	const char *text;
	OK(cuGetErrorName(CUDA_ERROR_ILLEGAL_ADDRESS, &text));
	ck_assert_str_eq(text, "CUDA_ERROR_ILLEGAL_ADDRESS");
	OK(cuGetErrorString(CUDA_ERROR_OUT_OF_MEMORY, &text));
	ck_assert_str_eq(text, "out of memory");
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGetErrorName((CUresult)12345, &text));
	ck_assert_ptr_null(text);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuGetErrorString(CUDA_SUCCESS, NULL));
}
END_TEST

START_TEST(what_is_not_supported_says_so)
{
	setup_context();
	FAILS(CUDA_ERROR_NOT_SUPPORTED, cuGraphAddExternalSemaphoresWaitNode(NULL, NULL, NULL, 0, NULL));
	FAILS(CUDA_ERROR_NOT_SUPPORTED, cuMipmappedArrayGetSparseProperties(NULL, NULL));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    nothing_works_before_the_initialisation,
	    the_environment_shapes_the_device,
	    an_environment_without_sense_is_refused,
	    the_device,
	    the_primary_context_is_counted,
	    created_contexts_stack,
	    a_context_destroyed_by_another_thread,
	    settings_of_a_context,
	    a_forked_child_is_told,
	    errno_is_kept,
	    handles_of_the_wrong_kind,
	    stale_handles_stay_stale,
	    entry_points_by_version_and_stream,
	    entry_points_that_make_no_sense,
	    no_export_tables,
	    errors_have_names,
	    what_is_not_supported_says_so,
	};
	return RUN_TESTS("context", NULL, tests);
}
