/* Texture and surface instructions against the formulas of the CUDA C++ Programming Guide ("Texture Fetching"). */
#include "harness.h"

#include <math.h>

#include "texels.h"

#define WIDTH 8
#define HEIGHT 4
#define DEPTH 3

static const char head[] = ".version 8.0\n.target sm_75\n.address_size 64\n";

struct parameters {
	uint64_t texture;
	void *out;
	const void *in;
};

/* A kernel of 32 threads: %t the texture, %x0 … %x5 and %f0 … %f5 six words of the thread's input, as integers and
   floats; the four results %r0 … %r3 go out. */
static void texture_run(const char *body, uint64_t texture, const void *in, void *out)
{
	static char text[4096];
	struct parameters parameters = {texture, device_alloc(32 * 16), device_alloc(32 * 24)};

	snprintf(
	    text, sizeof(text),
	    "%s.visible .entry k(.param .u64 pt, .param .u64 po, .param .u64 pi)\n{\n"
	    ".reg .b32 %%r<8>, %%x<8>, %%n; .reg .f32 %%f<8>; .reg .b64 %%t, %%o, %%i, %%a, %%l<4>; .reg .pred %%p<4>;"
	    " .reg .b16 %%h<4>;\n"
	    "ld.param.u64 %%t, [pt]; ld.param.u64 %%o, [po]; ld.param.u64 %%i, [pi]; mov.u32 %%n, %%tid.x;\n"
	    "mad.wide.u32 %%o, %%n, 16, %%o; mad.wide.u32 %%i, %%n, 24, %%i;\n"
	    "ld.global.v2.u32 {%%x0, %%x1}, [%%i]; ld.global.v2.u32 {%%x2, %%x3}, [%%i+8];\n"
	    "ld.global.v2.u32 {%%x4, %%x5}, [%%i+16];\n"
	    "mov.b32 %%f0, %%x0; mov.b32 %%f1, %%x1; mov.b32 %%f2, %%x2; mov.b32 %%f3, %%x3; mov.b32 %%f4, %%x4;"
	    " mov.b32 %%f5, %%x5;\n"
	    "mov.u32 %%r0, 0; mov.u32 %%r1, 0; mov.u32 %%r2, 0; mov.u32 %%r3, 0;\n"
	    "%s\nst.global.v4.u32 [%%o], {%%r0, %%r1, %%r2, %%r3};\nret;\n}\n",
	    head, body);
	memcpy((void *)(uintptr_t)parameters.in, in, 32 * 24);
	kernel_run(module_load(text), "k", 1, 32, 0, &parameters);
	memcpy(out, parameters.out, 32 * 16);
}

/* An image of floats numbered from 0 in memory. */
static struct cpu_image image_make(enum cpu_shape shape, bool layered)
{
	bool slices = shape == CPU_SHAPE_3D, cube = shape == CPU_SHAPE_CUBE;
	uint32_t width = cube ? 4 : WIDTH, height = cube ? 4 : shape == CPU_SHAPE_1D ? 1 : HEIGHT;
	uint32_t layers = cube ? (layered ? 12 : 6) : layered ? DEPTH : 1;
	struct cpu_image image = {.shape = shape,
				  .layered = layered,
				  .format = CU_AD_FORMAT_FLOAT,
				  .channels = 1,
				  .texel_bytes = 4,
				  .layers = layers,
				  .level_count = 1};
	uint32_t depth = slices ? DEPTH : 1, count = width * height * depth * layers;
	float *texels = device_alloc(count * 4);

	for (uint32_t i = 0; i < count; i++)
		texels[i] = (float)i;
	image.base = (uintptr_t)texels;
	image.bytes = (uint64_t)count * 4;
	image.levels[0] = (struct cpu_level){(uintptr_t)texels,           width, height, depth, (uint64_t)width * 4,
					     (uint64_t)width * height * 4};
	return image;
}

static struct cpu_sampler sampler_make(CUaddress_mode mode, CUfilter_mode filter, bool normalized)
{
	return (struct cpu_sampler){
	    .mode = {mode, mode, mode}, .filter = filter, .normalized_coordinates = normalized, .highest_level = 99};
}

static uint64_t texture_enter(const struct cpu_image *image, const struct cpu_sampler *sampler)
{
	struct cpu_texture texture = {.image = *image, .sampler = *sampler};
	uint64_t handle = cpu_texture_enter(&texture);

	ck_assert_uint_ne(handle, 0);
	return handle;
}

static uint64_t surface_enter(const struct cpu_image *image)
{
	struct cpu_texture surface = {.is_surface = true, .image = *image};

	return cpu_texture_enter(&surface);
}

