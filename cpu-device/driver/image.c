#define _GNU_SOURCE
#include "image.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "device.h"
#include "log.h"

CUresult drv_jit_init(struct drv_jit *jit, unsigned count, CUjit_option *options, void **values)
{
	*jit = (struct drv_jit){.count = count, .options = options, .values = values};
	if (count && (!options || !values))
		return CUDA_ERROR_INVALID_VALUE;
	for (unsigned i = 0; i < count; i++)
		if ((unsigned)options[i] >= CU_JIT_NUM_OPTIONS)
			return CUDA_ERROR_INVALID_VALUE;
	return CUDA_SUCCESS;
}

struct cpu_text drv_jit_log(struct drv_jit *jit)
{
	return (struct cpu_text){jit->text, sizeof jit->text};
}

static void *option_value(const struct drv_jit *jit, CUjit_option option)
{
	for (unsigned i = 0; i < jit->count; i++)
		if (jit->options[i] == option)
			return jit->values[i];
	return NULL;
}

static void option_give(struct drv_jit *jit, CUjit_option option, size_t value)
{
	for (unsigned i = 0; i < jit->count; i++)
		if (jit->options[i] == option)
			jit->values[i] = (void *)value;
}

/* Copies `text` into a log buffer of the program; its size option becomes the number of bytes written. */
static void log_give(struct drv_jit *jit, CUjit_option buffer, CUjit_option size, const char *text)
{
	char *to = option_value(jit, buffer);
	size_t room = (uintptr_t)option_value(jit, size);
	int length = 0;
	if (to && room)
		length = snprintf(to, room, "%s", text);
	option_give(jit, size, (size_t)length < room ? (size_t)length : room ? room - 1 : 0);
}

void drv_jit_finish(struct drv_jit *jit)
{
	log_give(jit, CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, jit->text);
	log_give(jit, CU_JIT_INFO_LOG_BUFFER, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES, "");
}

static void image_complain(CUresult result, struct drv_jit *jit)
{
	unsigned capability = drv_device()->capability;
	switch ((int)result) {
	case CUDA_SUCCESS:
		return;
	case CUDA_ERROR_NO_BINARY_FOR_GPU:
		snprintf(jit->text, sizeof jit->text,
			 "the image has no PTX that compute capability %u.%u can take (compile with -gencode "
			 "arch=compute_75,code=compute_75)",
			 capability / 10, capability % 10);
		break;
	case CUDA_ERROR_OUT_OF_MEMORY:
		snprintf(jit->text, sizeof jit->text, "no memory to unpack the image");
		break;
	default:
		snprintf(jit->text, sizeof jit->text, "the image is damaged, or neither a fatbin nor PTX");
	}
	drv_log(DRV_LOG_ERROR, "module load: %s", jit->text);
}

CUresult drv_image_read(const void *image, struct drv_jit *jit, struct fatbin_units *units)
{
	CUresult result = fatbin_read(image, FATBIN_SIZE_UNKNOWN, drv_device()->capability, units);
	image_complain(result, jit);
	return result;
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
		drv_log(DRV_LOG_ERROR, "module load: %s cannot be read", path);
		return size ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_ERROR_FILE_NOT_FOUND;
	}
	CUresult result = fatbin_read(data, size, drv_device()->capability, units);
	free(data);
	image_complain(result, jit);
	return result;
}
