/* Instructions whose operands need more than a look at the table: mov, cvt, comparisons, carry chains, addresses. */
#include "../exec/float_flags.h"
#include "../exec/special.h"
#include "lower.h"

#include <stdio.h>

static void move_special(struct ptx_lowering *lowering, const struct ptx_operand *d, const struct ptx_operand *source,
			 char class)
{
	uint32_t reg = ptx_destination(lowering, d, class), value = reg;
	enum cpu_special special;
	struct ptx_ir *ir;
	int bytes;

	if (!cpu_special_find(source->name, &special, &bytes))
		ptx_invalid(lowering, "unknown special register");
	if ((bytes == 8) != (class == 'l'))
		value = ptx_temporary(lowering, bytes == 8 ? 'l' : 'w');
	if (special >= CPU_TID_X) {
		ir = ptx_emit2(lowering, "tid@", value, PTX_NO_REG, PTX_NO_REG);
		ir->imm = special - CPU_TID_X;
	} else {
		ir = ptx_emit2(lowering, bytes == 8 ? "special@u64" : "special@u32", value, PTX_NO_REG, PTX_NO_REG);
		ir->imm = special;
	}
	if (value != reg)
		ptx_emit2(lowering, class == 'l' ? "extend@u64.u32" : "narrow@u32.u64", reg, value, PTX_NO_REG);
}

static bool is_16(const char *type)
{
	return !strcmp(type + 1, "16");
}

/* mov.b64 %rd, {%r1, %r2}; */
static void move_pack(struct ptx_lowering *lowering, const struct ptx_operand *d, const struct ptx_operand *list,
		      const char *type)
{
	char class = ptx_class(lowering, type);
	uint32_t parts[4], reg = ptx_destination(lowering, d, class);
	struct ptx_ir *ir;

	if (list->count != 2 && (list->count != 4 || is_16(type)))
		ptx_invalid(lowering, "cannot pack this many values");
	for (size_t i = 0; i < list->count; i++)
		parts[i] = ptx_source(lowering, &list->list[i], 'w', "b32", false);
	if (list->count == 2)
		ir = ptx_emit(lowering, class == 'l' ? "pack@32x2" : is_16(type) ? "pack@8x2" : "pack@16x2");
	else
		ir = ptx_emit(lowering, class == 'l' ? "pack@16x4" : "pack@8x4");
	ir->op[0] = reg;
	for (size_t i = 0; i < list->count; i++)
		ir->op[1 + i] = parts[i];
}

/* mov.b64 {%r1, %r2}, %rd; */
static void move_unpack(struct ptx_lowering *lowering, const struct ptx_operand *list, const struct ptx_operand *source,
			const char *type)
{
	char class = ptx_class(lowering, type);
	uint32_t reg = ptx_source(lowering, source, class, type, false);
	const char *row;

	if (list->count != 2 && (list->count != 4 || is_16(type)))
		ptx_invalid(lowering, "cannot unpack this many values");
	if (class == 'l')
		row = list->count == 2 ? "extract@32of64" : "extract@16of64";
	else
		row = list->count == 2 && !is_16(type) ? "extract@16" : "extract@8";
	for (size_t i = 0; i < list->count; i++)
		if (list->list[i].kind != PTX_NONE) {
			uint32_t part = ptx_destination(lowering, &list->list[i], 'w');

			ptx_emit2(lowering, row, part, reg, PTX_NO_REG)->imm = (int64_t)i;
		}
}

static void lower_move(struct ptx_lowering *lowering)
{
	const struct ptx_operand *d = ptx_operand(lowering, 0), *a = ptx_operand(lowering, 1);
	const char *type = ptx_type(lowering, 0);
	char class = ptx_class(lowering, type);
	uint32_t source, destination;

	if (a->kind == PTX_SPECIAL) {
		move_special(lowering, d, a, class);
	} else if (a->kind == PTX_LIST) {
		move_pack(lowering, d, a, type);
	} else if (d->kind == PTX_LIST) {
		move_unpack(lowering, d, a, type);
	} else {
		source = ptx_source(lowering, a, class, type, false);
		destination = ptx_destination(lowering, d, class);
		ptx_emit2(lowering,
			  class == 'p'   ? "mov.pred"
			  : class == 'l' ? "mov.b64"
					 : "mov.b32",
			  destination, source, PTX_NO_REG);
	}
}

