/* Devices: which there are, which one a thread uses, what they are told. */
#include "api.h"

#include <string.h>

#include "device.h"

cudaError_t cudaGetDeviceCount(int *count)
{
	return rt_record(count ? rt_device_count(count) : cudaErrorInvalidValue);
}

cudaError_t cudaGetDevice(int *device)
{
	return rt_record(device ? rt_device_current(device) : cudaErrorInvalidValue);
}

cudaError_t cudaSetDevice(int device)
{
	cudaError_t error = rt_context_use(device);

	if (error == cudaSuccess)
		rt_thread.chosen = device + 1;
	return rt_record(error);
}

/* Every primary context can map host memory, so that this flag says nothing to the driver. */
static unsigned device_flags(unsigned flags)
{
	return flags & ~(unsigned)cudaDeviceMapHost;
}

cudaError_t cudaInitDevice(int device, unsigned int deviceFlags, unsigned int flags)
{
	CUcontext context;
	CUdevice handle;
	cudaError_t error = flags & ~(unsigned)cudaInitDeviceFlagsAreValid ? cudaErrorInvalidValue : cudaSuccess;

	if (error == cudaSuccess)
		error = rt_device_handle(device, &handle);
	if (error == cudaSuccess && flags & cudaInitDeviceFlagsAreValid)
		error = rt_error(rt_driver.cuDevicePrimaryCtxSetFlags(handle, device_flags(deviceFlags)));
	if (error == cudaSuccess)
		error = rt_context_primary(device, &context);
	return rt_record(error);
}

cudaError_t cudaSetValidDevices(int *device_arr, int len)
{
	return rt_record(len > 0 && !device_arr ? cudaErrorInvalidValue : rt_device_set_valid(device_arr, len));
}

/* The device of this thread and the driver's handle of it. */
static cudaError_t device_of_thread(int *ordinal, CUdevice *handle)
{
	cudaError_t error = rt_device_current(ordinal);

	return error == cudaSuccess ? rt_device_handle(*ordinal, handle) : error;
}

cudaError_t cudaSetDeviceFlags(unsigned int flags)
{
	CUdevice handle;
	int ordinal;
	cudaError_t error = device_of_thread(&ordinal, &handle);

	if (error == cudaSuccess && flags & ~(unsigned)cudaDeviceMask)
		error = cudaErrorInvalidValue;
	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuDevicePrimaryCtxSetFlags(handle, device_flags(flags)));
	return rt_record(error);
}

cudaError_t cudaGetDeviceFlags(unsigned int *flags)
{
	CUdevice handle;
	int ordinal, active;
	cudaError_t error = flags ? device_of_thread(&ordinal, &handle) : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuDevicePrimaryCtxGetState(handle, flags, &active));
	if (error == cudaSuccess)
		*flags |= cudaDeviceMapHost;
	return rt_record(error);
}

cudaError_t cudaDeviceReset(void)
{
	int ordinal;
	cudaError_t error = rt_device_current(&ordinal);

	if (error == cudaSuccess)
		error = rt_context_reset(ordinal);
	return rt_record(error);
}

RT_CALL(cudaDeviceSynchronize, (void), cuCtxSynchronize())
RT_CALL(cudaDeviceSetLimit, (enum cudaLimit limit, size_t value), cuCtxSetLimit((CUlimit)limit, value))
RT_CALL(cudaDeviceGetLimit, (size_t * pValue, enum cudaLimit limit), cuCtxGetLimit(pValue, (CUlimit)limit))
RT_CALL(cudaDeviceGetCacheConfig, (enum cudaFuncCache * pCacheConfig),
	cuCtxGetCacheConfig((CUfunc_cache *)pCacheConfig))
RT_CALL(cudaDeviceSetCacheConfig, (enum cudaFuncCache cacheConfig), cuCtxSetCacheConfig((CUfunc_cache)cacheConfig))
RT_CALL(cudaDeviceGetSharedMemConfig, (enum cudaSharedMemConfig * pConfig),
	cuCtxGetSharedMemConfig((CUsharedconfig *)pConfig))
RT_CALL(cudaDeviceSetSharedMemConfig, (enum cudaSharedMemConfig config),
	cuCtxSetSharedMemConfig((CUsharedconfig)config))
