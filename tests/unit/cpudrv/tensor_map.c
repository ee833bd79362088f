/* Descriptions of tensors for bulk copies. */
#include "fixture.h"

#include <string.h>

#include "tensor_map.h"

static CUtensorMap map;

struct tensor {
	CUtensorMapDataType type;
	cuuint32_t rank;
	cuuint64_t address;
	cuuint64_t sizes[5], strides[4];
	cuuint32_t box[5], steps[5];
	CUtensorMapInterleave interleave;
	CUtensorMapSwizzle swizzle;
	CUtensorMapFloatOOBfill fill;
};

static const struct tensor good = {.type = CU_TENSOR_MAP_DATA_TYPE_FLOAT16,
				   .rank = 3,
				   .address = 0x10000,
				   .sizes = {100, 50, 7},
				   .strides = {208, 208 * 50},
				   .box = {64, 32, 2},
				   .steps = {1, 1, 2},
				   .swizzle = CU_TENSOR_MAP_SWIZZLE_128B};

static CUresult encode(const struct tensor *t)
{
	return cuTensorMapEncodeTiled(&map, t->type, t->rank, (void *)(uintptr_t)t->address, t->sizes, t->strides,
				      t->box, t->steps, t->interleave, t->swizzle, CU_TENSOR_MAP_L2_PROMOTION_NONE,
				      t->fill);
}

START_TEST(encoding)
{
	struct cpu_tensor_map is;
	OK(encode(&good));
	memcpy(&is, &map, sizeof is);
	ck_assert_uint_eq(is.rank, 3);
	ck_assert_uint_eq(is.element_bytes, 2);
	ck_assert_uint_eq(is.address, 0x10000);
	ck_assert_uint_eq(is.strides[0], 2);
	ck_assert_uint_eq(is.strides[2], 208 * 50);
	ck_assert_uint_eq(is.sizes[1], 50);
	ck_assert_uint_eq(is.box[0], 64);
	ck_assert_uint_eq(is.steps[2], 2);
	ck_assert_uint_eq(is.swizzle, 3);
	OK(cuTensorMapReplaceAddress(&map, (void *)0x20000));
	memcpy(&is, &map, sizeof is);
	ck_assert_uint_eq(is.address, 0x20000);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTensorMapReplaceAddress(&map, (void *)0x20001));
	memset(&map, 0, sizeof map);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTensorMapReplaceAddress(&map, (void *)0x20000));
}
END_TEST

#define REFUSED(error, change)                                                                                         \
	do {                                                                                                           \
		struct tensor t = good;                                                                                \
		change;                                                                                                \
		FAILS(error, encode(&t));                                                                              \
	} while (0)

START_TEST(refusals)
{
	REFUSED(CUDA_ERROR_INVALID_VALUE, t.rank = 0);
	REFUSED(CUDA_ERROR_INVALID_VALUE, t.rank = 6);
	REFUSED(CUDA_ERROR_INVALID_VALUE, t.address = 0);
	REFUSED(CUDA_ERROR_INVALID_VALUE, t.address = 0x10008);
	REFUSED(CUDA_ERROR_INVALID_VALUE, t.sizes[1] = 0);
	REFUSED(CUDA_ERROR_INVALID_VALUE, t.strides[0] = 200);
	REFUSED(CUDA_ERROR_INVALID_VALUE, t.box[1] = 257);
	REFUSED(CUDA_ERROR_INVALID_VALUE, t.box[0] = 65);
	REFUSED(CUDA_ERROR_INVALID_VALUE, t.box[0] = 72);
	REFUSED(CUDA_ERROR_INVALID_VALUE, t.steps[1] = 9);
	REFUSED(CUDA_ERROR_INVALID_VALUE, t.type = CU_TENSOR_MAP_DATA_TYPE_UINT16;
		t.fill = CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA);
	REFUSED(CUDA_ERROR_NOT_SUPPORTED, t.interleave = CU_TENSOR_MAP_INTERLEAVE_16B);
	REFUSED(CUDA_ERROR_NOT_SUPPORTED, t.swizzle = CU_TENSOR_MAP_SWIZZLE_128B_ATOM_32B);
	REFUSED(CUDA_ERROR_NOT_SUPPORTED, t.type = CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN8B);
}
END_TEST

static void setup_nothing(void)
{
}

int main(void)
{
	const TTest *const tests[] = {encoding, refusals};

	return RUN_TESTS("tensor maps", setup_nothing, tests);
}
