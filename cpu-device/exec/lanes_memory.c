/* Loads and stores. */
#include "lanes_memory.h"

SHAPE_FIND(shape_find_u32, u32)
SHAPE_FIND(shape_find_u64, u64)

/* The value of lane i between memory (type M) and its register d_ (type D) or v_. */
#define LOAD_VALUE(D, M, from)                                                                                         \
	do {                                                                                                           \
		M value_;                                                                                              \
		memcpy(&value_, (from), sizeof(M));                                                                    \
		d_[i] = (slot_##D)value_;                                                                              \
	} while (0)

/* One value to all lanes of a loop. */
#define SPREAD(LOOP, D, M, from)                                                                                       \
	do {                                                                                                           \
		M one_;                                                                                                \
		memcpy(&one_, (from), sizeof(M));                                                                      \
		LOOP d_[i] = (slot_##D)one_;                                                                           \
	} while (0)

#define STORE_VALUE(M, to)                                                                                             \
	do {                                                                                                           \
		M value_ = (M)v_[i];                                                                                   \
		memcpy((to), &value_, sizeof(M));                                                                      \
	} while (0)

/* Anywhere, but in bounds: true when the lowest and the highest address are, and all are aligned. */
#define ALL_INSIDE(space, size)                                                                                        \
	({                                                                                                             \
		const address_##space offset_ = (address_##space)insn->imm;                                            \
		address_##space low_ = a_[0], high_ = a_[0], bits_ = offset_;                                          \
		for (unsigned i = 0; i < CPU_LANES; i++) {                                                             \
			low_ = a_[i] < low_ ? a_[i] : low_;                                                            \
			high_ = a_[i] > high_ ? a_[i] : high_;                                                         \
			bits_ |= a_[i];                                                                                \
		}                                                                                                      \
		low_ += offset_;                                                                                       \
		high_ += offset_;                                                                                      \
		mask == CPU_ALL_LANES && !(bits_ & ((size)-1)) && low_ <= high_ &&                                     \
		    at_##space(warp, insn, low_, size, (u64)(high_ - low_) + (size));                                  \
	})
#define POINTER_generic(i) ((u8 *)(uintptr_t)ADDRESS_generic(i))
#define POINTER_shared(i) (warp->shared + ADDRESS_shared(i))

/* One lane after the other, with every check. */
#define LOAD_EACH(space, D, M, count)                                                                                  \
	EACH_LANE(i, mask)                                                                                             \
	{                                                                                                              \
		const u8 *at_ = lane_##space(warp, insn, i, ADDRESS_##space(i), sizeof(M) * (count));                  \
		M values_[count];                                                                                      \
		if (!at_)                                                                                              \
			return warp->limit;                                                                            \
		memcpy(values_, at_, sizeof(values_));                                                                 \
		for (unsigned k = 0; k < (count); k++)                                                                 \
			REGISTER(D, k)[i] = (slot_##D)values_[k];                                                      \
	}

#define STORE_EACH(space, D, M, count)                                                                                 \
	EACH_LANE(i, mask)                                                                                             \
	{                                                                                                              \
		u8 *at_ = lane_##space##_write(warp, insn, i, ADDRESS_##space(i), sizeof(M) * (count));                \
		M values_[count];                                                                                      \
		if (!at_)                                                                                              \
			return warp->limit;                                                                            \
		for (unsigned k = 0; k < (count); k++)                                                                 \
			values_[k] = (M)REGISTER(D, 1 + k)[i];                                                         \
		memcpy(at_, values_, sizeof(values_));                                                                 \
	}

/* One value per lane. The shapes that are worth it are handled here, the rest in a function of its own, so that this
   one needs no stack. */
#define LOAD(name, space, D, M)                                                                                        \
	static __attribute__((noinline)) LANE_FN(name##_scattered)                                                     \
	{                                                                                                              \
		const address_##space *a_ = (const address_##space *)(frame + insn->op[1]);                            \
		slot_##D *d_ = REGISTER(D, 0);                                                                         \
		if (ALL_INSIDE(space, sizeof(M))) {                                                                    \
			LANE_LOOP LOAD_VALUE(D, M, POINTER_##space(i));                                                \
		} else {                                                                                               \
			LOAD_EACH(space, D, M, 1)                                                                      \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}                                                                                                              \
	static __attribute__((noinline)) LANE_FN(name##_halves)                                                        \
	{                                                                                                              \
		const address_##space *a_ = (const address_##space *)(frame + insn->op[1]);                            \
		const u32 size = sizeof(M), step = (PREDICATE(5) & ~SHAPE_HALVES) - 1;                                 \
		const u8 *from = at_##space(warp, insn, ADDRESS_##space(0), size, 15 * step + size);                   \
		const u8 *half = at_##space(warp, insn, ADDRESS_##space(16), size, 15 * step + size);                  \
		slot_##D *d_ = REGISTER(D, 0);                                                                         \
		if (!from || !half || (step && step != size))                                                          \
			return LANE(name##_scattered)(warp, insn, frame, mask);                                        \
		for (unsigned h = 0; h < 2; h++, d_ += 16, from = half)                                                \
			if (step)                                                                                      \
				HALF_LOOP LOAD_VALUE(D, M, from + i * size);                                           \
			else                                                                                           \
				SPREAD(HALF_LOOP, D, M, from);                                                         \
		return insn + 1;                                                                                       \
	}                                                                                                              \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const address_##space *a_ = (const address_##space *)(frame + insn->op[1]);                            \
		slot_##D *d_ = REGISTER(D, 0);                                                                         \
		const u32 size = sizeof(M);                                                                            \
		const u8 *from;                                                                                        \
		u32 shape;                                                                                             \
		mask &= warp->live;                                                                                    \
		shape = SHAPE_##space;                                                                                 \
		if (shape == SHAPE_ARRAY(size)) {                                                                      \
			from = at_##space(warp, insn, ADDRESS_##space(0), size, 32 * size);                            \
			if (from) {                                                                                    \
				LANE_LOOP LOAD_VALUE(D, M, from + i * size);                                           \
				return insn + 1;                                                                       \
			}                                                                                              \
		} else if (shape == SHAPE_ONE) {                                                                       \
			from = at_##space(warp, insn, ADDRESS_##space(0), size, size);                                 \
			if (from) {                                                                                    \
				SPREAD(LANE_LOOP, D, M, from);                                                         \
				return insn + 1;                                                                       \
			}                                                                                              \
		} else if (shape & SHAPE_HALVES) {                                                                     \
			return LANE(name##_halves)(warp, insn, frame, mask);                                           \
		}                                                                                                      \
		return LANE(name##_scattered)(warp, insn, frame, mask);                                                \
	}

#define STORE(name, space, D, M)                                                                                       \
	static __attribute__((noinline)) LANE_FN(name##_scattered)                                                     \
	{                                                                                                              \
		const address_##space *a_ = (const address_##space *)(frame + insn->op[0]);                            \
		const slot_##D *v_ = REGISTER(D, 1);                                                                   \
		if (ALL_INSIDE(space, sizeof(M))) {                                                                    \
			for (unsigned i = 0; i < CPU_LANES; i++)                                                       \
				STORE_VALUE(M, POINTER_##space(i));                                                    \
		} else {                                                                                               \
			STORE_EACH(space, D, M, 1)                                                                     \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}                                                                                                              \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const address_##space *a_ = (const address_##space *)(frame + insn->op[0]);                            \
		const slot_##D *v_ = REGISTER(D, 1);                                                                   \
		const u32 size = sizeof(M);                                                                            \
		u8 *to, *half;                                                                                         \
		u32 shape;                                                                                             \
		mask &= warp->live;                                                                                    \
		shape = SHAPE_##space;                                                                                 \
		if (shape == SHAPE_ARRAY(size)) {                                                                      \
			to = at_##space(warp, insn, ADDRESS_##space(0), size, 32 * size);                              \
			if (to) {                                                                                      \
				LANE_LOOP STORE_VALUE(M, to + i * size);                                               \
				return insn + 1;                                                                       \
			}                                                                                              \
		} else if (shape == (SHAPE_ARRAY(size) | SHAPE_HALVES)) {                                              \
			to = at_##space(warp, insn, ADDRESS_##space(0), size, 16 * size);                              \
			half = at_##space(warp, insn, ADDRESS_##space(16), size, 16 * size);                           \
			if (to && half) {                                                                              \
				LANE_LOOP STORE_VALUE(M, i < 16 ? to + i * size : half + (i - 16) * size);             \
				return insn + 1;                                                                       \
			}                                                                                              \
		}                                                                                                      \
		return LANE(name##_scattered)(warp, insn, frame, mask);                                                \
	}

/* Vectors of 2 or 4 values per lane. */
#define LOAD_VECTOR(name, space, D, M, count)                                                                          \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const address_##space *a_ = (const address_##space *)(frame + insn->op[count]);                        \
		const u32 size = sizeof(M) * (count);                                                                  \
		const u8 *from = NULL;                                                                                 \
		mask &= warp->live;                                                                                    \
		if (mask == CPU_ALL_LANES && ARE_SAME(a_))                                                             \
			from = at_##space(warp, insn, ADDRESS_##space(0), size, size);                                 \
		if (from) {                                                                                            \
			for (unsigned k = 0; k < (count); k++) {                                                       \
				slot_##D *d_ = REGISTER(D, k);                                                         \
				LANE_LOOP LOAD_VALUE(D, M, from + k * sizeof(M));                                      \
			}                                                                                              \
		} else {                                                                                               \
			LOAD_EACH(space, D, M, count)                                                                  \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}

#define STORE_VECTOR(name, space, D, M, count)                                                                         \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const address_##space *a_ = (const address_##space *)(frame + insn->op[0]);                            \
		mask &= warp->live;                                                                                    \
		STORE_EACH(space, D, M, count)                                                                         \
		return insn + 1;                                                                                       \
	}

/* Local memory lies lane by lane; the usual access has the same offset in each. */
#define LOCAL_SAME(size)                                                                                               \
	({                                                                                                             \
		u32 offset_ = ADDRESS_local(0);                                                                        \
		mask == CPU_ALL_LANES &&ARE_SAME(a_) && !(offset_ & ((size)-1)) && offset_ < warp->stack_bytes &&      \
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
			for (unsigned k = 0; k < (count); k++) {                                                       \
				slot_##D *d_ = REGISTER(D, k);                                                         \
				LANE_LOOP LOAD_VALUE(D, M, from + i * step + k * sizeof(M));                           \
			}                                                                                              \
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
			for (unsigned k = 0; k < (count); k++) {                                                       \
				const slot_##D *v_ = REGISTER(D, 1 + k);                                               \
				LANE_LOOP STORE_VALUE(M, to + i * step + k * sizeof(M));                               \
			}                                                                                              \
		} else {                                                                                               \
			STORE_EACH(local, D, M, count)                                                                 \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}

#define LOADS(type, D, M)                                                                                              \
	LOAD(ld_generic_##type, generic, D, M)                                                                         \
	LOAD_VECTOR(ld_generic_v2_##type, generic, D, M, 2)                                                            \
	LOAD_VECTOR(ld_generic_v4_##type, generic, D, M, 4)                                                            \
	LOAD(ld_shared_##type, shared, D, M)                                                                           \
	LOAD_VECTOR(ld_shared_v2_##type, shared, D, M, 2)                                                              \
	LOAD_VECTOR(ld_shared_v4_##type, shared, D, M, 4)                                                              \
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
	STORE(st_generic_##type, generic, D, M)                                                                        \
	STORE_VECTOR(st_generic_v2_##type, generic, D, M, 2)                                                           \
	STORE_VECTOR(st_generic_v4_##type, generic, D, M, 4)                                                           \
	STORE(st_shared_##type, shared, D, M)                                                                          \
	STORE_VECTOR(st_shared_v2_##type, shared, D, M, 2)                                                             \
	STORE_VECTOR(st_shared_v4_##type, shared, D, M, 4)                                                             \
	STORE_LOCAL(st_local_##type, D, M, 1)                                                                          \
	STORE_LOCAL(st_local_v2_##type, D, M, 2)                                                                       \
	STORE_LOCAL(st_local_v4_##type, D, M, 4)
STORES(b8, u32, u8)
STORES(b16, u32, u16)
STORES(b32, u32, u32)
STORES(b64, u64, u64)
