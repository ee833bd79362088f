/* Loads, stores, atomic operations. */
#include "lower.h"

#include <stdio.h>

static enum ptx_space named_space(const struct ptx_lowering *lowering)
{
	if (ptx_has(lowering, ".shared") || ptx_has(lowering, ".shared::cta") || ptx_has(lowering, ".shared::cluster"))
		return PTX_SHARED;
	if (ptx_has(lowering, ".local"))
		return PTX_LOCAL;
	if (ptx_has(lowering, ".param") || ptx_has(lowering, ".param::entry") || ptx_has(lowering, ".param::func"))
		return PTX_PARAM;
	return PTX_GLOBAL;
}

/* A register with an address of shared or local memory: 32 bits. What does not fit becomes an address out of bounds. */
static uint32_t short_address(struct ptx_lowering *lowering, uint32_t reg)
{
	uint32_t narrow;

	if (lowering->classes[reg] != 'l')
		return reg;
	narrow = ptx_temporary(lowering, 'w');
	ptx_emit2(lowering, "narrow@sat.u32.u64", narrow, reg, PTX_NO_REG);
	return narrow;
}

static uint32_t long_address(struct ptx_lowering *lowering, uint32_t reg)
{
	uint32_t wide;

	if (lowering->classes[reg] == 'l')
		return reg;
	wide = ptx_temporary(lowering, 'l');
	ptx_emit2(lowering, "extend@u64.u32", wide, reg, PTX_NO_REG);
	return wide;
}

static void place_variable(struct ptx_lowering *lowering, struct ptx_place *place, const struct ptx_operand *base)
{
	struct ptx_variable *variable = base->variable;

	place->offset = (int64_t)base->bits;
	if (variable->space == PTX_SHARED) {
		place->space = PTX_SHARED;
		place->offset += variable->is_extern ? lowering->program->dynamic_offset : variable->offset;
		place->reg = ptx_constant(lowering, 0, false);
	} else if (variable->space == PTX_LOCAL || variable->space == PTX_PARAM) {
		place->space = PTX_LOCAL;
		place->offset += ptx_local_offset(lowering, variable);
		place->reg = ptx_constant(lowering, 0, false);
		place->in_frame = true;
	} else {
		struct ptx_operand whole = *base;

		whole.bits = 0;
		place->space = PTX_GLOBAL;
		place->reg = ptx_symbol_address(lowering, &whole);
	}
}

struct ptx_place ptx_place_in(struct ptx_lowering *lowering, const struct ptx_operand *address, enum ptx_space space)
{
	struct ptx_place place = {.space = space};
	const struct ptx_operand *base;

	if (address->kind != PTX_ADDRESS || !address->count)
		ptx_invalid(lowering, "an address is needed");
	base = &address->list[0];
	if (base->kind == PTX_VARIABLE) {
		place_variable(lowering, &place, base);
	} else if (base->kind == PTX_REG) {
		place.reg = base->reg;
		if (base->negative || base->selector)
			ptx_invalid(lowering, "bad address register");
		place.offset = (int64_t)base->bits;
		if (lowering->classes[base->reg] != 'l' && lowering->classes[base->reg] != 'w')
			ptx_invalid(lowering, "bad address register");
	} else if (base->kind == PTX_IMMEDIATE) {
		place.reg = ptx_constant(lowering, base->bits, true);
	} else {
		ptx_invalid(lowering, "bad address");
	}
	/* A register with a parameter's address: a kernel's parameters lie in global memory, a function's in local. */
	if (place.space == PTX_PARAM)
		place.space = lowering->ast->is_kernel ? PTX_GLOBAL : PTX_LOCAL;
	place.row = place.space == PTX_SHARED ? "shared" : place.space == PTX_LOCAL ? "local" : "generic";
	place.reg = place.space == PTX_GLOBAL ? long_address(lowering, place.reg) : short_address(lowering, place.reg);
	return place;
}

struct ptx_place ptx_place_find(struct ptx_lowering *lowering, const struct ptx_operand *address)
{
	return ptx_place_in(lowering, address, named_space(lowering));
}

