/* cuMemcpy* between one-dimensional arrays and linear memory: rows of one line. */
#include <cuda.h>
#include <stdint.h>

#include "copy.h"
#include "driver.h"
#include "stream.h"

enum { SYNCHRONOUS = false, ASYNCHRONOUS = true };

static const struct drv_side_box *of_array(struct drv_side_box *side, CUarray array, size_t offset)
{
	*side = (struct drv_side_box){.type = CU_MEMORYTYPE_ARRAY, .array = array, .x = offset};
	return side;
}

static const struct drv_side_box *of_host(struct drv_side_box *side, const void *host)
{
	*side = (struct drv_side_box){.type = CU_MEMORYTYPE_HOST, .host = host};
	return side;
}

static const struct drv_side_box *of_device(struct drv_side_box *side, CUdeviceptr device)
{
	*side = (struct drv_side_box){.type = CU_MEMORYTYPE_DEVICE, .device = device};
	return side;
}

static CUresult copy(const struct drv_side_box *to, const struct drv_side_box *from, size_t size, CUstream stream,
		     bool asynchronous)
{
	return drv_copy_box(to, from, size, 1, 1, stream, asynchronous);
}

static CUresult host_to_array(CUarray to, size_t offset, const void *from, size_t size, CUstream stream,
			      bool asynchronous)
{
	struct drv_side_box a, b;
	return copy(of_array(&a, to, offset), of_host(&b, from), size, stream, asynchronous);
}

static CUresult array_to_host(void *to, CUarray from, size_t offset, size_t size, CUstream stream, bool asynchronous)
{
	struct drv_side_box a, b;
	return copy(of_host(&a, to), of_array(&b, from, offset), size, stream, asynchronous);
}

static CUresult device_to_array(CUarray to, size_t offset, CUdeviceptr from, size_t size, CUstream stream)
{
	struct drv_side_box a, b;
	return copy(of_array(&a, to, offset), of_device(&b, from), size, stream, SYNCHRONOUS);
}

static CUresult array_to_device(CUdeviceptr to, CUarray from, size_t offset, size_t size, CUstream stream)
{
	struct drv_side_box a, b;
	return copy(of_device(&a, to), of_array(&b, from, offset), size, stream, SYNCHRONOUS);
}

static CUresult array_to_array(CUarray to, size_t to_offset, CUarray from, size_t from_offset, size_t size,
			       CUstream stream)
{
	struct drv_side_box a, b;
	return copy(of_array(&a, to, to_offset), of_array(&b, from, from_offset), size, stream, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpyHtoA_v2(CUarray to, size_t offset, const void *from, size_t size)
{
	return host_to_array(to, offset, from, size, CU_STREAM_LEGACY, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpyHtoA_v2_ptds(CUarray to, size_t offset, const void *from, size_t size)
{
	return host_to_array(to, offset, from, size, CU_STREAM_PER_THREAD, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpyHtoAAsync_v2(CUarray to, size_t offset, const void *from, size_t size, CUstream stream)
{
	return host_to_array(to, offset, from, size, stream, ASYNCHRONOUS);
}

DRV_API CUresult cuMemcpyAtoH_v2(void *to, CUarray from, size_t offset, size_t size)
{
	return array_to_host(to, from, offset, size, CU_STREAM_LEGACY, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpyAtoH_v2_ptds(void *to, CUarray from, size_t offset, size_t size)
{
	return array_to_host(to, from, offset, size, CU_STREAM_PER_THREAD, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpyAtoHAsync_v2(void *to, CUarray from, size_t offset, size_t size, CUstream stream)
{
	return array_to_host(to, from, offset, size, stream, ASYNCHRONOUS);
}

DRV_API CUresult cuMemcpyDtoA_v2(CUarray to, size_t offset, CUdeviceptr from, size_t size)
{
	return device_to_array(to, offset, from, size, CU_STREAM_LEGACY);
}

DRV_API CUresult cuMemcpyDtoA_v2_ptds(CUarray to, size_t offset, CUdeviceptr from, size_t size)
{
	return device_to_array(to, offset, from, size, CU_STREAM_PER_THREAD);
}

DRV_API CUresult cuMemcpyAtoD_v2(CUdeviceptr to, CUarray from, size_t offset, size_t size)
{
	return array_to_device(to, from, offset, size, CU_STREAM_LEGACY);
}

DRV_API CUresult cuMemcpyAtoD_v2_ptds(CUdeviceptr to, CUarray from, size_t offset, size_t size)
{
	return array_to_device(to, from, offset, size, CU_STREAM_PER_THREAD);
}

DRV_API CUresult cuMemcpyAtoA_v2(CUarray to, size_t to_offset, CUarray from, size_t from_offset, size_t size)
{
	return array_to_array(to, to_offset, from, from_offset, size, CU_STREAM_LEGACY);
}

DRV_API CUresult cuMemcpyAtoA_v2_ptds(CUarray to, size_t to_offset, CUarray from, size_t from_offset, size_t size)
{
	return array_to_array(to, to_offset, from, from_offset, size, CU_STREAM_PER_THREAD);
}
