/* cuMemcpy2D* and cuMemcpy3D*: boxes of bytes, in linear memory and arrays. */
#include <cuda.h>
#include <limits.h>
#include <stdint.h>

#include "array.h"
#include "copy.h"
#include "driver.h"
#include "driver_abi/boxes.h"
#include "stream.h"

enum { SYNCHRONOUS = false, ASYNCHRONOUS = true };

static CUresult side_start(const struct drv_side_box *side, struct drv_place *place)
{
	switch (side->type) {
	case CU_MEMORYTYPE_HOST:
		place->side = DRV_SIDE_HOST;
		place->address = (uintptr_t)side->host;
		break;
	case CU_MEMORYTYPE_DEVICE:
		place->side = DRV_SIDE_DEVICE;
		place->address = side->device;
		break;
	case CU_MEMORYTYPE_UNIFIED:
		place->side = DRV_SIDE_ANY;
		place->address = side->device;
		break;
	default: /* arrays are handled apart */
		return CUDA_ERROR_INVALID_VALUE;
	}
	return place->address ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/* address += count * stride; false when that leaves the address space. */
static bool advance(uint64_t *address, size_t count, size_t stride)
{
	size_t distance;
	return !__builtin_mul_overflow(count, stride, &distance) &&
	       !__builtin_add_overflow(*address, distance, address);
}

static bool fits(size_t start, size_t count, size_t extent)
{
	return start <= extent && count <= extent - start;
}

/* Layers, and the faces of cubes, count as slices. */
static CUresult place_in_array(const struct drv_side_box *side, const struct drv_copy *box, struct drv_place *place)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	const struct drv_array *array = drv_array_get(side->array);
	if (!array)
		return drv_leave(CUDA_ERROR_INVALID_HANDLE);
	const struct cpu_level *level = &array->image.levels[0];
	size_t texel = array->image.texel_bytes;
	*place = (struct drv_place){.address = level->address + side->z * level->slice + side->y * level->row + side->x,
				    .pitch = level->row,
				    .slice = level->slice,
				    .side = DRV_SIDE_DEVICE};
	bool inside = fits(side->x, box->width, level->width * texel) && fits(side->y, box->height, level->height) &&
		      fits(side->z, box->depth, (size_t)level->depth * array->image.layers);
	bool whole = side->x % texel == 0 && box->width % texel == 0;
	return drv_leave(inside && whole ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE);
}

