#include "stream_memory.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture.h"
#include "context.h"
#include "driver.h"
#include "queue.h"
#include "stream.h"

enum { MOST_OPERATIONS = 256, QUICK_LOOKS = 1000, PAUSE_NS = 50000 };

static bool is_wide(const CUstreamBatchMemOpParams *operation)
{
	return operation->operation == CU_STREAM_MEM_OP_WAIT_VALUE_64 ||
	       operation->operation == CU_STREAM_MEM_OP_WRITE_VALUE_64;
}

static CUresult value_check(const CUstreamBatchMemOpParams *operation, unsigned known_flags)
{
	size_t size = is_wide(operation) ? 8 : 4;
	CUdeviceptr address = operation->waitValue.address;
	/* Nobody else writes to the memory: there is nothing to flush. */
	if (operation->waitValue.flags & CU_STREAM_WAIT_VALUE_FLUSH & ~known_flags)
		return CUDA_ERROR_NOT_SUPPORTED;
	if (operation->waitValue.flags & ~known_flags)
		return CUDA_ERROR_INVALID_VALUE;
	return address % size == 0 && cpu_memory_contains(drv_memory(), address, size) ? CUDA_SUCCESS
										       : CUDA_ERROR_INVALID_VALUE;
}

static CUresult operation_check(const CUstreamBatchMemOpParams *operation)
{
	switch ((int)operation->operation) {
	case CU_STREAM_MEM_OP_WAIT_VALUE_32:
	case CU_STREAM_MEM_OP_WAIT_VALUE_64:
		return value_check(operation, CU_STREAM_WAIT_VALUE_NOR); /* the comparisons are 0 to 3 */
	case CU_STREAM_MEM_OP_WRITE_VALUE_32:
	case CU_STREAM_MEM_OP_WRITE_VALUE_64:
		return value_check(operation, CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER);
	case CU_STREAM_MEM_OP_BARRIER:
		return operation->memoryBarrier.flags <= CU_STREAM_MEMORY_BARRIER_TYPE_GPU ? CUDA_SUCCESS
											   : CUDA_ERROR_INVALID_VALUE;
	case CU_STREAM_MEM_OP_FLUSH_REMOTE_WRITES:
		return CUDA_ERROR_NOT_SUPPORTED;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

CUresult drv_memory_operations_check(const CUstreamBatchMemOpParams *operations, unsigned count)
{
	CUresult result = count <= MOST_OPERATIONS && (operations || !count) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
	for (unsigned i = 0; i < count && result == CUDA_SUCCESS; i++)
		result = operation_check(&operations[i]);
	return result;
}

/* Doing them */

static bool holds(const CUstreamBatchMemOpParams *operation)
{
	bool wide = is_wide(operation);
	uint64_t expected = wide ? operation->waitValue.value64 : operation->waitValue.value;
	uint64_t value = wide ? __atomic_load_n((uint64_t *)operation->waitValue.address, __ATOMIC_SEQ_CST)
			      : __atomic_load_n((uint32_t *)operation->waitValue.address, __ATOMIC_SEQ_CST);
	switch (operation->waitValue.flags) {
	case CU_STREAM_WAIT_VALUE_GEQ:
		return wide ? (int64_t)(value - expected) >= 0 : (int32_t)(value - expected) >= 0;
	case CU_STREAM_WAIT_VALUE_EQ:
		return value == expected;
	case CU_STREAM_WAIT_VALUE_AND:
		return (value & expected) != 0;
	default: /* CU_STREAM_WAIT_VALUE_NOR */
		return (wide ? ~(value | expected) : (uint32_t) ~(value | expected)) != 0;
	}
}

static CUresult context_error(struct drv_context *context)
{
	drv_lock();
	CUresult result = context->sticky;
	drv_unlock();
	return result;
}

static CUresult value_wait(struct drv_context *context, const CUstreamBatchMemOpParams *operation)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	CUresult result = CUDA_SUCCESS;
	for (unsigned look = 0; result == CUDA_SUCCESS && !holds(operation); look++) {
		if (look < QUICK_LOOKS) {
			sched_yield();
			continue;
		}
		nanosleep(&pause, NULL);
		result = context_error(context);
	}
	return result;
}

static void value_write(const CUstreamBatchMemOpParams *operation)
{
	if (is_wide(operation))
		__atomic_store_n((uint64_t *)operation->writeValue.address, operation->writeValue.value64,
				 __ATOMIC_SEQ_CST);
	else
		__atomic_store_n((uint32_t *)operation->writeValue.address, operation->writeValue.value,
				 __ATOMIC_SEQ_CST);
}

static CUresult operation_perform(struct drv_context *context, const CUstreamBatchMemOpParams *operation)
{
	switch ((int)operation->operation) {
	case CU_STREAM_MEM_OP_WAIT_VALUE_32:
	case CU_STREAM_MEM_OP_WAIT_VALUE_64:
		return value_wait(context, operation);
	case CU_STREAM_MEM_OP_WRITE_VALUE_32:
	case CU_STREAM_MEM_OP_WRITE_VALUE_64:
		value_write(operation);
		return CUDA_SUCCESS;
	default:
		atomic_thread_fence(memory_order_seq_cst);
		return CUDA_SUCCESS;
	}
}

/* The memory was checked when the operation was queued; another thread may have freed it since. */
CUresult drv_memory_operations_perform(struct drv_context *context, const CUstreamBatchMemOpParams *operations,
				       unsigned count)
{
	unsigned pin = cpu_memory_pin(drv_memory());
	CUresult result =
	    drv_memory_operations_check(operations, count) == CUDA_SUCCESS ? CUDA_SUCCESS : CUDA_ERROR_ILLEGAL_ADDRESS;
	for (unsigned i = 0; i < count && result == CUDA_SUCCESS; i++)
		result = operation_perform(context, &operations[i]);
	cpu_memory_unpin(drv_memory(), pin);
	return result;
}

/* In streams */

struct operations_body {
	CUstreamBatchMemOpParams *operations;
	unsigned count;
};

static CUresult operations_run(struct drv_op *op)
{
	const struct operations_body *body = DRV_BODY(op, struct operations_body);
	return drv_memory_operations_perform(op->stream->context, body->operations, body->count);
}

static void operations_end(struct drv_op *op)
{
	free(DRV_BODY(op, struct operations_body)->operations);
}

static CUresult operations_submit(const CUstreamBatchMemOpParams *operations, unsigned count, struct drv_stream *stream)
{
	CUresult result = drv_memory_operations_check(operations, count);
	if (result != CUDA_SUCCESS || !count)
		return result;
	if (stream->captured) {
		CUgraphNodeParams params = {
		    .type = CU_GRAPH_NODE_TYPE_BATCH_MEM_OP,
		    .memOp = {stream->context->handle, count, (CUstreamBatchMemOpParams *)operations, 0}};
		return drv_capture_add(stream, &params, NULL);
	}
	struct drv_op *op = drv_op_new(stream, operations_run, operations_end);
	if (!op)
		return CUDA_ERROR_OUT_OF_MEMORY;
	struct operations_body *body = DRV_BODY(op, struct operations_body);
	body->count = count;
	body->operations = malloc(count * sizeof *operations);
	if (!body->operations) {
		drv_op_cancel(op);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	memcpy(body->operations, operations, count * sizeof *operations);
	return drv_queue_submit(op);
}

DRV_API CUresult cuStreamBatchMemOp_v2(CUstream handle, unsigned count, CUstreamBatchMemOpParams *operations,
				       unsigned flags)
{
	struct drv_stream *stream;
	if (flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	return result == CUDA_SUCCESS ? drv_leave(operations_submit(operations, count, stream)) : result;
}

static CUresult one_value(CUstream stream, CUstreamBatchMemOpType type, CUdeviceptr address, cuuint64_t value,
			  unsigned flags)
{
	CUstreamBatchMemOpParams operation;
	memset(&operation, 0, sizeof operation);
	operation.waitValue.operation = type;
	operation.waitValue.address = address;
	operation.waitValue.value64 = value; /* the 32-bit one is the lower half */
	operation.waitValue.flags = flags;
	return cuStreamBatchMemOp_v2(stream, 1, &operation, 0);
}

/* A function of one value with its older version, for the legacy and for the per-thread stream. */
#define VALUE_FUNCTION(name, operation, type)                                                                          \
	DRV_API CUresult name##_v2(CUstream stream, CUdeviceptr address, type value, unsigned flags)                   \
	{                                                                                                              \
		return one_value(stream, operation, address, value, flags);                                            \
	}                                                                                                              \
	DRV_API CUresult name##_v2_ptsz(CUstream stream, CUdeviceptr address, type value, unsigned flags)              \
	{                                                                                                              \
		return one_value(drv_per_thread(stream), operation, address, value, flags);                            \
	}                                                                                                              \
	DRV_API CUresult name(CUstream stream, CUdeviceptr address, type value, unsigned flags)                        \
	{                                                                                                              \
		return one_value(stream, operation, address, value, flags);                                            \
	}                                                                                                              \
	DRV_API CUresult name##_ptsz(CUstream stream, CUdeviceptr address, type value, unsigned flags)                 \
	{                                                                                                              \
		return one_value(drv_per_thread(stream), operation, address, value, flags);                            \
	}

VALUE_FUNCTION(cuStreamWaitValue32, CU_STREAM_MEM_OP_WAIT_VALUE_32, cuuint32_t)
VALUE_FUNCTION(cuStreamWaitValue64, CU_STREAM_MEM_OP_WAIT_VALUE_64, cuuint64_t)
VALUE_FUNCTION(cuStreamWriteValue32, CU_STREAM_MEM_OP_WRITE_VALUE_32, cuuint32_t)
VALUE_FUNCTION(cuStreamWriteValue64, CU_STREAM_MEM_OP_WRITE_VALUE_64, cuuint64_t)

DRV_API CUresult cuStreamBatchMemOp_v2_ptsz(CUstream stream, unsigned count, CUstreamBatchMemOpParams *operations,
					    unsigned flags)
{
	return cuStreamBatchMemOp_v2(drv_per_thread(stream), count, operations, flags);
}

DRV_API CUresult cuStreamBatchMemOp(CUstream stream, unsigned count, CUstreamBatchMemOpParams *operations,
				    unsigned flags)
{
	return cuStreamBatchMemOp_v2(stream, count, operations, flags);
}

DRV_API CUresult cuStreamBatchMemOp_ptsz(CUstream stream, unsigned count, CUstreamBatchMemOpParams *operations,
					 unsigned flags)
{
	return cuStreamBatchMemOp_v2(drv_per_thread(stream), count, operations, flags);
}
