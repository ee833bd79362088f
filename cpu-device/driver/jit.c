#include "jit.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"

static double milliseconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* Which options an input of a link may have: those of the compiler, as cuda.h says. */
static bool option_permitted(CUjit_option option, enum drv_jit_use use)
{
	switch ((int)option) {
	case CU_JIT_FALLBACK_STRATEGY:
		return use == DRV_JIT_LOAD;
	case CU_JIT_WALL_TIME:
	case CU_JIT_INFO_LOG_BUFFER:
	case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
	case CU_JIT_ERROR_LOG_BUFFER:
	case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
	case CU_JIT_TARGET_FROM_CUCONTEXT:
	case CU_JIT_TARGET:
		return use != DRV_JIT_LINK_INPUT;
	default:
		return (unsigned)option < CU_JIT_NUM_OPTIONS;
	}
}

/* Accelerated and family targets count as what they are based on. */
static unsigned target_number(unsigned target)
{
	return target % CU_COMPUTE_ACCELERATED_TARGET_BASE;
}

static CUresult option_read(struct drv_jit *jit, CUjit_option option, void **value)
{
	unsigned number = (unsigned)(uintptr_t)*value;
	switch ((int)option) {
	case CU_JIT_WALL_TIME:
		jit->wall_time = value;
		return CUDA_SUCCESS;
	case CU_JIT_INFO_LOG_BUFFER:
		jit->info.text = *value;
		return CUDA_SUCCESS;
	case CU_JIT_ERROR_LOG_BUFFER:
		jit->errors.text = *value;
		return CUDA_SUCCESS;
	case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
		jit->info.room = number;
		jit->info.used = value;
		return CUDA_SUCCESS;
	case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
		jit->errors.room = number;
		jit->errors.used = value;
		return CUDA_SUCCESS;
	case CU_JIT_LOG_VERBOSE:
		jit->verbose = number != 0;
		return CUDA_SUCCESS;
	case CU_JIT_TARGET:
		jit->target = target_number(number);
		return jit->target ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
	case CU_JIT_OPTIMIZATION_LEVEL:
		return number <= 4 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
	case CU_JIT_GLOBAL_SYMBOL_COUNT:
		return number ? CUDA_ERROR_NOT_SUPPORTED : CUDA_SUCCESS;
	default:
		return CUDA_SUCCESS;
	}
}

void drv_jit_resume(struct drv_jit *jit)
{
	jit->started = milliseconds_now();
}

CUresult drv_jit_init(struct drv_jit *jit, enum drv_jit_use use, unsigned count, const CUjit_option *options,
		      void **values)
{
	bool threads = false;
	*jit = (struct drv_jit){.milliseconds = 0};
	drv_jit_resume(jit);
	if (count && (!options || !values))
		return CUDA_ERROR_INVALID_VALUE;
	for (unsigned i = 0; i < count; i++) {
		CUresult result = option_permitted(options[i], use) ? option_read(jit, options[i], &values[i])
								    : CUDA_ERROR_INVALID_VALUE;
		if (result != CUDA_SUCCESS)
			return result;
		threads |= options[i] == CU_JIT_THREADS_PER_BLOCK;
	}
	return threads && jit->target ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

struct cpu_text drv_jit_log(struct drv_jit *jit)
{
	size_t length = strlen(jit->text);
	return (struct cpu_text){jit->text + length, sizeof jit->text - length};
}

void drv_jit_complain(struct drv_jit *jit, const char *format, ...)
{
	struct cpu_text log = drv_jit_log(jit);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(log.data, log.size, format, arguments);
	va_end(arguments);
	drv_log(DRV_LOG_ERROR, "module load: %s", log.data);
}

void drv_jit_note(struct drv_jit *jit, const char *format, ...)
{
	size_t length = strlen(jit->notes);
	va_list arguments;
	if (!jit->verbose)
		return;
	va_start(arguments, format);
	vsnprintf(jit->notes + length, sizeof jit->notes - length, format, arguments);
	va_end(arguments);
}

/* Copies `text` into a log buffer of the program, and tells how many bytes were written. */
static void buffer_fill(const struct drv_jit_buffer *buffer, const char *text)
{
	size_t length = 0;
	if (buffer->text && buffer->room) {
		length = strnlen(text, buffer->room - 1);
		memcpy(buffer->text, text, length);
		buffer->text[length] = 0;
	}
	if (buffer->used)
		*buffer->used = (void *)length;
}

void drv_jit_finish(struct drv_jit *jit)
{
	buffer_fill(&jit->errors, jit->text);
	buffer_fill(&jit->info, jit->notes);
	jit->milliseconds += milliseconds_now() - jit->started;
	if (jit->wall_time) {
		float value = (float)jit->milliseconds;
		memcpy(jit->wall_time, &value, sizeof value);
	}
}
