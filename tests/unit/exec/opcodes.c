/* Instructions whose results are easy to get wrong: each case is one instruction with constant operands. */
#include "harness.h"

struct one {
	const char *body;
	uint64_t a, b, c, want; /* 64 bits when the body writes %l0 */
};

static void cases_check(const struct one *cases, size_t count)
{
	for (size_t n = 0; n < count; n++) {
		uint64_t a[32], b[32], c[32], result[32];

		for (int i = 0; i < 32; i++)
			a[i] = cases[n].a, b[i] = cases[n].b, c[i] = cases[n].c;
		body_run(cases[n].body, strstr(cases[n].body, "%l0"), a, b, c, result);
		for (int i = 0; i < 32; i++)
			ck_assert_msg(result[i] == cases[n].want, "%s (%llx, %llx, %llx): %llx, should be %llx",
				      cases[n].body, (unsigned long long)a[i], (unsigned long long)b[i],
				      (unsigned long long)c[i], (unsigned long long)result[i],
				      (unsigned long long)cases[n].want);
	}
}

#define CHECK_CASES(...)                                                                                               \
	do {                                                                                                           \
		static const struct one cases_[] = {__VA_ARGS__};                                                      \
		cases_check(cases_, sizeof(cases_) / sizeof(*cases_));                                                 \
	} while (0)

#define ONES UINT32_MAX
#define NAN32 0x7fc00000u
#define INF32 0x7f800000u
#define ONE32 0x3f800000u
#define TWO32 0x40000000u
#define MINUS_ZERO 0x80000000u
#define SELECT " selp.u32 %x0, 1, 0, %p1;"

START_TEST(comparisons_with_nan)
{
	CHECK_CASES({"setp.ne.f32 %p1, %f1, %f2;" SELECT, NAN32, NAN32, 0, 0},
		    {"setp.ne.f32 %p1, %f1, %f2;" SELECT, ONE32, TWO32, 0, 1},
		    {"setp.neu.f32 %p1, %f1, %f2;" SELECT, NAN32, NAN32, 0, 1},
		    {"setp.eq.f32 %p1, %f1, %f2;" SELECT, NAN32, NAN32, 0, 0},
		    {"setp.equ.f32 %p1, %f1, %f2;" SELECT, NAN32, ONE32, 0, 1},
		    {"setp.lt.f32 %p1, %f1, %f2;" SELECT, NAN32, ONE32, 0, 0},
		    {"setp.ltu.f32 %p1, %f1, %f2;" SELECT, NAN32, ONE32, 0, 1},
		    {"setp.leu.f32 %p1, %f1, %f2;" SELECT, TWO32, ONE32, 0, 0},
		    {"setp.gtu.f32 %p1, %f1, %f2;" SELECT, ONE32, TWO32, 0, 0},
		    {"setp.geu.f32 %p1, %f1, %f2;" SELECT, ONE32, NAN32, 0, 1},
		    {"setp.num.f32 %p1, %f1, %f2;" SELECT, ONE32, NAN32, 0, 0},
		    {"setp.nan.f32 %p1, %f1, %f2;" SELECT, ONE32, NAN32, 0, 1},
		    {"setp.eq.f32 %p1, %f1, %f2;" SELECT, 0, MINUS_ZERO, 0, 1},
		    {"setp.ne.ftz.f32 %p1, %f1, %f2;" SELECT, 1, 0, 0, 0},
		    {"setp.ne.f32 %p1, %f1, %f2;" SELECT, 1, 0, 0, 1},
		    {"set.gt.u32.f32 %x0, %f1, %f2;", TWO32, ONE32, 0, ONES},
		    {"set.gt.f32.s32 %f4, %x1, %x2; mov.b32 %x0, %f4;", 2, ONES, 0, ONE32},
		    {"slct.u32.f32 %x0, %x1, %x2, %f3;", 5, 6, NAN32, 6},
		    {"slct.u32.f32 %x0, %x1, %x2, %f3;", 5, 6, MINUS_ZERO, 5},
		    {"slct.u32.s32 %x0, %x1, %x2, %x3;", 5, 6, ONES, 6});
}
END_TEST

