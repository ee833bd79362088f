/* Arrays, copies to and from them, texture and surface objects. */
#define CUDA_ENABLE_DEPRECATED
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static CUarray array_new(size_t width, size_t height, size_t depth, unsigned flags)
{
	const CUDA_ARRAY3D_DESCRIPTOR descriptor = {.Width = width,
						    .Height = height,
						    .Depth = depth,
						    .Format = CU_AD_FORMAT_UNSIGNED_INT16,
						    .NumChannels = 2,
						    .Flags = flags};
	CUarray array;
	OK(cuArray3DCreate(&array, &descriptor));
	return array;
}

static CUresult array_try(CUDA_ARRAY3D_DESCRIPTOR descriptor)
{
	CUarray array;
	CUresult result = cuArray3DCreate(&array, &descriptor);
	if (result == CUDA_SUCCESS)
		OK(cuArrayDestroy(array));
	return result;
}

START_TEST(creating_and_describing)
{
	CUDA_ARRAY3D_DESCRIPTOR whole;
	CUDA_ARRAY_DESCRIPTOR flat = {.Width = 7, .Height = 5, .Format = CU_AD_FORMAT_FLOAT, .NumChannels = 4};
	CUDA_ARRAY_MEMORY_REQUIREMENTS needs;
	size_t before, after, total;
	CUarray array;
	OK(cuMemGetInfo(&before, &total));
	OK(cuArrayCreate(&array, &flat));
	OK(cuMemGetInfo(&after, &total));
	ck_assert_uint_lt(after, before);
	memset(&flat, 0, sizeof flat);
	OK(cuArrayGetDescriptor(&flat, array));
	ck_assert_uint_eq(flat.Width, 7);
	ck_assert_uint_eq(flat.Height, 5);
	ck_assert_int_eq(flat.Format, CU_AD_FORMAT_FLOAT);
	ck_assert_uint_eq(flat.NumChannels, 4);
	OK(cuArray3DGetDescriptor(&whole, array));
	ck_assert_uint_eq(whole.Depth, 0);
	OK(cuArrayGetMemoryRequirements(&needs, array, 0));
	ck_assert_uint_ge(needs.size, 7 * 5 * 16);
	OK(cuArrayDestroy(array));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuArrayDestroy(array));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuArrayGetDescriptor(&flat, array));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuArray3DGetDescriptor(&whole, NULL));
	OK(cuMemGetInfo(&after, &total));
	ck_assert_uint_eq(after, before);
}
END_TEST

#define DESCRIPTOR(...)                                                                                                \
	(CUDA_ARRAY3D_DESCRIPTOR)                                                                                      \
	{                                                                                                              \
		.Format = CU_AD_FORMAT_UNSIGNED_INT8, .NumChannels = 1, __VA_ARGS__                                    \
	}

static CUresult format_try(CUarray_format format, unsigned channels)
{
	return array_try((CUDA_ARRAY3D_DESCRIPTOR){.Width = 4, .Format = format, .NumChannels = channels});
}

