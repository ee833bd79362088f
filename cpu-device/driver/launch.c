/* cuLaunch*: checks a launch, packs its parameters and queues it. */
#include <cuda.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "context.h"
#include "device.h"
#include "driver.h"
#include "event.h"
#include "function.h"
#include "launch.h"
#include "log.h"
#include "occupancy.h"
#include "queue.h"

struct launch_body {
	struct cpu_launch launch;
	void *heap; /* the parameters, when they do not fit below */
	unsigned char parameters[DRV_OP_BODY - sizeof(struct cpu_launch) - sizeof(void *)];
};

_Static_assert(sizeof(struct launch_body) <= DRV_OP_BODY, "a launch fits an operation");

CUresult drv_launch_run(const struct cpu_launch *grid)
{
	char fault[1024] = "";
	CUresult result = cpu_kernel_run(drv_memory(), grid, (struct cpu_text){fault, sizeof fault});
	if (result != CUDA_SUCCESS)
		drv_log(DRV_LOG_ERROR, "kernel failed (error %d): %s", result, fault);
	return result;
}

static CUresult launch_run(struct drv_op *op)
{
	return drv_launch_run(&DRV_BODY(op, struct launch_body)->launch);
}

static void launch_end(struct drv_op *op)
{
	free(DRV_BODY(op, struct launch_body)->heap);
}

/* Checking */

static bool shape_valid(const struct drv_launch *request)
{
	const unsigned *grid = request->grid, *block = request->block;
	return grid[0] && grid[1] && grid[2] && grid[0] <= INT_MAX && grid[1] <= DRV_GRID_YZ &&
	       grid[2] <= DRV_GRID_YZ && block[0] && block[1] && block[2] && block[0] <= DRV_BLOCK_THREADS &&
	       block[1] <= DRV_BLOCK_THREADS && block[2] <= DRV_BLOCK_Z &&
	       (uint64_t)block[0] * block[1] * block[2] <= DRV_BLOCK_THREADS;
}

static CUresult cooperative_check(const struct drv_launch *request, struct drv_function *function)
{
	const unsigned *grid = request->grid, *block = request->block;
	int resident;
	CUresult result =
	    drv_occupancy(function, (int)(block[0] * block[1] * block[2]), request->dynamic_shared, &resident);
	if (result != CUDA_SUCCESS)
		return result;
	unsigned long long room = (unsigned long long)resident * drv_device()->cores;
	unsigned long long layer = (unsigned long long)grid[0] * grid[1];
	return layer <= room && layer * grid[2] <= room ? CUDA_SUCCESS : CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE;
}

/* Clusters as the launch asks for them, else as the kernel does; 0: neither does. */
static CUresult cluster_find(const struct drv_launch *request, struct drv_function *function, unsigned cluster[3])
{
	CUresult result = drv_function_cluster(function, cluster);
	if (result != CUDA_SUCCESS || !request->cluster[0])
		return result;
	if (cluster[0] && memcmp(cluster, request->cluster, sizeof request->cluster) != 0)
		return CUDA_ERROR_INVALID_CLUSTER_SIZE;
	memcpy(cluster, request->cluster, sizeof request->cluster);
	return CUDA_SUCCESS;
}

static CUresult cluster_check(const struct drv_launch *request, struct drv_function *function)
{
	unsigned cluster[3], most = function->settings->large_clusters ? DRV_CLUSTER_BLOCKS_LARGE : DRV_CLUSTER_BLOCKS;
	uint64_t blocks = 1;
	CUresult result = cluster_find(request, function, cluster);
	if (result != CUDA_SUCCESS || !cluster[0])
		return result;
	for (int i = 0; i < 3 && blocks <= most; i++)
		blocks *= cluster[i];
	if (blocks > 1 && drv_device()->capability < DRV_CLUSTER_CAPABILITY)
		return CUDA_ERROR_NOT_SUPPORTED;
	for (int i = 0; i < 3; i++)
		if (request->grid[i] % cluster[i])
			return CUDA_ERROR_INVALID_CLUSTER_SIZE;
	return blocks <= most ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CLUSTER_SIZE;
}

