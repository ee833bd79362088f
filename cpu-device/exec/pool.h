/* Threads that help to run grids. */
#ifndef CPU_POOL_H
#define CPU_POOL_H

/* What a worker does; `worker` counts from 0, which is the caller of cpu_pool_run. */
typedef void (*cpu_work_fn)(void *argument, unsigned worker);

/* Workers there are: the processor's cores that this process may use, or CRICKET_CPU_THREADS. */
unsigned cpu_worker_count(void);

/* Runs `work` on up to `workers` threads, the caller among them, and returns when all have returned. The threads are
   made when first needed, with all signals blocked, and again after a fork. One call at a time: others wait. */
void cpu_pool_run(cpu_work_fn work, void *argument, unsigned workers);

#endif
