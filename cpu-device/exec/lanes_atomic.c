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

static inline u16 ordered_half(u16 a, u16 b, const struct half_format *format, bool larger)
{
	f64 x = half_value(a, format), y = half_value(b, format);

	if (x != x || y != y)
		return x != x ? (y != y ? 0x7fff : b) : a;
	if (x == y)
		return larger ? a & b : a | b;
	return (x < y) != larger ? a : b;
}

static inline u32 ordered_pair(u32 a, u32 b, const struct half_format *format, bool larger)
{
	return ordered_half((u16)a, (u16)b, format, larger) |
	       (u32)ordered_half((u16)(a >> 16), (u16)(b >> 16), format, larger) << 16;
}

#define ORDERED_HALVES(F)                                                                                              \
	UPDATE(min_##F, u16, ordered_half(old, b, &format_##F, false))                                                 \
	UPDATE(max_##F, u16, ordered_half(old, b, &format_##F, true))                                                  \
	UPDATE(min_##F##x2, u32, ordered_pair(old, b, &format_##F, false))                                             \
	UPDATE(max_##F##x2, u32, ordered_pair(old, b, &format_##F, true))
ORDERED_HALVES(f16)
ORDERED_HALVES(bf16)

typedef unsigned __int128 u128;

/* The words of a 16-byte operand lie in two registers. Where the new value of a comparison goes beyond what an
   instruction can name, lowering has put it into the thread's local memory, at the offset in a register. */
#define WIDE(low, high) ((u128)(high) << 64 | (low))

static inline u128 exchange_128(u128 *at, u128 value)
{
	u128 old;

	do
		old = *(volatile u128 *)at;
	while (!__sync_bool_compare_and_swap(at, old, value));
	return old;
}

/* insn->op: d, d's upper half, address, b, b's upper half, offset of c */
#define ATOMIC_128(name, space, operation)                                                                             \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const address_##space *a_ = (const address_##space *)(frame + insn->op[2]);                            \
		u64 *low = REGISTER(u64, 0), *high = REGISTER(u64, 1);                                                 \
		const u64 *b_ = REGISTER(u64, 3), *b_high = REGISTER(u64, 4);                                          \
		mask &= warp->live;                                                                                    \
		EACH_LANE(i, mask)                                                                                     \
		{                                                                                                      \
			u128 *at = lane_##space(warp, insn, i, ADDRESS_##space(i), sizeof(u128));                      \
			u128 b = WIDE(b_[i], b_high[i]), old;                                                          \
			if (!at)                                                                                       \
				return warp->limit;                                                                    \
			operation;                                                                                     \
			low[i] = (u64)old;                                                                             \
			high[i] = (u64)(old >> 64);                                                                    \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}
#define NEW_VALUE                                                                                                      \
	({                                                                                                             \
		const u64 *c_ = cpu_resolve_local(warp, insn, i, warp->frame->local_base + REGISTER(u32, 5)[i], 16);   \
		if (!c_)                                                                                               \
			return warp->limit;                                                                            \
		WIDE(c_[0], c_[1]);                                                                                    \
	})
ATOMIC_128(atom_shared_exch_b128, shared, old = exchange_128(at, b))
ATOMIC_128(atom_generic_exch_b128, generic, old = exchange_128(at, b))
ATOMIC_128(atom_shared_cas_b128, shared, old = __sync_val_compare_and_swap(at, b, NEW_VALUE))
ATOMIC_128(atom_generic_cas_b128, generic, old = __sync_val_compare_and_swap(at, b, NEW_VALUE))
