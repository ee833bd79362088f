/* Boxes are cut into pieces that fit the protocol: slices, else rows, else parts of a row. */
#include "copy_box.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "capture.h"
#include "copy.h"
#include "copy_later.h"
#include "driver_abi/boxes.h"
#include "hand.h"
#include "memory.h"

/* One side of a copy. */
struct side {
	bool host;
	char *start; /* of the box in the host's memory */
	size_t pitch, slice;
	box_place place; /* of the box on the device */
};

/* What travels before the packed bytes. */
struct piece {
	box_place place;
	box_extent size;
	u64 stream;
};

/* The fields of a CUDA_MEMCPY3D for one side. */
struct description {
	CUmemorytype type;
	const void *host;
	CUdeviceptr device;
	CUarray array;
	size_t x, y, z, lod, pitch, height;
};

static bool fits(size_t start, size_t count, size_t extent)
{
	return start <= extent && count <= extent - start;
}

/* Layers, and the faces of cubes, count as slices. What is not made of channels is left to the server. */
static CUresult resolve_array(const struct description *d, const box_extent *size, struct side *side)
{
	CUDA_ARRAY3D_DESCRIPTOR array;
	CUresult err = cu_array_describe(d->array, &array);
	if (err)
		return err;
	size_t element = cu_array_element(&array);
	size_t height = array.Height ? array.Height : 1, depth = array.Depth ? array.Depth : 1;
	if (element && (d->x % element || size->width % element || !fits(d->x, size->width, array.Width * element)))
		return CUDA_ERROR_INVALID_VALUE;
	if (!fits(d->y, size->height, height) || !fits(d->z, size->depth, depth))
		return CUDA_ERROR_INVALID_VALUE;
	side->place = (box_place){.in_array = 1, .object = (uintptr_t)d->array, .x = d->x, .y = d->y, .z = d->z};
	return CUDA_SUCCESS;
}

