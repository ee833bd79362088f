/* How programs find the driver's functions and read its results. */
#include <string.h>

#include "driver_abi/proc_table.h"
#include "driver_abi/results.h"
#include "hand.h"

static CUresult give(const char **to, const char *text)
{
	if (!to)
		return CUDA_ERROR_INVALID_VALUE;
	*to = text;
	return text ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult client_cuGetErrorName(CUresult error, const char **pStr)
{
	return give(pStr, cr_result_name(error));
}

CUresult client_cuGetErrorString(CUresult error, const char **pStr)
{
	return give(pStr, cr_result_text(error));
}

CUresult client_cuGetProcAddress_v2(const char *symbol, void **pfn, int cudaVersion, cuuint64_t flags,
				    CUdriverProcAddressQueryResult *symbolStatus)
{
	const cuuint64_t known = CU_GET_PROC_ADDRESS_LEGACY_STREAM | CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM;
	bool name_known;
	if (!symbol || !pfn || cudaVersion < 0 || cudaVersion > CUDA_VERSION || flags & ~known || flags == known)
		return CUDA_ERROR_INVALID_VALUE;
	const struct cr_proc *proc =
	    cr_proc_find(symbol, cudaVersion, flags & CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM, &name_known);
	*pfn = proc ? (void *)proc->function : NULL;
	if (symbolStatus)
		*symbolStatus = proc         ? CU_GET_PROC_ADDRESS_SUCCESS
				: name_known ? CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT
					     : CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
	return CUDA_SUCCESS;
}

/* Before CUDA 12 there was no status: what is not found is an error. */
CUresult client_cuGetProcAddress(const char *symbol, void **pfn, int cudaVersion, cuuint64_t flags)
{
	CUresult err = client_cuGetProcAddress_v2(symbol, pfn, cudaVersion, flags, NULL);
	return err || *pfn ? err : CUDA_ERROR_NOT_FOUND;
}

/* Export tables are NVIDIA's private interfaces between its own libraries; this driver has none. */
CUresult client_cuGetExportTable(const void **ppExportTable, const CUuuid *pExportTableId)
{
	if (!ppExportTable || !pExportTableId)
		return CUDA_ERROR_INVALID_VALUE;
	*ppExportTable = NULL;
	return CUDA_ERROR_NOT_FOUND;
}
