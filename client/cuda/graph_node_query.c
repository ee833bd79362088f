/* What a node is. The server knows, also of nodes that a capture has made. */
#include <stdlib.h>
#include <string.h>

#include "graph_node.h"
#include "hand.h"
#include "host_task.h"

/* xdr_free releases what is learnt, whatever the result. */
static CUresult learn(CUgraphNode node, node_params *params)
{
	struct cu_call call;
	u64 id;
	memset(params, 0, sizeof(*params));
	params->type = -1;
	CUresult err = cu_id_of_node(node, &id);
	if (!err)
		err = cu_call_begin(&call, FN_cricketGraphNodeParams);
	return err ? err : cu_call_result(&call, xdr_u64(call.args, &id), (xdrproc_t)xdr_node_params, params);
}

/* The same for a node that must be of a type. */
static CUresult learn_as(CUgraphNode node, CUgraphNodeType type, node_params *params)
{
	CUresult err = learn(node, params);
	return !err && params->type != (int)type ? CUDA_ERROR_INVALID_VALUE : err;
}

static void forget(node_params *params)
{
	xdr_free((xdrproc_t)xdr_node_params, params);
}

CUresult client_cuGraphNodeGetType(CUgraphNode hNode, CUgraphNodeType *type)
{
	node_params params;
	if (!type)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = learn(hNode, &params);
	if (!err)
		*type = (CUgraphNodeType)params.type;
	forget(&params);
	return err;
}

static CUresult keep_bodies(CUgraphNode node, const conditional_node *conditional, CUgraph **bodies)
{
	u_int count = conditional->bodies.bodies_len;
	CUresult err = CUDA_SUCCESS;
	CUgraph *kept = calloc((size_t)count + 1, sizeof(*kept));
	if (!kept)
		return CUDA_ERROR_OUT_OF_MEMORY;
	for (u_int i = 0; i < count && !err; i++) {
		kept[i] = cu_handle(conditional->bodies.bodies_val[i]);
		err = cu_graph_enter(conditional->bodies.bodies_val[i], (uintptr_t)node);
	}
	cu_node_keep((uintptr_t)node, kept);
	*bodies = err ? NULL : kept;
	return err;
}

CUresult cu_node_bodies(CUgraphNode node, CUgraph **bodies)
{
	node_params params;
	CUresult err = learn_as(node, CU_GRAPH_NODE_TYPE_CONDITIONAL, &params);
	if (!err)
		err = keep_bodies(node, &params.node_params_u.conditional, bodies);
	forget(&params);
	return err;
}

/* An array of pointers to the parameters, and behind it the packed parameters: the node's from now on. */
static CUresult keep_parameters(CUgraphNode node, const kernel_node *kernel, void ***parameters)
{
	CUresult err = CUDA_ERROR_OUT_OF_MEMORY;
	*parameters = NULL;
	cu_objects_lock_shared();
	const struct cu_function_object *function = cu_object(CR_KIND_FUNCTION, cu_handle(kernel->function));
	size_t count = function ? function->parameter_count : 0, bytes = kernel->parameters.kernel_arguments_len;
	void **each = calloc(1, (count + 1) * sizeof(*each) + bytes);
	if (each) {
		char *packed = (char *)(each + count + 1);
		if (bytes)
			memcpy(packed, kernel->parameters.kernel_arguments_val, bytes);
		for (size_t i = 0; i < count; i++)
			each[i] = packed + function->parameters[i].offset;
		err = CUDA_SUCCESS;
	}
	cu_objects_unlock();
	if (err)
		return err;
	cu_node_keep((uintptr_t)node, each);
	*parameters = each;
	return CUDA_SUCCESS;
}

CUresult client_cuGraphKernelNodeGetParams_v2(CUgraphNode hNode, CUDA_KERNEL_NODE_PARAMS *nodeParams)
{
	node_params params;
	void **parameters = NULL;
	if (!nodeParams)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = learn_as(hNode, CU_GRAPH_NODE_TYPE_KERNEL, &params);
	const kernel_node *kernel = &params.node_params_u.kernel;
	if (!err)
		err = keep_parameters(hNode, kernel, &parameters);
	if (!err)
		*nodeParams = (CUDA_KERNEL_NODE_PARAMS){
		    .kern = cu_handle(kernel->function),
		    .gridDimX = kernel->grid.x,
		    .gridDimY = kernel->grid.y,
		    .gridDimZ = kernel->grid.z,
		    .blockDimX = kernel->block.x,
		    .blockDimY = kernel->block.y,
		    .blockDimZ = kernel->block.z,
		    .sharedMemBytes = kernel->shared_bytes,
		    .kernelParams = parameters,
		};
	forget(&params);
	return err;
}

