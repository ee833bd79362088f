/* Declarations of variables and their initial values. */
#include "parse.h"

#define LARGEST_INITIALISED ((size_t)1 << 30)
#define DEEPEST_BRACES 16

static const struct {
	const char *name;
	int bytes;
} types[] = {
    {"pred", 0}, {"b8", 1},  {"u8", 1},  {"s8", 1},    {"b16", 2},    {"u16", 2},        {"s16", 2},     {"f16", 2},
    {"b32", 4},  {"u32", 4}, {"s32", 4}, {"f32", 4},   {"f16x2", 4},  {"bf16", 2},       {"bf16x2", 4},  {"b64", 8},
    {"u64", 8},  {"s64", 8}, {"f64", 8}, {"b128", 16}, {"texref", 8}, {"samplerref", 8}, {"surfref", 8},
};

int ptx_type_bytes(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strlen(types[i].name) == length && !memcmp(types[i].name, name, length))
			return types[i].bytes;
	return -1;
}

static void take_alignment(struct ptx_parser *parser, struct ptx_variable *variable)
{
	int64_t align = ptx_take_integer(parser);

	if (align <= 0 || align > 4096 || (align & (align - 1)))
		ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, parser->token.line, "bad alignment");
	variable->align = align;
}

static void type_set(struct ptx_variable *variable, const struct ptx_token *type, int bytes)
{
	variable->element = bytes;
	variable->reference = ptx_is_word(type, ".texref")       ? PTX_TEXTURE_REFERENCE
			      : ptx_is_word(type, ".samplerref") ? PTX_SAMPLER_REFERENCE
			      : ptx_is_word(type, ".surfref")    ? PTX_SURFACE_REFERENCE
								 : PTX_NO_REFERENCE;
}

/* .align N .v2 .u32 .ptr .global …, in any order. */
static void take_qualifiers(struct ptx_parser *parser, struct ptx_variable *variable)
{
	size_t lanes = 1;
	bool pointee = false; /* a pointer parameter's .align is that of what it points to */

	while (parser->token.kind == PTX_WORD && parser->token.text[0] == '.') {
		struct ptx_token token = ptx_take(parser);
		int bytes = ptx_type_bytes(token.text + 1, token.length - 1);
		struct ptx_variable ignored;

		if (ptx_is_word(&token, ".align"))
			take_alignment(parser, pointee ? &ignored : variable);
		else if (ptx_is_word(&token, ".v2"))
			lanes = 2;
		else if (ptx_is_word(&token, ".v4"))
			lanes = 4;
		else if (ptx_is_word(&token, ".ptr"))
			pointee = true;
		else if (ptx_is_word(&token, ".attribute"))
			ptx_skip_parentheses(parser);
		else if (bytes > 0)
			type_set(variable, &token, bytes);
		else if (!pointee)
			ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, token.line, "unknown type '%.*s'",
				   (int)token.length, token.text);
	}
	if (!variable->element)
		ptx_unexpected(parser, "a type");
	variable->size = variable->element * lanes;
	if (variable->align < variable->size && variable->space == PTX_REGISTER)
		variable->align = variable->size;
	if (!variable->align)
		variable->align = variable->size;
}

/* [4][5]; returns whether the first is empty, its size to be taken from the initial value. */
static bool take_dimensions(struct ptx_parser *parser, struct ptx_variable *variable)
{
	bool open = false;

	while (ptx_accept(parser, '[')) {
		int64_t extent = 1;

		if (ptx_is(&parser->token, ']'))
			open = true;
		else
			extent = ptx_take_integer(parser);
		if (extent < 0 || (extent && variable->size > ((size_t)1 << 40) / extent))
			ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, parser->token.line, "bad array size");
		variable->size *= extent;
		ptx_expect(parser, ']');
	}
	return open;
}

struct initialiser {
	struct ptx_variable *variable;
	size_t at, room;
};

static void put_bytes(struct ptx_parser *parser, struct initialiser *init, const void *bytes)
{
	size_t element = init->variable->element;

	if (init->at + element > init->room) {
		size_t room = init->room ? init->room * 2 : 64;
		unsigned char *larger;

		if (init->at + element > LARGEST_INITIALISED)
			ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, parser->token.line, "initial value too long");
		larger = ptx_alloc(parser->arena, room);
		if (init->at)
			memcpy(larger, init->variable->initial, init->at);
		init->variable->initial = larger;
		init->room = room;
	}
	memcpy(init->variable->initial + init->at, bytes, element < 8 ? element : 8);
	init->at += element;
}

static void put_number(struct ptx_parser *parser, struct initialiser *init, bool negative)
{
	struct ptx_token token = ptx_take(parser);
	uint64_t bits = token.integer;

	if (token.kind == PTX_FLOAT && init->variable->element == 4) {
		double value;
		float single;

		memcpy(&value, &bits, sizeof(value));
		single = (float)value;
		bits = 0;
		memcpy(&bits, &single, sizeof(single));
	}
	if (negative && token.kind == PTX_INT)
		bits = 0 - bits;
	else if (negative)
		bits ^= (uint64_t)1 << (init->variable->element * 8 - 1);
	put_bytes(parser, init, &bits);
}

