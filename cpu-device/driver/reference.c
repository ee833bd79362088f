#include "reference.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "context.h"
#include "driver.h"
#include "handle.h"
#include "module.h"
#include "queue.h"
#include "texture.h"

struct drv_reference {
	void *handle; /* CUtexref or CUsurfref */
	bool is_surface, is_bound;
	struct drv_module *module;
	uint64_t variable; /* its address */
	uint64_t object;   /* that is bound, 0: none */
	CUDA_RESOURCE_DESC resource;
	CUDA_TEXTURE_DESC texture;
	CUarray_format format; /* of linear memory */
	int channels;
	struct drv_link siblings; /* in the module's list */
};

static enum drv_kind kind_of(bool is_surface)
{
	return is_surface ? DRV_SURFACE_REFERENCE : DRV_TEXTURE_REFERENCE;
}

static void reference_free(struct drv_reference *reference)
{
	drv_texture_end(reference->object);
	drv_handle_end(reference->handle);
	drv_list_remove(&reference->siblings);
	free(reference);
}

void drv_references_free(struct drv_module *module)
{
	while (!drv_list_empty(&module->references))
		reference_free(DRV_ENTRY(module->references.next, struct drv_reference, siblings));
}

/* The reference that is the variable at an address, made when first asked for. */
static struct drv_reference *reference_of(struct drv_module *module, uint64_t variable, bool is_surface)
{
	for (struct drv_link *link = module->references.next; link != &module->references; link = link->next) {
		struct drv_reference *known = DRV_ENTRY(link, struct drv_reference, siblings);
		if (known->variable == variable)
			return known;
	}
	struct drv_reference *reference = calloc(1, sizeof *reference);
	if (!reference)
		return NULL;
	*reference = (struct drv_reference){.handle = drv_handle_new(kind_of(is_surface), reference),
					    .is_surface = is_surface,
					    .module = module,
					    .variable = variable,
					    .format = CU_AD_FORMAT_FLOAT,
					    .channels = 1};
	if (!reference->handle) {
		free(reference);
		return NULL;
	}
	drv_list_append(&module->references, &reference->siblings);
	return reference;
}

static CUresult reference_get(void **out, CUmodule handle, const char *name, bool is_surface)
{
	struct drv_context *context;
	uint64_t variable;
	if (!out || !name)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_module *module = drv_handle_get(DRV_MODULE, handle);
	if (!module)
		return drv_leave(CUDA_ERROR_INVALID_HANDLE);
	if (!cpu_module_find_reference(module->code, name, is_surface, &variable))
		return drv_leave(CUDA_ERROR_NOT_FOUND);
	struct drv_reference *reference = reference_of(module, variable, is_surface);
	if (!reference)
		return drv_leave(CUDA_ERROR_OUT_OF_MEMORY);
	*out = reference->handle;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuModuleGetTexRef(CUtexref *out, CUmodule module, const char *name)
{
	return reference_get((void **)out, module, name, false);
}

DRV_API CUresult cuModuleGetSurfRef(CUsurfref *out, CUmodule module, const char *name)
{
	return reference_get((void **)out, module, name, true);
}

/* Enters for a question about a reference. */
static CUresult reference_enter(const void *handle, bool is_surface, struct drv_reference **reference)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	*reference = drv_handle_get(kind_of(is_surface), handle);
	return *reference ? CUDA_SUCCESS : drv_leave(CUDA_ERROR_INVALID_HANDLE);
}

/* Enters for a change: launches that were made before see the reference as it was, so they end first. */
static CUresult reference_enter_change(const void *handle, bool is_surface, struct drv_reference **reference)
{
	CUresult result = reference_enter(handle, is_surface, reference);
	if (result != CUDA_SUCCESS)
		return result;
	result = drv_queue_wait_context((*reference)->module->context);
	*reference = drv_handle_get(kind_of(is_surface), handle); /* waiting gave the lock up */
	if (result == CUDA_SUCCESS && !*reference)
		result = CUDA_ERROR_INVALID_HANDLE;
	return result == CUDA_SUCCESS ? result : drv_leave(result);
}

/* Makes the object anew and puts it into the variable; on an error the reference stays `old`. Leaves. */
static CUresult reference_leave(struct drv_reference *reference, const struct drv_reference *old)
{
	struct drv_context *context = reference->module->context;
	uint64_t object = 0;
	CUresult result = CUDA_SUCCESS;
	if (reference->is_bound && reference->is_surface)
		result = drv_surface_create(context, &reference->resource, &object);
	else if (reference->is_bound)
		result = drv_texture_create(context, &reference->resource, &reference->texture, NULL, &object);
	if (result != CUDA_SUCCESS) {
		*reference = *old;
		return drv_leave(result);
	}
	memcpy((void *)reference->variable, &object, sizeof object);
	drv_texture_end(reference->object);
	reference->object = object;
	return drv_leave(CUDA_SUCCESS);
}

