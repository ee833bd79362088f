/* Three-dimensional copies, and all in which arrays take part. */
#ifndef CU_COPY_BOX_H
#define CU_COPY_BOX_H

#include "call.h"

/* `awaited`: a synchronous call, whose host destination is filled when it returns. */
CUresult cu_copy_box(const CUDA_MEMCPY3D *copy, CUstream stream, bool awaited);

/* A two-dimensional copy as a box of one slice. */
CUresult cu_copy_rectangle(const CUDA_MEMCPY2D *copy, CUstream stream, bool awaited);

#endif
