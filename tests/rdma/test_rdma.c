/* The stream over RDMA: both directions at once, sleeping and waking, ends and deaths, hostile peers. It needs an RDMA
 * device that has the address in CRICKET_TEST_RDMA_ADDRESS; guest.py makes one. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "suite.h"
#include "transport_rdma.h"

enum { RING = CR_RDMA_BYTES_MIN };

#include "stream_tests.h"

static struct cr_rdma *rings[2];
static struct cr_endpoint endpoints[2];

/* A TCP connection between the address and itself. */
static void connect_sockets(int ends[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	ck_assert_int_eq(inet_pton(AF_INET, getenv("CRICKET_TEST_RDMA_ADDRESS"), &address.sin_addr), 1);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(ends[0], (struct sockaddr *)&address, size), 0);
	ends[1] = accept(listener, NULL, NULL);
	ck_assert_int_ge(ends[1], 0);
	close(listener);
}

static void setup(void)
{
	int ends[2];
	connect_sockets(ends);
	for (int i = 0; i < 2; i++) {
		rings[i] = cr_rdma_create(ends[i], RING, &endpoints[i]);
		ck_assert_msg(rings[i], "%s", strerror(errno));
	}
	for (int i = 0; i < 2; i++)
		ck_assert_msg(cr_rdma_connect(rings[i], &endpoints[!i]), "%s", strerror(errno));
	server = cr_transport_from_socket(ends[0]);
	client = cr_transport_from_socket(ends[1]);
	cr_rdma_enter(server, rings[0]);
	cr_rdma_enter(client, rings[1]);
}

/* More writes than the peer notices at a time, of a byte each. */
START_TEST(many_small_sends)
{
	struct exchange exchanges[2] = {{server, 20000, 1, 1}, {client, 20000, 4000, 2}};
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, i % 2 ? exchange_receive : exchange_send, &exchanges[i]), 0);
	for (int i = 0; i < 2; i++) {
		void *problem;
		pthread_join(threads[i], &problem);
		ck_assert_msg(!problem, "thread %d: %s", i, (char *)problem);
	}
}
END_TEST

START_TEST(a_finished_direction_ends_after_its_bytes)
{
	char bytes[10];
	ck_assert_int_eq(send_bytes(client, 7, true), 7);
	client->ops->finish(client);
	ck_assert_int_eq(server->ops->receive(server, bytes, sizeof(bytes), true), 7);
	ck_assert_int_eq(server->ops->receive(server, bytes, sizeof(bytes), true), 0);
}
END_TEST

START_TEST(an_armed_stream_can_be_watched)
{
	char bytes[8];
	int epoll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN};
	ck_assert_int_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, server->watch_fd, &event), 0);
	ck_assert_int_eq(send_bytes(client, 1, true), 1);
	ck_assert_int_eq(server->ops->poll(server, POLLIN, 5000), 1);
	ck_assert(server->ops->arm(server, true)); /* it is there already */
	ck_assert_int_eq(server->ops->receive(server, bytes, 8, true), 1);
	for (int i = 0; i < 3; i++) {
		ck_assert(!server->ops->arm(server, true));
		ck_assert_int_eq(send_bytes(client, 1, true), 1);
		ck_assert_int_eq(epoll_wait(epoll, &event, 1, 5000), 1);
		ck_assert_int_eq(server->ops->receive(server, bytes, 8, true), 1);
	}
	ck_assert(!server->ops->arm(server, false));
	close(epoll);
}
END_TEST

/* A peer that dies closes its socket without a word. */
START_TEST(a_dead_peer_is_noticed)
{
	char byte;
	shutdown(client->fd, SHUT_RDWR);
	ck_assert_int_eq(server->ops->receive(server, &byte, 1, true), 0);
	ck_assert_int_eq(send_bytes(server, 1, true), -1);
}
END_TEST

