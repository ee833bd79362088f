/* The order of lowering, and the tools its families share. */
#include "lower.h"

#include <stdlib.h>

void ptx_invalid(struct ptx_lowering *lowering, const char *why)
{
	ptx_escape(lowering->arena, CUDA_ERROR_INVALID_PTX, lowering->at ? lowering->at->line : lowering->ast->line,
		   "%s: %s (in %s)", lowering->at ? lowering->at->name : "function", why, lowering->ast->name);
}

uint32_t ptx_temporary(struct ptx_lowering *lowering, char class)
{
	PTX_APPEND(lowering->arena, lowering->classes, lowering->reg_count, lowering->reg_room, class);
	return (uint32_t)(lowering->reg_count - 1);
}

uint32_t ptx_constant(struct ptx_lowering *lowering, uint64_t bits, bool wide)
{
	struct ptx_constant **bucket, *constant;

	if (!wide)
		bits = (uint32_t)bits;
	bucket = &lowering->constants[(bits ^ bits >> 8 ^ bits >> 24 ^ bits >> 48) % PTX_CONSTANT_BUCKETS];
	for (constant = *bucket; constant; constant = constant->next)
		if (constant->bits == bits && constant->wide == wide)
			return constant->reg;
	constant = ptx_alloc(lowering->arena, sizeof(*constant));
	*constant = (struct ptx_constant){bits, ptx_temporary(lowering, wide ? 'l' : 'w'), wide, *bucket};
	*bucket = constant;
	lowering->constant_count++;
	return constant->reg;
}

struct ptx_ir *ptx_emit(struct ptx_lowering *lowering, const char *row)
{
	struct ptx_ir ir = {
	    .row = ptx_opcode_find(row), .guard = PTX_NO_REG, .shape = PTX_NO_REG, .line = lowering->at->line};

	if (ir.row == PTX_NO_OPCODE)
		ptx_invalid(lowering, "this form of the instruction is not supported");
	for (unsigned i = 0; i < CPU_OPERANDS; i++)
		ir.op[i] = PTX_NO_REG;
	if (lowering->at->guarded) {
		ir.guard = lowering->at->guard;
		ir.guard_flip = lowering->at->guard_negated;
	}
	PTX_APPEND(lowering->arena, lowering->code, lowering->code_count, lowering->code_room, ir);
	return &lowering->code[lowering->code_count - 1];
}

struct ptx_ir *ptx_emit2(struct ptx_lowering *lowering, const char *row, uint32_t d, uint32_t a, uint32_t b)
{
	struct ptx_ir *ir = ptx_emit(lowering, row);

	ir->op[0] = d;
	ir->op[1] = a;
	ir->op[2] = b;
	return ir;
}

/* The start of the n-th modifier behind `name`, and its length without the dot. */
static const char *next_modifier(const char *name, size_t *length)
{
	const char *dot = strchr(name, '.');

	if (!dot)
		return NULL;
	*length = strcspn(dot + 1, ".");
	return dot + 1;
}

bool ptx_has(const struct ptx_lowering *lowering, const char *modifier)
{
	size_t length;

	for (const char *at = lowering->at->name; (at = next_modifier(at, &length));)
		if (length == strlen(modifier + 1) && !memcmp(at, modifier + 1, length))
			return true;
	return false;
}

bool ptx_is_opcode(const struct ptx_lowering *lowering, const char *opcode)
{
	size_t length = strcspn(lowering->at->name, ".");

	return length == strlen(opcode) && !memcmp(lowering->at->name, opcode, length);
}

static const char *const types[] = {"pred", "u8",  "s8",  "b8",    "u16",    "s16", "b16", "f16", "bf16", "u32",
				    "s32",  "b32", "f32", "f16x2", "bf16x2", "u64", "s64", "b64", "f64",  "b128"};

const char *ptx_type(struct ptx_lowering *lowering, unsigned from_last)
{
	const char *found[8] = {NULL};
	unsigned count = 0;
	size_t length;

	for (const char *at = lowering->at->name; (at = next_modifier(at, &length));)
		for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
			if (length == strlen(types[i]) && !memcmp(at, types[i], length) && count < 8)
				found[count++] = types[i];
	if (count <= from_last)
		ptx_invalid(lowering, "type missing or not supported");
	return found[count - 1 - from_last];
}

const struct ptx_operand *ptx_operand(struct ptx_lowering *lowering, size_t index)
{
	if (index >= lowering->at->count)
		ptx_invalid(lowering, "too few operands");
	return &lowering->at->operands[index];
}

