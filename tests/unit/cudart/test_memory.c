/* Memory, copies, symbols, callbacks. */
#include "runtime.h"

#include <string.h>

extern __typeof__(cudaMemcpy) cudaMemcpy_ptds;
extern __typeof__(cudaMemcpyAsync) cudaMemcpyAsync_ptsz;

START_TEST(allocation)
{
	void *memory = &memory;

	ck_assert_cuda(cudaMalloc(&memory, 0));
	ck_assert_ptr_null(memory);
	ck_assert_cuda(cudaMalloc(&memory, 16));
	ck_assert_ptr_nonnull(memory);
	ck_assert_cuda(cudaFree(memory));
	ck_assert_cuda(cudaFree(NULL));
	ck_assert_int_eq(fake()->calls("cuMemFree_v2"), 1);
	fake()->refuse("cuMemAlloc_v2", CUDA_ERROR_OUT_OF_MEMORY);
	ck_assert_int_eq(cudaMalloc(&memory, 16), cudaErrorMemoryAllocation);
	ck_assert_int_eq(cudaMalloc(NULL, 16), cudaErrorInvalidValue);
}
END_TEST

START_TEST(pitched_allocation)
{
	struct cudaPitchedPtr box;
	void *memory;
	size_t pitch;

	ck_assert_cuda(cudaMallocPitch(&memory, &pitch, 600, 2));
	ck_assert_uint_eq(pitch, 1024);
	ck_assert_cuda(cudaFree(memory));
	ck_assert_cuda(cudaMalloc3D(&box, (struct cudaExtent){10, 3, 2}));
	ck_assert_uint_eq(box.pitch, 512);
	ck_assert_uint_eq(box.xsize, 10);
	ck_assert_uint_eq(box.ysize, 3);
	ck_assert_cuda(cudaFree(box.ptr));
	ck_assert_int_eq(cudaMalloc3D(&box, (struct cudaExtent){1, (size_t)1 << 40, (size_t)1 << 40}),
			 cudaErrorMemoryAllocation);
}
END_TEST

START_TEST(copies_of_every_kind)
{
	static const char *const functions[] = {"cuMemcpy", "cuMemcpyHtoD_v2", "cuMemcpyDtoH_v2", "cuMemcpyDtoD_v2",
						"cuMemcpy"};
	char from[4] = "abc", to[4] = "";
	int before = fake()->calls(functions[_i]);

	ck_assert_cuda(cudaMemcpy(to, from, sizeof(from), (enum cudaMemcpyKind)_i));
	ck_assert_str_eq(to, "abc");
	ck_assert_int_eq(fake()->calls(functions[_i]), before + 1);
	ck_assert_cuda(cudaMemcpy(NULL, NULL, 0, (enum cudaMemcpyKind)_i));
	ck_assert_int_eq(fake()->calls(functions[_i]), before + 1);
	ck_assert_int_eq(cudaMemcpy(to, from, 1, (enum cudaMemcpyKind)5), cudaErrorInvalidMemcpyDirection);
	ck_assert_int_eq(cudaMemcpy2D(to, 1, from, 1, 1, 1, (enum cudaMemcpyKind) - 1),
			 cudaErrorInvalidMemcpyDirection);
}
END_TEST

START_TEST(per_thread_variants_use_the_threads_stream)
{
	char from[4] = "abc", to[4] = "";

	ck_assert_cuda(cudaMemcpyAsync_ptsz(to, from, 4, cudaMemcpyHostToDevice, NULL));
	ck_assert_ptr_eq(fake()->last_stream(), cudaStreamPerThread);
	ck_assert_cuda(cudaMemcpyAsync_ptsz(to, from, 4, cudaMemcpyHostToDevice, (cudaStream_t)0x55));
	ck_assert_ptr_eq(fake()->last_stream(), (CUstream)0x55);
	ck_assert_cuda(cudaMemcpyAsync(to, from, 4, cudaMemcpyHostToDevice, NULL));
	ck_assert_ptr_null(fake()->last_stream());
	ck_assert_int_eq(fake()->calls("cuStreamSynchronize"), 0);
	ck_assert_cuda(cudaMemcpy_ptds(to, from, 4, cudaMemcpyHostToDevice));
	ck_assert_int_eq(fake()->calls("cuStreamSynchronize"), 1);
	ck_assert_ptr_eq(fake()->last_stream(), cudaStreamPerThread);
}
END_TEST

