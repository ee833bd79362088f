/* Random structured kernels, executed 32 threads at a time and one at a time: the results must be the same.

   usage: test_exec_random [SEED]    (one kernel, printed) */
#define _GNU_SOURCE
#include "harness.h"

#define THREADS 96
#define BLOCKS 3
#define FUNCTIONS 3
#define DEEPEST 3
#define KERNELS 60

static uint64_t state;

static unsigned below(unsigned limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 20) % limit;
}

struct generator {
	FILE *out;
	unsigned label;    /* the next number */
	unsigned function; /* being written; FUNCTIONS for the kernel */
	unsigned depth;
	unsigned work; /* statements that may still come */
};

static void block(struct generator *generator);

/* %x0 to %x7 are the program's variables. */
static unsigned variable(void)
{
	return below(8);
}

static void arithmetic(struct generator *generator)
{
	static const char *const operations[] = {"add.u32", "sub.u32", "mul.lo.u32", "xor.b32", "and.b32",
						 "or.b32",  "min.s32", "max.u32",    "shl.b32", "shr.s32",
						 "div.u32", "rem.s32", "mul.hi.s32", "shr.u32"};
	const char *guard = below(4) ? "" : below(2) ? "@%g " : "@!%g ";
	unsigned target = variable();

	if (*guard)
		fprintf(generator->out, "setp.lt.s32 %%g, %%x%u, %%x%u;\n", variable(), variable());
	if (below(4))
		fprintf(generator->out, "%s%s %%x%u, %%x%u, %%x%u;\n", guard, operations[below(14)], target, variable(),
			variable());
	else if (below(2))
		fprintf(generator->out, "%s%s %%x%u, %%x%u, %u;\n", guard, operations[below(14)], target, variable(),
			below(100));
	else
		fprintf(generator->out,
			"cvt.rn.f32.s32 %%f0, %%x%u; cvt.rn.f32.u32 %%f1, %%x%u; fma.rn.f32 %%f0, %%f0, 0f3F000000, "
			"%%f1;\n%scvt.rzi.s32.f32 %%x%u, %%f0;\n",
			variable(), variable(), guard, target);
}

static void branch(struct generator *generator)
{
	unsigned label = generator->label++;

	fprintf(generator->out, "setp.%s.s32 %%p%u, %%x%u, %%x%u;\n@!%%p%u bra ELSE%u;\n", below(2) ? "lt" : "ge",
		generator->depth, variable(), variable(), generator->depth, label);
	block(generator);
	fprintf(generator->out, "bra END%u;\nELSE%u:\n", label, label);
	if (below(2))
		block(generator);
	fprintf(generator->out, "END%u:\n", label);
}

/* At most 3 rounds, as many as a variable says; one condition goes on early, one leaves. */
static void loop(struct generator *generator)
{
	unsigned label = generator->label++, depth = generator->depth;

	fprintf(generator->out, "and.b32 %%c%u, %%x%u, 3;\nLOOP%u:\nsetp.eq.u32 %%p%u, %%c%u, 0;\n@%%p%u bra END%u;\n",
		depth, variable(), label, depth, depth, depth, label);
	fprintf(generator->out, "sub.u32 %%c%u, %%c%u, 1;\n", depth, depth);
	block(generator);
	if (below(2))
		fprintf(generator->out, "setp.eq.u32 %%p%u, %%x%u, %%x%u;\n@%%p%u bra LOOP%u;\n", depth, variable(),
			variable(), depth, label);
	if (below(2))
		fprintf(generator->out, "setp.gt.s32 %%p%u, %%x%u, %%x%u;\n@%%p%u bra END%u;\n", depth, variable(),
			variable(), depth, label);
	block(generator);
	fprintf(generator->out, "bra LOOP%u;\nEND%u:\n", label, label);
}

static void choice(struct generator *generator)
{
	unsigned label = generator->label++;

	fprintf(generator->out, "{ .reg .b32 %%s;\nand.b32 %%s, %%x%u, 3;\n", variable());
	fprintf(generator->out,
		"LIST%u: .branchtargets CASE%u_0, CASE%u_1, CASE%u_2, CASE%u_1;\nbrx.idx %%s, LIST%u; }\n", label,
		label, label, label, label, label);
	for (unsigned i = 0; i < 3; i++) {
		fprintf(generator->out, "CASE%u_%u:\n", label, i);
		block(generator);
		if (below(3)) /* else it falls through */
			fprintf(generator->out, "bra END%u;\n", label);
	}
	fprintf(generator->out, "END%u:\n", label);
}

