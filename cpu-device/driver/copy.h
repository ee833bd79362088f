/* Copies: rows of bytes between two places, each in device or host memory. */
#ifndef DRV_COPY_H
#define DRV_COPY_H

#include <cuda.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where one side of a copy lies. DRV_SIDE_ANY finds out by address. */
enum drv_side { DRV_SIDE_HOST, DRV_SIDE_DEVICE, DRV_SIDE_ANY };

/* One side: the address of the first byte, and the distances between rows and between slices. */
struct drv_place {
	uint64_t address;
	size_t pitch;
	size_t slice;
	enum drv_side side;
};

struct drv_copy {
	struct drv_place to;
	struct drv_place from;
	size_t width; /* bytes in a row */
	size_t height;
	size_t depth;
};

/* One side of a box as CUDA_MEMCPY2D and CUDA_MEMCPY3D describe it. */
struct drv_side_box {
	CUmemorytype type;
	const void *host;
	CUdeviceptr device;
	CUarray array;
	size_t x, y, z; /* bytes, rows, slices */
	size_t pitch;   /* of linear memory; 0 will do for a single row */
	size_t height;  /* of linear memory; 0 will do for a single slice */
};

/* Is every byte of the place in one live allocation (or mapped without a gap), and to be written or read? */
bool drv_place_valid(const struct drv_place *place, size_t width, size_t height, size_t depth, bool write);

/* Checks the copy, with the driver's lock, and finds out where its sides lie. CUDA_ERROR_INVALID_VALUE for device
   memory that is not allocated. A copy without a byte in it is fine. */
CUresult drv_copy_check(struct drv_copy *copy);

/* Copies, without the lock. CUDA_ERROR_ILLEGAL_ADDRESS when memory has been freed since the check. */
CUresult drv_copy_perform(const struct drv_copy *copy);

/* The copy that the structure describes, unchecked; CUDA_ERROR_INVALID_VALUE when it makes no sense. Takes the lock. */
CUresult drv_copy_3d_describe(const CUDA_MEMCPY3D *parameters, struct drv_copy *copy);

/* Checks the copy and puts it into the stream. A synchronous call waits for its end unless both sides are device
   memory; an asynchronous one waits only where CUDA documents it: when pageable host memory must not be used after the
   call. Errors: those of drv_enter_stream(), CUDA_ERROR_INVALID_VALUE for device memory that is not allocated. */
CUresult drv_copy_run(const struct drv_copy *copy, CUstream stream, bool asynchronous);

/* The same for a box of width × height × depth. */
CUresult drv_copy_box(const struct drv_side_box *to, const struct drv_side_box *from, size_t width, size_t height,
		      size_t depth, CUstream stream, bool asynchronous);

#endif
