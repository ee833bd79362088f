/* Records as they come from a stream: whole, in fragments, cut short, too long. */
#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "record.h"
#include "suite.h"

static int peer;
static struct srv_input input;
static struct srv_record record;

static void setup(void)
{
	int ends[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	peer = ends[1];
	srv_input_init(&input, cr_transport_from_socket(ends[0]));
	ck_assert(srv_record_init(&record));
}

static void teardown(void)
{
	input.transport->ops->close(input.transport);
	close(peer);
	srv_record_free(&record);
}

static void send_mark(uint32_t mark)
{
	mark = htonl(mark);
	ck_assert_int_eq(write(peer, &mark, sizeof(mark)), sizeof(mark));
}

static void send_fragment(const char *text, bool last)
{
	send_mark((uint32_t)strlen(text) | (last ? 0x80000000u : 0));
	ck_assert_int_eq(write(peer, text, strlen(text)), (ssize_t)strlen(text));
}

static void expect(const char *text)
{
	ck_assert_int_eq(srv_input_read(&input, &record), SRV_INPUT_RECORD);
	ck_assert_uint_eq(record.size, strlen(text));
	ck_assert_mem_eq(record.bytes, text, record.size);
}

START_TEST(records_follow_each_other)
{
	send_fragment("first", true);
	send_fragment("", true);
	send_fragment("third", true);
	expect("first");
	ck_assert(srv_input_pending(&input));
	expect("");
	expect("third");
	ck_assert(!srv_input_pending(&input));
	ck_assert_uint_eq(input.received, 3 * 4 + 10);
}
END_TEST

START_TEST(fragments_are_joined)
{
	send_fragment("one ", false);
	send_fragment("", false);
	send_fragment("two", true);
	send_fragment("next", true);
	expect("one two");
	expect("next");
}
END_TEST

START_TEST(end_between_records)
{
	send_fragment("whole", true);
	shutdown(peer, SHUT_WR);
	expect("whole");
	ck_assert_int_eq(srv_input_read(&input, &record), SRV_INPUT_END);
}
END_TEST

START_TEST(end_within_a_mark)
{
	ck_assert_int_eq(write(peer, "\x80\0", 2), 2);
	shutdown(peer, SHUT_WR);
	ck_assert_int_eq(srv_input_read(&input, &record), SRV_INPUT_TRUNCATED);
}
END_TEST

START_TEST(end_within_a_record)
{
	send_mark(0x80000000u | CRICKET_RECORD_MAX);
	ck_assert_int_eq(write(peer, "abc", 3), 3);
	shutdown(peer, SHUT_WR);
	ck_assert_int_eq(srv_input_read(&input, &record), SRV_INPUT_TRUNCATED);
}
END_TEST

START_TEST(end_between_fragments)
{
	send_fragment("abc", false);
	shutdown(peer, SHUT_WR);
	ck_assert_int_eq(srv_input_read(&input, &record), SRV_INPUT_TRUNCATED);
}
END_TEST

START_TEST(an_absurd_length_is_refused_at_once)
{
	send_mark(0xffffffffu);
	ck_assert_int_eq(srv_input_read(&input, &record), SRV_INPUT_TOO_LONG);
}
END_TEST

START_TEST(fragments_are_bounded_together)
{
	send_fragment("abc", false);
	send_mark(0x80000000u | (CRICKET_RECORD_MAX - 2));
	ck_assert_int_eq(srv_input_read(&input, &record), SRV_INPUT_TOO_LONG);
}
END_TEST

static void *send_largest(void *bytes)
{
	send_mark(0x80000000u | CRICKET_RECORD_MAX);
	struct iovec vector = {bytes, CRICKET_RECORD_MAX};
	struct cr_transport to = {.ops = &cr_transport_socket_ops, .fd = peer};
	return cr_transport_send_all(&to, &vector, 1) ? bytes : NULL;
}

START_TEST(the_largest_record_passes)
{
	char *bytes = malloc(CRICKET_RECORD_MAX);
	for (size_t i = 0; i < CRICKET_RECORD_MAX; i++)
		bytes[i] = (char)(i * 31 >> 3);
	pthread_t thread;
	void *sent;
	ck_assert_int_eq(pthread_create(&thread, NULL, send_largest, bytes), 0);
	ck_assert_int_eq(srv_input_read(&input, &record), SRV_INPUT_RECORD);
	pthread_join(thread, &sent);
	ck_assert_ptr_eq(sent, bytes);
	ck_assert_uint_eq(record.size, CRICKET_RECORD_MAX);
	ck_assert(memcmp(record.bytes, bytes, record.size) == 0);
	free(bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *tests = tcase_create("record");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, records_follow_each_other);
	tcase_add_test(tests, fragments_are_joined);
	tcase_add_test(tests, end_between_records);
	tcase_add_test(tests, end_within_a_mark);
	tcase_add_test(tests, end_within_a_record);
	tcase_add_test(tests, end_between_fragments);
	tcase_add_test(tests, an_absurd_length_is_refused_at_once);
	tcase_add_test(tests, fragments_are_bounded_together);
	tcase_add_test(tests, the_largest_record_passes);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