char ptx_class(struct ptx_lowering *lowering, const char *type)
{
	size_t length = strlen(type);

	if (!strcmp(type, "pred"))
		return 'p';
	if (!strcmp(type, "b128"))
		ptx_invalid(lowering, "128-bit types are not supported");
	return type[length - 2] == '6' && type[length - 1] == '4' ? 'l' : 'w';
}

static uint64_t immediate_bits(const struct ptx_operand *operand, const char *type)
{
	double value = 0;
	float single;
	uint64_t bits = 0;

	if (operand->kind == PTX_IMMEDIATE_F32 && !strcmp(type, "f64")) {
		uint32_t low = (uint32_t)operand->bits;

		memcpy(&single, &low, sizeof(single));
		value = single;
		memcpy(&bits, &value, sizeof(value));
		return bits;
	}
	if (operand->kind == PTX_IMMEDIATE && (!strcmp(type, "f32") || !strcmp(type, "f64")))
		value = (double)(int64_t)operand->bits;
	else if (operand->kind == PTX_IMMEDIATE_F64)
		memcpy(&value, &operand->bits, sizeof(value));
	else
		return operand->bits;
	if (type[1] == '6' || !strcmp(type, "b64")) {
		memcpy(&bits, &value, sizeof(value));
	} else {
		single = (float)value;
		memcpy(&bits, &single, sizeof(single));
	}
	return bits;
}

static uint32_t round_up(uint32_t value, uint32_t unit)
{
	return (value + unit - 1) / unit * unit;
}

uint32_t ptx_local_offset(struct ptx_lowering *lowering, struct ptx_variable *variable)
{
	if (variable->layout != lowering->function) {
		uint32_t offset = round_up(lowering->local_bytes, (uint32_t)variable->align);

		if (variable->size > CPU_WINDOW_BYTES || offset + variable->size > CPU_WINDOW_BYTES)
			ptx_invalid(lowering, "too much local memory");
		variable->offset = offset;
		variable->layout = lowering->function;
		lowering->local_bytes = offset + (uint32_t)variable->size;
	}
	return (uint32_t)variable->offset;
}

static bool is_kernel_parameter(const struct ptx_lowering *lowering, const struct ptx_variable *variable)
{
	for (size_t i = 0; lowering->ast->is_kernel && i < lowering->ast->parameter_count; i++)
		if (lowering->ast->parameters[i] == variable)
			return true;
	return false;
}

uint32_t ptx_symbol_address(struct ptx_lowering *lowering, const struct ptx_operand *operand)
{
	struct ptx_variable *variable = operand->variable;
	uint32_t reg;
	struct ptx_ir *ir;

	if (operand->kind == PTX_FUNCTION)
		return ptx_constant(lowering, cpu_function_address(operand->function->index), true);
	switch (variable->space) {
	case PTX_GLOBAL:
	case PTX_CONST:
		if (!variable->address)
			ptx_invalid(lowering, "refers to an extern variable that is not defined");
		return ptx_constant(lowering, variable->address + operand->bits, true);
	case PTX_SHARED:
		return ptx_constant(
		    lowering,
		    (variable->is_extern ? lowering->program->dynamic_offset : variable->offset) + operand->bits, true);
	default:
		break;
	}
	reg = ptx_temporary(lowering, 'l');
	if (is_kernel_parameter(lowering, variable)) {
		ir = ptx_emit2(lowering, "param@address", reg, PTX_NO_REG, PTX_NO_REG);
		ir->imm = (int64_t)(variable->offset + operand->bits);
	} else {
		int64_t offset = (int64_t)(ptx_local_offset(lowering, variable) + operand->bits);

		ir = ptx_emit2(lowering, "local@address", reg, PTX_NO_REG, PTX_NO_REG);
		ir->imm = offset;
	}
	return reg;
}

/* A register of another width than the instruction's. */
static uint32_t change_width(struct ptx_lowering *lowering, uint32_t reg, char class, const char *type)
{
	uint32_t other = ptx_temporary(lowering, class);

	if (class == 'w')
		ptx_emit2(lowering, "narrow@u32.u64", other, reg, PTX_NO_REG);
	else
		ptx_emit2(lowering, type[0] == 's' ? "extend@s64.s32" : "extend@u64.u32", other, reg, PTX_NO_REG);
	return other;
}

static uint32_t special_source(struct ptx_lowering *lowering, const struct ptx_operand *operand, char class)
{
	struct ptx_operand destination = {.kind = PTX_REG, .reg = ptx_temporary(lowering, class)};
	struct ptx_operand pair[2] = {destination, *operand};
	const struct ptx_instruction *at = lowering->at;
	struct ptx_instruction move = *at;

	move.name = class == 'l' ? "mov.u64" : "mov.u32";
	move.operands = pair;
	move.count = 2;
	lowering->at = &move;
	ptx_lower_special(lowering);
	lowering->at = at;
	return destination.reg;
}

