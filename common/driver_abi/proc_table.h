/* cuGetProcAddress's table: every exported function of the library this is compiled into (abi/libcuda.txt). */
#ifndef CR_PROC_TABLE_H
#define CR_PROC_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct cr_proc {
	const char *name; /* as programs ask for it */
	int version;      /* CUDA version that introduced the function */
	bool per_thread;  /* for the per-thread default stream */
	int (*function)(void);
};

/* The newest variant of `name` that `version` allows, a per-thread one if it is wanted and there is one; NULL when
   there is none, and `known` then tells whether a newer version would have it. */
const struct cr_proc *cr_proc_find(const char *name, int version, bool per_thread, bool *known);

#endif
