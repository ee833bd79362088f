/* A stream over vsock on one machine, which needs a kernel with vsock_loopback. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"
#include "transport.h"

static struct cr_uri bound;
static struct cr_reason why;
static int listener = -1;

/* Listens on any port, which the kernel chooses, and connects there. NULL and `why` where that cannot be. */
static struct cr_transport *try_connect(void)
{
	struct cr_uri uri;
	if (!cr_uri_parse("vsock://local:0", &uri, &why))
		return NULL;
	listener = cr_transport_listen(&uri, &bound, &why);
	return listener < 0 ? NULL : cr_transport_connect(&bound, 5000, &why);
}

START_TEST(vsock_moves_bytes)
{
	char received[6] = "";
	struct cr_transport *client = try_connect();
	ck_assert_msg(client, "%s", why.text);
	ck_assert_uint_ne(bound.port, 0);
	struct cr_transport *server = cr_transport_from_socket(accept(listener, NULL, NULL));
	struct iovec vector = {"hello", 5};
	ck_assert(cr_transport_send_all(client, &vector, 1));
	ck_assert(cr_transport_receive_all(server, received, 5));
	ck_assert_str_eq(received, "hello");
	client->ops->close(client);
	ck_assert(!cr_transport_receive_all(server, received, 1));
	server->ops->close(server);
	close(listener);
}
END_TEST

int main(void)
{
	struct cr_transport *probe = try_connect();
	if (!probe) {
		printf("SKIP: %s\n", why.text);
		return 77;
	}
	probe->ops->close(probe);
	close(listener);
	Suite *suite = suite_create("vsock");
	TCase *tests = tcase_create("vsock");
	tcase_add_test(tests, vsock_moves_bytes);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