START_TEST(extents_and_formats)
{
	const unsigned layered = CUDA_ARRAY3D_LAYERED, cube = CUDA_ARRAY3D_CUBEMAP;
	CUarray array;
	OK(array_try(DESCRIPTOR(.Width = 131072)));
	OK(array_try(DESCRIPTOR(.Width = 3, .Height = 3, .Depth = 3)));
	OK(array_try(DESCRIPTOR(.Width = 3, .Height = 0, .Depth = 3, .Flags = layered)));
	OK(array_try(DESCRIPTOR(.Width = 3, .Height = 4, .Depth = 2048, .Flags = layered)));
	OK(array_try(DESCRIPTOR(.Width = 4, .Height = 4, .Depth = 6, .Flags = cube)));
	OK(array_try(DESCRIPTOR(.Width = 4, .Height = 4, .Depth = 12, .Flags = cube | layered)));
	OK(array_try(DESCRIPTOR(.Width = 4, .Height = 4, .Flags = CUDA_ARRAY3D_TEXTURE_GATHER)));
	FAILS(CUDA_ERROR_INVALID_VALUE, array_try(DESCRIPTOR(.Width = 0)));
	FAILS(CUDA_ERROR_INVALID_VALUE, array_try(DESCRIPTOR(.Width = 131073)));
	FAILS(CUDA_ERROR_INVALID_VALUE, array_try(DESCRIPTOR(.Width = 3, .Depth = 3)));
	FAILS(CUDA_ERROR_INVALID_VALUE, array_try(DESCRIPTOR(.Width = 16385, .Height = 1, .Depth = 1)));
	FAILS(CUDA_ERROR_INVALID_VALUE, array_try(DESCRIPTOR(.Width = 3, .Height = 4, .Flags = layered)));
	FAILS(CUDA_ERROR_INVALID_VALUE,
	      array_try(DESCRIPTOR(.Width = 3, .Height = 4, .Depth = 2049, .Flags = layered)));
	FAILS(CUDA_ERROR_INVALID_VALUE, array_try(DESCRIPTOR(.Width = 4, .Height = 5, .Depth = 6, .Flags = cube)));
	FAILS(CUDA_ERROR_INVALID_VALUE, array_try(DESCRIPTOR(.Width = 4, .Height = 4, .Depth = 5, .Flags = cube)));
	FAILS(CUDA_ERROR_INVALID_VALUE, array_try(DESCRIPTOR(.Width = 4, .Flags = CUDA_ARRAY3D_TEXTURE_GATHER)));
	FAILS(CUDA_ERROR_INVALID_VALUE, array_try(DESCRIPTOR(.Width = 4, .Flags = 0x8000)));
	FAILS(CUDA_ERROR_NOT_SUPPORTED, array_try(DESCRIPTOR(.Width = 4, .Height = 4, .Flags = CUDA_ARRAY3D_SPARSE)));
	FAILS(CUDA_ERROR_INVALID_VALUE, format_try(CU_AD_FORMAT_UNSIGNED_INT8, 3));
	FAILS(CUDA_ERROR_INVALID_VALUE, format_try((CUarray_format)0x21, 1));
	FAILS(CUDA_ERROR_NOT_SUPPORTED, format_try(CU_AD_FORMAT_BC1_UNORM, 1));
	FAILS(CUDA_ERROR_NOT_SUPPORTED, format_try(CU_AD_FORMAT_NV12, 1));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuArray3DCreate(NULL, &DESCRIPTOR(.Width = 1)));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuArray3DCreate(&array, NULL));
	FAILS(CUDA_ERROR_OUT_OF_MEMORY, array_try(DESCRIPTOR(.Width = 16384, .Height = 16384, .Depth = 16384)));
}
END_TEST

START_TEST(mipmaps_have_levels)
{
	const CUDA_ARRAY3D_DESCRIPTOR descriptor = {
	    .Width = 20, .Height = 6, .Format = CU_AD_FORMAT_FLOAT, .NumChannels = 1};
	CUDA_ARRAY3D_DESCRIPTOR level;
	CUmipmappedArray mipmap;
	CUarray array, again;
	unsigned char pattern[64], back[64];
	OK(cuMipmappedArrayCreate(&mipmap, &descriptor, 99));
	OK(cuMipmappedArrayGetLevel(&array, mipmap, 4)); /* 20 10 5 2 1 */
	OK(cuArray3DGetDescriptor(&level, array));
	ck_assert_uint_eq(level.Width, 1);
	ck_assert_uint_eq(level.Height, 1);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMipmappedArrayGetLevel(&array, mipmap, 5));
	OK(cuMipmappedArrayGetLevel(&array, mipmap, 1));
	OK(cuMipmappedArrayGetLevel(&again, mipmap, 1));
	ck_assert_ptr_eq(array, again);
	memset(pattern, 7, sizeof pattern);
	OK(cuMemcpyHtoA(array, 0, pattern, 40));
	OK(cuMemcpyAtoH(back, array, 0, 40));
	ck_assert_mem_eq(pattern, back, 40);
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuArrayDestroy(array)); /* it is the mipmap's */
	OK(cuMipmappedArrayDestroy(mipmap));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuMemcpyHtoA(array, 0, pattern, 40));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuMipmappedArrayDestroy(mipmap));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMipmappedArrayCreate(&mipmap, &descriptor, 0));
}
END_TEST

