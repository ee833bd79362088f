/* Any bytes as what a client sends after HELLO: records, calls, arguments, handles. The driver is one that remembers
   nothing and touches no memory. The first byte says whether the session is oneway. */
#include <stdlib.h>
#include <string.h>

#include "dispatch.h"
#include "graph.h"
#include "handles.h"
#include "host_thread.h"
#include "serve_link.h"
#include "session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct srv_driver driver;

/* ---- What session.c and stream.c would give ---- */

static bool ended;

void srv_session_end(struct srv_session *session, const char *reason)
{
	session->end = reason;
	ended = true;
}

/* So that looking at every byte is not optimised away. */
static volatile unsigned char sent;

bool srv_send(struct srv_session *session, struct iovec *vector, int count)
{
	unsigned char sum = 0;
	(void)session;
	/* Every byte is looked at: none may be uninitialised or outside. */
	for (int i = 0; i < count; i++)
		for (size_t n = 0; n < vector[i].iov_len; n++)
			sum ^= ((const unsigned char *)vector[i].iov_base)[n];
	sent = sum;
	return true;
}

void srv_stream_hand_over(struct srv_worker *worker)
{
	(void)worker;
}

bool srv_stream_watch_bytes(struct srv_stream *stream)
{
	(void)stream;
	return false;
}

/* Host functions need a thread of their own, which would make runs differ. */
CUresult srv_host_thread_ask(struct srv_call *call)
{
	(void)call;
	return CUDA_ERROR_NOT_SUPPORTED;
}

/* ---- The driver ---- */

#define HANDLE(number) ((void *)(uintptr_t)(number))

static CUresult retain(CUcontext *context, CUdevice device)
{
	*context = HANDLE(0x1000);
	return device == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

static CUresult create_stream(CUstream *stream, unsigned flags)
{
	(void)flags;
	*stream = HANDLE(0x2000);
	return CUDA_SUCCESS;
}

static CUresult create_event(CUevent *event, unsigned flags)
{
	(void)flags;
	*event = HANDLE(0x3000);
	return CUDA_SUCCESS;
}

static CUresult allocate(CUdeviceptr *address, size_t size)
{
	*address = 0x4000;
	return size < 1 << 20 ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

static CUresult load_library(CUlibrary *library, const void *image, CUjit_option *options, void **values,
			     unsigned count, CUlibraryOption *library_options, void **library_values,
			     unsigned library_count)
{
	(void)image, (void)options, (void)values, (void)count;
	(void)library_options, (void)library_values, (void)library_count;
	*library = HANDLE(0x5000);
	return CUDA_SUCCESS;
}

static CUresult load_module(CUmodule *module, const void *image, unsigned count, CUjit_option *options, void **values)
{
	(void)image, (void)options, (void)values, (void)count;
	*module = HANDLE(0x6000);
	return CUDA_SUCCESS;
}

static CUresult count_kernels(unsigned *count, CUlibrary library)
{
	(void)library;
	*count = 2;
	return CUDA_SUCCESS;
}

static CUresult list_kernels(CUkernel *kernels, unsigned count, CUlibrary library)
{
	(void)library;
	for (unsigned i = 0; i < count; i++)
		kernels[i] = HANDLE(0x7000 + i);
	return CUDA_SUCCESS;
}

static CUresult name_kernel(const char **name, CUkernel kernel)
{
	(void)kernel;
	*name = "kernel";
	return CUDA_SUCCESS;
}

static CUresult describe_parameter(CUkernel kernel, size_t index, size_t *offset, size_t *size)
{
	(void)kernel;
	if (index > 1)
		return CUDA_ERROR_INVALID_VALUE;
	*offset = index * 8;
	*size = 8;
	return CUDA_SUCCESS;
}

static CUresult function_of_kernel(CUfunction *function, CUkernel kernel)
{
	*function = (CUfunction)kernel;
	return CUDA_SUCCESS;
}

static CUresult create_link(unsigned count, CUjit_option *options, void **values, CUlinkState *link)
{
	(void)count, (void)options, (void)values;
	*link = HANDLE(0x8000);
	return CUDA_SUCCESS;
}

static CUresult complete_link(CUlinkState link, void **image, size_t *size)
{
	static char linked[5];
	(void)link;
	*image = linked;
	*size = sizeof(linked);
	return CUDA_SUCCESS;
}

static void driver_make(void)
{
	driver.cuDevicePrimaryCtxRetain = retain;
	driver.cuStreamCreate = create_stream;
	driver.cuEventCreate = create_event;
	driver.cuMemAlloc_v2 = allocate;
	driver.cuLibraryLoadData = load_library;
	driver.cuModuleLoadDataEx = load_module;
	driver.cuLibraryGetKernelCount = count_kernels;
	driver.cuLibraryEnumerateKernels = list_kernels;
	driver.cuKernelGetName = name_kernel;
	driver.cuKernelGetParamInfo = describe_parameter;
	driver.cuKernelGetFunction = function_of_kernel;
	driver.cuLinkCreate_v2 = create_link;
	driver.cuLinkComplete = complete_link;
}

/* ---- The input as a transport ---- */

static struct {
	const uint8_t *data;
	size_t left;
} input;

static ssize_t receive(struct cr_transport *transport, void *buffer, size_t size, bool wait)
{
	(void)transport, (void)wait;
	size = size < input.left ? size : input.left;
	memcpy(buffer, input.data, size);
	input.data += size;
	input.left -= size;
	return (ssize_t)size;
}

static void session_free(struct srv_session *session)
{
	srv_deferred_free(&session->deferred);
	srv_host_tasks_free(&session->host_tasks);
	srv_graphs_free(&session->graphs);
	srv_images_free(&session->images);
	srv_links_free(session);
	srv_handles_free(session);
	free((void *)session->procedure_calls);
	free(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct cr_transport_ops ops = {.receive = receive};
	static struct cr_transport transport = {.ops = &ops, .fd = -1, .watch_fd = -1};
	static struct srv_worker worker;
	struct srv_session *session = calloc(1, sizeof(*session));
	if (size < 1 || !session) {
		free(session);
		return 0;
	}
	if (!worker.reply) {
		driver_make();
		if (!srv_record_init(&worker.record) || !srv_record_init(&worker.reply_memory))
			abort();
		worker.reply = worker.reply_memory.bytes;
	}
	worker.session = session;
	worker.context = NULL;
	session->transport = &transport;
	session->memory = -1;
	session->greeted = true;
	session->oneway = data[0] & 1;
	session->procedure_calls = calloc(srv_cuda_proc_count, sizeof(*session->procedure_calls));
	srv_handles_init(session);
	srv_deferred_init(&session->deferred);
	srv_host_tasks_init(&session->host_tasks);
	input.data = data + 1;
	input.left = size - 1;
	srv_input_init(&session->stream.input, &transport);
	ended = false;
	while (!ended && srv_input_read(&session->stream.input, &worker.record) == SRV_INPUT_RECORD &&
	       srv_dispatch(&worker))
		continue;
	session_free(session);
	return 0;
}