uint32_t ptx_generic_address(struct ptx_lowering *lowering, const struct ptx_operand *address, enum ptx_space space)
{
	struct ptx_place place = ptx_place_in(lowering, address, space);
	uint32_t reg = long_address(lowering, place.reg), sum;

	if (place.space != PTX_GLOBAL && place.space != PTX_SHARED)
		ptx_invalid(lowering, "the address is in the wrong space");
	if (place.offset) {
		sum = ptx_temporary(lowering, 'l');
		ptx_emit2(lowering, "add.u64", sum, reg, ptx_constant(lowering, (uint64_t)place.offset, true));
		reg = sum;
	}
	if (place.space == PTX_SHARED) {
		sum = ptx_temporary(lowering, 'l');
		ptx_emit2(lowering, "window@add", sum, reg, PTX_NO_REG)->imm = 0;
		reg = sum;
	}
	return reg;
}

void ptx_place_apply(struct ptx_lowering *lowering, struct ptx_ir *ir, const struct ptx_place *place)
{
	ir->imm = place->offset;
	ir->aux = place->space == PTX_GLOBAL ? lowering->program->spans++ : place->in_frame;
}

static int type_bytes(const char *type)
{
	const char *digits = type + strcspn(type, "0123456789");

	if (!strcmp(digits, "16x2"))
		return 4;
	return *digits == '8' ? 1 : !strcmp(digits, "16") ? 2 : *digits == '3' ? 4 : 8;
}

/* The row's type for a load: signed types of less than 32 bits are extended by their sign. */
static const char *load_type(const char *type)
{
	int bytes = type_bytes(type);

	if (bytes == 1)
		return type[0] == 's' ? "s8" : "u8";
	if (bytes == 2)
		return type[0] == 's' ? "s16" : "u16";
	return bytes == 4 ? "b32" : "b64";
}

static unsigned vector_count(const struct ptx_lowering *lowering)
{
	return ptx_has(lowering, ".v8") ? 8 : ptx_has(lowering, ".v4") ? 4 : ptx_has(lowering, ".v2") ? 2 : 1;
}

/* The values of a vector access, or the one value. */
static const struct ptx_operand *values_of(struct ptx_lowering *lowering, const struct ptx_operand *operand,
					   unsigned count)
{
	if (operand->kind != PTX_LIST && count == 1)
		return operand;
	if (operand->kind != PTX_LIST || operand->count != count)
		ptx_invalid(lowering, "wrong number of values");
	return operand->list;
}

/* Is it a kernel's parameter by name? */
static bool is_parameter(const struct ptx_lowering *lowering, const struct ptx_operand *address)
{
	const struct ptx_operand *base = address->kind == PTX_ADDRESS && address->count ? address->list : NULL;

	if (!base || base->kind != PTX_VARIABLE || base->variable->space != PTX_PARAM || !lowering->ast->is_kernel)
		return false;
	for (size_t i = 0; i < lowering->ast->parameter_count; i++)
		if (lowering->ast->parameters[i] == base->variable)
			return true;
	return false;
}

static void load_parameters(struct ptx_lowering *lowering, const struct ptx_operand *address,
			    const struct ptx_operand *values, unsigned count, const char *type)
{
	uint64_t offset = address->list[0].variable->offset + address->list[0].bits;
	unsigned bytes = type_bytes(type);
	char row[32];

	snprintf(row, sizeof(row), "param@%s", load_type(type));
	for (unsigned i = 0; i < count; i++, offset += bytes) {
		char class = ptx_class(lowering, type);
		uint32_t reg = ptx_narrow_destination(lowering, &values[i], class);

		if (offset > lowering->ast->parameter_bytes || lowering->ast->parameter_bytes - offset < bytes)
			ptx_invalid(lowering, "beyond the kernel's parameters");
		ptx_emit2(lowering, row, reg, PTX_NO_REG, PTX_NO_REG)->imm = (int64_t)offset;
		ptx_widen(lowering, &values[i], reg, type);
	}
}

static const char *vector_name(unsigned count)
{
	return count == 4 ? ".v4" : count == 2 ? ".v2" : "";
}

/* What an access moves: one register, the elements of a vector, or the halves of 128 bits. */
struct values {
	const struct ptx_operand *operands;
	struct ptx_operand halves[2];
	unsigned count;
	const char *type;
	char class;
};

