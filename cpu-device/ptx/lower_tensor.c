/* cp.async.bulk.tensor, cp.async.bulk.prefetch.tensor, cp.reduce.async.bulk.tensor. */
#include "../exec/async.h"
#include "words.h"

static const char *const ranks[] = {"1d", "2d", "3d", "4d", "5d", NULL};

/* [map, {x, y, …}]: the address and, as a list, the coordinates. */
static const uint32_t *tensor_operand(struct ptx_lowering *lowering, size_t index, unsigned rank, uint32_t *map)
{
	const struct ptx_operand *operand = ptx_operand(lowering, index), *at;
	uint32_t *list = ptx_alloc(lowering->keep, rank * sizeof(*list));

	if (operand->kind != PTX_ADDRESS || operand->count != 2)
		ptx_invalid(lowering, "a tensor and coordinates are needed");
	at = &operand->list[1];
	if ((at->kind == PTX_LIST ? at->count : 1) != rank)
		ptx_invalid(lowering, "wrong number of coordinates");
	*map = ptx_generic_address(lowering, operand, PTX_GLOBAL);
	for (unsigned i = 0; i < rank; i++)
		list[i] = ptx_source(lowering, at->kind == PTX_LIST ? &at->list[i] : at, 'w', "s32", false);
	return list;
}

static void tensor_emit(struct ptx_lowering *lowering, uint32_t map, const uint32_t *list, unsigned rank,
			const struct ptx_operand *shared, const struct ptx_operand *object,
			const struct ptx_operand *blocks, int64_t flags)
{
	uint32_t copy = ptx_generic_address(lowering, shared, PTX_SHARED);
	uint32_t signal = object ? ptx_generic_address(lowering, object, PTX_SHARED) : ptx_constant(lowering, 0, true);
	uint32_t mask = blocks ? ptx_source(lowering, blocks, 'w', "b16", false) : ptx_constant(lowering, 0, false);
	struct ptx_ir *ir = ptx_emit2(lowering, "bulk@tensor", map, copy, signal);

	ir->op[3] = mask;
	ir->imm = flags | rank;
	ir->aux = lowering->program->spans++;
	ir->more = list;
	ir->list = (uint32_t *)list;
	ir->list_count = rank;
}

static void count_check(struct ptx_lowering *lowering, size_t count)
{
	if (lowering->at->count != count)
		ptx_invalid(lowering, "wrong number of operands");
}

static void take_mode(struct ptx_words *words)
{
	if (words->next && !strncmp(words->next, "im2col", 6))
		ptx_invalid(words->lowering, "im2col is not supported");
	ptx_word_accept(words, "tile");
}

/* 2d.shared::cluster.global{.tile}.mbarrier::complete_tx::bytes… [to], [map, {x, y}], [mbarrier]{, blocks}{, policy} */
static void lower_load(struct ptx_lowering *lowering, struct ptx_words *words, unsigned rank)
{
	bool every, hint;
	const uint32_t *list;
	uint32_t map;

	ptx_word_expect(words, "global");
	take_mode(words);
	ptx_word_expect(words, "mbarrier::complete_tx::bytes");
	every = ptx_word_accept(words, "multicast::cluster");
	hint = ptx_word_accept(words, "L2::cache_hint");
	ptx_words_end(words);
	count_check(lowering, 3u + every + hint);
	list = tensor_operand(lowering, 1, rank, &map);
	tensor_emit(lowering, map, list, rank, ptx_operand(lowering, 0), ptx_operand(lowering, 2),
		    every ? ptx_operand(lowering, 3) : NULL, CPU_TENSOR_LOAD | (every ? CPU_TENSOR_EVERY_BLOCK : 0));
}

/* 2d.global.shared::cta{.add}{.tile}.bulk_group{.L2::cache_hint} [map, {x, y}], [from]{, policy} */
static void lower_store(struct ptx_lowering *lowering, struct ptx_words *words, unsigned rank, bool is_reduction)
{
	static const char *const operations[] = {"add", "min", "max", "inc", "dec", "and", "or", "xor", NULL};
	int64_t flags = 0;
	const uint32_t *list;
	uint32_t map;
	bool hint;

	ptx_word_expect(words, "global");
	ptx_word_expect(words, "shared::cta");
	if (is_reduction)
		flags = CPU_TENSOR_REDUCE | (int64_t)ptx_word_choose(words, operations) << CPU_TENSOR_OPERATION_SHIFT;
	take_mode(words);
	ptx_word_expect(words, "bulk_group");
	hint = ptx_word_accept(words, "L2::cache_hint");
	ptx_words_end(words);
	count_check(lowering, 2u + hint);
	list = tensor_operand(lowering, 0, rank, &map);
	tensor_emit(lowering, map, list, rank, ptx_operand(lowering, 1), NULL, NULL, flags);
}

void ptx_lower_tensor_copy(struct ptx_lowering *lowering, struct ptx_words *words, bool is_reduction)
{
	unsigned rank = 1 + ptx_word_choose(words, ranks);

	if (!is_reduction && (ptx_word_accept(words, "shared::cluster") || ptx_word_accept(words, "shared::cta")))
		lower_load(lowering, words, rank);
	else
		lower_store(lowering, words, rank, is_reduction);
}

/* tensor.2d.L2.global{.tile}{.L2::cache_hint} [map, {x, y}]{, policy}; nothing is fetched before it is asked for. */
void ptx_lower_tensor_prefetch(struct ptx_lowering *lowering, struct ptx_words *words)
{
	unsigned rank = 1 + ptx_word_choose(words, ranks);
	uint32_t map;
	bool hint;

	ptx_word_expect(words, "L2");
	ptx_word_expect(words, "global");
	take_mode(words);
	hint = ptx_word_accept(words, "L2::cache_hint");
	ptx_words_end(words);
	count_check(lowering, 1u + hint);
	tensor_operand(lowering, 0, rank, &map);
}