START_TEST(rectangle)
{
	const CUDA_MEMCPY2D *(*last)(void) = fake_symbol("fake_rectangle");
	char host[64], device[64];

	ck_assert_cuda(cudaMemcpy2D(device, 16, host, 8, 5, 3, cudaMemcpyHostToDevice));
	ck_assert_int_eq(last()->srcMemoryType, CU_MEMORYTYPE_HOST);
	ck_assert_int_eq(last()->dstMemoryType, CU_MEMORYTYPE_DEVICE);
	ck_assert_ptr_eq(last()->srcHost, host);
	ck_assert_ptr_eq((void *)last()->dstDevice, device);
	ck_assert_uint_eq(last()->srcPitch, 8);
	ck_assert_uint_eq(last()->dstPitch, 16);
	ck_assert_uint_eq(last()->WidthInBytes, 5);
	ck_assert_uint_eq(last()->Height, 3);
	ck_assert_int_eq(cudaMemcpy2D(device, 4, host, 8, 5, 3, cudaMemcpyHostToDevice), cudaErrorInvalidPitchValue);
	ck_assert_cuda(cudaMemcpy2DFromArray(host, 8, (cudaArray_t)0x99, 2, 1, 5, 3, cudaMemcpyDeviceToHost));
	ck_assert_int_eq(last()->srcMemoryType, CU_MEMORYTYPE_ARRAY);
	ck_assert_ptr_eq(last()->srcArray, (CUarray)0x99);
	ck_assert_uint_eq(last()->srcXInBytes, 2);
	ck_assert_uint_eq(last()->srcY, 1);
	ck_assert_int_eq(last()->dstMemoryType, CU_MEMORYTYPE_HOST);
}
END_TEST

/* With an array, positions and extents count its elements: here of four bytes. */
START_TEST(box)
{
	const CUDA_MEMCPY3D *(*last)(void) = fake_symbol("fake_box");
	char host[64];
	struct cudaMemcpy3DParms copy = {
	    .srcPtr = {host, 16, 16, 4},
	    .srcPos = {3, 1, 0},
	    .dstArray = (cudaArray_t)0x99,
	    .dstPos = {1, 2, 3},
	    .extent = {2, 2, 1},
	    .kind = cudaMemcpyHostToDevice,
	};

	ck_assert_cuda(cudaMemcpy3D(&copy));
	ck_assert_uint_eq(last()->WidthInBytes, 8);
	ck_assert_uint_eq(last()->srcXInBytes, 3);
	ck_assert_uint_eq(last()->dstXInBytes, 4);
	ck_assert_uint_eq(last()->dstZ, 3);
	ck_assert_uint_eq(last()->srcHeight, 4);
	copy.dstPtr = copy.srcPtr;
	ck_assert_int_eq(cudaMemcpy3D(&copy), cudaErrorInvalidValue);
	copy.dstArray = NULL;
	ck_assert_cuda(cudaMemcpy3D(&copy));
	ck_assert_uint_eq(last()->WidthInBytes, 2);
	ck_assert_int_eq(cudaMemcpy3D(NULL), cudaErrorInvalidValue);
}
END_TEST