static bool is_128(const struct ptx_lowering *lowering, uint32_t reg)
{
	return reg < lowering->ast->register_count && lowering->ast->registers[reg] == 16;
}

uint32_t ptx_source(struct ptx_lowering *lowering, const struct ptx_operand *operand, char class, const char *type,
		    bool any_width)
{
	uint32_t reg;

	if (operand->negative || operand->selector)
		ptx_invalid(lowering, "this instruction takes no parts of registers and no signs before them");
	switch (operand->kind) {
	case PTX_REG:
		reg = operand->reg;
		if (is_128(lowering, reg) && !operand->is_half)
			ptx_invalid(lowering, "operand of the wrong size");
		break;
	case PTX_IMMEDIATE:
	case PTX_IMMEDIATE_F32:
	case PTX_IMMEDIATE_F64:
		if (class == 'p') {
			reg = ptx_temporary(lowering, 'p');
			ptx_emit2(lowering, "setp.ne.u32", reg, ptx_constant(lowering, operand->bits != 0, false),
				  ptx_constant(lowering, 0, false));
			return reg;
		}
		return ptx_constant(lowering, immediate_bits(operand, type), class == 'l');
	case PTX_VARIABLE:
	case PTX_FUNCTION:
		reg = ptx_symbol_address(lowering, operand);
		any_width = true;
		break;
	case PTX_SPECIAL:
		return special_source(lowering, operand, class);
	default:
		ptx_invalid(lowering, "bad operand");
	}
	if (lowering->classes[reg] != class) {
		if (!any_width || class == 'p' || lowering->classes[reg] == 'p')
			ptx_invalid(lowering, "operand of the wrong size");
		reg = change_width(lowering, reg, class, type);
	}
	if (operand->negated) {
		uint32_t inverse = ptx_temporary(lowering, 'p');

		if (class != 'p')
			ptx_invalid(lowering, "only predicates can be negated");
		ptx_emit2(lowering, "not.pred", inverse, reg, PTX_NO_REG);
		reg = inverse;
	}
	return reg;
}

uint32_t ptx_destination(struct ptx_lowering *lowering, const struct ptx_operand *operand, char class)
{
	if (operand->kind == PTX_NONE)
		return ptx_temporary(lowering, class);
	if (operand->kind != PTX_REG || lowering->classes[operand->reg] != class || operand->selector ||
	    (is_128(lowering, operand->reg) && !operand->is_half))
		ptx_invalid(lowering, "bad destination");
	return operand->reg;
}

void ptx_halves(struct ptx_lowering *lowering, const struct ptx_operand *operand, uint32_t halves[2])
{
	bool known = operand->kind == PTX_REG && is_128(lowering, operand->reg);

	if (!known && operand->kind != PTX_NONE)
		ptx_invalid(lowering, "a register of 128 bits is needed");
	halves[0] = known ? operand->reg : ptx_temporary(lowering, 'l');
	halves[1] = known ? operand->reg + 1 : ptx_temporary(lowering, 'l');
}

uint32_t ptx_narrow_destination(struct ptx_lowering *lowering, const struct ptx_operand *operand, char class)
{
	if (operand->kind == PTX_REG && lowering->classes[operand->reg] == 'l' && class == 'w')
		return ptx_temporary(lowering, 'w');
	return ptx_destination(lowering, operand, class);
}

void ptx_widen(struct ptx_lowering *lowering, const struct ptx_operand *operand, uint32_t computed, const char *type)
{
	if (operand->kind == PTX_REG && operand->reg != computed)
		ptx_emit2(lowering, type[0] == 's' ? "extend@s64.s32" : "extend@u64.u32", operand->reg, computed,
			  PTX_NO_REG);
}

/* The asynchronous ones first: st.async and red.async are no st and red, barrier.cluster is no barrier. */
static void lower_instruction(struct ptx_lowering *lowering)
{
	static bool (*const families[])(struct ptx_lowering *) = {
	    ptx_lower_async,   ptx_lower_cluster, ptx_lower_memory, ptx_lower_control,
	    ptx_lower_special, ptx_lower_convert, ptx_lower_video,  ptx_lower_mbarrier,
	    ptx_lower_order,   ptx_lower_matrix,  ptx_lower_texture};

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		if (families[i](lowering))
			return;
	ptx_lower_plain(lowering);
}

