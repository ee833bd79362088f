/* Arrays: the server makes them, the client keeps their descriptions and answers with them. */
#include "array.h"

#include <stdlib.h>

#include "call.h"
#include "hand.h"
#include "thread.h"

static array_layout layout_of(const CUDA_ARRAY3D_DESCRIPTOR *d)
{
	return (array_layout){d->Width, d->Height, d->Depth, (int)d->Format, d->NumChannels, d->Flags};
}

size_t cu_array_element(const CUDA_ARRAY3D_DESCRIPTOR *descriptor)
{
	switch ((int)descriptor->Format) {
	case CU_AD_FORMAT_UNSIGNED_INT8:
	case CU_AD_FORMAT_SIGNED_INT8:
		return descriptor->NumChannels;
	case CU_AD_FORMAT_UNSIGNED_INT16:
	case CU_AD_FORMAT_SIGNED_INT16:
	case CU_AD_FORMAT_HALF:
		return 2 * (size_t)descriptor->NumChannels;
	case CU_AD_FORMAT_UNSIGNED_INT32:
	case CU_AD_FORMAT_SIGNED_INT32:
	case CU_AD_FORMAT_FLOAT:
		return 4 * (size_t)descriptor->NumChannels;
	default:
		return 0;
	}
}

static bool copy_out(enum cr_kind kind, const void *handle, struct cu_array *copy)
{
	cu_objects_lock_shared();
	const struct cu_array *array = cu_object(kind, handle);
	if (array)
		*copy = *array;
	cu_objects_unlock();
	return array != NULL;
}

CUresult cu_array_describe(CUarray handle, CUDA_ARRAY3D_DESCRIPTOR *descriptor)
{
	struct cu_array array;
	if (!copy_out(CR_KIND_ARRAY, handle, &array))
		return CUDA_ERROR_INVALID_HANDLE;
	*descriptor = array.descriptor;
	return CUDA_SUCCESS;
}

