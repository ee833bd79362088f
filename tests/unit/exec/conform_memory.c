/* Loads, stores and atomic operations on memory that belongs to one thread each. */
#include "conform.h"

#define PAIR(low, high) ((u64)(u32)(low) | (u64)(u32)(high) << 32)

/* What was there (32 bits), and what is there now. */
#define BOTH " ld.global.u32 %x5, [%l16]; mov.b64 %l0, {%x4, %x5};"

static u32 smaller(u32 a, u32 b)
{
	return a < b ? a : b;
}

static void words(void)
{
	CASE("atom.global.add.u32 %x4, [%l16], %x2;" BOTH, INTEGERS, L64, PAIR(a.x, a.x + b.x));
	CASE("atom.global.and.b32 %x4, [%l16], %x2;" BOTH, INTEGERS, L64, PAIR(a.x, a.x & b.x));
	CASE("atom.global.or.b32 %x4, [%l16], %x2;" BOTH, INTEGERS, L64, PAIR(a.x, a.x | b.x));
	CASE("atom.global.xor.b32 %x4, [%l16], %x2;" BOTH, INTEGERS, L64, PAIR(a.x, a.x ^ b.x));
	CASE("atom.global.exch.b32 %x4, [%l16], %x2;" BOTH, INTEGERS, L64, PAIR(a.x, b.x));
	CASE("atom.global.min.u32 %x4, [%l16], %x2;" BOTH, INTEGERS, L64, PAIR(a.x, smaller(a.x, b.x)));
	CASE("atom.global.max.u32 %x4, [%l16], %x2;" BOTH, INTEGERS, L64, PAIR(a.x, a.x > b.x ? a.x : b.x));
	CASE("atom.global.min.s32 %x4, [%l16], %x2;" BOTH, INTEGERS, L64, PAIR(a.x, a.sx < b.sx ? a.sx : b.sx));
	CASE("atom.global.max.s32 %x4, [%l16], %x2;" BOTH, INTEGERS, L64, PAIR(a.x, a.sx > b.sx ? a.sx : b.sx));
	CASE("atom.global.inc.u32 %x4, [%l16], %x2;" BOTH, INTEGERS, L64, PAIR(a.x, a.x >= b.x ? 0 : a.x + 1));
	CASE("atom.global.dec.u32 %x4, [%l16], %x2;" BOTH, INTEGERS, L64,
	     PAIR(a.x, a.x == 0 || a.x > b.x ? b.x : a.x - 1));
	CASE("atom.global.cas.b32 %x4, [%l16], %x2, %x3;" BOTH, INTEGERS, L64, PAIR(a.x, a.x == b.x ? c.x : a.x));
	CASE("atom.global.cas.b16 %h4, [%l16], %h2, %h3; cvt.u32.u16 %x4, %h4;" BOTH, INTEGERS, L64,
	     PAIR(a.h, (a.x & 0xffff0000) | (a.h == b.h ? c.h : a.h)));
	CASE("red.global.add.u32 [%l16], %x2; mov.u32 %x4, 0;" BOTH, INTEGERS, L64, PAIR(0, a.x + b.x));
	CASE("red.global.max.s32 [%l16], %x2; mov.u32 %x4, 0;" BOTH, INTEGERS, L64, PAIR(0, a.sx > b.sx ? a.sx : b.sx));
}

/* The old value is what the thread had. */
#define NOW " ld.global.u64 %l0, [%l16]; setp.ne.u64 %p1, %l4, %l1; @%p1 not.b64 %l0, %l0;"

static void long_words(void)
{
	CASE("atom.global.add.u64 %l4, [%l16], %l2;" NOW, INTEGERS, L64, a.l + b.l);
	CASE("atom.global.min.s64 %l4, [%l16], %l2;" NOW, INTEGERS, L64, a.sl < b.sl ? a.sl : b.sl);
	CASE("atom.global.max.u64 %l4, [%l16], %l2;" NOW, INTEGERS, L64, a.l > b.l ? a.l : b.l);
	CASE("atom.global.xor.b64 %l4, [%l16], %l2;" NOW, INTEGERS, L64, a.l ^ b.l);
	CASE("atom.global.exch.b64 %l4, [%l16], %l2;" NOW, INTEGERS, L64, b.l);
	CASE("atom.global.cas.b64 %l4, [%l16], %l2, %l3;" NOW, INTEGERS, L64, a.l == b.l ? c.l : a.l);
	CASE("atom.global.add.f64 %d4, [%l16], %d2; ld.global.f64 %d0, [%l16];", DOUBLES, F64, bits_f64(a.d + b.d));
}

