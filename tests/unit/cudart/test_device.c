/* Devices, contexts of threads, properties. */
#include "runtime.h"

#include <pthread.h>
#include <string.h>

START_TEST(first_call_makes_device_0_current)
{
	int device = -1;

	ck_assert_cuda(cudaGetDevice(&device));
	ck_assert_int_eq(device, 0);
	ck_assert_int_eq(fake()->calls("cuDevicePrimaryCtxRetain"), 0);
	ck_assert_cuda(cudaDeviceSynchronize());
	ck_assert_cuda(cudaDeviceSynchronize());
	ck_assert_int_eq(fake()->calls("cuDevicePrimaryCtxRetain"), 1);
	ck_assert_int_eq(fake()->calls("cuCtxSetCurrent"), 1);
}
END_TEST

START_TEST(set_device_creates_its_context)
{
	int device = -1;

	ck_assert_cuda(cudaSetDevice(1));
	ck_assert_int_eq(fake()->calls("cuDevicePrimaryCtxRetain"), 1);
	ck_assert_cuda(cudaGetDevice(&device));
	ck_assert_int_eq(device, 1);
	ck_assert_int_eq(cudaSetDevice(FAKE_DEVICES), cudaErrorInvalidDevice);
	ck_assert_cuda(cudaGetDevice(&device));
	ck_assert_int_eq(device, 1);
	ck_assert_cuda(cudaSetDevice(0));
	ck_assert_cuda(cudaSetDevice(1));
	ck_assert_int_eq(fake()->calls("cuDevicePrimaryCtxRetain"), 2);
	ck_assert_int_eq(fake()->calls("cuCtxSetCurrent"), 3);
	ck_assert_cuda(cudaSetDevice(1));
	ck_assert_int_eq(fake()->calls("cuCtxSetCurrent"), 3);
}
END_TEST

static void *use_device_0(void *seen)
{
	ck_assert_cuda(cudaDeviceSynchronize());
	ck_assert_cuda(cudaGetDevice(seen));
	return NULL;
}