/* The guide's formulas, in double precision. Indices outside give `border`. */
static double texel(const struct cpu_image *image, CUaddress_mode mode, const int *at, double border)
{
	const struct cpu_level *level = &image->levels[0];
	const int sizes[3] = {(int)level->width, (int)level->height, (int)level->depth};
	size_t index = 0;

	for (int i = 2; i >= 0; i--) {
		int place = at[i];

		if (place < 0 || place >= sizes[i]) {
			if (mode == CU_TR_ADDRESS_MODE_BORDER)
				return border;
			if (mode == CU_TR_ADDRESS_MODE_WRAP)
				place = (place % sizes[i] + sizes[i]) % sizes[i];
			else
				place = place < 0 ? 0 : sizes[i] - 1;
		}
		index = index * (size_t)sizes[i] + (size_t)place;
	}
	return ((const float *)(uintptr_t)level->address)[index];
}

/* Where a normalised coordinate lies, in texels. */
static double unnormalize(float x, CUaddress_mode mode, int size)
{
	double whole = floor(x);

	if (mode == CU_TR_ADDRESS_MODE_WRAP)
		return (double)((float)(x - whole) * (float)size);
	if (mode == CU_TR_ADDRESS_MODE_MIRROR)
		return (double)((float)(fmod(whole, 2) != 0 ? 1 - (x - whole) : x - whole) * (float)size);
	return (double)(x * (float)size);
}

static double expected(const struct cpu_image *image, const struct cpu_sampler *sampler, const float *at,
		       int dimensions)
{
	const struct cpu_level *level = &image->levels[0];
	const int sizes[3] = {(int)level->width, (int)level->height, (int)level->depth};
	bool linear = sampler->filter == CU_TR_FILTER_MODE_LINEAR;
	int base[3] = {0};
	double weight[3] = {0}, sum = 0;

	for (int i = 0; i < dimensions; i++) {
		double x = sampler->normalized_coordinates ? unnormalize(at[i], sampler->mode[i], sizes[i]) : at[i];

		if (linear) /* 1.8 fixed point */
			x = floor((x - 0.5) * 256 + 0.5) / 256;
		base[i] = (int)floor(x);
		weight[i] = linear ? x - base[i] : 0;
	}
	for (int corner = 0; corner < 1 << dimensions; corner++) {
		int place[3];
		double factor = 1;

		for (int i = 0; i < 3; i++) {
			int second = i < dimensions ? corner >> i & 1 : 0;

			place[i] = base[i] + second;
			factor *= second ? weight[i] : 1 - weight[i];
		}
		if (factor != 0)
			sum += factor * texel(image, sampler->mode[0], place, sampler->border[0]);
	}
	return sum;
}

static float random_between(float low, float high)
{
	return low + (high - low) * (float)(rand() % 100001) / 100000.0f;
}

static void shape_check(enum cpu_shape shape, int dimensions, const char *body)
{
	struct cpu_image image = image_make(shape, false);
	float in[32][6] = {{0}};
	float out[32][4];

	for (int mode = CU_TR_ADDRESS_MODE_WRAP; mode <= CU_TR_ADDRESS_MODE_BORDER; mode++)
		for (int filter = CU_TR_FILTER_MODE_POINT; filter <= CU_TR_FILTER_MODE_LINEAR; filter++)
			for (int normalized = 0; normalized < 2; normalized++) {
				struct cpu_sampler sampler =
				    sampler_make((CUaddress_mode)mode, (CUfilter_mode)filter, normalized);
				bool repeats = mode == CU_TR_ADDRESS_MODE_WRAP || mode == CU_TR_ADDRESS_MODE_MIRROR;
				uint64_t texture;

				if (repeats && !normalized) /* not offered by CUDA */
					continue;
				sampler.border[0] = 77;
				texture = texture_enter(&image, &sampler);
				for (int i = 0; i < 32; i++)
					for (int k = 0; k < 3; k++)
						in[i][k] = normalized ? random_between(-3, 3) : random_between(-12, 12);
				texture_run(body, texture, in, out);
				for (int i = 0; i < 32; i++) {
					double wanted = expected(&image, &sampler, in[i], dimensions);

					ck_assert_msg(fabs(out[i][0] - wanted) < 1e-3,
						      "shape %d mode %d filter %d at %g %g %g: %g, not %g", shape, mode,
						      filter, in[i][0], in[i][1], in[i][2], out[i][0], wanted);
				}
				cpu_texture_leave(texture);
			}
}

START_TEST(fetches_follow_the_guide)
{
	srand(7);
	shape_check(CPU_SHAPE_1D, 1, "tex.1d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0}];");
	shape_check(CPU_SHAPE_2D, 2, "tex.2d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0,%f1}];");
	shape_check(CPU_SHAPE_3D, 3, "tex.3d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0,%f1,%f2,%f2}];");
}
END_TEST

