/*
 * Textures and surfaces of every shape: lines, pictures, volumes, layers, cubes and mipmaps, filtered and not, and the
 * copies that fill them. Each part compares what kernels fetch with what the host computes.
 */
#include <math.h>

#include <vector>

#include "check.h"
#include "options.h"

static const int block_size = 128;

struct point {
	float x, y, z;
	int layer;
};

enum shape { LINE, FLAT, VOLUME, LINES, FLATS, CUBE, CUBES, LEVEL, GRADIENT };

__global__ void fetch(cudaTextureObject_t texture, shape shape, const point *points, float *values, int count)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i >= count)
		return;
	point p = points[i];
	switch (shape) {
	case LINE:
		values[i] = tex1D<float>(texture, p.x);
		break;
	case FLAT:
		values[i] = tex2D<float>(texture, p.x, p.y);
		break;
	case VOLUME:
		values[i] = tex3D<float>(texture, p.x, p.y, p.z);
		break;
	case LINES:
		values[i] = tex1DLayered<float>(texture, p.x, p.layer);
		break;
	case FLATS:
		values[i] = tex2DLayered<float>(texture, p.x, p.y, p.layer);
		break;
	case CUBE:
		values[i] = texCubemap<float>(texture, p.x, p.y, p.z);
		break;
	case CUBES:
		values[i] = texCubemapLayered<float>(texture, p.x, p.y, p.z, p.layer);
		break;
	case LEVEL:
		values[i] = tex2DLod<float>(texture, p.x, p.y, p.z);
		break;
	case GRADIENT:
		values[i] = tex2DGrad<float>(texture, p.x, p.y, make_float2(p.z, 0), make_float2(0, p.z));
		break;
	}
}

__global__ void fetch_pixels(cudaTextureObject_t texture, uchar4 *pixels, float4 *colors, int width, int count)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i >= count)
		return;
	if (colors)
		colors[i] = tex2D<float4>(texture, i % width + 0.5f, i / width + 0.5f);
	else
		pixels[i] = tex2D<uchar4>(texture, i % width + 0.5f, i / width + 0.5f);
}

__global__ void fetch_elements(cudaTextureObject_t texture, int *values, int count)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < count)
		values[i] = tex1Dfetch<int>(texture, i);
}

__global__ void gather(cudaTextureObject_t texture, float4 *corners, int width, int count)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < count)
		corners[i] = tex2Dgather<float4>(texture, i % width + 1.0f, i / width + 1.0f, 0);
}

/* Mirrors each row, and doubles the values. */
__global__ void mirror(cudaSurfaceObject_t from, cudaSurfaceObject_t to, int width, int height)
{
	int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y;
	float value;

	if (x >= width || y >= height)
		return;
	surf2Dread(&value, from, x * (int)sizeof(float), y);
	surf2Dwrite(2 * value, to, (width - 1 - x) * (int)sizeof(float), y);
}

/* Writes a number of the place into every texel of a volume, and reads beyond its edges. */
__global__ void number(cudaSurfaceObject_t volume, int width, int height, float *beyond)
{
	int x = threadIdx.x, y = threadIdx.y, z = blockIdx.x;
	float value = (float)((z * height + y) * width + x);

	surf3Dwrite(value, volume, x * (int)sizeof(float), y, z);
	if (x == 0 && y == 0 && z == 0) {
		surf3Dread(&beyond[0], volume, -4, 0, 0, cudaBoundaryModeZero);
		surf3Dwrite(77.0f, volume, width * (int)sizeof(float), 0, 0, cudaBoundaryModeZero);
	}
}

static bool all_passed = true;

static void report(const char *part, bool passed, double sum)
{
	printf("%-24s %s, sum %.0f\n", part, passed ? "passed" : "FAILED", sum);
	all_passed &= passed;
}

template <typename T> static T *device_copy(const std::vector<T> &host)
{
	T *device;

	CHECK(cudaMalloc(&device, host.size() * sizeof(T)));
	CHECK(cudaMemcpy(device, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice));
	return device;
}

