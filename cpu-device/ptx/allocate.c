/* Places for registers: liveness over the control flow, then a linear scan. A kernel may name tens of thousands of
   registers of which few are alive at once, and a warp's frame should stay in the cache. */
#include "lower.h"

/* Positions: instruction i reads at 2i and writes at 2i + 1, so that a result may take the place of a source that
   dies there. */
struct range {
	uint32_t start, end; /* empty while start > end */
};

struct block {
	uint32_t first, last;
	uint32_t successors[2];
	unsigned successor_count;
	uint32_t table_first, table_count; /* more successors: of brx */
	uint64_t *use, *def, *in, *out;    /* sets of global registers */
};

struct allocation {
	struct ptx_lowering *lowering;
	struct ptx_arena *arena;
	struct block *blocks;
	size_t block_count;
	uint32_t *block_of; /* by instruction */
	uint32_t *global;   /* by register: index + 1 in the sets, 0 when it lives in one block only */
	size_t global_count, words;
	struct range *ranges;
	uint32_t *offsets; /* by register, in the frame */
	bool *fixed;       /* constants */
};

typedef void (*visit_fn)(struct allocation *allocation, uint32_t at, uint32_t reg, bool read, bool write);

/* A guarded write keeps the old value of the other lanes, so it also reads; but what lowering made for its own use has
   none. */
static bool is_merged(const struct allocation *allocation, const struct ptx_ir *ir, uint32_t reg)
{
	return ir->guard != PTX_NO_REG && reg < allocation->lowering->ast->register_count;
}

/* All registers of an instruction; sources first. */
static void instruction_visit(struct allocation *allocation, uint32_t at, visit_fn visit)
{
	const struct ptx_ir *ir = &allocation->lowering->code[at];
	const char *classes = ptx_opcode(ir->row)->registers;
	size_t destinations = strcspn(classes, "="), operands = strlen(classes) - 1;

	if (ir->guard != PTX_NO_REG)
		visit(allocation, at, ir->guard, true, false);
	for (size_t i = destinations; i < operands; i++)
		if (ir->op[i] != PTX_NO_REG)
			visit(allocation, at, ir->op[i], true, false);
	for (size_t i = ir->list_written; i < ir->list_count; i++)
		visit(allocation, at, ir->list[i], true, false);
	if (ir->shape != PTX_NO_REG)
		visit(allocation, at, ir->shape, ir->shape_known, !ir->shape_known);
	for (size_t i = 0; i < ir->list_written; i++)
		visit(allocation, at, ir->list[i], is_merged(allocation, ir, ir->list[i]), true);
	for (size_t i = 0; i < destinations; i++) {
		bool reads = classes[i] == 'P' || is_merged(allocation, ir, ir->op[i]);

		visit(allocation, at, ir->op[i], reads, true);
	}
}

static uint32_t target_index(const struct ptx_lowering *lowering, size_t parsed)
{
	return lowering->starts[parsed];
}

static bool is_row(const struct ptx_ir *ir, const char *name)
{
	return ptx_opcode(ir->row)->name == name || !strcmp(ptx_opcode(ir->row)->name, name);
}

static bool ends_path(const struct ptx_ir *ir)
{
	return ir->guard == PTX_NO_REG &&
	       (is_row(ir, "ret") || is_row(ir, "exit") || is_row(ir, "trap") || is_row(ir, "brx@"));
}

static void mark_leaders(struct allocation *allocation, bool *leader)
{
	struct ptx_lowering *lowering = allocation->lowering;

	leader[0] = true;
	for (uint32_t i = 0; i < lowering->code_count; i++) {
		const struct ptx_ir *ir = &lowering->code[i];
		bool table = is_row(ir, "brx@");

		if (ir->has_target)
			leader[target_index(lowering, (size_t)ir->imm)] = true;
		for (uint32_t k = 0; table && k < ir->aux; k++)
			leader[target_index(lowering, lowering->function->targets[ir->imm + k])] = true;
		if (ir->has_target || table || ends_path(ir))
			leader[i + 1] = true;
	}
}

static void block_close(struct allocation *allocation, struct block *block)
{
	struct ptx_lowering *lowering = allocation->lowering;
	const struct ptx_ir *last = &lowering->code[block->last];

	if (last->has_target)
		block->successors[block->successor_count++] =
		    allocation->block_of[target_index(lowering, (size_t)last->imm)];
	if (is_row(last, "brx@")) {
		block->table_first = (uint32_t)last->imm;
		block->table_count = last->aux;
	}
	if (!ends_path(last) && !(last->has_target && last->guard == PTX_NO_REG) &&
	    block->last + 1 < lowering->code_count)
		block->successors[block->successor_count++] = allocation->block_of[block->last + 1];
}

