/* Video instructions: how lowering describes one in insn->imm. */
#ifndef CPU_VIDEO_H
#define CPU_VIDEO_H

#include <stdbool.h>
#include <stdint.h>

enum video_operation {
	VIDEO_ADD,
	VIDEO_SUB,
	VIDEO_ABSDIFF,
	VIDEO_MIN,
	VIDEO_MAX,
	VIDEO_AVRG,
	VIDEO_SHL,
	VIDEO_SHR,
	VIDEO_SET,
	VIDEO_MAD,
};

/* What becomes of the third source. */
enum video_second { VIDEO_NONE, VIDEO_PLUS, VIDEO_SMALLER, VIDEO_LARGER, VIDEO_MERGE };

enum video_compare { VIDEO_EQ, VIDEO_NE, VIDEO_LT, VIDEO_LE, VIDEO_GT, VIDEO_GE };

struct video {
	union {
		struct {
			uint64_t operation : 4; /* enum video_operation */
			uint64_t second : 3;    /* enum video_second */
			uint64_t compare : 3;   /* enum video_compare */
			uint64_t d_signed : 1, a_signed : 1, b_signed : 1;
			uint64_t saturate : 1;
			uint64_t wrap : 1; /* shifts: the count is taken modulo 32 */
			uint64_t negate_product : 1, negate_c : 1, plus_one : 1; /* vmad */
			uint64_t shift : 4;                                      /* vmad: 0, 7, 15 */
			uint64_t parts : 3;                                      /* 1, 2, 4 */
			uint64_t mask : 4; /* parts of the result that are computed */
			/* SIMD: which of the parts of {b, a} each part works on, 3 bits each. Scalar: the part of a
			   (b), and part_bits of it; the part of d that `mask` and `d_bits` name. */
			uint64_t a_parts : 12, b_parts : 12;
			uint64_t a_bits : 2, b_bits : 2, d_bits : 2; /* scalar: 0: all 32, 1: 16, 2: 8 */
		};
		int64_t imm;
	};
};

_Static_assert(sizeof(struct video) == 8, "struct video is kept in insn->imm");

#endif
