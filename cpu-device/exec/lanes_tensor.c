/* Bulk copies of tensors, as a CUtensorMap describes them. Like all asynchronous operations they are done at once. */
#include "../tensor_map.h"
#include "lanes_async.h"
#include "lanes_combine.h"

/* One copy of a lane. */
struct tensor_copy {
	const struct cpu_tensor_map *map;
	s64 at[CPU_TENSOR_RANKS];     /* first element of the box in the tensor */
	u32 counts[CPU_TENSOR_RANKS]; /* elements that are copied, in each dimension */
	u64 shared;                   /* generic address of the copy in shared memory */
	s64 code;                     /* of a reduction; less than 0: none */
	bool load;                    /* into shared memory */
};

static const struct cpu_tensor_map *map_at(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane,
					   u64 address)
{
	const struct cpu_tensor_map *map = cpu_range_generic(warp, insn, lane, address, sizeof(CUtensorMap), 64);

	if (!map)
		return NULL;
	if (map->mark == CPU_TENSOR_MAP_MARK && map->rank == (insn->imm & CPU_TENSOR_RANK))
		return map;
	cpu_fault(warp, insn, (int)lane, CUDA_ERROR_ILLEGAL_INSTRUCTION, "no tensor map of %u dimensions at 0x%llx",
		  (unsigned)(insn->imm & CPU_TENSOR_RANK), (unsigned long long)address);
	return NULL;
}

/* Where byte `offset` of the copy lies: units of 16 bytes change places by the bits of the address above them. */
static u64 swizzled(const struct tensor_copy *copy, u64 offset)
{
	u64 address = copy->shared + offset;
	u64 bits = ((u64)1 << copy->map->swizzle) - 1;

	return address ^ (address >> 7 & bits) << 4;
}

/* What elements outside of the tensor are read as. */
static void outside_fill(const struct cpu_tensor_map *map, u8 *to)
{
	static const u64 nans[] = {[2] = 0x7fff, [4] = 0x7fffffff, [8] = INT64_MAX};
	u64 value = map->fills_nan ? nans[map->element_bytes] : 0;

	if (map->fills_nan && map->type == CU_TENSOR_MAP_DATA_TYPE_BFLOAT16)
		value = 0x7fff;
	memcpy(to, &value, map->element_bytes);
}

/* One element between the tensor (NULL: outside of it) and shared memory. */
static bool element_copy(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane,
			 const struct tensor_copy *copy, u8 *global, u64 offset)
{
	const u32 bytes = copy->map->element_bytes;
	u8 *shared = cpu_range_block(warp, insn, lane, swizzled(copy, offset), bytes, bytes);

	if (!shared)
		return false;
	if (copy->load && global)
		memcpy(shared, global, bytes);
	else if (copy->load)
		outside_fill(copy->map, shared);
	else if (global && copy->code >= 0)
		values_combine(copy->code, global, shared, bytes);
	else if (global)
		memcpy(global, shared, bytes);
	return true;
}

/* A line of the box: elements along the innermost dimension. `inside` says whether the other coordinates are. */
static bool line_copy(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, const struct tensor_copy *copy,
		      u64 global, bool inside, u64 offset)
{
	const struct cpu_tensor_map *map = copy->map;
	const s64 first = copy->at[0] < 0 ? -copy->at[0] : 0, room = (s64)map->sizes[0] - copy->at[0];
	const s64 end = room < copy->counts[0] ? room : copy->counts[0];
	u8 *line = NULL;

	if (inside && first < end) {
		u64 start = global + (u64)(copy->at[0] + first) * map->element_bytes;
		u32 bytes = (u32)(end - first) * map->element_bytes;

		line = copy->load ? cpu_range_generic(warp, insn, lane, start, bytes, map->element_bytes)
				  : cpu_range_generic_write(warp, insn, lane, start, bytes, map->element_bytes);
		if (!line)
			return false;
	}
	for (s64 i = 0; i < copy->counts[0]; i++) {
		bool is_there = line && i >= first && i < end;

		if (!element_copy(warp, insn, lane, copy, is_there ? line + (i - first) * map->element_bytes : NULL,
				  offset + (u64)i * map->element_bytes))
			return false;
	}
	return true;
}

/* All lines, counted through the outer dimensions. */
static bool box_copy(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, const struct tensor_copy *copy)
{
	const struct cpu_tensor_map *map = copy->map;
	u32 counter[CPU_TENSOR_RANKS] = {0};
	u64 offset = 0;
	unsigned i;

	do {
		u64 global = map->address;
		bool inside = true;

		for (i = 1; i < map->rank; i++) {
			s64 at = copy->at[i] + (s64)counter[i] * map->steps[i];

			inside &= at >= 0 && at < map->sizes[i];
			global += (u64)at * map->strides[i];
		}
		if (!line_copy(warp, insn, lane, copy, global, inside, offset))
			return false;
		offset += (u64)copy->counts[0] * map->element_bytes;
		for (i = 1; i < map->rank && ++counter[i] == copy->counts[i]; i++)
			counter[i] = 0;
	} while (i < map->rank);
	return true;
}