static CUresult bind(void *handle, bool is_surface, const CUDA_RESOURCE_DESC *resource)
{
	struct drv_reference *reference;
	CUresult result = reference_enter_change(handle, is_surface, &reference);
	if (result != CUDA_SUCCESS)
		return result;
	const struct drv_reference old = *reference;
	reference->resource = *resource;
	reference->is_bound = true;
	return reference_leave(reference, &old);
}

DRV_API CUresult cuTexRefSetArray(CUtexref handle, CUarray array, unsigned flags)
{
	const CUDA_RESOURCE_DESC resource = {.resType = CU_RESOURCE_TYPE_ARRAY, .res.array.hArray = array};
	return flags == CU_TRSA_OVERRIDE_FORMAT ? bind(handle, false, &resource) : CUDA_ERROR_INVALID_VALUE;
}

DRV_API CUresult cuTexRefSetMipmappedArray(CUtexref handle, CUmipmappedArray mipmap, unsigned flags)
{
	const CUDA_RESOURCE_DESC resource = {.resType = CU_RESOURCE_TYPE_MIPMAPPED_ARRAY,
					     .res.mipmap.hMipmappedArray = mipmap};
	return flags == CU_TRSA_OVERRIDE_FORMAT ? bind(handle, false, &resource) : CUDA_ERROR_INVALID_VALUE;
}

DRV_API CUresult cuSurfRefSetArray(CUsurfref handle, CUarray array, unsigned flags)
{
	const CUDA_RESOURCE_DESC resource = {.resType = CU_RESOURCE_TYPE_ARRAY, .res.array.hArray = array};
	return flags ? CUDA_ERROR_INVALID_VALUE : bind(handle, true, &resource);
}

/* An address that is not aligned is reached by an offset, which kernels add. */
DRV_API CUresult cuTexRefSetAddress_v2(size_t *offset, CUtexref handle, CUdeviceptr address, size_t size)
{
	struct drv_reference *reference;
	size_t rest = address % DRV_TEXTURE_ALIGNMENT;
	if (rest && !offset)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = reference_enter_change(handle, false, &reference);
	if (result != CUDA_SUCCESS)
		return result;
	const struct drv_reference old = *reference;
	reference->resource = (CUDA_RESOURCE_DESC){.resType = CU_RESOURCE_TYPE_LINEAR};
	reference->resource.res.linear.devPtr = address - rest;
	reference->resource.res.linear.format = reference->format;
	reference->resource.res.linear.numChannels = (unsigned)reference->channels;
	reference->resource.res.linear.sizeInBytes = size + rest;
	reference->is_bound = address != 0;
	result = reference_leave(reference, &old);
	if (result == CUDA_SUCCESS && offset)
		*offset = rest;
	return result;
}

DRV_API CUresult cuTexRefSetAddress2D_v3(CUtexref handle, const CUDA_ARRAY_DESCRIPTOR *descriptor, CUdeviceptr address,
					 size_t pitch)
{
	CUDA_RESOURCE_DESC resource = {.resType = CU_RESOURCE_TYPE_PITCH2D};
	if (!descriptor)
		return CUDA_ERROR_INVALID_VALUE;
	resource.res.pitch2D.devPtr = address;
	resource.res.pitch2D.format = descriptor->Format;
	resource.res.pitch2D.numChannels = descriptor->NumChannels;
	resource.res.pitch2D.width = descriptor->Width;
	resource.res.pitch2D.height = descriptor->Height;
	resource.res.pitch2D.pitchInBytes = pitch;
	return bind(handle, false, &resource);
}

/* Changes of the sampler: `change` is made to the reference. */
#define CHANGE(name, parameters, valid, change)                                                                        \
	DRV_API CUresult name parameters                                                                               \
	{                                                                                                              \
		struct drv_reference *reference;                                                                       \
		if (!(valid))                                                                                          \
			return CUDA_ERROR_INVALID_VALUE;                                                               \
		CUresult result = reference_enter_change(handle, false, &reference);                                   \
		if (result != CUDA_SUCCESS)                                                                            \
			return result;                                                                                 \
		const struct drv_reference old = *reference;                                                           \
		change;                                                                                                \
		return reference_leave(reference, &old);                                                               \
	}

CHANGE(cuTexRefSetAddressMode, (CUtexref handle, int dimension, CUaddress_mode mode), dimension >= 0 && dimension < 3,
       reference->texture.addressMode[dimension] = mode)
CHANGE(cuTexRefSetFilterMode, (CUtexref handle, CUfilter_mode mode), true, reference->texture.filterMode = mode)
CHANGE(cuTexRefSetMipmapFilterMode, (CUtexref handle, CUfilter_mode mode), true,
       reference->texture.mipmapFilterMode = mode)
