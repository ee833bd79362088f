/* The body of every exported function that the driver does not implement. */
#ifndef DRV_UNSUPPORTED_H
#define DRV_UNSUPPORTED_H

#include <stdatomic.h>

/* Reports `function` in the log, once as `reported` remembers, and returns CUDA_ERROR_NOT_SUPPORTED. */
int drv_unsupported(const char *function, atomic_flag *reported);

#define CRICKET_UNSUPPORTED(function)                                                                                  \
	static atomic_flag reported = ATOMIC_FLAG_INIT;                                                                \
	return drv_unsupported(#function, &reported);

#endif
