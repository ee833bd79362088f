/* Modules and libraries: upload, load, and what the reply says of their functions. */
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "hand.h"
#include "handles.h"
#include "image.h"
#include "jit.h"
#include "log.h"
#include "memory.h"
#include "platform.h"
#include "thread.h"

/* ---- From the load reply to objects ---- */

static int by_name(const void *a, const void *b)
{
	const struct cu_function_object *const *left = a, *const *right = b;
	return strcmp((*left)->name, (*right)->name);
}

/* Takes the strings and arrays of `info` over. False when what it says cannot be. */
static bool take_function(struct cu_function_object *function, uint64_t owner, function_info *info)
{
	*function = (struct cu_function_object){.id = info->function,
						.owner = owner,
						.name = info->symbol,
						.parameters = info->parameters.parameters_val,
						.parameter_count = info->parameters.parameters_len,
						.attributes = info->attributes.values.values_val,
						.attribute_count = info->attributes.values.values_len};
	info->symbol = NULL;
	info->parameters.parameters_val = NULL;
	info->attributes.values.values_val = NULL;
	for (unsigned i = 0; i < function->parameter_count; i++) {
		const parameter_layout *layout = &function->parameters[i];
		if (layout->offset > CUDA_ARGUMENTS_MAX || layout->size > CUDA_ARGUMENTS_MAX - layout->offset)
			return false;
		if (layout->offset + layout->size > function->parameter_bytes)
			function->parameter_bytes = layout->offset + layout->size;
	}
	return function->name != NULL;
}

static CUresult add_function(struct cu_module_object *module, function_info *info)
{
	struct cu_function_object *function = malloc(sizeof(*function));
	if (!function)
		return CUDA_ERROR_OUT_OF_MEMORY;
	if (!take_function(function, module->id, info) || !cu_object_enter(CR_KIND_FUNCTION, function->id, function)) {
		cu_function_object_free(function);
		return CUDA_ERROR_UNKNOWN;
	}
	module->functions[module->function_count++] = function;
	return CUDA_SUCCESS;
}

/* Enters the module and its functions. The objects' lock is held for writing. */
static CUresult enter_loaded(enum cr_kind kind, uint64_t context, loaded *loaded, struct cu_module_object **module)
{
	CUresult err = CUDA_SUCCESS;
	*module = calloc(1, sizeof(**module));
	if (!*module)
		return CUDA_ERROR_OUT_OF_MEMORY;
	(*module)->id = loaded->handle;
	(*module)->context = context;
	(*module)->functions = calloc(loaded->functions.functions_len + 1, sizeof(*(*module)->functions));
	if (!(*module)->functions)
		err = CUDA_ERROR_OUT_OF_MEMORY;
	for (u_int i = 0; !err && i < loaded->functions.functions_len; i++)
		err = add_function(*module, &loaded->functions.functions_val[i]);
	if (!err && !cu_object_enter(kind, loaded->handle, *module))
		err = CUDA_ERROR_UNKNOWN;
	if (err) {
		cr_log(CR_LOG_ERROR, "the server's reply to a load makes no sense");
		cu_module_object_free(*module);
		return err;
	}
	qsort((*module)->functions, (*module)->function_count, sizeof(*(*module)->functions), by_name);
	return CUDA_SUCCESS;
}

/* ---- Loading ---- */

/* load_res behind its `int err`: the arm depends on it, so it is read by hand. */
struct load_reply {
	load_res result;
};

static bool_t decode_loaded(XDR *in, struct load_reply *reply)
{
	reply->result.err = 0;
	return xdr_loaded(in, &reply->result.load_res_u.value);
}

static CUresult await_load(struct cu_call *call, bool encoded, struct load_reply *reply, struct cu_jit *jit)
{
	load_logs logs = {0};
	CUresult err =
	    cu_call_result_or(call, encoded, (xdrproc_t)decode_loaded, reply, (xdrproc_t)xdr_load_logs, &logs);
	cu_jit_finish(jit, err ? &logs : &reply->result.load_res_u.value.logs);
	if (err && logs.error.error_len)
		cr_log(CR_LOG_ERROR, "%s: %.*s", cu_functions[call->function].name, (int)logs.error.error_len,
		       logs.error.error_val);
	xdr_free((xdrproc_t)xdr_load_logs, &logs);
	return err;
}

