#include "array.h"

#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "driver.h"
#include "handle.h"
#include "queue.h"

/* Rows begin at multiples of the largest texel, levels at those of a cache line. */
enum { ROW_ALIGN = 16, LEVEL_ALIGN = 64 };

static const unsigned known_flags = CUDA_ARRAY3D_LAYERED | CUDA_ARRAY3D_SURFACE_LDST | CUDA_ARRAY3D_CUBEMAP |
				    CUDA_ARRAY3D_TEXTURE_GATHER | CUDA_ARRAY3D_COLOR_ATTACHMENT |
				    CUDA_ARRAY3D_DEPTH_TEXTURE;
static const unsigned unsupported_flags =
    CUDA_ARRAY3D_SPARSE | CUDA_ARRAY3D_DEFERRED_MAPPING | CUDA_ARRAY3D_VIDEO_ENCODE_DECODE;

unsigned drv_format_bytes(CUarray_format format)
{
	switch ((int)format) {
	case CU_AD_FORMAT_UNSIGNED_INT8:
	case CU_AD_FORMAT_SIGNED_INT8:
		return 1;
	case CU_AD_FORMAT_UNSIGNED_INT16:
	case CU_AD_FORMAT_SIGNED_INT16:
	case CU_AD_FORMAT_HALF:
		return 2;
	case CU_AD_FORMAT_UNSIGNED_INT32:
	case CU_AD_FORMAT_SIGNED_INT32:
	case CU_AD_FORMAT_FLOAT:
		return 4;
	default:
		return 0;
	}
}

