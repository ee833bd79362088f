/* Texture and surface objects. Kernels get the driver's values; calls name an object by an id of the session, so that
   no number of a client's reaches the driver as an object. */
#include "handlers.h"
#include "handles.h"
#include "session.h"

static CUresult decode_resource(struct srv_call *call, const texture_resource *wire, CUDA_RESOURCE_DESC *resource)
{
	resource->resType = (CUresourcetype)wire->type;
	switch (wire->type) {
	case CU_RESOURCE_TYPE_ARRAY:
		return srv_find_array(call, wire->object, &resource->res.array.hArray);
	case CU_RESOURCE_TYPE_MIPMAPPED_ARRAY:
		return srv_find_mipmap(call, wire->object, &resource->res.mipmap.hMipmappedArray);
	case CU_RESOURCE_TYPE_LINEAR:
		resource->res.linear.devPtr = wire->object;
		resource->res.linear.format = (CUarray_format)wire->format;
		resource->res.linear.numChannels = wire->channels;
		resource->res.linear.sizeInBytes = wire->width;
		return CUDA_SUCCESS;
	case CU_RESOURCE_TYPE_PITCH2D:
		resource->res.pitch2D.devPtr = wire->object;
		resource->res.pitch2D.format = (CUarray_format)wire->format;
		resource->res.pitch2D.numChannels = wire->channels;
		resource->res.pitch2D.width = wire->width;
		resource->res.pitch2D.height = wire->height;
		resource->res.pitch2D.pitchInBytes = wire->pitch;
		return CUDA_SUCCESS;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

static CUDA_TEXTURE_DESC decode_settings(const texture_settings *wire)
{
	return (CUDA_TEXTURE_DESC){
	    .addressMode = {(CUaddress_mode)wire->mode_x, (CUaddress_mode)wire->mode_y, (CUaddress_mode)wire->mode_z},
	    .filterMode = (CUfilter_mode)wire->filter,
	    .flags = wire->flags,
	    .maxAnisotropy = wire->anisotropy,
	    .mipmapFilterMode = (CUfilter_mode)wire->mipmap_filter,
	    .mipmapLevelBias = wire->bias,
	    .minMipmapLevelClamp = wire->lowest_level,
	    .maxMipmapLevelClamp = wire->highest_level,
	    .borderColor = {wire->border_r, wire->border_g, wire->border_b, wire->border_a}};
}

static CUDA_RESOURCE_VIEW_DESC decode_view(const texture_view *wire)
{
	return (CUDA_RESOURCE_VIEW_DESC){.format = (CUresourceViewFormat)wire->format,
					 .width = wire->width,
					 .height = wire->height,
					 .depth = wire->depth,
					 .firstMipmapLevel = wire->first_level,
					 .lastMipmapLevel = wire->last_level,
					 .firstLayer = wire->first_layer,
					 .lastLayer = wire->last_layer};
}

/* Enters an object that the driver has made; 0 and *err when that fails. */
static u64 enter(struct srv_call *call, unsigned long long value, bool surface, CUresult *err)
{
	const struct srv_object object = {
	    .handle = (void *)(uintptr_t)value, .owner = call->worker->context, .surface = surface};
	return srv_object_add(call->session, CR_KIND_TEXTURE, &object, err);
}

static bool reply_made(struct srv_call *call, CUresult err, u64 id, u64 value)
{
	texture_made made = {id, value};
	return srv_reply(call, err) && (err || xdr_texture_made(call->result, &made));
}

bool serve_cuTexObjectCreate(struct srv_call *call)
{
	texture_resource wire_resource;
	texture_settings wire_settings;
	texture_view wire_view;
	CUDA_RESOURCE_DESC resource = {.flags = 0};
	CUtexObject value = 0;
	u64 id = 0;
	if (!xdr_texture_resource(call->args, &wire_resource) || !xdr_texture_settings(call->args, &wire_settings) ||
	    !xdr_texture_view(call->args, &wire_view))
		return false;
	const CUDA_TEXTURE_DESC settings = decode_settings(&wire_settings);
	const CUDA_RESOURCE_VIEW_DESC view = decode_view(&wire_view);
	CUresult err = srv_begin(call);
	if (!err)
		err = decode_resource(call, &wire_resource, &resource);
	if (!err)
		err = SRV_DRIVER(cuTexObjectCreate, &value, &resource, &settings, wire_view.present ? &view : NULL);
	if (!err) {
		id = enter(call, value, false, &err);
		if (!id)
			(void)SRV_DRIVER(cuTexObjectDestroy, value);
	}
	return reply_made(call, err, id, value);
}

bool serve_cuSurfObjectCreate(struct srv_call *call)
{
	texture_resource wire_resource;
	CUDA_RESOURCE_DESC resource = {.flags = 0};
	CUsurfObject value = 0;
	u64 id = 0;
	if (!xdr_texture_resource(call->args, &wire_resource))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = decode_resource(call, &wire_resource, &resource);
	if (!err)
		err = SRV_DRIVER(cuSurfObjectCreate, &value, &resource);
	if (!err) {
		id = enter(call, value, true, &err);
		if (!id)
			(void)SRV_DRIVER(cuSurfObjectDestroy, value);
	}
	return reply_made(call, err, id, value);
}

static bool destroy(struct srv_call *call, bool surface)
{
	struct srv_object object;
	u64 id;
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err && (!srv_object_get(call->session, CR_KIND_TEXTURE, id, &object) || object.surface != surface))
		err = CUDA_ERROR_INVALID_HANDLE;
	if (!err) {
		srv_object_remove(call->session, CR_KIND_TEXTURE, id);
		err = surface ? SRV_DRIVER(cuSurfObjectDestroy, (uintptr_t)object.handle)
			      : SRV_DRIVER(cuTexObjectDestroy, (uintptr_t)object.handle);
	}
	return srv_reply(call, err);
}

bool serve_cuTexObjectDestroy(struct srv_call *call)
{
	return destroy(call, false);
}

bool serve_cuSurfObjectDestroy(struct srv_call *call)
{
	return destroy(call, true);
}
