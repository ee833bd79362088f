/* Matrix instructions against multiplications in plain C. Fragments are laid out here as the PTX ISA writes it down
   ("Matrix Fragments for mma.…"); factors are small integers, so that every sum is exact in whatever order. */
#define _GNU_SOURCE
#include <math.h>
#include <stdarg.h>

#include "harness.h"

#define SLOTS 40 /* registers of a lane that go in, 8 bytes each */

static uint64_t state = 88172645463325252u;

static uint64_t random_bits(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* Numbers as bits of a type, for integers that the type can hold. */

struct format {
	const char *name;
	int bits;
	int fraction, bias;  /* of floats; fraction 0: an integer */
	int least, greatest; /* of the values used here */
	char class;          /* of the registers that hold it: r 32 bits, f f32, d f64 */
};

static const struct format formats[] = {
    {"f16", 16, 10, 15, -7, 7, 'r'},    {"bf16", 16, 7, 127, -7, 7, 'r'},    {"tf32", 32, 23, 127, -7, 7, 'r'},
    {"f32", 32, 23, 127, -99, 99, 'f'}, {"f64", 64, 52, 1023, -99, 99, 'd'}, {"e4m3", 8, 3, 7, -7, 7, 'r'},
    {"e5m2", 8, 2, 15, -7, 7, 'r'},     {"s8", 8, 0, 0, -128, 127, 'r'},     {"u8", 8, 0, 0, 0, 255, 'r'},
    {"s4", 4, 0, 0, -8, 7, 'r'},        {"u4", 4, 0, 0, 0, 15, 'r'},         {"b1", 1, 0, 0, 0, 1, 'r'},
    {"s32", 32, 0, 0, -9999, 9999, 'r'}};

static const struct format *format_of(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	ck_abort_msg("no type %s", name);
}

static uint64_t encode(const struct format *format, int64_t value)
{
	uint64_t ones = format->bits == 64 ? UINT64_MAX : ((uint64_t)1 << format->bits) - 1;
	uint64_t magnitude = (uint64_t)(value < 0 ? -value : value);
	int exponent;

	if (!format->fraction)
		return (uint64_t)value & ones;
	if (!value)
		return 0;
	exponent = 63 - __builtin_clzll(magnitude);
	magnitude ^= (uint64_t)1 << exponent;
	magnitude = exponent > format->fraction ? magnitude >> (exponent - format->fraction)
						: magnitude << (format->fraction - exponent);
	return (uint64_t)(value < 0) << (format->bits - 1) | (uint64_t)(exponent + format->bias) << format->fraction |
	       magnitude;
}

static int elements_of(const struct format *format)
{
	return format->bits < 32 ? 32 / format->bits : 1;
}

/* One instruction: mma of this shape and these types, with what the ISA says about its fragments. */
struct form {
	int m, n, k;
	const char *d, *a, *b, *c;
	const char *more;   /* modifiers before the types */
	const char *behind; /* and behind them */
};

struct matrix {
	int64_t at[256][256];
};

enum which { A, B, C };

struct position {
	int row, col;
};

/* Element i of the lane. */
static struct position place(const struct form *form, enum which which, const struct format *format, int lane, int i)
{
	int group = lane >> 2, thread = lane % 4, width = elements_of(format);

	if (which == C)
		return (struct position){i < 2 ? group : group + 8, thread * 2 + (i & 1)};
	if (which == B)
		return (struct position){thread * width + i % width + 4 * width * (i / width), group};
	if (form->m == 8)
		return (struct position){group, thread * width + i};
	if (!strcmp(format->name, "f64"))
		return (struct position){i % 2 == 0 ? group : group + 8, (i % 2 == 0 ? i * 2 : i * 2 - 2) + thread};
	return (struct position){i < width || (i >= 2 * width && i < 3 * width) ? group : group + 8,
				 thread * width + i % width + (i >= 2 * width ? 4 * width : 0)};
}

static void fill(struct matrix *matrix, const struct format *format, int rows, int cols)
{
	for (int r = 0; r < rows; r++)
		for (int c = 0; c < cols; c++)
			matrix->at[r][c] =
			    format->least + (int64_t)(random_bits() % (uint64_t)(format->greatest - format->least + 1));
}

static int registers_of(const struct format *format, int rows, int cols)
{
	return rows * cols / 32 / elements_of(format);
}

/* Puts a matrix into the lanes' registers, from slot `first` on; returns the next slot. */
static int spread(const struct form *form, enum which which, const struct format *format, const struct matrix *matrix,
		  int rows, int cols, int first, uint64_t (*slots)[SLOTS])
{
	int width = elements_of(format), count = registers_of(format, rows, cols);

	for (int lane = 0; lane < 32; lane++)
		for (int i = 0; i < count * width; i++) {
			struct position at = place(form, which, format, lane, i);

			slots[lane][first + i / width] |= encode(format, matrix->at[at.row][at.col])
							  << i % width * format->bits;
		}
	return first + count;
}

static void append(char **text, const char *format, ...)
{
	char *before = *text, *piece;
	va_list arguments;

	va_start(arguments, format);
	ck_assert_int_gt(vasprintf(&piece, format, arguments), 0);
	va_end(arguments);
	ck_assert_int_ge(asprintf(text, "%s%s", before ? before : "", piece), 0);
	free(before);
	free(piece);
}

static void append_registers(char **text, const struct format *format, int first, int count)
{
	append(text, ", {");
	for (int i = 0; i < count; i++)
		append(text, "%s%%%c%d", i ? ", " : "", format->class, first + i);
	append(text, "}");
}

static const char head[] = ".version 8.7\n.target sm_90\n.address_size 64\n"
			   ".visible .entry k(.param .u64 in, .param .u64 out)\n{\n"
			   ".reg .b32 %r<80>; .reg .f32 %f<80>; .reg .f64 %d<80>; .reg .b64 %l<8>;\n"
			   "ld.param.u64 %l0, [in]; ld.param.u64 %l1, [out]; mov.u32 %r79, %tid.x;\n"
			   "mad.wide.u32 %l0, %r79, 320, %l0; mad.wide.u32 %l1, %r79, 64, %l1;\n";

static void append_move(char **text, const char *operation, const struct format *format, int reg, int slot)
{
	const char *type = format->class == 'r' ? "b32" : format->class == 'f' ? "f32" : "f64";

	if (*operation == 'l')
		append(text, "ld.global.%s %%%c%d, [%%l0+%d];\n", type, format->class, reg, 8 * slot);
	else
		append(text, "st.global.%s [%%l1+%d], %%%c%d;\n", type, 8 * slot, format->class, reg);
}

/* The kernel that loads a, b and c, multiplies, and stores d. Registers have the numbers of their slots; d begins at
   SLOTS. */
static char *kernel_text(const struct form *form)
{
	const struct format *a = format_of(form->a), *b = format_of(form->b), *c = format_of(form->c);
	const struct format *d = format_of(form->d);
	int at_b = registers_of(a, form->m, form->k), at_c = at_b + registers_of(b, form->k, form->n);
	int end = at_c + registers_of(c, form->m, form->n), count = registers_of(d, form->m, form->n);
	char *text = NULL;

	append(&text, "%s", head);
	for (int i = 0; i < end; i++)
		append_move(&text, "ld", i < at_b ? a : i < at_c ? b : c, i, i);
	append(&text, "mma.sync.aligned.m%dn%dk%d.row.col%s.%s.%s.%s.%s%s {", form->m, form->n, form->k, form->more,
	       form->d, form->a, form->b, form->c, form->behind);
	for (int i = 0; i < count; i++)
		append(&text, "%s%%%c%d", i ? ", " : "", d->class, SLOTS + i);
	append(&text, "}");
	append_registers(&text, a, 0, at_b);
	append_registers(&text, b, at_b, at_c - at_b);
	append_registers(&text, c, at_c, end - at_c);
	append(&text, ";\n");
	for (int i = 0; i < count; i++)
		append_move(&text, "st", d, SLOTS + i, i);
	append(&text, "ret;\n}\n");
	return text;
}

static void kernel_check(const char *text, const void *in, size_t in_bytes, void *out, size_t out_bytes)
{
	struct {
		void *in, *out;
	} p = {device_alloc(in_bytes), device_alloc(out_bytes)};

	memcpy(p.in, in, in_bytes);
	memset(p.out, 0, out_bytes);
	kernel_run(module_load(text), "k", 1, 32, 0, &p);
	memcpy(out, p.out, out_bytes);
	cpu_memory_free(memory, (uint64_t)(uintptr_t)p.in);
	cpu_memory_free(memory, (uint64_t)(uintptr_t)p.out);
}

static int64_t product(const struct form *form, const struct matrix *a, const struct matrix *b, int row, int col)
{
	int64_t sum = 0;

	for (int k = 0; k < form->k; k++) {
		int64_t x = a->at[row][k], y = b->at[k][col];

		sum += strcmp(form->a, "b1") ? x * y : strstr(form->behind, "and") ? x & y : x ^ y;
	}
	return sum;
}

static void form_check(const struct form *form)
{
	const struct format *a = format_of(form->a), *b = format_of(form->b), *c = format_of(form->c);
	const struct format *d = format_of(form->d);
	static struct matrix ma, mb, mc, md;
	uint64_t slots[32][SLOTS] = {{0}}, results[32][8], want[32][SLOTS] = {{0}};
	char *text = kernel_text(form);
	int next, count;

	fill(&ma, a, form->m, form->k);
	fill(&mb, b, form->k, form->n);
	fill(&mc, c, form->m, form->n);
	for (int row = 0; row < form->m; row++)
		for (int col = 0; col < form->n; col++)
			md.at[row][col] = product(form, &ma, &mb, row, col) + mc.at[row][col];
	next = spread(form, A, a, &ma, form->m, form->k, 0, slots);
	next = spread(form, B, b, &mb, form->k, form->n, next, slots);
	spread(form, C, c, &mc, form->m, form->n, next, slots);
	count = spread(form, C, d, &md, form->m, form->n, 0, want);
	kernel_check(text, slots, sizeof(slots), results, sizeof(results));
	for (int lane = 0; lane < 32; lane++)
		for (int i = 0; i < count; i++)
			ck_assert_msg(results[lane][i] == want[lane][i],
				      "%s: lane %d register %d: %llx, should be %llx", strstr(text, "mma"), lane, i,
				      (unsigned long long)results[lane][i], (unsigned long long)want[lane][i]);
	free(text);
}

START_TEST(multiplications)
{
	static const struct form forms[] = {
	    {16, 8, 8, "f16", "f16", "f16", "f16", "", ""},
	    {16, 8, 8, "f32", "f16", "f16", "f32", "", ""},
	    {16, 8, 16, "f16", "f16", "f16", "f16", "", ""},
	    {16, 8, 16, "f32", "f16", "f16", "f32", "", ""},
	    {16, 8, 8, "f32", "bf16", "bf16", "f32", "", ""},
	    {16, 8, 16, "f32", "bf16", "bf16", "f32", "", ""},
	    {16, 8, 4, "f32", "tf32", "tf32", "f32", "", ""},
	    {16, 8, 8, "f32", "tf32", "tf32", "f32", "", ""},
	    {16, 8, 32, "f32", "e4m3", "e5m2", "f32", "", ""},
	    {16, 8, 32, "f32", "e5m2", "e4m3", "f32", "", ""},
	    {16, 8, 32, "f16", "e4m3", "e4m3", "f16", "", ""},
	    {16, 8, 16, "f32", "e5m2", "e5m2", "f32", "", ""},
	    {16, 8, 16, "f16", "e4m3", "e5m2", "f16", "", ""},
	    {8, 8, 4, "f64", "f64", "f64", "f64", "", ""},
	    {8, 8, 4, "f64", "f64", "f64", "f64", "", ".rz"},
	    {16, 8, 4, "f64", "f64", "f64", "f64", "", ""},
	    {16, 8, 8, "f64", "f64", "f64", "f64", ".rn", ""},
	    {16, 8, 16, "f64", "f64", "f64", "f64", ".rp", ""},
	    {8, 8, 16, "s32", "s8", "u8", "s32", "", ""},
	    {8, 8, 16, "s32", "u8", "s8", "s32", ".satfinite", ""},
	    {16, 8, 16, "s32", "s8", "s8", "s32", "", ""},
	    {16, 8, 32, "s32", "u8", "u8", "s32", "", ""},
	    {16, 8, 32, "s32", "s8", "s8", "s32", ".satfinite", ""},
	    {8, 8, 32, "s32", "s4", "u4", "s32", "", ""},
	    {16, 8, 32, "s32", "u4", "s4", "s32", "", ""},
	    {16, 8, 64, "s32", "s4", "s4", "s32", "", ""},
	    {16, 8, 64, "s32", "u4", "u4", "s32", ".satfinite", ""},
	    {8, 8, 128, "s32", "b1", "b1", "s32", "", ".xor.popc"},
	    {8, 8, 128, "s32", "b1", "b1", "s32", "", ".and.popc"},
	    {16, 8, 128, "s32", "b1", "b1", "s32", "", ".xor.popc"},
	    {16, 8, 256, "s32", "b1", "b1", "s32", "", ".and.popc"},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		form_check(&forms[i]);
}
END_TEST

/* mma.m8n8k4 of f16: four products at once, with every combination of layouts and sums. */

static struct position place_quad(enum which which, const char *layout, const char *type, int lane, int i)
{
	int high = lane < 16 ? 0 : 4, x = (lane & 1) + (i & 2);

	if (which == A)
		return *layout == 'r' ? (struct position){lane % 4 + high, i}
				      : (struct position){i % 4 + high, lane % 4};
	if (which == B)
		return *layout == 'r' ? (struct position){lane % 4, i + high} : (struct position){i, lane % 4 + high};
	if (!strcmp(type, "f16"))
		return (struct position){lane % 4 + high, i};
	return (struct position){x + high, (i & 4) + (lane & 2) + (i & 1)};
}

struct quad {
	const char *a, *b, *d, *c; /* layouts and types */
};

static int spread_quad(enum which which, const char *layout, const char *type, const struct matrix *four, int count,
		       int first, uint64_t (*slots)[SLOTS])
{
	const struct format *format = format_of(type);
	int width = elements_of(format);

	for (int lane = 0; lane < 32; lane++)
		for (int i = 0; i < count; i++) {
			struct position at = place_quad(which, layout, type, lane, i);

			slots[lane][first + i / width] |= encode(format, four[lane % 16 / 4].at[at.row][at.col])
							  << i % width * format->bits;
		}
	return first + count / width;
}

static char *quad_text(const struct quad *quad)
{
	const struct format *c = format_of(quad->c), *d = format_of(quad->d);
	int sums = 8 / elements_of(c), results = 8 / elements_of(d);
	char *text = NULL;

	append(&text, "%s", head);
	for (int i = 0; i < 4 + sums; i++)
		append_move(&text, "ld", i < 4 ? format_of("f16") : c, i, i);
	append(&text, "mma.sync.aligned.m8n8k4.%s.%s.%s.f16.f16.%s {", quad->a, quad->b, quad->d, quad->c);
	for (int i = 0; i < results; i++)
		append(&text, "%s%%%c%d", i ? ", " : "", d->class, SLOTS + i);
	append(&text, "}, {%%r0, %%r1}, {%%r2, %%r3}");
	append_registers(&text, c, 4, sums);
	append(&text, ";\n");
	for (int i = 0; i < results; i++)
		append_move(&text, "st", d, SLOTS + i, i);
	append(&text, "ret;\n}\n");
	return text;
}

static void quad_check(const struct quad *quad)
{
	static const struct form form = {8, 8, 4, "", "f16", "f16", "", "", ""};
	static struct matrix ma[4], mb[4], mc[4], md[4];
	uint64_t slots[32][SLOTS] = {{0}}, results[32][8], want[32][SLOTS] = {{0}};
	char *text = quad_text(quad);
	int next, count;

	for (int q = 0; q < 4; q++) {
		fill(&ma[q], format_of("f16"), 8, 4);
		fill(&mb[q], format_of("f16"), 4, 8);
		fill(&mc[q], format_of(quad->c), 8, 8);
		for (int i = 0; i < 64; i++)
			md[q].at[i / 8][i % 8] = product(&form, &ma[q], &mb[q], i / 8, i % 8) + mc[q].at[i / 8][i % 8];
	}
	next = spread_quad(A, quad->a, "f16", ma, 4, 0, slots);
	next = spread_quad(B, quad->b, "f16", mb, 4, next, slots);
	spread_quad(C, "", quad->c, mc, 8, next, slots);
	count = spread_quad(C, "", quad->d, md, 8, 0, want);
	kernel_check(text, slots, sizeof(slots), results, sizeof(results));
	for (int lane = 0; lane < 32; lane++)
		ck_assert_msg(!memcmp(results[lane], want[lane], (size_t)count * 8), "%s: lane %d differs",
			      strstr(text, "mma"), lane);
	free(text);
}

START_TEST(four_at_once)
{
	static const char *const layouts[] = {"row", "col"};
	static const char *const sums[][2] = {{"f16", "f16"}, {"f32", "f16"}, {"f32", "f32"}};

	for (int i = 0; i < 12; i++) {
		struct quad quad = {layouts[i & 1], layouts[i >> 1 & 1], sums[i / 4][0], sums[i / 4][1]};

		quad_check(&quad);
	}
}
END_TEST

/* A product of one row and column in lane 0's first element: a's other elements are zero. */
static uint64_t one_product(const char *instruction, const char *type, const uint64_t *in)
{
	const struct format *format = format_of(type);
	uint64_t slots[32][SLOTS] = {{0}}, results[32][8];
	char *text = NULL;

	append(&text, "%s", head);
	for (int i = 0; i < 3; i++)
		append_move(&text, "ld", i < 2 && format->class == 'f' ? format_of("f16") : format, i, i);
	append(&text, "mov.b32 %%r30, 0; mov.f32 %%f30, 0f00000000; mov.f64 %%d30, 0d0000000000000000;\n%s\n",
	       instruction);
	append_move(&text, "st", format, SLOTS, 0);
	append(&text, "ret;\n}\n");
	memcpy(slots[0], in, 3 * sizeof(*in));
	kernel_check(text, slots, sizeof(slots), results, sizeof(results));
	free(text);
	return results[0][0];
}

#define F32_                                                                                                           \
	"mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%f40, %f41, %f42, %f43}, {%r0, %r30}, {%r1}, "            \
	"{%f2, %f30, %f30, %f30};"
#define F16_ "mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16 {%r40, %r41}, {%r0, %r30}, {%r1}, {%r2, %r30};"
#define F64_(rounding)                                                                                                 \
	"mma.sync.aligned.m8n8k4.row.col" rounding ".f64.f64.f64.f64 {%d40, %d41}, {%d0}, {%d1}, {%d2, %d30};"
#define S32_(saturate)                                                                                                 \
	"mma.sync.aligned.m8n8k16.row.col" saturate ".s32.s8.s8.s32 {%r40, %r41}, {%r0}, {%r1}, {%r2, %r30};"

START_TEST(special_values)
{
	static const struct {
		const char *instruction, *type;
		uint64_t in[3], want;
	} cases[] = {
	    /* NaN, infinity - infinity, overflow of the sum */
	    {F32_, "f32", {0x7fc0, 0x3f80, 0}, 0x7fffffff},
	    {F32_, "f32", {0xff80, 0x3f80, 0x7f800000}, 0x7fffffff},
	    {F32_, "f32", {0x3f80, 0x3f80, 0x7f800000}, 0x7f800000},
	    {F32_, "f32", {0x3f80, 0x3f80, 1}, 0x3f800000},
	    /* f16: subnormal factors and results; one rounding, to even; overflow */
	    {F16_, "f16", {0x0001, 0x3c00, 0}, 0x0001},
	    {F16_, "f16", {0x0001, 0x3c00, 0x8001}, 0x0000},
	    {F16_, "f16", {0x3c00, 0x1000, 0x3c00}, 0x3c00},
	    {F16_, "f16", {0x3c00, 0x1000, 0x3c01}, 0x3c02},
	    {F16_, "f16", {0x7bff, 0x4000, 0}, 0x7c00},
	    {F16_, "f16", {0x7c00, 0x0000, 0}, 0x7fff7fff},
	    {F16_, "f16", {0xfbff, 0x3c00, 0}, 0xfbff},
	    /* f64: 1 + 2^-54 in each rounding */
	    {F64_(""), "f64", {0x3ff0000000000000, 0x3c90000000000000, 0x3ff0000000000000}, 0x3ff0000000000000},
	    {F64_(".rp"), "f64", {0x3ff0000000000000, 0x3c90000000000000, 0x3ff0000000000000}, 0x3ff0000000000001},
	    {F64_(".rm"), "f64", {0x3ff0000000000000, 0xbc90000000000000, 0x3ff0000000000000}, 0x3fefffffffffffff},
	    {F64_(".rz"), "f64", {0x3ff0000000000000, 0x3c90000000000000, 0xbff0000000000000}, 0xbfefffffffffffff},
	    {S32_(""), "s32", {0x7f, 0x7f, 0x7fffffff}, 0x80003f00},
	    {S32_(".satfinite"), "s32", {0x7f, 0x7f, 0x7fffffff}, 0x7fffffff},
	    {S32_(".satfinite"), "s32", {0x7f, 0x80, 0x80000001}, 0x80000000},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t got = one_product(cases[i].instruction, cases[i].type, cases[i].in);

		ck_assert_msg(got == cases[i].want, "case %zu, %s: %llx, should be %llx", i, cases[i].instruction,
			      (unsigned long long)got, (unsigned long long)cases[i].want);
	}
}
END_TEST

START_TEST(wrong_forms)
{
	static const struct {
		const char *instruction, *reason;
	} cases[] = {
	    {"mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f0,%f1,%f2,%f3}, {%r0}, {%r1}, {%f0,%f1,%f2,%f3};",
	     "wrong number of registers"},
	    {"mma.sync.aligned.m16n8k8.col.col.f32.f16.f16.f32 {%f0,%f1,%f2,%f3}, {%r0,%r1}, {%r1}, "
	     "{%f0,%f1,%f2,%f3};",
	     "no such layout"},
	    {"mma.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32 {%f0,%f1,%f2,%f3}, {%r0,%r1}, {%r1}, "
	     "{%f0,%f1,%f2,%f3};",
	     "no such shape"},
	    {"mma.sync.aligned.m16n8k8.row.col.f32.f16.bf16.f32 {%f0,%f1,%f2,%f3}, {%r0,%r1}, {%r1}, "
	     "{%f0,%f1,%f2,%f3};",
	     "cannot be multiplied"},
	    {"mma.sync.m16n8k8.row.col.f32.f16.f16.f32 {%f0,%f1,%f2,%f3}, {%r0,%r1}, {%r1}, {%f0,%f1,%f2,%f3};",
	     "'.m16n8k8' does not belong there"},
	    {"mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32.relu {%r0,%r1}, {%r0}, {%r1}, {%r0,%r1};",
	     "'.relu' does not belong there"},
	    {"mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32.popc {%r0,%r1}, {%r0}, {%r1}, {%r0,%r1};",
	     "'.popc' does not belong there"},
	    {"mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32 {%r0,%r1}, {%r0}, {%r1}, {%r0,%r1};",
	     "do not belong together"},
	    {"mma.sync.aligned.m8n8k16.row.col.rn.s32.s8.s8.s32 {%r0,%r1}, {%r0}, {%r1}, {%r0,%r1};",
	     "do not belong together"},
	    {"wmma.load.a.sync.aligned.col.m8n8k32.s4 {%r0}, [%l0];", "no such layout"},
	    {"wmma.load.a.sync.aligned.row.m16n16k8.f16 {%r0}, [%l0];", "no such shape"},
	    {"wmma.mma.sync.aligned.row.col.m8n8k128.s32.b1.b1.s32 {%r0,%r1}, {%r0}, {%r1}, {%r0,%r1};",
	     "do not belong together"},
	    {"ldmatrix.sync.aligned.m8n8.x3.shared.b16 {%r0,%r1,%r2}, [%r3];", "'.x3' does not belong there"},
	    {"ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r0}, [%r3];", "wrong number of registers"},
	    {"stmatrix.sync.aligned.m8n8.x1.shared.b16 {%r0}, [%r3];", "an address is needed"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t parameters[2] = {0};
		char *text = NULL;

		append(&text, "%s%s\nret;\n}\n", head, cases[i].instruction);
		ck_assert_int_eq(kernel_try(module_load(text), "k", 1, 32, 0, parameters), CUDA_ERROR_INVALID_PTX);
		ck_assert_msg(strstr(message, cases[i].reason) && strstr(message, "line 9"), "'%s' is not in '%s'",
			      cases[i].reason, message);
		free(text);
	}
}
END_TEST

/* wmma, compiled by nvcc (matrix.cu) */

static struct cpu_module *module;

static int64_t matrix_element(const struct matrix *matrix, bool by_col, int line, int at)
{
	return by_col ? matrix->at[at][line] : matrix->at[line][at];
}

/* Writes the lines of a matrix `stride` elements apart. */
static void *matrix_store(const struct matrix *matrix, const struct format *format, int rows, int cols, bool by_col,
			  int stride)
{
	int lines = by_col ? cols : rows, length = by_col ? rows : cols;
	uint8_t *memory_of = device_alloc((size_t)(lines * stride * format->bits + 7) / 8);

	memset(memory_of, 0, (size_t)(lines * stride * format->bits + 7) / 8);
	for (int line = 0; line < lines; line++)
		for (int i = 0; i < length; i++) {
			uint64_t bits = encode(format, matrix_element(matrix, by_col, line, i));
			int bit = (line * stride + i) * format->bits;

			if (format->bits >= 8)
				memcpy(memory_of + bit / 8, &bits, (size_t)format->bits / 8);
			else
				memory_of[bit / 8] |= (uint8_t)(bits << bit % 8);
		}
	return memory_of;
}

struct wmma_form {
	const char *a, *d;
	int m, n, k;
	const char *layouts;
};

static void wmma_check(const struct wmma_form *form)
{
	const struct format *a = format_of(form->a), *d = format_of(form->d);
	const struct form sums = {form->m, form->n, form->k, form->d, form->a, form->a, form->d, "", ""};
	bool a_by_col = form->layouts[0] == 'c', b_by_col = form->layouts[1] == 'c';
	int a_stride = (a_by_col ? form->m : form->k) + 32, b_stride = (b_by_col ? form->k : form->n) + 64;
	int stride = form->n + 8;
	static struct matrix ma, mb, mc;
	char name[64];

	fill(&ma, a, form->m, form->k);
	fill(&mb, a, form->k, form->n);
	fill(&mc, d, form->m, form->n);
	struct {
		void *a, *b, *c;
		uint8_t *d;
		int a_stride, b_stride, stride;
	} p = {matrix_store(&ma, a, form->m, form->k, a_by_col, a_stride),
	       matrix_store(&mb, a, form->k, form->n, b_by_col, b_stride),
	       matrix_store(&mc, d, form->m, form->n, false, stride),
	       matrix_store(&mc, d, form->m, form->n, false, stride),
	       a_stride,
	       b_stride,
	       stride};
	snprintf(name, sizeof(name), "%s_%s_%d%d%d_%s", form->a, form->d, form->m, form->n, form->k, form->layouts);
	kernel_run(module, name, 1, 32, 0, &p);
	for (int row = 0; row < form->m; row++)
		for (int col = 0; col < form->n; col++) {
			uint64_t got = 0, want = encode(d, product(&sums, &ma, &mb, row, col) + 2 * mc.at[row][col]);

			memcpy(&got, p.d + (row * stride + col) * d->bits / 8, (size_t)d->bits / 8);
			ck_assert_msg(got == want, "%s: (%d, %d) is %llx, should be %llx", name, row, col,
				      (unsigned long long)got, (unsigned long long)want);
		}
}

START_TEST(warp_matrices)
{
	static const char *const types[][2] = {
	    {"f16", "f32"}, {"f16", "f16"}, {"bf16", "f32"}, {"s8", "s32"}, {"u8", "s32"}};
	static const char *const layouts[] = {"rr", "rc", "cr", "cc"};
	static const int shapes[][3] = {{16, 16, 16}, {32, 8, 16}, {8, 32, 16}};

	module = module_load_file(MATRIX_PTX);
	for (int i = 0; i < 4; i++) {
		for (int t = 0; t < 5; t++)
			for (int s = 0; s < 3; s++)
				wmma_check(&(struct wmma_form){types[t][0], types[t][1], shapes[s][0], shapes[s][1],
							       shapes[s][2], layouts[i]});
		wmma_check(&(struct wmma_form){"tf32", "f32", 16, 16, 8, layouts[i]});
		wmma_check(&(struct wmma_form){"f64", "f64", 8, 8, 4, layouts[i]});
	}
	wmma_check(&(struct wmma_form){"s4", "s32", 8, 8, 32, "rc"});
	wmma_check(&(struct wmma_form){"u4", "s32", 8, 8, 32, "rc"});
}
END_TEST

START_TEST(bit_matrices)
{
	static const struct form forms[] = {{8, 8, 128, "s32", "b1", "b1", "s32", "", "xor"},
					    {8, 8, 128, "s32", "b1", "b1", "s32", "", "and"}};
	static struct matrix ma, mb;

	module = module_load_file(MATRIX_PTX);
	for (int i = 0; i < 2; i++) {
		struct {
			void *a, *b;
			int *d;
		} p = {NULL, NULL, device_alloc(256)};

		fill(&ma, format_of("b1"), 8, 128);
		fill(&mb, format_of("b1"), 128, 8);
		p.a = matrix_store(&ma, format_of("b1"), 8, 128, false, 128);
		p.b = matrix_store(&mb, format_of("b1"), 128, 8, true, 128);
		kernel_run(module, i ? "bits_and" : "bits_xor", 1, 32, 0, &p);
		for (int e = 0; e < 64; e++)
			ck_assert_int_eq(p.d[e % 8 * 8 + e / 8], product(&forms[i], &ma, &mb, e / 8, e % 8) + 100);
	}
}
END_TEST

START_TEST(tiled_product)
{
	enum { N = 96 };
	const struct format *f16 = format_of("f16");
	static struct matrix ma, mb;
	struct {
		void *a, *b;
		float *c;
		int n;
	} p;
	struct cpu_launch launch = {.grid = {N / 32, N / 32, 1}, .block = {128, 1, 1}, .parameters = &p};

	module = module_load_file(MATRIX_PTX);
	fill(&ma, f16, N, N);
	fill(&mb, f16, N, N);
	p.a = matrix_store(&ma, f16, N, N, false, N);
	p.b = matrix_store(&mb, f16, N, N, false, N);
	p.c = device_alloc(N * N * sizeof(float));
	p.n = N;
	launch.kernel = cpu_module_find_kernel(module, "gemm");
	ck_assert_int_eq(cpu_kernel_run(memory, &launch, (struct cpu_text){message, sizeof(message)}), CUDA_SUCCESS);
	for (int row = 0; row < N; row++)
		for (int col = 0; col < N; col++) {
			int64_t sum = 0;

			for (int k = 0; k < N; k++)
				sum += ma.at[row][k] * mb.at[k][col];
			ck_assert_float_eq(p.c[row * N + col], (float)sum);
		}
}
END_TEST

/* Rows that wmma.load would read beyond the allocation, and tiles that are not aligned. */
START_TEST(matrix_faults)
{
	struct {
		void *a, *b, *c, *d;
		int a_stride, b_stride, stride;
	} p = {device_alloc(512), device_alloc(512), device_alloc(1024), device_alloc(1024), 16, 16, 16};
	struct {
		void *in, *out;
	} q = {device_alloc(512), device_alloc(512)};
	char *text = NULL;

	module = module_load_file(MATRIX_PTX);
	kernel_run(module, "f16_f32_161616_rr", 1, 32, 0, &p);
	p.a_stride = 24;
	ck_assert_int_eq(kernel_try(module, "f16_f32_161616_rr", 1, 32, 0, &p), CUDA_ERROR_ILLEGAL_ADDRESS);
	ck_assert_ptr_nonnull(strstr(message, "32-byte access to global address"));
	p.a_stride = 16;
	p.d = (char *)p.d + 2;
	ck_assert_int_eq(kernel_try(module, "f16_f32_161616_rr", 1, 32, 0, &p), CUDA_ERROR_MISALIGNED_ADDRESS);
	append(&text,
	       "%s.shared .align 16 .b8 s[256]; mov.u32 %%r0, s; ld.global.u32 %%r1, [%%l0]; add.u32 %%r0, %%r0, "
	       "%%r1;\nldmatrix.sync.aligned.m8n8.x1.shared.b16 {%%r2}, [%%r0];\nret;\n}\n",
	       head);
	memset(q.in, 0, 512);
	kernel_run(module_load(text), "k", 1, 1, 0, &q);
	*(int *)q.in = 8;
	ck_assert_int_eq(kernel_try(module_load(text), "k", 1, 1, 0, &q), CUDA_ERROR_MISALIGNED_ADDRESS);
	*(int *)q.in = 256;
	ck_assert_int_eq(kernel_try(module_load(text), "k", 1, 1, 0, &q), CUDA_ERROR_ILLEGAL_ADDRESS);
	free(text);
}
END_TEST

START_TEST(tiles_of_shared_memory)
{
	struct {
		uint16_t *in;
		uint32_t (*loaded)[9];
		uint16_t *stored;
	} p = {device_alloc(512), device_alloc(32 * 36), device_alloc(512)};

	module = module_load_file(MATRIX_PTX);
	for (int i = 0; i < 256; i++)
		p.in[i] = (uint16_t)random_bits();
	kernel_run(module, "tiles", 1, 32, 0, &p);
	for (int lane = 0; lane < 32; lane++) {
		int row = lane / 4, col = lane % 4 * 2;

		for (int t = 0; t < 4; t++) {
			const uint16_t *tile = p.in + 64 * t;

			ck_assert_uint_eq(p.loaded[lane][t],
					  tile[row * 8 + col] | (uint32_t)tile[row * 8 + col + 1] << 16);
			ck_assert_uint_eq(p.loaded[lane][4 + t],
					  tile[col * 8 + row] | (uint32_t)tile[(col + 1) * 8 + row] << 16);
		}
		ck_assert_uint_eq(p.loaded[lane][8], p.loaded[lane][4]);
	}
	/* Tiles 0 and 1 as they were, 2 transposed by the store, 3 by the load. */
	for (int i = 0; i < 256; i++) {
		int at = i < 128 ? i : i / 64 * 64 + i % 8 * 8 + i % 64 / 8;

		ck_assert_uint_eq(p.stored[i], p.in[at]);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {multiplications, four_at_once,  special_values,
				      wrong_forms,     warp_matrices, bit_matrices,
				      tiled_product,   matrix_faults, tiles_of_shared_memory};

	cpu_exec_set_target(90);
	return suite_run("matrix", tests, sizeof(tests) / sizeof(*tests));
}
