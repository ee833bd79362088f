/* Copies of rectangles and boxes, in linear memory and arrays. */
#include <string.h>

#include "array.h"
#include "copy.h"

/* One end of a 2D copy: linear memory when `array` is NULL. Offsets and pitch in bytes and rows. */
struct end {
	void *pointer;
	size_t pitch;
	CUarray array;
	size_t x, y;
};

static cudaError_t rectangle_translate(struct end dst, struct end src, size_t width, size_t height,
				       enum cudaMemcpyKind kind, CUDA_MEMCPY2D *copy)
{
	CUmemorytype src_type, dst_type;
	cudaError_t error = rt_copy_types(kind, &src_type, &dst_type);

	if (error != cudaSuccess)
		return error;
	if ((!dst.array && dst.pitch < width) || (!src.array && src.pitch < width))
		return cudaErrorInvalidPitchValue;
	*copy = (CUDA_MEMCPY2D){
	    .srcXInBytes = src.x,
	    .srcY = src.y,
	    .srcMemoryType = src.array ? CU_MEMORYTYPE_ARRAY : src_type,
	    .srcHost = src.pointer,
	    .srcDevice = (CUdeviceptr)src.pointer,
	    .srcArray = src.array,
	    .srcPitch = src.pitch,
	    .dstXInBytes = dst.x,
	    .dstY = dst.y,
	    .dstMemoryType = dst.array ? CU_MEMORYTYPE_ARRAY : dst_type,
	    .dstHost = dst.pointer,
	    .dstDevice = (CUdeviceptr)dst.pointer,
	    .dstArray = dst.array,
	    .dstPitch = dst.pitch,
	    .WidthInBytes = width,
	    .Height = height,
	};
	return cudaSuccess;
}

/* cuMemcpy2DUnaligned is the one that takes any pitch, as cudaMemcpy2D does. */
static cudaError_t rectangle_copy(struct end dst, struct end src, size_t width, size_t height, enum cudaMemcpyKind kind)
{
	CUDA_MEMCPY2D copy;
	cudaError_t error = rt_enter();

	if (error == cudaSuccess)
		error = rectangle_translate(dst, src, width, height, kind, &copy);
	if (error == cudaSuccess && width && height)
		error = rt_error(rt_driver.cuMemcpy2DUnaligned(&copy));
	return rt_record(error);
}

static cudaError_t rectangle_copy_async(struct end dst, struct end src, size_t width, size_t height,
					enum cudaMemcpyKind kind, cudaStream_t stream)
{
	CUDA_MEMCPY2D copy;
	cudaError_t error = rt_enter();

	if (error == cudaSuccess)
		error = rectangle_translate(dst, src, width, height, kind, &copy);
	if (error == cudaSuccess && width && height)
		error = rt_error(rt_driver.cuMemcpy2DAsync(&copy, stream));
	return rt_record(error);
}

static struct end end_linear(const void *pointer, size_t pitch)
{
	return (struct end){.pointer = (void *)pointer, .pitch = pitch};
}

static struct end end_array(cudaArray_const_t array, size_t x, size_t y)
{
	return (struct end){.array = rt_array(array), .x = x, .y = y};
}

cudaError_t cudaMemcpy2D(void *dst, size_t dpitch, const void *src, size_t spitch, size_t width, size_t height,
			 enum cudaMemcpyKind kind)
{
	return rectangle_copy(end_linear(dst, dpitch), end_linear(src, spitch), width, height, kind);
}

cudaError_t cudaMemcpy2DAsync(void *dst, size_t dpitch, const void *src, size_t spitch, size_t width, size_t height,
			      enum cudaMemcpyKind kind, cudaStream_t stream)
{
	return rectangle_copy_async(end_linear(dst, dpitch), end_linear(src, spitch), width, height, kind, stream);
}

RT_PER_THREAD_VARIANTS(cudaMemcpy2D, rt_copy_wait,
		       RT_LIST(void *dst, size_t dpitch, const void *src, size_t spitch, size_t width, size_t height,
			       enum cudaMemcpyKind kind),
		       RT_LIST(dst, dpitch, src, spitch, width, height, kind))

cudaError_t cudaMemcpy2DToArray(cudaArray_t dst, size_t wOffset, size_t hOffset, const void *src, size_t spitch,
				size_t width, size_t height, enum cudaMemcpyKind kind)
{
	return rectangle_copy(end_array(dst, wOffset, hOffset), end_linear(src, spitch), width, height, kind);
}