START_TEST(layers_are_clamped)
{
	struct cpu_image flat = image_make(CPU_SHAPE_2D, true), line = image_make(CPU_SHAPE_1D, true);
	struct cpu_sampler sampler = sampler_make(CU_TR_ADDRESS_MODE_CLAMP, CU_TR_FILTER_MODE_POINT, false);
	uint64_t texture = texture_enter(&flat, &sampler), line_texture = texture_enter(&line, &sampler);
	struct {
		uint32_t layer;
		float at[5];
	} in[32] = {{0}};
	float out[32][4];

	for (uint32_t i = 0; i < 32; i++) {
		in[i].layer = i;
		in[i].at[0] = (float)(i % WIDTH) + 0.5f;
		in[i].at[1] = (float)(i % HEIGHT) + 0.5f;
	}
	texture_run("tex.a2d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%x0,%f1,%f2,%f2}];", texture, in, out);
	for (uint32_t i = 0; i < 32; i++) {
		uint32_t layer = i < DEPTH ? i : DEPTH - 1;

		ck_assert_float_eq(out[i][0], (float)(layer * WIDTH * HEIGHT + i % HEIGHT * WIDTH + i % WIDTH));
	}
	texture_run("tex.a1d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%x0,%f1}];", line_texture, in, out);
	for (uint32_t i = 0; i < 32; i++)
		ck_assert_float_eq(out[i][0], (float)((i < DEPTH ? i : DEPTH - 1) * WIDTH + i % WIDTH));
}
END_TEST

/* Directions to the faces' centres, and one texel beside them. */
START_TEST(cubes_have_faces)
{
	static const float directions[6][3] = {{1, 0, 0}, {-1, 0, 0}, {0, 1, 0}, {0, -1, 0}, {0, 0, 1}, {0, 0, -1}};
	static const float beside[6][3] = {{1, -.3f, -.3f}, {-1, -.3f, .3f}, {.3f, 1, .3f},
					   {.3f, -1, -.3f}, {.3f, -.3f, 1},  {-.3f, -.3f, -1}};
	struct cpu_image image = image_make(CPU_SHAPE_CUBE, false), layered = image_make(CPU_SHAPE_CUBE, true);
	struct cpu_sampler sampler = sampler_make(CU_TR_ADDRESS_MODE_CLAMP, CU_TR_FILTER_MODE_POINT, true);
	uint64_t texture = texture_enter(&image, &sampler), layered_texture = texture_enter(&layered, &sampler);
	float in[32][6] = {{0}}, out[32][4];

	for (int i = 0; i < 12; i++)
		memcpy(in[i], i < 6 ? directions[i] : beside[i - 6], 12);
	texture_run("tex.cube.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0,%f1,%f2,%f2}];", texture, in, out);
	for (int i = 0; i < 12;
	     i++) /* the centre is between texels 1 and 2: the upper; beside it lies the next, (2, 2) */
		ck_assert_float_eq(out[i][0], (float)(16 * (i % 6) + 2 * 4 + 2));
	texture_run("mov.u32 %x3, 1; tex.acube.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%x3,%f0,%f1,%f2}];", layered_texture,
		    in, out);
	for (int i = 0; i < 12; i++)
		ck_assert_float_eq(out[i][0], (float)(96 + 16 * (i % 6) + 2 * 4 + 2));
}
END_TEST

/* On the edge between +x and +z: half of each face. */
START_TEST(seamless_cubes_filter_across_edges)
{
	struct cpu_image image = image_make(CPU_SHAPE_CUBE, false);
	struct cpu_sampler sampler = sampler_make(CU_TR_ADDRESS_MODE_CLAMP, CU_TR_FILTER_MODE_LINEAR, true);
	float *texels = (float *)(uintptr_t)image.levels[0].address;
	float in[32][6] = {{1, .01f, .99999f}, {.99999f, .01f, 1}}, out[32][4];

	for (int i = 0; i < 96; i++)
		texels[i] = (float)(i / 16);
	sampler.seamless = true;
	texture_run("tex.cube.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0,%f1,%f2,%f2}];", texture_enter(&image, &sampler),
		    in, out);
	ck_assert_float_eq_tol(out[0][0], 2, 0.05);
	ck_assert_float_eq_tol(out[1][0], 2, 0.05);
	sampler.seamless = false;
	texture_run("tex.cube.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0,%f1,%f2,%f2}];", texture_enter(&image, &sampler),
		    in, out);
	ck_assert_float_eq(out[0][0], 0);
	ck_assert_float_eq(out[1][0], 4);
}
END_TEST

