#include "texture.h"

#include <stdlib.h>

#include "array.h"
#include "context.h"
#include "driver.h"
#include "queue.h"
#include "texels.h"

struct drv_texture {
	uint64_t handle;
	struct drv_context *context;
	bool is_surface, has_view;
	CUDA_RESOURCE_DESC resource;
	CUDA_TEXTURE_DESC texture;
	CUDA_RESOURCE_VIEW_DESC view;
	struct drv_link siblings;
};

/* Resources */

static CUresult image_of_array(struct drv_array *array, struct cpu_image *image)
{
	if (!array)
		return CUDA_ERROR_INVALID_HANDLE;
	*image = array->image;
	return CUDA_SUCCESS;
}

static void image_set_format(struct cpu_image *image, CUarray_format format, unsigned channels)
{
	image->format = format;
	image->channels = channels;
	image->texel_bytes = drv_format_bytes(format) * channels;
	image->layers = image->level_count = 1;
}

static CUresult image_of_linear(const CUDA_RESOURCE_DESC *resource, struct cpu_image *image)
{
	CUdeviceptr address = resource->res.linear.devPtr;
	size_t size = resource->res.linear.sizeInBytes;
	CUresult result = drv_format_check(resource->res.linear.format, resource->res.linear.numChannels);
	if (result != CUDA_SUCCESS)
		return result;
	*image = (struct cpu_image){.shape = CPU_SHAPE_1D, .base = address, .bytes = size};
	image_set_format(image, resource->res.linear.format, resource->res.linear.numChannels);
	size_t width = size / image->texel_bytes;
	if (!address || address % DRV_TEXTURE_ALIGNMENT || !width || width > DRV_TEXTURE_1D_LINEAR)
		return CUDA_ERROR_INVALID_VALUE;
	image->levels[0] = (struct cpu_level){
	    .address = address, .width = (uint32_t)width, .height = 1, .depth = 1, .row = size, .slice = size};
	return CUDA_SUCCESS;
}

static CUresult image_of_pitch(const CUDA_RESOURCE_DESC *resource, struct cpu_image *image)
{
	CUdeviceptr address = resource->res.pitch2D.devPtr;
	size_t width = resource->res.pitch2D.width, height = resource->res.pitch2D.height;
	size_t pitch = resource->res.pitch2D.pitchInBytes;
	CUresult result = drv_format_check(resource->res.pitch2D.format, resource->res.pitch2D.numChannels);
	if (result != CUDA_SUCCESS)
		return result;
	*image = (struct cpu_image){.shape = CPU_SHAPE_2D};
	image_set_format(image, resource->res.pitch2D.format, resource->res.pitch2D.numChannels);
	if (!address || address % DRV_TEXTURE_ALIGNMENT || !width || !height || width > DRV_TEXTURE_2D_LINEAR_WIDTH ||
	    height > DRV_TEXTURE_2D_LINEAR_HEIGHT || pitch > DRV_TEXTURE_2D_LINEAR_PITCH ||
	    pitch < width * image->texel_bytes || (height > 1 && pitch % DRV_TEXTURE_PITCH_ALIGNMENT))
		return CUDA_ERROR_INVALID_VALUE;
	image->base = address;
	image->bytes = pitch * (height - 1) + width * image->texel_bytes;
	image->levels[0] = (struct cpu_level){.address = address,
					      .width = (uint32_t)width,
					      .height = (uint32_t)height,
					      .depth = 1,
					      .row = pitch,
					      .slice = pitch * height};
	return CUDA_SUCCESS;
}

static CUresult image_of_resource(const CUDA_RESOURCE_DESC *resource, struct cpu_image *image)
{
	if (resource->flags)
		return CUDA_ERROR_INVALID_VALUE;
	switch (resource->resType) {
	case CU_RESOURCE_TYPE_ARRAY:
		return image_of_array(drv_array_get(resource->res.array.hArray), image);
	case CU_RESOURCE_TYPE_MIPMAPPED_ARRAY:
		return image_of_array(drv_mipmap_get(resource->res.mipmap.hMipmappedArray), image);
	case CU_RESOURCE_TYPE_LINEAR:
		return image_of_linear(resource, image);
	case CU_RESOURCE_TYPE_PITCH2D:
		return image_of_pitch(resource, image);
	}
	return CUDA_ERROR_INVALID_VALUE;
}

/* Views: another format of the same size, some of the levels and layers. */