START_TEST(linear_copies)
{
	unsigned char from[256], to[256];
	CUarray a = array_new(64, 0, 0, 0), b = array_new(64, 0, 0, 0);
	CUdeviceptr memory;
	for (size_t i = 0; i < sizeof from; i++)
		from[i] = (unsigned char)(3 * i);
	OK(cuMemAlloc(&memory, 256));
	OK(cuMemcpyHtoA(a, 0, from, 256));
	OK(cuMemcpyAtoA(b, 8, a, 4, 100));
	OK(cuMemcpyAtoD(memory, b, 8, 100));
	OK(cuMemcpyDtoA(b, 0, memory, 100));
	OK(cuMemcpyAtoH(to, b, 0, 100));
	ck_assert_mem_eq(to, from + 4, 100);
	OK(cuMemcpyHtoAAsync(a, 128, from, 64, CU_STREAM_LEGACY));
	OK(cuMemcpyAtoHAsync(to, a, 128, 64, CU_STREAM_LEGACY));
	OK(cuCtxSynchronize());
	ck_assert_mem_eq(to, from, 64);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoA(a, 4, from, 256));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoA(a, 2, from, 4)); /* in the middle of an element */
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoA(a, 0, NULL, 4));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoA(a, SIZE_MAX - 3, from, 4));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuMemcpyAtoH(to, (CUarray)context, 0, 4));
}
END_TEST

/* A box in the middle of a layered array, from and to rows and slices of memory. */
START_TEST(boxes)
{
	enum { WIDTH = 10, HEIGHT = 6, LAYERS = 4, TEXEL = 4 };
	unsigned char from[LAYERS][HEIGHT][WIDTH * TEXEL], to[2][3][4 * TEXEL];
	CUarray array = array_new(WIDTH, HEIGHT, LAYERS, CUDA_ARRAY3D_LAYERED);
	CUDA_MEMCPY3D all = {.srcMemoryType = CU_MEMORYTYPE_HOST,
			     .srcHost = from,
			     .srcPitch = WIDTH * TEXEL,
			     .srcHeight = HEIGHT,
			     .dstMemoryType = CU_MEMORYTYPE_ARRAY,
			     .dstArray = array,
			     .WidthInBytes = WIDTH * TEXEL,
			     .Height = HEIGHT,
			     .Depth = LAYERS};
	CUDA_MEMCPY3D box = {.srcMemoryType = CU_MEMORYTYPE_ARRAY,
			     .srcArray = array,
			     .srcXInBytes = 5 * TEXEL,
			     .srcY = 2,
			     .srcZ = 1,
			     .dstMemoryType = CU_MEMORYTYPE_HOST,
			     .dstHost = to,
			     .dstPitch = 4 * TEXEL,
			     .dstHeight = 3,
			     .WidthInBytes = 4 * TEXEL,
			     .Height = 3,
			     .Depth = 2};
	for (size_t i = 0; i < sizeof from; i++)
		((unsigned char *)from)[i] = (unsigned char)(i % 251);
	OK(cuMemcpy3D(&all));
	OK(cuMemcpy3D(&box));
	for (int z = 0; z < 2; z++)
		for (int y = 0; y < 3; y++)
			ck_assert_mem_eq(to[z][y], &from[z + 1][y + 2][5 * TEXEL], 4 * TEXEL);
	box.Depth = 4;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy3D(&box));
	box.Depth = 2;
	box.srcY = 4;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy3D(&box));
	box.srcY = 2;
	box.srcXInBytes = 5 * TEXEL + 1;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy3D(&box));
	box.srcXInBytes = 5 * TEXEL;
	box.srcLOD = 1;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy3D(&box));
}
END_TEST

START_TEST(destroying_waits_for_earlier_copies)
{
	static unsigned char from[256];
	struct gate gate;
	CUarray array = array_new(64, 0, 0, 0);
	CUstream stream;
	void *pinned;
	gate_init(&gate);
	OK(cuStreamCreate(&stream, 0));
	OK(cuMemAllocHost(&pinned, sizeof from));
	launch_gate(&gate, stream);
	gate_wait_began(&gate);
	OK(cuMemcpyHtoAAsync(array, 0, pinned, sizeof from, stream));
	gate_open(&gate);
	OK(cuArrayDestroy(array));
	OK(cuStreamQuery(stream));
}
END_TEST

static CUDA_RESOURCE_DESC resource_of(CUarray array)
{
	return (CUDA_RESOURCE_DESC){.resType = CU_RESOURCE_TYPE_ARRAY, .res.array.hArray = array};
}

