/* Texture and surface objects, and what texture references share with them. */
#ifndef DRV_TEXTURE_H
#define DRV_TEXTURE_H

#include <cuda.h>
#include <stdbool.h>
#include <stdint.h>

struct drv_context;

/* Makes a texture object of `context` and gives its number, by which kernels know it; `view` may be NULL. Errors:
   CUDA_ERROR_INVALID_VALUE for descriptions that make no sense, CUDA_ERROR_INVALID_HANDLE for an array that is none,
   CUDA_ERROR_NOT_SUPPORTED (sRGB, formats), CUDA_ERROR_OUT_OF_MEMORY. Needs the lock, as all functions here. */
CUresult drv_texture_create(struct drv_context *context, const CUDA_RESOURCE_DESC *resource,
			    const CUDA_TEXTURE_DESC *texture, const CUDA_RESOURCE_VIEW_DESC *view, uint64_t *handle);

/* Makes a surface object; errors as above. */
CUresult drv_surface_create(struct drv_context *context, const CUDA_RESOURCE_DESC *resource, uint64_t *handle);

/* Ends an object; a number that is none does nothing. */
void drv_texture_end(uint64_t handle);

/* Gives back the objects of the context. */
void drv_textures_free_all(struct drv_context *context);

#endif