template <typename T> static std::vector<T> host_copy(const T *device, size_t count)
{
	std::vector<T> host(count);

	CHECK(cudaMemcpy(host.data(), device, count * sizeof(T), cudaMemcpyDeviceToHost));
	return host;
}

static unsigned int blocks_for(size_t count)
{
	return (unsigned int)((count + block_size - 1) / block_size);
}

/* Fetches at all points and compares; `tolerance` is for filtered values. */
static void compare(const char *part, cudaTextureObject_t texture, shape shape, const std::vector<point> &points,
		    const std::vector<float> &wanted, float tolerance)
{
	point *device_points = device_copy(points);
	float *device_values;
	double sum = 0;
	bool passed = true;

	CHECK(cudaMalloc(&device_values, points.size() * sizeof(float)));
	fetch<<<blocks_for(points.size()), block_size>>>(texture, shape, device_points, device_values,
							 (int)points.size());
	CHECK(cudaGetLastError());
	std::vector<float> values = host_copy(device_values, points.size());
	for (size_t i = 0; i < values.size(); i++) {
		passed &= fabsf(values[i] - wanted[i]) <= tolerance;
		sum += wanted[i];
	}
	report(part, passed, sum);
	CHECK(cudaFree(device_points));
	CHECK(cudaFree(device_values));
}

static std::vector<float> random_texels(size_t count)
{
	std::vector<float> texels(count);
	uint32_t state = 3;

	for (float &texel : texels)
		texel = (float)(sample_random(&state) % 1000);
	return texels;
}

static float random_coordinate(uint32_t *state, float low, float high)
{
	return low + (high - low) * (float)(sample_random(state) % 65536) / 65536;
}

struct setup {
	cudaTextureAddressMode mode;
	cudaTextureFilterMode filter;
	bool normalized;
};

static cudaTextureObject_t texture_of(const cudaResourceDesc &resource, const setup &setup, cudaTextureReadMode read)
{
	cudaTextureDesc description = {};
	cudaTextureObject_t texture;

	for (int i = 0; i < 3; i++)
		description.addressMode[i] = setup.mode;
	description.filterMode = description.mipmapFilterMode = setup.filter;
	description.normalizedCoords = setup.normalized;
	description.readMode = read;
	description.maxMipmapLevelClamp = 100;
	CHECK(cudaCreateTextureObject(&texture, &resource, &description, NULL));
	return texture;
}

static cudaTextureObject_t texture_of(cudaArray_t array, const setup &setup)
{
	cudaResourceDesc resource = {};

	resource.resType = cudaResourceTypeArray;
	resource.res.array.array = array;
	return texture_of(resource, setup, cudaReadModeElementType);
}

/* Makes an array of floats and fills it with a three-dimensional copy. */
static cudaArray_t array_of(const std::vector<float> &texels, cudaExtent extent, unsigned int flags)
{
	cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
	cudaMemcpy3DParms copy = {};
	cudaArray_t array;

	CHECK(cudaMalloc3DArray(&array, &format, extent, flags));
	copy.extent = make_cudaExtent(extent.width, extent.height ? extent.height : 1, extent.depth ? extent.depth : 1);
	copy.srcPtr =
	    make_cudaPitchedPtr((void *)texels.data(), extent.width * sizeof(float), extent.width, copy.extent.height);
	copy.dstArray = array;
	copy.kind = cudaMemcpyHostToDevice;
	CHECK(cudaMemcpy3D(&copy));
	return array;
}

/* ---- What a fetch gives, by the appendix on texture fetching of the programming guide ---- */

struct picture {
	const float *texels;
	int size[3], dimensions;
};

static float texel_at(const picture &picture, const int *place, cudaTextureAddressMode mode)
{
	size_t index = 0;

	for (int i = 2; i >= 0; i--) {
		int at = place[i], size = picture.size[i];

		if (at < 0 || at >= size) {
			if (mode == cudaAddressModeBorder)
				return 0;
			at = mode == cudaAddressModeWrap ? (at % size + size) % size : at < 0 ? 0 : size - 1;
		}
		index = index * size + at;
	}
	return picture.texels[index];
}

