/* The stream through shared memory: both directions at once, sleeping and waking, ends and deaths, hostile peers. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "suite.h"
#include "transport_shm.h"

enum { RING = CR_SHM_BYTES_MIN, NOTICE_MS = 1000 };

#include "stream_tests.h"

static int memory;

static void setup(void)
{
	int ends[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	memory = cr_shm_create(RING);
	ck_assert_int_ge(memory, 0);
	server = cr_transport_from_socket(ends[0]);
	client = cr_transport_from_socket(ends[1]);
	ck_assert(cr_shm_enter(server, memory, CR_SHM_SERVER));
	ck_assert(cr_shm_enter(client, memory, CR_SHM_CLIENT));
}

static void close_memory(void)
{
	close(memory);
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void pause_ms(int milliseconds)
{
	poll(NULL, 0, milliseconds);
}

static int wait_readable(int epoll, int timeout_ms)
{
	struct epoll_event event;
	return epoll_wait(epoll, &event, 1, timeout_ms);
}

START_TEST(an_armed_stream_makes_its_socket_readable)
{
	char bytes[8];
	int epoll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP};
	ck_assert_int_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, server->fd, &event), 0);
	ck_assert_int_eq(send_bytes(client, 1, true), 1); /* nobody has asked */
	ck_assert_int_eq(wait_readable(epoll, 0), 0);
	ck_assert(server->ops->arm(server, true)); /* it is there already */
	ck_assert_int_eq(server->ops->receive(server, bytes, 8, true), 1);
	for (int i = 0; i < 3; i++) {
		ck_assert(!server->ops->arm(server, true));
		ck_assert_int_eq(wait_readable(epoll, 0), 0);
		ck_assert_int_eq(send_bytes(client, 1, true), 1);
		ck_assert_int_eq(wait_readable(epoll, 5000), 1);
		ck_assert_int_eq(server->ops->receive(server, bytes, 8, true), 1);
	}
	ck_assert(!server->ops->arm(server, true));
	ck_assert(!server->ops->arm(server, false));
	ck_assert_int_eq(send_bytes(client, 1, true), 1);
	ck_assert_int_eq(wait_readable(epoll, 0), 0);
	client->ops->close(client);
	client = NULL;
	ck_assert_int_eq(wait_readable(epoll, 5000), 1);
	close(epoll);
}
END_TEST

/* A child that is the client does `act`, says so on the pipe, and waits to be killed. */
static pid_t start_client(void (*act)(void))
{
	int ready[2];
	char byte;
	ck_assert_int_eq(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		/* The stream stays behind at fork: the child makes its own, on the same socket. */
		struct cr_transport *mine = cr_transport_from_socket(dup(client->fd));
		close(client->fd);
		close(server->fd);
		if (!mine || !cr_shm_enter(mine, memory, CR_SHM_CLIENT))
			_exit(1);
		client = mine;
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		act();
		for (;;)
			pause();
	}
	close(client->fd);
	client->fd = -1;
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return child;
}

static void do_nothing(void)
{
}

static void send_for_ever(void)
{
	while (send_bytes(client, 2 * RING, true) > 0)
		;
}

