/* cp.async, cp.async.bulk, cp.reduce.async.bulk, st.async, red.async. */
#include "../exec/async.h"
#include "words.h"

#include <stdio.h>

static void operands_expect(struct ptx_lowering *lowering, size_t least, size_t most)
{
	if (lowering->at->count < least || lowering->at->count > most)
		ptx_invalid(lowering, "wrong number of operands");
}

static uint32_t address(struct ptx_lowering *lowering, size_t index, enum ptx_space space)
{
	return ptx_generic_address(lowering, ptx_operand(lowering, index), space);
}

static uint32_t number(struct ptx_lowering *lowering, size_t index)
{
	return ptx_source(lowering, ptx_operand(lowering, index), 'w', "u32", false);
}

static bool take_shared(struct ptx_words *words)
{
	return ptx_word_accept(words, "shared") || ptx_word_accept(words, "shared::cta");
}

/* Bytes to read: what the operand says, or none where its predicate is true, or all. */
static uint32_t source_bytes(struct ptx_lowering *lowering, const struct ptx_operand *operand, uint32_t size)
{
	uint32_t bytes, ignored;

	if (!operand)
		return ptx_constant(lowering, size, false);
	if (operand->kind != PTX_REG || lowering->classes[operand->reg] != 'p')
		return ptx_source(lowering, operand, 'w', "u32", false);
	ignored = ptx_source(lowering, operand, 'p', "pred", false);
	bytes = ptx_temporary(lowering, 'w');
	ptx_emit2(lowering, "selp.b32", bytes, ptx_constant(lowering, 0, false), ptx_constant(lowering, size, false))
	    ->op[3] = ignored;
	return bytes;
}

/* cp.async.ca.shared.global{.L2::cache_hint}{.L2::128B} [d], [a], 16{, bytes or ignore}{, policy}; */
static void lower_copy(struct ptx_lowering *lowering, struct ptx_words *words)
{
	static const char *const caches[] = {"ca", "cg", NULL};
	static const char *const prefetches[] = {"L2::64B", "L2::128B", "L2::256B", NULL};
	bool is_cg = ptx_word_choose(words, caches) == 1, hint;
	const struct ptx_operand *size;
	uint32_t to, from, bytes;
	size_t count = lowering->at->count;

	if (!take_shared(words))
		ptx_word_expect(words, "shared");
	ptx_word_expect(words, "global");
	hint = ptx_word_accept(words, "L2::cache_hint");
	ptx_word_among(words, prefetches);
	ptx_words_end(words);
	operands_expect(lowering, 3u + hint, 4u + hint);
	size = ptx_operand(lowering, 2);
	if (size->kind != PTX_IMMEDIATE || (size->bits != 16 && (is_cg || (size->bits != 4 && size->bits != 8))))
		ptx_invalid(lowering, "no such size");
	to = address(lowering, 0, PTX_SHARED);
	from = address(lowering, 1, PTX_GLOBAL);
	bytes = source_bytes(lowering, count == 4u + hint ? ptx_operand(lowering, 3) : NULL, (uint32_t)size->bits);
	struct ptx_ir *ir = ptx_emit2(lowering, "cp@async", to, from, bytes);

	ir->imm = (int64_t)size->bits;
	ir->aux = lowering->program->spans++;
}

/* Copies are done when they are issued. */
static void lower_group(struct ptx_lowering *lowering, struct ptx_words *words, bool waits)
{
	ptx_words_end(words);
	operands_expect(lowering, waits, waits);
	if (waits && ptx_operand(lowering, 0)->kind != PTX_IMMEDIATE)
		ptx_invalid(lowering, "a constant is needed");
}

/* cp.async.mbarrier.arrive{.noinc}{.shared}.b64 [a]; */
static void lower_copy_arrival(struct ptx_lowering *lowering, struct ptx_words *words)
{
	bool alone, shared;
	uint32_t object;

	ptx_word_expect(words, "arrive");
	alone = ptx_word_accept(words, "noinc");
	shared = take_shared(words);
	ptx_word_expect(words, "b64");
	ptx_words_end(words);
	operands_expect(lowering, 1, 1);
	object = address(lowering, 0, shared ? PTX_SHARED : PTX_GLOBAL);
	ptx_emit2(lowering, "mbarrier@copies", object, PTX_NO_REG, PTX_NO_REG)->imm = alone;
}

