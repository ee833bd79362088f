/* Registration, loading, kernel handles and launches. Each test is a process of its own (Check forks). */
#include "runtime.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

extern __typeof__(cudaLaunchKernelExC) cudaLaunchKernelExC_ptsz;
extern __typeof__(cudaLaunchCooperativeKernel) cudaLaunchCooperativeKernel_ptsz;

static void *pointers[2] = {(void *)0x1000, (void *)0x2000};
static int integer = -7;
static double real = 0.5;
static void *arguments[] = {&pointers[0], &pointers[1], &integer, &real};
static const dim3 grid = {2, 3, 4}, block = {32, 2, 1};
static cudaStream_t const stream = (cudaStream_t)0x77;

static void check_launch(const char *kernel, cudaStream_t wanted_stream)
{
	const struct fake_launch *launch = fake()->last_launch();

	ck_assert_str_eq((const char *)launch->kernel, kernel);
	ck_assert_int_eq(memcmp(launch->grid, &grid, sizeof(grid)), 0);
	ck_assert_int_eq(memcmp(launch->block, &block, sizeof(block)), 0);
	ck_assert_uint_eq(launch->shared_bytes, 96);
	ck_assert_ptr_eq(launch->stream, wanted_stream);
	ck_assert_ptr_eq(launch->pointers[0], pointers[0]);
	ck_assert_ptr_eq(launch->pointers[1], pointers[1]);
	ck_assert_int_eq(launch->integer, integer);
	ck_assert_double_eq(launch->real, real);
}

START_TEST(registration_calls_no_driver)
{
	void **handle = program_register();

	ck_assert_int_eq(fake()->calls("cuDriverGetVersion") + fake()->calls("cuInit"), 0);
	__cudaUnregisterFatBinary(handle);
	ck_assert_int_eq(fake()->calls("cuLibraryUnload"), 0);
}
END_TEST

START_TEST(fatbin_is_loaded_at_first_use)
{
	cudaKernel_t kernel, again;
	void **handle = program_register();

	ck_assert_cuda(cudaFree(NULL));
	ck_assert_int_eq(fake()->calls("cuLibraryLoadData"), 0);
	ck_assert_cuda(cudaGetKernel(&kernel, &host_kernel));
	ck_assert_cuda(__cudaGetKernel(&again, &host_kernel));
	ck_assert_ptr_eq(kernel, again);
	ck_assert_cuda(cudaGetKernel(&again, &host_other_kernel));
	ck_assert_ptr_ne(kernel, again);
	ck_assert_int_eq(fake()->calls("cuLibraryLoadData"), 1);
	ck_assert_int_eq(fake()->calls("cuLibraryGetKernel"), 2);
	__cudaUnregisterFatBinary(handle);
	ck_assert_int_eq(fake()->calls("cuLibraryUnload"), 1);
	ck_assert_int_eq(cudaGetKernel(&kernel, &host_kernel), cudaErrorInvalidDeviceFunction);
}
END_TEST

START_TEST(eager_loading_loads_with_the_context)
{
	setenv("CUDA_MODULE_LOADING", "EAGER", 1);
	program_register();
	ck_assert_cuda(cudaFree(NULL));
	ck_assert_int_eq(fake()->calls("cuLibraryLoadData"), 1);
}
END_TEST

START_TEST(failed_load_is_reported_and_retried)
{
	cudaKernel_t kernel;

	program_register();
	fake()->refuse("cuLibraryLoadData", CUDA_ERROR_NO_BINARY_FOR_GPU);
	ck_assert_int_eq(cudaGetKernel(&kernel, &host_kernel), cudaErrorNoKernelImageForDevice);
	fake()->refuse("cuLibraryLoadData", CUDA_SUCCESS);
	ck_assert_cuda(cudaGetKernel(&kernel, &host_kernel));
}
END_TEST

START_TEST(kernel_that_is_not_in_the_fatbin)
{
	cudaKernel_t kernel;

	program_register();
	ck_assert_int_eq(cudaGetKernel(&kernel, &host_absent_kernel), cudaErrorInvalidDeviceFunction);
	ck_assert_int_eq(cudaGetKernel(&kernel, &host_variable), cudaErrorInvalidDeviceFunction);
	ck_assert_int_eq(cudaGetKernel(&kernel, NULL), cudaErrorInvalidDeviceFunction);
	ck_assert_int_eq(cudaGetKernel(NULL, &host_kernel), cudaErrorInvalidValue);
}
END_TEST

START_TEST(default_launch_abi)
{
	dim3 popped_grid, popped_block;
	size_t shared;
	cudaStream_t popped_stream;
	cudaKernel_t kernel;

	program_register();
	ck_assert_uint_eq(__cudaPushCallConfiguration(grid, block, 96, stream), 0);
	ck_assert_cuda(__cudaGetKernel(&kernel, &host_kernel));
	ck_assert_cuda(__cudaPopCallConfiguration(&popped_grid, &popped_block, &shared, &popped_stream));
	ck_assert_cuda(__cudaLaunchKernel(kernel, popped_grid, popped_block, arguments, shared, popped_stream));
	check_launch("kernel", stream);
	ck_assert_cuda(__cudaLaunchKernel_ptsz(kernel, grid, block, arguments, 96, NULL));
	check_launch("kernel", cudaStreamPerThread);
}
END_TEST

