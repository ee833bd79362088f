/* What the client knows of memory: device allocations and pinned host memory. Any thread. */
#ifndef CU_MEMORY_H
#define CU_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"

/* Is the address in device memory that this client knows of? */
bool cu_memory_is_device(uint64_t address);

/* Could [address, address + size) be device memory? False when it begins in an allocation and runs beyond its end; what
   is not known is left to the server. */
bool cu_memory_may_hold(uint64_t address, uint64_t size);

/* Notes a module's variable, so that its address is known to be the device's. */
void cu_memory_note_symbol(uint64_t address, uint64_t size, uint64_t context);

/* Notes, and forgets, addresses to which the program has mapped memory. */
void cu_memory_note_mapping(uint64_t address, uint64_t size);
void cu_memory_forget_mapping(uint64_t address, uint64_t size);

/* Enters an allocation of the calling thread's context that the server made. CUDA_ERROR_OUT_OF_MEMORY. */
CUresult cu_memory_note(uint64_t base, uint64_t size);

/* Takes out the allocation that begins at `base`; its size, or 0 when there is none. */
uint64_t cu_memory_forget(uint64_t base);

/* Gives what has been taken out back to the server, which waits for the work that may use it. */
CUresult cu_memory_give_back(uint64_t base, uint64_t size);

/* Drops the device memory that belonged to a context. */
void cu_memory_forget_context(uint64_t context);

/* Is the address in pinned host memory? */
bool cu_host_is_pinned(const void *address);

#endif
