#define _GNU_SOURCE
#include "special.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pool.h"

static const struct {
	const char *name;
	enum cpu_special special;
	int bytes;
} specials[] = {
    {"%tid.x", CPU_TID_X, 4},
    {"%tid.y", CPU_TID_Y, 4},
    {"%tid.z", CPU_TID_Z, 4},
    {"%ntid.x", CPU_NTID_X, 4},
    {"%ntid.y", CPU_NTID_Y, 4},
    {"%ntid.z", CPU_NTID_Z, 4},
    {"%ctaid.x", CPU_CTAID_X, 4},
    {"%ctaid.y", CPU_CTAID_Y, 4},
    {"%ctaid.z", CPU_CTAID_Z, 4},
    {"%nctaid.x", CPU_NCTAID_X, 4},
    {"%nctaid.y", CPU_NCTAID_Y, 4},
    {"%nctaid.z", CPU_NCTAID_Z, 4},
    {"%laneid", CPU_LANEID, 4},
    {"%warpid", CPU_WARPID, 4},
    {"%nwarpid", CPU_NWARPID, 4},
    {"%smid", CPU_SMID, 4},
    {"%nsmid", CPU_NSMID, 4},
    {"%gridid", CPU_GRIDID, 8},
    {"%clock", CPU_CLOCK, 4},
    {"%clock_hi", CPU_CLOCK_HI, 4},
    {"%clock64", CPU_CLOCK64, 8},
    {"%globaltimer", CPU_GLOBALTIMER, 8},
    {"%globaltimer_lo", CPU_GLOBALTIMER_LO, 4},
    {"%globaltimer_hi", CPU_GLOBALTIMER_HI, 4},
    {"%aggr_smem_size", CPU_TOTAL_SMEM, 4},
    {"%current_graph_exec", CPU_ZERO, 8},
    /* No shared memory is reserved for the system. */
    {"%reserved_smem_offset_begin", CPU_ZERO, 4},
    {"%reserved_smem_offset_end", CPU_ZERO, 4},
    {"%reserved_smem_offset_cap", CPU_ZERO, 4},
    {"%reserved_smem_offset_0", CPU_ZERO, 4},
    {"%reserved_smem_offset_1", CPU_ZERO, 4},
    {"%dynamic_smem_size", CPU_DYNAMIC_SMEM, 4},
    {"%total_smem_size", CPU_TOTAL_SMEM, 4},
    {"%lanemask_eq", CPU_LANEMASK_EQ, 4},
    {"%lanemask_lt", CPU_LANEMASK_LT, 4},
    {"%lanemask_le", CPU_LANEMASK_LE, 4},
    {"%lanemask_gt", CPU_LANEMASK_GT, 4},
    {"%lanemask_ge", CPU_LANEMASK_GE, 4},
    /* Where cooperative groups find the memory of grid-wide barriers. */
    {"%envreg1", CPU_WORKSPACE_HI, 4},
    {"%envreg2", CPU_WORKSPACE_LO, 4},
    {"%clusterid.x", CPU_CLUSTERID_X, 4},
    {"%clusterid.y", CPU_CLUSTERID_Y, 4},
    {"%clusterid.z", CPU_CLUSTERID_Z, 4},
    {"%nclusterid.x", CPU_NCLUSTERID_X, 4},
    {"%nclusterid.y", CPU_NCLUSTERID_Y, 4},
    {"%nclusterid.z", CPU_NCLUSTERID_Z, 4},
    {"%cluster_ctaid.x", CPU_CLUSTER_CTAID_X, 4},
    {"%cluster_ctaid.y", CPU_CLUSTER_CTAID_Y, 4},
    {"%cluster_ctaid.z", CPU_CLUSTER_CTAID_Z, 4},
    {"%cluster_nctaid.x", CPU_CLUSTER_NCTAID_X, 4},
    {"%cluster_nctaid.y", CPU_CLUSTER_NCTAID_Y, 4},
    {"%cluster_nctaid.z", CPU_CLUSTER_NCTAID_Z, 4},
    {"%cluster_ctarank", CPU_CLUSTER_CTARANK, 4},
    {"%cluster_nctarank", CPU_CLUSTER_NCTARANK, 4},
    {"%is_explicit_cluster", CPU_IS_EXPLICIT_CLUSTER, 4},
};

