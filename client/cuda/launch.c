/* Launches: check what can be checked here, pack the parameters as the kernel lays them out, send. No round trip. */
#include "launch.h"

#include <string.h>

#include "device.h"
#include "function.h"
#include "hand.h"
#include "handles.h"
#include "thread.h"

struct launch {
	enum cu_function_id call;
	launch_args args;
	struct cu_launch_parameters parameters;
	launch_attribute attributes[CUDA_LAUNCH_ATTRIBUTES_MAX];
	unsigned attribute_count;
};

/* ---- Checks, in the order in which CUDA's errors take precedence ---- */

static bool exceeds(CUdevice device, CUdevice_attribute attribute, uint64_t value)
{
	int limit;
	return cu_device_attribute(device, (int)attribute, &limit) && value > (uint64_t)(unsigned)limit;
}

static CUresult check_dimensions(const dim3u *grid, const dim3u *block, CUdevice device)
{
	uint64_t threads = (uint64_t)block->x * block->y;
	if (!grid->x || !grid->y || !grid->z || !block->x || !block->y || !block->z)
		return CUDA_ERROR_INVALID_VALUE;
	if (exceeds(device, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, grid->x) ||
	    exceeds(device, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, grid->y) ||
	    exceeds(device, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, grid->z) ||
	    exceeds(device, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, block->x) ||
	    exceeds(device, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, block->y) ||
	    exceeds(device, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, block->z) ||
	    exceeds(device, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, threads * block->z))
		return CUDA_ERROR_INVALID_VALUE;
	return CUDA_SUCCESS;
}

/* Limits of the function; what is not known is left to the server. */
static CUresult check_function(const struct cu_function_object *function, const dim3u *block, unsigned shared_bytes)
{
	int limit;
	uint64_t threads = (uint64_t)block->x * block->y * block->z;
	if (cu_function_attribute(function, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, &limit) &&
	    threads > (uint64_t)(unsigned)limit)
		return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
	if (cu_function_attribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, &limit) &&
	    shared_bytes > (unsigned)limit)
		return CUDA_ERROR_INVALID_VALUE;
	return CUDA_SUCCESS;
}

/* ---- Parameters ---- */

static CUresult gather(const struct cu_function_object *function, void **parameters, char *packed)
{
	for (unsigned i = 0; i < function->parameter_count; i++) {
		const parameter_layout *layout = &function->parameters[i];
		if (!parameters[i])
			return CUDA_ERROR_INVALID_VALUE;
		memcpy(packed + layout->offset, parameters[i], layout->size);
	}
	return CUDA_SUCCESS;
}