START_TEST(formats)
{
	static const struct {
		CUarray_format format;
		uint32_t bytes, raw;
		bool normalized;
		uint32_t wanted; /* bits */
	} cases[] = {{CU_AD_FORMAT_UNSIGNED_INT8, 1, 0xff, false, 255},
		     {CU_AD_FORMAT_SIGNED_INT8, 1, 0x80, false, (uint32_t)-128},
		     {CU_AD_FORMAT_UNSIGNED_INT16, 2, 0xfffe, false, 0xfffe},
		     {CU_AD_FORMAT_SIGNED_INT16, 2, 0x8001, false, (uint32_t)-32767},
		     {CU_AD_FORMAT_UNSIGNED_INT32, 4, 0xdeadbeef, false, 0xdeadbeef},
		     {CU_AD_FORMAT_SIGNED_INT32, 4, 0x80000000, true, 0x80000000},
		     {CU_AD_FORMAT_UNSIGNED_INT8, 1, 0xff, true, 0x3f800000},
		     {CU_AD_FORMAT_SIGNED_INT8, 1, 0x80, true, 0xbf800000},
		     {CU_AD_FORMAT_SIGNED_INT8, 1, 0x81, true, 0xbf800000},
		     {CU_AD_FORMAT_UNSIGNED_INT16, 2, 0xffff, true, 0x3f800000},
		     {CU_AD_FORMAT_SIGNED_INT16, 2, 0x7fff, true, 0x3f800000},
		     {CU_AD_FORMAT_HALF, 2, 0x3c00, false, 0x3f800000},
		     {CU_AD_FORMAT_HALF, 2, 0x8001, false, 0xb3800000},
		     {CU_AD_FORMAT_HALF, 2, 0x7c00, false, 0x7f800000},
		     {CU_AD_FORMAT_FLOAT, 4, 0x40490fdb, false, 0x40490fdb}};
	uint32_t in[32][6] = {{0}}, out[32][4];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (uint32_t channels = 1; channels <= 4; channels *= 2) {
			struct cpu_image image = image_make(CPU_SHAPE_1D, false);
			struct cpu_sampler sampler =
			    sampler_make(CU_TR_ADDRESS_MODE_CLAMP, CU_TR_FILTER_MODE_POINT, false);

			image.format = cases[i].format;
			image.channels = channels;
			image.texel_bytes = channels * cases[i].bytes;
			image.levels[0].width = 2;
			sampler.normalized_values = cases[i].normalized;
			for (uint32_t c = 0; c < channels; c++)
				memcpy((char *)(uintptr_t)image.levels[0].address + c * cases[i].bytes, &cases[i].raw,
				       cases[i].bytes);
			texture_run("tex.1d.v4.u32.s32 {%r0,%r1,%r2,%r3}, [%t, {%x0}];",
				    texture_enter(&image, &sampler), in, out);
			for (uint32_t c = 0; c < 4; c++)
				ck_assert_uint_eq(out[0][c], c < channels ? cases[i].wanted : 0);
		}
}
END_TEST

START_TEST(halves_and_offsets)
{
	struct cpu_image image = image_make(CPU_SHAPE_2D, false);
	struct cpu_sampler sampler = sampler_make(CU_TR_ADDRESS_MODE_CLAMP, CU_TR_FILTER_MODE_POINT, false);
	uint64_t texture = texture_enter(&image, &sampler);
	float in[32][6] = {{1.5f, 1.5f}, {6.5f, 2.5f}};
	uint32_t bits[32][4];
	float out[32][4];

	texture_run("tex.2d.v2.f16x2.f32 {%r0,%r1}, [%t, {%f0,%f1}];", texture, in, bits);
	ck_assert_uint_eq(bits[0][0], 0x4880); /* 9 */
	texture_run("tex.2d.v4.f16.f32 {%h0,%h1,%h2,%h3}, [%t, {%f0,%f1}]; cvt.u32.u16 %r0, %h0;", texture, in, bits);
	ck_assert_uint_eq(bits[1][0], 0x4d80); /* 22 */
	texture_run("mov.u32 %x2, 2; mov.u32 %x3, -1; tex.2d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0,%f1}], {%x2,%x3};",
		    texture, in, out);
	ck_assert_float_eq(out[0][0], 3);
	ck_assert_float_eq(out[1][0], 8 + 7);
}
END_TEST

