#include "linked.h"

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

void srv_linked_free(struct srv_linked *linked)
{
	free(linked->units);
	free(linked->sizes);
}
