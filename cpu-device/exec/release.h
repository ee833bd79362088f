/* Memory that a kernel frees while its grid runs; it goes when the grid has ended. */
#ifndef CPU_RELEASE_H
#define CPU_RELEASE_H

#include "machine.h"

struct cpu_release {
	uint64_t address;
	struct cpu_release *next;
};

/* Frees what the kernel has freed. The job no longer runs, and its memory is not pinned. */
void cpu_releases_do(struct cpu_job *job);

#endif