START_TEST(legacy_launch_abi)
{
	program_register();
	ck_assert_cuda(cudaLaunchKernel(&host_other_kernel, grid, block, arguments, 96, stream));
	check_launch("other", stream);
	ck_assert_cuda(cudaLaunchKernel(&host_other_kernel, grid, block, arguments, 96, NULL));
	check_launch("other", NULL);
}
END_TEST

START_TEST(kernel_handle_stands_for_a_function)
{
	cudaKernel_t kernel;
	const char *name;

	program_register();
	ck_assert_cuda(cudaGetKernel(&kernel, &host_kernel));
	ck_assert_cuda(cudaLaunchKernel(kernel, grid, block, arguments, 96, stream));
	check_launch("kernel", stream);
	ck_assert_cuda(cudaFuncGetName(&name, kernel));
	ck_assert_str_eq(name, "kernel");
	ck_assert_int_eq(cudaFuncSetCacheConfig(kernel, cudaFuncCachePreferL1), cudaErrorInvalidDeviceFunction);
}
END_TEST

START_TEST(extended_and_cooperative_launches)
{
	cudaLaunchAttribute attribute = {.id = cudaLaunchAttributePriority, .val.priority = 1};
	cudaLaunchConfig_t config = {grid, block, 96, stream, &attribute, 1};

	program_register();
	ck_assert_cuda(cudaLaunchKernelExC(&config, &host_kernel, arguments));
	check_launch("kernel", stream);
	ck_assert_uint_eq(fake()->last_launch()->attributes, 1);
	ck_assert_int_eq(cudaLaunchKernelExC(NULL, &host_kernel, arguments), cudaErrorInvalidValue);
	ck_assert_cuda(cudaLaunchCooperativeKernel(&host_kernel, grid, block, arguments, 96, stream));
	check_launch("kernel", stream);
	ck_assert(fake()->last_launch()->cooperative);
	config.stream = NULL;
	ck_assert_cuda(cudaLaunchKernelExC_ptsz(&config, &host_kernel, arguments));
	check_launch("kernel", cudaStreamPerThread);
	ck_assert_cuda(cudaLaunchCooperativeKernel_ptsz(&host_kernel, grid, block, arguments, 96, NULL));
	check_launch("kernel", cudaStreamPerThread);
}
END_TEST

START_TEST(launches_nest)
{
	dim3 popped_grid, popped_block;
	size_t shared;
	cudaStream_t popped_stream;

	for (unsigned i = 0; i <= RT_LAUNCH_DEPTH; i++)
		ck_assert_uint_eq(__cudaPushCallConfiguration(grid, block, i, stream), 0);
	for (size_t i = RT_LAUNCH_DEPTH; i > 0; i--) {
		ck_assert_cuda(__cudaPopCallConfiguration(&popped_grid, &popped_block, &shared, &popped_stream));
		ck_assert_uint_eq(shared, i);
	}
	ck_assert_int_eq(__cudaPopCallConfiguration(&popped_grid, &popped_block, &shared, &popped_stream),
			 cudaErrorMissingConfiguration);
}
END_TEST