/* Enters what was loaded, or unloads it again. */
static CUresult keep(enum cr_kind kind, uint64_t context, struct load_reply *reply, u64 *handle)
{
	struct cu_module_object *module;
	*handle = reply->result.load_res_u.value.handle;
	cu_objects_lock();
	CUresult err = enter_loaded(kind, context, &reply->result.load_res_u.value, &module);
	cu_objects_unlock();
	xdr_free((xdrproc_t)xdr_loaded, &reply->result.load_res_u.value);
	return err;
}

static CUresult load(enum cu_function_id function, enum cr_kind kind, const void *image, struct cu_jit *jit,
		     load_option *library_options, unsigned library_count, u64 *handle)
{
	uint64_t context;
	load_args args = {.jit = {jit->count, jit->options}, .library = {library_count, library_options}};
	struct cu_call call;
	CUresult err = cu_thread_live_context(&context);
	/* A library belongs to no context. */
	if (kind == CR_KIND_LIBRARY) {
		err = CUDA_SUCCESS;
		context = 0;
	}
	if (!err)
		err = cu_image_upload(image, &args.image);
	if (!err)
		err = cu_call_begin(&call, function);
	if (err)
		return err;
	struct load_reply reply = {0};
	err = await_load(&call, xdr_load_args(call.args, &args), &reply, jit);
	return err ? err : keep(kind, context, &reply, handle);
}

CUresult client_cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned int numOptions, CUjit_option *options,
				   void **optionValues)
{
	struct cu_jit jit;
	u64 handle;
	if (!module || !image)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_jit_read(&jit, options, optionValues, numOptions);
	if (!err)
		err = load(FN_cuModuleLoadDataEx, CR_KIND_MODULE, image, &jit, NULL, 0, &handle);
	if (!err)
		*module = cu_handle(handle);
	return err;
}

CUresult client_cuModuleLoadData(CUmodule *module, const void *image)
{
	return client_cuModuleLoadDataEx(module, image, 0, NULL, NULL);
}

CUresult client_cuModuleLoadFatBinary(CUmodule *module, const void *fatCubin)
{
	return client_cuModuleLoadDataEx(module, fatCubin, 0, NULL, NULL);
}

CUresult client_cuModuleLoad(CUmodule *module, const char *fname)
{
	char *data;
	size_t size;
	CUresult err = cu_image_read_file(fname, &data, &size);
	if (err)
		return err;
	err = client_cuModuleLoadData(module, data);
	free(data);
	return err;
}

static CUresult read_library_options(load_option *to, const CUlibraryOption *options, void **values, unsigned count)
{
	if (count > CUDA_OPTIONS_MAX || (count && !options))
		return CUDA_ERROR_INVALID_VALUE;
	for (unsigned i = 0; i < count; i++) {
		if (options[i] == CU_LIBRARY_HOST_UNIVERSAL_FUNCTION_AND_DATA_TABLE)
			return CUDA_ERROR_NOT_SUPPORTED; /* host function addresses mean nothing to the server */
		to[i] = (load_option){(int)options[i], values ? (uintptr_t)values[i] : 0};
	}
	return CUDA_SUCCESS;
}

CUresult client_cuLibraryLoadData(CUlibrary *library, const void *code, CUjit_option *jitOptions,
				  void **jitOptionsValues, unsigned int numJitOptions, CUlibraryOption *libraryOptions,
				  void **libraryOptionValues, unsigned int numLibraryOptions)
{
	struct cu_jit jit;
	load_option library_options[CUDA_OPTIONS_MAX];
	u64 handle;
	if (!library || !code)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_jit_read(&jit, jitOptions, jitOptionsValues, numJitOptions);
	if (!err)
		err = read_library_options(library_options, libraryOptions, libraryOptionValues, numLibraryOptions);
	if (!err)
		err = load(FN_cuLibraryLoadData, CR_KIND_LIBRARY, code, &jit, library_options, numLibraryOptions,
			   &handle);
	if (!err)
		*library = cu_handle(handle);
	return err;
}