static float unnormalized(float x, cudaTextureAddressMode mode, int size)
{
	float whole = floorf(x);

	if (mode == cudaAddressModeWrap)
		x -= whole;
	else if (mode == cudaAddressModeMirror)
		x = fmodf(whole, 2) != 0 ? 1 - (x - whole) : x - whole;
	return x * (float)size;
}

static float fetched(const picture &picture, const point &point, const setup &setup)
{
	const float at[3] = {point.x, point.y, point.z};
	bool linear = setup.filter == cudaFilterModeLinear;
	float weight[3] = {}, sum = 0;
	int first[3] = {};

	for (int i = 0; i < picture.dimensions; i++) {
		float x = setup.normalized ? unnormalized(at[i], setup.mode, picture.size[i]) : at[i];

		if (linear)
			x -= 0.5f;
		first[i] = (int)floorf(x);
		weight[i] = linear ? floorf((x - (float)first[i]) * 256 + 0.5f) / 256 : 0;
	}
	for (int corner = 0; corner < 1 << picture.dimensions; corner++) {
		int place[3];
		float factor = 1;

		for (int i = 0; i < 3; i++) {
			int second = corner >> i & 1;

			place[i] = first[i] + second;
			factor *= second ? weight[i] : 1 - weight[i];
		}
		if (factor != 0)
			sum += factor * texel_at(picture, place, setup.mode);
	}
	return sum;
}

/* ---- The parts ---- */

static const struct {
	const char *name;
	shape shape;
	int size[3], dimensions;
} pictures[] = {{"line", LINE, {37, 1, 1}, 1}, {"flat", FLAT, {37, 11, 1}, 2}, {"volume", VOLUME, {13, 7, 5}, 3}};

static const struct {
	const char *name;
	setup setup;
} setups[] = {{"wrapped", {cudaAddressModeWrap, cudaFilterModePoint, true}},
	      {"wrapped, filtered", {cudaAddressModeWrap, cudaFilterModeLinear, true}},
	      {"mirrored, filtered", {cudaAddressModeMirror, cudaFilterModeLinear, true}},
	      {"clamped", {cudaAddressModeClamp, cudaFilterModePoint, false}},
	      {"clamped, filtered", {cudaAddressModeClamp, cudaFilterModeLinear, false}},
	      {"border, filtered", {cudaAddressModeBorder, cudaFilterModeLinear, false}}};

static void check_pictures(int count)
{
	uint32_t state = 7;

	for (const auto &p : pictures) {
		std::vector<float> texels = random_texels((size_t)p.size[0] * p.size[1] * p.size[2]);
		cudaArray_t array = array_of(
		    texels,
		    make_cudaExtent(p.size[0], p.dimensions > 1 ? p.size[1] : 0, p.dimensions > 2 ? p.size[2] : 0),
		    cudaArrayDefault);
		picture picture = {texels.data(), {p.size[0], p.size[1], p.size[2]}, p.dimensions};

		for (const auto &s : setups) {
			cudaTextureObject_t texture = texture_of(array, s.setup);
			std::vector<point> points(count);
			std::vector<float> wanted(count);
			char part[64];

			for (int i = 0; i < count; i++) {
				float at[3];

				for (int k = 0; k < 3; k++)
					at[k] = s.setup.normalized ? random_coordinate(&state, -2.5f, 2.5f)
								   : random_coordinate(&state, -2, p.size[k] + 2);
				points[i] = {at[0], at[1], at[2], 0};
				wanted[i] = fetched(picture, points[i], s.setup);
			}
			snprintf(part, sizeof(part), "%s %s", p.name, s.name);
			/* A weight that is rounded the other way makes a difference of 1/256 of two texels'. */
			compare(part, texture, p.shape, points, wanted, s.setup.filter ? 1000 / 256.0f * 3 : 0);
			CHECK(cudaDestroyTextureObject(texture));
		}
		CHECK(cudaFreeArray(array));
	}
}