START_TEST(symbols)
{
	char value[64] = "symbol", back[64] = "";
	void *address;
	size_t size = 0;

	program_register();
	ck_assert_cuda(cudaGetSymbolSize(&size, &host_variable));
	ck_assert_uint_eq(size, 64);
	ck_assert_cuda(cudaGetSymbolAddress(&address, &host_variable));
	ck_assert_int_eq(fake()->calls("cuLibraryGetGlobal"), 1);
	ck_assert_cuda(cudaMemcpyToSymbol(&host_variable, value, 7, 2, cudaMemcpyHostToDevice));
	ck_assert_str_eq((char *)address + 2, "symbol");
	ck_assert_cuda(cudaMemcpyFromSymbol(back, &host_variable, 7, 2, cudaMemcpyDeviceToHost));
	ck_assert_str_eq(back, "symbol");
	ck_assert_int_eq(cudaMemcpyToSymbol(&host_variable, value, 64, 1, cudaMemcpyHostToDevice),
			 cudaErrorInvalidValue);
	ck_assert_int_eq(cudaMemcpyToSymbol(&host_variable, value, 1, (size_t)-1, cudaMemcpyHostToDevice),
			 cudaErrorInvalidValue);
	ck_assert_int_eq(cudaMemcpyToSymbol(&host_variable, value, 1, 0, cudaMemcpyDeviceToHost),
			 cudaErrorInvalidMemcpyDirection);
	ck_assert_int_eq(cudaGetSymbolAddress(&address, &host_kernel), cudaErrorInvalidSymbol);
	ck_assert_int_eq(cudaGetSymbolAddress(&address, &host_absent_variable), cudaErrorInvalidSymbol);
	ck_assert_int_eq(cudaGetSymbolAddress(&address, NULL), cudaErrorInvalidSymbol);
	ck_assert_cuda(cudaDeviceReset());
	ck_assert_cuda(cudaGetSymbolAddress(&address, &host_variable));
	ck_assert_int_eq(fake()->calls("cuLibraryGetGlobal"), 3);
}
END_TEST

START_TEST(managed_variable_is_placed)
{
	void **handle = program_register_managed();
	void *address = NULL;

	if (_i == 0) {
		ck_assert_int_eq(__cudaInitModule(handle), 1);
	} else {
		ck_assert_cuda(cudaFree(NULL));
	}
	ck_assert_ptr_nonnull(host_managed);
	ck_assert_cuda(cudaGetSymbolAddress(&address, host_managed));
	ck_assert_ptr_eq(address, host_managed);
}
END_TEST

START_TEST(pointer_attributes)
{
	struct cudaPointerAttributes attributes;
	void *variable;
	char host;

	program_register();
	ck_assert_cuda(cudaGetSymbolAddress(&variable, &host_variable));
	ck_assert_cuda(cudaPointerGetAttributes(&attributes, variable));
	ck_assert_int_eq(attributes.type, cudaMemoryTypeDevice);
	ck_assert_int_eq(attributes.device, 1);
	ck_assert_ptr_eq(attributes.devicePointer, variable);
	ck_assert_ptr_null(attributes.hostPointer);
	ck_assert_cuda(cudaPointerGetAttributes(&attributes, &host));
	ck_assert_int_eq(attributes.type, cudaMemoryTypeUnregistered);
	ck_assert_int_eq(attributes.device, cudaInvalidDeviceId);
	ck_assert_ptr_eq(attributes.hostPointer, &host);
}
END_TEST

START_TEST(memset_fills)
{
	char memory[8] = "";

	ck_assert_cuda(cudaMemset(memory, 'x' + 256, 3));
	ck_assert_str_eq(memory, "xxx");
	ck_assert_cuda(cudaMemset(NULL, 0, 0));
}
END_TEST

static cudaError_t callback_status;
static void *callback_data;

static void callback(cudaStream_t stream, cudaError_t status, void *data)
{
	(void)stream;
	callback_status = status;
	callback_data = data;
}

