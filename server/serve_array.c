/* Arrays and mipmapped arrays. */
#include "handlers.h"
#include "handles.h"
#include "session.h"

static bool decode_layout(XDR *args, CUDA_ARRAY3D_DESCRIPTOR *descriptor)
{
	array_layout layout;
	if (!xdr_array_layout(args, &layout))
		return false;
	*descriptor = (CUDA_ARRAY3D_DESCRIPTOR){.Width = layout.width,
						.Height = layout.height,
						.Depth = layout.depth,
						.Format = (CUarray_format)layout.format,
						.NumChannels = layout.channels,
						.Flags = layout.flags};
	return true;
}

static bool reply_id(struct srv_call *call, CUresult err, u64 id)
{
	return srv_reply(call, err) && (err || xdr_u64(call->result, &id));
}

bool serve_cuArray3DCreate_v2(struct srv_call *call)
{
	CUDA_ARRAY3D_DESCRIPTOR descriptor;
	CUarray array = NULL;
	u64 id = 0;
	if (!decode_layout(call->args, &descriptor))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = SRV_DRIVER(cuArray3DCreate_v2, &array, &descriptor);
	if (!err) {
		id = srv_mint_array(call, array, &err);
		if (!id)
			(void)SRV_DRIVER(cuArrayDestroy, array);
	}
	return reply_id(call, err, id);
}

bool serve_cuMipmappedArrayCreate(struct srv_call *call)
{
	CUDA_ARRAY3D_DESCRIPTOR descriptor;
	CUmipmappedArray mipmap = NULL;
	u_int levels;
	u64 id = 0;
	if (!decode_layout(call->args, &descriptor) || !xdr_u_int(call->args, &levels))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = SRV_DRIVER(cuMipmappedArrayCreate, &mipmap, &descriptor, levels);
	if (!err) {
		id = srv_mint_mipmap(call, mipmap, &err);
		if (!id)
			(void)SRV_DRIVER(cuMipmappedArrayDestroy, mipmap);
	}
	return reply_id(call, err, id);
}

/* A level's array ends with the mipmapped one, by whose id it is found then. */
bool serve_cuMipmappedArrayGetLevel(struct srv_call *call)
{
	CUmipmappedArray mipmap = NULL;
	CUarray array = NULL;
	u_int level;
	u64 mipmap_id, id = 0;
	if (!xdr_u64(call->args, &mipmap_id) || !xdr_u_int(call->args, &level))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_mipmap(call, mipmap_id, &mipmap);
	if (!err)
		err = SRV_DRIVER(cuMipmappedArrayGetLevel, &array, mipmap, level);
	const struct srv_object object = {.handle = array, .owner = call->worker->context, .parent = mipmap_id};
	if (!err)
		id = srv_object_add(call->session, CR_KIND_ARRAY, &object, &err);
	return reply_id(call, err, id);
}

bool serve_cuMipmappedArrayDestroy(struct srv_call *call)
{
	CUmipmappedArray mipmap = NULL;
	u64 id;
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_mipmap(call, id, &mipmap);
	if (!err) {
		err = SRV_DRIVER(cuMipmappedArrayDestroy, mipmap);
		srv_forget_levels(call->session, id);
		srv_remove_mipmap(call, id);
	}
	return srv_reply(call, err);
}

static bool reply_requirements(struct srv_call *call, CUresult err, const CUDA_ARRAY_MEMORY_REQUIREMENTS *found)
{
	array_requirements requirements = {found->size, found->alignment};
	return srv_reply(call, err) && (err || xdr_array_requirements(call->result, &requirements));
}

bool serve_cuArrayGetMemoryRequirements(struct srv_call *call)
{
	CUDA_ARRAY_MEMORY_REQUIREMENTS found = {0};
	CUarray array = NULL;
	u64 id;
	int device;
	if (!xdr_u64(call->args, &id) || !xdr_int(call->args, &device))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_array(call, id, &array);
	if (!err)
		err = SRV_DRIVER(cuArrayGetMemoryRequirements, &found, array, device);
	return reply_requirements(call, err, &found);
}

bool serve_cuMipmappedArrayGetMemoryRequirements(struct srv_call *call)
{
	CUDA_ARRAY_MEMORY_REQUIREMENTS found = {0};
	CUmipmappedArray mipmap = NULL;
	u64 id;
	int device;
	if (!xdr_u64(call->args, &id) || !xdr_int(call->args, &device))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_mipmap(call, id, &mipmap);
	if (!err)
		err = SRV_DRIVER(cuMipmappedArrayGetMemoryRequirements, &found, mipmap, device);
	return reply_requirements(call, err, &found);
}
