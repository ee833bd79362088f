/* Launching graphs. A launch is one operation of its stream. When its turn comes the nodes that depend on nothing
   become loose operations, each node's end makes those ready that depended on it, and the end of the last ends the
   operation. So branches run side by side. What launches under way need is their own: setting parameters does not
   change them. */
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "context.h"
#include "driver.h"
#include "event.h"
#include "graph_exec.h"

struct run {
	struct drv_graph_exec *exec;
	struct drv_op *op;
	struct drv_mark *end;
	struct drv_task **tasks;
	bool *enabled;
	uint32_t *pending;       /* dependencies that are not done, by node */
	uint32_t *remaining;     /* nodes that are not done, by scope */
	struct drv_mark **marks; /* of event nodes: what they wait for or reach */
	uint32_t *ready;
	uint32_t ready_count;
};

struct launch_body {
	struct run *run;
};

struct node_body {
	struct run *run;
	uint32_t node;
};

static void node_done(struct run *run, uint32_t number);

static void scope_begin(struct run *run, uint32_t number)
{
	const struct drv_scope *scope = &run->exec->scopes[number];
	run->remaining[number] = scope->count;
	for (uint32_t i = scope->first; i < scope->first + scope->count; i++) {
		run->pending[i] = run->exec->nodes[i].dependencies;
		if (!run->pending[i])
			run->ready[run->ready_count++] = i;
	}
}

/* Nodes that need a thread */

static CUresult node_run(struct drv_op *op)
{
	const struct node_body *body = DRV_BODY(op, struct node_body);
	return drv_task_perform(body->run->tasks[body->node], op->stream);
}

static void run_go_on(struct run *run);

static void node_end(struct drv_op *op)
{
	struct node_body body = *DRV_BODY(op, struct node_body);
	node_done(body.run, body.node);
	run_go_on(body.run);
}

/* Without memory for it the graph has failed, and ends without doing anything more. */
static void node_submit(struct run *run, uint32_t number, struct drv_mark *wait)
{
	struct drv_op *op = drv_op_new(run->op->stream, node_run, node_end);
	if (!op) {
		if (run->op->stream->context->sticky == CUDA_SUCCESS)
			run->op->stream->context->sticky = CUDA_ERROR_OUT_OF_MEMORY;
		node_done(run, number);
		return;
	}
	*DRV_BODY(op, struct node_body) = (struct node_body){run, number};
	if (wait && !wait->done) {
		op->wait = drv_mark_hold(wait);
		wait->waited = true;
	}
	drv_queue_submit_loose(op);
}

/* Conditional nodes */

/* The body to run, or -1. */
static int body_choose(const struct drv_task *task)
{
	unsigned value = __atomic_load_n((unsigned *)task->condition->address, __ATOMIC_SEQ_CST);
	switch ((int)task->params.conditional.type) {
	case CU_GRAPH_COND_TYPE_IF:
		return value ? 0 : task->body_count > 1 ? 1 : -1;
	case CU_GRAPH_COND_TYPE_WHILE:
		return value ? 0 : -1;
	default:
		return value < task->body_count ? (int)value : -1;
	}
}

static void conditional_begin(struct run *run, uint32_t number)
{
	const struct drv_plan_node *node = &run->exec->nodes[number];
	int body = run->op->stream->context->sticky == CUDA_SUCCESS ? body_choose(run->tasks[number]) : -1;
	if (body < 0 || (!run->exec->scopes[node->first_body + (uint32_t)body].count &&
			 run->tasks[number]->params.conditional.type != CU_GRAPH_COND_TYPE_WHILE))
		node_done(run, number);
	else if (!run->exec->scopes[node->first_body + (uint32_t)body].count)
		node_submit(run, number, NULL); /* a loop without a body goes round outside of the lock */
	else
		scope_begin(run, node->first_body + (uint32_t)body);
}

static void scope_done(struct run *run, uint32_t number)
{
	if (!number)
		return;
	uint32_t owner = run->exec->scopes[number].owner;
	const CUgraphNodeParams *params = &run->tasks[owner]->params;
	if (params->type == CU_GRAPH_NODE_TYPE_CONDITIONAL && params->conditional.type == CU_GRAPH_COND_TYPE_WHILE)
		run->ready[run->ready_count++] = owner;
	else
		node_done(run, owner);
}

static void node_done(struct run *run, uint32_t number)
{
	const struct drv_plan_node *node = &run->exec->nodes[number];
	for (uint32_t i = 0; i < node->out_count; i++) {
		uint32_t next = run->exec->outs[node->first_out + i];
		if (--run->pending[next] == 0)
			run->ready[run->ready_count++] = next;
	}
	if (--run->remaining[node->scope] == 0)
		scope_done(run, node->scope);
}

