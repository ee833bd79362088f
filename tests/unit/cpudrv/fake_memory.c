/* memory.h over malloc: allocations in a list, with a capacity. */
#include "memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct block {
	struct block *next;
	uint64_t base;
	size_t size;
};

struct cpu_memory {
	pthread_mutex_t lock;
	unsigned pins;
	struct block *dying; /* freed while there were pins */
	size_t capacity;
	size_t used;
	struct block *blocks;
};

struct cpu_memory *cpu_memory_create(size_t capacity)
{
	struct cpu_memory *memory = calloc(1, sizeof *memory);
	if (!memory)
		return NULL;
	pthread_mutex_init(&memory->lock, NULL);
	memory->capacity = capacity;
	return memory;
}

void cpu_memory_destroy(struct cpu_memory *memory)
{
	while (memory->blocks)
		(void)cpu_memory_free(memory, memory->blocks->base);
	free(memory);
}

CUresult cpu_memory_alloc(struct cpu_memory *memory, size_t size, uint64_t *address)
{
	if (size > memory->capacity - memory->used)
		return CUDA_ERROR_OUT_OF_MEMORY;
	size_t rounded = (size + 511) & ~(size_t)511;
	struct block *block = malloc(sizeof *block);
	void *data = aligned_alloc(512, rounded);
	if (!block || !data) {
		free(block);
		free(data);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	memset(data, 0, rounded);
	pthread_mutex_lock(&memory->lock);
	*block = (struct block){memory->blocks, (uint64_t)data, size};
	memory->blocks = block;
	memory->used += size;
	pthread_mutex_unlock(&memory->lock);
	*address = (uint64_t)data;
	return CUDA_SUCCESS;
}

static void dying_release(struct cpu_memory *memory)
{
	while (!memory->pins && memory->dying) {
		struct block *block = memory->dying;
		memory->dying = block->next;
		free((void *)block->base);
		free(block);
	}
}

CUresult cpu_memory_free(struct cpu_memory *memory, uint64_t address)
{
	CUresult result = CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&memory->lock);
	for (struct block **link = &memory->blocks; *link; link = &(*link)->next) {
		struct block *block = *link;
		if (block->base != address)
			continue;
		*link = block->next;
		memory->used -= block->size;
		block->next = memory->dying;
		memory->dying = block;
		dying_release(memory);
		result = CUDA_SUCCESS;
		break;
	}
	pthread_mutex_unlock(&memory->lock);
	return result;
}

bool cpu_memory_find(struct cpu_memory *memory, uint64_t address, struct cpu_span *span)
{
	bool found = false;
	pthread_mutex_lock(&memory->lock);
	for (struct block *block = memory->blocks; block && !found; block = block->next) {
		found = address >= block->base && address - block->base < block->size;
		if (found)
			*span = (struct cpu_span){block->base, block->size};
	}
	pthread_mutex_unlock(&memory->lock);
	return found;
}

bool cpu_memory_contains(struct cpu_memory *memory, uint64_t address, size_t size)
{
	struct cpu_span span;
	return cpu_memory_find(memory, address, &span) && size <= span.size - (address - span.base);
}

void cpu_memory_info(struct cpu_memory *memory, size_t *free_bytes, size_t *total_bytes)
{
	*free_bytes = memory->capacity - memory->used;
	*total_bytes = memory->capacity;
}

unsigned cpu_memory_pin(struct cpu_memory *memory)
{
	pthread_mutex_lock(&memory->lock);
	memory->pins++;
	pthread_mutex_unlock(&memory->lock);
	return 0;
}

void cpu_memory_unpin(struct cpu_memory *memory, unsigned pin)
{
	(void)pin;
	pthread_mutex_lock(&memory->lock);
	memory->pins--;
	dying_release(memory);
	pthread_mutex_unlock(&memory->lock);
}
