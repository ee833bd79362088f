/* Instances of graphs, attributes of their kernels, user objects. */
#include "graph.h"
#include "handlers.h"
#include "handles.h"

bool serve_cuGraphInstantiateWithFlags(struct srv_call *call)
{
	u64 id, graph_id, flags;
	CUgraphExec exec = NULL;
	if (!xdr_u64(call->args, &id) || !xdr_u64(call->args, &graph_id) || !xdr_u64(call->args, &flags))
		return false;
	CUresult err = srv_begin(call);
	const struct srv_graph *graph = err ? NULL : srv_graph_find(call, graph_id);
	if (!err)
		err = graph ? SRV_DRIVER(cuGraphInstantiateWithFlags, &exec, srv_graph_handle(graph), flags)
			    : CUDA_ERROR_INVALID_VALUE;
	if (!err)
		err = srv_enter_graph_exec(call, id, exec);
	int tasks = graph && graph->tasks;
	return srv_reply(call, err) && (err || xdr_int(call->result, &tasks));
}

static u64 name_of(struct srv_call *call, struct srv_graph *graph, CUgraphNode node)
{
	CUresult err;
	const struct srv_node *found = node ? srv_node_enter(call, graph, node, node, 0, &err) : NULL;
	return found ? found->id : 0;
}

