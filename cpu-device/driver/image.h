/* Module images and the options that programs load them with. */
#ifndef DRV_IMAGE_H
#define DRV_IMAGE_H

#include <cuda.h>

#include "exec.h"
#include "fatbin.h"

/* The JIT options of one load, as far as they mean something here: the log buffers and the time. */
struct drv_jit {
	unsigned count;
	CUjit_option *options;
	void **values;
	char text[2048]; /* what went wrong */
};

/* CUDA_ERROR_INVALID_VALUE for missing arrays or unknown options. */
CUresult drv_jit_init(struct drv_jit *jit, unsigned count, CUjit_option *options, void **values);

/* Where the loader writes its messages. */
struct cpu_text drv_jit_log(struct drv_jit *jit);

/* Fills the program's log buffers and sizes. */
void drv_jit_finish(struct drv_jit *jit);

/* Reads an image in memory, or a file of any of the formats (CUDA_ERROR_FILE_NOT_FOUND). Errors go to `jit` and to the
   driver's log. The caller frees `units`. */
CUresult drv_image_read(const void *image, struct drv_jit *jit, struct fatbin_units *units);
CUresult drv_image_read_file(const char *path, struct drv_jit *jit, struct fatbin_units *units);

#endif
