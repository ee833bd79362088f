/*
 * What the library exports: every symbol of NVIDIA's list in its version node, the stubs among them with
 * cudaErrorNotSupported, and the error texts of the toolkit. Run with the path of the list.
 */
#define _GNU_SOURCE
#include <check.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION_NODE "libcudart.so.13"

/* Calls `visit` with every symbol of the list that the build was configured with; returns how many. */
static int for_each_symbol(void (*visit)(const char *name, void *symbol))
{
	void *library = dlopen("libcudart.so.13", RTLD_NOW | RTLD_NOLOAD);
	FILE *list = fopen(EXPORT_LIST, "r");
	char name[128];
	int count = 0;

	ck_assert_ptr_nonnull(library);
	ck_assert_ptr_nonnull(list);
	while (fgets(name, sizeof(name), list)) {
		name[strcspn(name, "\n")] = '\0';
		if (name[0] == '#' || !name[0])
			continue;
		visit(name, dlvsym(library, name, VERSION_NODE));
		count++;
	}
	fclose(list);
	return count;
}

static void check_exported(const char *name, void *symbol)
{
	if (!symbol)
		ck_abort_msg("%s is not exported in version " VERSION_NODE, name);
}

START_TEST(every_symbol_is_exported)
{
	ck_assert_int_eq(for_each_symbol(check_exported), 422);
}
END_TEST

static int stubs;

/* A stub is weak so that an implementation takes its place. */
static void check_stub(const char *name, void *symbol)
{
	const ElfW(Sym) * entry;
	Dl_info where;

	ck_assert_int_ne(dladdr1(symbol, &where, (void **)&entry, RTLD_DL_SYMENT), 0);
	if (ELF64_ST_BIND(entry->st_info) != STB_WEAK)
		return;
	stubs++;
	cudaGetLastError();
	if (((int (*)(void))symbol)() != cudaErrorNotSupported || cudaPeekAtLastError() != cudaErrorNotSupported)
		ck_abort_msg("%s does not return and record cudaErrorNotSupported", name);
}

START_TEST(every_stub_says_so)
{
	for_each_symbol(check_stub);
	ck_assert_int_gt(stubs, 0);
}
END_TEST

START_TEST(every_stub_is_logged_once)
{
	char line[256];
	FILE *said = tmpfile();
	int lines = 0;

	ck_assert_ptr_nonnull(said);
	setenv("CRICKET_LOG", "warning", 1);
	ck_assert_int_ge(dup2(fileno(said), STDERR_FILENO), 0);
	for_each_symbol(check_stub);
	for_each_symbol(check_stub);
	rewind(said);
	while (fgets(line, sizeof(line), said))
		lines += strstr(line, "is not supported") != NULL;
	fclose(said);
	ck_assert_int_eq(lines, stubs / 2);
}
END_TEST

/* NVIDIA's own library knows the names and texts without a driver. */
START_TEST(error_texts_are_the_toolkits)
{
	void *toolkit = dlopen(TOOLKIT_CUDART, RTLD_NOW | RTLD_LOCAL);
	const char *(*name)(cudaError_t), *(*text)(cudaError_t);

	if (!toolkit) {
		printf("error_texts_are_the_toolkits cannot run: %s\n", dlerror());
		return;
	}
	name = (const char *(*)(cudaError_t))dlsym(toolkit, "cudaGetErrorName");
	text = (const char *(*)(cudaError_t))dlsym(toolkit, "cudaGetErrorString");
	for (int error = -1; error <= 10001; error++) {
		ck_assert_str_eq(cudaGetErrorName((cudaError_t)error), name((cudaError_t)error));
		ck_assert_str_eq(cudaGetErrorString((cudaError_t)error), text((cudaError_t)error));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("exports");
	TCase *cases = tcase_create("exports");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, every_symbol_is_exported);
	tcase_add_test(cases, every_stub_says_so);
	tcase_add_test(cases, every_stub_is_logged_once);
	tcase_add_test(cases, error_texts_are_the_toolkits);
	suite_add_tcase(suite, cases);
	/* Without the library loaded before, RTLD_NOLOAD would find none. */
	cudaGetLastError();
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
