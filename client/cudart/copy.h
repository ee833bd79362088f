/* What copies share: the direction, and the variants that use the thread's own stream. */
#ifndef CUDART_COPY_H
#define CUDART_COPY_H

#include "api.h"

/* Copies `count` bytes in stream order; a context is current. Not recorded as the last error. */
cudaError_t rt_copy_async(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind, cudaStream_t stream);

/* Copies `count` bytes before it returns, as far as cudaMemcpy() promises; a context is current. Not recorded. */
cudaError_t rt_copy(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind);

/*
 * The memory types of the two ends for a kind of copy. cudaErrorInvalidMemcpyDirection: there is no such kind.
 */
cudaError_t rt_copy_types(enum cudaMemcpyKind kind, CUmemorytype *src, CUmemorytype *dst);

/* Ends a synchronous copy that was made asynchronously in the thread's own stream: waits unless it failed. */
cudaError_t rt_copy_wait(cudaError_t error);

/* The translation of a 3D copy, for copies and graph nodes; a context is current. */
cudaError_t rt_copy_3d_translate(const struct cudaMemcpy3DParms *parameters, CUDA_MEMCPY3D *driver);

/* And back: the description of a copy that a graph node holds; a context is current. */
cudaError_t rt_copy_3d_describe(const CUDA_MEMCPY3D *copy, struct cudaMemcpy3DParms *parameters);

/* Only to pass several parameters or arguments for one. */
#define RT_LIST(...) __VA_ARGS__

/*
 * The two variants of a pair of functions name(parameters) and nameAsync(parameters, stream) for a program
 * whose stream 0 is the thread's own; `finish` makes the first of nameAsync's error.
 */
#define RT_PER_THREAD_VARIANTS(name, finish, parameters, arguments)                                                    \
	RT_DECLARE_VARIANT(name, _ptds)                                                                                \
	cudaError_t name##_ptds(parameters)                                                                            \
	{                                                                                                              \
		return finish(name##Async(arguments, cudaStreamPerThread));                                            \
	}                                                                                                              \
	RT_DECLARE_VARIANT(name##Async, _ptsz)                                                                         \
	cudaError_t name##Async_ptsz(parameters, cudaStream_t stream)                                                  \
	{                                                                                                              \
		return name##Async(arguments, rt_stream_per_thread(stream));                                           \
	}

#endif
