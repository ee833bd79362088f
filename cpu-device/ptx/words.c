#include "words.h"

#include <stdio.h>
#include <stdlib.h>

static void refuse(struct ptx_words *words)
{
	char why[96];

	if (words->next)
		snprintf(why, sizeof(why), "modifier '.%.*s' does not belong there",
			 (int)strcspn(words->next, ".") % 40, words->next);
	else
		snprintf(why, sizeof(why), "a modifier is missing");
	ptx_invalid(words->lowering, why);
}

static void advance(struct ptx_words *words)
{
	const char *dot = strchr(words->next, '.');

	words->next = dot ? dot + 1 : NULL;
}

struct ptx_words ptx_words(struct ptx_lowering *lowering)
{
	struct ptx_words words = {lowering, lowering->at->name};

	advance(&words);
	return words;
}

bool ptx_word_accept(struct ptx_words *words, const char *word)
{
	if (!words->next || strcspn(words->next, ".") != strlen(word) || memcmp(words->next, word, strlen(word)))
		return false;
	advance(words);
	return true;
}

void ptx_word_expect(struct ptx_words *words, const char *word)
{
	if (!ptx_word_accept(words, word))
		refuse(words);
}

int ptx_word_among(struct ptx_words *words, const char *const *list)
{
	for (int i = 0; list[i]; i++)
		if (ptx_word_accept(words, list[i]))
			return i;
	return -1;
}

unsigned ptx_word_choose(struct ptx_words *words, const char *const *list)
{
	int found = ptx_word_among(words, list);

	if (found < 0)
		refuse(words);
	return (unsigned)found;
}

int ptx_word_number(struct ptx_words *words, const char *word)
{
	size_t length = strlen(word), digits;

	if (!words->next || strncmp(words->next, word, length))
		return -1;
	digits = strspn(words->next + length, "0123456789");
	if (!digits || digits > 6)
		return -1;
	int number = atoi(words->next + length);
	advance(words);
	return number;
}

void ptx_words_end(struct ptx_words *words)
{
	if (words->next)
		refuse(words);
}
