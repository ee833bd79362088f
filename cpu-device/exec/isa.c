/* Chooses the copy of the lane functions that suits this processor. CPU_COPIES names those that were compiled, as
 * X(name)..., from the one that runs everywhere to the one that wants most. */
#include "machine.h"

#if defined(__x86_64__)

static bool runs_v2(void)
{
	return true;
}

/* This one and the next: unused in a build without that copy. */
__attribute__((unused)) static bool runs_v3(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}

__attribute__((unused)) static bool runs_v4(void)
{
	return runs_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512cd");
}

#else

static bool runs_base(void)
{
	return true;
}

#endif

#define X(name) extern const cpu_lane_fn cpu_lane_table__##name[];
CPU_COPIES
#undef X

#define X(name) {#name, cpu_lane_table__##name, runs_##name},
static const struct {
	const char *name;
	const cpu_lane_fn *functions;
	bool (*runs)(void);
} copies[] = {CPU_COPIES};
#undef X

const cpu_lane_fn *cpu_lane_copy(unsigned index, const char **name)
{
	unsigned count = 0;
#if defined(__x86_64__)
	__builtin_cpu_init();
#endif
	for (size_t i = 0; i < sizeof(copies) / sizeof(*copies); i++) {
		if (copies[i].runs() && count++ == index) {
			*name = copies[i].name;
			return copies[i].functions;
		}
	}
	return NULL;
}

const cpu_lane_fn *cpu_lane_functions(void)
{
	const cpu_lane_fn *best = NULL, *copy;
	const char *name;
	for (unsigned i = 0; (copy = cpu_lane_copy(i, &name)); i++)
		best = copy;
	return best;
}
