/* What every call of the driver API goes through: the lock, the initialisation, the thread's current context. */
#ifndef DRV_DRIVER_H
#define DRV_DRIVER_H

#include <cuda.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "memory.h"

#define DRV_API __attribute__((visibility("default")))

struct drv_context;

enum { DRV_VERSION = 13000 };

/* A call begins with one of the enter functions. When it returns CUDA_SUCCESS the caller holds the driver's lock,
   which guards every object of the driver, and ends with drv_leave(). Otherwise the call returns that code at once:
   CUDA_ERROR_NOT_INITIALIZED before cuInit() (and in a child forked after it), CUDA_ERROR_NOT_PERMITTED inside a
   stream callback. errno is kept across the pair. */
CUresult drv_enter(void);

/* May the calling thread use the driver? Errors as drv_enter(); the lock is not taken. */
CUresult drv_check(void);

/* As drv_enter(), and gives the current context: CUDA_ERROR_INVALID_CONTEXT when there is none,
   CUDA_ERROR_CONTEXT_IS_DESTROYED when it has gone, or the context's sticky error. */
CUresult drv_enter_context(struct drv_context **context);

/* Gives the lock back and returns `result`. */
CUresult drv_leave(CUresult result);

/* The current context of the calling thread, under the lock; errors as drv_enter_context(). */
CUresult drv_current(struct drv_context **context);

/* Marks the calling thread as running a program's callback, in which the API is not permitted. */
void drv_callback_begin(void);
void drv_callback_end(void);

/* The device's memory; valid after cuInit(). */
struct cpu_memory *drv_memory(void);

/* The lock, for waiting and for running work without it. */
pthread_mutex_t *drv_mutex(void);
void drv_unlock(void);
void drv_lock(void);

#endif
