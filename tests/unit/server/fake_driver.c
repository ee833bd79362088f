/* A CUDA driver for tests of the server. Device memory is host memory. Work in a stream is done when somebody waits for
   it, no sooner, so a test decides what is complete. A closed gate (cuCtxSetLimit of CU_LIMIT_STACK_SIZE to 1; 2 opens
   it) holds cuCtxSynchronize and cuCtxDestroy. Every call is a line in the file that FAKE_DRIVER_LOG names. */
#define __CUDA_API_VERSION_INTERNAL
#include <cuda.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define API __attribute__((visibility("default")))

enum { GATE_CLOSED = 1, GATE_OPEN = 2, KERNELS_MAX = 1000000 };

struct copy {
	struct copy *next;
	void *to;
	const void *from;
	size_t size;
};

struct CUstream_st {
	struct copy *copies;        /* not yet done */
	unsigned long issued, done; /* numbers of copies */
};

struct CUevent_st {
	CUstream stream;
	unsigned long after; /* copies in the stream before the event */
};

struct CUctx_st {
	int number;
};

struct CUkern_st {
	char name[32];
};

struct CUlib_st {
	unsigned count;
	struct CUkern_st kernels[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_changed = PTHREAD_COND_INITIALIZER;
static bool gate_closed;
static struct CUstream_st default_stream;
static struct CUctx_st primary = {1};
static __thread CUcontext current;

static void record(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void record(const char *format, ...)
{
	const char *path = getenv("FAKE_DRIVER_LOG");
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return;
	va_list arguments;
	va_start(arguments, format);
	vdprintf(fd, format, arguments);
	va_end(arguments);
	close(fd);
}

/* What the driver hands out ends with the process at the latest: a client that leaves it behind is no leak. */
struct kept {
	struct kept *next;
	alignas(16) char bytes[];
};

static struct kept *kept;

static void *keep(size_t size)
{
	struct kept *one = calloc(1, sizeof(*one) + size);
	if (!one)
		abort();
	pthread_mutex_lock(&lock);
	one->next = kept;
	kept = one;
	pthread_mutex_unlock(&lock);
	return one->bytes;
}

static void drop(void *bytes)
{
	pthread_mutex_lock(&lock);
	struct kept **link = &kept;
	while (*link && (*link)->bytes != bytes)
		link = &(*link)->next;
	struct kept *one = *link;
	if (one)
		*link = one->next;
	pthread_mutex_unlock(&lock);
	free(one);
}

static CUstream stream_of(CUstream stream)
{
	return (uintptr_t)stream <= 2 ? &default_stream : stream;
}

/* Does what the stream owes, up to copy number `until`. */
static void stream_run(CUstream stream, unsigned long until)
{
	while (stream->done < until) {
		struct copy *copy = stream->copies;
		memcpy(copy->to, copy->from, copy->size);
		stream->copies = copy->next;
		stream->done++; /* the copy is kept: the lock is held */
	}
}

static void wait_for_gate(void)
{
	pthread_mutex_lock(&lock);
	while (gate_closed)
		pthread_cond_wait(&gate_changed, &lock);
	pthread_mutex_unlock(&lock);
}

API CUresult cuInit(unsigned int flags)
{
	return getenv("FAKE_DRIVER_BROKEN") ? CUDA_ERROR_SYSTEM_DRIVER_MISMATCH : (CUresult)(flags * 0);
}

API CUresult cuDriverGetVersion(int *version)
{
	*version = CUDA_VERSION;
	return CUDA_SUCCESS;
}

API CUresult cuDeviceGetCount(int *count)
{
	const char *devices = getenv("FAKE_DRIVER_DEVICES");
	*count = devices ? atoi(devices) : 1;
	return CUDA_SUCCESS;
}

API CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
	*device = ordinal;
	return CUDA_SUCCESS;
}

API CUresult cuDeviceGetName(char *name, int size, CUdevice device)
{
	snprintf(name, (size_t)size, "Fake device %d", device);
	return CUDA_SUCCESS;
}

API CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device)
{
	(void)device;
	*bytes = 1234567;
	return CUDA_SUCCESS;
}

API CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device)
{
	(void)device;
	if (attribute == CU_DEVICE_ATTRIBUTE_MAX_PITCH)
		return CUDA_ERROR_INVALID_VALUE;
	*value = 1000 + (int)attribute;
	return CUDA_SUCCESS;
}

API CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device)
{
	memset(uuid->bytes, 'u' + device, sizeof(uuid->bytes));
	return CUDA_SUCCESS;
}

API CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device)
{
	record("retain %d\n", device);
	*context = &primary;
	return CUDA_SUCCESS;
}

API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device)
{
	record("release %d\n", device);
	return CUDA_SUCCESS;
}

API CUresult cuDevicePrimaryCtxReset_v2(CUdevice device)
{
	record("reset %d\n", device);
	return CUDA_SUCCESS;
}

API CUresult cuCtxCreate_v2(CUcontext *context, unsigned int flags, CUdevice device)
{
	static int number = 1;
	(void)flags, (void)device;
	*context = keep(sizeof(**context));
	(*context)->number = ++number;
	current = *context;
	record("create %d\n", number);
	return CUDA_SUCCESS;
}

API CUresult cuCtxPopCurrent_v2(CUcontext *context)
{
	*context = current;
	current = NULL;
	return CUDA_SUCCESS;
}

API CUresult cuCtxDestroy_v2(CUcontext context)
{
	wait_for_gate();
	record("destroy %d\n", context->number);
	drop(context);
	return CUDA_SUCCESS;
}

API CUresult cuCtxSetCurrent(CUcontext context)
{
	current = context;
	return CUDA_SUCCESS;
}

API CUresult cuCtxGetDevice(CUdevice *device)
{
	*device = 0;
	return current ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

API CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest)
{
	*least = 0;
	*greatest = -3;
	return current ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

API CUresult cuCtxSetLimit(CUlimit limit, size_t value)
{
	record("limit %d %zu in %d\n", (int)limit, value, current ? current->number : 0);
	pthread_mutex_lock(&lock);
	gate_closed = value == GATE_CLOSED || (gate_closed && value != GATE_OPEN);
	pthread_cond_broadcast(&gate_changed);
	pthread_mutex_unlock(&lock);
	return CUDA_SUCCESS;
}

API CUresult cuCtxSynchronize(void)
{
	record("synchronize in %d\n", current ? current->number : 0);
	wait_for_gate();
	return CUDA_SUCCESS;
}

/* A driver that crashes. */
API CUresult cuCtxResetPersistingL2Cache(void)
{
	signal(SIGSEGV, SIG_DFL); /* also under a sanitizer */
	raise(SIGSEGV);
	return CUDA_ERROR_UNKNOWN;
}

API CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t size)
{
	*address = (CUdeviceptr)keep(size);
	return CUDA_SUCCESS;
}

API CUresult cuMemFree_v2(CUdeviceptr address)
{
	drop((void *)address);
	return CUDA_SUCCESS;
}

API CUresult cuMemHostAlloc(void **bytes, size_t size, unsigned int flags)
{
	(void)flags;
	*bytes = keep(size);
	record("pin %zu\n", size);
	return CUDA_SUCCESS;
}

API CUresult cuMemFreeHost(void *bytes)
{
	drop(bytes);
	return CUDA_SUCCESS;
}

API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t size, CUstream stream)
{
	record("to device %zu bytes, stream %s\n", size, stream == CU_STREAM_LEGACY ? "legacy" : "other");
	memcpy((void *)to, from, size);
	return CUDA_SUCCESS;
}

API CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t size)
{
	if (!from)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(to, (const void *)from, size);
	return CUDA_SUCCESS;
}

API CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t size, CUstream id)
{
	if (!from)
		return CUDA_ERROR_INVALID_VALUE;
	CUstream stream = stream_of(id);
	struct copy *copy = keep(sizeof(*copy));
	*copy = (struct copy){.to = to, .from = (const void *)from, .size = size};
	pthread_mutex_lock(&lock);
	struct copy **last = &stream->copies;
	while (*last)
		last = &(*last)->next;
	*last = copy;
	stream->issued++;
	pthread_mutex_unlock(&lock);
	return CUDA_SUCCESS;
}

API CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *copy, CUstream stream)
{
	const char *from = copy->srcMemoryType == CU_MEMORYTYPE_HOST ? copy->srcHost : (const char *)copy->srcDevice;
	char *to = copy->dstMemoryType == CU_MEMORYTYPE_HOST ? copy->dstHost : (char *)copy->dstDevice;
	(void)stream;
	for (size_t row = 0; row < copy->Height; row++)
		memcpy(to + row * copy->dstPitch, from + row * copy->srcPitch, copy->WidthInBytes);
	return CUDA_SUCCESS;
}

API CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t size)
{
	if (!to)
		return CUDA_ERROR_INVALID_VALUE;
	memset((void *)to, value, size);
	return CUDA_SUCCESS;
}

API CUresult cuStreamCreate(CUstream *stream, unsigned int flags)
{
	(void)flags;
	*stream = keep(sizeof(**stream));
	return CUDA_SUCCESS;
}

API CUresult cuStreamDestroy_v2(CUstream stream)
{
	stream_run(stream, stream->issued);
	drop(stream);
	return CUDA_SUCCESS;
}

API CUresult cuStreamSynchronize(CUstream id)
{
	pthread_mutex_lock(&lock);
	stream_run(stream_of(id), stream_of(id)->issued);
	pthread_mutex_unlock(&lock);
	return CUDA_SUCCESS;
}

API CUresult cuEventCreate(CUevent *event, unsigned int flags)
{
	(void)flags;
	*event = keep(sizeof(**event));
	return CUDA_SUCCESS;
}

API CUresult cuEventDestroy_v2(CUevent event)
{
	drop(event);
	return CUDA_SUCCESS;
}

API CUresult cuEventRecord(CUevent event, CUstream stream)
{
	pthread_mutex_lock(&lock);
	*event = (struct CUevent_st){stream_of(stream), stream_of(stream)->issued};
	pthread_mutex_unlock(&lock);
	return CUDA_SUCCESS;
}

