/* Branches, calls, barriers. */
#include "../exec/builtin.h"
#include "lower.h"

static void lower_branch(struct ptx_lowering *lowering)
{
	const struct ptx_operand *target = ptx_operand(lowering, 0);
	struct ptx_ir *ir = ptx_emit(lowering, "bra@");

	if (target->kind != PTX_NAME || target->target->is_list)
		ptx_invalid(lowering, "a label is needed");
	ir->has_target = true;
	ir->imm = (int64_t)target->target->at;
}

/* brx.idx index, list; */
static void lower_branch_table(struct ptx_lowering *lowering)
{
	uint32_t index = ptx_source(lowering, ptx_operand(lowering, 0), 'w', "u32", false);
	const struct ptx_operand *list = ptx_operand(lowering, 1);
	struct cpu_function *function = lowering->function;
	struct ptx_ir *ir;

	if (list->kind != PTX_NAME || !list->target->is_list)
		ptx_invalid(lowering, "a list of labels is needed");
	ir = ptx_emit2(lowering, "brx@", index, PTX_NO_REG, PTX_NO_REG);
	ir->imm = (int64_t)lowering->target_count;
	ir->aux = (uint32_t)list->target->target_count;
	for (size_t i = 0; i < list->target->target_count; i++) {
		const struct ptx_operand *target = &list->target->targets[i];

		if (target->kind != PTX_NAME || target->target->is_list)
			ptx_invalid(lowering, "a list of labels is needed");
		/* Index of the parsed instruction; ptx_allocate makes it one of the lowered. */
		PTX_APPEND(lowering->keep, function->targets, lowering->target_count, lowering->target_room,
			   (uint32_t)target->target->at);
	}
}

/* A place in local memory for an argument or result that is not a variable. */
static struct ptx_variable *temporary_variable(struct ptx_lowering *lowering, size_t bytes)
{
	struct ptx_variable *variable = ptx_alloc(lowering->arena, sizeof(*variable));

	variable->size = variable->align = bytes;
	return variable;
}

static size_t register_bytes(struct ptx_lowering *lowering, uint32_t reg)
{
	if (lowering->classes[reg] == 'p')
		ptx_invalid(lowering, "predicates cannot be passed");
	return lowering->classes[reg] == 'l' ? 8 : 4;
}

/* The variable that an argument or result of a call stands in: itself, or one for a register or constant. */
static struct ptx_variable *argument_variable(struct ptx_lowering *lowering, const struct ptx_operand *operand,
					      bool is_result)
{
	struct ptx_variable *variable;
	uint32_t reg;

	if (operand->kind == PTX_VARIABLE && operand->variable->space == PTX_PARAM)
		return operand->variable;
	if (is_result) {
		if (operand->kind != PTX_REG && operand->kind != PTX_NONE)
			ptx_invalid(lowering, "results must be .param variables or registers");
		return temporary_variable(lowering,
					  operand->kind == PTX_REG ? register_bytes(lowering, operand->reg) : 8);
	}
	if (operand->kind == PTX_REG)
		reg = ptx_source(lowering, operand, lowering->classes[operand->reg], "b64", false);
	else if (operand->kind == PTX_IMMEDIATE || operand->kind == PTX_IMMEDIATE_F32)
		reg = ptx_constant(lowering, operand->bits, true);
	else
		ptx_invalid(lowering, "arguments must be .param variables, registers, integers or 0f numbers");
	variable = temporary_variable(lowering, register_bytes(lowering, reg));
	ptx_store_variable(lowering, variable, reg);
	return variable;
}

/* The variables of an argument list, by their offsets in local memory. */
static struct ptx_variable **list_take(struct ptx_lowering *lowering, const struct ptx_operand *list, bool is_result,
				       const uint32_t **offsets, const uint32_t **sizes, size_t *count)
{
	size_t length = list ? list->count : 0;
	struct ptx_variable **variables = ptx_alloc(lowering->arena, (length + 1) * sizeof(*variables));
	uint32_t *offset = ptx_alloc(lowering->keep, (length + 1) * sizeof(*offset));
	uint32_t *size = ptx_alloc(lowering->keep, (length + 1) * sizeof(*size));

	for (size_t i = 0; i < length; i++) {
		variables[i] = argument_variable(lowering, &list->list[i], is_result);
		offset[i] = ptx_local_offset(lowering, variables[i]);
		size[i] = (uint32_t)variables[i]->size;
	}
	*offsets = offset;
	*sizes = size;
	*count = length;
	return variables;
}

/* Results that are registers, after the call. */
static void results_load(struct ptx_lowering *lowering, const struct ptx_operand *list, struct ptx_variable **variables)
{
	for (size_t i = 0; list && i < list->count; i++)
		if (list->list[i].kind == PTX_REG)
			ptx_load_variable(lowering, variables[i], list->list[i].reg);
}

