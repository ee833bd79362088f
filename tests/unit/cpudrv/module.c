/* Modules, libraries and kernels. */
#include "fixture.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CUlibrary library_new(void)
{
	CUlibrary library;
	OK(cuLibraryLoadData(&library, FAKE_MODULE, NULL, NULL, 0, NULL, NULL, 0));
	return library;
}

START_TEST(functions_of_a_module)
{
	CUfunction function, again, all[16];
	unsigned count;
	CUmodule owner;
	const char *name;
	OK(cuModuleGetFunction(&function, module, "note"));
	OK(cuModuleGetFunction(&again, module, "note"));
	ck_assert_ptr_eq(function, again);
	OK(cuFuncGetName(&name, function));
	ck_assert_str_eq(name, "note");
	OK(cuFuncGetModule(&owner, function));
	ck_assert_ptr_eq(owner, module);
	OK(cuModuleGetFunctionCount(&count, module));
	ck_assert_uint_eq(count, 7);
	OK(cuModuleEnumerateFunctions(all, 16, module));
	ck_assert_ptr_eq(all[2], function);
	FAILS(CUDA_ERROR_NOT_FOUND, cuModuleGetFunction(&function, module, "absent"));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuModuleGetFunction(&function, module, NULL));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuModuleGetFunction(&function, (CUmodule)context, "note"));
}
END_TEST

START_TEST(functions_load_lazily)
{
	CUfunction function = kernel("note");
	CUfunctionLoadingState state;
	OK(cuFuncIsLoaded(&state, function));
	ck_assert_int_eq(state, CU_FUNCTION_LOADING_STATE_UNLOADED);
	OK(cuFuncLoad(function));
	OK(cuFuncIsLoaded(&state, function));
	ck_assert_int_eq(state, CU_FUNCTION_LOADING_STATE_LOADED);
	FAILS(CUDA_ERROR_INVALID_PTX, cuFuncLoad(kernel("untranslatable")));
}
END_TEST

START_TEST(variables_of_a_module)
{
	CUdeviceptr address;
	size_t size;
	int value = 5, back = 0;
	OK(cuModuleGetGlobal(&address, &size, module, "counter"));
	ck_assert_uint_eq(size, 4);
	OK(cuMemcpyHtoD(address, &value, 4));
	OK(cuMemcpyDtoH(&back, address, 4));
	ck_assert_int_eq(back, 5);
	OK(cuModuleGetGlobal(NULL, &size, module, "table"));
	ck_assert_uint_eq(size, 64);
	FAILS(CUDA_ERROR_NOT_FOUND, cuModuleGetGlobal(&address, &size, module, "absent"));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree(address));
}
END_TEST

START_TEST(unloading)
{
	struct notes notes = {0};
	CUfunction function = kernel("note");
	int value;
	for (int i = 0; i < 20; i++)
		launch_note(&notes, i, CU_STREAM_PER_THREAD);
	OK(cuModuleUnload(module));
	ck_assert_int_eq(notes.count, 20);
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuModuleUnload(module));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_NUM_REGS, function));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
}
END_TEST

START_TEST(images_that_cannot_be_loaded)
{
	static const unsigned char elf[64] = "\177ELF\2\1\1";
	static const unsigned wrapper[6] = {0x466243B1, 7};
	CUmodule other;
	FAILS(CUDA_ERROR_NO_BINARY_FOR_GPU, cuModuleLoadData(&other, elf));
	FAILS(CUDA_ERROR_INVALID_IMAGE, cuModuleLoadData(&other, "rubbish"));
	FAILS(CUDA_ERROR_INVALID_IMAGE, cuModuleLoadData(&other, ""));
	FAILS(CUDA_ERROR_INVALID_IMAGE, cuModuleLoadData(&other, wrapper));
	FAILS(CUDA_ERROR_INVALID_PTX, cuModuleLoadData(&other, "//broken\n"));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuModuleLoadData(&other, NULL));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuModuleLoadData(NULL, FAKE_MODULE));
}
END_TEST

/* A fatbin with one uncompressed PTX entry. */
struct small_fatbin {
	uint32_t magic;
	uint16_t version, header_size;
	uint64_t size;
	struct {
		uint16_t kind, version;
		uint32_t header_size;
		uint64_t payload_size;
		uint32_t compressed_size, options;
		uint16_t minor, major;
		uint32_t arch;
		unsigned char rest[32];
	} entry;
	char text[64];
};

