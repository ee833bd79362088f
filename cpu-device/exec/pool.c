#define _GNU_SOURCE
#include "pool.h"

#include <fenv.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "machine.h"

#define MOST_WORKERS 256
#define LOOK_STEPS 16      /* steps of clusters between two looks at the clock */
#define ALONE_STEPS 4      /* steps of a small grid before others are called to help */
#define ALONE_THREADS 4096 /* of a grid that is not small */
#define SLICE_NS 500000u
#define PATIENCE_NS 5000000u    /* until a block is suspected to wait for one that has not begun */
#define STARVATION_NS 10000000u /* until a job is served in spite of its priority */

static struct {
	pthread_mutex_t lock; /* guards everything below, and what is the pool's in jobs */
	pthread_cond_t work;
	struct cpu_job *jobs; /* that have not ended */
	_Atomic unsigned job_count;
	_Atomic int top_priority; /* of the jobs */
	_Atomic unsigned workers; /* threads that run clusters */
	_Atomic unsigned limit;   /* workers there should be */
	unsigned helpers, idle;   /* threads of the pool */
	uint64_t turn;
	struct cpu_cluster *spare; /* storage of ended clusters: the one used last is the first */
	unsigned spare_count;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

/* A thread that runs clusters. */
struct worker {
	struct cpu_job *own; /* that it waits for; NULL: a thread of the pool */
	unsigned steps;
	uint64_t since; /* when its present visit was first looked at; 0: not yet */
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

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

/* Storage of clusters */

static struct cpu_cluster *storage_take(void)
{
	struct cpu_cluster *cluster = pool.spare;

	if (!cluster)
		return calloc(1, sizeof(*cluster));
	pool.spare = cluster->next;
	pool.spare_count--;
	cluster->next = NULL;
	return cluster;
}

static void storage_give(struct cpu_cluster *cluster)
{
	if (pool.spare_count >= 2 * pool.limit) {
		cpu_cluster_free(cluster);
		free(cluster);
		return;
	}
	cluster->next = pool.spare;
	pool.spare = cluster;
	pool.spare_count++;
}

/* What a job has to offer */

static bool has_unstarted(const struct cpu_job *job)
{
	return atomic_load_explicit(&job->next_cluster, memory_order_relaxed) < job->clusters;
}

static bool may_begin(const struct cpu_job *job)
{
	return has_unstarted(job) && job->workers + job->parked_count < job->resident;
}

static bool has_work(const struct cpu_job *job)
{
	return !atomic_load_explicit(&job->fault, memory_order_relaxed) && (job->parked || may_begin(job));
}

static void cluster_park(struct cpu_job *job, struct cpu_cluster *cluster)
{
	cluster->next = NULL;
	*job->parked_end = cluster;
	job->parked_end = &cluster->next;
	job->parked_count++;
}

static struct cpu_cluster *cluster_unpark(struct cpu_job *job)
{
	struct cpu_cluster *cluster = job->parked;

