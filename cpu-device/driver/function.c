#include "function.h"

#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "device.h"
#include "driver.h"
#include "handle.h"
#include "library.h"
#include "log.h"

void drv_function_settings_init(struct drv_function_settings *settings)
{
	*settings = (struct drv_function_settings){
	    .dynamic_shared_max = -1, .carveout = -1, .cache_config = CU_FUNC_CACHE_PREFER_NONE};
}

struct drv_function *drv_function_new(struct drv_module *module, struct cpu_kernel *kernel)
{
	struct drv_function *function = calloc(1, sizeof *function);
	if (!function)
		return NULL;
	function->handle = drv_handle_new(DRV_FUNCTION, function);
	if (!function->handle) {
		free(function);
		return NULL;
	}
	function->module = module;
	function->kernel = kernel;
	function->settings = &function->own;
	drv_function_settings_init(&function->own);
	return function;
}

void drv_function_free(struct drv_function *function)
{
	if (!function)
		return;
	drv_handle_end(function->handle);
	free(function);
}

/* Lowers the kernel; why it cannot be stands in the log only, as no call could return it. */
static CUresult kernel_prepare(struct cpu_kernel *kernel)
{
	char reason[512] = "";
	CUresult result = cpu_kernel_prepare(kernel, (struct cpu_text){reason, sizeof reason});
	if (result != CUDA_SUCCESS)
		drv_log(DRV_LOG_ERROR, "%s", reason);
	return result;
}

CUresult drv_function_info(struct drv_function *function, const struct cpu_kernel_info **info)
{
	if (!function->known) {
		CUresult result = kernel_prepare(function->kernel);
		if (result == CUDA_SUCCESS)
			result = cpu_kernel_info(function->kernel, &function->info);
		if (result != CUDA_SUCCESS)
			return result;
		function->known = true;
	}
	*info = &function->info;
	return CUDA_SUCCESS;
}

CUresult drv_function_get(CUfunction handle, struct drv_context *context, struct drv_function **function)
{
	*function = drv_handle_get(DRV_FUNCTION, handle);
	if (*function)
		return (*function)->module->context == context ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
	struct drv_kernel *kernel = drv_handle_get(DRV_KERNEL, handle);
	return kernel ? drv_kernel_function(kernel, context, function) : CUDA_ERROR_INVALID_HANDLE;
}

/* Without cuFuncSetAttribute() static and dynamic shared memory together may reach the default limit. */
static int dynamic_shared_max(const struct drv_function *function, const struct cpu_kernel_info *info)
{
	if (function->settings->dynamic_shared_max >= 0)
		return function->settings->dynamic_shared_max;
	return info->shared_bytes < DRV_SHARED_DEFAULT ? DRV_SHARED_DEFAULT - (int)info->shared_bytes : 0;
}

/* Registers of the PTX machine are memory, and any block of the kernel's size fits. Shown is what a compiler that has
   to make such a block fit would have used: a multiple of 8, at most 255. */
static int registers_shown(int registers, int threads_max)
{
	int most = DRV_REGISTERS / threads_max & ~7;
	if (most > 255)
		most = 255;
	return registers < most ? registers : most;
}

CUresult drv_function_cluster(struct drv_function *function, unsigned cluster[3])
{
	const struct cpu_kernel_info *info;
	CUresult result = drv_function_info(function, &info);
	if (result != CUDA_SUCCESS)
		return result;
	memcpy(cluster, info->cluster[0] ? info->cluster : function->settings->cluster, 3 * sizeof *cluster);
	/* An extent that was not set is 1 when another was. */
	for (int i = 0; i < 3 && (cluster[0] || cluster[1] || cluster[2]); i++)
		cluster[i] += !cluster[i];
	return CUDA_SUCCESS;
}

