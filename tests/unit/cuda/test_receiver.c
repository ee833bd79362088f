/* The receiver against whatever a server may send: replies in pieces of every size, and lies. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "receiver.h"
#include "stats.h"
#include "suite.h"

/* A transport that plays `script` in pieces of at most `piece` bytes, then ends. */
static struct {
	struct cr_transport base;
	unsigned char script[1 << 20];
	size_t length, position, piece;
} wire;

static struct cu_reply *expected; /* the one reply that is owed, with its xid */

void cu_stats_bytes(uint64_t sent, uint64_t received)
{
	ck_assert(sent == 0 && received > 0);
}

static ssize_t play(struct cr_transport *transport, void *buffer, size_t size, bool wait)
{
	ck_assert(transport == &wire.base && wait && size > 0);
	size_t left = wire.length - wire.position, count = size < wire.piece ? size : wire.piece;
	if (count > left)
		count = left;
	memcpy(buffer, wire.script + wire.position, count);
	wire.position += count;
	return (ssize_t)count;
}

static struct cu_reply *find(uint32_t xid)
{
	struct cu_reply *reply = expected && expected->xid == xid ? expected : NULL;
	expected = reply ? NULL : expected;
	return reply;
}

static void put(uint32_t word)
{
	word = htonl(word);
	memcpy(wire.script + wire.length, &word, 4);
	wire.length += 4;
}

#define PUT(...)                                                                                                       \
	do {                                                                                                           \
		const uint32_t words[] = {__VA_ARGS__};                                                                \
		for (size_t i = 0; i < sizeof(words) / 4; i++)                                                         \
			put(words[i]);                                                                                 \
	} while (0)

/* Plays the script to a fresh receiver, which owes `reply` xid 7; what cu_receive says. */
static const char *receive(struct cu_reply *reply)
{
	static const struct cr_transport_ops ops = {.receive = play};
	struct cu_reply *got = NULL;
	wire.base.ops = &ops;
	wire.position = 0;
	reply->xid = 7;
	expected = reply;
	struct cu_receiver *receiver = cu_receiver_create(&wire.base);
	const char *failure = cu_receive(receiver, find, &got);
	ck_assert(failure || got == reply);
	cu_receiver_destroy(receiver);
	return failure;
}

static void start(void)
{
	wire.length = 0;
	wire.piece = sizeof(wire.script);
}

/* Head of an accepted reply of `size` bytes of results. */
static void put_reply(uint32_t size)
{
	PUT(0x80000000u | (24 + size), 7, 1, 0, 0, 0, 0);
}

START_TEST(a_result_is_kept)
{
	put_reply(12);
	PUT(0, 0x11223344, 0x55667788);
	for (wire.piece = 1; wire.piece < 50; wire.piece++) {
		struct cu_reply reply = {.err = CUDA_ERROR_UNKNOWN};
		ck_assert_ptr_null(receive(&reply));
		ck_assert_int_eq(reply.err, CUDA_SUCCESS);
		ck_assert_uint_eq(reply.length, 8);
		ck_assert_int_eq(memcmp(reply.record, "\x11\x22\x33\x44\x55\x66\x77\x88", 8), 0);
		cu_reply_clear(&reply);
	}
}
END_TEST

START_TEST(an_error_is_kept_and_nothing_is_written)
{
	char to[8] = {0};
	struct cu_reply reply = {.bulk = true, .to = to, .width = 8, .rows = 1, .pitch = 8};
	put_reply(4);
	PUT(700);
	ck_assert_ptr_null(receive(&reply));
	ck_assert_int_eq(reply.err, CUDA_ERROR_ILLEGAL_ADDRESS);
	ck_assert_int_eq(to[0], 0);
	cu_reply_clear(&reply);
}
END_TEST

/* Rows of an odd width, in pieces of every size: each byte in its place, gaps and padding left alone. */
START_TEST(bulk_data_goes_to_its_rows)
{
	enum { WIDTH = 7, ROWS = 5, PITCH = 16 };
	put_reply(4 + 4 + 36);
	PUT(0, WIDTH * ROWS);
	for (int i = 0; i < 36; i++)
		wire.script[wire.length++] = i < WIDTH * ROWS ? (unsigned char)(i + 1) : 0xee;
	for (wire.piece = 1; wire.piece < 80; wire.piece++) {
		unsigned char to[ROWS * PITCH];
		memset(to, 0xcc, sizeof(to));
		struct cu_reply reply = {.bulk = true, .to = (char *)to, .width = WIDTH, .rows = ROWS, .pitch = PITCH};
		ck_assert_ptr_null(receive(&reply));
		for (int i = 0; i < ROWS * PITCH; i++) {
			int row = i / PITCH, column = i % PITCH;
			ck_assert_uint_eq(to[i], column < WIDTH ? row * WIDTH + column + 1 : 0xcc);
		}
	}
}
END_TEST

START_TEST(a_large_result_grows_as_it_arrives)
{
	enum { SIZE = 200000 };
	struct cu_reply reply = {.raw = true};
	put_reply(SIZE);
	for (uint32_t i = 0; i < SIZE / 4; i++)
		put(i);
	ck_assert_ptr_null(receive(&reply));
	ck_assert_uint_eq(reply.length, SIZE);
	ck_assert_int_eq(memcmp(reply.record, wire.script + 28, SIZE), 0);
	cu_reply_clear(&reply);
}
END_TEST

