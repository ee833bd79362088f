/* Logic, shifts, bit fields, permutation, selection. */
#include "conform.h"

static void logic(void)
{
	CASE("and.b16 %h0, %h1, %h2;", INTEGERS, H16, a.h & b.h);
	CASE("or.b32 %x0, %x1, %x2;", INTEGERS, X32, a.x | b.x);
	CASE("xor.b64 %l0, %l1, %l2;", INTEGERS, L64, a.l ^ b.l);
	CASE("not.b16 %h0, %h1;", INTEGERS, H16, ~a.h);
	CASE("not.b64 %l0, %l1;", INTEGERS, L64, ~a.l);
	CASE("cnot.b32 %x0, %x1;", INTEGERS, X32, a.x == 0);
	CASE("cnot.b64 %l0, %l1;", INTEGERS, L64, a.l == 0);
	CASE("setp.eq.u32 %p1, %x1, 0; setp.lt.u32 %p2, %x1, %x2; xor.pred %p3, %p1, %p2; not.pred %p0, %p3;", INTEGERS,
	     P1, !((a.x == 0) ^ (a.x < b.x)));
}

/* The manual's definition: for each bit, the table's entry for the bits of a, b and c. */
static u32 table_look(u32 a, u32 b, u32 c, u32 table)
{
	u32 result = 0;

	for (int i = 0; i < 32; i++)
		result |= (table >> ((a >> i & 1) << 2 | (b >> i & 1) << 1 | (c >> i & 1)) & 1) << i;
	return result;
}

/* All tables, on one set of operands for each of them and on many for some. */
static void tables(void)
{
	CASE("lop3.b32 %x0, %x1, %x2, %x3, 0x1e;", INTEGERS, X32, table_look(a.x, b.x, c.x, 0x1e));
	CASE("lop3.b32 %x0, %x1, %x2, %x3, 0xe8;", INTEGERS, X32, table_look(a.x, b.x, c.x, 0xe8));
	CASE("lop3.b32 %x0, %x1, %x2, %x3, 0xb4;", INTEGERS, X32, table_look(a.x, b.x, c.x, 0xb4));
	CASE("setp.lt.s32 %p1, %x1, %x2; lop3.or.b32 %x4|%p0, %x1, %x2, %x3, 0x80, %p1;", INTEGERS, P1,
	     (a.x & b.x & c.x) != 0 || a.sx < b.sx);
	CASE("setp.lt.s32 %p1, %x1, %x2; lop3.and.b32 %x4|%p0, %x1, %x2, %x3, 0x96, !%p1;", INTEGERS, P1,
	     (a.x ^ b.x ^ c.x) != 0 && !(a.sx < b.sx));
	CASE("setp.lt.s32 %p1, %x1, %x2; lop3.and.b32 %x0|%p1, %x1, %x2, %x3, 0x96, %p1;", INTEGERS, X32,
	     a.x ^ b.x ^ c.x);
	for (u32 table = 0; table < 256; table++) {
		char body[160];
		u64 x[32], y[32], z[32], result[32];

		for (u64 i = 0; i < 32; i++)
			x[i] = 0xf0f0a5 * (i + 1), y[i] = 0xcccc99 + i * 0x1234567, z[i] = 0xaaaa66 ^ i << 20;
		snprintf(body, sizeof(body), "lop3.b32 %%x0, %%x1, %%x2, %%x3, %u;", table);
		body_run(body, false, x, y, z, result);
		for (int i = 0; i < 32; i++)
			ck_assert_uint_eq(result[i], table_look((u32)x[i], (u32)y[i], (u32)z[i], table));
	}
}

static u64 funnel(u32 low, u32 high)
{
	return (u64)high << 32 | low;
}

