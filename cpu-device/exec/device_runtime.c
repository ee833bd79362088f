/* CUDA's device runtime: what kernels may ask of it and give to the device (CUDA Programming Guide, "CUDA Dynamic
   Parallelism"). One row in the table and one function for each. */
#include <driver_types.h>
#include <stdlib.h>
#include <string.h>

#include "builtin.h"
#include "module.h"
#include "release.h"

/* Arguments as they lie in local memory. */
static uint32_t word(const struct cpu_builtin_call *call, unsigned index)
{
	uint32_t value;

	memcpy(&value, call->arguments[index], sizeof(value));
	return value;
}

static uint64_t wide(const struct cpu_builtin_call *call, unsigned index)
{
	uint64_t value;

	memcpy(&value, call->arguments[index], sizeof(value));
	return value;
}

static struct cpu_job *job_of(const struct cpu_builtin_call *call)
{
	return call->warp->block->job;
}

/* Writes a result to where argument `index` points. */
static cudaError_t give(const struct cpu_builtin_call *call, unsigned index, const void *value, size_t size)
{
	uint64_t address = wide(call, index);
	void *to = address ? cpu_resolve_generic(call->warp, call->insn, call->lane, address, (uint32_t)size) : NULL;

	if (to)
		memcpy(to, value, size);
	return to ? cudaSuccess : cudaErrorInvalidValue;
}

static cudaError_t give_word(const struct cpu_builtin_call *call, unsigned index, int value)
{
	return give(call, index, &value, sizeof(value));
}

/* ---- Errors: each thread's own. Few have one, so they are in a list. ---- */

static uint64_t thread_number(const struct cpu_builtin_call *call)
{
	const struct cpu_block *block = call->warp->block;
	const unsigned *grid = block->job->launch->grid;
	uint64_t number = block->ctaid[0] + grid[0] * (block->ctaid[1] + (uint64_t)grid[1] * block->ctaid[2]);

	return number * 1024 + call->warp->index * CPU_LANES + call->lane;
}

/* The thread's last error; takes it away when `take`. */
static cudaError_t last_error(const struct cpu_builtin_call *call, bool take)
{
	struct cpu_job *job = job_of(call);
	uint64_t thread = thread_number(call);
	cudaError_t error = cudaSuccess;

	pthread_mutex_lock(&job->lock);
	for (struct cpu_thread_error *e = job->errors; e; e = e->next) {
		if (e->thread != thread)
			continue;
		if (!error)
			error = (cudaError_t)e->error;
		if (take)
			e->error = cudaSuccess;
	}
	pthread_mutex_unlock(&job->lock);
	return error;
}

/* Notes an error for the thread and returns it. */
static cudaError_t note(const struct cpu_builtin_call *call, cudaError_t error)
{
	struct cpu_job *job = job_of(call);
	struct cpu_thread_error *e = error ? malloc(sizeof(*e)) : NULL;

	if (!e)
		return error;
	*e = (struct cpu_thread_error){.thread = thread_number(call), .error = (int)error};
	pthread_mutex_lock(&job->lock);
	e->next = job->errors;
	job->errors = e;
	pthread_mutex_unlock(&job->lock);
	return error;
}

static uint64_t get_last_error(const struct cpu_builtin_call *call)
{
	return last_error(call, true);
}

static uint64_t peek_at_last_error(const struct cpu_builtin_call *call)
{
	return last_error(call, false);
}

static const struct {
	cudaError_t error;
	const char *name, *text;
} errors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidDeviceFunction, "cudaErrorInvalidDeviceFunction", "invalid device function"},
    {cudaErrorLaunchMaxDepthExceeded, "cudaErrorLaunchMaxDepthExceeded",
     "launch would exceed maximum depth of nested launches"},
    {cudaErrorLaunchPendingCountExceeded, "cudaErrorLaunchPendingCountExceeded",
     "launch failed because launch would exceed cudaLimitDevRuntimePendingLaunchCount"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
};

