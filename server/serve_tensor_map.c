/* Tensor maps, which the driver encodes. */
#include <string.h>

#include "handlers.h"

_Static_assert(sizeof(CUtensorMap) == sizeof(tensor_map), "the ABI fixes this size");

static void *address_of(u64 address)
{
	return (void *)(uintptr_t)address;
}

static CUresult encode_tiled(const tensor_layout *layout, CUtensorMap *map)
{
	cuuint64_t sizes[CUDA_TENSOR_RANK_MAX] = {0}, strides[CUDA_TENSOR_RANK_MAX] = {0};
	cuuint32_t box[CUDA_TENSOR_RANK_MAX] = {0}, steps[CUDA_TENSOR_RANK_MAX] = {0};
	u_int rank = layout->dimensions.dimensions_len;
	for (u_int i = 0; i < rank; i++) {
		const tensor_dimension *dimension = &layout->dimensions.dimensions_val[i];
		sizes[i] = dimension->size;
		box[i] = dimension->box;
		steps[i] = dimension->step;
		if (i)
			strides[i - 1] = dimension->stride;
	}
	return SRV_DRIVER(cuTensorMapEncodeTiled, map, (CUtensorMapDataType)layout->type, rank,
			  address_of(layout->address), sizes, strides, box, steps,
			  (CUtensorMapInterleave)layout->interleave, (CUtensorMapSwizzle)layout->swizzle,
			  (CUtensorMapL2promotion)layout->promotion, (CUtensorMapFloatOOBfill)layout->fill);
}

static bool reply(struct srv_call *call, CUresult err, const CUtensorMap *map)
{
	tensor_map wire;
	memcpy(&wire, map, sizeof(wire));
	return srv_reply(call, err) && (err || xdr_tensor_map(call->result, &wire));
}

bool serve_cuTensorMapEncodeTiled(struct srv_call *call)
{
	CUtensorMap map = {{0}};
	tensor_layout layout = {0};
	bool decoded = xdr_tensor_layout(call->args, &layout);
	if (decoded) {
		CUresult err = srv_begin(call);
		if (!err)
			err = encode_tiled(&layout, &map);
		decoded = reply(call, err, &map);
	}
	xdr_free((xdrproc_t)xdr_tensor_layout, &layout);
	return decoded;
}

bool serve_cuTensorMapReplaceAddress(struct srv_call *call)
{
	CUtensorMap map;
	tensor_map wire;
	u64 address;
	if (!xdr_tensor_map(call->args, &wire) || !xdr_u64(call->args, &address))
		return false;
	memcpy(&map, &wire, sizeof(map));
	CUresult err = srv_begin(call);
	if (!err)
		err = SRV_DRIVER(cuTensorMapReplaceAddress, &map, address_of(address));
	return reply(call, err, &map);
}
