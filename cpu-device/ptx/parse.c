/* Module level: directives, functions' heads. */
#include "parse.h"

#include <stdlib.h>

void ptx_unexpected(struct ptx_parser *parser, const char *wanted)
{
	const struct ptx_token *token = &parser->token;

	if (token->kind == PTX_END)
		ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, token->line, "text ends where %s should be", wanted);
	ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, token->line, "expected %s, found '%.*s'", wanted,
		   (int)(token->length < 100 ? token->length : 100), token->text);
}

struct ptx_token ptx_take(struct ptx_parser *parser)
{
	struct ptx_token token = parser->token;

	if (token.kind == PTX_END || token.kind == PTX_BAD)
		ptx_unexpected(parser, "more PTX");
	parser->token = ptx_lex(&parser->lexer);
	return token;
}

bool ptx_accept(struct ptx_parser *parser, char punctuation)
{
	if (!ptx_is(&parser->token, punctuation))
		return false;
	ptx_take(parser);
	return true;
}

bool ptx_accept_word(struct ptx_parser *parser, const char *word)
{
	if (!ptx_is_word(&parser->token, word))
		return false;
	ptx_take(parser);
	return true;
}

void ptx_expect(struct ptx_parser *parser, char punctuation)
{
	char wanted[] = {'\'', punctuation, '\'', 0};

	if (!ptx_accept(parser, punctuation))
		ptx_unexpected(parser, wanted);
}

char *ptx_take_name(struct ptx_parser *parser)
{
	struct ptx_token token;

	if (parser->token.kind != PTX_WORD)
		ptx_unexpected(parser, "a name");
	token = ptx_take(parser);
	return ptx_copy(parser->arena, token.text, token.length);
}

int64_t ptx_take_integer(struct ptx_parser *parser)
{
	bool negative = ptx_accept(parser, '-');
	uint64_t value;

	if (parser->token.kind != PTX_INT)
		ptx_unexpected(parser, "an integer");
	value = ptx_take(parser).integer;
	return (int64_t)(negative ? 0 - value : value);
}

void ptx_skip_parentheses(struct ptx_parser *parser)
{
	int depth = 1;

	ptx_expect(parser, '(');
	while (depth) {
		struct ptx_token token = ptx_take(parser);

		depth += ptx_is(&token, '(') - ptx_is(&token, ')');
	}
}

static void skip_line(struct ptx_parser *parser)
{
	int line = parser->token.line;

	while (parser->token.kind != PTX_END && parser->token.line == line)
		ptx_take(parser);
}

/* .section .debug_str { … } */
static void skip_section(struct ptx_parser *parser)
{
	int depth = 0;

	while (!ptx_is(&parser->token, '{'))
		ptx_take(parser);
	do {
		if (ptx_is(&parser->token, '{'))
			depth++;
		if (ptx_is(&parser->token, '}'))
			depth--;
		ptx_take(parser);
	} while (depth);
}

static void take_version(struct ptx_parser *parser)
{
	struct ptx_token token = ptx_take(parser);
	int major = 0, minor = 0;
	size_t i = 0;

	for (; i < token.length && token.text[i] >= '0' && token.text[i] <= '9' && major < 1000; i++)
		major = major * 10 + (token.text[i] - '0');
	if (i + 1 < token.length && token.text[i] == '.')
		minor = token.text[i + 1] - '0';
	parser->module->version = major * 10 + minor;
	if (token.kind != PTX_FLOAT || minor < 0 || minor > 9)
		ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, token.line, "bad .version");
	if (parser->module->version > PTX_NEWEST_VERSION)
		ptx_escape(parser->arena, CUDA_ERROR_UNSUPPORTED_PTX_VERSION, token.line,
			   "PTX version %d.%d is newer than %d.%d", major, minor, PTX_NEWEST_VERSION / 10,
			   PTX_NEWEST_VERSION % 10);
}