	job->parked = cluster->next;
	if (!job->parked)
		job->parked_end = &job->parked;
	job->parked_count--;
	cluster->next = NULL;
	return cluster;
}

/* A cluster to go on with, or storage for one that is to begin; NULL when memory is short. Those of a cooperative grid
   all begin before any goes on. So does the next one when those that have begun do not end. */
static struct cpu_cluster *cluster_take(struct cpu_job *job, bool *begun)
{
	*begun = job->parked && !(may_begin(job) && (job->launch->cooperative || job->impatient));
	job->impatient = false;
	return *begun ? cluster_unpark(job) : storage_take();
}

/* Threads */

static void *helper_main(void *unused);

/* The program's signals are its own business: none is handled on our threads. */
static bool helper_make(void)
{
	sigset_t all, before;
	pthread_t thread;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, helper_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return false;
	pthread_detach(thread);
	pool.helpers++;
	return true;
}

/* Calls up to `count` threads of the pool. False when there are none. */
static bool helpers_call(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (i < pool.idle)
			pthread_cond_signal(&pool.work);
		else if (pool.helpers >= pool.limit || !helper_make())
			break;
	return pool.helpers;
}

/* Calls as many as the job has clusters for and there may be workers. */
static void helpers_recruit(const struct cpu_job *job)
{
	uint64_t next = atomic_load(&job->next_cluster);
	uint64_t clusters = job->parked_count + (next < job->clusters ? job->clusters - next : 0);
	unsigned room = pool.workers < pool.limit ? pool.limit - pool.workers : 0;

	if (room && clusters)
		(void)helpers_call(clusters < room ? (unsigned)clusters : room);
}

/* A child of fork has a copy of the pool but none of its threads, and perhaps a locked lock. */
static void forget_threads(void)
{
	pthread_mutex_init(&pool.lock, NULL);
	pthread_cond_init(&pool.work, NULL);
	pool.jobs = NULL;
	pool.helpers = pool.idle = 0;
	pool.workers = pool.job_count = 0;
	pool.spare = NULL;
	pool.spare_count = 0;
}

static void watch_fork(void)
{
	pthread_atfork(NULL, NULL, forget_threads);
}

/* A visit to a job: clusters, one after another */

/* Ends a grid that has run for longer than its launch allows. */
static void timeout_fault(struct cpu_cluster *cluster)
{
	struct cpu_job *job = cluster->job;

	for (uint32_t b = 0; b < cluster->count; b++)
		for (uint32_t w = 0; w < cluster->blocks[b].warp_count; w++) {
			struct cpu_warp *warp = &cluster->blocks[b].warps[w];

			if (!warp->group_count)
				continue;
			cpu_fault(warp, warp->groups[0].pc, -1, CUDA_ERROR_LAUNCH_TIMEOUT,
				  "the grid runs for more than %.3g s", (double)job->launch->timeout_ns * 1e-9);
			return;
		}
}

/* Looks at the clock, now and then. Should the worker leave its cluster for others? */
static bool look(struct worker *worker, struct cpu_job *job, struct cpu_cluster *cluster)
{
	uint64_t time = now();

	if (job->launch->timeout_ns && time - job->began > job->launch->timeout_ns)
		timeout_fault(cluster);
	if (!worker->since)
		worker->since = time;
	if (!cluster->since)
		cluster->since = time;
	if (time - worker->since < SLICE_NS)
		return false;
	if (time - cluster->since >= PATIENCE_NS && has_unstarted(job)) {
		job->impatient = true;
		return true;
	}
	if (atomic_load_explicit(&pool.job_count, memory_order_relaxed) > 1 ||
	    atomic_load_explicit(&job->parked_count, memory_order_relaxed))
		return true;
	return !worker->own && atomic_load_explicit(&pool.workers, memory_order_relaxed) >
				   atomic_load_explicit(&pool.limit, memory_order_relaxed);
}

/* Between two steps of a cluster, or behind its last one. */
static bool should_leave(struct worker *worker, struct cpu_job *job, struct cpu_cluster *cluster, bool live)
{
	unsigned steps = ++worker->steps;

	if (steps == ALONE_STEPS && worker->own && has_unstarted(job)) {
		pthread_mutex_lock(&pool.lock);
		helpers_recruit(job);
		pthread_mutex_unlock(&pool.lock);
	}
	if (live && job->launch->cooperative &&
	    (atomic_load_explicit(&job->parked_count, memory_order_relaxed) || has_unstarted(job)))
		return true;
	if (!live && atomic_load_explicit(&pool.top_priority, memory_order_relaxed) < job->launch->priority)
		return true;
	if (worker->own && worker->own != job && worker->own->done)
		return true;
	return steps % LOOK_STEPS == 0 && look(worker, job, cluster);
}

static void cluster_failed(struct cpu_job *job)
{
	static const char text[] = "out of host memory";
	int none = CUDA_SUCCESS;

	if (atomic_compare_exchange_strong(&job->fault, &none, CUDA_ERROR_OUT_OF_MEMORY) && job->fault_text.size)
		snprintf(job->fault_text.data, job->fault_text.size, "kernel %s: %s", job->kernel_name, text);
}

/* Begins the job's next cluster; false when there is none. In order of their number: a block may wait for an earlier
   one, which then has begun before. */
static bool cluster_begin(struct cpu_job *job, struct cpu_cluster *cluster)
{
	uint64_t number = atomic_fetch_add(&job->next_cluster, 1);

	if (number >= job->clusters || atomic_load(&job->fault))
		return false;
	cluster->worker = (unsigned)(number % job->most_workers);
	cluster->since = 0;
	if (cpu_cluster_begin(cluster, job, number))
		return true;
	cluster_failed(job);
	return false;
}

/* Without the lock. Returns whether the cluster is to go on later. */
static bool visit(struct worker *worker, struct cpu_job *job, struct cpu_cluster *cluster, bool begun)
{
	worker->since = 0;
	while (begun || cluster_begin(job, cluster)) {
		bool live = cpu_cluster_step(cluster);

		begun = live;
		if (should_leave(worker, job, cluster, live))
			return live && !atomic_load(&job->fault);
	}
	return false;
}

/* Jobs */

static void top_priority_find(void)
{
	int top = INT_MAX;

	for (struct cpu_job *job = pool.jobs; job; job = job->next)
		if (job->launch->priority < top)
			top = job->launch->priority;
	pool.top_priority = top;
}

static void job_add(struct cpu_job *job)
{
	job->parked = NULL;
	job->parked_end = &job->parked;
	job->next = pool.jobs;
	job->link = &pool.jobs;
	if (job->next)
		job->next->link = &job->next;
	pool.jobs = job;
	pool.limit = job->most_workers;
	if (pool.job_count++ == 0 || job->launch->priority < pool.top_priority)
		pool.top_priority = job->launch->priority;
	if (job->launch->timeout_ns)
		job->began = now();
}

static void job_end(struct cpu_job *job)
{
	*job->link = job->next;
	if (job->next)
		job->next->link = job->link;
	if (--pool.job_count && pool.top_priority == job->launch->priority)
		top_priority_find();
	job->done = true;
	if (job->waiting)
		pthread_cond_signal(&job->wake);
}

/* Has the job nothing left to do and nobody who does it? After a fault clusters that were set aside are dropped. */
static bool job_has_ended(struct cpu_job *job)
{
	if (job->workers || job->done)
		return false;
	if (!atomic_load(&job->fault))
		return !job->parked && !has_unstarted(job);
	while (job->parked) {
		struct cpu_cluster *cluster = cluster_unpark(job);

		cpu_cluster_abandon(cluster);
		storage_give(cluster);
	}
	return true;
}

/* Works on the job for a while. Called with the lock, which is given up meanwhile. */
static void serve(struct worker *worker, struct cpu_job *job)
{
	bool begun, live = false;
	struct cpu_cluster *cluster = cluster_take(job, &begun);

	job->workers++;
	job->served = ++pool.turn;
	pool.workers++;
	if (!cluster)
		cluster_failed(job);
	pthread_mutex_unlock(&pool.lock);
	if (cluster)
		live = visit(worker, job, cluster, begun);
	if (cluster && !live)
		cpu_cluster_abandon(cluster);
	pthread_mutex_lock(&pool.lock);
	job->workers--;
	pool.workers--;
	if (live)
		cluster_park(job, cluster);
	else if (cluster)
		storage_give(cluster);
	if (job_has_ended(job)) {
		void (*ended)(struct cpu_job *) = job->ended;

		job_end(job);
		if (ended) {
			pthread_mutex_unlock(&pool.lock);
			ended(job);
			pthread_mutex_lock(&pool.lock);
		}
	}
}

/* Should `a` be served before `b`? */
static bool comes_before(const struct cpu_job *a, const struct cpu_job *b)
{
	if (a->launch->priority != b->launch->priority)
		return a->launch->priority < b->launch->priority;
	return a->workers != b->workers ? a->workers < b->workers : a->served < b->served;
}

/* Every so often a turn goes to the job that has waited longest, whatever its priority. */
static struct cpu_job *pick_starving(void)
{
	static uint64_t last;
	struct cpu_job *best = NULL;
	uint64_t time = now();

