/* Filling memory. */
#include "copy.h"

static cudaError_t fill(void *pointer, int value, size_t count, bool async, cudaStream_t stream)
{
	CUdeviceptr address = (CUdeviceptr)pointer;
	unsigned char byte = (unsigned char)value;
	cudaError_t error = rt_enter();

	if (error != cudaSuccess || !count)
		return rt_record(error);
	if (async)
		return rt_record(rt_error(rt_driver.cuMemsetD8Async(address, byte, count, stream)));
	return rt_record(rt_error(rt_driver.cuMemsetD8(address, byte, count)));
}

cudaError_t cudaMemset(void *devPtr, int value, size_t count)
{
	return fill(devPtr, value, count, 0, NULL);
}

cudaError_t cudaMemsetAsync(void *devPtr, int value, size_t count, cudaStream_t stream)
{
	return fill(devPtr, value, count, 1, stream);
}

/* A memset does not wait for the device, in either form. */
RT_PER_THREAD_VARIANTS(cudaMemset, rt_record, RT_LIST(void *devPtr, int value, size_t count),
		       RT_LIST(devPtr, value, count))

/* Fills `height` rows; a context is current. */
static cudaError_t fill_rows(char *pointer, size_t pitch, int value, size_t width, size_t height, bool async,
			     cudaStream_t stream)
{
	CUdeviceptr address = (CUdeviceptr)pointer;
	unsigned char byte = (unsigned char)value;

	if (!width || !height)
		return cudaSuccess;
	if (async)
		return rt_error(rt_driver.cuMemsetD2D8Async(address, pitch, byte, width, height, stream));
	return rt_error(rt_driver.cuMemsetD2D8(address, pitch, byte, width, height));
}

static cudaError_t fill_2d(void *pointer, size_t pitch, int value, size_t width, size_t height, bool async,
			   cudaStream_t stream)
{
	cudaError_t error = rt_enter();

	if (error == cudaSuccess)
		error = fill_rows(pointer, pitch, value, width, height, async, stream);
	return rt_record(error);
}

cudaError_t cudaMemset2D(void *devPtr, size_t pitch, int value, size_t width, size_t height)
{
	return fill_2d(devPtr, pitch, value, width, height, 0, NULL);
}

cudaError_t cudaMemset2DAsync(void *devPtr, size_t pitch, int value, size_t width, size_t height, cudaStream_t stream)
{
	return fill_2d(devPtr, pitch, value, width, height, 1, stream);
}

RT_PER_THREAD_VARIANTS(cudaMemset2D, rt_record,
		       RT_LIST(void *devPtr, size_t pitch, int value, size_t width, size_t height),
		       RT_LIST(devPtr, pitch, value, width, height))

/* The slices of a box are one run of rows where it has the full height, else one fill each. */
static cudaError_t fill_3d(struct cudaPitchedPtr box, int value, struct cudaExtent extent, bool async,
			   cudaStream_t stream)
{
	bool whole = extent.height == box.ysize;
	size_t fills = whole ? 1 : extent.depth;
	size_t rows = whole ? extent.height * extent.depth : extent.height;
	cudaError_t error = rt_enter();

	for (size_t z = 0; z < fills && error == cudaSuccess; z++)
		error = fill_rows((char *)box.ptr + z * box.pitch * box.ysize, box.pitch, value, extent.width, rows,
				  async, stream);
	return rt_record(error);
}

cudaError_t cudaMemset3D(struct cudaPitchedPtr pitchedDevPtr, int value, struct cudaExtent extent)
{
	return fill_3d(pitchedDevPtr, value, extent, 0, NULL);
}

cudaError_t cudaMemset3DAsync(struct cudaPitchedPtr pitchedDevPtr, int value, struct cudaExtent extent,
			      cudaStream_t stream)
{
	return fill_3d(pitchedDevPtr, value, extent, 1, stream);
}

RT_PER_THREAD_VARIANTS(cudaMemset3D, rt_record,
		       RT_LIST(struct cudaPitchedPtr pitchedDevPtr, int value, struct cudaExtent extent),
		       RT_LIST(pitchedDevPtr, value, extent))