static CUresult resources_check(const struct drv_launch *request, struct drv_function *function)
{
	const unsigned *block = request->block;
	int threads_max, dynamic_max;
	CUresult result = drv_function_attribute(function, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, &threads_max);
	if (result == CUDA_SUCCESS)
		result =
		    drv_function_attribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, &dynamic_max);
	if (result != CUDA_SUCCESS)
		return result;
	if (block[0] * block[1] * block[2] > (unsigned)threads_max)
		return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
	if (request->dynamic_shared > (unsigned)dynamic_max)
		return CUDA_ERROR_INVALID_VALUE;
	result = cluster_check(request, function);
	return result == CUDA_SUCCESS && request->cooperative ? cooperative_check(request, function) : result;
}

/* Packing */

/* Reads CU_LAUNCH_PARAM_BUFFER_POINTER and _SIZE from an `extra` list. */
static bool extra_read(void **extra, const void **buffer, size_t *size)
{
	*buffer = NULL;
	*size = 0;
	for (size_t i = 0; extra[i] != CU_LAUNCH_PARAM_END; i += 2) {
		if (extra[i] == CU_LAUNCH_PARAM_BUFFER_POINTER)
			*buffer = extra[i + 1];
		else if (extra[i] == CU_LAUNCH_PARAM_BUFFER_SIZE && extra[i + 1])
			*size = *(const size_t *)extra[i + 1];
		else
			return false;
	}
	return true;
}

/* Where the last parameter ends; the packed buffer may be padded behind it. */
static size_t parameters_end(const struct cpu_kernel_info *info)
{
	if (!info->parameter_count)
		return 0;
	const struct cpu_parameter *last = &info->parameters[info->parameter_count - 1];
	return last->offset + last->size;
}

static CUresult pack_extra(void **extra, const struct cpu_kernel_info *info, unsigned char *to)
{
	const void *buffer;
	size_t size;
	if (!extra_read(extra, &buffer, &size) || size < parameters_end(info) || (size && !buffer))
		return CUDA_ERROR_INVALID_VALUE;
	if (parameters_end(info))
		memcpy(to, buffer, parameters_end(info));
	return CUDA_SUCCESS;
}

static CUresult pack_pointers(void **parameters, const struct cpu_kernel_info *info, unsigned char *to)
{
	for (size_t i = 0; i < info->parameter_count; i++) {
		if (!parameters[i])
			return CUDA_ERROR_INVALID_VALUE;
		memcpy(to + info->parameters[i].offset, parameters[i], info->parameters[i].size);
	}
	return CUDA_SUCCESS;
}

CUresult drv_launch_pack(const struct drv_launch *request, const struct cpu_kernel_info *info, unsigned char *to)
{
	if (request->extra)
		return pack_extra(request->extra, info, to);
	return info->parameter_count ? pack_pointers(request->parameters, info, to) : CUDA_SUCCESS;
}

static CUresult pack(const struct drv_launch *request, const struct cpu_kernel_info *info, struct launch_body *body)
{
	unsigned char *to = body->parameters;
	if (info->parameter_bytes > sizeof body->parameters) {
		to = body->heap = malloc(info->parameter_bytes);
		if (!to)
			return CUDA_ERROR_OUT_OF_MEMORY;
	}
	body->launch.parameters = to;
	return drv_launch_pack(request, info, to);
}

static CUresult arguments_check(const struct drv_launch *request, const struct cpu_kernel_info *info)
{
	if (request->parameters && request->extra)
		return CUDA_ERROR_INVALID_VALUE;
	return info->parameter_count && !request->parameters && !request->extra ? CUDA_ERROR_INVALID_VALUE
										: CUDA_SUCCESS;
}

/* Queuing */

