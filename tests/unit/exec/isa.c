/* What cpu-device/ptx/isa.txt says of each instruction, tried on the machine. */
#define _GNU_SOURCE
#include <ctype.h>

#include "harness.h"

static const char *const opcodes[] = {
#define ROW(text, registers, fn) text,
#include "ptx/opcodes.def"
#undef ROW
};

/* What the forms name: registers, variables, functions, labels. */
static const char head[] =
    ".version 9.0\n.target sm_90\n.address_size 64\n"
    ".visible .global .align 16 .b8 array[256];\n.const .align 4 .b32 constant = 7;\n"
    ".func (.param .b32 r) function(.param .b32 a) { .reg .b32 %t; ld.param.u32 %t, [a]; st.param.u32 [r], %t; ret; }\n"
    ".func (.reg .b32 r) in_registers(.reg .b32 a, .reg .b32 b) { add.u32 r, a, b; ret; }\n"
    ".func (.param .b32 r) of_any_size(.param .b32 n, .param .align 4 .b8 list[]) { .reg .b32 %t; "
    "ld.param.u32 %t, [list+4]; st.param.u32 [r], %t; ret; }\n";
static const char kernel_head[] =
    ".visible .entry kernel(.param .u64 parameter)\n{\n"
    ".reg .b16 %h<16>; .reg .b32 %x<16>; .reg .b64 %l<24>; .reg .f32 %f<16>; .reg .f64 %d<16>; .reg .b128 %q<4>; "
    ".reg .pred %p<8>;\n.param .b32 result; .param .b32 argument; .param .align 4 .b8 numbers[16];\n"
    "targets: .branchtargets label, label;\nfunctions: .calltargets function;\n"
    "prototype: .callprototype (.param .b32 _) _ (.param .b32 _);\n";
static const char kernel_tail[] = "\nlabel:\nret;\n}\n";

static bool lists; /* for the test against ptxas: print the modules */

/* Does the machine take the form? */
static bool is_taken(const char *form)
{
	bool is_old = !strncmp(form, "old ", 4), outside, taken;
	struct cpu_module *module;
	struct cpu_kernel_info info;
	char *text;

	form += is_old ? 4 : 0;
	outside = !strncmp(form, "module ", 7);
	ck_assert_int_gt(asprintf(&text, "%s%s\n%s%s%s", head, outside ? form + 7 : "", kernel_head,
				  outside ? "" : form, kernel_tail),
			 0);
	if (lists && !is_old)
		printf("\n== %s\n%s\n==end\n", form, text);
	taken = module_try(text, &module) == CUDA_SUCCESS;
	if (taken) {
		struct cpu_kernel *kernel = cpu_module_find_kernel(module, "kernel");

		taken = cpu_kernel_prepare(kernel, (struct cpu_text){message, sizeof(message)}) == CUDA_SUCCESS &&
			cpu_kernel_info(kernel, &info) == CUDA_SUCCESS;
		cpu_module_unload(module);
	}
	free(text);
	return taken;
}

/* The end of the form at the start of `text`: its semicolon, or where the next one outside of kernels begins. */
static const char *form_end(const char *text)
{
	int depth = 0;

	if (!strncmp(text, "module ", 7) || !strncmp(text, "old module ", 11)) {
		const char *next = strstr(text + 4, " module ");

		return next ? next + 1 : text + strlen(text);
	}
	for (; *text; text++) {
		depth += *text == '{';
		depth -= *text == '}';
		if (!depth && (*text == ';' || (*text == '}' && (text[1] == ' ' || !text[1]) && text[-1] == ' ')))
			return text + 1;
	}
	return text;
}

static size_t disagreements;

/* A line: NAME: FORM; FORM; -- REASON. Directives inside a kernel belong to the instruction behind them. */
static void line_check(char *line, size_t *done, size_t *missing)
{
	char *forms = strstr(line, ": "), *reason = strstr(line, " -- ");

	ck_assert_msg(forms != NULL, "isa.txt: no forms in '%s'", line);
	if (reason)
		*reason = 0;
	for (const char *at = forms + 2; *at;) {
		const char *end = at[0] == '.' ? at + strlen(at) : form_end(at);
		char *form = strndup(at, (size_t)(end - at));

		if (is_taken(form) == !!reason) {
			printf("isa.txt: '%s' %s\n", form, reason ? "is executed, remove the reason" : message);
			disagreements++;
		}
		free(form);
		for (at = end; *at == ' ';)
			at++;
	}
	*(reason ? missing : done) += 1;
}

static bool is_entry(const char *line)
{
	return line[0] != '#' && line[0] != '\n' && line[0];
}

static FILE *list_open(void)
{
	FILE *file = fopen(ISA_TXT, "r");

	ck_assert_msg(file != NULL, "%s cannot be opened", ISA_TXT);
	return file;
}

START_TEST(forms)
{
	FILE *file = list_open();
	size_t room = 0, done = 0, missing = 0;
	char *line = NULL;

	cpu_exec_set_target(90);
	while (getline(&line, &room, file) > 0)
		if (is_entry(line)) {
			line[strcspn(line, "\n")] = 0;
			line_check(line, &done, &missing);
		}
	free(line);
	fclose(file);
	printf("isa.txt: %zu lines executed, %zu not\n", done, missing);
	ck_assert_uint_gt(done, 200);
	ck_assert_msg(!disagreements, "isa.txt and the machine disagree about %zu forms", disagreements);
}
END_TEST

static bool is_listed(const char *opcode, size_t length)
{
	FILE *file = list_open();
	size_t room = 0;
	char *line = NULL;
	bool found = false;

	while (!found && getline(&line, &room, file) > 0)
		found = !strncmp(line, opcode, length) && !isalnum((unsigned char)line[length]) && line[length] != '_';
	free(line);
	fclose(file);
	return found;
}

/* Rows with '@' are the machine's own. */
START_TEST(every_opcode_is_listed)
{
	for (size_t i = 0; i < sizeof(opcodes) / sizeof(*opcodes); i++) {
		size_t length = strcspn(opcodes[i], ".");

		if (!strchr(opcodes[i], '@'))
			ck_assert_msg(is_listed(opcodes[i], length), "%s is not in isa.txt", opcodes[i]);
	}
}
END_TEST

int main(int argc, char **argv)
{
	const TTest *const tests[] = {forms, every_opcode_is_listed};

	lists = argc > 1 && !strcmp(argv[1], "--list");
	return suite_run("isa", tests, sizeof(tests) / sizeof(*tests));
}
