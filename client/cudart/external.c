/* What other processes and APIs share: IPC handles, external memory and semaphores, graphics resources. */
#include <string.h>

#include "api.h"
#include "array.h"

/* The handles go by value in both APIs, as types of the same layout. */
RT_SAME_LAYOUT(cudaIpcMemHandle_t, CUipcMemHandle);
RT_SAME_LAYOUT(cudaIpcEventHandle_t, CUipcEventHandle);

static CUipcMemHandle ipc_memory(cudaIpcMemHandle_t handle)
{
	CUipcMemHandle driver;

	memcpy(&driver, &handle, sizeof(driver));
	return driver;
}

static CUipcEventHandle ipc_event(cudaIpcEventHandle_t handle)
{
	CUipcEventHandle driver;

	memcpy(&driver, &handle, sizeof(driver));
	return driver;
}

RT_CALL(cudaIpcGetEventHandle, (cudaIpcEventHandle_t * handle, cudaEvent_t event),
	cuIpcGetEventHandle((CUipcEventHandle *)handle, event))
RT_CALL(cudaIpcOpenEventHandle, (cudaEvent_t * event, cudaIpcEventHandle_t handle),
	cuIpcOpenEventHandle(event, ipc_event(handle)))
RT_CALL(cudaIpcGetMemHandle, (cudaIpcMemHandle_t * handle, void *devPtr),
	cuIpcGetMemHandle((CUipcMemHandle *)handle, (CUdeviceptr)devPtr))
RT_CALL(cudaIpcOpenMemHandle, (void **devPtr, cudaIpcMemHandle_t handle, unsigned int flags),
	cuIpcOpenMemHandle((CUdeviceptr *)devPtr, ipc_memory(handle), flags))
RT_CALL(cudaIpcCloseMemHandle, (void *devPtr), cuIpcCloseMemHandle((CUdeviceptr)devPtr))

RT_SAME_LAYOUT(struct cudaExternalMemoryHandleDesc, CUDA_EXTERNAL_MEMORY_HANDLE_DESC);
RT_SAME_LAYOUT(struct cudaExternalMemoryBufferDesc, CUDA_EXTERNAL_MEMORY_BUFFER_DESC);
RT_SAME_LAYOUT(struct cudaExternalSemaphoreHandleDesc, CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC);
RT_SAME_LAYOUT(struct cudaExternalSemaphoreSignalParams, CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS);
RT_SAME_LAYOUT(struct cudaExternalSemaphoreWaitParams, CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS);

RT_CALL(cudaImportExternalMemory,
	(cudaExternalMemory_t * extMem_out, const struct cudaExternalMemoryHandleDesc *memHandleDesc),
	cuImportExternalMemory((CUexternalMemory *)extMem_out, (const CUDA_EXTERNAL_MEMORY_HANDLE_DESC *)memHandleDesc))
RT_CALL(cudaExternalMemoryGetMappedBuffer,
	(void **devPtr, cudaExternalMemory_t extMem, const struct cudaExternalMemoryBufferDesc *bufferDesc),
	cuExternalMemoryGetMappedBuffer((CUdeviceptr *)devPtr, (CUexternalMemory)extMem,
					(const CUDA_EXTERNAL_MEMORY_BUFFER_DESC *)bufferDesc))

cudaError_t cudaExternalMemoryGetMappedMipmappedArray(cudaMipmappedArray_t *mipmap, cudaExternalMemory_t extMem,
						      const struct cudaExternalMemoryMipmappedArrayDesc *mipmapDesc)
{
	CUDA_EXTERNAL_MEMORY_MIPMAPPED_ARRAY_DESC driver = {0};
	cudaError_t error = mipmapDesc ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_array_description(&driver.arrayDesc, &mipmapDesc->formatDesc, mipmapDesc->extent,
					     mipmapDesc->flags);
	if (error == cudaSuccess) {
		driver.offset = mipmapDesc->offset;
		driver.numLevels = mipmapDesc->numLevels;
		error = rt_error(rt_driver.cuExternalMemoryGetMappedMipmappedArray((CUmipmappedArray *)mipmap,
										   (CUexternalMemory)extMem, &driver));
	}
	return rt_record(error);
}

RT_CALL(cudaDestroyExternalMemory, (cudaExternalMemory_t extMem), cuDestroyExternalMemory((CUexternalMemory)extMem))
RT_CALL(cudaImportExternalSemaphore,
	(cudaExternalSemaphore_t * extSem_out, const struct cudaExternalSemaphoreHandleDesc *semHandleDesc),
	cuImportExternalSemaphore((CUexternalSemaphore *)extSem_out,
				  (const CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC *)semHandleDesc))
RT_CALL(cudaDestroyExternalSemaphore, (cudaExternalSemaphore_t extSem),
	cuDestroyExternalSemaphore((CUexternalSemaphore)extSem))
RT_CALL_STREAM(cudaSignalExternalSemaphoresAsync,
	       (const cudaExternalSemaphore_t *extSemArray, const struct cudaExternalSemaphoreSignalParams *paramsArray,
		unsigned int numExtSems, cudaStream_t stream),
	       cuSignalExternalSemaphoresAsync((const CUexternalSemaphore *)extSemArray,
					       (const CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS *)paramsArray, numExtSems,
					       stream))
RT_CALL_STREAM(cudaWaitExternalSemaphoresAsync,
	       (const cudaExternalSemaphore_t *extSemArray, const struct cudaExternalSemaphoreWaitParams *paramsArray,
		unsigned int numExtSems, cudaStream_t stream),
	       cuWaitExternalSemaphoresAsync((const CUexternalSemaphore *)extSemArray,
					     (const CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS *)paramsArray, numExtSems,
					     stream))

/* Graphics resources, which only functions that are not supported can register. */
RT_CALL(cudaGraphicsUnregisterResource, (cudaGraphicsResource_t resource),
	cuGraphicsUnregisterResource((CUgraphicsResource)resource))
RT_CALL(cudaGraphicsResourceSetMapFlags, (cudaGraphicsResource_t resource, unsigned int flags),
	cuGraphicsResourceSetMapFlags((CUgraphicsResource)resource, flags))
RT_CALL(cudaGraphicsMapResources, (int count, cudaGraphicsResource_t *resources, cudaStream_t stream),
	cuGraphicsMapResources((unsigned)count, (CUgraphicsResource *)resources, stream))
RT_CALL(cudaGraphicsUnmapResources, (int count, cudaGraphicsResource_t *resources, cudaStream_t stream),
	cuGraphicsUnmapResources((unsigned)count, (CUgraphicsResource *)resources, stream))
RT_CALL(cudaGraphicsResourceGetMappedPointer, (void **devPtr, size_t *size, cudaGraphicsResource_t resource),
	cuGraphicsResourceGetMappedPointer((CUdeviceptr *)devPtr, size, (CUgraphicsResource)resource))
RT_CALL(cudaGraphicsSubResourceGetMappedArray,
	(cudaArray_t * array, cudaGraphicsResource_t resource, unsigned int arrayIndex, unsigned int mipLevel),
	cuGraphicsSubResourceGetMappedArray((CUarray *)array, (CUgraphicsResource)resource, arrayIndex, mipLevel))
RT_CALL(cudaGraphicsResourceGetMappedMipmappedArray,
	(cudaMipmappedArray_t * mipmappedArray, cudaGraphicsResource_t resource),
	cuGraphicsResourceGetMappedMipmappedArray((CUmipmappedArray *)mipmappedArray, (CUgraphicsResource)resource))
