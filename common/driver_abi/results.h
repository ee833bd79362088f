/* Names and descriptions of the driver's results. */
#ifndef CR_RESULTS_H
#define CR_RESULTS_H

#include <cuda.h>

/* "CUDA_ERROR_…"; NULL for a value that is none. */
const char *cr_result_name(CUresult result);

/* What it means, in a few words; NULL for a value that is none. */
const char *cr_result_text(CUresult result);

#endif