/* Enters what the server has made under its id. */
static CUresult enter(enum cr_kind kind, u64 id, const struct cu_array *array)
{
	struct cu_array *copy = malloc(sizeof(*copy));
	if (!copy)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*copy = *array;
	cu_objects_lock();
	bool entered = cu_object_enter(kind, id, copy);
	cu_objects_unlock();
	if (!entered)
		free(copy);
	return entered ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

static void *take_out(enum cr_kind kind, const void *handle)
{
	cu_objects_lock();
	void *array = cu_object_remove(kind, handle);
	cu_objects_unlock();
	return array;
}

CUresult client_cuArray3DCreate_v2(CUarray *pHandle, const CUDA_ARRAY3D_DESCRIPTOR *pAllocateArray)
{
	struct cu_call call;
	u64 id = 0;
	if (!pHandle || !pAllocateArray)
		return CUDA_ERROR_INVALID_VALUE;
	array_layout layout = layout_of(pAllocateArray);
	CUresult err = cu_call_begin(&call, FN_cuArray3DCreate_v2);
	if (!err)
		err = cu_call_result(&call, xdr_array_layout(call.args, &layout), (xdrproc_t)xdr_u64, &id);
	const struct cu_array array = {.context = cu_thread_context(), .descriptor = *pAllocateArray};
	if (!err)
		err = enter(CR_KIND_ARRAY, id, &array);
	if (!err)
		*pHandle = cu_handle(id);
	return err;
}

CUresult client_cuArrayCreate_v2(CUarray *pHandle, const CUDA_ARRAY_DESCRIPTOR *pAllocateArray)
{
	if (!pAllocateArray)
		return CUDA_ERROR_INVALID_VALUE;
	const CUDA_ARRAY3D_DESCRIPTOR descriptor = {.Width = pAllocateArray->Width,
						    .Height = pAllocateArray->Height,
						    .Format = pAllocateArray->Format,
						    .NumChannels = pAllocateArray->NumChannels};
	return client_cuArray3DCreate_v2(pHandle, &descriptor);
}

/* A level belongs to its mipmapped array: level_count is 0 for an array, 1 for a level. */
CUresult client_cuArrayDestroy(CUarray hArray)
{
	struct cu_array array;
	if (!copy_out(CR_KIND_ARRAY, hArray, &array) || array.level_count)
		return CUDA_ERROR_INVALID_HANDLE;
	CUresult err = rpc_cuArrayDestroy(hArray);
	free(take_out(CR_KIND_ARRAY, hArray));
	return err;
}

CUresult client_cuArray3DGetDescriptor_v2(CUDA_ARRAY3D_DESCRIPTOR *pArrayDescriptor, CUarray hArray)
{
	return pArrayDescriptor ? cu_array_describe(hArray, pArrayDescriptor) : CUDA_ERROR_INVALID_VALUE;
}

CUresult client_cuArrayGetDescriptor_v2(CUDA_ARRAY_DESCRIPTOR *pArrayDescriptor, CUarray hArray)
{
	CUDA_ARRAY3D_DESCRIPTOR whole;
	if (!pArrayDescriptor)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_array_describe(hArray, &whole);
	if (!err)
		*pArrayDescriptor = (CUDA_ARRAY_DESCRIPTOR){.Width = whole.Width,
							    .Height = whole.Height,
							    .Format = whole.Format,
							    .NumChannels = whole.NumChannels};
	return err;
}

static CUresult requirements(CUDA_ARRAY_MEMORY_REQUIREMENTS *result, enum cr_kind kind, enum cu_function_id function,
			     const void *handle, CUdevice device)
{
	struct cu_call call;
	struct cu_array array;
	array_requirements found = {0};
	u64 id = (uintptr_t)handle;
	int wire_device = device;
	if (!result)
		return CUDA_ERROR_INVALID_VALUE;
	if (!copy_out(kind, handle, &array))
		return CUDA_ERROR_INVALID_HANDLE;
	CUresult err = cu_call_begin(&call, function);
	if (!err)
		err = cu_call_result(&call, xdr_u64(call.args, &id) && xdr_int(call.args, &wire_device),
				     (xdrproc_t)xdr_array_requirements, &found);
	if (!err)
		*result = (CUDA_ARRAY_MEMORY_REQUIREMENTS){.size = found.size, .alignment = found.alignment};
	return err;
}

CUresult client_cuArrayGetMemoryRequirements(CUDA_ARRAY_MEMORY_REQUIREMENTS *memoryRequirements, CUarray array,
					     CUdevice device)
{
	return requirements(memoryRequirements, CR_KIND_ARRAY, FN_cuArrayGetMemoryRequirements, array, device);
}

CUresult client_cuMipmappedArrayGetMemoryRequirements(CUDA_ARRAY_MEMORY_REQUIREMENTS *memoryRequirements,
						      CUmipmappedArray mipmap, CUdevice device)
{
	return requirements(memoryRequirements, CR_KIND_MIPMAP, FN_cuMipmappedArrayGetMemoryRequirements, mipmap,
			    device);
}

/* ---- Mipmapped arrays ---- */

/* At most so many levels that the last is one element: 1 + floor(log2(the largest extent)). */
static unsigned levels_bound(const CUDA_ARRAY3D_DESCRIPTOR *d, unsigned levels)
{
	size_t extent = d->Width > d->Height ? d->Width : d->Height;
	unsigned most = 1;
	if (!(d->Flags & (CUDA_ARRAY3D_LAYERED | CUDA_ARRAY3D_CUBEMAP)) && d->Depth > extent)
		extent = d->Depth;
	while (most < CU_MIPMAP_LEVELS && extent >> most)
		most++;
	return levels < most ? levels : most;
}

CUresult client_cuMipmappedArrayCreate(CUmipmappedArray *pHandle, const CUDA_ARRAY3D_DESCRIPTOR *pMipmappedArrayDesc,
				       unsigned int numMipmapLevels)
{
	struct cu_call call;
	u64 id = 0;
	if (!pHandle || !pMipmappedArrayDesc || !numMipmapLevels)
		return CUDA_ERROR_INVALID_VALUE;
	array_layout layout = layout_of(pMipmappedArrayDesc);
	CUresult err = cu_call_begin(&call, FN_cuMipmappedArrayCreate);
	if (!err)
		err = cu_call_result(&call,
				     xdr_array_layout(call.args, &layout) && xdr_u_int(call.args, &numMipmapLevels),
				     (xdrproc_t)xdr_u64, &id);
	const struct cu_array mipmap = {.context = cu_thread_context(),
					.descriptor = *pMipmappedArrayDesc,
					.level_count = levels_bound(pMipmappedArrayDesc, numMipmapLevels)};
	if (!err)
		err = enter(CR_KIND_MIPMAP, id, &mipmap);
	if (!err)
		*pHandle = cu_handle(id);
	return err;
}

static size_t halved(size_t extent, unsigned times)
{
	return !extent ? 0 : extent >> times ? extent >> times : 1;
}

static struct cu_array level_of(const struct cu_array *mipmap, unsigned level)
{
	struct cu_array array = {.context = mipmap->context, .descriptor = mipmap->descriptor, .level_count = 1};
	array.descriptor.Width = halved(array.descriptor.Width, level);
	array.descriptor.Height = halved(array.descriptor.Height, level);
	if (!(array.descriptor.Flags & (CUDA_ARRAY3D_LAYERED | CUDA_ARRAY3D_CUBEMAP)))
		array.descriptor.Depth = halved(array.descriptor.Depth, level);
	return array;
}

/* Notes the level's id, unless another thread has asked for it at the same time. */
static void level_note(const void *mipmap, unsigned level, u64 id)
{
	cu_objects_lock();
	struct cu_array *array = cu_object(CR_KIND_MIPMAP, mipmap);
	if (array && !array->levels[level])
		array->levels[level] = id;
	cu_objects_unlock();
}

CUresult client_cuMipmappedArrayGetLevel(CUarray *pLevelArray, CUmipmappedArray hMipmappedArray, unsigned int level)
{
	struct cu_call call;
	struct cu_array mipmap;
	u64 id = (uintptr_t)hMipmappedArray, made = 0;
	if (!pLevelArray)
		return CUDA_ERROR_INVALID_VALUE;
	if (!copy_out(CR_KIND_MIPMAP, hMipmappedArray, &mipmap))
		return CUDA_ERROR_INVALID_HANDLE;
	if (level >= mipmap.level_count)
		return CUDA_ERROR_INVALID_VALUE;
	if (mipmap.levels[level]) {
		*pLevelArray = cu_handle(mipmap.levels[level]);
		return CUDA_SUCCESS;
	}
	CUresult err = cu_call_begin(&call, FN_cuMipmappedArrayGetLevel);
	if (!err)
		err = cu_call_result(&call, xdr_u64(call.args, &id) && xdr_u_int(call.args, &level), (xdrproc_t)xdr_u64,
				     &made);
	const struct cu_array array = level_of(&mipmap, level);
	if (!err)
		err = enter(CR_KIND_ARRAY, made, &array);
	if (err)
		return err;
	level_note(hMipmappedArray, level, made);
	*pLevelArray = cu_handle(made);
	return CUDA_SUCCESS;
}

CUresult client_cuMipmappedArrayDestroy(CUmipmappedArray hMipmappedArray)
{
	struct cu_call call;
	u64 id = (uintptr_t)hMipmappedArray;
	struct cu_array *mipmap = take_out(CR_KIND_MIPMAP, hMipmappedArray);
	if (!mipmap)
		return CUDA_ERROR_INVALID_HANDLE;
	for (unsigned i = 0; i < CU_MIPMAP_LEVELS; i++)
		if (mipmap->levels[i])
			free(take_out(CR_KIND_ARRAY, cu_handle(mipmap->levels[i])));
	free(mipmap);
	CUresult err = cu_call_begin(&call, FN_cuMipmappedArrayDestroy);
	return err ? err : cu_call_end(&call, xdr_u64(call.args, &id));
}