static void check_layers(void)
{
	const int width = 9, height = 5, layers = 4;
	const setup plain = {cudaAddressModeClamp, cudaFilterModePoint, false};
	std::vector<float> texels = random_texels((size_t)width * height * layers);
	std::vector<point> points;
	std::vector<float> wanted, wanted_line;

	for (int layer = 0; layer < layers; layer++)
		for (int i = 0; i < width * height; i++) {
			points.push_back({i % width + 0.5f, i / width + 0.5f, 0, layer});
			wanted.push_back(texels[layer * width * height + i]);
			wanted_line.push_back(texels[layer * width + i % width]);
		}
	cudaArray_t flats = array_of(texels, make_cudaExtent(width, height, layers), cudaArrayLayered);
	cudaArray_t lines = array_of(texels, make_cudaExtent(width, 0, layers), cudaArrayLayered);
	cudaTextureObject_t texture = texture_of(flats, plain), line_texture = texture_of(lines, plain);
	compare("layers", texture, FLATS, points, wanted, 0);
	compare("layers of lines", line_texture, LINES, points, wanted_line, 0);
	CHECK(cudaDestroyTextureObject(texture));
	CHECK(cudaDestroyTextureObject(line_texture));
	CHECK(cudaFreeArray(flats));
	CHECK(cudaFreeArray(lines));
}

/* The directions of the axes, each to the middle of a face. */
static void check_cubes(void)
{
	const int size = 5, cubes = 2;
	const setup plain = {cudaAddressModeClamp, cudaFilterModePoint, true};
	std::vector<float> texels = random_texels((size_t)size * size * 6 * cubes);
	std::vector<point> points;
	std::vector<float> wanted, wanted_layered;

	for (int face = 0; face < 6; face++) {
		float direction[3] = {};

		direction[face / 2] = face % 2 ? -3.0f : 3.0f;
		points.push_back({direction[0], direction[1], direction[2], 1});
		wanted.push_back(texels[face * size * size + size * size / 2]);
		wanted_layered.push_back(texels[(6 + face) * size * size + size * size / 2]);
	}
	cudaArray_t cube = array_of(texels, make_cudaExtent(size, size, 6), cudaArrayCubemap);
	cudaArray_t layered =
	    array_of(texels, make_cudaExtent(size, size, 6 * cubes), cudaArrayCubemap | cudaArrayLayered);
	cudaTextureObject_t texture = texture_of(cube, plain), layered_texture = texture_of(layered, plain);
	compare("cube", texture, CUBE, points, wanted, 0);
	compare("layers of cubes", layered_texture, CUBES, points, wanted_layered, 0);
	CHECK(cudaDestroyTextureObject(texture));
	CHECK(cudaDestroyTextureObject(layered_texture));
	CHECK(cudaFreeArray(cube));
	CHECK(cudaFreeArray(layered));
}

/* Each level has one value, ten times its number. */
static void check_mipmap(void)
{
	const int size = 16, levels = 5;
	cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
	cudaMipmappedArray_t mipmap;
	cudaResourceDesc resource = {};

	CHECK(cudaMallocMipmappedArray(&mipmap, &format, make_cudaExtent(size, size, 0), levels));
	for (int level = 0; level < levels; level++) {
		std::vector<float> texels((size_t)(size >> level) * (size >> level), 10.0f * level);
		size_t row = (size >> level) * sizeof(float);
		cudaArray_t array;

		CHECK(cudaGetMipmappedArrayLevel(&array, mipmap, level));
		CHECK(cudaMemcpy2DToArray(array, 0, 0, texels.data(), row, row, size >> level, cudaMemcpyHostToDevice));
	}
	resource.resType = cudaResourceTypeMipmappedArray;
	resource.res.mipmap.mipmap = mipmap;
	cudaTextureObject_t texture =
	    texture_of(resource, {cudaAddressModeWrap, cudaFilterModeLinear, true}, cudaReadModeElementType);
	compare("mipmap", texture, LEVEL, {{.1f, .7f, 0, 0}, {.1f, .7f, 1, 0}, {.6f, .2f, 2.5f, 0}, {.6f, .2f, 99, 0}},
		{0, 10, 25, 40}, 0);
	compare("mipmap by gradients", texture, GRADIENT,
		{{.1f, .7f, 1 / 16.0f, 0}, {.1f, .7f, 2 / 16.0f, 0}, {.6f, .2f, 8 / 16.0f, 0}}, {0, 10, 30}, 0);
	CHECK(cudaDestroyTextureObject(texture));
	CHECK(cudaFreeMipmappedArray(mipmap));
}