/* A text in memory that the kernel can read, until the grid has ended; 0 when there is none left. */
static uint64_t text_give(const struct cpu_builtin_call *call, const char *text)
{
	uint64_t address = cpu_device_malloc(call->warp, strlen(text) + 1);

	if (!address)
		return 0;
	memcpy((void *)(uintptr_t)address, text, strlen(text) + 1);
	return cpu_device_free(call->warp, call->insn, call->lane, address) ? address : 0;
}

static uint64_t error_text(const struct cpu_builtin_call *call, bool name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i].error == (cudaError_t)word(call, 0))
			return text_give(call, name ? errors[i].name : errors[i].text);
	return text_give(call, "unrecognized error code");
}

static uint64_t get_error_string(const struct cpu_builtin_call *call)
{
	return error_text(call, false);
}

static uint64_t get_error_name(const struct cpu_builtin_call *call)
{
	return error_text(call, true);
}

/* ---- The device ---- */

/* The machine runs grids of one device, whose number the kernel's context knows as 0. */
static uint64_t get_device(const struct cpu_builtin_call *call)
{
	return note(call, give_word(call, 0, 0));
}

static uint64_t get_device_count(const struct cpu_builtin_call *call)
{
	return note(call, give_word(call, 0, 1));
}

static uint64_t device_get_attribute(const struct cpu_builtin_call *call)
{
	int value;

	if (word(call, 2))
		return note(call, cudaErrorInvalidDevice);
	if (!cpu_exec_attribute((int)word(call, 1), &value))
		return note(call, cudaErrorInvalidValue);
	return note(call, give_word(call, 0, value));
}

static uint64_t runtime_get_version(const struct cpu_builtin_call *call)
{
	return note(call, give_word(call, 0, CUDA_VERSION));
}

static uint64_t not_supported(const struct cpu_builtin_call *call)
{
	return note(call, cudaErrorNotSupported);
}

/* ---- Functions ---- */

static struct cpu_kernel *kernel_at(const struct cpu_builtin_call *call, uint64_t address)
{
	return cpu_kernel_sibling(job_of(call)->launch->kernel, address);
}

static uint64_t func_get_attributes(const struct cpu_builtin_call *call)
{
	struct cpu_kernel *kernel = kernel_at(call, wide(call, 1));
	struct cudaFuncAttributes attributes = {.sharedSizeBytes = 0};
	struct cpu_kernel_info info;

	if (!kernel || cpu_kernel_info(kernel, &info))
		return note(call, cudaErrorInvalidDeviceFunction);
	attributes.sharedSizeBytes = info.shared_bytes;
	attributes.constSizeBytes = info.constant_bytes;
	attributes.localSizeBytes = info.local_bytes;
	attributes.maxThreadsPerBlock = info.max_threads;
	attributes.numRegs = info.registers;
	attributes.ptxVersion = attributes.binaryVersion = info.ptx_version;
	return note(call, give(call, 0, &attributes, sizeof(attributes)));
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

/* Blocks that the threads and the shared memory of a multiprocessor allow; registers are memory here. */
static uint64_t occupancy(const struct cpu_builtin_call *call)
{
	struct cpu_kernel *kernel = kernel_at(call, wide(call, 1));
	int warps = (int)((word(call, 2) + CPU_LANES - 1) / CPU_LANES), threads = 0, blocks = 0, shared = 0;
	struct cpu_kernel_info info;
	uint64_t bytes;

	if (!kernel || cpu_kernel_info(kernel, &info))
		return note(call, cudaErrorInvalidDeviceFunction);
	if (warps < 1 || word(call, 2) > (uint32_t)info.max_threads ||
	    !cpu_exec_attribute(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, &threads) ||
	    !cpu_exec_attribute(CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR, &blocks) ||
	    !cpu_exec_attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, &shared))
		return note(call, cudaErrorInvalidValue);
	bytes = info.shared_bytes + wide(call, 3);
	blocks = smaller(blocks, threads / (warps * CPU_LANES));
	if (bytes)
		blocks = (uint64_t)shared / bytes < (uint64_t)blocks ? (int)((uint64_t)shared / bytes) : blocks;
	return note(call, give_word(call, 0, blocks));
}

