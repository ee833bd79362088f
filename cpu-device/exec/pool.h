/* Threads that run grids: several at once, block by block. */
#ifndef CPU_POOL_H
#define CPU_POOL_H

#include <stdbool.h>

struct cpu_job;

/* Workers there are: the processor's cores that this process may use, or CRICKET_CPU_THREADS. */
unsigned cpu_worker_count(void);

/* Runs the job's blocks and returns when all have ended. The caller is one of the workers; further ones, threads of the
   pool, come while fewer than cpu_worker_count() work. The threads are made when first needed, with all signals
   blocked.

   Any number of jobs at a time. Each has its caller, and the pool's threads go where the fewest are; a block that takes
   long is set aside between two of its steps when others wait. Blocks of a job with a higher priority (a smaller
   number) begin first, but no job waits longer than some milliseconds. A block that has run for long without ending may
   wait for a later one: up to `resident` blocks then are in progress at a time. */
void cpu_pool_run(struct cpu_job *job);

/* As cpu_pool_run(), and returns at once: threads of the pool do everything, and the last one calls job->ended. False
   when there are no threads and none can be made. */
bool cpu_pool_start(struct cpu_job *job);

#endif
