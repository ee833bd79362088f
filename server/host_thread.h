/* The thread that deals with the client's tasks (host_task.h): it tells the client of those that are due, and reads the
   stream ahead while its leader is stuck in the driver, which may be waiting for just these tasks. */
#ifndef SRV_HOST_THREAD_H
#define SRV_HOST_THREAD_H

#include "call.h"

/* The client waits for a task: the reply to `call` is sent when there is one. Starts the thread at the first time. */
CUresult srv_host_thread_ask(struct srv_call *call);

/* Waits for the thread's end, after srv_host_tasks_end. */
void srv_host_thread_join(struct srv_session *session);

#endif
