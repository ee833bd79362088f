/* Launches: all parameters come in one buffer, which the driver takes as `extra`. */
#include <string.h>

#include "handlers.h"
#include "handles.h"

struct launch {
	u64 function, stream;
	dim3u grid, block;
	u_int shared_bytes;
	u_int parameter_bytes;
	void *parameters; /* in the record */
};

static bool decode_launch(XDR *args, struct launch *launch)
{
	if (!xdr_u64(args, &launch->function) || !xdr_dim3u(args, &launch->grid) || !xdr_dim3u(args, &launch->block) ||
	    !xdr_u_int(args, &launch->shared_bytes) || !xdr_u64(args, &launch->stream) ||
	    !xdr_u_int(args, &launch->parameter_bytes) || launch->parameter_bytes > CUDA_ARGUMENTS_MAX)
		return false;
	launch->parameters = XDR_INLINE(args, (launch->parameter_bytes + 3) & ~3u);
	return launch->parameters;
}

/* The driver function or kernel, where the parameters suffice for it: the driver would read on behind them. */
static CUresult find_launchable(struct srv_call *call, const struct launch *launch, CUfunction *function)
{
	struct srv_object object;
	if (!srv_object_get(call->session, CR_KIND_FUNCTION, launch->function, &object))
		return CUDA_ERROR_INVALID_HANDLE;
	if (launch->parameter_bytes < object.parameter_bytes)
		return CUDA_ERROR_INVALID_VALUE;
	*function = object.handle; /* CUDA lets a CUkernel stand for a CUfunction here */
	return CUDA_SUCCESS;
}

/* Attributes whose value is plain data; the others hold handles and addresses of the client's process. */
static bool attribute_travels(u_int id)
{
	switch (id) {
	case CU_LAUNCH_ATTRIBUTE_IGNORE:
	case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
	case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
	case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
	case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION:
	case CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
	case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION:
	case CU_LAUNCH_ATTRIBUTE_PRIORITY:
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
	case CU_LAUNCH_ATTRIBUTE_PREFERRED_CLUSTER_DIMENSION:
	case CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
	case CU_LAUNCH_ATTRIBUTE_NVLINK_UTIL_CENTRIC_SCHEDULING:
		return true;
	default:
		return false;
	}
}

#define EXTRA(launch, size)                                                                                            \
	{                                                                                                              \
		CU_LAUNCH_PARAM_BUFFER_POINTER, (launch)->parameters, CU_LAUNCH_PARAM_BUFFER_SIZE, &(size),            \
		    CU_LAUNCH_PARAM_END                                                                                \
	}

static CUresult launch_kernel(struct srv_call *call, const struct launch *launch)
{
	CUfunction function = NULL;
	CUstream stream = NULL;
	size_t size = launch->parameter_bytes;
	void *extra[] = EXTRA(launch, size);
	CUresult err = find_launchable(call, launch, &function);
	if (!err)
		err = srv_find_stream(call, launch->stream, &stream);
	if (err)
		return err;
	return SRV_DRIVER(cuLaunchKernel, function, launch->grid.x, launch->grid.y, launch->grid.z, launch->block.x,
			  launch->block.y, launch->block.z, launch->shared_bytes, stream, NULL, size ? extra : NULL);
}

static CUlaunchConfig describe(const struct launch *launch, CUlaunchAttribute *attributes, u_int count)
{
	return (CUlaunchConfig){
	    .gridDimX = launch->grid.x,
	    .gridDimY = launch->grid.y,
	    .gridDimZ = launch->grid.z,
	    .blockDimX = launch->block.x,
	    .blockDimY = launch->block.y,
	    .blockDimZ = launch->block.z,
	    .sharedMemBytes = launch->shared_bytes,
	    .attrs = attributes,
	    .numAttrs = count,
	};
}