RT_CALL(cudaDeviceGetStreamPriorityRange, (int *leastPriority, int *greatestPriority),
	cuCtxGetStreamPriorityRange(leastPriority, greatestPriority))
RT_CALL(cudaCtxResetPersistingL2Cache, (void), cuCtxResetPersistingL2Cache())
RT_CALL(cudaDeviceFlushGPUDirectRDMAWrites,
	(enum cudaFlushGPUDirectRDMAWritesTarget target, enum cudaFlushGPUDirectRDMAWritesScope scope),
	cuFlushGPUDirectRDMAWrites((CUflushGPUDirectRDMAWritesTarget)target, (CUflushGPUDirectRDMAWritesScope)scope))

RT_CALL_DEVICE(cudaDeviceGetAttribute, (int *value, enum cudaDeviceAttr attr, int device),
	       cuDeviceGetAttribute(value, (CUdevice_attribute)attr, handle))
RT_CALL_DEVICE(cudaDeviceGetPCIBusId, (char *pciBusId, int len, int device), cuDeviceGetPCIBusId(pciBusId, len, handle))
RT_CALL_DEVICE(cudaDeviceGetHostAtomicCapabilities,
	       (unsigned int *capabilities, const enum cudaAtomicOperation *operations, unsigned int count, int device),
	       cuDeviceGetHostAtomicCapabilities(capabilities, (const CUatomicOperation *)operations, count, handle))
RT_CALL_DEVICE(cudaDeviceGetNvSciSyncAttributes, (void *nvSciSyncAttrList, int device, int flags),
	       cuDeviceGetNvSciSyncAttributes(nvSciSyncAttrList, handle, flags))

cudaError_t cudaDeviceGetByPCIBusId(int *device, const char *pciBusId)
{
	CUdevice handle;
	cudaError_t error = device && pciBusId ? rt_driver_open() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuDeviceGetByPCIBusId(&handle, pciBusId));
	if (error == cudaSuccess)
		error = rt_device_ordinal(handle, device);
	return rt_record(error);
}

/* The handles of two devices. */
static cudaError_t device_pair(int first, int second, CUdevice handles[2])
{
	cudaError_t error = rt_device_handle(first, &handles[0]);

	return error == cudaSuccess ? rt_device_handle(second, &handles[1]) : error;
}

cudaError_t cudaDeviceCanAccessPeer(int *canAccessPeer, int device, int peerDevice)
{
	CUdevice pair[2];
	cudaError_t error = device_pair(device, peerDevice, pair);

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuDeviceCanAccessPeer(canAccessPeer, pair[0], pair[1]));
	return rt_record(error);
}

cudaError_t cudaDeviceGetP2PAttribute(int *value, enum cudaDeviceP2PAttr attr, int srcDevice, int dstDevice)
{
	CUdevice pair[2];
	cudaError_t error = device_pair(srcDevice, dstDevice, pair);

	if (error == cudaSuccess)
		error =
		    rt_error(rt_driver.cuDeviceGetP2PAttribute(value, (CUdevice_P2PAttribute)attr, pair[0], pair[1]));
	return rt_record(error);
}

cudaError_t cudaDeviceGetP2PAtomicCapabilities(unsigned int *capabilities, const enum cudaAtomicOperation *operations,
					       unsigned int count, int srcDevice, int dstDevice)
{
	CUdevice pair[2];
	cudaError_t error = device_pair(srcDevice, dstDevice, pair);

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuDeviceGetP2PAtomicCapabilities(
		    capabilities, (const CUatomicOperation *)operations, count, pair[0], pair[1]));
	return rt_record(error);
}

/* A context for this thread, and the primary context of the peer. */
static cudaError_t peer_context(int peer, CUcontext *context)
{
	cudaError_t error = rt_enter();

	return error == cudaSuccess ? rt_context_primary(peer, context) : error;
}

cudaError_t cudaDeviceEnablePeerAccess(int peerDevice, unsigned int flags)
{
	CUcontext context;
	cudaError_t error = peer_context(peerDevice, &context);

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuCtxEnablePeerAccess(context, flags));
	return rt_record(error);
}

cudaError_t cudaDeviceDisablePeerAccess(int peerDevice)
{
	CUcontext context;
	cudaError_t error = peer_context(peerDevice, &context);

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuCtxDisablePeerAccess(context));
	return rt_record(error);
}

