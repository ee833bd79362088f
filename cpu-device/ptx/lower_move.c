/* mov: registers, constants, addresses, special registers, packing, vectors. */
#include <stdio.h>

#include "../exec/special.h"
#include "lower.h"

static void move_special(struct ptx_lowering *lowering, const struct ptx_operand *d, const struct ptx_operand *source,
			 char class);

/* %is_explicit_cluster */
static void move_special_predicate(struct ptx_lowering *lowering, const struct ptx_operand *d,
				   const struct ptx_operand *source)
{
	struct ptx_operand value = {.kind = PTX_REG, .reg = ptx_temporary(lowering, 'w')};

	move_special(lowering, &value, source, 'w');
	ptx_emit2(lowering, "setp.ne.u32", ptx_destination(lowering, d, 'p'), value.reg,
		  ptx_constant(lowering, 0, false));
}

static void move_special(struct ptx_lowering *lowering, const struct ptx_operand *d, const struct ptx_operand *source,
			 char class)
{
	uint32_t reg, value;
	enum cpu_special special;
	struct ptx_ir *ir;
	int bytes;

	if (class == 'p') {
		move_special_predicate(lowering, d, source);
		return;
	}
	if (!cpu_special_find(source->name, &special, &bytes))
		ptx_invalid(lowering, "unknown special register");
	reg = value = ptx_destination(lowering, d, class);
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

/* mov.b128 to or from two words of 64 bits or four of 32. */
static void pack_128(struct ptx_lowering *lowering, const uint32_t halves[2], const struct ptx_operand *list)
{
	size_t each = list->count / 2;

	for (size_t i = 0; i < 2; i++) {
		uint32_t parts[2];

		for (size_t k = 0; k < each; k++)
			parts[k] = ptx_source(lowering, &list->list[each * i + k], each == 1 ? 'l' : 'w', "b64", false);
		ptx_emit2(lowering, each == 1 ? "mov.b64" : "pack@32x2", halves[i], parts[0],
			  each == 1 ? PTX_NO_REG : parts[1]);
	}
}

static void unpack_128(struct ptx_lowering *lowering, const struct ptx_operand *list, const uint32_t halves[2])
{
	size_t each = list->count / 2;

	for (size_t i = 0; i < list->count; i++) {
		uint32_t d = ptx_destination(lowering, &list->list[i], each == 1 ? 'l' : 'w');

		ptx_emit2(lowering, each == 1 ? "mov.b64" : "extract@32of64", d, halves[i / each], PTX_NO_REG)->imm =
		    (int64_t)(i % each);
	}
}

static void move_128(struct ptx_lowering *lowering, const struct ptx_operand *d, const struct ptx_operand *a)
{
	const struct ptx_operand *list = a->kind == PTX_LIST ? a : d->kind == PTX_LIST ? d : NULL;
	uint32_t to[2], from[2];

	if (list && list->count != 2 && list->count != 4)
		ptx_invalid(lowering, "128 bits are 2 words or 4");
	if (a->kind == PTX_LIST) {
		ptx_halves(lowering, d, to);
		pack_128(lowering, to, a);
		return;
	}
	ptx_halves(lowering, a, from);
	if (d->kind == PTX_LIST) {
		unpack_128(lowering, d, from);
		return;
	}
	ptx_halves(lowering, d, to);
	for (int i = 0; i < 2; i++)
		ptx_emit2(lowering, "mov.b64", to[i], from[i], PTX_NO_REG);
}

static void move_one(struct ptx_lowering *lowering, const struct ptx_operand *d, const struct ptx_operand *a,
		     const char *type)
{
	char class;
	uint32_t source, destination;

	if (!strcmp(type, "b128")) {
		move_128(lowering, d, a);
		return;
	}
	class = ptx_class(lowering, type);
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

/* Element `index` of a vector: of a list, or of a special register such as %tid. */
static struct ptx_operand element(struct ptx_lowering *lowering, const struct ptx_operand *operand, size_t index)
{
	struct ptx_operand part = {.kind = PTX_SPECIAL};
	char name[64];

	if (operand->kind == PTX_LIST && index < operand->count)
		return operand->list[index];
	if (operand->kind != PTX_SPECIAL || strlen(operand->name) > 40)
		ptx_invalid(lowering, "a vector is needed");
	snprintf(name, sizeof(name), "%s.%c", operand->name, "xyzw"[index]);
	part.name = ptx_copy(lowering->arena, name, strlen(name));
	return part;
}

/* All elements are read before the first is written. */
static void move_vector(struct ptx_lowering *lowering, size_t count, const char *type)
{
	char class = ptx_class(lowering, type);
	struct ptx_operand values[4];

	for (size_t i = 0; i < count; i++) {
		struct ptx_operand from = element(lowering, ptx_operand(lowering, 1), i);

		values[i] = (struct ptx_operand){.kind = PTX_REG, .reg = ptx_temporary(lowering, class)};
		move_one(lowering, &values[i], &from, type);
	}
	for (size_t i = 0; i < count; i++) {
		struct ptx_operand to = element(lowering, ptx_operand(lowering, 0), i);

		move_one(lowering, &to, &values[i], type);
	}
}

void ptx_lower_move(struct ptx_lowering *lowering)
{
	size_t count = ptx_has(lowering, ".v4") ? 4 : ptx_has(lowering, ".v2") ? 2 : 1;

	if (count > 1)
		move_vector(lowering, count, ptx_type(lowering, 0));
	else
		move_one(lowering, ptx_operand(lowering, 0), ptx_operand(lowering, 1), ptx_type(lowering, 0));
}
