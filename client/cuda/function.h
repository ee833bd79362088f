/* Attributes of kernels and functions. */
#ifndef CU_FUNCTION_H
#define CU_FUNCTION_H

#include "handles.h"

/* Makes sure that a function's attributes are known; asks the server for them if the load reply left them out. */
CUresult cu_function_learn(const void *handle);

/* An attribute of a function object; false when it is not known. The objects' lock is held. */
bool cu_function_attribute(const struct cu_function_object *function, CUfunction_attribute attribute, int *value);

#endif