START_TEST(stream_callback)
{
	int data;

	ck_assert_cuda(cudaStreamAddCallback(NULL, callback, &data, 0));
	ck_assert_int_eq(callback_status, cudaErrorLaunchFailure);
	ck_assert_ptr_eq(callback_data, &data);
	ck_assert_int_eq(cudaStreamAddCallback(NULL, NULL, &data, 0), cudaErrorInvalidValue);
	fake()->refuse("cuStreamAddCallback", CUDA_ERROR_INVALID_HANDLE);
	ck_assert_int_eq(cudaStreamAddCallback(NULL, callback, &data, 0), cudaErrorInvalidResourceHandle);
}
END_TEST

START_TEST(channel_descriptions)
{
	struct cudaChannelFormatDesc channels = {1, 2, 3, 4, cudaChannelFormatKindNone};
	cudaArray_t array;

	ck_assert_cuda(cudaGetChannelDesc(&channels, (cudaArray_t)0x99));
	ck_assert_int_eq(channels.x, 16);
	ck_assert_int_eq(channels.y, 16);
	ck_assert_int_eq(channels.z, 0);
	ck_assert_int_eq(channels.f, cudaChannelFormatKindUnsigned);
	channels.z = 8;
	ck_assert_int_eq(cudaMallocArray(&array, &channels, 4, 4, 0), cudaErrorInvalidChannelDescriptor);
}
END_TEST

/* The array has rows of 32 bytes: the end of the first, two whole ones, the beginning of the last. */
START_TEST(run_of_bytes_falls_into_rectangles)
{
	const CUDA_MEMCPY2D *(*last)(void) = fake_symbol("fake_rectangle");
	char host[128];

	ck_assert_cuda(cudaMemcpyToArray((cudaArray_t)0x99, 8, 0, host, 24, cudaMemcpyHostToDevice));
	ck_assert_uint_eq(last()->dstXInBytes, 8);
	ck_assert_uint_eq(last()->WidthInBytes, 24);
	ck_assert_cuda(cudaMemcpyToArray((cudaArray_t)0x99, 8, 0, host, 24 + 64, cudaMemcpyHostToDevice));
	ck_assert_uint_eq(last()->WidthInBytes, 32);
	ck_assert_uint_eq(last()->Height, 2);
	ck_assert_uint_eq(last()->dstY, 1);
	ck_assert_cuda(cudaMemcpyToArray((cudaArray_t)0x99, 8, 0, host, 24 + 64 + 12, cudaMemcpyHostToDevice));
	ck_assert_int_eq(fake()->calls("cuMemcpy2DUnaligned_v2"), 1 + 2 + 3);
	ck_assert_uint_eq(last()->WidthInBytes, 12);
	ck_assert_uint_eq(last()->dstXInBytes, 0);
	ck_assert_uint_eq(last()->dstY, 3);
	ck_assert_ptr_eq(last()->srcHost, host + 88);
	ck_assert_int_eq(last()->srcMemoryType, CU_MEMORYTYPE_HOST);
	ck_assert_int_eq(cudaMemcpyToArray((cudaArray_t)0x99, 32, 0, host, 1, cudaMemcpyHostToDevice),
			 cudaErrorInvalidValue);
}
END_TEST

START_TEST(texture_object_gives_its_description_back)
{
	struct cudaResourceDesc resource = {.resType = cudaResourceTypeLinear}, resource_back;
	struct cudaTextureDesc texture = {.addressMode = {cudaAddressModeClamp, cudaAddressModeMirror},
					  .filterMode = cudaFilterModeLinear,
					  .readMode = cudaReadModeNormalizedFloat,
					  .borderColor = {1, 2, 3, 4},
					  .normalizedCoords = 1,
					  .seamlessCubemap = 1,
					  .maxMipmapLevelClamp = 2.5f},
			       texture_back;
	cudaTextureObject_t object;

	resource.res.linear.devPtr = (void *)0x1000;
	resource.res.linear.sizeInBytes = 64;
	resource.res.linear.desc = cudaCreateChannelDesc(32, 32, 0, 0, cudaChannelFormatKindFloat);
	ck_assert_cuda(cudaCreateTextureObject(&object, &resource, &texture, NULL));
	ck_assert_cuda(cudaGetTextureObjectResourceDesc(&resource_back, object));
	ck_assert_cuda(cudaGetTextureObjectTextureDesc(&texture_back, object));
	ck_assert_mem_eq(&texture, &texture_back, sizeof(texture));
	ck_assert_mem_eq(&resource.res.linear, &resource_back.res.linear, sizeof(resource.res.linear));
	ck_assert_int_eq(cudaCreateTextureObject(&object, NULL, &texture, NULL), cudaErrorInvalidValue);
	resource.res.linear.desc.y = 16;
	ck_assert_int_eq(cudaCreateTextureObject(&object, &resource, &texture, NULL),
			 cudaErrorInvalidChannelDescriptor);
}
END_TEST

