/* Chooses the copy of the lane functions that suits this processor. */
#include "machine.h"

#if defined(__x86_64__)

extern const cpu_lane_fn cpu_lane_table__v2[], cpu_lane_table__v3[], cpu_lane_table__v4[];

static bool has_v3(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}

static bool has_v4(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512cd");
}

const cpu_lane_fn *cpu_lane_functions(void)
{
	__builtin_cpu_init();
	if (!has_v3())
		return cpu_lane_table__v2;
	return has_v4() ? cpu_lane_table__v4 : cpu_lane_table__v3;
}

#else

extern const cpu_lane_fn cpu_lane_table__base[];

const cpu_lane_fn *cpu_lane_functions(void)
{
	return cpu_lane_table__base;
}

#endif
