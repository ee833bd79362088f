/* Programs that nvcc linked from several translation units (-rdc=true): an image of several fatbins, that of the linked
 * machine code first. */
#ifndef SRV_LINKED_H
#define SRV_LINKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jit.h"

struct srv_linked {
	/* What nvcc puts into such a program and its runtime hands to the driver (fatbinary_section.h, version 2). */
	struct {
		uint32_t magic;
		int32_t version;
		const void *linked;
		const void *const *units;
	} wrapper;
	const void **units; /* in the image, ended by NULL */
	size_t *sizes;
	size_t count;
	CUlinkState link;   /* owns what was linked; NULL: nothing was */
	struct srv_jit jit; /* the linker's */
};

/* Finds the units of an image that srv_image_take() gave out and that lives longer; count 0 when it is not of several
 * fatbins. False: out of memory. srv_linked_free() in any case. */
bool srv_linked_make(struct srv_linked *linked, const char *image, size_t size);

/* Links the units with the driver's linker and gives what it made in `code`, which lives until srv_linked_free(). What
 * the linker says is in `jit`. When it fails, `code` stays as it is. */
CUresult srv_linked_link(struct srv_linked *linked, const void **code);

void srv_linked_free(struct srv_linked *linked);

#endif