/* The example of the guide: 2.49805 - 0.5 is nearest to 2, so that texels 2 and 3 are given. */
START_TEST(gathers)
{
	struct cpu_image image = image_make(CPU_SHAPE_2D, false);
	struct cpu_sampler sampler = sampler_make(CU_TR_ADDRESS_MODE_CLAMP, CU_TR_FILTER_MODE_POINT, false);
	uint64_t texture = texture_enter(&image, &sampler);
	float in[32][6] = {{2.0f, 1.0f}, {2.49805f, 1.0f}}, out[32][4];

	texture_run("tld4.r.2d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0,%f1}];", texture, in, out);
	ck_assert_float_eq(out[0][0], 8 + 1);
	ck_assert_float_eq(out[0][1], 8 + 2);
	ck_assert_float_eq(out[0][2], 2);
	ck_assert_float_eq(out[0][3], 1);
	ck_assert_float_eq(out[1][3], 2);
	ck_assert_float_eq(out[1][2], 3);
	texture_run("tld4.g.2d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0,%f1}];", texture, in, out);
	ck_assert_float_eq(out[0][0], 0);
}
END_TEST

static struct cpu_image mipmap_make(void)
{
	struct cpu_image image = image_make(CPU_SHAPE_2D, false);
	float *texels = device_alloc(3 * 512);

	image.base = (uintptr_t)texels;
	image.bytes = 3 * 512;
	image.level_count = 3;
	for (uint32_t i = 0; i < 3; i++) {
		image.levels[i] = (struct cpu_level){(uintptr_t)texels + 512 * i, 8 >> i, 8 >> i, 1, 32 >> i, 0};
		for (int k = 0; k < 128; k++)
			texels[128 * i + (uint32_t)k] = (float)(10 * i);
	}
	return image;
}

START_TEST(levels)
{
	struct cpu_image image = mipmap_make();
	struct cpu_sampler sampler = sampler_make(CU_TR_ADDRESS_MODE_CLAMP, CU_TR_FILTER_MODE_LINEAR, true);
	static const char by_level[] = "tex.level.2d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0,%f1}], %f2;";
	float in[32][6] = {{.3f, .3f, 0},     {.3f, .3f, .49f}, {.3f, .3f, .51f},
			   {.3f, .3f, 1.25f}, {.3f, .3f, 9},    {.3f, .3f, -3}};
	float gradients[32][6] = {{.3f, .3f, 2 / 8.0f, 0, 0, 0}, {.3f, .3f, 0, 0, 0, 4 / 8.0f}, {.3f, .3f, 0, 0, 0, 0}};
	float out[32][4];
	const float nearest[] = {0, 0, 10, 10, 20, 0}, between[] = {0, 4.9f, 5.1f, 12.5f, 20, 0};

	texture_run(by_level, texture_enter(&image, &sampler), in, out);
	for (int i = 0; i < 6; i++)
		ck_assert_float_eq(out[i][0], nearest[i]);
	sampler.mipmap_filter = CU_TR_FILTER_MODE_LINEAR;
	texture_run(by_level, texture_enter(&image, &sampler), in, out);
	for (int i = 0; i < 6; i++)
		ck_assert_float_eq_tol(out[i][0], between[i], 10 / 512.0 + 1e-5);
	texture_run("tex.grad.2d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0,%f1}], {%f2,%f3}, {%f4,%f5};",
		    texture_enter(&image, &sampler), gradients, out);
	ck_assert_float_eq(out[0][0], 10);
	ck_assert_float_eq(out[1][0], 20);
	ck_assert_float_eq(out[2][0], 0);
	sampler.bias = 1;
	sampler.highest_level = 1.5f;
	texture_run(by_level, texture_enter(&image, &sampler), in, out);
	ck_assert_float_eq(out[0][0], 10);
	ck_assert_float_eq(out[4][0], 15);
}
END_TEST