static const struct {
	CUarray_format format;
	unsigned channels;
} view_formats[] = {
    {CU_AD_FORMAT_UNSIGNED_INT8, 1},  {CU_AD_FORMAT_UNSIGNED_INT8, 2},  {CU_AD_FORMAT_UNSIGNED_INT8, 4},
    {CU_AD_FORMAT_SIGNED_INT8, 1},    {CU_AD_FORMAT_SIGNED_INT8, 2},    {CU_AD_FORMAT_SIGNED_INT8, 4},
    {CU_AD_FORMAT_UNSIGNED_INT16, 1}, {CU_AD_FORMAT_UNSIGNED_INT16, 2}, {CU_AD_FORMAT_UNSIGNED_INT16, 4},
    {CU_AD_FORMAT_SIGNED_INT16, 1},   {CU_AD_FORMAT_SIGNED_INT16, 2},   {CU_AD_FORMAT_SIGNED_INT16, 4},
    {CU_AD_FORMAT_UNSIGNED_INT32, 1}, {CU_AD_FORMAT_UNSIGNED_INT32, 2}, {CU_AD_FORMAT_UNSIGNED_INT32, 4},
    {CU_AD_FORMAT_SIGNED_INT32, 1},   {CU_AD_FORMAT_SIGNED_INT32, 2},   {CU_AD_FORMAT_SIGNED_INT32, 4},
    {CU_AD_FORMAT_HALF, 1},           {CU_AD_FORMAT_HALF, 2},           {CU_AD_FORMAT_HALF, 4},
    {CU_AD_FORMAT_FLOAT, 1},          {CU_AD_FORMAT_FLOAT, 2},          {CU_AD_FORMAT_FLOAT, 4},
};

static CUresult view_format(const CUDA_RESOURCE_VIEW_DESC *view, struct cpu_image *image)
{
	unsigned number = (unsigned)view->format;
	if (!number)
		return CUDA_SUCCESS;
	if (number > sizeof view_formats / sizeof *view_formats)
		return number <= CU_RES_VIEW_FORMAT_UNSIGNED_BC7 ? CUDA_ERROR_NOT_SUPPORTED : CUDA_ERROR_INVALID_VALUE;
	CUarray_format format = view_formats[number - 1].format;
	unsigned channels = view_formats[number - 1].channels;
	if (drv_format_bytes(format) * channels != image->texel_bytes)
		return CUDA_ERROR_INVALID_VALUE;
	image->format = format;
	image->channels = channels;
	return CUDA_SUCCESS;
}

/* Zero stands for what the resource has. */
static bool view_extent(size_t asked, size_t is)
{
	return !asked || asked == is;
}

