/* Launches: checked and packed when a program asks for them, in a stream or in a graph. */
#ifndef DRV_LAUNCH_H
#define DRV_LAUNCH_H

#include <cuda.h>
#include <stdbool.h>
#include <stddef.h>

#include "exec.h"

struct drv_context;
struct drv_function;

/* What the launch functions have in common. */
struct drv_launch {
	CUfunction function; /* or a CUkernel */
	unsigned grid[3];
	unsigned block[3];
	unsigned dynamic_shared;
	CUstream stream;
	void **parameters;
	void **extra;
	bool cooperative;
	unsigned cluster[3]; /* blocks of a cluster in each direction; 0: as the kernel says */
	bool prioritised;    /* `priority` counts, not the stream's */
	int priority;
	CUevent after; /* recorded when the grid has ended; NULL: none */
};

/* Checks a launch in `context`, which becomes `grid` but for its parameters. Needs the driver's lock. */
CUresult drv_launch_check(const struct drv_launch *launch, struct drv_context *context,
			  const struct cpu_kernel_info **info, struct cpu_launch *grid);

/* Copies the parameters to `to`, of info->parameter_bytes bytes. */
CUresult drv_launch_pack(const struct drv_launch *launch, const struct cpu_kernel_info *info, unsigned char *to);

/* Runs the grid, without the lock; a failure is logged. */
CUresult drv_launch_run(const struct cpu_launch *grid);

#endif
