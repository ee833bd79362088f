/* Special registers other than %tid. */
#ifndef CPU_SPECIAL_H
#define CPU_SPECIAL_H

#include "machine.h"

enum cpu_special {
	CPU_NTID_X,
	CPU_NTID_Y,
	CPU_NTID_Z,
	CPU_CTAID_X,
	CPU_CTAID_Y,
	CPU_CTAID_Z,
	CPU_NCTAID_X,
	CPU_NCTAID_Y,
	CPU_NCTAID_Z,
	CPU_WARPID,
	CPU_NWARPID,
	CPU_SMID,
	CPU_NSMID,
	CPU_GRIDID,
	CPU_CLOCK,
	CPU_CLOCK_HI,
	CPU_CLOCK64,
	CPU_GLOBALTIMER,
	CPU_GLOBALTIMER_LO,
	CPU_GLOBALTIMER_HI,
	CPU_DYNAMIC_SMEM,
	CPU_TOTAL_SMEM,
	CPU_WORKSPACE_LO,
	CPU_WORKSPACE_HI,
	CPU_ZERO,
	CPU_CLUSTERID_X,
	CPU_CLUSTERID_Y,
	CPU_CLUSTERID_Z,
	CPU_NCLUSTERID_X,
	CPU_NCLUSTERID_Y,
	CPU_NCLUSTERID_Z,
	CPU_CLUSTER_CTAID_X,
	CPU_CLUSTER_CTAID_Y,
	CPU_CLUSTER_CTAID_Z,
	CPU_CLUSTER_NCTAID_X,
	CPU_CLUSTER_NCTAID_Y,
	CPU_CLUSTER_NCTAID_Z,
	CPU_CLUSTER_CTARANK,
	CPU_CLUSTER_NCTARANK,
	CPU_IS_EXPLICIT_CLUSTER, /* a predicate */
	/* these differ from lane to lane */
	CPU_LANEID,
	CPU_LANEMASK_EQ,
	CPU_LANEMASK_LT,
	CPU_LANEMASK_LE,
	CPU_LANEMASK_GT,
	CPU_LANEMASK_GE,
	CPU_TID_X,
	CPU_TID_Y,
	CPU_TID_Z
};

/* Finds a special register by its PTX name; `bytes` becomes 4 or 8. False when there is none of that name. */
bool cpu_special_find(const char *name, enum cpu_special *special, int *bytes);

/* The value that all lanes see. */
uint64_t cpu_special_read(const struct cpu_warp *warp, enum cpu_special special);

static inline bool cpu_special_is_by_lane(enum cpu_special special)
{
	return special >= CPU_LANEID;
}

static inline uint32_t cpu_special_of_lane(enum cpu_special special, unsigned lane)
{
	uint32_t bit = 1u << lane;

	switch (special) {
	case CPU_LANEID:
		return lane;
	case CPU_LANEMASK_EQ:
		return bit;
	case CPU_LANEMASK_LT:
		return bit - 1;
	case CPU_LANEMASK_LE:
		return bit | (bit - 1);
	case CPU_LANEMASK_GT:
		return ~(bit | (bit - 1));
	default: /* CPU_LANEMASK_GE */
		return ~(bit - 1);
	}
}

#endif