static CUresult view_apply(const CUDA_RESOURCE_VIEW_DESC *view, struct cpu_image *image)
{
	const struct cpu_level *level = &image->levels[0];
	unsigned levels = view->lastMipmapLevel - view->firstMipmapLevel + 1;
	unsigned layers = view->lastLayer - view->firstLayer + 1;
	CUresult result = view_format(view, image);
	if (result != CUDA_SUCCESS)
		return result;
	if (!view_extent(view->width, level->width) ||
	    !view_extent(view->height, image->shape == CPU_SHAPE_1D ? 0 : level->height) ||
	    (image->shape == CPU_SHAPE_3D && !view_extent(view->depth, level->depth)))
		return CUDA_ERROR_INVALID_VALUE;
	if (view->lastMipmapLevel < view->firstMipmapLevel || view->lastMipmapLevel >= image->level_count ||
	    view->lastLayer < view->firstLayer || view->lastLayer >= image->layers)
		return CUDA_ERROR_INVALID_VALUE;
	for (unsigned i = 0; i < levels; i++) {
		image->levels[i] = image->levels[i + view->firstMipmapLevel];
		image->levels[i].address += view->firstLayer * image->levels[i].slice;
	}
	image->level_count = levels;
	if (image->layered && (view->firstLayer || view->lastLayer))
		image->layers = layers;
	return image->shape == CPU_SHAPE_CUBE && image->layers % 6 ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

/* Samplers */

static bool modes_valid(const CUDA_TEXTURE_DESC *texture)
{
	for (int i = 0; i < 3; i++)
		if ((unsigned)texture->addressMode[i] > CU_TR_ADDRESS_MODE_BORDER)
			return false;
	return (unsigned)texture->filterMode <= CU_TR_FILTER_MODE_LINEAR &&
	       (unsigned)texture->mipmapFilterMode <= CU_TR_FILTER_MODE_LINEAR;
}

static bool is_integer(CUarray_format format)
{
	return format != CU_AD_FORMAT_HALF && format != CU_AD_FORMAT_FLOAT;
}

/* Linear memory has neither filters nor modes: beyond its end are zeros. */
static struct cpu_sampler sampler_linear(const CUDA_TEXTURE_DESC *texture)
{
	return (struct cpu_sampler){
	    .mode = {CU_TR_ADDRESS_MODE_BORDER, CU_TR_ADDRESS_MODE_BORDER, CU_TR_ADDRESS_MODE_BORDER},
	    .normalized_values = !(texture->flags & CU_TRSF_READ_AS_INTEGER)};
}

static struct cpu_sampler sampler_make(const CUDA_TEXTURE_DESC *texture)
{
	struct cpu_sampler sampler = {.filter = texture->filterMode,
				      .mipmap_filter = texture->mipmapFilterMode,
				      .normalized_coordinates = texture->flags & CU_TRSF_NORMALIZED_COORDINATES,
				      .normalized_values = !(texture->flags & CU_TRSF_READ_AS_INTEGER),
				      .seamless = texture->flags & CU_TRSF_SEAMLESS_CUBEMAP,
				      .bias = texture->mipmapLevelBias,
				      .lowest_level = texture->minMipmapLevelClamp,
				      .highest_level = texture->maxMipmapLevelClamp};
	for (int i = 0; i < 3; i++) {
		CUaddress_mode mode = texture->addressMode[i];
		bool repeats = mode == CU_TR_ADDRESS_MODE_WRAP || mode == CU_TR_ADDRESS_MODE_MIRROR;
		/* Repeating is for normalised coordinates only. */
		sampler.mode[i] =
		    repeats && !sampler.normalized_coordinates ? CU_TR_ADDRESS_MODE_CLAMP : texture->addressMode[i];
	}
	for (int i = 0; i < 4; i++)
		sampler.border[i] = texture->borderColor[i];
	return sampler;
}

static CUresult sampler_check(const CUDA_TEXTURE_DESC *texture, const CUDA_RESOURCE_DESC *resource,
			      const struct cpu_image *image)
{
	const unsigned known = CU_TRSF_READ_AS_INTEGER | CU_TRSF_NORMALIZED_COORDINATES | CU_TRSF_SRGB |
			       CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION | CU_TRSF_SEAMLESS_CUBEMAP;
	if (!modes_valid(texture) || (texture->flags & ~known))
		return CUDA_ERROR_INVALID_VALUE;
	if (texture->flags & CU_TRSF_SRGB)
		return CUDA_ERROR_NOT_SUPPORTED;
	if (resource->resType == CU_RESOURCE_TYPE_LINEAR)
		return CUDA_SUCCESS;
	if (resource->resType == CU_RESOURCE_TYPE_MIPMAPPED_ARRAY && !(texture->flags & CU_TRSF_NORMALIZED_COORDINATES))
		return CUDA_ERROR_INVALID_VALUE;
	/* Integers that stay integers cannot be filtered; those of 32 bits always stay. */
	bool stays = (texture->flags & CU_TRSF_READ_AS_INTEGER) || drv_format_bytes(image->format) == 4;
	return texture->filterMode == CU_TR_FILTER_MODE_LINEAR && is_integer(image->format) && stays
		   ? CUDA_ERROR_INVALID_VALUE
		   : CUDA_SUCCESS;
}

/* Objects */

/* Enters what the machine sees, and the object with it. */
static CUresult object_enter(struct drv_texture *object, struct cpu_texture *machine, uint64_t *handle)
{
	struct drv_texture *kept = malloc(sizeof *kept);
	if (!kept)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*kept = *object;
	machine->owner = kept;
	machine->is_surface = kept->is_surface;
	kept->handle = cpu_texture_enter(machine);
	if (!kept->handle) {
		free(kept);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	drv_list_append(&kept->context->textures, &kept->siblings);
	*handle = kept->handle;
	return CUDA_SUCCESS;
}

CUresult drv_texture_create(struct drv_context *context, const CUDA_RESOURCE_DESC *resource,
			    const CUDA_TEXTURE_DESC *texture, const CUDA_RESOURCE_VIEW_DESC *view, uint64_t *handle)
{
	struct drv_texture object = {.context = context, .has_view = view, .resource = *resource, .texture = *texture};
	struct cpu_texture machine = {.is_surface = false};
	CUresult result = image_of_resource(resource, &machine.image);
	if (result == CUDA_SUCCESS && view) {
		object.view = *view;
		result = resource->resType <= CU_RESOURCE_TYPE_MIPMAPPED_ARRAY ? view_apply(view, &machine.image)
									       : CUDA_ERROR_INVALID_VALUE;
	}
	if (result == CUDA_SUCCESS)
		result = sampler_check(texture, resource, &machine.image);
	if (result != CUDA_SUCCESS)
		return result;
	machine.sampler =
	    resource->resType == CU_RESOURCE_TYPE_LINEAR ? sampler_linear(texture) : sampler_make(texture);
	return object_enter(&object, &machine, handle);
}

CUresult drv_surface_create(struct drv_context *context, const CUDA_RESOURCE_DESC *resource, uint64_t *handle)
{
	struct drv_texture object = {.context = context, .is_surface = true, .resource = *resource};
	struct cpu_texture machine = {.is_surface = true};
	if (resource->resType != CU_RESOURCE_TYPE_ARRAY)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = image_of_resource(resource, &machine.image);
	if (result != CUDA_SUCCESS)
		return result;
	if (!(drv_array_get(resource->res.array.hArray)->descriptor.Flags & CUDA_ARRAY3D_SURFACE_LDST))
		return CUDA_ERROR_INVALID_VALUE;
	return object_enter(&object, &machine, handle);
}

static struct drv_texture *object_get(uint64_t handle)
{
	const struct cpu_texture *machine = cpu_texture_find(handle);
	return machine ? machine->owner : NULL;
}

static void object_free(struct drv_texture *object)
{
	cpu_texture_leave(object->handle);
	drv_list_remove(&object->siblings);
	free(object);
}

void drv_texture_end(uint64_t handle)
{
	struct drv_texture *object = object_get(handle);
	if (object)
		object_free(object);
}

void drv_textures_free_all(struct drv_context *context)
{
	while (!drv_list_empty(&context->textures))
		object_free(DRV_ENTRY(context->textures.next, struct drv_texture, siblings));
}

/* The API */

DRV_API CUresult cuTexObjectCreate(CUtexObject *out, const CUDA_RESOURCE_DESC *resource,
				   const CUDA_TEXTURE_DESC *texture, const CUDA_RESOURCE_VIEW_DESC *view)
{
	struct drv_context *context;
	uint64_t handle;
	if (!out || !resource || !texture)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_texture_create(context, resource, texture, view, &handle);
	if (result == CUDA_SUCCESS)
		*out = handle;
	return drv_leave(result);
}

DRV_API CUresult cuSurfObjectCreate(CUsurfObject *out, const CUDA_RESOURCE_DESC *resource)
{
	struct drv_context *context;
	uint64_t handle;
	if (!out || !resource)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_surface_create(context, resource, &handle);
	if (result == CUDA_SUCCESS)
		*out = handle;
	return drv_leave(result);
}

/* Enters for a call about an object of one of the two kinds. */
static CUresult object_enter_call(uint64_t handle, bool is_surface, struct drv_texture **object)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	*object = object_get(handle);
	return *object && (*object)->is_surface == is_surface ? CUDA_SUCCESS : drv_leave(CUDA_ERROR_INVALID_VALUE);
}

/* Work that was queued before may use the object: it ends first. 0 is no object and may be destroyed. */
static CUresult object_destroy(uint64_t handle, bool is_surface)
{
	struct drv_texture *object;
	if (!handle)
		return CUDA_SUCCESS;
	CUresult result = object_enter_call(handle, is_surface, &object);
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_queue_wait_context(object->context);
	drv_texture_end(handle); /* another thread may have been faster */
	return drv_leave(result);
}

DRV_API CUresult cuTexObjectDestroy(CUtexObject handle)
{
	return object_destroy(handle, false);
}

DRV_API CUresult cuSurfObjectDestroy(CUsurfObject handle)
{
	return object_destroy(handle, true);
}

static CUresult resource_get(CUDA_RESOURCE_DESC *out, uint64_t handle, bool is_surface)
{
	struct drv_texture *object;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = object_enter_call(handle, is_surface, &object);
	if (result != CUDA_SUCCESS)
		return result;
	*out = object->resource;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuTexObjectGetResourceDesc(CUDA_RESOURCE_DESC *out, CUtexObject handle)
{
	return resource_get(out, handle, false);
}

DRV_API CUresult cuSurfObjectGetResourceDesc(CUDA_RESOURCE_DESC *out, CUsurfObject handle)
{
	return resource_get(out, handle, true);
}

DRV_API CUresult cuTexObjectGetTextureDesc(CUDA_TEXTURE_DESC *out, CUtexObject handle)
{
	struct drv_texture *object;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = object_enter_call(handle, false, &object);
	if (result != CUDA_SUCCESS)
		return result;
	*out = object->texture;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuTexObjectGetResourceViewDesc(CUDA_RESOURCE_VIEW_DESC *out, CUtexObject handle)
{
	struct drv_texture *object;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = object_enter_call(handle, false, &object);
	if (result != CUDA_SUCCESS)
		return result;
	if (!object->has_view)
		return drv_leave(CUDA_ERROR_INVALID_VALUE);
	*out = object->view;
	return drv_leave(CUDA_SUCCESS);
}
