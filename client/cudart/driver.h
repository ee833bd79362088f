/* The driver API functions under the runtime, found in libcuda.so.1 at the first call that needs them. */
#ifndef CUDART_DRIVER_H
#define CUDART_DRIVER_H

#include <cuda.h>
#include <cudaProfiler.h>
#include <driver_types.h>

/*
 * One pointer per function, named as the driver exports it: cuda.h's macros turn rt_driver.cuMemAlloc
 * into rt_driver.cuMemAlloc_v2, here and at every use. All are set once rt_driver_open() succeeded; those
 * that the driver lacks point to a function that returns CUDA_ERROR_NOT_SUPPORTED.
 */
struct rt_driver {
#define RT_DRIVER(function) __typeof__(function) *function;
#include "driver_functions.def"
#undef RT_DRIVER
};

extern struct rt_driver rt_driver;

/*
 * Opens and initialises the driver, once; later calls return the outcome of the first. Any thread.
 * cudaErrorInsufficientDriver: there is no driver, or it is older than CUDA 13. cudaErrorNoDevice: it
 * knows no device. Otherwise what cuInit said.
 */
cudaError_t rt_driver_open(void);

/* The version of the driver (1000 major + 10 minor), 0 if there is none. Does not initialise it. */
int rt_driver_version(void);

#endif
