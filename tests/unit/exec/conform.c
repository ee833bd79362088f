/* The engine of the conformance tests. With --list, prints evaluations for the test against ptxas. */
#define _GNU_SOURCE
#include "conform.h"

#include <fenv.h>

#define MOST 16384

static const u64 edge_integers[] = {0,
				    1,
				    2,
				    3,
				    31,
				    32,
				    33,
				    64,
				    0x7f,
				    0x80,
				    0xff,
				    0x7fff,
				    0x8000,
				    0xffff,
				    0x7fffffff,
				    0x80000000,
				    0xffffffff,
				    0x89abcdef,
				    0x7fffffffffffffff,
				    0x8000000000000000,
				    0xffffffffffffffff,
				    0xffffffff80000000,
				    0xfedcba9876543210};
static const u64 edge_singles[] = {0,          0x80000000, 0x3f800000, 0xbf800000, 0x00000001, 0x80000001,
				   0x007fffff, 0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x7f800000,
				   0xff800000, 0x7fc00000, 0x3f000000, 0x3fc00000, 0x40200000, 0x40490fdb,
				   0x4effffff, 0x4f000000, 0xcf000000, 0x5f000000, 0x33800000};
static const u64 edge_doubles[] = {0,
				   (u64)1 << 63,
				   0x3ff0000000000000,
				   0xbff0000000000000,
				   1,
				   0x8000000000000001,
				   0x000fffffffffffff,
				   0x0010000000000000,
				   0x7fefffffffffffff,
				   0xffefffffffffffff,
				   0x7ff0000000000000,
				   0xfff0000000000000,
				   0x7ff8000000000000,
				   0x3fe0000000000000,
				   0x4004000000000000,
				   0x400921fb54442d18,
				   0x41dfffffffc00000,
				   0x41e0000000000000,
				   0xc1e0000000000000,
				   0x43e0000000000000,
				   0x3ca0000000000000,
				   0x47efffffe0000000};
static const u64 edge_halves[] = {0x00000000, 0x80008000, 0x3c003c00, 0xbc00bc00, 0x00010001, 0x80018001,
				  0x03ff03ff, 0x04000400, 0x7bff7bff, 0xfbfffbff, 0x7c007c00, 0xfc00fc00,
				  0x7e007e00, 0x38003c01, 0x3e00c200, 0x42484100, 0x1400ac00, 0x7800f801};
static const u64 edge_brains[] = {0x00000000, 0x80008000, 0x3f803f80, 0xbf80bf80, 0x00010001, 0x80018001,
				  0x007f007f, 0x00800080, 0x7f7f7f7f, 0xff7fff7f, 0x7f807f80, 0xff80ff80,
				  0x7fc07fc0, 0x3f003f81, 0x3fc0c020, 0x40494040, 0x3b80bb80, 0x4f00cf01};

static const struct {
	const u64 *values;
	size_t count;
} edges[] = {{edge_integers, sizeof(edge_integers) / 8},
	     {edge_singles, sizeof(edge_singles) / 8},
	     {edge_doubles, sizeof(edge_doubles) / 8},
	     {edge_halves, sizeof(edge_halves) / 8},
	     {edge_brains, sizeof(edge_brains) / 8}};

static const char *const epilogues[] = {
    [X32] = "",
    [H16] = "cvt.u32.u16 %x0, %h0;",
    [L64] = "",
    [P1] = "selp.u32 %x0, 1, 0, %p0;",
    [F32] = "mov.b32 %x0, %f0;",
    [F64] = "mov.b64 %l0, %d0;",
    [F16] = "cvt.u32.u16 %x0, %h0;",
    [BF16] = "cvt.u32.u16 %x0, %h0;",
    [F16X2] = "",
    [BF16X2] = "",
    [TF32] = "",
};

static struct {
	const char *body;
	char text[512];
	enum result result;
	u64 operands[3][MOST], results[MOST];
	size_t count, at;
	bool lists;
	size_t evaluations, cases;
} now;

const struct format half = {10, -14, 0x7c00}, brain = {7, -126, 0x7f80}, e4m3 = {3, -6, 0x7f}, e5m2 = {2, -14, 0x7c};