/* ---- Memory ---- */

static uint64_t memory_alloc(const struct cpu_builtin_call *call)
{
	uint64_t size = wide(call, 1), address = size ? cpu_device_malloc(call->warp, size) : 0;

	if (size && !address)
		return note(call, cudaErrorMemoryAllocation);
	return note(call, give(call, 0, &address, sizeof(address)));
}

static uint64_t memory_free(const struct cpu_builtin_call *call)
{
	cpu_device_free(call->warp, call->insn, call->lane, wide(call, 0));
	return cudaSuccess;
}

/* ---- Work for the device ---- */

static cudaError_t child_add(const struct cpu_builtin_call *call, struct cpu_child *child, bool tail)
{
	struct cpu_children *children = &job_of(call)->children;
	cudaError_t error = cudaSuccess;

	pthread_mutex_lock(&job_of(call)->lock);
	child->depth = children->depth + !tail;
	if (child->depth > CPU_CHILDREN_DEPTH)
		error = cudaErrorLaunchMaxDepthExceeded;
	else if (children->count == CPU_CHILDREN_MOST)
		error = cudaErrorLaunchPendingCountExceeded;
	else
		children->count++;
	if (!error)
		cpu_child_append(tail ? &children->tails : &children->work, child);
	pthread_mutex_unlock(&job_of(call)->lock);
	if (error)
		cpu_child_free(child, job_of(call)->memory);
	return note(call, error);
}

static cudaError_t move_add(const struct cpu_builtin_call *call, const struct cpu_child *pattern)
{
	struct cpu_child *child = malloc(sizeof(*child));

	if (!child)
		return note(call, cudaErrorMemoryAllocation);
	*child = *pattern;
	return child_add(call, child, false);
}

static uint64_t memcpy_async(const struct cpu_builtin_call *call)
{
	const struct cpu_child copy = {
	    .kind = CPU_CHILD_COPY, .to = wide(call, 0), .from = wide(call, 1), .width = wide(call, 2), .rows = 1};

	return move_add(call, &copy);
}

static uint64_t memcpy_2d_async(const struct cpu_builtin_call *call)
{
	const struct cpu_child copy = {.kind = CPU_CHILD_COPY,
				       .to = wide(call, 0),
				       .to_pitch = wide(call, 1),
				       .from = wide(call, 2),
				       .from_pitch = wide(call, 3),
				       .width = wide(call, 4),
				       .rows = wide(call, 5)};

	if (copy.width > copy.to_pitch || copy.width > copy.from_pitch)
		return note(call, cudaErrorInvalidValue);
	return move_add(call, &copy);
}

static uint64_t memset_async(const struct cpu_builtin_call *call)
{
	const struct cpu_child fill = {.kind = CPU_CHILD_FILL,
				       .to = wide(call, 0),
				       .value = (uint8_t)word(call, 1),
				       .width = wide(call, 2),
				       .rows = 1};

	return move_add(call, &fill);
}

static uint64_t memset_2d_async(const struct cpu_builtin_call *call)
{
	const struct cpu_child fill = {.kind = CPU_CHILD_FILL,
				       .to = wide(call, 0),
				       .to_pitch = wide(call, 1),
				       .value = (uint8_t)word(call, 2),
				       .width = wide(call, 3),
				       .rows = wide(call, 4)};

	if (fill.width > fill.to_pitch)
		return note(call, cudaErrorInvalidValue);
	return move_add(call, &fill);
}

/* Reads grid, block and shared memory beginning at argument `index`. */
static void configuration_read(const struct cpu_builtin_call *call, unsigned index, struct cpu_launch *launch)
{
	memcpy(launch->grid, call->arguments[index], sizeof(launch->grid));
	memcpy(launch->block, call->arguments[index + 1], sizeof(launch->block));
	launch->dynamic_shared_bytes = word(call, index + 2);
}

