/* Loads and stores. */
#include "lanes_memory.h"

/* Lanes that touch one element each, side by side: one copy. */
#define FIND_ARRAY(space, size)                                                                                        \
	(mask == CPU_ALL_LANES && ARE_STEPS(a_, (size))                                                                \
	     ? at_##space(warp, insn, ADDRESS_##space(0), size, 32 * (size))                                           \
	     : NULL)

/* All at the same element. */
#define FIND_ONE(space, size)                                                                                          \
	(mask == CPU_ALL_LANES && ARE_STEPS(a_, 0) ? at_##space(warp, insn, ADDRESS_##space(0), size, size) : NULL)

/* Anywhere, but in bounds: true when the lowest and the highest address are, and all are aligned. */
#define ALL_INSIDE(space, size)                                                                                        \
	({                                                                                                             \
		address_##space low_ = a_[0], high_ = a_[0], bits_ = 0;                                                \
		for (unsigned i = 0; i < CPU_LANES; i++) {                                                             \
			low_ = a_[i] < low_ ? a_[i] : low_;                                                            \
			high_ = a_[i] > high_ ? a_[i] : high_;                                                         \
			bits_ |= a_[i];                                                                                \
		}                                                                                                      \
		mask == CPU_ALL_LANES && !((bits_ | (address_##space)insn->imm) & ((size)-1)) &&                       \
		    (address_##space)(low_ + (address_##space)insn->imm) >= (address_##space)insn->imm &&              \
		    at_##space(warp, insn, low_ + (address_##space)insn->imm, size, (u64)(high_ - low_) + (size));     \
	})
#define POINTER_generic(i) ((u8 *)(uintptr_t)ADDRESS_generic(i))
#define POINTER_shared(i) (warp->shared + ADDRESS_shared(i))

/* Value k of lane i between memory (type M) and its register (type D). */
#define LOAD_VALUE(D, M, k, from)                                                                                      \
	do {                                                                                                           \
		M value_;                                                                                              \
		memcpy(&value_, (from), sizeof(M));                                                                    \
		REGISTER(D, k)[i] = (slot_##D)value_;                                                                  \
	} while (0)

#define LOAD_LANES(D, M, count, pointer)                                                                               \
	for (unsigned k = 0; k < (count); k++) {                                                                       \
		LANE_LOOP LOAD_VALUE(D, M, k, (pointer) + k * sizeof(M));                                              \
	}

#define LOAD_EACH(space, D, M, count)                                                                                  \
	EACH_LANE(i, mask)                                                                                             \
	{                                                                                                              \
		const u8 *at_ = lane_##space(warp, insn, i, ADDRESS_##space(i), sizeof(M) * (count));                  \
		if (!at_)                                                                                              \
			return warp->limit;                                                                            \
		M values_[count];                                                                                      \
		memcpy(values_, at_, sizeof(values_));                                                                 \
		for (unsigned k = 0; k < (count); k++)                                                                 \
			REGISTER(D, k)[i] = (slot_##D)values_[k];                                                      \
	}

/* The address register is never a destination of the patterns' loops: they read it before they write. */
#define LOAD(name, space, D, M, count)                                                                                 \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const address_##space *a_ = (const address_##space *)(frame + insn->op[count]);                        \
		const u32 size = sizeof(M) * (count);                                                                  \
		const u8 *from;                                                                                        \
		mask &= warp->live;                                                                                    \
		if ((from = FIND_ARRAY(space, size))) {                                                                \
			LOAD_LANES(D, M, count, from + i * size)                                                       \
		} else if ((from = FIND_ONE(space, size))) {                                                           \
			LOAD_LANES(D, M, count, from)                                                                  \
		} else if ((count) == 1 && ALL_INSIDE(space, size)) {                                                  \
			LOAD_LANES(D, M, count, POINTER_##space(i))                                                    \
		} else {                                                                                               \
			LOAD_EACH(space, D, M, count)                                                                  \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}

#define STORE_VALUE(D, M, k, to)                                                                                       \
	do {                                                                                                           \
		M value_ = (M)REGISTER(D, 1 + (k))[i];                                                                 \
		memcpy((to), &value_, sizeof(M));                                                                      \
	} while (0)

#define STORE_EACH(space, D, M, count)                                                                                 \
	EACH_LANE(i, mask)                                                                                             \
	{                                                                                                              \
		u8 *at_ = lane_##space(warp, insn, i, ADDRESS_##space(i), sizeof(M) * (count));                        \
		if (!at_)                                                                                              \
			return warp->limit;                                                                            \
		M values_[count];                                                                                      \
		for (unsigned k = 0; k < (count); k++)                                                                 \
			values_[k] = (M)REGISTER(D, 1 + k)[i];                                                         \
		memcpy(at_, values_, sizeof(values_));                                                                 \
	}

#define STORE(name, space, D, M, count)                                                                                \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const address_##space *a_ = (const address_##space *)(frame + insn->op[0]);                            \
		const u32 size = sizeof(M) * (count);                                                                  \
		u8 *to;                                                                                                \
		mask &= warp->live;                                                                                    \
		if ((to = FIND_ARRAY(space, size))) {                                                                  \
			for (unsigned k = 0; k < (count); k++) {                                                       \
				LANE_LOOP STORE_VALUE(D, M, k, to + i * size + k * sizeof(M));                         \
			}                                                                                              \
		} else if ((count) == 1 && ALL_INSIDE(space, size)) {                                                  \
			for (unsigned i = 0; i < CPU_LANES; i++)                                                       \
				STORE_VALUE(D, M, 0, POINTER_##space(i));                                              \
		} else {                                                                                               \
			STORE_EACH(space, D, M, count)                                                                 \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}

/* Local memory lies lane by lane; the usual access has the same offset in each. */
#define LOCAL_SAME(size)                                                                                               \
	({                                                                                                             \
		u32 offset_ = ADDRESS_local(0);                                                                        \
		mask == CPU_ALL_LANES &&ARE_STEPS(a_, 0) && !(offset_ & ((size)-1)) && offset_ < warp->stack_bytes &&  \
			warp->stack_bytes - offset_ >= (size)                                                          \
		    ? warp->stack + offset_                                                                            \
		    : NULL;                                                                                            \
	})

#define LOAD_LOCAL(name, D, M, count)                                                                                  \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const u32 *a_ = (const u32 *)(frame + insn->op[count]);                                                \
		const u32 size = sizeof(M) * (count);                                                                  \
		const size_t step = warp->stack_bytes;                                                                 \
		const u8 *from;                                                                                        \
		mask &= warp->live;                                                                                    \
		if ((from = LOCAL_SAME(size))) {                                                                       \
			LOAD_LANES(D, M, count, from + i * step)                                                       \
		} else {                                                                                               \
			LOAD_EACH(local, D, M, count)                                                                  \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}
#define STORE_LOCAL(name, D, M, count)                                                                                 \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const u32 *a_ = (const u32 *)(frame + insn->op[0]);                                                    \
		const u32 size = sizeof(M) * (count);                                                                  \
		const size_t step = warp->stack_bytes;                                                                 \
		u8 *to;                                                                                                \
		mask &= warp->live;                                                                                    \
		if ((to = LOCAL_SAME(size))) {                                                                         \
			for (unsigned k = 0; k < (count); k++)                                                         \
				for (unsigned i = 0; i < CPU_LANES; i++)                                               \
					STORE_VALUE(D, M, k, to + i * step + k * sizeof(M));                           \
		} else {                                                                                               \
			STORE_EACH(local, D, M, count)                                                                 \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}

#define LOADS(type, D, M)                                                                                              \
	LOAD(ld_generic_##type, generic, D, M, 1)                                                                      \
	LOAD(ld_generic_v2_##type, generic, D, M, 2)                                                                   \
	LOAD(ld_generic_v4_##type, generic, D, M, 4)                                                                   \
	LOAD(ld_shared_##type, shared, D, M, 1)                                                                        \
	LOAD(ld_shared_v2_##type, shared, D, M, 2)                                                                     \
	LOAD(ld_shared_v4_##type, shared, D, M, 4)                                                                     \
	LOAD_LOCAL(ld_local_##type, D, M, 1)                                                                           \
	LOAD_LOCAL(ld_local_v2_##type, D, M, 2)                                                                        \
	LOAD_LOCAL(ld_local_v4_##type, D, M, 4)
LOADS(u8, u32, u8)
LOADS(s8, s32, s8)
LOADS(u16, u32, u16)
LOADS(s16, s32, s16)
LOADS(b32, u32, u32)
LOADS(b64, u64, u64)

#define STORES(type, D, M)                                                                                             \
	STORE(st_generic_##type, generic, D, M, 1)                                                                     \
	STORE(st_generic_v2_##type, generic, D, M, 2)                                                                  \
	STORE(st_generic_v4_##type, generic, D, M, 4)                                                                  \
	STORE(st_shared_##type, shared, D, M, 1)                                                                       \
	STORE(st_shared_v2_##type, shared, D, M, 2)                                                                    \
	STORE(st_shared_v4_##type, shared, D, M, 4)                                                                    \
	STORE_LOCAL(st_local_##type, D, M, 1)                                                                          \
	STORE_LOCAL(st_local_v2_##type, D, M, 2)                                                                       \
	STORE_LOCAL(st_local_v4_##type, D, M, 4)
STORES(b8, u32, u8)
STORES(b16, u32, u16)
STORES(b32, u32, u32)
STORES(b64, u64, u64)