/* The operation and type of a reduction, in the last two modifiers. */
static const char *const operations[] = {"add", "min", "max", "inc", "dec", "and", "or", "xor", NULL};
static const char *const types[] = {"u32", "s32", "u64", "s64", "b32", "b64", "f16", "bf16", "f32", "f64", NULL};

static int64_t take_reduction(struct ptx_words *words, bool is_bulk)
{
	unsigned operation = ptx_word_choose(words, operations);
	bool flushes_not = ptx_word_accept(words, "noftz");
	unsigned type = ptx_word_choose(words, types);
	bool bits = operation >= CPU_REDUCTION_AND, is_bits = type == CPU_REDUCTION_B32 || type == CPU_REDUCTION_B64;
	bool counts = operation == CPU_REDUCTION_INC || operation == CPU_REDUCTION_DEC;
	bool halves = type == CPU_REDUCTION_F16 || type == CPU_REDUCTION_BF16;

	ptx_words_end(words);
	if (bits != is_bits || (counts && type != CPU_REDUCTION_U32) ||
	    (operation == CPU_REDUCTION_ADD && type == CPU_REDUCTION_S64) ||
	    (type >= CPU_REDUCTION_F32 && operation != CPU_REDUCTION_ADD) || (type >= CPU_REDUCTION_F16 && !is_bulk) ||
	    flushes_not != (halves && operation == CPU_REDUCTION_ADD))
		ptx_invalid(words->lowering, "no such operation for this type");
	return CPU_REDUCTION_CODE(operation, type);
}

/* Where a bulk operation writes and reads, and how it tells that it is done. */
struct bulk {
	enum ptx_space to, from;
	bool signals; /* to an mbarrier, else by groups */
	bool every_block, hint;
};

/* shared::cluster.global.mbarrier::complete_tx::bytes … */
static struct bulk bulk_parse(struct ptx_words *words, bool is_reduction)
{
	bool cluster = ptx_word_accept(words, "shared::cluster");
	bool block = !cluster && !is_reduction && ptx_word_accept(words, "shared::cta");
	struct bulk bulk = {PTX_GLOBAL, PTX_SHARED, false, false, false};

	if (cluster || block) {
		bulk.to = PTX_SHARED;
		bulk.signals = true;
		if (block || (!is_reduction && ptx_word_accept(words, "global")))
			bulk.from = PTX_GLOBAL;
		if (block)
			ptx_word_expect(words, "global");
		else if (bulk.from == PTX_SHARED)
			ptx_word_expect(words, "shared::cta");
		ptx_word_expect(words, "mbarrier::complete_tx::bytes");
		bulk.every_block = cluster && bulk.from == PTX_GLOBAL && ptx_word_accept(words, "multicast::cluster");
		bulk.hint = bulk.from == PTX_GLOBAL && ptx_word_accept(words, "L2::cache_hint");
		return bulk;
	}
	ptx_word_expect(words, "global");
	ptx_word_expect(words, "shared::cta");
	ptx_word_expect(words, "bulk_group");
	bulk.hint = ptx_word_accept(words, "L2::cache_hint");
	return bulk;
}

static int64_t bulk_flags(const struct bulk *bulk)
{
	return (bulk->signals ? CPU_BULK_SIGNALS : 0) | (bulk->every_block ? CPU_BULK_EVERY_BLOCK : 0);
}

/* [to], [from], size, [mbarrier]{, blocks}{, policy} or [to], [from], size{, policy} */
static struct ptx_ir *bulk_emit(struct ptx_lowering *lowering, const struct bulk *bulk, const char *row)
{
	size_t count = 3u + bulk->signals + bulk->every_block + bulk->hint;
	uint32_t to, from, size, object = ptx_constant(lowering, 0, true), which = ptx_constant(lowering, 0, false);
	struct ptx_ir *ir;