/* Makes a parameter buffer of `size` bytes and remembers it; its address, or 0. */
static uint64_t buffer_make(const struct cpu_builtin_call *call, struct cpu_kernel *kernel,
			    const struct cpu_launch *launch, uint64_t size)
{
	struct cpu_job *job = job_of(call);
	struct cpu_child *child = calloc(1, sizeof(*child));

	if (!child || cpu_memory_alloc(job->memory, size ? size : 8, &child->parameters)) {
		free(child);
		note(call, cudaErrorMemoryAllocation);
		return 0;
	}
	child->launch = *launch;
	child->launch.kernel = kernel;
	pthread_mutex_lock(&job->lock);
	child->next = job->children.prepared;
	job->children.prepared = child;
	pthread_mutex_unlock(&job->lock);
	return child->parameters;
}

static uint64_t get_parameter_buffer_v2(const struct cpu_builtin_call *call)
{
	struct cpu_kernel *kernel = kernel_at(call, wide(call, 0));
	struct cpu_launch launch = {.kernel = kernel};
	cudaError_t error = cudaErrorInvalidDeviceFunction;

	configuration_read(call, 1, &launch);
	if (kernel)
		error = cpu_launch_valid(&launch) ? cudaSuccess : cudaErrorInvalidConfiguration;
	if (error) {
		note(call, error);
		return 0;
	}
	return buffer_make(call, kernel, &launch, cpu_kernel_ast(kernel)->parameter_bytes);
}

static uint64_t get_parameter_buffer(const struct cpu_builtin_call *call)
{
	const struct cpu_launch nothing = {.kernel = NULL};

	return buffer_make(call, NULL, &nothing, wide(call, 1));
}

/* Takes the buffer at `address` out of those that wait for their launch; NULL when there is none. */
static struct cpu_child *buffer_take(const struct cpu_builtin_call *call, uint64_t address)
{
	struct cpu_job *job = job_of(call);
	struct cpu_child **link = &job->children.prepared, *child;

	pthread_mutex_lock(&job->lock);
	while (*link && (*link)->parameters != address)
		link = &(*link)->next;
	child = *link;
	if (child)
		*link = child->next;
	pthread_mutex_unlock(&job->lock);
	return child;
}

/* cudaStreamTailLaunch of cuda_device_runtime_api.h, which is for device code. */
static bool is_tail(uint64_t stream)
{
	return stream == 3;
}

static uint64_t launch_device_v2(const struct cpu_builtin_call *call)
{
	struct cpu_child *child = buffer_take(call, wide(call, 0));

	if (!child || !child->launch.kernel)
		return note(call, cudaErrorInvalidValue);
	return child_add(call, child, is_tail(wide(call, 1)));
}

/* The older form names the kernel only now; its buffer must be as large as the kernel's parameters. */
static uint64_t launch_device(const struct cpu_builtin_call *call)
{
	struct cpu_kernel *kernel = kernel_at(call, wide(call, 0));
	struct cpu_child *child = kernel ? buffer_take(call, wide(call, 1)) : NULL;
	struct cpu_span span;

	if (!child)
		return note(call, kernel ? cudaErrorInvalidValue : cudaErrorInvalidDeviceFunction);
	child->launch = (struct cpu_launch){.kernel = kernel};
	configuration_read(call, 2, &child->launch);
	if (cpu_launch_valid(&child->launch) && cpu_memory_find(job_of(call)->memory, child->parameters, &span) &&
	    span.size >= cpu_kernel_ast(kernel)->parameter_bytes)
		return child_add(call, child, is_tail(wide(call, 5)));
	cpu_child_free(child, job_of(call)->memory);
	return note(call, cudaErrorInvalidConfiguration);
}

/* ---- Streams and events: work is done in the order in which it was given, so they have nothing to do. ---- */

static uint64_t handle_create(const struct cpu_builtin_call *call, bool valid)
{
	static _Atomic uint64_t last = 0x100;
	uint64_t handle = last++;

	return note(call, valid ? give(call, 0, &handle, sizeof(handle)) : cudaErrorInvalidValue);
}

