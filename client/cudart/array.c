/* CUDA arrays: creation, description, release. */
#include "array.h"

#include "api.h"

/* The element formats that a channel description can name by its width and kind. */
static const struct {
	CUarray_format format;
	int bits;
	enum cudaChannelFormatKind kind;
} formats[] = {
    {CU_AD_FORMAT_UNSIGNED_INT8, 8, cudaChannelFormatKindUnsigned},
    {CU_AD_FORMAT_UNSIGNED_INT16, 16, cudaChannelFormatKindUnsigned},
    {CU_AD_FORMAT_UNSIGNED_INT32, 32, cudaChannelFormatKindUnsigned},
    {CU_AD_FORMAT_SIGNED_INT8, 8, cudaChannelFormatKindSigned},
    {CU_AD_FORMAT_SIGNED_INT16, 16, cudaChannelFormatKindSigned},
    {CU_AD_FORMAT_SIGNED_INT32, 32, cudaChannelFormatKindSigned},
    {CU_AD_FORMAT_HALF, 16, cudaChannelFormatKindFloat},
    {CU_AD_FORMAT_FLOAT, 32, cudaChannelFormatKindFloat},
};

enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

struct cudaChannelFormatDesc cudaCreateChannelDesc(int x, int y, int z, int w, enum cudaChannelFormatKind f)
{
	return (struct cudaChannelFormatDesc){x, y, z, w, f};
}

/* Channels come from the front and are alike; arrays have 1, 2 or 4 of them. */
static unsigned channels_count(const struct cudaChannelFormatDesc *channels)
{
	int bits[] = {channels->x, channels->y, channels->z, channels->w};
	unsigned count = 0;

	while (count < 4 && bits[count])
		count++;
	for (unsigned i = 0; i < 4; i++)
		if (bits[i] != (i < count ? bits[0] : 0))
			return 0;
	return count == 3 ? 0 : count;
}

cudaError_t rt_format_of_channels(const struct cudaChannelFormatDesc *channels, CUarray_format *format, unsigned *count)
{
	*count = channels_count(channels);
	for (int i = 0; i < FORMATS && *count; i++)
		if (formats[i].bits == channels->x && formats[i].kind == channels->f) {
			*format = formats[i].format;
			return cudaSuccess;
		}
	return cudaErrorInvalidChannelDescriptor;
}

struct cudaChannelFormatDesc rt_channels_of_format(CUarray_format format, unsigned count)
{
	struct cudaChannelFormatDesc channels = {0, 0, 0, 0, cudaChannelFormatKindNone};

	for (int i = 0; i < FORMATS; i++)
		if (formats[i].format == format) {
			channels.x = formats[i].bits;
			channels.y = count > 1 ? formats[i].bits : 0;
			channels.z = count > 2 ? formats[i].bits : 0;
			channels.w = count > 3 ? formats[i].bits : 0;
			channels.f = formats[i].kind;
		}
	return channels;
}

cudaError_t rt_array_element(cudaArray_const_t array, size_t *bytes)
{
	CUDA_ARRAY3D_DESCRIPTOR descriptor;
	CUresult result = rt_driver.cuArray3DGetDescriptor(&descriptor, rt_array(array));
	struct cudaChannelFormatDesc channels;

	if (result != CUDA_SUCCESS)
		return rt_error(result);
	channels = rt_channels_of_format(descriptor.Format, descriptor.NumChannels);
	*bytes = (size_t)channels.x / 8 * descriptor.NumChannels;
	return *bytes ? cudaSuccess : cudaErrorNotSupported;
}

cudaError_t rt_array_description(CUDA_ARRAY3D_DESCRIPTOR *descriptor, const struct cudaChannelFormatDesc *channels,
				 struct cudaExtent extent, unsigned flags)
{
	*descriptor = (CUDA_ARRAY3D_DESCRIPTOR){
	    .Width = extent.width, .Height = extent.height, .Depth = extent.depth, .Flags = flags};
	return rt_format_of_channels(channels, &descriptor->Format, &descriptor->NumChannels);
}

static cudaError_t descriptor_enter(CUDA_ARRAY3D_DESCRIPTOR *descriptor, const struct cudaChannelFormatDesc *channels,
				    struct cudaExtent extent, unsigned flags)
{
	cudaError_t error = channels ? rt_enter() : cudaErrorInvalidValue;

	return error == cudaSuccess ? rt_array_description(descriptor, channels, extent, flags) : error;
}

cudaError_t cudaMalloc3DArray(cudaArray_t *array, const struct cudaChannelFormatDesc *desc, struct cudaExtent extent,
			      unsigned int flags)
{
	CUDA_ARRAY3D_DESCRIPTOR descriptor;
	cudaError_t error = array ? descriptor_enter(&descriptor, desc, extent, flags) : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuArray3DCreate((CUarray *)array, &descriptor));
	return rt_record(error);
}

cudaError_t cudaMallocArray(cudaArray_t *array, const struct cudaChannelFormatDesc *desc, size_t width, size_t height,
			    unsigned int flags)
{
	return cudaMalloc3DArray(array, desc, (struct cudaExtent){width, height, 0}, flags);
}

