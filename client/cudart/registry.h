/*
 * What nvcc's host code registers before main(): fat binaries, and the kernels and variables in them.
 * Nothing is loaded before the first use of one of a fat binary's symbols.
 */
#ifndef CUDART_REGISTRY_H
#define CUDART_REGISTRY_H

#include <stddef.h>

#include "context.h"

/*
 * The kernel behind `function`, which is the host's function symbol or a cudaKernel_t that this runtime gave
 * out; loads the fat binary if need be. The handle is good for every device and thread until the fat binary is
 * unregistered, also after cudaDeviceReset(). cudaErrorInvalidDeviceFunction: neither of the two.
 */
cudaError_t rt_kernel_find(const void *function, CUkernel *kernel);

/* As rt_kernel_find(), but only host symbols are accepted. */
cudaError_t rt_kernel_of_symbol(const void *function, CUkernel *kernel);

/* Remembers a kernel handle that is given to the program, so that it can be passed for a function symbol. */
cudaError_t rt_kernel_remember(CUkernel kernel);

/*
 * Address and size, in the current context, of the device variable behind the host's `symbol`; loads the
 * fat binary if need be. cudaErrorInvalidSymbol: there is no such variable.
 */
cudaError_t rt_variable_find(const void *symbol, CUdeviceptr *address, size_t *size);

/*
 * Loads what cannot wait, once a context was created and made current: fat binaries with managed variables, and
 * with CUDA_MODULE_LOADING=EAGER all.
 */
cudaError_t rt_registry_context_created(void);

/* The host's side of a launch that nvcc emits; see crt/host_runtime.h of the toolkit. */
#pragma GCC visibility push(default)
void **__cudaRegisterFatBinary(void *wrapper);
void __cudaRegisterFatBinaryEnd(void **handle);
void __cudaUnregisterFatBinary(void **handle);
void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name, int thread_limit,
			    uint3 *thread, uint3 *block, dim3 *block_size, dim3 *grid_size, int *warp_size);
void __cudaRegisterVar(void **handle, char *host, char *device, const char *name, int external, size_t size,
		       int constant, int global);
void __cudaRegisterManagedVar(void **handle, void **host, char *device, const char *name, int external, size_t size,
			      int constant, int global);
char __cudaInitModule(void **handle);
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared_bytes, struct CUstream_st *stream);
cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared_bytes, void *stream);
cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *function);
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void **arguments, size_t shared_bytes,
			       cudaStream_t stream);
cudaError_t __cudaLaunchKernel_ptsz(cudaKernel_t kernel, dim3 grid, dim3 block, void **arguments, size_t shared_bytes,
				    cudaStream_t stream);
#pragma GCC visibility pop

#endif