/* Memory pools of a device. */
RT_CALL_DEVICE(cudaDeviceGetDefaultMemPool, (cudaMemPool_t * memPool, int device),
	       cuDeviceGetDefaultMemPool(memPool, handle))
RT_CALL_DEVICE(cudaDeviceSetMemPool, (int device, cudaMemPool_t memPool), cuDeviceSetMemPool(handle, memPool))
RT_CALL_DEVICE(cudaDeviceGetMemPool, (cudaMemPool_t * memPool, int device), cuDeviceGetMemPool(memPool, handle))
RT_CALL_DEVICE(cudaDeviceGraphMemTrim, (int device), cuDeviceGraphMemTrim(handle))
RT_CALL_DEVICE(cudaDeviceGetGraphMemAttribute, (int device, enum cudaGraphMemAttributeType attr, void *value),
	       cuDeviceGetGraphMemAttribute(handle, (CUgraphMem_attribute)attr, value))
RT_CALL_DEVICE(cudaDeviceSetGraphMemAttribute, (int device, enum cudaGraphMemAttributeType attr, void *value),
	       cuDeviceSetGraphMemAttribute(handle, (CUgraphMem_attribute)attr, value))

/* Both APIs call back with the same layout. */
RT_SAME_LAYOUT(cudaAsyncNotificationInfo_t, CUasyncNotificationInfo);
RT_CALL_DEVICE(cudaDeviceRegisterAsyncNotification,
	       (int device, cudaAsyncCallback callbackFunc, void *userData, cudaAsyncCallbackHandle_t *callback),
	       cuDeviceRegisterAsyncNotification(handle, (CUasyncCallback)callbackFunc, userData,
						 (CUasyncCallbackHandle *)callback))
RT_CALL_DEVICE(cudaDeviceUnregisterAsyncNotification, (int device, cudaAsyncCallbackHandle_t callback),
	       cuDeviceUnregisterAsyncNotification(handle, (CUasyncCallbackHandle)callback))

/* How many of the wishes in `wanted` the device fulfils; a field that is zero is no wish. */
static int device_score(const struct cudaDeviceProp *wanted, const struct cudaDeviceProp *device)
{
	int score = 0;

	score += wanted->name[0] && strncmp(wanted->name, device->name, sizeof(device->name)) == 0;
	score += wanted->major &&
		 (device->major > wanted->major || (device->major == wanted->major && device->minor >= wanted->minor));
	score += wanted->totalGlobalMem && device->totalGlobalMem >= wanted->totalGlobalMem;
	score += wanted->sharedMemPerBlock && device->sharedMemPerBlock >= wanted->sharedMemPerBlock;
	score += wanted->regsPerBlock && device->regsPerBlock >= wanted->regsPerBlock;
	score += wanted->maxThreadsPerBlock && device->maxThreadsPerBlock >= wanted->maxThreadsPerBlock;
	score += wanted->totalConstMem && device->totalConstMem >= wanted->totalConstMem;
	score += wanted->multiProcessorCount && device->multiProcessorCount >= wanted->multiProcessorCount;
	score += wanted->integrated && device->integrated;
	score += wanted->canMapHostMemory && device->canMapHostMemory;
	score += wanted->concurrentKernels && device->concurrentKernels;
	score += wanted->ECCEnabled && device->ECCEnabled;
	score += wanted->managedMemory && device->managedMemory;
	score += wanted->cooperativeLaunch && device->cooperativeLaunch;
	return score;
}

cudaError_t cudaChooseDevice(int *device, const struct cudaDeviceProp *prop)
{
	int count = 0, best = -1;
	cudaError_t error = device && prop ? rt_device_count(&count) : cudaErrorInvalidValue;

	for (int i = 0; i < count && error == cudaSuccess; i++) {
		struct cudaDeviceProp candidate;
		int score;

		error = rt_device_properties(&candidate, i);
		if (error != cudaSuccess)
			break;
		score = device_score(prop, &candidate);
		if (score > best) {
			best = score;
			*device = i;
		}
	}
	return rt_record(error);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *prop, int device)
{
	return rt_record(prop ? rt_device_properties(prop, device) : cudaErrorInvalidValue);
}