START_TEST(comparisons_with_predicates)
{
	CHECK_CASES({"setp.lt.s32 %p2|%p1, %x1, %x2;" SELECT, 1, 2, 0, 0},
		    {"setp.lt.s32 %p1|%p2, %x1, %x2;" SELECT, ONES, 2, 0, 1},
		    {"setp.lt.u32 %p1, %x1, %x2;" SELECT, ONES, 2, 0, 0},
		    {"setp.lo.u32 %p1, %x1, %x2;" SELECT, 1, 2, 0, 1},
		    {"setp.eq.u32 %p2, %x3, 0; setp.lt.and.s32 %p1, %x1, %x2, !%p2;" SELECT, 1, 2, 0, 0},
		    {"setp.eq.u32 %p2, %x3, 0; setp.lt.xor.s32 %p1, %x1, %x2, %p2;" SELECT, 3, 2, 0, 1},
		    {"setp.eq.u32 %p1, %x3, 0; setp.lt.or.s32 %p1|%p2, %x1, %x2, %p1;" SELECT, 3, 2, 0, 1},
		    {"setp.eq.s16 %p1, %h1, %h2;" SELECT, 0x10001, 0x20001, 0, 1},
		    {"setp.lt.s16 %p1, %h1, %h2;" SELECT, 0xffff, 1, 0, 1},
		    {"setp.gt.u64 %p1, %l1, %l2;" SELECT, UINT64_MAX, 1, 0, 1},
		    {"setp.gt.s64 %p1, %l1, %l2;" SELECT, UINT64_MAX, 1, 0, 0},
		    {"setp.eq.u32 %p1, %x1, 1; mov.u32 %x0, 7; @%p1 mov.u32 %x0, 8;", 1, 0, 0, 8},
		    {"setp.eq.u32 %p1, %x1, 1; mov.u32 %x0, 7; @!%p1 mov.u32 %x0, 8;", 1, 0, 0, 7},
		    {"testp.subnormal.f32 %p1, %f1;" SELECT, 1, 0, 0, 1},
		    {"testp.infinite.f32 %p1, %f1;" SELECT, INF32, 0, 0, 1});
}
END_TEST

START_TEST(votes)
{
	CHECK_CASES({"setp.eq.u32 %p2, %x1, 1; vote.sync.uni.pred %p1, %p2, -1;" SELECT, 1, 0, 0, 1},
		    {"setp.eq.u32 %p2, %x1, 1; vote.sync.uni.pred %p1, %p2, -1;" SELECT, 2, 0, 0, 1},
		    {"setp.eq.u32 %p2, %x15, 1; vote.sync.uni.pred %p1, %p2, -1;" SELECT, 1, 0, 0, 0},
		    {"setp.eq.u32 %p2, %x15, 1; vote.sync.any.pred %p1, %p2, -1;" SELECT, 1, 0, 0, 1},
		    {"setp.eq.u32 %p2, %x15, 1; vote.sync.all.pred %p1, !%p2, -1;" SELECT, 1, 0, 0, 0},
		    {"setp.lt.u32 %p2, %x15, 5; vote.sync.ballot.b32 %x0, %p2, -1;", 1, 0, 0, 31});
}
END_TEST

START_TEST(shifts)
{
	CHECK_CASES({"shl.b32 %x0, %x1, %x2;", 1, 32, 0, 0}, {"shl.b32 %x0, %x1, %x2;", 1, 31, 0, 0x80000000},
		    {"shl.b32 %x0, %x1, %x2;", 1, ONES, 0, 0}, {"shr.u32 %x0, %x1, %x2;", ONES, 32, 0, 0},
		    {"shr.s32 %x0, %x1, %x2;", 0x80000000, 100, 0, ONES},
		    {"shr.s32 %x0, %x1, %x2;", 0x7fffffff, 32, 0, 0}, {"shr.b32 %x0, %x1, %x2;", 0x80000000, 31, 0, 1},
		    {"shl.b64 %l0, %l1, %x2;", 1, 64, 0, 0}, {"shl.b64 %l0, %l1, %x2;", 1, 63, 0, 1ull << 63},
		    {"shr.s64 %l0, %l1, %x2;", 1ull << 63, 64, 0, UINT64_MAX},
		    {"shl.b16 %h4, %h1, %x2; cvt.u32.u16 %x0, %h4;", 1, 16, 0, 0},
		    {"shr.s16 %h4, %h1, %x2; cvt.u32.u16 %x0, %h4;", 0x8000, 20, 0, 0xffff},
		    {"shf.l.wrap.b32 %x0, %x1, %x2, %x3;", 0x80000000, 1, 33, 3},
		    {"shf.l.clamp.b32 %x0, %x1, %x2, %x3;", 5, 6, 40, 5},
		    {"shf.r.wrap.b32 %x0, %x1, %x2, %x3;", 2, 1, 1, 0x80000001},
		    {"shf.r.clamp.b32 %x0, %x1, %x2, %x3;", 5, 6, 32, 6});
}
END_TEST