/* Pixels in pitched memory, as bytes and as colours from 0 to 1. */
static void check_pixels(void)
{
	const int width = 33, height = 9;
	std::vector<uchar4> pixels((size_t)width * height);
	cudaResourceDesc resource = {};
	uchar4 *device, *fetched;
	float4 *colors;
	size_t pitch;
	double sum = 0;
	bool passed = true;

	for (size_t i = 0; i < pixels.size(); i++)
		pixels[i] = make_uchar4(i % 256, i * 7 % 256, i * 31 % 256, 255);
	CHECK(cudaMallocPitch(&device, &pitch, width * sizeof(uchar4), height));
	CHECK(cudaMemcpy2D(device, pitch, pixels.data(), width * sizeof(uchar4), width * sizeof(uchar4), height,
			   cudaMemcpyHostToDevice));
	CHECK(cudaMalloc(&fetched, pixels.size() * sizeof(uchar4)));
	CHECK(cudaMalloc(&colors, pixels.size() * sizeof(float4)));
	resource.resType = cudaResourceTypePitch2D;
	resource.res.pitch2D.devPtr = device;
	resource.res.pitch2D.desc = cudaCreateChannelDesc<uchar4>();
	resource.res.pitch2D.width = width;
	resource.res.pitch2D.height = height;
	resource.res.pitch2D.pitchInBytes = pitch;
	setup plain = {cudaAddressModeClamp, cudaFilterModePoint, false};
	cudaTextureObject_t bytes = texture_of(resource, plain, cudaReadModeElementType);
	cudaTextureObject_t floats = texture_of(resource, plain, cudaReadModeNormalizedFloat);
	fetch_pixels<<<blocks_for(pixels.size()), block_size>>>(bytes, fetched, NULL, width, width * height);
	fetch_pixels<<<blocks_for(pixels.size()), block_size>>>(floats, NULL, colors, width, width * height);
	std::vector<uchar4> back = host_copy(fetched, pixels.size());
	std::vector<float4> back_colors = host_copy(colors, pixels.size());
	for (size_t i = 0; i < pixels.size(); i++) {
		passed &= back[i].x == pixels[i].x && back[i].y == pixels[i].y && back[i].w == 255;
		passed &= fabsf(back_colors[i].z - pixels[i].z / 255.0f) < 1e-6f && back_colors[i].w == 1;
		sum += pixels[i].y;
	}
	report("pixels", passed, sum);
	CHECK(cudaDestroyTextureObject(bytes));
	CHECK(cudaDestroyTextureObject(floats));
	CHECK(cudaFree(device));
	CHECK(cudaFree(fetched));
	CHECK(cudaFree(colors));
}

