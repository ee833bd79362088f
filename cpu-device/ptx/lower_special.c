/* Instructions whose operands need more than a look at the table: comparisons, carry chains, addresses. */
#include "../exec/float_flags.h"
#include "lower.h"

#include <stdio.h>

static void lower_address_conversion(struct ptx_lowering *lowering)
{
	uint32_t a = ptx_source(lowering, ptx_operand(lowering, 1), 'l', "u64", false);
	uint32_t d = ptx_destination(lowering, ptx_operand(lowering, 0), 'l');
	bool local = ptx_has(lowering, ".local");
	bool shared =
	    ptx_has(lowering, ".shared") || ptx_has(lowering, ".shared::cta") || ptx_has(lowering, ".shared::cluster");

	/* The parameters of a device function lie in local memory. */
	if (ptx_has(lowering, ".param") && !lowering->ast->is_kernel)
		local = true;
	if (local || shared)
		ptx_emit2(lowering, ptx_has(lowering, ".to") ? "window@sub" : "window@add", d, a, PTX_NO_REG)->imm =
		    local;
	else
		ptx_emit2(lowering, "mov.b64", d, a, PTX_NO_REG);
}

/* Constant memory is the module's .const variables. */
static void test_constant(struct ptx_lowering *lowering, uint32_t p, uint32_t address)
{
	uint32_t any = ptx_temporary(lowering, 'p'), offset = ptx_temporary(lowering, 'l');
	uint32_t inside = ptx_temporary(lowering, 'p'), zero = ptx_constant(lowering, 0, true);

	ptx_emit2(lowering, "setp.ne.u64", any, zero, zero);
	for (size_t i = 0; i < lowering->module->variable_count; i++) {
		const struct ptx_variable *variable = lowering->module->variables[i];

		if (variable->space != PTX_CONST || !variable->address)
			continue;
		ptx_emit2(lowering, "sub.u64", offset, address, ptx_constant(lowering, variable->address, true));
		ptx_emit2(lowering, "setp.lt.u64", inside, offset, ptx_constant(lowering, variable->size, true));
		ptx_emit2(lowering, "or.pred", any, any, inside);
	}
	ptx_emit2(lowering, "mov.pred", p, any, PTX_NO_REG);
}

/* Neither shared, local nor constant. */
static void test_global(struct ptx_lowering *lowering, uint32_t p, uint32_t address)
{
	uint32_t constant = ptx_temporary(lowering, 'p'), outside = ptx_temporary(lowering, 'p');

	test_constant(lowering, constant, address);
	ptx_emit2(lowering, "not.pred", constant, constant, PTX_NO_REG);
	ptx_emit2(lowering, "window@outside", outside, address, PTX_NO_REG);
	ptx_emit2(lowering, "and.pred", p, outside, constant);
}

static void lower_space_test(struct ptx_lowering *lowering)
{
	uint32_t a = ptx_source(lowering, ptx_operand(lowering, 1), 'l', "u64", false);
	uint32_t p = ptx_destination(lowering, ptx_operand(lowering, 0), 'p');
	bool local = ptx_has(lowering, ".local");

	if (ptx_has(lowering, ".global"))
		test_global(lowering, p, a);
	else if (ptx_has(lowering, ".param") || ptx_has(lowering, ".param::entry"))
		ptx_emit2(lowering, "span@test", p, a, PTX_NO_REG)->imm = (int64_t)lowering->ast->parameter_bytes;
	else if (ptx_has(lowering, ".const"))
		test_constant(lowering, p, a);
	else
		ptx_emit2(lowering, "window@test", p, a, PTX_NO_REG)->imm =
		    ptx_has(lowering, ".shared::cluster") ? 2 : local;
}

/* f16 operands are compared as f32, which holds all their values. */
static uint32_t as_f32(struct ptx_lowering *lowering, uint32_t reg, const char *type)
{
	uint32_t wide = ptx_temporary(lowering, 'w');

	ptx_emit2(lowering, type[0] == 'b' ? "cvt.f32.bf16" : "cvt.f32.f16", wide, reg, PTX_NO_REG)->imm =
	    ptx_has(lowering, ".ftz") ? CPU_FTZ : 0;
	return wide;
}

