/* Device memory: one large arena in the process's address space, so that a device pointer is a host pointer. */
#ifndef CPU_MEMORY_H
#define CPU_MEMORY_H

#include <cuda.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu_memory;

/* A live allocation, or the part of the arena a kernel may touch around an address. */
struct cpu_span {
	uint64_t base; /* first byte, device address */
	uint64_t size; /* bytes */
};

/* Generic addresses of shared and of local memory: two windows at the start of the arena in which nothing is ever
   allocated. A thread's shared or local address 0 is the window's first byte. */
#define CPU_WINDOW_BYTES ((uint64_t)16 << 20)

/* Makes an arena of at most `capacity` bytes of allocations. NULL when the address space cannot be reserved.
   Thread-safe from here on: every function below may be called from any thread. */
struct cpu_memory *cpu_memory_create(size_t capacity);
void cpu_memory_destroy(struct cpu_memory *memory);

/* Allocates `size` > 0 bytes at a multiple of 512 with a guard gap behind them, zero-filled the first time.
   CUDA_ERROR_OUT_OF_MEMORY when the capacity is exceeded. */
CUresult cpu_memory_alloc(struct cpu_memory *memory, size_t size, uint64_t *address);

/* Frees the allocation that starts at `address`: it is no longer found, and its space is used again when all pins taken
   before have gone. Never waits. CUDA_ERROR_INVALID_VALUE when there is no such allocation. */
CUresult cpu_memory_free(struct cpu_memory *memory, uint64_t address);

/* Finds the live allocation that contains `address`. */
bool cpu_memory_find(struct cpu_memory *memory, uint64_t address, struct cpu_span *span);

/* Is every byte of [address, address + size) in one live allocation? */
bool cpu_memory_contains(struct cpu_memory *memory, uint64_t address, size_t size);

void cpu_memory_info(struct cpu_memory *memory, size_t *free_bytes, size_t *total_bytes);

/* Between pin and unpin no allocation that was live at the pin goes away: what a running grid has checked stays true.
   Any number at a time; any thread may unpin, with the value that the pin gave. */
unsigned cpu_memory_pin(struct cpu_memory *memory);
void cpu_memory_unpin(struct cpu_memory *memory, unsigned pin);

/* First addresses of the two windows, CPU_WINDOW_BYTES each. */
uint64_t cpu_memory_shared_window(const struct cpu_memory *memory);
uint64_t cpu_memory_local_window(const struct cpu_memory *memory);

#endif
