/* Copies of boxes, in memory and arrays. What comes from the device is with the other copies to the host. */
#include "box.h"
#include "handlers.h"
#include "handles.h"

CUresult srv_box_from(struct srv_call *call, const box_place *place, CUDA_MEMCPY3D *copy)
{
	copy->srcXInBytes = place->x;
	copy->srcY = place->y;
	copy->srcZ = place->z;
	copy->srcMemoryType = place->in_array ? CU_MEMORYTYPE_ARRAY : CU_MEMORYTYPE_DEVICE;
	if (place->in_array)
		return srv_find_array(call, place->object, &copy->srcArray);
	copy->srcDevice = place->object;
	copy->srcPitch = place->pitch;
	copy->srcHeight = place->height;
	return CUDA_SUCCESS;
}

CUresult srv_box_to(struct srv_call *call, const box_place *place, CUDA_MEMCPY3D *copy)
{
	copy->dstXInBytes = place->x;
	copy->dstY = place->y;
	copy->dstZ = place->z;
	copy->dstMemoryType = place->in_array ? CU_MEMORYTYPE_ARRAY : CU_MEMORYTYPE_DEVICE;
	if (place->in_array)
		return srv_find_array(call, place->object, &copy->dstArray);
	copy->dstDevice = place->object;
	copy->dstPitch = place->pitch;
	copy->dstHeight = place->height;
	return CUDA_SUCCESS;
}

void srv_box_extent(const box_extent *size, CUDA_MEMCPY3D *copy)
{
	copy->WidthInBytes = size->width;
	copy->Height = size->height;
	copy->Depth = size->depth;
}

size_t srv_box_bytes(const box_extent *size)
{
	u64 slice, bytes;
	if (__builtin_mul_overflow(size->width, size->height, &slice) ||
	    __builtin_mul_overflow(slice, size->depth, &bytes) || bytes > CUDA_BLOB_MAX)
		return SIZE_MAX;
	return (size_t)bytes;
}

/* The data is pageable memory, which the driver stages before it returns. */
bool serve_cricketBoxHtoD(struct srv_call *call)
{
	box_place place;
	box_extent size;
	u64 id;
	u_int length;
	CUstream stream = NULL;
	if (!xdr_box_place(call->args, &place) || !xdr_box_extent(call->args, &size) || !xdr_u64(call->args, &id) ||
	    !xdr_u_int(call->args, &length) || length > CUDA_BLOB_MAX)
		return false;
	const void *bytes = XDR_INLINE(call->args, (length + 3) & ~3u);
	if (!bytes)
		return false;
	CUDA_MEMCPY3D copy = {
	    .srcMemoryType = CU_MEMORYTYPE_HOST, .srcHost = bytes, .srcPitch = size.width, .srcHeight = size.height};
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_box_bytes(&size) == length ? srv_find_stream(call, id, &stream) : CUDA_ERROR_INVALID_VALUE;
	if (!err)
		err = srv_box_to(call, &place, &copy);
	srv_box_extent(&size, &copy);
	if (!err && length > 0)
		err = SRV_DRIVER(cuMemcpy3DAsync_v2, &copy, stream);
	return srv_reply(call, err);
}

bool serve_cricketBoxDtoD(struct srv_call *call)
{
	box_place to, from;
	box_extent size;
	u64 id;
	CUstream stream = NULL;
	CUDA_MEMCPY3D copy = {.srcLOD = 0};
	if (!xdr_box_place(call->args, &to) || !xdr_box_place(call->args, &from) ||
	    !xdr_box_extent(call->args, &size) || !xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_stream(call, id, &stream);
	if (!err)
		err = srv_box_to(call, &to, &copy);
	if (!err)
		err = srv_box_from(call, &from, &copy);
	srv_box_extent(&size, &copy);
	if (!err && size.width && size.height && size.depth)
		err = SRV_DRIVER(cuMemcpy3DAsync_v2, &copy, stream);
	return srv_reply(call, err);
}