/* .target sm_75, debug */
static void take_target(struct ptx_parser *parser)
{
	do {
		struct ptx_token token = ptx_take(parser);
		int target = 0;

		if (token.length < 4 || memcmp(token.text, "sm_", 3))
			continue;
		for (size_t i = 3; i < token.length && token.text[i] >= '0' && token.text[i] <= '9' && target < 1000;
		     i++)
			target = target * 10 + (token.text[i] - '0');
		parser->module->target = target;
		if (target > parser->device_target)
			ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, token.line,
				   "code for sm_%d, the device is sm_%d", target, parser->device_target);
	} while (ptx_accept(parser, ','));
}

static size_t round_up(size_t value, size_t unit)
{
	return (value + unit - 1) / unit * unit;
}

/* .reg .u32 a as a parameter: the register, and a place where the call puts the value. */
static struct ptx_variable *take_register_parameter(struct ptx_parser *parser)
{
	struct ptx_variable *variable = ptx_alloc(parser->arena, sizeof(*variable));
	unsigned elements;
	int bytes = ptx_parse_register_type(parser, &elements);
	struct ptx_symbol *symbol = ptx_parse_register(parser, bytes, elements);

	if (!bytes || bytes == 16 || elements > 1 || symbol->count)
		ptx_unexpected(parser, "parameters of one register");
	variable->name = symbol->name;
	variable->space = PTX_PARAM;
	variable->size = variable->align = variable->element = (size_t)bytes;
	variable->function = parser->function;
	variable->line = parser->token.line;
	variable->in_register = true;
	variable->reg = symbol->reg;
	return variable;
}

/* (.param .b32 a, .param .align 8 .b8 b[16]); fills in each one's offset in a buffer laid out as C would. */
static void take_parameters(struct ptx_parser *parser, bool results)
{
	struct ptx_function *function = parser->function;
	size_t offset = 0;

	ptx_expect(parser, '(');
	while (!ptx_accept(parser, ')')) {
		struct ptx_variable *variable;

		if (!function->is_kernel && ptx_accept_word(parser, ".reg"))
			variable = take_register_parameter(parser);
		else if (ptx_accept_word(parser, ".param"))
			variable = ptx_parse_variable(parser, PTX_PARAM, PTX_INTERNAL, true);
		else
			ptx_unexpected(parser, ".param");
		offset = round_up(offset, variable->align);
		variable->offset = offset;
		offset += variable->size;
		if (results)
			PTX_APPEND(parser->arena, function->results, function->result_count, function->result_room,
				   variable);
		else
			PTX_APPEND(parser->arena, function->parameters, function->parameter_count,
				   function->parameter_room, variable);
		if (!ptx_accept(parser, ',') && !ptx_is(&parser->token, ')'))
			ptx_unexpected(parser, "',' or ')'");
	}
	if (!results)
		function->parameter_bytes = offset;
}

/* 256, 1, 1: up to three extents, of which those that are missing are 1. Returns how many there are. */
static unsigned take_extents(struct ptx_parser *parser, uint64_t extents[3])
{
	unsigned count = 0;

	extents[0] = extents[1] = extents[2] = 1;
	while (parser->token.kind == PTX_INT) {
		uint64_t extent = ptx_take(parser).integer;

		if (count == 3 || extent > UINT32_MAX)
			ptx_unexpected(parser, "up to three extents");
		extents[count++] = extent;
		ptx_accept(parser, ',');
	}
	return count;
}

static unsigned product_of(const uint64_t extents[3])
{
	uint64_t plane = extents[0] * extents[1];

	return extents[2] && plane > UINT32_MAX / extents[2] ? UINT32_MAX : (unsigned)(plane * extents[2]);
}

/* .maxntid 256, 1, 1 and the like, between head and body. */
static void take_directives(struct ptx_parser *parser)
{
	while (parser->token.kind == PTX_WORD && parser->token.text[0] == '.') {
		struct ptx_token token = ptx_take(parser);
		uint64_t extents[3];

		if (ptx_is_word(&token, ".pragma")) {
			while (!ptx_accept(parser, ';'))
				ptx_take(parser);
			continue;
		}
		if (!take_extents(parser, extents))
			continue;
		if (ptx_is_word(&token, ".maxntid") || ptx_is_word(&token, ".reqntid"))
			parser->function->max_threads = product_of(extents);
		if (ptx_is_word(&token, ".reqnctapercluster"))
			for (int i = 0; i < 3; i++)
				parser->function->cluster[i] = (unsigned)extents[i];
	}
}