CUresult drv_format_check(CUarray_format format, unsigned channels)
{
	if (!drv_format_bytes(format)) /* block compressed, planar … */
		return (unsigned)format >= CU_AD_FORMAT_UNORM_INT_101010_2 && (unsigned)format < 0x100
			   ? CUDA_ERROR_NOT_SUPPORTED
			   : CUDA_ERROR_INVALID_VALUE;
	return channels == 1 || channels == 2 || channels == 4 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

static bool within(size_t value, size_t least, size_t most)
{
	return value >= least && value <= most;
}

static CUresult extents_check_cube(const CUDA_ARRAY3D_DESCRIPTOR *d)
{
	bool layered = d->Flags & CUDA_ARRAY3D_LAYERED;
	if (d->Width != d->Height || !within(d->Width, 1, DRV_TEXTURE_LAYERED))
		return CUDA_ERROR_INVALID_VALUE;
	if (layered ? d->Depth % 6 || !within(d->Depth, 6, DRV_TEXTURE_CUBE_LAYERS) : d->Depth != 6)
		return CUDA_ERROR_INVALID_VALUE;
	return CUDA_SUCCESS;
}

/* The table at cuArray3DCreate() in NVIDIA's documentation. */
static CUresult extents_check(const CUDA_ARRAY3D_DESCRIPTOR *d, unsigned levels)
{
	bool layered = d->Flags & CUDA_ARRAY3D_LAYERED, surface = d->Flags & CUDA_ARRAY3D_SURFACE_LDST;
	bool narrow = levels > 1 || (d->Flags & CUDA_ARRAY3D_TEXTURE_GATHER);
	if (d->Flags & CUDA_ARRAY3D_CUBEMAP)
		return extents_check_cube(d);
	size_t width = layered || narrow ? DRV_TEXTURE_LAYERED : DRV_TEXTURE_2D_WIDTH;
	size_t height = layered || narrow ? DRV_TEXTURE_LAYERED : DRV_TEXTURE_2D_HEIGHT;
	size_t depth = 0;
	if (layered && !within(d->Depth, 1, DRV_TEXTURE_LAYERS))
		return CUDA_ERROR_INVALID_VALUE;
	if (layered) {
		depth = DRV_TEXTURE_LAYERS;
	} else if (d->Depth) {
		width = height = depth = DRV_TEXTURE_3D;
		if (!d->Height)
			return CUDA_ERROR_INVALID_VALUE;
	} else if (!d->Height) {
		width = surface ? DRV_SURFACE_1D : narrow ? DRV_TEXTURE_LAYERED : DRV_TEXTURE_1D;
	}
	return within(d->Width, 1, width) && d->Height <= height && d->Depth <= depth ? CUDA_SUCCESS
										      : CUDA_ERROR_INVALID_VALUE;
}

static CUresult descriptor_check(const CUDA_ARRAY3D_DESCRIPTOR *d, unsigned levels)
{
	if (d->Flags & unsupported_flags)
		return CUDA_ERROR_NOT_SUPPORTED;
	if (d->Flags & ~known_flags)
		return CUDA_ERROR_INVALID_VALUE;
	bool flat = d->Height && (!d->Depth || (d->Flags & CUDA_ARRAY3D_LAYERED));
	if ((d->Flags & CUDA_ARRAY3D_TEXTURE_GATHER) && !flat)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_format_check(d->Format, d->NumChannels);
	return result == CUDA_SUCCESS ? extents_check(d, levels) : result;
}

static size_t round_up(size_t value, size_t unit)
{
	return (value + unit - 1) / unit * unit;
}

static uint32_t halved(size_t extent, unsigned times)
{
	size_t value = extent >> times;
	return value ? (uint32_t)value : 1;
}

/* Lays the levels out from address 0. */
static void image_lay_out(struct cpu_image *image, const CUDA_ARRAY3D_DESCRIPTOR *d, unsigned levels)
{
	bool cube = d->Flags & CUDA_ARRAY3D_CUBEMAP, layered = d->Flags & CUDA_ARRAY3D_LAYERED;
	bool flat = cube || layered;
	*image = (struct cpu_image){.layered = layered,
				    .format = d->Format,
				    .channels = d->NumChannels,
				    .texel_bytes = drv_format_bytes(d->Format) * d->NumChannels,
				    .layers = flat ? (uint32_t)d->Depth : 1,
				    .level_count = levels};
	image->shape = cube                   ? CPU_SHAPE_CUBE
		       : d->Depth && !layered ? CPU_SHAPE_3D
		       : d->Height            ? CPU_SHAPE_2D
					      : CPU_SHAPE_1D;
	for (unsigned i = 0; i < levels; i++) {
		struct cpu_level *level = &image->levels[i];
		level->address = image->bytes;
		level->width = halved(d->Width, i);
		level->height = halved(d->Height, i);
		level->depth = flat ? 1 : halved(d->Depth, i);
		level->row = round_up((size_t)level->width * image->texel_bytes, ROW_ALIGN);
		level->slice = level->row * level->height;
		image->bytes = round_up(image->bytes + level->slice * level->depth * image->layers, LEVEL_ALIGN);
	}
}

static CUresult image_alloc(struct cpu_image *image)
{
	CUresult result = cpu_memory_alloc(drv_memory(), image->bytes, &image->base);
	for (unsigned i = 0; result == CUDA_SUCCESS && i < image->level_count; i++)
		image->levels[i].address += image->base;
	return result;
}

static void array_free(struct drv_array *array)
{
	for (unsigned i = 0; i < CPU_LEVELS; i++)
		if (array->levels[i])
			array_free(array->levels[i]);
	drv_handle_end(array->handle);
	drv_list_remove(&array->siblings);
	if (!array->mipmap && array->image.base)
		(void)cpu_memory_free(drv_memory(), array->image.base);
	free(array);
}

static struct drv_array *array_new(struct drv_context *context, enum drv_kind kind)
{
	struct drv_array *array = calloc(1, sizeof *array);
	if (!array)
		return NULL;
	drv_list_init(&array->siblings);
	array->context = context;
	array->handle = drv_handle_new(kind, array);
	if (array->handle)
		return array;
	free(array);
	return NULL;
}

static CUresult array_create(struct drv_context *context, const CUDA_ARRAY3D_DESCRIPTOR *descriptor, unsigned levels,
			     enum drv_kind kind, void **out)
{
	struct drv_array *array = array_new(context, kind);
	if (!array)
		return CUDA_ERROR_OUT_OF_MEMORY;
	array->descriptor = *descriptor;
	image_lay_out(&array->image, descriptor, levels);
	CUresult result = image_alloc(&array->image);
	if (result != CUDA_SUCCESS) {
		array_free(array);
		return result;
	}
	drv_list_append(&context->arrays, &array->siblings);
	*out = array->handle;
	return CUDA_SUCCESS;
}

struct drv_array *drv_array_get(CUarray handle)
{
	return drv_handle_get(DRV_ARRAY, handle);
}

struct drv_array *drv_mipmap_get(CUmipmappedArray handle)
{
	return drv_handle_get(DRV_MIPMAP, handle);
}

void drv_arrays_free_all(struct drv_context *context)
{
	while (!drv_list_empty(&context->arrays))
		array_free(DRV_ENTRY(context->arrays.next, struct drv_array, siblings));
}

/* Creation */

DRV_API CUresult cuArray3DCreate_v2(CUarray *out, const CUDA_ARRAY3D_DESCRIPTOR *descriptor)
{
	struct drv_context *context;
	if (!out || !descriptor)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	result = descriptor_check(descriptor, 1);
	if (result == CUDA_SUCCESS)
		result = array_create(context, descriptor, 1, DRV_ARRAY, (void **)out);
	return drv_leave(result);
}

DRV_API CUresult cuArrayCreate_v2(CUarray *out, const CUDA_ARRAY_DESCRIPTOR *descriptor)
{
	if (!descriptor)
		return CUDA_ERROR_INVALID_VALUE;
	const CUDA_ARRAY3D_DESCRIPTOR flat = {.Width = descriptor->Width,
					      .Height = descriptor->Height,
					      .Format = descriptor->Format,
					      .NumChannels = descriptor->NumChannels};
	return cuArray3DCreate_v2(out, &flat);
}

/* At most so many that the last is one texel: 1 + floor(log2(the largest extent)). */
static unsigned levels_bound(const CUDA_ARRAY3D_DESCRIPTOR *d, unsigned levels)
{
	size_t extent = d->Width > d->Height ? d->Width : d->Height;
	unsigned most = 1;
	if (!(d->Flags & (CUDA_ARRAY3D_LAYERED | CUDA_ARRAY3D_CUBEMAP)) && d->Depth > extent)
		extent = d->Depth;
	while (most < CPU_LEVELS && extent >> most)
		most++;
	return levels < most ? levels : most;
}

DRV_API CUresult cuMipmappedArrayCreate(CUmipmappedArray *out, const CUDA_ARRAY3D_DESCRIPTOR *descriptor,
					unsigned levels)
{
	struct drv_context *context;
	if (!out || !descriptor || !levels)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	levels = levels_bound(descriptor, levels);
	result = descriptor_check(descriptor, levels);
	if (result == CUDA_SUCCESS)
		result = array_create(context, descriptor, levels, DRV_MIPMAP, (void **)out);
	return drv_leave(result);
}

/* Work that was queued before may use the texels: it ends first. */
static CUresult destroy(enum drv_kind kind, const void *handle)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	struct drv_array *array = drv_handle_get(kind, handle);
	if (!array || array->mipmap)
		return drv_leave(CUDA_ERROR_INVALID_HANDLE);
	result = drv_queue_wait_context(array->context);
	array = drv_handle_get(kind, handle); /* another thread may have been faster */
	if (!array)
		return drv_leave(CUDA_ERROR_INVALID_HANDLE);
	array_free(array);
	return drv_leave(result);
}