cudaError_t cudaMallocMipmappedArray(cudaMipmappedArray_t *mipmappedArray, const struct cudaChannelFormatDesc *desc,
				     struct cudaExtent extent, unsigned int numLevels, unsigned int flags)
{
	CUDA_ARRAY3D_DESCRIPTOR descriptor;
	cudaError_t error = mipmappedArray ? descriptor_enter(&descriptor, desc, extent, flags) : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(
		    rt_driver.cuMipmappedArrayCreate((CUmipmappedArray *)mipmappedArray, &descriptor, numLevels));
	return rt_record(error);
}

RT_CALL(cudaGetMipmappedArrayLevel,
	(cudaArray_t * levelArray, cudaMipmappedArray_const_t mipmappedArray, unsigned int level),
	cuMipmappedArrayGetLevel((CUarray *)levelArray, (CUmipmappedArray)mipmappedArray, level))

cudaError_t cudaFreeArray(cudaArray_t array)
{
	cudaError_t error = rt_enter();

	if (error == cudaSuccess && array)
		error = rt_error(rt_driver.cuArrayDestroy(rt_array(array)));
	return rt_record(error);
}

cudaError_t cudaFreeMipmappedArray(cudaMipmappedArray_t mipmappedArray)
{
	cudaError_t error = rt_enter();

	if (error == cudaSuccess && mipmappedArray)
		error = rt_error(rt_driver.cuMipmappedArrayDestroy((CUmipmappedArray)mipmappedArray));
	return rt_record(error);
}

cudaError_t cudaArrayGetInfo(struct cudaChannelFormatDesc *desc, struct cudaExtent *extent, unsigned int *flags,
			     cudaArray_t array)
{
	CUDA_ARRAY3D_DESCRIPTOR descriptor;
	cudaError_t error = rt_enter();

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuArray3DGetDescriptor(&descriptor, rt_array(array)));
	if (error != cudaSuccess)
		return rt_record(error);
	if (desc)
		*desc = rt_channels_of_format(descriptor.Format, descriptor.NumChannels);
	if (extent)
		*extent = (struct cudaExtent){descriptor.Width, descriptor.Height, descriptor.Depth};
	if (flags)
		*flags = descriptor.Flags;
	return cudaSuccess;
}

cudaError_t cudaGetChannelDesc(struct cudaChannelFormatDesc *desc, cudaArray_const_t array)
{
	return desc ? cudaArrayGetInfo(desc, NULL, NULL, (cudaArray_t)array) : rt_record(cudaErrorInvalidValue);
}

RT_CALL(cudaArrayGetPlane, (cudaArray_t * pPlaneArray, cudaArray_t hArray, unsigned int planeIdx),
	cuArrayGetPlane((CUarray *)pPlaneArray, rt_array(hArray), planeIdx))

RT_SAME_LAYOUT(struct cudaArraySparseProperties, CUDA_ARRAY_SPARSE_PROPERTIES);
RT_SAME_LAYOUT(struct cudaArrayMemoryRequirements, CUDA_ARRAY_MEMORY_REQUIREMENTS);
RT_CALL(cudaArrayGetSparseProperties, (struct cudaArraySparseProperties * sparseProperties, cudaArray_t array),
	cuArrayGetSparseProperties((CUDA_ARRAY_SPARSE_PROPERTIES *)sparseProperties, rt_array(array)))
RT_CALL(cudaMipmappedArrayGetSparseProperties,
	(struct cudaArraySparseProperties * sparseProperties, cudaMipmappedArray_t mipmap),
	cuMipmappedArrayGetSparseProperties((CUDA_ARRAY_SPARSE_PROPERTIES *)sparseProperties, (CUmipmappedArray)mipmap))
RT_CALL_DEVICE(cudaArrayGetMemoryRequirements,
	       (struct cudaArrayMemoryRequirements * memoryRequirements, cudaArray_t array, int device),
	       cuArrayGetMemoryRequirements((CUDA_ARRAY_MEMORY_REQUIREMENTS *)memoryRequirements, rt_array(array),
					    handle))
RT_CALL_DEVICE(cudaMipmappedArrayGetMemoryRequirements,
	       (struct cudaArrayMemoryRequirements * memoryRequirements, cudaMipmappedArray_t mipmap, int device),
	       cuMipmappedArrayGetMemoryRequirements((CUDA_ARRAY_MEMORY_REQUIREMENTS *)memoryRequirements,
						     (CUmipmappedArray)mipmap, handle))

cudaError_t cudaDeviceGetTexture1DLinearMaxWidth(size_t *maxWidthInElements,
						 const struct cudaChannelFormatDesc *fmtDesc, int device)
{
	CUarray_format format;
	unsigned channels;
	CUdevice handle;
	cudaError_t error = fmtDesc ? rt_device_handle(device, &handle) : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_format_of_channels(fmtDesc, &format, &channels);
	if (error == cudaSuccess)
		error = rt_error(
		    rt_driver.cuDeviceGetTexture1DLinearMaxWidth(maxWidthInElements, format, channels, handle));
	return rt_record(error);
}
