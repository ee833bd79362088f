/* cuMemset*: filling device memory with one value. */
#include <cuda.h>
#include <string.h>

#include "capture.h"
#include "context.h"
#include "copy.h"
#include "driver.h"
#include "fill.h"
#include "memory_table.h"
#include "queue.h"

static void row_fill(unsigned char *to, const struct drv_fill *fill)
{
	if (fill->element == 1) {
		memset(to, (int)fill->value, fill->width);
	} else if (fill->element == 2) {
		for (size_t i = 0; i < fill->width; i++)
			((unsigned short *)(void *)to)[i] = (unsigned short)fill->value;
	} else {
		for (size_t i = 0; i < fill->width; i++)
			((unsigned *)(void *)to)[i] = fill->value;
	}
}

bool drv_fill_valid(const struct drv_fill *fill)
{
	size_t row;
	uint64_t to = (uint64_t)fill->to;
	if (to % fill->element || __builtin_mul_overflow(fill->width, fill->element, &row) ||
	    (fill->height > 1 && (fill->pitch < row || fill->pitch % fill->element)))
		return false;
	const struct drv_place place = {.address = to, .pitch = fill->pitch};
	return drv_place_valid(&place, row, fill->height, 1, true);
}

/* The memory was checked when the fill was queued; another thread may have freed it since. */
CUresult drv_fill_perform(const struct drv_fill *fill)
{
	unsigned pin = cpu_memory_pin(drv_memory());
	bool valid = drv_fill_valid(fill);
	for (size_t y = 0; valid && y < fill->height; y++)
		row_fill(fill->to + y * fill->pitch, fill);
	cpu_memory_unpin(drv_memory(), pin);
	return valid ? CUDA_SUCCESS : CUDA_ERROR_ILLEGAL_ADDRESS;
}

static CUresult fill_run(struct drv_op *op)
{
	return drv_fill_perform(DRV_BODY(op, struct drv_fill));
}

/* Host and managed memory: the program may look at it right after the call. */
static bool host_sees(CUdeviceptr to)
{
	struct drv_allocation *allocation = drv_allocation_around(to);
	return allocation && allocation->kind != DRV_DEVICE_MEMORY && allocation->kind != DRV_POOL_MEMORY;
}

static CUresult fill_capture(const struct drv_fill *fill, struct drv_stream *stream)
{
	CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_MEMSET,
				    .memset = {(CUdeviceptr)fill->to, fill->pitch, fill->value, fill->element,
					       fill->width, fill->height, stream->context->handle}};
	return drv_capture_add(stream, &params, NULL);
}

static CUresult fill_submit(const struct drv_fill *fill, struct drv_stream *stream, bool asynchronous)
{
	if (!fill->width || !fill->height)
		return CUDA_SUCCESS;
	if (!drv_fill_valid(fill))
		return CUDA_ERROR_INVALID_VALUE;
	if (stream->captured && asynchronous)
		return fill_capture(fill, stream);
	struct drv_op *op = drv_op_new(stream, fill_run, NULL);
	if (!op)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*DRV_BODY(op, struct drv_fill) = *fill;
	return !asynchronous && host_sees((CUdeviceptr)fill->to) ? drv_queue_finish(op) : drv_queue_submit(op);
}

static CUresult fill(CUdeviceptr to, size_t pitch, unsigned value, unsigned element, size_t width, size_t height,
		     CUstream handle, bool asynchronous)
{
	const struct drv_fill body = {(unsigned char *)to, pitch, width, height, value, element};
	struct drv_stream *stream;
	CUresult result = drv_enter_stream(handle, &stream);
	return result == CUDA_SUCCESS ? drv_leave(fill_submit(&body, stream, asynchronous)) : result;
}

/* The six functions of one element type: linear and pitched, each synchronous on the legacy and on the per-thread
   stream, and asynchronous. */
#define FILL_FUNCTIONS(bits, type)                                                                                     \
	DRV_API CUresult cuMemsetD##bits##_v2(CUdeviceptr to, type value, size_t count)                                \
	{                                                                                                              \
		return fill(to, 0, value, sizeof value, count, 1, CU_STREAM_LEGACY, false);                            \
	}                                                                                                              \
	DRV_API CUresult cuMemsetD##bits##_v2_ptds(CUdeviceptr to, type value, size_t count)                           \
	{                                                                                                              \
		return fill(to, 0, value, sizeof value, count, 1, CU_STREAM_PER_THREAD, false);                        \
	}                                                                                                              \
	DRV_API CUresult cuMemsetD##bits##Async(CUdeviceptr to, type value, size_t count, CUstream stream)             \
	{                                                                                                              \
		return fill(to, 0, value, sizeof value, count, 1, stream, true);                                       \
	}                                                                                                              \
	DRV_API CUresult cuMemsetD2D##bits##_v2(CUdeviceptr to, size_t pitch, type value, size_t width, size_t height) \
	{                                                                                                              \
		return fill(to, pitch, value, sizeof value, width, height, CU_STREAM_LEGACY, false);                   \
	}                                                                                                              \
	DRV_API CUresult cuMemsetD2D##bits##_v2_ptds(CUdeviceptr to, size_t pitch, type value, size_t width,           \
						     size_t height)                                                    \
	{                                                                                                              \
		return fill(to, pitch, value, sizeof value, width, height, CU_STREAM_PER_THREAD, false);               \
	}                                                                                                              \
	DRV_API CUresult cuMemsetD2D##bits##Async(CUdeviceptr to, size_t pitch, type value, size_t width,              \
						  size_t height, CUstream stream)                                      \
	{                                                                                                              \
		return fill(to, pitch, value, sizeof value, width, height, stream, true);                              \
	}

FILL_FUNCTIONS(8, unsigned char)
FILL_FUNCTIONS(16, unsigned short)
FILL_FUNCTIONS(32, unsigned)
