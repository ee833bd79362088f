/* Matrices between memory and the registers of a warp: ldmatrix, stmatrix, wmma.load, wmma.store. */
#include "lanes_memory.h"
#include "lanes_warp.h"
#include "matrix.h"

#define TILE_ROWS 8
#define TILE_ROW_BYTES 16
#define MOST_TILES 4
#define MOST_LINES 32

/* An 8 × 8 matrix of b16 whose rows, 16 bytes each, are where lanes 8j … 8j + 7 say. */
union tile {
	u16 b16[TILE_ROWS][8];
	u32 b32[TILE_ROWS][4];
};

/* Lane 4r + c has elements 2c and 2c + 1 of row r, or of column r. */
static u32 tile_read(const union tile *tile, unsigned lane, bool transposed)
{
	if (!transposed)
		return tile->b32[lane / 4][lane % 4];
	return tile->b16[lane % 4 * 2][lane / 4] | (u32)tile->b16[lane % 4 * 2 + 1][lane / 4] << 16;
}

static void tile_write(union tile *tile, unsigned lane, bool transposed, u32 value)
{
	if (!transposed) {
		tile->b32[lane / 4][lane % 4] = value;
	} else {
		tile->b16[lane % 4 * 2][lane / 4] = (u16)value;
		tile->b16[lane % 4 * 2 + 1][lane / 4] = value >> 16;
	}
}

/* Rows whose lane does not take part are not accessed. The registers may be those of the addresses, so all rows are
   read before any is written. */
