/* Copies in which the client's memory takes part when a stream, or an instance of a graph, has come to them: the driver
   copies from, or to, staging memory, and a task of the client fills it before, or empties it behind. */
#ifndef SRV_HOST_COPY_H
#define SRV_HOST_COPY_H

#include "host_task.h"

struct srv_host_copy {
	bool copies;                  /* does the driver copy anything? */
	CUDA_MEMCPY3D copy;           /* what it copies */
	struct srv_host_work *before; /* to be done before, or NULL */
	struct srv_host_work *behind; /* to be done behind, or NULL */
};

/* Prepares a copy; `function` is the client's name for it. The works are the caller's until they are launched. */
CUresult srv_host_copy_prepare(struct srv_worker *worker, u64 function, const copy_3d *wanted,
			       struct srv_host_copy *prepared);

/* Enqueues it, in a capture, too, where it becomes one node of the client's. Takes the works over. */
CUresult srv_host_copy_launch(struct srv_call *call, struct srv_host_copy *prepared, const copy_3d *wanted,
			      CUstream stream);

#endif