static void blocks_find(struct allocation *allocation)
{
	struct ptx_lowering *lowering = allocation->lowering;
	bool *leader = ptx_alloc(allocation->arena, lowering->code_count + 1);
	size_t room = 0;

	mark_leaders(allocation, leader);
	ptx_shapes_share(lowering, leader);
	allocation->block_of = ptx_alloc(allocation->arena, lowering->code_count * sizeof(uint32_t));
	for (uint32_t i = 0; i < lowering->code_count; i++) {
		if (leader[i]) {
			struct block block = {.first = i};

			PTX_APPEND(allocation->arena, allocation->blocks, allocation->block_count, room, block);
		}
		allocation->blocks[allocation->block_count - 1].last = i;
		allocation->block_of[i] = (uint32_t)(allocation->block_count - 1);
	}
	for (size_t b = 0; b < allocation->block_count; b++)
		block_close(allocation, &allocation->blocks[b]);
}

/* A register is local to a block when it is written there before it is read and appears nowhere else. While finding
   out, `global` holds the block + 2 where it was seen, or 1 once it is known to be global. */
static void visit_global(struct allocation *allocation, uint32_t at, uint32_t reg, bool read, bool write)
{
	uint32_t *mark = &allocation->global[reg];
	uint32_t block = allocation->block_of[at] + 2;

	(void)write;
	if (allocation->fixed[reg])
		return;
	if (!*mark)
		*mark = read ? 1 : block;
	else if (*mark != block)
		*mark = 1;
}

static void visit_sets(struct allocation *allocation, uint32_t at, uint32_t reg, bool read, bool write)
{
	struct block *block = &allocation->blocks[allocation->block_of[at]];
	uint32_t index = allocation->global[reg] - 1;
	uint64_t bit;

	if (!allocation->global[reg])
		return;
	bit = (uint64_t)1 << index % 64;
	if (read && !(block->def[index / 64] & bit))
		block->use[index / 64] |= bit;
	if (write)
		block->def[index / 64] |= bit;
}

static void code_visit(struct allocation *allocation, visit_fn visit)
{
	for (uint32_t i = 0; i < allocation->lowering->code_count; i++)
		instruction_visit(allocation, i, visit);
}

static void sets_make(struct allocation *allocation)
{
	struct ptx_arena *arena = allocation->arena;

	allocation->global = ptx_alloc(arena, allocation->lowering->reg_count * sizeof(uint32_t));
	code_visit(allocation, visit_global);
	for (size_t i = 0; i < allocation->lowering->reg_count; i++)
		allocation->global[i] = allocation->global[i] == 1 ? (uint32_t)++allocation->global_count : 0;
	allocation->words = (allocation->global_count + 63) / 64;
	for (size_t b = 0; b < allocation->block_count; b++) {
		struct block *block = &allocation->blocks[b];
		uint64_t *sets = ptx_alloc(arena, 4 * allocation->words * sizeof(*sets) + 1);

		block->use = sets;
		block->def = sets + allocation->words;
		block->in = sets + 2 * allocation->words;
		block->out = sets + 3 * allocation->words;
	}
	code_visit(allocation, visit_sets);
}

static bool out_add(struct allocation *allocation, struct block *block, uint32_t successor)
{
	const uint64_t *in = allocation->blocks[successor].in;
	bool changed = false;

	for (size_t w = 0; w < allocation->words; w++) {
		changed |= (in[w] & ~block->out[w]) != 0;
		block->out[w] |= in[w];
	}
	return changed;
}

static bool block_update(struct allocation *allocation, struct block *block)
{
	const struct ptx_lowering *lowering = allocation->lowering;
	bool changed = false;

	for (unsigned i = 0; i < block->successor_count; i++)
		changed |= out_add(allocation, block, block->successors[i]);
	for (uint32_t i = 0; i < block->table_count; i++)
		changed |= out_add(
		    allocation, block,
		    allocation->block_of[target_index(lowering, lowering->function->targets[block->table_first + i])]);
	for (size_t w = 0; w < allocation->words; w++) {
		uint64_t in = block->use[w] | (block->out[w] & ~block->def[w]);

		changed |= in != block->in[w];
		block->in[w] = in;
	}
	return changed;
}

static void liveness_solve(struct allocation *allocation)
{
	bool changed = allocation->words != 0;

	while (changed) {
		changed = false;
		for (size_t b = allocation->block_count; b-- > 0;)
			changed |= block_update(allocation, &allocation->blocks[b]);
	}
}

static void range_extend(struct range *range, uint32_t position)
{
	if (position < range->start)
		range->start = position;
	if (position > range->end)
		range->end = position;
}

