/*
 * What the CUDA runtime needs of the machine under it. Everything else in this folder uses only the
 * compiler and mem*() / str*(), so that a port to another system replaces platform.c alone.
 */
#ifndef CUDART_PLATFORM_H
#define CUDART_PLATFORM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Storage class of a variable of which every thread has its own, zero in a new thread; nothing where there is one. */
#ifndef rt_thread_local
#define rt_thread_local _Thread_local
#endif

/* A lock that needs no destruction; initialise it with RT_MUTEX_INIT. */
struct rt_mutex {
	pthread_mutex_t mutex;
};
#define RT_MUTEX_INIT                                                                                                  \
	{                                                                                                              \
		PTHREAD_MUTEX_INITIALIZER                                                                              \
	}

/* Takes and gives back the lock. Not recursive. */
void rt_mutex_lock(struct rt_mutex *mutex);
void rt_mutex_unlock(struct rt_mutex *mutex);

/* Zeroed memory of `size` bytes, or NULL; the caller frees it with rt_free(). Leaves errno alone. */
void *rt_alloc(size_t size);

/* Frees what rt_alloc() gave; NULL is allowed. */
void rt_free(void *memory);

/* The value of the environment variable `name`, or NULL. Owned by the environment. */
const char *rt_environment(const char *name);

/*
 * Opens the CUDA driver, libcuda.so.1 as the dynamic linker finds it. It is never closed. Returns NULL
 * when there is none, and says why in the log. Leaves errno alone.
 */
void *rt_platform_driver_open(void);

/* The address of the driver's exported function `name`, or NULL. Any thread. */
void *rt_platform_driver_symbol(void *driver, const char *name);

/*
 * Says one line, printf style, on standard error, when CRICKET_LOG asks for messages of this
 * importance (error, warning or info). Any thread; leaves errno alone.
 */
enum rt_log_level { RT_LOG_ERROR, RT_LOG_WARNING, RT_LOG_INFO };
void rt_log(enum rt_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
