/* Copies between one-dimensional arrays and linear memory: boxes of one row. */
#include "copy_box.h"
#include "hand.h"

static CUresult host_to_array(CUarray to, size_t offset, const void *from, size_t size, CUstream stream, bool awaited)
{
	const CUDA_MEMCPY3D copy = {.srcMemoryType = CU_MEMORYTYPE_HOST,
				    .srcHost = from,
				    .dstMemoryType = CU_MEMORYTYPE_ARRAY,
				    .dstArray = to,
				    .dstXInBytes = offset,
				    .WidthInBytes = size,
				    .Height = 1,
				    .Depth = 1};
	return cu_copy_box(&copy, stream, awaited);
}

static CUresult array_to_host(void *to, CUarray from, size_t offset, size_t size, CUstream stream, bool awaited)
{
	const CUDA_MEMCPY3D copy = {.srcMemoryType = CU_MEMORYTYPE_ARRAY,
				    .srcArray = from,
				    .srcXInBytes = offset,
				    .dstMemoryType = CU_MEMORYTYPE_HOST,
				    .dstHost = to,
				    .WidthInBytes = size,
				    .Height = 1,
				    .Depth = 1};
	return cu_copy_box(&copy, stream, awaited);
}

static CUresult device_to_array(CUarray to, size_t offset, CUdeviceptr from, size_t size, CUstream stream)
{
	const CUDA_MEMCPY3D copy = {.srcMemoryType = CU_MEMORYTYPE_DEVICE,
				    .srcDevice = from,
				    .dstMemoryType = CU_MEMORYTYPE_ARRAY,
				    .dstArray = to,
				    .dstXInBytes = offset,
				    .WidthInBytes = size,
				    .Height = 1,
				    .Depth = 1};
	return cu_copy_box(&copy, stream, true);
}

static CUresult array_to_device(CUdeviceptr to, CUarray from, size_t offset, size_t size, CUstream stream)
{
	const CUDA_MEMCPY3D copy = {.srcMemoryType = CU_MEMORYTYPE_ARRAY,
				    .srcArray = from,
				    .srcXInBytes = offset,
				    .dstMemoryType = CU_MEMORYTYPE_DEVICE,
				    .dstDevice = to,
				    .WidthInBytes = size,
				    .Height = 1,
				    .Depth = 1};
	return cu_copy_box(&copy, stream, true);
}

static CUresult array_to_array(CUarray to, size_t to_offset, CUarray from, size_t from_offset, size_t size,
			       CUstream stream)
{
	const CUDA_MEMCPY3D copy = {.srcMemoryType = CU_MEMORYTYPE_ARRAY,
				    .srcArray = from,
				    .srcXInBytes = from_offset,
				    .dstMemoryType = CU_MEMORYTYPE_ARRAY,
				    .dstArray = to,
				    .dstXInBytes = to_offset,
				    .WidthInBytes = size,
				    .Height = 1,
				    .Depth = 1};
	return cu_copy_box(&copy, stream, true);
}

CUresult client_cuMemcpyHtoA_v2(CUarray dstArray, size_t dstOffset, const void *srcHost, size_t ByteCount)
{
	return host_to_array(dstArray, dstOffset, srcHost, ByteCount, CU_STREAM_LEGACY, true);
}

CUresult client_cuMemcpyHtoA_v2_ptds(CUarray dstArray, size_t dstOffset, const void *srcHost, size_t ByteCount)
{
	return host_to_array(dstArray, dstOffset, srcHost, ByteCount, CU_STREAM_PER_THREAD, true);
}

CUresult client_cuMemcpyHtoAAsync_v2(CUarray dstArray, size_t dstOffset, const void *srcHost, size_t ByteCount,
				     CUstream hStream)
{
	return host_to_array(dstArray, dstOffset, srcHost, ByteCount, hStream ? hStream : CU_STREAM_LEGACY, false);
}

CUresult client_cuMemcpyAtoH_v2(void *dstHost, CUarray srcArray, size_t srcOffset, size_t ByteCount)
{
	return array_to_host(dstHost, srcArray, srcOffset, ByteCount, CU_STREAM_LEGACY, true);
}

CUresult client_cuMemcpyAtoH_v2_ptds(void *dstHost, CUarray srcArray, size_t srcOffset, size_t ByteCount)
{
	return array_to_host(dstHost, srcArray, srcOffset, ByteCount, CU_STREAM_PER_THREAD, true);
}

CUresult client_cuMemcpyAtoHAsync_v2(void *dstHost, CUarray srcArray, size_t srcOffset, size_t ByteCount,
				     CUstream hStream)
{
	return array_to_host(dstHost, srcArray, srcOffset, ByteCount, hStream ? hStream : CU_STREAM_LEGACY, false);
}

CUresult client_cuMemcpyDtoA_v2(CUarray dstArray, size_t dstOffset, CUdeviceptr srcDevice, size_t ByteCount)
{
	return device_to_array(dstArray, dstOffset, srcDevice, ByteCount, CU_STREAM_LEGACY);
}

CUresult client_cuMemcpyDtoA_v2_ptds(CUarray dstArray, size_t dstOffset, CUdeviceptr srcDevice, size_t ByteCount)
{
	return device_to_array(dstArray, dstOffset, srcDevice, ByteCount, CU_STREAM_PER_THREAD);
}

CUresult client_cuMemcpyAtoD_v2(CUdeviceptr dstDevice, CUarray srcArray, size_t srcOffset, size_t ByteCount)
{
	return array_to_device(dstDevice, srcArray, srcOffset, ByteCount, CU_STREAM_LEGACY);
}

CUresult client_cuMemcpyAtoD_v2_ptds(CUdeviceptr dstDevice, CUarray srcArray, size_t srcOffset, size_t ByteCount)
{
	return array_to_device(dstDevice, srcArray, srcOffset, ByteCount, CU_STREAM_PER_THREAD);
}

CUresult client_cuMemcpyAtoA_v2(CUarray dstArray, size_t dstOffset, CUarray srcArray, size_t srcOffset,
				size_t ByteCount)
{
	return array_to_array(dstArray, dstOffset, srcArray, srcOffset, ByteCount, CU_STREAM_LEGACY);
}

CUresult client_cuMemcpyAtoA_v2_ptds(CUarray dstArray, size_t dstOffset, CUarray srcArray, size_t srcOffset,
				     size_t ByteCount)
{
	return array_to_array(dstArray, dstOffset, srcArray, srcOffset, ByteCount, CU_STREAM_PER_THREAD);
}
