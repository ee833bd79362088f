/* The body of an exported function that the remote library does not implement. */
#ifndef CU_UNSUPPORTED_H
#define CU_UNSUPPORTED_H

/* Logs, once for each function, that it is missing; CUDA_ERROR_NOT_SUPPORTED. */
int cu_unsupported(const char *name, int *logged);

#define CRICKET_UNSUPPORTED(symbol)                                                                                    \
	static int logged;                                                                                             \
	return cu_unsupported(#symbol, &logged);

#endif
