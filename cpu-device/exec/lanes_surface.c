/* suld, sust, sured: texels by their address in an array. */
#include "lanes.h"
#include "sample.h"
#include "texel.h"

/* The lane's operands. */
struct place {
	const struct cpu_image *image;
	s64 at[3]; /* x in bytes */
	u32 layer;
	u8 *bytes; /* NULL: outside, and not to be touched */
};

static inline const u32 *words(const u8 *frame, const struct cpu_surface_access *access, unsigned n)
{
	return (const u32 *)(frame + access->list[n]);
}

static const struct cpu_image *image_find(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, u64 handle)
{
	const struct cpu_texture *surface = cpu_texture_resolve(warp, insn, lane, handle, true);
	const struct cpu_surface_access *access = insn->more;
	unsigned dimensions;

	if (!surface || !cpu_texels_check(warp, insn, lane, &surface->image))
		return NULL;
	/* A cube is written as layers of squares. */
	dimensions = surface->image.shape == CPU_SHAPE_CUBE ? 2 : (unsigned)surface->image.shape + 1;
	if (access->dimensions == dimensions &&
	    access->layered == (surface->image.layered || surface->image.shape == CPU_SHAPE_CUBE))
		return &surface->image;
	cpu_fault(warp, insn, (int)lane, CUDA_ERROR_ILLEGAL_ADDRESS, "surface 0x%llx is of another shape",
		  (unsigned long long)handle);
	return NULL;
}

/* Brings one coordinate inside, if the instruction says so; false when it is outside. `last` is the largest. */
static bool coordinate_bound(enum cpu_surface_bounds bounds, s64 *at, s64 last)
{
	if (*at >= 0 && *at <= last)
		return true;
	if (bounds != CPU_BOUNDS_CLAMP || last < 0)
		return false;
	*at = *at < 0 ? 0 : last;
	return true;
}

static bool place_bound(const struct cpu_surface_access *access, struct place *place, unsigned size)
{
	const struct cpu_level *level = &place->image->levels[0];
	s64 layer = place->layer, row = (s64)level->width * place->image->texel_bytes;
	bool inside = coordinate_bound(access->bounds, &place->at[0], row - size);

	inside &= coordinate_bound(access->bounds, &place->at[1], (s64)level->height - 1);
	inside &= coordinate_bound(access->bounds, &place->at[2], (s64)level->depth - 1);
	inside &= coordinate_bound(access->bounds, &layer, (s64)place->image->layers - 1);
	place->layer = (u32)layer;
	return inside;
}

/* Finds the `size` bytes that the lane accesses; false after a fault. */
static bool place_find(struct cpu_warp *warp, const struct cpu_insn *insn, const u8 *frame, unsigned lane,
		       struct place *place)
{
	const struct cpu_surface_access *access = insn->more;
	unsigned n = access->values + 1, size = access->values * access->bytes;
	const struct cpu_level *level = &place->image->levels[0];

	place->at[0] = place->at[1] = place->at[2] = 0;
	place->layer = access->layered ? words(frame, access, n++)[lane] : 0;
	for (unsigned i = 0; i < access->dimensions; i++)
		place->at[i] = (s32)words(frame, access, n + i)[lane];
	if (access->in_texels) {
		place->at[0] *= place->image->texel_bytes;
		size = place->image->texel_bytes;
	}
	place->bytes = NULL;
	if (!place_bound(access, place, size)) {
		if (access->bounds != CPU_BOUNDS_TRAP)
			return true;
		cpu_fault(warp, insn, (int)lane, CUDA_ERROR_ILLEGAL_ADDRESS,
			  "surface access outside, x %lld bytes, y %lld, z %lld, layer %u", (long long)place->at[0],
			  (long long)place->at[1], (long long)place->at[2], place->layer);
		return false;
	}
	if (place->at[0] % (size < 16 ? size : 16)) {
		cpu_fault(warp, insn, (int)lane, CUDA_ERROR_MISALIGNED_ADDRESS, "%u-byte surface access at byte %lld",
			  size, (long long)place->at[0]);
		return false;
	}
	place->bytes = (u8 *)(uintptr_t)(level->address + ((u64)place->layer + (u64)place->at[2]) * level->slice +
					 (u64)place->at[1] * level->row + (u64)place->at[0]);
	return true;
}

static void values_load(u8 *frame, const struct cpu_surface_access *access, unsigned lane, const struct place *place)
{
	for (unsigned k = 0; k < access->values; k++) {
		u8 *d = frame + access->list[k];
		u64 value = 0;

		if (place->bytes)
			memcpy(&value, place->bytes + k * access->bytes, access->bytes);
		if (access->bytes == 8)
			((u64 *)d)[lane] = value;
		else
			((u32 *)d)[lane] = (u32)value;
	}
}

