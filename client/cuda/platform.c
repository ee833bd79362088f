/* POSIX port of the remote driver. */
#include "platform.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { CONNECT_TIMEOUT_MS = 10000 };

/* ---- Locks ---- */

void cu_mutex_lock(struct cu_mutex *mutex)
{
	pthread_mutex_lock(&mutex->mutex);
}

void cu_mutex_unlock(struct cu_mutex *mutex)
{
	pthread_mutex_unlock(&mutex->mutex);
}

void cu_mutex_reset(struct cu_mutex *mutex)
{
	pthread_mutex_init(&mutex->mutex, NULL);
}

void cu_condition_wait(struct cu_condition *condition, struct cu_mutex *mutex)
{
	pthread_cond_wait(&condition->condition, &mutex->mutex);
}

void cu_condition_signal(struct cu_condition *condition)
{
	pthread_cond_signal(&condition->condition);
}

void cu_condition_broadcast(struct cu_condition *condition)
{
	pthread_cond_broadcast(&condition->condition);
}

void cu_condition_reset(struct cu_condition *condition)
{
	pthread_cond_init(&condition->condition, NULL);
}

void cu_rwlock_read(struct cu_rwlock *lock)
{
	pthread_rwlock_rdlock(&lock->lock);
}

void cu_rwlock_write(struct cu_rwlock *lock)
{
	pthread_rwlock_wrlock(&lock->lock);
}

void cu_rwlock_unlock(struct cu_rwlock *lock)
{
	pthread_rwlock_unlock(&lock->lock);
}

void cu_once(struct cu_once *once, void (*run)(void))
{
	pthread_once(&once->once, run);
}

/* ---- Threads ---- */

bool cu_thread_pointer_create(struct cu_thread_pointer *pointer, void (*end)(void *value))
{
	return !pthread_key_create(&pointer->key, end);
}

void *cu_thread_pointer_get(const struct cu_thread_pointer *pointer)
{
	return pthread_getspecific(pointer->key);
}

bool cu_thread_pointer_set(const struct cu_thread_pointer *pointer, void *value)
{
	return !pthread_setspecific(pointer->key, value);
}

bool cu_has_threads(void)
{
	return true;
}

bool cu_thread_start(void *(*run)(void *argument), void *argument)
{
	sigset_t all, before;
	pthread_t thread;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int err = pthread_create(&thread, NULL, run, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_detach(thread);
	return !err;
}

long cu_thread_number(void)
{
	return (long)syscall(SYS_gettid);
}

bool cu_at_fork(void (*run)(void))
{
	return !pthread_atfork(NULL, NULL, run);
}

/* ---- The system ---- */

uint64_t cu_nanoseconds(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

size_t cu_page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

const char *cu_environment(const char *name)
{
	return getenv(name);
}

bool cu_file_read(const char *path, char *bytes, size_t size, size_t *length)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	*length = fread(bytes, 1, size, file);
	bool read = !ferror(file);
	fclose(file);
	return read;
}

void cu_program_describe(char *text, size_t size)
{
	char path[512], host[128] = "?";
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[length > 0 ? length : 0] = '\0';
	gethostname(host, sizeof(host) - 1);
	const char *base = strrchr(path, '/');
	snprintf(text, size, "%s pid %ld on %s", base ? base + 1 : "?", (long)getpid(), host);
}

/* ---- The way to the server ---- */

struct cr_transport *cu_server_connect(const char *address, bool *valid, struct cr_reason *why)
{
	struct cr_uri uri;
	*valid = cr_uri_parse(address, &uri, why);
	return *valid ? cr_transport_connect_server(&uri, CONNECT_TIMEOUT_MS, why) : NULL;
}

void cu_server_forget(struct cr_transport *transport)
{
	close(transport->fd);
}