/* Functions call those of lower numbers. */
static void call(struct generator *generator)
{
	unsigned callee = below(generator->function), result = variable();

	fprintf(generator->out,
		"{ .param .b32 a; .param .b32 b; .param .b32 r;\nst.param.b32 [a], %%x%u; st.param.b32 [b], %%x%u;\n",
		variable(), variable());
	if (below(2))
		fprintf(generator->out, "call (r), function%u, (a, b);\n", callee);
	else
		fprintf(
		    generator->out,
		    "{ .reg .b64 %%t; .reg .pred %%q; setp.gt.s32 %%q, %%x%u, 7; mov.u64 %%t, function0;\n"
		    "@%%q mov.u64 %%t, function%u;\nP%u: .callprototype (.param .b32 _) _ (.param .b32 _, .param .b32 "
		    "_);\ncall (r), %%t, (a, b), P%u; }\n",
		    variable(), callee, generator->label, generator->label);
	generator->label++;
	fprintf(generator->out, "ld.param.b32 %%x%u, [r]; }\n", result);
}

static void local_access(struct generator *generator)
{
	fprintf(generator->out,
		"and.b32 %%a, %%x%u, 15; shl.b32 %%a, %%a, 2; mov.u32 %%b, table; add.u32 %%a, %%a, %%b;\n",
		variable());
	if (below(2))
		fprintf(generator->out, "st.local.u32 [%%a], %%x%u;\n", variable());
	else
		fprintf(generator->out, "ld.local.u32 %%x%u, [%%a];\n", variable());
}

static void statement(struct generator *generator)
{
	unsigned kind = below(12);

	generator->work--;
	generator->depth++;
	if (kind < 2 && generator->depth < DEEPEST)
		branch(generator);
	else if (kind < 4 && generator->depth < DEEPEST)
		loop(generator);
	else if (kind < 5 && generator->depth < DEEPEST)
		choice(generator);
	else if (kind < 6 && generator->function)
		call(generator);
	else if (kind < 7)
		local_access(generator);
	else if (kind < 8 && !below(6))
		fprintf(generator->out, "setp.eq.u32 %%g, %%x%u, 12;\n@%%g %s;\n", variable(),
			generator->function < FUNCTIONS ? "bra RETURN" : "exit");
	else
		arithmetic(generator);
	generator->depth--;
}

static void block(struct generator *generator)
{
	for (unsigned i = 1 + below(4); i && generator->work; i--)
		statement(generator);
}

static const char registers[] =
    ".reg .b32 %x<8>; .reg .b32 %c<8>; .reg .b32 %a, %b, %n; .reg .f32 %f<2>; .reg .pred %p<8>; .reg .pred %g;\n"
    ".reg .b64 %l<4>; .local .align 4 .b8 table[64];\n";

/* Local memory begins with zeros, as nothing else may be read from it. */
static void clear_table(FILE *out)
{
	for (int i = 0; i < 16; i++)
		fprintf(out, "st.local.u32 [table+%d], %d;\n", 4 * i, i * i);
}

static void function(struct generator *generator)
{
	fprintf(
	    generator->out,
	    ".func (.param .b32 r) function%u(.param .b32 a, .param .b32 b)\n{\n%sld.param.b32 %%x0, [a]; ld.param.b32 "
	    "%%x1, [b];\n",
	    generator->function, registers);
	for (unsigned i = 2; i < 8; i++)
		fprintf(generator->out, "add.u32 %%x%u, %%x%u, %u;\n", i, i & 1, i * 7);
	clear_table(generator->out);
	generator->work = 12;
	block(generator);
	fprintf(generator->out, "RETURN:\nst.param.b32 [r], %%x%u;\nret;\n}\n", variable());
}

/* What a thread leaves in shared memory, another one takes. */
static void exchange(struct generator *generator)
{
	fprintf(generator->out,
		"st.shared.u32 [%%n], %%x%u; red.shared.add.u32 [counter], %%x%u;\nbar.sync 0;\n"
		"mov.u32 %%a, %%tid.x; mad.lo.u32 %%a, %%a, %u, %u; rem.u32 %%a, %%a, %u; shl.b32 %%a, %%a, 2;\n"
		"mov.u32 %%b, buffer; add.u32 %%a, %%a, %%b; ld.shared.u32 %%x%u, [%%a]; ld.shared.u32 %%x%u, "
		"[counter];\nbar.sync 0;\n",
		variable(), variable(), 1 + below(7), below(THREADS), THREADS, variable(), variable());
}