START_TEST(questions)
{
	struct cpu_image image = mipmap_make(), layered = image_make(CPU_SHAPE_1D, true);
	struct cpu_sampler sampler = sampler_make(CU_TR_ADDRESS_MODE_MIRROR, CU_TR_FILTER_MODE_LINEAR, true);
	uint64_t texture = texture_enter(&image, &sampler), surface = surface_enter(&layered);
	uint32_t in[32][6] = {{0}}, out[32][4];

	texture_run("txq.width.b32 %r0, [%t]; txq.height.b32 %r1, [%t]; txq.num_mipmap_levels.b32 %r2, [%t];"
		    "txq.addr_mode_1.b32 %r3, [%t];",
		    texture, in, out);
	ck_assert_uint_eq(out[31][0], 8);
	ck_assert_uint_eq(out[31][1], 8);
	ck_assert_uint_eq(out[31][2], 3);
	ck_assert_uint_eq(out[31][3], CU_TR_ADDRESS_MODE_MIRROR);
	texture_run(
	    "txq.level.width.b32 %r0, [%t], 1; txq.filter_mode.b32 %r1, [%t]; txq.normalized_coords.b32 %r2, [%t];",
	    texture, in, out);
	ck_assert_uint_eq(out[0][0], 4);
	ck_assert_uint_eq(out[0][1], CU_TR_FILTER_MODE_LINEAR);
	ck_assert_uint_eq(out[0][2], 1);
	texture_run("suq.width.b32 %r0, [%t]; suq.height.b32 %r1, [%t]; suq.array_size.b32 %r2, [%t];"
		    "suq.channel_order.b32 %r3, [%t];",
		    surface, in, out);
	ck_assert_uint_eq(out[0][0], WIDTH);
	ck_assert_uint_eq(out[0][1], 0);
	ck_assert_uint_eq(out[0][2], DEPTH);
	ck_assert_uint_eq(out[0][3], 1);
	texture_run("istypep.texref %p0, %t; selp.u32 %r0, 1, 0, %p0; istypep.surfref %p1, %t; selp.u32 %r1, 1, 0, %p1;"
		    "istypep.samplerref %p2, %t; selp.u32 %r2, 1, 0, %p2;",
		    texture, in, out);
	ck_assert_uint_eq(out[0][0], 1);
	ck_assert_uint_eq(out[0][1], 0);
	ck_assert_uint_eq(out[0][2], 0);
}
END_TEST

START_TEST(surfaces_load_and_store)
{
	struct cpu_image image = image_make(CPU_SHAPE_2D, false);
	uint64_t surface = surface_enter(&image);
	const float *texels = (const float *)(uintptr_t)image.levels[0].address;
	int32_t in[32][6] = {{0}};
	float out[32][4];

	for (int i = 0; i < 32; i++) {
		in[i][0] = i % WIDTH * 4;
		in[i][1] = i / WIDTH;
	}
	texture_run("suld.b.2d.b32.trap {%r0}, [%t, {%x0,%x1}]; mov.b32 %f0, %r0; add.f32 %f0, %f0, 0f3f800000;"
		    "mov.b32 %x2, %f0; sust.b.2d.b32.trap [%t, {%x0,%x1}], {%x2};",
		    surface, in, out);
	for (int i = 0; i < 32; i++) {
		ck_assert_float_eq(out[i][0], (float)i);
		ck_assert_float_eq(texels[i], (float)i + 1);
	}
	/* Outside: nothing, and the edge. */
	in[0][0] = -4;
	in[1][1] = HEIGHT;
	in[2][0] = 1 << 30;
	texture_run("suld.b.2d.b32.zero {%r0}, [%t, {%x0,%x1}]; suld.b.2d.b32.clamp {%r1}, [%t, {%x0,%x1}];"
		    "sust.b.2d.b32.zero [%t, {%x0,%x1}], {%x4};",
		    surface, in, out);
	for (int i = 0; i < 3; i++)
		ck_assert_float_eq(out[i][0], 0);
	ck_assert_float_eq(out[0][1], 1);
	ck_assert_float_eq(out[1][1], 3 * WIDTH + 2);
	ck_assert_float_eq(out[2][1], WIDTH);
	ck_assert_float_eq(texels[0], 1);
	ck_assert_float_eq(texels[3], 0);
}
END_TEST

START_TEST(wide_surface_accesses)
{
	struct cpu_image image = image_make(CPU_SHAPE_3D, false);
	uint64_t surface = surface_enter(&image);
	int32_t in[32][6] = {{0, 1, 2}, {16, 3, 0}};
	float out[32][4];

	for (int i = 2; i < 32; i++)
		in[i][2] = i % DEPTH;
	texture_run("suld.b.3d.v4.b32.trap {%r0,%r1,%r2,%r3}, [%t, {%x0,%x1,%x2,%x2}];", surface, in, out);
	for (int k = 0; k < 4; k++) {
		ck_assert_float_eq(out[0][k], (float)(2 * 32 + 8 + k));
		ck_assert_float_eq(out[1][k], (float)(3 * 8 + 4 + k));
	}
	texture_run(
	    "suld.b.3d.v2.b64.trap {%l0,%l1}, [%t, {%x0,%x1,%x2,%x2}]; mov.b64 {%r0,%r1}, %l0; mov.b64 {%r2,%r3}, %l1;",
	    surface, in, out);
	for (int k = 0; k < 4; k++)
		ck_assert_float_eq(out[0][k], (float)(2 * 32 + 8 + k));
	texture_run("suld.b.3d.b16.trap {%h0}, [%t, {%x0,%x1,%x2,%x2}]; cvt.u32.u16 %r0, %h0;", surface, in, out);
	{
		uint32_t bits;

		memcpy(&bits, &out[1][0], sizeof(bits)); /* the lower half of 28.0f */
		ck_assert_uint_eq(bits, 0);
	}
}
END_TEST