#define MATRIX_8X8(space)                                                                                              \
	LANE_FN(ldmatrix_##space)                                                                                      \
	{                                                                                                              \
		const struct cpu_matrix_move *move = insn->more;                                                       \
		const address_##space *a_ = (const address_##space *)(frame + insn->op[0]);                            \
		union tile tiles[MOST_TILES] = {0};                                                                    \
		WARP_OR_WAIT                                                                                           \
		for (unsigned i = 0; i < TILE_ROWS * move->fragment.registers; i++) {                                  \
			const void *at = NULL;                                                                         \
			if (!(mask >> i & 1))                                                                          \
				continue;                                                                              \
			at = lane_##space(warp, insn, i, ADDRESS_##space(i), TILE_ROW_BYTES);                          \
			if (!at)                                                                                       \
				return warp->limit;                                                                    \
			memcpy(tiles[i / TILE_ROWS].b16[i % TILE_ROWS], at, TILE_ROW_BYTES);                           \
		}                                                                                                      \
		for (unsigned r = 0; r < move->fragment.registers; r++) {                                              \
			u32 *to = (u32 *)(frame + move->fragment.list[r]);                                             \
			EACH_LANE(i, mask) to[i] = tile_read(&tiles[r], i, move->transposed);                          \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}                                                                                                              \
	LANE_FN(stmatrix_##space)                                                                                      \
	{                                                                                                              \
		const struct cpu_matrix_move *move = insn->more;                                                       \
		const address_##space *a_ = (const address_##space *)(frame + insn->op[0]);                            \
		union tile tiles[MOST_TILES];                                                                          \
		WARP_OR_WAIT                                                                                           \
		for (unsigned r = 0; r < move->fragment.registers; r++) {                                              \
			const u32 *from = (const u32 *)(frame + move->fragment.list[r]);                               \
			for (unsigned i = 0; i < CPU_LANES; i++)                                                       \
				tile_write(&tiles[r], i, move->transposed, from[i]);                                   \
		}                                                                                                      \
		for (unsigned i = 0; i < TILE_ROWS * move->fragment.registers; i++) {                                  \
			void *at = NULL;                                                                               \
			if (!(mask >> i & 1))                                                                          \
				continue;                                                                              \
			at = lane_##space##_write(warp, insn, i, ADDRESS_##space(i), TILE_ROW_BYTES);                  \
			if (!at)                                                                                       \
				return warp->limit;                                                                    \
			memcpy(at, tiles[i / TILE_ROWS].b16[i % TILE_ROWS], TILE_ROW_BYTES);                           \
		}                                                                                                      \
		return insn + 1;                                                                                       \
	}
MATRIX_8X8(shared)
MATRIX_8X8(generic)

LANE_FN(movmatrix)
{
	const u32 *from = REGISTER(u32, 1);
	u32 *to = REGISTER(u32, 0);
	union tile tile;

	WARP_OR_WAIT
	for (unsigned i = 0; i < CPU_LANES; i++)
		tile_write(&tile, i, false, from[i]);
	EACH_LANE(i, mask) to[i] = tile_read(&tile, i, true);
	return insn + 1;
}

/* The lines of a matrix in memory: its rows, or its columns. */
struct lines {
	u8 *at[MOST_LINES];
	unsigned bits; /* of an element */
};

/* Where element number `place` of the tile lies. Tiles have 4, 8, 16 or 32 columns. */
static inline u8 *element_at(const struct cpu_matrix_move *move, const struct lines *lines, unsigned place)
{
	unsigned row = place >> __builtin_ctz(move->fragment.cols), col = place & (move->fragment.cols - 1);

	return move->by_col ? lines->at[col] + row * lines->bits / 8 : lines->at[row] + col * lines->bits / 8;
}

/* Elements of 4 bits and bits are moved a register at a time. */
static unsigned alignment(const struct cpu_fragment *fragment)
{
	unsigned bits = cpu_matrix_bits(fragment->type);

	return bits == 4 ? 4 : bits / 8;
}

/* Of shared memory all may be written. */
#define lines_find_shared_write lines_find_shared

/* All lanes name the same address and distance of lines: those of the first are used. Distances are in elements; of
   bits, 32 make an element here. */
#define LINES_FIND(name, space)                                                                                        \
	static bool lines_find_##name(struct cpu_warp *warp, const struct cpu_insn *insn, const uint8_t *frame,        \
				      u32 mask, struct lines *lines)                                                   \
	{                                                                                                              \
		const struct cpu_matrix_move *move = insn->more;                                                       \
		const struct cpu_fragment *fragment = &move->fragment;                                                 \
		const address_##space *a_ = (const address_##space *)(frame + insn->op[0]);                            \
		const unsigned lane = (unsigned)__builtin_ctz(mask);                                                   \
		const unsigned count = move->by_col ? fragment->cols : fragment->rows;                                 \
		const unsigned length = move->by_col ? fragment->rows : fragment->cols;                                \
		u64 stride = ((const u32 *)(frame + insn->op[1]))[lane];                                               \
		lines->bits = cpu_matrix_bits(fragment->type);                                                         \
		stride = fragment->type == CPU_MATRIX_B1 ? stride / 8 : stride * lines->bits / 8;                      \
		for (unsigned i = 0; i < count; i++) {                                                                 \
			const address_##space address = (address_##space)(ADDRESS_##space(lane) + stride * i);         \
			lines->at[i] = cpu_range_##name(warp, insn, lane, address, length * lines->bits / 8,           \
							alignment(fragment));                                          \
			if (!lines->at[i])                                                                             \
				return false;                                                                          \
		}                                                                                                      \
		return true;                                                                                           \
	}
LINES_FIND(shared, shared)
LINES_FIND(generic, generic)
LINES_FIND(generic_write, generic)

/* Each register of T holds elements of E, which are moved together when they lie side by side. */
#define FRAGMENT_MOVES(T, E)                                                                                           \
	static void load_##T##_##E(const struct cpu_matrix_move *move, const struct lines *lines, uint8_t *frame,      \
				   u32 mask)                                                                           \
	{                                                                                                              \
		const struct cpu_fragment *fragment = &move->fragment;                                                 \
		const unsigned step = fragment->elements, parts = sizeof(T) / sizeof(E);                               \
		const uint16_t *place = fragment->place;                                                               \
		for (unsigned r = 0; r < fragment->registers; r++, place += CPU_LANES * step)                          \
			EACH_LANE(i, mask)                                                                             \
			{                                                                                              \
				u8 *to = frame + fragment->list[r] + sizeof(T) * i;                                    \
				if (move->contiguous)                                                                  \
					memcpy(to, element_at(move, lines, place[i * step]), sizeof(T));               \
				for (unsigned k = 0; !move->contiguous && k < parts; k++)                              \
					memcpy(to + sizeof(E) * k, element_at(move, lines, place[i * step + k]),       \
					       sizeof(E));                                                             \
			}                                                                                              \
	}                                                                                                              \
	static void store_##T##_##E(const struct cpu_matrix_move *move, const struct lines *lines,                     \
				    const uint8_t *frame, u32 mask)                                                    \
	{                                                                                                              \
		const struct cpu_fragment *fragment = &move->fragment;                                                 \
		const unsigned step = fragment->elements, parts = sizeof(T) / sizeof(E);                               \
		const uint16_t *place = fragment->place;                                                               \
		for (unsigned r = 0; r < fragment->registers; r++, place += CPU_LANES * step)                          \
			EACH_LANE(i, mask)                                                                             \
			{                                                                                              \
				const u8 *from = frame + fragment->list[r] + sizeof(T) * i;                            \
				if (move->contiguous)                                                                  \
					memcpy(element_at(move, lines, place[i * step]), from, sizeof(T));             \
				for (unsigned k = 0; !move->contiguous && k < parts; k++)                              \
					memcpy(element_at(move, lines, place[i * step + k]), from + sizeof(E) * k,     \
					       sizeof(E));                                                             \
			}                                                                                              \
	}
