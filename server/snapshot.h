/* CONTROL_SNAPSHOT: what the driver says about its devices, so that clients need not ask. */
#ifndef SRV_SNAPSHOT_H
#define SRV_SNAPSHOT_H

#include "dispatch.h"

bool srv_serve_snapshot(struct srv_control *control);

#endif
