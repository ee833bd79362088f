/* Made by proto/gen.py from proto/small.x. Do not edit: change the description instead. */

#ifndef SRV_DRIVER_H
#define SRV_DRIVER_H

#ifndef __CUDA_API_VERSION_INTERNAL
#define __CUDA_API_VERSION_INTERNAL
#endif
#include <cuda.h>
#include <cudaProfiler.h>

/* The functions of a libcuda.so.1; NULL where the library lacks one. */
struct srv_driver {
	__typeof__(cuInit) *cuInit;
	__typeof__(cuCtxSynchronize) *cuCtxSynchronize;
	__typeof__(cuMemGetInfo_v2) *cuMemGetInfo_v2;
	__typeof__(cuEventCreate) *cuEventCreate;
	__typeof__(cuEventDestroy_v2) *cuEventDestroy_v2;
	__typeof__(cuEventRecord) *cuEventRecord;
	__typeof__(cuLibraryGetUnifiedFunction) *cuLibraryGetUnifiedFunction;
	__typeof__(cuMemsetD8_v2) *cuMemsetD8_v2;
	__typeof__(cuMemsetD8Async) *cuMemsetD8Async;
	__typeof__(cuMemcpyHtoD_v2) *cuMemcpyHtoD_v2;
};

/* Looks up every function in `library`, a handle of dlopen. */
void srv_driver_load(struct srv_driver *driver, void *library);

#endif