/* name, name+4, generic(name)+4 */
static void put_symbol(struct ptx_parser *parser, struct initialiser *init)
{
	static const unsigned char zeros[8];
	bool wrapped = ptx_accept_word(parser, "generic");
	struct ptx_relocation *relocation = ptx_alloc(parser->arena, sizeof(*relocation));
	struct ptx_symbol *symbol;
	struct ptx_token token;

	if (wrapped)
		ptx_expect(parser, '(');
	token = ptx_take(parser);
	symbol = ptx_scope_find(&parser->scopes, token.text, token.length);
	if (symbol && symbol->function)
		symbol->function->referenced = symbol->function->address_taken = true;
	if (symbol && symbol->variable)
		symbol->variable->referenced = true;
	if (!symbol || (!symbol->variable && !symbol->function) || init->variable->element != 8)
		ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, token.line, "bad initial value '%.*s'",
			   (int)token.length, token.text);
	if (wrapped)
		ptx_expect(parser, ')');
	relocation->offset = init->at;
	relocation->variable = symbol->variable;
	relocation->function = symbol->function;
	if (ptx_is(&parser->token, '+') || ptx_is(&parser->token, '-')) {
		bool minus = ptx_is(&parser->token, '-');

		ptx_take(parser);
		relocation->addend = ptx_take_integer(parser);
		if (minus)
			relocation->addend = (int64_t)(0 - (uint64_t)relocation->addend);
	}
	relocation->next = init->variable->relocations;
	init->variable->relocations = relocation;
	put_bytes(parser, init, zeros);
}

static void take_values(struct ptx_parser *parser, struct initialiser *init, int depth)
{
	if (depth > DEEPEST_BRACES)
		ptx_unexpected(parser, "fewer braces");
	if (ptx_accept(parser, '{')) {
		while (!ptx_accept(parser, '}')) {
			take_values(parser, init, depth + 1);
			if (!ptx_accept(parser, ',') && !ptx_is(&parser->token, '}'))
				ptx_unexpected(parser, "',' or '}'");
		}
	} else if (parser->token.kind == PTX_WORD) {
		put_symbol(parser, init);
	} else {
		bool negative = ptx_accept(parser, '-');

		if (parser->token.kind != PTX_INT && parser->token.kind != PTX_FLOAT &&
		    parser->token.kind != PTX_SINGLE)
			ptx_unexpected(parser, "a value");
		put_number(parser, init, negative);
	}
}

/* The value after '='; short ones are filled with zeros. */
static void take_initial(struct ptx_parser *parser, struct ptx_variable *variable, bool open)
{
	struct initialiser init = {variable, 0, 0};
	unsigned char *all;

	take_values(parser, &init, 0);
	if (open && variable->size < init.at)
		variable->size = init.at;
	if (init.at > variable->size || variable->size > LARGEST_INITIALISED)
		ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, parser->token.line, "initial value of '%s' too long",
			   variable->name);
	all = ptx_alloc(parser->arena, variable->size + 1);
	if (init.at)
		memcpy(all, variable->initial, init.at);
	variable->initial = all;
}

static void variable_register(struct ptx_parser *parser, struct ptx_variable *variable)
{
	struct ptx_module *module = parser->module;
	struct ptx_function *function = parser->function;
	struct ptx_symbol *old = ptx_scope_find(&parser->scopes, variable->name, strlen(variable->name));

	/* The definition after an .extern declaration takes its place, so that earlier uses mean it too. */
	if (old && old->variable && !function && old->variable->space == variable->space) {
		variable->referenced = old->variable->referenced;
		if (old->variable->is_extern && !variable->is_extern)
			*old->variable = *variable;
		return;
	}
	ptx_scope_add(&parser->scopes, PTX_SYMBOL_VARIABLE, variable->name)->variable = variable;
	if (variable->space == PTX_PARAM && function && function->has_body && variable->size > parser->largest_argument)
		parser->largest_argument = variable->size;
	if (variable->space == PTX_GLOBAL || variable->space == PTX_CONST)
		PTX_APPEND(parser->arena, module->variables, module->variable_count, module->variable_room, variable);
	else if (function && variable->space != PTX_SHARED)
		PTX_APPEND(parser->arena, function->locals, function->local_count, function->local_room, variable);
}

struct ptx_variable *ptx_parse_variable(struct ptx_parser *parser, enum ptx_space space, enum ptx_linkage linkage,
					bool only_one)
{
	struct ptx_variable pattern = {.space = space,
				       .is_extern = linkage == PTX_EXTERN,
				       .linkage = linkage,
				       .unit = parser->module->unit,
				       .line = parser->token.line};
	struct ptx_variable *variable;

	take_qualifiers(parser, &pattern);
	do {
		bool open;

		variable = ptx_alloc(parser->arena, sizeof(*variable));
		*variable = pattern;
		variable->function = parser->function;
		variable->name = ptx_take_name(parser);
		open = take_dimensions(parser, variable);
		if (open)
			variable->size = 0;
		if (variable->reference && variable->size == variable->element)
			ptx_parse_reference(parser, variable);
		else if (ptx_accept(parser, '='))
			take_initial(parser, variable, open);
		variable_register(parser, variable);
	} while (!only_one && ptx_accept(parser, ','));
	return variable;
}
