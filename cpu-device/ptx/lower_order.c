/* What orders, hints at or limits other work and changes no value: fences, prefetches, cache policies, griddepcontrol,
   setmaxnreg. Fences are real, for blocks run on several processors; the rest is checked and does nothing. */
#include "words.h"

static const char *const scopes[] = {"cta", "cluster", "gpu", "sys", NULL};

static void operands_expect(struct ptx_lowering *lowering, size_t count)
{
	if (lowering->at->count != count)
		ptx_invalid(lowering, "wrong number of operands");
}

/* fence.proxy.… : the proxies are one here. */
static void proxy_check(struct ptx_lowering *lowering, struct ptx_words *words)
{
	static const char *const spaces[] = {"global", "shared::cta", "shared::cluster", NULL};
	static const char *const directions[] = {"acquire", "release", NULL};
	bool acquires;

	if (ptx_word_accept(words, "tensormap::generic")) {
		acquires = !ptx_word_choose(words, directions);
		ptx_word_choose(words, scopes);
		operands_expect(lowering, acquires ? 2 : 0);
	} else if (ptx_word_accept(words, "async::generic")) {
		acquires = !ptx_word_choose(words, directions);
		ptx_word_expect(words, acquires ? "sync_restrict::shared::cluster" : "sync_restrict::shared::cta");
		ptx_word_expect(words, "cluster");
	} else if (ptx_word_accept(words, "async")) {
		ptx_word_among(words, spaces);
	} else {
		ptx_word_expect(words, "alias");
	}
}

static void lower_fence(struct ptx_lowering *lowering)
{
	static const char *const meanings[] = {"acquire", "release", "sc", "acq_rel", NULL};
	struct ptx_words words = ptx_words(lowering);
	int meaning;

	if (ptx_word_accept(&words, "proxy")) {
		proxy_check(lowering, &words);
	} else if (ptx_word_accept(&words, "mbarrier_init")) {
		ptx_word_expect(&words, "release");
		ptx_word_expect(&words, "cluster");
	} else {
		meaning = ptx_word_among(&words, meanings);
		if (meaning == 0 && ptx_word_accept(&words, "sync_restrict::shared::cluster"))
			ptx_word_expect(&words, "cluster");
		else if (meaning == 1 && ptx_word_accept(&words, "sync_restrict::shared::cta"))
			ptx_word_expect(&words, "cluster");
		else
			ptx_word_choose(&words, scopes);
	}
	ptx_words_end(&words);
	ptx_emit(lowering, "fence");
}

static void lower_membar(struct ptx_lowering *lowering)
{
	static const char *const levels[] = {"cta", "gl", "sys", NULL};
	struct ptx_words words = ptx_words(lowering);

	if (ptx_word_accept(&words, "proxy"))
		ptx_word_expect(&words, "alias");
	else
		ptx_word_choose(&words, levels);
	ptx_words_end(&words);
	operands_expect(lowering, 0);
	ptx_emit(lowering, "fence");
}

/* Grids of a stream run one after the other, so what they wait for has already happened. */
static void lower_griddepcontrol(struct ptx_lowering *lowering)
{
	static const char *const actions[] = {"launch_dependents", "wait", NULL};
	struct ptx_words words = ptx_words(lowering);

	ptx_word_choose(&words, actions);
	ptx_words_end(&words);
	operands_expect(lowering, 0);
	ptx_emit(lowering, "fence");
}

/* setmaxnreg.inc.sync.aligned.u32 n; no thread lacks registers here. */
static void lower_setmaxnreg(struct ptx_lowering *lowering)
{
	static const char *const actions[] = {"inc", "dec", NULL};
	struct ptx_words words = ptx_words(lowering);
	const struct ptx_operand *count;

	ptx_word_choose(&words, actions);
	ptx_word_expect(&words, "sync");
	ptx_word_expect(&words, "aligned");
	ptx_word_expect(&words, "u32");
	ptx_words_end(&words);
	operands_expect(lowering, 1);
	count = ptx_operand(lowering, 0);
	if (count->kind != PTX_IMMEDIATE || count->bits < 24 || count->bits > 256 || count->bits % 8)
		ptx_invalid(lowering, "a constant from 24 to 256, a multiple of 8, is needed");
}

/* prefetch{.global, .local}.L1, prefetch.global.L2::evict_last, prefetchu.L1, prefetch{.const}.tensormap … [a]; */
static void lower_prefetch(struct ptx_lowering *lowering)
{
	static const char *const spaces[] = {"global", "local", "const", "param", NULL};
	static const char *const levels[] = {"L1", "L2", "L2::evict_last", "L2::evict_normal", "tensormap", NULL};
	struct ptx_words words = ptx_words(lowering);

	ptx_word_among(&words, spaces);
	ptx_word_choose(&words, levels);
	ptx_words_end(&words);
	operands_expect(lowering, 1);
}

/* applypriority{.global}.L2::evict_normal [a], 128; discard{.global}.L2 [a], 128; what is discarded may stay. */
static void lower_line_hint(struct ptx_lowering *lowering, const char *level)
{
	struct ptx_words words = ptx_words(lowering);
	const struct ptx_operand *size;

	ptx_word_accept(&words, "global");
	ptx_word_expect(&words, level);
	ptx_words_end(&words);
	operands_expect(lowering, 2);
	size = ptx_operand(lowering, 1);
	if (size->kind != PTX_IMMEDIATE || size->bits != 128)
		ptx_invalid(lowering, "the size must be 128");
}

/* createpolicy.fractional.… policy, …; policies are passed around and never looked at. */
static void lower_createpolicy(struct ptx_lowering *lowering)
{
	static const char *const kinds[] = {"fractional", "range", "cvt", NULL};
	struct ptx_words words = ptx_words(lowering);
	uint32_t policy = ptx_destination(lowering, ptx_operand(lowering, 0), 'l');

	ptx_word_choose(&words, kinds);
	ptx_emit2(lowering, "mov.b64", policy, ptx_constant(lowering, 0, true), PTX_NO_REG);
}

/* pmevent n; pmevent.mask m; for profilers */
static void lower_pmevent(struct ptx_lowering *lowering)
{
	struct ptx_words words = ptx_words(lowering);

	ptx_word_accept(&words, "mask");
	ptx_words_end(&words);
	operands_expect(lowering, 1);
}

bool ptx_lower_order(struct ptx_lowering *lowering)
{
	if (ptx_is_opcode(lowering, "fence"))
		lower_fence(lowering);
	else if (ptx_is_opcode(lowering, "membar"))
		lower_membar(lowering);
	else if (ptx_is_opcode(lowering, "griddepcontrol"))
		lower_griddepcontrol(lowering);
	else if (ptx_is_opcode(lowering, "setmaxnreg"))
		lower_setmaxnreg(lowering);
	else if (ptx_is_opcode(lowering, "prefetch") || ptx_is_opcode(lowering, "prefetchu"))
		lower_prefetch(lowering);
	else if (ptx_is_opcode(lowering, "applypriority"))
		lower_line_hint(lowering, "L2::evict_normal");
	else if (ptx_is_opcode(lowering, "discard"))
		lower_line_hint(lowering, "L2");
	else if (ptx_is_opcode(lowering, "createpolicy"))
		lower_createpolicy(lowering);
	else if (ptx_is_opcode(lowering, "pmevent"))
		lower_pmevent(lowering);
	else
		return false;
	return true;
}
