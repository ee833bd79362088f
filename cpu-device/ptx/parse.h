/* PTX text to a module; and what the parser's files share. */
#ifndef PTX_PARSE_H
#define PTX_PARSE_H

#include "ast.h"
#include "lexer.h"
#include "scope.h"

/* Newest .version understood. */
#define PTX_NEWEST_VERSION 90

struct ptx_parser {
	struct ptx_lexer lexer;
	struct ptx_token token; /* the next one, not yet taken */
	struct ptx_arena *arena;
	struct ptx_module *module;
	struct ptx_function *function; /* whose body is parsed; NULL at module level */
	struct ptx_scopes scopes;
	int device_target;
	size_t largest_argument; /* bytes of the largest .param variable in a function's body */
};

/* Parses `length` bytes of text and adds what they declare to `module`, with the unit's name in `module->unit`.
   `device_target` is the highest .target accepted (75 for sm_75). On an error the log names the line; the caller frees
   the arena. Names mean nothing beyond their unit until ptx_link() has been called. */
CUresult ptx_parse(struct ptx_module *module, const char *text, size_t length, int device_target);

/* The parser's tools. All escape on an error. */

_Noreturn void ptx_unexpected(struct ptx_parser *parser, const char *wanted);
struct ptx_token ptx_take(struct ptx_parser *parser);
bool ptx_accept(struct ptx_parser *parser, char punctuation);
bool ptx_accept_word(struct ptx_parser *parser, const char *word);
void ptx_expect(struct ptx_parser *parser, char punctuation);
/* A name, copied. */
char *ptx_take_name(struct ptx_parser *parser);
/* What stands in parentheses, and those. */
void ptx_skip_parentheses(struct ptx_parser *parser);
/* An integer with an optional sign. */
int64_t ptx_take_integer(struct ptx_parser *parser);

/* Bytes of a type's name (".u32" without its dot): 0 for pred, -1 when it is no type. */
int ptx_type_bytes(const char *name, size_t length);

/* Variables (parse_variable.c): the declaration after its state space, up to and without the ';' ',' or ')' behind it.
   Several names separated by commas are all declared; the last is returned. */
struct ptx_variable *ptx_parse_variable(struct ptx_parser *parser, enum ptx_space space, enum ptx_linkage linkage,
					bool only_one);

/* The initial value of a texture, sampler or surface reference, if there is one (parse_reference.c). */
void ptx_parse_reference(struct ptx_parser *parser, struct ptx_variable *variable);

/* The type of registers (".v4 .f32"): its bytes, 0 for pred, and of a vector its elements, else 1 (parse_body.c). */
int ptx_parse_register_type(struct ptx_parser *parser, unsigned *elements);
/* The name behind it, with its <range>, as a register of the function. */
struct ptx_symbol *ptx_parse_register(struct ptx_parser *parser, int bytes, unsigned elements);

/* A function's body after its '{', up to and including its '}' (parse_body.c). */
void ptx_parse_body(struct ptx_parser *parser);

#endif
