/* mma, wmma, ldmatrix, stmatrix: which combinations of shape, types and layouts there are, and how many registers each
   matrix takes. */
#include <fenv.h>
#include <stdio.h>

#include "../exec/matrix.h"
#include "words.h"

static const char *const type_names[] = {"f16", "bf16", "tf32", "f32", "f64", "e4m3", "e5m2",
					 "s8",  "u8",   "s4",   "u4",  "b1",  "s32",  NULL};

enum { ROW_MAJOR, COLUMN_MAJOR };
static const char *const layout_names[] = {"row", "col", NULL};

struct shape {
	unsigned m, n, k;
};

/* Types that multiply in the same shapes. `target` is the first .target that has them. */
struct family {
	const char *types; /* of a and b, between spaces */
	const char *sums;  /* of c and d */
	struct shape shape;
	int target;
};

static const struct family mma_families[] = {{" f16 ", " f16 f32 ", {8, 8, 4}, 70},
					     {" f16 ", " f16 f32 ", {16, 8, 8}, 75},
					     {" f16 ", " f16 f32 ", {16, 8, 16}, 80},
					     {" bf16 ", " f32 ", {16, 8, 8}, 80},
					     {" bf16 ", " f32 ", {16, 8, 16}, 80},
					     {" tf32 ", " f32 ", {16, 8, 4}, 80},
					     {" tf32 ", " f32 ", {16, 8, 8}, 80},
					     {" e4m3 e5m2 ", " f16 f32 ", {16, 8, 16}, 89},
					     {" e4m3 e5m2 ", " f16 f32 ", {16, 8, 32}, 89},
					     {" f64 ", " f64 ", {8, 8, 4}, 80},
					     {" f64 ", " f64 ", {16, 8, 4}, 90},
					     {" f64 ", " f64 ", {16, 8, 8}, 90},
					     {" f64 ", " f64 ", {16, 8, 16}, 90},
					     {" s8 u8 ", " s32 ", {8, 8, 16}, 75},
					     {" s8 u8 ", " s32 ", {16, 8, 16}, 80},
					     {" s8 u8 ", " s32 ", {16, 8, 32}, 80},
					     {" s4 u4 ", " s32 ", {8, 8, 32}, 75},
					     {" s4 u4 ", " s32 ", {16, 8, 32}, 80},
					     {" s4 u4 ", " s32 ", {16, 8, 64}, 80},
					     {" b1 ", " s32 ", {8, 8, 128}, 75},
					     {" b1 ", " s32 ", {16, 8, 128}, 80},
					     {" b1 ", " s32 ", {16, 8, 256}, 80},
					     {NULL, NULL, {0, 0, 0}, 0}};

static const struct family wmma_families[] = {
    {" f16 ", " f16 f32 ", {16, 16, 16}, 70}, {" f16 ", " f16 f32 ", {32, 8, 16}, 70},
    {" f16 ", " f16 f32 ", {8, 32, 16}, 70},  {" s8 u8 ", " s32 ", {16, 16, 16}, 72},
    {" s8 u8 ", " s32 ", {32, 8, 16}, 72},    {" s8 u8 ", " s32 ", {8, 32, 16}, 72},
    {" bf16 ", " f32 ", {16, 16, 16}, 80},    {" bf16 ", " f32 ", {32, 8, 16}, 80},
    {" bf16 ", " f32 ", {8, 32, 16}, 80},     {" tf32 ", " f32 ", {16, 16, 8}, 80},
    {" f64 ", " f64 ", {8, 8, 4}, 80},        {" s4 u4 ", " s32 ", {8, 8, 32}, 75},
    {" b1 ", " s32 ", {8, 8, 128}, 75},       {NULL, NULL, {0, 0, 0}, 0}};

static struct shape take_shape(struct ptx_words *words)
{
	struct shape shape = {0, 0, 0};
	int length = 0;

	if (!words->next || sscanf(words->next, "m%3un%3uk%3u%n", &shape.m, &shape.n, &shape.k, &length) != 3 ||
	    (size_t)length != strcspn(words->next, "."))
		ptx_invalid(words->lowering, "a shape is needed");
	words->next = words->next[length] ? words->next + length + 1 : NULL;
	return shape;
}

