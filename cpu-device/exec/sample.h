/* Fetching texels: what one lane gets for its coordinates. */
#ifndef CPU_SAMPLE_H
#define CPU_SAMPLE_H

#include "../texels.h"

/* A value as its bits: those of a float, or an integer extended to 32 bits. */
struct cpu_texel {
	uint32_t bits[4];
};

struct cpu_sample {
	float at[3];         /* x, y, z; of a cube the direction */
	int32_t integers[3]; /* instead of `at` when `is_integer` */
	bool is_integer;
	uint32_t layer;     /* of a layered cube: the cube's number */
	int32_t offsets[3]; /* in texels */
	float level;        /* asked for; 0 when the instruction asks for none */
};

/* Does the texture give floats, or the integers as they are stored? */
bool cpu_texture_gives_floats(const struct cpu_image *image, const struct cpu_sampler *sampler);

/* Channels that the image does not have are 0. All texels must be in memory. */
struct cpu_texel cpu_texture_sample(const struct cpu_image *image, const struct cpu_sampler *sampler,
				    const struct cpu_sample *sample);

/* One channel of the four texels that bilinear filtering would take: (0, 1), (1, 1), (1, 0), (0, 0). */
struct cpu_texel cpu_texture_gather(const struct cpu_image *image, const struct cpu_sampler *sampler,
				    const struct cpu_sample *sample, unsigned channel);

/* The level that gradients of the coordinates, one for each axis of the screen, ask for. */
float cpu_texture_level(const struct cpu_image *image, const struct cpu_sampler *sampler, const float *by_x,
			const float *by_y);

/* The float of an f16's bits, and back, rounded to nearest. */
float cpu_half_to_float(uint16_t bits);
uint16_t cpu_half_from_float(float value);

#endif
