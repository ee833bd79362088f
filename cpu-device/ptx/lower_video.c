/* Video instructions: one row, described by struct video. */
#include "../exec/video.h"
#include "lower.h"

static const struct {
	const char *name;
	enum video_operation operation;
	int parts;
} instructions[] = {
    {"vadd", VIDEO_ADD, 1},          {"vsub", VIDEO_SUB, 1},          {"vabsdiff", VIDEO_ABSDIFF, 1},
    {"vmin", VIDEO_MIN, 1},          {"vmax", VIDEO_MAX, 1},          {"vshl", VIDEO_SHL, 1},
    {"vshr", VIDEO_SHR, 1},          {"vset", VIDEO_SET, 1},          {"vmad", VIDEO_MAD, 1},
    {"vadd2", VIDEO_ADD, 2},         {"vsub2", VIDEO_SUB, 2},         {"vavrg2", VIDEO_AVRG, 2},
    {"vabsdiff2", VIDEO_ABSDIFF, 2}, {"vmin2", VIDEO_MIN, 2},         {"vmax2", VIDEO_MAX, 2},
    {"vset2", VIDEO_SET, 2},         {"vadd4", VIDEO_ADD, 4},         {"vsub4", VIDEO_SUB, 4},
    {"vavrg4", VIDEO_AVRG, 4},       {"vabsdiff4", VIDEO_ABSDIFF, 4}, {"vmin4", VIDEO_MIN, 4},
    {"vmax4", VIDEO_MAX, 4},         {"vset4", VIDEO_SET, 4},
};

static bool find(const struct ptx_lowering *lowering, struct video *video)
{
	for (size_t i = 0; i < sizeof(instructions) / sizeof(*instructions); i++)
		if (ptx_is_opcode(lowering, instructions[i].name)) {
			video->operation = instructions[i].operation;
			video->parts = (uint64_t)instructions[i].parts;
			return true;
		}
	return false;
}

/* The operand's selector, such as "h0" or "b3210"; NULL when it has none. Its digits count from the right. */
static const char *selector(struct ptx_lowering *lowering, size_t index)
{
	return ptx_operand(lowering, index)->selector;
}

/* The part of a scalar operand: its index, and its size as struct video has it. */
static unsigned scalar_part(struct ptx_lowering *lowering, const char *text, unsigned *bits)
{
	*bits = 0;
	if (!text)
		return 0;
	*bits = text[0] == 'b' ? 2 : 1;
	if ((text[0] != 'b' && text[0] != 'h') || text[1] < '0' || text[1] >= (text[0] == 'b' ? '4' : '2') || text[2])
		ptx_invalid(lowering, "bad part of an operand");
	return (unsigned)(text[1] - '0');
}

/* The parts of a SIMD source, 3 bits each; those from `standard` on when none are named. */
static unsigned parallel_parts(struct ptx_lowering *lowering, const char *text, unsigned parts, unsigned standard)
{
	unsigned result = 0;

	if (text && (strlen(text) != parts + 1 || text[0] != (parts == 2 ? 'h' : 'b')))
		ptx_invalid(lowering, "bad parts of an operand");
	for (unsigned i = 0; i < parts; i++) {
		unsigned part = text ? (unsigned)(text[parts - i] - '0') : standard + i;

		if (part >= 2 * parts)
			ptx_invalid(lowering, "bad parts of an operand");
		result |= part << 3 * i;
	}
	return result;
}

static unsigned parallel_mask(struct ptx_lowering *lowering, const char *text, unsigned parts)
{
	unsigned result = 0;

	if (!text)
		return (1u << parts) - 1;
	for (const char *digit = text + 1; *digit; digit++) {
		if (*digit < '0' || *digit >= (char)('0' + parts))
			ptx_invalid(lowering, "bad parts of the destination");
		result |= 1u << (*digit - '0');
	}
	return result;
}

static void selectors_take(struct ptx_lowering *lowering, struct video *video)
{
	unsigned bits;

	if (video->parts > 1) {
		video->mask = parallel_mask(lowering, selector(lowering, 0), video->parts) & 15;
		video->a_parts = parallel_parts(lowering, selector(lowering, 1), video->parts, 0) & 0xfff;
		video->b_parts = parallel_parts(lowering, selector(lowering, 2), video->parts, video->parts) & 0xfff;
		return;
	}
	video->mask = 1u << scalar_part(lowering, selector(lowering, 0), &bits) & 15;
	video->d_bits = bits & 3;
	video->a_parts = scalar_part(lowering, selector(lowering, 1), &bits);
	video->a_bits = bits & 3;
	video->b_parts = scalar_part(lowering, selector(lowering, 2), &bits);
	video->b_bits = bits & 3;
}

/* The types' signs: dtype.atype.btype, of vset only the last two. */
static void types_take(struct ptx_lowering *lowering, struct video *video)
{
	bool is_set = video->operation == VIDEO_SET;

	video->b_signed = ptx_type(lowering, 0)[0] == 's';
	video->a_signed = ptx_type(lowering, 1)[0] == 's';
	video->d_signed = !is_set && ptx_type(lowering, 2)[0] == 's';
}

static void modifiers_take(struct ptx_lowering *lowering, struct video *video)
{
	static const char *const compares[] = {".eq", ".ne", ".lt", ".le", ".gt", ".ge"};

	video->saturate = ptx_has(lowering, ".sat");
	video->wrap = ptx_has(lowering, ".wrap");
	video->shift = ptx_has(lowering, ".shr7") ? 7 : ptx_has(lowering, ".shr15") ? 15 : 0;
	video->plus_one = ptx_has(lowering, ".po");
	for (unsigned i = 0; i < sizeof(compares) / sizeof(*compares); i++)
		if (ptx_has(lowering, compares[i]))
			video->compare = i & 7;
	video->second = ptx_has(lowering, ".add")   ? VIDEO_PLUS
			: ptx_has(lowering, ".min") ? VIDEO_SMALLER
			: ptx_has(lowering, ".max") ? VIDEO_LARGER
			: selector(lowering, 0)     ? VIDEO_MERGE
						    : VIDEO_NONE;
}

static uint32_t source(struct ptx_lowering *lowering, size_t index, bool *negative)
{
	struct ptx_operand operand = *ptx_operand(lowering, index);

	*negative = operand.negative;
	operand.negative = false;
	operand.selector = NULL;
	return ptx_source(lowering, &operand, 'w', "u32", false);
}

bool ptx_lower_video(struct ptx_lowering *lowering)
{
	struct video video = {.imm = 0};
	bool negative[3] = {false};
	uint32_t a, b, c;
	struct ptx_ir *ir;
	struct ptx_operand d;

	if (!find(lowering, &video))
		return false;
	d = *ptx_operand(lowering, 0);
	types_take(lowering, &video);
	modifiers_take(lowering, &video);
	selectors_take(lowering, &video);
	a = source(lowering, 1, &negative[0]);
	b = source(lowering, 2, &negative[1]);
	c = lowering->at->count > 3 ? source(lowering, 3, &negative[2]) : ptx_constant(lowering, 0, false);
	if ((negative[0] || negative[1] || negative[2]) && video.operation != VIDEO_MAD)
		ptx_invalid(lowering, "only vmad negates its operands");
	video.negate_product = negative[0] != negative[1];
	video.negate_c = negative[2];
	d.selector = NULL;
	ir = ptx_emit2(lowering, "video@", ptx_destination(lowering, &d, 'w'), a, b);
	ir->op[3] = c;
	ir->imm = video.imm;
	return true;
}
