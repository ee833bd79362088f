/* PTX text to tokens. */
#ifndef PTX_LEXER_H
#define PTX_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ptx_token_kind {
	PTX_END,
	PTX_WORD,   /* a name, directive or instruction with its modifiers: .reg %rd1 ld.global.v4.f32 %tid.x */
	PTX_INT,    /* `integer` */
	PTX_FLOAT,  /* `integer` is the bit pattern of a double (0d… or decimal) */
	PTX_SINGLE, /* `integer` is the bit pattern of a float (0f…) */
	PTX_STRING, /* text between the quotes */
	PTX_PUNCT,  /* one character: text[0] */
	PTX_BAD     /* not PTX: text[0] */
};

struct ptx_token {
	enum ptx_token_kind kind;
	const char *text; /* into the source, `length` characters */
	size_t length;
	uint64_t integer;
	int line;
};

struct ptx_lexer {
	const char *next, *end;
	int line;
};

/* The next token; PTX_END again and again at the end. Never reads past `end`. */
struct ptx_token ptx_lex(struct ptx_lexer *lexer);

static inline bool ptx_is(const struct ptx_token *token, char punctuation)
{
	return token->kind == PTX_PUNCT && token->text[0] == punctuation;
}

/* Is the token the word `word`? */
bool ptx_is_word(const struct ptx_token *token, const char *word);

#endif
