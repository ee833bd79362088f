/* Where the elements of matrix fragments go. */
#include "matrix.h"

#define LANES 32

unsigned cpu_matrix_bits(enum cpu_matrix_type type)
{
	switch (type) {
	case CPU_MATRIX_F16:
	case CPU_MATRIX_BF16:
		return 16;
	case CPU_MATRIX_E4M3:
	case CPU_MATRIX_E5M2:
	case CPU_MATRIX_S8:
	case CPU_MATRIX_U8:
		return 8;
	case CPU_MATRIX_S4:
	case CPU_MATRIX_U4:
		return 4;
	case CPU_MATRIX_F64:
		return 64;
	default:
		return 32;
	}
}

struct element {
	unsigned lane;
	unsigned reg;
	unsigned part;  /* of the register */
	unsigned index; /* among all of the lane */
	unsigned width; /* elements of a register */
};

struct position {
	unsigned block, row, col;
};

/* The mma shapes are all made alike: 8 groups of 4 lanes; registers of A alternate between the upper and the lower 8
   rows, then go on to the right. */
static struct position position_mma(enum cpu_matrix_layout layout, struct element e, unsigned rows)
{
	unsigned group = e.lane / 4, thread = e.lane % 4, halves = rows / 8;

	switch (layout) {
	case CPU_MATRIX_MMA_A:
		return (struct position){0, group + 8 * (e.reg % halves),
					 thread * e.width + 4 * e.width * (e.reg / halves) + e.part};
	case CPU_MATRIX_MMA_B:
		return (struct position){0, thread * e.width + 4 * e.width * e.reg + e.part, group};
	default:
		return (struct position){0, group + 8 * (e.index / 2), thread * 2 + e.index % 2};
	}
}

/* Lanes 0–3 and 16–19 multiply one pair of matrices, 4–7 and 20–23 the next … */
static struct position position_quad(enum cpu_matrix_layout layout, struct element e)
{
	unsigned block = e.lane % 16 / 4, thread = e.lane % 4, half = e.lane / 16 * 4;

	switch (layout) {
	case CPU_MATRIX_QUAD_A_ROW:
		return (struct position){block, thread + half, e.index};
	case CPU_MATRIX_QUAD_A_COL:
		return (struct position){block, e.index + half, thread};
	case CPU_MATRIX_QUAD_B_ROW:
		return (struct position){block, thread, e.index + half};
	case CPU_MATRIX_QUAD_B_COL:
		return (struct position){block, e.index, thread + half};
	case CPU_MATRIX_QUAD_C_F16:
		return (struct position){block, thread + half, e.index};
	default:
		return (struct position){block, (e.lane & 1) + (e.index & 2) + half,
					 (e.index & 4) + (e.lane & 2) + (e.index & 1)};
	}
}

static struct position position_linear(const struct cpu_fragment *fragment, bool by_col, struct element e)
{
	unsigned at = e.lane * fragment->registers * e.width + e.index;

	at %= fragment->rows * fragment->cols;
	return by_col ? (struct position){0, at % fragment->rows, at / fragment->rows}
		      : (struct position){0, at / fragment->cols, at % fragment->cols};
}

static struct position position_find(const struct cpu_fragment *fragment, enum cpu_matrix_layout layout,
				     struct element e)
{
	if (layout <= CPU_MATRIX_MMA_C)
		return position_mma(layout, e, fragment->rows);
	if (layout <= CPU_MATRIX_QUAD_C_F32)
		return position_quad(layout, e);
	return position_linear(fragment, layout == CPU_MATRIX_BY_COL, e);
}

size_t cpu_fragment_size(const struct cpu_fragment *fragment)
{
	return (size_t)fragment->registers * LANES * fragment->elements;
}

void cpu_fragment_lay_out(const struct cpu_fragment *fragment, enum cpu_matrix_layout layout, uint16_t *place)
{
	unsigned width = fragment->elements;

	for (unsigned reg = 0; reg < fragment->registers; reg++)
		for (unsigned lane = 0; lane < LANES; lane++)
			for (unsigned part = 0; part < width; part++) {
				struct element e = {lane, reg, part, reg * width + part, width};
				struct position at = position_find(fragment, layout, e);

				*place++ = (uint16_t)((at.block * fragment->rows + at.row) * fragment->cols + at.col);
			}
}