static struct small_fatbin fatbin_of(const char *text)
{
	struct small_fatbin fatbin = {.magic = 0xBA55ED50,
				      .version = 1,
				      .header_size = 16,
				      .size = sizeof fatbin - 16,
				      .entry = {.kind = 1,
						.version = 0x101,
						.header_size = sizeof fatbin.entry,
						.payload_size = sizeof fatbin.text,
						.arch = 75}};
	ck_assert_uint_lt(strlen(text), sizeof fatbin.text);
	strcpy(fatbin.text, text);
	return fatbin;
}

/* Programs made with nvcc -rdc=true have one fatbin a translation unit. */
START_TEST(programs_of_several_units)
{
	struct small_fatbin units[] = {fatbin_of("//kernel nothing\n//kernel small\n"),
				       fatbin_of("//kernel note\n//variable counter 4\n")};
	const void *fatbins[] = {&units[0], &units[1], NULL};
	struct {
		uint32_t magic;
		int32_t version;
		const void *data, *fatbins;
	} wrapper = {0x466243B1, 2, NULL, fatbins};
	struct notes notes = {0};
	CUfunction function, all[3];
	CUdeviceptr address;
	unsigned count;
	OK(cuModuleLoadData(&module, &wrapper));
	OK(cuModuleGetFunctionCount(&count, module));
	ck_assert_uint_eq(count, 3);
	OK(cuModuleGetFunction(&function, module, "note"));
	OK(cuModuleEnumerateFunctions(all, 3, module));
	ck_assert_ptr_eq(all[2], function);
	OK(cuModuleGetGlobal(&address, NULL, module, "counter"));
	launch_note(&notes, 4, NULL);
	OK(cuCtxSynchronize());
	ck_assert_int_eq(notes.values[0], 4);
}
END_TEST

START_TEST(jit_options)
{
	char errors[64], info[64] = "unchanged";
	CUmodule other;
	CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, CU_JIT_INFO_LOG_BUFFER,
				  CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES, CU_JIT_MAX_REGISTERS};
	void *values[] = {errors, (void *)sizeof errors, info, (void *)sizeof info, (void *)32};
	FAILS(CUDA_ERROR_INVALID_PTX, cuModuleLoadDataEx(&other, "//broken\n", 5, options, values));
	ck_assert_str_eq(errors, "line '//broken' is broken");
	ck_assert_uint_eq((size_t)values[1], strlen(errors));
	ck_assert_str_eq(info, "");
	ck_assert_uint_eq((size_t)values[3], 0);
	values[1] = (void *)5;
	FAILS(CUDA_ERROR_INVALID_PTX, cuModuleLoadDataEx(&other, "//broken\n", 2, options, values));
	ck_assert_str_eq(errors, "line");
	ck_assert_uint_eq((size_t)values[1], 4);
	options[4] = (CUjit_option)1000;
	FAILS(CUDA_ERROR_INVALID_VALUE, cuModuleLoadDataEx(&other, FAKE_MODULE, 5, options, values));
	FAILS(CUDA_ERROR_INVALID_VALUE, cuModuleLoadDataEx(&other, FAKE_MODULE, 5, NULL, NULL));
}
END_TEST

START_TEST(files)
{
	char path[] = "/tmp/cricket-module-XXXXXX";
	CUmodule other;
	CUlibrary library;
	int file = mkstemp(path);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(write(file, FAKE_MODULE, strlen(FAKE_MODULE)), strlen(FAKE_MODULE));
	close(file);
	OK(cuModuleLoad(&other, path));
	OK(cuLibraryLoadFromFile(&library, path, NULL, NULL, 0, NULL, NULL, 0));
	unlink(path);
	FAILS(CUDA_ERROR_FILE_NOT_FOUND, cuModuleLoad(&other, path));
	FAILS(CUDA_ERROR_FILE_NOT_FOUND, cuModuleLoad(&other, "/"));
}
END_TEST

START_TEST(kernels_of_a_library)
{
	CUlibrary library = library_new(), owner;
	CUkernel kernel_handle, all[16];
	const char *name;
	unsigned count;
	size_t offset;
	OK(cuLibraryGetKernel(&kernel_handle, library, "packed"));
	OK(cuKernelGetName(&name, kernel_handle));
	ck_assert_str_eq(name, "packed");
	OK(cuKernelGetLibrary(&owner, kernel_handle));
	ck_assert_ptr_eq(owner, library);
	OK(cuKernelGetParamInfo(kernel_handle, 1, &offset, NULL));
	ck_assert_uint_eq(offset, 8);
	OK(cuLibraryGetKernelCount(&count, library));
	ck_assert_uint_eq(count, 7);
	OK(cuLibraryEnumerateKernels(all, 4, library));
	ck_assert_ptr_eq(all[3], kernel_handle);
	FAILS(CUDA_ERROR_NOT_FOUND, cuLibraryGetKernel(&kernel_handle, library, "absent"));
	OK(cuLibraryUnload(library));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuKernelGetName(&name, all[0]));
	FAILS(CUDA_ERROR_INVALID_HANDLE, cuLibraryUnload(library));
}
END_TEST

