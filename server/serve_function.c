/* Functions and kernels: names, parameter layouts, attributes. */
#include <limits.h>
#include <stdlib.h>

#include "handlers.h"
#include "handles.h"
#include "serve_module.h"

/* Where the driver does not know an attribute: proto/rpc_cuda.x. */
#define NO_ATTRIBUTE INT_MIN

_Static_assert((int)CU_FUNC_ATTRIBUTE_MAX <= (int)CUDA_FUNCTION_ATTRIBUTES_MAX, "function_attributes is too small");

/* One function of whichever kind. */
struct function {
	void *handle;
	bool kernel;
	CUdevice device; /* whose attributes of a kernel */
};

static CUresult function_name(const struct function *function, const char **name)
{
	return function->kernel ? SRV_DRIVER(cuKernelGetName, name, function->handle)
				: SRV_DRIVER(cuFuncGetName, name, function->handle);
}

static CUresult function_parameter(const struct function *function, size_t index, size_t *offset, size_t *size)
{
	return function->kernel ? SRV_DRIVER(cuKernelGetParamInfo, function->handle, index, offset, size)
				: SRV_DRIVER(cuFuncGetParamInfo, function->handle, index, offset, size);
}

static CUresult function_attribute(const struct function *function, int attribute, int *value)
{
	CUfunction_attribute which = (CUfunction_attribute)attribute;
	return function->kernel ? SRV_DRIVER(cuKernelGetAttribute, value, which, function->handle, function->device)
				: SRV_DRIVER(cuFuncGetAttribute, value, which, function->handle);
}

/* All attributes. An error only where the driver knows none: then something is wrong with the function itself. */
static CUresult read_attributes(const struct function *function, function_attributes *attributes)
{
	int *values = calloc(CU_FUNC_ATTRIBUTE_MAX, sizeof(int));
	if (!values)
		return CUDA_ERROR_OUT_OF_MEMORY;
	attributes->values.values_val = values;
	attributes->values.values_len = CU_FUNC_ATTRIBUTE_MAX;
	CUresult first_error = CUDA_SUCCESS;
	bool any = false;
	for (int i = 0; i < CU_FUNC_ATTRIBUTE_MAX; i++) {
		CUresult err = function_attribute(function, i, &values[i]);
		if (err)
			values[i] = NO_ATTRIBUTE;
		any = any || !err;
		first_error = first_error ? first_error : err;
	}
	return any ? CUDA_SUCCESS : first_error;
}

/* The layout of all parameters: the driver says INVALID_VALUE behind the last. */
static CUresult read_parameters(const struct function *function, function_info *row, size_t *bytes)
{
	u_int capacity = 0;
	for (u_int i = 0; i < CUDA_PARAMETERS_MAX; i++) {
		size_t offset, size;
		CUresult err = function_parameter(function, i, &offset, &size);
		if (err)
			return err == CUDA_ERROR_INVALID_VALUE ? CUDA_SUCCESS : err;
		if (i == capacity) {
			capacity = capacity ? capacity * 2 : 8;
			parameter_layout *grown = realloc(row->parameters.parameters_val, capacity * sizeof(*grown));
			if (!grown)
				return CUDA_ERROR_OUT_OF_MEMORY;
			row->parameters.parameters_val = grown;
		}
		row->parameters.parameters_val[i] = (parameter_layout){.offset = offset, .size = size};
		row->parameters.parameters_len = i + 1;
		*bytes = offset + size;
	}
	return CUDA_SUCCESS;
}

static CUresult describe(struct srv_call *call, u64 parent, const struct function *function, bool attributes,
			 function_info *row)
{
	struct srv_object object = {.handle = function->handle, .parent = parent, .kernel = function->kernel};
	const char *name = NULL;
	object.owner = function->kernel ? NULL : call->worker->context;
	CUresult err = function_name(function, &name);
	row->symbol = (char *)name;
	if (!err)
		err = read_parameters(function, row, &object.parameter_bytes);
	/* That a lazily loaded function does not fit the device shows when it is used. */
	if (!err && attributes && read_attributes(function, &row->attributes) != CUDA_SUCCESS)
		row->attributes.values.values_len = 0;
	if (!err)
		row->function = srv_object_add(call->session, CR_KIND_FUNCTION, &object, &err);
	return err;
}