DRV_API CUresult cuArrayDestroy(CUarray handle)
{
	return destroy(DRV_ARRAY, handle);
}

DRV_API CUresult cuMipmappedArrayDestroy(CUmipmappedArray handle)
{
	return destroy(DRV_MIPMAP, handle);
}

/* A level of a mipmapped array */

static void level_describe(struct drv_array *array, const struct drv_array *mipmap, unsigned number)
{
	const struct cpu_level *level = &mipmap->image.levels[number];
	array->image = mipmap->image;
	array->image.level_count = 1;
	array->image.levels[0] = *level;
	array->descriptor = mipmap->descriptor;
	array->descriptor.Width = level->width;
	array->descriptor.Height = mipmap->descriptor.Height ? level->height : 0;
	if (mipmap->image.shape == CPU_SHAPE_3D)
		array->descriptor.Depth = level->depth;
}

static CUresult level_get(struct drv_array *mipmap, unsigned number, CUarray *out)
{
	if (!mipmap)
		return CUDA_ERROR_INVALID_HANDLE;
	if (number >= mipmap->image.level_count)
		return CUDA_ERROR_INVALID_VALUE;
	if (!mipmap->levels[number]) {
		struct drv_array *array = array_new(mipmap->context, DRV_ARRAY);
		if (!array)
			return CUDA_ERROR_OUT_OF_MEMORY;
		array->mipmap = mipmap;
		level_describe(array, mipmap, number);
		mipmap->levels[number] = array;
	}
	*out = mipmap->levels[number]->handle;
	return CUDA_SUCCESS;
}