cudaError_t cudaMemcpy2DToArrayAsync(cudaArray_t dst, size_t wOffset, size_t hOffset, const void *src, size_t spitch,
				     size_t width, size_t height, enum cudaMemcpyKind kind, cudaStream_t stream)
{
	return rectangle_copy_async(end_array(dst, wOffset, hOffset), end_linear(src, spitch), width, height, kind,
				    stream);
}

RT_PER_THREAD_VARIANTS(cudaMemcpy2DToArray, rt_copy_wait,
		       RT_LIST(cudaArray_t dst, size_t wOffset, size_t hOffset, const void *src, size_t spitch,
			       size_t width, size_t height, enum cudaMemcpyKind kind),
		       RT_LIST(dst, wOffset, hOffset, src, spitch, width, height, kind))

cudaError_t cudaMemcpy2DFromArray(void *dst, size_t dpitch, cudaArray_const_t src, size_t wOffset, size_t hOffset,
				  size_t width, size_t height, enum cudaMemcpyKind kind)
{
	return rectangle_copy(end_linear(dst, dpitch), end_array(src, wOffset, hOffset), width, height, kind);
}

cudaError_t cudaMemcpy2DFromArrayAsync(void *dst, size_t dpitch, cudaArray_const_t src, size_t wOffset, size_t hOffset,
				       size_t width, size_t height, enum cudaMemcpyKind kind, cudaStream_t stream)
{
	return rectangle_copy_async(end_linear(dst, dpitch), end_array(src, wOffset, hOffset), width, height, kind,
				    stream);
}

RT_PER_THREAD_VARIANTS(cudaMemcpy2DFromArray, rt_copy_wait,
		       RT_LIST(void *dst, size_t dpitch, cudaArray_const_t src, size_t wOffset, size_t hOffset,
			       size_t width, size_t height, enum cudaMemcpyKind kind),
		       RT_LIST(dst, dpitch, src, wOffset, hOffset, width, height, kind))

cudaError_t cudaMemcpy2DArrayToArray(cudaArray_t dst, size_t wOffsetDst, size_t hOffsetDst, cudaArray_const_t src,
				     size_t wOffsetSrc, size_t hOffsetSrc, size_t width, size_t height,
				     enum cudaMemcpyKind kind)
{
	return rectangle_copy(end_array(dst, wOffsetDst, hOffsetDst), end_array(src, wOffsetSrc, hOffsetSrc), width,
			      height, kind);
}

RT_DECLARE_VARIANT(cudaMemcpy2DArrayToArray, _ptds)
cudaError_t cudaMemcpy2DArrayToArray_ptds(cudaArray_t dst, size_t wOffsetDst, size_t hOffsetDst, cudaArray_const_t src,
					  size_t wOffsetSrc, size_t hOffsetSrc, size_t width, size_t height,
					  enum cudaMemcpyKind kind)
{
	return rt_copy_wait(rectangle_copy_async(end_array(dst, wOffsetDst, hOffsetDst),
						 end_array(src, wOffsetSrc, hOffsetSrc), width, height, kind,
						 cudaStreamPerThread));
}

/*
 * The bytes of one element of the copy, by cudaMemcpy3D's documentation: of the array that takes part, else one. Two
 * arrays must agree.
 */
static cudaError_t box_element(cudaArray_t src, cudaArray_t dst, size_t *src_bytes, size_t *dst_bytes, size_t *bytes)
{
	cudaError_t error = cudaSuccess;

	*src_bytes = *dst_bytes = 1;
	if (src)
		error = rt_array_element(src, src_bytes);
	if (dst && error == cudaSuccess)
		error = rt_array_element(dst, dst_bytes);
	if (src && dst && *src_bytes != *dst_bytes)
		return cudaErrorInvalidValue;
	*bytes = src ? *src_bytes : *dst_bytes;
	return error;
}

/* Each end is an array or linear memory, not both and not neither. */
static bool end_valid(cudaArray_t array, struct cudaPitchedPtr pointer)
{
	return !array != !pointer.ptr;
}