static void give_copy(const copy_3d *copy, CUDA_MEMCPY3D *given)
{
	*given = (CUDA_MEMCPY3D){
	    .srcMemoryType = copy->from.host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE,
	    .srcHost = copy->from.host ? cu_handle(copy->from.address) : NULL,
	    .srcDevice = copy->from.host ? 0 : copy->from.address,
	    .srcPitch = copy->from.pitch,
	    .srcHeight = copy->from.pitch ? copy->from.slice / copy->from.pitch : 0,
	    .dstMemoryType = copy->to.host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE,
	    .dstHost = copy->to.host ? cu_handle(copy->to.address) : NULL,
	    .dstDevice = copy->to.host ? 0 : copy->to.address,
	    .dstPitch = copy->to.pitch,
	    .dstHeight = copy->to.pitch ? copy->to.slice / copy->to.pitch : 0,
	    .WidthInBytes = copy->width,
	    .Height = copy->height,
	    .Depth = copy->depth,
	};
}

CUresult client_cuGraphMemcpyNodeGetParams(CUgraphNode hNode, CUDA_MEMCPY3D *nodeParams)
{
	node_params params;
	if (!nodeParams)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = learn_as(hNode, CU_GRAPH_NODE_TYPE_MEMCPY, &params);
	if (!err)
		give_copy(&params.node_params_u.copy.copy, nodeParams);
	forget(&params);
	return err;
}

CUresult client_cuGraphMemsetNodeGetParams(CUgraphNode hNode, CUDA_MEMSET_NODE_PARAMS *nodeParams)
{
	node_params params;
	if (!nodeParams)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = learn_as(hNode, CU_GRAPH_NODE_TYPE_MEMSET, &params);
	const memset_node *fill = &params.node_params_u.fill;
	if (!err)
		*nodeParams = (CUDA_MEMSET_NODE_PARAMS){.dst = fill->address,
							.pitch = fill->pitch,
							.value = fill->value,
							.elementSize = fill->element,
							.width = fill->width,
							.height = fill->height};
	forget(&params);
	return err;
}

CUresult client_cuGraphHostNodeGetParams(CUgraphNode hNode, CUDA_HOST_NODE_PARAMS *nodeParams)
{
	node_params params;
	struct cu_host_function function;
	if (!nodeParams)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = learn_as(hNode, CU_GRAPH_NODE_TYPE_HOST, &params);
	if (!err && !cu_host_function_find(params.node_params_u.function, &function))
		err = CUDA_ERROR_INVALID_VALUE;
	if (!err)
		*nodeParams = (CUDA_HOST_NODE_PARAMS){function.function, function.data};
	forget(&params);
	return err;
}

