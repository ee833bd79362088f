/* cuGraphDebugDotPrint: a graph in the language of Graphviz. */
#include <stdio.h>

#include "driver.h"
#include "function.h"
#include "graph.h"

static const char *type_name(CUgraphNodeType type)
{
	static const char *const names[] = {
	    [CU_GRAPH_NODE_TYPE_KERNEL] = "kernel",
	    [CU_GRAPH_NODE_TYPE_MEMCPY] = "memcpy",
	    [CU_GRAPH_NODE_TYPE_MEMSET] = "memset",
	    [CU_GRAPH_NODE_TYPE_HOST] = "host",
	    [CU_GRAPH_NODE_TYPE_GRAPH] = "child graph",
	    [CU_GRAPH_NODE_TYPE_EMPTY] = "empty",
	    [CU_GRAPH_NODE_TYPE_WAIT_EVENT] = "event wait",
	    [CU_GRAPH_NODE_TYPE_EVENT_RECORD] = "event record",
	    [CU_GRAPH_NODE_TYPE_MEM_ALLOC] = "mem alloc",
	    [CU_GRAPH_NODE_TYPE_MEM_FREE] = "mem free",
	    [CU_GRAPH_NODE_TYPE_BATCH_MEM_OP] = "batch mem op",
	    [CU_GRAPH_NODE_TYPE_CONDITIONAL] = "conditional",
	};
	return names[type];
}

/* What the flags ask for of the node's parameters, behind its kind. */
static void params_print(FILE *file, const struct drv_task *task, unsigned flags)
{
	const CUgraphNodeParams *p = &task->params;
	bool verbose = flags & CU_GRAPH_DEBUG_DOT_FLAGS_VERBOSE;
	struct cpu_kernel_info info;
	switch ((int)p->type) {
	case CU_GRAPH_NODE_TYPE_KERNEL:
		if (cpu_kernel_info(task->launch.kernel, &info) == CUDA_SUCCESS)
			fprintf(file, "\\n%s", info.name);
		if (verbose || flags & CU_GRAPH_DEBUG_DOT_FLAGS_KERNEL_NODE_PARAMS)
			fprintf(file, "\\n<<<(%u,%u,%u),(%u,%u,%u),%u>>>", p->kernel.gridDimX, p->kernel.gridDimY,
				p->kernel.gridDimZ, p->kernel.blockDimX, p->kernel.blockDimY, p->kernel.blockDimZ,
				p->kernel.sharedMemBytes);
		break;
	case CU_GRAPH_NODE_TYPE_MEMCPY:
		if (verbose || flags & CU_GRAPH_DEBUG_DOT_FLAGS_MEMCPY_NODE_PARAMS)
			fprintf(file, "\\n%zu x %zu x %zu bytes", p->memcpy.copyParams.WidthInBytes,
				p->memcpy.copyParams.Height, p->memcpy.copyParams.Depth);
		break;
	case CU_GRAPH_NODE_TYPE_MEMSET:
		if (verbose || flags & CU_GRAPH_DEBUG_DOT_FLAGS_MEMSET_NODE_PARAMS)
			fprintf(file, "\\n0x%llx: %zu x %zu times %u", p->memset.dst, p->memset.width, p->memset.height,
				p->memset.value);
		break;
	case CU_GRAPH_NODE_TYPE_MEM_ALLOC:
		fprintf(file, "\\n0x%llx: %zu bytes", p->alloc.dptr, p->alloc.bytesize);
		break;
	case CU_GRAPH_NODE_TYPE_MEM_FREE:
		fprintf(file, "\\n0x%llx", p->free.dptr);
		break;
	}
}

static void node_print(FILE *file, const struct drv_graph_node *node, unsigned flags)
{
	fprintf(file, "\t\"%p\" [shape=%s, label=\"%llu: %s", (void *)node->handle,
		node->task->params.type == CU_GRAPH_NODE_TYPE_CONDITIONAL ? "diamond" : "box",
		(unsigned long long)node->id, type_name(node->task->params.type));
	params_print(file, node->task, flags);
	if (flags & CU_GRAPH_DEBUG_DOT_FLAGS_HANDLES)
		fprintf(file, "\\n%p", (void *)node->handle);
	fprintf(file, "\"];\n");
	for (size_t i = 0; i < node->out.count; i++)
		fprintf(file, "\t\"%p\" -> \"%p\";\n", (void *)node->handle, (void *)node->out.items[i].node->handle);
}

static void graph_print(FILE *file, const struct drv_graph *graph, unsigned flags)
{
	for (struct drv_link *link = graph->nodes.next; link != &graph->nodes; link = link->next) {
		const struct drv_graph_node *node = DRV_ENTRY(link, struct drv_graph_node, siblings);
		node_print(file, node, flags);
		for (unsigned i = 0; i < node->task->body_count; i++) {
			fprintf(file, "\tsubgraph \"cluster_%p\" {\n\tlabel=\"%s %llu, graph %u\";\n",
				(void *)node->task->bodies[i]->handle, type_name(node->task->params.type),
				(unsigned long long)node->id, i);
			graph_print(file, node->task->bodies[i], flags);
			fprintf(file, "\t}\n");
		}
	}
}

DRV_API CUresult cuGraphDebugDotPrint(CUgraph handle, const char *path, unsigned flags)
{
	if (!path)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	const struct drv_graph *graph = drv_graph_get(handle);
	FILE *file = graph ? fopen(path, "we") : NULL;
	if (!file)
		return drv_leave(graph ? CUDA_ERROR_OPERATING_SYSTEM : CUDA_ERROR_INVALID_VALUE);
	fprintf(file, "digraph graph_%llu {\n", (unsigned long long)graph->origin);
	graph_print(file, graph, flags);
	fprintf(file, "}\n");
	return drv_leave(fclose(file) == 0 ? CUDA_SUCCESS : CUDA_ERROR_OPERATING_SYSTEM);
}
