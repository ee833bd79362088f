/* What the listener hands to a session process: through a memfd, so that the token is in no argv or environment. */
#ifndef SRV_CONFIG_H
#define SRV_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "rpc_control.h"

struct srv_config {
	uint64_t session;          /* number of the session, from 1 */
	int32_t log_level;         /* enum cr_log_level */
	int32_t listener;          /* pid of the parent */
	uint32_t busy;             /* refuse with HELLO_BUSY */
	uint32_t warm;             /* the client, and the number, come later: warm.h */
	uint32_t hello_timeout_ms; /* from the connection to a good HELLO */
	uint32_t token_size;       /* 0: no token asked for */
	char token[CRICKET_TOKEN_MAX];
	char driver_path[PATH_MAX];
	char driver_text[CRICKET_TEXT_MAX + 1]; /* for people */
};

/* A memfd (close-on-exec) with the configuration, or -1 with errno. */
int srv_config_write(const struct srv_config *config);

/* Reads the configuration from `fd` and closes it; false when it is not whole. */
bool srv_config_read(int fd, struct srv_config *config);

#endif
