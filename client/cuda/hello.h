/* The beginning of a session: HELLO and the snapshot of the server's devices. */
#ifndef CU_HELLO_H
#define CU_HELLO_H

#include "call.h"

/* Says HELLO on the fresh connection and fetches the snapshot. Logs a refusal with its remedy. */
CUresult cu_hello(bool oneway);

/* What the server has; valid after cuInit has succeeded, until the process ends. */
const server_snapshot *cu_server_snapshot(void);

/* CUDA version of the server's driver, as cuDriverGetVersion gives it. */
int cu_server_driver_version(void);

#endif
