/* The entry points that cuGetProcAddress() knows; made from the export list when the driver is built. */
#ifndef DRV_PROC_TABLE_H
#define DRV_PROC_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct drv_proc {
	const char *name;
	int version;     /* of CUDA, that introduced the variant */
	bool per_thread; /* NULL stands for the per-thread default stream */
	int (*function)(void);
};

extern const struct drv_proc drv_procs[];
extern const size_t drv_proc_count;

#endif
