/* A machine without a CUDA driver: the first libcuda.so.1 that the dynamic linker finds is an empty file. */
#include <check.h>
#include <cuda_runtime_api.h>
#include <stdlib.h>

START_TEST(calls_say_that_there_is_no_driver)
{
	int count = -1, version = -1;
	void *memory;

	ck_assert_int_eq(cudaGetLastError(), cudaErrorInsufficientDriver);
	ck_assert_int_eq(cudaGetDeviceCount(&count), cudaErrorInsufficientDriver);
	ck_assert_int_eq(count, 0);
	ck_assert_int_eq(cudaMalloc(&memory, 16), cudaErrorInsufficientDriver);
	ck_assert_int_eq(cudaDeviceReset(), cudaErrorInsufficientDriver);
	ck_assert_int_eq(cudaGetLastError(), cudaErrorInsufficientDriver);
	ck_assert_int_eq(cudaDriverGetVersion(&version), cudaSuccess);
	ck_assert_int_eq(version, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("no driver");
	TCase *cases = tcase_create("no driver");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, calls_say_that_there_is_no_driver);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
