#include "sample.h"

#include <math.h>
#include <string.h>

/* Further out than any texel, and far from the ends of an int. */
#define FAR 1073741824.0f

/* The one or two places along an axis that a value is made of, -1 for the border, and the second one's weight. */
struct axis {
	int32_t place[2];
	float weight;
};

/* A value while it is made: exactly one of the two is used. */
struct value {
	float reals[4];
	int64_t integers[4];
};

static float float_of(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static uint32_t bits_of(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

float cpu_half_to_float(uint16_t bits)
{
	uint32_t sign = (uint32_t)(bits & 0x8000) << 16, exponent = bits >> 10 & 31, fraction = bits & 0x3ff;

	if (exponent == 31)
		return float_of(sign | 0x7f800000 | fraction << 13);
	if (exponent)
		return float_of(sign | (exponent + 112) << 23 | fraction << 13);
	return sign ? -ldexpf((float)fraction, -24) : ldexpf((float)fraction, -24);
}

uint16_t cpu_half_from_float(float value)
{
	uint32_t bits = bits_of(value), magnitude = bits & 0x7fffffff;
	uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);

	if (magnitude > 0x7f800000)
		return 0x7fff;
	if (magnitude >= 0x477ff000) /* rounds to more than the largest */
		return sign | 0x7c00;
	if (magnitude < 0x38800000) /* subnormal: units of 2^-24 */
		return sign | (uint16_t)lrintf(float_of(magnitude) * 16777216.0f);
	return sign | (uint16_t)((magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13);
}

static bool is_float_format(CUarray_format format)
{
	return format == CU_AD_FORMAT_HALF || format == CU_AD_FORMAT_FLOAT;
}

/* Integers of 32 bits are never normalised. */
bool cpu_texture_gives_floats(const struct cpu_image *image, const struct cpu_sampler *sampler)
{
	return is_float_format(image->format) ||
	       (sampler->normalized_values && image->format != CU_AD_FORMAT_UNSIGNED_INT32 &&
		image->format != CU_AD_FORMAT_SIGNED_INT32);
}

/* ---- Texels ---- */

static int64_t channel_integer(CUarray_format format, const uint8_t *at)
{
	uint32_t word;
	uint16_t half;

	switch ((int)format) {
	case CU_AD_FORMAT_UNSIGNED_INT8:
		return *at;
	case CU_AD_FORMAT_SIGNED_INT8:
		return (int8_t)*at;
	case CU_AD_FORMAT_UNSIGNED_INT16:
	case CU_AD_FORMAT_SIGNED_INT16:
		memcpy(&half, at, sizeof(half));
		return format == CU_AD_FORMAT_SIGNED_INT16 ? (int16_t)half : half;
	default:
		memcpy(&word, at, sizeof(word));
		return format == CU_AD_FORMAT_SIGNED_INT32 ? (int64_t)(int32_t)word : (int64_t)word;
	}
}

/* The smallest number and the one above it are both -1. */
static float normalize(CUarray_format format, int64_t value)
{
	switch ((int)format) {
	case CU_AD_FORMAT_UNSIGNED_INT8:
		return (float)value / 255.0f;
	case CU_AD_FORMAT_UNSIGNED_INT16:
		return (float)value / 65535.0f;
	case CU_AD_FORMAT_SIGNED_INT8:
		return value < -127 ? -1.0f : (float)value / 127.0f;
	default:
		return value < -32767 ? -1.0f : (float)value / 32767.0f;
	}
}

static float channel_real(CUarray_format format, const uint8_t *at)
{
	uint32_t word;
	uint16_t half;

	if (format == CU_AD_FORMAT_FLOAT) {
		memcpy(&word, at, sizeof(word));
		return float_of(word);
	}
	if (format == CU_AD_FORMAT_HALF) {
		memcpy(&half, at, sizeof(half));
		return cpu_half_to_float(half);
	}
	return normalize(format, channel_integer(format, at));
}

static void border_read(const struct cpu_image *image, const struct cpu_sampler *sampler, bool reals,
			struct value *value)
{
	for (uint32_t c = 0; c < image->channels; c++) {
		float border = sampler->border[c];

		value->reals[c] = border;
		if (!reals) /* NaN is 0 */
			value->integers[c] = border > -FAR * 2 && border < FAR * 4 ? (int64_t)border : 0;
	}
}

/* The texel at a place of a level; any of the coordinates < 0 is the border. */
static struct value texel_read(const struct cpu_image *image, const struct cpu_sampler *sampler,
			       const struct cpu_level *level, uint32_t layer, const int32_t *place)
{
	bool reals = cpu_texture_gives_floats(image, sampler);
	uint32_t bytes = image->texel_bytes / image->channels;
	struct value value = {.reals = {0}};
	const uint8_t *at;

	if ((place[0] | place[1] | place[2]) < 0) {
		border_read(image, sampler, reals, &value);
		return value;
	}
	at = (const uint8_t *)(uintptr_t)(level->address + ((uint64_t)layer + (uint32_t)place[2]) * level->slice +
					  (uint32_t)place[1] * level->row + (uint64_t)place[0] * image->texel_bytes);
	for (uint32_t c = 0; c < image->channels; c++, at += bytes) {
		if (reals)
			value.reals[c] = channel_real(image->format, at);
		else
			value.integers[c] = channel_integer(image->format, at);
	}
	return value;
}

/* ---- Addresses ---- */

/* Negative for the border. */
static int32_t place_fold(int64_t place, CUaddress_mode mode, int64_t size)
{
	if (place >= 0 && place < size)
		return (int32_t)place;
	switch ((int)mode) {
	case CU_TR_ADDRESS_MODE_BORDER:
		return -1;
	case CU_TR_ADDRESS_MODE_WRAP:
		place %= size;
		return (int32_t)(place < 0 ? place + size : place);
	default: /* mirrored coordinates lie inside, so that what is next to them beyond the edge is the edge */
		return (int32_t)(place < 0 ? 0 : size - 1);
	}
}

static float bounded(float value)
{
	return value > -FAR ? (value < FAR ? value : FAR) : -FAR;
}

/* A coordinate in texels. `offset` changes its sign where the texture is seen in the mirror. */
static float scale(float x, CUaddress_mode mode, uint32_t size, bool normalized, int32_t *offset)
{
	if (x != x)
		x = 0;
	if (!normalized)
		return bounded(x);
	if (mode == CU_TR_ADDRESS_MODE_WRAP) {
		x -= floorf(x);
	} else if (mode == CU_TR_ADDRESS_MODE_MIRROR) {
		float whole = floorf(x);

		x -= whole;
		if (fmodf(whole, 2) != 0) {
			x = 1 - x;
			*offset = -*offset;
		}
	}
	return bounded(x * (float)size); /* infinity minus itself has become NaN, and that -FAR */
}

/* The places are counted in 1/256 of a texel: "9-bit fixed point format with 8 bits of fractional value". */
static struct axis axis_of(float x, CUaddress_mode mode, uint32_t size, bool normalized, bool linear, int32_t offset)
{
	struct axis axis = {.weight = 0};
	int64_t place;

	x = scale(x, mode, size, normalized, &offset);
	if (linear) {
		int64_t fixed = (int64_t)floor(((double)x - 0.5) * 256 + 0.5);

		place = fixed >> 8;
		axis.weight = (float)(fixed & 255) / 256;
		axis.place[1] = place_fold(place + 1 + offset, mode, size);
	} else {
		place = (int64_t)floorf(x);
	}
	axis.place[0] = place_fold(place + offset, mode, size);
	return axis;
}

static struct axis axis_at(const struct cpu_sampler *sampler, const struct cpu_sample *sample, unsigned dimension,
			   uint32_t size, bool linear)
{
	CUaddress_mode mode = sampler->mode[dimension];

	if (sample->is_integer)
		return (struct axis){
		    .place = {
			place_fold((int64_t)sample->integers[dimension] + sample->offsets[dimension], mode, size)}};
	return axis_of(sample->at[dimension], mode, size, sampler->normalized_coordinates, linear,
		       sample->offsets[dimension]);
}

/* ---- Cubes ---- */

/* Where a direction meets a cube: "Cubemap Textures" in the Programming Guide. */
static uint32_t cube_face(const float *at, float *s, float *t)
{
	float x = fabsf(at[0]), y = fabsf(at[1]), z = fabsf(at[2]), major;
	uint32_t face;

	if (x >= y && x >= z) {
		face = at[0] < 0 ? 1 : 0;
		major = x;
		*s = face ? at[2] : -at[2];
		*t = -at[1];
	} else if (y >= z) {
		face = at[1] < 0 ? 3 : 2;
		major = y;
		*s = at[0];
		*t = face == 3 ? -at[2] : at[2];
	} else {
		face = at[2] < 0 ? 5 : 4;
		major = z;
		*s = face == 5 ? -at[0] : at[0];
		*t = -at[1];
	}
	*s = major > 0 ? (*s / major + 1) / 2 : 0.5f;
	*t = major > 0 ? (*t / major + 1) / 2 : 0.5f;
	return face;
}

/* The inverse: a point of a face, `depth` in front of the cube's centre, as a direction. */
static void cube_direction(uint32_t face, float s, float t, float depth, float *at)
{
	switch (face) {
	case 0:
		at[0] = depth, at[1] = -t, at[2] = -s;
		break;
	case 1:
		at[0] = -depth, at[1] = -t, at[2] = s;
		break;
	case 2:
		at[0] = s, at[1] = depth, at[2] = t;
		break;
	case 3:
		at[0] = s, at[1] = -depth, at[2] = -t;
		break;
	case 4:
		at[0] = s, at[1] = -t, at[2] = depth;
		break;
	default:
		at[0] = -s, at[1] = -t, at[2] = -depth;
		break;
	}
}

/* A place beyond the edge of a face is one of the next face. At a corner three faces meet: the face's own corner. */
static uint32_t cube_cross(uint32_t face, int32_t size, int32_t *place)
{
	bool x_out = place[0] < 0 || place[0] >= size, y_out = place[1] < 0 || place[1] >= size;
	float s, t, direction[3];

	if (x_out && y_out)
		place[0] = place[0] < 0 ? 0 : size - 1;
	if (!x_out && !y_out)
		return face;
	y_out = place[1] < 0 || place[1] >= size;
	x_out = place[0] < 0 || place[0] >= size;
	if (x_out == y_out) {
		place[1] = place[1] < 0 ? 0 : size - 1;
		return face;
	}
	s = x_out ? (place[0] < 0 ? -1.0f : 1.0f) : (float)(2 * place[0] + 1) / (float)size - 1;
	t = y_out ? (place[1] < 0 ? -1.0f : 1.0f) : (float)(2 * place[1] + 1) / (float)size - 1;
	cube_direction(face, s, t, 1 - 1 / (float)size, direction);
	face = cube_face(direction, &s, &t);
	place[0] = place_fold((int64_t)floorf(s * (float)size), CU_TR_ADDRESS_MODE_CLAMP, size);
	place[1] = place_fold((int64_t)floorf(t * (float)size), CU_TR_ADDRESS_MODE_CLAMP, size);
	return face;
}

/* ---- One level ---- */

/* What the fetch looks at: axes of the level, and the first layer. */
struct view {
	const struct cpu_image *image;
	const struct cpu_sampler *sampler;
	const struct cpu_level *level;
	struct axis axes[3];
	uint32_t layer;
	bool crosses; /* a seamless cube: places are not folded */
	uint32_t face;
};

static uint32_t layer_clamp(const struct cpu_image *image, uint32_t layer)
{
	uint32_t count = image->shape == CPU_SHAPE_CUBE ? image->layers / 6 : image->layers;

	if (!image->layered || !count)
		return 0;
	return layer < count ? layer : count - 1;
}

static void view_cube(struct view *view, const struct cpu_sample *sample, bool linear)
{
	struct cpu_sample on_face = *sample;
	struct cpu_sampler clamped = *view->sampler;
	uint32_t size = view->level->width;

	view->face = cube_face(sample->at, &on_face.at[0], &on_face.at[1]);
	view->layer = 6 * view->layer;
	view->crosses = view->sampler->seamless && linear;
	clamped.normalized_coordinates = true;
	for (unsigned i = 0; i < 2; i++) {
		clamped.mode[i] = CU_TR_ADDRESS_MODE_CLAMP;
		view->axes[i] = axis_at(&clamped, &on_face, i, size, linear);
		if (view->crosses) { /* the place before or behind the other, be it beyond the edge */
			float x = on_face.at[i] * (float)size - 0.5f;

			view->axes[i].place[0] = (int32_t)floorf(floorf(x * 256 + 0.5f) / 256) + sample->offsets[i];
			view->axes[i].place[1] = view->axes[i].place[0] + 1;
		}
	}
	view->axes[2] = (struct axis){.weight = 0};
}

static struct view view_make(const struct cpu_image *image, const struct cpu_sampler *sampler,
			     const struct cpu_level *level, const struct cpu_sample *sample, bool linear)
{
	struct view view = {.image = image, .sampler = sampler, .level = level};
	const uint32_t sizes[3] = {level->width, level->height, level->depth};
	unsigned dimensions = image->shape == CPU_SHAPE_1D ? 1 : image->shape == CPU_SHAPE_3D ? 3 : 2;

	view.layer = layer_clamp(image, sample->layer);
	if (image->shape == CPU_SHAPE_CUBE) {
		view_cube(&view, sample, linear);
		return view;
	}
	for (unsigned i = 0; i < dimensions; i++)
		view.axes[i] = axis_at(sampler, sample, i, sizes[i], linear);
	return view;
}

/* The texel at one corner of the cell; bit i of `corner` chooses along axis i. */
static struct value corner_read(const struct view *view, unsigned corner)
{
	int32_t place[3];
	uint32_t face = view->face;

	for (unsigned i = 0; i < 3; i++)
		place[i] = view->axes[i].place[corner >> i & 1];
	if (view->crosses)
		face = cube_cross(face, (int32_t)view->level->width, place);
	return texel_read(view->image, view->sampler, view->level, view->layer + face, place);
}

static struct value level_fetch(const struct cpu_image *image, const struct cpu_sampler *sampler,
				const struct cpu_level *level, const struct cpu_sample *sample)
{
	bool linear = sampler->filter == CU_TR_FILTER_MODE_LINEAR && !sample->is_integer &&
		      cpu_texture_gives_floats(image, sampler);
	struct view view = view_make(image, sampler, level, sample, linear);
	unsigned corners = image->shape == CPU_SHAPE_1D ? 2 : image->shape == CPU_SHAPE_3D ? 8 : 4;
	struct value sum = {.reals = {0}};

	if (!linear)
		return corner_read(&view, 0);
	for (unsigned corner = 0; corner < corners; corner++) {
		float weight = 1;
		struct value value;

		for (unsigned i = 0; i < 3; i++)
			weight *= corner >> i & 1 ? view.axes[i].weight : 1 - view.axes[i].weight;
		if (weight == 0) /* its texel may be infinite */
			continue;
		value = corner_read(&view, corner);
		for (unsigned c = 0; c < 4; c++)
			sum.reals[c] += weight * value.reals[c];
	}
	return sum;
}

/* ---- Levels ---- */

static float level_clamp(const struct cpu_image *image, const struct cpu_sampler *sampler, float level)
{
	float last = (float)(image->level_count - 1);

	level += sampler->bias;
	if (!(level >= sampler->lowest_level)) /* NaN is the finest */
		level = sampler->lowest_level;
	if (level > sampler->highest_level)
		level = sampler->highest_level;
	return level > 0 ? (level < last ? level : last) : 0;
}

static struct value levels_fetch(const struct cpu_image *image, const struct cpu_sampler *sampler,
				 const struct cpu_sample *sample)
{
	float level = level_clamp(image, sampler, sample->level), weight;
	struct value fine, coarse;
	uint32_t first;

	if (sampler->mipmap_filter != CU_TR_FILTER_MODE_LINEAR || !cpu_texture_gives_floats(image, sampler))
		return level_fetch(image, sampler, &image->levels[(uint32_t)(level + 0.5f)], sample);
	first = (uint32_t)level;
	weight = floorf((level - (float)first) * 256 + 0.5f) / 256;
	fine = level_fetch(image, sampler, &image->levels[first], sample);
	if (weight == 0)
		return fine;
	coarse = level_fetch(image, sampler, &image->levels[first + 1], sample);
	for (unsigned c = 0; c < 4; c++)
		fine.reals[c] = (1 - weight) * fine.reals[c] + weight * coarse.reals[c];
	return fine;
}

float cpu_texture_level(const struct cpu_image *image, const struct cpu_sampler *sampler, const float *by_x,
			const float *by_y)
{
	const struct cpu_level *level = &image->levels[0];
	const uint32_t sizes[3] = {level->width, level->height, level->depth};
	unsigned dimensions = image->shape == CPU_SHAPE_1D ? 1 : image->shape == CPU_SHAPE_2D ? 2 : 3;
	float x = 0, y = 0;

	for (unsigned i = 0; i < dimensions; i++) {
		float size = image->shape == CPU_SHAPE_CUBE    ? (float)level->width / 2
			     : sampler->normalized_coordinates ? (float)sizes[i]
							       : 1;

		x += by_x[i] * size * by_x[i] * size;
		y += by_y[i] * size * by_y[i] * size;
	}
	return log2f(x > y ? x : y) / 2;
}

static uint32_t result_bits(const struct value *value, unsigned channel, bool reals)
{
	return reals ? bits_of(value->reals[channel]) : (uint32_t)value->integers[channel];
}

struct cpu_texel cpu_texture_sample(const struct cpu_image *image, const struct cpu_sampler *sampler,
				    const struct cpu_sample *sample)
{
	bool reals = cpu_texture_gives_floats(image, sampler);
	struct value value = levels_fetch(image, sampler, sample);
	struct cpu_texel texel = {{0}};

	for (uint32_t c = 0; c < image->channels; c++)
		texel.bits[c] = result_bits(&value, c, reals);
	return texel;
}

struct cpu_texel cpu_texture_gather(const struct cpu_image *image, const struct cpu_sampler *sampler,
				    const struct cpu_sample *sample, unsigned channel)
{
	static const unsigned corners[4] = {2, 3, 1, 0};
	bool reals = cpu_texture_gives_floats(image, sampler);
	uint32_t level = (uint32_t)(level_clamp(image, sampler, 0) + 0.5f);
	struct view view = view_make(image, sampler, &image->levels[level], sample, true);
	struct cpu_texel texel = {{0}};

	for (unsigned i = 0; i < 4 && channel < image->channels; i++) {
		struct value value = corner_read(&view, corners[i]);

		texel.bits[i] = result_bits(&value, channel, reals);
	}
	return texel;
}
