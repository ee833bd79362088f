/* Functions: kernels of a module, ready to be launched in its context. */
#ifndef DRV_FUNCTION_H
#define DRV_FUNCTION_H

#include <cuda.h>
#include <stdbool.h>

#include "exec.h"
#include "module.h"

/* What a program can set; shared by all functions of one CUkernel. */
struct drv_function_settings {
	int dynamic_shared_max;
	int carveout; /* percent, -1: default */
	CUfunc_cache cache_config;
	unsigned cluster[3];    /* blocks of a cluster that it must be launched with; 0: as the kernel says */
	bool large_clusters;    /* of more blocks than every device allows */
	int cluster_scheduling; /* CUclusterSchedulingPolicy; here it changes nothing */
};

struct drv_function {
	CUfunction handle;
	struct drv_module *module;
	struct cpu_kernel *kernel;
	struct drv_function_settings own;
	struct drv_function_settings *settings;
	struct cpu_kernel_info info; /* once `known` */
	bool known;
};

/* Makes a function with a handle; NULL when memory is short. */
struct drv_function *drv_function_new(struct drv_module *module, struct cpu_kernel *kernel);
void drv_function_free(struct drv_function *function);

void drv_function_settings_init(struct drv_function_settings *settings);

/* The function's facts, found out when first asked for. CUDA_ERROR_INVALID_PTX when the kernel cannot be run. */
CUresult drv_function_info(struct drv_function *function, const struct cpu_kernel_info **info);

/* The function behind a CUfunction or a CUkernel, in `context`: CUDA_ERROR_INVALID_HANDLE when it is neither, or is a
   function of another context. */
CUresult drv_function_get(CUfunction handle, struct drv_context *context, struct drv_function **function);

/* Enters the driver for a call about a CUfunction or CUkernel in the current context. */
CUresult drv_enter_function(CUfunction handle, struct drv_function **function);

CUresult drv_function_attribute(struct drv_function *function, CUfunction_attribute attribute, int *value);

/* Sets an attribute; `function` (may be NULL) tells how much static shared memory there is. */
CUresult drv_function_set_attribute(struct drv_function_settings *settings, struct drv_function *function,
				    CUfunction_attribute attribute, int value);

/* Blocks of a cluster in each direction as the kernel or its settings ask for; 0: they do not. */
CUresult drv_function_cluster(struct drv_function *function, unsigned cluster[3]);

CUresult drv_function_parameter(struct drv_function *function, size_t index, size_t *offset, size_t *size);

#endif
