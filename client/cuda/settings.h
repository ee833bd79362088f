/* The environment variables of the client, read once at the first CUDA call. */
#ifndef CU_SETTINGS_H
#define CU_SETTINGS_H

#include <stdbool.h>

struct cu_settings {
	const char *server;     /* CRICKET_SERVER, or the default address */
	const char *token_file; /* CRICKET_TOKEN_FILE, or NULL */
	const char *trace;      /* CRICKET_TRACE, or NULL */
	const char *stats;      /* CRICKET_STATS, or NULL */
	bool synchronous;       /* CRICKET_SYNC=1: every call waits for its reply */
};

/* Also sets up the log from CRICKET_LOG. Thread-safe. */
const struct cu_settings *cu_settings(void);

#endif
