/* Stream attributes: 64 bytes whose meaning depends on the attribute. */
#include "handlers.h"

/* Those that hold plain data. */
static bool attribute_travels(u_int attribute)
{
	switch (attribute) {
	case CU_STREAM_ATTRIBUTE_ACCESS_POLICY_WINDOW:
	case CU_STREAM_ATTRIBUTE_SYNCHRONIZATION_POLICY:
	case CU_STREAM_ATTRIBUTE_PRIORITY:
	case CU_STREAM_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
	case CU_STREAM_ATTRIBUTE_MEM_SYNC_DOMAIN:
		return true;
	default:
		return false;
	}
}

_Static_assert(sizeof(CUstreamAttrValue) == sizeof(attribute_value), "NVIDIA's ABI fixes the attribute's size");

bool serve_cuStreamGetAttribute(struct srv_call *call)
{
	u64 id;
	u_int attribute;
	CUstream stream;
	CUstreamAttrValue value = {0};
	if (!xdr_u64(call->args, &id) || !xdr_u_int(call->args, &attribute))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = attribute_travels(attribute) ? srv_find_stream(call, id, &stream) : CUDA_ERROR_NOT_SUPPORTED;
	if (!err)
		err = SRV_DRIVER(cuStreamGetAttribute, stream, (CUstreamAttrID)attribute, &value);
	return srv_reply(call, err) && (err || xdr_opaque(call->result, value.pad, sizeof(attribute_value)));
}

bool serve_cuStreamSetAttribute(struct srv_call *call)
{
	u64 id;
	u_int attribute;
	CUstream stream;
	CUstreamAttrValue value;
	if (!xdr_u64(call->args, &id) || !xdr_u_int(call->args, &attribute) ||
	    !xdr_opaque(call->args, value.pad, sizeof(attribute_value)))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = attribute_travels(attribute) ? srv_find_stream(call, id, &stream) : CUDA_ERROR_NOT_SUPPORTED;
	if (!err)
		err = SRV_DRIVER(cuStreamSetAttribute, stream, (CUstreamAttrID)attribute, &value);
	return srv_reply(call, err);
}