static void launch_trace(const struct drv_launch *request, const char *name)
{
	const unsigned *grid = request->grid, *block = request->block;
	if (drv_log_enabled(DRV_LOG_DEBUG))
		drv_log(DRV_LOG_DEBUG, "launch %s: grid %u x %u x %u, block %u x %u x %u, %u bytes of shared memory%s",
			name, grid[0], grid[1], grid[2], block[0], block[1], block[2], request->dynamic_shared,
			request->cooperative ? ", cooperative" : "");
}

CUresult drv_launch_check(const struct drv_launch *request, struct drv_context *context,
			  const struct cpu_kernel_info **info, struct cpu_launch *grid)
{
	struct drv_function *function;
	if (!shape_valid(request))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_function_get(request->function, context, &function);
	if (result == CUDA_SUCCESS)
		result = drv_function_info(function, info);
	if (result == CUDA_SUCCESS)
		result = arguments_check(request, *info);
	if (result == CUDA_SUCCESS)
		result = resources_check(request, function);
	if (result != CUDA_SUCCESS)
		return result;
	*grid = (struct cpu_launch){.kernel = function->kernel,
				    .dynamic_shared_bytes = request->dynamic_shared,
				    .cooperative = request->cooperative,
				    .priority = request->priority,
				    .timeout_ns = drv_device()->timeout_ns};
	memcpy(grid->grid, request->grid, sizeof grid->grid);
	memcpy(grid->block, request->block, sizeof grid->block);
	return cluster_find(request, function, grid->cluster);
}

static CUresult launch_queue(const struct drv_launch *request, const struct cpu_kernel_info *info,
			     const struct cpu_launch *grid, struct drv_stream *stream)
{
	struct drv_op *op = drv_op_new(stream, launch_run, launch_end);
	if (!op)
		return CUDA_ERROR_OUT_OF_MEMORY;
	struct launch_body *body = DRV_BODY(op, struct launch_body);
	body->heap = NULL;
	body->launch = *grid;
	if (!request->prioritised)
		body->launch.priority = stream->priority;
	launch_trace(request, info->name);
	CUresult result = pack(request, info, body);
	if (result == CUDA_SUCCESS)
		return drv_queue_submit(op);
	drv_op_cancel(op);
	return result;
}

static CUresult launch_capture(const struct drv_launch *request, struct drv_stream *stream)
{
	CUgraphNodeParams params = {
	    .type = CU_GRAPH_NODE_TYPE_KERNEL,
	    .kernel = {.func = request->function,
		       .gridDimX = request->grid[0],
		       .gridDimY = request->grid[1],
		       .gridDimZ = request->grid[2],
		       .blockDimX = request->block[0],
		       .blockDimY = request->block[1],
		       .blockDimZ = request->block[2],
		       .sharedMemBytes = request->dynamic_shared,
		       .kernelParams = request->parameters,
		       .extra = request->extra,
		       .ctx = stream->context->handle},
	};
	if (request->after || request->cluster[0])
		return CUDA_ERROR_NOT_SUPPORTED;
	return drv_capture_launch(stream, &params, request->cooperative, request->prioritised, request->priority);
}

static CUresult launch_in_stream(const struct drv_launch *request, struct drv_stream *stream)
{
	const struct cpu_kernel_info *info;
	struct cpu_launch grid;
	if (stream->captured)
		return launch_capture(request, stream);
	struct drv_event *after = request->after ? drv_event_get(request->after) : NULL;
	if (request->after && (!after || !(after->flags & CU_EVENT_DISABLE_TIMING)))
		return after ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
	CUresult result = drv_launch_check(request, stream->context, &info, &grid);
	if (result == CUDA_SUCCESS)
		result = launch_queue(request, info, &grid, stream);
	return result == CUDA_SUCCESS && after ? drv_event_record(after, stream) : result;
}

