/* The listening process: accepts clients and starts a session process for each. */
#ifndef SRV_LISTENER_H
#define SRV_LISTENER_H

#include "options.h"

/* Listens until SIGTERM or SIGINT, then ends all sessions. Returns the exit status of the process; 1 with `why` when
   the address cannot be taken. `config` is what the sessions get. */
int srv_listen(const struct srv_options *options, struct srv_config *config, struct cr_reason *why);

#endif
