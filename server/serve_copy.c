/* Copies between the record and the device, and rows. */
#include <string.h>

#include "box.h"
#include "handlers.h"
#include "handles.h"

struct data {
	u_int size;
	void *bytes; /* in the record */
};

static bool decode_data(XDR *args, struct data *data)
{
	if (!xdr_u_int(args, &data->size) || data->size > CUDA_BLOB_MAX)
		return false;
	data->bytes = XDR_INLINE(args, (data->size + 3) & ~3u);
	return data->bytes;
}

/* The data is pageable memory, which the driver stages before it returns ("API synchronization behavior" in NVIDIA's
   driver documentation), so the record may go while the copy is still to be done, and the stream is not held up. */
bool serve_cuMemcpyHtoD_v2(struct srv_call *call)
{
	u64 to;
	struct data data;
	if (!xdr_u64(call->args, &to) || !decode_data(call->args, &data))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = SRV_DRIVER(cuMemcpyHtoDAsync_v2, to, data.bytes, data.size, CU_STREAM_LEGACY);
	return srv_reply(call, err);
}

bool serve_cuMemcpyHtoDAsync_v2(struct srv_call *call)
{
	u64 to, id;
	struct data data;
	CUstream stream = NULL;
	if (!xdr_u64(call->args, &to) || !xdr_u64(call->args, &id) || !decode_data(call->args, &data))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_stream(call, id, &stream);
	if (!err)
		err = SRV_DRIVER(cuMemcpyHtoDAsync_v2, to, data.bytes, data.size, stream);
	return srv_reply(call, err);
}

/* A copy to the host: of `size` bytes, or of rows that are packed in `to`. */
struct fetch {
	u64 from;
	size_t size;
	bool rows;
	device_rows layout;
	const CUDA_MEMCPY3D *box; /* of a box: all but where it goes */
	CUstream stream;
};

static CUresult box_issue(const struct fetch *fetch, void *to)
{
	CUDA_MEMCPY3D copy = *fetch->box;
	copy.dstMemoryType = CU_MEMORYTYPE_HOST;
	copy.dstHost = to;
	copy.dstPitch = copy.WidthInBytes;
	copy.dstHeight = copy.Height;
	return fetch->size ? SRV_DRIVER(cuMemcpy3DAsync_v2, &copy, fetch->stream) : CUDA_SUCCESS;
}

static CUresult fetch_issue(const struct fetch *fetch, void *to)
{
	if (fetch->box)
		return box_issue(fetch, to);
	if (!fetch->rows)
		return SRV_DRIVER(cuMemcpyDtoHAsync_v2, to, fetch->from, fetch->size, fetch->stream);
	if (fetch->size == 0)
		return CUDA_SUCCESS;
	const CUDA_MEMCPY2D copy = {
	    .srcMemoryType = CU_MEMORYTYPE_DEVICE,
	    .srcDevice = fetch->layout.address,
	    .srcPitch = fetch->layout.pitch,
	    .dstMemoryType = CU_MEMORYTYPE_HOST,
	    .dstHost = to,
	    .dstPitch = fetch->layout.width,
	    .WidthInBytes = fetch->layout.width,
	    .Height = fetch->layout.count,
	};
	return SRV_DRIVER(cuMemcpy2DAsync_v2, &copy, fetch->stream);
}

/* Encodes a successful blob_res of `size` bytes and returns where they go. */
static void *result_begin(struct srv_call *call, size_t size)
{
	int err = CUDA_SUCCESS;
	u_int length = (u_int)size, padded = (length + 3) & ~3u;
	if (!xdr_int(call->result, &err) || !xdr_u_int(call->result, &length))
		return NULL;
	char *bytes = (char *)XDR_INLINE(call->result, padded);
	if (bytes && padded > length)
		memset(bytes + length, 0, padded - length);
	return bytes;
}

/* Copies straight into the reply and waits. */
static CUresult fetch_in_order(const struct fetch *fetch, void *to)
{
	CUresult err = fetch_issue(fetch, to);
	return err ? err : SRV_DRIVER(cuStreamSynchronize, fetch->stream);
}

static CUresult fetch_at_once(const struct fetch *fetch, void *to)
{
	return SRV_DRIVER(cuMemcpyDtoH_v2, to, fetch->from, fetch->size);
}

static bool reply_fetched(struct srv_call *call, CUresult err, const struct fetch *fetch,
			  CUresult (*copy)(const struct fetch *, void *))
{
	u_int start = XDR_GETPOS(call->result);
	if (!err) {
		void *to = result_begin(call, fetch->size);
		err = to ? copy(fetch, to) : CUDA_ERROR_OUT_OF_MEMORY;
	}
	if (!err)
		return true;
	XDR_SETPOS(call->result, start);
	return srv_reply(call, err);
}

