/* Errors that last. */
#ifndef CR_STICKY_H
#define CR_STICKY_H

#include <cuda.h>
#include <stdbool.h>

/* After such an error the context is of no use until its reset (cuda.h: "this leaves the process in an inconsistent
   state"). The runtime's errors have the same numbers. */
bool cr_result_is_sticky(CUresult result);

#endif