	if (time - last < STARVATION_NS)
		return NULL;
	last = time;
	for (struct cpu_job *job = pool.jobs; job; job = job->next)
		if (has_work(job) && (!best || job->served < best->served))
			best = job;
	return best;
}

static bool priorities_differ(void)
{
	for (struct cpu_job *job = pool.jobs; job; job = job->next)
		if (job->launch->priority != pool.top_priority)
			return true;
	return false;
}

/* The job whose turn it is, or NULL when none has work. */
static struct cpu_job *pick(void)
{
	struct cpu_job *best = pool.job_count > 1 && priorities_differ() ? pick_starving() : NULL;

	if (best)
		return best;
	for (struct cpu_job *job = pool.jobs; job; job = job->next)
		if (has_work(job) && (!best || comes_before(job, best)))
			best = job;
	return best;
}

/* What a thread does that waits for its own job: that, unless one of a higher priority has work. */
static struct cpu_job *pick_for(const struct cpu_job *own)
{
	if (pool.job_count > 1 && pool.top_priority < own->launch->priority) {
		struct cpu_job *job = pick();

		if (job && (job == own || job->launch->priority < own->launch->priority))
			return job;
	}
	return has_work(own) ? (struct cpu_job *)own : NULL;
}

/* A thread that leaves calls others, if it leaves work: a job's own thread, or one of the pool. */
static void pass_on(struct cpu_job *job)
{
	if (!job || !has_work(job))
		return;
	if (job->waiting)
		pthread_cond_signal(&job->wake);
	else if (pool.workers < pool.limit || (job->ended && !job->workers))
		(void)helpers_call(1);
}

/* May a thread of the pool work? There are as many workers as there should be, but for jobs that nobody serves and
   nobody waits for. */
static struct cpu_job *pick_for_helper(void)
{
	if (pool.workers < pool.limit)
		return pick();
	for (struct cpu_job *job = pool.jobs; job; job = job->next)
		if (job->ended && !job->workers && has_work(job))
			return job;
	return NULL;
}

static void *helper_main(void *unused)
{
	struct worker worker = {0};

	(void)unused;
	/* Kernels run with the default rounding and denormals, whatever the thread that made this one has chosen. */
	fesetenv(FE_DFL_ENV);
	pthread_mutex_lock(&pool.lock);
	for (;;) {
		struct cpu_job *job = pick_for_helper();

		if (job) {
			serve(&worker, job);
			continue;
		}
		if (pool.jobs)
			pass_on(pick());
		pool.idle++;
		pthread_cond_wait(&pool.work, &pool.lock);
		pool.idle--;
	}
	return NULL;
}

static void own_job_run(struct cpu_job *own)
{
	struct worker worker = {.own = own};

	while (!own->done) {
		struct cpu_job *job = pick_for(own);

		if (job) {
			serve(&worker, job);
			continue;
		}
		own->waiting = true;
		helpers_recruit(own);
		pthread_cond_wait(&own->wake, &pool.lock);
		own->waiting = false;
	}
}

void cpu_pool_run(struct cpu_job *job)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_fork);
	pthread_cond_init(&job->wake, NULL);
	pthread_mutex_lock(&pool.lock);
	job_add(job);
	if (job->clusters > 1 && job->clusters * job->threads >= ALONE_THREADS) {
		pool.workers++;
		helpers_recruit(job);
		pool.workers--;
	}
	own_job_run(job);
	if (pool.jobs)
		pass_on(pick());
	pthread_mutex_unlock(&pool.lock);
	pthread_cond_destroy(&job->wake);
}

bool cpu_pool_start(struct cpu_job *job)
{
	bool started;

	pthread_mutex_lock(&pool.lock);
	job_add(job);
	started = helpers_call(1);
	if (!started)
		job_end(job);
	pthread_mutex_unlock(&pool.lock);
	return started;
}