FRAGMENT_MOVES(u32, u8)
FRAGMENT_MOVES(u32, u16)
FRAGMENT_MOVES(u32, u32)
FRAGMENT_MOVES(u64, u64)

static void fragment_load(const struct cpu_matrix_move *move, const struct lines *lines, uint8_t *frame, u32 mask)
{
	if (lines->bits == 8)
		load_u32_u8(move, lines, frame, mask);
	else if (lines->bits == 16)
		load_u32_u16(move, lines, frame, mask);
	else if (lines->bits == 64)
		load_u64_u64(move, lines, frame, mask);
	else
		load_u32_u32(move, lines, frame, mask);
}

static void fragment_store(const struct cpu_matrix_move *move, const struct lines *lines, const uint8_t *frame,
			   u32 mask)
{
	if (lines->bits == 8)
		store_u32_u8(move, lines, frame, mask);
	else if (lines->bits == 16)
		store_u32_u16(move, lines, frame, mask);
	else if (lines->bits == 64)
		store_u64_u64(move, lines, frame, mask);
	else
		store_u32_u32(move, lines, frame, mask);
}

#define WMMA_MEMORY(space)                                                                                             \
	LANE_FN(wmma_load_##space)                                                                                     \
	{                                                                                                              \
		struct lines lines;                                                                                    \
		WARP_OR_WAIT                                                                                           \
		if (!lines_find_##space(warp, insn, frame, mask, &lines))                                              \
			return warp->limit;                                                                            \
		fragment_load(insn->more, &lines, frame, mask);                                                        \
		return insn + 1;                                                                                       \
	}                                                                                                              \
	LANE_FN(wmma_store_##space)                                                                                    \
	{                                                                                                              \
		struct lines lines;                                                                                    \
		WARP_OR_WAIT                                                                                           \
		if (!lines_find_##space##_write(warp, insn, frame, mask, &lines))                                      \
			return warp->limit;                                                                            \
		fragment_store(insn->more, &lines, frame, mask);                                                       \
		return insn + 1;                                                                                       \
	}
WMMA_MEMORY(shared)
WMMA_MEMORY(generic)
