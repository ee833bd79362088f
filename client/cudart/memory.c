/* Linear memory: device, pinned host, managed; what an address is. */
#include "api.h"

/* Nothing is asked of the driver for no bytes, as cuMemAlloc refuses them where cudaMalloc gives NULL. */
cudaError_t cudaMalloc(void **devPtr, size_t size)
{
	CUdeviceptr address = 0;
	cudaError_t error = devPtr ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess && size)
		error = rt_error(rt_driver.cuMemAlloc(&address, size));
	if (error == cudaSuccess)
		*devPtr = (void *)address;
	return rt_record(error);
}

cudaError_t cudaFree(void *devPtr)
{
	cudaError_t error = rt_enter();

	if (error == cudaSuccess && devPtr)
		error = rt_error(rt_driver.cuMemFree((CUdeviceptr)devPtr));
	return rt_record(error);
}

/* Rows that start where 4-byte words can be read at once; the driver aligns them further as the device likes. */
enum { PITCH_ELEMENT_BYTES = 4 };

static cudaError_t malloc_pitch(void **pointer, size_t *pitch, size_t width, size_t height)
{
	CUdeviceptr address = 0;
	cudaError_t error = rt_enter();

	*pitch = 0;
	if (error == cudaSuccess && width && height)
		error = rt_error(rt_driver.cuMemAllocPitch(&address, pitch, width, height, PITCH_ELEMENT_BYTES));
	if (error == cudaSuccess)
		*pointer = (void *)address;
	return error;
}

cudaError_t cudaMallocPitch(void **devPtr, size_t *pitch, size_t width, size_t height)
{
	return rt_record(devPtr && pitch ? malloc_pitch(devPtr, pitch, width, height) : cudaErrorInvalidValue);
}

cudaError_t cudaMalloc3D(struct cudaPitchedPtr *pitchedDevPtr, struct cudaExtent extent)
{
	void *pointer = NULL;
	size_t pitch, rows;
	cudaError_t error = pitchedDevPtr ? cudaSuccess : cudaErrorInvalidValue;

	if (__builtin_mul_overflow(extent.height, extent.depth, &rows))
		error = cudaErrorMemoryAllocation;
	if (error == cudaSuccess)
		error = malloc_pitch(&pointer, &pitch, extent.width, rows);
	if (error == cudaSuccess)
		*pitchedDevPtr = (struct cudaPitchedPtr){pointer, pitch, extent.width, extent.height};
	return rt_record(error);
}

cudaError_t cudaHostAlloc(void **pHost, size_t size, unsigned int flags)
{
	void *memory = NULL;
	cudaError_t error = pHost ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess && size)
		error = rt_error(rt_driver.cuMemHostAlloc(&memory, size, flags));
	if (error == cudaSuccess)
		*pHost = memory;
	return rt_record(error);
}

