/* Made by proto/gen.py from proto/small.x. Do not edit: change the description instead. */

#ifndef CU_FUNCTIONS_H
#define CU_FUNCTIONS_H

/* Every function and every procedure of the protocol; indexes cu_functions. */
enum cu_function_id {
	FN_cuInit,
	FN_cuCtxSynchronize,
	FN_cuMemGetInfo_v2,
	FN_cuEventCreate,
	FN_cuEventDestroy_v2,
	FN_cuEventRecord,
	FN_cuLibraryGetUnifiedFunction,
	FN_cuMemsetD8_v2,
	FN_cuMemsetD8Async,
	FN_cuMemcpyHtoD_v2,
	FN_smallOwn,
	FN_CONTROL_NULL,
	FN_CONTROL_UPLOAD,
	FN_COUNT
};

#endif
