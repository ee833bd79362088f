#include "graph_node.h"

#include <string.h>

#include "handles.h"

static CUgraphNodeParams *add_params(struct srv_node_plan *plan, CUgraphNodeType type)
{
	CUgraphNodeParams *params = &plan->params[plan->count++];
	memset(params, 0, sizeof(*params));
	params->type = type;
	return params;
}

static CUresult plan_kernel(struct srv_call *call, const kernel_node *kernel, struct srv_node_plan *plan)
{
	struct srv_object object;
	if (!srv_object_get(call->session, CR_KIND_FUNCTION, kernel->function, &object))
		return CUDA_ERROR_INVALID_HANDLE;
	if (kernel->parameters.kernel_arguments_len < object.parameter_bytes)
		return CUDA_ERROR_INVALID_VALUE;
	CUDA_KERNEL_NODE_PARAMS_v3 *params = &add_params(plan, CU_GRAPH_NODE_TYPE_KERNEL)->kernel;
	params->func = object.kernel ? NULL : object.handle;
	params->kern = object.kernel ? object.handle : NULL;
	params->gridDimX = kernel->grid.x;
	params->gridDimY = kernel->grid.y;
	params->gridDimZ = kernel->grid.z;
	params->blockDimX = kernel->block.x;
	params->blockDimY = kernel->block.y;
	params->blockDimZ = kernel->block.z;
	params->sharedMemBytes = kernel->shared_bytes;
	params->ctx = call->worker->context;
	plan->parameter_bytes = kernel->parameters.kernel_arguments_len;
	plan->extra[0] = CU_LAUNCH_PARAM_BUFFER_POINTER;
	plan->extra[1] = kernel->parameters.kernel_arguments_val;
	plan->extra[2] = CU_LAUNCH_PARAM_BUFFER_SIZE;
	plan->extra[3] = &plan->parameter_bytes;
	plan->extra[4] = CU_LAUNCH_PARAM_END;
	params->extra = plan->parameter_bytes ? plan->extra : NULL;
	return CUDA_SUCCESS;
}

static void plan_work(struct srv_host_work *work, struct srv_node_plan *plan)
{
	CUDA_HOST_NODE_PARAMS_v2 *params = &add_params(plan, CU_GRAPH_NODE_TYPE_HOST)->host;
	params->fn = srv_host_work_run;
	params->userData = work;
	plan->work = work;
}

static CUresult plan_copy(struct srv_call *call, const memcpy_node *node, struct srv_node_plan *plan)
{
	struct srv_host_copy prepared;
	CUresult err = srv_host_copy_prepare(call->worker, node->name, &node->copy, &prepared);
	if (err)
		return err;
	plan->copy = node->copy;
	if (prepared.before)
		plan_work(prepared.before, plan);
	if (prepared.copies) {
		CUDA_MEMCPY_NODE_PARAMS *params = &add_params(plan, CU_GRAPH_NODE_TYPE_MEMCPY)->memcpy;
		params->copyCtx = call->worker->context;
		params->copyParams = prepared.copy;
	}
	if (prepared.behind)
		plan_work(prepared.behind, plan);
	return CUDA_SUCCESS;
}

static void plan_fill(struct srv_call *call, const memset_node *fill, struct srv_node_plan *plan)
{
	CUDA_MEMSET_NODE_PARAMS_v2 *params = &add_params(plan, CU_GRAPH_NODE_TYPE_MEMSET)->memset;
	params->dst = fill->address;
	params->pitch = fill->pitch;
	params->value = fill->value;
	params->elementSize = fill->element;
	params->width = fill->width;
	params->height = fill->height;
	params->ctx = call->worker->context;
}

static CUresult plan_function(struct srv_call *call, u64 function, struct srv_node_plan *plan)
{
	struct srv_host_work *work = srv_host_work_new(call->worker, HOST_TASK_FUNCTION, function, NULL);
	if (!work)
		return CUDA_ERROR_OUT_OF_MEMORY;
	plan_work(work, plan);
	return CUDA_SUCCESS;
}