static void visit_range(struct allocation *allocation, uint32_t at, uint32_t reg, bool read, bool write)
{
	if (read)
		range_extend(&allocation->ranges[reg], 2 * at);
	if (write)
		range_extend(&allocation->ranges[reg], 2 * at + 1);
}

/* A register alive at a block's border is alive from or to that border. */
static void ranges_over_blocks(struct allocation *allocation)
{
	uint32_t *regs = ptx_alloc(allocation->arena, (allocation->global_count + 1) * sizeof(*regs));

	for (uint32_t r = 0; r < allocation->lowering->reg_count; r++)
		if (allocation->global[r])
			regs[allocation->global[r] - 1] = r;
	for (size_t b = 0; b < allocation->block_count; b++) {
		const struct block *block = &allocation->blocks[b];

		for (size_t w = 0; w < allocation->words; w++) {
			for (uint64_t set = block->in[w]; set; set &= set - 1)
				range_extend(&allocation->ranges[regs[w * 64 + __builtin_ctzll(set)]],
					     2 * block->first);
			for (uint64_t set = block->out[w]; set; set &= set - 1)
				range_extend(&allocation->ranges[regs[w * 64 + __builtin_ctzll(set)]],
					     2 * block->last + 1);
		}
	}
}

static void ranges_find(struct allocation *allocation)
{
	size_t count = allocation->lowering->reg_count;

	allocation->ranges = ptx_alloc(allocation->arena, count * sizeof(*allocation->ranges) + 1);
	for (size_t i = 0; i < count; i++)
		allocation->ranges[i] = (struct range){UINT32_MAX, 0};
	code_visit(allocation, visit_range);
	ranges_over_blocks(allocation);
}

/* Registers of one class in slots numbered from 0, lowest first. */
struct bank {
	char class;
	uint32_t slots; /* used so far */
	uint32_t *free; /* slots that are free again */
	uint32_t free_count;
	uint32_t *slot_of; /* by register */
};

/* Lists of registers by the position where they start or end. */
static uint32_t *by_position(struct allocation *allocation, uint32_t **next, bool ends)
{
	struct ptx_lowering *lowering = allocation->lowering;
	size_t positions = 2 * lowering->code_count + 1;
	uint32_t *heads = ptx_alloc(allocation->arena, positions * sizeof(*heads));

	memset(heads, 0xff, positions * sizeof(*heads));
	*next = ptx_alloc(allocation->arena, lowering->reg_count * sizeof(**next) + 1);
	for (uint32_t r = 0; r < lowering->reg_count; r++) {
		const struct range *range = &allocation->ranges[r];
		uint32_t at = ends ? range->end : range->start;

		if (allocation->fixed[r] || range->start == UINT32_MAX)
			continue;
		(*next)[r] = heads[at];
		heads[at] = r;
	}
	return heads;
}

static struct bank *bank_for(struct bank *banks, char class)
{
	return &banks[class == 'p' ? 0 : class == 'l' ? 1 : 2];
}

static void scan(struct allocation *allocation, struct bank *banks)
{
	struct ptx_lowering *lowering = allocation->lowering;
	uint32_t *start_next, *end_next;
	uint32_t *starts = by_position(allocation, &start_next, false),
		 *ends = by_position(allocation, &end_next, true);

	for (uint32_t at = 0; at < 2 * lowering->code_count; at++) {
		for (uint32_t r = starts[at]; r != UINT32_MAX; r = start_next[r]) {
			struct bank *bank = bank_for(banks, lowering->classes[r]);

			bank->slot_of[r] = bank->free_count ? bank->free[--bank->free_count] : bank->slots++;
		}
		for (uint32_t r = ends[at]; r != UINT32_MAX; r = end_next[r]) {
			struct bank *bank = bank_for(banks, lowering->classes[r]);

			bank->free[bank->free_count++] = bank->slot_of[r];
		}
	}
}

/* Frame: the always-true predicate, predicates, 64-bit registers, 32-bit registers; constants first in their bank. */
static void offsets_choose(struct allocation *allocation, struct bank *banks)
{
	struct ptx_lowering *lowering = allocation->lowering;
	struct cpu_function *function = lowering->function;
	uint64_t wide = (4 * (1 + (uint64_t)banks[0].slots) + CPU_FRAME_ALIGN - 1) / CPU_FRAME_ALIGN * CPU_FRAME_ALIGN;
	uint64_t narrow = wide + (uint64_t)banks[1].slots * CPU_LANES * 8;
	uint64_t bytes = narrow + (uint64_t)banks[2].slots * CPU_LANES * 4;

	if (bytes > UINT32_MAX / 2)
		ptx_invalid(lowering, "too many registers");
	allocation->offsets = ptx_alloc(allocation->arena, lowering->reg_count * sizeof(uint32_t) + 1);
	for (uint32_t r = 0; r < lowering->reg_count; r++) {
		uint32_t slot = bank_for(banks, lowering->classes[r])->slot_of[r];

		allocation->offsets[r] = lowering->classes[r] == 'p'   ? 4 + 4 * slot
					 : lowering->classes[r] == 'l' ? (uint32_t)wide + slot * CPU_LANES * 8
								       : (uint32_t)narrow + slot * CPU_LANES * 4;
	}
	function->frame_bytes = (uint32_t)bytes;
}

