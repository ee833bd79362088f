#include "copy.h"

#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "driver.h"
#include "memory_table.h"
#include "queue.h"

/* Pageable memory up to this size is copied aside, so that the call need not wait; CUDA does so up to 64 KiB. */
enum { STAGED_MAX = 64 << 10 };

struct copy_body {
	struct drv_copy copy;
	void *staged;
};

bool drv_place_valid(const struct drv_place *place, size_t width, size_t height, size_t depth, bool write)
{
	size_t rows, slices, size;
	if (__builtin_mul_overflow(height - 1, place->pitch, &rows) ||
	    __builtin_mul_overflow(depth - 1, place->slice, &slices) || __builtin_add_overflow(rows, slices, &size) ||
	    __builtin_add_overflow(size, width, &size))
		return false;
	return write ? cpu_memory_writable(drv_memory(), place->address, size)
		     : cpu_memory_contains(drv_memory(), place->address, size);
}

static void rows_copy(const struct drv_copy *copy)
{
	for (size_t z = 0; z < copy->depth; z++) {
		char *to = (char *)copy->to.address + z * copy->to.slice;
		const char *from = (const char *)copy->from.address + z * copy->from.slice;
		for (size_t y = 0; y < copy->height; y++)
			memmove(to + y * copy->to.pitch, from + y * copy->from.pitch, copy->width);
	}
}

static bool place_still_valid(const struct drv_place *place, const struct drv_copy *copy, bool write)
{
	return place->side == DRV_SIDE_HOST || drv_place_valid(place, copy->width, copy->height, copy->depth, write);
}

/* The memory was checked when the copy was queued; another thread may have freed it since. */
CUresult drv_copy_perform(const struct drv_copy *copy)
{
	if (!copy->width || !copy->height || !copy->depth)
		return CUDA_SUCCESS;
	unsigned pin = cpu_memory_pin(drv_memory());
	bool valid = place_still_valid(&copy->to, copy, true) && place_still_valid(&copy->from, copy, false);
	if (valid)
		rows_copy(copy);
	cpu_memory_unpin(drv_memory(), pin);
	return valid ? CUDA_SUCCESS : CUDA_ERROR_ILLEGAL_ADDRESS;
}

static CUresult copy_op_run(struct drv_op *op)
{
	return drv_copy_perform(&DRV_BODY(op, struct copy_body)->copy);
}

static void copy_op_end(struct drv_op *op)
{
	free(DRV_BODY(op, struct copy_body)->staged);
}

/* Makes one row of rows that follow each other without gaps on both sides. */
static void copy_flatten(struct drv_copy *copy)
{
	bool rows = copy->height == 1 || (copy->to.pitch == copy->width && copy->from.pitch == copy->width);
	size_t slice = copy->width * copy->height;
	if (!rows || (copy->depth > 1 && (copy->to.slice != slice || copy->from.slice != slice)))
		return;
	copy->width = slice * copy->depth;
	copy->height = copy->depth = 1;
}

/* Says where the place lies; pinned host memory counts as the device's, in which it is. False when the place is not
   wholly in allocated memory. */
static bool side_resolve(struct drv_place *place, const struct drv_copy *copy, bool write)
{
	if (place->side != DRV_SIDE_DEVICE && !drv_memory_is_ours(place->address)) {
		place->side = DRV_SIDE_HOST;
		return place->address != 0;
	}
	place->side = DRV_SIDE_DEVICE;
	return drv_place_valid(place, copy->width, copy->height, copy->depth, write);
}

/* Memory that is the host's in the eyes of the program, pinned or not. */
static bool is_host(const struct drv_place *place)
{
	if (place->side == DRV_SIDE_HOST)
		return true;
	struct drv_allocation *allocation = drv_allocation_around(place->address);
	return allocation && allocation->kind == DRV_HOST_MEMORY;
}

static bool is_pageable(const struct drv_place *place)
{
	return place->side == DRV_SIDE_HOST && !drv_memory_is_pinned(place->address);
}

static bool must_wait(const struct drv_copy *copy, bool asynchronous)
{
	bool to_host = is_host(&copy->to), from_host = is_host(&copy->from);
	if (!asynchronous)
		return to_host || from_host;
	return (to_host && from_host) || is_pageable(&copy->to) || is_pageable(&copy->from);
}

/* Copies the source aside instead of waiting; false when that is not possible. */
static bool stage(struct copy_body *body)
{
	struct drv_copy *copy = &body->copy;
	if (is_host(&copy->to) || copy->height > 1 || copy->depth > 1 || copy->width > STAGED_MAX)
		return false;
	body->staged = malloc(copy->width);
	if (!body->staged)
		return false;
	memcpy(body->staged, (const void *)copy->from.address, copy->width);
	copy->from.address = (uintptr_t)body->staged;
	copy->from.side = DRV_SIDE_HOST;
	return true;
}

CUresult drv_copy_check(struct drv_copy *copy)
{
	if (!copy->width || !copy->height || !copy->depth)
		return CUDA_SUCCESS;
	if (!side_resolve(&copy->to, copy, true) || !side_resolve(&copy->from, copy, false))
		return CUDA_ERROR_INVALID_VALUE;
	copy_flatten(copy);
	return CUDA_SUCCESS;
}

static CUresult copy_submit(struct drv_copy *copy, struct drv_stream *stream, bool asynchronous)
{
	if (!copy->width || !copy->height || !copy->depth)
		return CUDA_SUCCESS;
	CUresult result = drv_copy_check(copy);
	if (result != CUDA_SUCCESS)
		return result;
	if (stream->captured && asynchronous)
		return drv_capture_copy(stream, copy);
	struct drv_op *op = drv_op_new(stream, copy_op_run, copy_op_end);
	if (!op)
		return CUDA_ERROR_OUT_OF_MEMORY;
	struct copy_body *body = DRV_BODY(op, struct copy_body);
	*body = (struct copy_body){.copy = *copy};
	bool wait = must_wait(copy, asynchronous);
	if (wait && asynchronous && stage(body))
		wait = false;
	return wait ? drv_queue_finish(op) : drv_queue_submit(op);
}

CUresult drv_copy_run(const struct drv_copy *copy, CUstream handle, bool asynchronous)
{
	struct drv_stream *stream;
	struct drv_copy resolved = *copy;
	CUresult result = drv_enter_stream(handle, &stream);
	return result == CUDA_SUCCESS ? drv_leave(copy_submit(&resolved, stream, asynchronous)) : result;
}
