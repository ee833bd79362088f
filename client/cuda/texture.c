/* Texture and surface objects. Kernels get their values as parameters, so that these are the driver's own; calls name
 * an object by the id that came with it. */
#include "texture.h"

#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "hand.h"
#include "handles.h"
#include "platform.h"
#include "thread.h"

struct object {
	uint64_t value, id, context;
	bool is_surface, has_view;
	CUDA_RESOURCE_DESC resource;
	CUDA_TEXTURE_DESC texture;
	CUDA_RESOURCE_VIEW_DESC view;
};

/* Programs have few, and look them up only to describe or destroy them. */
static struct object **objects;
static size_t count, capacity;
static struct cu_mutex lock = CU_MUTEX_INIT;

static bool add(struct object *object)
{
	if (count == capacity) {
		size_t larger = capacity ? 2 * capacity : 16;
		struct object **grown = realloc(objects, larger * sizeof(*grown));
		if (!grown)
			return false;
		objects = grown;
		capacity = larger;
	}
	objects[count++] = object;
	return true;
}

/* The place of an object; the lock is held. */
static struct object **find(uint64_t value, bool is_surface)
{
	for (size_t i = 0; i < count; i++)
		if (objects[i]->value == value && objects[i]->is_surface == is_surface)
			return &objects[i];
	return NULL;
}

static bool copy_out(uint64_t value, bool is_surface, struct object *copy)
{
	cu_mutex_lock(&lock);
	struct object **place = find(value, is_surface);
	if (place)
		*copy = **place;
	cu_mutex_unlock(&lock);
	return place != NULL;
}