CUresult drv_function_attribute(struct drv_function *function, CUfunction_attribute attribute, int *value)
{
	const struct cpu_kernel_info *info;
	unsigned cluster[3];
	if ((unsigned)attribute >= CU_FUNC_ATTRIBUTE_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_function_info(function, &info);
	if (result == CUDA_SUCCESS)
		result = drv_function_cluster(function, cluster);
	if (result != CUDA_SUCCESS)
		return result;
	int threads_max = info->max_threads < DRV_BLOCK_THREADS ? info->max_threads : DRV_BLOCK_THREADS;
	const int values[CU_FUNC_ATTRIBUTE_MAX] = {
	    [CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK] = threads_max,
	    [CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES] = (int)info->shared_bytes,
	    [CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES] = (int)info->constant_bytes,
	    [CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES] = (int)info->local_bytes,
	    [CU_FUNC_ATTRIBUTE_NUM_REGS] = registers_shown(info->registers, threads_max),
	    [CU_FUNC_ATTRIBUTE_PTX_VERSION] = info->ptx_version,
	    [CU_FUNC_ATTRIBUTE_BINARY_VERSION] = (int)drv_device()->capability,
	    [CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES] = dynamic_shared_max(function, info),
	    [CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT] = function->settings->carveout,
	    [CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH] = (int)cluster[0],
	    [CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT] = (int)cluster[1],
	    [CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH] = (int)cluster[2],
	    [CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED] = function->settings->large_clusters,
	    [CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE] = function->settings->cluster_scheduling,
	};
	*value = values[attribute];
	return CUDA_SUCCESS;
}

static CUresult set_dynamic_shared(struct drv_function_settings *settings, struct drv_function *function, int value)
{
	const struct cpu_kernel_info *info;
	CUresult result = drv_function_info(function, &info);
	if (result != CUDA_SUCCESS)
		return result;
	if (value < 0 || (size_t)value + info->shared_bytes > drv_device()->shared_optin)
		return CUDA_ERROR_INVALID_VALUE;
	settings->dynamic_shared_max = value;
	return CUDA_SUCCESS;
}

/* What the kernel was compiled with stays. */
static CUresult set_cluster(struct drv_function_settings *settings, struct drv_function *function, int direction,
			    int value)
{
	const struct cpu_kernel_info *info;
	CUresult result = drv_function_info(function, &info);
	if (result != CUDA_SUCCESS)
		return result;
	if (info->cluster[0])
		return CUDA_ERROR_NOT_PERMITTED;
	if (value < 0 || value > DRV_CLUSTER_BLOCKS_LARGE)
		return CUDA_ERROR_INVALID_VALUE;
	settings->cluster[direction] = (unsigned)value;
	return CUDA_SUCCESS;
}

static CUresult set_cluster_attribute(struct drv_function_settings *settings, struct drv_function *function,
				      CUfunction_attribute attribute, int value)
{
	if (drv_device()->capability < DRV_CLUSTER_CAPABILITY)
		return CUDA_ERROR_NOT_SUPPORTED;
	switch ((int)attribute) {
	case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
		if (value != 0 && value != 1)
			return CUDA_ERROR_INVALID_VALUE;
		settings->large_clusters = value;
		return CUDA_SUCCESS;
	case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
		if (value < CU_CLUSTER_SCHEDULING_POLICY_DEFAULT || value > CU_CLUSTER_SCHEDULING_POLICY_LOAD_BALANCING)
			return CUDA_ERROR_INVALID_VALUE;
		settings->cluster_scheduling = value;
		return CUDA_SUCCESS;
	default:
		return set_cluster(settings, function, (int)(attribute - CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH),
				   value);
	}
}

CUresult drv_function_set_attribute(struct drv_function_settings *settings, struct drv_function *function,
				    CUfunction_attribute attribute, int value)
{
	switch ((int)attribute) {
	case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
		return set_dynamic_shared(settings, function, value);
	case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
		if (value < -1 || value > 100)
			return CUDA_ERROR_INVALID_VALUE;
		settings->carveout = value;
		return CUDA_SUCCESS;
	case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH:
	case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT:
	case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH:
	case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
	case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
		return set_cluster_attribute(settings, function, attribute, value);
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

CUresult drv_function_parameter(struct drv_function *function, size_t index, size_t *offset, size_t *size)
{
	struct cpu_kernel_layout layout;
	CUresult result = cpu_kernel_layout(function->kernel, &layout);
	if (result != CUDA_SUCCESS)
		return result;
	if (index >= layout.parameter_count)
		return CUDA_ERROR_INVALID_VALUE;
	*offset = layout.parameters[index].offset;
	if (size)
		*size = layout.parameters[index].size;
	return CUDA_SUCCESS;
}

/* The API */

CUresult drv_enter_function(CUfunction handle, struct drv_function **function)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_function_get(handle, context, function);
	return result == CUDA_SUCCESS ? result : drv_leave(result);
}

DRV_API CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction handle)
{
	struct drv_function *function;
	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_function(handle, &function);
	return result == CUDA_SUCCESS ? drv_leave(drv_function_attribute(function, attribute, value)) : result;
}

DRV_API CUresult cuFuncSetAttribute(CUfunction handle, CUfunction_attribute attribute, int value)
{
	struct drv_function *function;
	CUresult result = drv_enter_function(handle, &function);
	if (result != CUDA_SUCCESS)
		return result;
	return drv_leave(drv_function_set_attribute(function->settings, function, attribute, value));
}

/* Preferences between L1 cache and shared memory: a hint, and here there is nothing to divide. */
DRV_API CUresult cuFuncSetCacheConfig(CUfunction handle, CUfunc_cache config)
{
	struct drv_function *function;
	CUresult result = drv_enter_function(handle, &function);
	if (result != CUDA_SUCCESS)
		return result;
	if ((unsigned)config > CU_FUNC_CACHE_PREFER_EQUAL)
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	function->settings->cache_config = config;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuFuncSetSharedMemConfig(CUfunction handle, CUsharedconfig config)
{
	struct drv_function *function;
	if ((unsigned)config > CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_function(handle, &function);
	return result == CUDA_SUCCESS ? drv_leave(CUDA_SUCCESS) : result;
}

DRV_API CUresult cuFuncGetName(const char **name, CUfunction handle)
{
	struct drv_function *function;
	struct cpu_kernel_layout layout;
	if (!name)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_function(handle, &function);
	if (result != CUDA_SUCCESS)
		return result;
	result = cpu_kernel_layout(function->kernel, &layout);
	if (result == CUDA_SUCCESS)
		*name = layout.name;
	return drv_leave(result);
}

DRV_API CUresult cuFuncGetModule(CUmodule *module, CUfunction handle)
{
	struct drv_function *function;
	if (!module)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_function(handle, &function);
	if (result != CUDA_SUCCESS)
		return result;
	*module = function->module->handle;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuFuncGetParamInfo(CUfunction handle, size_t index, size_t *offset, size_t *size)
{
	struct drv_function *function;
	if (!offset)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_function(handle, &function);
	return result == CUDA_SUCCESS ? drv_leave(drv_function_parameter(function, index, offset, size)) : result;
}

DRV_API CUresult cuFuncIsLoaded(CUfunctionLoadingState *state, CUfunction handle)
{
	struct drv_function *function;
	if (!state)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_function(handle, &function);
	if (result != CUDA_SUCCESS)
		return result;
	*state = function->known ? CU_FUNCTION_LOADING_STATE_LOADED : CU_FUNCTION_LOADING_STATE_UNLOADED;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuFuncLoad(CUfunction handle)
{
	struct drv_function *function;
	const struct cpu_kernel_info *info;
	CUresult result = drv_enter_function(handle, &function);
	return result == CUDA_SUCCESS ? drv_leave(drv_function_info(function, &info)) : result;
}