/* The function called `name`, new or declared before. */
static struct ptx_function *function_open(struct ptx_parser *parser, const char *name, bool is_kernel)
{
	struct ptx_module *module = parser->module;
	struct ptx_symbol *symbol = ptx_scope_find(&parser->scopes, name, strlen(name));
	struct ptx_function *function;

	if (symbol && (symbol->kind != PTX_SYMBOL_FUNCTION || symbol->function->is_kernel != is_kernel ||
		       symbol->function->has_body))
		ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, parser->token.line, "'%s' is defined twice", name);
	if (symbol)
		return symbol->function;
	function = ptx_alloc(parser->arena, sizeof(*function));
	function->index = module->function_count;
	ptx_scope_add(&parser->scopes, PTX_SYMBOL_FUNCTION, name)->function = function;
	PTX_APPEND(parser->arena, module->functions, module->function_count, module->function_room, function);
	return function;
}

/* The results come before the name; they are parsed into a function that stands in for the real one, which a second
   declaration shares with the first. */
static void take_function(struct ptx_parser *parser, bool is_kernel, enum ptx_linkage linkage)
{
	struct ptx_function head = {
	    .is_kernel = is_kernel, .linkage = linkage, .unit = parser->module->unit, .line = parser->token.line};
	int depth = parser->scopes.depth;
	struct ptx_lexer start;
	struct ptx_token start_token;
	struct ptx_function *function;

	while (ptx_accept_word(parser, ".attribute"))
		ptx_skip_parentheses(parser);
	start = parser->lexer;
	start_token = parser->token;
	if (ptx_accept(parser, '('))
		while (!ptx_accept(parser, ')'))
			ptx_take(parser);
	head.name = ptx_take_name(parser);
	function = function_open(parser, head.name, is_kernel);
	head.index = function->index;
	head.referenced = function->referenced;
	head.address_taken = function->address_taken;
	*function = head;
	parser->function = function;
	ptx_scope_push(&parser->scopes, parser->token.line);
	if (ptx_is(&start_token, '(')) {
		struct ptx_lexer after = parser->lexer;
		struct ptx_token after_token = parser->token;

		parser->lexer = start;
		parser->token = start_token;
		take_parameters(parser, true);
		parser->lexer = after;
		parser->token = after_token;
	}
	if (ptx_is(&parser->token, '('))
		take_parameters(parser, false);
	take_directives(parser);
	if (!ptx_accept(parser, ';')) {
		ptx_expect(parser, '{');
		function->has_body = true;
		ptx_parse_body(parser);
	}
	while (parser->scopes.depth > depth)
		ptx_scope_pop(&parser->scopes);
	parser->function = NULL;
}

/* .alias new, old; where `new` has been declared before */
static void take_alias(struct ptx_parser *parser)
{
	struct ptx_function *alias = function_open(parser, ptx_take_name(parser), false);
	struct ptx_symbol *symbol;
	struct ptx_token token;

	ptx_expect(parser, ',');
	token = ptx_take(parser);
	symbol = ptx_scope_find(&parser->scopes, token.text, token.length);
	if (!symbol || symbol->kind != PTX_SYMBOL_FUNCTION || !symbol->function->has_body)
		ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, token.line, "'%.*s' is no function defined before",
			   (int)token.length, token.text);
	alias->definition = symbol->function;
	ptx_expect(parser, ';');
}

