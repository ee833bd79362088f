/* Any bytes as a module image of known size; what was read is written and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fatbin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct fatbin_units *units)
{
	struct fatbin_units again;
	void *image;
	size_t size;
	if (fatbin_write(units, 90, &image, &size) != CUDA_SUCCESS)
		return;
	if (fatbin_read(image, size, 90, &again) != CUDA_SUCCESS || again.count != units->count)
		abort();
	for (size_t i = 0; i < units->count; i++)
		if (strcmp(units->units[i].text, again.units[i].text) != 0)
			abort();
	fatbin_free(&again);
	free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fatbin_units units;
	if (fatbin_read(data, size, 90, &units) != CUDA_SUCCESS)
		return 0;
	round_trip(&units);
	fatbin_free(&units);
	return 0;
}
