/* A function's body: declarations, labels and instructions. */
#include "parse.h"

#define MOST_REGISTERS ((size_t)1 << 20)
#define DEEPEST_OPERANDS 8

static struct ptx_operand take_operand(struct ptx_parser *parser, int depth);

/* a, b, c up to the closing bracket, which is taken. */
static void take_list(struct ptx_parser *parser, struct ptx_operand *operand, char closing, int depth)
{
	size_t room = 0;

	if (depth > DEEPEST_OPERANDS)
		ptx_unexpected(parser, "fewer brackets");
	while (!ptx_accept(parser, closing)) {
		struct ptx_operand element = take_operand(parser, depth + 1);

		PTX_APPEND(parser->arena, operand->list, operand->count, room, element);
		if (!ptx_accept(parser, ',') && !ptx_is(&parser->token, closing))
			ptx_unexpected(parser, "',' or a closing bracket");
	}
}

/* A register's name alone: of a vector, all its elements. */
static void register_resolve(struct ptx_parser *parser, struct ptx_operand *operand, const struct ptx_symbol *symbol)
{
	size_t room = 0;

	operand->kind = PTX_REG;
	if (!symbol->is_vector)
		return;
	operand->kind = PTX_LIST;
	for (uint32_t i = 0; i < symbol->stride; i++) {
		struct ptx_operand element = {.kind = PTX_REG, .reg = operand->reg + i};

		PTX_APPEND(parser->arena, operand->list, operand->count, room, element);
	}
}

/* v.x of a vector, r.h0 of any register. */
static bool part_resolve(struct ptx_parser *parser, struct ptx_operand *operand, const struct ptx_token *token)
{
	struct ptx_token whole = *token;
	const struct ptx_symbol *symbol;
	const char *part, *elements = "xyzwrgba";

	whole.length = 0;
	while (whole.length < token->length && token->text[whole.length] != '.')
		whole.length++;
	if (whole.length + 1 >= token->length)
		return false;
	symbol = ptx_scope_register(&parser->scopes, whole.text, whole.length, &operand->reg);
	if (!symbol)
		return false;
	operand->kind = PTX_REG;
	part = ptx_copy(parser->arena, token->text + whole.length + 1, token->length - whole.length - 1);
	if (!symbol->is_vector) {
		operand->selector = part;
		return true;
	}
	if (part[1] || !strchr(elements, part[0]) || (strchr(elements, part[0]) - elements) % 4 >= (long)symbol->stride)
		return false;
	operand->reg += (uint32_t)((strchr(elements, part[0]) - elements) % 4);
	return true;
}

static void name_resolve(struct ptx_parser *parser, struct ptx_operand *operand, const struct ptx_token *token)
{
	struct ptx_symbol *symbol = ptx_scope_find(&parser->scopes, token->text, token->length);
	const struct ptx_symbol *declared =
	    ptx_scope_register(&parser->scopes, token->text, token->length, &operand->reg);

	if (ptx_is_word(token, "_")) {
		operand->kind = PTX_NONE;
	} else if (ptx_is_word(token, "WARP_SZ")) {
		operand->kind = PTX_IMMEDIATE;
		operand->bits = 32;
	} else if (declared) {
		register_resolve(parser, operand, declared);
	} else if (symbol && symbol->kind == PTX_SYMBOL_VARIABLE) {
		operand->kind = PTX_VARIABLE;
		operand->variable = symbol->variable;
		operand->variable->referenced = true;
	} else if (symbol && symbol->kind == PTX_SYMBOL_FUNCTION) {
		operand->kind = PTX_FUNCTION;
		operand->function = symbol->function;
		operand->function->referenced = true;
	} else if (part_resolve(parser, operand, token)) {
		return;
	} else if (token->text[0] == '%') {
		operand->kind = PTX_SPECIAL;
		operand->name = ptx_copy(parser->arena, token->text, token->length);
	} else {
		operand->kind = PTX_NAME;
		operand->target = ptx_scope_label(&parser->scopes, token->text, token->length, token->line);
	}
}

static void take_number(struct ptx_parser *parser, struct ptx_operand *operand, bool negative)
{
	struct ptx_token token = ptx_take(parser);

	operand->bits = token.integer;
	if (token.kind == PTX_INT) {
		operand->kind = PTX_IMMEDIATE;
		operand->bits = negative ? 0 - token.integer : token.integer;
	} else if (token.kind == PTX_FLOAT) {
		operand->kind = PTX_IMMEDIATE_F64;
		operand->bits ^= (uint64_t)negative << 63;
	} else if (token.kind == PTX_SINGLE) {
		operand->kind = PTX_IMMEDIATE_F32;
		operand->bits = (uint32_t)operand->bits ^ (uint32_t)negative << 31;
	} else {
		ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, token.line, "expected an operand, found '%.*s'",
			   (int)token.length, token.text);
	}
}

