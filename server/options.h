/* The command line of cricket-server. */
#ifndef SRV_OPTIONS_H
#define SRV_OPTIONS_H

#include <stdint.h>

#include "config.h"
#include "log.h"
#include "transport.h"

struct srv_options {
	struct cr_uri listen;
	const char *driver;     /* "auto", "gpu", "cpu" or a path */
	const char *token_file; /* NULL: no token */
	unsigned max_sessions;
	unsigned warm; /* sessions that are kept ready for clients to come */
	unsigned hello_timeout_ms;
	enum cr_log_level log_level;
	int session_socket; /* -1, or this process is a session: the client's socket ... */
	int session_config; /* ... and the memfd of its configuration */
};

/* Parses the command line; a bad one ends the process with a usage line and status 2, --help and --version with 0. */
void srv_options_parse(struct srv_options *options, int argc, char **argv);

/* Reads the token (without white space at its end) into `config`; false and `why` when it is unusable. */
bool srv_token_read(const char *path, struct srv_config *config, struct cr_reason *why);

#endif
