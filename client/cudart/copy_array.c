/*
 * The deprecated copies between arrays and a run of bytes, which goes on in the array's next row where one is full:
 * made of the rectangles that it falls into.
 */
#include "array.h"
#include "copy.h"

/* One end: an array with a position in it, in bytes and rows, or memory when `array` is NULL. */
struct end {
	CUarray array;
	size_t width; /* of a row of the array, in bytes */
	size_t x, y;
	char *pointer;
};

/* How a rectangle is copied: at once, or in the order of a stream. */
struct order {
	bool async;
	cudaStream_t stream;
};

static cudaError_t end_measure(struct end *end)
{
	CUDA_ARRAY3D_DESCRIPTOR descriptor;
	size_t element;
	cudaError_t error;

	if (!end->array)
		return cudaSuccess;
	error = rt_array_element((cudaArray_const_t)end->array, &element);
	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuArray3DGetDescriptor(&descriptor, end->array));
	if (error != cudaSuccess)
		return error;
	end->width = descriptor.Width * element;
	return end->x < end->width ? cudaSuccess : cudaErrorInvalidValue;
}

/* The bytes to the end of the row, or all that are `left` in memory. */
static size_t row_rest(const struct end *end, size_t left)
{
	return end->array && end->width - end->x < left ? end->width - end->x : left;
}

static void end_advance(struct end *end, size_t bytes, size_t rows)
{
	if (!end->array) {
		end->pointer += bytes * rows;
		return;
	}
	end->x += bytes;
	if (end->x == end->width) {
		end->x = 0;
		end->y += rows;
	}
}

static cudaError_t rectangle_copy(const struct end *dst, CUmemorytype dst_type, const struct end *src,
				  CUmemorytype src_type, size_t width, size_t height, struct order order)
{
	CUDA_MEMCPY2D copy = {
	    .srcXInBytes = src->x,
	    .srcY = src->y,
	    .srcMemoryType = src->array ? CU_MEMORYTYPE_ARRAY : src_type,
	    .srcHost = src->pointer,
	    .srcDevice = (CUdeviceptr)src->pointer,
	    .srcArray = src->array,
	    .srcPitch = width,
	    .dstXInBytes = dst->x,
	    .dstY = dst->y,
	    .dstMemoryType = dst->array ? CU_MEMORYTYPE_ARRAY : dst_type,
	    .dstHost = dst->pointer,
	    .dstDevice = (CUdeviceptr)dst->pointer,
	    .dstArray = dst->array,
	    .dstPitch = width,
	    .WidthInBytes = width,
	    .Height = height,
	};

	if (order.async)
		return rt_error(rt_driver.cuMemcpy2DAsync(&copy, order.stream));
	return rt_error(rt_driver.cuMemcpy2DUnaligned(&copy));
}

/* Whole rows go together when both ends are at the beginning of one and end it together. */
static size_t rows_together(const struct end *dst, const struct end *src, size_t row, size_t left)
{
	bool whole =
	    (!dst->array || (dst->x == 0 && dst->width == row)) && (!src->array || (src->x == 0 && src->width == row));

	return whole ? left / row : 1;
}

static cudaError_t run_copy(struct end dst, struct end src, size_t count, enum cudaMemcpyKind kind, struct order order)
{
	CUmemorytype src_type, dst_type;
	cudaError_t error = rt_enter();

	if (error == cudaSuccess)
		error = rt_copy_types(kind, &src_type, &dst_type);
	if (error == cudaSuccess)
		error = end_measure(&dst);
	if (error == cudaSuccess)
		error = end_measure(&src);
	while (error == cudaSuccess && count) {
		size_t row = row_rest(&dst, row_rest(&src, count));
		size_t rows = rows_together(&dst, &src, row, count);

		error = rectangle_copy(&dst, dst_type, &src, src_type, row, rows, order);
		end_advance(&dst, row, rows);
		end_advance(&src, row, rows);
		count -= row * rows;
	}
	return rt_record(error);
}

static struct end end_memory(const void *pointer)
{
	return (struct end){.pointer = (char *)pointer};
}

static struct end end_array(cudaArray_const_t array, size_t x, size_t y)
{
	return (struct end){.array = rt_array(array), .x = x, .y = y};
}

static const struct order at_once = {0, NULL};

cudaError_t cudaMemcpyToArray(cudaArray_t dst, size_t wOffset, size_t hOffset, const void *src, size_t count,
			      enum cudaMemcpyKind kind)
{
	return run_copy(end_array(dst, wOffset, hOffset), end_memory(src), count, kind, at_once);
}

cudaError_t cudaMemcpyToArrayAsync(cudaArray_t dst, size_t wOffset, size_t hOffset, const void *src, size_t count,
				   enum cudaMemcpyKind kind, cudaStream_t stream)
{
	return run_copy(end_array(dst, wOffset, hOffset), end_memory(src), count, kind, (struct order){1, stream});
}

RT_PER_THREAD_VARIANTS(cudaMemcpyToArray, rt_copy_wait,
		       RT_LIST(cudaArray_t dst, size_t wOffset, size_t hOffset, const void *src, size_t count,
			       enum cudaMemcpyKind kind),
		       RT_LIST(dst, wOffset, hOffset, src, count, kind))

cudaError_t cudaMemcpyFromArray(void *dst, cudaArray_const_t src, size_t wOffset, size_t hOffset, size_t count,
				enum cudaMemcpyKind kind)
{
	return run_copy(end_memory(dst), end_array(src, wOffset, hOffset), count, kind, at_once);
}

cudaError_t cudaMemcpyFromArrayAsync(void *dst, cudaArray_const_t src, size_t wOffset, size_t hOffset, size_t count,
				     enum cudaMemcpyKind kind, cudaStream_t stream)
{
	return run_copy(end_memory(dst), end_array(src, wOffset, hOffset), count, kind, (struct order){1, stream});
}

RT_PER_THREAD_VARIANTS(cudaMemcpyFromArray, rt_copy_wait,
		       RT_LIST(void *dst, cudaArray_const_t src, size_t wOffset, size_t hOffset, size_t count,
			       enum cudaMemcpyKind kind),
		       RT_LIST(dst, src, wOffset, hOffset, count, kind))

cudaError_t cudaMemcpyArrayToArray(cudaArray_t dst, size_t wOffsetDst, size_t hOffsetDst, cudaArray_const_t src,
				   size_t wOffsetSrc, size_t hOffsetSrc, size_t count, enum cudaMemcpyKind kind)
{
	return run_copy(end_array(dst, wOffsetDst, hOffsetDst), end_array(src, wOffsetSrc, hOffsetSrc), count, kind,
			at_once);
}

RT_DECLARE_VARIANT(cudaMemcpyArrayToArray, _ptds)
cudaError_t cudaMemcpyArrayToArray_ptds(cudaArray_t dst, size_t wOffsetDst, size_t hOffsetDst, cudaArray_const_t src,
					size_t wOffsetSrc, size_t hOffsetSrc, size_t count, enum cudaMemcpyKind kind)
{
	return rt_copy_wait(run_copy(end_array(dst, wOffsetDst, hOffsetDst), end_array(src, wOffsetSrc, hOffsetSrc),
				     count, kind, (struct order){1, cudaStreamPerThread}));
}
