/* From a register of addresses to memory: the patterns worth recognising, and the way for any other. */
#ifndef CPU_LANES_MEMORY_H
#define CPU_LANES_MEMORY_H

#include "lanes.h"

/* Where 32 addresses lie in respect to each other. 0: anywhere, or not all lanes take part. Else step + 1, when each
   address is `step` bytes (0 to 16) behind the one before; SHAPE_HALVES is added when that holds for lanes 0–15 and
   for lanes 16–31 by themselves, as it does in blocks 16 threads wide.

   Neighbouring loads and stores often share their address register. Lowering finds them, gives them a word in the
   frame to keep the shape in (operand 5), and marks all but the first (operand 4) as not having to find it out. */
#define SHAPE_ONE 1u
#define SHAPE_HALVES 0x100u
#define SHAPE_ARRAY(size) ((size) + 1)

#define SHAPE_FIND(name, T)                                                                                            \
	static __attribute__((noinline)) u32 name(const T *a)                                                          \
	{                                                                                                              \
		const T step = a[1] - a[0], half = a[16];                                                              \
		const T some = step ? ~(T)0 : 0, first = a[0];                                                         \
		const unsigned shift = step ? (unsigned)__builtin_ctzll(step) : 0;                                     \
		T lower = 0, upper = 0;                                                                                \
		if (step > 16 || (step & (step - 1)))                                                                  \
			return 0;                                                                                      \
		for (unsigned i = 0; i < 16; i++) {                                                                    \
			lower |= a[i] ^ (first + (((T)i << shift) & some));                                            \
			upper |= a[16 + i] ^ (half + (((T)i << shift) & some));                                        \
		}                                                                                                      \
		if (lower | upper)                                                                                     \
			return 0;                                                                                      \
		return (u32)step + 1 + (half == first + 16 * step ? 0 : SHAPE_HALVES);                                 \
	}

/* The shape of this instruction's addresses: remembered, or found and remembered. Of a part of the lanes it is 0, and
   so it becomes for the instructions behind, whoever executes them. */
#define SHAPE_OF(a, find)                                                                                              \
	(insn->op[4] ? (mask == CPU_ALL_LANES ? PREDICATE(5) : 0)                                                      \
		     : (PREDICATE(5) = mask == CPU_ALL_LANES ? find(a) : 0))
#define SHAPE_generic SHAPE_OF(a_, shape_find_u64)
#define SHAPE_shared SHAPE_OF(a_, shape_find_u32)

/* Are all addresses the same? */
#define ARE_SAME(a)                                                                                                    \
	({                                                                                                             \
		__typeof__((a)[0] + 0) difference_ = 0;                                                                \
		for (unsigned i = 0; i < CPU_LANES; i++)                                                               \
			difference_ |= (a)[i] ^ (a)[0];                                                                \
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

static inline void *lane_generic_write(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, u64 address,
				       u32 size)
{
	if (!(address & (size - 1)) && span_holds(warp, insn, address, size))
		return (void *)(uintptr_t)address;
	return cpu_resolve_generic_write(warp, insn, lane, address, size);
}

static inline void *lane_shared(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, u32 address,
				u32 size)
{
	if (!(address & (size - 1)) && address < warp->shared_bytes && warp->shared_bytes - address >= size)
		return warp->shared + address;
	return cpu_resolve_shared(warp, insn, lane, address, size);
}

#define lane_shared_write lane_shared
#define lane_local_write lane_local

static inline void *lane_local(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, u32 address, u32 size)
{
	return cpu_resolve_local(warp, insn, lane, address, size);
}

#endif
