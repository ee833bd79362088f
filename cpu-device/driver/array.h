/* Arrays and mipmapped arrays: texels in the device's memory, in rows that follow each other. */
#ifndef DRV_ARRAY_H
#define DRV_ARRAY_H

#include <cuda.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"
#include "texels.h"

struct drv_context;

struct drv_array {
	void *handle; /* CUarray, or CUmipmappedArray */
	struct drv_context *context;
	struct drv_array *mipmap;             /* that this is a level of; NULL: it has memory of its own */
	struct drv_array *levels[CPU_LEVELS]; /* of a mipmapped array, made when first asked for */
	CUDA_ARRAY3D_DESCRIPTOR descriptor;
	struct cpu_image image;
	struct drv_link siblings; /* in the context's list */
};

/* Extents that arrays may have; the device's attributes tell them. From "Technical Specifications per Compute
   Capability" in the CUDA C++ Programming Guide, compute capability 7.5. */
enum {
	DRV_TEXTURE_1D = 131072,
	DRV_TEXTURE_1D_LINEAR = 1 << 28,
	DRV_TEXTURE_2D_WIDTH = 131072,
	DRV_TEXTURE_2D_HEIGHT = 65536,
	DRV_TEXTURE_2D_LINEAR_WIDTH = 131072,
	DRV_TEXTURE_2D_LINEAR_HEIGHT = 65000,
	DRV_TEXTURE_2D_LINEAR_PITCH = 2097120,
	DRV_TEXTURE_3D = 16384,
	DRV_TEXTURE_LAYERED = 32768, /* width and height; also of cubes, mipmaps and gathers */
	DRV_TEXTURE_LAYERS = 2048,
	DRV_TEXTURE_CUBE_LAYERS = 2046,
	DRV_SURFACE_1D = 32768,
	DRV_TEXTURE_ALIGNMENT = 512,
	DRV_TEXTURE_PITCH_ALIGNMENT = 32,
};

/* Bytes of a channel; 0 for formats that are not supported. */
unsigned drv_format_bytes(CUarray_format format);

/* CUDA_ERROR_INVALID_VALUE for what no array has, CUDA_ERROR_NOT_SUPPORTED for formats that are not supported here. */
CUresult drv_format_check(CUarray_format format, unsigned channels);

/* The live array or mipmapped array of a handle, or NULL. */
struct drv_array *drv_array_get(CUarray handle);
struct drv_array *drv_mipmap_get(CUmipmappedArray handle);

/* Gives back what the context has. */
void drv_arrays_free_all(struct drv_context *context);

#endif
