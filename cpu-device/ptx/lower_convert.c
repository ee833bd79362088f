/* cvt: rows by the names of the two types, with the flags of float_flags.h. */
#include <stdio.h>

#include "../exec/float_flags.h"
#include "lower.h"

bool ptx_is_float(const char *type)
{
	return type[0] == 'f' || type[0] == 'e' || type[0] == 't' || (type[0] == 'b' && type[1] == 'f');
}

static int64_t flags(const struct ptx_lowering *lowering)
{
	static const struct {
		const char *modifier;
		int64_t flags;
	} modifiers[] = {{".rz", CPU_ROUND_ZERO},
			 {".rm", CPU_ROUND_DOWN},
			 {".rp", CPU_ROUND_UP},
			 {".rna", CPU_ROUND_AWAY},
			 {".rni", CPU_INTEGRAL},
			 {".rzi", CPU_INTEGRAL | CPU_ROUND_ZERO},
			 {".rmi", CPU_INTEGRAL | CPU_ROUND_DOWN},
			 {".rpi", CPU_INTEGRAL | CPU_ROUND_UP},
			 {".ftz", CPU_FTZ},
			 {".sat", CPU_SAT},
			 {".relu", CPU_RELU},
			 {".satfinite", CPU_SAT_FINITE}};
	int64_t result = 0;

	for (size_t i = 0; i < sizeof(modifiers) / sizeof(*modifiers); i++)
		if (ptx_has(lowering, modifiers[i].modifier))
			result |= modifiers[i].flags;
	return result;
}

/* The n-th last modifier, whatever it says. */
static const char *modifier(struct ptx_lowering *lowering, unsigned from_last)
{
	const char *name = lowering->at->name, *at = name + strlen(name);

	for (unsigned dots = 0; at > name; at--)
		if (*at == '.' && dots++ == from_last)
			return ptx_copy(lowering->arena, at + 1, strcspn(at + 1, "."));
	ptx_invalid(lowering, "type missing");
}

/* cvt.rn.f16x2.f32 d, a, b: two values side by side, a in the upper half. */
static bool is_pair(const char *to, const char *from)
{
	return strstr(to, "x2") && !strcmp(from, "f32");
}

static void convert_pair(struct ptx_lowering *lowering, const char *row)
{
	uint32_t a = ptx_source(lowering, ptx_operand(lowering, 1), 'w', "f32", false);
	uint32_t b = ptx_source(lowering, ptx_operand(lowering, 2), 'w', "f32", false);

	ptx_emit2(lowering, row, ptx_destination(lowering, ptx_operand(lowering, 0), 'w'), a, b)->imm = flags(lowering);
}

/* cvt.pack.sat.s4.s32.b32 d, a, b, c. imm: bits of a part, and 64 when it is signed. */
static void convert_pack(struct ptx_lowering *lowering)
{
	bool merges = lowering->at->count > 3;
	const char *to = modifier(lowering, merges ? 2 : 1);
	uint32_t a = ptx_source(lowering, ptx_operand(lowering, 1), 'w', "s32", false);
	uint32_t b = ptx_source(lowering, ptx_operand(lowering, 2), 'w', "s32", false);
	uint32_t c = merges ? ptx_source(lowering, ptx_operand(lowering, 3), 'w', "b32", false)
			    : ptx_constant(lowering, 0, false);
	struct ptx_ir *ir =
	    ptx_emit2(lowering, "cvt.pack@", ptx_destination(lowering, ptx_operand(lowering, 0), 'w'), a, b);
	int bits = to[1] == '1' ? 16 : to[1] - '0';

	if ((to[0] != 's' && to[0] != 'u') || (bits != 16 && bits != 8 && bits != 4 && bits != 2))
		ptx_invalid(lowering, "this type cannot be packed");
	ir->op[3] = c;
	ir->imm = bits | (to[0] == 's' ? 64 : 0);
}

bool ptx_lower_convert(struct ptx_lowering *lowering)
{
	const char *to, *from;
	const struct ptx_operand *d;
	uint32_t source, computed;
	char row[48];

	if (!ptx_is_opcode(lowering, "cvt"))
		return false;
	if (ptx_has(lowering, ".pack")) {
		convert_pack(lowering);
		return true;
	}
	if (ptx_has(lowering, ".rs"))
		ptx_invalid(lowering, "stochastic rounding belongs to later devices");
	to = modifier(lowering, 1);
	from = modifier(lowering, 0);
	d = ptx_operand(lowering, 0);
	snprintf(row, sizeof(row), "cvt%s.%s.%s",
		 !ptx_is_float(to) && !ptx_is_float(from) && ptx_has(lowering, ".sat") ? ".sat" : "", to, from);
	if (ptx_opcode_find(row) == PTX_NO_OPCODE)
		ptx_invalid(lowering, "no such conversion");
	if (is_pair(to, from)) {
		convert_pair(lowering, row);
		return true;
	}
	source = ptx_source(lowering, ptx_operand(lowering, 1), ptx_class(lowering, from), from, true);
	computed = ptx_narrow_destination(lowering, d, ptx_class(lowering, to));
	ptx_emit2(lowering, row, computed, source, PTX_NO_REG)->imm = flags(lowering);
	ptx_widen(lowering, d, computed, to);
	return true;
}
