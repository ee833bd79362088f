#include "module.h"

#include <stdlib.h>

#include "context.h"
#include "driver.h"
#include "function.h"
#include "handle.h"
#include "image.h"
#include "log.h"
#include "queue.h"
#include "reference.h"

static CUresult code_load(struct drv_module *module, const struct fatbin_units *units, struct drv_jit *jit)
{
	struct cpu_text log = drv_jit_log(jit);
	struct cpu_unit *texts = calloc(units->count, sizeof *texts);
	if (!texts)
		return CUDA_ERROR_OUT_OF_MEMORY;
	for (size_t i = 0; i < units->count; i++)
		texts[i] = (struct cpu_unit){
		    .text = units->units[i].text, .length = units->units[i].length, .name = units->units[i].name};
	CUresult result = cpu_module_link(texts, units->count, drv_memory(), log, &module->code);
	free(texts);
	if (result != CUDA_SUCCESS) {
		drv_log(DRV_LOG_ERROR, "module load: %s", log.data);
		return result;
	}
	module->function_count = cpu_module_kernel_count(module->code);
	drv_jit_note(jit, "%zu units of PTX, %zu kernels; code is made when a kernel is first used\n", units->count,
		     module->function_count);
	return CUDA_SUCCESS;
}

CUresult drv_module_load(const struct fatbin_units *units, struct drv_context *context, struct drv_jit *jit,
			 struct drv_module **out)
{
	struct drv_module *module = calloc(1, sizeof *module);
	if (!module)
		return CUDA_ERROR_OUT_OF_MEMORY;
	module->context = context;
	drv_list_init(&module->siblings);
	drv_list_init(&module->references);
	CUresult result = code_load(module, units, jit);
	if (result == CUDA_SUCCESS) {
		module->handle = drv_handle_new(DRV_MODULE, module);
		module->functions = calloc(module->function_count + 1, sizeof *module->functions);
		if (!module->handle || !module->functions)
			result = CUDA_ERROR_OUT_OF_MEMORY;
	}
	if (result != CUDA_SUCCESS) {
		module->function_count = 0; /* there are no functions to free */
		drv_module_unload(module);
		return result;
	}
	drv_log(DRV_LOG_DEBUG, "module load: %zu units of PTX, %zu kernels", units->count, module->function_count);
	*out = module;
	return CUDA_SUCCESS;
}

void drv_module_end_handles(struct drv_module *module)
{
	drv_handle_end(module->handle);
	for (size_t i = 0; i < module->function_count; i++)
		if (module->functions[i])
			drv_handle_end(module->functions[i]->handle);
}

void drv_module_unload(struct drv_module *module)
{
	drv_references_free(module);
	drv_list_remove(&module->siblings);
	drv_handle_end(module->handle);
	for (size_t i = 0; i < module->function_count; i++)
		drv_function_free(module->functions[i]);
	free(module->functions);
	if (module->code)
		cpu_module_unload(module->code);
	free(module);
}

bool drv_module_find_kernel(const struct drv_module *module, const char *name, size_t *number)
{
	const struct cpu_kernel *kernel = cpu_module_find_kernel(module->code, name);
	for (*number = 0; kernel && *number < module->function_count; (*number)++)
		if (cpu_module_kernel(module->code, *number) == kernel)
			return true;
	return false;
}

struct drv_function *drv_module_function(struct drv_module *module, size_t number)
{
	if (!module->functions[number])
		module->functions[number] = drv_function_new(module, cpu_module_kernel(module->code, number));
	return module->functions[number];
}

CUresult drv_module_variable(const struct drv_module *module, const char *name, CUdeviceptr *address, size_t *size)
{
	uint64_t where;
	size_t bytes;
	if (!cpu_module_find_variable(module->code, name, &where, &bytes))
		return CUDA_ERROR_NOT_FOUND;
	if (address)
		*address = where;
	if (size)
		*size = bytes;
	return CUDA_SUCCESS;
}

/* The API */

/* Loads what was read, under the lock, into the current context. Frees `units`. */
static CUresult module_load(CUmodule *out, struct fatbin_units *units, struct drv_jit *jit)
{
	struct drv_context *context;
	struct drv_module *module;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS) {
		fatbin_free(units);
		return result;
	}
	result = drv_module_load(units, context, jit, &module);
	fatbin_free(units);
	if (result == CUDA_SUCCESS) {
		drv_list_append(&context->modules, &module->siblings);
		*out = module->handle;
	}
	return drv_leave(result);
}

