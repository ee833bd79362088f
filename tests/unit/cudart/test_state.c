/* Opening the driver, the error state, versions and entry points. */
#include "runtime.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

START_TEST(driver_is_opened_once)
{
	int count = 0;

	ck_assert_cuda(cudaGetDeviceCount(&count));
	ck_assert_cuda(cudaGetDeviceCount(&count));
	ck_assert_int_eq(count, FAKE_DEVICES);
	ck_assert_int_eq(fake()->calls("cuInit"), 1);
}
END_TEST

START_TEST(driver_of_an_older_major_version)
{
	int count = -1, version;

	setenv("FAKE_VERSION", "12090", 1);
	ck_assert_int_eq(cudaGetDeviceCount(&count), cudaErrorInsufficientDriver);
	ck_assert_int_eq(count, 0);
	ck_assert_int_eq(fake()->calls("cuInit"), 0);
	ck_assert_cuda(cudaDriverGetVersion(&version));
	ck_assert_int_eq(version, 12090);
}
END_TEST

START_TEST(driver_without_a_device)
{
	void *memory;
	int count = -1;

	setenv("FAKE_INIT", "100", 1);
	ck_assert_int_eq(cudaMalloc(&memory, 1), cudaErrorNoDevice);
	ck_assert_int_eq(cudaGetDeviceCount(&count), cudaErrorNoDevice);
	ck_assert_int_eq(count, 0);
}
END_TEST

START_TEST(function_that_the_driver_lacks)
{
	cudaGraph_t graph;

	ck_assert_int_eq(cudaGraphCreate(&graph, 0), cudaErrorNotSupported);
	ck_assert_int_eq(cudaGetLastError(), cudaErrorNotSupported);
}
END_TEST

START_TEST(last_error_is_kept_until_it_is_got)
{
	ck_assert_int_eq(cudaGetLastError(), cudaSuccess);
	ck_assert_int_eq(cudaSetDevice(99), cudaErrorInvalidDevice);
	ck_assert_cuda(cudaDeviceSynchronize());
	ck_assert_int_eq(cudaPeekAtLastError(), cudaErrorInvalidDevice);
	ck_assert_int_eq(cudaGetLastError(), cudaErrorInvalidDevice);
	ck_assert_int_eq(cudaGetLastError(), cudaSuccess);
	fake()->refuse("cuEventQuery", CUDA_ERROR_NOT_READY);
	ck_assert_int_eq(cudaEventQuery(NULL), cudaErrorNotReady);
	ck_assert_int_eq(cudaGetLastError(), cudaErrorNotReady);
}
END_TEST

static void *other_thread(void *unused)
{
	(void)unused;
	ck_assert_int_eq(cudaPeekAtLastError(), cudaSuccess);
	ck_assert_int_eq(cudaSetDevice(-1), cudaErrorInvalidDevice);
	return NULL;
}

START_TEST(last_error_belongs_to_the_thread)
{
	pthread_t thread;

	ck_assert_int_eq(cudaMalloc(NULL, 1), cudaErrorInvalidValue);
	ck_assert_int_eq(pthread_create(&thread, NULL, other_thread, NULL), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(cudaGetLastError(), cudaErrorInvalidValue);
}
END_TEST

START_TEST(sticky_error_lasts_until_the_reset)
{
	fake()->refuse("cuCtxSynchronize", CUDA_ERROR_ILLEGAL_ADDRESS);
	ck_assert_int_eq(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
	ck_assert_int_eq(cudaGetLastError(), cudaErrorIllegalAddress);
	ck_assert_int_eq(cudaGetLastError(), cudaErrorIllegalAddress);
	ck_assert_cuda(cudaDeviceReset());
	ck_assert_int_eq(cudaGetLastError(), cudaErrorIllegalAddress);
	ck_assert_int_eq(cudaGetLastError(), cudaSuccess);
}
END_TEST

START_TEST(driver_error_that_the_runtime_has_not)
{
	fake()->refuse("cuCtxSynchronize", (CUresult)202);
	ck_assert_int_eq(cudaDeviceSynchronize(), cudaErrorUnknown);
	fake()->refuse("cuCtxSynchronize", CUDA_ERROR_INVALID_HANDLE);
	ck_assert_int_eq(cudaDeviceSynchronize(), cudaErrorInvalidResourceHandle);
}
END_TEST

START_TEST(errno_is_left_alone)
{
	int count;

	errno = EXDEV;
	ck_assert_cuda(cudaGetDeviceCount(&count));
	ck_assert_int_eq(errno, EXDEV);
}
END_TEST

START_TEST(versions)
{
	int version;

	ck_assert_cuda(cudaRuntimeGetVersion(&version));
	ck_assert_int_eq(version, CUDART_VERSION);
	ck_assert_int_eq(fake()->calls("cuDriverGetVersion"), 0);
	ck_assert_cuda(cudaDriverGetVersion(&version));
	ck_assert_int_eq(version, CUDA_VERSION);
	ck_assert_int_eq(cudaRuntimeGetVersion(NULL), cudaErrorInvalidValue);
}
END_TEST

START_TEST(entry_points)
{
	enum cudaDriverEntryPointQueryResult status;
	void *function = &status;

	ck_assert_cuda(cudaGetDriverEntryPointByVersion("cuInit", &function, 13000, cudaEnableDefault, &status));
	ck_assert_ptr_eq(function, fake_symbol("cuInit"));
	ck_assert_int_eq(status, cudaDriverEntryPointSuccess);
	ck_assert_cuda(cudaGetDriverEntryPointByVersion("cuInit", &function, 1000, cudaEnableDefault, &status));
	ck_assert_ptr_null(function);
	ck_assert_int_eq(status, cudaDriverEntryPointVersionNotSufficent);
	ck_assert_cuda(cudaGetDriverEntryPointByVersion("cuNone", &function, 13000, cudaEnableDefault, &status));
	ck_assert_int_eq(status, cudaDriverEntryPointSymbolNotFound);
	ck_assert_cuda(cudaGetDriverEntryPointByVersion("cuNone", &function, 13000, cudaEnableDefault, NULL));
	ck_assert_int_eq(cudaGetLastError(), cudaSuccess);
	ck_assert_int_eq(cudaGetDriverEntryPointByVersion(NULL, &function, 13000, 0, &status), cudaErrorInvalidValue);
}
END_TEST

START_TEST(export_tables_are_not_ours)
{
	static const cudaUUID_t id = {{1, 2, 3}};
	const void *table = &id;

	ck_assert_int_eq(cudaGetExportTable(&table, &id), cudaErrorSymbolNotFound);
	ck_assert_ptr_null(table);
}
END_TEST

Suite *suite_state(void)
{
	Suite *suite = suite_create("state");
	TCase *cases = tcase_create("state");

	tcase_add_test(cases, driver_is_opened_once);
	tcase_add_test(cases, driver_of_an_older_major_version);
	tcase_add_test(cases, driver_without_a_device);
	tcase_add_test(cases, function_that_the_driver_lacks);
	tcase_add_test(cases, last_error_is_kept_until_it_is_got);
	tcase_add_test(cases, last_error_belongs_to_the_thread);
	tcase_add_test(cases, sticky_error_lasts_until_the_reset);
	tcase_add_test(cases, driver_error_that_the_runtime_has_not);
	tcase_add_test(cases, errno_is_left_alone);
	tcase_add_test(cases, versions);
	tcase_add_test(cases, entry_points);
	tcase_add_test(cases, export_tables_are_not_ours);
	suite_add_tcase(suite, cases);
	return suite;
}