CUresult client_cuGraphEventRecordNodeGetEvent(CUgraphNode hNode, CUevent *event_out)
{
	node_params params;
	if (!event_out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = learn_as(hNode, CU_GRAPH_NODE_TYPE_EVENT_RECORD, &params);
	if (!err)
		*event_out = cu_handle(params.node_params_u.record_event);
	forget(&params);
	return err;
}

CUresult client_cuGraphEventWaitNodeGetEvent(CUgraphNode hNode, CUevent *event_out)
{
	node_params params;
	if (!event_out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = learn_as(hNode, CU_GRAPH_NODE_TYPE_WAIT_EVENT, &params);
	if (!err)
		*event_out = cu_handle(params.node_params_u.wait_event);
	forget(&params);
	return err;
}

CUresult client_cuGraphMemAllocNodeGetParams(CUgraphNode hNode, CUDA_MEM_ALLOC_NODE_PARAMS *params_out)
{
	node_params params;
	if (!params_out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = learn_as(hNode, CU_GRAPH_NODE_TYPE_MEM_ALLOC, &params);
	const alloc_node *alloc = &params.node_params_u.alloc;
	if (!err) {
		memset(params_out, 0, sizeof(*params_out));
		params_out->poolProps.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
		params_out->poolProps.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
		params_out->poolProps.location.id = alloc->device;
		params_out->bytesize = alloc->size;
		params_out->dptr = alloc->address;
	}
	forget(&params);
	return err;
}

CUresult client_cuGraphMemFreeNodeGetParams(CUgraphNode hNode, CUdeviceptr *dptr_out)
{
	node_params params;
	if (!dptr_out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = learn_as(hNode, CU_GRAPH_NODE_TYPE_MEM_FREE, &params);
	if (!err)
		*dptr_out = params.node_params_u.free_address;
	forget(&params);
	return err;
}

/* ---- Switching nodes of an instance on and off; attributes of kernels ---- */

static CUresult pair(CUgraphExec hGraphExec, CUgraphNode hNode, u64 *exec, u64 *node)
{
	CUresult err = cu_id_of_graph_exec(hGraphExec, exec);
	return err ? err : cu_id_of_node(hNode, node);
}

CUresult client_cuGraphNodeSetEnabled(CUgraphExec hGraphExec, CUgraphNode hNode, unsigned int isEnabled)
{
	struct cu_call call;
	u64 exec, node;
	u_int enabled = isEnabled;
	CUresult err = pair(hGraphExec, hNode, &exec, &node);
	if (!err)
		err = cu_call_begin(&call, FN_cuGraphNodeSetEnabled);
	return err ? err
		   : cu_call_end(&call, xdr_u64(call.args, &exec) && xdr_u64(call.args, &node) &&
					    xdr_u_int(call.args, &enabled));
}

CUresult client_cuGraphNodeGetEnabled(CUgraphExec hGraphExec, CUgraphNode hNode, unsigned int *isEnabled)
{
	struct cu_call call;
	u64 exec, node;
	int enabled = 0;
	if (!isEnabled)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = pair(hGraphExec, hNode, &exec, &node);
	if (!err)
		err = cu_call_begin(&call, FN_cuGraphNodeGetEnabled);
	if (!err)
		err = cu_call_result(&call, xdr_u64(call.args, &exec) && xdr_u64(call.args, &node), (xdrproc_t)xdr_int,
				     &enabled);
	if (!err)
		*isEnabled = (unsigned)enabled;
	return err;
}

CUresult client_cuGraphKernelNodeCopyAttributes(CUgraphNode dst, CUgraphNode src)
{
	struct cu_call call;
	u64 to, from;
	CUresult err = cu_id_of_node(dst, &to);
	if (!err)
		err = cu_id_of_node(src, &from);
	if (!err)
		err = cu_call_begin(&call, FN_cuGraphKernelNodeCopyAttributes);
	return err ? err : cu_call_end(&call, xdr_u64(call.args, &to) && xdr_u64(call.args, &from));
}

CUresult client_cuGraphKernelNodeGetAttribute(CUgraphNode hNode, CUkernelNodeAttrID attr,
					      CUkernelNodeAttrValue *value_out)
{
	struct cu_call call;
	attribute_value value;
	u64 node;
	u_int wire_attr = (u_int)attr;
	if (!value_out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_id_of_node(hNode, &node);
	if (!err)
		err = cu_call_begin(&call, FN_cuGraphKernelNodeGetAttribute);
	if (!err)
		err = cu_call_result(&call, xdr_u64(call.args, &node) && xdr_u_int(call.args, &wire_attr),
				     (xdrproc_t)xdr_attribute_value, &value);
	if (!err)
		memcpy(value_out, value.bytes, sizeof(*value_out));
	return err;
}

CUresult client_cuGraphKernelNodeSetAttribute(CUgraphNode hNode, CUkernelNodeAttrID attr,
					      const CUkernelNodeAttrValue *value)
{
	struct cu_call call;
	attribute_value wire_value;
	u64 node;
	u_int wire_attr = (u_int)attr;
	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(wire_value.bytes, value, sizeof(wire_value.bytes));
	CUresult err = cu_id_of_node(hNode, &node);
	if (!err)
		err = cu_call_begin(&call, FN_cuGraphKernelNodeSetAttribute);
	return err ? err
		   : cu_call_end(&call, xdr_u64(call.args, &node) && xdr_u_int(call.args, &wire_attr) &&
					    xdr_attribute_value(call.args, &wire_value));
}
