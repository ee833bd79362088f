/* From a register of addresses to memory: the patterns worth recognising, and the way for any other. */
#ifndef CPU_LANES_MEMORY_H
#define CPU_LANES_MEMORY_H

#include "lanes.h"

/* Are the addresses those of an array of elements of `step` bytes (0: all the same)? */
#define ARE_STEPS(a, step)                                                                                             \
	({                                                                                                             \
		__typeof__((a)[0] + 0) difference_ = 0;                                                                \
		for (unsigned i = 0; i < CPU_LANES; i++)                                                               \
			difference_ |= ((a)[i] - (a)[0]) ^ (i * (step));                                               \
		!difference_;                                                                                          \
	})

/* Does the allocation that this instruction last touched hold these bytes? */
static inline bool span_holds(const struct cpu_warp *warp, const struct cpu_insn *insn, u64 address, u64 bytes)
{
	const struct cpu_span *span = &warp->spans[insn->aux];
	u64 offset = address - span->base;

	return offset < span->size && span->size - offset >= bytes;
}

/* `at_*`: the host address of all lanes' bytes from `address` on, or NULL: then each lane is looked at by itself,
   which also finds the fault. `size` is a power of two, `bytes` what all lanes touch together. */
static inline u8 *at_generic(const struct cpu_warp *warp, const struct cpu_insn *insn, u64 address, u32 size, u64 bytes)
{
	return !(address & (size - 1)) && span_holds(warp, insn, address, bytes) ? (u8 *)(uintptr_t)address : NULL;
}

static inline u8 *at_shared(const struct cpu_warp *warp, const struct cpu_insn *insn, u32 address, u32 size, u64 bytes)
{
	(void)insn;
	return !(address & (size - 1)) && address < warp->shared_bytes && warp->shared_bytes - address >= bytes
		   ? warp->shared + address
		   : NULL;
}

/* Addresses in the function's own frame count from its base (insn->aux), others from the thread's stack. */
static inline u32 local_base(const struct cpu_warp *warp, const struct cpu_insn *insn)
{
	return insn->aux ? warp->frame->local_base : 0;
}

#define ADDRESS_generic(i) ((u64)a_[i] + (u64)insn->imm)
#define ADDRESS_shared(i) (a_[i] + (u32)insn->imm)
#define ADDRESS_local(i) (a_[i] + (u32)insn->imm + local_base(warp, insn))
typedef u64 address_generic;
typedef u32 address_shared, address_local;

static inline void *lane_generic(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, u64 address,
				 u32 size)
{
	if (!(address & (size - 1)) && span_holds(warp, insn, address, size))
		return (void *)(uintptr_t)address;
	return cpu_resolve_generic(warp, insn, lane, address, size);
}

static inline void *lane_shared(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, u32 address,
				u32 size)
{
	if (!(address & (size - 1)) && address < warp->shared_bytes && warp->shared_bytes - address >= size)
		return warp->shared + address;
	return cpu_resolve_shared(warp, insn, lane, address, size);
}

static inline void *lane_local(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, u32 address, u32 size)
{
	return cpu_resolve_local(warp, insn, lane, address, size);
}

#endif
