/* The options that programs load and link modules with: log buffers, time, target. */
#ifndef DRV_JIT_H
#define DRV_JIT_H

#include <cuda.h>
#include <stdbool.h>

#include "exec.h"

/* A log buffer of the program. */
struct drv_jit_buffer {
	char *text;
	size_t room;
	void **used; /* where its size stood, and the bytes written go; NULL: nowhere */
};

/* What the options say, as far as it means something here: code is not optimised, registers have no limit. */
struct drv_jit {
	struct drv_jit_buffer errors, info;
	void **wall_time; /* where the milliseconds go; NULL: nowhere */
	bool verbose;
	unsigned target;     /* 10 * major + minor; 0: the device's */
	double milliseconds; /* spent so far */
	double started;
	char text[2048];  /* what went wrong */
	char notes[2048]; /* what else there is to tell */
};

/* What the options belong to; not all may be given to each. */
enum drv_jit_use { DRV_JIT_LOAD, DRV_JIT_LINK, DRV_JIT_LINK_INPUT };

/* Reads the options, and begins to take the time. `values` is kept: results go there. CUDA_ERROR_INVALID_VALUE for
   missing arrays, unknown options, values out of range and options that do not go together; CUDA_ERROR_NOT_SUPPORTED
   for addresses of symbols. */
CUresult drv_jit_init(struct drv_jit *jit, enum drv_jit_use use, unsigned count, const CUjit_option *options,
		      void **values);

/* Begins to take the time again, after drv_jit_finish(). */
void drv_jit_resume(struct drv_jit *jit);

/* Where the loader writes its message: behind those that are there. */
struct cpu_text drv_jit_log(struct drv_jit *jit);

/* Adds a message to the errors, and to the driver's own log; a line to the notes, where the program wants them. */
void drv_jit_complain(struct drv_jit *jit, const char *format, ...) __attribute__((format(printf, 2, 3)));
void drv_jit_note(struct drv_jit *jit, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Fills the program's log buffers, sizes and time. */
void drv_jit_finish(struct drv_jit *jit);

#endif