/* Parameters declared as registers come out of the memory where the call put them. */
static void lower_begin(struct ptx_lowering *lowering)
{
	struct ptx_instruction begin = {.name = "ld", .line = lowering->ast->line};

	lowering->at = &begin;
	for (size_t i = 0; i < lowering->ast->parameter_count; i++)
		if (lowering->ast->parameters[i]->in_register)
			ptx_load_variable(lowering, lowering->ast->parameters[i], lowering->ast->parameters[i]->reg);
	lowering->at = NULL;
}

/* A function that runs off its end returns. */
static void lower_end(struct ptx_lowering *lowering)
{
	struct ptx_instruction end = {.name = "ret", .line = lowering->ast->line};

	lowering->at = &end;
	ptx_lower_return(lowering);
	lowering->at = NULL;
}

static void parameters_place(struct ptx_lowering *lowering, struct ptx_variable **variables, size_t count,
			     const uint32_t **offsets, const uint32_t **sizes)
{
	uint32_t *offset = ptx_alloc(lowering->keep, (count + 1) * sizeof(*offset));
	uint32_t *size = ptx_alloc(lowering->keep, (count + 1) * sizeof(*size));

	for (size_t i = 0; i < count; i++) {
		offset[i] = ptx_local_offset(lowering, variables[i]);
		size[i] = (uint32_t)variables[i]->size;
	}
	*offsets = offset;
	*sizes = size;
}

static void function_prepare(struct ptx_lowering *lowering)
{
	struct ptx_function *ast = lowering->ast;
	struct cpu_function *function = lowering->function;

	function->name = ast->name;
	function->index = ast->index;
	for (size_t i = 0; i < ast->register_count; i++) {
		uint8_t bytes = ast->registers[i];

		ptx_temporary(lowering, !bytes ? 'p' : bytes >= 8 ? 'l' : 'w');
	}
	if (ast->is_kernel)
		return;
	function->parameter_count = ast->parameter_count;
	function->result_count = ast->result_count;
	parameters_place(lowering, ast->parameters, ast->parameter_count, &function->parameter_offsets,
			 &function->parameter_sizes);
	parameters_place(lowering, ast->results, ast->result_count, &function->result_offsets, &function->result_sizes);
}

static int function_lower(struct ptx_lowering *lowering)
{
	struct ptx_function *ast = lowering->ast;

	function_prepare(lowering);
	lowering->starts = ptx_alloc(lowering->arena, (ast->code_count + 1) * sizeof(*lowering->starts));
	lower_begin(lowering);
	for (size_t i = 0; i < ast->code_count; i++) {
		lowering->starts[i] = (uint32_t)lowering->code_count;
		lowering->at = &ast->code[i];
		lower_instruction(lowering);
	}
	lowering->starts[ast->code_count] = (uint32_t)lowering->code_count;
	lower_end(lowering);
	lowering->function->local_bytes = round_up(lowering->local_bytes, 16);
	return ptx_allocate(lowering);
}

/* What a kernel can reach: found by going through the functions it names. */
struct reach {
	struct ptx_arena *arena;
	const struct ptx_module *module;
	struct cpu_program *program;
	bool *seen;
	struct ptx_function **list;
	size_t count;
	bool indirect;
	bool allocates; /* alloca */
};

static void reach_function(struct reach *reach, struct ptx_function *function)
{
	if (!function->has_body || reach->seen[function->index])
		return;
	reach->seen[function->index] = true;
	reach->list[reach->count++] = function;
}

/* Also replaces declarations by what they were linked to. */
static void reach_operand(struct reach *reach, struct ptx_operand *operand)
{
	struct cpu_program *program = reach->program;
	struct ptx_variable *variable;

	if (operand->kind == PTX_FUNCTION) {
		operand->function = ptx_function_definition(operand->function);
		/* A kernel that is launched is a program of its own. */
		if (!operand->function->is_kernel)
			reach_function(reach, operand->function);
	}
	if (operand->kind == PTX_VARIABLE)
		operand->variable = ptx_variable_definition(operand->variable);
	variable = operand->variable;
	if (operand->kind == PTX_VARIABLE && variable->space == PTX_SHARED && variable->layout != program &&
	    !variable->is_extern) {
		size_t offset = round_up(program->shared_bytes, (uint32_t)variable->align);

		if (variable->size > CPU_WINDOW_BYTES || offset + variable->size > CPU_WINDOW_BYTES)
			ptx_escape(reach->arena, CUDA_ERROR_INVALID_PTX, variable->line, "too much shared memory");
		variable->layout = program;
		variable->offset = offset;
		program->shared_bytes = (uint32_t)(offset + variable->size);
	}
	for (size_t i = 0; i < operand->count; i++)
		reach_operand(reach, &operand->list[i]);
}

