/* What the remote driver needs of the machine under it: locks, threads, a clock, the environment, a way to the server.
 * Everything else in this folder uses the compiler, memory and strings of C, XDR, and struct cr_transport, so that a
 * port to another system replaces platform.c and the types here. Two more files want an operating system, and a port
 * may leave them out: trace.c and stats_report.c write files.
 */
#ifndef CU_PLATFORM_H
#define CU_PLATFORM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport.h"

/* A lock; not recursive, needs no destruction. */
struct cu_mutex {
	pthread_mutex_t mutex;
};
#define CU_MUTEX_INIT                                                                                                  \
	{                                                                                                              \
		PTHREAD_MUTEX_INITIALIZER                                                                              \
	}

void cu_mutex_lock(struct cu_mutex *mutex);
void cu_mutex_unlock(struct cu_mutex *mutex);

/* Makes a lock free again that another thread held when this process was forked. */
void cu_mutex_reset(struct cu_mutex *mutex);

/* Something to wait for under a lock; wakes without reason, too. */
struct cu_condition {
	pthread_cond_t condition;
};
#define CU_CONDITION_INIT                                                                                              \
	{                                                                                                              \
		PTHREAD_COND_INITIALIZER                                                                               \
	}

void cu_condition_wait(struct cu_condition *condition, struct cu_mutex *mutex);
void cu_condition_signal(struct cu_condition *condition);
void cu_condition_broadcast(struct cu_condition *condition);
void cu_condition_reset(struct cu_condition *condition); /* as cu_mutex_reset */

/* A lock for many readers or one writer. */
struct cu_rwlock {
	pthread_rwlock_t lock;
};
#define CU_RWLOCK_INIT                                                                                                 \
	{                                                                                                              \
		PTHREAD_RWLOCK_INITIALIZER                                                                             \
	}

void cu_rwlock_read(struct cu_rwlock *lock);
void cu_rwlock_write(struct cu_rwlock *lock);
void cu_rwlock_unlock(struct cu_rwlock *lock);

/* Runs `run` once in the life of the process; whoever comes second waits until it is done. */
struct cu_once {
	pthread_once_t once;
};
#define CU_ONCE_INIT                                                                                                   \
	{                                                                                                              \
		PTHREAD_ONCE_INIT                                                                                      \
	}

void cu_once(struct cu_once *once, void (*run)(void));

/* Storage class of a variable of which every thread has its own, zero in a new thread; nothing where there is one. */
#ifndef cu_thread_local
#define cu_thread_local _Thread_local
#endif

/* A pointer of which every thread has its own, NULL at first; `end` gets it when its thread ends and it is not NULL. */
struct cu_thread_pointer {
	pthread_key_t key;
};
bool cu_thread_pointer_create(struct cu_thread_pointer *pointer, void (*end)(void *value));
void *cu_thread_pointer_get(const struct cu_thread_pointer *pointer);
bool cu_thread_pointer_set(const struct cu_thread_pointer *pointer, void *value);

/* Can there be more than one thread? Where not, there is no background sender: calls go out when something is awaited
   or the output is full, and sending always waits. */
bool cu_has_threads(void);

/* Starts a thread that nobody waits for and that runs none of the program's signal handlers. */
bool cu_thread_start(void *(*run)(void *argument), void *argument);

/* A number that tells the calling thread from the others of the system. */
long cu_thread_number(void);

/* A clock that only goes forward. */
uint64_t cu_nanoseconds(void);

/* Has `run` called in every child that the process forks from now on. */
bool cu_at_fork(void (*run)(void));

/* Bytes of a page of memory. */
size_t cu_page_size(void);

/* The value of an environment variable, or NULL; the environment's. */
const char *cu_environment(const char *name);

/* Reads at most `size` bytes of a file; *length of them. False with errno. */
bool cu_file_read(const char *path, char *bytes, size_t size, size_t *length);

/* Names the program for people: "NAME pid N on HOST". */
void cu_program_describe(char *text, size_t size);

/* Connects to the server at `address`, as CRICKET_SERVER has it; NULL and `why`. *valid: is it an address at all? */
struct cr_transport *cu_server_connect(const char *address, bool *valid, struct cr_reason *why);

/* In a child after fork: gives up the copy of a connection that is its parent's, without disturbing it. */
void cu_server_forget(struct cr_transport *transport);

#endif