/* +4, -4, +-4 behind a register or symbol. */
static uint64_t take_offset(struct ptx_parser *parser)
{
	bool minus = ptx_is(&parser->token, '-');
	uint64_t offset;

	if (!minus && !ptx_is(&parser->token, '+'))
		return 0;
	ptx_take(parser);
	offset = (uint64_t)ptx_take_integer(parser);
	return minus ? 0 - offset : offset;
}

/* The q of p|q. */
static void take_second(struct ptx_parser *parser, struct ptx_operand *operand, int depth)
{
	if (depth > DEEPEST_OPERANDS || !ptx_accept(parser, '|'))
		return;
	operand->second = ptx_alloc(parser->arena, sizeof(*operand->second));
	*operand->second = take_operand(parser, DEEPEST_OPERANDS + 1);
}

static struct ptx_operand take_operand(struct ptx_parser *parser, int depth)
{
	struct ptx_operand operand = {.kind = PTX_NONE};

	if (ptx_accept(parser, '[')) {
		take_list(parser, &operand, ']', depth);
		operand.kind = PTX_ADDRESS;
		ptx_accept_word(parser, ".unified"); /* memory is the same for all devices */
		return operand;
	}
	if (ptx_accept(parser, '{')) {
		take_list(parser, &operand, '}', depth);
		operand.kind = PTX_LIST;
		take_second(parser, &operand, depth);
		return operand;
	}
	if (ptx_accept(parser, '(')) {
		take_list(parser, &operand, ')', depth);
		operand.kind = PTX_LIST;
		return operand;
	}
	operand.negated = ptx_accept(parser, '!');
	operand.negative = ptx_accept(parser, '-');
	if (parser->token.kind == PTX_WORD) {
		struct ptx_token token = ptx_take(parser);

		name_resolve(parser, &operand, &token);
		operand.bits += take_offset(parser);
	} else {
		take_number(parser, &operand, operand.negative);
		operand.negative = false;
	}
	take_second(parser, &operand, depth);
	return operand;
}

static void take_instruction(struct ptx_parser *parser, struct ptx_instruction *instruction,
			     const struct ptx_token *name)
{
	struct ptx_function *function = parser->function;
	size_t room = 0;

	instruction->name = ptx_copy(parser->arena, name->text, name->length);
	instruction->line = name->line;
	while (!ptx_accept(parser, ';')) {
		struct ptx_operand operand = take_operand(parser, 0);

		if (operand.kind == PTX_FUNCTION && strncmp(instruction->name, "call", 4))
			operand.function->address_taken = true;
		PTX_APPEND(parser->arena, instruction->operands, instruction->count, room, operand);
		if (!ptx_accept(parser, ',') && !ptx_is(&parser->token, ';'))
			ptx_unexpected(parser, "',' or ';'");
	}
	PTX_APPEND(parser->arena, function->code, function->code_count, function->code_room, *instruction);
}

/* @p or @!p */
static void take_guard(struct ptx_parser *parser, struct ptx_instruction *instruction)
{
	struct ptx_token token;

	instruction->guard_negated = ptx_accept(parser, '!');
	token = ptx_take(parser);
	instruction->guarded =
	    NULL != ptx_scope_register(&parser->scopes, token.text, token.length, &instruction->guard);
	if (!instruction->guarded || parser->function->registers[instruction->guard])
		ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, token.line, "'%.*s' is not a predicate",
			   (int)token.length, token.text);
}

/* A register of 128 bits is one of 16 bytes and one of 8 behind it. */
static void registers_add(struct ptx_parser *parser, size_t count, int bytes)
{
	struct ptx_function *function = parser->function;

	if (count > (MOST_REGISTERS - function->register_count) / 2)
		ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, parser->token.line, "too many registers");
	for (size_t i = 0; i < count; i++) {
		PTX_APPEND(parser->arena, function->registers, function->register_count, function->register_room,
			   (uint8_t)bytes);
		if (bytes == 16)
			PTX_APPEND(parser->arena, function->registers, function->register_count,
				   function->register_room, (uint8_t)8);
	}
}

struct ptx_symbol *ptx_parse_register(struct ptx_parser *parser, int bytes, unsigned elements)
{
	char *name = ptx_take_name(parser);
	struct ptx_symbol *symbol = ptx_scope_add(&parser->scopes, PTX_SYMBOL_REGISTERS, name);
	size_t count = 1;

	symbol->reg = parser->function->register_count;
	symbol->stride = elements > 1 ? elements : bytes == 16 ? 2 : 1;
	symbol->is_vector = elements > 1;
	if (ptx_accept(parser, '<')) {
		int64_t range = ptx_take_integer(parser);

		if (range < 1)
			ptx_unexpected(parser, "a register count");
		count = (size_t)range < MOST_REGISTERS ? (size_t)range : MOST_REGISTERS;
		ptx_expect(parser, '>');
		symbol->count = (uint32_t)count;
	}
	registers_add(parser, count * elements, bytes);
	return symbol;
}