START_TEST(division)
{
	CHECK_CASES({"div.u32 %x0, %x1, %x2;", 7, 0, 0, ONES}, {"div.s32 %x0, %x1, %x2;", 7, 0, 0, ONES},
		    {"rem.u32 %x0, %x1, %x2;", 7, 0, 0, ONES},
		    {"div.s32 %x0, %x1, %x2;", 0x80000000, ONES, 0, 0x80000000},
		    {"rem.s32 %x0, %x1, %x2;", 0x80000000, ONES, 0, 0},
		    {"div.s64 %l0, %l1, %l2;", 1ull << 63, UINT64_MAX, 0, 1ull << 63},
		    {"div.u64 %l0, %l1, %l2;", 1, 0, 0, UINT64_MAX},
		    {"rem.s32 %x0, %x1, %x2;", (uint32_t)-7, 3, 0, (uint32_t)-1},
		    {"abs.s32 %x0, %x1;", 0x80000000, 0, 0, 0x80000000}, {"abs.s32 %x0, %x1;", (uint32_t)-5, 0, 0, 5},
		    {"neg.s32 %x0, %x1;", 0x80000000, 0, 0, 0x80000000});
}
END_TEST

START_TEST(bit_fields)
{
	CHECK_CASES({"bfe.u32 %x0, %x1, %x2, %x3;", ONES, 3, 0, 0}, {"bfe.s32 %x0, %x1, %x2, %x3;", ONES, 3, 0, 0},
		    {"bfe.s32 %x0, %x1, %x2, %x3;", 0x80000000, 30, 8, 0xfffffffe},
		    {"bfe.s32 %x0, %x1, %x2, %x3;", 0x80000000, 40, 8, ONES},
		    {"bfe.u32 %x0, %x1, %x2, %x3;", 0x12345678, 8, 8, 0x56},
		    {"bfe.s32 %x0, %x1, %x2, %x3;", 0x0000f000, 12, 4, ONES},
		    {"bfe.u64 %l0, %l1, %x2, %x3;", UINT64_MAX, 60, 64, 15},
		    {"bfi.b32 %x0, %x1, %x2, %x3, 8;", 0xff, 0, 4, 0xff0},
		    {"bfi.b32 %x0, %x1, %x2, %x3, 8;", 0xff, 7, 32, 7}, {"bfind.u32 %x0, %x1;", 0, 0, 0, ONES},
		    {"bfind.s32 %x0, %x1;", ONES, 0, 0, ONES}, {"bfind.u32 %x0, %x1;", 0x100, 0, 0, 8},
		    {"bfind.shiftamt.u32 %x0, %x1;", 0x100, 0, 0, 23},
		    {"bfind.s64 %x0, %l1;", UINT64_MAX << 8, 0, 0, 7}, {"brev.b32 %x0, %x1;", 1, 0, 0, 0x80000000},
		    {"clz.b32 %x0, %x1;", 0, 0, 0, 32}, {"clz.b64 %x0, %l1;", 0, 0, 0, 64},
		    {"popc.b64 %x0, %l1;", UINT64_MAX, 0, 0, 64}, {"fns.b32 %x0, %x1, %x2, %x3;", 0xaa, 0, 2, 3},
		    {"fns.b32 %x0, %x1, %x2, -1;", 0xaa, 6, 0, 5}, {"bmsk.clamp.b32 %x0, %x1, %x2;", 4, 8, 0, 0xff0},
		    {"lop3.b32 %x0, %x1, %x2, %x3, 0xe8;", 0xff00, 0xf0f0, 0xcccc, 0xfcc0},
		    {"lop3.b32 %x0, %x1, %x2, %x3, 0x96;", 0xff00, 0xf0f0, 0xcccc, 0xff00 ^ 0xf0f0 ^ 0xcccc},
		    {"cnot.b32 %x0, %x1;", 0, 0, 0, 1});
}
END_TEST

