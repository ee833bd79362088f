/* A proxy between stream sockets that emulates a link: every byte arrives in order, a while later, at a limited rate.
 * A TCP handshake is not delayed: the proxy answers it itself. */
#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "relay.h"
#include "transport.h"

#define CONNECT_TIMEOUT_MS 5000
#define DELAY_MAX_MS 10000.0
#define RATE_MAX_MBIT 1e6
#define RATE_MIN_MBIT 0.001
#define SEGMENT_MAX (1 << 20)

struct options {
	struct cr_uri listen, connect;
	struct link link;
	bool has_connect;
};

struct connection {
	struct cr_transport *client, *server;
	struct relay up, down;
};

struct proxy {
	const struct options *options;
	int listener;
	struct connection **connections;
	struct pollfd *polled; /* the listener, then client and server of each connection */
	size_t count, room;
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

static uint64_t nanoseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- Connections ---- */

static void connection_free(struct connection *connection)
{
	relay_free(&connection->up);
	relay_free(&connection->down);
	if (connection->server)
		connection->server->ops->close(connection->server);
	connection->client->ops->close(connection->client);
	free(connection);
}

/* Reaches the server for a client that has just been accepted; NULL with a line on stderr if it cannot. */
static struct connection *connection_open(const struct options *options, struct cr_transport *client)
{
	struct cr_reason why = {"out of memory"};
	struct connection *connection = calloc(1, sizeof(*connection));
	if (!connection) {
		client->ops->close(client);
		return NULL;
	}
	connection->client = client;
	connection->server = cr_transport_connect(&options->connect, CONNECT_TIMEOUT_MS, &why);
	if (connection->server && relay_init(&connection->up, &options->link, client->fd, connection->server->fd) &&
	    relay_init(&connection->down, &options->link, connection->server->fd, client->fd))
		return connection;
	fprintf(stderr, "delay_proxy: %s\n", why.text);
	connection_free(connection);
	return NULL;
}

static bool proxy_grow(struct proxy *proxy)
{
	if (proxy->count < proxy->room)
		return true;
	size_t room = proxy->room ? 2 * proxy->room : 8;
	struct connection **connections = realloc(proxy->connections, room * sizeof(*connections));
	if (connections)
		proxy->connections = connections;
	struct pollfd *polled = realloc(proxy->polled, (1 + 2 * room) * sizeof(*polled));
	if (polled)
		proxy->polled = polled;
	if (!connections || !polled)
		return false;
	proxy->room = room;
	return true;
}

static void proxy_accept(struct proxy *proxy)
{
	int fd = accept(proxy->listener, NULL, NULL);
	if (fd < 0)
		return;
	struct cr_transport *client = proxy_grow(proxy) ? cr_transport_from_socket(fd) : NULL;
	if (!client) {
		close(fd);
		return;
	}
	struct connection *connection = connection_open(proxy->options, client);
	if (connection)
		proxy->connections[proxy->count++] = connection;
}

/* Moves what can be moved; false when the connection has ended, in order or not. */
static bool connection_step(struct connection *connection, const struct link *link, const struct pollfd *polled)
{
	uint64_t now = nanoseconds();
	short ready = POLLIN | POLLHUP | POLLERR;
	if (polled[0].revents & ready && relay_wants_input(&connection->up) &&
	    !relay_receive(&connection->up, link, now))
		return false;
	if (polled[1].revents & ready && relay_wants_input(&connection->down) &&
	    !relay_receive(&connection->down, link, now))
		return false;
	if (!relay_send(&connection->up, link, now) || !relay_send(&connection->down, link, now))
		return false;
	return !(connection->up.closed && connection->down.closed);
}

/* ---- The loop ---- */

static struct pollfd watch(int fd, const struct relay *in, const struct relay *out)
{
	short events = (short)((relay_wants_input(in) ? POLLIN : 0) | (out->blocked ? POLLOUT : 0));
	/* A socket that is watched for nothing would still report its hang-up, again and again. */
	return (struct pollfd){.fd = events ? fd : -1, .events = events};
}

/* Fills the poll set; the time at which something is due. */
static uint64_t proxy_prepare(struct proxy *proxy)
{
	uint64_t due = RELAY_NEVER;
	proxy->polled[0] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
	for (size_t i = 0; i < proxy->count; i++) {
		struct connection *one = proxy->connections[i];
		proxy->polled[1 + 2 * i] = watch(one->client->fd, &one->up, &one->down);
		proxy->polled[2 + 2 * i] = watch(one->server->fd, &one->down, &one->up);
		uint64_t up = relay_next_due(&one->up), down = relay_next_due(&one->down);
		due = up < due ? up : due;
		due = down < due ? down : due;
	}
	return due;
}

static int wait_until(struct proxy *proxy, uint64_t due, const sigset_t *mask)
{
	uint64_t now = nanoseconds(), left = due > now ? due - now : 0;
	struct timespec timeout = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
	return ppoll(proxy->polled, 1 + 2 * proxy->count, due == RELAY_NEVER ? NULL : &timeout, mask);
}

static void proxy_step(struct proxy *proxy)
{
	for (size_t i = proxy->count; i-- > 0;) {
		if (connection_step(proxy->connections[i], &proxy->options->link, &proxy->polled[1 + 2 * i]))
			continue;
		connection_free(proxy->connections[i]);
		proxy->connections[i] = proxy->connections[--proxy->count];
	}
	if (proxy->polled[0].revents & POLLIN)
		proxy_accept(proxy);
}

static int proxy_run(struct proxy *proxy, const sigset_t *mask)
{
	while (!stopped) {
		int ready = wait_until(proxy, proxy_prepare(proxy), mask);
		if (ready < 0 && errno != EINTR) {
			perror("delay_proxy: ppoll");
			return EXIT_FAILURE;
		}
		if (ready >= 0)
			proxy_step(proxy);
	}
	while (proxy->count > 0)
		connection_free(proxy->connections[--proxy->count]);
	return EXIT_SUCCESS;
}

/* SIGTERM and SIGINT are delivered while the proxy waits, and only then; *mask is the mask to wait with. */
static void catch_signals(sigset_t *mask)
{
	struct sigaction action = {.sa_handler = stop};
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, mask);
	sigdelset(mask, SIGTERM);
	sigdelset(mask, SIGINT);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

/* ---- Options ---- */

enum { KEY_LISTEN = 0x100, KEY_CONNECT, KEY_DELAY, KEY_RATE, KEY_SEGMENT };

static const struct argp_option option_list[] = {
    {"listen", KEY_LISTEN, "URI", 0, "tcp://HOST:PORT (port 0: a free one) or unix:///PATH; default tcp://127.0.0.1:0",
     0},
    {"connect", KEY_CONNECT, "URI", 0, "The server behind the link", 0},
    {"delay-ms", KEY_DELAY, "X", 0, "One-way delay in milliseconds, with decimals; default 0", 0},
    {"rate-mbit", KEY_RATE, "Y", 0, "Megabits per second each way; default: no limit", 0},
    {"segment", KEY_SEGMENT, "BYTES", 0, "Pass on at most so many bytes at once; default: no limit", 0},
    {0},
};

/* A number from `least` to `most`; else the usage error. */
static double parse_number(struct argp_state *state, const char *name, const char *text, double least, double most)
{
	char *end;
	errno = 0;
	double value = strtod(text, &end);
	if (errno || end == text || *end || !(value >= least && value <= most))
		argp_error(state, "--%s=%s: not a number from %g to %g", name, text, least, most);
	return value;
}

static void parse_address(struct argp_state *state, const char *name, const char *text, struct cr_uri *uri)
{
	struct cr_reason why;
	if (!cr_uri_parse(text, uri, &why))
		argp_error(state, "--%s: %s", name, why.text);
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
	struct options *options = state->input;
	switch (key) {
	case KEY_LISTEN:
		parse_address(state, "listen", text, &options->listen);
		return 0;
	case KEY_CONNECT:
		parse_address(state, "connect", text, &options->connect);
		options->has_connect = true;
		return 0;
	case KEY_DELAY:
		options->link.delay_ns = (uint64_t)(1e6 * parse_number(state, "delay-ms", text, 0, DELAY_MAX_MS));
		return 0;
	case KEY_RATE:
		options->link.ns_per_byte = 8e3 / parse_number(state, "rate-mbit", text, RATE_MIN_MBIT, RATE_MAX_MBIT);
		return 0;
	case KEY_SEGMENT:
		options->link.segment = (size_t)parse_number(state, "segment", text, 1, SEGMENT_MAX);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "%s: unexpected argument", text);
		return 0;
	case ARGP_KEY_END:
		if (!options->has_connect)
			argp_error(state, "--connect is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp parser = {
	    option_list, parse_option, NULL, "Passes connections on over an emulated link.", NULL, NULL, NULL};
	struct options options = {.listen = {.scheme = CR_SCHEME_TCP, .host = "127.0.0.1"}};
	struct proxy proxy = {.options = &options};
	struct cr_uri bound;
	struct cr_reason why;
	char text[384];
	sigset_t mask;

	argp_err_exit_status = 2;
	argp_parse(&parser, argc, argv, 0, NULL, &options);
	catch_signals(&mask);
	prctl(PR_SET_TIMERSLACK, 1UL); /* delays are shorter than the 50 µs by which timers may be late */
	proxy.listener = cr_transport_listen(&options.listen, &bound, &why);
	if (proxy.listener < 0 || !proxy_grow(&proxy)) {
		fprintf(stderr, "delay_proxy: %s\n", proxy.listener < 0 ? why.text : "out of memory");
		return EXIT_FAILURE;
	}
	cr_uri_format(&bound, text, sizeof(text));
	printf("listening on %s\n", text);
	fflush(stdout);
	int status = proxy_run(&proxy, &mask);
	close(proxy.listener);
	if (bound.scheme == CR_SCHEME_UNIX)
		unlink(bound.path);
	free(proxy.connections);
	free(proxy.polled);
	return status;
}
