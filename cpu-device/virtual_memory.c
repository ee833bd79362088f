/* Virtual memory management: reserved addresses, physical memory in memory files, and mappings between them. The pages
   of all mappings are readable and writable by the process; who may access what is in the list of spans, which kernels
   and copies look at. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"

/* So that no mapping of it can end in SIGBUS. */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

static bool is_whole(uint64_t value)
{
	return value && value % CPU_GRANULARITY == 0;
}

/* Physical memory */

static bool arena_file_extend(struct cpu_memory *memory, size_t size)
{
	if (memory->file < 0)
		memory->file = memfd_create("cricket-cpu-memory", MFD_CLOEXEC);
	return memory->file >= 0 && ftruncate(memory->file, (off_t)(memory->file_end + size)) == 0;
}

static bool pages_take(struct cpu_memory *memory, struct cpu_physical *physical)
{
	if (!physical->exportable) {
		if (!arena_file_extend(memory, physical->size))
			return false;
		physical->file = memory->file;
		physical->offset = memory->file_end;
		memory->file_end += physical->size;
		return true;
	}
	physical->file = memfd_create("cricket-cpu-shareable", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (physical->file < 0)
		return false;
	if (ftruncate(physical->file, (off_t)physical->size) == 0 && fcntl(physical->file, F_ADD_SEALS, SEALS) == 0)
		return true;
	close(physical->file);
	return false;
}

static void pages_give(struct cpu_memory *memory, struct cpu_physical *physical)
{
	if (physical->exportable)
		close(physical->file);
	else /* fails only for files that have no holes */
		(void)fallocate(memory->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)physical->offset,
				(off_t)physical->size);
}

CUresult cpu_physical_create(struct cpu_memory *memory, size_t size, bool exportable, struct cpu_physical **out)
{
	CUresult result = CUDA_ERROR_OUT_OF_MEMORY;
	struct cpu_physical *physical;

	if (!is_whole(size))
		return CUDA_ERROR_INVALID_VALUE;
	physical = malloc(sizeof(*physical));
	if (!physical)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*physical = (struct cpu_physical){.size = size, .references = 1, .exportable = exportable};
	pthread_rwlock_wrlock(&memory->lock);
	if (size <= memory->capacity - memory->used && pages_take(memory, physical)) {
		memory->used += size;
		*out = physical;
		result = CUDA_SUCCESS;
	}
	pthread_rwlock_unlock(&memory->lock);
	if (result != CUDA_SUCCESS)
		free(physical);
	return result;
}

CUresult cpu_physical_import(struct cpu_memory *memory, int file, struct cpu_physical **out)
{
	struct cpu_physical *physical;
	struct stat status;
	int seals = fcntl(file, F_GET_SEALS), own;
	bool fits;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(file, &status) < 0 || !is_whole((uint64_t)status.st_size))
		return CUDA_ERROR_INVALID_VALUE;
	own = fcntl(file, F_DUPFD_CLOEXEC, 0);
	physical = malloc(sizeof(*physical));
	pthread_rwlock_wrlock(&memory->lock);
	fits = own >= 0 && physical && (size_t)status.st_size <= memory->capacity - memory->used;
	if (fits)
		memory->used += (size_t)status.st_size;
	pthread_rwlock_unlock(&memory->lock);
	if (!fits) {
		free(physical);
		if (own >= 0)
			close(own);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	*physical =
	    (struct cpu_physical){.size = (size_t)status.st_size, .references = 1, .file = own, .exportable = true};
	*out = physical;
	return CUDA_SUCCESS;
}

int cpu_physical_descriptor(const struct cpu_physical *physical)
{
	return fcntl(physical->file, F_DUPFD_CLOEXEC, 0);
}

/* With the lock held. */
static void physical_drop(struct cpu_memory *memory, struct cpu_physical *physical)
{
	if (--physical->references)
		return;
	pages_give(memory, physical);
	memory->used -= physical->size;
	free(physical);
}