/* The `extra` form: {CU_LAUNCH_PARAM_BUFFER_POINTER, p, CU_LAUNCH_PARAM_BUFFER_SIZE, &n, CU_LAUNCH_PARAM_END}. */
static CUresult read_extra(void **extra, const void **buffer, size_t *size)
{
	*buffer = NULL;
	*size = 0;
	for (; *extra != CU_LAUNCH_PARAM_END; extra += 2) {
		if (*extra == CU_LAUNCH_PARAM_BUFFER_POINTER)
			*buffer = extra[1];
		else if (*extra == CU_LAUNCH_PARAM_BUFFER_SIZE)
			*size = *(size_t *)extra[1];
		else
			return CUDA_ERROR_INVALID_VALUE;
	}
	return *size > CUDA_ARGUMENTS_MAX || (*size && !*buffer) ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

static CUresult pack(const struct cu_function_object *function, const struct cu_launch_parameters *parameters,
		     char *packed, u_int *length)
{
	const void *buffer;
	size_t size;
	*length = (u_int)function->parameter_bytes;
	if (parameters->each)
		return gather(function, parameters->each, packed);
	if (!parameters->extra)
		return *length ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
	CUresult err = read_extra(parameters->extra, &buffer, &size);
	if (err)
		return err;
	/* The program's structure may be padded at its end, but must not be shorter than what the kernel reads. */
	if (size < *length)
		return CUDA_ERROR_INVALID_VALUE;
	if (*length)
		memcpy(packed, buffer, *length);
	return CUDA_SUCCESS;
}

/* ---- Sending ---- */

static bool encode(struct launch *launch, XDR *args)
{
	if (launch->call != FN_cuLaunchKernelEx)
		return xdr_launch_args(args, &launch->args);
	launch_ex_args ex = {launch->args, {launch->attribute_count, launch->attributes}};
	return xdr_launch_ex_args(args, &ex);
}

/* The objects' lock is held. */
static CUresult check_and_pack(u64 id, CUdevice device, const dim3u *grid, const dim3u *block, unsigned shared_bytes,
			       const struct cu_launch_parameters *parameters, char *packed, u_int *length)
{
	const struct cu_function_object *function = cu_object(CR_KIND_FUNCTION, cu_handle(id));
	if (!function)
		return CUDA_ERROR_INVALID_HANDLE;
	CUresult err = check_dimensions(grid, block, device);
	if (!err)
		err = check_function(function, block, shared_bytes);
	return err ? err : pack(function, parameters, packed, length);
}

CUresult cu_launch_check_and_pack(u64 function, const dim3u *grid, const dim3u *block, unsigned shared_bytes,
				  const struct cu_launch_parameters *parameters, char *packed, u_int *length)
{
	CUdevice device;
	CUresult err = client_cuCtxGetDevice(&device);
	if (err)
		return err;
	cu_objects_lock_shared();
	err = check_and_pack(function, device, grid, block, shared_bytes, parameters, packed, length);
	cu_objects_unlock();
	return err;
}

static CUresult send_launch(struct launch *launch, CUfunction f, CUstream stream)
{
	char packed[CUDA_ARGUMENTS_MAX]; /* written only as far as the kernel's parameters reach */
	struct cu_call call;
	launch->args.function = (uintptr_t)f;
	launch->args.parameters.kernel_arguments_val = packed;
	CUresult err = cu_id_of_stream(stream, &launch->args.stream);
	if (!err)
		err = cu_launch_check_and_pack(launch->args.function, &launch->args.grid, &launch->args.block,
					       launch->args.shared_bytes, &launch->parameters, packed,
					       &launch->args.parameters.kernel_arguments_len);
	if (!err)
		err = cu_call_begin(&call, launch->call);
	return err ? err : cu_call_end(&call, encode(launch, call.args));
}

CUresult client_cuLaunchKernel(CUfunction f, unsigned int gridDimX, unsigned int gridDimY, unsigned int gridDimZ,
			       unsigned int blockDimX, unsigned int blockDimY, unsigned int blockDimZ,
			       unsigned int sharedMemBytes, CUstream hStream, void **kernelParams, void **extra)
{
	struct launch launch;
	launch.call = FN_cuLaunchKernel;
	launch.args.grid = (dim3u){gridDimX, gridDimY, gridDimZ};
	launch.args.block = (dim3u){blockDimX, blockDimY, blockDimZ};
	launch.args.shared_bytes = sharedMemBytes;
	launch.parameters = (struct cu_launch_parameters){kernelParams, extra};
	if (kernelParams && extra)
		return CUDA_ERROR_INVALID_VALUE;
	return send_launch(&launch, f, hStream);
}

CUresult client_cuLaunchCooperativeKernel(CUfunction f, unsigned int gridDimX, unsigned int gridDimY,
					  unsigned int gridDimZ, unsigned int blockDimX, unsigned int blockDimY,
					  unsigned int blockDimZ, unsigned int sharedMemBytes, CUstream hStream,
					  void **kernelParams)
{
	struct launch launch;
	launch.call = FN_cuLaunchCooperativeKernel;
	launch.args.grid = (dim3u){gridDimX, gridDimY, gridDimZ};
	launch.args.block = (dim3u){blockDimX, blockDimY, blockDimZ};
	launch.args.shared_bytes = sharedMemBytes;
	launch.parameters = (struct cu_launch_parameters){kernelParams, NULL};
	return send_launch(&launch, f, hStream);
}

/* Attributes travel as the 64 bytes that they are; those that hold handles would have to be translated. */
static CUresult read_attributes(struct launch *launch, const CUlaunchConfig *config)
{
	if (config->numAttrs > CUDA_LAUNCH_ATTRIBUTES_MAX || (config->numAttrs && !config->attrs))
		return CUDA_ERROR_INVALID_VALUE;
	launch->attribute_count = 0;
	for (unsigned i = 0; i < config->numAttrs; i++) {
		const CUlaunchAttribute *from = &config->attrs[i];
		launch_attribute *to = &launch->attributes[launch->attribute_count];
		switch (from->id) {
		case CU_LAUNCH_ATTRIBUTE_IGNORE:
			continue;
		case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_EVENT:
		case CU_LAUNCH_ATTRIBUTE_LAUNCH_COMPLETION_EVENT:
		case CU_LAUNCH_ATTRIBUTE_DEVICE_UPDATABLE_KERNEL_NODE:
			return CUDA_ERROR_NOT_SUPPORTED;
		default:
			to->id = (u_int)from->id;
			_Static_assert(sizeof(from->value) == sizeof(to->value), "the ABI fixes this size");
			memcpy(to->value.bytes, &from->value, sizeof(to->value));
			launch->attribute_count++;
		}
	}
	return CUDA_SUCCESS;
}

static CUresult launch_ex(const CUlaunchConfig *config, CUfunction f, void **kernelParams, void **extra,
			  bool per_thread)
{
	struct launch launch;
	if (!config || (kernelParams && extra))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = read_attributes(&launch, config);
	if (err)
		return err;
	launch.call = FN_cuLaunchKernelEx;
	launch.args.grid = (dim3u){config->gridDimX, config->gridDimY, config->gridDimZ};
	launch.args.block = (dim3u){config->blockDimX, config->blockDimY, config->blockDimZ};
	launch.args.shared_bytes = config->sharedMemBytes;
	launch.parameters = (struct cu_launch_parameters){kernelParams, extra};
	return send_launch(&launch, f, per_thread ? cu_per_thread(config->hStream) : config->hStream);
}

/* A question about launches like the one that `config` describes; a round trip. */
static CUresult ask_clusters(enum cu_function_id question, int *answer, CUfunction f, const CUlaunchConfig *config)
{
	struct launch launch = {.call = FN_cuLaunchKernelEx};
	struct cu_call call;
	u64 function;
	if (!answer || !config)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = read_attributes(&launch, config);
	if (!err)
		err = cu_id_of_function(f, &function);
	if (!err)
		err = cu_id_of_stream(config->hStream, &launch.args.stream);
	if (!err)
		err = cu_call_begin(&call, question);
	if (err)
		return err;
	launch.args.function = function;
	launch.args.grid = (dim3u){config->gridDimX, config->gridDimY, config->gridDimZ};
	launch.args.block = (dim3u){config->blockDimX, config->blockDimY, config->blockDimZ};
	launch.args.shared_bytes = config->sharedMemBytes;
	return cu_call_result(&call, encode(&launch, call.args), (xdrproc_t)xdr_int, answer);
}

CUresult client_cuOccupancyMaxPotentialClusterSize(int *clusterSize, CUfunction func, const CUlaunchConfig *config)
{
	return ask_clusters(FN_cuOccupancyMaxPotentialClusterSize, clusterSize, func, config);
}

CUresult client_cuOccupancyMaxActiveClusters(int *numClusters, CUfunction func, const CUlaunchConfig *config)
{
	return ask_clusters(FN_cuOccupancyMaxActiveClusters, numClusters, func, config);
}

CUresult client_cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction f, void **kernelParams, void **extra)
{
	return launch_ex(config, f, kernelParams, extra, false);
}

CUresult client_cuLaunchKernelEx_ptsz(const CUlaunchConfig *config, CUfunction f, void **kernelParams, void **extra)
{
	return launch_ex(config, f, kernelParams, extra, true);
}
