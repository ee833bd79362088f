/* Opening the driver in a session's process. */
#ifndef SRV_DRIVER_START_H
#define SRV_DRIVER_START_H

#include <stdbool.h>

#include "rpc_control.h"

struct srv_session;

/* Opens and initialises the driver that the configuration names, unless that has been done. False and what is wrong,
   for the client's user. */
bool srv_driver_start(struct srv_session *session, char problem[CRICKET_TEXT_MAX]);

#endif