static void values_take(struct ptx_lowering *lowering, struct values *values, size_t index)
{
	const struct ptx_operand *operand = ptx_operand(lowering, index);
	uint32_t halves[2];

	values->type = ptx_type(lowering, 0);
	values->count = vector_count(lowering);
	if (!strcmp(values->type, "b128") && values->count == 1) {
		ptx_halves(lowering, operand, halves);
		for (int i = 0; i < 2; i++)
			values->halves[i] = (struct ptx_operand){.kind = PTX_REG, .reg = halves[i], .is_half = true};
		values->operands = values->halves;
		values->count = 2;
		values->type = "b64";
	} else if (values->count * (unsigned)type_bytes(values->type) > 16) {
		ptx_invalid(lowering, "loads and stores of more than 16 bytes belong to later devices");
	} else {
		values->operands = values_of(lowering, operand, values->count);
	}
	values->class = ptx_class(lowering, values->type);
}

static void lower_load(struct ptx_lowering *lowering)
{
	const struct ptx_operand *address = ptx_operand(lowering, 1);
	struct values values;
	uint32_t regs[4];
	struct ptx_place place;
	struct ptx_ir *ir;
	char row[40];

	values_take(lowering, &values, 0);
	if (is_parameter(lowering, address)) {
		load_parameters(lowering, address, values.operands, values.count, values.type);
		return;
	}
	place = ptx_place_find(lowering, address);
	for (unsigned i = 0; i < values.count; i++)
		regs[i] = ptx_narrow_destination(lowering, &values.operands[i], values.class);
	snprintf(row, sizeof(row), "ld@%s%s.%s", place.row, vector_name(values.count), load_type(values.type));
	ir = ptx_emit(lowering, row);
	for (unsigned i = 0; i < values.count; i++)
		ir->op[i] = regs[i];
	ir->op[values.count] = place.reg;
	ptx_place_apply(lowering, ir, &place);
	for (unsigned i = 0; i < values.count; i++)
		ptx_widen(lowering, &values.operands[i], regs[i], values.type);
}

static void lower_store(struct ptx_lowering *lowering)
{
	struct values values;
	uint32_t regs[4];
	struct ptx_place place;
	struct ptx_ir *ir;
	char row[40];

	values_take(lowering, &values, 1);
	if (is_parameter(lowering, ptx_operand(lowering, 0)))
		ptx_invalid(lowering, "a kernel's parameters cannot be written");
	place = ptx_place_find(lowering, ptx_operand(lowering, 0));
	for (unsigned i = 0; i < values.count; i++)
		regs[i] = ptx_source(lowering, &values.operands[i], values.class, values.type, true);
	snprintf(row, sizeof(row), "st@%s%s.b%d", place.row, vector_name(values.count), 8 * type_bytes(values.type));
	ir = ptx_emit(lowering, row);
	ir->op[0] = place.reg;
	for (unsigned i = 0; i < values.count; i++)
		ir->op[1 + i] = regs[i];
	ptx_place_apply(lowering, ir, &place);
}

/* A place of 1 to 8 bytes in the function's local memory. */
static struct ptx_ir *variable_access(struct ptx_lowering *lowering, struct ptx_variable *variable, const char *kind)
{
	struct ptx_ir *ir;
	char row[32];

	snprintf(row, sizeof(row), "%s%zu", kind, 8 * variable->size);
	ir = ptx_emit(lowering, row);
	ir->imm = ptx_local_offset(lowering, variable);
	ir->aux = 1;
	return ir;
}

void ptx_load_variable(struct ptx_lowering *lowering, struct ptx_variable *variable, uint32_t reg)
{
	uint32_t zero = ptx_constant(lowering, 0, false);
	struct ptx_ir *ir = variable_access(lowering, variable, variable->size < 4 ? "ld@local.u" : "ld@local.b");

	ir->op[0] = reg;
	ir->op[1] = zero;
}

void ptx_store_variable(struct ptx_lowering *lowering, struct ptx_variable *variable, uint32_t reg)
{
	uint32_t zero = ptx_constant(lowering, 0, false);
	struct ptx_ir *ir = variable_access(lowering, variable, "st@local.b");

	ir->op[0] = zero;
	ir->op[1] = reg;
}