static void constants_place(struct allocation *allocation, struct bank *banks)
{
	struct ptx_lowering *lowering = allocation->lowering;

	for (size_t i = 0; i < PTX_CONSTANT_BUCKETS; i++)
		for (struct ptx_constant *c = lowering->constants[i]; c; c = c->next) {
			struct bank *bank = bank_for(banks, c->wide ? 'l' : 'w');

			bank->slot_of[c->reg] = bank->slots++;
		}
}

static void constants_record(struct allocation *allocation)
{
	struct ptx_lowering *lowering = allocation->lowering;
	struct cpu_function *function = lowering->function;

	function->constants = ptx_alloc(lowering->keep, (lowering->constant_count + 1) * sizeof(*function->constants));
	for (size_t i = 0; i < PTX_CONSTANT_BUCKETS; i++)
		for (struct ptx_constant *c = lowering->constants[i]; c; c = c->next)
			function->constants[function->constant_count++] =
			    (struct cpu_constant){c->bits, allocation->offsets[c->reg], c->wide};
}

static void encode(struct allocation *allocation)
{
	struct ptx_lowering *lowering = allocation->lowering;
	struct cpu_function *function = lowering->function;
	const cpu_lane_fn *functions = cpu_lane_functions();

	function->code_count = lowering->code_count;
	function->code = ptx_alloc(lowering->keep, lowering->code_count * sizeof(*function->code));
	for (size_t i = 0; i < lowering->code_count; i++) {
		const struct ptx_ir *ir = &lowering->code[i];
		struct cpu_insn *insn = &function->code[i];

		insn->run = functions[ir->row];
		for (unsigned k = 0; k < CPU_OPERANDS; k++)
			insn->op[k] = ir->op[k] == PTX_NO_REG ? 0 : allocation->offsets[ir->op[k]];
		if (ir->shape != PTX_NO_REG) {
			insn->op[4] = ir->shape_known;
			insn->op[5] = allocation->offsets[ir->shape];
		}
		insn->guard = ir->guard == PTX_NO_REG ? 0 : allocation->offsets[ir->guard];
		insn->guard_flip = ir->guard_flip ? UINT32_MAX : 0;
		insn->imm = ir->has_target
				? (int64_t)(intptr_t)(function->code + target_index(lowering, (size_t)ir->imm))
				: ir->imm;
		insn->aux = ir->aux;
		insn->more = ir->more;
		for (uint32_t k = 0; k < ir->list_count; k++)
			ir->list[k] = allocation->offsets[ir->list[k]];
		insn->line = (uint32_t)ir->line;
	}
	for (size_t i = 0; i < lowering->target_count; i++)
		function->targets[i] = target_index(lowering, function->targets[i]);
}

int ptx_allocate(struct ptx_lowering *lowering)
{
	struct allocation allocation = {.lowering = lowering, .arena = lowering->arena};
	struct bank banks[3] = {{.class = 'p'}, {.class = 'l'}, {.class = 'w'}};
	size_t bytes;
	uint32_t constant_words = 0;

	blocks_find(&allocation);
	bytes = (lowering->reg_count + 1) * sizeof(uint32_t);
	allocation.fixed = ptx_alloc(lowering->arena, lowering->reg_count + 1);
	for (size_t i = 0; i < PTX_CONSTANT_BUCKETS; i++)
		for (struct ptx_constant *c = lowering->constants[i]; c; c = c->next) {
			allocation.fixed[c->reg] = true;
			constant_words += c->wide ? 2 : 1;
		}
	for (int i = 0; i < 3; i++) {
		banks[i].free = ptx_alloc(lowering->arena, bytes);
		banks[i].slot_of = ptx_alloc(lowering->arena, bytes);
	}
	sets_make(&allocation);
	liveness_solve(&allocation);
	ranges_find(&allocation);
	constants_place(&allocation, banks);
	scan(&allocation, banks);
	offsets_choose(&allocation, banks);
	constants_record(&allocation);
	encode(&allocation);
	return (int)(banks[2].slots + 2 * banks[1].slots - constant_words);
}
