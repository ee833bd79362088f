#include "executor.h"

#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "driver.h"
#include "log.h"

/* As many operations run side by side, as a GPU runs grids. */
enum { MOST_EXECUTORS = 128, TICK_NS = 100000 };

static struct {
	unsigned threads;
	unsigned idle;
	unsigned active;  /* threads that run an operation, those of the program among them */
	unsigned ticks;   /* moments that have passed while operations waited */
	bool called;      /* an idle thread was woken and has not looked yet */
	bool watching;    /* one looks again after a moment */
	bool initialised; /* the conditions below */
	pthread_cond_t work;
	pthread_cond_t done;
} executors = {.done = PTHREAD_COND_INITIALIZER};

static void execute(struct drv_op *op)
{
	executors.active++;
	drv_queue_execute(op);
	executors.active--;
}

/* Sleeps until called; with operations that wait for a thread, for a moment at most. */
static void sleep_until_called(bool watch)
{
	struct timespec end;
	executors.idle++;
	executors.watching |= watch;
	if (watch) {
		clock_gettime(CLOCK_MONOTONIC, &end);
		end.tv_nsec += TICK_NS;
		if (end.tv_nsec >= 1000000000) {
			end.tv_nsec -= 1000000000;
			end.tv_sec++;
		}
		pthread_cond_timedwait(&executors.work, drv_mutex(), &end);
		executors.watching = false;
		executors.ticks++;
	} else {
		pthread_cond_wait(&executors.work, drv_mutex());
	}
	executors.idle--;
	executors.called = false;
}

/* Takes operations as long as this thread alone does so, or operations take long. Otherwise it watches: an operation
   that still waits at the next look needs a thread of its own. */
static void *executor(void *unused)
{
	uint64_t seen = 0;
	bool busy = false;
	(void)unused;
	/* Kernels run with the default rounding and denormals, whatever the program chose for its threads. */
	fesetenv(FE_DFL_ENV);
	drv_lock();
	executors.called = false;
	for (;;) {
		struct drv_op *op = drv_queue_find();
		if (op && (!executors.active || busy || op->sequence == seen)) {
			unsigned ticks = executors.ticks;
			if (!executors.watching && drv_queue_has_more(op))
				drv_executors_call();
			execute(op);
			busy = executors.ticks != ticks;
			seen = 0;
			continue;
		}
		busy = false;
		seen = op ? op->sequence : 0;
		sleep_until_called(op && !executors.watching);
	}
	return NULL;
}

static bool executor_make(void)
{
	sigset_t all, old;
	pthread_attr_t attributes;
	pthread_t thread;
	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	bool made = pthread_create(&thread, &attributes, executor, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	executors.threads += made;
	return made;
}

static void conditions_init(void)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&executors.work, &attributes);
	pthread_condattr_destroy(&attributes);
	executors.initialised = true;
}

bool drv_executors_start(void)
{
	if (executors.threads)
		return true;
	if (!executors.initialised)
		conditions_init();
	if (!executor_make())
		drv_log(DRV_LOG_ERROR, "CPU device: no thread can be started to run the work");
	return executors.threads;
}

void drv_executors_call(void)
{
	if (executors.called || (executors.active && executors.watching))
		return;
	if (!executors.threads)
		pthread_cond_broadcast(&executors.done); /* another waiting thread may do it */
	else if (executors.idle)
		pthread_cond_signal(&executors.work);
	else if (executors.threads >= MOST_EXECUTORS || !executor_make())
		return;
	executors.called = executors.threads;
}

void drv_wait_until(bool (*ready)(const void *what), struct drv_op *(*find)(const void *what), const void *what)
{
	fenv_t environment;
	if (ready(what))
		return;
	fegetenv(&environment);
	fesetenv(FE_DFL_ENV);
	while (!ready(what)) {
		struct drv_op *op = find ? find(what) : NULL;
		if (op) {
			execute(op);
			continue;
		}
		if (drv_queue_has_more(NULL))
			drv_executors_call();
		pthread_cond_wait(&executors.done, drv_mutex());
	}
	fesetenv(&environment);
	if (drv_queue_has_more(NULL))
		drv_executors_call();
}

void drv_wait_wake(void)
{
	pthread_cond_broadcast(&executors.done);
}