static CUresult enter(const struct object *object)
{
	struct object *copy = malloc(sizeof(*copy));
	if (!copy)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*copy = *object;
	cu_mutex_lock(&lock);
	bool added = add(copy);
	cu_mutex_unlock(&lock);
	if (!added)
		free(copy);
	return added ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

void cu_textures_forget_context(uint64_t context)
{
	size_t kept = 0;
	cu_mutex_lock(&lock);
	for (size_t i = 0; i < count; i++) {
		if (objects[i]->context == context)
			free(objects[i]);
		else
			objects[kept++] = objects[i];
	}
	count = kept;
	cu_mutex_unlock(&lock);
}

/* ---- What travels ---- */

static CUresult resource_encode(const CUDA_RESOURCE_DESC *p, texture_resource *wire)
{
	*wire = (texture_resource){.type = (int)p->resType};
	if (p->flags)
		return CUDA_ERROR_INVALID_VALUE;
	switch (p->resType) {
	case CU_RESOURCE_TYPE_ARRAY:
		return cu_id_of_array(p->res.array.hArray, &wire->object);
	case CU_RESOURCE_TYPE_MIPMAPPED_ARRAY:
		return cu_id_of_mipmap(p->res.mipmap.hMipmappedArray, &wire->object);
	case CU_RESOURCE_TYPE_LINEAR:
		wire->object = p->res.linear.devPtr;
		wire->format = (int)p->res.linear.format;
		wire->channels = p->res.linear.numChannels;
		wire->width = p->res.linear.sizeInBytes;
		return CUDA_SUCCESS;
	case CU_RESOURCE_TYPE_PITCH2D:
		wire->object = p->res.pitch2D.devPtr;
		wire->format = (int)p->res.pitch2D.format;
		wire->channels = p->res.pitch2D.numChannels;
		wire->width = p->res.pitch2D.width;
		wire->height = p->res.pitch2D.height;
		wire->pitch = p->res.pitch2D.pitchInBytes;
		return CUDA_SUCCESS;
	}
	return CUDA_ERROR_INVALID_VALUE;
}

static texture_settings settings_of(const CUDA_TEXTURE_DESC *p)
{
	return (texture_settings){.mode_x = (int)p->addressMode[0],
				  .mode_y = (int)p->addressMode[1],
				  .mode_z = (int)p->addressMode[2],
				  .filter = (int)p->filterMode,
				  .flags = p->flags,
				  .anisotropy = p->maxAnisotropy,
				  .mipmap_filter = (int)p->mipmapFilterMode,
				  .bias = p->mipmapLevelBias,
				  .lowest_level = p->minMipmapLevelClamp,
				  .highest_level = p->maxMipmapLevelClamp,
				  .border_r = p->borderColor[0],
				  .border_g = p->borderColor[1],
				  .border_b = p->borderColor[2],
				  .border_a = p->borderColor[3]};
}

static texture_view view_of(const CUDA_RESOURCE_VIEW_DESC *p)
{
	if (!p)
		return (texture_view){.present = 0};
	return (texture_view){1,           (int)p->format,      p->width,           p->height,
			      p->depth,    p->firstMipmapLevel, p->lastMipmapLevel, p->firstLayer,
			      p->lastLayer};
}

/* ---- Creation and end ---- */

/* Waits for what has been made and enters it. */
static CUresult finish(struct cu_call *call, bool encoded, struct object *object, unsigned long long *value)
{
	texture_made made = {0};
	CUresult err = cu_call_result(call, encoded, (xdrproc_t)xdr_texture_made, &made);
	if (err)
		return err;
	object->id = made.id;
	object->value = made.value;
	object->context = cu_thread_context();
	err = enter(object);
	if (!err)
		*value = made.value;
	return err;
}

CUresult client_cuTexObjectCreate(CUtexObject *pTexObject, const CUDA_RESOURCE_DESC *pResDesc,
				  const CUDA_TEXTURE_DESC *pTexDesc, const CUDA_RESOURCE_VIEW_DESC *pResViewDesc)
{
	struct cu_call call;
	texture_resource resource;
	if (!pTexObject || !pResDesc || !pTexDesc)
		return CUDA_ERROR_INVALID_VALUE;
	struct object object = {.has_view = pResViewDesc != NULL, .resource = *pResDesc, .texture = *pTexDesc};
	if (pResViewDesc)
		object.view = *pResViewDesc;
	texture_settings settings = settings_of(pTexDesc);
	texture_view view = view_of(pResViewDesc);
	CUresult err = resource_encode(pResDesc, &resource);
	if (!err)
		err = cu_call_begin(&call, FN_cuTexObjectCreate);
	if (err)
		return err;
	return finish(&call,
		      xdr_texture_resource(call.args, &resource) && xdr_texture_settings(call.args, &settings) &&
			  xdr_texture_view(call.args, &view),
		      &object, pTexObject);
}

CUresult client_cuSurfObjectCreate(CUsurfObject *pSurfObject, const CUDA_RESOURCE_DESC *pResDesc)
{
	struct cu_call call;
	texture_resource resource;
	if (!pSurfObject || !pResDesc)
		return CUDA_ERROR_INVALID_VALUE;
	struct object object = {.is_surface = true, .resource = *pResDesc};
	CUresult err = resource_encode(pResDesc, &resource);
	if (!err)
		err = cu_call_begin(&call, FN_cuSurfObjectCreate);
	return err ? err : finish(&call, xdr_texture_resource(call.args, &resource), &object, pSurfObject);
}

static CUresult destroy(uint64_t value, bool is_surface, enum cu_function_id function)
{
	struct cu_call call;
	u64 id = 0;
	if (!value)
		return CUDA_SUCCESS;
	cu_mutex_lock(&lock);
	struct object **place = find(value, is_surface);
	if (place) {
		id = (*place)->id;
		free(*place);
		*place = objects[--count];
	}
	cu_mutex_unlock(&lock);
	if (!id)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_call_begin(&call, function);
	return err ? err : cu_call_end(&call, xdr_u64(call.args, &id));
}

CUresult client_cuTexObjectDestroy(CUtexObject texObject)
{
	return destroy(texObject, false, FN_cuTexObjectDestroy);
}

CUresult client_cuSurfObjectDestroy(CUsurfObject surfObject)
{
	return destroy(surfObject, true, FN_cuSurfObjectDestroy);
}

/* ---- Descriptions ---- */

CUresult client_cuTexObjectGetResourceDesc(CUDA_RESOURCE_DESC *pResDesc, CUtexObject texObject)
{
	struct object object;
	if (!pResDesc || !copy_out(texObject, false, &object))
		return CUDA_ERROR_INVALID_VALUE;
	*pResDesc = object.resource;
	return CUDA_SUCCESS;
}

CUresult client_cuTexObjectGetTextureDesc(CUDA_TEXTURE_DESC *pTexDesc, CUtexObject texObject)
{
	struct object object;
	if (!pTexDesc || !copy_out(texObject, false, &object))
		return CUDA_ERROR_INVALID_VALUE;
	*pTexDesc = object.texture;
	return CUDA_SUCCESS;
}

CUresult client_cuTexObjectGetResourceViewDesc(CUDA_RESOURCE_VIEW_DESC *pResViewDesc, CUtexObject texObject)
{
	struct object object;
	if (!pResViewDesc || !copy_out(texObject, false, &object) || !object.has_view)
		return CUDA_ERROR_INVALID_VALUE;
	*pResViewDesc = object.view;
	return CUDA_SUCCESS;
}

CUresult client_cuSurfObjectGetResourceDesc(CUDA_RESOURCE_DESC *pResDesc, CUsurfObject surfObject)
{
	struct object object;
	if (!pResDesc || !copy_out(surfObject, true, &object))
		return CUDA_ERROR_INVALID_VALUE;
	*pResDesc = object.resource;
	return CUDA_SUCCESS;
}
