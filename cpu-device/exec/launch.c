/* A grid: its parameters, its blocks over the workers, its end. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../texels.h"
#include "machine.h"
#include "module.h"
#include "pool.h"
#include "release.h"

#define MOST_THREADS 1024
#define MOST_BLOCKS 16 /* in progress for each worker, unless a cluster has more */
#define WORKSPACE_BYTES 64

/* Backward jumps after which a group gives way. */
#define FUEL 4096
#define SHARED_FUEL 128

static _Atomic uint64_t grids;
static _Atomic unsigned width = CPU_LANES;

void cpu_exec_set_width(unsigned lanes)
{
	width = lanes ? lanes < CPU_LANES ? lanes : CPU_LANES : 1;
}

bool cpu_launch_valid(const struct cpu_launch *launch)
{
	unsigned limit = cpu_kernel_ast(launch->kernel)->max_threads;
	uint64_t threads = 1;

	for (int i = 0; i < 3; i++) {
		if (!launch->grid[i] || !launch->block[i] || launch->block[i] > MOST_THREADS)
			return false;
		threads *= launch->block[i];
	}
	return threads <= MOST_THREADS && (!limit || threads <= limit);
}

/* Why the grid cannot be run, or CUDA_SUCCESS. */
static CUresult shape_check(const struct cpu_launch *launch, const struct cpu_program *program)
{
	if (!cpu_launch_valid(launch))
		return CUDA_ERROR_INVALID_VALUE;
	if (launch->dynamic_shared_bytes > CPU_WINDOW_BYTES - program->dynamic_offset)
		return CUDA_ERROR_INVALID_VALUE;
	return CUDA_SUCCESS;
}

/* Blocks of a cluster in one direction: as the launch says, else as the kernel. */
static unsigned cluster_extent(const struct cpu_launch *launch, const struct ptx_function *kernel, int direction)
{
	const unsigned *extents = launch->cluster[0] ? launch->cluster : kernel->cluster;

	return extents[0] ? extents[direction] : 1;
}

static CUresult cluster_check(const struct cpu_launch *launch, const struct ptx_function *kernel)
{
	uint64_t blocks = 1;

	for (int i = 0; i < 3; i++) {
		unsigned extent = cluster_extent(launch, kernel, i);

		if (!extent || extent > CPU_CLUSTER_MOST || launch->grid[i] % extent)
			return CUDA_ERROR_INVALID_CLUSTER_SIZE;
		if (launch->cluster[0] && kernel->cluster[0] && launch->cluster[i] != kernel->cluster[i])
			return CUDA_ERROR_INVALID_CLUSTER_SIZE;
		blocks *= extent;
	}
	return blocks <= CPU_CLUSTER_MOST ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CLUSTER_SIZE;
}

/* Memory that the grid can address: a copy of its parameters, and what grid-wide barriers use. */
static CUresult memory_prepare(struct cpu_job *job, size_t parameter_bytes)
{
	CUresult result = CUDA_SUCCESS;
	uint32_t size = WORKSPACE_BYTES;

	if (parameter_bytes) {
		result = cpu_memory_alloc_aside(job->memory, parameter_bytes, &job->parameters);
		if (result)
			return result;
		memcpy((void *)(uintptr_t)job->parameters, job->launch->parameters, parameter_bytes);
	}
	if (!job->launch->cooperative)
		return CUDA_SUCCESS;
	result = cpu_memory_alloc_aside(job->memory, WORKSPACE_BYTES, &job->workspace);
	if (result)
		return result;
	memset((void *)(uintptr_t)job->workspace, 0, WORKSPACE_BYTES);
	memcpy((void *)(uintptr_t)job->workspace, &size, sizeof(size));
	return CUDA_SUCCESS;
}

static void memory_give(struct cpu_job *job)
{
	if (job->parameters)
		cpu_memory_free(job->memory, job->parameters);
	if (job->workspace)
		cpu_memory_free(job->memory, job->workspace);
}

/* How many clusters may be in progress at a time: all of a cooperative grid, else as many as a GPU would hold. */
static unsigned resident_clusters(const struct cpu_job *job)
{
	unsigned each = MOST_THREADS / job->threads;
	unsigned size = job->cluster[0] * job->cluster[1] * job->cluster[2];

	if (job->launch->cooperative)
		return UINT_MAX;
	each = (each < MOST_BLOCKS ? each : MOST_BLOCKS) / size;
	return job->most_workers * (each ? each : 1);
}