/* The comparison's name without its unsigned spellings. */
static const char *comparison(struct ptx_lowering *lowering)
{
	static const char *const names[][2] = {
	    {".eq", "eq"},   {".ne", "ne"},   {".lt", "lt"},   {".le", "le"},   {".gt", "gt"},   {".ge", "ge"},
	    {".lo", "lt"},   {".ls", "le"},   {".hi", "gt"},   {".hs", "ge"},   {".equ", "equ"}, {".neu", "neu"},
	    {".ltu", "ltu"}, {".leu", "leu"}, {".gtu", "gtu"}, {".geu", "geu"}, {".num", "num"}, {".nan", "nan"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (ptx_has(lowering, names[i][0]))
			return names[i][1];
	ptx_invalid(lowering, "unknown comparison");
}

static uint32_t compare_registers(struct ptx_lowering *lowering, const char *type, uint32_t a, uint32_t b,
				  uint32_t result)
{
	const char *cmp = comparison(lowering);
	char row[40];

	if (!strcmp(type, "f16") || !strcmp(type, "bf16")) {
		a = as_f32(lowering, a, type);
		b = as_f32(lowering, b, type);
		type = "f32";
	}
	snprintf(row, sizeof(row), "setp.%s%s.%s", cmp, ptx_has(lowering, ".ftz") ? ".ftz" : "", type);
	ptx_emit2(lowering, row, result, a, b);
	return result;
}

/* The predicate of `a cmp b` for the two operands behind the destination. */
static uint32_t compare(struct ptx_lowering *lowering, const char *type, uint32_t result)
{
	char class = ptx_class(lowering, type);
	uint32_t a = ptx_source(lowering, ptx_operand(lowering, 1), class, type, false);
	uint32_t b = ptx_source(lowering, ptx_operand(lowering, 2), class, type, false);

	return compare_registers(lowering, type, a, b, result);
}

static bool is_pair(const char *type)
{
	return !strcmp(type, "f16x2") || !strcmp(type, "bf16x2");
}

/* The same for one half of f16x2 operands. */
static uint32_t compare_half(struct ptx_lowering *lowering, const char *type, unsigned half)
{
	uint32_t parts[2];

	for (size_t i = 0; i < 2; i++) {
		uint32_t both = ptx_source(lowering, ptx_operand(lowering, 1 + i), 'w', type, false);

		parts[i] = ptx_temporary(lowering, 'w');
		ptx_emit2(lowering, "extract@16", parts[i], both, PTX_NO_REG)->imm = half;
	}
	return compare_registers(lowering, type[0] == 'b' ? "bf16" : "f16", parts[0], parts[1],
				 ptx_temporary(lowering, 'p'));
}

static const char *boolean_row(const struct ptx_lowering *lowering)
{
	return ptx_has(lowering, ".and")   ? "and.pred"
	       : ptx_has(lowering, ".or")  ? "or.pred"
	       : ptx_has(lowering, ".xor") ? "xor.pred"
					   : NULL;
}

/* setp.lt.f16x2 p|q, a, b: p for the lower halves, q for the upper */
static void lower_setp_pair(struct ptx_lowering *lowering, const struct ptx_operand *d, const char *type,
			    const char *boolean)
{
	uint32_t results[2] = {compare_half(lowering, type, 0), compare_half(lowering, type, 1)};
	uint32_t c = boolean ? ptx_source(lowering, ptx_operand(lowering, 3), 'p', "pred", false) : PTX_NO_REG;

	if (!d->second)
		ptx_invalid(lowering, "two destinations are needed");
	if (boolean)
		for (int i = 0; i < 2; i++) {
			uint32_t both = ptx_temporary(lowering, 'p');

			ptx_emit2(lowering, boolean, both, results[i], c);
			results[i] = both;
		}
	ptx_emit2(lowering, "mov.pred", ptx_destination(lowering, d, 'p'), results[0], PTX_NO_REG);
	ptx_emit2(lowering, "mov.pred", ptx_destination(lowering, d->second, 'p'), results[1], PTX_NO_REG);
}

/* setp.lt.and.s32 p|q, a, b, !c: p = (a < b) and !c, q = !(a < b) and !c */
static void lower_setp(struct ptx_lowering *lowering)
{
	const struct ptx_operand *d = ptx_operand(lowering, 0);
	const char *boolean = boolean_row(lowering), *type = ptx_type(lowering, 0);
	uint32_t p = ptx_destination(lowering, d, 'p'), c, result;

	if (is_pair(type)) {
		lower_setp_pair(lowering, d, type, boolean);
		return;
	}
	if (!boolean && !d->second) {
		compare(lowering, type, p);
		return;
	}
	result = compare(lowering, type, ptx_temporary(lowering, 'p'));
	c = boolean ? ptx_source(lowering, ptx_operand(lowering, 3), 'p', "pred", false) : PTX_NO_REG;
	/* Read both before p is written, which may be c. */
	if (d->second) {
		uint32_t q = ptx_destination(lowering, d->second, 'p'), inverse = ptx_temporary(lowering, 'p');
		uint32_t first = ptx_temporary(lowering, 'p');

		ptx_emit2(lowering, "not.pred", inverse, result, PTX_NO_REG);
		ptx_emit2(lowering, boolean ? boolean : "mov.pred", first, result, c);
		ptx_emit2(lowering, boolean ? boolean : "mov.pred", q, inverse, c);
		ptx_emit2(lowering, "mov.pred", p, first, PTX_NO_REG);
	} else {
		ptx_emit2(lowering, boolean, p, result, c);
	}
}

/* What set gives where the comparison holds: 1.0 in the result's type, or all ones. */
static uint32_t set_value(struct ptx_lowering *lowering, const char *to)
{
	if (!strcmp(to, "f32"))
		return 0x3f800000;
	if (!strcmp(to, "f16") || !strcmp(to, "f16x2"))
		return 0x3c00;
	if (!strcmp(to, "bf16") || !strcmp(to, "bf16x2"))
		return 0x3f80;
	if (to[0] != 'u' && to[0] != 's')
		ptx_invalid(lowering, "result type not supported");
	return UINT32_MAX;
}

/* set.lt.f32.s32 d, a, b, c; of f16x2 each half by itself */
static void lower_set(struct ptx_lowering *lowering)
{
	const char *boolean = boolean_row(lowering), *to = ptx_type(lowering, 1), *from = ptx_type(lowering, 0);
	uint32_t one = ptx_constant(lowering, set_value(lowering, to), false), zero = ptx_constant(lowering, 0, false);
	uint32_t d = ptx_destination(lowering, ptx_operand(lowering, 0), 'w'), values[2];
	unsigned halves = is_pair(from) ? 2 : 1;

	for (unsigned i = 0; i < halves; i++) {
		uint32_t result = halves == 2 ? compare_half(lowering, from, i)
					      : compare(lowering, from, ptx_temporary(lowering, 'p'));

		if (boolean) {
			uint32_t c = ptx_source(lowering, ptx_operand(lowering, 3), 'p', "pred", false);
			uint32_t both = ptx_temporary(lowering, 'p');

			ptx_emit2(lowering, boolean, both, result, c);
			result = both;
		}
		values[i] = halves == 2 ? ptx_temporary(lowering, 'w') : d;
		ptx_emit2(lowering, "selp.b32", values[i], one, zero)->op[3] = result;
	}
	if (halves == 2)
		ptx_emit2(lowering, "pack@16x2", d, values[0], values[1]);
}

static void lower_selection(struct ptx_lowering *lowering, const char *type, uint32_t predicate)
{
	char class = ptx_class(lowering, type);
	uint32_t a = ptx_source(lowering, ptx_operand(lowering, 1), class, type, false);
	uint32_t b = ptx_source(lowering, ptx_operand(lowering, 2), class, type, false);
	uint32_t d = ptx_destination(lowering, ptx_operand(lowering, 0), class);

	ptx_emit2(lowering, class == 'l' ? "selp.b64" : "selp.b32", d, a, b)->op[3] = predicate;
}

/* slct.u32.f32 d, a, b, c: a where c >= 0 */
static void lower_slct(struct ptx_lowering *lowering)
{
	const char *by = ptx_type(lowering, 0);
	uint32_t c = ptx_source(lowering, ptx_operand(lowering, 3), 'w', by, false), p = ptx_temporary(lowering, 'p');
	char row[40];

	snprintf(row, sizeof(row), "setp.ge%s.%s", ptx_has(lowering, ".ftz") ? ".ftz" : "", by);
	ptx_emit2(lowering, row, p, c, ptx_constant(lowering, 0, false));
	lower_selection(lowering, ptx_type(lowering, 1), p);
}

/* The flag of the carry chain. */
static uint32_t carry_flag(struct ptx_lowering *lowering)
{
	if (lowering->carry == PTX_NO_REG)
		lowering->carry = ptx_temporary(lowering, 'p');
	return lowering->carry;
}

/* add.cc addc addc.cc sub.cc subc subc.cc, and mad.lo.cc madc.hi … as a product and one of those. */
static void lower_carry(struct ptx_lowering *lowering, const char *sum, bool is_mad)
{
	const char *type = ptx_type(lowering, 0);
	char class = ptx_class(lowering, type);
	uint32_t a = ptx_source(lowering, ptx_operand(lowering, 1), class, type, false);
	uint32_t b = ptx_source(lowering, ptx_operand(lowering, 2), class, type, false);
	uint32_t d = ptx_destination(lowering, ptx_operand(lowering, 0), class), flag = carry_flag(lowering);
	struct ptx_ir *ir;
	char row[40];

	if (is_mad) {
		uint32_t product = ptx_temporary(lowering, class);

		snprintf(row, sizeof(row), "mul.%s.%s", ptx_has(lowering, ".hi") ? "hi" : "lo", type);
		ptx_emit2(lowering, row, product, a, b);
		a = product;
		b = ptx_source(lowering, ptx_operand(lowering, 3), class, type, false);
	}
	snprintf(row, sizeof(row), "%s%s.u%s", sum, ptx_has(lowering, ".cc") ? ".cc" : "", type + 1);
	ir = ptx_emit2(lowering, row, d, flag, a);
	ir->op[3] = b;
}

/* lop3.or.b32 d|p, a, b, c, table, q: p = (d != 0) or q */
static void lower_lop3(struct ptx_lowering *lowering)
{
	const struct ptx_operand *d = ptx_operand(lowering, 0);
	uint32_t sources[4], value = ptx_temporary(lowering, 'w'), truth = ptx_temporary(lowering, 'p'), q;
	struct ptx_ir *ir;

	if (!d->second)
		ptx_invalid(lowering, "two destinations are needed");
	for (size_t i = 0; i < 4; i++)
		sources[i] = ptx_source(lowering, ptx_operand(lowering, 1 + i), 'w', "b32", false);
	q = ptx_source(lowering, ptx_operand(lowering, 5), 'p', "pred", false);
	ir = ptx_emit(lowering, "lop3.b32");
	ir->op[0] = value;
	memcpy(ir->op + 1, sources, sizeof(sources));
	ptx_emit2(lowering, "setp.ne.u32", truth, value, ptx_constant(lowering, 0, false));
	ptx_emit2(lowering, boolean_row(lowering), ptx_destination(lowering, d->second, 'p'), truth, q);
	ptx_emit2(lowering, "mov.b32", ptx_destination(lowering, d, 'w'), value, PTX_NO_REG);
}

bool ptx_lower_special(struct ptx_lowering *lowering)
{
	bool cc = ptx_has(lowering, ".cc");

	if (ptx_is_opcode(lowering, "mov"))
		ptx_lower_move(lowering);
	else if (ptx_is_opcode(lowering, "cvta"))
		lower_address_conversion(lowering);
	else if (ptx_is_opcode(lowering, "isspacep"))
		lower_space_test(lowering);
	else if (ptx_is_opcode(lowering, "setp"))
		lower_setp(lowering);
	else if (ptx_is_opcode(lowering, "set"))
		lower_set(lowering);
	else if (ptx_is_opcode(lowering, "selp"))
		lower_selection(lowering, ptx_type(lowering, 0),
				ptx_source(lowering, ptx_operand(lowering, 3), 'p', "pred", false));
	else if (ptx_is_opcode(lowering, "slct"))
		lower_slct(lowering);
	else if (ptx_is_opcode(lowering, "addc") || (cc && ptx_is_opcode(lowering, "add")))
		lower_carry(lowering, cc && ptx_is_opcode(lowering, "add") ? "add" : "addc", false);
	else if (ptx_is_opcode(lowering, "subc") || (cc && ptx_is_opcode(lowering, "sub")))
		lower_carry(lowering, cc && ptx_is_opcode(lowering, "sub") ? "sub" : "subc", false);
	else if (ptx_is_opcode(lowering, "madc") || (cc && ptx_is_opcode(lowering, "mad")))
		lower_carry(lowering, ptx_is_opcode(lowering, "madc") ? "addc" : "add", true);
	else if (ptx_is_opcode(lowering, "lop3") && boolean_row(lowering))
		lower_lop3(lowering);
	else
		return false;
	return true;
}