static void node_begin(struct run *run, uint32_t number)
{
	uint32_t body = run->exec->nodes[number].first_body;
	switch (run->enabled[number] ? (int)run->tasks[number]->params.type : CU_GRAPH_NODE_TYPE_EMPTY) {
	case CU_GRAPH_NODE_TYPE_GRAPH:
		if (run->exec->scopes[body].count)
			scope_begin(run, body);
		else
			node_done(run, number);
		break;
	case CU_GRAPH_NODE_TYPE_CONDITIONAL:
		conditional_begin(run, number);
		break;
	case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
		drv_mark_reach(run->marks[number]);
		node_done(run, number);
		break;
	case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
		if (run->marks[number] && !run->marks[number]->done)
			node_submit(run, number, run->marks[number]);
		else
			node_done(run, number);
		break;
	case CU_GRAPH_NODE_TYPE_MEM_ALLOC: /* see memory_launch() */
	case CU_GRAPH_NODE_TYPE_MEM_FREE:
	case CU_GRAPH_NODE_TYPE_EMPTY:
		node_done(run, number);
		break;
	default:
		node_submit(run, number, NULL);
	}
}

/* Begins what is ready; ends the launch when nothing is left. */
static void run_go_on(struct run *run)
{
	while (run->ready_count)
		node_begin(run, run->ready[--run->ready_count]);
	if (!run->remaining[0])
		drv_op_finish(run->op);
}

static void conditions_assign(const struct run *run)
{
	for (uint32_t i = 0; i < run->exec->node_count; i++) {
		const struct drv_condition *condition = run->tasks[i]->condition;
		if (condition && condition->assigns)
			__atomic_store_n((unsigned *)condition->address, condition->initial, __ATOMIC_SEQ_CST);
	}
}

static void launch_start(struct drv_op *op)
{
	struct run *run = DRV_BODY(op, struct launch_body)->run;
	conditions_assign(run);
	scope_begin(run, 0);
	run_go_on(run);
}

/* Marks must be reached even when the context has failed, or those who wait for them would hang. */
static void run_free(struct run *run)
{
	for (uint32_t i = 0; i < run->exec->node_count; i++) {
		if (run->marks[i] && !run->marks[i]->done &&
		    run->tasks[i]->params.type == CU_GRAPH_NODE_TYPE_EVENT_RECORD)
			drv_mark_reach(run->marks[i]);
		drv_mark_drop(run->marks[i]);
		drv_task_drop(run->tasks[i]);
	}
	if (run->end)
		drv_mark_reach(run->end);
	drv_mark_drop(run->end);
	drv_graph_exec_drop(run->exec);
	free(run->tasks);
	free(run->enabled);
	free(run->pending);
	free(run->remaining);
	free(run->marks);
	free(run->ready);
	free(run);
}

static void launch_end(struct drv_op *op)
{
	struct run *run = DRV_BODY(op, struct launch_body)->run;
	if (run)
		run_free(run);
}

/* Queuing */

static struct run *run_new(struct drv_graph_exec *exec, struct drv_op *op)
{
	size_t nodes = exec->node_count + 1;
	struct run *run = calloc(1, sizeof *run);
	if (!run)
		return NULL;
	*run = (struct run){.exec = exec,
			    .op = op,
			    .tasks = calloc(nodes, sizeof(struct drv_task *)),
			    .enabled = calloc(nodes, sizeof *run->enabled),
			    .pending = calloc(nodes, sizeof *run->pending),
			    .remaining = calloc(exec->scope_count, sizeof *run->remaining),
			    .marks = calloc(nodes, sizeof(struct drv_mark *)),
			    .ready = calloc(nodes, sizeof *run->ready)};
	exec->references++;
	bool made = run->tasks && run->enabled && run->pending && run->remaining && run->marks && run->ready;
	for (uint32_t i = 0; made && i < exec->node_count; i++) {
		run->tasks[i] = drv_task_hold(exec->nodes[i].task);
		run->enabled[i] = exec->nodes[i].enabled;
	}
	if (made)
		return run;
	exec->references--;
	free(run->tasks);
	free(run->enabled);
	free(run->pending);
	free(run->remaining);
	free(run->marks);
	free(run->ready);
	free(run);
	return NULL;
}

