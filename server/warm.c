#include "warm.h"

#include "descriptor.h"
#include "driver_start.h"
#include "log.h"
#include "session.h"

/* Programs use the first device unless they say otherwise. The reference is for the client's first retain of it, as
   that of the snapshot is. Without such a device the session is of use, too. */
static bool warm_up(struct srv_session *session)
{
	char problem[CRICKET_TEXT_MAX];
	CUcontext context;
	if (!srv_driver_start(session, problem)) {
		cr_log(CR_LOG_WARNING, "no warm session: %s", problem);
		return false;
	}
	if (SRV_DRIVER(cuDevicePrimaryCtxRetain, &context, 0) == CUDA_SUCCESS)
		session->spare_retains[0]++;
	return true;
}

int srv_warm_wait(struct srv_session *session, int socket)
{
	uint64_t number;
	int client = -1;
	if (!warm_up(session))
		return -1;
	ssize_t size = cr_receive_descriptor(socket, &number, sizeof(number), 0, &client);
	if (size != (ssize_t)sizeof(number) || client < 0)
		return -1; /* the listener has ended, and so does this process */
	session->config.session = number;
	session->config.warm = false;
	return client;
}

/* So few bytes never fill the socket. */
bool srv_warm_give(int socket, int client, uint64_t number)
{
	return cr_send_descriptor(socket, &number, sizeof(number), client) == (ssize_t)sizeof(number);
}