START_TEST(bytes)
{
	CHECK_CASES({"prmt.b32 %x0, %x1, %x2, %x3;", 0x33221100, 0x77665544, 0x7531, 0x77553311},
		    {"prmt.b32 %x0, %x1, %x2, %x3;", 0x00008000, 0, 0x9998, 0xffffff00},
		    {"prmt.b32.f4e %x0, %x1, %x2, %x3;", 0x33221100, 0x77665544, 1, 0x44332211},
		    {"prmt.b32.b4e %x0, %x1, %x2, %x3;", 0x33221100, 0x77665544, 1, 0x66770011},
		    {"prmt.b32.rc8 %x0, %x1, %x2, %x3;", 0x33221100, 0, 2, 0x22222222},
		    {"prmt.b32.ecl %x0, %x1, %x2, %x3;", 0x33221100, 0, 1, 0x33221111},
		    {"prmt.b32.ecr %x0, %x1, %x2, %x3;", 0x33221100, 0, 1, 0x11111100},
		    {"prmt.b32.rc16 %x0, %x1, %x2, %x3;", 0x33221100, 0, 1, 0x33223322},
		    {"dp4a.s32.s32 %x0, %x1, %x2, %x3;", 0xff01ff01, 0x02020202, 5, 5},
		    {"dp4a.u32.u32 %x0, %x1, %x2, %x3;", 0xff01ff01, 0x02020202, 5, 1029},
		    {"dp2a.lo.s32.u32 %x0, %x1, %x2, %x3;", 0xffff0002, 0x00000305, 1, 8},
		    {"dp2a.hi.s32.u32 %x0, %x1, %x2, %x3;", 0xffff0002, 0x03050000, 1, 8});
}
END_TEST

START_TEST(products)
{
	CHECK_CASES(
	    {"mul24.hi.s32 %x0, %x1, %x2;", 0x00800000, 2, 0, 0xffffff00},
	    {"mul24.lo.s32 %x0, %x1, %x2;", 0xff000003, 0xffffffff, 0, (uint32_t)-3},
	    {"mul24.lo.u32 %x0, %x1, %x2;", 0xff000003, 2, 0, 6}, {"mul.hi.s32 %x0, %x1, %x2;", ONES, ONES, 0, 0},
	    {"mul.hi.u32 %x0, %x1, %x2;", ONES, ONES, 0, 0xfffffffe},
	    {"mul.hi.s64 %l0, %l1, %l2;", UINT64_MAX, 2, 0, UINT64_MAX},
	    {"mul.wide.s32 %l0, %x1, %x2;", ONES, 2, 0, (uint64_t)-2},
	    {"mul.wide.u16 %x0, %h1, %h2;", 0xffff, 0xffff, 0, 0xfffe0001},
	    {"mul.wide.s16 %x0, %h1, %h2;", 0xffff, 2, 0, (uint32_t)-2},
	    {"mad.wide.s32 %l0, %x1, %x2, %l3;", ONES, 2, 5, 3},
	    {"mad.hi.sat.s32 %x0, %x1, %x2, %x3;", 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff},
	    {"sad.s32 %x0, %x1, %x2, %x3;", (uint32_t)-3, 4, 10, 17}, {"sad.u32 %x0, %x1, %x2, %x3;", 4, 3, 1, 2},
	    {"add.sat.s32 %x0, %x1, %x2;", 0x7fffffff, 1, 0, 0x7fffffff},
	    {"sub.sat.s32 %x0, %x1, %x2;", 0x80000000, 1, 0, 0x80000000}, {"min.s32 %x0, %x1, %x2;", ONES, 1, 0, ONES},
	    {"max.u32 %x0, %x1, %x2;", ONES, 1, 0, ONES});
}
END_TEST

START_TEST(carry_chains)
{
	CHECK_CASES({"add.cc.u32 %x4, %x1, %x2; addc.u32 %x0, 0, 0;", ONES, 1, 0, 1},
		    {"add.cc.u32 %x4, %x1, %x2; addc.cc.u32 %x5, %x1, 0; addc.u32 %x0, 5, 0;", ONES, 1, 0, 6},
		    {"sub.cc.u32 %x4, %x1, %x2; subc.u32 %x0, %x3, 0;", 0, 1, 7, 6},
		    {"sub.cc.u32 %x4, %x1, %x2; subc.cc.u32 %x5, 0, 0; subc.u32 %x0, %x3, 0;", 0, 1, 7, 6},
		    {"mad.lo.cc.u32 %x4, %x1, %x2, 1; madc.hi.u32 %x0, %x1, %x2, 0;", ONES, ONES, 0, 0xfffffffe},
		    {"mad.lo.cc.u32 %x4, %x1, %x2, %x3; madc.hi.u32 %x0, %x1, %x2, 0;", ONES, ONES, ONES, 0xffffffff},
		    {"add.cc.u64 %l4, %l1, %l2; addc.u64 %l0, 0, 0;", UINT64_MAX, 1, 0, 1});
}
END_TEST

