/* Tensor maps: the driver encodes them, since their bytes are its own. A round trip each. */
#include <string.h>

#include "hand.h"

_Static_assert(sizeof(CUtensorMap) == sizeof(tensor_map), "the ABI fixes this size");

/* Awaits the map; what the program has is left alone on errors. */
static CUresult receive(struct cu_call *call, bool encoded, CUtensorMap *map)
{
	tensor_map wire;
	CUresult err = cu_call_result(call, encoded, (xdrproc_t)xdr_tensor_map, &wire);
	if (!err)
		memcpy(map, &wire, sizeof(wire));
	return err;
}

CUresult client_cuTensorMapEncodeTiled(CUtensorMap *tensorMap, CUtensorMapDataType tensorDataType,
				       cuuint32_t tensorRank, void *globalAddress, const cuuint64_t *globalDim,
				       const cuuint64_t *globalStrides, const cuuint32_t *boxDim,
				       const cuuint32_t *elementStrides, CUtensorMapInterleave interleave,
				       CUtensorMapSwizzle swizzle, CUtensorMapL2promotion l2Promotion,
				       CUtensorMapFloatOOBfill oobFill)
{
	tensor_dimension dimensions[CUDA_TENSOR_RANK_MAX] = {{0}};
	tensor_layout layout = {(int)tensorDataType,
				(uintptr_t)globalAddress,
				{tensorRank, dimensions},
				(int)interleave,
				(int)swizzle,
				(int)l2Promotion,
				(int)oobFill};
	struct cu_call call;
	if (!tensorMap || !tensorRank || tensorRank > CUDA_TENSOR_RANK_MAX || !globalDim || !boxDim ||
	    !elementStrides || (tensorRank > 1 && !globalStrides))
		return CUDA_ERROR_INVALID_VALUE;
	for (cuuint32_t i = 0; i < tensorRank; i++)
		dimensions[i] =
		    (tensor_dimension){globalDim[i], i ? globalStrides[i - 1] : 0, boxDim[i], elementStrides[i]};
	CUresult err = cu_call_begin(&call, FN_cuTensorMapEncodeTiled);
	return err ? err : receive(&call, xdr_tensor_layout(call.args, &layout), tensorMap);
}

CUresult client_cuTensorMapReplaceAddress(CUtensorMap *tensorMap, void *globalAddress)
{
	tensor_map wire;
	struct cu_call call;
	u64 address = (uintptr_t)globalAddress;
	if (!tensorMap)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(&wire, tensorMap, sizeof(wire));
	CUresult err = cu_call_begin(&call, FN_cuTensorMapReplaceAddress);
	return err ? err : receive(&call, xdr_tensor_map(call.args, &wire) && xdr_u64(call.args, &address), tensorMap);
}
