/* cuLink*: PTX from several sources becomes one image, which is loaded as any other. What comes out is a fatbin that
   keeps the units' text: code is made when a kernel is first used. */
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "driver.h"
#include "handle.h"
#include "image.h"
#include "jit.h"

struct linker {
	CUlinkState handle;
	struct drv_jit jit;
	struct fatbin_units units;
	void *image; /* once complete */
	size_t size;
};

static void linker_free(struct linker *linker)
{
	if (linker->handle)
		drv_handle_end(linker->handle);
	fatbin_free(&linker->units);
	free(linker->image);
	free(linker);
}

static CUresult linker_new(struct linker **linker, unsigned count, const CUjit_option *options, void **values)
{
	*linker = calloc(1, sizeof **linker);
	if (!*linker)
		return CUDA_ERROR_OUT_OF_MEMORY;
	CUresult result = drv_jit_init(&(*linker)->jit, DRV_JIT_LINK, count, options, values);
	if (result == CUDA_SUCCESS) {
		(*linker)->handle = drv_handle_new(DRV_LINK, *linker);
		result = (*linker)->handle ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
	}
	if (result != CUDA_SUCCESS)
		linker_free(*linker);
	else
		drv_jit_finish(&(*linker)->jit);
	return result;
}

DRV_API CUresult cuLinkCreate_v2(unsigned count, CUjit_option *options, void **values, CUlinkState *out)
{
	struct drv_context *context;
	struct linker *linker;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_context(&context);
	if (result != CUDA_SUCCESS)
		return result;
	result = linker_new(&linker, count, options, values);
	if (result == CUDA_SUCCESS)
		*out = linker->handle;
	return drv_leave(result);
}

/* Enters for a call about a link that goes on. */
static CUresult linker_enter(CUlinkState handle, struct linker **linker)
{
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	*linker = drv_handle_get(DRV_LINK, handle);
	if (!*linker)
		return drv_leave(CUDA_ERROR_INVALID_HANDLE);
	drv_jit_resume(&(*linker)->jit);
	return CUDA_SUCCESS;
}

static CUresult linker_leave(struct linker *linker, CUresult result)
{
	drv_jit_finish(&linker->jit);
	return drv_leave(result);
}

/* Does each of the units parse? Names are for the messages of this and of later steps. */
static CUresult units_check(struct linker *linker, struct fatbin_units *units, const char *name)
{
	CUresult result = CUDA_SUCCESS;
	for (size_t i = 0; i < units->count && result == CUDA_SUCCESS; i++) {
		struct fatbin_unit *unit = &units->units[i];
		if (!unit->name && name)
			unit->name = strdup(name);
		const struct cpu_unit text = {.text = unit->text, .length = unit->length, .name = unit->name};
		result = cpu_units_check(&text, 1, false, drv_jit_log(&linker->jit));
	}
	return result;
}

/* Takes the units over from `units`. */
static CUresult units_move(struct linker *linker, struct fatbin_units *units)
{
	size_t count = linker->units.count + units->count;
	struct fatbin_unit *grown = realloc(linker->units.units, count * sizeof *grown);
	if (!grown)
		return CUDA_ERROR_OUT_OF_MEMORY;
	linker->units.units = grown;
	memcpy(grown + linker->units.count, units->units, units->count * sizeof *grown);
	linker->units.count = count;
	units->count = 0;
	return CUDA_SUCCESS;
}

/* Which inputs are PTX, alone or in a fatbin. Machine code, and host objects and archives that hold it, are not. */
static CUresult input_check(const struct linker *linker, CUjitInputType type, unsigned count,
			    const CUjit_option *options, void **values)
{
	struct drv_jit unused;
	if ((unsigned)type >= CU_JIT_NUM_INPUT_TYPES || linker->image)
		return CUDA_ERROR_INVALID_VALUE;
	if (type != CU_JIT_INPUT_PTX && type != CU_JIT_INPUT_FATBINARY && type != CU_JIT_INPUT_CUBIN)
		return CUDA_ERROR_NOT_SUPPORTED;
	return drv_jit_init(&unused, DRV_JIT_LINK_INPUT, count, options, values);
}