/* Writes of the client by hand: `word` and the counters of the server's header. */
static void forge(uint64_t bytes, uint64_t writes, uint32_t word)
{
	int ends[2];
	const uint64_t credit[2] = {bytes, writes};
	struct cr_endpoint mine, theirs;
	static char memory[4096];
	char byte;
	connect_sockets(ends);
	struct cr_rdma *victim = cr_rdma_create(ends[0], RING, &theirs);
	struct cr_queue *forger = cr_queue_create(ends[1], memory, sizeof(memory), &mine);
	ck_assert(victim && forger);
	mine.bytes = RING;
	ck_assert(cr_rdma_connect(victim, &mine));
	ck_assert(cr_queue_connect(forger, &mine, &theirs));
	struct cr_transport *transport = cr_transport_from_socket(ends[0]);
	cr_rdma_enter(transport, victim);
	ck_assert(cr_queue_write(forger, NULL, credit, sizeof(credit), 0, word));
	ck_assert_int_eq(transport->ops->receive(transport, &byte, 1, true), 0);
	ck_assert_int_eq(send_bytes(transport, 1, true), -1);
	ck_assert_int_eq(errno, EPIPE);
	transport->ops->close(transport);
	cr_queue_destroy(forger);
	close(ends[1]);
}

START_TEST(impossible_numbers_end_the_stream)
{
	forge(1, 0, UINT32_MAX);
	forge(0, 1, UINT32_MAX);
	forge(UINT64_MAX, UINT64_MAX, UINT32_MAX);
	forge(0, 0, RING + 1);
	forge(0, 0, 0);
}
END_TEST

START_TEST(bad_endpoints_are_refused)
{
	int ends[2];
	struct cr_endpoint mine, bad = endpoints[1];
	connect_sockets(ends);
	struct cr_rdma *one = cr_rdma_create(ends[0], RING, &mine);
	ck_assert_ptr_nonnull(one);
	bad.bytes = 2 * RING;
	ck_assert(!cr_rdma_connect(one, &bad));
	ck_assert_int_eq(errno, EPROTO);
	bad.bytes = RING;
	bad.mtu = 99;
	ck_assert(!cr_rdma_connect(one, &bad));
	ck_assert_int_eq(errno, EPROTO);
	cr_rdma_destroy(one);
	ck_assert_ptr_null(cr_rdma_create(ends[0], 0, &mine));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(cr_rdma_create(ends[0], 3 * RING, &mine));
	ck_assert_ptr_null(cr_rdma_create(ends[0], (uint64_t)1 << 40, &mine));
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(endpoints_travel_as_words)
{
	uint32_t words[CR_ENDPOINT_WORDS];
	cr_endpoint_to_words(&endpoints[0], words);
	struct cr_endpoint same = cr_endpoint_from_words(words);
	ck_assert_mem_eq(same.gid, endpoints[0].gid, sizeof(same.gid));
	ck_assert_uint_eq(same.queue, endpoints[0].queue);
	ck_assert_uint_eq(same.sequence, endpoints[0].sequence);
	ck_assert_uint_eq(same.memory, endpoints[0].memory);
	ck_assert_uint_eq(same.key, endpoints[0].key);
	ck_assert_uint_eq(same.bytes, RING);
}
END_TEST

int main(void)
{
	if (!getenv("CRICKET_TEST_RDMA_ADDRESS")) {
		puts("SKIP: CRICKET_TEST_RDMA_ADDRESS names no address of an RDMA device");
		return 77;
	}
	Suite *suite = suite_create("rdma");
	TCase *tests = tcase_create("rdma");
	tcase_set_timeout(tests, 120);
	add_stream_tests(tests);
	tcase_add_test(tests, many_small_sends);
	tcase_add_test(tests, a_finished_direction_ends_after_its_bytes);
	tcase_add_test(tests, an_armed_stream_can_be_watched);
	tcase_add_test(tests, a_dead_peer_is_noticed);
	tcase_add_test(tests, impossible_numbers_end_the_stream);
	tcase_add_test(tests, bad_endpoints_are_refused);
	tcase_add_test(tests, endpoints_travel_as_words);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