void cpu_physical_release(struct cpu_memory *memory, struct cpu_physical *physical)
{
	pthread_rwlock_wrlock(&memory->lock);
	physical_drop(memory, physical);
	pthread_rwlock_unlock(&memory->lock);
}

/* Reservations */

/* `hint`, when these addresses can be had. */
static uint64_t hint_apply(const struct cpu_memory *memory, uint64_t hint, uint64_t size, uint64_t alignment)
{
	if (hint < memory->base + CPU_WINDOWS * CPU_WINDOW_BYTES || hint % alignment)
		return 0;
	return cpu_arena_gap(memory, hint, size, alignment) == hint ? hint : 0;
}

CUresult cpu_memory_reserve(struct cpu_memory *memory, size_t size, uint64_t alignment, uint64_t hint, uint64_t *out)
{
	uint64_t unit = alignment > CPU_GRANULARITY ? alignment : CPU_GRANULARITY, address;
	struct cpu_span span = {.size = size};
	bool entered = false;

	if (!is_whole(size) || (alignment & (alignment - 1)))
		return CUDA_ERROR_INVALID_VALUE;
	if (size > memory->reserved)
		return CUDA_ERROR_OUT_OF_MEMORY;
	pthread_rwlock_wrlock(&memory->lock);
	address = hint_apply(memory, hint, size, unit);
	if (!address)
		address = cpu_arena_gap(memory, memory->base + CPU_WINDOWS * CPU_WINDOW_BYTES, size, unit);
	span.base = address;
	if (address && cpu_span_room(&memory->regions, 1) && cpu_span_room(&memory->reservations, 1))
		entered = cpu_span_insert(&memory->regions, span) && cpu_span_insert(&memory->reservations, span);
	pthread_rwlock_unlock(&memory->lock);
	*out = address;
	return entered ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

/* Index of the first mapping that ends above `address`. */
static size_t mapping_from(const struct cpu_memory *memory, uint64_t address)
{
	size_t low = 0, high = memory->mapping_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memory->mappings[middle].base + memory->mappings[middle].size <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_unmapped(const struct cpu_memory *memory, uint64_t address, uint64_t size)
{
	size_t at = mapping_from(memory, address);

	return at == memory->mapping_count || memory->mappings[at].base >= address + size;
}

static bool overlaps_any(const struct dying *list, uint64_t address, uint64_t size)
{
	for (; list; list = list->next)
		if (list->physical && list->address < address + size && address < list->address + list->size)
			return true;
	return false;
}

/* Waits until no pin can reach a mapping that was there before. */
static void wait_for_former(struct cpu_memory *memory, uint64_t address, uint64_t size)
{
	struct generations *generations = &memory->generations;

	pthread_mutex_lock(&generations->lock);
	while (overlaps_any(generations->fresh, address, size) || overlaps_any(generations->old, address, size))
		pthread_cond_wait(&generations->released, &generations->lock);
	pthread_mutex_unlock(&generations->lock);
}

CUresult cpu_memory_unreserve(struct cpu_memory *memory, uint64_t address, size_t size)
{
	CUresult result = CUDA_ERROR_INVALID_VALUE;
	size_t at;

	wait_for_former(memory, address, size);
	pthread_rwlock_wrlock(&memory->lock);
	at = cpu_span_after(&memory->reservations, address) - 1;
	if (at < memory->reservations.count && memory->reservations.items[at].base == address &&
	    memory->reservations.items[at].size == size && is_unmapped(memory, address, size)) {
		cpu_span_remove(&memory->reservations, at);
		cpu_span_remove(&memory->regions, cpu_span_after(&memory->regions, address) - 1);
		result = CUDA_SUCCESS;
	}
	pthread_rwlock_unlock(&memory->lock);
	return result;
}

bool cpu_memory_reservation(struct cpu_memory *memory, uint64_t address, struct cpu_span *range)
{
	struct cpu_span *found;

	pthread_rwlock_rdlock(&memory->lock);
	found = cpu_span_find(&memory->reservations, address);
	if (found)
		*range = *found;
	pthread_rwlock_unlock(&memory->lock);
	return found;
}

/* Mappings */

static bool mapping_room(struct cpu_memory *memory)
{
	size_t room = memory->mapping_room ? memory->mapping_room * 2 : 64;
	struct cpu_mapping *mappings;

	if (memory->mapping_count < memory->mapping_room)
		return true;
	mappings = realloc(memory->mappings, room * sizeof(*mappings));
	if (!mappings)
		return false;
	memory->mappings = mappings;
	memory->mapping_room = room;
	return true;
}

static CUresult map_locked(struct cpu_memory *memory, struct cpu_mapping mapping, uint64_t offset)
{
	const struct cpu_span *reservation = cpu_span_find(&memory->reservations, mapping.base);
	void *start = (void *)(uintptr_t)mapping.base;
	size_t at = mapping_from(memory, mapping.base);

	if (!reservation || mapping.size > reservation->size - (mapping.base - reservation->base) ||
	    !is_unmapped(memory, mapping.base, mapping.size))
		return CUDA_ERROR_INVALID_VALUE;
	if (!mapping_room(memory) || !cpu_span_room(&memory->live, 1))
		return CUDA_ERROR_OUT_OF_MEMORY;
	if (mmap(start, mapping.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, mapping.physical->file,
		 (off_t)(mapping.physical->offset + offset)) != start)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memmove(&memory->mappings[at + 1], &memory->mappings[at],
		(memory->mapping_count - at) * sizeof(*memory->mappings));
	memory->mappings[at] = mapping;
	memory->mapping_count++;
	mapping.physical->references++;
	(void)cpu_span_insert(&memory->live,
			      (struct cpu_span){.base = mapping.base, .size = mapping.size, .mapped = true});
	return CUDA_SUCCESS;
}

CUresult cpu_memory_map(struct cpu_memory *memory, uint64_t address, size_t size, uint64_t offset,
			struct cpu_physical *physical)
{
	CUresult result;

	if (!is_whole(size) || address % CPU_GRANULARITY || offset % CPU_GRANULARITY || offset > physical->size ||
	    size > physical->size - offset)
		return CUDA_ERROR_INVALID_VALUE;
	wait_for_former(memory, address, size);
	pthread_rwlock_wrlock(&memory->lock);
	result = map_locked(memory, (struct cpu_mapping){address, size, physical}, offset);
	pthread_rwlock_unlock(&memory->lock);
	return result;
}

/* How many mappings from index `at` on fill exactly [address, address + size); 0 when none do. */
static size_t mappings_filling(const struct cpu_memory *memory, size_t at, uint64_t address, uint64_t size)
{
	size_t count = 0;
	uint64_t next = address;

	while (at + count < memory->mapping_count && memory->mappings[at + count].base == next &&
	       next - address < size) {
		next += memory->mappings[at + count].size;
		count++;
	}
	return next - address == size ? count : 0;
}

/* Takes the range out of the list of spans. */
static void spans_end(struct cpu_memory *memory, uint64_t address, uint64_t size)
{
	uint64_t end = address + size;
	size_t at;

	cpu_span_cut(&memory->live, address);
	cpu_span_cut(&memory->live, end);
	at = cpu_span_after(&memory->live, address) - 1;
	while (at < memory->live.count && memory->live.items[at].base < end)
		cpu_span_remove(&memory->live, at);
}

/* Makes the list of what ends; false when memory is short. */
static bool dying_make(const struct cpu_mapping *mappings, size_t count, struct dying **list)
{
	for (size_t i = 0; i < count; i++) {
		struct dying *dying = malloc(sizeof(*dying));

		if (!dying)
			return false;
		*dying = (struct dying){*list, mappings[i].base, mappings[i].size, mappings[i].physical};
		*list = dying;
	}
	return true;
}

static CUresult unmap_locked(struct cpu_memory *memory, uint64_t address, uint64_t size, struct dying **list)
{
	size_t at = mapping_from(memory, address), count = mappings_filling(memory, at, address, size);

	if (!count)
		return CUDA_ERROR_INVALID_VALUE;
	if (!cpu_span_room(&memory->live, 2) || !dying_make(&memory->mappings[at], count, list))
		return CUDA_ERROR_OUT_OF_MEMORY;
	spans_end(memory, address, size);
	memory->mapping_count -= count;
	memmove(&memory->mappings[at], &memory->mappings[at + count],
		(memory->mapping_count - at) * sizeof(*memory->mappings));
	return CUDA_SUCCESS;
}

CUresult cpu_memory_unmap(struct cpu_memory *memory, uint64_t address, size_t size)
{
	struct dying *list = NULL;
	CUresult result;

	pthread_rwlock_wrlock(&memory->lock);
	result = unmap_locked(memory, address, size, &list);
	pthread_rwlock_unlock(&memory->lock);
	while (list) {
		struct dying *next = list->next;

		if (result == CUDA_SUCCESS)
			cpu_arena_dying(memory, list);
		else
			free(list);
		list = next;
	}
	return result;
}

void cpu_mapping_end(struct cpu_memory *memory, const struct dying *dying)
{
	void *start = (void *)(uintptr_t)dying->address;

	/* A failure leaves pages behind that nothing refers to; the next mapping there replaces them. */
	(void)mmap(start, dying->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	physical_drop(memory, dying->physical);
}

struct cpu_physical *cpu_memory_mapping(struct cpu_memory *memory, uint64_t address, struct cpu_span *range)
{
	struct cpu_physical *physical = NULL;
	size_t at;

	pthread_rwlock_rdlock(&memory->lock);
	at = mapping_from(memory, address);
	if (at < memory->mapping_count && memory->mappings[at].base <= address) {
		physical = memory->mappings[at].physical;
		*range = (struct cpu_span){.base = memory->mappings[at].base, .size = memory->mappings[at].size};
	}
	pthread_rwlock_unlock(&memory->lock);
	return physical;
}

void cpu_mappings_free(struct cpu_memory *memory)
{
	for (size_t i = 0; i < memory->mapping_count; i++)
		physical_drop(memory, memory->mappings[i].physical);
	free(memory->mappings);
	if (memory->file >= 0)
		close(memory->file);
}

/* Access */

struct access {
	uint64_t address, size;
	uint32_t devices;
	bool read, write;
};

static bool is_wholly_mapped(const struct cpu_memory *memory, const struct access *access)
{
	uint64_t end = access->address + access->size;
	size_t at = mapping_from(memory, access->address);
	uint64_t next = access->address;

	for (; next < end && at < memory->mapping_count && memory->mappings[at].base <= next; at++)
		next = memory->mappings[at].base + memory->mappings[at].size;
	return end > access->address && next >= end;
}

static void span_allow(struct cpu_span *span, const struct access *access)
{
	span->readers = access->read ? span->readers | access->devices : span->readers & ~access->devices;
	span->writers = access->write ? span->writers | access->devices : span->writers & ~access->devices;
}

static CUresult access_locked(struct cpu_memory *memory, const struct access *access)
{
	uint64_t end = access->address + access->size;
	size_t first, at;

	if (!is_wholly_mapped(memory, access))
		return CUDA_ERROR_INVALID_VALUE;
	if (!cpu_span_room(&memory->live, 2))
		return CUDA_ERROR_OUT_OF_MEMORY;
	cpu_span_cut(&memory->live, access->address);
	cpu_span_cut(&memory->live, end);
	first = cpu_span_after(&memory->live, access->address) - 1;
	for (at = first; at < memory->live.count && memory->live.items[at].base < end; at++)
		span_allow(&memory->live.items[at], access);
	for (; at > first; at--)
		(void)cpu_span_join(&memory->live, at);
	(void)cpu_span_join(&memory->live, first);
	return CUDA_SUCCESS;
}

CUresult cpu_memory_set_access(struct cpu_memory *memory, uint64_t address, size_t size, uint32_t devices, bool read,
			       bool write)
{
	const struct access access = {address, size, devices, read, write};
	CUresult result;

	pthread_rwlock_wrlock(&memory->lock);
	result = access_locked(memory, &access);
	pthread_rwlock_unlock(&memory->lock);
	return result;
}
