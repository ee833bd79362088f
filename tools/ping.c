/* `cricket ping`: times NULL calls of the control program, which a server answers without authentication. */
#include <errno.h>
#include <getopt.h>
#include <rpc/rpc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "cli.h"
#include "transport.h"

/* CRICKET_CONTROL and its version in proto/rpc_control.x; numbers of a protocol never change. */
#define CONTROL_PROGRAM 0x20008098
#define CONTROL_VERSION 1

#define CONNECT_TIMEOUT_MS 5000
#define CALL_TIMEOUT_SECONDS 5
#define COUNT_MAX 10000000

static int usage(void)
{
	puts("Usage: cricket ping [--server URI] [--count N]\n"
	     "Measures how long a call to a server takes that does nothing.\n\n"
	     "  --server URI  the server: tcp://HOST:PORT or unix:///PATH\n"
	     "                (default: CRICKET_SERVER, else " CLI_DEFAULT_SERVER ")\n"
	     "  --count N     calls to make (default 1000)\n"
	     "  --help        show this help");
	return CLI_OK;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Arguments and result of the NULL procedure. (xdr_void lacks the type that clnt_call takes.) */
static bool_t xdr_nothing(XDR *xdr, ...)
{
	(void)xdr;
	return TRUE;
}

/* Makes `count` calls and stores the microseconds of each; CLI_FAILED with a message at the first failure. */
static int measure(CLIENT *client, const char *server, double *microseconds, size_t count)
{
	const struct timeval timeout = {.tv_sec = CALL_TIMEOUT_SECONDS};

	for (size_t i = 0; i < count; i++) {
		double start = seconds();
		enum clnt_stat status = clnt_call(client, NULLPROC, xdr_nothing, NULL, xdr_nothing, NULL, timeout);
		if (status != RPC_SUCCESS)
			return cli_fail(CLI_FAILED, "ping: %s: call %zu: %s; is a cricket-server there?", server, i + 1,
					clnt_sperrno(status));
		microseconds[i] = 1e6 * (seconds() - start);
	}
	return CLI_OK;
}

static int ascending(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* The smallest time that at least `percent` of 100 of the sorted times do not exceed (nearest rank). */
static double percentile(const double *sorted, size_t count, unsigned int percent)
{
	size_t rank = (count * percent + 99) / 100;

	return sorted[rank > 0 ? rank - 1 : 0];
}

static void report(const char *server, double *microseconds, size_t count)
{
	qsort(microseconds, count, sizeof(*microseconds), ascending);
	printf("%s: %zu calls, round trip in microseconds: min %.1f, p50 %.1f, p90 %.1f, p99 %.1f, max %.1f\n", server,
	       count, microseconds[0], percentile(microseconds, count, 50), percentile(microseconds, count, 90),
	       percentile(microseconds, count, 99), microseconds[count - 1]);
}

/* An RPC client on the connected socket `fd`, which stays the caller's; NULL and a message on failure. */
static CLIENT *create_client(int fd, const char *server)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	if (getpeername(fd, (struct sockaddr *)&address, &length) != 0) {
		cli_fail(CLI_FAILED, "ping: %s: %s", server, strerror(errno));
		return NULL;
	}
	const struct netbuf peer = {.maxlen = length, .len = length, .buf = &address};
	CLIENT *client = clnt_vc_create(fd, &peer, CONTROL_PROGRAM, CONTROL_VERSION, 0, 0);
	if (!client)
		cli_fail(CLI_FAILED, "ping:%s", clnt_spcreateerror(server));
	return client;
}

static int ping_socket(int fd, const char *server, size_t count)
{
	double *microseconds = calloc(count, sizeof(*microseconds));
	CLIENT *client = microseconds ? create_client(fd, server) : NULL;
	int status = CLI_FAILED;

	if (!microseconds)
		cli_fail(status, "ping: no memory for %zu times; choose a smaller --count", count);
	if (client) {
		status = measure(client, server, microseconds, count);
		clnt_destroy(client);
	}
	if (status == CLI_OK)
		report(server, microseconds, count);
	free(microseconds);
	return status;
}

static int ping(const char *server, size_t count)
{
	struct cr_reason why;
	struct cr_uri uri;

	if (!cr_uri_parse(server, &uri, &why))
		return cli_fail(CLI_USAGE, "ping: %s", why.text);
	struct cr_transport *transport = cr_transport_connect(&uri, CONNECT_TIMEOUT_MS, &why);
	if (!transport)
		return cli_fail(CLI_FAILED, "ping: %s; start cricket-server there, or name another with --server",
				why.text);
	int status = ping_socket(transport->fd, server, count);
	transport->ops->close(transport);
	return status;
}

/* 0 if `text` is not a number from 1 to COUNT_MAX. */
static size_t parse_count(const char *text)
{
	char *end;

	errno = 0;
	long value = strtol(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && value >= 1 && value <= COUNT_MAX ? (size_t)value : 0;
}

int cmd_ping(int argc, char **argv)
{
	static const struct option table[] = {
	    {"server", required_argument, NULL, 's'},
	    {"count", required_argument, NULL, 'c'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	const char *server = NULL;
	size_t count = 1000;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
		if (option == 'h')
			return usage();
		if (option == 's')
			server = optarg;
		else if (option != 'c')
			return cli_bad_option("ping", argv[optind - 1], option == ':');
		else if ((count = parse_count(optarg)) == 0)
			return cli_fail(CLI_USAGE, "ping: --count needs a number from 1 to %d, not '%s'", COUNT_MAX,
					optarg);
	}
	if (optind < argc)
		return cli_fail(CLI_USAGE, "ping: unexpected argument '%s'", argv[optind]);
	return ping(cli_server(server), count);
}