/* A pitch may be left out for a single row, a height for a single slice. */
static CUresult resolve_memory(const struct description *d, const box_extent *size, struct side *side)
{
	size_t row, column, first, rows, offset;
	if (__builtin_add_overflow(d->x, size->width, &row) || __builtin_add_overflow(d->y, size->height, &column))
		return CUDA_ERROR_INVALID_VALUE;
	size_t pitch = d->pitch ? d->pitch : row, height = d->height ? d->height : column;
	if (row > pitch || (!d->pitch && (size->height > 1 || size->depth > 1)) || (size->depth > 1 && column > height))
		return CUDA_ERROR_INVALID_VALUE;
	if (__builtin_mul_overflow(pitch, height, &side->slice) || __builtin_mul_overflow(side->slice, d->z, &first) ||
	    __builtin_mul_overflow(pitch, d->y, &rows) || __builtin_add_overflow(first, rows, &offset) ||
	    __builtin_add_overflow(offset, d->x, &offset))
		return CUDA_ERROR_INVALID_VALUE;
	side->pitch = pitch;
	if (side->host)
		side->start = (char *)d->host + offset;
	else
		side->place = (box_place){0, d->device, d->x, d->y, d->z, pitch, height};
	return (side->host ? d->host != NULL : d->device != 0) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

static CUresult resolve(struct description d, const box_extent *size, struct side *side)
{
	*side = (struct side){.host = d.type == CU_MEMORYTYPE_HOST};
	if (d.lod)
		return CUDA_ERROR_INVALID_VALUE;
	if (d.type == CU_MEMORYTYPE_ARRAY)
		return resolve_array(&d, size, side);
	if (d.type == CU_MEMORYTYPE_UNIFIED) {
		side->host = !cu_memory_is_device(d.device);
		d.host = (const void *)(uintptr_t)d.device;
	} else if (d.type != CU_MEMORYTYPE_HOST && d.type != CU_MEMORYTYPE_DEVICE) {
		return CUDA_ERROR_INVALID_VALUE;
	}
	return resolve_memory(&d, size, side);
}

/* ---- Pieces ---- */

/* The largest piece of the box at a time. `whole`: do slices follow each other without gaps, so that several can go? */
static box_extent piece_size(const box_extent *box, bool whole)
{
	box_extent size = {box->width, 1, 1};
	if (size.width >= CUDA_BLOB_MAX) {
		size.width = CUDA_BLOB_MAX;
		return size;
	}
	size.height = CUDA_BLOB_MAX / size.width;
	if (size.height < box->height)
		return size;
	size.height = box->height;
	if (whole)
		size.depth = CUDA_BLOB_MAX / (size.width * size.height);
	if (size.depth > box->depth)
		size.depth = box->depth;
	return size;
}

static u64 smaller(u64 a, u64 b)
{
	return a < b ? a : b;
}

/* Calls `send` for each piece, with where it is in the host's memory. */
static CUresult each_piece(const struct side *host, const struct side *device, const box_extent *box, bool whole,
			   struct piece *piece, CUresult (*send)(const struct piece *, const struct side *, char *))
{
	const box_extent most = piece_size(box, whole);
	CUresult err = CUDA_SUCCESS;
	for (u64 z = 0; z < box->depth && !err; z += most.depth)
		for (u64 y = 0; y < box->height && !err; y += most.height)
			for (u64 x = 0; x < box->width && !err; x += most.width) {
				piece->place = device->place;
				piece->place.x += x;
				piece->place.y += y;
				piece->place.z += z;
				piece->size = (box_extent){smaller(most.width, box->width - x),
							   smaller(most.height, box->height - y),
							   smaller(most.depth, box->depth - z)};
				err = send(piece, host, host->start + z * host->slice + y * host->pitch + x);
			}
	return err;
}

static bool encode_piece(XDR *args, const void *arguments)
{
	struct piece piece = *(const struct piece *)arguments;
	return xdr_box_place(args, &piece.place) && xdr_box_extent(args, &piece.size) && xdr_u64(args, &piece.stream);
}

/* ---- To the device ---- */

static CUresult send_packed(const struct piece *piece, const struct side *host, const char *from)
{
	const box_extent *size = &piece->size;
	size_t bytes = size->width * size->height * size->depth;
	CUresult err =
	    cu_settle(from, (size->depth - 1) * host->slice + (size->height - 1) * host->pitch + size->width);
	if (err)
		return err;
	char *packed = malloc(bytes), *at = packed;
	if (!packed)
		return CUDA_ERROR_OUT_OF_MEMORY;
	for (u64 z = 0; z < size->depth; z++)
		for (u64 y = 0; y < size->height; y++, at += size->width)
			memcpy(at, from + z * host->slice + y * host->pitch, size->width);
	err = cu_call_with_blob(FN_cricketBoxHtoD, encode_piece, piece, packed, bytes);
	free(packed);
	return err;
}

static CUresult send_piece(const struct piece *piece, const struct side *host, char *from)
{
	const box_extent *size = &piece->size;
	bool rows = size->height == 1 || host->pitch == size->width;
	bool slices = size->depth == 1 || host->slice == size->width * size->height;
	if (rows && slices)
		return cu_call_with_blob(FN_cricketBoxHtoD, encode_piece, piece, from,
					 size->width * size->height * size->depth);
	return send_packed(piece, host, from);
}

/* ---- To the host ---- */

static CUresult fetch_piece(const struct piece *piece, const struct side *host, char *to)
{
	const box_extent *size = &piece->size;
	const struct cu_rows rows = {to, size->width, size->height * size->depth, host->pitch};
	return cu_call_deferred(FN_cricketBoxDtoH, encode_piece, piece, rows, piece->stream);
}

/* ---- On one side ---- */

static CUresult box_on_device(const struct side *to, const struct side *from, box_extent size, u64 stream)
{
	struct cu_call call;
	box_place to_place = to->place, from_place = from->place;
	CUresult err = cu_call_begin(&call, FN_cricketBoxDtoD);
	return err ? err
		   : cu_call_end(&call, xdr_box_place(call.args, &to_place) && xdr_box_place(call.args, &from_place) &&
					    xdr_box_extent(call.args, &size) && xdr_u64(call.args, &stream));
}

static CUresult box_on_host(const struct side *to, const struct side *from, const box_extent *size, CUstream stream)
{
	CUresult err = cu_copy_wait(stream);
	for (u64 z = 0; z < size->depth && !err; z++)
		for (u64 y = 0; y < size->height; y++)
			memmove(to->start + z * to->slice + y * to->pitch,
				from->start + z * from->slice + y * from->pitch, size->width);
	return err;
}

/* ---- Captures ---- */

static copy_side later_side(const struct side *side)
{
	u64 address =
	    side->host ? (uintptr_t)side->start
		       : side->place.object + side->place.z * side->slice + side->place.y * side->pitch + side->place.x;
	return (copy_side){side->host, address, side->pitch, side->slice};
}

/* Copies with the host that wait for their turn know no arrays. */
static CUresult box_later(const struct side *to, const struct side *from, const box_extent *size, CUstream stream)
{
	if (to->place.in_array || from->place.in_array)
		return CUDA_ERROR_NOT_SUPPORTED;
	const copy_3d copy = {later_side(from), later_side(to), size->width, size->height, size->depth};
	return cu_copy_later(&copy, stream);
}

static CUresult copy_sides(const struct side *to, const struct side *from, const box_extent *size, CUstream stream,
			   bool awaited)
{
	struct piece piece;
	CUresult err = cu_id_of_stream(stream, &piece.stream);
	if (err)
		return err;
	if (!to->host && !from->host)
		return box_on_device(to, from, *size, piece.stream);
	if (cu_stream_captures(stream))
		return box_later(to, from, size, stream);
	if (to->host && from->host)
		return box_on_host(to, from, size, stream);
	if (from->host) {
		/* A host function may still write to it. */
		err = cu_copy_must_wait(stream, from->start) ? cu_copy_wait(stream) : CUDA_SUCCESS;
		return err ? err : each_piece(from, to, size, true, &piece, send_piece);
	}
	err = each_piece(to, from, size, to->slice == to->pitch * size->height, &piece, fetch_piece);
	return !err && (awaited || !cu_host_is_pinned(to->start)) ? cu_copy_wait(stream) : err;
}

CUresult cu_copy_box(const CUDA_MEMCPY3D *copy, CUstream stream, bool awaited)
{
	struct side to, from;
	if (!copy)
		return CUDA_ERROR_INVALID_VALUE;
	const box_extent size = {copy->WidthInBytes, copy->Height, copy->Depth};
	if (!size.width || !size.height || !size.depth)
		return CUDA_SUCCESS;
	CUresult err = resolve((struct description){copy->dstMemoryType, copy->dstHost, copy->dstDevice, copy->dstArray,
						    copy->dstXInBytes, copy->dstY, copy->dstZ, copy->dstLOD,
						    copy->dstPitch, copy->dstHeight},
			       &size, &to);
	if (!err)
		err = resolve((struct description){copy->srcMemoryType, copy->srcHost, copy->srcDevice, copy->srcArray,
						   copy->srcXInBytes, copy->srcY, copy->srcZ, copy->srcLOD,
						   copy->srcPitch, copy->srcHeight},
			      &size, &from);
	return err ? err : copy_sides(&to, &from, &size, stream, awaited);
}

CUresult cu_copy_rectangle(const CUDA_MEMCPY2D *copy, CUstream stream, bool awaited)
{
	const CUDA_MEMCPY3D box = cr_box_of_rectangle(copy);
	return cu_copy_box(&box, stream, awaited);
}

/* ---- The calls ---- */

CUresult client_cuMemcpy3D_v2(const CUDA_MEMCPY3D *pCopy)
{
	return cu_copy_box(pCopy, CU_STREAM_LEGACY, true);
}

CUresult client_cuMemcpy3D_v2_ptds(const CUDA_MEMCPY3D *pCopy)
{
	return cu_copy_box(pCopy, CU_STREAM_PER_THREAD, true);
}

CUresult client_cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D *pCopy, CUstream hStream)
{
	return cu_copy_box(pCopy, hStream ? hStream : CU_STREAM_LEGACY, false);
}

/* Addresses are unified, so that the contexts say nothing that they do not. */
static CUresult peer(const CUDA_MEMCPY3D_PEER *p, CUstream stream, bool awaited)
{
	u64 id;
	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = p->srcMemoryType == CU_MEMORYTYPE_DEVICE ? cu_id_of_context(p->srcContext, &id) : CUDA_SUCCESS;
	if (!err && p->dstMemoryType == CU_MEMORYTYPE_DEVICE)
		err = cu_id_of_context(p->dstContext, &id);
	const CUDA_MEMCPY3D copy = cr_box_of_peer_copy(p);
	return err ? err : cu_copy_box(&copy, stream, awaited);
}

CUresult client_cuMemcpy3DPeer(const CUDA_MEMCPY3D_PEER *pCopy)
{
	return peer(pCopy, CU_STREAM_LEGACY, true);
}

CUresult client_cuMemcpy3DPeer_ptds(const CUDA_MEMCPY3D_PEER *pCopy)
{
	return peer(pCopy, CU_STREAM_PER_THREAD, true);
}

CUresult client_cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER *pCopy, CUstream hStream)
{
	return peer(pCopy, hStream ? hStream : CU_STREAM_LEGACY, false);
}
