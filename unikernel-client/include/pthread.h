/* The types in which client/cuda/platform.h and client/cudart/platform.h keep what a thread needs: with one thread,
   hardly anything. The functions on them are in platform_driver.c and platform_runtime.c. */
#ifndef CRICKET_PTHREAD_H
#define CRICKET_PTHREAD_H

typedef char pthread_mutex_t;
typedef char pthread_cond_t;
typedef char pthread_rwlock_t;
typedef char pthread_once_t;
typedef int pthread_key_t;

#define PTHREAD_MUTEX_INITIALIZER 0
#define PTHREAD_COND_INITIALIZER 0
#define PTHREAD_RWLOCK_INITIALIZER 0
#define PTHREAD_ONCE_INIT 0

#endif
