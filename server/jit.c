#include "jit.h"

#include <stdlib.h>
#include <string.h>

/* Options whose value is a number, and an input only. */
static bool option_travels(int option)
{
	switch (option) {
	case CU_JIT_INFO_LOG_BUFFER:
	case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
	case CU_JIT_ERROR_LOG_BUFFER:
	case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
	case CU_JIT_WALL_TIME:
	case CU_JIT_GLOBAL_SYMBOL_NAMES:
	case CU_JIT_GLOBAL_SYMBOL_ADDRESSES:
	case CU_JIT_GLOBAL_SYMBOL_COUNT:
	case CU_JIT_REFERENCED_KERNEL_NAMES:
	case CU_JIT_REFERENCED_KERNEL_COUNT:
	case CU_JIT_REFERENCED_VARIABLE_NAMES:
	case CU_JIT_REFERENCED_VARIABLE_COUNT:
		return false;
	default:
		return true;
	}
}

static void option_add(struct srv_jit *jit, CUjit_option option, uintptr_t value)
{
	jit->options[jit->count] = option;
	jit->values[jit->count++] = (void *)value;
}

static CUresult logs_make(struct srv_jit *jit)
{
	jit->info_log = calloc(1, CUDA_LOG_MAX);
	jit->error_log = calloc(1, CUDA_LOG_MAX);
	if (!jit->info_log || !jit->error_log)
		return CUDA_ERROR_OUT_OF_MEMORY;
	option_add(jit, CU_JIT_INFO_LOG_BUFFER, (uintptr_t)jit->info_log);
	option_add(jit, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES, CUDA_LOG_MAX);
	option_add(jit, CU_JIT_ERROR_LOG_BUFFER, (uintptr_t)jit->error_log);
	option_add(jit, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, CUDA_LOG_MAX);
	return CUDA_SUCCESS;
}

CUresult srv_jit_make(struct srv_jit *jit, const load_option *options, unsigned count, bool logs)
{
	*jit = (struct srv_jit){.count = 0};
	for (unsigned i = 0; i < count; i++) {
		if (options[i].option < 0 || options[i].option >= CU_JIT_NUM_OPTIONS)
			return CUDA_ERROR_INVALID_VALUE;
		if (!option_travels(options[i].option))
			return CUDA_ERROR_NOT_SUPPORTED;
		option_add(jit, (CUjit_option)options[i].option, options[i].value);
	}
	return logs ? logs_make(jit) : CUDA_SUCCESS;
}

void srv_jit_free(struct srv_jit *jit)
{
	free(jit->info_log);
	free(jit->error_log);
}

load_logs srv_jit_logs(const struct srv_jit *jit)
{
	load_logs logs = {0};
	if (jit->info_log && jit->error_log) {
		logs.info.info_val = jit->info_log;
		logs.info.info_len = (u_int)strnlen(jit->info_log, CUDA_LOG_MAX);
		logs.error.error_val = jit->error_log;
		logs.error.error_len = (u_int)strnlen(jit->error_log, CUDA_LOG_MAX);
	}
	return logs;
}
