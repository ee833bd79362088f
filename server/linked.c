#include "linked.h"

#include <stdio.h>
#include <stdlib.h>

#include "image.h"

#define WRAPPER_MAGIC 0x466243B1u
#define WRAPPER_LINKED 2

static size_t fatbin_count(const char *image, size_t size)
{
	size_t count = 0;
	for (size_t one; (one = srv_image_fatbin_size(image, size)); count++) {
		image += one;
		size -= one;
	}
	return count;
}

bool srv_linked_make(struct srv_linked *linked, const char *image, size_t size)
{
	size_t count = fatbin_count(image, size);
	*linked = (struct srv_linked){.wrapper = {WRAPPER_MAGIC, WRAPPER_LINKED, image, NULL}};
	if (count < 2)
		return true;
	linked->units = calloc(count, sizeof(*linked->units));
	linked->sizes = calloc(count, sizeof(*linked->sizes));
	if (!linked->units || !linked->sizes)
		return false;
	linked->wrapper.units = linked->units;
	for (size_t i = 0; i < count; i++) {
		size_t one = srv_image_fatbin_size(image, size);
		if (i > 0) {
			linked->units[linked->count] = image;
			linked->sizes[linked->count++] = one;
		}
		image += one;
		size -= one;
	}
	return true;
}

static CUresult units_link(struct srv_linked *linked, void **image)
{
	CUresult err = CUDA_SUCCESS;
	size_t size;
	for (size_t i = 0; i < linked->count && !err; i++) {
		char name[32];
		snprintf(name, sizeof(name), "unit %zu", i + 1);
		err = SRV_DRIVER(cuLinkAddData_v2, linked->link, CU_JIT_INPUT_FATBINARY,
				 (void *)(uintptr_t)linked->units[i], linked->sizes[i], name, 0, NULL, NULL);
	}
	return err ? err : SRV_DRIVER(cuLinkComplete, linked->link, image, &size);
}

CUresult srv_linked_link(struct srv_linked *linked, const void **code)
{
	void *image;
	CUresult err = srv_jit_make(&linked->jit, NULL, 0, true);
	if (!err)
		err = SRV_DRIVER(cuLinkCreate_v2, linked->jit.count, linked->jit.options, linked->jit.values,
				 &linked->link);
	if (!err)
		err = units_link(linked, &image);
	if (!err)
		*code = image;
	return err;
}

void srv_linked_free(struct srv_linked *linked)
{
	if (linked->link)
		(void)SRV_DRIVER(cuLinkDestroy, linked->link);
	srv_jit_free(&linked->jit);
	free(linked->units);
	free(linked->sizes);
}
