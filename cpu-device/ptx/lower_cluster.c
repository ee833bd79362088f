/* Clusters of blocks: mapa, getctarank, barrier.cluster. */
#include "words.h"

static const char *const widths[] = {"u32", "u64", NULL};

/* mapa{.shared::cluster}.u32 d, a, rank; */
static void lower_mapa(struct ptx_lowering *lowering)
{
	struct ptx_words words = ptx_words(lowering);
	bool shared = ptx_word_accept(&words, "shared::cluster");
	bool wide = ptx_word_choose(&words, widths) == 1;
	uint32_t a, rank, d;

	ptx_words_end(&words);
	if (!shared && !wide)
		ptx_invalid(lowering, "generic addresses are of 64 bits");
	a = ptx_source(lowering, ptx_operand(lowering, 1), shared ? 'w' : 'l', "u64", shared);
	rank = ptx_source(lowering, ptx_operand(lowering, 2), 'w', "u32", false);
	d = ptx_narrow_destination(lowering, ptx_operand(lowering, 0), shared ? 'w' : 'l');
	ptx_emit2(lowering, shared ? "mapa@shared" : "mapa@generic", d, a, rank);
	ptx_widen(lowering, ptx_operand(lowering, 0), d, "u32");
}

/* getctarank{.shared::cluster}.u32 d, a; the type is that of the address */
static void lower_getctarank(struct ptx_lowering *lowering)
{
	struct ptx_words words = ptx_words(lowering);
	bool shared = ptx_word_accept(&words, "shared::cluster");
	bool wide = ptx_word_choose(&words, widths) == 1;
	uint32_t a, d;

	ptx_words_end(&words);
	if (!shared && !wide)
		ptx_invalid(lowering, "generic addresses are of 64 bits");
	a = ptx_source(lowering, ptx_operand(lowering, 1), shared ? 'w' : 'l', "u64", shared);
	d = ptx_destination(lowering, ptx_operand(lowering, 0), 'w');
	ptx_emit2(lowering, shared ? "getctarank@shared" : "getctarank@generic", d, a, PTX_NO_REG);
}

/* barrier.cluster.arrive{.release, .relaxed}{.aligned}; barrier.cluster.wait{.acquire}{.aligned}; */
static void lower_cluster_barrier(struct ptx_lowering *lowering)
{
	static const char *const operations[] = {"arrive", "wait", NULL};
	struct ptx_words words = ptx_words(lowering);
	bool waits;

	ptx_word_expect(&words, "cluster");
	waits = ptx_word_choose(&words, operations) == 1;
	if (waits)
		ptx_word_accept(&words, "acquire");
	else if (!ptx_word_accept(&words, "release"))
		ptx_word_accept(&words, "relaxed");
	ptx_word_accept(&words, "aligned");
	ptx_words_end(&words);
	if (lowering->at->count)
		ptx_invalid(lowering, "no operands are expected");
	ptx_emit(lowering, waits ? "cluster@wait" : "cluster@arrive");
}

bool ptx_lower_cluster(struct ptx_lowering *lowering)
{
	if (ptx_is_opcode(lowering, "mapa"))
		lower_mapa(lowering);
	else if (ptx_is_opcode(lowering, "getctarank"))
		lower_getctarank(lowering);
	else if (ptx_is_opcode(lowering, "barrier") && ptx_has(lowering, ".cluster"))
		lower_cluster_barrier(lowering);
	else
		return false;
	return true;
}
