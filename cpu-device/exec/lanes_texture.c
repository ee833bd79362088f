/* tex, tld4, and questions about textures and surfaces. Each lane fetches by itself. */
#include "lanes.h"
#include "sample.h"
#include "texel.h"

/* Farther offsets leave every texture. */
#define FARTHEST_OFFSET 131072

/* What the lanes of an instruction mostly share. */
struct object {
	u64 handle, sampler_handle; /* of the last lane */
	const struct cpu_texture *texture;
	struct cpu_sampler sampler;
};

/* The register of the n-th operand. */
static inline const u32 *words(const u8 *frame, const struct cpu_fetch *fetch, unsigned n)
{
	return (const u32 *)(frame + fetch->list[n]);
}

static inline u64 wide(const u8 *frame, const struct cpu_fetch *fetch, unsigned n, unsigned lane)
{
	return ((const u64 *)(frame + fetch->list[n]))[lane];
}

static s32 offset_clamp(s32 offset)
{
	return offset < -FARTHEST_OFFSET ? -FARTHEST_OFFSET : offset > FARTHEST_OFFSET ? FARTHEST_OFFSET : offset;
}

static bool shape_fits(const struct cpu_fetch *fetch, const struct cpu_image *image)
{
	return fetch->shape == image->shape && fetch->layered == image->layered;
}

/* Finds the lane's texture and sampler; false after a fault. */
static bool object_find(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, u64 handle,
			u64 sampler_handle, struct object *object)
{
	const struct cpu_fetch *fetch = insn->more;

	if (object->texture && object->handle == handle && object->sampler_handle == sampler_handle)
		return true;
	object->texture = cpu_texture_resolve(warp, insn, lane, handle, false);
	if (!object->texture || !cpu_texels_check(warp, insn, lane, &object->texture->image))
		return false;
	if (!shape_fits(fetch, &object->texture->image)) {
		cpu_fault(warp, insn, (int)lane, CUDA_ERROR_ILLEGAL_ADDRESS, "texture 0x%llx is of another shape",
			  (unsigned long long)handle);
		return false;
	}
	object->handle = handle;
	object->sampler_handle = sampler_handle;
	object->sampler = object->texture->sampler;
	return !fetch->has_sampler || cpu_sampler_resolve(warp, insn, lane, sampler_handle, &object->sampler);
}

/* Takes the lane's operands from operand `at` on, behind texture and sampler. */
static struct cpu_sample sample_take(const u8 *frame, const struct cpu_fetch *fetch, unsigned at, unsigned lane,
				     const struct object *object)
{
	struct cpu_sample sample = {.is_integer = fetch->is_integer};
	f32 gradients[2][3] = {{0}};

	if (fetch->layered)
		sample.layer = words(frame, fetch, at++)[lane];
	for (unsigned i = 0; i < fetch->dimensions; i++, at++) {
		sample.integers[i] = (s32)words(frame, fetch, at)[lane];
		sample.at[i] = f32_from((u32)sample.integers[i]);
	}
	if (fetch->kind == CPU_FETCH_LEVEL) {
		u32 level = words(frame, fetch, at++)[lane];

		sample.level = fetch->is_integer ? (f32)(s32)level : f32_from(level);
	}
	if (fetch->kind == CPU_FETCH_GRADIENTS) {
		for (unsigned i = 0; i < 2 * fetch->dimensions; i++, at++)
			gradients[i / fetch->dimensions][i % fetch->dimensions] =
			    f32_from(words(frame, fetch, at)[lane]);
		sample.level = cpu_texture_level(&object->texture->image, &object->sampler, gradients[0], gradients[1]);
	}
	for (unsigned i = 0; fetch->has_offsets && i < fetch->dimensions; i++, at++)
		sample.offsets[i] = offset_clamp((s32)words(frame, fetch, at)[lane]);
	return sample;
}

static u32 half_of(const struct object *object, u32 bits)
{
	if (!cpu_texture_gives_floats(&object->texture->image, &object->sampler))
		return (u16)bits;
	return cpu_half_from_float(f32_from(bits));
}

static void result_give(u8 *frame, const struct cpu_fetch *fetch, unsigned lane, const struct object *object,
			const struct cpu_texel *texel)
{
	for (unsigned i = 0; i < fetch->results; i++) {
		u32 *d = (u32 *)(frame + fetch->list[i]);

		if (fetch->result == CPU_FETCH_32)
			d[lane] = texel->bits[i];
		else if (fetch->result == CPU_FETCH_F16)
			d[lane] = half_of(object, texel->bits[i]);
		else
			d[lane] = half_of(object, texel->bits[2 * i]) | half_of(object, texel->bits[2 * i + 1]) << 16;
	}
}

LANE_FN(tex)
{
	const struct cpu_fetch *fetch = insn->more;
	struct object object = {.texture = NULL};
	const u32 lanes = mask & warp->live;
	const unsigned at = fetch->results + 1 + fetch->has_sampler;

	EACH_LANE(i, lanes)
	{
		u64 handle = wide(frame, fetch, fetch->results, i);
		u64 sampler = fetch->has_sampler ? wide(frame, fetch, fetch->results + 1, i) : 0;
		struct cpu_sample sample;
		struct cpu_texel texel;

		if (!object_find(warp, insn, i, handle, sampler, &object))
			return warp->limit;
		sample = sample_take(frame, fetch, at, i, &object);
		if (fetch->kind == CPU_FETCH_GATHER)
			texel = cpu_texture_gather(&object.texture->image, &object.sampler, &sample, fetch->channel);
		else
			texel = cpu_texture_sample(&object.texture->image, &object.sampler, &sample);
		result_give(frame, fetch, i, &object, &texel);
	}
	return insn + 1;
}

/* insn->imm: what is asked for; insn->aux: of a surface. */
LANE_FN(texture_query)
{
	const u64 *handles = REGISTER(u64, 1);
	const u32 *levels = REGISTER(u32, 2);
	u32 *d = REGISTER(u32, 0);
	const u32 lanes = mask & warp->live;

	EACH_LANE(i, lanes)
	{
		const struct cpu_texture *texture = cpu_texture_resolve(warp, insn, i, handles[i], insn->aux);

		if (!texture)
			return warp->limit;
		d[i] = cpu_texture_query(texture, (enum cpu_texture_query)insn->imm, levels[i]);
	}
	return insn + 1;
}

LANE_FN(reference_test)
{
	const u64 *handles = REGISTER(u64, 1);
	const u32 lanes = mask & warp->live;
	u32 found = 0;

	EACH_LANE(i, lanes) found |= (u32)cpu_is_reference(warp, handles[i], (enum cpu_reference)insn->imm) << i;
	predicate_write(&PREDICATE(0), found, mask);
	return insn + 1;
}