/* Of f32, global memory flushes what is subnormal and shared memory does not. */
#define SHARED                                                                                                         \
	"{ .shared .align 16 .b8 own[4096]; mov.u32 %x8, %tid.x; shl.b32 %x8, %x8, 4; mov.u32 %x9, own; "              \
	"add.u32 %x8, %x8, %x9; "

static u32 sum(const struct format *format, u32 a, u32 b)
{
	return format_round(format, format_value(format, a) + format_value(format, b)) & 0xffff;
}

static u32 sums(const struct format *format, u32 a, u32 b)
{
	return sum(format, a & 0xffff, b & 0xffff) | sum(format, a >> 16, b >> 16) << 16;
}

static u32 lower(const struct format *format, u32 a, u32 b)
{
	double x = format_value(format, a & 0xffff), y = format_value(format, b & 0xffff);

	if (isnan(x) || isnan(y))
		return (isnan(x) ? b : a) & 0xffff;
	return (x == y ? a | b : x < y ? a : b) & 0xffff;
}

static void floats(void)
{
	CASE("atom.global.add.f32 %f4, [%l16], %f2; ld.global.f32 %f0, [%l16];", SINGLES, F32,
	     bits_f32(flushed(flushed(a.f) + flushed(b.f))));
	CASE(SHARED "st.shared.f32 [%x8], %f1; atom.shared.add.f32 %f4, [%x8], %f2; ld.shared.f32 %f0, [%x8]; }",
	     SINGLES, F32, bits_f32(a.f + b.f));
	CASE("red.global.v2.f32.add [%l16], {%f2, %f3}; ld.global.f32 %f0, [%l16+4];", SINGLES, F32,
	     bits_f32(flushed(flushed(f32_of((u32)(a.l >> 32))) + flushed(c.f))));
	CASE("atom.global.add.noftz.f16 %h4, [%l16], %h2; ld.global.b16 %h0, [%l16];", HALVES, F16,
	     sum(&half, a.h, b.h));
	CASE("atom.global.add.noftz.bf16 %h4, [%l16], %h2; ld.global.b16 %h0, [%l16];", BRAINS, BF16,
	     sum(&brain, a.h, b.h));
	CASE("atom.global.add.noftz.f16x2 %x4, [%l16], %x2; ld.global.b32 %x0, [%l16];", HALVES, F16X2,
	     sums(&half, a.x, b.x));
	CASE("atom.global.add.noftz.bf16x2 %x4, [%l16], %x2; ld.global.b32 %x0, [%l16];", BRAINS, BF16X2,
	     sums(&brain, a.x, b.x));
	CASE("atom.global.v2.f16.min.noftz {%h4, %h5}, [%l16], {%h2, %h3}; ld.global.b32 %x0, [%l16];", HALVES, F16X2,
	     lower(&half, a.x, b.x) | lower(&half, a.x >> 16, c.x) << 16);
	CASE("red.global.v2.bf16.max.noftz [%l16], {%h2, %h3}; ld.global.b32 %x0, [%l16];", BRAINS, BF16X2,
	     (lower(&brain, a.x ^ 0x8000, b.x ^ 0x8000) ^ 0x8000) |
		 (lower(&brain, a.x >> 16 ^ 0x8000, c.x ^ 0x8000) ^ 0x8000) << 16);
}

#define WIDE "{ .reg .b128 %q<4>; mov.b128 %q0, {%l1, %l2}; mov.b128 %q1, {%l2, %l3}; "