static CUresult launch_kernel_ex(struct srv_call *call, const struct launch *launch, CUlaunchAttribute *attributes,
				 u_int count)
{
	CUfunction function = NULL;
	CUlaunchConfig config = describe(launch, attributes, count);
	size_t size = launch->parameter_bytes;
	void *extra[] = EXTRA(launch, size);
	CUresult err = find_launchable(call, launch, &function);
	if (!err)
		err = srv_find_stream(call, launch->stream, &config.hStream);
	if (err)
		return err;
	return SRV_DRIVER(cuLaunchKernelEx, &config, function, NULL, size ? extra : NULL);
}

bool serve_cuLaunchKernel(struct srv_call *call)
{
	struct launch launch;
	if (!decode_launch(call->args, &launch))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = launch_kernel(call, &launch);
	return srv_reply(call, err);
}

/* cuLaunchCooperativeKernel takes no packed buffer; the attribute means the same. */
bool serve_cuLaunchCooperativeKernel(struct srv_call *call)
{
	struct launch launch;
	CUlaunchAttribute cooperative = {.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE, .value.cooperative = 1};
	if (!decode_launch(call->args, &launch))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = launch_kernel_ex(call, &launch, &cooperative, 1);
	return srv_reply(call, err);
}

/* False: does not decode. *err: one that cannot travel is among them. */
static bool decode_attributes(XDR *args, CUlaunchAttribute attributes[CUDA_LAUNCH_ATTRIBUTES_MAX], u_int *count,
			      CUresult *err)
{
	if (!xdr_u_int(args, count) || *count > CUDA_LAUNCH_ATTRIBUTES_MAX)
		return false;
	for (u_int i = 0; i < *count; i++) {
		u_int id;
		if (!xdr_u_int(args, &id) || !xdr_opaque(args, attributes[i].value.pad, sizeof(attribute_value)))
			return false;
		attributes[i].id = (CUlaunchAttributeID)id;
		if (!attribute_travels(id))
			*err = CUDA_ERROR_NOT_SUPPORTED;
	}
	return true;
}

_Static_assert(sizeof(CUlaunchAttributeValue) == sizeof(attribute_value), "NVIDIA's ABI fixes the attribute's size");

bool serve_cuLaunchKernelEx(struct srv_call *call)
{
	struct launch launch;
	CUlaunchAttribute attributes[CUDA_LAUNCH_ATTRIBUTES_MAX] = {0};
	u_int count;
	CUresult unsupported = CUDA_SUCCESS;
	if (!decode_launch(call->args, &launch) || !decode_attributes(call->args, attributes, &count, &unsupported))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = unsupported;
	if (!err)
		err = launch_kernel_ex(call, &launch, count ? attributes : NULL, count);
	return srv_reply(call, err);
}

/* ---- Questions about launches in clusters ---- */

static CUresult count_clusters(struct srv_call *call, const struct launch *launch, CUlaunchAttribute *attributes,
			       u_int count, bool active, int *answer)
{
	CUfunction function = NULL;
	CUlaunchConfig config = describe(launch, attributes, count);
	CUresult err = srv_find_function(call, launch->function, &function);
	if (!err)
		err = srv_find_stream(call, launch->stream, &config.hStream);
	if (err)
		return err;
	return active ? SRV_DRIVER(cuOccupancyMaxActiveClusters, answer, function, &config)
		      : SRV_DRIVER(cuOccupancyMaxPotentialClusterSize, answer, function, &config);
}

static bool serve_clusters(struct srv_call *call, bool active)
{
	struct launch launch;
	CUlaunchAttribute attributes[CUDA_LAUNCH_ATTRIBUTES_MAX] = {0};
	u_int count;
	int answer = 0;
	CUresult unsupported = CUDA_SUCCESS;
	if (!decode_launch(call->args, &launch) || !decode_attributes(call->args, attributes, &count, &unsupported))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = unsupported;
	if (!err)
		err = count_clusters(call, &launch, count ? attributes : NULL, count, active, &answer);
	return srv_reply(call, err) && (err || xdr_int(call->result, &answer));
}

bool serve_cuOccupancyMaxActiveClusters(struct srv_call *call)
{
	return serve_clusters(call, true);
}

bool serve_cuOccupancyMaxPotentialClusterSize(struct srv_call *call)
{
	return serve_clusters(call, false);
}