static CUresult launch(const struct drv_launch *request)
{
	struct drv_stream *stream;
	CUresult result = drv_enter_stream(request->stream, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	return drv_leave(launch_in_stream(request, stream));
}

/* The API */

DRV_API CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
				unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared, CUstream stream,
				void **parameters, void **extra)
{
	const struct drv_launch request = {.function = function,
					   .grid = {grid_x, grid_y, grid_z},
					   .block = {block_x, block_y, block_z},
					   .dynamic_shared = shared,
					   .stream = stream,
					   .parameters = parameters,
					   .extra = extra};
	return launch(&request);
}

DRV_API CUresult cuLaunchCooperativeKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
					   unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared,
					   CUstream stream, void **parameters)
{
	const struct drv_launch request = {.function = function,
					   .grid = {grid_x, grid_y, grid_z},
					   .block = {block_x, block_y, block_z},
					   .dynamic_shared = shared,
					   .stream = stream,
					   .parameters = parameters,
					   .cooperative = true};
	return launch(&request);
}

/* Attributes that only allow the device more, or tell it what to prefer, change no result and are passed over. */
static CUresult attribute_apply(const CUlaunchAttribute *attribute, struct drv_launch *request)
{
	const CUlaunchAttributeValue *value = &attribute->value;
	switch ((int)attribute->id) {
	case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
		request->cooperative = value->cooperative != 0;
		return CUDA_SUCCESS;
	case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION:
		if (!value->clusterDim.x || !value->clusterDim.y || !value->clusterDim.z)
			return CUDA_ERROR_INVALID_VALUE;
		request->cluster[0] = value->clusterDim.x;
		request->cluster[1] = value->clusterDim.y;
		request->cluster[2] = value->clusterDim.z;
		return CUDA_SUCCESS;
	case CU_LAUNCH_ATTRIBUTE_PRIORITY:
		request->prioritised = true;
		request->priority = value->priority;
		return CUDA_SUCCESS;
	/* Both events come when the grid has ended: not before the moment that they are documented for. */
	case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_EVENT:
		request->after = value->programmaticEvent.event;
		return CUDA_SUCCESS;
	case CU_LAUNCH_ATTRIBUTE_LAUNCH_COMPLETION_EVENT:
		request->after = value->launchCompletionEvent.event;
		return CUDA_SUCCESS;
	case CU_LAUNCH_ATTRIBUTE_IGNORE:
	case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
	case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
	case CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
	case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION:
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
	case CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
	case CU_LAUNCH_ATTRIBUTE_NVLINK_UTIL_CENTRIC_SCHEDULING:
		return CUDA_SUCCESS;
	case CU_LAUNCH_ATTRIBUTE_PREFERRED_CLUSTER_DIMENSION:
	case CU_LAUNCH_ATTRIBUTE_DEVICE_UPDATABLE_KERNEL_NODE:
		return CUDA_ERROR_NOT_SUPPORTED;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

static CUresult launch_configured(const CUlaunchConfig *config, CUfunction function, CUstream stream, void **parameters,
				  void **extra)
{
	struct drv_launch request = {
	    .function = function,
	    .grid = {config->gridDimX, config->gridDimY, config->gridDimZ},
	    .block = {config->blockDimX, config->blockDimY, config->blockDimZ},
	    .dynamic_shared = config->sharedMemBytes,
	    .stream = stream,
	    .parameters = parameters,
	    .extra = extra,
	};
	if (config->numAttrs && !config->attrs)
		return CUDA_ERROR_INVALID_VALUE;
	for (unsigned i = 0; i < config->numAttrs; i++) {
		CUresult result = attribute_apply(&config->attrs[i], &request);
		if (result != CUDA_SUCCESS)
			return result;
	}
	return launch(&request);
}

DRV_API CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction function, void **parameters, void **extra)
{
	return config ? launch_configured(config, function, config->hStream, parameters, extra)
		      : CUDA_ERROR_INVALID_VALUE;
}

DRV_API CUresult cuLaunchKernelEx_ptsz(const CUlaunchConfig *config, CUfunction function, void **parameters,
				       void **extra)
{
	return config ? launch_configured(config, function, drv_per_thread(config->hStream), parameters, extra)
		      : CUDA_ERROR_INVALID_VALUE;
}
