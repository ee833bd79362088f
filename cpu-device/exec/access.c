/* The careful way to memory: one lane, one address, every check. */
#include "machine.h"

static bool is_aligned(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address,
		       uint64_t size, uint32_t align, const char *space)
{
	if (!(address & (align - 1)))
		return true;
	cpu_fault(warp, insn, (int)lane, CUDA_ERROR_MISALIGNED_ADDRESS, "%llu-byte access to %s address 0x%llx",
		  (unsigned long long)size, space, (unsigned long long)address);
	return false;
}

static void *out_of_bounds(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address,
			   uint64_t size, const char *space)
{
	cpu_fault(warp, insn, (int)lane, CUDA_ERROR_ILLEGAL_ADDRESS, "%llu-byte access to %s address 0x%llx",
		  (unsigned long long)size, space, (unsigned long long)address);
	return NULL;
}

/* The shared memory that the address's window belongs to; NULL when it is none of the cluster's. */
static uint8_t *window_memory(const struct cpu_warp *warp, uint32_t window)
{
	const struct cpu_cluster *cluster = warp->block->cluster;

	if (!window)
		return warp->shared;
	return window - 1 < cluster->count ? cluster->blocks[window - 1].shared : NULL;
}

void *cpu_range_shared(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint32_t address,
		       uint32_t size, uint32_t align)
{
	uint8_t *memory = window_memory(warp, address / CPU_WINDOW_BYTES);
	uint32_t offset = address % CPU_WINDOW_BYTES;

	if (!is_aligned(warp, insn, lane, address, size, align, "shared"))
		return NULL;
	if (!memory || offset >= warp->shared_bytes || warp->shared_bytes - offset < size)
		return out_of_bounds(warp, insn, lane, address, size, "shared");
	return memory + offset;
}

void *cpu_range_block(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address,
		      uint32_t size, uint32_t align)
{
	uint64_t offset = address - warp->block->job->shared_window;

	if (offset >= (CPU_WINDOWS - 1) * CPU_WINDOW_BYTES)
		return out_of_bounds(warp, insn, lane, address, size, "what should be a shared");
	return cpu_range_shared(warp, insn, lane, (uint32_t)offset, size, align);
}

uint32_t cpu_cluster_rank(const struct cpu_warp *warp, uint32_t address)
{
	uint32_t window = (uint32_t)(address / CPU_WINDOW_BYTES);

	return window ? window - 1 : warp->block->rank;
}

uint32_t cpu_cluster_shared(const struct cpu_warp *warp, uint32_t address, uint32_t rank)
{
	uint32_t offset = address % CPU_WINDOW_BYTES;

	if (rank >= CPU_CLUSTER_MOST)
		return UINT32_MAX;
	return rank == warp->block->rank ? offset : (uint32_t)((1 + rank) * CPU_WINDOW_BYTES) + offset;
}

uint64_t cpu_cluster_address(const struct cpu_warp *warp, uint64_t address, uint32_t rank)
{
	uint64_t window = warp->block->job->shared_window;

	if (address - window >= (CPU_WINDOWS - 1) * CPU_WINDOW_BYTES)
		return 0;
	return window + cpu_cluster_shared(warp, (uint32_t)(address - window), rank);
}

static void *range_local(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint32_t address,
			 uint32_t size, uint32_t align)
{
	if (!is_aligned(warp, insn, lane, address, size, align, "local"))
		return NULL;
	if (address >= warp->stack_bytes || warp->stack_bytes - address < size)
		return out_of_bounds(warp, insn, lane, address, size, "local");
	return warp->stack + (size_t)lane * warp->stack_bytes + address;
}

static bool span_allows(const struct cpu_job *job, const struct cpu_span *span, bool write)
{
	return (write ? span->writers : span->readers) >> job->launch->device & 1;
}

static void *range_generic(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address,
			   uint32_t size, uint32_t align, bool write)
{
	const struct cpu_job *job = warp->block->job;
	struct cpu_span span;

	if (!is_aligned(warp, insn, lane, address, size, align, "global"))
		return NULL;
	if (address - job->shared_window < (CPU_WINDOWS - 1) * CPU_WINDOW_BYTES)
		return cpu_range_shared(warp, insn, lane, (uint32_t)(address - job->shared_window), size, align);
	if (address - job->local_window < CPU_WINDOW_BYTES)
		return range_local(warp, insn, lane, (uint32_t)(address - job->local_window), size, align);
	if (!cpu_memory_find(job->memory, address, &span) || span.size - (address - span.base) < size)
		return out_of_bounds(warp, insn, lane, address, size, "global");
	if (!span_allows(job, &span, write))
		return out_of_bounds(warp, insn, lane, address, size, write ? "read-only or closed" : "closed");
	warp->spans[insn->aux] = span;
	return (void *)(uintptr_t)address;
}

void *cpu_range_generic(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address,
			uint32_t size, uint32_t align)
{
	return range_generic(warp, insn, lane, address, size, align, false);
}

void *cpu_range_generic_write(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address,
			      uint32_t size, uint32_t align)
{
	return range_generic(warp, insn, lane, address, size, align, true);
}

void *cpu_resolve_shared(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint32_t address,
			 uint32_t size)
{
	return cpu_range_shared(warp, insn, lane, address, size, size);
}

void *cpu_resolve_local(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint32_t address,
			uint32_t size)
{
	return range_local(warp, insn, lane, address, size, size);
}

void *cpu_resolve_generic(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address,
			  uint32_t size)
{
	return range_generic(warp, insn, lane, address, size, size, false);
}

void *cpu_resolve_generic_write(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address,
				uint32_t size)
{
	return range_generic(warp, insn, lane, address, size, size, true);
}
