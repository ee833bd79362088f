/* Versions, driver entry points, profiler, logs. */
#include "api.h"

cudaError_t cudaRuntimeGetVersion(int *runtimeVersion)
{
	if (!runtimeVersion)
		return rt_record(cudaErrorInvalidValue);
	*runtimeVersion = CUDART_VERSION;
	return cudaSuccess;
}

/* "If no driver is installed, then 0 is returned as the driver version." */
cudaError_t cudaDriverGetVersion(int *driverVersion)
{
	if (!driverVersion)
		return rt_record(cudaErrorInvalidValue);
	*driverVersion = rt_driver_version();
	return cudaSuccess;
}

/* A function that is not there is an answer, not an error: NULL, with the reason in *status. */
static cudaError_t entry_point(const char *symbol, void **function, unsigned version, unsigned long long flags,
			       enum cudaDriverEntryPointQueryResult *status)
{
	CUdriverProcAddressQueryResult found = CU_GET_PROC_ADDRESS_SUCCESS;
	cudaError_t error = symbol && function ? rt_driver_open() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuGetProcAddress(symbol, function, (int)version, flags, &found));
	if (error == cudaErrorSymbolNotFound) {
		if (found == CU_GET_PROC_ADDRESS_SUCCESS)
			found = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
		error = cudaSuccess;
	}
	if (error != cudaSuccess)
		return rt_record(error);
	if (found != CU_GET_PROC_ADDRESS_SUCCESS)
		*function = NULL;
	if (status)
		*status = (enum cudaDriverEntryPointQueryResult)found;
	return cudaSuccess;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char *symbol, void **funcPtr, unsigned int cudaVersion,
					     unsigned long long flags,
					     enum cudaDriverEntryPointQueryResult *driverStatus)
{
	return entry_point(symbol, funcPtr, cudaVersion, flags, driverStatus);
}

cudaError_t cudaGetDriverEntryPoint(const char *symbol, void **funcPtr, unsigned long long flags,
				    enum cudaDriverEntryPointQueryResult *driverStatus)
{
	return entry_point(symbol, funcPtr, CUDART_VERSION, flags, driverStatus);
}

/* What cudaEnableDefault means in a program with per-thread default streams. */
static unsigned long long flags_per_thread(unsigned long long flags)
{
	return flags == cudaEnableDefault ? (unsigned long long)cudaEnablePerThreadDefaultStream : flags;
}

RT_DECLARE_VARIANT(cudaGetDriverEntryPointByVersion, _ptsz)
cudaError_t cudaGetDriverEntryPointByVersion_ptsz(const char *symbol, void **funcPtr, unsigned int cudaVersion,
						  unsigned long long flags,
						  enum cudaDriverEntryPointQueryResult *driverStatus)
{
	return entry_point(symbol, funcPtr, cudaVersion, flags_per_thread(flags), driverStatus);
}

RT_DECLARE_VARIANT(cudaGetDriverEntryPoint, _ptsz)
cudaError_t cudaGetDriverEntryPoint_ptsz(const char *symbol, void **funcPtr, unsigned long long flags,
					 enum cudaDriverEntryPointQueryResult *driverStatus)
{
	return entry_point(symbol, funcPtr, CUDART_VERSION, flags_per_thread(flags), driverStatus);
}

/* NVIDIA's private tables are not ours to give: no table is found under any id. */
cudaError_t cudaGetExportTable(const void **ppExportTable, const cudaUUID_t *pExportTableId)
{
	if (!ppExportTable || !pExportTableId)
		return rt_record(cudaErrorInvalidValue);
	*ppExportTable = NULL;
	return rt_record(cudaErrorSymbolNotFound);
}

RT_CALL(cudaProfilerStart, (void), cuProfilerStart())
RT_CALL(cudaProfilerStop, (void), cuProfilerStop())

RT_CALL_DRIVER(cudaLogsRegisterCallback,
	       (cudaLogsCallback_t callbackFunc, void *userData, cudaLogsCallbackHandle *callback_out),
	       cuLogsRegisterCallback((CUlogsCallback)callbackFunc, userData, callback_out))
RT_CALL_DRIVER(cudaLogsUnregisterCallback, (cudaLogsCallbackHandle callback), cuLogsUnregisterCallback(callback))
RT_CALL_DRIVER(cudaLogsCurrent, (cudaLogIterator * iterator_out, unsigned int flags),
	       cuLogsCurrent(iterator_out, flags))
RT_CALL_DRIVER(cudaLogsDumpToFile, (cudaLogIterator * iterator, const char *pathToFile, unsigned int flags),
	       cuLogsDumpToFile(iterator, pathToFile, flags))
RT_CALL_DRIVER(cudaLogsDumpToMemory, (cudaLogIterator * iterator, char *buffer, size_t *size, unsigned int flags),
	       cuLogsDumpToMemory(iterator, buffer, size, flags))
