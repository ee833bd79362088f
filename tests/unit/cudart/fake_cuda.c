#include "fake_cuda.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cudaProfiler.h>

#define FAKE_EXPORT __attribute__((visibility("default")))

enum { RECORDS = 256, KERNELS = 64, NAME_BYTES = 64 };

struct record {
	char name[NAME_BYTES];
	int calls;
	CUresult result;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct record records[RECORDS];
static struct fake_launch launch;
static CUstream last_stream;

static char kernel_names[KERNELS][NAME_BYTES];
static _Thread_local CUcontext current;
static struct {
	int references;
	unsigned flags;
	char context; /* its address is the handle */
} primaries[FAKE_DEVICES];

static struct record *record_find(const char *name)
{
	for (int i = 0; i < RECORDS; i++) {
		if (!records[i].name[0])
			snprintf(records[i].name, NAME_BYTES, "%s", name);
		if (strcmp(records[i].name, name) == 0)
			return &records[i];
	}
	abort();
}

static CUresult record_call(const char *name)
{
	struct record *record;
	CUresult result;

	pthread_mutex_lock(&lock);
	record = record_find(name);
	record->calls++;
	result = record->result;
	pthread_mutex_unlock(&lock);
	return result;
}

static int fake_calls(const char *name)
{
	int calls;

	pthread_mutex_lock(&lock);
	calls = record_find(name)->calls;
	pthread_mutex_unlock(&lock);
	return calls;
}

static void fake_refuse(const char *name, CUresult result)
{
	pthread_mutex_lock(&lock);
	record_find(name)->result = result;
	pthread_mutex_unlock(&lock);
}

static const struct fake_launch *fake_last_launch(void)
{
	return &launch;
}

static CUstream fake_last_stream(void)
{
	return last_stream;
}

__attribute__((visibility("default")))
const struct fake fake_control = {fake_calls, fake_refuse, fake_last_launch, fake_last_stream};

/* Begins every function: records the call, and returns what a test wants it to return. */
#define CALLED()                                                                                                       \
	do {                                                                                                           \
		CUresult forced = record_call(__func__);                                                               \
                                                                                                                       \
		if (forced != CUDA_SUCCESS)                                                                            \
			return forced;                                                                                 \
	} while (0)

/* And of those that need one, checks that a context is current. */
#define CALLED_IN_CONTEXT()                                                                                            \
	CALLED();                                                                                                      \
	if (!current)                                                                                                  \
	return CUDA_ERROR_INVALID_CONTEXT

CUresult cuInit(unsigned flags)
{
	const char *result = getenv("FAKE_INIT");

	CALLED();
	if (flags)
		return CUDA_ERROR_INVALID_VALUE;
	return result ? (CUresult)atoi(result) : CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int *version)
{
	const char *wanted = getenv("FAKE_VERSION");

	CALLED();
	*version = wanted ? atoi(wanted) : CUDA_VERSION;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count)
{
	CALLED();
	*count = FAKE_DEVICES;
	return CUDA_SUCCESS;
}

/* The handle is not the ordinal, so that mixing them up shows. */
CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
	CALLED();
	*device = 100 + ordinal;
	return CUDA_SUCCESS;
}

static int device_ordinal(CUdevice device)
{
	return device - 100;
}

CUresult cuDeviceGetName(char *name, int length, CUdevice device)
{
	CALLED();
	snprintf(name, (size_t)length, "Fake %d", device_ordinal(device));
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device)
{
	CALLED();
	memset(uuid, 'A' + device_ordinal(device), sizeof(*uuid));
	return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device)
{
	CALLED();
	*bytes = ((size_t)8 << 30) + (size_t)device_ordinal(device);
	return CUDA_SUCCESS;
}

/* An attribute's value is 1000 more than its number, but for the limits of a launch; one is not known. */
CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device)
{
	CALLED();
	if (device_ordinal(device) < 0 || device_ordinal(device) >= FAKE_DEVICES)
		return CUDA_ERROR_INVALID_DEVICE;
	if (attribute == CU_DEVICE_ATTRIBUTE_HOST_NUMA_MULTINODE_IPC_SUPPORTED)
		return CUDA_ERROR_INVALID_VALUE;
	*value = attribute == CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK ? 1024 : 1000 + (int)attribute;
	return CUDA_SUCCESS;
}

