/* Functions of CUDA's device runtime (cudadevrt), which kernels call and the machine provides. */
#ifndef CPU_BUILTIN_H
#define CPU_BUILTIN_H

#include "machine.h"

#define CPU_BUILTIN_ARGUMENTS 9

/* One lane's call. */
struct cpu_builtin_call {
	struct cpu_warp *warp;
	const struct cpu_insn *insn;
	unsigned lane;
	const uint8_t *arguments[CPU_BUILTIN_ARGUMENTS]; /* of the sizes that the table says */
};

struct cpu_builtin {
	const char *name; /* without cuda, __cudaCDP2, and _ptsz */
	/* Returns a cudaError_t, or where `pointer` an address. After a fault the value does not matter. */
	uint64_t (*run)(const struct cpu_builtin_call *call);
	const char *sizes; /* of the arguments: one digit each, 'c' for 12 */
	bool pointer;
};

/* The function that `name` (cudaMalloc, __cudaCDP2Malloc, …) stands for; NULL when there is none. */
const struct cpu_builtin *cpu_builtin_find(const char *name);

/* Is `name` one of the device runtime's, whether it is provided or not? */
bool cpu_builtin_is_name(const char *name);

#endif
