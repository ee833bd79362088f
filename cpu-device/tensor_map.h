/* What a CUtensorMap of this device holds: made by the driver, read by bulk copies of tensors. */
#ifndef CPU_TENSOR_MAP_H
#define CPU_TENSOR_MAP_H

#include <cuda.h>
#include <stdint.h>

#define CPU_TENSOR_MAP_MARK UINT32_C(0x7463704d)
#define CPU_TENSOR_RANKS 5

struct cpu_tensor_map {
	uint32_t mark;
	uint8_t rank;
	uint8_t type; /* CUtensorMapDataType */
	uint8_t element_bytes;
	uint8_t swizzle;                    /* log2 of 16-byte units that change places: 0 to 3 */
	uint64_t address;                   /* of the tensor, in device memory */
	uint64_t strides[CPU_TENSOR_RANKS]; /* bytes between neighbours in each dimension */
	uint32_t sizes[CPU_TENSOR_RANKS];   /* elements; UINT32_MAX stands for 2^32 */
	uint16_t box[CPU_TENSOR_RANKS];     /* elements that a copy spans */
	uint8_t steps[CPU_TENSOR_RANKS];    /* of which every steps-th is copied */
	uint8_t fills_nan;                  /* elements outside are NaN, else 0 */
};

_Static_assert(sizeof(struct cpu_tensor_map) <= sizeof(CUtensorMap), "a tensor map holds what is needed");

#endif
