/* Matrices spread over the registers of a warp: what mma, wmma, ldmatrix and stmatrix work on.

   A lane function gathers the fragments of a matrix into a tile, an array of rows one after the other, computes there,
   and scatters the result. Where each element goes is found out when the kernel is lowered. */
#ifndef CPU_MATRIX_H
#define CPU_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cpu_matrix_type {
	CPU_MATRIX_F16,
	CPU_MATRIX_BF16,
	CPU_MATRIX_TF32, /* f32 whose lower 13 bits are not looked at */
	CPU_MATRIX_F32,
	CPU_MATRIX_F64,
	CPU_MATRIX_E4M3,
	CPU_MATRIX_E5M2,
	CPU_MATRIX_S8,
	CPU_MATRIX_U8,
	CPU_MATRIX_S4,
	CPU_MATRIX_U4,
	CPU_MATRIX_B1, /* an element of the tile is a word of 32 */
	CPU_MATRIX_S32,
};

/* How the elements of a matrix lie in the registers. */
enum cpu_matrix_layout {
	CPU_MATRIX_MMA_A, /* mma with 8 or 16 rows */
	CPU_MATRIX_MMA_B,
	CPU_MATRIX_MMA_C,
	CPU_MATRIX_QUAD_A_ROW, /* mma.m8n8k4 of f16: four multiplications at once */
	CPU_MATRIX_QUAD_A_COL,
	CPU_MATRIX_QUAD_B_ROW,
	CPU_MATRIX_QUAD_B_COL,
	CPU_MATRIX_QUAD_C_F16,
	CPU_MATRIX_QUAD_C_F32,
	CPU_MATRIX_BY_ROW, /* wmma: one after the other, lane by lane; from the start again when the matrix is too small
			    */
	CPU_MATRIX_BY_COL,
};

struct cpu_fragment {
	enum cpu_matrix_type type;
	unsigned rows, cols; /* of one tile, in elements */
	unsigned blocks;     /* tiles that lie one after the other */
	unsigned registers;  /* of each lane */
	unsigned elements;   /* in a register */
	/* Index in the tiles of each element: [register][lane][element]. */
	const uint16_t *place;
	const uint32_t *list; /* offsets of the registers in the frame */
};

/* A multiplication d = a × b + c. insn->more of mma@ and wmma@. */
struct cpu_matrix {
	struct cpu_fragment a, b, c, d;
	unsigned m, n, k;
	bool saturate; /* s32: clamp */
	bool and;      /* b1: count the ones of a & b, else of a ^ b */
	int rounding;  /* f64: FE_TONEAREST … of fenv.h */
};

/* A move between memory and registers. insn->more of wmma@load, wmma@store, ldmatrix@, stmatrix@; the last two use only
   `list` and `registers` of the fragment. */
struct cpu_matrix_move {
	struct cpu_fragment fragment;
	bool by_col;     /* the lines in memory are columns */
	bool contiguous; /* elements of a register lie side by side in memory */
	bool transposed;
};

/* Bits of an element. */
unsigned cpu_matrix_bits(enum cpu_matrix_type type);

/* Elements of all lanes: the length of the array `place`. */
size_t cpu_fragment_size(const struct cpu_fragment *fragment);
/* Fills `place`, as the PTX ISA says for mma ("Matrix Fragments for mma.…"). */
void cpu_fragment_lay_out(const struct cpu_fragment *fragment, enum cpu_matrix_layout layout, uint16_t *place);

#endif