START_TEST(device_belongs_to_the_thread)
{
	pthread_t thread;
	int seen = -1, own = -1;

	ck_assert_cuda(cudaSetDevice(1));
	ck_assert_int_eq(pthread_create(&thread, NULL, use_device_0, &seen), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(seen, 0);
	ck_assert_cuda(cudaGetDevice(&own));
	ck_assert_int_eq(own, 1);
}
END_TEST

START_TEST(context_of_the_driver_api_is_used)
{
	CUresult (*init)(unsigned) = fake_symbol("cuInit");
	CUresult (*retain)(CUcontext *, CUdevice) = fake_symbol("cuDevicePrimaryCtxRetain");
	CUresult (*set_current)(CUcontext) = fake_symbol("cuCtxSetCurrent");
	CUcontext context;
	int device = -1;

	ck_assert_int_eq(init(0), CUDA_SUCCESS);
	ck_assert_int_eq(retain(&context, 101), CUDA_SUCCESS);
	ck_assert_int_eq(set_current(context), CUDA_SUCCESS);
	ck_assert_cuda(cudaDeviceSynchronize());
	ck_assert_cuda(cudaGetDevice(&device));
	ck_assert_int_eq(device, 1);
	ck_assert_int_eq(fake()->calls("cuCtxSetCurrent"), 1);
	ck_assert_int_eq(set_current(NULL), CUDA_SUCCESS);
	ck_assert_cuda(cudaDeviceSynchronize());
	ck_assert_cuda(cudaGetDevice(&device));
	ck_assert_int_eq(device, 0);
}
END_TEST

static pthread_barrier_t barrier;

static void *outlive_a_reset(void *unused)
{
	(void)unused;
	ck_assert_cuda(cudaDeviceSynchronize());
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	ck_assert_cuda(cudaDeviceSynchronize());
	return NULL;
}

START_TEST(reset_reaches_other_threads)
{
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	ck_assert_int_eq(pthread_create(&thread, NULL, outlive_a_reset, NULL), 0);
	pthread_barrier_wait(&barrier);
	ck_assert_cuda(cudaDeviceReset());
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	ck_assert_int_eq(fake()->calls("cuDevicePrimaryCtxRelease_v2"), 1);
	ck_assert_int_eq(fake()->calls("cuDevicePrimaryCtxRetain"), 2);
}
END_TEST

START_TEST(valid_devices_order_the_choice)
{
	int order[] = {1, 0}, wrong[] = {7}, device = -1;

	ck_assert_cuda(cudaSetValidDevices(order, 2));
	ck_assert_cuda(cudaGetDevice(&device));
	ck_assert_int_eq(device, 1);
	ck_assert_int_eq(cudaSetValidDevices(wrong, 1), cudaErrorInvalidDevice);
	ck_assert_cuda(cudaSetValidDevices(NULL, 0));
	ck_assert_cuda(cudaGetDevice(&device));
	ck_assert_int_eq(device, 0);
}
END_TEST

START_TEST(flags)
{
	unsigned flags = 0;

	ck_assert_cuda(cudaSetDeviceFlags(cudaDeviceScheduleBlockingSync | cudaDeviceMapHost));
	ck_assert_cuda(cudaGetDeviceFlags(&flags));
	ck_assert_uint_eq(flags, cudaDeviceScheduleBlockingSync | cudaDeviceMapHost);
	ck_assert_int_eq(cudaSetDeviceFlags(0x1000000), cudaErrorInvalidValue);
	ck_assert_cuda(cudaInitDevice(1, cudaDeviceScheduleSpin, cudaInitDeviceFlagsAreValid));
	ck_assert_int_eq(cudaInitDevice(1, 0, 2), cudaErrorInvalidValue);
}
END_TEST

START_TEST(properties)
{
	struct cudaDeviceProp properties;

	memset(&properties, 0xff, sizeof(properties));
	ck_assert_cuda(cudaGetDeviceProperties(&properties, 1));
	ck_assert_str_eq(properties.name, "Fake 1");
	ck_assert_uint_eq(properties.totalGlobalMem, ((size_t)8 << 30) + 1);
	ck_assert_int_eq(properties.uuid.bytes[15], 'B');
	ck_assert_int_eq(properties.maxThreadsPerBlock, 1024);
	ck_assert_uint_eq(properties.sharedMemPerBlock, 1000 + CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK);
	ck_assert_int_eq(properties.maxGridSize[2], 1000 + CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z);
	ck_assert_int_eq(properties.multiProcessorCount, 1000 + CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
	ck_assert_uint_eq(properties.gpuPciSubsystemID, 1000 + CU_DEVICE_ATTRIBUTE_GPU_PCI_SUBSYSTEM_ID);
	/* What the driver does not know, and what has no LUID. */
	ck_assert_int_eq(properties.hostNumaMultinodeIpcSupported, 0);
	ck_assert_int_eq(properties.luid[0], 0);
	ck_assert_int_eq(properties.reserved[55], 0);
	ck_assert_int_eq(fake()->calls("cuDevicePrimaryCtxRetain"), 0);
	ck_assert_int_eq(cudaGetDeviceProperties(&properties, 2), cudaErrorInvalidDevice);
	ck_assert_int_eq(cudaGetDeviceProperties(NULL, 0), cudaErrorInvalidValue);
}
END_TEST

/* Every int of the structure up to the reserved ones comes from somewhere. */
START_TEST(no_property_is_forgotten)
{
	struct cudaDeviceProp properties;
	const int *word = &properties.regsPerBlock, *end = &properties.hostNumaMultinodeIpcSupported;
	int empty = 0;

	ck_assert_cuda(cudaGetDeviceProperties(&properties, 0));
	for (; word < end; word++)
		empty += *word == 0;
	/* The upper halves of the ten size_t among them, which are small, and the padding before four. */
	ck_assert_int_le(empty, 14);
}
END_TEST

START_TEST(attributes_and_choice)
{
	struct cudaDeviceProp wish = {.totalGlobalMem = ((size_t)8 << 30) + 1};
	int value, device = -1;

	ck_assert_cuda(cudaDeviceGetAttribute(&value, cudaDevAttrWarpSize, 0));
	ck_assert_int_eq(value, 1000 + CU_DEVICE_ATTRIBUTE_WARP_SIZE);
	ck_assert_int_eq(cudaDeviceGetAttribute(&value, cudaDevAttrWarpSize, 5), cudaErrorInvalidDevice);
	ck_assert_cuda(cudaChooseDevice(&device, &wish));
	ck_assert_int_eq(device, 1);
}
END_TEST

START_TEST(handles_become_ordinals)
{
	int device = -1;

	ck_assert_cuda(cudaStreamGetDevice(NULL, &device));
	ck_assert_int_eq(device, 1);
	ck_assert_cuda(cudaDeviceGetByPCIBusId(&device, "0"));
	ck_assert_int_eq(device, 0);
	ck_assert_int_eq(cudaDeviceGetByPCIBusId(&device, "9"), cudaErrorInvalidDevice);
}
END_TEST

Suite *suite_device(void)
{
	Suite *suite = suite_create("device");
	TCase *cases = tcase_create("device");

	tcase_add_test(cases, first_call_makes_device_0_current);
	tcase_add_test(cases, set_device_creates_its_context);
	tcase_add_test(cases, device_belongs_to_the_thread);
	tcase_add_test(cases, context_of_the_driver_api_is_used);
	tcase_add_test(cases, reset_reaches_other_threads);
	tcase_add_test(cases, valid_devices_order_the_choice);
	tcase_add_test(cases, flags);
	tcase_add_test(cases, properties);
	tcase_add_test(cases, no_property_is_forgotten);
	tcase_add_test(cases, attributes_and_choice);
	tcase_add_test(cases, handles_become_ordinals);
	suite_add_tcase(suite, cases);
	return suite;
}