static CUresult place_make(const struct drv_side_box *side, const struct drv_copy *box, struct drv_place *place)
{
	size_t row, column;
	if (side->type == CU_MEMORYTYPE_ARRAY)
		return place_in_array(side, box, place);
	CUresult result = side_start(side, place);
	if (result != CUDA_SUCCESS)
		return result;
	/* A pitch may be left out for a single row, a height for a single slice. */
	place->pitch = side->pitch ? side->pitch : side->x + box->width;
	size_t height = side->height ? side->height : side->y + box->height;
	if (__builtin_add_overflow(side->x, box->width, &row) ||
	    __builtin_add_overflow(side->y, box->height, &column) || row > place->pitch ||
	    (box->depth > 1 && column > height) || place->pitch > INT_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	if (!side->pitch && (box->height > 1 || box->depth > 1))
		return CUDA_ERROR_INVALID_VALUE;
	if (__builtin_mul_overflow(place->pitch, height, &place->slice) || !advance(&place->address, 1, side->x) ||
	    !advance(&place->address, side->y, place->pitch) || !advance(&place->address, side->z, place->slice))
		return CUDA_ERROR_INVALID_VALUE;
	return CUDA_SUCCESS;
}

CUresult drv_copy_box(const struct drv_side_box *to, const struct drv_side_box *from, size_t width, size_t height,
		      size_t depth, CUstream stream, bool asynchronous)
{
	struct drv_copy copy = {.width = width, .height = height, .depth = depth};
	CUresult result = place_make(to, &copy, &copy.to);
	if (result == CUDA_SUCCESS)
		result = place_make(from, &copy, &copy.from);
	return result == CUDA_SUCCESS ? drv_copy_run(&copy, stream, asynchronous) : result;
}

CUresult drv_copy_3d_describe(const CUDA_MEMCPY3D *p, struct drv_copy *copy)
{
	if (!p || p->srcLOD || p->dstLOD)
		return CUDA_ERROR_INVALID_VALUE;
	const struct drv_side_box to = {.type = p->dstMemoryType,
					.host = p->dstHost,
					.device = p->dstDevice,
					.array = p->dstArray,
					.x = p->dstXInBytes,
					.y = p->dstY,
					.z = p->dstZ,
					.pitch = p->dstPitch,
					.height = p->dstHeight};
	const struct drv_side_box from = {.type = p->srcMemoryType,
					  .host = p->srcHost,
					  .device = p->srcDevice,
					  .array = p->srcArray,
					  .x = p->srcXInBytes,
					  .y = p->srcY,
					  .z = p->srcZ,
					  .pitch = p->srcPitch,
					  .height = p->srcHeight};
	*copy = (struct drv_copy){.width = p->WidthInBytes, .height = p->Height, .depth = p->Depth};
	CUresult result = place_make(&to, copy, &copy->to);
	return result == CUDA_SUCCESS ? place_make(&from, copy, &copy->from) : result;
}

static CUresult copy_3d(const CUDA_MEMCPY3D *p, CUstream stream, bool asynchronous)
{
	struct drv_copy copy;
	CUresult result = drv_copy_3d_describe(p, &copy);
	return result == CUDA_SUCCESS ? drv_copy_run(&copy, stream, asynchronous) : result;
}

static CUresult copy_2d(const CUDA_MEMCPY2D *p, CUstream stream, bool asynchronous)
{
	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	const CUDA_MEMCPY3D box = cr_box_of_rectangle(p);
	return copy_3d(&box, stream, asynchronous);
}

static CUresult copy_3d_peer(const CUDA_MEMCPY3D_PEER *p, CUstream stream, bool asynchronous)
{
	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	const CUDA_MEMCPY3D box = cr_box_of_peer_copy(p);
	return copy_3d(&box, stream, asynchronous);
}

DRV_API CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *parameters)
{
	return copy_2d(parameters, CU_STREAM_LEGACY, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpy2D_v2_ptds(const CUDA_MEMCPY2D *parameters)
{
	return copy_2d(parameters, CU_STREAM_PER_THREAD, SYNCHRONOUS);
}

/* No alignment is asked for anyway. */
DRV_API CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D *parameters)
{
	return copy_2d(parameters, CU_STREAM_LEGACY, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpy2DUnaligned_v2_ptds(const CUDA_MEMCPY2D *parameters)
{
	return copy_2d(parameters, CU_STREAM_PER_THREAD, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *parameters, CUstream stream)
{
	return copy_2d(parameters, stream, ASYNCHRONOUS);
}

DRV_API CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D *parameters)
{
	return copy_3d(parameters, CU_STREAM_LEGACY, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpy3D_v2_ptds(const CUDA_MEMCPY3D *parameters)
{
	return copy_3d(parameters, CU_STREAM_PER_THREAD, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D *parameters, CUstream stream)
{
	return copy_3d(parameters, stream, ASYNCHRONOUS);
}

DRV_API CUresult cuMemcpy3DPeer(const CUDA_MEMCPY3D_PEER *parameters)
{
	return copy_3d_peer(parameters, CU_STREAM_LEGACY, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpy3DPeer_ptds(const CUDA_MEMCPY3D_PEER *parameters)
{
	return copy_3d_peer(parameters, CU_STREAM_PER_THREAD, SYNCHRONOUS);
}

DRV_API CUresult cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER *parameters, CUstream stream)
{
	return copy_3d_peer(parameters, stream, ASYNCHRONOUS);
}