/* Adds what has been read, and frees it. */
static CUresult input_add(struct linker *linker, struct fatbin_units *units, const char *name)
{
	CUresult result = units_check(linker, units, name);
	if (result == CUDA_SUCCESS)
		result = units_move(linker, units);
	fatbin_free(units);
	return result;
}

DRV_API CUresult cuLinkAddData_v2(CUlinkState handle, CUjitInputType type, void *data, size_t size, const char *name,
				  unsigned count, CUjit_option *options, void **values)
{
	struct linker *linker;
	struct fatbin_units units;
	CUresult result = linker_enter(handle, &linker);
	if (result != CUDA_SUCCESS)
		return result;
	result = data && size ? input_check(linker, type, count, options, values) : CUDA_ERROR_INVALID_VALUE;
	if (result == CUDA_SUCCESS)
		result = drv_image_read_bytes(data, size, &linker->jit, &units);
	if (result == CUDA_SUCCESS)
		result = input_add(linker, &units, name);
	return linker_leave(linker, result);
}

DRV_API CUresult cuLinkAddFile_v2(CUlinkState handle, CUjitInputType type, const char *path, unsigned count,
				  CUjit_option *options, void **values)
{
	struct linker *linker;
	struct fatbin_units units;
	CUresult result = linker_enter(handle, &linker);
	if (result != CUDA_SUCCESS)
		return result;
	result = path ? input_check(linker, type, count, options, values) : CUDA_ERROR_INVALID_VALUE;
	if (result == CUDA_SUCCESS)
		result = drv_image_read_file(path, &linker->jit, &units);
	if (result == CUDA_SUCCESS)
		result = input_add(linker, &units, path);
	return linker_leave(linker, result);
}

/* Links for real, to see whether it can be done, and makes the image. */
static CUresult linker_complete(struct linker *linker)
{
	size_t count = linker->units.count;
	struct cpu_unit *texts = calloc(count + 1, sizeof *texts);
	if (!texts)
		return CUDA_ERROR_OUT_OF_MEMORY;
	for (size_t i = 0; i < count; i++)
		texts[i] = (struct cpu_unit){.text = linker->units.units[i].text,
					     .length = linker->units.units[i].length,
					     .name = linker->units.units[i].name};
	CUresult result = cpu_units_check(texts, count, true, drv_jit_log(&linker->jit));
	free(texts);
	if (result != CUDA_SUCCESS)
		return result;
	drv_jit_note(&linker->jit, "%zu units of PTX linked\n", count);
	return fatbin_write(&linker->units, drv_device()->capability, &linker->image, &linker->size);
}

DRV_API CUresult cuLinkComplete(CUlinkState handle, void **image, size_t *size)
{
	struct linker *linker;
	CUresult result = linker_enter(handle, &linker);
	if (result != CUDA_SUCCESS)
		return result;
	if (!image)
		result = CUDA_ERROR_INVALID_VALUE;
	else if (!linker->units.count)
		result = CUDA_ERROR_INVALID_IMAGE;
	else if (!linker->image)
		result = linker_complete(linker);
	if (result == CUDA_SUCCESS) {
		*image = linker->image;
		if (size)
			*size = linker->size;
	}
	return linker_leave(linker, result);
}

DRV_API CUresult cuLinkDestroy(CUlinkState handle)
{
	struct linker *linker;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	linker = drv_handle_get(DRV_LINK, handle);
	if (!linker)
		return drv_leave(CUDA_ERROR_INVALID_HANDLE);
	linker_free(linker);
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuLinkCreate(unsigned count, CUjit_option *options, void **values, CUlinkState *out)
{
	return cuLinkCreate_v2(count, options, values, out);
}

DRV_API CUresult cuLinkAddData(CUlinkState handle, CUjitInputType type, void *data, size_t size, const char *name,
			       unsigned count, CUjit_option *options, void **values)
{
	return cuLinkAddData_v2(handle, type, data, size, name, count, options, values);
}

DRV_API CUresult cuLinkAddFile(CUlinkState handle, CUjitInputType type, const char *path, unsigned count,
			       CUjit_option *options, void **values)
{
	return cuLinkAddFile_v2(handle, type, path, count, options, values);
}