static CUresult describe_all(struct srv_call *call, u64 parent, void *const *handles, unsigned count, bool kernels,
			     struct srv_functions *functions)
{
	struct function function = {.kernel = kernels};
	bool attributes = count <= SRV_ATTRIBUTED_FUNCTIONS_MAX &&
			  (!kernels || SRV_DRIVER(cuCtxGetDevice, &function.device) == CUDA_SUCCESS);
	CUresult err = CUDA_SUCCESS;
	for (unsigned i = 0; !err && i < count; i++) {
		function.handle = handles[i];
		err = describe(call, parent, &function, attributes, &functions->rows[i]);
	}
	return err;
}

/* Allocates `count` rows and as many handles; NULL where memory is exhausted. */
static void **functions_alloc(struct srv_functions *functions, unsigned count)
{
	functions->rows = calloc((size_t)count + 1, sizeof(*functions->rows));
	functions->count = functions->rows ? count : 0;
	return functions->rows ? calloc((size_t)count + 1, sizeof(void *)) : NULL;
}

CUresult srv_module_functions(struct srv_call *call, u64 parent, CUmodule module, struct srv_functions *functions)
{
	unsigned count = 0;
	CUresult err = SRV_DRIVER(cuModuleGetFunctionCount, &count, module);
	if (err)
		return err;
	if (count > CUDA_FUNCTIONS_MAX)
		return CUDA_ERROR_OUT_OF_MEMORY;
	void **handles = functions_alloc(functions, count);
	err = handles ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
	if (!err && count > 0)
		err = SRV_DRIVER(cuModuleEnumerateFunctions, (CUfunction *)handles, count, module);
	if (!err)
		err = describe_all(call, parent, handles, count, false, functions);
	free(handles);
	return err;
}

CUresult srv_library_kernels(struct srv_call *call, u64 parent, CUlibrary library, struct srv_functions *functions)
{
	unsigned count = 0;
	CUresult err = SRV_DRIVER(cuLibraryGetKernelCount, &count, library);
	if (err)
		return err;
	if (count > CUDA_FUNCTIONS_MAX)
		return CUDA_ERROR_OUT_OF_MEMORY;
	void **handles = functions_alloc(functions, count);
	err = handles ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
	if (!err && count > 0)
		err = SRV_DRIVER(cuLibraryEnumerateKernels, (CUkernel *)handles, count, library);
	if (!err)
		err = describe_all(call, parent, handles, count, true, functions);
	free(handles);
	return err;
}

void srv_functions_free(struct srv_functions *functions)
{
	for (u_int i = 0; i < functions->count; i++) {
		free(functions->rows[i].parameters.parameters_val);
		free(functions->rows[i].attributes.values.values_val);
	}
	free(functions->rows);
	*functions = (struct srv_functions){0};
}

bool serve_cricketFuncGetAttributes(struct srv_call *call)
{
	u64 id;
	struct srv_object object;
	function_attributes attributes = {0};
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err && !srv_object_get(call->session, CR_KIND_FUNCTION, id, &object))
		err = CUDA_ERROR_INVALID_HANDLE;
	struct function function = {.handle = err ? NULL : object.handle, .kernel = !err && object.kernel};
	if (!err && function.kernel)
		err = SRV_DRIVER(cuCtxGetDevice, &function.device);
	if (!err)
		err = read_attributes(&function, &attributes);
	bool encoded = srv_reply(call, err) && (err || xdr_function_attributes(call->result, &attributes));
	free(attributes.values.values_val);
	return encoded;
}