cudaError_t rt_copy_3d_translate(const struct cudaMemcpy3DParms *p, CUDA_MEMCPY3D *copy)
{
	CUmemorytype src_type, dst_type;
	size_t src_bytes, dst_bytes, bytes;
	cudaError_t error = rt_copy_types(p->kind, &src_type, &dst_type);

	if (error == cudaSuccess && !(end_valid(p->srcArray, p->srcPtr) && end_valid(p->dstArray, p->dstPtr)))
		error = cudaErrorInvalidValue;
	if (error == cudaSuccess)
		error = box_element(p->srcArray, p->dstArray, &src_bytes, &dst_bytes, &bytes);
	if (error != cudaSuccess)
		return error;
	*copy = (CUDA_MEMCPY3D){
	    .srcXInBytes = p->srcPos.x * src_bytes,
	    .srcY = p->srcPos.y,
	    .srcZ = p->srcPos.z,
	    .srcMemoryType = p->srcArray ? CU_MEMORYTYPE_ARRAY : src_type,
	    .srcHost = p->srcPtr.ptr,
	    .srcDevice = (CUdeviceptr)p->srcPtr.ptr,
	    .srcArray = rt_array(p->srcArray),
	    .srcPitch = p->srcPtr.pitch,
	    .srcHeight = p->srcPtr.ysize,
	    .dstXInBytes = p->dstPos.x * dst_bytes,
	    .dstY = p->dstPos.y,
	    .dstZ = p->dstPos.z,
	    .dstMemoryType = p->dstArray ? CU_MEMORYTYPE_ARRAY : dst_type,
	    .dstHost = p->dstPtr.ptr,
	    .dstDevice = (CUdeviceptr)p->dstPtr.ptr,
	    .dstArray = rt_array(p->dstArray),
	    .dstPitch = p->dstPtr.pitch,
	    .dstHeight = p->dstPtr.ysize,
	    .WidthInBytes = p->extent.width * bytes,
	    .Height = p->extent.height,
	    .Depth = p->extent.depth,
	};
	return cudaSuccess;
}

static enum cudaMemcpyKind copy_kind(CUmemorytype src, CUmemorytype dst)
{
	if (src == CU_MEMORYTYPE_UNIFIED || dst == CU_MEMORYTYPE_UNIFIED)
		return cudaMemcpyDefault;
	if (src == CU_MEMORYTYPE_HOST)
		return dst == CU_MEMORYTYPE_HOST ? cudaMemcpyHostToHost : cudaMemcpyHostToDevice;
	return dst == CU_MEMORYTYPE_HOST ? cudaMemcpyDeviceToHost : cudaMemcpyDeviceToDevice;
}

/* The width of a row in memory is not in the driver's description, so that it comes back as the pitch. */
static struct cudaPitchedPtr end_pointer(CUmemorytype type, const void *host, CUdeviceptr device, size_t pitch,
					 size_t height)
{
	void *pointer = type == CU_MEMORYTYPE_HOST ? (void *)host : (void *)device;

	return (struct cudaPitchedPtr){type == CU_MEMORYTYPE_ARRAY ? NULL : pointer, pitch, pitch, height};
}

cudaError_t rt_copy_3d_describe(const CUDA_MEMCPY3D *copy, struct cudaMemcpy3DParms *p)
{
	cudaArray_t src = copy->srcMemoryType == CU_MEMORYTYPE_ARRAY ? (cudaArray_t)copy->srcArray : NULL;
	cudaArray_t dst = copy->dstMemoryType == CU_MEMORYTYPE_ARRAY ? (cudaArray_t)copy->dstArray : NULL;
	size_t src_bytes, dst_bytes, bytes;
	cudaError_t error = box_element(src, dst, &src_bytes, &dst_bytes, &bytes);

	if (error != cudaSuccess)
		return error;
	*p = (struct cudaMemcpy3DParms){
	    .srcArray = src,
	    .srcPos = {copy->srcXInBytes / src_bytes, copy->srcY, copy->srcZ},
	    .srcPtr = end_pointer(copy->srcMemoryType, copy->srcHost, copy->srcDevice, copy->srcPitch, copy->srcHeight),
	    .dstArray = dst,
	    .dstPos = {copy->dstXInBytes / dst_bytes, copy->dstY, copy->dstZ},
	    .dstPtr = end_pointer(copy->dstMemoryType, copy->dstHost, copy->dstDevice, copy->dstPitch, copy->dstHeight),
	    .extent = {copy->WidthInBytes / bytes, copy->Height, copy->Depth},
	    .kind = copy_kind(copy->srcMemoryType, copy->dstMemoryType),
	};
	return cudaSuccess;
}

static bool extent_empty(struct cudaExtent extent)
{
	return !extent.width || !extent.height || !extent.depth;
}

static cudaError_t box_enter(const struct cudaMemcpy3DParms *p, CUDA_MEMCPY3D *copy)
{
	cudaError_t error = p ? rt_enter() : cudaErrorInvalidValue;

	return error == cudaSuccess ? rt_copy_3d_translate(p, copy) : error;
}

