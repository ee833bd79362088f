/* The life of the connection: made at the first cuInit, lost in a child of fork. */
#include <stdlib.h>

#include "hello.h"
#include "log.h"
#include "roles.h"
#include "settings.h"
#include "stats.h"

/* A child shares nothing with its parent's session: CUDA does not survive fork. */
static void lose_in_child(void)
{
	cu_mutex_reset(&cu_connection.lock);
	cu_condition_reset(&cu_connection.changed);
	cu_condition_reset(&cu_connection.to_send);
	cu_stats_forget();
	if (cu_connection.transport) {
		cu_connection.forked = true;
		cu_server_forget(cu_connection.transport);
	}
}

static CUresult open_transport(void)
{
	struct cr_reason why;
	bool valid;
	const char *server = cu_settings()->server;
	cu_connection.transport = cu_server_connect(server, &valid, &why);
	if (cu_connection.transport)
		return CUDA_SUCCESS;
	if (valid)
		cr_log(CR_LOG_ERROR, "no cricket-server at %s: %s. Start one there, or name another in CRICKET_SERVER",
		       server, why.text);
	else
		cr_log(CR_LOG_ERROR, "CRICKET_SERVER=%s: %s", server, why.text);
	return valid ? CUDA_ERROR_NO_DEVICE : CUDA_ERROR_INVALID_VALUE;
}

static bool allocate(void)
{
	cu_connection.out.data = cu_connection.out.data ? cu_connection.out.data : malloc(CU_OUTPUT_SIZE);
	cu_connection.spare.data = cu_connection.spare.data ? cu_connection.spare.data : malloc(CU_OUTPUT_SIZE);
	cu_connection.receiver = cu_receiver_create(cu_connection.transport);
	return cu_connection.out.data && cu_connection.spare.data && cu_connection.receiver;
}

/* After a refusal the next cuInit may try again. */
static void close_transport(void)
{
	cu_receiver_destroy(cu_connection.receiver);
	cu_connection.transport->ops->close(cu_connection.transport);
	cu_connection.receiver = NULL;
	cu_connection.transport = NULL;
	cu_connection.out.used = 0;
	cu_connection.broken = CUDA_SUCCESS;
}

static CUresult connect_once(void)
{
	CUresult err = open_transport();
	if (err)
		return err;
	if (!allocate()) {
		close_transport();
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	cu_connection.oneway = !cu_settings()->synchronous;
	err = cu_hello(cu_connection.oneway);
	if (!err && cu_has_threads() && !cu_connection_start_sender()) {
		cr_log(CR_LOG_ERROR, "the sender thread cannot be started");
		err = CUDA_ERROR_OPERATING_SYSTEM;
	}
	if (err)
		close_transport();
	return err;
}

CUresult cu_connect(void)
{
	static struct cu_mutex connecting = CU_MUTEX_INIT;
	static bool prepared;
	if (cu_connection.forked)
		return CUDA_ERROR_NOT_INITIALIZED;
	cu_mutex_lock(&connecting);
	if (!prepared)
		prepared = cu_at_fork(lose_in_child);
	CUresult err = cu_connection.connected ? cu_connection.broken : connect_once();
	cu_connection.connected = cu_connection.connected || !err;
	cu_mutex_unlock(&connecting);
	return err;
}