START_TEST(formatted_stores_and_reductions)
{
	struct cpu_image image = image_make(CPU_SHAPE_1D, false);
	uint8_t *bytes = (uint8_t *)(uintptr_t)image.levels[0].address;
	uint32_t *words = (uint32_t *)(void *)bytes;
	int32_t in[32][6], out[32][4];
	uint64_t words_surface;

	for (int i = 0; i < 32; i++)
		memcpy(in[i], (int32_t[6]){0, i, -5, 7}, sizeof(in[i]));
	image.format = CU_AD_FORMAT_UNSIGNED_INT32;
	words_surface = surface_enter(&image);
	memset(bytes, 0, 32);
	texture_run(
	    "sured.b.add.1d.u32.trap [%t, {%x0}], %x3; add.u32 %x4, %x0, 4; sured.b.max.1d.s32.trap [%t, {%x4}], %x1;"
	    "add.u32 %x4, %x0, 2; sured.p.min.1d.s32.trap [%t, {%x4}], %x2; add.u32 %x4, %x0, 3;"
	    "sured.p.or.1d.b32.trap [%t, {%x4}], %x1;",
	    words_surface, in, out);
	ck_assert_uint_eq(words[0], 32 * 7);
	ck_assert_uint_eq(words[1], 31);
	ck_assert_uint_eq(words[2], (uint32_t)-5);
	ck_assert_uint_eq(words[3], 31);
	image.format = CU_AD_FORMAT_SIGNED_INT8;
	image.channels = 2;
	image.texel_bytes = 2;
	for (int i = 0; i < 32; i++)
		memcpy(in[i], (int32_t[6]){i % 8, i % 8, -500, 100}, sizeof(in[i]));
	texture_run("sust.p.1d.v2.s32.trap [%t, {%x0}], {%x2,%x3};", surface_enter(&image), in, out);
	for (int i = 0; i < 16; i += 2) {
		ck_assert_int_eq((int8_t)bytes[i], -128);
		ck_assert_int_eq((int8_t)bytes[i + 1], 100);
	}
}
END_TEST

/* What must fail: the body, and words of the message. */
static void failure_check(const char *body, uint64_t texture, CUresult wanted, const char *words)
{
	char text[2048];
	struct cpu_module *module;
	CUresult result;

	snprintf(text, sizeof(text),
		 "%s.visible .entry k(.param .u64 pt)\n{\n.reg .b32 %%r<8>; .reg .f32 %%f<4>; .reg .b64 %%t;\n"
		 "ld.param.u64 %%t, [pt]; mov.u32 %%r4, 4; mov.u32 %%r5, -4; mov.u32 %%r6, 2; mov.b32 %%f0, "
		 "%%r4;\n%s\nret;\n}\n",
		 head, body);
	module = module_load(text);
	result = kernel_try(module, "k", 1, 1, 0, &texture);
	ck_assert_msg(result == wanted, "%s: %d, %s", body, result, message);
	ck_assert_msg(strstr(message, words) != NULL, "%s: %s", body, message);
}

