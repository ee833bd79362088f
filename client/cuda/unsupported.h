/* The body of an exported function that the remote library does not implement. */
#ifndef CU_UNSUPPORTED_H
#define CU_UNSUPPORTED_H

/* Logs, once for each function, that it is missing; CUDA_ERROR_NOT_SUPPORTED. The function's name is behind a byte that
   says whether it has been logged: there are hundreds, and this keeps each short. */
int cu_unsupported(char *missing);

#define CRICKET_UNSUPPORTED(symbol)                                                                                    \
	static char missing[] = "\0" #symbol;                                                                          \
	return cu_unsupported(missing);

#endif
