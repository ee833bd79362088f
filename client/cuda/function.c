#include "function.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "hand.h"
#include "thread.h"

bool cu_function_attribute(const struct cu_function_object *function, CUfunction_attribute attribute, int *value)
{
	if ((int)attribute < 0 || (unsigned)attribute >= function->attribute_count)
		return false;
	*value = function->attributes[attribute];
	return *value != INT_MIN;
}

static struct cu_function_object *find(const void *handle)
{
	return cu_object(CR_KIND_FUNCTION, handle);
}

static CUresult ask_for_attributes(const void *handle)
{
	struct cu_call call;
	function_attributes attributes = {0};
	u64 id = (uintptr_t)handle;
	CUresult err = cu_call_begin(&call, FN_cricketFuncGetAttributes);
	if (!err)
		err = cu_call_result(&call, xdr_u64(call.args, &id), (xdrproc_t)xdr_function_attributes, &attributes);
	if (err)
		return err;
	cu_objects_lock();
	struct cu_function_object *function = find(handle);
	if (function && !function->attribute_count) {
		free(function->attributes);
		function->attributes = attributes.values.values_val;
		function->attribute_count = attributes.values.values_len;
		attributes.values.values_val = NULL;
	}
	cu_objects_unlock();
	xdr_free((xdrproc_t)xdr_function_attributes, &attributes);
	return function ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cu_function_learn(const void *handle)
{
	cu_objects_lock_shared();
	struct cu_function_object *function = find(handle);
	bool known = function && function->attribute_count;
	cu_objects_unlock();
	if (!function)
		return CUDA_ERROR_INVALID_HANDLE;
	return known ? CUDA_SUCCESS : ask_for_attributes(handle);
}

CUresult client_cuFuncGetAttribute(int *pi, CUfunction_attribute attrib, CUfunction hfunc)
{
	if (!pi)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_function_learn(hfunc);
	if (err)
		return err;
	cu_objects_lock_shared();
	struct cu_function_object *function = find(hfunc);
	bool known = function && cu_function_attribute(function, attrib, pi);
	cu_objects_unlock();
	return known ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult client_cuKernelGetAttribute(int *pi, CUfunction_attribute attrib, CUkernel kernel, CUdevice dev)
{
	CUresult err = cu_check_device(dev);
	return err ? err : client_cuFuncGetAttribute(pi, attrib, (CUfunction)kernel);
}

/* ---- Setting ---- */

/* What CUDA would refuse at once. */
static CUresult check_setting(const struct cu_function_object *function, CUfunction_attribute attribute, int value,
			      CUdevice device)
{
	int limit, fixed = 0;
	switch (attribute) {
	case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
		cu_function_attribute(function, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, &fixed);
		if (!cu_device_attribute(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, &limit))
			return CUDA_SUCCESS; /* the server will tell */
		return value >= 0 && value <= limit - fixed ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
	case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
		return value >= -1 && value <= 100 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
	case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH:
	case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT:
	case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH:
	case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
	case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
		return CUDA_SUCCESS;
	default:
		return CUDA_ERROR_INVALID_VALUE; /* read-only, or unknown */
	}
}

/* Checks a new value and remembers it, so that reading it back needs no call. */
static CUresult change(const void *handle, CUfunction_attribute attribute, int value, CUdevice device)
{
	CUresult err = cu_function_learn(handle);
	if (err)
		return err;
	cu_objects_lock();
	struct cu_function_object *function = find(handle);
	err = function ? check_setting(function, attribute, value, device) : CUDA_ERROR_INVALID_HANDLE;
	if (!err && (unsigned)attribute < function->attribute_count)
		function->attributes[attribute] = value;
	cu_objects_unlock();
	return err;
}

CUresult client_cuFuncSetAttribute(CUfunction hfunc, CUfunction_attribute attrib, int value)
{
	CUdevice device;
	CUresult err = client_cuCtxGetDevice(&device);
	if (!err)
		err = change(hfunc, attrib, value, device);
	return err ? err : rpc_cuFuncSetAttribute(hfunc, attrib, value);
}

CUresult client_cuKernelSetAttribute(CUfunction_attribute attrib, int val, CUkernel kernel, CUdevice dev)
{
	CUresult err = cu_check_device(dev);
	if (!err)
		err = change(kernel, attrib, val, dev);
	return err ? err : rpc_cuKernelSetAttribute(attrib, val, kernel, dev);
}

/* ---- Names, layouts, owners ---- */

CUresult client_cuFuncGetName(const char **name, CUfunction hfunc)
{
	if (!name)
		return CUDA_ERROR_INVALID_VALUE;
	cu_objects_lock_shared();
	struct cu_function_object *function = find(hfunc);
	if (function)
		*name = function->name;
	cu_objects_unlock();
	return function ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult client_cuKernelGetName(const char **name, CUkernel hfunc)
{
	return client_cuFuncGetName(name, (CUfunction)hfunc);
}

CUresult client_cuFuncGetParamInfo(CUfunction func, size_t paramIndex, size_t *paramOffset, size_t *paramSize)
{
	if (!paramOffset)
		return CUDA_ERROR_INVALID_VALUE;
	cu_objects_lock_shared();
	struct cu_function_object *function = find(func);
	bool known = function && paramIndex < function->parameter_count;
	if (known)
		*paramOffset = function->parameters[paramIndex].offset;
	if (known && paramSize)
		*paramSize = function->parameters[paramIndex].size;
	cu_objects_unlock();
	return known ? CUDA_SUCCESS : function ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
}

CUresult client_cuKernelGetParamInfo(CUkernel kernel, size_t paramIndex, size_t *paramOffset, size_t *paramSize)
{
	return client_cuFuncGetParamInfo((CUfunction)kernel, paramIndex, paramOffset, paramSize);
}

/* A kernel's handle serves as its function's: CUDA lets each stand for the other in a launch. */
CUresult client_cuKernelGetFunction(CUfunction *pFunc, CUkernel kernel)
{
	u64 id;
	if (!pFunc)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_id_of_kernel(kernel, &id);
	if (!err)
		*pFunc = cu_handle(id);
	return err;
}

static CUresult owner_of(const void *handle, uint64_t *owner)
{
	cu_objects_lock_shared();
	struct cu_function_object *function = find(handle);
	if (function)
		*owner = function->owner;
	cu_objects_unlock();
	return function ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult client_cuKernelGetLibrary(CUlibrary *pLib, CUkernel kernel)
{
	uint64_t owner;
	if (!pLib)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = owner_of(kernel, &owner);
	if (!err && cr_handle_kind(owner) != CR_KIND_LIBRARY)
		err = CUDA_ERROR_INVALID_HANDLE;
	if (!err)
		*pLib = cu_handle(owner);
	return err;
}

CUresult client_cuFuncGetModule(CUmodule *hmod, CUfunction hfunc)
{
	uint64_t owner;
	if (!hmod)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = owner_of(hfunc, &owner);
	if (err)
		return err;
	if (cr_handle_kind(owner) == CR_KIND_LIBRARY)
		return client_cuLibraryGetModule(hmod, cu_handle(owner));
	*hmod = cu_handle(owner);
	return CUDA_SUCCESS;
}