START_TEST(graph_nodes_of_any_kind)
{
	const CUgraphNodeParams *(*last)(void) = fake_symbol("fake_node");
	struct cudaGraphNodeParams node = {.type = cudaGraphNodeTypeKernel};
	cudaGraphNode_t added;
	char host[8];

	program_register();
	node.kernel = (struct cudaKernelNodeParamsV2){&host_kernel, {2, 3, 4}, {5, 6, 7}, 96, NULL, NULL};
	ck_assert_cuda(cudaGraphAddNode(&added, NULL, NULL, NULL, 0, &node));
	ck_assert_str_eq((const char *)last()->kernel.kern, "kernel");
	ck_assert_uint_eq(last()->kernel.gridDimY, 3);
	ck_assert_uint_eq(last()->kernel.blockDimZ, 7);
	node = (struct cudaGraphNodeParams){.type = cudaGraphNodeTypeMemcpy};
	node.memcpy.copyParams = (struct cudaMemcpy3DParms){.srcPtr = {host, 8, 8, 1},
							    .dstPtr = {(void *)0x1000, 8, 8, 1},
							    .extent = {8, 1, 1},
							    .kind = cudaMemcpyHostToDevice};
	ck_assert_cuda(cudaGraphAddNode(&added, NULL, NULL, NULL, 0, &node));
	ck_assert_ptr_eq(last()->memcpy.copyParams.srcHost, host);
	ck_assert_ptr_nonnull(last()->memcpy.copyCtx);
	node = (struct cudaGraphNodeParams){.type = cudaGraphNodeTypeMemAlloc};
	node.alloc.bytesize = 4096;
	ck_assert_cuda(cudaGraphAddNode(&added, NULL, NULL, NULL, 0, &node));
	ck_assert_uint_eq(last()->alloc.bytesize, 4096);
	ck_assert_ptr_eq(node.alloc.dptr, (void *)0x4000);
	ck_assert_int_eq(cudaGraphAddNode(&added, NULL, NULL, NULL, 0, NULL), cudaErrorInvalidValue);
}
END_TEST

Suite *suite_memory(void)
{
	Suite *suite = suite_create("memory");
	TCase *cases = tcase_create("memory");

	tcase_add_test(cases, allocation);
	tcase_add_test(cases, pitched_allocation);
	tcase_add_loop_test(cases, copies_of_every_kind, 0, 5);
	tcase_add_test(cases, per_thread_variants_use_the_threads_stream);
	tcase_add_test(cases, rectangle);
	tcase_add_test(cases, box);
	tcase_add_test(cases, symbols);
	tcase_add_loop_test(cases, managed_variable_is_placed, 0, 2);
	tcase_add_test(cases, pointer_attributes);
	tcase_add_test(cases, memset_fills);
	tcase_add_test(cases, stream_callback);
	tcase_add_test(cases, channel_descriptions);
	tcase_add_test(cases, run_of_bytes_falls_into_rectangles);
	tcase_add_test(cases, texture_object_gives_its_description_back);
	tcase_add_test(cases, graph_nodes_of_any_kind);
	suite_add_tcase(suite, cases);
	return suite;
}