static void wide_words(void)
{
	CASE(SHARED WIDE "st.shared.b128 [%x8], %q0; ld.shared.b64 %l0, [%x8+8]; } }", INTEGERS, L64, b.l);
	CASE(SHARED WIDE "st.shared.v2.b64 [%x8], {%l1, %l2}; ld.shared.b128 %q2, [%x8]; mov.b128 {%l4, %l5}, %q2; "
			 "sub.u64 %l0, %l5, %l4; } }",
	     INTEGERS, L64, b.l - a.l);
	CASE(SHARED WIDE "st.shared.b128 [%x8], %q0; atom.shared.exch.b128 %q2, [%x8], %q1; ld.shared.b128 %q3, [%x8]; "
			 "mov.b128 {%l4, %l5}, %q2; mov.b128 {%l6, %l7}, %q3; sub.u64 %l4, %l4, %l5; sub.u64 %l6, %l6, "
			 "%l7; xor.b64 %l0, %l4, %l6; } }",
	     INTEGERS, L64, (a.l - b.l) ^ (b.l - c.l));
	/* Compared with {b, b}: the new value is {b, c}. */
	CASE(SHARED WIDE
	     "st.shared.b128 [%x8], %q0; mov.b128 %q2, {%l2, %l2}; cvta.shared.u64 %l4, %l4; cvt.u64.u32 %l4, "
	     "%x8; cvta.shared.u64 %l4, %l4; atom.cas.b128 %q3, [%l4], %q2, %q1; ld.shared.b64 %l0, [%x8+8]; "
	     "} }",
	     INTEGERS, L64, a.l == b.l ? c.l : b.l);
	CASE("{ .global .align 16 .b8 cell[524288]; mov.u64 %l4, cell; mul.wide.u32 %l5, %x15, 16; add.u64 %l4, %l4, "
	     "%l5; " WIDE "st.global.b128 [%l4], %q0; atom.global.cas.b128 %q3, [%l4], %q0, %q1; ld.global.b64 %l0, "
	     "[%l4+8]; } }",
	     INTEGERS, L64, c.l);
}

static void spaces(void)
{
	CASE("isspacep.global %p0, %l16;", INTEGERS, P1, a.l == a.l);
	CASE(SHARED "cvt.u64.u32 %l4, %x8; cvta.shared.u64 %l4, %l4; isspacep.shared %p0, %l4; }", INTEGERS, P1,
	     a.l == a.l);
	CASE(SHARED "cvt.u64.u32 %l4, %x8; cvta.shared.u64 %l4, %l4; isspacep.global %p0, %l4; }", INTEGERS, P1,
	     a.l != a.l);
	CASE("{ .const .align 8 .b8 table[64]; mov.u64 %l4, table; isspacep.const %p0, %l4; }", INTEGERS, P1,
	     a.l == a.l);
	CASE("{ .const .align 8 .b8 table[64]; mov.u64 %l4, table; isspacep.global %p0, %l4; }", INTEGERS, P1,
	     a.l != a.l);
	CASE("{ .local .align 8 .b8 own[64]; mov.u64 %l4, own; cvta.local.u64 %l4, %l4; isspacep.local %p0, %l4; }",
	     INTEGERS, P1, a.l == a.l);
}

/* Two pieces of the stack for each thread, of sizes that differ; the second is given back and taken again. */
static void stack(void)
{
	CASE("and.b64 %l4, %l1, 48; add.u64 %l4, %l4, 8; alloca.u64 %l5, %l4, 8; stacksave.u64 %l7; "
	     "alloca.u64 %l6, 16, 16; st.local.u64 [%l5], %l2; st.local.u64 [%l6+8], %l3; stackrestore.u64 %l7; "
	     "alloca.u64 %l8, 16, 16; sub.u64 %l9, %l8, %l6; ld.local.u64 %l10, [%l5]; ld.local.u64 %l11, [%l8+8]; "
	     "sub.u64 %l10, %l10, %l11; add.u64 %l0, %l10, %l9;",
	     INTEGERS, L64, b.l - c.l);
	CASE(
	    "alloca.u64 %l5, 24, 64; and.b64 %l6, %l5, 63; st.local.v2.u32 [%l5], {%x1, %x2}; ld.local.u64 %l7, [%l5]; "
	    "add.u64 %l0, %l6, %l7;",
	    INTEGERS, L64, PAIR(a.x, b.x));
}

void conform_memory_accesses(void)
{
	words();
	long_words();
	floats();
	wide_words();
	spaces();
	stack();
}