static CUcontext primary_handle(CUdevice device)
{
	return (CUcontext)&primaries[device_ordinal(device)].context;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device)
{
	CALLED();
	primaries[device_ordinal(device)].references++;
	*context = primary_handle(device);
	return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device)
{
	CALLED();
	if (primaries[device_ordinal(device)].references == 0)
		return CUDA_ERROR_INVALID_CONTEXT;
	primaries[device_ordinal(device)].references--;
	return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxReset_v2(CUdevice device)
{
	CALLED();
	primaries[device_ordinal(device)].references = 0;
	return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags)
{
	CALLED();
	primaries[device_ordinal(device)].flags = flags;
	return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active)
{
	CALLED();
	*flags = primaries[device_ordinal(device)].flags;
	*active = primaries[device_ordinal(device)].references > 0;
	return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext context)
{
	CALLED();
	current = context;
	return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *context)
{
	CALLED();
	*context = current;
	return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice *device)
{
	CALLED_IN_CONTEXT();
	for (int i = 0; i < FAKE_DEVICES; i++)
		if ((char *)current == &primaries[i].context)
			*device = 100 + i;
	return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize(void)
{
	CALLED_IN_CONTEXT();
	return CUDA_SUCCESS;
}

CUresult cuLibraryLoadData(CUlibrary *library, const void *code, CUjit_option *jit_options, void **jit_values,
			   unsigned jit_count, CUlibraryOption *options, void **values, unsigned count)
{
	CALLED_IN_CONTEXT();
	(void)jit_options, (void)jit_values, (void)jit_count;
	if (count != 1 || options[0] != CU_LIBRARY_BINARY_IS_PRESERVED || values[0] != (void *)1)
		return CUDA_ERROR_INVALID_VALUE;
	*library = (CUlibrary)code;
	return CUDA_SUCCESS;
}

CUresult cuLibraryUnload(CUlibrary library)
{
	CALLED();
	(void)library;
	return CUDA_SUCCESS;
}

/* A kernel is its slot in the table of names. */
CUresult cuLibraryGetKernel(CUkernel *kernel, CUlibrary library, const char *name)
{
	CALLED();
	(void)library;
	if (strcmp(name, "absent") == 0)
		return CUDA_ERROR_NOT_FOUND;
	for (int i = 0; i < KERNELS; i++) {
		if (!kernel_names[i][0])
			snprintf(kernel_names[i], NAME_BYTES, "%s", name);
		if (strcmp(kernel_names[i], name) == 0) {
			*kernel = (CUkernel)kernel_names[i];
			return CUDA_SUCCESS;
		}
	}
	return CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult cuKernelGetName(const char **name, CUkernel kernel)
{
	CALLED();
	*name = (const char *)kernel;
	return CUDA_SUCCESS;
}

CUresult cuKernelGetAttribute(int *value, CUfunction_attribute attribute, CUkernel kernel, CUdevice device)
{
	CALLED();
	(void)kernel, (void)device;
	*value = 500 + (int)attribute;
	return CUDA_SUCCESS;
}

/* One variable, and one that is managed. */
static char variable_memory[64], managed_memory[64];

CUresult cuLibraryGetGlobal(CUdeviceptr *address, size_t *bytes, CUlibrary library, const char *name)
{
	CALLED_IN_CONTEXT();
	(void)library;
	if (strcmp(name, "absent") == 0)
		return CUDA_ERROR_NOT_FOUND;
	*address = (CUdeviceptr)variable_memory;
	*bytes = sizeof(variable_memory);
	return CUDA_SUCCESS;
}

CUresult cuLibraryGetManaged(CUdeviceptr *address, size_t *bytes, CUlibrary library, const char *name)
{
	CALLED();
	(void)library, (void)name;
	*address = (CUdeviceptr)managed_memory;
	*bytes = sizeof(managed_memory);
	return CUDA_SUCCESS;
}

static void launch_record(CUfunction kernel, void **arguments)
{
	launch.kernel = kernel;
	launch.pointers[0] = *(void **)arguments[0];
	launch.pointers[1] = *(void **)arguments[1];
	launch.integer = *(int *)arguments[2];
	launch.real = *(double *)arguments[3];
}

static void launch_shape(unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
			 CUstream stream)
{
	launch =
	    (struct fake_launch){.grid = {gx, gy, gz}, .block = {bx, by, bz}, .shared_bytes = shared, .stream = stream};
}

CUresult cuLaunchKernel(CUfunction kernel, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
			unsigned shared, CUstream stream, void **arguments, void **extra)
{
	CALLED_IN_CONTEXT();
	if (extra)
		return CUDA_ERROR_NOT_SUPPORTED;
	launch_shape(gx, gy, gz, bx, by, bz, shared, stream);
	launch_record(kernel, arguments);
	return CUDA_SUCCESS;
}

CUresult cuLaunchCooperativeKernel(CUfunction kernel, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
				   unsigned bz, unsigned shared, CUstream stream, void **arguments)
{
	CALLED_IN_CONTEXT();
	launch_shape(gx, gy, gz, bx, by, bz, shared, stream);
	launch.cooperative = 1;
	launch_record(kernel, arguments);
	return CUDA_SUCCESS;
}

CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction kernel, void **arguments, void **extra)
{
	CALLED_IN_CONTEXT();
	(void)extra;
	launch_shape(config->gridDimX, config->gridDimY, config->gridDimZ, config->blockDimX, config->blockDimY,
		     config->blockDimZ, config->sharedMemBytes, config->hStream);
	launch.attributes = config->numAttrs;
	launch_record(kernel, arguments);
	return CUDA_SUCCESS;
}

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes)
{
	CALLED_IN_CONTEXT();
	if (!bytes)
		return CUDA_ERROR_INVALID_VALUE;
	*address = (CUdeviceptr)malloc(bytes);
	return *address ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult cuMemAllocPitch_v2(CUdeviceptr *address, size_t *pitch, size_t width, size_t height, unsigned element)
{
	CALLED_IN_CONTEXT();
	if (element != 4 && element != 8 && element != 16)
		return CUDA_ERROR_INVALID_VALUE;
	*pitch = (width + 511) / 512 * 512;
	*address = (CUdeviceptr)malloc(*pitch * height);
	return *address ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult cuMemFree_v2(CUdeviceptr address)
{
	CALLED_IN_CONTEXT();
	free((void *)address);
	return CUDA_SUCCESS;
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes)
{
	CALLED_IN_CONTEXT();
	memcpy((void *)to, from, bytes);
	return CUDA_SUCCESS;
}

CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes)
{
	CALLED_IN_CONTEXT();
	memcpy(to, (const void *)from, bytes);
	return CUDA_SUCCESS;
}

CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes)
{
	CALLED_IN_CONTEXT();
	memcpy((void *)to, (const void *)from, bytes);
	return CUDA_SUCCESS;
}

CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes)
{
	CALLED_IN_CONTEXT();
	memcpy((void *)to, (const void *)from, bytes);
	return CUDA_SUCCESS;
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream)
{
	CALLED_IN_CONTEXT();
	last_stream = stream;
	memcpy((void *)to, from, bytes);
	return CUDA_SUCCESS;
}

