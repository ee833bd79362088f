#include "lexer.h"

#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c == '%' || c == '.';
}

static bool is_word(char c)
{
	return is_word_start(c) || is_digit(c);
}

static int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static bool starts_with(const struct ptx_lexer *lexer, const char *text)
{
	size_t length = strlen(text);

	return (size_t)(lexer->end - lexer->next) >= length && !memcmp(lexer->next, text, length);
}

/* Everything up to and including `closing` (or the end). */
static void skip_past(struct ptx_lexer *lexer, const char *closing)
{
	while (lexer->next < lexer->end && !starts_with(lexer, closing))
		if (*lexer->next++ == '\n')
			lexer->line++;
	if (lexer->next < lexer->end)
		lexer->next += closing[0] == '\n' ? 0 : strlen(closing);
}

static void skip_blank(struct ptx_lexer *lexer)
{
	while (lexer->next < lexer->end) {
		char c = *lexer->next;

		if (c == '\n')
			lexer->line++;
		if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v')
			lexer->next++;
		else if (starts_with(lexer, "//") || c == '#')
			skip_past(lexer, "\n");
		else if (starts_with(lexer, "/*"))
			skip_past(lexer, "*/");
		else
			return;
	}
}

/* An instruction's modifiers belong to its word; of directives, each is a word: .reg.b32 is two. */
static void lex_word(struct ptx_lexer *lexer, struct ptx_token *token)
{
	bool directive = *lexer->next == '.';

	token->kind = PTX_WORD;
	lexer->next++;
	for (;;) {
		if (lexer->next < lexer->end && is_word(*lexer->next) && !(directive && *lexer->next == '.'))
			lexer->next++;
		else if (starts_with(lexer, "::")) /* .shared::cta */
			lexer->next += 2;
		else
			break;
	}
}

static void lex_digits(struct ptx_lexer *lexer, struct ptx_token *token, int base)
{
	while (lexer->next < lexer->end && digit_value(*lexer->next) < base)
		token->integer = token->integer * base + digit_value(*lexer->next++);
	if (lexer->next < lexer->end && *lexer->next == 'U')
		lexer->next++;
}

/* 12.5, 1e-3: copied because strtod needs a terminator. */
static void lex_decimal_float(struct ptx_lexer *lexer, struct ptx_token *token)
{
	char text[64];
	size_t length = 0;
	double value;

	while (lexer->next < lexer->end && length + 1 < sizeof(text)) {
		char c = *lexer->next;
		char before = length ? text[length - 1] : 0;

		if (!is_digit(c) && c != '.' && (c | 0x20) != 'e' &&
		    !((c == '-' || c == '+') && (before | 0x20) == 'e'))
			break;
		text[length++] = c;
		lexer->next++;
	}
	text[length] = 0;
	value = strtod(text, NULL);
	token->kind = PTX_FLOAT;
	memcpy(&token->integer, &value, sizeof(value));
}

static bool looks_like_float(const struct ptx_lexer *lexer)
{
	const char *at = lexer->next;

	while (at < lexer->end && is_digit(*at))
		at++;
	return at < lexer->end && (*at == '.' || (*at | 0x20) == 'e');
}

static void lex_number(struct ptx_lexer *lexer, struct ptx_token *token)
{
	char second = lexer->end - lexer->next > 1 ? lexer->next[1] | 0x20 : 0;

	token->kind = PTX_INT;
	if (*lexer->next != '0' || second == '.' || second == 'e' || is_digit(second)) {
		if (looks_like_float(lexer))
			lex_decimal_float(lexer, token);
		else
			lex_digits(lexer, token, *lexer->next == '0' ? 8 : 10);
		return;
	}
	lexer->next++;
	if (second == 'x' || second == 'b' || second == 'f' || second == 'd')
		lexer->next++;
	if (second == 'f')
		token->kind = PTX_SINGLE;
	if (second == 'd')
		token->kind = PTX_FLOAT;
	lex_digits(lexer, token, second == 'b' ? 2 : second == 'x' || second == 'f' || second == 'd' ? 16 : 8);
}

struct ptx_token ptx_lex(struct ptx_lexer *lexer)
{
	struct ptx_token token = {.kind = PTX_END};

	skip_blank(lexer);
	token.text = lexer->next;
	token.line = lexer->line;
	if (lexer->next == lexer->end)
		return token;
	if (is_word_start(*lexer->next)) {
		lex_word(lexer, &token);
	} else if (is_digit(*lexer->next)) {
		lex_number(lexer, &token);
	} else if (*lexer->next == '"') {
		lexer->next++;
		token.kind = PTX_STRING;
		token.text++;
		while (lexer->next < lexer->end && *lexer->next != '"' && *lexer->next != '\n')
			lexer->next++;
		token.length = lexer->next - token.text;
		if (lexer->next < lexer->end)
			lexer->next++;
		return token;
	} else {
		token.kind = strchr("{}()[]<>,;:=+-!@|*&~?/", *lexer->next) && *lexer->next ? PTX_PUNCT : PTX_BAD;
		lexer->next++;
	}
	token.length = lexer->next - token.text;
	return token;
}

bool ptx_is_word(const struct ptx_token *token, const char *word)
{
	return token->kind == PTX_WORD && token->length == strlen(word) && !memcmp(token->text, word, token->length);
}
