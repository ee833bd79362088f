/* What describes a node, on its way to the server. */
#include <string.h>

#include "graph_node.h"
#include "host_task.h"
#include "launch.h"
#include "memory.h"

/* ---- Each kind as one of any kind ---- */

CUgraphNodeParams cu_kernel_node(const CUDA_KERNEL_NODE_PARAMS *kernel)
{
	CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_KERNEL};
	_Static_assert(sizeof(*kernel) == sizeof(params.kernel), "the second and the third version are alike");
	memcpy(&params.kernel, kernel, sizeof(*kernel));
	return params;
}

CUgraphNodeParams cu_memcpy_node(const CUDA_MEMCPY3D *copy)
{
	CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_MEMCPY};
	params.memcpy.copyParams = *copy;
	return params;
}

CUgraphNodeParams cu_memset_node(const CUDA_MEMSET_NODE_PARAMS *fill)
{
	CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_MEMSET};
	params.memset.dst = fill->dst;
	params.memset.pitch = fill->pitch;
	params.memset.value = fill->value;
	params.memset.elementSize = fill->elementSize;
	params.memset.width = fill->width;
	params.memset.height = fill->height;
	return params;
}

CUgraphNodeParams cu_host_node(const CUDA_HOST_NODE_PARAMS *host)
{
	CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_HOST};
	params.host.fn = host->fn;
	params.host.userData = host->userData;
	return params;
}

CUgraphNodeParams cu_event_node(CUgraphNodeType type, CUevent event)
{
	CUgraphNodeParams params = {.type = type};
	if (type == CU_GRAPH_NODE_TYPE_WAIT_EVENT)
		params.eventWait.event = event;
	else
		params.eventRecord.event = event;
	return params;
}

/* ---- To the wire ---- */

static CUresult encode_kernel(const CUDA_KERNEL_NODE_PARAMS_v3 *params, kernel_node *wire, char *packed)
{
	const void *handle = params->func ? (const void *)params->func : (const void *)params->kern;
	wire->function = (uintptr_t)handle;
	wire->grid = (dim3u){params->gridDimX, params->gridDimY, params->gridDimZ};
	wire->block = (dim3u){params->blockDimX, params->blockDimY, params->blockDimZ};
	wire->shared_bytes = params->sharedMemBytes;
	wire->parameters.kernel_arguments_val = packed;
	if (params->kernelParams && params->extra)
		return CUDA_ERROR_INVALID_VALUE;
	const struct cu_launch_parameters parameters = {params->kernelParams, params->extra};
	return cu_launch_check_and_pack(wire->function, &wire->grid, &wire->block, wire->shared_bytes, &parameters,
					packed, &wire->parameters.kernel_arguments_len);
}

static CUresult encode_side(copy_side *side, CUmemorytype type, const void *host, CUdeviceptr device, size_t pitch,
			    size_t height, size_t x, size_t y, size_t z, const CUDA_MEMCPY3D *copy)
{
	switch (type) {
	case CU_MEMORYTYPE_HOST:
		side->host = true;
		side->address = (uintptr_t)host;
		break;
	case CU_MEMORYTYPE_DEVICE:
		side->address = device;
		break;
	case CU_MEMORYTYPE_UNIFIED:
		side->host = !cu_memory_is_device(device);
		side->address = device;
		break;
	default:
		return CUDA_ERROR_NOT_SUPPORTED; /* arrays */
	}
	side->pitch = pitch ? pitch : copy->WidthInBytes;
	side->slice = side->pitch * (height ? height : copy->Height);
	if (!side->address || x > side->pitch || copy->WidthInBytes > side->pitch - x)
		return CUDA_ERROR_INVALID_VALUE;
	side->address += z * side->slice + y * side->pitch + x;
	return CUDA_SUCCESS;
}

static CUresult encode_copy(const CUDA_MEMCPY3D *copy, memcpy_node *wire)
{
	const struct cu_host_function turn = {.once = false};
	wire->copy.width = copy->WidthInBytes;
	wire->copy.height = copy->Height;
	wire->copy.depth = copy->Depth;
	CUresult err = encode_side(&wire->copy.from, copy->srcMemoryType, copy->srcHost, copy->srcDevice,
				   copy->srcPitch, copy->srcHeight, copy->srcXInBytes, copy->srcY, copy->srcZ, copy);
	if (!err)
		err = encode_side(&wire->copy.to, copy->dstMemoryType, copy->dstHost, copy->dstDevice, copy->dstPitch,
				  copy->dstHeight, copy->dstXInBytes, copy->dstY, copy->dstZ, copy);
	if (!err && (wire->copy.from.host || wire->copy.to.host))
		err = cu_host_function_register(&turn, &wire->name);
	return err;
}