START_TEST(impossible_configuration_is_told_from_other_arguments)
{
	dim3 large = {1025, 1, 1}, none = {0, 1, 1};

	program_register();
	fake()->refuse("cuLaunchKernel", CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(cudaLaunchKernel(&host_kernel, grid, large, arguments, 0, NULL),
			 cudaErrorInvalidConfiguration);
	ck_assert_int_eq(cudaLaunchKernel(&host_kernel, none, block, arguments, 0, NULL),
			 cudaErrorInvalidConfiguration);
	ck_assert_int_eq(cudaLaunchKernel(&host_kernel, grid, block, arguments, 0, NULL), cudaErrorInvalidValue);
	ck_assert_int_eq(cudaLaunchKernel(&host_kernel, grid, block, arguments, (size_t)1 << 32, NULL),
			 cudaErrorInvalidValue);
}
END_TEST

/* nvcc's code launches even when it could not get the kernel: why not is still the last error. */
START_TEST(launch_without_a_kernel_keeps_the_reason)
{
	cudaKernel_t kernel = NULL;

	program_register();
	fake()->refuse("cuLibraryLoadData", CUDA_ERROR_INVALID_PTX);
	ck_assert_int_eq(__cudaGetKernel(&kernel, &host_kernel), cudaErrorInvalidPtx);
	ck_assert_int_eq(__cudaLaunchKernel(NULL, grid, block, arguments, 0, NULL), cudaErrorInvalidPtx);
	ck_assert_int_eq(cudaGetLastError(), cudaErrorInvalidPtx);
	ck_assert_int_eq(__cudaLaunchKernel(NULL, grid, block, arguments, 0, NULL), cudaErrorInvalidDeviceFunction);
	ck_assert_int_eq(fake()->calls("cuLaunchKernel"), 0);
}
END_TEST

START_TEST(kernel_survives_a_reset)
{
	cudaKernel_t kernel;

	program_register();
	ck_assert_cuda(cudaGetKernel(&kernel, &host_kernel));
	ck_assert_cuda(cudaDeviceReset());
	ck_assert_cuda(__cudaLaunchKernel(kernel, grid, block, arguments, 96, stream));
	check_launch("kernel", stream);
	ck_assert_int_eq(fake()->calls("cuDevicePrimaryCtxRetain"), 2);
	ck_assert_int_eq(fake()->calls("cuLibraryLoadData"), 1);
}
END_TEST

/* Two shared objects may have the same template kernel at one address, and either may be unloaded first. */
START_TEST(one_address_in_two_fatbins)
{
	void **first = program_register(), **second = program_register();
	cudaKernel_t kernel;

	__cudaUnregisterFatBinary(_i ? first : second);
	ck_assert_cuda(cudaGetKernel(&kernel, &host_kernel));
	__cudaUnregisterFatBinary(_i ? second : first);
	ck_assert_int_eq(cudaGetKernel(&kernel, &host_kernel), cudaErrorInvalidDeviceFunction);
}
END_TEST

START_TEST(many_symbols)
{
	enum { MANY = 5000 };
	static char hosts[MANY];
	void **handle = __cudaRegisterFatBinary(&fatbin_wrapper);
	cudaKernel_t kernel;

	for (int i = 0; i < MANY; i++)
		__cudaRegisterFunction(handle, &hosts[i], NULL, "kernel", -1, NULL, NULL, NULL, NULL, NULL);
	for (int i = 0; i < MANY; i++)
		ck_assert_cuda(cudaGetKernel(&kernel, &hosts[i]));
	__cudaUnregisterFatBinary(handle);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(cudaGetKernel(&kernel, &hosts[i]), cudaErrorInvalidDeviceFunction);
}
END_TEST

enum { THREADS = 8 };

static void *first_use(void *barrier)
{
	cudaKernel_t kernel;
	void *address;

	pthread_barrier_wait(barrier);
	ck_assert_cuda(cudaGetKernel(&kernel, &host_kernel));
	ck_assert_cuda(cudaGetSymbolAddress(&address, &host_variable));
	return kernel;
}

START_TEST(threads_that_come_first_together)
{
	pthread_t threads[THREADS];
	pthread_barrier_t barrier;
	void *kernels[THREADS];

	program_register();
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, first_use, &barrier), 0);
	for (int i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &kernels[i]), 0);
		ck_assert_ptr_eq(kernels[i], kernels[0]);
	}
	ck_assert_int_eq(fake()->calls("cuInit"), 1);
	ck_assert_int_eq(fake()->calls("cuDevicePrimaryCtxRetain"), 1);
	ck_assert_int_eq(fake()->calls("cuLibraryLoadData"), 1);
	ck_assert_int_eq(fake()->calls("cuCtxSetCurrent"), THREADS);
}
END_TEST

START_TEST(function_attributes)
{
	struct cudaFuncAttributes attributes;

	program_register();
	ck_assert_cuda(cudaFuncGetAttributes(&attributes, &host_kernel));
	ck_assert_uint_eq(attributes.sharedSizeBytes, 500 + CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
	ck_assert_int_eq(attributes.numRegs, 500 + CU_FUNC_ATTRIBUTE_NUM_REGS);
	ck_assert_int_eq(attributes.nonPortableClusterSizeAllowed,
			 500 + CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED);
	ck_assert_int_eq(cudaFuncGetAttributes(&attributes, &attributes), cudaErrorInvalidDeviceFunction);
}
END_TEST

Suite *suite_launch(void)
{
	Suite *suite = suite_create("launch");
	TCase *cases = tcase_create("launch");

	tcase_add_test(cases, registration_calls_no_driver);
	tcase_add_test(cases, fatbin_is_loaded_at_first_use);
	tcase_add_test(cases, eager_loading_loads_with_the_context);
	tcase_add_test(cases, failed_load_is_reported_and_retried);
	tcase_add_test(cases, kernel_that_is_not_in_the_fatbin);
	tcase_add_test(cases, default_launch_abi);
	tcase_add_test(cases, legacy_launch_abi);
	tcase_add_test(cases, kernel_handle_stands_for_a_function);
	tcase_add_test(cases, extended_and_cooperative_launches);
	tcase_add_test(cases, launches_nest);
	tcase_add_test(cases, impossible_configuration_is_told_from_other_arguments);
	tcase_add_test(cases, launch_without_a_kernel_keeps_the_reason);
	tcase_add_test(cases, kernel_survives_a_reset);
	tcase_add_loop_test(cases, one_address_in_two_fatbins, 0, 2);
	tcase_add_test(cases, many_symbols);
	tcase_add_test(cases, threads_that_come_first_together);
	tcase_add_test(cases, function_attributes);
	suite_add_tcase(suite, cases);
	return suite;
}