double format_value(const struct format *format, u32 bits)
{
	u32 sign = format->fraction == 10 || format->fraction == 7 ? 0x8000 : 0x80, magnitude = bits & (sign - 1);
	int exponent = (int)(magnitude >> format->fraction);
	double fraction = magnitude & ((1u << format->fraction) - 1), value;

	if (magnitude >= format->infinity)
		value = magnitude == format->infinity && format != &e4m3 ? INFINITY : NAN;
	else if (exponent)
		value = ldexp(fraction + (1 << format->fraction), exponent - 1 + format->least - format->fraction);
	else
		value = ldexp(fraction, format->least - format->fraction);
	return bits & sign ? -value : value;
}

static bool rounds_inward(bool negative)
{
	return fegetround() == FE_TOWARDZERO || fegetround() == (negative ? FE_UPWARD : FE_DOWNWARD);
}

u32 format_round(const struct format *format, long double value)
{
	u32 sign = signbit(value) ? (format->fraction == 10 || format->fraction == 7 ? 0x8000 : 0x80) : 0, bits;
	int exponent;

	if (isnan(value))
		return 0x7fff;
	if (isinf(value))
		return sign | format->infinity;
	exponent = value == 0 ? format->least : ilogbl(value);
	exponent = exponent < format->least ? format->least : exponent;
	/* The sign stays, for it decides what the rounding modes do. */
	bits = (u32)fabsl(rintl(scalbnl(value, format->fraction - exponent)));
	bits += (u32)(exponent - format->least) << format->fraction;
	if (bits < format->infinity)
		return sign | bits;
	return sign | (format->infinity - rounds_inward(sign));
}

static u64 random_bits(void)
{
	static u64 state = 1442695040888963407u;

	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static bool uses(const char *body, char number)
{
	for (const char *at = body; (at = strchr(at, '%')); at++)
		if (strchr("xlfdh", at[1]) && at[2] == number && (at[3] < '0' || at[3] > '9'))
			return true;
	return false;
}

static void operands_add(u64 a, u64 b, u64 c)
{
	if (now.count == MOST)
		return;
	now.operands[0][now.count] = a;
	now.operands[1][now.count] = b;
	now.operands[2][now.count++] = c;
}

/* A random value of the kind: any bits, an edge's neighbour, or a number of moderate size. */
static u64 random_operand(enum operands operands)
{
	u64 bits = random_bits(), edge = edges[operands].values[bits % edges[operands].count];

	switch (random_bits() % 4) {
	case 0:
		return bits;
	case 1:
		return edge + bits % 3 - 1;
	case 2:
		return operands == INTEGERS ? bits >> random_bits() % 64 : bits;
	default:
		if (operands == SINGLES)
			return bits_f32((float)(s32)bits / 65536);
		if (operands == DOUBLES)
			return bits_f64((double)(s64)bits / 0x1p40);
		return operands == INTEGERS ? bits % 70 : (bits & 0x83ff83ff) | 0x3c003c00;
	}
}

static void operands_fill(const char *body, enum operands operands)
{
	const u64 *values = edges[operands].values;
	size_t n = edges[operands].count, third = uses(body, '3') ? n : 1,
	       second = uses(body, '2') || third > 1 ? n : 1;

	now.count = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < second; k++)
			for (size_t m = 0; m < third; m++)
				operands_add(values[i], values[k], values[m]);
	for (size_t i = 0; i < 1024; i++)
		operands_add(random_operand(operands), random_operand(operands), random_operand(operands));
	while (now.count % 256)
		operands_add(0, 0, 0);
}

bool conform_begin(const char *body, enum operands operands, enum result result)
{
	bool wide = result == L64 || result == F64;

	now.body = body;
	now.result = result;
	now.at = 0;
	now.cases++;
	snprintf(now.text, sizeof(now.text), "%s %s", body, epilogues[result]);
	operands_fill(body, operands);
	body_run_many(now.text, wide, now.count, now.operands[0], now.operands[1], now.operands[2], now.results);
	return true;
}

