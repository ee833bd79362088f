/* Several parsed units become one module. */
#ifndef PTX_LINK_H
#define PTX_LINK_H

#include "ast.h"

/* Binds every declaration of `module` to the definition that its name has in any of the units, by setting `definition`
   (see ptx_function_definition()); of several weak definitions the first stands for all, of several common ones the
   largest. Names without linkage are left alone. A name that is used and defined nowhere, or defined twice or in
   different ways, is the error `mismatch`, with the names and the units in the log. */
CUresult ptx_link(struct ptx_module *module, CUresult mismatch);

#endif
