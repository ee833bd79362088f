/* Module images, in memory or in a file. */
#ifndef DRV_IMAGE_H
#define DRV_IMAGE_H

#include <cuda.h>

#include "fatbin.h"
#include "jit.h"

/* Reads an image in memory, or a file of any of the formats (CUDA_ERROR_FILE_NOT_FOUND). Errors go to `jit` and to the
   driver's log; CUDA_ERROR_NO_BINARY_FOR_GPU also for code that is asked for and the device cannot run (CU_JIT_TARGET).
   The caller frees `units`. */
CUresult drv_image_read(const void *image, struct drv_jit *jit, struct fatbin_units *units);
CUresult drv_image_read_bytes(const void *image, size_t size, struct drv_jit *jit, struct fatbin_units *units);
CUresult drv_image_read_file(const char *path, struct drv_jit *jit, struct fatbin_units *units);

#endif