/* Elements of linear memory; beyond its end there are zeros. */
static void check_elements(int count)
{
	std::vector<int> elements(count);
	cudaResourceDesc resource = {};
	int *fetched;
	double sum = 0;
	bool passed = true;

	for (int i = 0; i < count; i++)
		elements[i] = i * 13 - 500;
	int *device = device_copy(elements);
	CHECK(cudaMalloc(&fetched, 2 * count * sizeof(int)));
	resource.resType = cudaResourceTypeLinear;
	resource.res.linear.devPtr = device;
	resource.res.linear.desc = cudaCreateChannelDesc<int>();
	resource.res.linear.sizeInBytes = count * sizeof(int);
	cudaTextureObject_t texture =
	    texture_of(resource, {cudaAddressModeClamp, cudaFilterModePoint, false}, cudaReadModeElementType);
	fetch_elements<<<blocks_for(2 * count), block_size>>>(texture, fetched, 2 * count);
	std::vector<int> back = host_copy(fetched, 2 * count);
	for (int i = 0; i < 2 * count; i++) {
		passed &= back[i] == (i < count ? elements[i] : 0);
		sum += back[i];
	}
	report("linear memory", passed, sum);
	CHECK(cudaDestroyTextureObject(texture));
	CHECK(cudaFree(device));
	CHECK(cudaFree(fetched));
}

static void check_gather(void)
{
	const int width = 12, height = 6, count = (width - 1) * (height - 1);
	std::vector<float> texels = random_texels((size_t)width * height);
	cudaArray_t array = array_of(texels, make_cudaExtent(width, height, 0), cudaArrayTextureGather);
	cudaTextureObject_t texture = texture_of(array, {cudaAddressModeClamp, cudaFilterModePoint, false});
	float4 *corners;
	double sum = 0;
	bool passed = true;

	CHECK(cudaMalloc(&corners, count * sizeof(float4)));
	gather<<<blocks_for(count), block_size>>>(texture, corners, width - 1, count);
	std::vector<float4> back = host_copy(corners, count);
	for (int i = 0; i < count; i++) {
		const float *corner = &texels[i / (width - 1) * width + i % (width - 1)];

		passed &= back[i].x == corner[width] && back[i].y == corner[width + 1] && back[i].z == corner[1] &&
			  back[i].w == corner[0];
		sum += back[i].x;
	}
	report("gather", passed, sum);
	CHECK(cudaDestroyTextureObject(texture));
	CHECK(cudaFreeArray(array));
	CHECK(cudaFree(corners));
}

static cudaSurfaceObject_t surface_of(cudaArray_t array)
{
	cudaResourceDesc resource = {};
	cudaSurfaceObject_t surface;

	resource.resType = cudaResourceTypeArray;
	resource.res.array.array = array;
	CHECK(cudaCreateSurfaceObject(&surface, &resource));
	return surface;
}

static void check_surface(void)
{
	const int width = 150, height = 11;
	std::vector<float> texels = random_texels((size_t)width * height), back(texels.size());
	cudaExtent extent = make_cudaExtent(width, height, 0);
	cudaArray_t from = array_of(texels, extent, cudaArraySurfaceLoadStore);
	cudaArray_t to = array_of(texels, extent, cudaArraySurfaceLoadStore);
	cudaArray_t copy = array_of(texels, extent, cudaArrayDefault);
	cudaSurfaceObject_t from_surface = surface_of(from), to_surface = surface_of(to);
	size_t row = width * sizeof(float);
	double sum = 0;
	bool passed = true;

	mirror<<<dim3(blocks_for(width), height), block_size>>>(from_surface, to_surface, width, height);
	CHECK(cudaMemcpy2DArrayToArray(copy, 0, 0, to, 0, 0, row, height));
	CHECK(cudaMemcpy2DFromArray(back.data(), row, copy, 0, 0, row, height, cudaMemcpyDeviceToHost));
	for (int i = 0; i < width * height; i++) {
		passed &= back[i] == 2 * texels[i / width * width + width - 1 - i % width];
		sum += back[i];
	}
	report("surface", passed, sum);
	CHECK(cudaDestroySurfaceObject(from_surface));
	CHECK(cudaDestroySurfaceObject(to_surface));
	CHECK(cudaFreeArray(from));
	CHECK(cudaFreeArray(to));
	CHECK(cudaFreeArray(copy));
}

