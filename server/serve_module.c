/* Modules and libraries: loading an uploaded image, and the table of functions that goes back with it. */
#include "serve_module.h"

#include <stdlib.h>
#include <string.h>

#include "dispatch.h"
#include "handlers.h"
#include "handles.h"
#include "linked.h"

/* Four options more than a client may give: the log buffers. */
#define JIT_OPTIONS_MAX (CUDA_OPTIONS_MAX + 4)

struct load {
	char *image;
	const void *code; /* what the driver loads: the image, or a wrapper of its parts */
	struct srv_linked linked;
	CUjit_option options[JIT_OPTIONS_MAX];
	void *values[JIT_OPTIONS_MAX];
	unsigned count;
	char *info_log, *error_log; /* CUDA_LOG_MAX bytes each */
};

/* Options whose value is a number, and an input only. */
static bool jit_option_travels(int option)
{
	switch (option) {
	case CU_JIT_INFO_LOG_BUFFER:
	case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
	case CU_JIT_ERROR_LOG_BUFFER:
	case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
	case CU_JIT_WALL_TIME:
	case CU_JIT_GLOBAL_SYMBOL_NAMES:
	case CU_JIT_GLOBAL_SYMBOL_ADDRESSES:
	case CU_JIT_GLOBAL_SYMBOL_COUNT:
	case CU_JIT_REFERENCED_KERNEL_NAMES:
	case CU_JIT_REFERENCED_KERNEL_COUNT:
	case CU_JIT_REFERENCED_VARIABLE_NAMES:
	case CU_JIT_REFERENCED_VARIABLE_COUNT:
		return false;
	default:
		return option >= 0 && option < CU_JIT_NUM_OPTIONS;
	}
}

static void load_option_add(struct load *load, CUjit_option option, uintptr_t value)
{
	load->options[load->count] = option;
	load->values[load->count++] = (void *)value;
}

static CUresult load_options(struct load *load, const load_args *args)
{
	for (u_int i = 0; i < args->jit.jit_len; i++) {
		if (!jit_option_travels(args->jit.jit_val[i].option))
			return CUDA_ERROR_NOT_SUPPORTED;
		load_option_add(load, (CUjit_option)args->jit.jit_val[i].option, args->jit.jit_val[i].value);
	}
	/* BINARY_IS_PRESERVED is not passed on: the image goes when the load is done, the driver keeps its own copy. */
	for (u_int i = 0; i < args->library.library_len; i++) {
		if (args->library.library_val[i].option != CU_LIBRARY_BINARY_IS_PRESERVED)
			return CUDA_ERROR_NOT_SUPPORTED;
	}
	load_option_add(load, CU_JIT_INFO_LOG_BUFFER, (uintptr_t)load->info_log);
	load_option_add(load, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES, CUDA_LOG_MAX);
	load_option_add(load, CU_JIT_ERROR_LOG_BUFFER, (uintptr_t)load->error_log);
	load_option_add(load, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, CUDA_LOG_MAX);
	return CUDA_SUCCESS;
}

/* Takes the image and the options; what has been allocated is freed by load_free in any case. */
static CUresult load_begin(struct srv_call *call, struct load *load, const load_args *args)
{
	size_t size;
	load->image = srv_image_take(&call->session->images, args->image, &size);
	load->info_log = calloc(1, CUDA_LOG_MAX);
	load->error_log = calloc(1, CUDA_LOG_MAX);
	if (!load->info_log || !load->error_log)
		return CUDA_ERROR_OUT_OF_MEMORY;
	if (!load->image)
		return CUDA_ERROR_INVALID_IMAGE;
	if (!srv_linked_make(&load->linked, load->image, size))
		return CUDA_ERROR_OUT_OF_MEMORY;
	load->code = load->linked.count ? (const void *)&load->linked.wrapper : load->image;
	return load_options(load, args);
}

static void load_free(struct load *load)
{
	srv_linked_free(&load->linked);
	free(load->image);
	free(load->info_log);
	free(load->error_log);
}

static load_logs load_logs_of(const struct load *load)
{
	load_logs logs = {0};
	if (load->info_log && load->error_log) {
		logs.info.info_val = load->info_log;
		logs.info.info_len = (u_int)strnlen(load->info_log, CUDA_LOG_MAX);
		logs.error.error_val = load->error_log;
		logs.error.error_len = (u_int)strnlen(load->error_log, CUDA_LOG_MAX);
	}
	return logs;
}

/* More functions than the worker's reply has room for. */
static bool send_large(struct srv_call *call, CUresult *err, loaded *value)
{
	XDR xdr;
	u_long size = sizeof(int) + xdr_sizeof((xdrproc_t)xdr_loaded, value);
	int none = CUDA_SUCCESS;
	char *bytes = size <= SRV_LARGE_REPLY_MAX ? malloc(size) : NULL;
	*err = CUDA_ERROR_OUT_OF_MEMORY;
	if (!bytes)
		return false;
	xdrmem_create(&xdr, bytes, (u_int)size, XDR_ENCODE);
	if (xdr_int(&xdr, &none) && xdr_loaded(&xdr, value)) {
		*err = CUDA_SUCCESS;
		call->deferred = true; /* the reply is sent here */
		srv_send_large(call->worker, call->xid, bytes, XDR_GETPOS(&xdr));
	}
	free(bytes);
	return !*err;
}

