/* Texture and surface instructions: their operands, and the objects they name. */
#ifndef CPU_TEXEL_H
#define CPU_TEXEL_H

#include "../texels.h"
#include "machine.h"

enum cpu_fetch_kind { CPU_FETCH, CPU_FETCH_LEVEL, CPU_FETCH_GRADIENTS, CPU_FETCH_GATHER };
enum cpu_fetch_result { CPU_FETCH_32, CPU_FETCH_F16, CPU_FETCH_F16X2 };

/* tex and tld4; insn->more. The registers of each group follow each other in `list`. */
struct cpu_fetch {
	enum cpu_fetch_kind kind;
	enum cpu_fetch_result result;
	enum cpu_shape shape;
	bool layered, is_integer, has_sampler;
	unsigned channel;    /* of a gather */
	unsigned results;    /* registers */
	unsigned dimensions; /* coordinates, offsets and each of the two gradients have as many */
	bool has_offsets;
	uint32_t *list; /* results, texture, sampler, layer, coordinates, level or gradients, offsets */
};

enum cpu_surface_kind { CPU_SURFACE_LOAD, CPU_SURFACE_STORE, CPU_SURFACE_STORE_FORMATTED, CPU_SURFACE_REDUCE };
enum cpu_surface_bounds { CPU_BOUNDS_TRAP, CPU_BOUNDS_CLAMP, CPU_BOUNDS_ZERO };
enum cpu_surface_reduction { CPU_SURFACE_ADD, CPU_SURFACE_MIN, CPU_SURFACE_MAX, CPU_SURFACE_AND, CPU_SURFACE_OR };

/* suld, sust, sured; insn->more. */
struct cpu_surface_access {
	enum cpu_surface_kind kind;
	enum cpu_surface_bounds bounds;
	enum cpu_surface_reduction reduction;
	bool layered, in_texels, is_signed;
	unsigned dimensions;
	unsigned values; /* registers */
	unsigned bytes;  /* of each */
	uint32_t *list;  /* values, surface, layer, coordinates */
};

/* What txq and suq ask for: insn->imm. */
enum cpu_texture_query {
	CPU_QUERY_WIDTH,
	CPU_QUERY_HEIGHT,
	CPU_QUERY_DEPTH,
	CPU_QUERY_CHANNEL_DATA_TYPE,
	CPU_QUERY_CHANNEL_ORDER,
	CPU_QUERY_NORMALIZED_COORDS,
	CPU_QUERY_FORCE_UNNORMALIZED_COORDS,
	CPU_QUERY_FILTER_MODE,
	CPU_QUERY_ADDR_MODE_0,
	CPU_QUERY_ADDR_MODE_1,
	CPU_QUERY_ADDR_MODE_2,
	CPU_QUERY_ARRAY_SIZE,
	CPU_QUERY_MIPMAP_LEVELS,
	CPU_QUERY_SAMPLES,
	CPU_QUERY_MEMORY_LAYOUT,
};

/* Samplers that PTX text declares have no number of the driver's: theirs is made of their settings. */
#define CPU_SAMPLER_TAG ((uint64_t)0x7d << 56)
#define CPU_SAMPLER_MODE(dimension, mode) ((uint64_t)(mode) << 2 * (dimension))
#define CPU_SAMPLER_LINEAR ((uint64_t)1 << 8)
#define CPU_SAMPLER_UNNORMALIZED ((uint64_t)1 << 9)

/* The object that a kernel's number stands for; NULL after a fault. The number is that of a texture or surface object,
   or the address of a .texref or .surfref variable that holds one. */
const struct cpu_texture *cpu_texture_resolve(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane,
					      uint64_t handle, bool surface);

/* The sampler of a number: of a texture object, or of a .samplerref. False after a fault. */
bool cpu_sampler_resolve(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t handle,
			 struct cpu_sampler *sampler);

/* Are the texels still in memory? False after a fault. */
bool cpu_texels_check(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, const struct cpu_image *image);

uint32_t cpu_texture_query(const struct cpu_texture *texture, enum cpu_texture_query query, uint32_t level);

/* Kinds of istypep: insn->imm. */
enum cpu_reference { CPU_TEXTURE_REFERENCE, CPU_SAMPLER_REFERENCE, CPU_SURFACE_REFERENCE };
bool cpu_is_reference(const struct cpu_warp *warp, uint64_t handle, enum cpu_reference kind);

#endif