/* Records the copy with the memory types, which are what the runtime's translation decides. */
static CUDA_MEMCPY2D rectangle;
static CUDA_MEMCPY3D box;
FAKE_EXPORT const CUDA_MEMCPY2D *fake_rectangle(void);
FAKE_EXPORT const CUDA_MEMCPY3D *fake_box(void);

const CUDA_MEMCPY2D *fake_rectangle(void)
{
	return &rectangle;
}

const CUDA_MEMCPY3D *fake_box(void)
{
	return &box;
}

CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D *copy)
{
	CALLED_IN_CONTEXT();
	rectangle = *copy;
	return CUDA_SUCCESS;
}

CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D *copy)
{
	CALLED_IN_CONTEXT();
	box = *copy;
	return CUDA_SUCCESS;
}

/* Every array has two channels of 16-bit numbers. */
CUresult cuArray3DGetDescriptor_v2(CUDA_ARRAY3D_DESCRIPTOR *descriptor, CUarray array)
{
	CALLED_IN_CONTEXT();
	(void)array;
	*descriptor =
	    (CUDA_ARRAY3D_DESCRIPTOR){.Width = 8, .Height = 4, .Format = CU_AD_FORMAT_UNSIGNED_INT16, .NumChannels = 2};
	return CUDA_SUCCESS;
}

/* One texture object, which knows its description. */
static CUDA_RESOURCE_DESC texture_resource;
static CUDA_TEXTURE_DESC texture;

