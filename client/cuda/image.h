/* Images of device code: how long they are, and how they get to the server. */
#ifndef CU_IMAGE_H
#define CU_IMAGE_H

#include "call.h"

/* Finds the bytes of an image that CUDA's interface passes without a length: nvcc's wrapper, a bare fatbin, an ELF
   object or PTX text. CUDA_ERROR_INVALID_IMAGE when it is none of these. */
CUresult cu_image_measure(const void *image, const void **data, size_t *size);

/* Uploads an image; `id` is what the load call names it by. Of a program that was linked with nvcc -rdc=true the fatbin
   of the linked code goes first and those of its translation units directly behind it. */
CUresult cu_image_upload(const void *image, u64 *id);

/* Uploads `size` bytes as they are. */
CUresult cu_image_upload_bytes(const void *data, size_t size, u64 *id);

/* Reads a whole file, with a NUL behind its `size` bytes; the caller frees. CUDA_ERROR_FILE_NOT_FOUND. */
CUresult cu_image_read_file(const char *path, char **data, size_t *size);

#endif
