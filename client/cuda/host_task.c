#include "host_task.h"

#include <stdlib.h>
#include <string.h>

#include "handles.h"
#include "host_box.h"
#include "log.h"
#include "platform.h"

static struct {
	struct cu_mutex lock;
	struct cu_condition changed;
	unsigned outstanding; /* registrations whose turn comes once, */
	unsigned unordered;   /* and those for which no stream waits */
	bool graphs;          /* tasks of graphs may come, */
	bool one_stream;      /* all of them in ... */
	u64 stream;           /* ... this one */
	unsigned expected;    /* launches of such graphs */
	bool started;
} tasks = {.lock = CU_MUTEX_INIT, .changed = CU_CONDITION_INIT};

/* ---- Registrations ---- */

bool cu_host_function_find(u64 id, struct cu_host_function *function)
{
	cu_objects_lock_shared();
	const struct cu_host_function *found = cu_object(CR_KIND_HOST_FUNCTION, cu_handle(id));
	if (found)
		*function = *found;
	cu_objects_unlock();
	return found != NULL;
}

static void settle_one(bool unordered)
{
	cu_mutex_lock(&tasks.lock);
	tasks.outstanding -= !unordered;
	tasks.unordered -= unordered;
	cu_mutex_unlock(&tasks.lock);
}

void cu_host_function_forget(u64 id)
{
	cu_objects_lock();
	struct cu_host_function *function = cu_object_remove(CR_KIND_HOST_FUNCTION, cu_handle(id));
	cu_objects_unlock();
	if (function && function->once)
		settle_one(function->unordered);
	free(function);
}

bool cu_host_tasks_pending(void)
{
	cu_mutex_lock(&tasks.lock);
	bool pending = tasks.outstanding || tasks.graphs;
	cu_mutex_unlock(&tasks.lock);
	return pending;
}

void cu_host_tasks_expect(u64 stream)
{
	cu_mutex_lock(&tasks.lock);
	tasks.one_stream = !tasks.graphs || (tasks.one_stream && tasks.stream == stream);
	tasks.stream = stream;
	tasks.graphs = true;
	tasks.expected++;
	cu_condition_broadcast(&tasks.changed);
	cu_mutex_unlock(&tasks.lock);
}

unsigned cu_host_tasks_expected(void)
{
	cu_mutex_lock(&tasks.lock);
	unsigned expected = tasks.expected;
	cu_mutex_unlock(&tasks.lock);
	return expected;
}

void cu_host_tasks_settled(u64 stream, unsigned expected)
{
	cu_mutex_lock(&tasks.lock);
	if (tasks.one_stream && tasks.stream == stream && tasks.expected == expected)
		tasks.graphs = false;
	cu_mutex_unlock(&tasks.lock);
}

/* ---- Doing them ---- */

static void call_function(const host_task *task)
{
	struct cu_host_function function;
	if (!cu_host_function_find(task->function, &function))
		return;
	cu_forbid_calls(true);
	if (function.callback)
		function.callback(function.stream, (CUresult)task->status, function.data);
	else if (function.function)
		function.function(function.data);
	cu_forbid_calls(false);
}

struct piece {
	u64 task, offset;
};

static bool encode_piece(XDR *args, const void *arguments)
{
	struct piece piece = *(const struct piece *)arguments;
	return xdr_u64(args, &piece.task) && xdr_u64(args, &piece.offset);
}

/* Sends the box in pieces: from where it is as far as that is in one place, else packed. */
static CUresult send_box(const host_task *task)
{
	size_t size = cu_box_size(&task->box), count;
	struct piece piece = {.task = task->task};
	CUresult err = CUDA_SUCCESS;
	char *packed = NULL;
	for (size_t offset = 0; offset < size && !err; offset += count) {
		size_t left = size - offset, contiguous;
		const char *from = cu_box_at(&task->box, offset, &contiguous);
		count = left < CUDA_BLOB_MAX ? left : CUDA_BLOB_MAX;
		if (contiguous < count) {
			packed = packed ? packed : malloc(CUDA_BLOB_MAX);
			if (!packed)
				return CUDA_ERROR_OUT_OF_MEMORY;
			cu_box_pack(&task->box, offset, packed, count);
			from = packed;
		}
		piece.offset = offset;
		err = cu_call_with_blob_now(FN_cricketHostTaskData, encode_piece, &piece, from, count);
	}
	free(packed);
	return err;
}