/* Encodes a load_res; takes the functions. On an error, or where the table does not fit, *err is set and the caller
   unloads. */
static bool reply_loaded(struct srv_call *call, CUresult *err, u64 id, const load_logs *logs,
			 struct srv_functions *functions)
{
	u_int start = XDR_GETPOS(call->result);
	loaded value = {.handle = id, .logs = *logs};
	value.functions.functions_len = functions->count;
	value.functions.functions_val = functions->rows;
	bool encoded = !*err && srv_reply(call, *err) && xdr_loaded(call->result, &value);
	if (!*err && !encoded)
		encoded = send_large(call, err, &value);
	srv_functions_free(functions);
	if (encoded)
		return true;
	XDR_SETPOS(call->result, start);
	return srv_reply(call, *err) && xdr_load_logs(call->result, (load_logs *)logs);
}

static CUresult module_load(struct srv_call *call, struct load *load, const load_args *args, struct srv_object *module)
{
	CUmodule handle = NULL;
	CUresult err = load_begin(call, load, args);
	if (!err)
		err = SRV_DRIVER(cuModuleLoadDataEx, &handle, load->code, load->count, load->options, load->values);
	*module = (struct srv_object){.handle = handle, .owner = call->worker->context};
	return err;
}

bool serve_cuModuleLoadDataEx(struct srv_call *call)
{
	load_args args = {0};
	struct load load = {0};
	struct srv_object module = {0};
	struct srv_functions functions = {0};
	u64 id = 0;
	bool decoded = xdr_load_args(call->args, &args);
	if (decoded) {
		CUresult err = srv_begin(call);
		if (!err)
			err = module_load(call, &load, &args, &module);
		if (!err)
			id = srv_object_add(call->session, CR_KIND_MODULE, &module, &err);
		if (!err)
			err = srv_module_functions(call, id, module.handle, &functions);
		load_logs logs = load_logs_of(&load);
		decoded = reply_loaded(call, &err, id, &logs, &functions);
		if (err && module.handle) {
			srv_forget_children(call->session, id);
			srv_remove_module(call, id);
			(void)SRV_DRIVER(cuModuleUnload, module.handle);
		}
	}
	load_free(&load);
	xdr_free((xdrproc_t)xdr_load_args, &args);
	return decoded;
}

bool serve_cuModuleUnload(struct srv_call *call)
{
	u64 id;
	CUmodule module;
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_module(call, id, &module);
	if (!err)
		err = SRV_DRIVER(cuModuleUnload, module);
	if (!err) {
		srv_forget_children(call->session, id);
		srv_remove_module(call, id);
	}
	return srv_reply(call, err);
}

static CUresult library_load(struct srv_call *call, struct load *load, const load_args *args, CUlibrary *library)
{
	CUresult err = load_begin(call, load, args);
	if (!err)
		err = SRV_DRIVER(cuLibraryLoadData, library, load->code, load->options, load->values, load->count, NULL,
				 NULL, 0);
	return err;
}

bool serve_cuLibraryLoadData(struct srv_call *call)
{
	load_args args = {0};
	struct load load = {0};
	struct srv_functions functions = {0};
	CUlibrary library = NULL;
	u64 id = 0;
	bool decoded = xdr_load_args(call->args, &args);
	if (decoded) {
		CUresult err = srv_begin(call);
		if (!err)
			err = library_load(call, &load, &args, &library);
		if (!err)
			id = srv_mint_library(call, library, &err);
		if (!err)
			err = srv_library_kernels(call, id, library, &functions);
		load_logs logs = load_logs_of(&load);
		decoded = reply_loaded(call, &err, id, &logs, &functions);
		if (err && library) {
			srv_forget_children(call->session, id);
			srv_remove_library(call, id);
			(void)SRV_DRIVER(cuLibraryUnload, library);
		}
	}
	load_free(&load);
	xdr_free((xdrproc_t)xdr_load_args, &args);
	return decoded;
}

bool serve_cuLibraryUnload(struct srv_call *call)
{
	u64 id;
	CUlibrary library;
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_library(call, id, &library);
	if (!err)
		err = SRV_DRIVER(cuLibraryUnload, library);
	if (!err) {
		srv_forget_children(call->session, id);
		srv_remove_library(call, id);
	}
	return srv_reply(call, err);
}

bool serve_cuLibraryGetModule(struct srv_call *call)
{
	u64 library_id, id = 0;
	CUlibrary library;
	struct srv_object module = {.owner = call->worker->context};
	struct srv_functions functions = {0};
	const load_logs no_logs = {0};
	if (!xdr_u64(call->args, &library_id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_library(call, library_id, &library);
	if (!err)
		err = SRV_DRIVER(cuLibraryGetModule, (CUmodule *)&module.handle, library);
	module.parent = library_id;
	if (!err)
		id = srv_object_add(call->session, CR_KIND_MODULE, &module, &err);
	if (!err)
		err = srv_module_functions(call, id, module.handle, &functions);
	bool encoded = reply_loaded(call, &err, id, &no_logs, &functions);
	if (err && id) {
		srv_forget_children(call->session, id);
		srv_remove_module(call, id);
	}
	return encoded;
}
