/*
 * Rows for the functions that are one driver call. The driver function in `call` is one of
 * driver_functions.def; the driver below answers CUDA_ERROR_NOT_SUPPORTED for what it does not have.
 */
#ifndef CUDART_API_H
#define CUDART_API_H

#include "context.h"

/* The per-thread-default-stream variants are declared by cuda_runtime_api.h only in place of the others. */
#define RT_DECLARE_VARIANT(name, suffix) extern __typeof__(name) name##suffix __attribute__((visibility("default")));

/* The body of such a function, after `enter`, which opens the driver or makes a context current. */
#define RT_BODY(enter, call)                                                                                           \
	{                                                                                                              \
		cudaError_t error = enter;                                                                             \
                                                                                                                       \
		if (error == cudaSuccess)                                                                              \
			error = rt_error(rt_driver.call);                                                              \
		return rt_record(error);                                                                               \
	}

/* RT_CALL(name, (parameters), cuFunction(arguments)): needs a context. */
#define RT_CALL(name, parameters, call) cudaError_t name parameters RT_BODY(rt_enter(), call)

/* RT_CALL_DRIVER: needs the driver, but no context. */
#define RT_CALL_DRIVER(name, parameters, call) cudaError_t name parameters RT_BODY(rt_driver_open(), call)

/* RT_CALL_STREAM: has a parameter `stream`, and a _ptsz variant in which 0 means the thread's own stream. */
#define RT_CALL_STREAM(name, parameters, call)                                                                         \
	RT_CALL(name, parameters, call)                                                                                \
	RT_DECLARE_VARIANT(name, _ptsz)                                                                                \
	cudaError_t name##_ptsz parameters                                                                             \
	{                                                                                                              \
		cudaError_t error = rt_enter();                                                                        \
                                                                                                                       \
		stream = rt_stream_per_thread(stream);                                                                 \
		if (error == cudaSuccess)                                                                              \
			error = rt_error(rt_driver.call);                                                              \
		return rt_record(error);                                                                               \
	}

/* RT_CALL_DEVICE: has a parameter `device`, an ordinal, which is `handle` in the call; needs no context. */
#define RT_CALL_DEVICE(name, parameters, call)                                                                         \
	cudaError_t name parameters                                                                                    \
	{                                                                                                              \
		CUdevice handle;                                                                                       \
		cudaError_t error = rt_device_handle(device, &handle);                                                 \
                                                                                                                       \
		if (error == cudaSuccess)                                                                              \
			error = rt_error(rt_driver.call);                                                              \
		return rt_record(error);                                                                               \
	}

/* The types of two layouts that NVIDIA's headers define alike, one in driver_types.h and one in cuda.h. */
#define RT_SAME_LAYOUT(runtime, driver) _Static_assert(sizeof(runtime) == sizeof(driver), #runtime " is not " #driver)

#endif
