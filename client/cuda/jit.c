#include "jit.h"

#include <string.h>

#include "platform.h"

void cu_jit_resume(struct cu_jit *jit)
{
	jit->started = (double)cu_nanoseconds() * 1e-6;
}

static CUresult read_option(struct cu_jit *jit, CUjit_option option, void **value)
{
	switch (option) {
	case CU_JIT_WALL_TIME:
		jit->wall_time = value;
		return CUDA_SUCCESS;
	case CU_JIT_INFO_LOG_BUFFER:
		jit->info.data = *value;
		return CUDA_SUCCESS;
	case CU_JIT_ERROR_LOG_BUFFER:
		jit->error.data = *value;
		return CUDA_SUCCESS;
	case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
		jit->info.size = (unsigned)(uintptr_t)*value;
		jit->info.used = value;
		return CUDA_SUCCESS;
	case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
		jit->error.size = (unsigned)(uintptr_t)*value;
		jit->error.used = value;
		return CUDA_SUCCESS;
	case CU_JIT_GLOBAL_SYMBOL_NAMES:
	case CU_JIT_GLOBAL_SYMBOL_ADDRESSES:
		return CUDA_ERROR_NOT_SUPPORTED; /* they point into the program's memory */
	default:
		jit->options[jit->count++] = (load_option){(int)option, (uintptr_t)*value};
		return CUDA_SUCCESS;
	}
}

CUresult cu_jit_read(struct cu_jit *jit, const CUjit_option *options, void **values, unsigned count)
{
	CUresult err = CUDA_SUCCESS;
	*jit = (struct cu_jit){.count = 0};
	cu_jit_resume(jit);
	if (count > CUDA_OPTIONS_MAX || (count && (!options || !values)))
		return CUDA_ERROR_INVALID_VALUE;
	for (unsigned i = 0; !err && i < count; i++)
		err = read_option(jit, options[i], &values[i]);
	return err;
}

static void fill_log(const struct cu_log_buffer *buffer, const char *text, size_t length)
{
	if (!buffer->data || !buffer->size)
		length = 0;
	else if (length > buffer->size - 1)
		length = buffer->size - 1;
	if (length)
		memcpy(buffer->data, text, length);
	if (buffer->data && buffer->size)
		buffer->data[length] = '\0';
	if (buffer->used)
		*buffer->used = (void *)(uintptr_t)length;
}

void cu_jit_finish(struct cu_jit *jit, const load_logs *logs)
{
	fill_log(&jit->info, logs->info.info_val, logs->info.info_len);
	fill_log(&jit->error, logs->error.error_val, logs->error.error_len);
	jit->milliseconds += (double)cu_nanoseconds() * 1e-6 - jit->started;
	if (jit->wall_time) {
		float value = (float)jit->milliseconds;
		memcpy(jit->wall_time, &value, sizeof(value));
	}
}