CUresult client_cuLibraryLoadFromFile(CUlibrary *library, const char *fileName, CUjit_option *jitOptions,
				      void **jitOptionsValues, unsigned int numJitOptions,
				      CUlibraryOption *libraryOptions, void **libraryOptionValues,
				      unsigned int numLibraryOptions)
{
	char *data;
	size_t size;
	CUresult err = cu_image_read_file(fileName, &data, &size);
	if (err)
		return err;
	err = client_cuLibraryLoadData(library, data, jitOptions, jitOptionsValues, numJitOptions, libraryOptions,
				       libraryOptionValues, numLibraryOptions);
	free(data);
	return err;
}

/* ---- Unloading ---- */

static CUresult unload(enum cu_function_id function, enum cr_kind kind, const void *handle)
{
	struct cu_call call;
	u64 id = (uintptr_t)handle;
	cu_objects_lock_shared();
	bool known = cu_object(kind, handle) != NULL;
	cu_objects_unlock();
	if (!known)
		return CUDA_ERROR_INVALID_HANDLE;
	CUresult err = cu_call_begin(&call, function);
	if (!err)
		err = cu_call_end(&call, xdr_u64(call.args, &id));
	if (err)
		return err;
	cu_objects_lock();
	struct cu_module_object *module = cu_object_remove(kind, handle);
	if (module)
		cu_module_object_free(module);
	cu_objects_unlock();
	return CUDA_SUCCESS;
}

CUresult client_cuModuleUnload(CUmodule hmod)
{
	return unload(FN_cuModuleUnload, CR_KIND_MODULE, hmod);
}

CUresult client_cuLibraryUnload(CUlibrary library)
{
	return unload(FN_cuLibraryUnload, CR_KIND_LIBRARY, library);
}

/* ---- Looking at what is loaded ---- */

static CUresult find_function(enum cr_kind kind, const void *owner, const char *name, void **handle)
{
	if (!handle || !name)
		return CUDA_ERROR_INVALID_VALUE;
	struct cu_function_object key = {.name = (char *)(uintptr_t)name}, *wanted = &key, **found = NULL;
	cu_objects_lock_shared();
	struct cu_module_object *module = cu_object(kind, owner);
	if (module)
		found = bsearch(&wanted, module->functions, module->function_count, sizeof(*found), by_name);
	if (found)
		*handle = cu_handle((*found)->id);
	cu_objects_unlock();
	return found ? CUDA_SUCCESS : module ? CUDA_ERROR_NOT_FOUND : CUDA_ERROR_INVALID_HANDLE;
}

CUresult client_cuModuleGetFunction(CUfunction *hfunc, CUmodule hmod, const char *name)
{
	return find_function(CR_KIND_MODULE, hmod, name, (void **)hfunc);
}

CUresult client_cuLibraryGetKernel(CUkernel *pKernel, CUlibrary library, const char *name)
{
	return find_function(CR_KIND_LIBRARY, library, name, (void **)pKernel);
}

