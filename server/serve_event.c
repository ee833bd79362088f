/* Events: the wait that brings the elapsed time along. */
#include "handlers.h"

bool serve_cricketEventWait(struct srv_call *call)
{
	u64 id, start_id;
	CUevent event = NULL, start = NULL;
	elapsed_time elapsed = {0};
	if (!xdr_u64(call->args, &id) || !xdr_u64(call->args, &start_id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = srv_find_event(call, id, &event);
	if (!err)
		err = srv_find_event(call, start_id, &start);
	if (!err)
		err = SRV_DRIVER(cuEventSynchronize, event);
	if (!err)
		elapsed.err = SRV_DRIVER(cuEventElapsedTime, &elapsed.milliseconds, start, event);
	return srv_reply(call, err) && (err || xdr_elapsed_time(call->result, &elapsed));
}
