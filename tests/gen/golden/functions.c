/* Made by proto/gen.py from proto/small.x. Do not edit: change the description instead. */

#include "entry.h"
#include "rpc_control.h"
#include "rpc_cuda.h"

const struct cu_function cu_functions[FN_COUNT] = {
	[FN_cuInit] = {"cuInit", 0, 0, CU_LOCAL, CU_NOINIT},
	[FN_cuCtxSynchronize] = {"cuCtxSynchronize", SMALL, RPC_cuCtxSynchronize, CU_SYNC, 0},
	[FN_cuMemGetInfo_v2] = {"cuMemGetInfo_v2", SMALL, RPC_cuMemGetInfo_v2, CU_SYNC, 0},
	[FN_cuEventCreate] = {"cuEventCreate", SMALL, RPC_cuEventCreate, CU_ASYNC, 0},
	[FN_cuEventDestroy_v2] = {"cuEventDestroy_v2", SMALL, RPC_cuEventDestroy_v2, CU_ASYNC, 0},
	[FN_cuEventRecord] = {"cuEventRecord", SMALL, RPC_cuEventRecord, CU_ASYNC, CU_NOCTX},
	[FN_cuLibraryGetUnifiedFunction] = {"cuLibraryGetUnifiedFunction", SMALL, RPC_cuLibraryGetUnifiedFunction, CU_SYNC, 0},
	[FN_cuMemsetD8_v2] = {"cuMemsetD8_v2", SMALL, RPC_cuMemsetD8_v2, CU_ASYNC, 0},
	[FN_cuMemsetD8Async] = {"cuMemsetD8Async", SMALL, RPC_cuMemsetD8Async, CU_ASYNC, 0},
	[FN_cuMemcpyHtoD_v2] = {"cuMemcpyHtoD_v2", SMALL, RPC_cuMemcpyHtoD_v2, CU_ASYNC, 0},
	[FN_smallOwn] = {"smallOwn", SMALL, RPC_smallOwn, CU_DEFERRED, 0},
	[FN_CONTROL_NULL] = {"CONTROL_NULL", SMALL_CONTROL, CONTROL_NULL, CU_SYNC, CU_NOCTX | CU_NOINIT},
	[FN_CONTROL_UPLOAD] = {"CONTROL_UPLOAD", SMALL_CONTROL, CONTROL_UPLOAD, CU_ASYNC, CU_NOCTX | CU_NOINIT},
};
