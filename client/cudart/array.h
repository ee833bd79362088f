/* CUDA arrays: the driver's handles under the runtime's, and the formats of their elements. */
#ifndef CUDART_ARRAY_H
#define CUDART_ARRAY_H

#include "context.h"

/* The runtime's array handles are the driver's under another type. */
static inline CUarray rt_array(cudaArray_const_t array)
{
	return (CUarray)array;
}

/* The bytes of one element of the array. */
cudaError_t rt_array_element(cudaArray_const_t array, size_t *bytes);

/*
 * The driver's element format and number of channels for a channel description; cudaErrorInvalidChannelDescriptor:
 * it describes none that arrays can have.
 */
cudaError_t rt_format_of_channels(const struct cudaChannelFormatDesc *channels, CUarray_format *format,
				  unsigned *count);

/* The channel description for the driver's format and number of channels; all zero for one that has none. */
struct cudaChannelFormatDesc rt_channels_of_format(CUarray_format format, unsigned count);

/*
 * The driver's description of an array; `flags` are numbered alike in both APIs. Fails as rt_format_of_channels().
 */
cudaError_t rt_array_description(CUDA_ARRAY3D_DESCRIPTOR *descriptor, const struct cudaChannelFormatDesc *channels,
				 struct cudaExtent extent, unsigned flags);

#endif
