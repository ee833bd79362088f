#include "library.h"

#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "driver.h"
#include "handle.h"
#include "image.h"
#include "queue.h"

static struct drv_link libraries = {&libraries, &libraries};

static CUresult library_load_module(struct drv_library *library, struct drv_context *context, struct drv_jit *jit,
				    struct drv_module **module)
{
	CUresult result = drv_module_load(&library->units, context, jit, module);
	if (result != CUDA_SUCCESS)
		return result;
	(*module)->library = library;
	drv_list_append(&library->modules, &(*module)->siblings);
	return CUDA_SUCCESS;
}

CUresult drv_library_module(struct drv_library *library, struct drv_context *context, struct drv_module **module)
{
	struct drv_module *spare = NULL;
	for (struct drv_link *link = library->modules.next; link != &library->modules; link = link->next) {
		*module = DRV_ENTRY(link, struct drv_module, siblings);
		if (!context || (*module)->context == context)
			return CUDA_SUCCESS;
		if (!(*module)->context)
			spare = *module;
	}
	if (spare) {
		spare->context = context;
		*module = spare;
		return CUDA_SUCCESS;
	}
	struct drv_jit jit;
	(void)drv_jit_init(&jit, DRV_JIT_LOAD, 0, NULL, NULL);
	return library_load_module(library, context, &jit, module);
}

CUresult drv_kernel_function(struct drv_kernel *kernel, struct drv_context *context, struct drv_function **function)
{
	struct drv_module *module;
	CUresult result = drv_library_module(kernel->library, context, &module);
	if (result != CUDA_SUCCESS)
		return result;
	*function = drv_module_function(module, kernel->number);
	if (!*function)
		return CUDA_ERROR_OUT_OF_MEMORY;
	(*function)->settings = &kernel->settings;
	return CUDA_SUCCESS;
}

void drv_library_forget_context(struct drv_context *context)
{
	for (struct drv_link *link = libraries.next; link != &libraries; link = link->next) {
		struct drv_library *library = DRV_ENTRY(link, struct drv_library, siblings);
		struct drv_link *head = &library->modules;
		for (struct drv_link *each = head->next, *next; each != head; each = next) {
			struct drv_module *module = DRV_ENTRY(each, struct drv_module, siblings);
			next = each->next;
			if (module->context == context)
				drv_module_unload(module);
		}
	}
}

/* Loading and unloading */

static void kernel_free(struct drv_kernel *kernel)
{
	if (!kernel)
		return;
	drv_handle_end(kernel->handle);
	free(kernel->name);
	free(kernel);
}

static void library_free(struct drv_library *library)
{
	while (!drv_list_empty(&library->modules))
		drv_module_unload(DRV_ENTRY(library->modules.next, struct drv_module, siblings));
	drv_handle_end(library->handle);
	drv_list_remove(&library->siblings);
	for (size_t i = 0; i < library->kernel_count; i++)
		kernel_free(library->kernels[i]);
	free(library->kernels);
	fatbin_free(&library->units);
	free(library);
}

