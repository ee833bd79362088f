/* mbarrier.* and cp.async.mbarrier.arrive. */
#include "../exec/async.h"
#include "words.h"

static const char *const scopes[] = {"cta", "cluster", NULL};
static const char *const spaces[] = {"shared", "shared::cta", "shared::cluster", NULL};

/* The object's address. Without a space it is generic. */
static uint32_t object_source(struct ptx_lowering *lowering, size_t index, bool shared)
{
	return ptx_generic_address(lowering, ptx_operand(lowering, index), shared ? PTX_SHARED : PTX_GLOBAL);
}

/* {.shared, .shared::cta, .shared::cluster}.b64 and the end. */
struct space {
	bool shared, cluster;
};

static struct space take_space(struct ptx_words *words)
{
	int which = ptx_word_among(words, spaces);

	ptx_word_expect(words, "b64");
	ptx_words_end(words);
	return (struct space){which >= 0, which == 2};
}

static void operands_expect(struct ptx_lowering *lowering, size_t least, size_t most)
{
	if (lowering->at->count < least || lowering->at->count > most)
		ptx_invalid(lowering, "wrong number of operands");
}

/* mbarrier.init.b64 [a], count; mbarrier.inval.b64 [a]; */
static void lower_init(struct ptx_lowering *lowering, struct ptx_words *words, bool valid)
{
	struct space space = take_space(words);
	uint32_t object, count = PTX_NO_REG;

	operands_expect(lowering, valid ? 2 : 1, valid ? 2 : 1);
	if (space.cluster)
		ptx_invalid(lowering, "only an object of the block itself can be initialised");
	object = object_source(lowering, 0, space.shared);
	if (valid)
		count = ptx_source(lowering, ptx_operand(lowering, 1), 'w', "u32", false);
	ptx_emit2(lowering, valid ? "mbarrier@init" : "mbarrier@inval", object, count, PTX_NO_REG);
}

/* mbarrier.expect_tx{.relaxed}{.cta}.b64 [a], bytes; mbarrier.complete_tx… */
static void lower_bytes(struct ptx_lowering *lowering, struct ptx_words *words, int sign)
{
	struct space space;
	uint32_t object, bytes;

	if (ptx_word_accept(words, "relaxed"))
		ptx_word_choose(words, scopes);
	space = take_space(words);
	operands_expect(lowering, 2, 2);
	object = object_source(lowering, 0, space.shared);
	bytes = ptx_source(lowering, ptx_operand(lowering, 1), 'w', "u32", false);
	ptx_emit2(lowering, "mbarrier@bytes", object, bytes, PTX_NO_REG)->imm = sign;
}

/* mbarrier.arrive{.expect_tx, .noComplete}{.release, .relaxed}{.cta}.b64 state, [a]{, count}; also arrive_drop */
static void lower_arrive(struct ptx_lowering *lowering, struct ptx_words *words, bool drop)
{
	static const char *const meanings[] = {"release", "relaxed", NULL};
	bool bytes = ptx_word_accept(words, "expect_tx"), not_last = !bytes && ptx_word_accept(words, "noComplete");
	uint32_t state, object, operand, one = ptx_constant(lowering, 1, false),
					 zero = ptx_constant(lowering, 0, false);
	const struct ptx_operand *result;
	struct space space;
	struct ptx_ir *ir;

	if (ptx_word_among(words, meanings) >= 0)
		ptx_word_choose(words, scopes);
	space = take_space(words);
	operands_expect(lowering, bytes || not_last ? 3 : 2, 3);
	result = ptx_operand(lowering, 0);
	if (space.cluster && result->kind != PTX_NONE)
		ptx_invalid(lowering, "an arrival in the cluster gives no state");
	object = object_source(lowering, 1, space.shared);
	operand = lowering->at->count == 3 ? ptx_source(lowering, ptx_operand(lowering, 2), 'w', "u32", false) : one;
	state = ptx_destination(lowering, result, 'l');
	ir = ptx_emit2(lowering, "mbarrier@arrive", state, object, bytes ? one : operand);
	ir->op[3] = bytes ? operand : zero;
	ir->imm = (drop ? CPU_ARRIVE_DROP : 0) | (not_last ? CPU_ARRIVE_NOT_LAST : 0);
}

/* mbarrier.test_wait{.parity}{.acquire, .relaxed}{.cta}.b64 p, [a], state; try_wait has a time limit, too, and may give
   up earlier: it does so at once, and lets others run. */
static void lower_wait(struct ptx_lowering *lowering, struct ptx_words *words, bool limit)
{
	static const char *const meanings[] = {"acquire", "relaxed", NULL};
	bool parity = ptx_word_accept(words, "parity");
	uint32_t p, object, phase;
	struct space space;

	if (ptx_word_among(words, meanings) >= 0)
		ptx_word_choose(words, scopes);
	space = take_space(words);
	operands_expect(lowering, 3, limit ? 4 : 3);
	if (space.cluster)
		ptx_invalid(lowering, "only an object of the block itself can be waited for");
	object = object_source(lowering, 1, space.shared);
	phase = ptx_source(lowering, ptx_operand(lowering, 2), parity ? 'w' : 'l', "b64", false);
	p = ptx_destination(lowering, ptx_operand(lowering, 0), 'p');
	ptx_emit2(lowering, parity ? "mbarrier@wait.parity" : "mbarrier@wait.state", p, object, phase);
}

/* mbarrier.pending_count.b64 count, state; */
static void lower_pending(struct ptx_lowering *lowering, struct ptx_words *words)
{
	uint32_t count, state;

	ptx_word_expect(words, "b64");
	ptx_words_end(words);
	operands_expect(lowering, 2, 2);
	state = ptx_source(lowering, ptx_operand(lowering, 1), 'l', "b64", false);
	count = ptx_destination(lowering, ptx_operand(lowering, 0), 'w');
	ptx_emit2(lowering, "mbarrier@pending", count, state, PTX_NO_REG);
}

bool ptx_lower_mbarrier(struct ptx_lowering *lowering)
{
	enum { INIT, INVAL, EXPECT, COMPLETE, ARRIVE, DROP, TEST, TRY, PENDING };
	static const char *const operations[] = {"init",        "inval",     "expect_tx", "complete_tx",   "arrive",
						 "arrive_drop", "test_wait", "try_wait",  "pending_count", NULL};
	struct ptx_words words;
	unsigned operation;

	if (!ptx_is_opcode(lowering, "mbarrier"))
		return false;
	words = ptx_words(lowering);
	operation = ptx_word_choose(&words, operations);
	switch (operation) {
	case INIT:
	case INVAL:
		lower_init(lowering, &words, operation == INIT);
		break;
	case EXPECT:
	case COMPLETE:
		lower_bytes(lowering, &words, operation == EXPECT ? 1 : -1);
		break;
	case ARRIVE:
	case DROP:
		lower_arrive(lowering, &words, operation == DROP);
		break;
	case TEST:
	case TRY:
		lower_wait(lowering, &words, operation == TRY);
		break;
	default:
		lower_pending(lowering, &words);
	}
	return true;
}