/* Written by a kernel, copied to pitched device memory in a stream, and a box of it to the host. */
static void check_volume_surface(void)
{
	const int width = 16, height = 8, depth = 6, box = 3;
	std::vector<float> texels((size_t)width * height * depth), back(box * box * box);
	cudaArray_t array = array_of(texels, make_cudaExtent(width, height, depth), cudaArraySurfaceLoadStore);
	cudaSurfaceObject_t surface = surface_of(array);
	cudaMemcpy3DParms copy = {};
	cudaPitchedPtr pitched;
	cudaStream_t stream;
	float *beyond;
	double sum = 0;

	CHECK(cudaStreamCreate(&stream));
	CHECK(cudaMalloc(&beyond, sizeof(float)));
	CHECK(cudaMalloc3D(&pitched, make_cudaExtent(width * sizeof(float), height, depth)));
	number<<<depth, dim3(width, height), 0, stream>>>(surface, width, height, beyond);
	copy.srcArray = array;
	copy.dstPtr = pitched;
	copy.extent = make_cudaExtent(width, height, depth);
	copy.kind = cudaMemcpyDeviceToDevice;
	CHECK(cudaMemcpy3DAsync(&copy, stream));
	CHECK(cudaStreamSynchronize(stream));
	copy = {};
	copy.srcPtr = pitched;
	copy.srcPos = make_cudaPos(2 * sizeof(float), 1, 3);
	copy.dstPtr = make_cudaPitchedPtr(back.data(), box * sizeof(float), box * sizeof(float), box);
	copy.extent = make_cudaExtent(box * sizeof(float), box, box);
	copy.kind = cudaMemcpyDeviceToHost;
	CHECK(cudaMemcpy3D(&copy));
	bool passed = host_copy(beyond, 1)[0] == 0;
	for (int i = 0; i < box * box * box; i++) {
		int x = i % box + 2, y = i / box % box + 1, z = i / box / box + 3;

		passed &= back[i] == (float)((z * height + y) * width + x);
		sum += back[i];
	}
	report("surface of a volume", passed, sum);
	CHECK(cudaDestroySurfaceObject(surface));
	CHECK(cudaFreeArray(array));
	CHECK(cudaFree(pitched.ptr));
	CHECK(cudaFree(beyond));
	CHECK(cudaStreamDestroy(stream));
}

/* More than travels in one piece, with rows that are padded on both sides. */
static void check_large(long rows)
{
	const size_t width = 2048, pitch = width * sizeof(float) + 64;
	std::vector<char> from(pitch * rows), to(pitch * rows);
	cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
	cudaArray_t array;
	uint32_t state = 11;
	double sum = 0;
	bool passed = true;

	for (size_t i = 0; i + 4 <= from.size(); i += 4)
		*(uint32_t *)&from[i] = sample_random(&state);
	CHECK(cudaMallocArray(&array, &format, width, rows));
	CHECK(
	    cudaMemcpy2DToArray(array, 0, 0, from.data(), pitch, width * sizeof(float), rows, cudaMemcpyHostToDevice));
	CHECK(
	    cudaMemcpy2DFromArray(to.data(), pitch, array, 0, 0, width * sizeof(float), rows, cudaMemcpyDeviceToHost));
	for (long y = 0; y < rows; y++) {
		passed &= memcmp(&from[y * pitch], &to[y * pitch], width * sizeof(float)) == 0;
		passed &= to[y * pitch + width * sizeof(float)] == 0; /* what is between rows is left alone */
		sum += (unsigned char)to[y * pitch];
	}
	report("large copies", passed, sum);
	CHECK(cudaFreeArray(array));
}

int main(int argc, char **argv)
{
	long points = 1000, rows = 700;
	const sample_option options[] = {{"points", &points, 1, 1000000, "coordinates that each picture is looked at"},
					 {"rows", &rows, 1, 32768, "rows of 8 KiB in the large copies"}};

	sample_options(argc, argv, "Fetches from textures of every shape and writes to surfaces.", options, 2);
	check_pictures((int)points);
	check_layers();
	check_cubes();
	check_mipmap();
	check_pixels();
	check_elements((int)points);
	check_gather();
	check_surface();
	check_volume_surface();
	check_large(rows);
	return sample_result(all_passed);
}
