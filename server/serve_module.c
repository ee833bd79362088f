/* Modules and libraries: loading an uploaded image, and the table of functions that goes back with it. */
#include "serve_module.h"

#include <stdlib.h>
#include <string.h>

#include "dispatch.h"
#include "handlers.h"
#include "handles.h"
#include "jit.h"
#include "linked.h"

struct load {
	char *image;
	const void *code; /* what the driver loads: the image, or a wrapper of its parts */
	struct srv_linked linked;
	struct srv_jit jit;
};

/* BINARY_IS_PRESERVED is not passed on: the image goes when the load is done, the driver keeps its own copy. */
static CUresult library_options_check(const load_args *args)
{
	for (u_int i = 0; i < args->library.library_len; i++) {
		if (args->library.library_val[i].option != CU_LIBRARY_BINARY_IS_PRESERVED)
			return CUDA_ERROR_NOT_SUPPORTED;
	}
	return CUDA_SUCCESS;
}

/* Takes the image and the options; what has been allocated is freed by load_free in any case. */
static CUresult load_begin(struct srv_call *call, struct load *load, const load_args *args)
{
	size_t size;
	load->image = srv_image_take(&call->session->images, args->image, &size);
	CUresult err = srv_jit_make(&load->jit, args->jit.jit_val, args->jit.jit_len, true);
	if (!err)
		err = library_options_check(args);
	if (err)
		return err;
	if (!load->image)
		return CUDA_ERROR_INVALID_IMAGE;
	if (!srv_linked_make(&load->linked, load->image, size))
		return CUDA_ERROR_OUT_OF_MEMORY;
	load->code = load->linked.count ? (const void *)&load->linked.wrapper : load->image;
	return CUDA_SUCCESS;
}

static void load_free(struct load *load)
{
	srv_linked_free(&load->linked);
	free(load->image);
	srv_jit_free(&load->jit);
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

/* Of a program whose linked machine code the driver could not take (*err) the units are linked; then `code` is what is
   to be loaded instead. */
static bool load_by_linking(struct load *load, CUresult *err)
{
	if (!load->linked.count || (*err != CUDA_ERROR_NO_BINARY_FOR_GPU && *err != CUDA_ERROR_INVALID_IMAGE))
		return false;
	CUresult linking = srv_linked_link(&load->linked, &load->code);
	/* Where there is no linker, or no context for it, the load's own error says more. */
	if (linking != CUDA_ERROR_NOT_SUPPORTED && linking != CUDA_ERROR_INVALID_CONTEXT)
		*err = linking;
	return !linking;
}

static load_logs load_logs_of(const struct load *load)
{
	const struct srv_jit *linker = &load->linked.jit;
	return srv_jit_logs(linker->error_log && linker->error_log[0] ? linker : &load->jit);
}

static CUresult module_load(struct srv_call *call, struct load *load, const load_args *args, struct srv_object *module)
{
	CUmodule handle = NULL;
	CUresult err = load_begin(call, load, args);
	if (!err)
		err = SRV_DRIVER(cuModuleLoadDataEx, &handle, load->code, load->jit.count, load->jit.options,
				 load->jit.values);
	if (load_by_linking(load, &err))
		err = SRV_DRIVER(cuModuleLoadData, &handle, load->code);
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
		err = SRV_DRIVER(cuLibraryLoadData, library, load->code, load->jit.options, load->jit.values,
				 load->jit.count, NULL, NULL, 0);
	if (load_by_linking(load, &err))
		err = SRV_DRIVER(cuLibraryLoadData, library, load->code, NULL, NULL, 0, NULL, NULL, 0);
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
