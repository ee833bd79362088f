/* How a client asks for shared memory, and servers that refuse, do not know, lie or are silent. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"
#include "transport_shm.h"

enum { CALL_WORDS = 13, ENTER_WORDS = 11, ACCEPTED_WORDS = 8, TIMEOUT_MS = 5000 };

static struct cr_transport *client;
static struct cr_transport *server;

/* What the server answers, from words; and which descriptor goes with the first answer (-1: none). */
static struct script {
	uint32_t answers[2][ACCEPTED_WORDS];
	int words[2];
	int memory;
	uint32_t asked[2][CALL_WORDS];
} script;

static void setup(void)
{
	int ends[2];
	unsetenv("CRICKET_SHM_BYTES");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	client = cr_transport_from_socket(ends[0]);
	server = cr_transport_from_socket(ends[1]);
	script = (struct script){.answers = {{0x8000001c, 6, 1, 0, 0, 0, 0, 0}, {0x8000001c, 7, 1, 0, 0, 0, 0, 0}},
				 .words = {ACCEPTED_WORDS, ACCEPTED_WORDS},
				 .memory = -1};
}

static void teardown(void)
{
	client->ops->close(client);
	server->ops->close(server);
	if (script.memory >= 0)
		close(script.memory);
}

static void *play(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		uint32_t words[ACCEPTED_WORDS];
		size_t size = 4 * (i ? ENTER_WORDS : CALL_WORDS);
		if (!cr_transport_receive_all(server, script.asked[i], size))
			return NULL;
		for (int j = 0; j < script.words[i]; j++)
			words[j] = htonl(script.answers[i][j]);
		size = 4 * (size_t)script.words[i];
		struct iovec vector = {words, size};
		if (i == 0 && script.memory >= 0 ? !cr_shm_pass(server, words, size, script.memory)
						 : !cr_transport_send_all(server, &vector, 1))
			return NULL;
	}
	return NULL;
}

/* Lets the client ask while the server follows the script. */
static bool negotiate(bool *lost, struct cr_reason *why)
{
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, play, NULL), 0);
	bool agreed = cr_shm_negotiate(client, TIMEOUT_MS, lost, why);
	shutdown(client->fd, SHUT_WR); /* the server waits no longer */
	pthread_join(thread, NULL);
	return agreed;
}

static void check_goes_on_without(const char *problem)
{
	struct cr_reason why;
	bool lost;
	char byte;
	ck_assert(!negotiate(&lost, &why));
	ck_assert_msg(!lost, "%s", why.text);
	ck_assert_msg(strstr(why.text, problem), "%s", why.text);
	ck_assert_ptr_eq(client->ops, &cr_transport_socket_ops);
	struct iovec vector = {"x", 1};
	ck_assert(cr_transport_send_all(server, &vector, 1));
	ck_assert(cr_transport_receive_all(client, &byte, 1));
}

START_TEST(client_and_server_agree)
{
	struct cr_reason why;
	bool lost;
	char byte = 0;
	setenv("CRICKET_SHM_BYTES", "5000", 1);
	script.memory = cr_shm_create(8192);
	ck_assert_msg(negotiate(&lost, &why), "%s", why.text);
	ck_assert_uint_eq(ntohl(script.asked[0][6]), 6);
	ck_assert_uint_eq(ntohl(script.asked[0][12]), 8192);
	ck_assert_uint_eq(ntohl(script.asked[1][6]), 7);
	ck_assert(cr_shm_enter(server, script.memory, CR_SHM_SERVER));
	struct iovec vector = {"x", 1};
	ck_assert(cr_transport_send_all(server, &vector, 1));
	ck_assert_int_eq(client->ops->receive(client, &byte, 1, true), 1);
	ck_assert_int_eq(byte, 'x');
}
END_TEST

START_TEST(no_shared_memory_is_wanted)
{
	struct cr_reason why;
	bool lost;
	setenv("CRICKET_SHM_BYTES", "0", 1);
	ck_assert(!cr_shm_negotiate(client, TIMEOUT_MS, &lost, &why));
	ck_assert(!lost);
	ck_assert_ptr_nonnull(strstr(why.text, "CRICKET_SHM_BYTES"));
	ck_assert_int_eq(server->ops->receive(server, why.text, 1, false), -1); /* nothing was sent */
}
END_TEST

START_TEST(a_server_refuses)
{
	script.answers[0][7] = EBUSY;
	check_goes_on_without(strerror(EBUSY));
}
END_TEST

START_TEST(a_server_does_not_know_of_it)
{
	static const uint32_t unavailable[] = {0x80000018, 6, 1, 0, 0, 0, 3};
	memcpy(script.answers[0], unavailable, sizeof(unavailable));
	script.words[0] = 7;
	check_goes_on_without(strerror(ENOSYS));
}
END_TEST

START_TEST(a_server_wants_hello_first)
{
	static const uint32_t denied[] = {0x80000014, 6, 1, 1, 1, 5};
	memcpy(script.answers[0], denied, sizeof(denied));
	script.words[0] = 6;
	check_goes_on_without(strerror(ENOSYS));
}
END_TEST

START_TEST(the_descriptor_is_lost_on_the_way)
{
	check_goes_on_without(strerror(EBADF));
}
END_TEST

START_TEST(the_memory_is_bad)
{
	script.memory = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_eq(ftruncate(script.memory, 4096 + 2 * 4096), 0);
	check_goes_on_without(strerror(EPERM));
}
END_TEST

START_TEST(the_server_changes_its_mind)
{
	script.memory = cr_shm_create(4096);
	script.answers[1][7] = ENOENT;
	check_goes_on_without(strerror(ENOENT));
}
END_TEST

static void check_lost(void)
{
	struct cr_reason why;
	bool lost;
	ck_assert(!negotiate(&lost, &why));
	ck_assert(lost);
}

START_TEST(answers_that_are_none)
{
	static const uint32_t marks[] = {0x80000000, 0x80000008, 0x8000001e, 0x80000400, 0xffffffff, 0x0000001c};
	script.answers[0][0] = marks[_i];
	check_lost();
}
END_TEST

START_TEST(an_answer_to_something_else)
{
	script.answers[0][1 + _i] = 77;
	check_lost();
}
END_TEST

START_TEST(the_server_hangs_up)
{
	shutdown(server->fd, SHUT_WR);
	check_lost();
}
END_TEST

START_TEST(the_server_is_silent)
{
	struct cr_reason why;
	bool lost;
	ck_assert(!cr_shm_negotiate(client, 50, &lost, &why));
	ck_assert(lost);
	ck_assert_ptr_nonnull(strstr(why.text, strerror(ETIMEDOUT)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shm agreement");
	TCase *tests = tcase_create("shm agreement");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, client_and_server_agree);
	tcase_add_test(tests, no_shared_memory_is_wanted);
	tcase_add_test(tests, a_server_refuses);
	tcase_add_test(tests, a_server_does_not_know_of_it);
	tcase_add_test(tests, a_server_wants_hello_first);
	tcase_add_test(tests, the_descriptor_is_lost_on_the_way);
	tcase_add_test(tests, the_memory_is_bad);
	tcase_add_test(tests, the_server_changes_its_mind);
	tcase_add_loop_test(tests, answers_that_are_none, 0, 6);
	tcase_add_loop_test(tests, an_answer_to_something_else, 0, 2);
	tcase_add_test(tests, the_server_hangs_up);
	tcase_add_test(tests, the_server_is_silent);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
