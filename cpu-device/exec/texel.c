#include "texel.h"

#include <string.h>

/* A reference variable holds the number of what is bound to it. */
static uint64_t reference_follow(const struct cpu_warp *warp, uint64_t handle)
{
	struct cpu_span span;
	uint64_t bound;

	if (handle >> 56 || handle % sizeof(bound) || !cpu_memory_find(warp->block->job->memory, handle, &span) ||
	    span.size - (handle - span.base) < sizeof(bound))
		return handle;
	memcpy(&bound, (const void *)(uintptr_t)handle, sizeof(bound));
	return bound;
}

const struct cpu_texture *cpu_texture_resolve(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane,
					      uint64_t handle, bool surface)
{
	const struct cpu_texture *texture = cpu_texture_find(handle);

	if (!texture)
		texture = cpu_texture_find(reference_follow(warp, handle));
	if (texture && texture->is_surface == surface)
		return texture;
	cpu_fault(warp, insn, (int)lane, CUDA_ERROR_ILLEGAL_ADDRESS, "0x%llx is not a %s object",
		  (unsigned long long)handle, surface ? "surface" : "texture");
	return NULL;
}

static struct cpu_sampler sampler_decode(uint64_t bits)
{
	struct cpu_sampler sampler = {
	    .filter = bits & CPU_SAMPLER_LINEAR ? CU_TR_FILTER_MODE_LINEAR : CU_TR_FILTER_MODE_POINT,
	    .normalized_coordinates = !(bits & CPU_SAMPLER_UNNORMALIZED),
	    .normalized_values = true,
	    .highest_level = CPU_LEVELS,
	};

	for (unsigned i = 0; i < 3; i++)
		sampler.mode[i] = (CUaddress_mode)(bits >> 2 * i & 3);
	return sampler;
}

bool cpu_sampler_resolve(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t handle,
			 struct cpu_sampler *sampler)
{
	const struct cpu_texture *texture = cpu_texture_find(handle);
	uint64_t bound = texture ? handle : reference_follow(warp, handle);

	texture = cpu_texture_find(bound);
	if (texture && !texture->is_surface) {
		*sampler = texture->sampler;
		return true;
	}
	if (bound >> 56 == CPU_SAMPLER_TAG >> 56) {
		*sampler = sampler_decode(bound);
		return true;
	}
	cpu_fault(warp, insn, (int)lane, CUDA_ERROR_ILLEGAL_ADDRESS, "0x%llx is not a sampler",
		  (unsigned long long)handle);
	return false;
}

bool cpu_texels_check(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, const struct cpu_image *image)
{
	struct cpu_span *span = &warp->spans[insn->aux];

	if (span->base == image->base && span->size == image->bytes)
		return true;
	if (cpu_memory_contains(warp->block->job->memory, image->base, image->bytes)) {
		*span = (struct cpu_span){.base = image->base, .size = image->bytes};
		return true;
	}
	cpu_fault(warp, insn, (int)lane, CUDA_ERROR_ILLEGAL_ADDRESS, "the texels at 0x%llx have been freed",
		  (unsigned long long)image->base);
	return false;
}

uint32_t cpu_texture_query(const struct cpu_texture *texture, enum cpu_texture_query query, uint32_t number)
{
	const struct cpu_image *image = &texture->image;
	const struct cpu_sampler *sampler = &texture->sampler;
	const struct cpu_level *level = &image->levels[number < image->level_count ? number : image->level_count - 1];

	switch (query) {
	case CPU_QUERY_WIDTH:
		return level->width;
	case CPU_QUERY_HEIGHT:
		return image->shape == CPU_SHAPE_1D ? 0 : level->height;
	case CPU_QUERY_DEPTH:
		return image->shape == CPU_SHAPE_3D ? level->depth : 0;
	case CPU_QUERY_CHANNEL_DATA_TYPE:
		return (uint32_t)image->format;
	case CPU_QUERY_CHANNEL_ORDER:
		return image->channels;
	case CPU_QUERY_NORMALIZED_COORDS:
		return sampler->normalized_coordinates;
	case CPU_QUERY_FORCE_UNNORMALIZED_COORDS:
		return !sampler->normalized_coordinates;
	case CPU_QUERY_FILTER_MODE:
		return (uint32_t)sampler->filter;
	case CPU_QUERY_ADDR_MODE_0:
	case CPU_QUERY_ADDR_MODE_1:
	case CPU_QUERY_ADDR_MODE_2:
		return (uint32_t)sampler->mode[query - CPU_QUERY_ADDR_MODE_0];
	case CPU_QUERY_ARRAY_SIZE:
		return image->layered ? image->layers / (image->shape == CPU_SHAPE_CUBE ? 6 : 1) : 0;
	case CPU_QUERY_MIPMAP_LEVELS:
		return image->level_count;
	case CPU_QUERY_SAMPLES:
		return 1;
	case CPU_QUERY_MEMORY_LAYOUT: /* row by row */
		break;
	}
	return 0;
}

bool cpu_is_reference(const struct cpu_warp *warp, uint64_t handle, enum cpu_reference kind)
{
	uint64_t bound = cpu_texture_find(handle) ? handle : reference_follow(warp, handle);
	const struct cpu_texture *texture = cpu_texture_find(bound);

	if (kind == CPU_SAMPLER_REFERENCE)
		return bound >> 56 == CPU_SAMPLER_TAG >> 56;
	return texture && texture->is_surface == (kind == CPU_SURFACE_REFERENCE);
}