bool conform_next(struct operand operand[3])
{
	if (now.at == now.count)
		return false;
	for (int i = 0; i < 3; i++) {
		u64 bits = now.operands[i][now.at];

		operand[i] = (struct operand){bits, (s64)bits, (u32)bits, (s32)bits, (u16)bits, (s16)bits, 0, 0};
		memcpy(&operand[i].f, &bits, 4);
		memcpy(&operand[i].d, &bits, 8);
	}
	now.at++;
	return true;
}

static bool is_nan_16(u32 bits, u32 infinity)
{
	return (bits & 0x7fff) > infinity;
}

static bool same_16(u32 a, u32 b, u32 infinity)
{
	return (u16)a == (u16)b || (is_nan_16(a, infinity) && is_nan_16(b, infinity));
}

static bool is_nan(u64 bits)
{
	switch (now.result) {
	case F32:
	case TF32:
		return (bits & 0x7fffffff) > 0x7f800000;
	case F64:
		return (bits & INT64_MAX) > (u64)0x7ff << 52;
	case F16:
		return is_nan_16((u32)bits, half.infinity);
	case BF16:
		return is_nan_16((u32)bits, brain.infinity);
	case F16X2:
		return is_nan_16((u32)bits, half.infinity) || is_nan_16((u32)bits >> 16, half.infinity);
	case BF16X2:
		return is_nan_16((u32)bits, brain.infinity) || is_nan_16((u32)bits >> 16, brain.infinity);
	default:
		return false;
	}
}

static bool same(u64 a, u64 b)
{
	switch (now.result) {
	case L64:
		return a == b;
	case F16X2:
		return same_16((u32)a, (u32)b, half.infinity) && same_16((u32)a >> 16, (u32)b >> 16, half.infinity);
	case BF16X2:
		return same_16((u32)a, (u32)b, brain.infinity) && same_16((u32)a >> 16, (u32)b >> 16, brain.infinity);
	case H16:
		return (u16)a == (u16)b;
	case F64:
		return a == b || (is_nan(a) && is_nan(b));
	default:
		return (u32)a == (u32)b || (is_nan(a) && is_nan(b));
	}
}

/* A line for the test against ptxas: text|wide|a|b|c|result */
static void list(u64 got)
{
	size_t step = now.count / 24 + 1;

	/* ptxas approximates as the hardware does, and knows no memory. */
	if ((now.at - 1) % step || is_nan(got) || strstr(now.body, ".approx") || strstr(now.body, ".full") ||
	    strchr(now.body, '[') || strstr(now.body, "isspacep"))
		return;
	printf("%s|%d|%llx|%llx|%llx|%llx\n", now.text, now.result == L64 || now.result == F64,
	       (unsigned long long)now.operands[0][now.at - 1], (unsigned long long)now.operands[1][now.at - 1],
	       (unsigned long long)now.operands[2][now.at - 1], (unsigned long long)got);
}

void conform_check(u64 want)
{
	size_t i = now.at - 1;
	u64 got = now.results[i];

	if (now.result == P1)
		want = want != 0;
	now.evaluations++;
	if (now.lists)
		list(got);
	ck_assert_msg(same(got, want), "%s (%llx, %llx, %llx): %llx, should be %llx", now.body,
		      (unsigned long long)now.operands[0][i], (unsigned long long)now.operands[1][i],
		      (unsigned long long)now.operands[2][i], (unsigned long long)got, (unsigned long long)want);
}

#define FAMILY(name)                                                                                                   \
	START_TEST(name)                                                                                               \
	{                                                                                                              \
		conform_##name();                                                                                      \
		if (!now.lists)                                                                                        \
			printf(#name ": %zu forms, %zu evaluations\n", now.cases, now.evaluations);                    \
	}                                                                                                              \
	END_TEST
FAMILY(integers)
FAMILY(bits)
FAMILY(floats)
FAMILY(halves)
FAMILY(conversions)
FAMILY(comparisons)
FAMILY(video)
FAMILY(memory_accesses)

int main(int argc, char **argv)
{
	const TTest *const tests[] = {integers, bits, floats, halves, conversions, comparisons, video, memory_accesses};

	now.lists = argc > 1 && !strcmp(argv[1], "--list");
	return suite_run("conformance", tests, sizeof(tests) / sizeof(*tests));
}
