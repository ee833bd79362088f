/* Which device and context a thread's calls go to, and the runtime's state of a thread. */
#ifndef CUDART_CONTEXT_H
#define CUDART_CONTEXT_H

#include <cuda.h>

#include "driver.h"
#include "error.h"
#include "platform.h"

/* Launches nest when the arguments of one launch launch another; the outermost of more than these are lost. */
enum { RT_LAUNCH_DEPTH = 16 };

/* What <<<...>>> says, between __cudaPushCallConfiguration and __cudaPopCallConfiguration. */
struct rt_launch_configuration {
	dim3 grid, block;
	size_t shared_bytes;
	cudaStream_t stream;
};

struct rt_thread {
	cudaError_t last_error;
	unsigned last_error_generation; /* rt_generation when it was recorded */
	int chosen;                     /* 1 + ordinal of the device that cudaSetDevice() named; 0: none yet */
	unsigned generation;            /* rt_generation when a context was last made current */
	CUcontext bound;                /* the primary context that the runtime made current */
	int bound_device;               /* its ordinal */
	unsigned launch_depth;
	struct rt_launch_configuration launches[RT_LAUNCH_DEPTH];
};

extern rt_thread_local struct rt_thread rt_thread;

/* Grows with every cudaDeviceReset(): what is remembered about a context is good for one generation. */
extern _Atomic(unsigned) rt_generation;

/*
 * The beginning of every call that needs a context: opens the driver, and makes the primary context of
 * the thread's device current unless the thread has a current context (made by the runtime or by the program
 * through the driver API). Returns the error with which the call then ends.
 */
cudaError_t rt_enter(void);

/* Makes the primary context of device `ordinal` current in this thread, creating it if need be. */
cudaError_t rt_context_use(int ordinal);

/* The primary context of device `ordinal`, created if need be, for peer copies. */
cudaError_t rt_context_primary(int ordinal, CUcontext *context);

/* Ends the primary context of device `ordinal` with everything in it. */
cudaError_t rt_context_reset(int ordinal);

/* Opens the driver and gives its handle of device `ordinal`; cudaErrorInvalidDevice if there is no such device. */
cudaError_t rt_device_handle(int ordinal, CUdevice *device);

/* The ordinal of a device by the driver's handle of it; cudaErrorInvalidDevice if there is no such device. */
cudaError_t rt_device_ordinal(CUdevice device, int *ordinal);

/* Opens the driver and gives the number of devices. */
cudaError_t rt_device_count(int *count);

/* The device of this thread's current context, else the one it would use. */
cudaError_t rt_device_current(int *ordinal);

/* The devices that threads may fall on which never called cudaSetDevice(), in order; 0 restores all of them. */
cudaError_t rt_device_set_valid(const int *ordinals, int count);

/* The stream that 0 means in the per-thread-default-stream (_ptsz, _ptds) variants. */
static inline cudaStream_t rt_stream_per_thread(cudaStream_t stream)
{
	return stream ? stream : cudaStreamPerThread;
}

#endif