START_TEST(conversions)
{
	CHECK_CASES(
	    {"cvt.rzi.s32.f32 %x0, %f1;", 0x4f800000, 0, 0, 0x7fffffff}, {"cvt.rzi.s32.f32 %x0, %f1;", NAN32, 0, 0, 0},
	    {"cvt.rzi.u32.f32 %x0, %f1;", 0xbf800000, 0, 0, 0}, {"cvt.rni.s32.f32 %x0, %f1;", 0x40200000, 0, 0, 2},
	    {"cvt.rni.s32.f32 %x0, %f1;", 0x40600000, 0, 0, 4}, {"cvt.rpi.s32.f32 %x0, %f1;", 0x3dcccccd, 0, 0, 1},
	    {"cvt.rmi.s32.f32 %x0, %f1;", 0xbdcccccd, 0, 0, ONES}, {"cvt.rpi.ftz.s32.f32 %x0, %f1;", 1, 0, 0, 0},
	    {"cvt.rpi.s32.f32 %x0, %f1;", 1, 0, 0, 1}, {"cvt.rzi.s64.f32 %l0, %f1;", NAN32, 0, 0, 1ull << 63},
	    {"cvt.rzi.s32.f64 %x0, %d1;", 0x7ff8000000000000, 0, 0, 0x80000000},
	    {"cvt.rzi.u64.f64 %l0, %d1;", 0xbff0000000000000, 0, 0, 0},
	    {"cvt.rzi.u8.f32 %x0, %f1;", 0x43c80000, 0, 0, 255}, {"cvt.s32.s8 %x0, %x1;", 0x180, 0, 0, 0xffffff80},
	    {"cvt.u8.u32 %x0, %x1;", 0x1ff, 0, 0, 0xff}, {"cvt.s8.u32 %x0, %x1;", 0x1ff, 0, 0, ONES},
	    {"cvt.sat.u8.s32 %x0, %x1;", ONES, 0, 0, 0}, {"cvt.sat.s8.s32 %x0, %x1;", 1000, 0, 0, 127},
	    {"cvt.sat.s32.u32 %x0, %x1;", ONES, 0, 0, 0x7fffffff},
	    {"cvt.sat.u32.s64 %x0, %l1;", 1ull << 40, 0, 0, ONES}, {"cvt.s64.s32 %l0, %x1;", ONES, 0, 0, UINT64_MAX},
	    {"cvt.u64.u32 %l0, %x1;", ONES, 0, 0, ONES}, {"cvt.s64.s8 %l0, %x1;", 0x80, 0, 0, (uint64_t)-128},
	    {"cvt.rn.f32.u64 %f4, %l1; mov.b32 %x0, %f4;", UINT64_MAX, 0, 0, 0x5f800000},
	    {"cvt.rz.f32.u32 %f4, %x1; mov.b32 %x0, %f4;", ONES, 0, 0, 0x4f7fffff},
	    {"cvt.rp.f32.s32 %f4, %x1; mov.b32 %x0, %f4;", 0x1000001, 0, 0, 0x4b800001},
	    {"cvt.rm.f32.f64 %f4, %d1; mov.b32 %x0, %f4;", 0x3ff0000000000001, 0, 0, ONE32},
	    {"cvt.rp.f32.f64 %f4, %d1; mov.b32 %x0, %f4;", 0x3ff0000000000001, 0, 0, ONE32 + 1},
	    {"cvt.rni.f32.f32 %f4, %f1; mov.b32 %x0, %f4;", 0x40200000, 0, 0, TWO32},
	    {"cvt.sat.f32.f32 %f4, %f1; mov.b32 %x0, %f4;", NAN32, 0, 0, 0},
	    {"cvt.sat.f32.f32 %f4, %f1; mov.b32 %x0, %f4;", TWO32, 0, 0, ONE32},
	    {"cvt.ftz.f64.f32 %d4, %f1; mov.b64 %l0, %d4;", 0x80000001, 0, 0, 1ull << 63},
	    {"cvt.rn.f16.f32 %h4, %f1; cvt.u32.u16 %x0, %h4;", 0x477ff000, 0, 0, 0x7c00},
	    {"cvt.rn.f16.f32 %h4, %f1; cvt.u32.u16 %x0, %h4;", 0x33000000, 0, 0, 0},
	    {"cvt.rn.f16.f32 %h4, %f1; cvt.u32.u16 %x0, %h4;", 0x33000001, 0, 0, 1},
	    {"cvt.rz.f16.f32 %h4, %f1; cvt.u32.u16 %x0, %h4;", 0x47800000, 0, 0, 0x7bff},
	    {"cvt.f32.f16 %f4, %h1; mov.b32 %x0, %f4;", 0x3c00, 0, 0, ONE32},
	    {"cvt.f32.f16 %f4, %h1; mov.b32 %x0, %f4;", 0x0001, 0, 0, 0x33800000},
	    {"cvt.rn.bf16.f32 %h4, %f1; cvt.u32.u16 %x0, %h4;", 0x3f808000, 0, 0, 0x3f80},
	    {"cvt.rn.f16x2.f32 %x0, %f1, %f2;", ONE32, TWO32, 0, 0x3c004000});
}
END_TEST

