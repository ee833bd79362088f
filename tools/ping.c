/* `cricket ping`: times NULL calls of the control program, which a server answers without authentication. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <rpc/rpc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	     "  --server URI  the server: " CLI_SERVER_KINDS "\n"
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

/* A call of the NULL procedure without credentials, and the reply to it, as on the wire (RFC 5531, sections 9 and 11).
 */
enum { CALL_WORDS = 11, REPLY_WORDS = 7 };
static const uint32_t last_fragment = 0x80000000u;

static bool send_call(struct cr_transport *transport, uint32_t xid)
{
	uint32_t words[CALL_WORDS] = {last_fragment | (4 * CALL_WORDS - 4),
				      xid,
				      CALL,
				      RPC_MSG_VERSION,
				      CONTROL_PROGRAM,
				      CONTROL_VERSION,
				      NULLPROC};

	for (int i = 0; i < CALL_WORDS; i++)
		words[i] = htonl(words[i]);
	struct iovec vector = {words, sizeof(words)};
	return cr_transport_send_all(transport, &vector, 1);
}

/* Receives a reply; NULL, or what is wrong with it. */
static const char *receive_reply(struct cr_transport *transport, uint32_t xid)
{
	const uint32_t expected[REPLY_WORDS] = {
	    last_fragment | (4 * REPLY_WORDS - 4), xid, REPLY, MSG_ACCEPTED, AUTH_NONE, 0, SUCCESS};
	uint32_t words[REPLY_WORDS];

	for (size_t at = 0; at < sizeof(words);) {
		int ready = transport->ops->poll(transport, POLLIN, 1000 * CALL_TIMEOUT_SECONDS);
		if (ready == 0)
			return "no reply came in time";
		ssize_t received =
		    ready < 0 ? -1 : transport->ops->receive(transport, (char *)words + at, sizeof(words) - at, true);
		if (received <= 0)
			return received < 0 ? strerror(errno) : "the connection was closed";
		at += (size_t)received;
	}
	for (int i = 0; i < REPLY_WORDS; i++) {
		if (ntohl(words[i]) != expected[i])
			return "the reply is not that of a cricket-server";
	}
	return NULL;
}

/* Makes `count` calls and stores the microseconds of each; CLI_FAILED with a message at the first failure. */
static int measure(struct cr_transport *transport, const char *server, double *microseconds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		double start = seconds();
		bool sent = send_call(transport, (uint32_t)i + 1);
		const char *problem = sent ? receive_reply(transport, (uint32_t)i + 1) : strerror(errno);
		if (problem)
			return cli_fail(CLI_FAILED, "ping: %s: call %zu: %s; is a cricket-server there?", server, i + 1,
					problem);
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

static int ping_transport(struct cr_transport *transport, const char *server, size_t count)
{
	double *microseconds = calloc(count, sizeof(*microseconds));

	if (!microseconds)
		return cli_fail(CLI_FAILED, "ping: no memory for %zu times; choose a smaller --count", count);
	int status = measure(transport, server, microseconds, count);
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
	struct cr_transport *transport = cr_transport_connect_server(&uri, CONNECT_TIMEOUT_MS, &why);
	if (!transport)
		return cli_fail(CLI_FAILED, "ping: %s; start cricket-server there, or name another with --server",
				why.text);
	int status = ping_transport(transport, server, count);
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