static CUresult encode_function(const CUDA_HOST_NODE_PARAMS_v2 *params, u64 *name)
{
	const struct cu_host_function function = {.function = params->fn, .data = params->userData};
	return params->fn ? cu_host_function_register(&function, name) : CUDA_ERROR_INVALID_VALUE;
}

static CUresult encode_record(CUevent handle, u64 *id)
{
	CUresult err = cu_id_of_event(handle, id);
	cu_objects_lock();
	struct cu_event *event = cu_object(CR_KIND_EVENT, handle);
	if (event)
		cu_event_recorded_elsewhere(event);
	cu_objects_unlock();
	return err;
}

static CUresult encode_alloc(const CUDA_MEM_ALLOC_NODE_PARAMS_v2 *params, alloc_node *wire)
{
	if (!params->bytesize || params->poolProps.handleTypes != CU_MEM_HANDLE_TYPE_NONE)
		return CUDA_ERROR_INVALID_VALUE;
	if (params->poolProps.location.type != CU_MEM_LOCATION_TYPE_DEVICE || params->accessDescCount)
		return CUDA_ERROR_NOT_SUPPORTED;
	wire->device = params->poolProps.location.id;
	wire->size = params->bytesize;
	return CUDA_SUCCESS;
}

static CUresult encode_conditional(const CUDA_CONDITIONAL_NODE_PARAMS *params, conditional_node *wire)
{
	wire->condition = params->handle;
	wire->type = (int)params->type;
	wire->size = params->size;
	if (!params->size || params->size > CUDA_GRAPH_BODIES_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	return params->ctx ? cu_id_of_context(params->ctx, &wire->context) : CUDA_SUCCESS;
}

CUresult cu_node_params_encode(const CUgraphNodeParams *params, node_params *wire, char *packed)
{
	memset(wire, 0, sizeof(*wire));
	wire->type = (int)params->type;
	switch (params->type) {
	case CU_GRAPH_NODE_TYPE_KERNEL:
		return encode_kernel(&params->kernel, &wire->node_params_u.kernel, packed);
	case CU_GRAPH_NODE_TYPE_MEMCPY:
		return encode_copy(&params->memcpy.copyParams, &wire->node_params_u.copy);
	case CU_GRAPH_NODE_TYPE_MEMSET:
		wire->node_params_u.fill =
		    (memset_node){params->memset.dst,         params->memset.pitch, params->memset.value,
				  params->memset.elementSize, params->memset.width, params->memset.height};
		return CUDA_SUCCESS;
	case CU_GRAPH_NODE_TYPE_HOST:
		return encode_function(&params->host, &wire->node_params_u.function);
	case CU_GRAPH_NODE_TYPE_GRAPH:
		return cu_id_of_graph(params->graph.graph, &wire->node_params_u.graph);
	case CU_GRAPH_NODE_TYPE_EMPTY:
		return CUDA_SUCCESS;
	case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
		return cu_id_of_event(params->eventWait.event, &wire->node_params_u.wait_event);
	case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
		return encode_record(params->eventRecord.event, &wire->node_params_u.record_event);
	case CU_GRAPH_NODE_TYPE_MEM_ALLOC:
		return encode_alloc(&params->alloc, &wire->node_params_u.alloc);
	case CU_GRAPH_NODE_TYPE_MEM_FREE:
		wire->node_params_u.free_address = params->free.dptr;
		return CUDA_SUCCESS;
	case CU_GRAPH_NODE_TYPE_CONDITIONAL:
		return encode_conditional(&params->conditional, &wire->node_params_u.conditional);
	default:
		return CUDA_ERROR_NOT_SUPPORTED;
	}
}

void cu_node_params_drop(const node_params *wire)
{
	if (wire->type == CU_GRAPH_NODE_TYPE_HOST)
		cu_host_function_forget(wire->node_params_u.function);
	else if (wire->type == CU_GRAPH_NODE_TYPE_MEMCPY && wire->node_params_u.copy.name)
		cu_host_function_forget(wire->node_params_u.copy.name);
}
