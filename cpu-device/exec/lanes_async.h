/* What asynchronous operations share. All of them are done at once, when the instruction is executed, which a program
   cannot tell from a very fast GPU; so waiting for them is nothing, and mbarrier objects hear of them immediately. */
#ifndef CPU_LANES_ASYNC_H
#define CPU_LANES_ASYNC_H

#include "async.h"
#include "lanes.h"
#include "mbarrier.h"

static inline const struct cpu_insn *mbarrier_bad(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane,
						  const char *what)
{
	return cpu_fault(warp, insn, (int)lane, CUDA_ERROR_ILLEGAL_INSTRUCTION, "mbarrier: %s", what);
}

/* The object at a generic address of shared memory; NULL after a fault. */
static inline u64 *mbarrier_at(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, u64 address)
{
	u64 *object = cpu_range_block(warp, insn, lane, address, sizeof(*object), sizeof(*object));

	if (object && !cpu_mbarrier_valid(*object)) {
		mbarrier_bad(warp, insn, lane, "the object has not been initialised");
		return NULL;
	}
	return object;
}

/* Tells the object at the address that bytes have come; false after a fault. */
static inline bool mbarrier_complete(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, u64 address,
				     u64 bytes)
{
	u64 *object = mbarrier_at(warp, insn, lane, address);

	if (!object)
		return false;
	if (cpu_mbarrier_bytes(object, -(s64)bytes))
		return true;
	mbarrier_bad(warp, insn, lane, "more than 2^20 - 1 bytes have come unexpectedly");
	return false;
}

#endif
