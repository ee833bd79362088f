/* Who runs operations: threads of the driver, and threads of the program that wait. */
#ifndef DRV_EXECUTOR_H
#define DRV_EXECUTOR_H

#include <stdbool.h>

#include "queue.h"

/* What queue.c offers. All functions of this file need the driver's lock. */

/* The operation whose turn it is, not yet running; NULL when none may run now. */
struct drv_op *drv_queue_find(void);

/* May any operation besides `op` run now? May say so too often, never too seldom. */
bool drv_queue_has_more(const struct drv_op *op);

/* An operation that must end before all of the stream's have ended, and that may run now: NULL when others run what it
   waits for. */
struct drv_op *drv_queue_find_for(struct drv_stream *stream);

/* Runs it, gives up the lock meanwhile, and ends it. */
void drv_queue_execute(struct drv_op *op);

/* What executor.c offers. */

/* Sees to it that there is a thread that takes operations; false when none can be made. */
bool drv_executors_start(void);

/* Sees to it that an operation which may run now is taken: at once when no thread runs any, else when it has waited for
   a moment. (Threads that run one small operation after another take it soon; waking another one would cost more.) */
void drv_executors_call(void);

/* Waits until `ready(what)`. The thread runs what `find(what)` gives meanwhile; NULL: nothing, it sleeps. */
void drv_wait_until(bool (*ready)(const void *what), struct drv_op *(*find)(const void *what), const void *what);

/* Wakes the threads that wait. */
void drv_wait_wake(void);

#endif
