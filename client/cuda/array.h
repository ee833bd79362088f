/* Arrays and mipmapped arrays as the client knows them. */
#ifndef CU_ARRAY_H
#define CU_ARRAY_H

#include "handles.h"

#define CU_MIPMAP_LEVELS 32

/* Both kinds; the levels are a mipmapped array's. */
struct cu_array {
	uint64_t context;
	CUDA_ARRAY3D_DESCRIPTOR descriptor;
	unsigned level_count;
	uint64_t levels[CU_MIPMAP_LEVELS]; /* ids of arrays, 0 until asked for */
};

/* Copies the description of a live array; CUDA_ERROR_INVALID_HANDLE when it is none. */
CUresult cu_array_describe(CUarray handle, CUDA_ARRAY3D_DESCRIPTOR *descriptor);

/* Bytes of an element; 0 for formats that are not made of channels. */
size_t cu_array_element(const CUDA_ARRAY3D_DESCRIPTOR *descriptor);

#endif
