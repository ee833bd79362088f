/* Fills: rows of elements that all get one value. */
#ifndef DRV_FILL_H
#define DRV_FILL_H

#include <cuda.h>
#include <stdbool.h>
#include <stddef.h>

struct drv_fill {
	unsigned char *to;
	size_t pitch; /* bytes between rows */
	size_t width; /* elements in a row */
	size_t height;
	unsigned value;
	unsigned element; /* bytes: 1, 2, 4 */
};

/* Does the fill, which is not empty, lie in memory that is allocated? */
bool drv_fill_valid(const struct drv_fill *fill);

/* Fills, without the driver's lock. CUDA_ERROR_ILLEGAL_ADDRESS when the memory has been freed since it was checked. */
CUresult drv_fill_perform(const struct drv_fill *fill);

#endif
