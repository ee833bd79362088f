/* Which libcuda.so.1 the sessions use. */
#ifndef SRV_DRIVER_CHOICE_H
#define SRV_DRIVER_CHOICE_H

#include "config.h"
#include "transport.h"

/* Tries the drivers that `name` ("auto", "gpu", "cpu", a path) stands for, each in a child process, since a driver
   that has been initialised cannot be handed to another process. Fills driver_path and driver_text, which says what
   was taken and why; false and `why` when none of them has a device. */
bool srv_driver_choose(const char *name, struct srv_config *config, struct cr_reason *why);

#endif
