/* What the driver says of a node, for the client. */
#include <stdlib.h>
#include <string.h>

#include "graph_node.h"
#include "handles.h"

/* Packs the parameters as the kernel lays them out. */
static CUresult pack(const CUDA_KERNEL_NODE_PARAMS *params, kernel_arguments *packed)
{
	char *bytes = calloc(1, CUDA_ARGUMENTS_MAX);
	size_t offset, size, end = 0;
	if (!bytes)
		return CUDA_ERROR_OUT_OF_MEMORY;
	packed->kernel_arguments_val = bytes;
	for (unsigned i = 0;; i++) {
		CUresult err = params->kern ? SRV_DRIVER(cuKernelGetParamInfo, params->kern, i, &offset, &size)
					    : SRV_DRIVER(cuFuncGetParamInfo, params->func, i, &offset, &size);
		if (err) /* there is no such parameter */
			break;
		if (offset > CUDA_ARGUMENTS_MAX || size > CUDA_ARGUMENTS_MAX - offset || !params->kernelParams)
			return CUDA_ERROR_UNKNOWN;
		memcpy(bytes + offset, params->kernelParams[i], size);
		end = offset + size;
	}
	packed->kernel_arguments_len = (u_int)end;
	return CUDA_SUCCESS;
}

static CUresult describe_kernel(struct srv_call *call, CUgraphNode node, kernel_node *kernel)
{
	CUDA_KERNEL_NODE_PARAMS params = {0};
	CUresult err = SRV_DRIVER(cuGraphKernelNodeGetParams_v2, node, &params);
	if (err)
		return err;
	if (params.func) /* `kern` counts only where it is not given */
		params.kern = NULL;
	const void *handle = params.kern ? (const void *)params.kern : (const void *)params.func;
	kernel->function = srv_id_of(call->session, CR_KIND_FUNCTION, handle);
	kernel->grid = (dim3u){params.gridDimX, params.gridDimY, params.gridDimZ};
	kernel->block = (dim3u){params.blockDimX, params.blockDimY, params.blockDimZ};
	kernel->shared_bytes = params.sharedMemBytes;
	return kernel->function ? pack(&params, &kernel->parameters) : CUDA_ERROR_UNKNOWN;
}

static CUresult describe_copy(CUgraphNode node, copy_3d *copy)
{
	CUDA_MEMCPY3D params = {0};
	CUresult err = SRV_DRIVER(cuGraphMemcpyNodeGetParams, node, &params);
	if (err)
		return err;
	if (params.srcMemoryType != CU_MEMORYTYPE_DEVICE || params.dstMemoryType != CU_MEMORYTYPE_DEVICE)
		return CUDA_ERROR_NOT_SUPPORTED; /* arrays */
	size_t from_slice = params.srcPitch * params.srcHeight, to_slice = params.dstPitch * params.dstHeight;
	copy->from.address =
	    params.srcDevice + params.srcZ * from_slice + params.srcY * params.srcPitch + params.srcXInBytes;
	copy->from.pitch = params.srcPitch;
	copy->from.slice = from_slice;
	copy->to.address =
	    params.dstDevice + params.dstZ * to_slice + params.dstY * params.dstPitch + params.dstXInBytes;
	copy->to.pitch = params.dstPitch;
	copy->to.slice = to_slice;
	copy->width = params.WidthInBytes;
	copy->height = params.Height;
	copy->depth = params.Depth;
	return CUDA_SUCCESS;
}

static CUresult describe_fill(CUgraphNode node, memset_node *fill)
{
	CUDA_MEMSET_NODE_PARAMS params = {0};
	CUresult err = SRV_DRIVER(cuGraphMemsetNodeGetParams, node, &params);
	*fill = (memset_node){params.dst, params.pitch, params.value, params.elementSize, params.width, params.height};
	return err;
}

/* The driver keeps the work, in copies of the node, too. */
static CUresult describe_function(CUgraphNode node, u64 *function)
{
	CUDA_HOST_NODE_PARAMS params = {0};
	CUresult err = SRV_DRIVER(cuGraphHostNodeGetParams, node, &params);
	if (err)
		return err;
	*function = ((const struct srv_host_work *)params.userData)->function;
	return CUDA_SUCCESS;
}

