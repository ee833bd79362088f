/* A grid: its parameters, its blocks over the workers, its end. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "module.h"
#include "pool.h"
#include "release.h"

#define MOST_THREADS 1024
#define WORKSPACE_BYTES 64

/* Each worker's block keeps its memory from one grid to the next. */
static struct cpu_block worker_blocks[256];
static _Atomic uint64_t grids;

static void block_failed(struct cpu_job *job)
{
	int none = CUDA_SUCCESS;

	if (atomic_compare_exchange_strong(&job->fault, &none, CUDA_ERROR_OUT_OF_MEMORY) && job->fault_text.size)
		snprintf(job->fault_text.data, job->fault_text.size, "kernel %s: out of host memory", job->kernel_name);
}

/* Blocks in order of their number: a block may wait for an earlier one, which then has begun before. */
static void blocks_run(void *argument, unsigned worker)
{
	struct cpu_job *job = argument;
	struct cpu_block *block = &worker_blocks[worker];

	block->worker = worker;
	for (;;) {
		uint64_t number = atomic_fetch_add(&job->next_block, 1);

		if (number >= job->blocks || atomic_load(&job->fault))
			break;
		if (!cpu_block_begin(block, job, number)) {
			block_failed(job);
			break;
		}
		while (cpu_block_step(block))
			;
	}
	cpu_block_abandon(block);
}

/* Cooperative: the worker has every workers-th block resident and gives all of them turns. */
static void blocks_run_together(void *argument, unsigned worker)
{
	struct cpu_job *job = argument;
	uint64_t count = 0, running;
	struct cpu_block *blocks;

	(void)worker;
	blocks = calloc(job->blocks, sizeof(*blocks));
	if (!blocks) {
		block_failed(job);
		return;
	}
	for (uint64_t number; (number = atomic_fetch_add(&job->next_block, 1)) < job->blocks; count++)
		if (!cpu_block_begin(&blocks[count], job, number)) {
			block_failed(job);
			break;
		}
	do {
		running = 0;
		for (uint64_t i = 0; i < count && !atomic_load(&job->fault); i++)
			running += blocks[i].live && cpu_block_step(&blocks[i]);
	} while (running && !atomic_load(&job->fault));
	for (uint64_t i = 0; i < job->blocks; i++) {
		cpu_block_abandon(&blocks[i]);
		cpu_block_free(&blocks[i]);
	}
	free(blocks);
}

/* Why the grid cannot be run, or CUDA_SUCCESS. */
static CUresult shape_check(const struct cpu_launch *launch, const struct cpu_program *program, unsigned limit)
{
	uint64_t threads = 1;

	for (int i = 0; i < 3; i++) {
		if (!launch->grid[i] || !launch->block[i] || launch->block[i] > MOST_THREADS)
			return CUDA_ERROR_INVALID_VALUE;
		threads *= launch->block[i];
	}
	if (threads > MOST_THREADS || (limit && threads > limit))
		return CUDA_ERROR_INVALID_VALUE;
	if (launch->dynamic_shared_bytes > CPU_WINDOW_BYTES - program->dynamic_offset)
		return CUDA_ERROR_INVALID_VALUE;
	return CUDA_SUCCESS;
}

/* Memory that the grid can address: a copy of its parameters, and what grid-wide barriers use. */
static CUresult memory_prepare(struct cpu_job *job, size_t parameter_bytes)
{
	CUresult result = CUDA_SUCCESS;
	uint32_t size = WORKSPACE_BYTES;

	if (parameter_bytes) {
		result = cpu_memory_alloc(job->memory, parameter_bytes, &job->parameters);
		if (result)
			return result;
		memcpy((void *)(uintptr_t)job->parameters, job->launch->parameters, parameter_bytes);
	}
	if (!job->launch->cooperative)
		return CUDA_SUCCESS;
	result = cpu_memory_alloc(job->memory, WORKSPACE_BYTES, &job->workspace);
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

static void job_run(struct cpu_job *job)
{
	unsigned workers = cpu_worker_count(), pin;

	if (job->blocks < workers)
		workers = (unsigned)job->blocks;
	pin = cpu_memory_pin(job->memory);
	cpu_pool_run(job->launch->cooperative ? blocks_run_together : blocks_run, job, workers);
	cpu_memory_unpin(job->memory, pin);
	if (job->printed)
		fflush(stdout);
	cpu_releases_do(job);
}

CUresult cpu_kernel_run(struct cpu_memory *memory, const struct cpu_launch *launch, struct cpu_text fault)
{
	struct cpu_kernel *kernel = launch->kernel;
	struct cpu_job job = {.memory = memory, .launch = launch, .fault_text = fault};
	int saved_errno = errno;
	CUresult result;

	if (fault.size)
		fault.data[0] = 0;
	result = cpu_kernel_program(kernel, &job.program, fault);
	if (!result)
		result = shape_check(launch, job.program, cpu_kernel_ast(kernel)->max_threads);
	if (result)
		goto out;
	job.kernel_name = cpu_kernel_ast(kernel)->name;
	job.shared_window = cpu_memory_shared_window(memory);
	job.local_window = cpu_memory_local_window(memory);
	job.threads = launch->block[0] * launch->block[1] * launch->block[2];
	job.blocks = (uint64_t)launch->grid[0] * launch->grid[1] * launch->grid[2];
	job.shared_bytes = job.program->dynamic_offset + (uint32_t)launch->dynamic_shared_bytes;
	job.grid_id = atomic_fetch_add(&grids, 1) + 1;
	pthread_mutex_init(&job.lock, NULL);
	result = memory_prepare(&job, cpu_kernel_ast(kernel)->parameter_bytes);
	if (!result)
		job_run(&job);
	if (!result)
		result = (CUresult)atomic_load(&job.fault);
	memory_give(&job);
	pthread_mutex_destroy(&job.lock);
out:
	errno = saved_errno;
	return result;
}
