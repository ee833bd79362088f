/* Modules: PTX that was loaded into a context. */
#ifndef DRV_MODULE_H
#define DRV_MODULE_H

#include <cuda.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exec.h"
#include "fatbin.h"
#include "jit.h"
#include "list.h"

struct drv_context;
struct drv_function;
struct drv_library;

struct drv_module {
	CUmodule handle;
	struct drv_context *context; /* NULL: loaded for a library, and not taken by a context yet */
	struct drv_library *library; /* NULL: the program's own module */
	struct cpu_module *code;
	struct drv_function **functions; /* by number, made when first asked for */
	size_t function_count;
	struct drv_link references; /* to textures and surfaces, made when first asked for */
	bool quiet;                 /* its handles have ended, and its last launches have been waited for */
	struct drv_link siblings;   /* in the context's or the library's list */
};

/* Loads the units, linked together. What is wrong with the PTX goes to `jit` and to the driver's log. The module is in
   no list yet. */
CUresult drv_module_load(const struct fatbin_units *units, struct drv_context *context, struct drv_jit *jit,
			 struct drv_module **module);

/* Ends the handles of the module and its functions: nothing new can be launched from it. */
void drv_module_end_handles(struct drv_module *module);

/* Takes the module out of its list and frees it with its functions. No operation may use it any more. */
void drv_module_unload(struct drv_module *module);

/* The number of the kernel called `name`; false when there is none. */
bool drv_module_find_kernel(const struct drv_module *module, const char *name, size_t *number);

/* The function of a kernel's number; NULL when memory is short. */
struct drv_function *drv_module_function(struct drv_module *module, size_t number);

/* A module variable; both results may be NULL. CUDA_ERROR_NOT_FOUND. */
CUresult drv_module_variable(const struct drv_module *module, const char *name, CUdeviceptr *address, size_t *size);

#endif
