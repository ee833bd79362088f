/* The modifiers of an instruction one after the other, for families whose modifiers have a fixed order: what does not
   fit is refused, and so is what is left over. */
#ifndef PTX_WORDS_H
#define PTX_WORDS_H

#include "lower.h"

struct ptx_words {
	struct ptx_lowering *lowering;
	const char *next; /* behind the last dot taken: the next modifier; NULL at the end */
};

/* Begins behind the opcode. */
struct ptx_words ptx_words(struct ptx_lowering *lowering);
/* Takes the next modifier if it is `word` (without its dot). */
bool ptx_word_accept(struct ptx_words *words, const char *word);
/* Takes the next modifier, which must be `word`; escapes with INVALID_PTX when it is not. */
void ptx_word_expect(struct ptx_words *words, const char *word);
/* Takes the next modifier if `list`, which NULL ends, has it: its index, or -1. */
int ptx_word_among(struct ptx_words *words, const char *const *list);
/* The same, but it must be there. */
unsigned ptx_word_choose(struct ptx_words *words, const char *const *list);
/* Takes `word` together with a number behind it, as in L2::128B or x4: the number, or -1. */
int ptx_word_number(struct ptx_words *words, const char *word);
/* Escapes with INVALID_PTX unless all modifiers have been taken. */
void ptx_words_end(struct ptx_words *words);

/* Copies of tensors (lower_tensor.c), behind "tensor" and "prefetch.tensor". */
void ptx_lower_tensor_copy(struct ptx_lowering *lowering, struct ptx_words *words, bool is_reduction);
void ptx_lower_tensor_prefetch(struct ptx_lowering *lowering, struct ptx_words *words);

#endif
