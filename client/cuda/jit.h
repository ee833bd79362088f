/* The options of loads and links whose values are not numbers for the server: log buffers and the time. */
#ifndef CU_JIT_H
#define CU_JIT_H

#include "call.h"

/* A log buffer that the caller passed among the options. */
struct cu_log_buffer {
	char *data;
	size_t size;
	void **used; /* slot of the size option: receives the bytes written */
};

struct cu_jit {
	load_option options[CUDA_OPTIONS_MAX]; /* what the server gets */
	unsigned count;
	struct cu_log_buffer info, error;
	void **wall_time;    /* slot that receives milliseconds; NULL: none */
	double milliseconds; /* spent so far */
	double started;
};

/* Reads the options and begins to take the time. CUDA_ERROR_INVALID_VALUE for too many or missing arrays;
   CUDA_ERROR_NOT_SUPPORTED for those that point into the program's memory. */
CUresult cu_jit_read(struct cu_jit *jit, const CUjit_option *options, void **values, unsigned count);

/* Begins to take the time again, after cu_jit_finish(). */
void cu_jit_resume(struct cu_jit *jit);

/* Fills the caller's log buffers, sizes and time; the time is what the call took, the wire included. */
void cu_jit_finish(struct cu_jit *jit, const load_logs *logs);

#endif
