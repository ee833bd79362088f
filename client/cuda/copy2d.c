/* Two-dimensional copies: rows are packed for the wire, and split into pieces that fit the protocol. */
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "copy.h"
#include "copy_box.h"
#include "copy_later.h"
#include "hand.h"
#include "handles.h"
#include "memory.h"

/* One side of a copy, resolved: where its first byte is. */
struct side {
	bool device;
	uint64_t address;
	size_t pitch;
};

struct rows_call {
	device_rows rows;
	u64 stream;
};

static CUresult resolve(struct side *side, CUmemorytype type, const void *host_base, CUdeviceptr device_base,
			size_t pitch, size_t x, size_t y, size_t width)
{
	uint64_t offset;
	switch (type) {
	case CU_MEMORYTYPE_HOST:
		*side = (struct side){false, (uintptr_t)host_base, pitch};
		break;
	case CU_MEMORYTYPE_DEVICE:
		*side = (struct side){true, device_base, pitch};
		break;
	case CU_MEMORYTYPE_UNIFIED:
		*side = (struct side){cu_memory_is_device(device_base), device_base, pitch};
		break;
	default:
		return CUDA_ERROR_INVALID_VALUE; /* arrays go with the boxes */
	}
	if (!side->address || (pitch && (x > pitch || width > pitch - x)) ||
	    __builtin_mul_overflow((uint64_t)y, (uint64_t)pitch, &offset))
		return CUDA_ERROR_INVALID_VALUE;
	side->address += offset + x;
	return CUDA_SUCCESS;
}

/* ---- Host to device ---- */

static bool encode_rows(XDR *args, const void *arguments)
{
	struct rows_call call = *(const struct rows_call *)arguments;
	return xdr_device_rows(args, &call.rows) && xdr_u64(args, &call.stream);
}

static CUresult send_rows(const struct rows_call *call, const char *from, size_t pitch, char *packed)
{
	size_t width = call->rows.width, count = call->rows.count;
	if (pitch == width)
		return cu_call_with_blob(FN_cricketRowsHtoD, encode_rows, call, from, width * count);
	CUresult err = cu_settle(from, (count - 1) * pitch + width);
	if (err)
		return err;
	for (size_t row = 0; row < count; row++)
		memcpy(packed + row * width, from + row * pitch, width);
	return cu_call_with_blob(FN_cricketRowsHtoD, encode_rows, call, packed, width * count);
}

static CUresult rows_to_device(struct side to, struct side from, size_t width, size_t height, CUstream stream)
{
	size_t at_once = CUDA_BLOB_MAX / width < height ? CUDA_BLOB_MAX / width : height;
	struct rows_call call = {.rows = {.address = to.address, .pitch = to.pitch, .width = width}};
	CUresult err = cu_id_of_stream(stream, &call.stream);
	char *packed = err || from.pitch == width ? NULL : malloc(at_once * width);
	if (!err && from.pitch != width && !packed)
		err = CUDA_ERROR_OUT_OF_MEMORY;
	for (const char *host = (char *)(uintptr_t)from.address; !err && height; height -= call.rows.count) {
		call.rows.count = at_once < height ? at_once : height;
		err = send_rows(&call, host, from.pitch, packed);
		call.rows.address += call.rows.count * to.pitch;
		host += call.rows.count * from.pitch;
	}
	free(packed);
	return err;
}

/* ---- Device to host ---- */

static CUresult rows_to_host(struct side to, struct side from, size_t width, size_t height, CUstream stream)
{
	size_t at_once = CUDA_BLOB_MAX / width;
	struct rows_call call = {.rows = {.address = from.address, .pitch = from.pitch, .width = width}};
	CUresult err = cu_id_of_stream(stream, &call.stream);
	for (char *host = (char *)(uintptr_t)to.address; !err && height; height -= call.rows.count) {
		call.rows.count = at_once < height ? at_once : height;
		err = cu_call_deferred(FN_cricketRowsDtoH, encode_rows, &call,
				       (struct cu_rows){host, width, call.rows.count, to.pitch}, call.stream);
		call.rows.address += call.rows.count * from.pitch;
		host += call.rows.count * to.pitch;
	}
	return err;
}

/* ---- Device to device, host to host ---- */

static CUresult rows_on_device(struct side to, struct side from, size_t width, size_t height, CUstream stream)
{
	struct cu_call call;
	copy_rows_args args = {to.address, to.pitch, from.address, from.pitch, width, height};
	u64 id;
	CUresult err = cu_id_of_stream(stream, &id);
	if (!err)
		err = cu_call_begin(&call, FN_cricketRowsDtoD);
	return err ? err : cu_call_end(&call, xdr_copy_rows_args(call.args, &args) && xdr_u64(call.args, &id));
}