API CUresult cuEventQuery(CUevent event)
{
	pthread_mutex_lock(&lock);
	bool done = !event->stream || event->stream->done >= event->after;
	pthread_mutex_unlock(&lock);
	return done ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

API CUresult cuEventSynchronize(CUevent event)
{
	pthread_mutex_lock(&lock);
	if (event->stream)
		stream_run(event->stream, event->after);
	pthread_mutex_unlock(&lock);
	return CUDA_SUCCESS;
}

/* A program of several units: its machine code is never this device's. */
struct wrapper {
	unsigned magic;
	int version;
	const void *linked;
	const void *const *units;
};

static bool is_linked_program(const void *image)
{
	const struct wrapper *wrapper = image;
	return memcmp(image, &(unsigned){0x466243B1}, 4) == 0 && wrapper->version == 2 && wrapper->units[0];
}

struct CUlinkState_st {
	unsigned units;
	char *errors;
	char image[32];
};

API CUresult cuLinkCreate_v2(unsigned int count, CUjit_option *options, void **values, CUlinkState *state)
{
	*state = keep(sizeof(**state));
	(*state)->units = 0;
	for (unsigned i = 0; i < count; i++) {
		if (options[i] == CU_JIT_ERROR_LOG_BUFFER)
			(*state)->errors = values[i];
	}
	return CUDA_SUCCESS;
}

/* The fatbin "bad" cannot be linked. */
API CUresult cuLinkAddData_v2(CUlinkState state, CUjitInputType type, void *data, size_t size, const char *name,
			      unsigned int count, CUjit_option *options, void **values)
{
	(void)count, (void)options, (void)values;
	record("link %s, type %d, %zu bytes\n", name, (int)type, size);
	if (!memcmp((char *)data + 16, "bad", 3)) {
		strcpy(state->errors, "a word of the linker");
		return CUDA_ERROR_INVALID_SOURCE;
	}
	state->units++;
	return CUDA_SUCCESS;
}

API CUresult cuLinkComplete(CUlinkState state, void **image, size_t *size)
{
	*size = (size_t)snprintf(state->image, sizeof(state->image), "kernels %u", state->units) + 1;
	*image = state->image;
	return CUDA_SUCCESS;
}

API CUresult cuLinkDestroy(CUlinkState state)
{
	record("link destroyed\n");
	drop(state);
	return CUDA_SUCCESS;
}

/* An image is the text "kernels N". */
API CUresult cuLibraryLoadData(CUlibrary *library, const void *image, CUjit_option *options, void **values,
			       unsigned int count, CUlibraryOption *library_options, void **library_values,
			       unsigned int library_count)
{
	(void)library_options, (void)library_values, (void)library_count;
	for (unsigned i = 0; i < count; i++) {
		if (options[i] == CU_JIT_ERROR_LOG_BUFFER)
			strcpy(values[i], "a word of the compiler");
	}
	unsigned kernels = 0;
	if (is_linked_program(image))
		return CUDA_ERROR_NO_BINARY_FOR_GPU;
	if (sscanf(image, "kernels %u", &kernels) != 1 || kernels > KERNELS_MAX)
		return CUDA_ERROR_INVALID_PTX;
	*library = keep(sizeof(**library) + kernels * sizeof((*library)->kernels[0]));
	(*library)->count = kernels;
	for (unsigned i = 0; i < kernels; i++)
		snprintf((*library)->kernels[i].name, sizeof((*library)->kernels[i].name), "kernel%u", i);
	return CUDA_SUCCESS;
}

API CUresult cuLibraryUnload(CUlibrary library)
{
	drop(library);
	return CUDA_SUCCESS;
}

API CUresult cuLibraryGetKernelCount(unsigned int *count, CUlibrary library)
{
	*count = library->count;
	return CUDA_SUCCESS;
}

API CUresult cuLibraryEnumerateKernels(CUkernel *kernels, unsigned int count, CUlibrary library)
{
	for (unsigned i = 0; i < count; i++)
		kernels[i] = &library->kernels[i];
	return CUDA_SUCCESS;
}

API CUresult cuKernelGetName(const char **name, CUkernel kernel)
{
	*name = kernel->name;
	return CUDA_SUCCESS;
}

/* Every kernel has a pointer and an int. */
API CUresult cuKernelGetParamInfo(CUkernel kernel, size_t index, size_t *offset, size_t *size)
{
	(void)kernel;
	if (index > 1)
		return CUDA_ERROR_INVALID_VALUE;
	*offset = index * 8;
	*size = index ? 4 : 8;
	return CUDA_SUCCESS;
}

API CUresult cuKernelGetAttribute(int *value, CUfunction_attribute attribute, CUkernel kernel, CUdevice device)
{
	(void)kernel, (void)device;
	if (attribute == CU_FUNC_ATTRIBUTE_CACHE_MODE_CA)
		return CUDA_ERROR_INVALID_VALUE;
	*value = (int)attribute * 10;
	return CUDA_SUCCESS;
}

API CUresult cuLaunchKernel(CUfunction function, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z,
			    unsigned int block_x, unsigned int block_y, unsigned int block_z, unsigned int shared,
			    CUstream stream, void **parameters, void **extra)
{
	(void)stream, (void)parameters;
	record("launch %s %u %u %u, %u %u %u, shared %u, %zu bytes of parameters, last %d\n",
	       ((CUkernel)function)->name, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared,
	       *(size_t *)extra[3], ((int *)extra[1])[2]);
	return grid_x ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