int ptx_parse_register_type(struct ptx_parser *parser, unsigned *elements)
{
	struct ptx_token type;
	int bytes;

	*elements = ptx_accept_word(parser, ".v2") ? 2 : ptx_accept_word(parser, ".v4") ? 4 : 1;
	type = ptx_take(parser);
	bytes = type.length ? ptx_type_bytes(type.text + 1, type.length - 1) : -1;
	if (bytes < 0 || type.text[0] != '.' || (bytes == 16 && *elements > 1))
		ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, type.line, "unknown register type '%.*s'",
			   (int)type.length, type.text);
	return bytes;
}

/* .reg .b32 %r<10>, %x; */
static void take_registers(struct ptx_parser *parser)
{
	unsigned elements;
	int bytes = ptx_parse_register_type(parser, &elements);

	do
		ptx_parse_register(parser, bytes, elements);
	while (ptx_accept(parser, ','));
	ptx_expect(parser, ';');
}

static struct ptx_label *label_add(struct ptx_parser *parser, const struct ptx_token *token)
{
	struct ptx_label *label = ptx_alloc(parser->arena, sizeof(*label));

	label->name = ptx_copy(parser->arena, token->text, token->length);
	label->at = parser->function->code_count;
	ptx_scope_add(&parser->scopes, PTX_SYMBOL_LABEL, label->name)->label = label;
	return label;
}

/* The list behind a label: .branchtargets a, b;  .calltargets f, g;  .callprototype (…) _ (…); */
static bool take_targets(struct ptx_parser *parser, struct ptx_label *label)
{
	bool prototype = ptx_is_word(&parser->token, ".callprototype");
	struct ptx_operand list = {.kind = PTX_LIST};

	if (prototype) {
		while (!ptx_accept(parser, ';'))
			ptx_take(parser);
		label->is_list = true;
		return true;
	}
	if (!ptx_accept_word(parser, ".branchtargets") && !ptx_accept_word(parser, ".calltargets"))
		return false;
	take_list(parser, &list, ';', 0);
	label->targets = list.list;
	label->target_count = list.count;
	label->is_list = true;
	return true;
}

static bool take_body_variable(struct ptx_parser *parser)
{
	static const struct {
		const char *word;
		enum ptx_space space;
	} spaces[] = {{".param", PTX_PARAM},
		      {".local", PTX_LOCAL},
		      {".shared", PTX_SHARED},
		      {".global", PTX_GLOBAL},
		      {".const", PTX_CONST}};
	enum ptx_linkage linkage = ptx_accept_word(parser, ".extern") ? PTX_EXTERN : PTX_INTERNAL;

	for (size_t i = 0; i < sizeof(spaces) / sizeof(*spaces); i++)
		if (ptx_accept_word(parser, spaces[i].word)) {
			ptx_parse_variable(parser, spaces[i].space, linkage, false);
			ptx_expect(parser, ';');
			return true;
		}
	return false;
}

static void take_body_directive(struct ptx_parser *parser)
{
	if (ptx_accept_word(parser, ".reg")) {
		take_registers(parser);
	} else if (ptx_is_word(&parser->token, ".loc") || ptx_is_word(&parser->token, ".file")) {
		int line = parser->token.line;

		while (parser->token.kind != PTX_END && parser->token.line == line)
			ptx_take(parser);
	} else if (ptx_accept_word(parser, ".pragma")) {
		while (!ptx_accept(parser, ';'))
			ptx_take(parser);
	} else if (!take_body_variable(parser)) {
		ptx_unexpected(parser, "a directive or an instruction");
	}
}

static void take_body_statement(struct ptx_parser *parser)
{
	struct ptx_instruction instruction = {0};
	struct ptx_token token;

	if (parser->token.kind == PTX_WORD && parser->token.text[0] == '.') {
		take_body_directive(parser);
		return;
	}
	if (ptx_accept(parser, '@'))
		take_guard(parser, &instruction);
	if (parser->token.kind != PTX_WORD)
		ptx_unexpected(parser, "an instruction");
	token = ptx_take(parser);
	if (!instruction.guarded && ptx_accept(parser, ':'))
		take_targets(parser, label_add(parser, &token));
	else
		take_instruction(parser, &instruction, &token);
}

void ptx_parse_body(struct ptx_parser *parser)
{
	int depth = parser->scopes.depth;

	for (;;) {
		if (ptx_accept(parser, '{')) {
			ptx_scope_push(&parser->scopes, parser->token.line);
		} else if (ptx_accept(parser, '}')) {
			if (parser->scopes.depth == depth)
				return;
			ptx_scope_pop(&parser->scopes);
		} else if (!ptx_accept(parser, ';')) {
			take_body_statement(parser);
		}
	}
}