cudaError_t cudaMemcpy3D(const struct cudaMemcpy3DParms *p)
{
	CUDA_MEMCPY3D copy;
	cudaError_t error = box_enter(p, &copy);

	if (error == cudaSuccess && !extent_empty(p->extent))
		error = rt_error(rt_driver.cuMemcpy3D(&copy));
	return rt_record(error);
}

cudaError_t cudaMemcpy3DAsync(const struct cudaMemcpy3DParms *p, cudaStream_t stream)
{
	CUDA_MEMCPY3D copy;
	cudaError_t error = box_enter(p, &copy);

	if (error == cudaSuccess && !extent_empty(p->extent))
		error = rt_error(rt_driver.cuMemcpy3DAsync(&copy, stream));
	return rt_record(error);
}

RT_PER_THREAD_VARIANTS(cudaMemcpy3D, rt_copy_wait, RT_LIST(const struct cudaMemcpy3DParms *p), RT_LIST(p))

/* A box between two devices is the box within one, with a context for each end. */
static cudaError_t peer_box_enter(const struct cudaMemcpy3DPeerParms *p, CUDA_MEMCPY3D_PEER *copy)
{
	struct cudaMemcpy3DParms box;
	CUDA_MEMCPY3D within;
	cudaError_t error = p ? rt_enter() : cudaErrorInvalidValue;

	if (error != cudaSuccess)
		return error;
	box = (struct cudaMemcpy3DParms){p->srcArray, p->srcPos, p->srcPtr, p->dstArray,
					 p->dstPos,   p->dstPtr, p->extent, cudaMemcpyDeviceToDevice};
	memset(copy, 0, sizeof(*copy));
	error = rt_copy_3d_translate(&box, &within);
	if (error == cudaSuccess)
		error = rt_context_primary(p->srcDevice, &copy->srcContext);
	if (error == cudaSuccess)
		error = rt_context_primary(p->dstDevice, &copy->dstContext);
	copy->srcXInBytes = within.srcXInBytes;
	copy->srcY = within.srcY;
	copy->srcZ = within.srcZ;
	copy->srcMemoryType = within.srcMemoryType;
	copy->srcDevice = within.srcDevice;
	copy->srcArray = within.srcArray;
	copy->srcPitch = within.srcPitch;
	copy->srcHeight = within.srcHeight;
	copy->dstXInBytes = within.dstXInBytes;
	copy->dstY = within.dstY;
	copy->dstZ = within.dstZ;
	copy->dstMemoryType = within.dstMemoryType;
	copy->dstDevice = within.dstDevice;
	copy->dstArray = within.dstArray;
	copy->dstPitch = within.dstPitch;
	copy->dstHeight = within.dstHeight;
	copy->WidthInBytes = within.WidthInBytes;
	copy->Height = within.Height;
	copy->Depth = within.Depth;
	return error;
}

cudaError_t cudaMemcpy3DPeer(const struct cudaMemcpy3DPeerParms *p)
{
	CUDA_MEMCPY3D_PEER copy;
	cudaError_t error = peer_box_enter(p, &copy);

	if (error == cudaSuccess && !extent_empty(p->extent))
		error = rt_error(rt_driver.cuMemcpy3DPeer(&copy));
	return rt_record(error);
}

cudaError_t cudaMemcpy3DPeerAsync(const struct cudaMemcpy3DPeerParms *p, cudaStream_t stream)
{
	CUDA_MEMCPY3D_PEER copy;
	cudaError_t error = peer_box_enter(p, &copy);

	if (error == cudaSuccess && !extent_empty(p->extent))
		error = rt_error(rt_driver.cuMemcpy3DPeerAsync(&copy, stream));
	return rt_record(error);
}

RT_PER_THREAD_VARIANTS(cudaMemcpy3DPeer, rt_copy_wait, RT_LIST(const struct cudaMemcpy3DPeerParms *p), RT_LIST(p))

RT_SAME_LAYOUT(struct cudaMemcpy3DBatchOp, CUDA_MEMCPY3D_BATCH_OP);
RT_CALL_STREAM(cudaMemcpy3DBatchAsync,
	       (size_t numOps, struct cudaMemcpy3DBatchOp *opList, unsigned long long flags, cudaStream_t stream),
	       cuMemcpy3DBatchAsync(numOps, (CUDA_MEMCPY3D_BATCH_OP *)opList, flags, stream))
