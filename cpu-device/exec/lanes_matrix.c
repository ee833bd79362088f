/* Multiplications of matrices: mma and wmma.mma.

   The result is c + Σ a × b, summed up in the order of k. Products of f16, bf16, tf32 and 8-bit floats are formed and
   summed in f32, rounded to nearest (f16 products are exact), and an f16 result is rounded once more, at the end. f64
   uses fma with the rounding that the instruction names. Integers are exact; the sum wraps or is clamped at the end. A
   NaN becomes the canonical one of its type. */
#include <fenv.h>

#include "half.h"
#include "lanes_warp.h"
#include "matrix.h"

/* Of a tile: 32 × 32, or 16 × 64. */
#define MOST_ELEMENTS 1024

/* f16 and bf16 results are encoded here by themselves: half.h goes through f64, which is much slower. */
static inline f32 single_from_half(u32 bits)
{
	u32 magnitude = bits & 0x7fff;
	u32 number = f32_bits(f32_from(magnitude << 13) * 0x1p112f);

	return f32_from((magnitude >= 0x7c00 ? number | 0x7f800000 : number) | (bits & 0x8000) << 16);
}

/* Adding one half of the largest unit makes the processor round at the last bit that stays. */
static inline u32 half_from_single(f32 value)
{
	u32 bits = f32_bits(value), magnitude = bits & 0x7fffffff, sign = bits >> 16 & 0x8000;
	u32 subnormal = f32_bits(f32_from(magnitude) + 0.5f) - 0x3f000000;
	u32 normal = (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13;
	u32 finite = magnitude < 0x38800000 ? subnormal : magnitude < 0x47800000 ? normal : 0x7c00;

	return magnitude > 0x7f800000 ? 0x7fff : sign | finite;
}

static inline f32 single_from_e4m3(u32 bits)
{
	u32 number = f32_bits(f32_from((bits & 0x7f) << 20) * 0x1p120f);

	return f32_from(((bits & 0x7f) == 0x7f ? 0x7fffffff : number) | (bits & 0x80) << 24);
}

#define FRAGMENT_REGISTER(type, r) ((const slot_##type *)(frame + fragment->list[r]))

/* Elements of T out of registers, `expr` of the register x and the element's number e. */
#define GATHER(REG, T, expr)                                                                                           \
	do {                                                                                                           \
		for (unsigned r = 0; r < fragment->registers; r++) {                                                   \
			const slot_##REG *from = FRAGMENT_REGISTER(REG, r);                                            \
			T values[CPU_LANES * (sizeof(REG) == 8 ? 1 : 8)];                                              \
			for (unsigned e = 0; e < fragment->elements; e++)                                              \
				LANE_LOOP                                                                              \
				{                                                                                      \
					REG x = from[i];                                                               \
					values[e * CPU_LANES + i] = (expr);                                            \
				}                                                                                      \
			for (unsigned i = 0; i < CPU_LANES; i++)                                                       \
				for (unsigned e = 0; e < fragment->elements; e++)                                      \
					tile[*place++] = values[e * CPU_LANES + i];                                    \
		}                                                                                                      \
	} while (0)

static void gather_f32(const struct cpu_fragment *fragment, const uint8_t *frame, f32 *tile)
{
	const uint16_t *place = fragment->place;

	switch (fragment->type) {
	case CPU_MATRIX_F16:
		GATHER(u32, f32, single_from_half(x >> 16 * e));
		break;
	case CPU_MATRIX_BF16:
		GATHER(u32, f32, f32_from(x >> 16 * e << 16));
		break;
	case CPU_MATRIX_TF32:
		GATHER(u32, f32, f32_from(x & ~(u32)0x1fff));
		break;
	case CPU_MATRIX_E4M3:
		GATHER(u32, f32, single_from_e4m3(x >> 8 * e));
		break;
	case CPU_MATRIX_E5M2:
		GATHER(u32, f32, single_from_half((x >> 8 * e & 0xff) << 8));
		break;
	default:
		GATHER(u32, f32, f32_from(x));
	}
}

static void gather_s32(const struct cpu_fragment *fragment, const uint8_t *frame, s32 *tile)
{
	const uint16_t *place = fragment->place;

	switch (fragment->type) {
	case CPU_MATRIX_S8:
		GATHER(u32, s32, (s8)(x >> 8 * e));
		break;
	case CPU_MATRIX_U8:
		GATHER(u32, s32, (u8)(x >> 8 * e));
		break;
	case CPU_MATRIX_S4:
		GATHER(u32, s32, (s32)(x << (28 - 4 * e)) >> 28);
		break;
	case CPU_MATRIX_U4:
		GATHER(u32, s32, (s32)(x >> 4 * e & 15));
		break;
	default:
		GATHER(u32, s32, (s32)x);
	}
}

static void gather_f64(const struct cpu_fragment *fragment, const uint8_t *frame, f64 *tile)
{
	const uint16_t *place = fragment->place;

	GATHER(f64, f64, x);
}

/* The lanes of `mask` get `expr`, which takes the elements of the tile through PART(e). */
#define PART(e) tile[place[i * fragment->elements + (e)]]
#define SCATTER(REG, expr)                                                                                             \
	do {                                                                                                           \
		const uint16_t *place = fragment->place;                                                               \
		for (unsigned r = 0; r < fragment->registers; r++, place += CPU_LANES * fragment->elements) {          \
			slot_##REG *to = (slot_##REG *)(frame + fragment->list[r]);                                    \
			EACH_LANE(i, mask) to[i] = (expr);                                                             \
		}                                                                                                      \
	} while (0)

static inline f32 single_canonical(f32 value)
{
	return value != value ? f32_from(0x7fffffff) : value;
}

static void scatter_f32(const struct cpu_fragment *fragment, uint8_t *frame, u32 mask, const f32 *tile)
{
	if (fragment->type == CPU_MATRIX_F16)
		SCATTER(u32, half_from_single(PART(0)) | half_from_single(PART(1)) << 16);
	else
		SCATTER(f32, single_canonical(PART(0)));
}

static void scatter_s32(const struct cpu_fragment *fragment, uint8_t *frame, u32 mask, const s32 *tile)
{
	SCATTER(s32, PART(0));
}

static void scatter_f64(const struct cpu_fragment *fragment, uint8_t *frame, u32 mask, const f64 *tile)
{
	SCATTER(f64, PART(0) != PART(0) ? f64_from((u64)INT64_MAX) : PART(0));
}

/* Eight columns of one row at a time: n is a multiple of eight, and the sums stay in registers. d holds c before. */
#define STRIP 8
#define MULTIPLY(name, T, step)                                                                                        \
	static void name(const struct cpu_matrix *matrix, const T *a, const T *b, T *d)                                \
	{                                                                                                              \
		const unsigned n = matrix->n, depth = matrix->a.cols;                                                  \
		for (unsigned row = 0; row < matrix->m; row++, a += depth, d += n)                                     \
			for (unsigned col = 0; col < n; col += STRIP) {                                                \
				T sum[STRIP];                                                                          \
				memcpy(sum, d + col, sizeof(sum));                                                     \
				for (unsigned k = 0; k < depth; k++) {                                                 \
					const T x = a[k], *y = b + k * n + col;                                        \
					for (unsigned j = 0; j < STRIP; j++)                                           \
						step;                                                                  \
				}                                                                                      \
				memcpy(d + col, sum, sizeof(sum));                                                     \
			}                                                                                              \
	}
MULTIPLY(multiply_f32, f32, sum[j] += x * y[j])
MULTIPLY(multiply_f64, f64, sum[j] = __builtin_fma(x, y[j], sum[j]))
MULTIPLY(multiply_s32, s32, sum[j] += x * y[j])
MULTIPLY(multiply_and, s32, sum[j] += __builtin_popcount((u32)(x & y[j])))
MULTIPLY(multiply_xor, s32, sum[j] += __builtin_popcount((u32)(x ^ y[j])))

LANE_FN(mma_f32)
{
	const struct cpu_matrix *matrix = insn->more;
	f32 a[MOST_ELEMENTS], b[MOST_ELEMENTS], d[MOST_ELEMENTS];

	WARP_OR_WAIT
	gather_f32(&matrix->a, frame, a);
	gather_f32(&matrix->b, frame, b);
	gather_f32(&matrix->c, frame, d);
	for (unsigned block = 0; block < matrix->a.blocks; block++)
		multiply_f32(matrix, a + block * matrix->m * matrix->k, b + block * matrix->k * matrix->n,
			     d + block * matrix->m * matrix->n);
	scatter_f32(&matrix->d, frame, mask, d);
	return insn + 1;
}

/* The sum of the products fits 32 bits; the sum with c may not. */
LANE_FN(mma_s32)
{
	const struct cpu_matrix *matrix = insn->more;
	const unsigned count = matrix->m * matrix->n;
	s32 a[MOST_ELEMENTS], b[MOST_ELEMENTS], c[MOST_ELEMENTS], d[MOST_ELEMENTS] = {0};

	WARP_OR_WAIT
	gather_s32(&matrix->a, frame, a);
	gather_s32(&matrix->b, frame, b);
	gather_s32(&matrix->c, frame, c);
	if (matrix->a.type != CPU_MATRIX_B1)
		multiply_s32(matrix, a, b, d);
	else if (matrix->and)
		multiply_and(matrix, a, b, d);
	else
		multiply_xor(matrix, a, b, d);
	for (unsigned i = 0; i < count; i++) {
		s64 sum = (s64)c[i] + d[i];

		if (matrix->saturate)
			sum = sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum;
		d[i] = (s32)(u32)sum;
	}
	scatter_s32(&matrix->d, frame, mask, d);
	return insn + 1;
}

static __attribute__((noinline)) void multiply_rounded(const struct cpu_matrix *matrix, const f64 *a, const f64 *b,
						       f64 *d)
{
	int before = fegetround();

	fesetround(matrix->rounding);
	multiply_f64(matrix, a, b, d);
	fesetround(before);
}

LANE_FN(mma_f64)
{
	const struct cpu_matrix *matrix = insn->more;
	f64 a[MOST_ELEMENTS], b[MOST_ELEMENTS], d[MOST_ELEMENTS];

	WARP_OR_WAIT
	gather_f64(&matrix->a, frame, a);
	gather_f64(&matrix->b, frame, b);
	gather_f64(&matrix->c, frame, d);
	if (matrix->rounding == FE_TONEAREST)
		multiply_f64(matrix, a, b, d);
	else
		multiply_rounded(matrix, a, b, d);
	scatter_f64(&matrix->d, frame, mask, d);
	return insn + 1;
}