static const char *atomic_operation(struct ptx_lowering *lowering)
{
	static const char *const operations[] = {".add", ".min", ".max", ".and", ".or",
						 ".xor", ".cas", ".inc", ".dec", ".exch"};

	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (ptx_has(lowering, operations[i]))
			return operations[i];
	ptx_invalid(lowering, "unknown atomic operation");
}

/* Two registers of 64 bits into the thread's local memory, and a register with its offset in the function's. */
static uint32_t spill_128(struct ptx_lowering *lowering, const uint32_t halves[2])
{
	struct ptx_variable *variable = ptx_alloc(lowering->arena, sizeof(*variable));
	uint32_t zero = ptx_constant(lowering, 0, false), offset;
	struct ptx_ir *ir;

	variable->size = variable->align = 16;
	offset = ptx_local_offset(lowering, variable);
	ir = ptx_emit2(lowering, "st@local.v2.b64", zero, halves[0], halves[1]);
	ir->imm = offset;
	ir->aux = 1;
	return ptx_constant(lowering, offset, false);
}

static void lower_atomic_128(struct ptx_lowering *lowering, size_t at, const char *operation)
{
	struct ptx_place place = ptx_place_find(lowering, ptx_operand(lowering, at));
	struct ptx_operand nothing = {.kind = PTX_NONE};
	uint32_t d[2], b[2], c[2], offset = PTX_NO_REG;
	struct ptx_ir *ir;
	char row[48];

	ptx_halves(lowering, at ? ptx_operand(lowering, 0) : &nothing, d);
	ptx_halves(lowering, ptx_operand(lowering, at + 1), b);
	if (!strcmp(operation, ".cas")) {
		ptx_halves(lowering, ptx_operand(lowering, at + 2), c);
		offset = spill_128(lowering, c);
	}
	snprintf(row, sizeof(row), "atom@%s%s.b128", place.row, operation);
	ir = ptx_emit2(lowering, row, d[0], d[1], place.reg);
	ir->op[3] = b[0];
	ir->op[4] = b[1];
	ir->op[5] = offset;
	ptx_place_apply(lowering, ir, &place);
}

/* atom d, [a], b, c; red has no d. Of a vector, each element is atomic by itself. */
static void lower_atomic(struct ptx_lowering *lowering, bool has_result)
{
	const char *type = ptx_type(lowering, 0), *operation = atomic_operation(lowering);
	static const struct ptx_operand nothing[8];
	unsigned count = vector_count(lowering);
	const struct ptx_operand *d = nothing, *b;
	size_t at = has_result;
	struct ptx_place place;
	char row[48], class;

	if (!strcmp(type, "b128")) {
		lower_atomic_128(lowering, at, operation);
		return;
	}
	class = ptx_class(lowering, type);
	place = ptx_place_find(lowering, ptx_operand(lowering, at));
	if (has_result)
		d = values_of(lowering, ptx_operand(lowering, 0), count);
	b = values_of(lowering, ptx_operand(lowering, at + 1), count);
	snprintf(row, sizeof(row), "atom@%s%s.%s", place.row, operation, type);
	for (unsigned i = 0; i < count; i++, place.offset += type_bytes(type)) {
		uint32_t source = ptx_source(lowering, &b[i], class, type, false);
		uint32_t other = strcmp(operation, ".cas")
				     ? PTX_NO_REG
				     : ptx_source(lowering, ptx_operand(lowering, at + 2), class, type, false);
		struct ptx_ir *ir =
		    ptx_emit2(lowering, row, ptx_destination(lowering, &d[i], class), place.reg, source);

		ir->op[3] = other;
		ptx_place_apply(lowering, ir, &place);
	}
}

bool ptx_lower_memory(struct ptx_lowering *lowering)
{
	/* st.async, red.async and st.bulk are other instructions. */
	if (ptx_has(lowering, ".async") || ptx_has(lowering, ".bulk"))
		return false;
	if (ptx_is_opcode(lowering, "ld") || ptx_is_opcode(lowering, "ldu"))
		lower_load(lowering);
	else if (ptx_is_opcode(lowering, "st"))
		lower_store(lowering);
	else if (ptx_is_opcode(lowering, "atom"))
		lower_atomic(lowering, true);
	else if (ptx_is_opcode(lowering, "red"))
		lower_atomic(lowering, false);
	else
		return false;
	return true;
}