CUresult cuTexObjectCreate(CUtexObject *object, const CUDA_RESOURCE_DESC *resource,
			   const CUDA_TEXTURE_DESC *description, const CUDA_RESOURCE_VIEW_DESC *view)
{
	CALLED_IN_CONTEXT();
	(void)view;
	texture_resource = *resource;
	texture = *description;
	*object = 1;
	return CUDA_SUCCESS;
}

CUresult cuTexObjectGetResourceDesc(CUDA_RESOURCE_DESC *resource, CUtexObject object)
{
	CALLED_IN_CONTEXT();
	(void)object;
	*resource = texture_resource;
	return CUDA_SUCCESS;
}

CUresult cuTexObjectGetTextureDesc(CUDA_TEXTURE_DESC *description, CUtexObject object)
{
	CALLED_IN_CONTEXT();
	(void)object;
	*description = texture;
	return CUDA_SUCCESS;
}

/* One graph node of any kind. */
static CUgraphNodeParams node;
FAKE_EXPORT const CUgraphNodeParams *fake_node(void);

const CUgraphNodeParams *fake_node(void)
{
	return &node;
}

CUresult cuGraphAddNode_v2(CUgraphNode *added, CUgraph graph, const CUgraphNode *dependencies,
			   const CUgraphEdgeData *edges, size_t count, CUgraphNodeParams *parameters)
{
	CALLED_IN_CONTEXT();
	(void)graph, (void)dependencies, (void)edges, (void)count;
	*added = (CUgraphNode)&node;
	if (parameters->type == CU_GRAPH_NODE_TYPE_MEM_ALLOC)
		parameters->alloc.dptr = 0x4000;
	node = *parameters;
	return CUDA_SUCCESS;
}

CUresult cuMemsetD8_v2(CUdeviceptr address, unsigned char value, size_t count)
{
	CALLED_IN_CONTEXT();
	memset((void *)address, value, count);
	return CUDA_SUCCESS;
}

CUresult cuStreamSynchronize(CUstream stream)
{
	CALLED_IN_CONTEXT();
	last_stream = stream;
	return CUDA_SUCCESS;
}

CUresult cuStreamGetDevice(CUstream stream, CUdevice *device)
{
	CALLED_IN_CONTEXT();
	last_stream = stream;
	*device = 101;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetByPCIBusId(CUdevice *device, const char *id)
{
	CALLED();
	*device = 100 + atoi(id);
	return CUDA_SUCCESS;
}

CUresult cuEventQuery(CUevent event)
{
	CALLED_IN_CONTEXT();
	(void)event;
	return CUDA_SUCCESS;
}

CUresult cuStreamAddCallback(CUstream stream, CUstreamCallback callback, void *data, unsigned flags)
{
	CALLED_IN_CONTEXT();
	(void)flags;
	callback(stream, CUDA_ERROR_LAUNCH_FAILED, data);
	return CUDA_SUCCESS;
}

CUresult cuPointerGetAttributes(unsigned count, CUpointer_attribute *attributes, void **values, CUdeviceptr address)
{
	CALLED_IN_CONTEXT();
	for (unsigned i = 0; i < count; i++)
		if (attributes[i] == CU_POINTER_ATTRIBUTE_MEMORY_TYPE)
			*(unsigned *)values[i] = address == (CUdeviceptr)variable_memory ? CU_MEMORYTYPE_DEVICE : 0;
		else if (attributes[i] == CU_POINTER_ATTRIBUTE_DEVICE_POINTER)
			*(void **)values[i] = address == (CUdeviceptr)variable_memory ? (void *)address : NULL;
		else if (attributes[i] == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL)
			*(int *)values[i] = 1;
	return CUDA_SUCCESS;
}

CUresult cuGetProcAddress_v2(const char *symbol, void **function, int version, cuuint64_t flags,
			     CUdriverProcAddressQueryResult *status)
{
	CALLED();
	*function = NULL;
	if (strcmp(symbol, "cuInit") != 0) {
		*status = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
		return CUDA_ERROR_NOT_FOUND;
	}
	*status = version < 2000 ? CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT : CU_GET_PROC_ADDRESS_SUCCESS;
	if (version >= 2000)
		*function =
		    flags == CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM ? (void *)cuCtxSynchronize : (void *)cuInit;
	return version < 2000 ? CUDA_ERROR_NOT_FOUND : CUDA_SUCCESS;
}