START_TEST(texture_objects)
{
	CUDA_RESOURCE_DESC resource = resource_of(array_new(8, 8, 0, 0)), back;
	CUDA_TEXTURE_DESC texture = {.filterMode = CU_TR_FILTER_MODE_LINEAR, .borderColor = {1, 2, 3, 4}}, texture_back;
	CUDA_RESOURCE_VIEW_DESC view = {.format = CU_RES_VIEW_FORMAT_UINT_1X32, .width = 8, .height = 8}, view_back;
	CUtexObject a, b;
	OK(cuTexObjectCreate(&a, &resource, &texture, NULL));
	texture.filterMode = CU_TR_FILTER_MODE_POINT;
	OK(cuTexObjectCreate(&b, &resource, &texture, &view));
	ck_assert_uint_ne(a, b);
	OK(cuTexObjectGetResourceDesc(&back, a));
	ck_assert_ptr_eq(back.res.array.hArray, resource.res.array.hArray);
	OK(cuTexObjectGetTextureDesc(&texture_back, a));
	ck_assert_int_eq(texture_back.filterMode, CU_TR_FILTER_MODE_LINEAR);
	ck_assert_float_eq(texture_back.borderColor[3], 4);
	OK(cuTexObjectGetResourceViewDesc(&view_back, b));
	ck_assert_int_eq(view_back.format, CU_RES_VIEW_FORMAT_UINT_1X32);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTexObjectGetResourceViewDesc(&view_back, a));
	OK(cuTexObjectDestroy(a));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTexObjectDestroy(a));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTexObjectGetTextureDesc(&texture_back, a));
	OK(cuTexObjectDestroy(0));
	texture.filterMode = CU_TR_FILTER_MODE_LINEAR;
	texture.flags = CU_TRSF_READ_AS_INTEGER; /* integers cannot be filtered */
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&a, &resource, &texture, NULL));
	texture = (CUDA_TEXTURE_DESC){.flags = CU_TRSF_SRGB};
	FAILS(CUDA_ERROR_NOT_SUPPORTED, cuTexObjectCreate(&a, &resource, &texture, NULL));
	texture.flags = 0x1000;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&a, &resource, &texture, NULL));
	texture.flags = 0;
	view.format = CU_RES_VIEW_FORMAT_FLOAT_4X32; /* of another size */
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&a, &resource, &texture, &view));
	view.format = CU_RES_VIEW_FORMAT_UNSIGNED_BC1;
	FAILS(CUDA_ERROR_NOT_SUPPORTED, cuTexObjectCreate(&a, &resource, &texture, &view));
	view = (CUDA_RESOURCE_VIEW_DESC){.lastLayer = 1};
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&a, &resource, &texture, &view));
	resource.res.array.hArray = (CUarray)context;
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuTexObjectCreate(&a, &resource, &texture, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&a, &resource, NULL, NULL));
}
END_TEST

START_TEST(textures_of_memory)
{
	CUDA_TEXTURE_DESC texture = {.flags = 0};
	CUDA_RESOURCE_DESC resource = {.resType = CU_RESOURCE_TYPE_LINEAR};
	CUdeviceptr memory;
	CUtexObject object;
	size_t width;
	OK(cuMemAlloc(&memory, 4096));
	resource.res.linear.devPtr = memory;
	resource.res.linear.format = CU_AD_FORMAT_FLOAT;
	resource.res.linear.numChannels = 1;
	resource.res.linear.sizeInBytes = 4096;
	OK(cuTexObjectCreate(&object, &resource, &texture, NULL));
	OK(cuTexObjectDestroy(object));
	resource.res.linear.devPtr = memory + 4; /* not aligned */
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&object, &resource, &texture, NULL));
	resource.res.linear.devPtr = memory;
	resource.res.linear.numChannels = 3;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&object, &resource, &texture, NULL));
	resource = (CUDA_RESOURCE_DESC){.resType = CU_RESOURCE_TYPE_PITCH2D};
	resource.res.pitch2D.devPtr = memory;
	resource.res.pitch2D.format = CU_AD_FORMAT_UNSIGNED_INT8;
	resource.res.pitch2D.numChannels = 4;
	resource.res.pitch2D.width = 16;
	resource.res.pitch2D.height = 32;
	resource.res.pitch2D.pitchInBytes = 128;
	OK(cuTexObjectCreate(&object, &resource, &texture, NULL));
	resource.res.pitch2D.pitchInBytes = 60;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&object, &resource, &texture, NULL));
	OK(cuDeviceGetTexture1DLinearMaxWidth(&width, CU_AD_FORMAT_FLOAT, 4, 0));
	ck_assert_uint_eq(width, 1 << 28);
}
END_TEST