static bool is_indirect_call(const struct ptx_instruction *instruction)
{
	if (strncmp(instruction->name, "call", 4))
		return false;
	for (size_t i = 0; i < instruction->count; i++)
		if (instruction->operands[i].kind == PTX_REG)
			return true;
	return false;
}

/* A pointer may be to any function whose address a variable or another kernel has taken. */
static void reach_pointers(struct reach *reach)
{
	for (size_t i = 0; i < reach->module->function_count; i++) {
		struct ptx_function *function = ptx_function_definition(reach->module->functions[i]);

		if (reach->module->functions[i]->address_taken && !function->is_kernel)
			reach_function(reach, function);
	}
}

static void reach_all(struct reach *reach, struct ptx_function *kernel)
{
	reach_function(reach, kernel);
	for (size_t n = 0; n < reach->count; n++) {
		const struct ptx_function *function = reach->list[n];

		for (size_t i = 0; i < function->code_count; i++) {
			const struct ptx_instruction *instruction = &function->code[i];

			for (size_t k = 0; k < instruction->count; k++)
				reach_operand(reach, &instruction->operands[k]);
			reach->allocates |= !strncmp(instruction->name, "alloca", 6);
			if (!reach->indirect && is_indirect_call(instruction)) {
				reach->indirect = true;
				reach_pointers(reach);
			}
		}
	}
}

#define DEEP_STACK_BYTES ((uint32_t)64 << 10)

/* Local memory a thread may need: the sum of all functions' bounds any chain of calls without recursion; for the
   rest there is room for some depth, and a fault when it is used up. */
static uint32_t stack_size(const struct reach *reach)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < reach->count; i++)
		sum += reach->program->functions[reach->list[i]->index]->local_bytes;
	if (reach->count > 1 || reach->allocates)
		sum += DEEP_STACK_BYTES;
	return (uint32_t)(sum < CPU_WINDOW_BYTES ? sum : CPU_WINDOW_BYTES);
}

static struct cpu_program *program_make(struct ptx_arena *keep, struct ptx_arena *arena,
					const struct ptx_module *module, struct ptx_function *kernel)
{
	struct cpu_program *program = ptx_alloc(keep, sizeof(*program));
	struct reach reach = {.arena = arena, .module = module, .program = program};

	program->function_count = module->function_count;
	program->functions = ptx_alloc(keep, module->function_count * sizeof(*program->functions));
	reach.seen = ptx_alloc(arena, module->function_count * sizeof(*reach.seen));
	reach.list = ptx_alloc(arena, module->function_count * sizeof(*reach.list));
	reach_all(&reach, kernel);
	program->dynamic_offset = round_up(program->shared_bytes, 16);
	for (size_t i = 0; i < reach.count; i++)
		program->functions[reach.list[i]->index] = ptx_alloc(keep, sizeof(struct cpu_function));
	for (size_t i = 0; i < reach.count; i++) {
		struct ptx_lowering *lowering = ptx_alloc(arena, sizeof(*lowering));
		int registers;

		lowering->arena = arena;
		lowering->keep = keep;
		lowering->module = module;
		lowering->program = program;
		lowering->ast = reach.list[i];
		lowering->function = program->functions[reach.list[i]->index];
		lowering->carry = PTX_NO_REG;
		registers = function_lower(lowering);
		program->registers = registers > program->registers ? registers : program->registers;
	}
	program->stack_bytes = stack_size(&reach);
	program->entry = program->functions[kernel->index];
	return program;
}

CUresult ptx_lower(struct ptx_arena *arena, const struct ptx_module *module, struct ptx_function *kernel,
		   struct cpu_program **program)
{
	/* Not a local variable: what changes in one between setjmp and longjmp is lost. */
	struct ptx_arena *volatile scratch = calloc(1, sizeof(*scratch));
	volatile CUresult result = CUDA_SUCCESS;
	jmp_buf escape;

	if (!scratch)
		return CUDA_ERROR_OUT_OF_MEMORY;
	scratch->log = arena->log;
	scratch->log_size = arena->log_size;
	arena->escape = scratch->escape = &escape;
	arena->error = CUDA_SUCCESS;
	if (setjmp(escape))
		result = arena->error ? arena->error : scratch->error;
	else
		*program = program_make(arena, scratch, module, kernel);
	arena->escape = NULL;
	ptx_arena_free(scratch);
	free(scratch);
	return result;
}
