/* Reads what programs hand to a CUDA driver as "module image" and takes the PTX text out of it. */
#ifndef FATBIN_H
#define FATBIN_H

#include <cuda.h>
#include <stddef.h>

/* One unit of PTX text; `text` is on the heap and terminated. */
struct fatbin_unit {
	char *text;
	size_t length; /* without the terminator */
	char *name;    /* for messages, on the heap; NULL: none */
};

/* The PTX of an image: one unit, or one per translation unit of a program made with nvcc -rdc=true. */
struct fatbin_units {
	struct fatbin_unit *units;
	size_t count;
};

/* Size to give for an image in memory, of which only the headers tell where it ends. */
#define FATBIN_SIZE_UNKNOWN ((size_t)-1)

/* The most PTX that one entry may hold; larger ones are refused before anything is allocated for them. */
#define FATBIN_TEXT_LIMIT ((size_t)256 << 20)

/* Takes the PTX out of `image`: a fatbin wrapper (version 1 or 2), a fatbin, or PTX text ended by a NUL or by `size`.
   Of each fatbin it takes the entry with the highest PTX architecture that is not above `capability` (10 * major +
   minor); entries for one architecture or family only count when they name exactly that capability. Of the units
   of a version 2 wrapper, those without usable PTX are passed over: nvcc links its device runtime, which is machine
   code, into programs. A wrapper is only accepted with FATBIN_SIZE_UNKNOWN, because it holds pointers. On success the
   caller ends with fatbin_free(). Errors: CUDA_ERROR_NO_BINARY_FOR_GPU when there is machine code but no usable PTX,
   CUDA_ERROR_INVALID_IMAGE when the image is damaged or none of the above, CUDA_ERROR_OUT_OF_MEMORY. */
CUresult fatbin_read(const void *image, size_t size, unsigned capability, struct fatbin_units *units);
void fatbin_free(struct fatbin_units *units);

/* Makes a fatbin on the heap from which fatbin_read() gives all the units back. Its entries have a kind of their own:
   all of them count, for the device that they were linked for (`capability`) and any better one.
   CUDA_ERROR_OUT_OF_MEMORY. */
CUresult fatbin_write(const struct fatbin_units *units, unsigned capability, void **image, size_t *size);

#endif