/* %NAME0 to %NAME<last>, with SUFFIX behind the number. */
static bool is_numbered(const char *name, const char *stem, unsigned last, const char *suffix)
{
	size_t length = strlen(stem);
	char *end;

	if (strncmp(name, stem, length) || name[length] < '0' || name[length] > '9')
		return false;
	return strtoul(name + length, &end, 10) <= last && !strcmp(end, suffix);
}

/* Registers of which there are many, and that nothing is to be told by: 0. */
static int zero_bytes(const char *name)
{
	const char *dot = strchr(name, '.');

	if (is_numbered(name, "%pm", 7, "_64"))
		return 8;
	if (is_numbered(name, "%pm", 7, "") || is_numbered(name, "%envreg", 31, ""))
		return 4;
	/* The fourth element of a vector. */
	return dot && !strcmp(dot, ".w") ? 4 : 0;
}

bool cpu_special_find(const char *name, enum cpu_special *special, int *bytes)
{
	for (size_t i = 0; i < sizeof(specials) / sizeof(*specials); i++)
		if (!strcmp(name, specials[i].name)) {
			*special = specials[i].special;
			*bytes = specials[i].bytes;
			return true;
		}
	*special = CPU_ZERO;
	*bytes = zero_bytes(name);
	return *bytes;
}

static uint64_t nanoseconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint32_t cluster_read(const struct cpu_block *block, enum cpu_special special)
{
	const struct cpu_job *job = block->job;

	if (special <= CPU_CLUSTERID_Z)
		return block->ctaid[special - CPU_CLUSTERID_X] / job->cluster[special - CPU_CLUSTERID_X];
	if (special <= CPU_NCLUSTERID_Z)
		return job->launch->grid[special - CPU_NCLUSTERID_X] / job->cluster[special - CPU_NCLUSTERID_X];
	if (special <= CPU_CLUSTER_CTAID_Z)
		return block->ctaid[special - CPU_CLUSTER_CTAID_X] % job->cluster[special - CPU_CLUSTER_CTAID_X];
	if (special <= CPU_CLUSTER_NCTAID_Z)
		return job->cluster[special - CPU_CLUSTER_NCTAID_X];
	if (special == CPU_CLUSTER_CTARANK)
		return block->rank;
	return special == CPU_CLUSTER_NCTARANK ? block->cluster->count : job->in_clusters;
}

uint64_t cpu_special_read(const struct cpu_warp *warp, enum cpu_special special)
{
	const struct cpu_block *block = warp->block;
	const struct cpu_job *job = block->job;

	if (special <= CPU_NTID_Z)
		return job->launch->block[special - CPU_NTID_X];
	if (special <= CPU_CTAID_Z)
		return block->ctaid[special - CPU_CTAID_X];
	if (special <= CPU_NCTAID_Z)
		return job->launch->grid[special - CPU_NCTAID_X];
	switch (special) {
	case CPU_WARPID:
		return warp->index;
	case CPU_NWARPID:
		return block->warp_count;
	case CPU_SMID:
		return block->cluster->worker;
	case CPU_NSMID:
		return cpu_worker_count();
	case CPU_GRIDID:
		return job->grid_id;
	case CPU_CLOCK:
	case CPU_CLOCK64:
		return nanoseconds(CLOCK_MONOTONIC);
	case CPU_CLOCK_HI:
		return nanoseconds(CLOCK_MONOTONIC) >> 32;
	case CPU_GLOBALTIMER:
	case CPU_GLOBALTIMER_LO:
		return nanoseconds(CLOCK_REALTIME);
	case CPU_GLOBALTIMER_HI:
		return nanoseconds(CLOCK_REALTIME) >> 32;
	case CPU_DYNAMIC_SMEM:
		return job->launch->dynamic_shared_bytes;
	case CPU_TOTAL_SMEM:
		return job->shared_bytes;
	case CPU_WORKSPACE_LO:
		return job->workspace & UINT32_MAX;
	case CPU_WORKSPACE_HI:
		return job->workspace >> 32;
	default:
		return special >= CPU_CLUSTERID_X ? cluster_read(block, special) : 0;
	}
}
