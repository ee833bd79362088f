/* Reading programs: what nvcc makes is told apart, and damaged files do no harm. */
#include <check.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "program.h"

#define STATIC_PROGRAM SAMPLES "/variants/vectorAdd-static"

/* Offset of e_shoff in a 64-bit ELF header (System V ABI, chapter 4). */
#define SECTION_OFFSET_AT 40

struct image {
	unsigned char *bytes;
	size_t size;
};

static struct image image_read(const char *path)
{
	struct image image;
	struct stat status;
	int fd = open(path, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &status), 0);
	image.size = (size_t)status.st_size;
	image.bytes = malloc(image.size);
	ck_assert_ptr_nonnull(image.bytes);
	ck_assert_int_eq(read(fd, image.bytes, image.size), (ssize_t)image.size);
	close(fd);
	return image;
}

/* What program_runtime says about a file with this content. */
static enum program_runtime judge(const unsigned char *bytes, size_t size)
{
	char path[] = "/tmp/cricket-test-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
	close(fd);
	enum program_runtime runtime = program_runtime(path);
	unlink(path);
	return runtime;
}

START_TEST(runtimes_are_told_apart)
{
	ck_assert_int_eq(program_runtime(STATIC_PROGRAM), RUNTIME_STATIC);
	ck_assert_int_eq(program_runtime(SAMPLES "/vectorAdd"), RUNTIME_SHARED);
	ck_assert_int_eq(program_runtime(SAMPLES "/matrixMulDrv"), RUNTIME_SHARED);
	ck_assert_int_eq(program_runtime("/bin/sh"), RUNTIME_UNKNOWN);
	ck_assert_int_eq(program_runtime("/etc/passwd"), RUNTIME_UNKNOWN);
	ck_assert_int_eq(program_runtime("/nonexistent"), RUNTIME_UNKNOWN);
}
END_TEST

START_TEST(truncated_files)
{
	struct image image = image_read(STATIC_PROGRAM);

	for (size_t size = 0; size < image.size; size += size < 256 ? 1 : image.size / 97)
		judge(image.bytes, size);
	ck_assert_int_eq(judge(image.bytes, image.size), RUNTIME_STATIC);
	free(image.bytes);
}
END_TEST

/* Overwrites `width` bytes at `offset` for one reading. */
static void judge_with(struct image image, size_t offset, size_t width, unsigned char value)
{
	unsigned char saved[8];

	if (offset + width > image.size)
		return;
	memcpy(saved, image.bytes + offset, width);
	memset(image.bytes + offset, value, width);
	judge(image.bytes, image.size);
	memcpy(image.bytes + offset, saved, width);
}

START_TEST(overwritten_headers)
{
	struct image image = image_read(SAMPLES "/vectorAdd");
	uint64_t sections;

	memcpy(&sections, image.bytes + SECTION_OFFSET_AT, sizeof(sections));
	ck_assert_uint_lt(sections, image.size);
	for (size_t offset = 0; offset < 64; offset += 2)
		judge_with(image, offset, 2, 0xff);
	for (size_t offset = sections; offset < image.size; offset += 4) {
		judge_with(image, offset, 4, 0xff);
		judge_with(image, offset, 4, 0x7f);
	}
	ck_assert_int_eq(judge(image.bytes, image.size), RUNTIME_SHARED);
	free(image.bytes);
}
END_TEST

START_TEST(programs_are_found_as_a_shell_would)
{
	char path[PATH_MAX];

	setenv("PATH", "/nonexistent::/bin:/usr/bin", 1);
	ck_assert_int_eq(program_find("sh", path), CLI_OK);
	ck_assert_str_eq(path, "/bin/sh");
	ck_assert_int_eq(program_find("/bin/sh", path), CLI_OK);
	ck_assert_int_eq(program_find("no-such-program", path), CLI_NOT_FOUND);
	ck_assert_int_eq(program_find("", path), CLI_NOT_FOUND);
	ck_assert_int_eq(program_find("/etc", path), CLI_NOT_EXECUTABLE);
	ck_assert_int_eq(program_find("/etc/passwd", path), CLI_NOT_EXECUTABLE);
	ck_assert_int_eq(program_find("/etc/passwd/sh", path), CLI_NOT_FOUND);
	unsetenv("PATH");
	ck_assert_int_eq(program_find("sh", path), CLI_NOT_FOUND);
}
END_TEST

START_TEST(overlong_names)
{
	static char name[2 * PATH_MAX];
	char path[PATH_MAX];

	setenv("PATH", "/bin", 1);
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr)); /* the messages are as long */
	memset(name, 'x', sizeof(name) - 1);
	ck_assert_int_ne(program_find(name, path), CLI_OK);
	name[0] = '/';
	ck_assert_int_ne(program_find(name, path), CLI_OK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("program");
	TCase *cases = tcase_create("program");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, cases);
	tcase_set_timeout(cases, 30);
	tcase_add_test(cases, runtimes_are_told_apart);
	tcase_add_test(cases, truncated_files);
	tcase_add_test(cases, overwritten_headers);
	tcase_add_test(cases, programs_are_found_as_a_shell_would);
	tcase_add_test(cases, overlong_names);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