static bool reply_deferred(struct srv_call *call, CUresult err, const struct fetch *fetch)
{
	struct srv_copy *copy = err ? NULL : srv_copy_new(call->worker, fetch->size);
	if (!err && !copy)
		err = CUDA_ERROR_OUT_OF_MEMORY;
	if (copy) {
		copy->size = fetch->size;
		err = fetch_issue(fetch, copy->data);
		if (!err) {
			err = srv_copy_defer(call, copy, fetch->stream);
			if (err) /* the device may be writing */
				(void)SRV_DRIVER(cuStreamSynchronize, fetch->stream);
		}
		if (err)
			srv_copy_free(call->worker, copy);
	}
	return call->deferred || srv_reply(call, err);
}

static CUresult size_check(u64 size)
{
	return size <= CUDA_BLOB_MAX ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

bool serve_cuMemcpyDtoH_v2(struct srv_call *call)
{
	u64 from, size;
	if (!xdr_u64(call->args, &from) || !xdr_u64(call->args, &size))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = size_check(size);
	const struct fetch fetch = {.from = from, .size = size};
	return reply_fetched(call, err, &fetch, fetch_at_once);
}

static bool serve_fetch(struct srv_call *call, u64 stream, struct fetch *fetch, CUresult err)
{
	if (!err)
		err = size_check(fetch->size);
	if (!err)
		err = srv_find_stream(call, stream, &fetch->stream);
	return call->session->oneway ? reply_deferred(call, err, fetch)
				     : reply_fetched(call, err, fetch, fetch_in_order);
}

bool serve_cuMemcpyDtoHAsync_v2(struct srv_call *call)
{
	u64 from, size, stream;
	if (!xdr_u64(call->args, &from) || !xdr_u64(call->args, &size) || !xdr_u64(call->args, &stream))
		return false;
	struct fetch fetch = {.from = from, .size = size};
	return serve_fetch(call, stream, &fetch, srv_begin(call));
}

/* The bytes of the rows without gaps; more than CUDA_BLOB_MAX where they are too many for one piece. */
static size_t rows_bytes(const device_rows *rows)
{
	u64 size;
	return __builtin_mul_overflow(rows->width, rows->count, &size) || size > CUDA_BLOB_MAX ? SIZE_MAX
											       : (size_t)size;
}

bool serve_cricketRowsDtoH(struct srv_call *call)
{
	struct fetch fetch = {.rows = true};
	u64 stream;
	if (!xdr_device_rows(call->args, &fetch.layout) || !xdr_u64(call->args, &stream))
		return false;
	fetch.size = rows_bytes(&fetch.layout);
	return serve_fetch(call, stream, &fetch, srv_begin(call));
}

bool serve_cricketBoxDtoH(struct srv_call *call)
{
	box_place place;
	box_extent size;
	u64 stream;
	CUDA_MEMCPY3D copy = {.srcLOD = 0};
	if (!xdr_box_place(call->args, &place) || !xdr_box_extent(call->args, &size) || !xdr_u64(call->args, &stream))
		return false;
	struct fetch fetch = {.box = &copy, .size = srv_box_bytes(&size)};
	CUresult err = srv_begin(call);
	srv_box_extent(&size, &copy);
	if (!err)
		err = srv_box_from(call, &place, &copy);
	return serve_fetch(call, stream, &fetch, err);
}

bool serve_cricketRowsHtoD(struct srv_call *call)
{
	device_rows rows;
	u64 id;
	struct data data;
	CUstream stream = NULL;
	if (!xdr_device_rows(call->args, &rows) || !xdr_u64(call->args, &id) || !decode_data(call->args, &data))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = rows_bytes(&rows) == data.size ? srv_find_stream(call, id, &stream) : CUDA_ERROR_INVALID_VALUE;
	const CUDA_MEMCPY2D copy = {
	    .srcMemoryType = CU_MEMORYTYPE_HOST,
	    .srcHost = data.bytes,
	    .srcPitch = rows.width,
	    .dstMemoryType = CU_MEMORYTYPE_DEVICE,
	    .dstDevice = rows.address,
	    .dstPitch = rows.pitch,
	    .WidthInBytes = rows.width,
	    .Height = rows.count,
	};
	if (!err && data.size > 0)
		err = SRV_DRIVER(cuMemcpy2DAsync_v2, &copy, stream);
	return srv_reply(call, err);
}

bool serve_cricketRowsDtoD(struct srv_call *call)
{
	copy_rows_args rows;
	u64 id;
	CUstream stream = NULL;
	if (!xdr_copy_rows_args(call->args, &rows) || !xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_stream(call, id, &stream);
	const CUDA_MEMCPY2D copy = {
	    .srcMemoryType = CU_MEMORYTYPE_DEVICE,
	    .srcDevice = rows.from,
	    .srcPitch = rows.from_pitch,
	    .dstMemoryType = CU_MEMORYTYPE_DEVICE,
	    .dstDevice = rows.to,
	    .dstPitch = rows.to_pitch,
	    .WidthInBytes = rows.width,
	    .Height = rows.count,
	};
	if (!err && rows.width > 0 && rows.count > 0)
		err = SRV_DRIVER(cuMemcpy2DAsync_v2, &copy, stream);
	return srv_reply(call, err);
}