static bool has_type(const char *list, enum cpu_matrix_type type)
{
	char word[16];

	snprintf(word, sizeof(word), " %s ", type_names[type]);
	return strstr(list, word);
}

/* Is the shape there for a matrix of the type, as factor or as sum? */
static const struct family *family_find(struct ptx_lowering *lowering, const struct family *families,
					struct shape shape, enum cpu_matrix_type type, bool is_sum)
{
	for (const struct family *family = families; family->types; family++) {
		if (family->shape.m != shape.m || family->shape.n != shape.n || family->shape.k != shape.k ||
		    !has_type(is_sum ? family->sums : family->types, type))
			continue;
		if (lowering->module->target < family->target)
			ptx_invalid(lowering, "not available for this .target");
		return family;
	}
	ptx_invalid(lowering, "no such shape for these types");
}

/* The number of registers, and the places of the elements in them. `elements` of each lane: 0 when each element of the
   matrix is in one lane. */
static void fragment_make(struct ptx_lowering *lowering, struct cpu_fragment *fragment, enum cpu_matrix_type type,
			  enum cpu_matrix_layout layout, unsigned rows, unsigned cols, unsigned elements)
{
	unsigned bits = cpu_matrix_bits(type);
	uint16_t *place;

	fragment->type = type;
	fragment->rows = rows;
	fragment->cols = cols;
	fragment->blocks = layout >= CPU_MATRIX_QUAD_A_ROW && layout <= CPU_MATRIX_QUAD_C_F32 ? 4 : 1;
	fragment->elements = bits < 32 ? 32 / bits : 1;
	if (!elements)
		elements = rows * cols * fragment->blocks / CPU_LANES;
	fragment->registers = elements / fragment->elements;
	place = ptx_alloc(lowering->keep, cpu_fragment_size(fragment) * sizeof(*place));
	cpu_fragment_lay_out(fragment, layout, place);
	fragment->place = place;
}

/* Registers of an operand {a, b, …}, or of one that is a register. */
static uint32_t *operand_take(struct ptx_lowering *lowering, const struct ptx_operand *operand,
			      const struct cpu_fragment *fragment, bool is_destination, uint32_t *list)
{
	const char *type = fragment->type == CPU_MATRIX_F64 ? "f64" : fragment->type == CPU_MATRIX_F32 ? "f32" : "b32";
	bool is_list = operand->kind == PTX_LIST;
	char class = ptx_class(lowering, type);

	if ((is_list ? operand->count : 1) != fragment->registers)
		ptx_invalid(lowering, "wrong number of registers in a matrix");
	for (unsigned i = 0; i < fragment->registers; i++) {
		const struct ptx_operand *element = is_list ? &operand->list[i] : operand;

		*list++ = is_destination ? ptx_destination(lowering, element, class)
					 : ptx_source(lowering, element, class, type, false);
	}
	return list;
}

/* d, a, b, c of the instruction become the list of `row`. */
static void multiplication_emit(struct ptx_lowering *lowering, const char *row, struct cpu_matrix *matrix)
{
	struct cpu_fragment *const fragments[] = {&matrix->d, &matrix->a, &matrix->b, &matrix->c};
	uint32_t *list, *next;
	struct ptx_ir *ir;
	unsigned count = 0;

	if (lowering->at->count != 4)
		ptx_invalid(lowering, "four matrices are needed");
	for (unsigned i = 0; i < 4; i++)
		count += fragments[i]->registers;
	next = list = ptx_alloc(lowering->keep, count * sizeof(*list));
	for (unsigned i = 0; i < 4; i++) {
		fragments[i]->list = next;
		next = operand_take(lowering, ptx_operand(lowering, i), fragments[i], i == 0, next);
	}
	ir = ptx_emit(lowering, row);
	ir->more = matrix;
	ir->list = list;
	ir->list_count = count;
	ir->list_written = matrix->d.registers;
}