static uint64_t stream_create(const struct cpu_builtin_call *call)
{
	return handle_create(call, word(call, 1) == cudaStreamNonBlocking);
}

static uint64_t event_create(const struct cpu_builtin_call *call)
{
	return handle_create(call, word(call, 1) == cudaEventDisableTiming);
}

/* The handle is the first argument; 0 is the default stream. */
static uint64_t stream_use(const struct cpu_builtin_call *call)
{
	(void)call;
	return cudaSuccess;
}

static uint64_t handle_use(const struct cpu_builtin_call *call)
{
	return note(call, wide(call, 0) ? cudaSuccess : cudaErrorInvalidValue);
}

/* The handle of a condition is the address of its word. An address that is none ends the grid: nothing is returned. */
static uint64_t graph_set_conditional(const struct cpu_builtin_call *call)
{
	return give_word(call, 0, (int)word(call, 1));
}

static const struct cpu_builtin builtins[] = {
    {"GetLastError", get_last_error, "", false},
    {"PeekAtLastError", peek_at_last_error, "", false},
    {"GetErrorString", get_error_string, "4", true},
    {"GetErrorName", get_error_name, "4", true},
    {"GetDevice", get_device, "8", false},
    {"GetDeviceCount", get_device_count, "8", false},
    {"DeviceGetAttribute", device_get_attribute, "844", false},
    {"DeviceGetLimit", not_supported, "84", false},
    {"DeviceGetCacheConfig", not_supported, "8", false},
    {"DeviceGetSharedMemConfig", not_supported, "8", false},
    {"RuntimeGetVersion", runtime_get_version, "8", false},
    {"FuncGetAttributes", func_get_attributes, "88", false},
    {"OccupancyMaxActiveBlocksPerMultiprocessor", occupancy, "8848", false},
    {"OccupancyMaxActiveBlocksPerMultiprocessorWithFlags", occupancy, "88484", false},
    {"Malloc", memory_alloc, "88", false},
    {"Free", memory_free, "8", false},
    {"MemcpyAsync", memcpy_async, "88848", false},
    {"Memcpy2DAsync", memcpy_2d_async, "88888848", false},
    {"Memcpy3DAsync", not_supported, "88", false},
    {"MemsetAsync", memset_async, "8488", false},
    {"Memset2DAsync", memset_2d_async, "884888", false},
    {"Memset3DAsync", not_supported, "", false},
    {"GetParameterBuffer", get_parameter_buffer, "88", true},
    {"GetParameterBufferV2", get_parameter_buffer_v2, "8cc4", true},
    {"LaunchDevice", launch_device, "88cc48", false},
    {"LaunchDeviceV2", launch_device_v2, "88", false},
    {"StreamCreateWithFlags", stream_create, "84", false},
    {"StreamDestroy", handle_use, "8", false},
    {"StreamWaitEvent", stream_use, "884", false},
    {"EventCreateWithFlags", event_create, "84", false},
    {"EventRecord", handle_use, "88", false},
    {"EventRecordWithFlags", handle_use, "884", false},
    {"EventDestroy", handle_use, "8", false},
    {"GraphSetConditional", graph_set_conditional, "84", false},
};

/* The name behind its prefix; NULL when it has none of the runtime's. */
static const char *base_name(const char *name)
{
	static const char *const prefixes[] = {"__cudaCDP2", "cuda"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return name + strlen(prefixes[i]);
	return NULL;
}

bool cpu_builtin_is_name(const char *name)
{
	const char *base = base_name(name);

	return base && *base >= 'A' && *base <= 'Z';
}

const struct cpu_builtin *cpu_builtin_find(const char *name)
{
	const char *base = base_name(name), *suffix;
	size_t length = base ? strlen(base) : 0;

	suffix = length > 5 ? base + length - 5 : "";
	if (!strcmp(suffix, "_ptsz"))
		length -= 5;
	for (size_t i = 0; base && i < sizeof(builtins) / sizeof(*builtins); i++)
		if (strlen(builtins[i].name) == length && !memcmp(builtins[i].name, base, length))
			return &builtins[i];
	return NULL;
}
