/* Made by proto/gen.py from proto/small.x. Do not edit: change the description instead. */

#ifndef SRV_HANDLERS_H
#define SRV_HANDLERS_H

#include "call.h"

/* Handlers written by hand, for what the C prototype alone does not say. */
bool serve_cuMemcpyHtoD_v2(struct srv_call *call);
bool serve_smallOwn(struct srv_call *call);

#endif