static const char *const rounding_names[] = {"rn", "rz", "rm", "rp", NULL};
static const int roundings[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

struct types {
	enum cpu_matrix_type d, a, b, c;
};

static const char *row_for(enum cpu_matrix_type sum)
{
	return sum == CPU_MATRIX_F64 ? "mma@f64" : sum == CPU_MATRIX_S32 ? "mma@s32" : "mma@f32";
}

/* What the types must have in common besides the shape. */
static void types_check(struct ptx_lowering *lowering, const struct family *family, const struct types *types,
			bool saturate)
{
	if (!has_type(family->types, types->b) || !has_type(family->sums, types->c) ||
	    !has_type(family->sums, types->d))
		ptx_invalid(lowering, "these types cannot be multiplied");
	if (saturate && (types->d != CPU_MATRIX_S32 || types->a == CPU_MATRIX_B1))
		ptx_invalid(lowering, "only integers are clamped");
}

static struct cpu_matrix *matrix_make(struct ptx_lowering *lowering, struct shape shape)
{
	struct cpu_matrix *matrix = ptx_alloc(lowering->keep, sizeof(*matrix));

	matrix->m = shape.m;
	matrix->n = shape.n;
	matrix->k = shape.k;
	matrix->rounding = FE_TONEAREST;
	return matrix;
}

/* Bits are handled 32 at a time. */
static unsigned depth_of(struct shape shape, enum cpu_matrix_type type)
{
	return type == CPU_MATRIX_B1 ? shape.k / 32 : shape.k;
}

static enum cpu_matrix_layout quad_sum(enum cpu_matrix_type type)
{
	return type == CPU_MATRIX_F16 ? CPU_MATRIX_QUAD_C_F16 : CPU_MATRIX_QUAD_C_F32;
}

/* mma.m8n8k4 of f16: the one shape with layouts to choose, and with sums of different types. */
static void mma_quad(struct ptx_lowering *lowering, struct cpu_matrix *matrix, const struct types *types,
		     const unsigned *layouts)
{
	if (types->c == CPU_MATRIX_F32 && types->d != CPU_MATRIX_F32)
		ptx_invalid(lowering, "these types cannot be multiplied");
	fragment_make(lowering, &matrix->a, types->a,
		      layouts[0] == ROW_MAJOR ? CPU_MATRIX_QUAD_A_ROW : CPU_MATRIX_QUAD_A_COL, 8, 4, 0);
	fragment_make(lowering, &matrix->b, types->b,
		      layouts[1] == ROW_MAJOR ? CPU_MATRIX_QUAD_B_ROW : CPU_MATRIX_QUAD_B_COL, 4, 8, 0);
	fragment_make(lowering, &matrix->c, types->c, quad_sum(types->c), 8, 8, 0);
	fragment_make(lowering, &matrix->d, types->d, quad_sum(types->d), 8, 8, 0);
	multiplication_emit(lowering, "mma@f32", matrix);
}

/* What the modifiers of a multiplication say. */
struct product {
	struct shape shape;
	unsigned layouts[2]; /* of a and b */
	struct types types;
	int rounding; /* index of rounding_names, or -1 */
	bool saturate, and, xor;
};

/* The rounding stands before the types or behind them: the PTX ISA has it before, nvcc writes it last. */
static void take_rounding(struct ptx_words *words, struct product *product)
{
	if (product->rounding < 0)
		product->rounding = ptx_word_among(words, rounding_names);
}

static struct cpu_matrix *product_make(struct ptx_lowering *lowering, const struct product *product)
{
	struct cpu_matrix *matrix = matrix_make(lowering, product->shape);
	bool is_bits = product->types.a == CPU_MATRIX_B1;

	if ((product->rounding >= 0 && product->types.d != CPU_MATRIX_F64) || (product->and || product->xor) != is_bits)
		ptx_invalid(lowering, "these modifiers do not belong together");
	if (product->rounding >= 0)
		matrix->rounding = roundings[product->rounding];
	matrix->saturate = product->saturate;
	matrix->and = product->and;
	return matrix;
}

/* m16n8k16.row.col{.satfinite}.f32.f16.f16.f32{.xor.popc} */
static struct product mma_parse(struct ptx_words *words)
{
	struct product product = {.shape = take_shape(words), .rounding = -1};

	for (int i = 0; i < 2; i++)
		product.layouts[i] = ptx_word_choose(words, layout_names);
	product.saturate = ptx_word_accept(words, "satfinite");
	take_rounding(words, &product);
	product.types.d = ptx_word_choose(words, type_names);
	product.types.a = ptx_word_choose(words, type_names);
	product.types.b = ptx_word_choose(words, type_names);
	product.types.c = ptx_word_choose(words, type_names);
	take_rounding(words, &product);
	product.and = ptx_word_accept(words, "and");
	product.xor = !product.and &&ptx_word_accept(words, "xor");
	if (product.and || product.xor)
		ptx_word_expect(words, "popc");
	ptx_words_end(words);
	return product;
}

/* mma.sync.aligned.m16n8k16… d, a, b, c; */
static void lower_mma(struct ptx_lowering *lowering)
{
	struct ptx_words words = ptx_words(lowering);
	struct product product;
	struct cpu_matrix *matrix;

	if (words.next && !strncmp(words.next, "sp", 2))
		ptx_invalid(lowering, "sparse matrices are not supported");
	ptx_word_expect(&words, "sync");
	ptx_word_expect(&words, "aligned");
	product = mma_parse(&words);
	const struct types types = product.types;
	const struct shape shape = product.shape;

	types_check(lowering, family_find(lowering, mma_families, shape, types.a, false), &types, product.saturate);
	matrix = product_make(lowering, &product);
	if (types.a == CPU_MATRIX_F16 && shape.m == 8) {
		mma_quad(lowering, matrix, &types, product.layouts);
		return;
	}
	if (product.layouts[0] != ROW_MAJOR || product.layouts[1] != COLUMN_MAJOR || types.c != types.d)
		ptx_invalid(lowering, "no such layout or types in this shape");
	fragment_make(lowering, &matrix->a, types.a, CPU_MATRIX_MMA_A, shape.m, depth_of(shape, types.a), 0);
	fragment_make(lowering, &matrix->b, types.b, CPU_MATRIX_MMA_B, depth_of(shape, types.b), shape.n, 0);
	fragment_make(lowering, &matrix->c, types.c, CPU_MATRIX_MMA_C, shape.m, shape.n, 0);
	fragment_make(lowering, &matrix->d, types.d, CPU_MATRIX_MMA_C, shape.m, shape.n, 0);
	multiplication_emit(lowering, row_for(types.d), matrix);
}

/* Fragments of wmma: rows of a and of sums one after the other, columns of b. Factors of f16 have 16 elements in every
   shape, some of them twice. */
static void wmma_fragment(struct ptx_lowering *lowering, struct cpu_fragment *fragment, char which,
			  enum cpu_matrix_type type, struct shape shape)
{
	unsigned depth = depth_of(shape, type), elements = type == CPU_MATRIX_F16 ? 16 : 0;

	if (which == 'a')
		fragment_make(lowering, fragment, type, CPU_MATRIX_BY_ROW, shape.m, depth, elements);
	else if (which == 'b')
		fragment_make(lowering, fragment, type, CPU_MATRIX_BY_COL, depth, shape.n, elements);
	else
		fragment_make(lowering, fragment, type, CPU_MATRIX_BY_ROW, shape.m, shape.n, 0);
}

/* Types below a byte and bits come in one layout only. */
static void wmma_layout_check(struct ptx_lowering *lowering, char which, enum cpu_matrix_type type, unsigned layout)
{
	bool small = type == CPU_MATRIX_S4 || type == CPU_MATRIX_U4 || type == CPU_MATRIX_B1;

	if (small && which != 'c' && (which == 'a') != (layout == ROW_MAJOR))
		ptx_invalid(lowering, "no such layout for this type");
}

/* What the modifiers of wmma.load or .store say. */
struct transfer {
	char which; /* a, b, c */
	unsigned layout;
	struct shape shape;
	enum cpu_matrix_type type;
};

/* a.sync.aligned.row.m16n16k16.shared.f16 */
static struct transfer transfer_parse(struct ptx_words *words, bool is_store)
{
	static const char *const matrices[] = {"a", "b", "c", NULL}, *const spaces[] = {"global", "shared",
											"shared::cta", NULL};
	struct transfer transfer = {.which = 'c'};

	if (is_store)
		ptx_word_expect(words, "d");
	else
		transfer.which = "abc"[ptx_word_choose(words, matrices)];
	ptx_word_expect(words, "sync");
	ptx_word_expect(words, "aligned");
	transfer.layout = ptx_word_choose(words, layout_names);
	transfer.shape = take_shape(words);
	ptx_word_among(words, spaces);
	transfer.type = ptx_word_choose(words, type_names);
	ptx_words_end(words);
	return transfer;
}

/* The instruction that moves one matrix: address, distance of lines, and the registers as its list. */
static void move_emit(struct ptx_lowering *lowering, const char *operation, struct cpu_matrix_move *move, bool is_store,
		      uint32_t stride)
{
	struct ptx_place place = ptx_place_find(lowering, ptx_operand(lowering, is_store ? 0 : 1));
	uint32_t *list = ptx_alloc(lowering->keep, move->fragment.registers * sizeof(*list));
	struct ptx_ir *ir;
	char row[32];

	if (place.space != PTX_SHARED && place.space != PTX_GLOBAL)
		ptx_invalid(lowering, "only global and shared memory hold matrices");
	move->fragment.list = list;
	operand_take(lowering, ptx_operand(lowering, is_store ? 1 : 0), &move->fragment, !is_store, list);
	snprintf(row, sizeof(row), "%s%s", operation, place.row);
	ir = ptx_emit2(lowering, row, place.reg, stride, PTX_NO_REG);
	ptx_place_apply(lowering, ir, &place);
	ir->more = move;
	ir->list = list;
	ir->list_count = move->fragment.registers;
	ir->list_written = is_store ? 0 : ir->list_count;
}

/* wmma.load.a… r, [p]{, stride}; wmma.store.d… [p], r{, stride}; */
static void lower_wmma_memory(struct ptx_lowering *lowering, struct ptx_words *words, bool is_store)
{
	struct cpu_matrix_move *move = ptx_alloc(lowering->keep, sizeof(*move));
	struct transfer transfer = transfer_parse(words, is_store);
	unsigned line;
	uint32_t stride;

	family_find(lowering, wmma_families, transfer.shape, transfer.type, transfer.which == 'c');
	wmma_layout_check(lowering, transfer.which, transfer.type, transfer.layout);
	wmma_fragment(lowering, &move->fragment, transfer.which, transfer.type, transfer.shape);
	move->by_col = transfer.layout == COLUMN_MAJOR;
	move->contiguous = move->fragment.elements == 1 || move->by_col == (transfer.which == 'b');
	line = move->by_col ? move->fragment.rows : move->fragment.cols;
	if (transfer.type == CPU_MATRIX_B1)
		line *= 32;
	if (lowering->at->count != 2 && lowering->at->count != 3)
		ptx_invalid(lowering, "wrong number of operands");
	stride = lowering->at->count == 3 ? ptx_source(lowering, ptx_operand(lowering, 2), 'w', "u32", false)
					  : ptx_constant(lowering, line, false);
	move_emit(lowering, is_store ? "wmma@store." : "wmma@load.", move, is_store, stride);
}

/* The types behind the shape: d and c of f16 factors; or d, a, b, c. */
static struct types wmma_types(struct ptx_words *words)
{
	struct types types;

	types.d = ptx_word_choose(words, type_names);
	types.a = ptx_word_choose(words, type_names);
	if (types.a == CPU_MATRIX_F32 || types.a == CPU_MATRIX_F16) {
		types.c = types.a;
		types.a = types.b = CPU_MATRIX_F16;
		return types;
	}
	types.b = ptx_word_choose(words, type_names);
	types.c = ptx_word_choose(words, type_names);
	return types;
}

/* {xor.popc.}sync.aligned.row.col.m16n16k16{.rn}.f32.f32{.satfinite} */
static struct product wmma_parse(struct ptx_words *words)
{
	struct product product = {.and = ptx_word_accept(words, "and"), .rounding = -1};

	product.xor = !product.and &&ptx_word_accept(words, "xor");
	if (product.and || product.xor)
		ptx_word_expect(words, "popc");
	ptx_word_expect(words, "sync");
	ptx_word_expect(words, "aligned");
	for (int i = 0; i < 2; i++)
		product.layouts[i] = ptx_word_choose(words, layout_names);
	product.shape = take_shape(words);
	take_rounding(words, &product);
	product.types = wmma_types(words);
	take_rounding(words, &product);
	product.saturate = ptx_word_accept(words, "satfinite");
	ptx_words_end(words);
	return product;
}

/* wmma.mma… d, a, b, c; */
static void lower_wmma_mma(struct ptx_lowering *lowering, struct ptx_words *words)
{
	const struct product product = wmma_parse(words);
	const struct types types = product.types;
	const struct shape shape = product.shape;
	struct cpu_matrix *matrix;

	/* .satfinite is allowed with f16 and does nothing, as the PTX ISA says. */
	types_check(lowering, family_find(lowering, wmma_families, shape, types.a, false), &types,
		    product.saturate && types.a != CPU_MATRIX_F16);
	if (types.a != types.b)
		ptx_invalid(lowering, "these types cannot be multiplied");
	matrix = product_make(lowering, &product);
	wmma_layout_check(lowering, 'a', types.a, product.layouts[0]);
	wmma_layout_check(lowering, 'b', types.b, product.layouts[1]);
	wmma_fragment(lowering, &matrix->a, 'a', types.a, shape);
	wmma_fragment(lowering, &matrix->b, 'b', types.b, shape);
	wmma_fragment(lowering, &matrix->c, 'c', types.c, shape);
	wmma_fragment(lowering, &matrix->d, 'c', types.d, shape);
	multiplication_emit(lowering, row_for(types.d), matrix);
}

static void lower_wmma(struct ptx_lowering *lowering)
{
	static const char *const operations[] = {"load", "store", "mma", NULL};
	struct ptx_words words = ptx_words(lowering);
	unsigned operation = ptx_word_choose(&words, operations);

	if (operation == 2)
		lower_wmma_mma(lowering, &words);
	else
		lower_wmma_memory(lowering, &words, operation == 1);
}

/* ldmatrix.sync.aligned.m8n8.x4{.trans}{.shared}.b16 r, [p]; stmatrix… [p], r; */
static void lower_tiles(struct ptx_lowering *lowering, bool is_store)
{
	static const char *const counts[] = {"x1", "x2", "x4", NULL}, *const spaces[] = {"shared", "shared::cta", NULL};
	struct cpu_matrix_move *move = ptx_alloc(lowering->keep, sizeof(*move));
	struct ptx_words words = ptx_words(lowering);

	ptx_word_expect(&words, "sync");
	ptx_word_expect(&words, "aligned");
	ptx_word_expect(&words, "m8n8");
	move->fragment.registers = 1u << ptx_word_choose(&words, counts);
	move->transposed = ptx_word_accept(&words, "trans");
	ptx_word_among(&words, spaces);
	ptx_word_expect(&words, "b16");
	ptx_words_end(&words);
	if (lowering->at->count != 2)
		ptx_invalid(lowering, "two operands are needed");
	if (lowering->module->target < (is_store ? 90 : 75))
		ptx_invalid(lowering, "not available for this .target");
	move_emit(lowering, is_store ? "stmatrix@" : "ldmatrix@", move, is_store, PTX_NO_REG);
}

/* movmatrix.sync.aligned.m8n8.trans.b16 d, a; */
static void lower_transposition(struct ptx_lowering *lowering)
{
	struct ptx_words words = ptx_words(lowering);
	uint32_t a, d;

	ptx_word_expect(&words, "sync");
	ptx_word_expect(&words, "aligned");
	ptx_word_expect(&words, "m8n8");
	ptx_word_expect(&words, "trans");
	ptx_word_expect(&words, "b16");
	ptx_words_end(&words);
	a = ptx_source(lowering, ptx_operand(lowering, 1), 'w', "b32", false);
	d = ptx_destination(lowering, ptx_operand(lowering, 0), 'w');
	ptx_emit2(lowering, "movmatrix@", d, a, PTX_NO_REG);
}

bool ptx_lower_matrix(struct ptx_lowering *lowering)
{
	if (ptx_is_opcode(lowering, "mma"))
		lower_mma(lowering);
	else if (ptx_is_opcode(lowering, "wmma"))
		lower_wmma(lowering);
	else if (ptx_is_opcode(lowering, "ldmatrix"))
		lower_tiles(lowering, false);
	else if (ptx_is_opcode(lowering, "stmatrix"))
		lower_tiles(lowering, true);
	else if (ptx_is_opcode(lowering, "movmatrix"))
		lower_transposition(lowering);
	else
		return false;
	return true;
}
