/* Body of the stubs that cmake/exports.py makes for the functions nobody implements. */
#ifndef CUDART_UNSUPPORTED_H
#define CUDART_UNSUPPORTED_H

#include <stdbool.h>

/* Declared here as the stubs' own prototypes must not meet those of cuda_runtime_api.h. See error.h. */
int rt_unsupported(const char *function, _Atomic(bool) *said);

#define CRICKET_UNSUPPORTED(symbol)                                                                                    \
	static _Atomic(bool) said;                                                                                     \
	return rt_unsupported(#symbol, &said);

#endif