	operands_expect(lowering, count, count);
	if (ptx_operand(lowering, 2)->kind == PTX_IMMEDIATE && ptx_operand(lowering, 2)->bits % 16)
		ptx_invalid(lowering, "the size must be a multiple of 16");
	to = address(lowering, 0, bulk->to);
	from = address(lowering, 1, bulk->from);
	size = number(lowering, 2);
	if (bulk->signals)
		object = address(lowering, 3, PTX_SHARED);
	if (bulk->every_block)
		which = ptx_source(lowering, ptx_operand(lowering, 4), 'w', "b16", false);
	ir = ptx_emit2(lowering, row, to, from, size);
	ir->op[3] = object;
	if (!strcmp(row, "bulk@copy"))
		ir->op[4] = which;
	ir->imm = bulk_flags(bulk);
	ir->aux = lowering->program->spans++;
	return ir;
}

/* cp.async.bulk.… behind "bulk" */
static void lower_bulk(struct ptx_lowering *lowering, struct ptx_words *words)
{
	static const char *const others[] = {"commit_group", "wait_group", "prefetch", "tensor", NULL};
	struct bulk bulk;

	switch (ptx_word_among(words, others)) {
	case 0:
		lower_group(lowering, words, false);
		return;
	case 1:
		ptx_word_accept(words, "read");
		lower_group(lowering, words, true);
		return;
	case 2:
		if (ptx_word_accept(words, "tensor")) {
			ptx_lower_tensor_prefetch(lowering, words);
			return;
		}
		ptx_word_expect(words, "L2");
		ptx_word_expect(words, "global");
		bulk.hint = ptx_word_accept(words, "L2::cache_hint");
		ptx_words_end(words);
		operands_expect(lowering, 2u + bulk.hint, 2u + bulk.hint);
		return;
	case 3:
		ptx_lower_tensor_copy(lowering, words, false);
		return;
	default:
		bulk = bulk_parse(words, false);
		ptx_words_end(words);
		bulk_emit(lowering, &bulk, "bulk@copy");
	}
}

/* cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32 [to], [from], size; */
static void lower_bulk_reduction(struct ptx_lowering *lowering, struct ptx_words *words)
{
	struct bulk bulk;
	struct ptx_ir *ir;
	int64_t code;

	ptx_word_expect(words, "async");
	ptx_word_expect(words, "bulk");
	if (ptx_word_accept(words, "tensor")) {
		ptx_lower_tensor_copy(lowering, words, true);
		return;
	}
	bulk = bulk_parse(words, true);
	code = take_reduction(words, true);
	if (bulk.to == PTX_SHARED && CPU_REDUCTION_TYPE(code) >= CPU_REDUCTION_F16)
		ptx_invalid(lowering, "no such operation for this type");
	ir = bulk_emit(lowering, &bulk, "bulk@reduce");
	ir->imm |= code << CPU_BULK_OPERATION_SHIFT;
}

static void lower_cp(struct ptx_lowering *lowering)
{
	struct ptx_words words = ptx_words(lowering);

	if (ptx_word_accept(&words, "reduce")) {
		lower_bulk_reduction(lowering, &words);
		return;
	}
	ptx_word_expect(&words, "async");
	if (ptx_word_accept(&words, "bulk"))
		lower_bulk(lowering, &words);
	else if (ptx_word_accept(&words, "mbarrier"))
		lower_copy_arrival(lowering, &words);
	else if (ptx_word_accept(&words, "commit_group") || ptx_word_accept(&words, "wait_all"))
		lower_group(lowering, &words, false);
	else if (ptx_word_accept(&words, "wait_group"))
		lower_group(lowering, &words, true);
	else
		lower_copy(lowering, &words);
}

