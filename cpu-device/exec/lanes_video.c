/* Video instructions, as the PTX manual's pseudocode gives them: parts of words are extended, computed on without
   overflow, saturated, and combined with the third source. */
#include "lanes.h"
#include "video.h"

static const u32 part_bits[] = {32, 16, 8};

static inline s64 part_of(u64 words, u32 index, u32 bits, bool is_signed)
{
	u64 value = words >> index * bits & (((u64)1 << bits) - 1);

	return is_signed && value >> (bits - 1) ? (s64)(value | ~(u64)0 << bits) : (s64)value;
}

static inline s64 saturate(s64 value, u32 bits, bool is_signed)
{
	s64 high = ((s64)1 << (is_signed ? bits - 1 : bits)) - 1, low = is_signed ? -high - 1 : 0;

	return value < low ? low : value > high ? high : value;
}

static inline bool compare(s64 a, s64 b, unsigned how)
{
	switch (how) {
	case VIDEO_EQ:
		return a == b;
	case VIDEO_NE:
		return a != b;
	case VIDEO_LT:
		return a < b;
	case VIDEO_LE:
		return a <= b;
	case VIDEO_GT:
		return a > b;
	default:
		return a >= b;
	}
}

static s64 operate(struct video video, s64 a, s64 b)
{
	u32 count = (u32)b;

	count = video.wrap ? count & 31 : count > 32 ? 32 : count;
	switch (video.operation) {
	case VIDEO_ADD:
		return a + b;
	case VIDEO_SUB:
		return a - b;
	case VIDEO_ABSDIFF:
		return a > b ? a - b : b - a;
	case VIDEO_MIN:
		return a < b ? a : b;
	case VIDEO_MAX:
		return a > b ? a : b;
	case VIDEO_AVRG:
		return (a + b + (a + b >= 0)) >> 1;
	case VIDEO_SHL:
		return (s64)((u64)a << count);
	case VIDEO_SHR:
		return a >> count;
	default:
		return compare(a, b, video.compare);
	}
}

/* The second operation is done in the result's type. */
static u32 combine(struct video video, u32 value, u32 c, u32 bits)
{
	bool smaller = video.d_signed ? (s32)value < (s32)c : value < c;
	u32 place = video.mask ? (u32)__builtin_ctz(video.mask) * bits : 0;
	u32 field = bits < 32 ? ((1u << bits) - 1) << place : CPU_ALL_LANES;

	switch (video.second) {
	case VIDEO_PLUS:
		return value + c;
	case VIDEO_SMALLER:
		return smaller ? value : c;
	case VIDEO_LARGER:
		return smaller ? c : value;
	case VIDEO_MERGE:
		return (c & ~field) | (value << place & field);
	default:
		return value;
	}
}

static u32 scalar(struct video video, u32 a, u32 b, u32 c)
{
	u32 bits = part_bits[video.d_bits];
	s64 value = operate(video, part_of(a, video.a_parts, part_bits[video.a_bits], video.a_signed),
			    part_of(b, video.b_parts, part_bits[video.b_bits], video.b_signed));

	if (video.saturate)
		value = saturate(value, bits, video.d_signed);
	return combine(video, (u32)value, c, bits);
}

static u32 parallel(struct video video, u32 a, u32 b, u32 c)
{
	u64 words = (u64)b << 32 | a;
	u32 bits = 32 / video.parts, result = video.second == VIDEO_PLUS ? c : 0;

	for (u32 i = 0; i < video.parts; i++) {
		s64 value = operate(video, part_of(words, video.a_parts >> 3 * i & 7, bits, video.a_signed),
				    part_of(words, video.b_parts >> 3 * i & 7, bits, video.b_signed));
		u32 field = ((1u << bits) - 1) << i * bits;

		if (video.saturate)
			value = saturate(value, bits, video.d_signed);
		if (video.second == VIDEO_PLUS)
			result += video.mask >> i & 1 ? (u32)value : 0;
		else
			result |= video.mask >> i & 1 ? (u32)value << i * bits & field : c & field;
	}
	return result;
}

static u32 multiply_add(struct video video, u32 a, u32 b, u32 c)
{
	bool is_signed = video.a_signed || video.b_signed || video.negate_product || video.negate_c;
	s64 x = part_of(a, video.a_parts, part_bits[video.a_bits], video.a_signed);
	s64 y = part_of(b, video.b_parts, part_bits[video.b_bits], video.b_signed);
	__int128 product = (__int128)x * y, addend = is_signed ? (__int128)(s32)c : (__int128)c;

	if (video.negate_product)
		product = -product;
	if (video.negate_c)
		addend = -addend;
	product = (product + addend + video.plus_one) >> video.shift;
	if (video.saturate) {
		__int128 high = is_signed ? INT32_MAX : UINT32_MAX, low = is_signed ? INT32_MIN : 0;

		product = product < low ? low : product > high ? high : product;
	}
	return (u32)product;
}

LANE_FN(video)
{
	const struct video video = {.imm = insn->imm};
	const u32 *a = REGISTER(u32, 1), *b = REGISTER(u32, 2), *c = REGISTER(u32, 3);
	u32 *d = REGISTER(u32, 0);

	(void)warp;
	EACH_LANE(i, mask)
	{
		if (video.operation == VIDEO_MAD)
			d[i] = multiply_add(video, a[i], b[i], c[i]);
		else
			d[i] = video.parts > 1 ? parallel(video, a[i], b[i], c[i]) : scalar(video, a[i], b[i], c[i]);
	}
	return insn + 1;
}
