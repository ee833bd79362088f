/* How programs find the driver's functions: version, entry points, export tables. */
#include <cuda.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "driver_abi/proc_table.h"
#include "driver_abi/results.h"

DRV_API CUresult cuDriverGetVersion(int *version)
{
	if (!version)
		return CUDA_ERROR_INVALID_VALUE;
	*version = DRV_VERSION;
	return CUDA_SUCCESS;
}

static CUresult give(const char **to, const char *text)
{
	if (!to)
		return CUDA_ERROR_INVALID_VALUE;
	*to = text;
	return text ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

DRV_API CUresult cuGetErrorName(CUresult error, const char **name)
{
	return give(name, cr_result_name(error));
}

DRV_API CUresult cuGetErrorString(CUresult error, const char **text)
{
	return give(text, cr_result_text(error));
}

DRV_API CUresult cuGetProcAddress_v2(const char *name, void **address, int version, cuuint64_t flags,
				     CUdriverProcAddressQueryResult *status)
{
	const cuuint64_t known = CU_GET_PROC_ADDRESS_LEGACY_STREAM | CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM;
	bool found;

	if (!name || !address || version > DRV_VERSION || version < 0 || (flags & ~known) || flags == known)
		return CUDA_ERROR_INVALID_VALUE;
	const struct cr_proc *proc =
	    cr_proc_find(name, version, flags & CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM, &found);
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
