/* Boxes of the program's memory: rows and slices at a distance, which travel packed. */
#ifndef CU_HOST_BOX_H
#define CU_HOST_BOX_H

#include <stdbool.h>
#include <stddef.h>

#include "rpc_cuda.h"

/* Bytes of the packed box. */
size_t cu_box_size(const host_box *box);

/* Where the packed byte `offset` (less than the size) is; *contiguous: bytes of the packed box that follow it there. */
char *cu_box_at(const host_box *box, size_t offset, size_t *contiguous);

/* Copies the packed bytes [offset, offset + size) out of, or into, the box. */
void cu_box_pack(const host_box *box, size_t offset, char *to, size_t size);
void cu_box_unpack(const host_box *box, size_t offset, const char *from, size_t size);

#endif
