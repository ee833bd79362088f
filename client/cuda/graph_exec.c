/* Instances of graphs, and user objects. */
#include <stdlib.h>

#include "graph.h"
#include "hand.h"
#include "host_task.h"

static void unmint(enum cr_kind kind, u64 id)
{
	cu_objects_lock();
	free(cu_object_remove(kind, cu_handle(id)));
	cu_objects_unlock();
}

static CUresult mint_exec(u64 flags, u64 *id)
{
	struct cu_exec *exec = calloc(1, sizeof(*exec));
	if (!exec)
		return CUDA_ERROR_OUT_OF_MEMORY;
	exec->flags = flags;
	cu_objects_lock();
	*id = cu_object_add(CR_KIND_GRAPH_EXEC, exec);
	cu_objects_unlock();
	if (*id)
		return CUDA_SUCCESS;
	free(exec);
	return CUDA_ERROR_OUT_OF_MEMORY;
}

/* Notes whether an instance has tasks for this process. */
static void note_tasks(u64 id, bool tasks)
{
	cu_objects_lock();
	struct cu_exec *exec = cu_object(CR_KIND_GRAPH_EXEC, cu_handle(id));
	if (exec)
		exec->tasks = tasks;
	cu_objects_unlock();
}

static CUresult look_at(CUgraphExec handle, struct cu_exec *copy)
{
	cu_objects_lock_shared();
	const struct cu_exec *exec = cu_object(CR_KIND_GRAPH_EXEC, handle);
	if (exec)
		*copy = *exec;
	cu_objects_unlock();
	return exec ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

static CUresult instantiate(u64 id, u64 graph, u64 flags)
{
	struct cu_call call;
	int tasks = 0;
	CUresult err = cu_call_begin(&call, FN_cuGraphInstantiateWithFlags);
	if (!err)
		err = cu_call_result(
		    &call, xdr_u64(call.args, &id) && xdr_u64(call.args, &graph) && xdr_u64(call.args, &flags),
		    (xdrproc_t)xdr_int, &tasks);
	if (!err)
		note_tasks(id, tasks);
	return err;
}

/* Waited for, since a graph that cannot be executed is told here. */
CUresult client_cuGraphInstantiateWithFlags(CUgraphExec *phGraphExec, CUgraph hGraph, unsigned long long flags)
{
	u64 id, graph;
	if (!phGraphExec)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_id_of_graph(hGraph, &graph);
	if (!err)
		err = mint_exec(flags, &id);
	if (err)
		return err;
	err = instantiate(id, graph, flags);
	if (err)
		unmint(CR_KIND_GRAPH_EXEC, id);
	else
		*phGraphExec = cu_handle(id);
	return err;
}

CUresult client_cuGraphInstantiateWithParams(CUgraphExec *phGraphExec, CUgraph hGraph,
					     CUDA_GRAPH_INSTANTIATE_PARAMS *instantiateParams)
{
	if (!instantiateParams)
		return CUDA_ERROR_INVALID_VALUE;
	cuuint64_t flags = instantiateParams->flags & ~(cuuint64_t)CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD;
	CUresult err = client_cuGraphInstantiateWithFlags(phGraphExec, hGraph, flags);
	if (!err && flags != instantiateParams->flags)
		err = cuGraphUpload(*phGraphExec, instantiateParams->hUploadStream);
	instantiateParams->hErrNode_out = NULL;
	instantiateParams->result_out = err ? CUDA_GRAPH_INSTANTIATE_ERROR : CUDA_GRAPH_INSTANTIATE_SUCCESS;
	return err;
}

CUresult client_cuGraphInstantiateWithParams_ptsz(CUgraphExec *phGraphExec, CUgraph hGraph,
						  CUDA_GRAPH_INSTANTIATE_PARAMS *instantiateParams)
{
	if (!instantiateParams)
		return CUDA_ERROR_INVALID_VALUE;
	CUstream given = instantiateParams->hUploadStream;
	instantiateParams->hUploadStream = cu_per_thread(given);
	CUresult err = client_cuGraphInstantiateWithParams(phGraphExec, hGraph, instantiateParams);
	instantiateParams->hUploadStream = given;
	return err;
}

CUresult client_cuGraphExecGetFlags(CUgraphExec hGraphExec, cuuint64_t *flags)
{
	struct cu_exec exec;
	if (!flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = look_at(hGraphExec, &exec);
	if (!err)
		*flags = exec.flags;
	return err;
}

CUresult client_cuGraphExecDestroy(CUgraphExec hGraphExec)
{
	CUresult err = rpc_cuGraphExecDestroy(hGraphExec);
	if (!err)
		unmint(CR_KIND_GRAPH_EXEC, (uintptr_t)hGraphExec);
	return err;
}

CUresult client_cuGraphLaunch(CUgraphExec hGraphExec, CUstream hStream)
{
	struct cu_exec exec;
	CUresult err = look_at(hGraphExec, &exec);
	u64 stream;
	if (!err)
		err = cu_id_of_stream(hStream, &stream);
	if (!err && exec.tasks)
		cu_host_tasks_expect(stream);
	return err ? err : rpc_cuGraphLaunch(hGraphExec, hStream);
}

CUresult client_cuGraphExecUpdate_v2(CUgraphExec hGraphExec, CUgraph hGraph, CUgraphExecUpdateResultInfo *resultInfo)
{
	struct cu_call call;
	graph_update update = {0};
	u64 exec, graph;
	if (!resultInfo)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_id_of_graph_exec(hGraphExec, &exec);
	if (!err)
		err = cu_id_of_graph(hGraph, &graph);
	if (!err)
		err = cu_call_begin(&call, FN_cuGraphExecUpdate_v2);
	if (err)
		return err;
	err = cu_call_result_or(&call, xdr_u64(call.args, &exec) && xdr_u64(call.args, &graph),
				(xdrproc_t)xdr_graph_update, &update, (xdrproc_t)xdr_graph_update, &update);
	if (update.node && cu_node_enter(update.node, graph))
		update.node = 0;
	if (update.from && cu_node_enter(update.from, graph))
		update.from = 0;
	*resultInfo = (CUgraphExecUpdateResultInfo){.result = (CUgraphExecUpdateResult)update.result,
						    .errorNode = cu_handle(update.node),
						    .errorFromNode = cu_handle(update.from)};
	if (!err)
		note_tasks(exec, update.tasks);
	return err;
}

/* ---- User objects ---- */

CUresult client_cuUserObjectCreate(CUuserObject *object_out, void *ptr, CUhostFn destroy, unsigned int initialRefcount,
				   unsigned int flags)
{
	const struct cu_host_function function = {.function = destroy, .data = ptr, .once = true, .unordered = true};
	struct cu_call call;
	u64 id, name;
	u_int count = initialRefcount, wire_flags = flags;
	if (!object_out || !destroy || !initialRefcount || flags != CU_USER_OBJECT_NO_DESTRUCTOR_SYNC)
		return CUDA_ERROR_INVALID_VALUE;
	char *object = malloc(1); /* there is nothing to know of it */
	if (!object)
		return CUDA_ERROR_OUT_OF_MEMORY;
	cu_objects_lock();
	id = cu_object_add(CR_KIND_USER_OBJECT, object);
	cu_objects_unlock();
	CUresult err = id ? cu_host_function_register(&function, &name) : CUDA_ERROR_OUT_OF_MEMORY;
	if (!err)
		err = cu_call_begin(&call, FN_cuUserObjectCreate);
	if (!err)
		err = cu_call_end(&call, xdr_u64(call.args, &id) && xdr_u64(call.args, &name) &&
					     xdr_u_int(call.args, &count) && xdr_u_int(call.args, &wire_flags));
	if (!err)
		*object_out = cu_handle(id);
	else if (id)
		unmint(CR_KIND_USER_OBJECT, id);
	else
		free(object);
	return err;
}

CUresult client_cuGraphRetainUserObject(CUgraph graph, CUuserObject object, unsigned int count, unsigned int flags)
{
	struct cu_call call;
	u64 graph_id, id;
	u_int wire_count = count, wire_flags = flags;
	CUresult err = cu_id_of_graph(graph, &graph_id);
	if (!err)
		err = cu_id_of_user_object(object, &id);
	if (!err)
		err = cu_call_begin(&call, FN_cuGraphRetainUserObject);
	if (err)
		return err;
	return cu_call_end(&call, xdr_u64(call.args, &graph_id) && xdr_u64(call.args, &id) &&
				      xdr_u_int(call.args, &wire_count) && xdr_u_int(call.args, &wire_flags));
}

CUresult client_cuGraphReleaseUserObject(CUgraph graph, CUuserObject object, unsigned int count)
{
	struct cu_call call;
	u64 graph_id, id;
	u_int wire_count = count;
	CUresult err = cu_id_of_graph(graph, &graph_id);
	if (!err)
		err = cu_id_of_user_object(object, &id);
	if (!err)
		err = cu_call_begin(&call, FN_cuGraphReleaseUserObject);
	if (err)
		return err;
	return cu_call_end(&call, xdr_u64(call.args, &graph_id) && xdr_u64(call.args, &id) &&
				      xdr_u_int(call.args, &wire_count));
}