/* The script must be refused, at every piece size, without writing to the destination. */
static void assert_refused(bool bulk, const char *why)
{
	for (wire.piece = 1; wire.piece < 70; wire.piece += 3) {
		char to[8] = {0};
		struct cu_reply reply = {.bulk = bulk, .to = to, .width = 8, .rows = 1, .pitch = 8};
		const char *failure = receive(&reply);
		ck_assert_msg(failure && strstr(failure, why), "%s, not %s", failure, why);
		cu_reply_clear(&reply);
	}
}

START_TEST(another_length_than_asked_for_is_refused)
{
	put_reply(4 + 4 + 12);
	PUT(0, 12, 1, 2, 3);
	assert_refused(true, "malformed");
	start();
	put_reply(4 + 4 + 4);
	PUT(0, 4, 1);
	assert_refused(true, "malformed");
}
END_TEST

START_TEST(a_blob_beyond_its_record_is_refused)
{
	put_reply(4 + 4 + 4);
	PUT(0, 8, 1);
	assert_refused(true, "malformed");
}
END_TEST

START_TEST(a_record_too_short_for_its_header_is_refused)
{
	for (uint32_t size = 0; size < 28; size += 4) {
		start();
		PUT(0x80000000u | size, 7, 1, 0, 0, 0, 0, 0);
		assert_refused(false, "malformed");
	}
}
END_TEST

START_TEST(absurd_lengths_are_refused_before_memory_is_taken)
{
	PUT(0xffffffff, 7, 1, 0, 0, 0, 0, 0);
	assert_refused(false, "malformed");
	start();
	PUT(28, 7, 1, 0, 0, 0, 0, 0); /* not the last fragment: our server never sends several */
	assert_refused(false, "malformed");
	start();
	PUT(0x80000000u | 28, 7, 1, 0, 0, 0x7fffffff, 0, 0); /* an endless verifier */
	assert_refused(false, "malformed");
}
END_TEST

START_TEST(a_call_instead_of_a_reply_is_refused)
{
	PUT(0x80000000u | 28, 7, 0, 0, 0, 0, 0, 0);
	assert_refused(false, "malformed");
}
END_TEST

START_TEST(a_reply_to_nothing_is_refused)
{
	PUT(0x80000000u | 28, 8, 1, 0, 0, 0, 0, 0);
	assert_refused(false, "not made");
}
END_TEST

START_TEST(rejections_are_errors_of_the_call)
{
	static const struct {
		uint32_t status;
		CUresult err;
	} cases[] = {{1, CUDA_ERROR_NOT_SUPPORTED},
		     {3, CUDA_ERROR_NOT_SUPPORTED},
		     {4, CUDA_ERROR_UNKNOWN},
		     {5, CUDA_ERROR_UNKNOWN},
		     {99, CUDA_ERROR_UNKNOWN}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cu_reply reply = {.err = CUDA_SUCCESS};
		start();
		PUT(0x80000000u | 24, 7, 1, 0, 0, 0, cases[i].status);
		ck_assert_ptr_null(receive(&reply));
		ck_assert_int_eq(reply.err, cases[i].err);
	}
	struct cu_reply reply = {.err = CUDA_SUCCESS};
	start();
	PUT(0x80000000u | 20, 7, 1, 1, 1, 5); /* MSG_DENIED, AUTH_ERROR, AUTH_TOOWEAK */
	ck_assert_ptr_null(receive(&reply));
	ck_assert_int_eq(reply.err, CUDA_ERROR_NOT_PERMITTED);
}
END_TEST

/* The stream ends at each byte of a bulk reply: an error, no hang, nothing beyond the destination. */
START_TEST(the_end_at_every_byte)
{
	put_reply(4 + 4 + 8);
	PUT(0, 8, 0x01020304, 0x05060708);
	size_t whole = wire.length;
	for (wire.length = 0; wire.length < whole; wire.length++) {
		char to[8];
		struct cu_reply reply = {.bulk = true, .to = to, .width = 8, .rows = 1, .pitch = 8};
		const char *failure = receive(&reply);
		ck_assert_msg(failure && strstr(failure, "closed"), "after %zu bytes: %s", wire.length, failure);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("receiver");
	TCase *cases = tcase_create("receiver");
	tcase_add_checked_fixture(cases, start, NULL);
	tcase_add_test(cases, a_result_is_kept);
	tcase_add_test(cases, an_error_is_kept_and_nothing_is_written);
	tcase_add_test(cases, bulk_data_goes_to_its_rows);
	tcase_add_test(cases, a_large_result_grows_as_it_arrives);
	tcase_add_test(cases, another_length_than_asked_for_is_refused);
	tcase_add_test(cases, a_blob_beyond_its_record_is_refused);
	tcase_add_test(cases, a_record_too_short_for_its_header_is_refused);
	tcase_add_test(cases, absurd_lengths_are_refused_before_memory_is_taken);
	tcase_add_test(cases, a_call_instead_of_a_reply_is_refused);
	tcase_add_test(cases, a_reply_to_nothing_is_refused);
	tcase_add_test(cases, rejections_are_errors_of_the_call);
	tcase_add_test(cases, the_end_at_every_byte);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}
