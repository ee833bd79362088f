/* Several parsed units become one module. */
#ifndef PTX_LINK_H
#define PTX_LINK_H

#include "ast.h"

/* Binds every declaration of `module` to the definition that its name has in any of the units, by setting `definition`
   (see ptx_function_definition()); of several weak definitions the first stands for all, of several common ones the
   largest. Names without linkage are left alone. Errors, with the names and the units in the log: a name that is used
   and defined nowhere is CUDA_ERROR_INVALID_PTX when there is one unit (`unit_count`) and CUDA_ERROR_INVALID_SOURCE
   when there are several, as is a name that is defined twice or in different ways. */
CUresult ptx_link(struct ptx_module *module, size_t unit_count);

#endif