static void launch_kernel_note(CUkernel handle, struct notes *notes, int value)
{
	OK(cuLaunchKernel((CUfunction)handle, 1, 1, 1, 1, 1, 1, 0, NULL, (void *[]){&notes, &value}, NULL));
}

/* A kernel is launched by its own handle, in whatever context is current, and survives a reset. */
START_TEST(a_kernel_runs_in_every_context)
{
	struct notes notes = {0};
	CUlibrary library = library_new();
	CUkernel note;
	CUfunction first, second;
	CUcontext other;
	CUdeviceptr here, there;
	OK(cuLibraryGetKernel(&note, library, "note"));
	launch_kernel_note(note, &notes, 1);
	OK(cuKernelGetFunction(&first, note));
	OK(cuLibraryGetGlobal(&here, NULL, library, "counter"));
	OK(cuCtxSynchronize());
	OK(cuCtxCreate(&other, NULL, 0, 0));
	launch_kernel_note(note, &notes, 2);
	OK(cuKernelGetFunction(&second, note));
	OK(cuLibraryGetGlobal(&there, NULL, library, "counter"));
	OK(cuCtxDestroy(other));
	ck_assert_ptr_ne(first, second);
	ck_assert_uint_ne(here, there);
	OK(cuDevicePrimaryCtxReset(0));
	launch_kernel_note(note, &notes, 3);
	OK(cuCtxSynchronize());
	ck_assert_int_eq(notes.count, 3);
}
END_TEST

START_TEST(kernel_attributes_hold_in_every_context)
{
	CUlibrary library = library_new();
	CUkernel nothing;
	CUfunction function;
	int value;
	OK(cuLibraryGetKernel(&nothing, library, "nothing"));
	OK(cuKernelSetAttribute(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 60000, nothing, 0));
	OK(cuKernelGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, nothing, 0));
	ck_assert_int_eq(value, 60000);
	OK(cuKernelGetFunction(&function, nothing));
	OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, function));
	ck_assert_int_eq(value, 60000);
	OK(cuLaunchKernel((CUfunction)nothing, 1, 1, 1, 1, 1, 1, 60000, NULL, NULL, NULL));
	FAILS(CUDA_ERROR_INVALID_DEVICE, cuKernelGetAttribute(&value, CU_FUNC_ATTRIBUTE_NUM_REGS, nothing, 1));
}
END_TEST

START_TEST(the_module_of_a_library)
{
	CUlibrary library = library_new();
	CUmodule of_library;
	CUdeviceptr a, b;
	size_t size;
	OK(cuLibraryGetModule(&of_library, library));
	OK(cuModuleGetGlobal(&a, &size, of_library, "table"));
	OK(cuLibraryGetManaged(&b, &size, library, "table"));
	ck_assert_uint_eq(a, b);
	FAILS(CUDA_ERROR_NOT_PERMITTED, cuModuleUnload(of_library));
	FAILS(CUDA_ERROR_NOT_FOUND, cuLibraryGetGlobal(&a, &size, library, "absent"));
	void *function;
	FAILS(CUDA_ERROR_NOT_FOUND, cuLibraryGetUnifiedFunction(&function, library, "note"));
}
END_TEST

START_TEST(a_library_needs_no_context)
{
	CUlibrary library;
	CUkernel note;
	int value;
	OK(cuCtxSetCurrent(NULL));
	library = library_new();
	OK(cuLibraryGetKernel(&note, library, "small"));
	OK(cuKernelGetAttribute(&value, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, note, 0));
	ck_assert_int_eq(value, 1024);
	FAILS(CUDA_ERROR_INVALID_CONTEXT, cuLaunchKernel((CUfunction)note, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
	FAILS(CUDA_ERROR_INVALID_CONTEXT, cuModuleLoadData(&module, FAKE_MODULE));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    functions_of_a_module,
	    functions_load_lazily,
	    variables_of_a_module,
	    unloading,
	    images_that_cannot_be_loaded,
	    programs_of_several_units,
	    jit_options,
	    files,
	    kernels_of_a_library,
	    a_kernel_runs_in_every_context,
	    kernel_attributes_hold_in_every_context,
	    the_module_of_a_library,
	    a_library_needs_no_context,
	};
	return RUN_TESTS("module", setup_module, tests);
}
