/* Atomic operations. Shared memory belongs to one block, which one thread runs; global memory needs real atomics. */
#include "half.h"
#include "lanes_memory.h"

/* Runs `operation` for each lane with `at` its address, b (and c) the operands, and `old` to be set. */
#define ATOMIC(name, space, T, operation)                                                                              \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const address_##space *a_ = (const address_##space *)(frame + insn->op[1]);                            \
		const slot_##T *b_ = REGISTER(T, 2), *c_ = REGISTER(T, 3);                                             \
		slot_##T *d_ = REGISTER(T, 0);                                                                         \
		mask &= warp->live;                                                                                    \
		EACH_LANE(i, mask)                                                                                     \
		{                                                                                                      \
			T *at = lane_##space##_write(warp, insn, i, ADDRESS_##space(i), sizeof(T));                    \
			T b = (T)b_[i], c = (T)c_[i], old;                                                             \
			(void)c;                                                                                       \
			if (!at)                                                                                       \
				return warp->limit;                                                                    \
			operation;                                                                                     \
			d_[i] = (slot_##T)old;                                                                         \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}

/* An operation whose new value is an expression of old, b, c. */
#define UPDATE(name, T, expr)                                                                                          \
	ATOMIC(atom_shared_##name, shared, T, ({                                                                       \
		       old = *at;                                                                                      \
		       *at = (T)(expr);                                                                                \
	       }))                                                                                                     \
	ATOMIC(atom_generic_##name, generic, T, ({                                                                     \
		       T next;                                                                                         \
		       old = __atomic_load_n(at, __ATOMIC_RELAXED);                                                    \
		       do                                                                                              \
			       next = (T)(expr);                                                                       \
		       while (                                                                                         \
			   !__atomic_compare_exchange_n(at, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));   \
	       }))

/* One that the processor has. */
#define NATIVE(name, T, expr, builtin)                                                                                 \
	ATOMIC(atom_shared_##name, shared, T, ({                                                                       \
		       old = *at;                                                                                      \
		       *at = (T)(expr);                                                                                \
	       }))                                                                                                     \
	ATOMIC(atom_generic_##name, generic, T, old = builtin(at, b, __ATOMIC_SEQ_CST))

#define INTEGERS(T)                                                                                                    \
	NATIVE(add_##T, T, old + b, __atomic_fetch_add)                                                                \
	NATIVE(and_##T, T, old &b, __atomic_fetch_and)                                                                 \
	NATIVE(or_##T, T, old | b, __atomic_fetch_or)                                                                  \
	NATIVE(xor_##T, T, old ^ b, __atomic_fetch_xor)                                                                \
	NATIVE(exch_##T, T, b, __atomic_exchange_n)                                                                    \
	UPDATE(cas_##T, T, old == b ? c : old)
INTEGERS(u32)
INTEGERS(u64)
UPDATE(cas_u16, u16, old == b ? c : old)

#define ORDERED(T)                                                                                                     \
	UPDATE(min_##T, T, old < b ? old : b)                                                                          \
	UPDATE(max_##T, T, old > b ? old : b)
ORDERED(u32)
ORDERED(s32)
ORDERED(u64)
ORDERED(s64)
UPDATE(inc_u32, u32, old >= b ? 0 : old + 1)
UPDATE(dec_u32, u32, old == 0 || old > b ? b : old - 1)

/* Floats as bits. On global memory atom.add.f32 flushes subnormal numbers, on shared memory it does not; generic
   addresses are treated as global. */
#define SUM_f32(old, b) f32_bits(f32_from(old) + f32_from(b))
#define SUM_FTZ_f32(old, b) f32_bits(f32_flush(f32_flush(f32_from(old)) + f32_flush(f32_from(b))))
#define SUM_f64(old, b) f64_bits(f64_from(old) + f64_from(b))
#define SWAP_UNTIL(T, sum)                                                                                             \
	({                                                                                                             \
		T next;                                                                                                \
		old = __atomic_load_n(at, __ATOMIC_RELAXED);                                                           \
		do                                                                                                     \
			next = sum(old, b);                                                                            \
		while (!__atomic_compare_exchange_n(at, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));       \
	})
ATOMIC(atom_shared_add_f32, shared, u32, (old = *at, *at = SUM_f32(old, b)))
ATOMIC(atom_generic_add_f32, generic, u32, SWAP_UNTIL(u32, SUM_FTZ_f32))
ATOMIC(atom_shared_add_f64, shared, u64, (old = *at, *at = SUM_f64(old, b)))
ATOMIC(atom_generic_add_f64, generic, u64, SWAP_UNTIL(u64, SUM_f64))

static inline u16 sum_half(u16 a, u16 b, const struct half_format *format)
{
	return half_round(sum_to_odd(half_value(a, format), half_value(b, format)), format, 0);
}

static inline u32 sum_pair(u32 a, u32 b, const struct half_format *format)
{
	return sum_half((u16)a, (u16)b, format) | (u32)sum_half(a >> 16, b >> 16, format) << 16;
}

UPDATE(add_f16, u16, sum_half(old, b, &format_f16))
UPDATE(add_bf16, u16, sum_half(old, b, &format_bf16))
UPDATE(add_f16x2, u32, sum_pair(old, b, &format_f16))
UPDATE(add_bf16x2, u32, sum_pair(old, b, &format_bf16))