START_TEST(float_special_values)
{
	CHECK_CASES({"min.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", NAN32, ONE32, 0, ONE32},
		    {"max.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", ONE32, NAN32, 0, ONE32},
		    {"min.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", 0, MINUS_ZERO, 0, MINUS_ZERO},
		    {"max.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", MINUS_ZERO, 0, 0, 0},
		    {"min.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", NAN32, NAN32, 0, 0x7fffffff},
		    {"min.NaN.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", NAN32, ONE32, 0, 0x7fffffff},
		    {"add.sat.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", NAN32, ONE32, 0, 0},
		    {"add.sat.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", ONE32, ONE32, 0, ONE32},
		    {"mul.ftz.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", 0x80000001, ONE32, 0, MINUS_ZERO},
		    {"mul.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", 0x80000001, ONE32, 0, 0x80000001},
		    {"add.rp.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", ONE32, 1, 0, ONE32 + 1},
		    {"add.rz.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", ONE32, 1, 0, ONE32},
		    {"sub.rm.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", ONE32, 1, 0, ONE32 - 1},
		    {"add.rn.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", ONE32, 1, 0, ONE32},
		    {"div.rp.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", ONE32, 0x40400000, 0, 0x3eaaaaab},
		    {"div.rm.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", ONE32, 0x40400000, 0, 0x3eaaaaaa},
		    {"fma.rn.f32 %f4, %f1, %f1, %f2; mov.b32 %x0, %f4;", 0x3f800001, 0xbf800002, 0, 0x28800000},
		    {"fma.rz.f64 %d4, %d1, %d1, %d2; mov.b64 %l0, %d4;", 0x3ff0000000000001, 0, 0, 0x3ff0000000000002},
		    {"fma.rp.f64 %d4, %d1, %d1, %d2; mov.b64 %l0, %d4;", 0x3ff0000000000001, 0, 0, 0x3ff0000000000003},
		    {"abs.f32 %f4, %f1; mov.b32 %x0, %f4;", MINUS_ZERO, 0, 0, 0},
		    {"neg.ftz.f32 %f4, %f1; mov.b32 %x0, %f4;", 1, 0, 0, MINUS_ZERO},
		    {"copysign.f32 %f4, %f1, %f2; mov.b32 %x0, %f4;", MINUS_ZERO, ONE32, 0, 0xbf800000},
		    {"ex2.approx.f32 %f4, %f1; mov.b32 %x0, %f4;", ONE32, 0, 0, TWO32},
		    {"lg2.approx.f32 %f4, %f1; mov.b32 %x0, %f4;", TWO32, 0, 0, ONE32},
		    {"rcp.approx.ftz.f32 %f4, %f1; mov.b32 %x0, %f4;", TWO32, 0, 0, 0x3f000000},
		    {"rsqrt.approx.f32 %f4, %f1; mov.b32 %x0, %f4;", 0x40800000, 0, 0, 0x3f000000},
		    {"sin.approx.f32 %f4, %f1; mov.b32 %x0, %f4;", MINUS_ZERO, 0, 0, MINUS_ZERO},
		    {"tanh.approx.f32 %f4, %f1; mov.b32 %x0, %f4;", INF32, 0, 0, ONE32},
		    {"add.f32 %f4, %f1, 1.5; mov.b32 %x0, %f4;", 0x3f000000, 0, 0, TWO32},
		    {"add.f16 %h4, %h1, %h2; cvt.u32.u16 %x0, %h4;", 0x3c00, 0x3c00, 0, 0x4000},
		    {"fma.rn.f16x2 %x0, %x1, %x2, %x3;", 0x3c003c00, 0x40003c00, 0x3c000000, 0x42003c00},
		    {"mul.bf16 %h4, %h1, %h2; cvt.u32.u16 %x0, %h4;", 0x3f80, 0x4000, 0, 0x4000});
}
END_TEST