bool serve_cuGraphExecUpdate_v2(struct srv_call *call)
{
	u64 exec_id, graph_id;
	CUgraphExec exec = NULL;
	CUgraphExecUpdateResultInfo info = {0};
	graph_update update = {0};
	if (!xdr_u64(call->args, &exec_id) || !xdr_u64(call->args, &graph_id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_graph_exec(call, exec_id, &exec);
	struct srv_graph *graph = err ? NULL : srv_graph_find(call, graph_id);
	if (!err)
		err = graph ? SRV_DRIVER(cuGraphExecUpdate_v2, exec, srv_graph_handle(graph), &info)
			    : CUDA_ERROR_INVALID_VALUE;
	if (graph) {
		update.result = (int)info.result;
		update.tasks = graph->tasks;
		update.node = name_of(call, graph, info.errorNode);
		update.from = name_of(call, graph, info.errorFromNode);
	}
	return srv_reply(call, err) && xdr_graph_update(call->result, &update);
}

/* Decodes an instance and a node. */
static bool decode_pair(struct srv_call *call, u64 *exec, u64 *node)
{
	return xdr_u64(call->args, exec) && xdr_u64(call->args, node);
}

/* Where a copy has a task, that is what is switched on and off with it. */
bool serve_cuGraphNodeSetEnabled(struct srv_call *call)
{
	u64 exec_id, node_id;
	u_int enabled;
	CUgraphExec exec = NULL;
	if (!decode_pair(call, &exec_id, &node_id) || !xdr_u_int(call->args, &enabled))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_graph_exec(call, exec_id, &exec);
	const struct srv_node *node = err ? NULL : srv_node_find(call, node_id);
	if (!err)
		err = node ? SRV_DRIVER(cuGraphNodeSetEnabled, exec, srv_node_exit(node), enabled)
			   : CUDA_ERROR_INVALID_VALUE;
	if (!err && node->entry.handle != node->exit.handle)
		err = SRV_DRIVER(cuGraphNodeSetEnabled, exec, srv_node_entry(node), enabled);
	return srv_reply(call, err);
}

bool serve_cuGraphNodeGetEnabled(struct srv_call *call)
{
	u64 exec_id, node_id;
	unsigned enabled = 0;
	CUgraphExec exec = NULL;
	if (!decode_pair(call, &exec_id, &node_id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_graph_exec(call, exec_id, &exec);
	const struct srv_node *node = err ? NULL : srv_node_find(call, node_id);
	if (!err)
		err = node ? SRV_DRIVER(cuGraphNodeGetEnabled, exec, srv_node_exit(node), &enabled)
			   : CUDA_ERROR_INVALID_VALUE;
	int value = (int)enabled;
	return srv_reply(call, err) && (err || xdr_int(call->result, &value));
}

/* ---- Attributes of kernel nodes: those that are plain data ---- */

static bool attribute_travels(u_int id)
{
	return id != CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_EVENT && id != CU_LAUNCH_ATTRIBUTE_LAUNCH_COMPLETION_EVENT &&
	       id != CU_LAUNCH_ATTRIBUTE_DEVICE_UPDATABLE_KERNEL_NODE;
}

bool serve_cuGraphKernelNodeCopyAttributes(struct srv_call *call)
{
	u64 to_id, from_id;
	if (!decode_pair(call, &to_id, &from_id))
		return false;
	CUresult err = srv_begin(call);
	const struct srv_node *to = err ? NULL : srv_node_find(call, to_id);
	const struct srv_node *from = err ? NULL : srv_node_find(call, from_id);
	if (!err)
		err = to && from ? SRV_DRIVER(cuGraphKernelNodeCopyAttributes, srv_node_exit(to), srv_node_exit(from))
				 : CUDA_ERROR_INVALID_VALUE;
	return srv_reply(call, err);
}

bool serve_cuGraphKernelNodeGetAttribute(struct srv_call *call)
{
	u64 id;
	u_int attribute;
	CUkernelNodeAttrValue value = {0};
	if (!xdr_u64(call->args, &id) || !xdr_u_int(call->args, &attribute))
		return false;
	CUresult err = srv_begin(call);
	const struct srv_node *node = err ? NULL : srv_node_find(call, id);
	if (!err)
		err = !node                          ? CUDA_ERROR_INVALID_VALUE
		      : attribute_travels(attribute) ? SRV_DRIVER(cuGraphKernelNodeGetAttribute, srv_node_exit(node),
								  (CUkernelNodeAttrID)attribute, &value)
						     : CUDA_ERROR_NOT_SUPPORTED;
	return srv_reply(call, err) && (err || xdr_opaque(call->result, value.pad, sizeof(attribute_value)));
}

bool serve_cuGraphKernelNodeSetAttribute(struct srv_call *call)
{
	u64 id;
	u_int attribute;
	CUkernelNodeAttrValue value;
	if (!xdr_u64(call->args, &id) || !xdr_u_int(call->args, &attribute) ||
	    !xdr_opaque(call->args, value.pad, sizeof(attribute_value)))
		return false;
	CUresult err = srv_begin(call);
	const struct srv_node *node = err ? NULL : srv_node_find(call, id);
	if (!err)
		err = !node                          ? CUDA_ERROR_INVALID_VALUE
		      : attribute_travels(attribute) ? SRV_DRIVER(cuGraphKernelNodeSetAttribute, srv_node_exit(node),
								  (CUkernelNodeAttrID)attribute, &value)
						     : CUDA_ERROR_NOT_SUPPORTED;
	return srv_reply(call, err);
}

/* ---- User objects ---- */

/* The destructor is not waited for. */
static void CUDA_CB destroy_object(void *argument)
{
	struct srv_host_work *work = argument;
	srv_host_announce(work->session, HOST_TASK_FUNCTION, work->function);
	srv_host_work_free(work);
}

bool serve_cuUserObjectCreate(struct srv_call *call)
{
	u64 id, function;
	u_int count, flags;
	CUuserObject object = NULL;
	struct srv_host_work *work = NULL;
	if (!decode_pair(call, &id, &function) || !xdr_u_int(call->args, &count) || !xdr_u_int(call->args, &flags))
		return false;
	CUresult err = srv_begin(call);
	if (!err) {
		work = srv_host_work_new(call->worker, HOST_TASK_FUNCTION, function, NULL);
		err = work ? SRV_DRIVER(cuUserObjectCreate, &object, work, destroy_object, count, flags)
			   : CUDA_ERROR_OUT_OF_MEMORY;
		if (err && work)
			srv_host_work_free(work);
	}
	if (!err)
		err = srv_enter_user_object(call, id, object);
	if (err)
		srv_host_forget(call->session, function);
	return srv_reply(call, err);
}

bool serve_cuGraphRetainUserObject(struct srv_call *call)
{
	u64 graph_id, id;
	u_int count, flags;
	CUuserObject object = NULL;
	if (!decode_pair(call, &graph_id, &id) || !xdr_u_int(call->args, &count) || !xdr_u_int(call->args, &flags))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_user_object(call, id, &object);
	const struct srv_graph *graph = err ? NULL : srv_graph_find(call, graph_id);
	if (!err)
		err = graph ? SRV_DRIVER(cuGraphRetainUserObject, srv_graph_handle(graph), object, count, flags)
			    : CUDA_ERROR_INVALID_VALUE;
	return srv_reply(call, err);
}

bool serve_cuGraphReleaseUserObject(struct srv_call *call)
{
	u64 graph_id, id;
	u_int count;
	CUuserObject object = NULL;
	if (!decode_pair(call, &graph_id, &id) || !xdr_u_int(call->args, &count))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_user_object(call, id, &object);
	const struct srv_graph *graph = err ? NULL : srv_graph_find(call, graph_id);
	if (!err)
		err = graph ? SRV_DRIVER(cuGraphReleaseUserObject, srv_graph_handle(graph), object, count)
			    : CUDA_ERROR_INVALID_VALUE;
	return srv_reply(call, err);
}
