/* Memory that the client gives out by itself: addresses of a device granted to it in advance, and memory set aside, so
   that an allocation needs no answer. The client decides where; what it asks for is mapped there, in the order of the
   stream. Each mapping belongs to a context and ends with it. All functions are the leader's (stream.h). */
#ifndef SRV_GRANT_H
#define SRV_GRANT_H

#include "session.h"

/* Reserves addresses and memory on `device`, or tells what was reserved before; a size of 0 where the driver cannot do
   that. */
CUresult srv_grant_open(struct srv_session *session, CUdevice device, memory_grant *grant);

/* Begins an allocation of `context`: maps what is to be mapped, to memory that was set aside (`reserved`) or fresh, and
   opens the allocation's bytes. CUDA_ERROR_INVALID_VALUE for addresses outside a grant, CUDA_ERROR_OUT_OF_MEMORY. */
CUresult srv_grant_alloc(struct srv_session *session, CUcontext context, const carved_memory *memory, bool reserved);

/* Sets memory aside again, as far as there is any; how many bytes are set aside then for the grant of `address`. */
u64 srv_grant_refill(struct srv_session *session, u64 address);

/* Ends an allocation, which nothing uses any more. */
CUresult srv_grant_free(struct srv_session *session, const carved_memory *memory);

/* Bytes that are set aside on `device`. */
u64 srv_grant_reserve(const struct srv_session *session, CUdevice device);

/* Ends the mappings of a context that has ended. */
void srv_grant_forget_context(struct srv_session *session, CUcontext context);

/* Frees the tables; the memory goes with the process. */
void srv_grants_free(struct srv_session *session);

#endif