static CUresult describe_event(struct srv_call *call, CUgraphNode node, bool waits, u64 *id)
{
	CUevent event = NULL;
	CUresult err = waits ? SRV_DRIVER(cuGraphEventWaitNodeGetEvent, node, &event)
			     : SRV_DRIVER(cuGraphEventRecordNodeGetEvent, node, &event);
	if (err)
		return err;
	*id = srv_id_of(call->session, CR_KIND_EVENT, event);
	return *id ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

static CUresult describe_child(struct srv_call *call, struct srv_node *node, u64 *id)
{
	CUgraph handle = NULL;
	CUresult err = SRV_DRIVER(cuGraphChildGraphNodeGetGraph, srv_node_exit(node), &handle);
	if (err)
		return err;
	struct srv_graph *graph = srv_graph_enter(call, handle, 0, node->graph, &err);
	*id = graph ? graph->id : 0;
	if (graph)
		graph->owner = node;
	return err;
}

static CUresult describe_alloc(CUgraphNode node, alloc_node *alloc)
{
	CUDA_MEM_ALLOC_NODE_PARAMS params = {0};
	CUresult err = SRV_DRIVER(cuGraphMemAllocNodeGetParams, node, &params);
	*alloc = (alloc_node){params.poolProps.location.id, params.bytesize, params.dptr};
	return err;
}

static CUresult describe_free(CUgraphNode node, u64 *address)
{
	CUdeviceptr memory = 0;
	CUresult err = SRV_DRIVER(cuGraphMemFreeNodeGetParams, node, &memory);
	*address = memory;
	return err;
}

/* Drivers before CUDA 13.2 do not tell what a conditional node is; its bodies are all that the client asks for. */
static CUresult describe_conditional(const struct srv_node *node, conditional_node *conditional)
{
	size_t size = node->body_count * sizeof(*node->bodies);
	conditional->bodies.bodies_val = malloc(size + 1);
	if (!conditional->bodies.bodies_val)
		return CUDA_ERROR_OUT_OF_MEMORY;
	if (size)
		memcpy(conditional->bodies.bodies_val, node->bodies, size);
	conditional->bodies.bodies_len = node->body_count;
	conditional->size = node->body_count;
	return CUDA_SUCCESS;
}

CUresult srv_node_describe(struct srv_call *call, struct srv_node *node, node_params *params)
{
	CUgraphNode handle = srv_node_exit(node);
	CUgraphNodeType type = CU_GRAPH_NODE_TYPE_EMPTY;
	memset(params, 0, sizeof(*params));
	if (node->copy.width) {
		params->type = CU_GRAPH_NODE_TYPE_MEMCPY;
		params->node_params_u.copy.copy = node->copy;
		return CUDA_SUCCESS;
	}
	CUresult err = SRV_DRIVER(cuGraphNodeGetType, handle, &type);
	if (err)
		return err;
	params->type = (int)type;
	switch (type) {
	case CU_GRAPH_NODE_TYPE_KERNEL:
		return describe_kernel(call, handle, &params->node_params_u.kernel);
	case CU_GRAPH_NODE_TYPE_MEMCPY:
		return describe_copy(handle, &params->node_params_u.copy.copy);
	case CU_GRAPH_NODE_TYPE_MEMSET:
		return describe_fill(handle, &params->node_params_u.fill);
	case CU_GRAPH_NODE_TYPE_HOST:
		return describe_function(handle, &params->node_params_u.function);
	case CU_GRAPH_NODE_TYPE_GRAPH:
		return describe_child(call, node, &params->node_params_u.graph);
	case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
		return describe_event(call, handle, true, &params->node_params_u.wait_event);
	case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
		return describe_event(call, handle, false, &params->node_params_u.record_event);
	case CU_GRAPH_NODE_TYPE_MEM_ALLOC:
		return describe_alloc(handle, &params->node_params_u.alloc);
	case CU_GRAPH_NODE_TYPE_MEM_FREE:
		return describe_free(handle, &params->node_params_u.free_address);
	case CU_GRAPH_NODE_TYPE_CONDITIONAL:
		return describe_conditional(node, &params->node_params_u.conditional);
	default:
		return CUDA_SUCCESS; /* its type is all that is known */
	}
}