START_TEST(surface_objects)
{
	CUDA_RESOURCE_DESC plain = resource_of(array_new(8, 8, 0, 0)), back;
	CUDA_RESOURCE_DESC writable = resource_of(array_new(8, 8, 0, CUDA_ARRAY3D_SURFACE_LDST));
	CUsurfObject surface;
	CUtexObject texture;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuSurfObjectCreate(&surface, &plain));
	OK(cuSurfObjectCreate(&surface, &writable));
	OK(cuSurfObjectGetResourceDesc(&back, surface));
	ck_assert_ptr_eq(back.res.array.hArray, writable.res.array.hArray);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTexObjectDestroy(surface));
	OK(cuSurfObjectDestroy(surface));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuSurfObjectDestroy(surface));
	OK(cuTexObjectCreate(&texture, &plain, &(CUDA_TEXTURE_DESC){.flags = 0}, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuSurfObjectDestroy(texture));
}
END_TEST

static uint64_t variable_value(const char *name)
{
	CUdeviceptr variable;
	uint64_t value;
	OK(cuModuleGetGlobal(&variable, NULL, module, name));
	OK(cuMemcpyDtoH(&value, variable, sizeof value));
	return value;
}

/* What CUDA has deprecated, and keeps. */
START_TEST(references)
{
	CUarray array = array_new(8, 8, 0, CUDA_ARRAY3D_SURFACE_LDST), plain = array_new(8, 8, 0, 0), back;
	CUfilter_mode filter;
	CUdeviceptr memory, address;
	CUtexref texture, again;
	CUsurfref surface;
	uint64_t first;
	size_t offset;
	OK(cuModuleGetTexRef(&texture, module, "tex_a"));
	OK(cuModuleGetTexRef(&again, module, "tex_a"));
	ck_assert_ptr_eq(texture, again);
	FAILS(CUDA_ERROR_NOT_FOUND, cuModuleGetTexRef(&again, module, "counter"));
	FAILS(CUDA_ERROR_NOT_FOUND, cuModuleGetSurfRef(&surface, module, "tex_a"));
	OK(cuModuleGetSurfRef(&surface, module, "surf_a"));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTexRefGetArray(&back, texture));
	OK(cuTexRefSetArray(texture, array, CU_TRSA_OVERRIDE_FORMAT));
	OK(cuTexRefGetArray(&back, texture));
	ck_assert_ptr_eq(back, array);
	first = variable_value("tex_a");
	ck_assert_uint_ne(first, 0);
	OK(cuTexRefSetFilterMode(texture, CU_TR_FILTER_MODE_LINEAR));
	ck_assert_uint_ne(variable_value("tex_a"), first);
	first = variable_value("tex_a");
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTexRefSetFlags(texture, CU_TRSF_READ_AS_INTEGER)); /* cannot be filtered */
	ck_assert_uint_eq(variable_value("tex_a"), first);
	OK(cuTexRefGetFilterMode(&filter, texture));
	ck_assert_int_eq(filter, CU_TR_FILTER_MODE_LINEAR);
	OK(cuMemAlloc(&memory, 1024));
	OK(cuTexRefSetFormat(texture, CU_AD_FORMAT_FLOAT, 1));
	OK(cuTexRefSetAddress(&offset, texture, memory + 16, 512));
	ck_assert_uint_eq(offset, 16);
	OK(cuTexRefGetAddress(&address, texture));
	ck_assert_uint_eq(address, memory);
	FAILS(CUDA_ERROR_INVALID_VALUE, cuSurfRefSetArray(surface, plain, 0));
	OK(cuSurfRefSetArray(surface, array, 0));
	ck_assert_uint_ne(variable_value("surf_a"), 0);
	OK(cuModuleUnload(module));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuTexRefGetArray(&back, texture));
}
END_TEST

START_TEST(a_reset_gives_everything_back)
{
	CUDA_RESOURCE_DESC resource = resource_of(array_new(256, 256, 0, 0));
	CUtexObject texture;
	size_t before, after, total;
	OK(cuTexObjectCreate(&texture, &resource, &(CUDA_TEXTURE_DESC){.flags = 0}, NULL));
	OK(cuMemGetInfo(&before, &total));
	OK(cuDevicePrimaryCtxReset(0));
	OK(cuDevicePrimaryCtxRetain(&context, 0));
	OK(cuCtxSetCurrent(context));
	OK(cuMemGetInfo(&after, &total));
	ck_assert_uint_gt(after, before);
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuArrayDestroy(resource.res.array.hArray));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuTexObjectDestroy(texture));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {creating_and_describing,
				      extents_and_formats,
				      mipmaps_have_levels,
				      linear_copies,
				      boxes,
				      destroying_waits_for_earlier_copies,
				      texture_objects,
				      textures_of_memory,
				      surface_objects,
				      references,
				      a_reset_gives_everything_back};
	return RUN_TESTS("arrays", setup_module, tests);
}
