/* Addresses, and streams over TCP and Unix sockets. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport.h"
#include "suite.h"

static struct cr_reason why;
static char folder[] = "/tmp/cricket-test-XXXXXX";
static char path[64];

static void setup(void)
{
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
}

static void teardown(void)
{
	unlink(path);
	rmdir(folder);
}

static struct cr_uri parse(const char *text)
{
	struct cr_uri uri;
	ck_assert_msg(cr_uri_parse(text, &uri, &why), "%s", why.text);
	return uri;
}

static struct cr_uri unix_uri(void)
{
	char text[96];
	snprintf(text, sizeof(text), "unix://%s", path);
	return parse(text);
}

START_TEST(addresses_are_read_and_written)
{
	static const char *const same[] = {"tcp://127.0.0.1:1",
					   "tcp://host.example:65535",
					   "tcp://[::1]:80",
					   "tcp://a:0",
					   "unix:///a/b c:d",
					   "shm:///a/b",
					   "rdma://10.0.0.1:1",
					   "rdma://[fe80::1]:14833",
					   "vsock://3:14833",
					   "vsock://any:0",
					   "vsock://4294967294:4294967294"};
	char text[400];
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		struct cr_uri uri = parse(same[i]);
		cr_uri_format(&uri, text, sizeof(text));
		ck_assert_str_eq(text, same[i]);
	}
	struct cr_uri uri = parse("tcp://gpu");
	ck_assert_uint_eq(uri.port, CR_DEFAULT_PORT);
	uri = parse("vsock://host");
	ck_assert_uint_eq(uri.cid, 2);
	ck_assert_uint_eq(uri.port, CR_DEFAULT_PORT);
	uri = parse("vsock://local:5");
	ck_assert_uint_eq(uri.cid, 1);
	uri = parse("tcp://[fe80::1]");
	ck_assert_str_eq(uri.host, "fe80::1");
	ck_assert_uint_eq(uri.port, CR_DEFAULT_PORT);
}
END_TEST

START_TEST(bad_addresses_are_refused)
{
	static const char *const bad[] = {
	    "",
	    "host:1",
	    "tcp:host",
	    "tcp://",
	    "tcp://:80",
	    "tcp://h:",
	    "tcp://h:x",
	    "tcp://h:65536",
	    "tcp://h:-1",
	    "tcp://h:1/",
	    "tcp://h/x",
	    "tcp://[::1",
	    "tcp://[::1]x",
	    "tcp://[]:1",
	    "tcp://::1",
	    "tcp://h:123456",
	    "unix://",
	    "unix:///",
	    "unix://relative",
	    "shm://",
	    "shm://relative",
	    "rdma://",
	    "rdma://h:x",
	    "vsock://",
	    "vsock://:1",
	    "vsock://guest:1",
	    "vsock://3:",
	    "vsock://3:x",
	    "vsock://3:1:",
	    "vsock://-1:1",
	    "vsock://4294967295:1",
	    "vsock://99999999999:1",
	    "vsock://3:4294967295",
	    "http://h:1",
	    "TCP://h:1",
	};
	struct cr_uri uri;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_msg(!cr_uri_parse(bad[i], &uri, &why), "%s was accepted", bad[i]);
		ck_assert_ptr_nonnull(strstr(why.text, bad[i]));
	}
	char longer[400] = "unix:///";
	memset(longer + 8, 'x', 107);
	ck_assert(!cr_uri_parse(longer, &uri, &why));
	longer[8 + 106] = '\0';
	ck_assert(cr_uri_parse(longer, &uri, &why));
	memcpy(longer, "tcp://xx", 8);
	memset(longer + 8, 'x', 300);
	ck_assert(!cr_uri_parse(longer, &uri, &why));
}
END_TEST

START_TEST(what_stays_on_the_machine)
{
	struct cr_uri uri;
	uri = parse("unix:///x");
	ck_assert(cr_uri_is_local(&uri));
	uri = parse("tcp://127.9.8.7");
	ck_assert(cr_uri_is_local(&uri));
	uri = parse("tcp://[::1]");
	ck_assert(cr_uri_is_local(&uri));
	uri = parse("shm:///x");
	ck_assert(cr_uri_is_local(&uri));
	uri = parse("vsock://local");
	ck_assert(cr_uri_is_local(&uri));
	uri = parse("vsock://any");
	ck_assert(!cr_uri_is_local(&uri));
	uri = parse("vsock://host");
	ck_assert(!cr_uri_is_local(&uri));
	uri = parse("tcp://0.0.0.0");
	ck_assert(!cr_uri_is_local(&uri));
	uri = parse("tcp://[::]");
	ck_assert(!cr_uri_is_local(&uri));
	uri = parse("tcp://192.0.2.1");
	ck_assert(!cr_uri_is_local(&uri));
}
END_TEST

struct pair {
	int listener;
	struct cr_transport *client, *server;
};

static struct pair connect_pair(struct cr_uri uri)
{
	struct pair pair;
	struct cr_uri bound;
	pair.listener = cr_transport_listen(&uri, &bound, &why);
	ck_assert_msg(pair.listener >= 0, "%s", why.text);
	pair.client = cr_transport_connect(&bound, 5000, &why);
	ck_assert_msg(pair.client != NULL, "%s", why.text);
	pair.server = cr_transport_from_socket(accept(pair.listener, NULL, NULL));
	ck_assert_ptr_nonnull(pair.server);
	return pair;
}

static void close_pair(struct pair *pair)
{
	pair->client->ops->close(pair->client);
	pair->server->ops->close(pair->server);
	close(pair->listener);
}

static void *send_much(void *transport)
{
	static char bytes[3 << 20];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 >> 2);
	struct iovec vector[] = {{bytes, 5}, {bytes, 0}, {bytes + 5, sizeof(bytes) - 5}};
	return cr_transport_send_all(transport, vector, 3) ? bytes : NULL;
}

static void check_stream(struct cr_uri uri)
{
	struct pair pair = connect_pair(uri);
	char *received = malloc(3 << 20);
	void *sent;
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, send_much, pair.client), 0);
	ck_assert(cr_transport_receive_all(pair.server, received, 3 << 20));
	pthread_join(thread, &sent);
	ck_assert_ptr_nonnull(sent);
	ck_assert(memcmp(received, sent, 3 << 20) == 0);
	ck_assert_int_eq(pair.server->ops->receive(pair.server, received, 1, false), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(pair.server->ops->poll(pair.server, POLLIN, 0), 0);
	pair.client->ops->shutdown(pair.client);
	ck_assert_int_eq(pair.server->ops->poll(pair.server, POLLIN, -1), 1);
	ck_assert(!cr_transport_receive_all(pair.server, received, 1));
	struct iovec vector = {received, 1};
	ck_assert(!cr_transport_send_all(pair.client, &vector, 1)); /* and no SIGPIPE */
	free(received);
	close_pair(&pair);
}

