#include "driver.h"

#include <errno.h>
#include <stdatomic.h>

#include "context.h"
#include "device.h"
#include "log.h"
#include "thread.h"
#include "unsupported.h"

enum state { STATE_NEW, STATE_READY, STATE_FORKED };

static atomic_int state;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cpu_memory *memory;
static _Thread_local int entry_errno;
static _Thread_local bool in_callback;

/* The scheduler and the kernel threads do not exist in a child, and the lock may be held for ever: as on a GPU, a child
   forked after cuInit() cannot use the driver. */
static void forked(void)
{
	if (atomic_load(&state) == STATE_READY)
		atomic_store(&state, STATE_FORKED);
}

static CUresult driver_start(void)
{
	CUresult result = drv_device_init();
	if (result != CUDA_SUCCESS)
		return result;
	memory = cpu_memory_create(drv_device()->memory_bytes);
	if (!memory)
		return CUDA_ERROR_OUT_OF_MEMORY;
	if (pthread_atfork(NULL, NULL, forked) != 0)
		return CUDA_ERROR_OPERATING_SYSTEM;
	result = drv_context_init_primary();
	if (result != CUDA_SUCCESS)
		return result;
	drv_log(DRV_LOG_INFO, "CPU device: %s, compute capability %u.%u, %zu MiB of memory", drv_device()->name,
		drv_device()->capability / 10, drv_device()->capability % 10, drv_device()->memory_bytes >> 20);
	atomic_store(&state, STATE_READY);
	return CUDA_SUCCESS;
}

DRV_API CUresult cuInit(unsigned flags)
{
	int saved_errno = errno;
	CUresult result = CUDA_SUCCESS;
	if (flags)
		return CUDA_ERROR_INVALID_VALUE;
	if (atomic_load(&state) == STATE_FORKED)
		return CUDA_ERROR_NOT_INITIALIZED;
	if (atomic_load(&state) == STATE_READY)
		return CUDA_SUCCESS;
	drv_lock();
	if (atomic_load(&state) == STATE_NEW)
		result = driver_start();
	drv_unlock();
	errno = saved_errno;
	return result;
}

CUresult drv_check(void)
{
	if (atomic_load_explicit(&state, memory_order_acquire) != STATE_READY)
		return CUDA_ERROR_NOT_INITIALIZED;
	return in_callback ? CUDA_ERROR_NOT_PERMITTED : CUDA_SUCCESS;
}

CUresult drv_enter(void)
{
	CUresult result = drv_check();
	if (result != CUDA_SUCCESS)
		return result;
	entry_errno = errno;
	drv_lock();
	return CUDA_SUCCESS;
}

CUresult drv_leave(CUresult result)
{
	drv_unlock();
	errno = entry_errno;
	return result;
}

CUresult drv_current(struct drv_context **context)
{
	CUcontext top = drv_thread_top();
	return top ? drv_context_get(top, context) : CUDA_ERROR_INVALID_CONTEXT;
}

CUresult drv_enter_context(struct drv_context **context)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_current(context);
	return result == CUDA_SUCCESS ? result : drv_leave(result);
}

void drv_callback_begin(void)
{
	in_callback = true;
}

void drv_callback_end(void)
{
	in_callback = false;
}

struct cpu_memory *drv_memory(void)
{
	return memory;
}

pthread_mutex_t *drv_mutex(void)
{
	return &lock;
}

void drv_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

void drv_lock(void)
{
	pthread_mutex_lock(&lock);
}

int drv_unsupported(const char *function, atomic_flag *reported)
{
	if (!atomic_flag_test_and_set(reported))
		drv_log(DRV_LOG_ERROR, "%s is not supported on the CPU device", function);
	return CUDA_ERROR_NOT_SUPPORTED;
}