static void kernel(struct generator *generator)
{
	fprintf(generator->out,
		".visible .entry kernel(.param .u64 out)\n{\n%s.shared .align 4 .b8 buffer[%d]; .shared .align 4 .b32 "
		"counter;\nld.param.u64 %%l0, [out]; mov.u32 %%x0, %%tid.x; mov.u32 %%x1, %%ctaid.x;\n"
		"mad.lo.u32 %%a, %%x1, %d, %%x0; mul.wide.u32 %%l1, %%a, 32; add.u64 %%l0, %%l0, %%l1;\n"
		"shl.b32 %%a, %%x0, 2; mov.u32 %%n, buffer; add.u32 %%n, %%n, %%a; st.shared.u32 [%%n], 0;\n"
		"setp.eq.u32 %%g, %%x0, 0; @%%g st.shared.u32 [counter], 0; bar.sync 0;\n",
		registers, 4 * THREADS, THREADS);
	for (unsigned i = 2; i < 8; i++)
		fprintf(generator->out, "mul.lo.u32 %%x%u, %%x%u, %u;\n", i, i & 1, 1 + below(1000));
	clear_table(generator->out);
	for (int i = 0; i < 4; i++) {
		generator->work = 25;
		block(generator);
		exchange(generator);
	}
	for (unsigned i = 0; i < 8; i++)
		fprintf(generator->out, "st.global.u32 [%%l0+%u], %%x%u;\n", 4 * i, i);
	fprintf(generator->out, "ret;\n}\n");
}

static char *generate(uint64_t seed)
{
	char *text;
	size_t size;
	struct generator generator = {.out = open_memstream(&text, &size)};

	state = seed * 0x9e3779b97f4a7c15u + 1;
	fprintf(generator.out, ".version 8.0\n.target sm_75\n.address_size 64\n");
	for (; generator.function < FUNCTIONS; generator.function++)
		function(&generator);
	kernel(&generator);
	fclose(generator.out);
	return text;
}

#define WORDS (8 * THREADS * BLOCKS)

static void run(struct cpu_module *module, unsigned width, uint32_t *result)
{
	uint32_t *out = device_alloc(WORDS * 4);
	struct {
		void *out;
	} parameters = {out};

	memset(out, 0xee, WORDS * 4);
	cpu_exec_set_width(width);
	kernel_run(module, "kernel", BLOCKS, THREADS, 0, &parameters);
	cpu_exec_set_width(32);
	memcpy(result, out, WORDS * 4);
	cpu_memory_free(memory, (uint64_t)(uintptr_t)out);
}

static size_t compare(uint64_t seed)
{
	static uint32_t together[WORDS], alone[WORDS];
	char *text = generate(seed);
	struct cpu_module *module;
	size_t finished = 0;

	ck_assert_msg(module_try(text, &module) == CUDA_SUCCESS, "seed %llu: %s", (unsigned long long)seed, message);
	run(module, 32, together);
	run(module, 1, alone);
	for (int i = 0; i < WORDS; i++)
		ck_assert_msg(together[i] == alone[i], "seed %llu, thread %d, register %d: %x together, %x alone",
			      (unsigned long long)seed, i / 8, i % 8, together[i], alone[i]);
	for (int i = 0; i < WORDS; i += 8)
		finished += together[i] != 0xeeeeeeee || together[i + 1] != 0xeeeeeeee;
	cpu_module_unload(module);
	free(text);
	return finished;
}

START_TEST(width_1_and_32)
{
	size_t finished = 0;

	for (uint64_t seed = 1; seed <= KERNELS; seed++)
		finished += compare(seed);
	/* Most threads reach the end of their kernel, so that there is something to compare. */
	ck_assert_uint_gt(finished, (size_t)KERNELS * THREADS * BLOCKS / 2);
}
END_TEST

int main(int argc, char **argv)
{
	const TTest *const tests[] = {width_1_and_32};

	if (argc > 1) {
		char *text = generate(strtoull(argv[1], NULL, 10));

		fputs(text, stdout);
		free(text);
		return 0;
	}
	return suite_run("random kernels", tests, sizeof(tests) / sizeof(*tests));
}