START_TEST(tcp_moves_bytes)
{
	check_stream(parse("tcp://127.0.0.1:0"));
}
END_TEST

START_TEST(unix_moves_bytes)
{
	check_stream(unix_uri());
}
END_TEST

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);
	ck_assert_int_eq(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

START_TEST(both_ends_have_the_options)
{
	struct pair pair = connect_pair(parse("tcp://127.0.0.1:0"));
	const int fds[] = {pair.client->fd, pair.server->fd};
	for (int i = 0; i < 2; i++) {
		ck_assert_int_ne(option(fds[i], IPPROTO_TCP, TCP_NODELAY), 0);
		ck_assert_int_ne(option(fds[i], SOL_SOCKET, SO_KEEPALIVE), 0);
		ck_assert_int_ne(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, 0);
		ck_assert_int_eq(fcntl(fds[i], F_GETFL) & O_NONBLOCK, 0);
	}
	close_pair(&pair);
}
END_TEST

START_TEST(a_busy_address_is_refused)
{
	struct cr_uri uri = parse("tcp://127.0.0.1:0"), bound, again;
	int listener = cr_transport_listen(&uri, &bound, &why);
	ck_assert_int_ge(listener, 0);
	ck_assert_uint_ne(bound.port, 0);
	ck_assert_int_eq(cr_transport_listen(&bound, &again, &why), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "another program listens there"));
	close(listener);
}
END_TEST

START_TEST(a_stale_path_is_taken_over_a_live_one_is_not)
{
	struct cr_uri uri = unix_uri(), bound;
	int first = cr_transport_listen(&uri, &bound, &why);
	ck_assert_int_ge(first, 0);
	ck_assert_int_eq(cr_transport_listen(&uri, &bound, &why), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "another program listens there"));
	close(first); /* the path stays */
	int second = cr_transport_listen(&uri, &bound, &why);
	ck_assert_msg(second >= 0, "%s", why.text);
	close(second);
}
END_TEST

START_TEST(a_file_at_the_path_is_left_alone)
{
	struct cr_uri uri = unix_uri(), bound;
	struct stat status;
	close(open(path, O_CREAT | O_WRONLY, 0600));
	ck_assert_int_eq(cr_transport_listen(&uri, &bound, &why), -1);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert(S_ISREG(status.st_mode));
}
END_TEST

START_TEST(nobody_listens)
{
	struct cr_uri uri = parse("tcp://127.0.0.1:0"), bound;
	close(cr_transport_listen(&uri, &bound, &why));
	errno = 0;
	ck_assert_ptr_null(cr_transport_connect(&bound, 5000, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "Connection refused"));
	ck_assert_int_eq(errno, 0);
	uri = unix_uri();
	ck_assert_ptr_null(cr_transport_connect(&uri, 5000, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "No such file"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transport");
	TCase *tests = tcase_create("transport");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, addresses_are_read_and_written);
	tcase_add_test(tests, bad_addresses_are_refused);
	tcase_add_test(tests, what_stays_on_the_machine);
	tcase_add_test(tests, tcp_moves_bytes);
	tcase_add_test(tests, unix_moves_bytes);
	tcase_add_test(tests, both_ends_have_the_options);
	tcase_add_test(tests, a_busy_address_is_refused);
	tcase_add_test(tests, a_stale_path_is_taken_over_a_live_one_is_not);
	tcase_add_test(tests, a_file_at_the_path_is_left_alone);
	tcase_add_test(tests, nobody_listens);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
