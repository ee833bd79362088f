/* Texels as the machine reads and writes them. The driver describes what a texture or surface object refers to; kernels
   name it by the number that it was entered under. */
#ifndef CPU_TEXELS_H
#define CPU_TEXELS_H

#include <cuda.h>
#include <stdbool.h>
#include <stdint.h>

/* Of a mipmap: down from the largest extent, 32768. */
#define CPU_LEVELS 16

enum cpu_shape { CPU_SHAPE_1D, CPU_SHAPE_2D, CPU_SHAPE_3D, CPU_SHAPE_CUBE };

/* One level of detail. Extents are in texels, 1 where the shape has no such dimension. */
struct cpu_level {
	uint64_t address; /* of the first texel */
	uint32_t width, height, depth;
	uint64_t row, slice; /* bytes from one row to the next; from a slice, layer or face to the next */
};

struct cpu_image {
	enum cpu_shape shape;
	bool layered;
	CUarray_format format; /* 8, 16, 32 bits of integer, HALF, FLOAT */
	uint32_t channels;     /* 1, 2 or 4 */
	uint32_t texel_bytes;
	uint32_t layers;      /* 1 when there are none; each face of a cube is one */
	uint64_t base, bytes; /* in which all texels lie; the memory may be gone by the time they are looked at */
	uint32_t level_count;
	struct cpu_level levels[CPU_LEVELS];
};

/* How texels are looked at: "Texture Fetching" in the appendices of the CUDA C++ Programming Guide. */
struct cpu_sampler {
	CUaddress_mode mode[3];
	CUfilter_mode filter, mipmap_filter;
	bool normalized_coordinates;
	bool normalized_values; /* integers of 8 and 16 bits become floats of [0, 1] or [-1, 1] */
	bool seamless;          /* a cube's faces are filtered across their edges */
	float bias, lowest_level, highest_level;
	float border[4];
};

struct cpu_texture {
	bool is_surface; /* then the sampler means nothing */
	struct cpu_image image;
	struct cpu_sampler sampler;
	void *owner; /* the driver's object */
};

/* Enters a copy of a description and gives the number by which kernels and cpu_texture_find() know it; 0 when memory is
   short. Any thread, as all functions here. */
uint64_t cpu_texture_enter(const struct cpu_texture *texture);

/* Ends a number, which need not be one. Never waits: grids that have found the description may go on looking at it. */
void cpu_texture_leave(uint64_t handle);

/* The description behind a number, or NULL when it is none or has ended. It stays there until cpu_textures_unpin(), or
   the number's end. */
const struct cpu_texture *cpu_texture_find(uint64_t handle);

/* Between the two no description that was found goes away. Any number at a time. */
void cpu_textures_pin(void);
void cpu_textures_unpin(void);

#endif