START_TEST(moves)
{
	CHECK_CASES(
	    {"mov.b64 {%x4, %x5}, %l1; add.u32 %x0, %x4, %x5;", 0x500000002, 0, 0, 7},
	    {"mov.b64 %l0, {%x1, %x2};", 1, 2, 0, 0x200000001},
	    {"mov.b32 {%h4, %h5}, %x1; mov.b32 %x0, {%h5, %h4};", 0x12345678, 0, 0, 0x56781234},
	    {"mov.b64 {_, %x0}, %l1;", 0x500000002, 0, 0, 5},
	    {"mov.b64 %l0, {%h1, %h2, %h3, %h1};", 1, 2, 3, 0x0001000300020001},
	    {"mov.u32 %x0, %laneid; sub.u32 %x0, %x0, %x15;", 0, 0, 0, 0}, {"mov.u32 %x0, %ntid.x;", 0, 0, 0, 32},
	    {"mov.u32 %x0, WARP_SZ;", 0, 0, 0, 32}, {"mov.b32 %x0, 0f3f800000;", 0, 0, 0, ONE32},
	    {"mov.f64 %d4, 0d3ff0000000000000; mov.b64 %l0, %d4;", 0, 0, 0, 0x3ff0000000000000},
	    {"mov.f32 %f4, 1.0; mov.b32 %x0, %f4;", 0, 0, 0, ONE32},
	    {"ld.global.s32 %l0, [%l16];", ONES, 0, 0, UINT64_MAX},
	    {"ld.global.u32 %l0, [%l16];", UINT64_MAX, 0, 0, ONES},
	    {"ld.global.s8 %x0, [%l16+1];", 0x8000, 0, 0, 0xffffff80},
	    {"st.global.u32 [%l16], %l2; ld.global.u64 %l0, [%l16];", 0, UINT64_MAX, 0, ONES},
	    {"st.global.u8 [%l16], %x2; ld.global.u64 %l0, [%l16];", 0, 0x1234, 0, 0x34},
	    {"ld.global.v2.u32 {%x4, %x0}, [%l16];", 0x900000008, 0, 0, 9},
	    {"st.global.v4.u16 [%l16], {%h2, %h3, %h2, %h3}; ld.global.u64 %l0, [%l16];", 0, 1, 2, 0x0002000100020001});
}
END_TEST

/* The machine's own copies for each instruction set differ only in how they were compiled; partial warps and guards
   take the blending path of each function. */
START_TEST(guards_blend)
{
	uint64_t a[32], b[32], c[32], result[32];

	for (int i = 0; i < 32; i++)
		a[i] = i, b[i] = 100, c[i] = 0;
	body_run("and.b32 %x4, %x1, 1; setp.eq.u32 %p1, %x4, 0; mov.u32 %x0, %x1; @%p1 add.u32 %x0, %x1, %x2;", false,
		 a, b, c, result);
	for (uint64_t i = 0; i < 32; i++)
		ck_assert_uint_eq(result[i], i & 1 ? i : i + 100);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {comparisons_with_nan,
				      comparisons_with_predicates,
				      votes,
				      shifts,
				      division,
				      bit_fields,
				      bytes,
				      products,
				      carry_chains,
				      conversions,
				      float_special_values,
				      moves,
				      guards_blend};

	return suite_run("opcodes", tests, sizeof(tests) / sizeof(*tests));
}
