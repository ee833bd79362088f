/* Images (fatbins, cubins, PTX) that clients upload in pieces before they load them. */
#ifndef SRV_IMAGE_H
#define SRV_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Images that wait for their load call, and the bytes of all of them. */
#define SRV_IMAGES_MAX 64
#define SRV_IMAGES_BYTES_MAX 2147483647u

struct srv_image {
	uint64_t id, total;
	size_t size, capacity; /* received, allocated */
	char *bytes;           /* NULL: the entry is free */
};

struct srv_images {
	size_t bytes; /* announced by all */
	struct srv_image entries[SRV_IMAGES_MAX];
};

/* Adds the piece at `offset`. False when it does not continue image `id` or there is no room; the image is dropped. */
bool srv_image_append(struct srv_images *images, uint64_t id, uint64_t total, uint64_t offset, const void *data,
		      size_t size);

/* Takes image `id` out: malloc'ed, *size bytes and a few NUL behind them. NULL when it is not complete, or its own
   headers say that it is longer than what came (a driver would read on), or it holds pointers. */
char *srv_image_take(struct srv_images *images, uint64_t id, size_t *size);

/* Length of the fatbin that begins at `bytes`; 0 when there is none or it is longer than `size`. */
size_t srv_image_fatbin_size(const char *bytes, size_t size);

void srv_images_free(struct srv_images *images);

#endif
