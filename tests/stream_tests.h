/* What every stream through rings must do, whoever moves their bytes. For a test program that has defined RING, the
 * bytes of a ring. */
#ifndef TESTS_STREAM_TESTS_H
#define TESTS_STREAM_TESTS_H

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "exchange.h"

/* The two ends, made before each test by the program's `setup`. */
static struct cr_transport *server, *client;
static void setup(void);

static void teardown(void)
{
	if (server)
		server->ops->close(server);
	if (client)
		client->ops->close(client);
}

static ssize_t send_bytes(struct cr_transport *transport, size_t size, bool wait)
{
	static const char zeros[4 * RING];
	struct iovec vector = {(void *)(uintptr_t)zeros, size};
	return transport->ops->send(transport, &vector, 1, wait);
}

START_TEST(both_directions_at_once)
{
	struct exchange exchanges[4] = {{server, 3 << 20, RING, 1},
					{client, 3 << 20, RING, 2},
					{client, 2 << 20, RING, 3},
					{server, 2 << 20, RING, 4}};
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, i % 2 ? exchange_receive : exchange_send, &exchanges[i]), 0);
	for (int i = 0; i < 4; i++) {
		void *problem;
		pthread_join(threads[i], &problem);
		ck_assert_msg(!problem, "thread %d: %s", i, (char *)problem);
	}
}
END_TEST

START_TEST(nothing_there_and_no_room)
{
	char byte;
	errno = 0;
	ck_assert_int_eq(client->ops->receive(client, &byte, 1, false), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(client->ops->poll(client, POLLIN, 0), 0);
	ck_assert_int_eq(client->ops->poll(client, POLLIN, 60), 0);
	ck_assert_int_eq(client->ops->poll(client, POLLIN | POLLOUT, 60), 1);
	ck_assert_int_eq(send_bytes(client, 2 * RING, false), RING);
	ck_assert_int_eq(send_bytes(client, 1, false), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(client->ops->poll(client, POLLOUT, 0), 0);
	ck_assert_int_eq(client->ops->poll(client, POLLIN | POLLOUT, 60), 0);
	ck_assert_int_eq(server->ops->poll(server, POLLIN, 5000), 1);
}
END_TEST

START_TEST(what_was_sent_before_the_end_arrives)
{
	char bytes[10];
	ck_assert_int_eq(send_bytes(client, 7, true), 7);
	client->ops->close(client);
	client = NULL;
	ck_assert_int_eq(server->ops->receive(server, bytes, sizeof(bytes), true), 7);
	ck_assert_int_eq(server->ops->receive(server, bytes, sizeof(bytes), true), 0);
	ck_assert_int_eq(server->ops->receive(server, bytes, sizeof(bytes), false), 0);
	ck_assert_int_eq(server->ops->poll(server, POLLIN, -1), 1);
	ck_assert_int_eq(send_bytes(server, 1, true), -1);
	ck_assert_int_eq(errno, EPIPE);
}
END_TEST

static void *receive_byte(void *unused)
{
	char byte;
	(void)unused;
	return (void *)(intptr_t)server->ops->receive(server, &byte, 1, true);
}

/* Pauses shorter and longer than any sleep of a transport: whatever the receiver is doing, it wakes. */
START_TEST(a_receiver_wakes)
{
	static const int pauses[] = {0, 0, 1, 5, 19, 20, 21, 40, 80};
	for (size_t i = 0; i < sizeof(pauses) / sizeof(*pauses); i++) {
		pthread_t thread;
		void *received;
		ck_assert_int_eq(pthread_create(&thread, NULL, receive_byte, NULL), 0);
		poll(NULL, 0, pauses[i]);
		ck_assert_int_eq(send_bytes(client, 1, true), 1);
		pthread_join(thread, &received);
		ck_assert_int_eq((intptr_t)received, 1);
	}
}
END_TEST

START_TEST(shutdown_wakes_a_receiver)
{
	static const int pauses[] = {0, 5, 60};
	for (size_t i = 0; i < sizeof(pauses) / sizeof(*pauses); i++) {
		pthread_t thread;
		void *received;
		ck_assert_int_eq(pthread_create(&thread, NULL, receive_byte, NULL), 0);
		poll(NULL, 0, pauses[i]);
		server->ops->shutdown(server);
		pthread_join(thread, &received);
		ck_assert_int_eq((intptr_t)received, 0);
		ck_assert_int_eq(send_bytes(server, 1, true), -1);
		teardown();
		setup();
	}
}
END_TEST

static void add_stream_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, both_directions_at_once);
	tcase_add_test(tests, nothing_there_and_no_room);
	tcase_add_test(tests, what_was_sent_before_the_end_arrives);
	tcase_add_test(tests, a_receiver_wakes);
	tcase_add_test(tests, shutdown_wakes_a_receiver);
}

#endif
