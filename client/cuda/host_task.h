/* What streams of the server want this process to do, in their order: call functions of the program, read and write its
 * memory. One thread of its own does it, one task after the other, so that it needs neither the program's threads nor
 * holds up what they do. It asks the server for tasks only while some are to be expected. */
#ifndef CU_HOST_TASK_H
#define CU_HOST_TASK_H

#include "call.h"

/* A function that a stream will call, or a copy (no function at all) that a stream will make. */
struct cu_host_function {
	CUhostFn function;         /* this one, */
	CUstreamCallback callback; /* or this, */
	CUstream stream;           /* which is told the stream; or none of them */
	void *data;
	bool once;      /* its turn comes once, else with every launch of a graph */
	bool unordered; /* nothing in streams waits for it */
};

/* Registers a function under an id, to be sent with a call that the server answers with one task, or, if that fails,
   with HOST_TASK_FORGET. Starts the thread when first needed. */
CUresult cu_host_function_register(const struct cu_host_function *function, u64 *id);

/* Takes back a registration whose call could not be sent. */
void cu_host_function_forget(u64 id);

/* What is registered under an id; false when nothing is. */
bool cu_host_function_find(u64 id, struct cu_host_function *function);

/* Has a stream still a task for this process, as far as is known? Then its memory is not yet what later work in streams
   will find there. */
bool cu_host_tasks_pending(void);

/* A graph with tasks is about to be launched in a stream: they are to be expected. */
void cu_host_tasks_expect(u64 stream);

/* How often that was so: to be asked for before a wait is sent. */
unsigned cu_host_tasks_expected(void);

/* A wait for a stream, sent at so many expectations, has ended. */
void cu_host_tasks_settled(u64 stream, unsigned expected);

#endif
