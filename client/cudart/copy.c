/* Copies of linear memory, within a device, to and from the host, between devices. */
#include "copy.h"

cudaError_t rt_copy_types(enum cudaMemcpyKind kind, CUmemorytype *src, CUmemorytype *dst)
{
	static const CUmemorytype types[][2] = {
	    [cudaMemcpyHostToHost] = {CU_MEMORYTYPE_HOST, CU_MEMORYTYPE_HOST},
	    [cudaMemcpyHostToDevice] = {CU_MEMORYTYPE_HOST, CU_MEMORYTYPE_DEVICE},
	    [cudaMemcpyDeviceToHost] = {CU_MEMORYTYPE_DEVICE, CU_MEMORYTYPE_HOST},
	    [cudaMemcpyDeviceToDevice] = {CU_MEMORYTYPE_DEVICE, CU_MEMORYTYPE_DEVICE},
	    [cudaMemcpyDefault] = {CU_MEMORYTYPE_UNIFIED, CU_MEMORYTYPE_UNIFIED},
	};

	if ((unsigned)kind > cudaMemcpyDefault)
		return cudaErrorInvalidMemcpyDirection;
	*src = types[kind][0];
	*dst = types[kind][1];
	return cudaSuccess;
}

/* Between two addresses whose side the driver finds out; two of the host are left to it for the order. */
cudaError_t rt_copy_async(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind, cudaStream_t stream)
{
	switch (kind) {
	case cudaMemcpyHostToDevice:
		return rt_error(rt_driver.cuMemcpyHtoDAsync((CUdeviceptr)dst, src, count, stream));
	case cudaMemcpyDeviceToHost:
		return rt_error(rt_driver.cuMemcpyDtoHAsync(dst, (CUdeviceptr)src, count, stream));
	case cudaMemcpyDeviceToDevice:
		return rt_error(rt_driver.cuMemcpyDtoDAsync((CUdeviceptr)dst, (CUdeviceptr)src, count, stream));
	case cudaMemcpyHostToHost:
	case cudaMemcpyDefault:
		return rt_error(rt_driver.cuMemcpyAsync((CUdeviceptr)dst, (CUdeviceptr)src, count, stream));
	}
	return cudaErrorInvalidMemcpyDirection;
}

cudaError_t rt_copy(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind)
{
	switch (kind) {
	case cudaMemcpyHostToDevice:
		return rt_error(rt_driver.cuMemcpyHtoD((CUdeviceptr)dst, src, count));
	case cudaMemcpyDeviceToHost:
		return rt_error(rt_driver.cuMemcpyDtoH(dst, (CUdeviceptr)src, count));
	case cudaMemcpyDeviceToDevice:
		return rt_error(rt_driver.cuMemcpyDtoD((CUdeviceptr)dst, (CUdeviceptr)src, count));
	case cudaMemcpyHostToHost:
	case cudaMemcpyDefault:
		return rt_error(rt_driver.cuMemcpy((CUdeviceptr)dst, (CUdeviceptr)src, count));
	}
	return cudaErrorInvalidMemcpyDirection;
}

cudaError_t rt_copy_wait(cudaError_t error)
{
	if (error == cudaSuccess)
		error = rt_record(rt_error(rt_driver.cuStreamSynchronize(CU_STREAM_PER_THREAD)));
	return error;
}

cudaError_t cudaMemcpy(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind)
{
	cudaError_t error = rt_enter();

	if (error == cudaSuccess && count)
		error = rt_copy(dst, src, count, kind);
	return rt_record(error);
}

cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind, cudaStream_t stream)
{
	cudaError_t error = rt_enter();

	if (error == cudaSuccess && count)
		error = rt_copy_async(dst, src, count, kind, stream);
	return rt_record(error);
}

RT_PER_THREAD_VARIANTS(cudaMemcpy, rt_copy_wait,
		       RT_LIST(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind),
		       RT_LIST(dst, src, count, kind))

/* A context for this thread, and the primary contexts of the two ends of a peer copy. */
static cudaError_t peer_enter(int dst_device, int src_device, CUcontext *dst, CUcontext *src)
{
	cudaError_t error = rt_enter();

	if (error == cudaSuccess)
		error = rt_context_primary(dst_device, dst);
	return error == cudaSuccess ? rt_context_primary(src_device, src) : error;
}

cudaError_t cudaMemcpyPeer(void *dst, int dstDevice, const void *src, int srcDevice, size_t count)
{
	CUcontext dst_context, src_context;
	cudaError_t error = peer_enter(dstDevice, srcDevice, &dst_context, &src_context);

	if (error == cudaSuccess && count)
		error = rt_error(
		    rt_driver.cuMemcpyPeer((CUdeviceptr)dst, dst_context, (CUdeviceptr)src, src_context, count));
	return rt_record(error);
}

cudaError_t cudaMemcpyPeerAsync(void *dst, int dstDevice, const void *src, int srcDevice, size_t count,
				cudaStream_t stream)
{
	CUcontext dst_context, src_context;
	cudaError_t error = peer_enter(dstDevice, srcDevice, &dst_context, &src_context);

	if (error == cudaSuccess && count)
		error = rt_error(rt_driver.cuMemcpyPeerAsync((CUdeviceptr)dst, dst_context, (CUdeviceptr)src,
							     src_context, count, stream));
	return rt_record(error);
}

RT_SAME_LAYOUT(struct cudaMemcpyAttributes, CUmemcpyAttributes);
RT_CALL_STREAM(cudaMemcpyBatchAsync,
	       (void *const *dsts, const void *const *srcs, const size_t *sizes, size_t count,
		struct cudaMemcpyAttributes *attrs, size_t *attrsIdxs, size_t numAttrs, cudaStream_t stream),
	       cuMemcpyBatchAsync((CUdeviceptr *)dsts, (CUdeviceptr *)srcs, (size_t *)sizes, count,
				  (CUmemcpyAttributes *)attrs, attrsIdxs, numAttrs, stream))