/* An argument of a function that CUDA provides, from the local memory where the call put it. */
static uint32_t argument_load(struct ptx_lowering *lowering, const struct cpu_call *call, size_t index, bool wide)
{
	uint32_t zero = ptx_constant(lowering, 0, false), reg = ptx_temporary(lowering, wide ? 'l' : 'w');
	struct ptx_ir *ir = ptx_emit2(lowering, wide ? "ld@local.b64" : "ld@local.b32", reg, zero, PTX_NO_REG);

	if (index >= call->argument_count)
		ptx_invalid(lowering, "too few arguments");
	ir->imm = call->arguments[index];
	ir->aux = 1;
	return reg;
}

static void result_store(struct ptx_lowering *lowering, const struct cpu_call *call, uint32_t reg, bool wide)
{
	uint32_t zero = ptx_constant(lowering, 0, false);
	struct ptx_ir *ir;

	if (!call->result_count)
		return;
	ir = ptx_emit2(lowering, wide ? "st@local.b64" : "st@local.b32", zero, reg, PTX_NO_REG);
	ir->imm = call->results[0];
	ir->aux = 1;
}

static void call_builtin(struct ptx_lowering *lowering, const struct cpu_call *call, const char *name)
{
	if (!strcmp(name, "vprintf")) {
		uint32_t format = argument_load(lowering, call, 0, true), list = argument_load(lowering, call, 1, true);
		uint32_t result = ptx_temporary(lowering, 'w');

		ptx_emit2(lowering, "vprintf@", result, format, list);
		result_store(lowering, call, result, false);
	} else if (!strcmp(name, "malloc")) {
		uint32_t size = argument_load(lowering, call, 0, true), result = ptx_temporary(lowering, 'l');

		ptx_emit2(lowering, "malloc@", result, size, PTX_NO_REG);
		result_store(lowering, call, result, true);
	} else if (!strcmp(name, "free")) {
		uint32_t address = argument_load(lowering, call, 0, true);

		ptx_emit2(lowering, "free@", address, PTX_NO_REG, PTX_NO_REG);
	} else if (!strcmp(name, "__assertfail")) {
		uint32_t message = argument_load(lowering, call, 0, true),
			 file = argument_load(lowering, call, 1, true);
		uint32_t line = argument_load(lowering, call, 2, false),
			 function = argument_load(lowering, call, 3, true);

		ptx_emit2(lowering, "assertfail@", message, file, line)->op[3] = function;
	} else {
		ptx_invalid(lowering, "call of a function that is not defined");
	}
}

/* Bytes of an argument by its sign in the table. */
static size_t builtin_size(char sign)
{
	return sign == 'c' ? 12 : (size_t)(sign - '0');
}

/* A function of the device runtime finds its arguments where the call put them. */
static void call_device_runtime(struct ptx_lowering *lowering, struct cpu_call *call, const struct cpu_builtin *builtin)
{
	struct ptx_ir *ir;

	if (call->argument_count < strlen(builtin->sizes) || call->argument_count > CPU_BUILTIN_ARGUMENTS)
		ptx_invalid(lowering, "wrong number of arguments");
	for (size_t i = 0; i < strlen(builtin->sizes); i++)
		if (call->argument_sizes[i] < builtin_size(builtin->sizes[i]))
			ptx_invalid(lowering, "argument of the wrong size");
	if (call->result_count && call->result_sizes[0] < (builtin->pointer ? 8 : 4))
		ptx_invalid(lowering, "result of the wrong size");
	call->builtin = builtin;
	ir = ptx_emit(lowering, "device_call@");
	ir->imm = (int64_t)lowering->function->call_count;
	PTX_APPEND(lowering->keep, lowering->function->calls, lowering->function->call_count, lowering->call_room,
		   *call);
}

