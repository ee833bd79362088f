/* One RPC of the client, from its arguments to its result. */
#ifndef CU_CALL_H
#define CU_CALL_H

#include <rpc/rpc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "rpc_control.h"
#include "rpc_cuda.h"

struct cu_call {
	enum cu_function_id function;
	uint32_t xid;
	XDR *args; /* the arguments are encoded here between begin and end */
	XDR stream;
	size_t start; /* of the record in the output buffer */
	bool bulk;
	bool aside; /* false unless set behind begin: errors of earlier calls are left to others */
};

/* Blobs up to this size are copied into the stream; larger ones are sent from the caller's memory. */
#define CU_INLINE_MAX (64u << 10)

/* Begins a call in the calling thread's current context (CUDA_ERROR_INVALID_CONTEXT without one, unless the function is
   marked @noctx). After success the connection is locked: encode, then end. */
CUresult cu_call_begin(struct cu_call *call, enum cu_function_id function);

/* Ends a call whose result is `int err`: waits for it, or not if the function's class is async. `encoded`: did every
   argument fit? */
CUresult cu_call_end(struct cu_call *call, bool encoded);

/* Ends a call whose reply nobody waits for: an error is returned by the next call that waits. With CRICKET_SYNC=1 it is
   waited for all the same. */
CUresult cu_call_end_unawaited(struct cu_call *call, bool encoded);

/* Ends a call with a result union: waits and decodes its success arm into `result`, which xdr_free releases. */
CUresult cu_call_result(struct cu_call *call, bool encoded, xdrproc_t decode, void *result);

/* As above, and decodes the failure arm, if there is one, into `failure`. */
CUresult cu_call_result_or(struct cu_call *call, bool encoded, xdrproc_t decode, void *result, xdrproc_t decode_failure,
			   void *failure);

/* A call of class async whose last argument is a blob: begin, `encode` the arguments before it, the blob. */
typedef bool (*cu_encoder)(XDR *args, const void *arguments);
CUresult cu_call_with_blob(enum cu_function_id function, cu_encoder encode, const void *arguments, const void *data,
			   size_t length);

/* The same without looking whether a deferred copy is on its way to `data`. */
CUresult cu_call_with_blob_now(enum cu_function_id function, cu_encoder encode, const void *arguments, const void *data,
			       size_t length);

/* Where the blob of a reply goes: `rows` rows of `width` bytes, `pitch` apart. */
struct cu_rows {
	char *to;
	size_t width, rows, pitch;
};

/* A call of class deferred in `stream` (an id): the blob arrives before any later call returns that could observe it.
 */
CUresult cu_call_deferred(enum cu_function_id function, cu_encoder encode, const void *arguments, struct cu_rows rows,
			  u64 stream);

/* Waits for a stream, given by its id. */
CUresult cu_wait_for_stream(u64 stream);

/* Waits until no deferred copy into [data, data + size) is on its way. On the device a copy from there would come after
   it; here the memory is read, or given up, at once. Costs a round trip only where there is one. */
CUresult cu_settle(const void *data, size_t size);

#endif
