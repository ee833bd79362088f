#include "options.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SESSIONS_LIMIT 4096
#define WARM_LIMIT 256

enum {
	KEY_LISTEN = 0x100,
	KEY_DRIVER,
	KEY_TOKEN_FILE,
	KEY_MAX_SESSIONS,
	KEY_WARM,
	KEY_LOG,
	KEY_HELLO_TIMEOUT,
	KEY_SESSION
};

/* argp looks for it by name, so it must not be hidden. */
__attribute__((visibility("default"))) const char *argp_program_version = "cricket-server " CRICKET_VERSION;

static const char description[] =
    "Makes the CUDA calls of programs that run elsewhere, on this machine's GPU or on a CPU device."
    "\vExit status: 0 after SIGTERM or SIGINT, 1 when the server cannot run, 2 for a wrong command line.";

static const struct argp_option option_list[] = {
    {"listen", KEY_LISTEN, "URI", 0,
     "tcp://HOST:PORT (port 0: a free one; also for rdma://HOST:PORT), unix:///PATH (also for shm:///PATH) or "
     "vsock://CID:PORT (CID any: all); "
     "default tcp://127.0.0.1:14833",
     0},
    {"driver", KEY_DRIVER, "auto|gpu|cpu|PATH", 0,
     "The libcuda.so.1 to use. auto (default): the system's if it reports a device, else the CPU device", 0},
    {"token-file", KEY_TOKEN_FILE, "FILE", 0, "Clients must show the token in FILE; needed beyond loopback", 0},
    {"max-sessions", KEY_MAX_SESSIONS, "N", 0, "Serve at most N clients at a time; default 64", 0},
    {"warm", KEY_WARM, "N", 0,
     "Keep N sessions ready, with the driver started and the first device's context made; default 0", 0},
    {"log", KEY_LOG, "none|error|warning|info|debug", 0, "What to log to stderr; default info", 0},
    {"hello-timeout", KEY_HELLO_TIMEOUT, "MS", OPTION_HIDDEN, "Time a client has to introduce itself; default 10000",
     0},
    {"session", KEY_SESSION, "SOCKET,CONFIG", OPTION_HIDDEN, "This process is a session", 0},
    {0},
};

/* A number from `least` to `most`; else the usage error. */
static unsigned parse_number(struct argp_state *state, const char *name, const char *text, unsigned least,
			     unsigned most)
{
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < least || value > most)
		argp_error(state, "--%s=%s: not a number from %u to %u", name, text, least, most);
	return (unsigned)value;
}

static void parse_driver(struct argp_state *state, const char *text, struct srv_options *options)
{
	if (strcmp(text, "auto") != 0 && strcmp(text, "gpu") != 0 && strcmp(text, "cpu") != 0 && !strchr(text, '/'))
		argp_error(state, "--driver=%s: neither auto, gpu, cpu nor a path with a /", text);
	options->driver = text;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
	struct srv_options *options = state->input;
	struct cr_reason why;
	switch (key) {
	case KEY_LISTEN:
		if (!cr_uri_parse(text, &options->listen, &why))
			argp_error(state, "--listen: %s", why.text);
		return 0;
	case KEY_DRIVER:
		parse_driver(state, text, options);
		return 0;
	case KEY_WARM:
		options->warm = parse_number(state, "warm", text, 0, WARM_LIMIT);
		return 0;
	case KEY_TOKEN_FILE:
		options->token_file = text;
		return 0;
	case KEY_MAX_SESSIONS:
		options->max_sessions = parse_number(state, "max-sessions", text, 1, MAX_SESSIONS_LIMIT);
		return 0;
	case KEY_LOG:
		if (!cr_log_parse(text, &options->log_level))
			argp_error(state, "--log=%s: not one of none, error, warning, info, debug", text);
		return 0;
	case KEY_HELLO_TIMEOUT:
		options->hello_timeout_ms = parse_number(state, "hello-timeout", text, 1, 3600000);
		return 0;
	case KEY_SESSION:
		if (sscanf(text, "%d,%d", &options->session_socket, &options->session_config) != 2)
			argp_error(state, "--session is internal");
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "%s: unexpected argument", text);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void srv_options_parse(struct srv_options *options, int argc, char **argv)
{
	static const struct argp parser = {option_list, parse_option, NULL, description, NULL, NULL, NULL};
	*options = (struct srv_options){
	    .listen = {.scheme = CR_SCHEME_TCP, .host = "127.0.0.1", .port = CR_DEFAULT_PORT},
	    .driver = "auto",
	    .max_sessions = 64,
	    .hello_timeout_ms = 10000,
	    .log_level = CR_LOG_INFO,
	    .session_socket = -1,
	    .session_config = -1,
	};
	argp_err_exit_status = 2;
	argp_parse(&parser, argc, argv, 0, NULL, options);
}

bool srv_token_read(const char *path, struct srv_config *config, struct cr_reason *why)
{
	char text[CRICKET_TOKEN_MAX + 2];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text));
	int error = errno;
	if (fd >= 0)
		close(fd);
	if (size < 0) {
		snprintf(why->text, sizeof(why->text), "--token-file %.300s: %s; name a file that this user can read",
			 path, strerror(error));
		return false;
	}
	while (size > 0 && strchr(" \t\r\n", text[size - 1]))
		size--;
	if (size == 0 || size > CRICKET_TOKEN_MAX) {
		snprintf(why->text, sizeof(why->text), "--token-file %.300s: a token has 1 to %d bytes", path,
			 CRICKET_TOKEN_MAX);
		return false;
	}
	memcpy(config->token, text, (size_t)size);
	config->token_size = (uint32_t)size;
	return true;
}