static CUresult plan_child(struct srv_call *call, u64 id, struct srv_node_plan *plan)
{
	const struct srv_graph *graph = srv_graph_find(call, id);
	if (!graph)
		return CUDA_ERROR_INVALID_HANDLE;
	add_params(plan, CU_GRAPH_NODE_TYPE_GRAPH)->graph.graph = srv_graph_handle(graph);
	return CUDA_SUCCESS;
}

static CUresult plan_event(struct srv_call *call, CUgraphNodeType type, u64 id, struct srv_node_plan *plan)
{
	CUevent event = NULL;
	CUresult err = srv_find_event(call, id, &event);
	CUgraphNodeParams *params = add_params(plan, type);
	if (type == CU_GRAPH_NODE_TYPE_WAIT_EVENT)
		params->eventWait.event = event;
	else
		params->eventRecord.event = event;
	return err;
}

static void plan_alloc(const alloc_node *alloc, struct srv_node_plan *plan)
{
	CUDA_MEM_ALLOC_NODE_PARAMS_v2 *params = &add_params(plan, CU_GRAPH_NODE_TYPE_MEM_ALLOC)->alloc;
	params->poolProps.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
	params->poolProps.location = (CUmemLocation){.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = alloc->device};
	params->bytesize = alloc->size;
}

static CUresult plan_conditional(struct srv_call *call, const conditional_node *wanted, struct srv_node_plan *plan)
{
	CUDA_CONDITIONAL_NODE_PARAMS *params = &add_params(plan, CU_GRAPH_NODE_TYPE_CONDITIONAL)->conditional;
	params->handle = wanted->condition;
	params->type = (CUgraphConditionalNodeType)wanted->type;
	params->size = wanted->size;
	params->ctx = call->worker->context;
	return wanted->context ? srv_find_context(call, wanted->context, &params->ctx) : CUDA_SUCCESS;
}

CUresult srv_node_plan(struct srv_call *call, const node_params *wanted, struct srv_node_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	switch (wanted->type) {
	case CU_GRAPH_NODE_TYPE_KERNEL:
		return plan_kernel(call, &wanted->node_params_u.kernel, plan);
	case CU_GRAPH_NODE_TYPE_MEMCPY:
		return plan_copy(call, &wanted->node_params_u.copy, plan);
	case CU_GRAPH_NODE_TYPE_MEMSET:
		plan_fill(call, &wanted->node_params_u.fill, plan);
		return CUDA_SUCCESS;
	case CU_GRAPH_NODE_TYPE_HOST:
		return plan_function(call, wanted->node_params_u.function, plan);
	case CU_GRAPH_NODE_TYPE_GRAPH:
		return plan_child(call, wanted->node_params_u.graph, plan);
	case CU_GRAPH_NODE_TYPE_EMPTY:
		add_params(plan, CU_GRAPH_NODE_TYPE_EMPTY);
		return CUDA_SUCCESS;
	case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
		return plan_event(call, CU_GRAPH_NODE_TYPE_WAIT_EVENT, wanted->node_params_u.wait_event, plan);
	case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
		return plan_event(call, CU_GRAPH_NODE_TYPE_EVENT_RECORD, wanted->node_params_u.record_event, plan);
	case CU_GRAPH_NODE_TYPE_MEM_ALLOC:
		plan_alloc(&wanted->node_params_u.alloc, plan);
		return CUDA_SUCCESS;
	case CU_GRAPH_NODE_TYPE_MEM_FREE:
		add_params(plan, CU_GRAPH_NODE_TYPE_MEM_FREE)->free.dptr = wanted->node_params_u.free_address;
		return CUDA_SUCCESS;
	case CU_GRAPH_NODE_TYPE_CONDITIONAL:
		return plan_conditional(call, &wanted->node_params_u.conditional, plan);
	default:
		return CUDA_ERROR_NOT_SUPPORTED;
	}
}
