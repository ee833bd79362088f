/* A CUDA session as a test's subject: every call, the first error. */
#ifndef TESTS_UNIKERNEL_SESSION_H
#define TESTS_UNIKERNEL_SESSION_H

#include <cuda.h>

/* Runs from cuInit to the last cuMemFree: copies to and fro, a module from PTX, launches, events. Goes on after an
   error, as programs do. The first error; CUDA_ERROR_UNKNOWN when the results are wrong. *last: what the last call
   said. */
CUresult session_run(CUresult *last);

#endif