static void kill_client(pid_t child, int after_ms)
{
	pause_ms(after_ms);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void *kill_later(void *argument)
{
	kill_client((pid_t)(intptr_t)argument, 100);
	return NULL;
}

/* Runs until the stream ends; milliseconds from the death to that. */
static int64_t time_to_notice(void (*act)(void), bool sends)
{
	static char bytes[RING];
	pthread_t killer;
	pid_t child = start_client(act);
	ck_assert_int_eq(pthread_create(&killer, NULL, kill_later, (void *)(intptr_t)child), 0);
	int64_t start = now_ms();
	while ((sends ? send_bytes(server, RING, true) : server->ops->receive(server, bytes, sizeof(bytes), true)) > 0)
		;
	int64_t end = now_ms();
	pthread_join(killer, NULL);
	return end - start - 100;
}

START_TEST(a_dead_peer_is_noticed)
{
	int64_t waited = time_to_notice(do_nothing, false);
	ck_assert_msg(waited < NOTICE_MS, "%lld ms", (long long)waited);
}
END_TEST

START_TEST(a_peer_that_dies_while_it_sends_is_noticed)
{
	int64_t waited = time_to_notice(send_for_ever, false);
	ck_assert_msg(waited < NOTICE_MS, "%lld ms", (long long)waited);
}
END_TEST

START_TEST(a_peer_that_dies_and_does_not_read_is_noticed)
{
	int64_t waited = time_to_notice(do_nothing, true);
	ck_assert_msg(waited < NOTICE_MS, "%lld ms", (long long)waited);
}
END_TEST

/* The two positions of each ring are the first words of four cache lines. */
START_TEST(impossible_positions_end_the_stream)
{
	char byte;
	uint64_t *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	ck_assert_ptr_ne(words, MAP_FAILED);
	for (int i = 0; i < 4; i++)
		words[i * 8] = 1ull << 40;
	munmap(words, 4096);
	errno = 0;
	ck_assert_int_eq(server->ops->receive(server, &byte, 1, true), -1);
	ck_assert_int_eq(errno, EPROTO);
	ck_assert_int_eq(server->ops->receive(server, &byte, 1, true), -1);
	errno = 0;
	ck_assert_int_eq(send_bytes(client, 2 * RING, true), -1);
	ck_assert_int_eq(errno, EPROTO);
	ck_assert_int_eq(send_bytes(client, 1, true), -1);
	ck_assert_int_eq(errno, EPIPE);
}
END_TEST

static void check_refused(int bad, int error)
{
	struct cr_transport socket = {.ops = &cr_transport_socket_ops, .fd = server->fd};
	ck_assert_int_ge(bad, 0);
	errno = 0;
	ck_assert(!cr_shm_enter(&socket, bad, CR_SHM_CLIENT));
	ck_assert_int_eq(errno, error);
	ck_assert_ptr_eq(socket.ops, &cr_transport_socket_ops);
	close(bad);
}

static int sealed(off_t size, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_eq(ftruncate(fd, size), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

START_TEST(memory_that_cannot_be_relied_upon_is_refused)
{
	check_refused(sealed(4096 + 2 * RING, 0), EPERM);
	check_refused(sealed(4096 + 2 * RING, F_SEAL_GROW), EPERM);
	check_refused(sealed(0, F_SEAL_SHRINK), EINVAL);
	check_refused(sealed(4096, F_SEAL_SHRINK), EINVAL);
	check_refused(sealed(4096 + 2 * 5000, F_SEAL_SHRINK), EINVAL);
	check_refused(sealed(4096 + 2 * (off_t)CR_SHM_BYTES_MAX * 2, F_SEAL_SHRINK), EINVAL);
	check_refused(sealed(4096 + 2 * RING, F_SEAL_SHRINK | F_SEAL_WRITE), EPERM); /* mmap's */
	check_refused(open("/dev/zero", O_RDWR), EINVAL);
	ck_assert_int_eq(ftruncate(memory, 0), -1);
	ck_assert_int_eq(cr_shm_create(0), -1);
	ck_assert_int_eq(cr_shm_create(5000), -1);
	ck_assert_int_eq(cr_shm_create(2048), -1);
	ck_assert_int_eq(cr_shm_create((uint64_t)1 << 40), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shm stream");
	TCase *tests = tcase_create("shm stream");
	tcase_set_timeout(tests, 30);
	tcase_add_checked_fixture(tests, NULL, close_memory);
	add_stream_tests(tests);
	tcase_add_test(tests, an_armed_stream_makes_its_socket_readable);
	tcase_add_test(tests, a_dead_peer_is_noticed);
	tcase_add_test(tests, a_peer_that_dies_while_it_sends_is_noticed);
	tcase_add_test(tests, a_peer_that_dies_and_does_not_read_is_noticed);
	tcase_add_test(tests, impossible_positions_end_the_stream);
	tcase_add_test(tests, memory_that_cannot_be_relied_upon_is_refused);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
