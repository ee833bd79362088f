#define _GNU_SOURCE
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#define MOST_WORKERS 256

static struct {
	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t wake, idle;
	unsigned threads;
	unsigned wanted;      /* threads that still are to take the work */
	unsigned busy;        /* that have taken it */
	unsigned next_worker; /* number for the next that takes it */
	cpu_work_fn work;
	void *argument;
	bool running;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER};

/* How many the process may use, asked once: a system call for each launch would be felt. */
static unsigned processors(void)
{
	static _Atomic unsigned known;
	cpu_set_t set;

	if (!known) {
		CPU_ZERO(&set);
		int count = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
		known = count > 0 ? (unsigned)count : 1;
	}
	return known;
}

unsigned cpu_worker_count(void)
{
	const char *text = getenv("CRICKET_CPU_THREADS");
	long count = text ? strtol(text, NULL, 10) : 0;

	if (count <= 0)
		count = processors();
	return count < MOST_WORKERS ? (unsigned)count : MOST_WORKERS;
}

static void *thread_main(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&pool.lock);
	for (;;) {
		unsigned worker;

		while (!pool.wanted)
			pthread_cond_wait(&pool.wake, &pool.lock);
		pool.wanted--;
		pool.busy++;
		worker = pool.next_worker++;
		pthread_mutex_unlock(&pool.lock);
		pool.work(pool.argument, worker);
		pthread_mutex_lock(&pool.lock);
		if (!--pool.busy)
			pthread_cond_broadcast(&pool.idle);
	}
	return NULL;
}

/* The program's signals are its own business: none is handled on our threads. */
static bool thread_make(void)
{
	sigset_t all, before;
	pthread_t thread;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, thread_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return false;
	pthread_detach(thread);
	return true;
}

/* A child of fork has a copy of the pool but none of its threads, and perhaps a locked lock. */
static void forget_threads(void)
{
	pthread_mutex_init(&pool.lock, NULL);
	pthread_cond_init(&pool.wake, NULL);
	pthread_cond_init(&pool.idle, NULL);
	pool.threads = pool.wanted = pool.busy = 0;
	pool.running = false;
}

static void watch_fork(void)
{
	pthread_atfork(NULL, NULL, forget_threads);
}

static void pool_begin(cpu_work_fn work, void *argument, unsigned helpers)
{
	pthread_mutex_lock(&pool.lock);
	while (pool.running)
		pthread_cond_wait(&pool.idle, &pool.lock);
	pool.running = true;
	while (pool.threads < helpers && thread_make())
		pool.threads++;
	pool.work = work;
	pool.argument = argument;
	pool.next_worker = 1;
	pool.wanted = helpers < pool.threads ? helpers : pool.threads;
	if (pool.wanted)
		pthread_cond_broadcast(&pool.wake);
	pthread_mutex_unlock(&pool.lock);
}

/* Helpers that have not come by now need not come any more. */
static void pool_end(void)
{
	pthread_mutex_lock(&pool.lock);
	pool.wanted = 0;
	while (pool.busy)
		pthread_cond_wait(&pool.idle, &pool.lock);
	pool.running = false;
	pthread_cond_broadcast(&pool.idle);
	pthread_mutex_unlock(&pool.lock);
}

void cpu_pool_run(cpu_work_fn work, void *argument, unsigned workers)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_fork);
	pool_begin(work, argument, workers - 1);
	work(argument, 0);
	pool_end();
}
