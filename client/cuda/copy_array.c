/* Copies between one-dimensional arrays and linear memory: boxes of one row. */
#include "copy_box.h"
#include "hand.h"

static void from_array(CUDA_MEMCPY3D *copy, CUarray array, size_t offset)
{
	copy->srcMemoryType = CU_MEMORYTYPE_ARRAY;
	copy->srcArray = array;
	copy->srcXInBytes = offset;
}

static void to_array(CUDA_MEMCPY3D *copy, CUarray array, size_t offset)
{
	copy->dstMemoryType = CU_MEMORYTYPE_ARRAY;
	copy->dstArray = array;
	copy->dstXInBytes = offset;
}

static CUresult copy_row(CUDA_MEMCPY3D *copy, size_t size, CUstream stream, bool awaited)
{
	copy->WidthInBytes = size;
	copy->Height = 1;
	copy->Depth = 1;
	return cu_copy_box(copy, stream, awaited);
}

static CUresult host_to_array(CUarray to, size_t offset, const void *from, size_t size, CUstream stream, bool awaited)
{
	CUDA_MEMCPY3D copy = {.srcMemoryType = CU_MEMORYTYPE_HOST, .srcHost = from};
	to_array(&copy, to, offset);
	return copy_row(&copy, size, stream, awaited);
}

static CUresult array_to_host(void *to, CUarray from, size_t offset, size_t size, CUstream stream, bool awaited)
{
	CUDA_MEMCPY3D copy = {.dstMemoryType = CU_MEMORYTYPE_HOST, .dstHost = to};
	from_array(&copy, from, offset);
	return copy_row(&copy, size, stream, awaited);
}

static CUresult device_to_array(CUarray to, size_t offset, CUdeviceptr from, size_t size, CUstream stream)
{
	CUDA_MEMCPY3D copy = {.srcMemoryType = CU_MEMORYTYPE_DEVICE, .srcDevice = from};
	to_array(&copy, to, offset);
	return copy_row(&copy, size, stream, true);
}

static CUresult array_to_device(CUdeviceptr to, CUarray from, size_t offset, size_t size, CUstream stream)
{
	CUDA_MEMCPY3D copy = {.dstMemoryType = CU_MEMORYTYPE_DEVICE, .dstDevice = to};
	from_array(&copy, from, offset);
	return copy_row(&copy, size, stream, true);
}

static CUresult array_to_array(CUarray to, size_t to_offset, CUarray from, size_t from_offset, size_t size,
			       CUstream stream)
{
	CUDA_MEMCPY3D copy = {0};
	from_array(&copy, from, from_offset);
	to_array(&copy, to, to_offset);
	return copy_row(&copy, size, stream, true);
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