static CUresult rows_on_host(struct side to, struct side from, size_t width, size_t height, CUstream stream)
{
	CUresult err = cu_copy_wait(stream);
	for (size_t row = 0; !err && row < height; row++)
		memmove((char *)(uintptr_t)to.address + row * to.pitch,
			(char *)(uintptr_t)from.address + row * from.pitch, width);
	return err;
}

/* A row that is longer than a blob travels as an ordinary copy. */
static CUresult long_rows(struct side to, struct side from, size_t width, size_t height, CUstream stream)
{
	CUresult err = CUDA_SUCCESS;
	for (size_t row = 0; !err && row < height; row++) {
		uint64_t row_to = to.address + row * to.pitch, row_from = from.address + row * from.pitch;
		err = to.device ? cu_copy_to_device(row_to, (void *)(uintptr_t)row_from, width, stream)
				: cu_copy_to_host_later((void *)(uintptr_t)row_to, row_from, width, stream);
	}
	return err;
}

static copy_side later_side(struct side side, size_t height)
{
	return (copy_side){!side.device, side.address, side.pitch, side.pitch * height};
}

static CUresult rows_later(struct side to, struct side from, size_t width, size_t height, CUstream stream, bool awaited)
{
	const copy_3d copy = {later_side(from, height), later_side(to, height), width, height, 1};
	CUresult err = cu_copy_later(&copy, stream);
	return err || !awaited ? err : cu_copy_wait(stream);
}

static CUresult copy_rows(struct side to, struct side from, size_t width, size_t height, CUstream stream, bool awaited)
{
	CUresult err;
	const void *host = (void *)(uintptr_t)(from.device ? to.address : from.address);
	bool reads = !from.device && to.device;
	if (to.device != from.device && (reads ? cu_copy_must_wait(stream, host) : cu_stream_captures(stream)))
		return rows_later(to, from, width, height, stream, awaited);
	if (!to.device && !from.device && cu_stream_captures(stream))
		return rows_later(to, from, width, height, stream, awaited);
	if (to.device && from.device)
		return rows_on_device(to, from, width, height, stream);
	if (!to.device && !from.device)
		return rows_on_host(to, from, width, height, stream);
	if (width > CUDA_BLOB_MAX)
		err = long_rows(to, from, width, height, stream);
	else
		err = to.device ? rows_to_device(to, from, width, height, stream)
				: rows_to_host(to, from, width, height, stream);
	bool must_wait = !to.device && (awaited || !cu_host_is_pinned((void *)(uintptr_t)to.address));
	return !err && must_wait ? cu_copy_wait(stream) : err;
}

static CUresult copy_2d(const CUDA_MEMCPY2D *copy, CUstream stream, bool awaited)
{
	struct side to, from;
	if (!copy)
		return CUDA_ERROR_INVALID_VALUE;
	if (copy->srcMemoryType == CU_MEMORYTYPE_ARRAY || copy->dstMemoryType == CU_MEMORYTYPE_ARRAY)
		return cu_copy_rectangle(copy, stream, awaited);
	size_t width = copy->WidthInBytes, height = copy->Height;
	size_t to_pitch = copy->dstPitch ? copy->dstPitch : width, from_pitch = copy->srcPitch ? copy->srcPitch : width;
	if (!width || !height)
		return CUDA_SUCCESS;
	CUresult err = resolve(&to, copy->dstMemoryType, copy->dstHost, copy->dstDevice, to_pitch, copy->dstXInBytes,
			       copy->dstY, width);
	if (!err)
		err = resolve(&from, copy->srcMemoryType, copy->srcHost, copy->srcDevice, from_pitch, copy->srcXInBytes,
			      copy->srcY, width);
	return err ? err : copy_rows(to, from, width, height, stream, awaited);
}

CUresult client_cuMemcpy2D_v2(const CUDA_MEMCPY2D *pCopy)
{
	return copy_2d(pCopy, CU_STREAM_LEGACY, true);
}

CUresult client_cuMemcpy2D_v2_ptds(const CUDA_MEMCPY2D *pCopy)
{
	return copy_2d(pCopy, CU_STREAM_PER_THREAD, true);
}

CUresult client_cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D *pCopy)
{
	return copy_2d(pCopy, CU_STREAM_LEGACY, true);
}

CUresult client_cuMemcpy2DUnaligned_v2_ptds(const CUDA_MEMCPY2D *pCopy)
{
	return copy_2d(pCopy, CU_STREAM_PER_THREAD, true);
}

CUresult client_cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *pCopy, CUstream hStream)
{
	return copy_2d(pCopy, hStream ? hStream : CU_STREAM_LEGACY, false);
}