static bool take_space(struct ptx_parser *parser, enum ptx_space *space)
{
	*space = ptx_accept_word(parser, ".global")   ? PTX_GLOBAL
		 : ptx_accept_word(parser, ".const")  ? PTX_CONST
		 : ptx_accept_word(parser, ".shared") ? PTX_SHARED
		 : ptx_accept_word(parser, ".local")  ? PTX_LOCAL
						      : PTX_REGISTER;
	return *space != PTX_REGISTER;
}

static enum ptx_linkage take_linkage(struct ptx_parser *parser)
{
	enum ptx_linkage linkage = PTX_INTERNAL;

	for (;;) {
		if (ptx_accept_word(parser, ".extern"))
			linkage = PTX_EXTERN;
		else if (ptx_accept_word(parser, ".visible"))
			linkage = PTX_VISIBLE;
		else if (ptx_accept_word(parser, ".weak"))
			linkage = PTX_WEAK;
		else if (ptx_accept_word(parser, ".common"))
			linkage = PTX_COMMON;
		else
			return linkage;
	}
}

static void take_declaration(struct ptx_parser *parser)
{
	enum ptx_linkage linkage = take_linkage(parser);
	enum ptx_space space;

	if (ptx_accept_word(parser, ".entry")) {
		take_function(parser, true, linkage);
	} else if (ptx_accept_word(parser, ".func")) {
		take_function(parser, false, linkage);
	} else if (take_space(parser, &space)) {
		ptx_parse_variable(parser, space, linkage, false);
		ptx_expect(parser, ';');
	} else {
		ptx_unexpected(parser, "a declaration");
	}
}

static void take_statement(struct ptx_parser *parser)
{
	if (ptx_accept_word(parser, ".version"))
		take_version(parser);
	else if (ptx_accept_word(parser, ".target"))
		take_target(parser);
	else if (ptx_accept_word(parser, ".address_size")) {
		if (ptx_take_integer(parser) != 64)
			ptx_escape(parser->arena, CUDA_ERROR_INVALID_PTX, parser->token.line,
				   "only .address_size 64 is supported");
	} else if (ptx_is_word(&parser->token, ".file") || ptx_is_word(&parser->token, ".loc"))
		skip_line(parser);
	else if (ptx_accept_word(parser, ".section"))
		skip_section(parser);
	else if (ptx_accept_word(parser, ".alias"))
		take_alias(parser);
	else if (ptx_accept_word(parser, ".pragma"))
		while (!ptx_accept(parser, ';'))
			ptx_take(parser);
	else if (!ptx_accept(parser, ';'))
		take_declaration(parser);
}

/* A function's last parameter may be an array of any size: it gets room for the largest argument in the module. */
static void size_open_parameters(struct ptx_parser *parser)
{
	for (size_t i = 0; i < parser->module->function_count; i++) {
		const struct ptx_function *function = parser->module->functions[i];
		size_t count = function->parameter_count;

		if (!function->is_kernel && count && !function->parameters[count - 1]->size)
			function->parameters[count - 1]->size = parser->largest_argument;
	}
}

/* PTX from a fatbin may carry its terminator. */
static size_t text_length(const char *text, size_t length)
{
	while (length && !text[length - 1])
		length--;
	return length;
}

CUresult ptx_parse(struct ptx_module *module, const char *text, size_t length, int device_target)
{
	struct ptx_parser *volatile parser = calloc(1, sizeof(*parser));
	CUresult result = CUDA_SUCCESS;
	jmp_buf escape;

	if (!parser)
		return CUDA_ERROR_OUT_OF_MEMORY;
	parser->lexer = (struct ptx_lexer){text, text + text_length(text, length), 1};
	parser->arena = parser->scopes.arena = &module->arena;
	parser->module = module;
	parser->device_target = device_target;
	module->arena.escape = &escape;
	module->version = 0;
	if (setjmp(escape)) {
		result = module->arena.error;
	} else {
		parser->token = ptx_lex(&parser->lexer);
		while (parser->token.kind != PTX_END)
			take_statement(parser);
		if (!module->version)
			ptx_unexpected(parser, ".version");
		size_open_parameters(parser);
	}
	module->arena.escape = NULL;
	free(parser);
	return result;
}
