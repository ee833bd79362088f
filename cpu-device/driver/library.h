/* Libraries: images that are loaded once for the process, and into each context when first used there. */
#ifndef DRV_LIBRARY_H
#define DRV_LIBRARY_H

#include <cuda.h>
#include <stddef.h>

#include "function.h"
#include "module.h"

struct drv_kernel {
	CUkernel handle;
	struct drv_library *library;
	size_t number; /* in the library's modules */
	char *name;
	struct drv_function_settings settings;
};

struct drv_library {
	CUlibrary handle;
	struct fatbin_units units;
	struct drv_link modules;     /* one a context, and perhaps one that no context has taken yet */
	struct drv_kernel **kernels; /* by number, made when first asked for */
	size_t kernel_count;
	struct drv_link siblings;
};

/* The library's module in `context`, loaded if need be; any one when `context` is NULL. */
CUresult drv_library_module(struct drv_library *library, struct drv_context *context, struct drv_module **module);

/* The kernel's function in `context` (NULL: in any). */
CUresult drv_kernel_function(struct drv_kernel *kernel, struct drv_context *context, struct drv_function **function);

/* Unloads the modules of all libraries from a context. */
void drv_library_forget_context(struct drv_context *context);

#endif