/* Waits mean what was recorded before the launch; later waits of the program mean the launch's records. */
static CUresult marks_take(struct run *run, struct drv_stream *stream)
{
	for (uint32_t i = 0; i < run->exec->node_count; i++) {
		const CUgraphNodeParams *params = &run->tasks[i]->params;
		if (params->type != CU_GRAPH_NODE_TYPE_WAIT_EVENT)
			continue;
		struct drv_event *event = drv_event_get(params->eventWait.event);
		if (!event)
			return CUDA_ERROR_INVALID_VALUE;
		run->marks[i] = event->mark ? drv_mark_hold(event->mark) : NULL;
	}
	for (uint32_t i = 0; i < run->exec->node_count; i++) {
		const CUgraphNodeParams *params = &run->tasks[i]->params;
		if (params->type != CU_GRAPH_NODE_TYPE_EVENT_RECORD)
			continue;
		struct drv_event *event = drv_event_get(params->eventRecord.event);
		run->marks[i] = event ? drv_mark_new(event->context) : NULL;
		if (!run->marks[i])
			return event ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_ERROR_INVALID_VALUE;
		run->marks[i]->stream = stream;
		drv_mark_drop(event->mark);
		event->mark = drv_mark_hold(run->marks[i]);
	}
	return CUDA_SUCCESS;
}

/* Memory that an earlier launch allocated must have been freed. */
static bool memory_may_launch(const struct run *run)
{
	if (run->exec->flags & CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH)
		return true;
	for (uint32_t i = 0; i < run->exec->node_count; i++)
		if (run->tasks[i]->params.type == CU_GRAPH_NODE_TYPE_MEM_ALLOC && run->tasks[i]->allocation->live)
			return false;
	return true;
}

/* Who may use memory is settled when the launch is queued, as with cuMemAllocAsync(): all of its allocations, then its
   frees. */
static void memory_launch(const struct run *run)
{
	for (uint32_t i = 0; i < run->exec->node_count; i++)
		if (run->tasks[i]->params.type == CU_GRAPH_NODE_TYPE_MEM_ALLOC)
			drv_graph_memory_set_live(run->tasks[i]->allocation, true);
	for (uint32_t i = 0; i < run->exec->node_count; i++)
		if (run->tasks[i]->params.type == CU_GRAPH_NODE_TYPE_MEM_FREE)
			drv_graph_memory_set_live(run->tasks[i]->allocation, false);
}

/* A launch comes behind the one before, in whichever stream that was. */
static CUresult run_prepare(struct run *run, struct drv_stream *stream)
{
	struct drv_graph_exec *exec = run->exec;
	CUresult result = memory_may_launch(run) ? marks_take(run, stream) : CUDA_ERROR_INVALID_VALUE;
	if (result != CUDA_SUCCESS)
		return result;
	run->end = drv_mark_new(stream->context);
	if (!run->end)
		return CUDA_ERROR_OUT_OF_MEMORY;
	run->end->stream = stream;
	if (exec->last && !exec->last->done) {
		run->op->wait = exec->last;
		exec->last->waited = true;
	} else {
		drv_mark_drop(exec->last);
	}
	exec->last = drv_mark_hold(run->end);
	return CUDA_SUCCESS;
}

CUresult drv_graph_launch(struct drv_graph_exec *exec, struct drv_stream *stream)
{
	if (stream->captured) {
		/* As a child graph, of which the graph it was made of must still be there. */
		CUgraphNodeParams params = {.type = CU_GRAPH_NODE_TYPE_GRAPH, .graph = {.graph = exec->source}};
		return drv_graph_get(exec->source) ? drv_capture_add(stream, &params, NULL) : drv_capture_check(stream);
	}
	struct drv_op *op = drv_op_new(stream, NULL, launch_end);
	if (!op)
		return CUDA_ERROR_OUT_OF_MEMORY;
	struct run *run = DRV_BODY(op, struct launch_body)->run = run_new(exec, op);
	op->start = launch_start;
	CUresult result = run ? run_prepare(run, stream) : CUDA_ERROR_OUT_OF_MEMORY;
	if (result == CUDA_SUCCESS) {
		memory_launch(run);
		return drv_queue_submit(op);
	}
	drv_op_cancel(op);
	return result;
}

DRV_API CUresult cuGraphLaunch(CUgraphExec handle, CUstream stream_handle)
{
	struct drv_stream *stream;
	CUresult result = drv_enter_stream(stream_handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_graph_exec *exec = drv_graph_exec_get(handle);
	return drv_leave(exec ? drv_graph_launch(exec, stream) : CUDA_ERROR_INVALID_VALUE);
}

DRV_API CUresult cuGraphLaunch_ptsz(CUgraphExec exec, CUstream stream)
{
	return cuGraphLaunch(exec, drv_per_thread(stream));
}

DRV_API CUresult cuGraphUpload(CUgraphExec handle, CUstream stream_handle)
{
	struct drv_stream *stream;
	CUresult result = drv_enter_stream(stream_handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	return drv_leave(drv_graph_exec_get(handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE);
}

DRV_API CUresult cuGraphUpload_ptsz(CUgraphExec exec, CUstream stream)
{
	return cuGraphUpload(exec, drv_per_thread(stream));
}