CHANGE(cuTexRefSetMipmapLevelBias, (CUtexref handle, float bias), true, reference->texture.mipmapLevelBias = bias)
CHANGE(cuTexRefSetMipmapLevelClamp, (CUtexref handle, float lowest, float highest), true,
       (reference->texture.minMipmapLevelClamp = lowest, reference->texture.maxMipmapLevelClamp = highest))
CHANGE(cuTexRefSetMaxAnisotropy, (CUtexref handle, unsigned most), true, reference->texture.maxAnisotropy = most)
CHANGE(cuTexRefSetBorderColor, (CUtexref handle, float *color), color,
       memcpy(reference->texture.borderColor, color, sizeof reference->texture.borderColor))
CHANGE(cuTexRefSetFlags, (CUtexref handle, unsigned flags), true, reference->texture.flags = flags)

/* Arrays have a format of their own; that of linear memory counts when it is bound. */
DRV_API CUresult cuTexRefSetFormat(CUtexref handle, CUarray_format format, int channels)
{
	struct drv_reference *reference;
	CUresult result = drv_format_check(format, (unsigned)channels);
	if (result == CUDA_SUCCESS)
		result = reference_enter(handle, false, &reference);
	if (result != CUDA_SUCCESS)
		return result;
	reference->format = format;
	reference->channels = channels;
	return drv_leave(CUDA_SUCCESS);
}

/* Questions: `valid` of what may be asked, `answer` what is answered. */
#define QUESTION(name, parameters, is_surface, valid, answer)                                                          \
	DRV_API CUresult name parameters                                                                               \
	{                                                                                                              \
		struct drv_reference *reference;                                                                       \
		if (!out)                                                                                              \
			return CUDA_ERROR_INVALID_VALUE;                                                               \
		CUresult result = reference_enter(handle, is_surface, &reference);                                     \
		if (result != CUDA_SUCCESS)                                                                            \
			return result;                                                                                 \
		if (!(valid))                                                                                          \
			return drv_leave(CUDA_ERROR_INVALID_VALUE);                                                    \
		answer;                                                                                                \
		return drv_leave(CUDA_SUCCESS);                                                                        \
	}
#define IS_BOUND_TO(type) (reference->is_bound && reference->resource.resType == (type))

QUESTION(cuTexRefGetArray, (CUarray * out, CUtexref handle), false, IS_BOUND_TO(CU_RESOURCE_TYPE_ARRAY),
	 *out = reference->resource.res.array.hArray)
QUESTION(cuSurfRefGetArray, (CUarray * out, CUsurfref handle), true, IS_BOUND_TO(CU_RESOURCE_TYPE_ARRAY),
	 *out = reference->resource.res.array.hArray)
QUESTION(cuTexRefGetMipmappedArray, (CUmipmappedArray * out, CUtexref handle), false,
	 IS_BOUND_TO(CU_RESOURCE_TYPE_MIPMAPPED_ARRAY), *out = reference->resource.res.mipmap.hMipmappedArray)
QUESTION(cuTexRefGetAddress_v2, (CUdeviceptr * out, CUtexref handle), false, IS_BOUND_TO(CU_RESOURCE_TYPE_LINEAR),
	 *out = reference->resource.res.linear.devPtr)
QUESTION(cuTexRefGetAddressMode, (CUaddress_mode * out, CUtexref handle, int dimension), false,
	 dimension >= 0 && dimension < 3, *out = reference->texture.addressMode[dimension])
QUESTION(cuTexRefGetFilterMode, (CUfilter_mode * out, CUtexref handle), false, true,
	 *out = reference->texture.filterMode)
QUESTION(cuTexRefGetMipmapFilterMode, (CUfilter_mode * out, CUtexref handle), false, true,
	 *out = reference->texture.mipmapFilterMode)
QUESTION(cuTexRefGetMipmapLevelBias, (float *out, CUtexref handle), false, true,
	 *out = reference->texture.mipmapLevelBias)
QUESTION(cuTexRefGetMipmapLevelClamp, (float *out, float *highest, CUtexref handle), false, highest,
	 (*out = reference->texture.minMipmapLevelClamp, *highest = reference->texture.maxMipmapLevelClamp))
QUESTION(cuTexRefGetMaxAnisotropy, (int *out, CUtexref handle), false, true,
	 *out = (int)reference->texture.maxAnisotropy)
QUESTION(cuTexRefGetBorderColor, (float *out, CUtexref handle), false, true,
	 memcpy(out, reference->texture.borderColor, sizeof reference->texture.borderColor))
QUESTION(cuTexRefGetFlags, (unsigned *out, CUtexref handle), false, true, *out = reference->texture.flags)
QUESTION(cuTexRefGetFormat, (CUarray_format * out, int *channels, CUtexref handle), false, channels,
	 (*out = reference->format, *channels = reference->channels))