static void job_run(struct cpu_job *job)
{
	unsigned pin = cpu_memory_pin(job->memory);

	job->most_workers = cpu_worker_count();
	job->resident = resident_clusters(job);
	/* Threads of a cooperative grid wait for other blocks' threads, which share the worker with them. */
	job->fuel = job->launch->cooperative && job->clusters > job->most_workers ? SHARED_FUEL : FUEL;
	cpu_textures_pin();
	cpu_pool_run(job);
	cpu_textures_unpin();
	cpu_memory_unpin(job->memory, pin);
	if (job->printed)
		fflush(stdout);
	cpu_releases_do(job);
}

static void errors_free(struct cpu_job *job)
{
	while (job->errors) {
		struct cpu_thread_error *error = job->errors;

		job->errors = error->next;
		free(error);
	}
}

/* Runs one grid; what its threads have given to the device comes before what is in `pending`. */
static CUresult grid_run(struct cpu_memory *memory, const struct cpu_launch *launch, unsigned depth,
			 struct cpu_text fault, struct cpu_child **pending)
{
	struct cpu_kernel *kernel = launch->kernel;
	struct cpu_job job = {.memory = memory, .launch = launch, .fault_text = fault, .children.depth = depth};
	CUresult result;

	result = cpu_kernel_program(kernel, &job.program, fault);
	if (!result)
		result = shape_check(launch, job.program);
	if (!result)
		result = cluster_check(launch, cpu_kernel_ast(kernel));
	if (result)
		return result;
	job.kernel_name = cpu_kernel_ast(kernel)->name;
	job.shared_window = cpu_memory_shared_window(memory);
	job.local_window = cpu_memory_local_window(memory);
	job.width = width;
	job.threads = launch->block[0] * launch->block[1] * launch->block[2];
	job.clusters = 1;
	job.in_clusters = launch->cluster[0] || cpu_kernel_ast(kernel)->cluster[0];
	for (int i = 0; i < 3; i++) {
		job.cluster[i] = cluster_extent(launch, cpu_kernel_ast(kernel), i);
		job.clusters *= launch->grid[i] / job.cluster[i];
	}
	job.shared_bytes = job.program->dynamic_offset + (uint32_t)launch->dynamic_shared_bytes;
	job.grid_id = atomic_fetch_add(&grids, 1) + 1;
	pthread_mutex_init(&job.lock, NULL);
	result = memory_prepare(&job, cpu_kernel_ast(kernel)->parameter_bytes);
	if (!result)
		job_run(&job);
	if (!result)
		result = (CUresult)atomic_load(&job.fault);
	memory_give(&job);
	errors_free(&job);
	cpu_children_take(&job.children, memory, pending);
	pthread_mutex_destroy(&job.lock);
	return result;
}

/* A child has the device, the priority and the limits of the host's grid. */
static CUresult child_run(struct cpu_child *child, struct cpu_memory *memory, const struct cpu_launch *of,
			  struct cpu_text fault, struct cpu_child **pending)
{
	if (child->kind != CPU_CHILD_LAUNCH)
		return cpu_child_move(child, memory, fault);
	child->launch.parameters = (const void *)(uintptr_t)child->parameters;
	child->launch.device = of->device;
	child->launch.priority = of->priority;
	child->launch.timeout_ns = of->timeout_ns;
	return grid_run(memory, &child->launch, child->depth, fault, pending);
}

CUresult cpu_kernel_run(struct cpu_memory *memory, const struct cpu_launch *launch, struct cpu_text fault)
{
	struct cpu_child *pending = NULL;
	int saved_errno = errno;
	CUresult result;

	if (fault.size)
		fault.data[0] = 0;
	result = grid_run(memory, launch, 0, fault, &pending);
	while (pending) {
		struct cpu_child *child = pending;

		pending = child->next;
		if (!result)
			result = child_run(child, memory, launch, fault, &pending);
		cpu_child_free(child, memory);
	}
	errno = saved_errno;
	return result;
}