cudaError_t cudaMallocHost(void **ptr, size_t size)
{
	return cudaHostAlloc(ptr, size, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void *ptr)
{
	cudaError_t error = rt_enter();

	if (error == cudaSuccess && ptr)
		error = rt_error(rt_driver.cuMemFreeHost(ptr));
	return rt_record(error);
}

RT_CALL(cudaHostRegister, (void *ptr, size_t size, unsigned int flags), cuMemHostRegister(ptr, size, flags))
RT_CALL(cudaHostUnregister, (void *ptr), cuMemHostUnregister(ptr))
RT_CALL(cudaHostGetDevicePointer, (void **pDevice, void *pHost, unsigned int flags),
	cuMemHostGetDevicePointer((CUdeviceptr *)pDevice, pHost, flags))
RT_CALL(cudaHostGetFlags, (unsigned int *pFlags, void *pHost), cuMemHostGetFlags(pFlags, pHost))
RT_CALL(cudaMallocManaged, (void **devPtr, size_t size, unsigned int flags),
	cuMemAllocManaged((CUdeviceptr *)devPtr, size, flags))
RT_CALL(cudaMemGetInfo, (size_t * free, size_t *total), cuMemGetInfo(free, total))

/* Ordered allocation and its pools. */
RT_CALL_STREAM(cudaMallocAsync, (void **devPtr, size_t size, cudaStream_t stream),
	       cuMemAllocAsync((CUdeviceptr *)devPtr, size, stream))
RT_CALL_STREAM(cudaFreeAsync, (void *devPtr, cudaStream_t stream), cuMemFreeAsync((CUdeviceptr)devPtr, stream))
RT_CALL_STREAM(cudaMallocFromPoolAsync, (void **ptr, size_t size, cudaMemPool_t memPool, cudaStream_t stream),
	       cuMemAllocFromPoolAsync((CUdeviceptr *)ptr, size, memPool, stream))

RT_SAME_LAYOUT(struct cudaMemLocation, CUmemLocation);
RT_SAME_LAYOUT(struct cudaMemPoolProps, CUmemPoolProps);
RT_SAME_LAYOUT(struct cudaMemAccessDesc, CUmemAccessDesc);
RT_SAME_LAYOUT(struct cudaMemPoolPtrExportData, CUmemPoolPtrExportData);

RT_CALL(cudaMemPoolCreate, (cudaMemPool_t * memPool, const struct cudaMemPoolProps *poolProps),
	cuMemPoolCreate(memPool, (const CUmemPoolProps *)poolProps))
RT_CALL(cudaMemPoolDestroy, (cudaMemPool_t memPool), cuMemPoolDestroy(memPool))
RT_CALL(cudaMemPoolTrimTo, (cudaMemPool_t memPool, size_t minBytesToKeep), cuMemPoolTrimTo(memPool, minBytesToKeep))
RT_CALL(cudaMemPoolSetAttribute, (cudaMemPool_t memPool, enum cudaMemPoolAttr attr, void *value),
	cuMemPoolSetAttribute(memPool, (CUmemPool_attribute)attr, value))
RT_CALL(cudaMemPoolGetAttribute, (cudaMemPool_t memPool, enum cudaMemPoolAttr attr, void *value),
	cuMemPoolGetAttribute(memPool, (CUmemPool_attribute)attr, value))
RT_CALL(cudaMemPoolSetAccess, (cudaMemPool_t memPool, const struct cudaMemAccessDesc *descList, size_t count),
	cuMemPoolSetAccess(memPool, (const CUmemAccessDesc *)descList, count))
RT_CALL(cudaMemPoolGetAccess,
	(enum cudaMemAccessFlags * flags, cudaMemPool_t memPool, struct cudaMemLocation *location),
	cuMemPoolGetAccess((CUmemAccess_flags *)flags, memPool, (CUmemLocation *)location))
RT_CALL(cudaMemGetDefaultMemPool,
	(cudaMemPool_t * memPool, struct cudaMemLocation *location, enum cudaMemAllocationType type),
	cuMemGetDefaultMemPool(memPool, (CUmemLocation *)location, (CUmemAllocationType)type))
RT_CALL(cudaMemGetMemPool, (cudaMemPool_t * memPool, struct cudaMemLocation *location, enum cudaMemAllocationType type),
	cuMemGetMemPool(memPool, (CUmemLocation *)location, (CUmemAllocationType)type))
RT_CALL(cudaMemSetMemPool, (struct cudaMemLocation * location, enum cudaMemAllocationType type, cudaMemPool_t memPool),
	cuMemSetMemPool((CUmemLocation *)location, (CUmemAllocationType)type, memPool))
RT_CALL(cudaMemPoolExportToShareableHandle,
	(void *shareableHandle, cudaMemPool_t memPool, enum cudaMemAllocationHandleType handleType, unsigned int flags),
	cuMemPoolExportToShareableHandle(shareableHandle, memPool, (CUmemAllocationHandleType)handleType, flags))
RT_CALL(cudaMemPoolImportFromShareableHandle,
	(cudaMemPool_t * memPool, void *shareableHandle, enum cudaMemAllocationHandleType handleType,
	 unsigned int flags),
	cuMemPoolImportFromShareableHandle(memPool, shareableHandle, (CUmemAllocationHandleType)handleType, flags))
RT_CALL(cudaMemPoolExportPointer, (struct cudaMemPoolPtrExportData * exportData, void *ptr),
	cuMemPoolExportPointer((CUmemPoolPtrExportData *)exportData, (CUdeviceptr)ptr))
RT_CALL(cudaMemPoolImportPointer, (void **ptr, cudaMemPool_t memPool, struct cudaMemPoolPtrExportData *exportData),
	cuMemPoolImportPointer((CUdeviceptr *)ptr, memPool, (CUmemPoolPtrExportData *)exportData))

/* Hints about managed memory. */
static CUmemLocation memory_location(struct cudaMemLocation location)
{
	return (CUmemLocation){.type = (CUmemLocationType)location.type, .id = location.id};
}

RT_CALL(cudaMemAdvise,
	(const void *devPtr, size_t count, enum cudaMemoryAdvise advice, struct cudaMemLocation location),
	cuMemAdvise((CUdeviceptr)devPtr, count, (CUmem_advise)advice, memory_location(location)))
RT_CALL_STREAM(cudaMemPrefetchAsync,
	       (const void *devPtr, size_t count, struct cudaMemLocation location, unsigned int flags,
		cudaStream_t stream),
	       cuMemPrefetchAsync((CUdeviceptr)devPtr, count, memory_location(location), flags, stream))
RT_CALL_STREAM(cudaMemPrefetchBatchAsync,
	       (void **dptrs, size_t *sizes, size_t count, struct cudaMemLocation *prefetchLocs,
		size_t *prefetchLocIdxs, size_t numPrefetchLocs, unsigned long long flags, cudaStream_t stream),
	       cuMemPrefetchBatchAsync((CUdeviceptr *)dptrs, sizes, count, (CUmemLocation *)prefetchLocs,
				       prefetchLocIdxs, numPrefetchLocs, flags, stream))
RT_CALL_STREAM(cudaMemDiscardBatchAsync,
	       (void **dptrs, size_t *sizes, size_t count, unsigned long long flags, cudaStream_t stream),
	       cuMemDiscardBatchAsync((CUdeviceptr *)dptrs, sizes, count, flags, stream))
RT_CALL_STREAM(cudaMemDiscardAndPrefetchBatchAsync,
	       (void **dptrs, size_t *sizes, size_t count, struct cudaMemLocation *prefetchLocs,
		size_t *prefetchLocIdxs, size_t numPrefetchLocs, unsigned long long flags, cudaStream_t stream),
	       cuMemDiscardAndPrefetchBatchAsync((CUdeviceptr *)dptrs, sizes, count, (CUmemLocation *)prefetchLocs,
						 prefetchLocIdxs, numPrefetchLocs, flags, stream))
RT_CALL(cudaMemRangeGetAttribute,
	(void *data, size_t dataSize, enum cudaMemRangeAttribute attribute, const void *devPtr, size_t count),
	cuMemRangeGetAttribute(data, dataSize, (CUmem_range_attribute)attribute, (CUdeviceptr)devPtr, count))
RT_CALL(cudaMemRangeGetAttributes,
	(void **data, size_t *dataSizes, enum cudaMemRangeAttribute *attributes, size_t numAttributes,
	 const void *devPtr, size_t count),
	cuMemRangeGetAttributes(data, dataSizes, (CUmem_range_attribute *)attributes, numAttributes,
				(CUdeviceptr)devPtr, count))

static enum cudaMemoryType memory_type(unsigned type, unsigned managed)
{
	if (managed)
		return cudaMemoryTypeManaged;
	switch (type) {
	case CU_MEMORYTYPE_HOST:
		return cudaMemoryTypeHost;
	case CU_MEMORYTYPE_DEVICE:
		return cudaMemoryTypeDevice;
	default:
		return cudaMemoryTypeUnregistered;
	}
}

/* An address that CUDA does not know is the host's: no device can use it, and it is not an error. */
cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *attributes, const void *ptr)
{
	CUpointer_attribute wanted[] = {CU_POINTER_ATTRIBUTE_MEMORY_TYPE, CU_POINTER_ATTRIBUTE_IS_MANAGED,
					CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, CU_POINTER_ATTRIBUTE_DEVICE_POINTER,
					CU_POINTER_ATTRIBUTE_HOST_POINTER};
	unsigned type = 0, managed = 0;
	int ordinal = cudaInvalidDeviceId;
	void *device = NULL, *host = NULL;
	void *values[] = {&type, &managed, &ordinal, &device, &host};
	cudaError_t error = attributes ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuPointerGetAttributes(sizeof(wanted) / sizeof(wanted[0]), wanted, values,
								  (CUdeviceptr)ptr));
	if (error != cudaSuccess)
		return rt_record(error);
	*attributes = (struct cudaPointerAttributes){.type = memory_type(type, managed)};
	attributes->device = attributes->type == cudaMemoryTypeUnregistered ? cudaInvalidDeviceId : ordinal;
	attributes->devicePointer = device;
	attributes->hostPointer = attributes->type == cudaMemoryTypeUnregistered ? (void *)ptr : host;
	return cudaSuccess;
}