static void values_store(const u8 *frame, const struct cpu_surface_access *access, unsigned lane,
			 const struct place *place)
{
	for (unsigned k = 0; k < access->values; k++) {
		const u8 *v = frame + access->list[k];
		u64 value = access->bytes == 8 ? ((const u64 *)v)[lane] : ((const u32 *)v)[lane];

		memcpy(place->bytes + k * access->bytes, &value, access->bytes);
	}
}

/* Integers that do not fit are the nearest that does. */
static u32 integer_fit(u32 value, bool is_signed, s64 lowest, s64 highest)
{
	s64 number = is_signed ? (s64)(s32)value : (s64)value;

	return (u32)(number < lowest ? lowest : number > highest ? highest : number);
}

/* A value as one channel of the surface's format. */
static u32 value_format(CUarray_format format, u32 value, bool is_signed)
{
	switch ((int)format) {
	case CU_AD_FORMAT_UNSIGNED_INT8:
		return integer_fit(value, is_signed, 0, UINT8_MAX);
	case CU_AD_FORMAT_SIGNED_INT8:
		return integer_fit(value, is_signed, INT8_MIN, INT8_MAX);
	case CU_AD_FORMAT_UNSIGNED_INT16:
		return integer_fit(value, is_signed, 0, UINT16_MAX);
	case CU_AD_FORMAT_SIGNED_INT16:
		return integer_fit(value, is_signed, INT16_MIN, INT16_MAX);
	case CU_AD_FORMAT_UNSIGNED_INT32:
		return integer_fit(value, is_signed, 0, UINT32_MAX);
	case CU_AD_FORMAT_SIGNED_INT32:
		return integer_fit(value, is_signed, INT32_MIN, INT32_MAX);
	case CU_AD_FORMAT_HALF:
		return cpu_half_from_float(f32_from(value));
	default:
		return value;
	}
}

static void values_store_formatted(const u8 *frame, const struct cpu_surface_access *access, unsigned lane,
				   const struct place *place)
{
	const struct cpu_image *image = place->image;
	unsigned bytes = image->texel_bytes / image->channels;

	for (unsigned k = 0; k < access->values && k < image->channels; k++) {
		u32 value = value_format(image->format, words(frame, access, k)[lane], access->is_signed);

		memcpy(place->bytes + k * bytes, &value, bytes);
	}
}

#define REDUCE(T, old)                                                                                                 \
	({                                                                                                             \
		T a_ = (T)(old), b_ = (T)value;                                                                        \
		access->reduction == CPU_SURFACE_ADD   ? (T)((u64)a_ + (u64)b_)                                        \
		: access->reduction == CPU_SURFACE_MIN ? (a_ < b_ ? a_ : b_)                                           \
		: access->reduction == CPU_SURFACE_MAX ? (a_ > b_ ? a_ : b_)                                           \
		: access->reduction == CPU_SURFACE_AND ? (T)(a_ & b_)                                                  \
						       : (T)(a_ | b_);                                                 \
	})
/* Other workers may be at the same texel. */
#define REDUCE_AT(T, S)                                                                                                \
	do {                                                                                                           \
		T *at_ = (T *)(void *)place->bytes, old_ = __atomic_load_n(at_, __ATOMIC_RELAXED), new_;               \
		do                                                                                                     \
			new_ = access->is_signed ? (T)REDUCE(S, old_) : REDUCE(T, old_);                               \
		while (!__atomic_compare_exchange_n(at_, &old_, new_, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));      \
	} while (0)

static void value_reduce(const u8 *frame, const struct cpu_surface_access *access, unsigned lane,
			 const struct place *place)
{
	const u8 *v = frame + access->list[0];
	u64 value = access->bytes == 8 ? ((const u64 *)v)[lane] : ((const u32 *)v)[lane];

	if (access->bytes == 8)
		REDUCE_AT(u64, s64);
	else
		REDUCE_AT(u32, s32);
}

LANE_FN(surface)
{
	const struct cpu_surface_access *access = insn->more;
	const u64 *handles = (const u64 *)(frame + access->list[access->values]);
	const u32 lanes = mask & warp->live;
	struct place place = {.image = NULL};
	u64 last = 0;

	EACH_LANE(i, lanes)
	{
		if (!place.image || handles[i] != last)
			place.image = image_find(warp, insn, i, handles[i]);
		last = handles[i];
		if (!place.image || !place_find(warp, insn, frame, i, &place))
			return warp->limit;
		if (access->kind == CPU_SURFACE_LOAD)
			values_load(frame, access, i, &place);
		else if (!place.bytes)
			continue;
		else if (access->kind == CPU_SURFACE_STORE)
			values_store(frame, access, i, &place);
		else if (access->kind == CPU_SURFACE_STORE_FORMATTED)
			values_store_formatted(frame, access, i, &place);
		else
			value_reduce(frame, access, i, &place);
	}
	return insn + 1;
}
