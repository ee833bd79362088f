#include "thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "stream.h"

static _Thread_local struct {
	CUcontext *stack;
	unsigned depth;
	unsigned capacity;
	uint64_t id;
} thread;

static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

static void thread_exit(void *unused)
{
	(void)unused;
	drv_stream_thread_exit(thread.id);
	free(thread.stack);
	thread.stack = NULL;
	thread.depth = thread.capacity = 0;
}

static void exit_key_make(void)
{
	/* Without a key the few bytes of each ended thread stay: not worth failing for. */
	(void)pthread_key_create(&exit_key, thread_exit);
}

uint64_t drv_thread_id(void)
{
	static atomic_uint_fast64_t last;
	if (!thread.id) {
		thread.id = atomic_fetch_add(&last, 1) + 1;
		pthread_once(&exit_once, exit_key_make);
		pthread_setspecific(exit_key, &thread);
	}
	return thread.id;
}

CUcontext drv_thread_top(void)
{
	return thread.depth ? thread.stack[thread.depth - 1] : NULL;
}

CUresult drv_thread_push(CUcontext context)
{
	if (thread.depth == thread.capacity) {
		unsigned capacity = thread.capacity ? thread.capacity * 2 : 8;
		CUcontext *grown = realloc(thread.stack, capacity * sizeof *grown);
		if (!grown)
			return CUDA_ERROR_OUT_OF_MEMORY;
		thread.stack = grown;
		thread.capacity = capacity;
		(void)drv_thread_id(); /* arranges for the release at thread exit */
	}
	thread.stack[thread.depth++] = context;
	return CUDA_SUCCESS;
}

bool drv_thread_pop(CUcontext *context)
{
	if (!thread.depth)
		return false;
	*context = thread.stack[--thread.depth];
	return true;
}

CUresult drv_thread_set(CUcontext context)
{
	CUcontext old;
	if (!context) {
		(void)drv_thread_pop(&old);
		return CUDA_SUCCESS;
	}
	if (!thread.depth)
		return drv_thread_push(context);
	thread.stack[thread.depth - 1] = context;
	return CUDA_SUCCESS;
}
