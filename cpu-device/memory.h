/* Device memory: one large arena in the process's address space, so that a device pointer is a host pointer. In it lie
   allocations, and address ranges that a program reserves and maps physical memory to. */
#ifndef CPU_MEMORY_H
#define CPU_MEMORY_H

#include <cuda.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu_memory;

/* A live allocation, or a part of mapped memory with the same access everywhere. */
struct cpu_span {
	uint64_t base;    /* first byte, device address */
	uint64_t size;    /* bytes */
	uint32_t readers; /* devices that may read it: bit 1 << device */
	uint32_t writers; /* and write it */
	bool mapped;      /* physical memory at a reserved address, not an allocation */
	bool aside;       /* an allocation that does not count against the capacity */
};

/* Generic addresses of shared and of local memory: windows at the start of the arena in which nothing is ever
   allocated. A thread's shared or local address 0 is the first byte of its window. The window of the thread's own
   shared memory is followed by one for each block of its cluster, by rank, then by that of local memory. */
#define CPU_WINDOW_BYTES ((uint64_t)16 << 20)
#define CPU_CLUSTER_MOST 16 /* blocks */
#define CPU_WINDOWS (1 + CPU_CLUSTER_MOST + 1)

/* Makes an arena of at most `capacity` bytes of allocations. NULL when the address space cannot be reserved.
   Thread-safe from here on: every function below may be called from any thread. */
struct cpu_memory *cpu_memory_create(size_t capacity);
void cpu_memory_destroy(struct cpu_memory *memory);

/* Allocates `size` > 0 bytes at a multiple of 512 with a guard gap behind them, zero-filled the first time.
   CUDA_ERROR_OUT_OF_MEMORY when the capacity is exceeded. */
CUresult cpu_memory_alloc(struct cpu_memory *memory, size_t size, uint64_t *address);

/* The same for what the machine itself needs while a grid runs: it does not count against the capacity, so that work
   can be done when the program has used up all memory. */
CUresult cpu_memory_alloc_aside(struct cpu_memory *memory, size_t size, uint64_t *address);

/* Frees the allocation that starts at `address`: it is no longer found, and its space is used again when all pins taken
   before have gone. Never waits. CUDA_ERROR_INVALID_VALUE when there is no such allocation. */
CUresult cpu_memory_free(struct cpu_memory *memory, uint64_t address);

/* Finds the live allocation that contains `address`, or the span of mapped memory, whoever may access it. */
bool cpu_memory_find(struct cpu_memory *memory, uint64_t address, struct cpu_span *span);

/* Is every byte of [address, address + size) in one live allocation, or mapped and readable by some device? */
bool cpu_memory_contains(struct cpu_memory *memory, uint64_t address, size_t size);

/* The same for writing. */
bool cpu_memory_writable(struct cpu_memory *memory, uint64_t address, size_t size);

void cpu_memory_info(struct cpu_memory *memory, size_t *free_bytes, size_t *total_bytes);

/* Between pin and unpin no allocation that was live at the pin goes away: what a running grid has checked stays true.
   Any number at a time; any thread may unpin, with the value that the pin gave. */
unsigned cpu_memory_pin(struct cpu_memory *memory);
void cpu_memory_unpin(struct cpu_memory *memory, unsigned pin);

/* Virtual memory management. Physical memory counts against the capacity as long as there are references to it; it is
   zero at first, and may be mapped in several places. Sizes and addresses of these functions are multiples of
   CPU_GRANULARITY. Errors are CUDA_ERROR_INVALID_VALUE for ranges that are not as said, and CUDA_ERROR_OUT_OF_MEMORY.
 */
#define CPU_GRANULARITY ((uint64_t)2 << 20)

struct cpu_physical {
	size_t size;
	unsigned references; /* from handles and mappings; guarded by the driver's lock as the next two */
	unsigned handles;    /* references that programs hold */
	void *handle;        /* of the driver, while `handles` > 0 */
	CUmemAllocationProp properties;
	int file;        /* where its pages are; its own or the arena's */
	uint64_t offset; /* in the file */
	bool exportable; /* the file is its own: whoever has the descriptor has the memory */
};

/* Makes physical memory with one reference; `exportable` as above. */
CUresult cpu_physical_create(struct cpu_memory *memory, size_t size, bool exportable, struct cpu_physical **physical);

/* The memory behind a descriptor that another process (or this one) got from an exportable one;
   CUDA_ERROR_INVALID_VALUE when that is something else. The descriptor stays the caller's. */
CUresult cpu_physical_import(struct cpu_memory *memory, int file, struct cpu_physical **physical);

/* A new descriptor of exportable memory, the caller's; -1 and errno. */
int cpu_physical_descriptor(const struct cpu_physical *physical);

/* Drops a reference; the last one frees the memory. */
void cpu_physical_release(struct cpu_memory *memory, struct cpu_physical *physical);

/* Reserves addresses, at `hint` if they are free there. `alignment` is a power of two or 0. */
CUresult cpu_memory_reserve(struct cpu_memory *memory, size_t size, uint64_t alignment, uint64_t hint,
			    uint64_t *address);

/* Gives a whole reservation back in which nothing is mapped. */
CUresult cpu_memory_unreserve(struct cpu_memory *memory, uint64_t address, size_t size);

/* Maps `size` bytes of physical memory from `offset` on into a part of a reservation where nothing is mapped; adds a
   reference. No device may access it yet. */
CUresult cpu_memory_map(struct cpu_memory *memory, uint64_t address, size_t size, uint64_t offset,
			struct cpu_physical *physical);

/* Undoes whole mappings that fill the range without a gap: they are no longer found, and their references are dropped
   when all pins taken before have gone. Never waits; mapping to the same place, and giving it back, do wait for that.
 */
CUresult cpu_memory_unmap(struct cpu_memory *memory, uint64_t address, size_t size);

/* Lets the devices of the mask read and write, only read, or neither in a range that is wholly mapped. The range may be
   of any size: access is checked by the byte. A running grid may keep the access it had. */
CUresult cpu_memory_set_access(struct cpu_memory *memory, uint64_t address, size_t size, uint32_t devices, bool read,
			       bool write);

/* The mapping that contains `address`; NULL when there is none. */
struct cpu_physical *cpu_memory_mapping(struct cpu_memory *memory, uint64_t address, struct cpu_span *range);

/* The reservation that contains `address`. */
bool cpu_memory_reservation(struct cpu_memory *memory, uint64_t address, struct cpu_span *range);

/* First addresses of the windows of shared memory, and of the one of local memory. */
uint64_t cpu_memory_shared_window(const struct cpu_memory *memory);
uint64_t cpu_memory_local_window(const struct cpu_memory *memory);

#endif