bool ptx_is_builtin(const char *name)
{
	if (cpu_builtin_is_name(name))
		return true;

	static const char *const names[] = {"vprintf", "malloc", "free", "__assertfail"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* call (results), function, (arguments), prototype; all but the function may be missing. */
static void lower_call(struct ptx_lowering *lowering)
{
	const struct ptx_instruction *at = lowering->at;
	struct cpu_function *function = lowering->function;
	size_t next = 0;
	const struct ptx_operand *results = NULL, *target, *arguments = NULL;
	struct ptx_variable **result_variables;
	struct cpu_call call = {0};
	struct ptx_ir *ir;

	if (at->count && at->operands[0].kind == PTX_LIST)
		results = &at->operands[next++];
	target = ptx_operand(lowering, next++);
	if (next < at->count && at->operands[next].kind == PTX_LIST)
		arguments = &at->operands[next];
	result_variables = list_take(lowering, results, true, &call.results, &call.result_sizes, &call.result_count);
	list_take(lowering, arguments, false, &call.arguments, &call.argument_sizes, &call.argument_count);
	if (target->kind == PTX_FUNCTION && !target->function->has_body && cpu_builtin_find(target->function->name)) {
		call_device_runtime(lowering, &call, cpu_builtin_find(target->function->name));
		results_load(lowering, results, result_variables);
		return;
	}
	if (target->kind == PTX_FUNCTION && !target->function->has_body) {
		call_builtin(lowering, &call, target->function->name);
		results_load(lowering, results, result_variables);
		return;
	}
	if (target->kind == PTX_FUNCTION && !target->function->is_kernel) {
		call.callee = lowering->program->functions[target->function->index];
		ir = ptx_emit(lowering, "call@");
	} else if (target->kind == PTX_REG) {
		uint32_t address = ptx_source(lowering, target, 'l', "u64", false);

		ir = ptx_emit2(lowering, "call@indirect", address, PTX_NO_REG, PTX_NO_REG);
	} else {
		ptx_invalid(lowering, "a function is needed");
	}
	ir->imm = (int64_t)function->call_count;
	PTX_APPEND(lowering->keep, function->calls, function->call_count, lowering->call_room, call);
	results_load(lowering, results, result_variables);
}

void ptx_lower_return(struct ptx_lowering *lowering)
{
	const struct ptx_function *function = lowering->ast;

	for (size_t i = 0; i < function->result_count; i++)
		if (function->results[i]->in_register)
			ptx_store_variable(lowering, function->results[i], function->results[i]->reg);
	ptx_emit(lowering, function->is_kernel ? "exit" : "ret");
}

/* alloca.u64 address, size, alignment; */
static void lower_alloca(struct ptx_lowering *lowering)
{
	uint32_t size = ptx_source(lowering, ptx_operand(lowering, 1), 'l', "u64", true);
	uint64_t align = lowering->at->count > 2 ? ptx_operand(lowering, 2)->bits : 8;

	if (!align || align > 4096 || (align & (align - 1)))
		ptx_invalid(lowering, "bad alignment");
	ptx_emit2(lowering, "alloca@", ptx_destination(lowering, ptx_operand(lowering, 0), 'l'), size, PTX_NO_REG)
	    ->imm = (int64_t)align;
}

/* Barrier number and thread count, of which the second may be missing; `rest` operands follow. */
static void barrier_operands(struct ptx_lowering *lowering, size_t first, size_t rest, uint32_t *number,
			     uint32_t *count)
{
	*number = ptx_source(lowering, ptx_operand(lowering, first), 'w', "u32", false);
	*count = lowering->at->count > first + 1 + rest
		     ? ptx_source(lowering, ptx_operand(lowering, first + 1), 'w', "u32", false)
		     : ptx_constant(lowering, 0, false);
}

static void lower_barrier_reduction(struct ptx_lowering *lowering)
{
	bool popc = ptx_has(lowering, ".popc"), and = ptx_has(lowering, ".and");
	uint32_t number, count, d, p;
	struct ptx_ir *ir;

	barrier_operands(lowering, 1, 1, &number, &count);
	d = ptx_destination(lowering, ptx_operand(lowering, 0), popc ? 'w' : 'p');
	p = ptx_source(lowering, ptx_operand(lowering, lowering->at->count - 1), 'p', "pred", false);
	ir = ptx_emit2(lowering, popc ? "barrier@popc" : and? "barrier@and" : "barrier@or", d, number, count);
	ir->op[3] = p;
	ir->aux = popc ? CPU_REDUCE_POPC : and? CPU_REDUCE_AND : CPU_REDUCE_OR;
}

static void lower_barrier(struct ptx_lowering *lowering)
{
	uint32_t number, count;

	if (ptx_has(lowering, ".red")) {
		lower_barrier_reduction(lowering);
		return;
	}
	barrier_operands(lowering, 0, 0, &number, &count);
	ptx_emit2(lowering, ptx_has(lowering, ".arrive") ? "barrier@arrive" : "barrier@sync", number, count,
		  PTX_NO_REG);
}

bool ptx_lower_control(struct ptx_lowering *lowering)
{
	if (ptx_is_opcode(lowering, "bra"))
		lower_branch(lowering);
	else if (ptx_is_opcode(lowering, "brx"))
		lower_branch_table(lowering);
	else if (ptx_is_opcode(lowering, "call"))
		lower_call(lowering);
	else if (ptx_is_opcode(lowering, "ret"))
		ptx_lower_return(lowering);
	else if (ptx_is_opcode(lowering, "alloca"))
		lower_alloca(lowering);
	else if (ptx_is_opcode(lowering, "stacksave"))
		ptx_emit2(lowering, "stacksave@", ptx_destination(lowering, ptx_operand(lowering, 0), 'l'), PTX_NO_REG,
			  PTX_NO_REG);
	else if (ptx_is_opcode(lowering, "stackrestore"))
		ptx_emit2(lowering, "stackrestore@", ptx_source(lowering, ptx_operand(lowering, 0), 'l', "u64", false),
			  PTX_NO_REG, PTX_NO_REG);
	else if ((ptx_is_opcode(lowering, "bar") && !ptx_has(lowering, ".warp")) || ptx_is_opcode(lowering, "barrier"))
		lower_barrier(lowering);
	else
		return false;
	return true;
}
