/* The functions of a module or library, as a load reply describes them. */
#ifndef SRV_SERVE_MODULE_H
#define SRV_SERVE_MODULE_H

#include "call.h"

/* With more functions than this, their attributes are left for cricketFuncGetAttributes, when one is used: to tell them
   a driver has to make each function's code. */
#define SRV_ATTRIBUTED_FUNCTIONS_MAX 16

struct srv_functions {
	function_info *rows; /* the names are the driver's; the rest is freed by srv_functions_free */
	u_int count;
};

/* Enters all functions of a module under `parent` and describes them. On an error some may be entered: the caller
   forgets the children of `parent`; `functions` is freed in any case by srv_functions_free. */
CUresult srv_module_functions(struct srv_call *call, u64 parent, CUmodule module, struct srv_functions *functions);

/* The same for the kernels of a library. */
CUresult srv_library_kernels(struct srv_call *call, u64 parent, CUlibrary library, struct srv_functions *functions);

void srv_functions_free(struct srv_functions *functions);

#endif