static void shifts(void)
{
	CASE("shl.b16 %h0, %h1, %x2;", INTEGERS, H16, b.x > 15 ? 0 : a.h << b.x);
	CASE("shl.b32 %x0, %x1, %x2;", INTEGERS, X32, b.x > 31 ? 0 : a.x << b.x);
	CASE("shl.b64 %l0, %l1, %x2;", INTEGERS, L64, b.x > 63 ? 0 : a.l << b.x);
	CASE("shr.u16 %h0, %h1, %x2;", INTEGERS, H16, b.x > 15 ? 0 : a.h >> b.x);
	CASE("shr.s16 %h0, %h1, %x2;", INTEGERS, H16, a.sh >> (b.x > 15 ? 15 : b.x));
	CASE("shr.u32 %x0, %x1, %x2;", INTEGERS, X32, b.x > 31 ? 0 : a.x >> b.x);
	CASE("shr.s32 %x0, %x1, %x2;", INTEGERS, X32, a.sx >> (b.x > 31 ? 31 : b.x));
	CASE("shr.b64 %l0, %l1, %x2;", INTEGERS, L64, b.x > 63 ? 0 : a.l >> b.x);
	CASE("shr.s64 %l0, %l1, %x2;", INTEGERS, L64, a.sl >> (b.x > 63 ? 63 : b.x));
	CASE("shf.l.wrap.b32 %x0, %x1, %x2, %x3;", INTEGERS, X32, funnel(a.x, b.x) << (c.x & 31) >> 32);
	CASE("shf.r.wrap.b32 %x0, %x1, %x2, %x3;", INTEGERS, X32, funnel(a.x, b.x) >> (c.x & 31));
	CASE("shf.l.clamp.b32 %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     c.x > 31 ? a.x : funnel(a.x, b.x) << (c.x & 31) >> 32);
	CASE("shf.r.clamp.b32 %x0, %x1, %x2, %x3;", INTEGERS, X32, c.x > 31 ? b.x : funnel(a.x, b.x) >> (c.x & 31));
}

static u32 highest(u64 value)
{
	u32 at = 0;

	if (!value)
		return UINT32_MAX;
	while (value >>= 1)
		at++;
	return at;
}

static u64 reversed(u64 value, int bits)
{
	u64 result = 0;

	for (int i = 0; i < bits; i++)
		result |= (value >> i & 1) << (bits - 1 - i);
	return result;
}

static u32 population(u64 value)
{
	u32 count = 0;

	for (; value; value &= value - 1)
		count++;
	return count;
}

/* bfe bit by bit, as the manual has it. */
static u64 field(u64 value, u32 position, u32 length, int bits, bool is_signed)
{
	u64 result = 0, sign;
	u32 start = position & 0xff, count = length & 0xff;
	u32 top = start + count - 1 < (u32)bits - 1 ? start + count - 1 : (u32)bits - 1;

	sign = is_signed && count ? value >> top & 1 : 0;
	for (int i = 0; i < bits; i++) {
		u64 bit = (u32)i < count && start + (u32)i < (u32)bits ? value >> (start + (u32)i) & 1 : sign;

		result |= bit << i;
	}
	return result;
}

static u64 inserted(u64 a, u64 b, u32 position, u32 length, u32 bits)
{
	u32 start = position & 0xff, count = length & 0xff;

	for (u32 i = 0; i < count && start + i < bits; i++)
		b = (b & ~((u64)1 << (start + i))) | (a >> i & 1) << (start + i);
	return b;
}

static void fields(void)
{
	CASE("bfind.u32 %x0, %x1;", INTEGERS, X32, highest(a.x));
	CASE("bfind.s32 %x0, %x1;", INTEGERS, X32, highest(a.sx < 0 ? ~a.x : a.x));
	CASE("bfind.u64 %x0, %l1;", INTEGERS, X32, highest(a.l));
	CASE("bfind.s64 %x0, %l1;", INTEGERS, X32, highest(a.sl < 0 ? ~a.l : a.l));
	CASE("bfind.shiftamt.u32 %x0, %x1;", INTEGERS, X32, a.x ? 31 - highest(a.x) : UINT32_MAX);
	CASE("bfind.shiftamt.s64 %x0, %l1;", INTEGERS, X32,
	     highest(a.sl < 0 ? ~a.l : a.l) == UINT32_MAX ? UINT32_MAX : 63 - highest(a.sl < 0 ? ~a.l : a.l));
	CASE("clz.b32 %x0, %x1;", INTEGERS, X32, a.x ? 31 - highest(a.x) : 32);
	CASE("clz.b64 %x0, %l1;", INTEGERS, X32, a.l ? 63 - highest(a.l) : 64);
	CASE("popc.b32 %x0, %x1;", INTEGERS, X32, population(a.x));
	CASE("popc.b64 %x0, %l1;", INTEGERS, X32, population(a.l));
	CASE("brev.b32 %x0, %x1;", INTEGERS, X32, reversed(a.x, 32));
	CASE("brev.b64 %l0, %l1;", INTEGERS, L64, reversed(a.l, 64));
	/* Positions and lengths beyond 255 are not defined. */
#define BYTES "and.b32 %x4, %x2, 255; and.b32 %x5, %x3, 255; "
	CASE(BYTES "bfe.u32 %x0, %x1, %x4, %x5;", INTEGERS, X32, field(a.x, b.x, c.x, 32, false));
	CASE(BYTES "bfe.s32 %x0, %x1, %x4, %x5;", INTEGERS, X32, field(a.x, b.x, c.x, 32, true));
	CASE(BYTES "bfe.u64 %l0, %l1, %x4, %x5;", INTEGERS, L64, field(a.l, b.x, c.x, 64, false));
	CASE(BYTES "bfe.s64 %l0, %l1, %x4, %x5;", INTEGERS, L64, field(a.l, b.x, c.x, 64, true));
	CASE(BYTES "bfi.b32 %x0, %x1, %x2, %x5, 7;", INTEGERS, X32, inserted(a.x, b.x, c.x, 7, 32));
	CASE(BYTES "bfi.b32 %x0, %x1, %x2, 5, %x5;", INTEGERS, X32, inserted(a.x, b.x, 5, c.x, 32));
	CASE(BYTES "bfi.b64 %l0, %l1, %l2, %x5, 33;", INTEGERS, L64, inserted(a.l, b.l, c.x, 33, 64));
	CASE(BYTES "bfi.b64 %l0, %l1, %l2, 3, %x5;", INTEGERS, L64, inserted(a.l, b.l, 3, c.x, 64));
}

static u32 ones(u32 start, u32 count)
{
	u32 result = 0;

	for (u32 i = 0; i < 32; i++)
		result |= (u32)(i >= start && i < (u64)start + count) << i;
	return result;
}

static u32 extended(u32 value, u32 bits, bool is_signed)
{
	if (!bits)
		return 0;
	if (bits > 31)
		return value;
	return is_signed && value >> (bits - 1) & 1 ? value | UINT32_MAX << bits : value & ~(UINT32_MAX << bits);
}

/* fns as the manual's pseudocode has it. */
static u32 nth_set(u32 mask, u32 base, s32 offset)
{
	s32 count = offset < 0 ? offset == INT32_MIN ? INT32_MAX : -offset : offset, found = 0;

	if (!offset)
		return base < 32 && mask >> base & 1 ? base : UINT32_MAX;
	for (s64 at = base; at >= 0 && at<32; at += offset> 0 ? 1 : -1)
		if (mask >> at & 1 && ++found == count)
			return (u32)at;
	return UINT32_MAX;
}

static void masks(void)
{
	CASE("bmsk.clamp.b32 %x0, %x1, %x2;", INTEGERS, X32, ones(a.x, b.x));
	CASE("bmsk.wrap.b32 %x0, %x1, %x2;", INTEGERS, X32, ones(a.x & 31, b.x & 31));
	CASE("szext.clamp.u32 %x0, %x1, %x2;", INTEGERS, X32, extended(a.x, b.x, false));
	CASE("szext.clamp.s32 %x0, %x1, %x2;", INTEGERS, X32, extended(a.x, b.x, true));
	CASE("szext.wrap.u32 %x0, %x1, %x2;", INTEGERS, X32, extended(a.x, b.x & 31, false));
	CASE("szext.wrap.s32 %x0, %x1, %x2;", INTEGERS, X32, extended(a.x, b.x & 31, true));
	CASE("and.b32 %x4, %x2, 31; fns.b32 %x0, %x1, %x4, 3;", INTEGERS, X32, nth_set(a.x, b.x & 31, 3));
	CASE("and.b32 %x4, %x2, 31; fns.b32 %x0, %x1, %x4, -2;", INTEGERS, X32, nth_set(a.x, b.x & 31, -2));
	CASE("and.b32 %x4, %x2, 31; fns.b32 %x0, %x1, %x4, 0;", INTEGERS, X32, nth_set(a.x, b.x & 31, 0));
	CASE("and.b32 %x4, %x2, 31; bfe.s32 %x5, %x3, 0, 7; fns.b32 %x0, %x1, %x4, %x5;", INTEGERS, X32,
	     nth_set(a.x, b.x & 31, (s32)(c.x << 25) >> 25));
}

static u32 byte_at(u32 a, u32 b, u32 selector)
{
	u32 byte = (u32)(funnel(a, b) >> 8 * (selector & 7)) & 0xff;

	return selector & 8 ? (byte & 0x80 ? 0xff : 0) : byte;
}

static u32 permuted(u32 a, u32 b, u32 selectors)
{
	u32 result = 0;

	for (int i = 0; i < 4; i++)
		result |= byte_at(a, b, selectors >> 4 * i & 15) << 8 * i;
	return result;
}

static u32 selectors_of(const char *table, u32 n)
{
	return (u32)strtoul(table + 5 * (n & 3), NULL, 16);
}

static void permutation(void)
{
	CASE("prmt.b32 %x0, %x1, %x2, %x3;", INTEGERS, X32, permuted(a.x, b.x, c.x));
	CASE("prmt.b32 %x0, %x1, %x2, 0x7a2e;", INTEGERS, X32, permuted(a.x, b.x, 0x7a2e));
	CASE("prmt.b32.f4e %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     permuted(a.x, b.x, selectors_of("3210 4321 5432 6543", c.x)));
	CASE("prmt.b32.b4e %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     permuted(a.x, b.x, selectors_of("5670 6701 7012 0123", c.x)));
	CASE("prmt.b32.rc8 %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     permuted(a.x, b.x, selectors_of("0000 1111 2222 3333", c.x)));
	CASE("prmt.b32.ecl %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     permuted(a.x, b.x, selectors_of("3210 3211 3222 3333", c.x)));
	CASE("prmt.b32.ecr %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     permuted(a.x, b.x, selectors_of("0000 1110 2210 3210", c.x)));
	CASE("prmt.b32.rc16 %x0, %x1, %x2, %x3;", INTEGERS, X32,
	     permuted(a.x, b.x, selectors_of("1010 3232 1010 3232", c.x)));
}

static void moves(void)
{
	CASE("mov.b64 %l0, {%x1, %x2};", INTEGERS, L64, funnel(a.x, b.x));
	CASE("mov.b64 {%x4, %x5}, %l1; sub.u32 %x0, %x5, %x4;", INTEGERS, X32, (u32)(a.l >> 32) - a.x);
	CASE("mov.b64 {%h4, %h5, %h6, %h7}, %l1; mov.b64 %l0, {%h7, %h6, %h5, %h4};", INTEGERS, L64,
	     a.l >> 48 | (a.l >> 32 & 0xffff) << 16 | (a.l >> 16 & 0xffff) << 32 | a.l << 48);
	CASE("mov.b32 {%h4, %h5}, %x1; mov.b32 %x0, {%h5, %h4};", INTEGERS, X32, a.x << 16 | a.x >> 16);
	CASE("{ .reg .b128 %q; mov.b128 %q, {%l1, %l2}; mov.b128 {%x4, %x5, %x6, %x7}, %q; mov.b64 %l0, {%x7, %x5}; }",
	     INTEGERS, L64, b.l >> 32 | (a.l >> 32) << 32);
	CASE("{ .reg .b128 %q<3>; mov.b128 %q1, {%x1, %x2, %x3, %x1}; mov.b128 %q2, %q1; mov.b128 {_, %l0}, %q2; }",
	     INTEGERS, L64, funnel(c.x, a.x));
	CASE("{ .reg .v4 .b32 v; mov.v4.b32 v, {%x1, %x2, %x3, %x1}; mov.v2.b32 {v.x, v.y}, {v.y, v.x}; "
	     "sub.u32 %x0, v.r, v.z; }",
	     INTEGERS, X32, b.x - c.x);
	CASE("setp.lt.s32 %p1, %x1, %x2; selp.b16 %h0, %h1, %h3, %p1;", INTEGERS, H16, a.sx < b.sx ? a.h : c.h);
	CASE("setp.lt.s64 %p1, %l1, %l2; selp.u64 %l0, %l1, %l3, %p1;", INTEGERS, L64, a.sl < b.sl ? a.l : c.l);
	CASE("slct.u32.s32 %x0, %x1, %x2, %x3;", INTEGERS, X32, c.sx >= 0 ? a.x : b.x);
	CASE("slct.b64.s32 %l0, %l1, %l2, %x3;", INTEGERS, L64, c.sx >= 0 ? a.l : b.l);
	CASE("slct.b16.f32 %h0, %h1, %h2, %f3;", SINGLES, H16, c.f >= 0 ? a.h : b.h);
	CASE("slct.ftz.u32.f32 %x0, %x1, %x2, %f3;", SINGLES, X32, flushed(c.f) >= 0 ? a.x : b.x);
}

void conform_bits(void)
{
	logic();
	tables();
	shifts();
	fields();
	masks();
	permutation();
	moves();
}
