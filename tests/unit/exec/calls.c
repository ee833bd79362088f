/* Calls in the forms that nvcc does not write: parameters in registers, constants, arrays of any size, prototypes. */
#include "harness.h"

static const char text[] =
    ".version 8.0\n.target sm_75\n.address_size 64\n"
    ".func (.reg .b32 sum, .reg .b64 product) both(.reg .b32 a, .reg .b32 b)\n"
    "{ add.u32 sum, a, b; mul.wide.u32 product, a, b; ret; }\n"
    /* Recursive: its registers are of each activation. */
    ".func (.reg .b32 r) factorial(.reg .b32 n)\n"
    "{ .reg .pred p; .reg .b32 t; setp.le.u32 p, n, 1; @p bra ONE; sub.u32 t, n, 1; call (t), factorial, (t);\n"
    "mul.lo.u32 r, n, t; ret; ONE: mov.u32 r, 1; ret; }\n"
    ".func (.param .b32 r) total(.param .b32 n, .param .align 8 .b8 list[])\n"
    "{ .reg .b32 i, n_, s, x; .reg .b64 at; .reg .pred p; ld.param.u32 n_, [n]; mov.u64 at, list; mov.u32 s, 0; "
    "mov.u32 i, 0;\n"
    "NEXT: setp.ge.u32 p, i, n_; @p bra END; ld.param.u32 x, [at]; add.u32 s, s, x; add.u64 at, at, 4; add.u32 i, i, "
    "1; bra NEXT;\n"
    "END: st.param.b32 [r], s; ret; }\n"
    ".visible .entry calls(.param .u64 out)\n{\n"
    ".reg .b32 %x<8>; .reg .b64 %l<8>; .reg .pred %p;\n"
    "ld.param.u64 %l0, [out]; mov.u32 %x0, %tid.x; mul.wide.u32 %l1, %x0, 32; add.u64 %l0, %l0, %l1;\n"
    "call (%x1, %l2), both, (%x0, 1000000000);\nst.global.u32 [%l0], %x1; st.global.u64 [%l0+8], %l2;\n"
    "and.b32 %x2, %x0, 7; call (%x3), factorial, (%x2); st.global.u32 [%l0+16], %x3;\n"
    "{ .param .b32 r; .param .b32 n; .param .align 8 .b8 list[12]; st.param.b32 [n], 3; st.param.b32 [list], %x0;\n"
    "st.param.b32 [list+4], 10; st.param.b32 [list+8], %x1; call (r), total, (n, list); ld.param.u32 %x4, [r]; }\n"
    "st.global.u32 [%l0+20], %x4;\n"
    "mov.u64 %l3, factorial; PROTOTYPE: .callprototype (.reg .b32 _) _ (.reg .b32 _);\n"
    "setp.lt.u32 %p, %x0, 20; mov.u32 %x5, 77; @%p call (%x5), %l3, (5), PROTOTYPE; st.global.u32 [%l0+24], %x5;\n"
    "ret;\n}\n";

START_TEST(forms_of_calls)
{
	struct row {
		uint32_t sum, unused;
		uint64_t product;
		uint32_t factorial, total, indirect, unused_too;
	} *rows = device_alloc(40 * sizeof(*rows));
	struct {
		void *out;
	} parameters = {rows};

	kernel_run(module_load(text), "calls", 1, 40, 0, &parameters);
	for (uint32_t i = 0; i < 40; i++) {
		uint32_t factorial = 1;

		for (uint32_t k = 2; k <= (i & 7); k++)
			factorial *= k;
		ck_assert_uint_eq(rows[i].sum, i + 1000000000);
		ck_assert_uint_eq(rows[i].product, (uint64_t)i * 1000000000);
		ck_assert_uint_eq(rows[i].factorial, factorial);
		ck_assert_uint_eq(rows[i].total, i + 10 + i + 1000000000);
		ck_assert_uint_eq(rows[i].indirect, i < 20 ? 120 : 77);
	}
}
END_TEST

/* A callee may not read more than the caller has given. */
START_TEST(arguments_too_short)
{
	static const char mismatch[] =
	    ".version 8.0\n.target sm_75\n.address_size 64\n"
	    ".func large(.param .align 8 .b8 a[4096])\n{ ret; }\n"
	    ".visible .entry calls()\n{\n.reg .b64 %l; .param .b32 small; st.param.b32 [small], 1; mov.u64 %l, large;\n"
	    "P: .callprototype _ (.param .b32 _);\ncall %l, (small), P;\nret;\n}\n";

	kernel_run(module_load(mismatch), "calls", 1, 32, 0, NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {forms_of_calls, arguments_too_short};

	return suite_run("calls", tests, sizeof(tests) / sizeof(*tests));
}
