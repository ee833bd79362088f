/* Has an error come after which the context is of no use until its reset? Calls that could be answered without the
 * server ask it then, to tell the error as CUDA does. */
#ifndef CU_FAULTED_H
#define CU_FAULTED_H

#include <cuda.h>
#include <stdbool.h>

/* Looks at the result of a call that the server has answered. Any thread. */
void cu_fault_note(CUresult result);

bool cu_faulted(void);

/* The server has done what it would not do in such a context. */
void cu_fault_over(void);

#endif
