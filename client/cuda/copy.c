#include "copy.h"

#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "connection.h"
#include "copy_later.h"
#include "hand.h"
#include "handles.h"
#include "memory.h"

/* What stands before the blob, or asks for one. */
struct piece {
	u64 address;
	u64 size;
	u64 stream;
};

static size_t piece_size(size_t left)
{
	return left < CUDA_BLOB_MAX ? left : CUDA_BLOB_MAX;
}

/* What CUDA refuses at once: no host memory, or more than the device allocation has. */
static CUresult check(const void *host, CUdeviceptr device, size_t size)
{
	return size && (!host || !cu_memory_may_hold(device, size)) ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

/* ---- Host to device ---- */

static bool encode_to_device(XDR *args, const void *arguments)
{
	struct piece piece = *(const struct piece *)arguments;
	return xdr_u64(args, &piece.address);
}

static bool encode_to_device_in(XDR *args, const void *arguments)
{
	struct piece piece = *(const struct piece *)arguments;
	return xdr_u64(args, &piece.address) && xdr_u64(args, &piece.stream);
}

static copy_side host_side(const void *address)
{
	return (copy_side){.host = true, .address = (uintptr_t)address};
}

static copy_side device_side(CUdeviceptr address)
{
	return (copy_side){.address = address};
}

/* The synchronous call waits, as CUDA does for memory that it need not stage. */
static CUresult to_device_later(CUdeviceptr to, const void *from, size_t size, CUstream stream)
{
	CUresult err = cu_copy_bytes_later(device_side(to), host_side(from), size, stream);
	return err || stream ? err : cu_copy_wait(stream);
}

CUresult cu_copy_to_device(CUdeviceptr to, const void *from, size_t size, CUstream stream)
{
	struct piece piece = {.address = to};
	CUresult err = check(from, to, size);
	if (!err && size && cu_copy_must_wait(stream, from))
		return to_device_later(to, from, size, stream);
	if (!err)
		err = cu_id_of_stream(stream, &piece.stream);
	while (!err && size) {
		size_t count = piece_size(size);
		err = stream ? cu_call_with_blob(FN_cuMemcpyHtoDAsync_v2, encode_to_device_in, &piece, from, count)
			     : cu_call_with_blob(FN_cuMemcpyHtoD_v2, encode_to_device, &piece, from, count);
		piece.address += count;
		from = (const char *)from + count;
		size -= count;
	}
	return err;
}

CUresult client_cuMemcpyHtoD_v2(CUdeviceptr dstDevice, const void *srcHost, size_t ByteCount)
{
	return cu_copy_to_device(dstDevice, srcHost, ByteCount, NULL);
}

CUresult client_cuMemcpyHtoD_v2_ptds(CUdeviceptr dstDevice, const void *srcHost, size_t ByteCount)
{
	return cu_copy_to_device(dstDevice, srcHost, ByteCount, CU_STREAM_PER_THREAD);
}

CUresult client_cuMemcpyHtoDAsync_v2(CUdeviceptr dstDevice, const void *srcHost, size_t ByteCount, CUstream hStream)
{
	return cu_copy_to_device(dstDevice, srcHost, ByteCount, hStream ? hStream : CU_STREAM_LEGACY);
}

/* ---- Device to host, awaited: all pieces are asked for at once, then awaited in order ---- */

static CUresult ask(struct cu_reply *reply, const struct piece *piece, char *to)
{
	struct cu_call call;
	*reply = (struct cu_reply){.bulk = true, .to = to, .width = piece->size, .rows = 1, .pitch = piece->size};
	CUresult err = cu_call_begin(&call, FN_cuMemcpyDtoH_v2);
	if (err)
		return err;
	struct piece wire = *piece;
	return cu_connection_end_expecting(&call, xdr_u64(call.args, &wire.address) && xdr_u64(call.args, &wire.size),
					   reply);
}

/* Awaits the first `count` replies, whatever happens; the first error. */
static CUresult await(struct cu_reply *replies, size_t count, CUresult err)
{
	for (size_t i = 0; i < count; i++) {
		CUresult piece_err = cu_connection_wait(&replies[i]);
		cu_reply_clear(&replies[i]);
		if (!err)
			err = piece_err;
	}
	return err;
}

CUresult cu_copy_to_host(void *to, CUdeviceptr from, size_t size)
{
	enum { AT_ONCE = 64 }; /* pieces asked for before the first is awaited */
	CUresult err = check(to, from, size);
	struct cu_reply *replies = err || !size ? NULL : malloc(AT_ONCE * sizeof(*replies));
	if (!err && size && !replies)
		return CUDA_ERROR_OUT_OF_MEMORY;
	while (!err && size) {
		size_t asked = 0;
		while (!err && size && asked < AT_ONCE) {
			struct piece piece = {from, piece_size(size), 0};
			err = ask(&replies[asked], &piece, to);
			asked += !err;
			to = (char *)to + piece.size;
			from += piece.size;
			size -= piece.size;
		}
		err = await(replies, asked, err);
	}
	free(replies);
	return err;
}

CUresult client_cuMemcpyDtoH_v2(void *dstHost, CUdeviceptr srcDevice, size_t ByteCount)
{
	return cu_copy_to_host(dstHost, srcDevice, ByteCount);
}

/* ---- Device to host, deferred ---- */

static bool encode_to_host_in(XDR *args, const void *arguments)
{
	struct piece piece = *(const struct piece *)arguments;
	return xdr_u64(args, &piece.address) && xdr_u64(args, &piece.size) && xdr_u64(args, &piece.stream);
}

CUresult cu_copy_to_host_later(void *to, CUdeviceptr from, size_t size, CUstream stream)
{
	struct piece piece = {.address = from};
	CUresult err = check(to, from, size);
	if (!err && size && cu_stream_captures(stream))
		return cu_copy_bytes_later(host_side(to), device_side(from), size, stream);
	if (!err)
		err = cu_id_of_stream(stream, &piece.stream);
	while (!err && size) {
		piece.size = piece_size(size);
		err = cu_call_deferred(FN_cuMemcpyDtoHAsync_v2, encode_to_host_in, &piece,
				       (struct cu_rows){to, piece.size, 1, piece.size}, piece.stream);
		to = (char *)to + piece.size;
		piece.address += piece.size;
		size -= piece.size;
	}
	return err;
}

CUresult cu_copy_wait(CUstream stream)
{
	u64 id;
	CUresult err = cu_id_of_stream(stream, &id);
	return err ? err : cu_wait_for_stream(id);
}

CUresult cu_copy_to_host_in(void *to, CUdeviceptr from, size_t size, CUstream stream)
{
	CUresult err = cu_copy_to_host_later(to, from, size, stream);
	return err || !size ? err : cu_copy_wait(stream);
}

CUresult client_cuMemcpyDtoH_v2_ptds(void *dstHost, CUdeviceptr srcDevice, size_t ByteCount)
{
	return cu_copy_to_host_in(dstHost, srcDevice, ByteCount, CU_STREAM_PER_THREAD);
}

/* Into pageable memory the copy is complete when the call returns, as CUDA documents. */
CUresult client_cuMemcpyDtoHAsync_v2(void *dstHost, CUdeviceptr srcDevice, size_t ByteCount, CUstream hStream)
{
	if (cu_host_is_pinned(dstHost) || cu_stream_captures(hStream))
		return cu_copy_to_host_later(dstHost, srcDevice, ByteCount, hStream);
	return cu_copy_to_host_in(dstHost, srcDevice, ByteCount, hStream);
}

/* ---- Any direction: what is not known to be the device's is the host's ---- */

static void *host(CUdeviceptr address)
{
	return (void *)(uintptr_t)address;
}

static CUresult device_to_device(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream)
{
	struct cu_call call;
	u64 wire_to = to, wire_from = from, wire_size = size, id;
	CUresult err = cu_id_of_stream(stream, &id);
	if (!err)
		err = cu_call_begin(&call, FN_cuMemcpyDtoDAsync_v2);
	if (err)
		return err;
	return cu_call_end(&call, xdr_u64(call.args, &wire_to) && xdr_u64(call.args, &wire_from) &&
				      xdr_u64(call.args, &wire_size) && xdr_u64(call.args, &id));
}

static CUresult host_to_host(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream)
{
	if (cu_stream_captures(stream))
		return cu_copy_bytes_later(host_side(host(to)), host_side(host(from)), size, stream);
	CUresult err = cu_copy_wait(stream);
	if (!err)
		memmove(host(to), host(from), size);
	return err;
}

/* `awaited`: a synchronous call, whose host destination is filled when it returns. */
static CUresult copy_any(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream, bool awaited)
{
	bool to_device = cu_memory_is_device(to), from_device = cu_memory_is_device(from);
	if (!size)
		return CUDA_SUCCESS;
	if (!to || !from)
		return CUDA_ERROR_INVALID_VALUE;
	if (to_device && from_device)
		return device_to_device(to, from, size, stream);
	if (to_device)
		return cu_copy_to_device(to, host(from), size, stream);
	if (!from_device)
		return host_to_host(to, from, size, stream);
	if (!cu_stream_captures(stream) && (awaited || !cu_host_is_pinned(host(to))))
		return cu_copy_to_host_in(host(to), from, size, stream);
	return cu_copy_to_host_later(host(to), from, size, stream);
}

CUresult client_cuMemcpy(CUdeviceptr dst, CUdeviceptr src, size_t ByteCount)
{
	return copy_any(dst, src, ByteCount, CU_STREAM_LEGACY, true);
}

CUresult client_cuMemcpy_ptds(CUdeviceptr dst, CUdeviceptr src, size_t ByteCount)
{
	return copy_any(dst, src, ByteCount, CU_STREAM_PER_THREAD, true);
}

CUresult client_cuMemcpyAsync(CUdeviceptr dst, CUdeviceptr src, size_t ByteCount, CUstream hStream)
{
	return copy_any(dst, src, ByteCount, hStream ? hStream : CU_STREAM_LEGACY, false);
}

/* ---- Between contexts: addresses are unified, so that the contexts say nothing that they do not ---- */

static CUresult copy_peer(CUdeviceptr to, CUcontext to_context, CUdeviceptr from, CUcontext from_context, size_t size,
			  CUstream stream)
{
	u64 id;
	CUresult err = cu_id_of_context(to_context, &id);
	if (!err)
		err = cu_id_of_context(from_context, &id);
	if (err || !size)
		return err;
	if (!cu_memory_is_device(to) || !cu_memory_is_device(from))
		return CUDA_ERROR_INVALID_VALUE;
	return device_to_device(to, from, size, stream);
}

CUresult client_cuMemcpyPeer(CUdeviceptr dstDevice, CUcontext dstContext, CUdeviceptr srcDevice, CUcontext srcContext,
			     size_t ByteCount)
{
	return copy_peer(dstDevice, dstContext, srcDevice, srcContext, ByteCount, CU_STREAM_LEGACY);
}

CUresult client_cuMemcpyPeer_ptds(CUdeviceptr dstDevice, CUcontext dstContext, CUdeviceptr srcDevice,
				  CUcontext srcContext, size_t ByteCount)
{
	return copy_peer(dstDevice, dstContext, srcDevice, srcContext, ByteCount, CU_STREAM_PER_THREAD);
}

CUresult client_cuMemcpyPeerAsync(CUdeviceptr dstDevice, CUcontext dstContext, CUdeviceptr srcDevice,
				  CUcontext srcContext, size_t ByteCount, CUstream hStream)
{
	return copy_peer(dstDevice, dstContext, srcDevice, srcContext, ByteCount, hStream ? hStream : CU_STREAM_LEGACY);
}