static bool is_float(const char *type)
{
	return type[0] == 'f' || type[0] == 'b' ? type[0] == 'f' || type[1] == 'f' : false;
}

static int64_t rounding_flags(const struct ptx_lowering *lowering)
{
	int64_t flags = 0;

	if (ptx_has(lowering, ".rz") || ptx_has(lowering, ".rzi"))
		flags |= CPU_ROUND_ZERO;
	if (ptx_has(lowering, ".rm") || ptx_has(lowering, ".rmi"))
		flags |= CPU_ROUND_DOWN;
	if (ptx_has(lowering, ".rp") || ptx_has(lowering, ".rpi"))
		flags |= CPU_ROUND_UP;
	if (ptx_has(lowering, ".rni") || ptx_has(lowering, ".rzi") || ptx_has(lowering, ".rmi") ||
	    ptx_has(lowering, ".rpi"))
		flags |= CPU_INTEGRAL;
	if (ptx_has(lowering, ".ftz"))
		flags |= CPU_FTZ;
	if (ptx_has(lowering, ".sat"))
		flags |= CPU_SAT;
	if (ptx_has(lowering, ".relu"))
		flags |= CPU_RELU;
	return flags;
}

/* cvt.rn.f16x2.f32 d, a, b; */
static void convert_pair(struct ptx_lowering *lowering, const char *to)
{
	uint32_t a = ptx_source(lowering, ptx_operand(lowering, 1), 'w', "f32", false);
	uint32_t b = ptx_source(lowering, ptx_operand(lowering, 2), 'w', "f32", false);
	uint32_t d = ptx_destination(lowering, ptx_operand(lowering, 0), 'w');
	char row[32];

	snprintf(row, sizeof(row), "cvt.%s.f32", to);
	ptx_emit2(lowering, row, d, a, b)->imm = rounding_flags(lowering);
}

static void lower_convert(struct ptx_lowering *lowering)
{
	const char *to = ptx_type(lowering, 1), *from = ptx_type(lowering, 0);
	const struct ptx_operand *d = ptx_operand(lowering, 0);
	bool integers = !is_float(to) && !is_float(from);
	uint32_t source, computed;
	char row[40];

	if (!strcmp(to, "f16x2") || !strcmp(to, "bf16x2")) {
		convert_pair(lowering, to);
		return;
	}
	source = ptx_source(lowering, ptx_operand(lowering, 1), ptx_class(lowering, from), from, true);
	computed = ptx_narrow_destination(lowering, d, ptx_class(lowering, to));
	snprintf(row, sizeof(row), "cvt%s.%s.%s", integers && ptx_has(lowering, ".sat") ? ".sat" : "", to, from);
	ptx_emit2(lowering, row, computed, source, PTX_NO_REG)->imm = rounding_flags(lowering);
	ptx_widen(lowering, d, computed, to);
}

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

static void lower_space_test(struct ptx_lowering *lowering)
{
	uint32_t a = ptx_source(lowering, ptx_operand(lowering, 1), 'l', "u64", false);
	uint32_t p = ptx_destination(lowering, ptx_operand(lowering, 0), 'p');
	bool local = ptx_has(lowering, ".local");

	if (ptx_has(lowering, ".global"))
		ptx_emit2(lowering, "window@outside", p, a, PTX_NO_REG);
	else if (ptx_has(lowering, ".param") || ptx_has(lowering, ".param::entry"))
		ptx_emit2(lowering, "span@test", p, a, PTX_NO_REG)->imm = (int64_t)lowering->ast->parameter_bytes;
	else if (ptx_has(lowering, ".const"))
		ptx_invalid(lowering, "isspacep.const is not supported");
	else
		ptx_emit2(lowering, "window@test", p, a, PTX_NO_REG)->imm = local;
}

/* f16 operands are compared as f32, which holds all their values. */
static uint32_t as_f32(struct ptx_lowering *lowering, uint32_t reg, const char *type)
{
	uint32_t wide = ptx_temporary(lowering, 'w');

	ptx_emit2(lowering, type[0] == 'b' ? "cvt.f32.bf16" : "cvt.f32.f16", wide, reg, PTX_NO_REG);
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

bool ptx_lower_special(struct ptx_lowering *lowering)
{
	bool cc = ptx_has(lowering, ".cc");

	if (ptx_is_opcode(lowering, "mov"))
		lower_move(lowering);
	else if (ptx_is_opcode(lowering, "cvt"))
		lower_convert(lowering);
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
	else
		return false;
	return true;
}