static CUresult count_functions(enum cr_kind kind, const void *owner, unsigned *count)
{
	if (!count)
		return CUDA_ERROR_INVALID_VALUE;
	cu_objects_lock_shared();
	struct cu_module_object *module = cu_object(kind, owner);
	if (module)
		*count = module->function_count;
	cu_objects_unlock();
	return module ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult client_cuModuleGetFunctionCount(unsigned int *count, CUmodule mod)
{
	return count_functions(CR_KIND_MODULE, mod, count);
}

CUresult client_cuLibraryGetKernelCount(unsigned int *count, CUlibrary lib)
{
	return count_functions(CR_KIND_LIBRARY, lib, count);
}

static CUresult list_functions(enum cr_kind kind, const void *owner, void **handles, unsigned count)
{
	if (!handles && count)
		return CUDA_ERROR_INVALID_VALUE;
	cu_objects_lock_shared();
	struct cu_module_object *module = cu_object(kind, owner);
	for (unsigned i = 0; module && i < count && i < module->function_count; i++)
		handles[i] = cu_handle(module->functions[i]->id);
	cu_objects_unlock();
	return module ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult client_cuModuleEnumerateFunctions(CUfunction *functions, unsigned int numFunctions, CUmodule mod)
{
	return list_functions(CR_KIND_MODULE, mod, (void **)functions, numFunctions);
}

CUresult client_cuLibraryEnumerateKernels(CUkernel *kernels, unsigned int numKernels, CUlibrary lib)
{
	return list_functions(CR_KIND_LIBRARY, lib, (void **)kernels, numKernels);
}

CUresult client_cuModuleGetLoadingMode(CUmoduleLoadingMode *mode)
{
	if (!mode)
		return CUDA_ERROR_INVALID_VALUE;
	const char *wanted = cu_environment("CUDA_MODULE_LOADING");
	*mode = wanted && !strcmp(wanted, "EAGER") ? CU_MODULE_EAGER_LOADING : CU_MODULE_LAZY_LOADING;
	return CUDA_SUCCESS;
}

/* ---- Variables ---- */

static CUresult note(CUresult err, const CUdeviceptr *address, const size_t *size)
{
	if (!err)
		cu_memory_note_symbol(*address, *size, cu_thread_context());
	return err;
}

static CUresult give(CUresult err, CUdeviceptr address, size_t size, CUdeviceptr *dptr, size_t *bytes)
{
	if (!err && dptr)
		*dptr = address;
	if (!err && bytes)
		*bytes = size;
	return err;
}

CUresult client_cuModuleGetGlobal_v2(CUdeviceptr *dptr, size_t *bytes, CUmodule hmod, const char *name)
{
	CUdeviceptr address = 0;
	size_t size = 0;
	CUresult err = note(rpc_cuModuleGetGlobal_v2(&address, &size, hmod, name), &address, &size);

	return give(err, address, size, dptr, bytes);
}

CUresult client_cuLibraryGetGlobal(CUdeviceptr *dptr, size_t *bytes, CUlibrary library, const char *name)
{
	CUdeviceptr address = 0;
	size_t size = 0;
	CUresult err = note(rpc_cuLibraryGetGlobal(&address, &size, library, name), &address, &size);

	return give(err, address, size, dptr, bytes);
}

CUresult client_cuLibraryGetManaged(CUdeviceptr *dptr, size_t *bytes, CUlibrary library, const char *name)
{
	CUdeviceptr address = 0;
	size_t size = 0;
	CUresult err = note(rpc_cuLibraryGetManaged(&address, &size, library, name), &address, &size);

	return give(err, address, size, dptr, bytes);
}

/* ---- The module of a library ---- */

static CUresult load_library_module(CUlibrary library, u64 *handle)
{
	struct cu_call call;
	struct cu_jit jit = {.count = 0};
	struct load_reply reply = {0};
	uint64_t context;
	u64 id;
	CUresult err = cu_id_of_library(library, &id);
	if (!err)
		err = cu_thread_live_context(&context);
	if (!err)
		err = cu_call_begin(&call, FN_cuLibraryGetModule);
	if (err)
		return err;
	err = await_load(&call, xdr_u64(call.args, &id), &reply, &jit);
	return err ? err : keep(CR_KIND_MODULE, context, &reply, handle);
}

CUresult client_cuLibraryGetModule(CUmodule *pMod, CUlibrary library)
{
	u64 handle = 0;
	if (!pMod)
		return CUDA_ERROR_INVALID_VALUE;
	cu_objects_lock_shared();
	struct cu_module_object *object = cu_object(CR_KIND_LIBRARY, library);
	if (object && cu_object(CR_KIND_MODULE, cu_handle(object->module)))
		handle = object->module;
	cu_objects_unlock();
	CUresult err = handle ? CUDA_SUCCESS : load_library_module(library, &handle);
	if (err)
		return err;
	cu_objects_lock();
	object = cu_object(CR_KIND_LIBRARY, library);
	if (object)
		object->module = handle;
	cu_objects_unlock();
	*pMod = cu_handle(handle);
	return CUDA_SUCCESS;
}
