/* Logic, shifts, bit fields, byte permutation. */
#include "lanes.h"

#define LOGIC(T)                                                                                                       \
	BINARY(and_##T, T, T, T, a &b)                                                                                 \
	BINARY(or_##T, T, T, T, a | b)                                                                                 \
	BINARY(xor_##T, T, T, T, a ^ b)                                                                                \
	UNARY(not_##T, T, T, ~a)                                                                                       \
	UNARY(cnot_##T, T, T, a == 0)
LOGIC(u16)
LOGIC(u32)
LOGIC(u64)

#define PREDICATE_LOGIC(name, expr)                                                                                    \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		(void)warp;                                                                                            \
		predicate_write(&PREDICATE(0), expr, mask);                                                            \
		return insn + 1;                                                                                       \
	}
PREDICATE_LOGIC(and_pred, PREDICATE(1) & PREDICATE(2))
PREDICATE_LOGIC(or_pred, PREDICATE(1) | PREDICATE(2))
PREDICATE_LOGIC(xor_pred, PREDICATE(1) ^ PREDICATE(2))
PREDICATE_LOGIC(not_pred, ~PREDICATE(1))
PREDICATE_LOGIC(mov_pred, PREDICATE(1))

/* By the width or more: everything is shifted out. */
#define SHIFTS(T, bits)                                                                                                \
	BINARY(shl_##T, T, T, u32, b < bits ? (u64)a << (b & (bits - 1)) : 0)                                          \
	BINARY(shr_##T, T, T, u32, b < bits ? a >> (b & (bits - 1)) : 0)
#define SHIFT_SIGNED(T, bits) BINARY(shr_##T, T, T, u32, a >> (b < bits ? b & (bits - 1) : bits - 1))
SHIFTS(u16, 16)
SHIFTS(u32, 32)
SHIFTS(u64, 64)
SHIFT_SIGNED(s16, 16)
SHIFT_SIGNED(s32, 32)
SHIFT_SIGNED(s64, 64)

/* d = {b, a} shifted by n ≤ 32: the upper word to the left, the lower to the right. */
static inline u32 funnel_left(u32 low, u32 high, u32 n)
{
	return (u32)((((u64)high << 32) | low) << n >> 32);
}

static inline u32 funnel_right(u32 low, u32 high, u32 n)
{
	return (u32)((((u64)high << 32) | low) >> n);
}

TERNARY(shf_l_wrap, u32, u32, u32, u32, funnel_left(a, b, c & 31))
TERNARY(shf_r_wrap, u32, u32, u32, u32, funnel_right(a, b, c & 31))
TERNARY(shf_l_clamp, u32, u32, u32, u32, c < 32 ? funnel_left(a, b, c & 31) : a)
TERNARY(shf_r_clamp, u32, u32, u32, u32, c < 32 ? funnel_right(a, b, c & 31) : b)

/* Bit n of the table is the result for the input bits n = a << 2 | b << 1 | c. */
LANE_FN(lop3)
{
	const u32 *a = REGISTER(u32, 1), *b = REGISTER(u32, 2), *c = REGISTER(u32, 3), *table = REGISTER(u32, 4);
	u32 minterms[8];

	for (unsigned n = 0; n < 8; n++)
		minterms[n] = table[0] >> n & 1 ? CPU_ALL_LANES : 0;
	LANES(u32, ({
		      u32 x = a[i], y = b[i], z = c[i];

		      (~x & ~y & ~z & minterms[0]) | (~x & ~y & z & minterms[1]) | (~x & y & ~z & minterms[2]) |
			  (~x & y & z & minterms[3]) | (x & ~y & ~z & minterms[4]) | (x & ~y & z & minterms[5]) |
			  (x & y & ~z & minterms[6]) | (x & y & z & minterms[7]);
	      }));
	return insn + 1;
}

/* Byte `selector & 7` of {b, a}; with bit 3 its sign eight times. */
static inline u32 permute_byte(u64 bytes, u32 selector)
{
	u32 byte = bytes >> 8 * (selector & 7) & 0xff;

	return selector & 8 ? (byte & 0x80 ? 0xff : 0) : byte;
}

static inline u32 permute(u32 a, u32 b, u32 selectors)
{
	u64 bytes = (u64)b << 32 | a;

	return permute_byte(bytes, selectors) | permute_byte(bytes, selectors >> 4) << 8 |
	       permute_byte(bytes, selectors >> 8) << 16 | permute_byte(bytes, selectors >> 12) << 24;
}

/* The modes take two bits of the selector; their tables are those of the PTX manual. */
static const u16 modes_f4e[4] = {0x3210, 0x4321, 0x5432, 0x6543};
static const u16 modes_b4e[4] = {0x5670, 0x6701, 0x7012, 0x0123};
static const u16 modes_rc8[4] = {0x0000, 0x1111, 0x2222, 0x3333};
static const u16 modes_ecl[4] = {0x3210, 0x3211, 0x3222, 0x3333};
static const u16 modes_ecr[4] = {0x0000, 0x1110, 0x2210, 0x3210};
static const u16 modes_rc16[4] = {0x1010, 0x3232, 0x1010, 0x3232};

TERNARY(prmt, u32, u32, u32, u32, permute(a, b, c))
TERNARY(prmt_f4e, u32, u32, u32, u32, permute(a, b, modes_f4e[c & 3]))
TERNARY(prmt_b4e, u32, u32, u32, u32, permute(a, b, modes_b4e[c & 3]))
TERNARY(prmt_rc8, u32, u32, u32, u32, permute(a, b, modes_rc8[c & 3]))
TERNARY(prmt_ecl, u32, u32, u32, u32, permute(a, b, modes_ecl[c & 3]))
TERNARY(prmt_ecr, u32, u32, u32, u32, permute(a, b, modes_ecr[c & 3]))
TERNARY(prmt_rc16, u32, u32, u32, u32, permute(a, b, modes_rc16[c & 3]))

UNARY(popc_u32, u32, u32, __builtin_popcount(a))
UNARY(popc_u64, u32, u64, __builtin_popcountll(a))
UNARY(clz_u32, u32, u32, a ? __builtin_clz(a) : 32)
UNARY(clz_u64, u32, u64, a ? __builtin_clzll(a) : 64)

static inline u32 reverse_u32(u32 x)
{
	x = (x >> 1 & 0x55555555) | (x & 0x55555555) << 1;
	x = (x >> 2 & 0x33333333) | (x & 0x33333333) << 2;
	x = (x >> 4 & 0x0f0f0f0f) | (x & 0x0f0f0f0f) << 4;
	return __builtin_bswap32(x);
}

UNARY(brev_u32, u32, u32, reverse_u32(a))
UNARY(brev_u64, u64, u64, (u64)reverse_u32((u32)a) << 32 | reverse_u32((u32)(a >> 32)))

/* Position of the highest bit that is not a copy of the sign; all ones when there is none. */
#define FIND(T, bits, CLZ, magnitude)                                                                                  \
	UNARY(bfind_##T, u32, T, magnitude ? (u32)(bits - 1 - CLZ(magnitude)) : CPU_ALL_LANES)                         \
	UNARY(bfind_shift_##T, u32, T, magnitude ? (u32)CLZ(magnitude) : CPU_ALL_LANES)
FIND(u32, 32, __builtin_clz, (a))
FIND(s32, 32, __builtin_clz, (u32)(a < 0 ? ~a : a))
FIND(u64, 64, __builtin_clzll, (a))
FIND(s64, 64, __builtin_clzll, (u64)(a < 0 ? ~a : a))

static inline u64 extract_unsigned(u64 value, u32 position, u32 length, u32 bits)
{
	u32 start = position & 0xff, count = length & 0xff;

	if (start >= bits || !count)
		return 0;
	value >>= start;
	return count >= bits ? value : value & (((u64)1 << count) - 1);
}

/* Bits beyond the value's top are copies of its sign. */
static inline u64 extract_signed(s64 value, u32 position, u32 length, u32 bits)
{
	u32 start = position & 0xff, count = length & 0xff;

	if (!count)
		return 0;
	value >>= start < bits ? start : bits - 1;
	if (count >= bits)
		return (u64)value;
	return (u64)((s64)((u64)value << (64 - count)) >> (64 - count));
}

static inline u64 insert(u64 field, u64 into, u32 position, u32 length, u32 bits)
{
	u32 start = position & 0xff, count = length & 0xff;
	u64 mask = count >= 64 ? UINT64_MAX : ((u64)1 << count) - 1;

	if (start >= bits)
		return into;
	return (into & ~(mask << start)) | (field & mask) << start;
}

/* The same in 32 bits, for vector code. */
static inline u32 extract_unsigned_u32(u32 value, u32 position, u32 length)
{
	u32 start = position & 0xff, count = length & 0xff;
	u32 mask = count < 32 ? (1u << (count & 31)) - 1 : UINT32_MAX;

	value = start < 32 ? value >> (start & 31) : 0;
	return value & mask;
}

static inline u32 extract_signed_u32(s32 value, u32 position, u32 length)
{
	u32 start = position & 0xff, count = length & 0xff;
	u32 unused = count < 32 ? 32 - count : 0;

	value >>= start < 32 ? start : 31;
	value = (s32)((u32)value << (unused & 31)) >> (unused & 31);
	return count ? (u32)value : 0;
}

TERNARY(bfe_u32, u32, u32, u32, u32, extract_unsigned_u32(a, b, c))
TERNARY(bfe_s32, u32, s32, u32, u32, extract_signed_u32(a, b, c))
TERNARY(bfe_u64, u64, u64, u32, u32, extract_unsigned(a, b, c, 64))
TERNARY(bfe_s64, u64, s64, u32, u32, extract_signed(a, b, c, 64))

LANE_FN(bfi_u32)
{
	const u32 *a = REGISTER(u32, 1), *b = REGISTER(u32, 2), *c = REGISTER(u32, 3), *e = REGISTER(u32, 4);

	LANES(u32, insert(a[i], b[i], c[i], e[i], 32));
	return insn + 1;
}

LANE_FN(bfi_u64)
{
	const u64 *a = REGISTER(u64, 1), *b = REGISTER(u64, 2);
	const u32 *c = REGISTER(u32, 3), *e = REGISTER(u32, 4);

	LANES(u64, insert(a[i], b[i], c[i], e[i], 64));
	return insn + 1;
}

static inline u32 bit_mask(u32 start, u32 count)
{
	u64 ones = count >= 32 ? UINT32_MAX : ((u64)1 << count) - 1;

	return start >= 32 ? 0 : (u32)(ones << start);
}

BINARY(bmsk_clamp, u32, u32, u32, bit_mask(a, b))
BINARY(bmsk_wrap, u32, u32, u32, bit_mask(a & 31, b & 31))

static inline u32 extend_from(u32 value, u32 bits, bool is_signed)
{
	if (bits >= 32)
		return value;
	if (!bits)
		return 0;
	return is_signed ? (u32)((s32)(value << (32 - bits)) >> (32 - bits)) : value & ((1u << bits) - 1);
}

BINARY(szext_clamp_u32, u32, u32, u32, extend_from(a, b, false))
BINARY(szext_clamp_s32, u32, u32, u32, extend_from(a, b, true))
BINARY(szext_wrap_u32, u32, u32, u32, extend_from(a, b & 31, false))
BINARY(szext_wrap_s32, u32, u32, u32, extend_from(a, b & 31, true))

/* The offset-th set bit of `bits` from `base` upwards (offset > 0) or downwards; 0 asks for `base` itself. */
static u32 find_nth_set(u32 bits, u32 base, s32 offset)
{
	s32 step = offset < 0 ? -1 : 1;
	u32 wanted = offset < 0 ? 0 - (u32)offset : offset ? (u32)offset : 1;

	for (s64 at = base; at >= 0 && at < 32; at += step) {
		if (bits >> at & 1 && !--wanted)
			return (u32)at;
		if (!offset)
			break;
	}
	return CPU_ALL_LANES;
}

LANE_FN(fns)
{
	const u32 *a = REGISTER(u32, 1), *b = REGISTER(u32, 2), *c = REGISTER(u32, 3);
	u32 *d = REGISTER(u32, 0);

	(void)warp;
	EACH_LANE(i, mask) d[i] = find_nth_set(a[i], b[i], (s32)c[i]);
	return insn + 1;
}
