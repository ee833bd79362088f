/* How programs find the driver's functions: version, entry points, export tables. */
#include <cuda.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "proc_table.h"

DRV_API CUresult cuDriverGetVersion(int *version)
{
	if (!version)
		return CUDA_ERROR_INVALID_VALUE;
	*version = DRV_VERSION;
	return CUDA_SUCCESS;
}

/* The newest variant of `name` that `version` allows, among the per-thread ones if there are any and they are asked
   for; `found` tells whether the name is known. */
static const struct drv_proc *proc_find(const char *name, int version, bool per_thread, bool *found)
{
	const struct drv_proc *best = NULL;
	for (size_t i = 0; i < drv_proc_count; i++) {
		const struct drv_proc *proc = &drv_procs[i];
		if (proc->per_thread != per_thread || strcmp(proc->name, name) != 0)
			continue;
		*found = true;
		if (proc->version <= version && (!best || proc->version > best->version))
			best = proc;
	}
	return best;
}

DRV_API CUresult cuGetProcAddress_v2(const char *name, void **address, int version, cuuint64_t flags,
				     CUdriverProcAddressQueryResult *status)
{
	const cuuint64_t known = CU_GET_PROC_ADDRESS_LEGACY_STREAM | CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM;
	const struct drv_proc *proc = NULL;
	bool found = false;

	if (!name || !address || version > DRV_VERSION || version < 0 || (flags & ~known) || flags == known)
		return CUDA_ERROR_INVALID_VALUE;
	if (flags & CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM)
		proc = proc_find(name, version, true, &found);
	if (!proc)
		proc = proc_find(name, version, false, &found);
	*address = proc ? (void *)proc->function : NULL;
	if (status)
		*status = proc    ? CU_GET_PROC_ADDRESS_SUCCESS
			  : found ? CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT
				  : CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
	return CUDA_SUCCESS;
}

/* Before CUDA 12 there was no status: what is not found is an error. */
DRV_API CUresult cuGetProcAddress(const char *name, void **address, int version, cuuint64_t flags)
{
	CUresult result = cuGetProcAddress_v2(name, address, version, flags, NULL);
	if (result != CUDA_SUCCESS)
		return result;
	return *address ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

/* Export tables are NVIDIA's private interfaces between its own libraries; this driver has none. */
DRV_API CUresult cuGetExportTable(const void **table, const CUuuid *id)
{
	if (!table || !id)
		return CUDA_ERROR_INVALID_VALUE;
	*table = NULL;
	return CUDA_ERROR_NOT_FOUND;
}
