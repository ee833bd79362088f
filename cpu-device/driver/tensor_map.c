/* cuTensorMap*: descriptions of tensors for bulk copies. They are plain data, so no lock and no context is needed. */
#include "tensor_map.h"

#include <stdbool.h>
#include <string.h>

#include "driver.h"

#define MOST_SIZE ((uint64_t)1 << 32)
#define MOST_STRIDE ((uint64_t)1 << 40)
#define MOST_BOX 256
#define MOST_STEP 8
#define UNIT 16u /* bytes that addresses, strides and lines of a box are multiples of */

/* Bytes of an element; 0: not supported. */
static unsigned element_bytes(CUtensorMapDataType type)
{
	static const unsigned char bytes[] = {
	    [CU_TENSOR_MAP_DATA_TYPE_UINT8] = 1,       [CU_TENSOR_MAP_DATA_TYPE_UINT16] = 2,
	    [CU_TENSOR_MAP_DATA_TYPE_UINT32] = 4,      [CU_TENSOR_MAP_DATA_TYPE_INT32] = 4,
	    [CU_TENSOR_MAP_DATA_TYPE_UINT64] = 8,      [CU_TENSOR_MAP_DATA_TYPE_INT64] = 8,
	    [CU_TENSOR_MAP_DATA_TYPE_FLOAT16] = 2,     [CU_TENSOR_MAP_DATA_TYPE_FLOAT32] = 4,
	    [CU_TENSOR_MAP_DATA_TYPE_FLOAT64] = 8,     [CU_TENSOR_MAP_DATA_TYPE_BFLOAT16] = 2,
	    [CU_TENSOR_MAP_DATA_TYPE_FLOAT32_FTZ] = 4, [CU_TENSOR_MAP_DATA_TYPE_TFLOAT32] = 4,
	    [CU_TENSOR_MAP_DATA_TYPE_TFLOAT32_FTZ] = 4};
	return (unsigned)type < sizeof bytes ? bytes[type] : 0;
}

static bool is_float(CUtensorMapDataType type)
{
	return type >= CU_TENSOR_MAP_DATA_TYPE_FLOAT16 && type <= CU_TENSOR_MAP_DATA_TYPE_TFLOAT32_FTZ;
}

static bool sizes_take(struct cpu_tensor_map *map, const cuuint64_t *sizes, const cuuint64_t *strides)
{
	map->strides[0] = map->element_bytes;
	for (unsigned i = 0; i < map->rank; i++) {
		if (!sizes[i] || sizes[i] > MOST_SIZE)
			return false;
		map->sizes[i] = sizes[i] < MOST_SIZE ? (uint32_t)sizes[i] : UINT32_MAX;
		if (i && (strides[i - 1] % UNIT || strides[i - 1] >= MOST_STRIDE))
			return false;
		if (i)
			map->strides[i] = strides[i - 1];
	}
	return true;
}

static bool box_take(struct cpu_tensor_map *map, const cuuint32_t *box, const cuuint32_t *steps)
{
	unsigned swizzled = map->swizzle ? UNIT << map->swizzle : UINT32_MAX;
	for (unsigned i = 0; i < map->rank; i++) {
		if (!box[i] || box[i] > MOST_BOX || !steps[i] || steps[i] > MOST_STEP)
			return false;
		map->box[i] = (uint16_t)box[i];
		map->steps[i] = (uint8_t)steps[i];
	}
	/* Without interleaving the step of the innermost dimension is not looked at. */
	map->steps[0] = 1;
	return box[0] * map->element_bytes % UNIT == 0 && box[0] * map->element_bytes <= swizzled;
}

DRV_API CUresult cuTensorMapEncodeTiled(CUtensorMap *out, CUtensorMapDataType type, cuuint32_t rank, void *address,
					const cuuint64_t *sizes, const cuuint64_t *strides, const cuuint32_t *box,
					const cuuint32_t *steps, CUtensorMapInterleave interleave,
					CUtensorMapSwizzle swizzle, CUtensorMapL2promotion promotion,
					CUtensorMapFloatOOBfill fill)
{
	struct cpu_tensor_map map = {.mark = CPU_TENSOR_MAP_MARK,
				     .rank = (uint8_t)rank,
				     .type = (uint8_t)type,
				     .element_bytes = (uint8_t)element_bytes(type),
				     .swizzle = (uint8_t)swizzle,
				     .address = (uint64_t)(uintptr_t)address,
				     .fills_nan = fill == CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA};
	if (!out || (uintptr_t)out % 64 || !rank || rank > CPU_TENSOR_RANKS || !address || map.address % UNIT ||
	    !sizes || (rank > 1 && !strides) || !box || !steps ||
	    (unsigned)promotion > CU_TENSOR_MAP_L2_PROMOTION_L2_256B)
		return CUDA_ERROR_INVALID_VALUE;
	if (!map.element_bytes || interleave != CU_TENSOR_MAP_INTERLEAVE_NONE ||
	    (unsigned)swizzle > CU_TENSOR_MAP_SWIZZLE_128B)
		return CUDA_ERROR_NOT_SUPPORTED;
	if (!sizes_take(&map, sizes, strides) || !box_take(&map, box, steps) || (map.fills_nan && !is_float(type)))
		return CUDA_ERROR_INVALID_VALUE;
	memset(out, 0, sizeof *out);
	memcpy(out, &map, sizeof map);
	return CUDA_SUCCESS;
}

DRV_API CUresult cuTensorMapReplaceAddress(CUtensorMap *out, void *address)
{
	struct cpu_tensor_map map;
	if (!out || !address || (uintptr_t)address % UNIT)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(&map, out, sizeof map);
	if (map.mark != CPU_TENSOR_MAP_MARK)
		return CUDA_ERROR_INVALID_VALUE;
	map.address = (uint64_t)(uintptr_t)address;
	memcpy(out, &map, sizeof map);
	return CUDA_SUCCESS;
}