START_TEST(faults)
{
	struct cpu_image image = image_make(CPU_SHAPE_2D, false), gone = image_make(CPU_SHAPE_1D, false);
	struct cpu_sampler sampler = sampler_make(CU_TR_ADDRESS_MODE_CLAMP, CU_TR_FILTER_MODE_POINT, false);
	uint64_t texture = texture_enter(&image, &sampler), surface = surface_enter(&image), ended, freed;

	failure_check("suld.b.2d.b32.trap {%r0}, [%t, {%r5,%r4}];", surface, CUDA_ERROR_ILLEGAL_ADDRESS, "outside");
	failure_check("sust.b.2d.b32 [%t, {%r4,%r4}], {%r0};", surface, CUDA_ERROR_ILLEGAL_ADDRESS, "outside");
	failure_check("mov.u32 %r4, 0; suld.b.2d.b32.trap {%r0}, [%t, {%r6,%r4}];", surface,
		      CUDA_ERROR_MISALIGNED_ADDRESS, "4-byte surface access");
	failure_check("tex.2d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0,%f0}];", surface, CUDA_ERROR_ILLEGAL_ADDRESS,
		      "is not a texture object");
	failure_check("tex.2d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0,%f0}];", 0, CUDA_ERROR_ILLEGAL_ADDRESS,
		      "is not a texture object");
	failure_check("txq.width.b32 %r0, [%t];", 1234, CUDA_ERROR_ILLEGAL_ADDRESS, "is not a texture object");
	failure_check("tex.3d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0,%f0,%f0,%f0}];", texture,
		      CUDA_ERROR_ILLEGAL_ADDRESS, "another shape");
	failure_check("suld.b.1d.b32.trap {%r0}, [%t, {%r5}];", surface, CUDA_ERROR_ILLEGAL_ADDRESS, "another shape");
	ended = texture_enter(&image, &sampler);
	cpu_texture_leave(ended);
	failure_check("tex.2d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0,%f0}];", ended, CUDA_ERROR_ILLEGAL_ADDRESS,
		      "is not a texture object");
	freed = texture_enter(&gone, &sampler);
	ck_assert_int_eq(cpu_memory_free(memory, gone.base), CUDA_SUCCESS);
	failure_check("tex.1d.v4.f32.s32 {%r0,%r1,%r2,%r3}, [%t, {%r4}];", freed, CUDA_ERROR_ILLEGAL_ADDRESS, "freed");
	failure_check("tex.2d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0,%f0}], %f0;", texture, CUDA_ERROR_INVALID_PTX,
		      "depth comparison");
	failure_check("tex.2dms.v4.f32.s32 {%r0,%r1,%r2,%r3}, [%t, {%r0,%r0,%r0,%r0}];", texture,
		      CUDA_ERROR_INVALID_PTX, "not supported");
	failure_check("tex.2d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, {%f0}];", texture, CUDA_ERROR_INVALID_PTX, "vector");
	failure_check("tex.2d.v4.f32.f32 {%r0,%r1}, [%t, {%f0,%f0}];", texture, CUDA_ERROR_INVALID_PTX, "");
}
END_TEST

/* References hold the number of what is bound to them; the sampler is one that the text declares. */
START_TEST(references)
{
	static const char text[] =
	    ".version 8.0\n.target sm_75, texmode_independent\n.address_size 64\n"
	    ".global .texref tex_a;\n.global .surfref surf_a;\n"
	    ".global .samplerref smpl = { addr_mode_0 = clamp_to_border, addr_mode_1 = wrap, filter_mode = nearest,"
	    " force_unnormalized_coords = 1 };\n"
	    ".visible .entry k(.param .u64 po)\n{\n.reg .b32 %r<8>; .reg .f32 %f<4>; .reg .b64 %o, %t;\n"
	    "ld.param.u64 %o, [po]; mov.f32 %f0, 0f40200000; mov.f32 %f1, 0fc0200000; mov.u32 %r4, 8; mov.u32 %r5, 0;\n"
	    "tex.2d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [tex_a, smpl, {%f0,%f0}]; st.global.u32 [%o], %r0;\n"
	    "mov.u64 %t, tex_a;\n"
	    "tex.2d.v4.f32.f32 {%r0,%r1,%r2,%r3}, [%t, smpl, {%f1,%f0}]; st.global.u32 [%o+4], %r0;\n"
	    "suld.b.2d.b32.trap {%r0}, [surf_a, {%r4,%r5}]; st.global.u32 [%o+8], %r0;\nret;\n}\n";
	struct cpu_module *module = module_load(text);
	struct cpu_image image = image_make(CPU_SHAPE_2D, false);
	struct cpu_sampler sampler = sampler_make(CU_TR_ADDRESS_MODE_CLAMP, CU_TR_FILTER_MODE_LINEAR, true);
	float *out = device_alloc(16);
	uint64_t address, value;
	size_t size;

	ck_assert(cpu_module_find_variable(module, "tex_a", &address, &size));
	ck_assert_uint_eq(size, 8);
	value = texture_enter(&image, &sampler);
	memcpy((void *)(uintptr_t)address, &value, 8);
	ck_assert(cpu_module_find_reference(module, "surf_a", true, &address));
	ck_assert(!cpu_module_find_reference(module, "surf_a", false, &value));
	ck_assert(!cpu_module_find_reference(module, "smpl", false, &value));
	value = surface_enter(&image);
	memcpy((void *)(uintptr_t)address, &value, 8);
	kernel_run(module, "k", 1, 1, 0, &out);
	ck_assert_float_eq(out[0], 2 * WIDTH + 2);
	ck_assert_float_eq(out[1], 0); /* the border */
	ck_assert_float_eq(out[2], 2);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {fetches_follow_the_guide,
				      layers_are_clamped,
				      cubes_have_faces,
				      seamless_cubes_filter_across_edges,
				      formats,
				      halves_and_offsets,
				      gathers,
				      levels,
				      questions,
				      surfaces_load_and_store,
				      wide_surface_accesses,
				      formatted_stores_and_reductions,
				      faults,
				      references};

	return suite_run("textures", tests, sizeof(tests) / sizeof(*tests));
}