/* st.async{.weak}{.shared::cluster}.mbarrier::complete_tx::bytes{.v2}.b32 [a], value, [mbarrier]; */
static void lower_store(struct ptx_lowering *lowering)
{
	static const char *const vectors[] = {"v2", "v4", NULL};
	static const char *const kinds[] = {"b32", "u32", "s32", "f32", "b64", "u64", "s64", "f64", NULL};
	struct ptx_words words = ptx_words(lowering);
	enum ptx_space space = PTX_GLOBAL;
	const struct ptx_operand *values;
	uint32_t to, object, regs[4];
	unsigned count, kind;
	struct ptx_ir *ir;
	char row[32];
	int vector;

	ptx_word_expect(&words, "async");
	ptx_word_accept(&words, "weak");
	if (ptx_word_accept(&words, "shared::cluster"))
		space = PTX_SHARED;
	ptx_word_expect(&words, "mbarrier::complete_tx::bytes");
	vector = ptx_word_among(&words, vectors);
	kind = ptx_word_choose(&words, kinds);
	ptx_words_end(&words);
	operands_expect(lowering, 3, 3);
	count = vector < 0 ? 1 : vector == 0 ? 2 : 4;
	values = ptx_operand(lowering, 1);
	if (values->kind == PTX_LIST ? values->count != count : count != 1)
		ptx_invalid(lowering, "wrong number of values");
	to = address(lowering, 0, space);
	object = address(lowering, 2, space);
	for (unsigned i = 0; i < count; i++)
		regs[i] = ptx_source(lowering, values->kind == PTX_LIST ? &values->list[i] : values,
				     kind < 4 ? 'w' : 'l', kinds[kind], false);
	snprintf(row, sizeof(row), "st@async%s.%s",
		 vector < 0    ? ""
		 : vector == 0 ? ".v2"
			       : ".v4",
		 kind < 4 ? "b32" : "b64");
	ir = ptx_emit2(lowering, row, to, object, PTX_NO_REG);
	for (unsigned i = 0; i < count; i++)
		ir->op[2 + i] = regs[i];
}

/* red.async.relaxed.cluster{.shared::cluster}.mbarrier::complete_tx::bytes.add.u32 [a], b, [mbarrier]; */
static void lower_reduction(struct ptx_lowering *lowering)
{
	struct ptx_words words = ptx_words(lowering);
	enum ptx_space space = PTX_GLOBAL;
	uint32_t to, object, b;
	int64_t code;
	bool wide;

	ptx_word_expect(&words, "async");
	ptx_word_expect(&words, "relaxed");
	ptx_word_expect(&words, "cluster");
	if (ptx_word_accept(&words, "shared::cluster"))
		space = PTX_SHARED;
	ptx_word_expect(&words, "mbarrier::complete_tx::bytes");
	code = take_reduction(&words, false);
	operands_expect(lowering, 3, 3);
	wide = CPU_REDUCTION_TYPE(code) == CPU_REDUCTION_U64 || CPU_REDUCTION_TYPE(code) == CPU_REDUCTION_S64 ||
	       CPU_REDUCTION_TYPE(code) == CPU_REDUCTION_B64;
	if (wide && (CPU_REDUCTION_TYPE(code) != CPU_REDUCTION_U64 || CPU_REDUCTION_OPERATION(code)))
		ptx_invalid(lowering, "no such operation for this type");
	to = address(lowering, 0, space);
	object = address(lowering, 2, space);
	b = ptx_source(lowering, ptx_operand(lowering, 1), wide ? 'l' : 'w', wide ? "u64" : "u32", false);
	ptx_emit2(lowering, wide ? "red@async.b64" : "red@async.b32", to, object, b)->imm = code;
}

bool ptx_lower_async(struct ptx_lowering *lowering)
{
	if (ptx_is_opcode(lowering, "cp"))
		lower_cp(lowering);
	else if (ptx_is_opcode(lowering, "st") && ptx_has(lowering, ".async"))
		lower_store(lowering);
	else if (ptx_is_opcode(lowering, "red") && ptx_has(lowering, ".async"))
		lower_reduction(lowering);
	else
		return false;
	return true;
}
