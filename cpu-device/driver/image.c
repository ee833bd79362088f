#define _GNU_SOURCE
#include "image.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "device.h"

static void image_complain(CUresult result, struct drv_jit *jit)
{
	unsigned capability = drv_device()->capability;
	if (result == CUDA_ERROR_NO_BINARY_FOR_GPU)
		drv_jit_complain(jit,
				 "the image has no PTX that compute capability %u.%u can take (compile with -gencode "
				 "arch=compute_75,code=compute_75)",
				 capability / 10, capability % 10);
	else if (result == CUDA_ERROR_OUT_OF_MEMORY)
		drv_jit_complain(jit, "no memory to unpack the image");
	else if (result != CUDA_SUCCESS)
		drv_jit_complain(jit, "the image is damaged, or neither a fatbin nor PTX");
}

static CUresult image_read(const void *image, size_t size, struct drv_jit *jit, struct fatbin_units *units)
{
	unsigned capability = drv_device()->capability;
	if (jit->target > capability) {
		drv_jit_complain(jit, "code for compute capability %u.%u was asked for, the device has %u.%u",
				 jit->target / 10, jit->target % 10, capability / 10, capability % 10);
		return CUDA_ERROR_NO_BINARY_FOR_GPU;
	}
	CUresult result = fatbin_read(image, size, capability, units);
	image_complain(result, jit);
	return result;
}

CUresult drv_image_read(const void *image, struct drv_jit *jit, struct fatbin_units *units)
{
	return image_read(image, FATBIN_SIZE_UNKNOWN, jit, units);
}

CUresult drv_image_read_bytes(const void *image, size_t size, struct drv_jit *jit, struct fatbin_units *units)
{
	return image_read(image, size, jit, units);
}

/* Reads a regular file; NULL with `*size` 0 when there is none, else when memory is short. */
static char *file_read(const char *path, size_t *size)
{
	struct stat status;
	char *data = NULL;
	*size = 0;
	FILE *file = fopen(path, "re");
	if (!file)
		return NULL;
	if (fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
		*size = (size_t)status.st_size;
		data = malloc(*size);
		if (data)
			*size = fread(data, 1, *size, file);
	}
	fclose(file);
	return data;
}

CUresult drv_image_read_file(const char *path, struct drv_jit *jit, struct fatbin_units *units)
{
	size_t size;
	int saved_errno = errno;
	char *data = file_read(path, &size);
	errno = saved_errno;
	if (!data) {
		drv_jit_complain(jit, "%s cannot be read", path);
		return size ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_ERROR_FILE_NOT_FOUND;
	}
	CUresult result = image_read(data, size, jit, units);
	free(data);
	return result;
}