/* What the server asks for was named by the program in a copy; the program keeps it valid, as CUDA demands. */
static CUresult perform(const host_task *task)
{
	size_t size = cu_box_size(&task->box), count;
	switch (task->kind) {
	case HOST_TASK_FUNCTION:
	case HOST_TASK_CALLBACK:
		call_function(task);
		return CUDA_SUCCESS;
	case HOST_TASK_READ:
		return send_box(task);
	case HOST_TASK_WRITE:
		if (task->offset > size || task->data.blob_len > size - task->offset)
			return CUDA_ERROR_UNKNOWN;
		cu_box_unpack(&task->box, task->offset, task->data.blob_val, task->data.blob_len);
		return CUDA_SUCCESS;
	case HOST_TASK_COPY:
		for (size_t offset = 0; offset < size; offset += count) {
			const char *from = cu_box_at(&task->from, offset, &count);
			cu_box_unpack(&task->box, offset, from, count);
		}
		return CUDA_SUCCESS;
	case HOST_TASK_FORGET:
		return CUDA_SUCCESS;
	}
	return CUDA_ERROR_UNKNOWN;
}

/* Is this the only, or last, turn of a registration? */
static bool is_last(const host_task *task)
{
	struct cu_host_function function;
	if (task->kind == HOST_TASK_FORGET)
		return true;
	if (task->kind == HOST_TASK_WRITE && task->offset + task->data.blob_len < cu_box_size(&task->box))
		return false;
	return cu_host_function_find(task->function, &function) && function.once;
}

static CUresult send_done(u64 task)
{
	struct cu_call call;
	CUresult err = cu_call_begin(&call, FN_cricketHostTaskDone);
	return err ? err : cu_call_end(&call, xdr_u64(call.args, &task));
}

static CUresult do_next(void)
{
	struct cu_call call;
	host_task task = {0};
	CUresult err = cu_call_begin(&call, FN_cricketHostTaskNext);
	if (err)
		return err;
	call.aside = true;
	err = cu_call_result(&call, true, (xdrproc_t)xdr_host_task, &task);
	if (err)
		return err;
	err = perform(&task);
	if (is_last(&task))
		cu_host_function_forget(task.function);
	if (!err && task.task) /* what nobody waits for has no number */
		err = send_done(task.task);
	xdr_free((xdrproc_t)xdr_host_task, &task);
	return err;
}

static void *serve(void *unused)
{
	CUresult err;
	do {
		cu_mutex_lock(&tasks.lock);
		while (!tasks.outstanding && !tasks.unordered && !tasks.graphs)
			cu_condition_wait(&tasks.changed, &tasks.lock);
		cu_mutex_unlock(&tasks.lock);
		err = do_next();
	} while (!err);
	cr_log(CR_LOG_ERROR, "no more host functions are called: CUDA error %d", (int)err);
	return unused;
}

CUresult cu_host_function_register(const struct cu_host_function *function, u64 *id)
{
	if (!cu_has_threads())
		return CUDA_ERROR_NOT_SUPPORTED; /* nobody could call it while the program does something else */
	struct cu_host_function *copy = malloc(sizeof(*copy));
	if (!copy)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*copy = *function;
	cu_objects_lock();
	*id = cu_object_add(CR_KIND_HOST_FUNCTION, copy);
	cu_objects_unlock();
	if (!*id) {
		free(copy);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	cu_mutex_lock(&tasks.lock);
	tasks.outstanding += function->once && !function->unordered;
	tasks.unordered += function->once && function->unordered;
	bool started = tasks.started = tasks.started || cu_thread_start(serve, NULL);
	cu_condition_broadcast(&tasks.changed);
	cu_mutex_unlock(&tasks.lock);
	if (started)
		return CUDA_SUCCESS;
	cu_host_function_forget(*id);
	return CUDA_ERROR_OPERATING_SYSTEM;
}