/* The code of the reduction insn->imm names, for the tensor's type; less than 0: there is none. */
static s64 reduction_code(const struct cpu_insn *insn, const struct cpu_tensor_map *map)
{
	static const s64 types[] = {[CU_TENSOR_MAP_DATA_TYPE_UINT32] = CPU_REDUCTION_U32,
				    [CU_TENSOR_MAP_DATA_TYPE_INT32] = CPU_REDUCTION_S32,
				    [CU_TENSOR_MAP_DATA_TYPE_UINT64] = CPU_REDUCTION_U64,
				    [CU_TENSOR_MAP_DATA_TYPE_INT64] = CPU_REDUCTION_S64,
				    [CU_TENSOR_MAP_DATA_TYPE_FLOAT16] = CPU_REDUCTION_F16,
				    [CU_TENSOR_MAP_DATA_TYPE_FLOAT32] = CPU_REDUCTION_F32,
				    [CU_TENSOR_MAP_DATA_TYPE_FLOAT64] = CPU_REDUCTION_F64,
				    [CU_TENSOR_MAP_DATA_TYPE_BFLOAT16] = CPU_REDUCTION_BF16,
				    [CU_TENSOR_MAP_DATA_TYPE_FLOAT32_FTZ] = CPU_REDUCTION_F32,
				    [CU_TENSOR_MAP_DATA_TYPE_TFLOAT32] = CPU_REDUCTION_F32,
				    [CU_TENSOR_MAP_DATA_TYPE_TFLOAT32_FTZ] = CPU_REDUCTION_F32};
	s64 operation = insn->imm >> CPU_TENSOR_OPERATION_SHIFT & 7;
	bool halves = map->element_bytes == 2, floats = map->type >= CU_TENSOR_MAP_DATA_TYPE_FLOAT16;

	if (map->element_bytes == 1 || map->type == CU_TENSOR_MAP_DATA_TYPE_UINT16)
		return -1;
	if (floats && operation > (halves ? CPU_REDUCTION_MAX : CPU_REDUCTION_ADD))
		return -1;
	return CPU_REDUCTION_CODE(operation, types[map->type]);
}

/* Fills in what the lane copies; false after a fault. */
static bool copy_make(struct cpu_warp *warp, const struct cpu_insn *insn, const uint8_t *frame, unsigned lane,
		      struct tensor_copy *copy)
{
	const uint32_t *list = insn->more;

	copy->map = map_at(warp, insn, lane, ((const u64 *)(frame + insn->op[0]))[lane]);
	if (!copy->map)
		return false;
	copy->shared = ((const u64 *)(frame + insn->op[1]))[lane];
	copy->load = insn->imm & CPU_TENSOR_LOAD;
	copy->code = insn->imm & CPU_TENSOR_REDUCE ? reduction_code(insn, copy->map) : -1;
	for (unsigned i = 0; i < copy->map->rank; i++) {
		copy->at[i] = ((const s32 *)(frame + list[i]))[lane];
		copy->counts[i] = (copy->map->box[i] + copy->map->steps[i] - 1u) / copy->map->steps[i];
	}
	if ((insn->imm & CPU_TENSOR_REDUCE) && copy->code < 0) {
		cpu_fault(warp, insn, (int)lane, CUDA_ERROR_ILLEGAL_INSTRUCTION,
			  "no such reduction for tensors of type %u", copy->map->type);
		return false;
	}
	return true;
}

static u64 copy_bytes(const struct tensor_copy *copy)
{
	u64 bytes = copy->map->element_bytes;

	for (unsigned i = 0; i < copy->map->rank; i++)
		bytes *= copy->counts[i];
	return bytes;
}

/* Copies for one block, and tells its mbarrier. */
static bool block_copy(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane,
		       const struct tensor_copy *copy, u64 object)
{
	if (!cpu_range_block(warp, insn, lane, copy->shared, (u32)copy_bytes(copy), 128))
		return false;
	if (!box_copy(warp, insn, lane, copy))
		return false;
	return !copy->load || mbarrier_complete(warp, insn, lane, object, copy_bytes(copy));
}

/* Each block of the cluster that the mask names gets a copy of its own. */
static bool blocks_copy(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, struct tensor_copy *copy,
			u64 object, u32 blocks)
{
	const u64 shared = copy->shared;

	EACH_LANE(rank, blocks)
	{
		copy->shared = cpu_cluster_address(warp, shared, rank);
		if (!block_copy(warp, insn, lane, copy, cpu_cluster_address(warp, object, rank)))
			return false;
	}
	return true;
}

LANE_FN(bulk_tensor)
{
	const u64 *object = REGISTER(u64, 2);
	const u32 *blocks = REGISTER(u32, 3);

	EACH_LANE(i, mask & warp->active)
	{
		struct tensor_copy copy;
		bool done;

		if (!copy_make(warp, insn, frame, i, &copy))
			return warp->limit;
		done = insn->imm & CPU_TENSOR_EVERY_BLOCK
			   ? blocks_copy(warp, insn, i, &copy, object[i], blocks[i] & 0xffff)
			   : block_copy(warp, insn, i, &copy, object[i]);
		if (!done)
			return warp->limit;
	}
	return insn + 1;
}
