/* What the driver programs share: the device's primary context as the current one, and checked calls. */
#ifndef TEST_DRIVER_DEVICE_H
#define TEST_DRIVER_DEVICE_H

#include <check.h>
#include <cuda.h>

#define OK(call) ck_assert_int_eq((call), CUDA_SUCCESS)

static inline void use_device(void)
{
	CUdevice device;
	CUcontext context;
	OK(cuInit(0));
	OK(cuDeviceGet(&device, 0));
	OK(cuDevicePrimaryCtxRetain(&context, device));
	OK(cuCtxSetCurrent(context));
}

#endif