DRV_API CUresult cuMipmappedArrayGetLevel(CUarray *out, CUmipmappedArray handle, unsigned level)
{
	struct drv_context *context;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	return result == CUDA_SUCCESS ? drv_leave(level_get(drv_mipmap_get(handle), level, out)) : result;
}

/* Questions */

static CUresult array_enter(enum drv_kind kind, const void *handle, struct drv_array **array)
{
	struct drv_context *context;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	*array = drv_handle_get(kind, handle);
	return *array ? CUDA_SUCCESS : drv_leave(CUDA_ERROR_INVALID_HANDLE);
}

DRV_API CUresult cuArray3DGetDescriptor_v2(CUDA_ARRAY3D_DESCRIPTOR *descriptor, CUarray handle)
{
	struct drv_array *array;
	if (!descriptor)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = array_enter(DRV_ARRAY, handle, &array);
	if (result != CUDA_SUCCESS)
		return result;
	*descriptor = array->descriptor;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuArrayGetDescriptor_v2(CUDA_ARRAY_DESCRIPTOR *descriptor, CUarray handle)
{
	CUDA_ARRAY3D_DESCRIPTOR whole;
	if (!descriptor)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = cuArray3DGetDescriptor_v2(&whole, handle);
	if (result == CUDA_SUCCESS)
		*descriptor = (CUDA_ARRAY_DESCRIPTOR){.Width = whole.Width,
						      .Height = whole.Height,
						      .Format = whole.Format,
						      .NumChannels = whole.NumChannels};
	return result;
}

static CUresult requirements(CUDA_ARRAY_MEMORY_REQUIREMENTS *out, enum drv_kind kind, const void *handle,
			     CUdevice device)
{
	struct drv_array *array;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = array_enter(kind, handle, &array);
	if (result != CUDA_SUCCESS)
		return result;
	if (device != 0)
		return drv_leave(CUDA_ERROR_INVALID_DEVICE);
	*out = (CUDA_ARRAY_MEMORY_REQUIREMENTS){.size = array->image.bytes, .alignment = LEVEL_ALIGN};
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuArrayGetMemoryRequirements(CUDA_ARRAY_MEMORY_REQUIREMENTS *out, CUarray handle, CUdevice device)
{
	return requirements(out, DRV_ARRAY, handle, device);
}

DRV_API CUresult cuMipmappedArrayGetMemoryRequirements(CUDA_ARRAY_MEMORY_REQUIREMENTS *out, CUmipmappedArray handle,
						       CUdevice device)
{
	return requirements(out, DRV_MIPMAP, handle, device);
}

DRV_API CUresult cuDeviceGetTexture1DLinearMaxWidth(size_t *out, CUarray_format format, unsigned channels,
						    CUdevice device)
{
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	if (device != 0)
		return drv_leave(CUDA_ERROR_INVALID_DEVICE);
	result = drv_format_check(format, channels);
	if (result == CUDA_SUCCESS)
		*out = DRV_TEXTURE_1D_LINEAR;
	return drv_leave(result);
}
