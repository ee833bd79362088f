/* The log: thresholds, one line a message whatever it quotes. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "suite.h"

static int saved_stderr, log_end;

static void setup(void)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	log_end = ends[0];
}

static void teardown(void)
{
	close(log_end);
	close(saved_stderr);
}

/* Everything that was logged; the log ends with it. */
static const char *logged(void)
{
	static char text[8192];
	size_t have = 0;
	dup2(saved_stderr, STDERR_FILENO);
	for (ssize_t size; (size = read(log_end, text + have, sizeof(text) - 1 - have)) > 0;)
		have += (size_t)size;
	text[have] = '\0';
	return text;
}

START_TEST(levels_have_names)
{
	enum cr_log_level level = CR_LOG_NONE;
	ck_assert(cr_log_parse("debug", &level));
	ck_assert_int_eq(level, CR_LOG_DEBUG);
	ck_assert(cr_log_parse("none", &level));
	ck_assert_int_eq(level, CR_LOG_NONE);
	ck_assert(!cr_log_parse("Debug", &level));
	ck_assert(!cr_log_parse("", &level));
}
END_TEST

START_TEST(only_what_was_asked_for_is_logged)
{
	cr_log_init("test", CR_LOG_WARNING);
	ck_assert(cr_log_enabled(CR_LOG_ERROR));
	ck_assert(!cr_log_enabled(CR_LOG_INFO));
	ck_assert(!cr_log_enabled(CR_LOG_NONE));
	cr_log(CR_LOG_ERROR, "one %d", 1);
	cr_log(CR_LOG_INFO, "two");
	cr_log(CR_LOG_WARNING, "three");
	ck_assert_str_eq(logged(), "test: one 1\ntest: three\n");
}
END_TEST

START_TEST(nothing_is_logged_unless_asked_for)
{
	cr_log_init("test", CR_LOG_NONE);
	cr_log(CR_LOG_ERROR, "one");
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(a_message_is_one_line)
{
	char longer[5000];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	cr_log_init("test", CR_LOG_INFO);
	cr_log(CR_LOG_INFO, "%s", "a\nb\x1b[31m\x7f");
	cr_log(CR_LOG_INFO, "%s", longer);
	const char *text = logged();
	ck_assert(!strncmp(text, "test: a?b?[31m?\ntest: xxx", 25));
	const char *second = strchr(text, '\n') + 1;
	ck_assert_ptr_eq(strchr(second, '\n'), text + strlen(text) - 1);
	ck_assert_uint_lt(strlen(second), 2100);
}
END_TEST

START_TEST(errno_is_kept_and_can_be_named)
{
	cr_log_init("test", CR_LOG_INFO);
	errno = ENOENT;
	cr_log(CR_LOG_INFO, "%m");
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(logged(), "test: No such file or directory\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tests = tcase_create("log");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, levels_have_names);
	tcase_add_test(tests, only_what_was_asked_for_is_logged);
	tcase_add_test(tests, nothing_is_logged_unless_asked_for);
	tcase_add_test(tests, a_message_is_one_line);
	tcase_add_test(tests, errno_is_kept_and_can_be_named);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