/* Is there a context to load into? Asked before an image is looked at, as the order of errors is the program's to see.
 */
static CUresult context_check(void)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	return result == CUDA_SUCCESS ? drv_leave(CUDA_SUCCESS) : result;
}

DRV_API CUresult cuModuleLoadDataEx(CUmodule *out, const void *image, unsigned count, CUjit_option *options,
				    void **values)
{
	struct fatbin_units units;
	struct drv_jit jit;
	if (!out || !image)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = context_check();
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_jit_init(&jit, DRV_JIT_LOAD, count, options, values);
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_image_read(image, &jit, &units);
	if (result == CUDA_SUCCESS)
		result = module_load(out, &units, &jit);
	drv_jit_finish(&jit);
	return result;
}

DRV_API CUresult cuModuleLoadData(CUmodule *out, const void *image)
{
	return cuModuleLoadDataEx(out, image, 0, NULL, NULL);
}

DRV_API CUresult cuModuleLoadFatBinary(CUmodule *out, const void *image)
{
	return cuModuleLoadDataEx(out, image, 0, NULL, NULL);
}

DRV_API CUresult cuModuleLoad(CUmodule *out, const char *path)
{
	struct fatbin_units units;
	struct drv_jit jit;
	if (!out || !path)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = context_check();
	if (result != CUDA_SUCCESS)
		return result;
	(void)drv_jit_init(&jit, DRV_JIT_LOAD, 0, NULL, NULL);
	result = drv_image_read_file(path, &jit, &units);
	return result == CUDA_SUCCESS ? module_load(out, &units, &jit) : result;
}

/* Enters for a call about a module. */
static CUresult module_enter(CUmodule handle, struct drv_module **module)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	*module = drv_handle_get(DRV_MODULE, handle);
	return *module ? CUDA_SUCCESS : drv_leave(CUDA_ERROR_INVALID_HANDLE);
}

DRV_API CUresult cuModuleUnload(CUmodule handle)
{
	struct drv_module *module;
	CUresult result = module_enter(handle, &module);
	if (result != CUDA_SUCCESS)
		return result;
	if (module->library)
		return drv_leave(CUDA_ERROR_NOT_PERMITTED);
	/* Waiting gives the lock up. Nobody else finds the module from here on, be it to launch or to unload it. */
	drv_module_end_handles(module);
	drv_list_remove(&module->siblings);
	result = drv_queue_wait_context(module->context);
	drv_module_unload(module);
	return drv_leave(result);
}

DRV_API CUresult cuModuleGetFunction(CUfunction *out, CUmodule handle, const char *name)
{
	struct drv_module *module;
	size_t number;
	if (!out || !name)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = module_enter(handle, &module);
	if (result != CUDA_SUCCESS)
		return result;
	if (!drv_module_find_kernel(module, name, &number))
		return drv_leave(CUDA_ERROR_NOT_FOUND);
	struct drv_function *function = drv_module_function(module, number);
	if (!function)
		return drv_leave(CUDA_ERROR_OUT_OF_MEMORY);
	*out = function->handle;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuModuleGetFunctionCount(unsigned *count, CUmodule handle)
{
	struct drv_module *module;
	if (!count)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = module_enter(handle, &module);
	if (result != CUDA_SUCCESS)
		return result;
	*count = (unsigned)module->function_count;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuModuleEnumerateFunctions(CUfunction *functions, unsigned count, CUmodule handle)
{
	struct drv_module *module;
	if (!functions || !count)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = module_enter(handle, &module);
	if (result != CUDA_SUCCESS)
		return result;
	for (size_t i = 0; i < count && i < module->function_count; i++) {
		struct drv_function *function = drv_module_function(module, i);
		if (!function)
			return drv_leave(CUDA_ERROR_OUT_OF_MEMORY);
		functions[i] = function->handle;
	}
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *size, CUmodule handle, const char *name)
{
	struct drv_module *module;
	if (!name || (!address && !size))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = module_enter(handle, &module);
	return result == CUDA_SUCCESS ? drv_leave(drv_module_variable(module, name, address, size)) : result;
}

/* Kernels are lowered when first used, whatever CUDA_MODULE_LOADING says. */
DRV_API CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode *mode)
{
	if (!mode)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	*mode = CU_MODULE_LAZY_LOADING;
	return drv_leave(CUDA_SUCCESS);
}
