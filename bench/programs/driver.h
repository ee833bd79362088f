/* REQUIRE(call): a driver call that fails ends the program with the call and CUDA's message. */
#ifndef BENCH_DRIVER_H
#define BENCH_DRIVER_H

#include <cuda.h>

#include "commands.h"

static inline void driver_require(CUresult result, const char *call)
{
	const char *text = "unknown error";

	if (result == CUDA_SUCCESS)
		return;
	cuGetErrorString(result, &text);
	command_fail(call, text);
}

#define REQUIRE(call) driver_require((call), #call)

/* A context on device 0, current in this thread. */
static inline void driver_open(void)
{
	CUdevice device;
	CUcontext context;

	REQUIRE(cuInit(0));
	REQUIRE(cuDeviceGet(&device, 0));
	REQUIRE(cuDevicePrimaryCtxRetain(&context, device));
	REQUIRE(cuCtxSetCurrent(context));
}

#endif
