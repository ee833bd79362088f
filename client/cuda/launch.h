/* Launch configurations: what CUDA refuses at once, and the parameters in one buffer. */
#ifndef CU_LAUNCH_H
#define CU_LAUNCH_H

#include "call.h"

struct cu_launch_parameters {
	void **each;  /* one pointer each, or */
	void **extra; /* a packed buffer, as cuLaunchKernel takes it */
};

/* Checks against the limits of the current device and the function, and packs the parameters into `packed`, of
   CUDA_ARGUMENTS_MAX bytes, which is written as far as they reach. */
CUresult cu_launch_check_and_pack(u64 function, const dim3u *grid, const dim3u *block, unsigned shared_bytes,
				  const struct cu_launch_parameters *parameters, char *packed, u_int *length);

#endif