static CUresult library_fill(struct drv_library *library, struct drv_jit *jit)
{
	struct drv_module *module;
	CUresult result = library_load_module(library, NULL, jit, &module);
	if (result != CUDA_SUCCESS)
		return result;
	library->kernels = calloc(module->function_count + 1, sizeof *library->kernels);
	if (!library->kernels)
		return CUDA_ERROR_OUT_OF_MEMORY;
	library->kernel_count = module->function_count;
	library->handle = drv_handle_new(DRV_LIBRARY, library);
	return library->handle ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

/* Takes `units` over. */
static CUresult library_new(struct fatbin_units *units, struct drv_jit *jit, CUlibrary *out)
{
	struct drv_library *library = calloc(1, sizeof *library);
	if (!library) {
		fatbin_free(units);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	library->units = *units;
	drv_list_init(&library->modules);
	drv_list_append(&libraries, &library->siblings);
	CUresult result = library_fill(library, jit);
	if (result == CUDA_SUCCESS)
		*out = library->handle;
	else
		library_free(library);
	return result;
}

static CUresult library_load(CUlibrary *out, const void *code, const char *path, struct drv_jit *jit)
{
	struct fatbin_units units;
	CUresult result = drv_check();
	if (result == CUDA_SUCCESS)
		result = code ? drv_image_read(code, jit, &units) : drv_image_read_file(path, jit, &units);
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_enter();
	if (result == CUDA_SUCCESS)
		return drv_leave(library_new(&units, jit, out));
	fatbin_free(&units);
	return result;
}

static CUresult library_options_check(const CUlibraryOption *options, void *const *values, unsigned count)
{
	if (count && (!options || !values))
		return CUDA_ERROR_INVALID_VALUE;
	for (unsigned i = 0; i < count; i++)
		if ((unsigned)options[i] >= CU_LIBRARY_NUM_OPTIONS)
			return CUDA_ERROR_INVALID_VALUE;
	return CUDA_SUCCESS;
}

/* Of the library options, the preserved binary saves a copy that is not made anyway, and the host function table serves
   devices that call into the host, which this one does not. */
static CUresult library_load_checked(CUlibrary *out, const void *code, const char *path, CUjit_option *jit_options,
				     void **jit_values, unsigned jit_count, const CUlibraryOption *options,
				     void *const *values, unsigned count)
{
	struct drv_jit jit;
	CUresult result = library_options_check(options, values, count);
	if (result == CUDA_SUCCESS)
		result = drv_jit_init(&jit, DRV_JIT_LOAD, jit_count, jit_options, jit_values);
	if (result != CUDA_SUCCESS)
		return result;
	result = library_load(out, code, path, &jit);
	drv_jit_finish(&jit);
	return result;
}

DRV_API CUresult cuLibraryLoadData(CUlibrary *out, const void *code, CUjit_option *jit_options, void **jit_values,
				   unsigned jit_count, CUlibraryOption *options, void **values, unsigned count)
{
	if (!out || !code)
		return CUDA_ERROR_INVALID_VALUE;
	return library_load_checked(out, code, NULL, jit_options, jit_values, jit_count, options, values, count);
}

DRV_API CUresult cuLibraryLoadFromFile(CUlibrary *out, const char *path, CUjit_option *jit_options, void **jit_values,
				       unsigned jit_count, CUlibraryOption *options, void **values, unsigned count)
{
	if (!out || !path)
		return CUDA_ERROR_INVALID_VALUE;
	return library_load_checked(out, NULL, path, jit_options, jit_values, jit_count, options, values, count);
}

/* Enters for a call about a library. */
static CUresult library_enter(CUlibrary handle, struct drv_library **library)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	*library = drv_handle_get(DRV_LIBRARY, handle);
	return *library ? CUDA_SUCCESS : drv_leave(CUDA_ERROR_INVALID_HANDLE);
}

/* A context of the library whose launches have not been waited for; NULL when there is none left. */
static struct drv_context *next_context(const struct drv_library *library)
{
	for (struct drv_link *link = library->modules.next; link != &library->modules; link = link->next) {
		struct drv_module *module = DRV_ENTRY(link, struct drv_module, siblings);
		if (!module->context || module->quiet)
			continue;
		module->quiet = true;
		return module->context;
	}
	return NULL;
}

/* Nothing can be launched from the library any more. */
static void library_end_handles(struct drv_library *library)
{
	drv_handle_end(library->handle);
	for (size_t i = 0; i < library->kernel_count; i++)
		if (library->kernels[i])
			drv_handle_end(library->kernels[i]->handle);
	for (struct drv_link *link = library->modules.next; link != &library->modules; link = link->next)
		drv_module_end_handles(DRV_ENTRY(link, struct drv_module, siblings));
}

DRV_API CUresult cuLibraryUnload(CUlibrary handle)
{
	struct drv_library *library;
	struct drv_context *context;
	CUresult result = library_enter(handle, &library);
	if (result != CUDA_SUCCESS)
		return result;
	/* Waiting gives the lock up: contexts, and the library's modules with them, may go meanwhile. */
	library_end_handles(library);
	while ((context = next_context(library)))
		(void)drv_queue_wait_context(context);
	library_free(library);
	return drv_leave(CUDA_SUCCESS);
}

/* Kernels */

static CUresult library_kernel(struct drv_library *library, size_t number, const char *name, CUkernel *out)
{
	struct drv_kernel *kernel = library->kernels[number];
	if (!kernel) {
		kernel = calloc(1, sizeof *kernel);
		if (!kernel)
			return CUDA_ERROR_OUT_OF_MEMORY;
		kernel->library = library;
		kernel->number = number;
		kernel->name = strdup(name);
		kernel->handle = drv_handle_new(DRV_KERNEL, kernel);
		drv_function_settings_init(&kernel->settings);
		if (!kernel->name || !kernel->handle) {
			kernel_free(kernel);
			return CUDA_ERROR_OUT_OF_MEMORY;
		}
		library->kernels[number] = kernel;
	}
	*out = kernel->handle;
	return CUDA_SUCCESS;
}

static CUresult library_find_kernel(struct drv_library *library, const char *name, CUkernel *out)
{
	struct drv_module *module;
	size_t number;
	CUresult result = drv_library_module(library, NULL, &module);
	if (result != CUDA_SUCCESS)
		return result;
	if (!drv_module_find_kernel(module, name, &number))
		return CUDA_ERROR_NOT_FOUND;
	return library_kernel(library, number, name, out);
}

DRV_API CUresult cuLibraryGetKernel(CUkernel *out, CUlibrary handle, const char *name)
{
	struct drv_library *library;
	if (!out || !name)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = library_enter(handle, &library);
	return result == CUDA_SUCCESS ? drv_leave(library_find_kernel(library, name, out)) : result;
}

DRV_API CUresult cuLibraryGetKernelCount(unsigned *count, CUlibrary handle)
{
	struct drv_library *library;
	if (!count)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = library_enter(handle, &library);
	if (result != CUDA_SUCCESS)
		return result;
	*count = (unsigned)library->kernel_count;
	return drv_leave(CUDA_SUCCESS);
}

static CUresult library_enumerate(struct drv_library *library, CUkernel *kernels, size_t count)
{
	struct drv_module *module;
	CUresult result = drv_library_module(library, NULL, &module);
	for (size_t i = 0; result == CUDA_SUCCESS && i < count && i < library->kernel_count; i++) {
		struct cpu_kernel_layout layout;
		struct drv_function *function = drv_module_function(module, i);
		if (!function)
			return CUDA_ERROR_OUT_OF_MEMORY;
		result = cpu_kernel_layout(function->kernel, &layout);
		if (result == CUDA_SUCCESS)
			result = library_kernel(library, i, layout.name, &kernels[i]);
	}
	return result;
}

DRV_API CUresult cuLibraryEnumerateKernels(CUkernel *kernels, unsigned count, CUlibrary handle)
{
	struct drv_library *library;
	if (!kernels || !count)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = library_enter(handle, &library);
	return result == CUDA_SUCCESS ? drv_leave(library_enumerate(library, kernels, count)) : result;
}

/* What belongs to the current context */

/* Enters for a call about the library's module in the current context. */
static CUresult module_enter(CUlibrary handle, struct drv_module **module)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_library *library = drv_handle_get(DRV_LIBRARY, handle);
	result = library ? drv_library_module(library, context, module) : CUDA_ERROR_INVALID_HANDLE;
	return result == CUDA_SUCCESS ? result : drv_leave(result);
}

DRV_API CUresult cuLibraryGetModule(CUmodule *out, CUlibrary handle)
{
	struct drv_module *module;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = module_enter(handle, &module);
	if (result != CUDA_SUCCESS)
		return result;
	*out = module->handle;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuLibraryGetGlobal(CUdeviceptr *address, size_t *size, CUlibrary handle, const char *name)
{
	struct drv_module *module;
	if (!name || (!address && !size))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = module_enter(handle, &module);
	return result == CUDA_SUCCESS ? drv_leave(drv_module_variable(module, name, address, size)) : result;
}

/* All module variables lie where the host reaches them too, so a managed one is a variable like any other. */
DRV_API CUresult cuLibraryGetManaged(CUdeviceptr *address, size_t *size, CUlibrary handle, const char *name)
{
	return cuLibraryGetGlobal(address, size, handle, name);
}

/* Unified functions are those that host and device call by one address; the device has none. */
DRV_API CUresult cuLibraryGetUnifiedFunction(void **function, CUlibrary handle, const char *name)
{
	struct drv_library *library;
	if (!function || !name)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = library_enter(handle, &library);
	return result == CUDA_SUCCESS ? drv_leave(CUDA_ERROR_NOT_FOUND) : result;
}
