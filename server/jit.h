/* The options that a client loads and links with, and the log buffers that the server adds to them. */
#ifndef SRV_JIT_H
#define SRV_JIT_H

#include "call.h"

/* Four options more than a client may give: the log buffers. */
#define SRV_JIT_OPTIONS_MAX (CUDA_OPTIONS_MAX + 4)

struct srv_jit {
	CUjit_option options[SRV_JIT_OPTIONS_MAX];
	void *values[SRV_JIT_OPTIONS_MAX];
	unsigned count;
	char *info_log, *error_log; /* CUDA_LOG_MAX bytes each */
};

/* Takes a client's options, and with `logs` adds log buffers. CUDA_ERROR_INVALID_VALUE for an unknown option,
   CUDA_ERROR_NOT_SUPPORTED for one whose value is an address; srv_jit_free() in any case. */
CUresult srv_jit_make(struct srv_jit *jit, const load_option *options, unsigned count, bool logs);
void srv_jit_free(struct srv_jit *jit);

/* What is in the log buffers now; the text stays theirs. */
load_logs srv_jit_logs(const struct srv_jit *jit);

#endif
